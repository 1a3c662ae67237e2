"""Runs the real Spark History Server that PySpark carries, and asks its REST API."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = Any
"""Parsed JSON, of whatever shape the server answers."""

START_SECONDS = 600


class HistoryServer:
    """A started server. `url` is the root of its REST API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Json:
        """The answer to one REST path; `None` where the server says 404 (no such thing)."""
        try:
            with urllib.request.urlopen(f"{self.url}/{path}", timeout=600) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise RuntimeError(f"{path}: {error.code} {error.read().decode(errors='replace')[:300]}") from error

    def wait_for_applications(self, attempts: int, seconds: float = 300) -> list[Json]:
        """The list of applications, once it holds so many attempts; raises `TimeoutError` if it never does."""
        deadline = time.monotonic() + seconds
        while True:
            applications = self.get("applications") or []
            found = sum(len(application["attempts"]) for application in applications)
            if found >= attempts:
                return applications
            if time.monotonic() > deadline:
                raise TimeoutError(f"the History Server lists {found} of {attempts} application attempts after {seconds:.0f} s")
            time.sleep(1)


@contextlib.contextmanager
def history_server(spark_home: Path, log_dir: Path, settings: dict[str, str] | None = None) -> Iterator[HistoryServer]:
    """Serves the event logs of one flat folder for the length of the `with` block.

    `settings` are Spark properties on top of the defaults here, which lift every retention limit of the server.
    """
    port = _free_port()
    properties = {
        "spark.history.fs.logDirectory": log_dir.resolve().as_uri(),
        "spark.history.ui.port": str(port),
        "spark.history.fs.update.interval": "2s",
        "spark.ui.retainedTasks": "10000000",
        "spark.ui.retainedJobs": "10000000",
        "spark.ui.retainedStages": "10000000",
        "spark.ui.retainedDeadExecutors": "10000000",
        "spark.sql.ui.retainedExecutions": "10000000",
        **(settings or {}),
    }
    with tempfile.TemporaryDirectory(prefix="history-server-") as folder:
        properties_file = Path(folder, "history-server.conf")
        properties_file.write_text("".join(f"{key} {value}\n" for key, value in properties.items()), encoding="utf-8")
        log_path = Path(folder, "server.log")
        with log_path.open("wb") as log:
            server = subprocess.Popen(
                [
                    str(spark_home / "bin" / "spark-class"), "org.apache.spark.deploy.history.HistoryServer",
                    "--properties-file", str(properties_file),
                ],
                env={**os.environ, "SPARK_HOME": str(spark_home), "SPARK_DAEMON_MEMORY": "1g", "SPARK_LOCAL_IP": "127.0.0.1"},
                stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            )
        try:
            running = HistoryServer(f"http://127.0.0.1:{port}/api/v1")
            _wait_until_it_answers(running, server, log_path)
            yield running
        finally:
            server.terminate()
            server.wait(timeout=60)


def spark_home_of(python: Path) -> Path:
    """The Spark that a Python with PySpark carries."""
    command = [str(python), "-c", "import pyspark; print(pyspark.__path__[0])"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(running: HistoryServer, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the History Server ended at once:\n{log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError):
            running.get("version")
            return
        time.sleep(0.5)
    raise TimeoutError(f"the History Server does not answer after {START_SECONDS} s")
