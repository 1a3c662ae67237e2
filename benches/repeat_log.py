#!/usr/bin/env python3
"""Makes a log some times longer, to see how memory follows the length of a log.

    python3 repeat_log.py LOG TIMES OUT        # LOG is an uncompressed event log

What the application did comes TIMES times, each time with ids of its own for jobs, stages, tasks, SQL executions, RDDs and
accumulators; its start and its end come once. Times are left as they are: the repetitions are queries that ran side by side
with nothing in common.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ID = re.compile(
    rb'"(?:Job ID|Stage ID|Task ID|RDD ID|ID|accumulatorId|executionId|rootExecutionId)":(\d+)'
    rb'|"(?:Stage IDs|Parent IDs)":\[([\d,]+)\]'
    rb'|"accumUpdates":\[(\[[\d,\[\]-]+\])\]'
    rb'|"spark\.sql\.execution\.(?:root\.)?id":"(\d+)"'
)
NUMBER = re.compile(rb"\d+")
DRIVER_UPDATE = re.compile(rb"\[(\d+),")
ONCE_AT_THE_END = b'{"Event":"SparkListenerApplicationEnd"'
REPEATED = re.compile(
    rb'\{"Event":"(?:SparkListener(?:Job|Stage|Task|SpeculativeTask|UnpersistRDD)|org\.apache\.spark\.sql\.)'
)


def ids_of(line: bytes) -> list[tuple[int, int]]:
    """Where the numbers stand in the line that are ids."""
    places = []
    for found in ID.finditer(line):
        group = found.lastindex or 0
        start, end = found.span(group)
        if group == 2:
            places += [number.span() for number in NUMBER.finditer(line, start, end)]
        elif group == 3:
            places += [update.span(1) for update in DRIVER_UPDATE.finditer(line, start, end)]
        else:
            places.append((start, end))
    return places


def shifted(line: bytes, by: int) -> bytes:
    """The line with every id larger by the same number."""
    parts, at = [], 0
    for start, end in ids_of(line):
        parts += [line[at:start], b"%d" % (int(line[start:end]) + by)]
        at = end
    parts.append(line[at:])
    return b"".join(parts)


def main() -> None:
    """Writes the longer log."""
    log, times, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    step = 1
    with log.open("rb") as source:
        for line in source:
            if REPEATED.match(line):
                step = max([step, *(int(line[start:end]) + 1 for start, end in ids_of(line))])
    with out.open("wb", buffering=1 << 22) as target:
        for number in range(times):
            with log.open("rb") as source:
                for line in source:
                    if REPEATED.match(line):
                        target.write(shifted(line, number * step) if number else line)
                    elif number == (times - 1 if line.startswith(ONCE_AT_THE_END) else 0):
                        target.write(line)


if __name__ == "__main__":
    main()
