"""Runs shards over S3 doubles that nobody here wrote, and holds every table against a run of one process.

Usage: shards_on_s3.py SPARKLAKE LOGS [--kills N] [--s3rver PATH] [--rounds UNITS/SHARDS,…]

Coordinators and workers are real processes, the store is moto (s3_double.py; boto3, moto[server], duckdb). For each
round: every unit is done once, and each table has the rows and the checksum of `--engine local`. A further round
goes through a proxy that answers one request in twenty with 503. With --kills, at least that many workers in each
phase and that many coordinators at the first and at the last step are killed with SIGKILL, and some that hand judging
out. With --s3rver, a store without conditional puts has to be refused.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import duckdb

BUCKET = "sparklake"
# Columns that differ from run to run.
OF_THE_RUN = {"batch_id", "ingested_at", "run_id"}
OF_THE_LEDGER = {"duration_ms", "seq"}
FAILING_SHARE = 0.05

Checksums = dict[str, tuple[int, int]]


class Store:
    """An S3 double at an endpoint."""

    def __init__(self, endpoint: str, key: str = "test") -> None:
        self.endpoint = endpoint
        self.variables = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": key,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
        }
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=key
        )

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def upload(self, folder: Path, prefix: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.client.upload_file(str(path), BUCKET, f"{prefix}/{path.relative_to(folder)}")

    def remove(self, prefix: str) -> None:
        """Lists take moto longer the more there is."""
        keys = [{"Key": key} for key in self.keys(f"{prefix}/")]
        for first in range(0, len(keys), 1000):
            self.client.delete_objects(Bucket=BUCKET, Delete={"Objects": keys[first : first + 1000], "Quiet": True})

    def download(self, prefix: str, folder: Path) -> None:
        for key in self.keys(f"{prefix}/"):
            target = folder / key.removeprefix(f"{prefix}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(BUCKET, key, str(target))


class Program:
    """sparklake with the variables of a store."""

    def __init__(self, program: str, store: Store) -> None:
        self.program = program
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SPARKLAKE_"))}
        self.variables = kept | store.variables

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [self.program, "-q", *arguments]
        return subprocess.Popen(command, env=self.variables, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, codes: tuple[int, ...] = (0, 3)) -> dict[str, Any]:
        return ended(self.start(*arguments), codes)

    def hand_out(self, lake: str, units: int, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        logs = f"s3://{BUCKET}/logs"
        return self.run("run", "--engine", "shards", "--units", str(units), "--event-logs", logs, "--lake", lake, codes=codes)

    def worker(self, lake: str, shard: str) -> subprocess.Popen[str]:
        return self.start("worker", "--run", "latest", "--lake", lake, "--shard", shard)

    def work(self, lake: str, shards: int) -> list[dict[str, Any]]:
        workers = [self.worker(lake, f"{index}/{shards}") for index in range(shards)]
        return [ended(worker, (0,)) for worker in workers]

    def resume(self, lake: str, *arguments: str) -> dict[str, Any]:
        return self.run("run", "--resume", "latest", "--lake", lake, *arguments)


def ended(process: subprocess.Popen[str], codes: tuple[int, ...]) -> dict[str, Any]:
    """The summary of a process that has to end with one of these codes."""
    out, err = process.communicate(timeout=600)
    if process.returncode not in codes or "panicked" in err:
        raise SystemExit(f"exit code {process.returncode}: {process.args}\n{out}\n{err}")
    lines = out.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def double(port: int) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("s3_double.py")), "serve", str(port)]


def serve(command: list[str], port: int) -> subprocess.Popen[bytes]:
    """Starts a server and waits until it answers."""
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{command} does not listen")


class Failing(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and answers some with 503."""

    protocol_version = "HTTP/1.1"
    port = 0
    failed = 0

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if random.random() < FAILING_SHARE:
            type(self).failed += 1
            self.answer(503, [], b"")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        self.answer(response.status, response.getheaders(), response.read(), response.getheader("Content-Length"))
        connection.close()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on


