#!/usr/bin/env python3
"""A night of many small applications: how long it takes, what it leaves, and what a second night costs.

    benches/night.py SPARKLAKE LOG OUT_DIR [COPIES]

SPARKLAKE is the program, LOG an uncompressed event log, OUT_DIR an empty folder. Each of the COPIES (500) copies of the log
tells of an application of its own. Prints the time of the first run, the files and rows of each table, and the time
of a second run over the same logs.
"""
import json
import pathlib
import re
import subprocess
import sys
import time


def make_copies(log: pathlib.Path, folder: pathlib.Path, copies: int) -> None:
    """Writes copies of a log that differ in the application's id."""
    text = log.read_text(encoding="utf-8")
    found = re.search(r'"App ID":"([^"]+)"', text)
    if not found:
        sys.exit(f"{log} has no application id")
    folder.mkdir(parents=True)
    for number in range(copies):
        name = f"{found[1]}-{number:04}"
        (folder / name).write_text(text.replace(f'"App ID":"{found[1]}"', f'"App ID":"{name}"'), encoding="utf-8")


def run(program: str, logs: pathlib.Path, lake: pathlib.Path) -> tuple[float, dict]:
    """One run; its wall time in seconds and its summary."""
    started = time.monotonic()
    output = subprocess.run(
        [program, "--quiet", "run", "--event-logs", str(logs), "--lake", str(lake)],
        check=True, capture_output=True, text=True,
    ).stdout
    return time.monotonic() - started, json.loads(output.splitlines()[-1])


def main() -> None:
    program, log, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    copies = int(sys.argv[4]) if len(sys.argv) > 4 else 500
    logs, lake = out / "logs", out / "lake"
    make_copies(log, logs, copies)
    first, summary = run(program, logs, lake)
    print(f"first night: {first:.2f} s, {summary['loaded']} loaded, {summary['rows']} rows")
    for table in sorted(path for path in lake.iterdir() if (path / "_delta_log").is_dir()):
        files = list(table.rglob("*.parquet"))
        files = [file for file in files if "_delta_log" not in file.parts]
        print(f"  {table.name:<20} {len(files):>4} files {sum(file.stat().st_size for file in files):>12} bytes")
    second, summary = run(program, logs, lake)
    print(f"second night: {second:.2f} s, {summary['unchanged']} unchanged, {summary['loaded']} loaded")


if __name__ == "__main__":
    main()
