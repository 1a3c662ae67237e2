"""Loads from the real History Server by both ways: raw logs, and the walk over REST.

    cargo build --release && python benches/history_server.py --spark-home DIR
    python benches/history_server.py --spark-home DIR --copies 20 --program path/to/sparklake

The server serves every log of tests/fixtures, and `--copies` of the large ones under ids of their own. For each way: wall time of the
run, rows, rows a second, and requests an application, counted in the program's own log. The last line is what the same walk takes at
one request a second, the pace of the original notebooks.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

from history_server import history_server  # noqa: E402
from history_server_truth import link_into, logs_below  # noqa: E402

PLAIN_LOGS = ["spark35/local-1795193760469"]
"""Logs as text, of which copies can be made."""

JOB_FILE = """
[[source]]
kind = "history_server"
uris = ["{url}"]
access = "{access}"
"""


@dataclass
class Night:
    """One run over all applications."""

    seconds: float
    rows: int
    applications: int
    requests: collections.Counter[str]

    def __str__(self) -> str:
        requests = self.requests.total()
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.requests.items()))
        return (
            f"{self.seconds:7.1f} s  {self.rows} rows, {self.rows / self.seconds:.0f} a second; "
            f"{requests} requests, {requests / max(self.applications, 1):.1f} an application ({kinds})"
        )


def copy_logs(folder: Path, copies: int) -> list[str]:
    """Copies of the plain logs under ids of their own."""
    names = []
    for log in PLAIN_LOGS:
        source = ROOT / "tests" / "fixtures" / "logs" / log
        text = source.read_text(encoding="utf-8")
        for number in range(copies):
            name = f"{source.name}-{number}"
            (folder / name).write_text(text.replace(source.name, name), encoding="utf-8")
            names.append(name)
    return names


def load(program: Path, url: str, access: str, work: Path) -> Night:
    """One run into a new lake."""
    job_file, lake = work / f"{access}.toml", work / access
    job_file.write_text(JOB_FILE.format(url=url.removesuffix("/api/v1") + "/", access=access), encoding="utf-8")
    command = [str(program), "run", str(job_file), "--lake", str(lake), "--include-running", "--log-level", "debug", "--log-format", "json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARKLAKE_")}
    started = time.monotonic()
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    seconds = time.monotonic() - started
    if run.returncode not in {0, 3}:
        raise RuntimeError(f"{access}: exit code {run.returncode}\n{run.stderr[-3000:]}")
    summary = json.loads(run.stdout.splitlines()[-1])
    lines = (json.loads(line) for line in run.stderr.splitlines() if line.startswith("{"))
    requests = collections.Counter(line["endpoint"] for line in lines if line.get("message") == "answered")
    return Night(seconds, summary["rows"], summary["loaded"] + summary.get("partial", 0), requests)


def main() -> None:
    """Reads the command line, serves, loads twice, reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spark-home", type=Path, required=True)
    parser.add_argument("--program", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "sparklake")
    parser.add_argument("--copies", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-history-server-") as folder:
        work = Path(folder)
        logs = work / "logs"
        logs.mkdir()
        fixtures = [ROOT / "tests" / "fixtures" / "logs" / version for version in ("spark35", "spark4")]
        names = link_into(logs, [log for path in fixtures for log in logs_below(path)])
        names += copy_logs(logs, arguments.copies)
        with history_server(arguments.spark_home, logs) as server:
            server.wait_for_applications(len(names))
            nights = {access: load(arguments.program, server.url, access, work) for access in ("log", "rest")}
    for access, night in nights.items():
        print(f"{access:4} {night}")
    walk = nights["rest"]
    requests = walk.requests.total()
    print(f"the same walk at one request a second: {requests} s, {walk.rows / requests:.0f} rows a second")


if __name__ == "__main__":
    main()
