"""Reads new event logs into the lake every night, and tidies the lake on Sundays.

Works in Airflow 2.10 and 3. The summary of the run is the XCom of its task: later tasks read
`loaded`, `findings`, `worst` or `problems` from it. The exit code decides: 3 (something was
quarantined, the rest is loaded) counts as success with warnings; 4 (another run holds the lake) and
75 (no source could be reached) are worth a retry, everything else is not.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from datetime import datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

PROGRAM = os.environ.get("SPARKLAKE_PROGRAM", "sparklake")
JOB_FILE = os.environ.get("SPARKLAKE_JOB_FILE", "/etc/sparklake/job.toml")
DONE, PARTIAL, HELD, UNREACHABLE = 0, 3, 4, 75


def sparklake(*arguments: str) -> str:
    """Runs the program; its log goes to the task's log, its output is returned."""
    command = [PROGRAM, "--log-format", "json", *arguments]
    # A file, not a second pipe: nobody would read it while the log is read.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        with subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True) as running:
            try:
                for line in running.stderr:
                    logging.info(line.rstrip())
            except BaseException:
                # A task that is cleared, or that took too long, takes its run with it: left alone, the
                # run would hold the lake, and this task would wait for its end.
                running.terminate()
                raise
        output.seek(0)
        text = output.read()
    if running.returncode in (HELD, UNREACHABLE):
        raise AirflowException(f"exit code {running.returncode}: tried again later")
    if running.returncode not in (DONE, PARTIAL):
        raise AirflowFailException(f"exit code {running.returncode}: the log says what to do")
    return text


@dag(schedule="15 2 * * *", start_date=datetime(2025, 1, 1), catchup=False, max_active_runs=1)
def sparklake_nightly():
    @task(retries=3, retry_delay=timedelta(minutes=15))
    def run() -> dict:
        summary = json.loads(sparklake("run", JOB_FILE).splitlines()[-1])
        for problem in summary["problems"]:
            logging.warning("%(status)s %(uri)s: %(error)s", problem)
        return summary

    run()


@dag(schedule="45 4 * * 0", start_date=datetime(2025, 1, 1), catchup=False, max_active_runs=1)
def sparklake_weekly():
    @task(retries=3, retry_delay=timedelta(minutes=30))
    def maintain() -> None:
        sparklake("maintain", "--job-file", JOB_FILE)

    maintain()


sparklake_nightly()
sparklake_weekly()
