"""Kills runs at random moments with SIGKILL and holds every lake against one that nothing disturbed.

    python kills.py SPARKLAKE LOGS… [--kills 200] [--seed N]

A lake is killed up to two times, then a run may end: its tables must hold the rows of the undisturbed lake, by
count and checksum, and no unfinished batch may be left. Stops at the first difference and keeps that lake.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shards_on_s3 import Checksums, checksums

KILLS_A_LAKE = 2
LEFTOVERS = ("open", "pending", "analysis", "runs")
"""Folders below `_sparklake` that hold what is unfinished."""


def start(sparklake: str, logs: list[str], lake: Path) -> subprocess.Popen[bytes]:
    """A run that loads the logs and judges them."""
    sources = [argument for log in logs for argument in ("--event-logs", log)]
    command = [sparklake, "-q", "run", *sources, "--lake", str(lake)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(sparklake: str, logs: list[str], lake: Path) -> float:
    """Runs to the end; the seconds that it took."""
    began = time.monotonic()
    run = start(sparklake, logs, lake)
    _, errors = run.communicate()
    if run.returncode not in (0, 3):
        raise SystemExit(f"a run ended with {run.returncode}: {errors.decode()[-2000:]}")
    return time.monotonic() - began


def kill(sparklake: str, logs: list[str], lake: Path, longest: float) -> float | None:
    """Starts a run and kills it; after how many seconds, or None where it was faster."""
    moment = random.uniform(0.0, longest)
    run = start(sparklake, logs, lake)
    try:
        run.wait(moment)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return moment
    run.communicate()
    return None


def faults(lake: Path, expected: Checksums) -> list[str]:
    """What is not as in the undisturbed lake."""
    found = checksums(lake)
    differences = [
        f"{table}: {found.get(table)} instead of {rows}" for table, rows in expected.items() if found.get(table) != rows
    ]
    differences += [f"{table} is no table of the undisturbed lake" for table in found.keys() - expected.keys()]
    for folder in LEFTOVERS:
        left = lake / "_sparklake" / folder
        differences += [f"left over: {path}" for path in (left.iterdir() if left.is_dir() else ())]
    return differences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sparklake")
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    random.seed(seed)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    lake = folder / "undisturbed"
    took = finish(arguments.sparklake, arguments.logs, lake)
    expected = checksums(lake)
    rows = sum(count for count, _ in expected.values())
    print(f"seed {seed}: {len(expected)} tables, {rows} rows, an undisturbed run takes {took:.1f} s", flush=True)
    killed = lakes = 0
    while killed < arguments.kills:
        lake = folder / "killed"
        shutil.rmtree(lake, ignore_errors=True)
        moments = []
        for _ in range(min(KILLS_A_LAKE, arguments.kills - killed)):
            moment = kill(arguments.sparklake, arguments.logs, lake, took)
            if moment is None:
                break
            moments.append(f"{moment:.2f} s")
        took = finish(arguments.sparklake, arguments.logs, lake)
        killed += len(moments)
        lakes += 1
        if differences := faults(lake, expected):
            print(f"killed after {', '.join(moments)}: {lake}\n" + "\n".join(differences))
            sys.exit(1)
        if lakes % 10 == 0:
            print(f"{killed} kills, {lakes} lakes: all equal", flush=True)
    print(f"{killed} kills, {lakes} lakes: the same rows in each")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
