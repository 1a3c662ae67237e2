"""Reads new event logs into the lake every night, and tidies the lake on Sundays.

The exit code decides: 3 (something was quarantined, the rest is loaded) counts as success with
warnings; 4 (another run holds the lake) and 75 (a source could not be reached) are worth a retry.
"""

from __future__ import annotations

import json
import logging
import subprocess
from datetime import datetime, timedelta

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException

JOB_FILE = "/etc/sparklake/event-logs.toml"
DONE, PARTIAL, HELD, UNREACHABLE = 0, 3, 4, 75


def sparklake(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the program; its log goes to the task's log, its output is returned."""
    command = ["sparklake", "--log-format", "json", *arguments]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if finished.returncode in (HELD, UNREACHABLE):
        raise AirflowException(f"exit code {finished.returncode}: tried again later")
    if finished.returncode not in (DONE, PARTIAL):
        raise AirflowFailException(f"exit code {finished.returncode}: the log says what to do")
    return finished


@dag(schedule="15 2 * * *", start_date=datetime(2025, 1, 1), catchup=False, max_active_runs=1)
def sparklake_nightly():
    @task(retries=3, retry_delay=timedelta(minutes=15))
    def run() -> dict:
        summary = json.loads(sparklake("run", JOB_FILE).stdout.splitlines()[-1])
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
