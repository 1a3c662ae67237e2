"""Writes down what the real Spark History Server answers for a set of event logs, as JSON files.

    python history_server_truth.py OUT_DIR LOGS… [--spark-home DIR]

LOGS are logs or folders of logs. Run it with a Python that has PySpark, or name a Spark with --spark-home. The output:

    OUT_DIR/version.json, applications.json, not_listed.json
    OUT_DIR/<application>/<attempt, or 0>/  jobs.json  stages.json  allexecutors.json  processes.json  rdd_storage.json
                                            sql.json  environment.json
                                            tasks/<stage>_<attempt>.json  task_summary/<stage>_<attempt>.json

`compare_history_server.py` holds a lake against it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from history_server import HistoryServer, Json, history_server, spark_home_of

QUANTILES = "0.0,0.25,0.5,0.75,1.0"
NOT_LOGS = {".gz", ".tsv", ".md"}

PAGES = {
    "jobs": "jobs",
    "stages": f"stages?details=true&withSummaries=true&quantiles={QUANTILES}",
    "allexecutors": "allexecutors",
    "processes": "allmiscellaneousprocess",
    "rdd_storage": "storage/rdd",
    "sql": "sql?details=true&planDescription=true&length=100000",
    "environment": "environment",
}


def logs_below(path: Path) -> Iterable[Path]:
    """Every event log at or below a path: single files, and folders of rolling logs as a whole."""
    if path.name.startswith(".") or path.suffix in NOT_LOGS:
        return
    if path.is_file() or path.name.startswith("eventlog_v2_"):
        yield path
    else:
        for child in sorted(path.iterdir()):
            yield from logs_below(child)


def link_into(folder: Path, logs: Iterable[Path]) -> list[str]:
    """Links the logs into one flat folder, which is all that the server reads; gives their names."""
    names = []
    for log in logs:
        (folder / log.name).symlink_to(log.resolve())
        names.append(log.name)
    return names


def write_json(path: Path, content: Json) -> None:
    """Writes JSON that people can read and `diff`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def dump_attempt(server: HistoryServer, rest_path: str, out_dir: Path) -> None:
    """Everything that is compared about one application attempt. `null` stands for a 404."""
    pages = {name: server.get(f"applications/{rest_path}/{page}") for name, page in PAGES.items()}
    for name, content in pages.items():
        write_json(out_dir / f"{name}.json", content)
    for stage in pages["stages"] or []:
        name = f"{stage['stageId']}_{stage['attemptId']}.json"
        stage_path = f"applications/{rest_path}/stages/{stage['stageId']}/{stage['attemptId']}"
        write_json(out_dir / "tasks" / name, server.get(f"{stage_path}/taskList?length=1000000"))
        write_json(out_dir / "task_summary" / name, server.get(f"{stage_path}/taskSummary?quantiles={QUANTILES}"))


def missing_logs(names: Iterable[str], applications: Json) -> list[str]:
    """Logs of which the server shows nothing. Log names begin with the application's id in lower case."""
    listed = [application["id"].lower() for application in applications]
    return [name for name in names if not any(id_ in name for id_ in listed)]


def dump(server: HistoryServer, names: list[str], out_dir: Path, seconds: float) -> list[str]:
    """Writes the whole truth; gives the logs that the server does not list."""
    try:
        applications = server.wait_for_applications(len(names), seconds)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        applications = server.get("applications") or []
    not_listed = missing_logs(names, applications)
    write_json(out_dir / "version.json", server.get("version"))
    write_json(out_dir / "applications.json", applications)
    write_json(out_dir / "not_listed.json", not_listed)
    for application in applications:
        for attempt in application["attempts"]:
            attempt_id = attempt.get("attemptId")
            rest_path = application["id"] if attempt_id is None else f"{application['id']}/{attempt_id}"
            print(f"{application['name']}: {rest_path}", flush=True)
            dump_attempt(server, rest_path, out_dir / application["id"] / (attempt_id or "0"))
    return not_listed


def main() -> None:
    """Reads the command line, serves the logs and dumps the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--spark-home", type=Path, help="default: the PySpark of this Python")
    parser.add_argument("--seconds", type=float, default=120, help="how long to wait until all logs are listed")
    arguments = parser.parse_args()
    spark_home = arguments.spark_home or spark_home_of(Path(sys.executable))
    with tempfile.TemporaryDirectory(prefix="event-logs-") as folder:
        names = link_into(Path(folder), [log for path in arguments.logs for log in logs_below(path)])
        with history_server(spark_home, Path(folder)) as server:
            not_listed = dump(server, names, arguments.out_dir, arguments.seconds)
    for name in not_listed:
        print(f"not listed by the History Server: {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
