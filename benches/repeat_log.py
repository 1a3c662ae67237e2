#!/usr/bin/env python3
"""Makes a log some times longer, to see how memory follows the length of a log.

    python3 repeat_log.py LOG TIMES OUT        # LOG is an uncompressed event log

What the application did comes TIMES times, each time with ids of its own for jobs, stages, tasks, SQL executions, RDDs and
accumulators; its start and its end come once. Times are left as they are: the repetitions are queries that ran side by side
with nothing in common.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
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


def main() -> None:
    """Writes the longer log: each repetition into a file of its own, which are then put together."""
    log, times, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    parts = [out.with_name(f"{out.name}.part{number}") for number in range(times)]
    step = largest_id(log) + 1
    with contextlib.ExitStack() as files:
        source = files.enter_context(log.open("rb"))
        targets = [files.enter_context(part.open("wb", buffering=1 << 20)) for part in parts]
        for line in source:
            if not REPEATED.match(line):
                targets[-1 if line.startswith(ONCE_AT_THE_END) else 0].write(line)
                continue
            texts, ids = cut(line)
            for number, target in enumerate(targets):
                shifted = (b"%d" % (id_ + number * step) for id_ in ids)
                target.write(b"".join(itertools.chain.from_iterable(zip(texts, shifted))) + texts[-1])
    with out.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 22)
            part.unlink()


def largest_id(log: Path) -> int:
    """The largest of all ids of the log."""
    with log.open("rb") as source:
        return max(id_ for line in source if REPEATED.match(line) for id_ in cut(line)[1])


def cut(line: bytes) -> tuple[list[bytes], list[int]]:
    """The line's texts between ids, one more than ids; and the ids."""
    texts, ids, at = [], [], 0
    for start, end in ids_of(line):
        texts.append(line[at:start])
        ids.append(int(line[start:end]))
        at = end
    return [*texts, line[at:]], ids


if __name__ == "__main__":
    main()
