"""Runs a Ballista cluster over an S3 double, and holds every table against a run of one process.

Usage: ballista_on_s3.py SPARKLAKE LOGS [--kills N [--kinds KIND,…]] [--rounds UNITS/EXECUTORS,…] [--only PART,…]

SPARKLAKE is built with the feature `cluster`. Coordinator, scheduler and executors are real processes, the store is
a moto server (boto3, moto[server], duckdb). Parts:

- rounds: each table has the rows and the checksum of `--engine local`, and each unit was done once;
- shards: the same corpus by `--engine shards`, to compare the time;
- kills: with --kills, so many executors, schedulers and coordinators are killed with SIGKILL at random moments;
- poison: a log that is cut off, a bomb and a log that is none, beside sound ones;
- failing: a store that answers one request in twenty with 503;
- errors: a scheduler that is not there or hangs, and executors without access to the store.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import http.server
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from shards_on_s3 import BUCKET, Checksums, Failing, Program, Store, compare, ended, free_port, lake_of, serve

EXECUTOR_TIMEOUT_S = 12
PARTS = ["rounds", "shards", "poison", "failing", "errors", "kills"]


class Cluster:
    """A scheduler and its executors, as processes."""

    def __init__(self, program: Program, folder: Path, executors: int) -> None:
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.scheduler = self.start_scheduler()
        self.executors = [self.start_executor() for _ in range(executors)]
        self.logs = 0

    def start(self, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        number = len(list(self.folder.iterdir()))
        log = (self.folder / f"{arguments[0]}-{number:04}.log").open("wb")
        command = [self.program.program, "cluster", *arguments, "--log-format", "json"]
        return subprocess.Popen(command, env=variables or self.program.variables, stdout=log, stderr=log)

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        listen = ["--listen", f"127.0.0.1:{self.port}", "--executor-timeout-seconds", str(EXECUTOR_TIMEOUT_S)]
        return self.start("scheduler", *listen, "--drain-seconds", "5")

    def start_executor(self, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        to = ["--scheduler", f"127.0.0.1:{self.port}", "--cores", "1"]
        return self.start("executor", *to, variables=variables)

    def run(self, lake: str, units: int, logs: str = "logs") -> subprocess.Popen[str]:
        source = ["--event-logs", f"s3://{BUCKET}/{logs}", "--lake", lake]
        return self.program.start("run", *self.engine(units), *source)

    def resume(self, lake: str, units: int = 4) -> subprocess.Popen[str]:
        return self.program.start("run", "--resume", "latest", *self.engine(units), "--lake", lake)

    def engine(self, units: int) -> list[str]:
        return ["--engine", f"ballista://127.0.0.1:{self.port}", "--units", str(units)]

    def units(self, run_id: str, end: str = "Done") -> collections.Counter[tuple[str, int]]:
        """How often each unit of a run ended so, as executors tell it: Done, or Reported where one was first."""
        done: collections.Counter[tuple[str, int]] = collections.Counter()
        for log in self.folder.glob("executor-*.log"):
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
                if f"unit ends: {end}" in line and run_id in line:
                    told = json.loads(line)
                    told = told.get("fields", told)
                    done[told["phase"], int(told["position"])] += 1
        return done

    def said(self) -> str:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in self.folder.iterdir())

    def stop(self) -> list[int]:
        """Asks all to end, executors first, and gives their exit codes."""
        codes = []
        for process in [*self.executors, self.scheduler]:
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(timeout=60))
        return codes

    def kill(self) -> None:
        for process in [*self.executors, self.scheduler]:
            process.kill()
            process.wait()


def counted(cluster: Cluster, name: str, summary: dict[str, Any]) -> str:
    """Each unit was done once, and none is missing."""
    done = cluster.units(summary["run_id"])
    phases: dict[str, list[int]] = {}
    for phase, position in done:
        phases.setdefault(phase, []).append(position)
    for phase, positions in phases.items():
        if sorted(positions) != list(range(len(positions))):
            raise SystemExit(f"{name}: units {sorted(positions)} of {phase}")
    if set(done.values()) != {1}:
        raise SystemExit(f"{name}: done more than once: {done}")
    last = summary["shards"]
    if len(phases[last["phase"]]) != last["units"] or last["missing"]:
        raise SystemExit(f"{name}: {phases} and {last}")
    again = sum(cluster.units(summary["run_id"], "Reported").values())
    told = [f"{len(positions)} units of {phase}" for phase, positions in sorted(phases.items(), reverse=True)]
    return f"{', '.join(told)} done, {again} handed out again"


def round_of(cluster: Cluster, store: Store, name: str, units: int, expected: Checksums) -> str:
    started = time.monotonic()
    summary = ended(cluster.run(f"s3://{BUCKET}/{name}", units), (0, 3))
    took = time.monotonic() - started
    compare(store, name, expected)
    executors = len(cluster.executors)
    return f"{name}: {executors} executors, {counted(cluster, name, summary)}; same rows; {took:.1f} s"


def by_shards(program: Program, store: Store, name: str, units: int, workers: int, expected: Checksums) -> str:
    lake = f"s3://{BUCKET}/{name}"
    started = time.monotonic()
    program.hand_out(lake, units)
    program.work(lake, workers)
    while program.resume(lake, "--engine", "shards", "--units", str(units)).get("status") == "waiting":
        program.work(lake, workers)
    took = time.monotonic() - started
    compare(store, name, expected)
    return f"{name}: the same by shards with {workers} workers; {took:.1f} s"


def kills(cluster: Cluster, store: Store, wanted: int, kinds: list[str], expected: Checksums) -> str:
    """Kills one process of each kind in turn, at a random moment of a run."""
    started = time.monotonic()
    ended(cluster.run(f"s3://{BUCKET}/timed", 6), (0, 3))
    undisturbed = time.monotonic() - started
    killed: collections.Counter[str] = collections.Counter()
    longest: collections.Counter[str] = collections.Counter()
    resumed, doubled, number = 0, 0, 0
    while min(killed[kind] for kind in kinds) < wanted:
        kind = kinds[number % len(kinds)]
        number += 1
        name = f"killed-{number}"
        lake = f"s3://{BUCKET}/{name}"
        run = cluster.run(lake, 6)
        time.sleep(random.random() * undisturbed)
        if run.poll() is not None:
            ended(run, (0, 3))
            continue
        when = time.monotonic()
        if kind == "executor":
            victim = cluster.executors.pop(random.randrange(len(cluster.executors)))
            victim.kill()
            victim.wait()
            cluster.executors.append(cluster.start_executor())
        elif kind == "scheduler":
            cluster.scheduler.kill()
            cluster.scheduler.wait()
            cluster.scheduler = cluster.start_scheduler()
        else:
            run.kill()
        killed[kind] += 1
        out, err = run.communicate(timeout=600)
        if "panicked" in err or (kind != "coordinator" and run.returncode not in (0, 3, 75)):
            raise SystemExit(f"{name}: exit code {run.returncode} after the {kind} was killed: {out}\n{err}")
        if run.returncode not in (0, 3):
            resumed += 1
            # One that was killed before it made its lake has nothing to resume.
            resume = cluster.resume(lake, 6)
            told, problem = resume.communicate(timeout=600)
            if resume.returncode not in (0, 3) and "there is no lake" not in problem:
                raise SystemExit(f"{name}: exit code {resume.returncode}: {told}\n{problem}")
            # What was killed before it handed out, or while it judged, is done by the next run.
            ended(cluster.run(lake, 6), (0, 3))
        longest[kind] = max(longest[kind], round(time.monotonic() - when))
        compare(store, name, expected)
        runs = [json.loads(line)["run_id"] for line in out.splitlines() if line.startswith("{")]
        doubled += sum(sum(cluster.units(run_id, "Reported").values()) for run_id in runs)
        print(f"{name}: {kind} killed, exit code {run.returncode}; same rows; so far {dict(killed)}", flush=True)
    return (
        f"killed {dict(killed)} in runs of {undisturbed:.1f} s, executor timeout {EXECUTOR_TIMEOUT_S} s: longest time "
        f"from the kill to the end {dict(longest)} s; {resumed} runs resumed; {doubled} units handed out "
        "twice, none twice in the lake; same rows in all"
    )


def poison(program: Program, cluster: Cluster, store: Store, logs: Path) -> str:
    """Bad logs beside sound ones cost themselves alone, and are told as a run of one process tells them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sound = sorted((path for path in logs.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        plain = next(path for path in sound if path.read_bytes()[:1] == b"{" and path.stat().st_size > 4096)
        shutil.copy(plain, folder / "application_1700000000001_0001")
        own = re.search(rb'"App ID":"([^"]+)"', plain.read_bytes())[1]
        text = [plain.read_bytes().replace(own, b"application_1700000000001_%04d" % number) for number in range(4)]
        (folder / "application_1700000000001_0002").write_bytes(text[2][: len(text[2]) // 2])
        bomb = gzip.compress(text[3] + b"{" + b" " * (3 << 30 >> 4), 9)
        (folder / "application_1700000000001_0003.gz").write_bytes(bomb)
        (folder / "application_1700000000001_0004").write_bytes(random.Random(1).randbytes(100_000))
        store.upload(folder, "poison")
    source = ["--event-logs", f"s3://{BUCKET}/poison"]
    local = program.run("run", *source, "--lake", f"s3://{BUCKET}/poison-local")
    summary = ended(cluster.run(f"s3://{BUCKET}/poison-ballista", 4, "poison"), (0, 3))
    compare(store, "poison-ballista", lake_of(store, "poison-local"))
    told = [sorted(problem["error_kind"] for problem in run["problems"]) for run in (local, summary)]
    if told[0] != told[1] or local["status"] != summary["status"]:
        raise SystemExit(f"poison: {told}, {local['status']}, {summary['status']}")
    return f"poison: {summary['status']}, problems {told[1]} as local; same rows"


def errors(program: Program, store: Store, folder: Path, expected: Checksums) -> list[str]:
    """What does not work says so in a bounded time, and nothing is lost."""
    told = []

    def refused(process: subprocess.Popen[str], code: int, what: str, sentence: str) -> None:
        started = time.monotonic()
        out, err = process.communicate(timeout=300)
        if process.returncode != code or sentence not in err:
            raise SystemExit(f"{what}: exit code {process.returncode}, not {code}: {out}\n{err}")
        line = err.strip().splitlines()[-1]
        told.append(f"{what}: exit code {code} after {time.monotonic() - started:.0f} s: {line}")

    source = ["--event-logs", f"s3://{BUCKET}/logs", "--lake", f"s3://{BUCKET}/errors"]
    nobody = f"ballista://127.0.0.1:{free_port()}"
    refused(program.start("run", "--engine", nobody, *source), 75, "no scheduler", "does not answer")
    moto = store.endpoint.removeprefix("http://")
    other = program.start("run", "--engine", f"ballista://{moto}", *source)
    refused(other, 75, "something else listens", "is no scheduler")
    beyond = program.start("run", "--engine", "ballista://192.0.2.1:50050", *source)
    refused(beyond, 2, "a network nobody trusts", "--trust-network")
    cluster = Cluster(program, folder, 0)
    try:
        refused(cluster.run(f"s3://{BUCKET}/errors", 4), 75, "no executor", "has no executor")
        without = {name: value for name, value in program.variables.items() if not name.startswith("AWS_SECRET")}
        wrong = without | {"AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        blind = cluster.start_executor(wrong)
        refused(cluster.run(f"s3://{BUCKET}/errors", 4), 1, "executors without the store", "run --resume")
        # One with access beside it does all of the work.
        cluster.executors = [blind, cluster.start_executor()]
        ended(cluster.resume(f"s3://{BUCKET}/errors"), (0, 3))
        compare(store, "errors", expected)
        told.append("executors without the store: resumed with another beside it; same rows")
        cluster.scheduler.send_signal(signal.SIGSTOP)
        refused(cluster.run(f"s3://{BUCKET}/errors", 4), 75, "a scheduler that hangs", "does not answer")
        cluster.scheduler.send_signal(signal.SIGCONT)
        cluster.scheduler.kill()
    finally:
        cluster.kill()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sparklake")
    parser.add_argument("logs", type=Path)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--kinds", default="executor,scheduler,coordinator")
    parser.add_argument("--rounds", default="1/1,4/3,7/2,9/3")
    parser.add_argument("--only", default=",".join(PARTS))
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    port = free_port()
    server = serve([sys.executable, "-m", "moto.server", "-p", str(port)], port)
    clusters: list[Cluster] = []
    temporary = Path(tempfile.mkdtemp(prefix="ballista-"))

    def cluster_of(program: Program, executors: int) -> Cluster:
        folder = temporary / str(len(clusters))
        folder.mkdir()
        clusters.append(Cluster(program, folder, executors))
        return clusters[-1]

    try:
        store = Store(f"http://127.0.0.1:{port}")
        store.client.create_bucket(Bucket=BUCKET)
        store.upload(arguments.logs, "logs")
        program = Program(arguments.sparklake, store)
        started = time.monotonic()
        program.run("run", "--event-logs", f"s3://{BUCKET}/logs", "--lake", f"s3://{BUCKET}/local")
        took = time.monotonic() - started
        expected = lake_of(store, "local")
        rows = sum(rows for rows, _ in expected.values())
        print(f"local: {rows} rows in {len(expected)} tables; {took:.1f} s", flush=True)
        if "rounds" in wanted:
            for number, of_round in enumerate(arguments.rounds.split(",")):
                units, executors = map(int, of_round.split("/"))
                cluster = cluster_of(program, executors)
                print(round_of(cluster, store, f"round-{number}", units, expected), flush=True)
                codes = cluster.stop()
                if any(codes):
                    raise SystemExit(f"executors and scheduler ended with {codes} after SIGTERM\n{cluster.said()}")
        if "shards" in wanted:
            print(by_shards(program, store, "shards", 9, 3, expected), flush=True)
        if "poison" in wanted:
            print(poison(program, cluster_of(program, 2), store, arguments.logs), flush=True)
            clusters[-1].stop()
        if "failing" in wanted:
            Failing.port = port
            proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            failing = Program(arguments.sparklake, Store(f"http://127.0.0.1:{proxy.server_port}"))
            cluster = cluster_of(failing, 3)
            summary = ended(cluster.run(f"s3://{BUCKET}/failing", 6), (0, 3))
            compare(store, "failing", expected)
            print(f"failing: {summary['status']}, {Failing.failed} answers were 503; same rows", flush=True)
            cluster.stop()
        if "errors" in wanted:
            folder = temporary / "errors"
            folder.mkdir()
            print("\n".join(errors(program, store, folder, expected)), flush=True)
        if "kills" in wanted and arguments.kills:
            print(kills(cluster_of(program, 3), store, arguments.kills, arguments.kinds.split(","), expected), flush=True)
    except BaseException:
        for cluster in clusters[-1:]:
            print(cluster.said()[-6000:], file=sys.stderr)
        raise
    finally:
        for cluster in clusters:
            cluster.kill()
        server.kill()
        shutil.rmtree(temporary)


if __name__ == "__main__":
    main()