def live_files(table: Path) -> list[Path]:
    """The files of a Delta table, from its log alone."""
    live = set()
    for commit in sorted(table.glob("_delta_log/*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "remove" in action:
                live.remove(action["remove"]["path"])
            if "add" in action:
                assert action["add"]["path"] not in live, f"{table}: added twice"
                live.add(action["add"]["path"])
    return [table / path for path in sorted(live)]


def checksums(lake: Path) -> Checksums:
    """Rows of each table, and a sum of the hashes of its rows."""
    connection = duckdb.connect()
    sums: Checksums = {}
    for log in sorted(lake.glob("*/_delta_log")):
        table = log.parent
        files = [str(path) for path in live_files(table)]
        if table.name == "runs":
            continue
        if not files:
            sums[table.name] = (0, 0)
            continue
        source = f"read_parquet({files!r}, hive_partitioning = true, union_by_name = true)"
        unwanted = OF_THE_RUN | (OF_THE_LEDGER if table.name == "ingest_sources" else set())
        columns = [
            # The last digits of a double depend on the order in which it was summed up.
            f"printf('%.11e', \"{name}\")" if kind == "DOUBLE" else f'"{name}"'
            for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            if name not in unwanted
        ]
        query = f"SELECT count(*), sum(hash(row({', '.join(columns)}))::HUGEINT) FROM {source}"
        sums[table.name] = connection.execute(query).fetchone()
    return sums


def lake_of(store: Store, name: str) -> Checksums:
    with tempfile.TemporaryDirectory() as folder:
        store.download(name, Path(folder))
        return checksums(Path(folder))


def compare(store: Store, name: str, expected: Checksums) -> None:
    found = lake_of(store, name)
    different = {table: (found.get(table), rows) for table, rows in expected.items() if found.get(table) != rows}
    if different or found.keys() != expected.keys():
        raise SystemExit(f"{name}: {different}")
    left = store.keys(f"{name}/_sparklake/shards/")
    if left:
        raise SystemExit(f"{name}: {left} is left of the run")


def round_of(program: Program, store: Store, name: str, units: int, shards: int, expected: Checksums) -> str:
    lake = f"s3://{BUCKET}/{name}"
    started = time.monotonic()
    handed_out = program.hand_out(lake, units)
    ordered = handed_out["shards"]["units"]
    again = program.hand_out(lake, units, codes=(4,))
    if again["status"] != "held":
        raise SystemExit(f"{name}: a second coordinator is not refused: {again}")
    done = [summary["done"] for summary in program.work(lake, shards)]
    reports = len(store.keys(f"{name}/_sparklake/shards/{handed_out['run_id']}/extraction/reports/"))
    if sum(done) != ordered or reports != ordered:
        raise SystemExit(f"{name}: {done} of {ordered} units were done, {reports} reported")
    # Judging goes the same way.
    waiting = program.resume(lake, "--engine", "shards", "--units", str(units))
    judged = []
    if waiting["status"] == "waiting":
        judged = [summary["done"] for summary in program.work(lake, shards)]
        if sum(judged) != waiting["shards"]["units"]:
            raise SystemExit(f"{name}: {judged} of {waiting['shards']['units']} units were judged")
        program.resume(lake)
    compare(store, name, expected)
    took = time.monotonic() - started
    return f"{name}: units done by each worker {done}, judged {judged}; same rows; {took:.1f} s"


def kill(start: Any, took: float) -> bool:
    """Starts a process and kills it at a random moment; whether there was something to kill."""
    process = start()
    time.sleep(random.random() * took)
    was_alive = process.poll() is None
    process.kill()
    process.communicate()
    return was_alive


def timed(action: Any) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def kills(program: Program, store: Store, wanted: int, expected: Checksums) -> str:
    """Kills coordinators and workers until `wanted` of each kind were killed."""
    logs = ["--event-logs", f"s3://{BUCKET}/logs"]
    handed_on = ["--engine", "shards", "--units", "4"]
    lake = f"s3://{BUCKET}/timed"
    took = {
        "hand-out": timed(lambda: program.hand_out(lake, 4)),
        "worker in extraction": timed(lambda: ended(program.worker(lake, "0/1"), (0,))),
        "resume that hands judging out": timed(lambda: program.resume(lake, *handed_on)),
        "worker in analysis": timed(lambda: ended(program.worker(lake, "0/1"), (0,))),
        "resume": timed(lambda: program.resume(lake)),
    }
    killed = dict.fromkeys(took, 0)
    number, reruns = 0, 0
    often = [kind for kind in killed if "hands" not in kind]
    while min(killed[kind] for kind in often) < wanted:
        number += 1
        name = f"killed-{number}"
        lake = f"s3://{BUCKET}/{name}"
        starts: dict[str, Callable[[], subprocess.Popen[str]]] = {
            "hand-out": lambda: program.start("run", *handed_on, *logs, "--lake", lake),
            "resume that hands judging out": lambda: program.start("run", "--resume", "latest", *handed_on, "--lake", lake),
            "resume": lambda: program.start("run", "--resume", "latest", "--lake", lake),
        }

        def kill_some(kind: str, times: int = 3) -> None:
            for _ in range(times):
                start = starts.get(kind, lambda: program.worker(lake, "0/1"))
                # What one has reported is no work for the next: early, so that something is left.
                killed[kind] += kill(start, took[kind] / (times if kind.startswith("worker") else 1))

        def kill_workers(kind: str) -> None:
            kill_some(kind)
            # Two at the same units.
            twin = program.worker(lake, "0/1")
            kill_some(kind)
            ended(twin, (0,))
            program.work(lake, 2)

        kill_some("hand-out")
        program.run("run", *handed_on, *logs, "--lake", lake, codes=(0, 4))
        kill_workers("worker in extraction")
        # One that was killed after it handed judging out judges itself what has no report when it is resumed.
        if number % 4 == 0:
            kill_some("resume that hands judging out")
        resumed = program.run("run", "--resume", "latest", *handed_on, "--lake", lake, codes=(0, 2, 3))
        if resumed["status"] == "waiting":
            kill_workers("worker in analysis")
            kill_some("resume")
            # Nothing waits where that did not come to its death before its end.
            program.run("run", "--resume", "latest", "--lake", lake, codes=(0, 2, 3))
        # What was killed while it judged is judged by the next run.
        reruns += bool(program.run("run", *logs, "--lake", lake)["changed"])
        compare(store, name, expected)
        store.remove(name)
        print(f"{name}: same rows; killed so far {killed}", flush=True)
    return f"killed {killed} in {number} lakes, {reruns} of them completed by the next run; same rows in all"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sparklake")
    parser.add_argument("logs", type=Path)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--s3rver")
    parser.add_argument("--rounds", default="2/1,4/3,7/2")
    arguments = parser.parse_args()
    port = free_port()
    servers = [serve(double(port), port)]
    try:
        store = Store(f"http://127.0.0.1:{port}")
        store.client.create_bucket(Bucket=BUCKET)
        store.upload(arguments.logs, "logs")
        program = Program(arguments.sparklake, store)
        local = f"s3://{BUCKET}/local"
        program.run("run", "--event-logs", f"s3://{BUCKET}/logs", "--lake", local)
        expected = lake_of(store, "local")
        print(f"local: {sum(rows for rows, _ in expected.values())} rows in {len(expected)} tables", flush=True)
        for number, wanted in enumerate(filter(None, arguments.rounds.split(","))):
            units, shards = map(int, wanted.split("/"))
            print(round_of(program, store, f"round-{number}", units, shards, expected), flush=True)
        Failing.port = port
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        failing = Program(arguments.sparklake, Store(f"http://127.0.0.1:{proxy.server_port}"))
        print(round_of(failing, store, "failing", 4, 2, expected), f"({Failing.failed} answers were 503)", flush=True)
        if arguments.kills:
            print(kills(program, store, arguments.kills, expected), flush=True)
        if arguments.s3rver:
            print(refused(arguments.sparklake, arguments.s3rver, servers), flush=True)
    finally:
        for server in servers:
            server.kill()


def refused(sparklake: str, s3rver: str, servers: list[subprocess.Popen[bytes]]) -> str:
    """A store without conditional puts is refused with what to do about it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [s3rver, "-d", folder, "-p", str(port), "-a", "127.0.0.1", "--configure-bucket", BUCKET]
        servers.append(serve(command, port))
        store = Store(f"http://127.0.0.1:{port}", "S3RVER")
        store.client.put_object(Bucket=BUCKET, Key="logs/nothing", Body=b"")
        process = Program(sparklake, store).start(
            "run", "--engine", "shards", "--event-logs", f"s3://{BUCKET}/logs", "--lake", f"s3://{BUCKET}/lake"
        )
        _, err = process.communicate(timeout=300)
    if process.returncode == 0 or "conditional puts" not in err or "--allow-unsafe-store" not in err:
        raise SystemExit(f"s3rver: exit code {process.returncode}: {err}")
    return f"s3rver: refused with exit code {process.returncode}: {err.strip()}"


if __name__ == "__main__":
    main()
