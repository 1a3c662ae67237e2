#!/usr/bin/env python3
"""Makes a folder of many small event logs: a fleet of recurring jobs over many days.

    python many_applications.py OUT APPLICATIONS [--days 60]

The logs are copies of the small single-file logs of this repository's fixtures. Every copy has an application id and times
of its own; a job is one fixture under one name (`nightly-17-skewed-join`) and runs once a day, so that 30,000 applications
in 60 days are 500 jobs. Needs pyarrow.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pyarrow as pa

FIXTURES = Path(__file__).resolve().parent.parent / "tests/fixtures/logs"
# Larger logs than this, decoded, are left out.
LARGEST_BYTES = 300_000
# Milliseconds since 1970 of the days on which the fixtures were made; ids of local applications contain one.
MOMENT = re.compile(rb"(?<!\d)179[56]\d{9}(?!\d)")
# Ids of standalone clusters.
STANDALONE = re.compile(rb"app-20\d{12}-\d{4}")
NAME = re.compile(rb'("App Name":"|"spark\.app\.name":")([^"]*)"')
DAY_MS = 86_400_000


def sources() -> list[tuple[str, bytes]]:
    """The fixtures' complete small logs, decoded, by application id."""
    found = []
    for path in sorted([*FIXTURES.glob("spark3*/*-*.zstd"), *FIXTURES.glob("spark4*/eventlog_v2_*/events_1_*.zstd")]):
        done = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=False)
        text = done.stdout
        is_whole = done.returncode == 0 and b'{"Event":"SparkListenerApplicationEnd"' in text
        if is_whole and len(text) <= LARGEST_BYTES:
            found.append((path.name.removeprefix("events_1_").removesuffix(".zstd"), text))
    return found


def main() -> None:
    """Writes the logs, compressed, named by their application."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("applications", type=int)
    parser.add_argument("--days", type=int, default=60)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bases = sources()
    jobs = max(options.applications // options.days, 1)
    for number in range(options.applications):
        day, job = divmod(number, jobs)
        fixture, text = bases[job % len(bases)]
        # The fixtures' day is the last one; jobs of a day start a second apart.
        shift = (day + 1 - options.days) * DAY_MS + job * 1_000

        def moved(found: re.Match[bytes]) -> bytes:
            return b"%d" % (int(found[0]) + shift)

        text = MOMENT.sub(moved, text)
        application = f"app-{20_260_000_000_000 + number:014}-{job % 10_000:04}".encode()
        text = STANDALONE.sub(application, text)
        text = NAME.sub(rb'\g<1>nightly-%d-\g<2>"' % job, text)
        if fixture.startswith("local-"):
            application = MOMENT.sub(moved, fixture.encode())
        name = application.decode()
        codec = pa.Codec("zstd", compression_level=6)
        (options.out / f"{name}.zstd").write_bytes(codec.compress(text, asbytes=True))
    written = list(options.out.iterdir())
    print(f"{len(written)} logs of {len(bases)} fixtures, {sum(path.stat().st_size for path in written) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
