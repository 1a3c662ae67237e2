"""Runs a Ballista cluster over an S3 double, and holds every table against a run of one process.

Usage: ballista_on_s3.py SPARKLAKE LOGS [--kills N [--kinds KIND,…]] [--rounds UNITS/EXECUTORS,…] [--only PART,…]

SPARKLAKE is built with the feature `cluster`. Coordinator, scheduler and executors are real processes, the store is
moto (s3_double.py; boto3, moto[server], duckdb). Parts:

- rounds: each table has the rows and the checksum of `--engine local`, and each unit was done once;
- shards: the same corpus by `--engine shards`, to compare the time;
- kills: with --kills, so many executors, schedulers and coordinators are killed with SIGKILL at random moments, in
  turn while units of extraction, while units of judging, and at any moment of a run;
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
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from shards_on_s3 import BUCKET, Checksums, Failing, Program, Store, compare, double, ended, free_port, lake_of, serve

EXECUTOR_TIMEOUT_S = 12
PARTS = ["rounds", "shards", "poison", "failing", "errors", "kills"]


class Event(NamedTuple):
    """A unit begins or ends, as its executor logs it."""

    at: float
    executor: int
    run_id: str
    phase: str
    position: int
    is_end: bool


class Cluster:
    """A scheduler and its executors, as processes."""

    def __init__(self, program: Program, folder: Path, executors: int) -> None:
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.log_of: dict[int, Path] = {}
        self.scheduler = self.start_scheduler()
        self.executors = [self.start_executor() for _ in range(executors)]

    def start(self, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        number = len(list(self.folder.iterdir()))
        path = self.folder / f"{arguments[0]}-{number:04}.log"
        command = [self.program.program, "cluster", *arguments, "--log-format", "json", "--log-level", "debug"]
        with path.open("wb") as log:
            process = subprocess.Popen(command, env=variables or self.program.variables, stdout=log, stderr=log)
        self.log_of[process.pid] = path
        return process

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

    @staticmethod
    def units_of(events: list[Event]) -> collections.Counter[tuple[str, str, int]]:
        """How often each unit ended."""
        return collections.Counter(event[2:5] for event in events if event.is_end)

    def logged(self) -> dict[int, int]:
        """How much each process has logged so far."""
        return {pid: path.stat().st_size for pid, path in self.log_of.items()}

    def events(self, since: dict[int, int]) -> list[Event]:
        """What executors told of units after that, in order."""
        events = []
        for pid, path in self.log_of.items():
            if not path.name.startswith("executor"):
                continue
            with path.open("rb") as log:
                log.seek(since.get(pid, 0))
                for line in log:
                    if b'"unit ' in line and line.endswith(b"\n"):
                        told = json.loads(line)
                        at = datetime.fromisoformat(told["timestamp"]).timestamp()
                        is_end = told["message"].startswith("unit ends")
                        events.append(Event(at, pid, told["run_id"], told["phase"], int(told["position"]), is_end))
        return sorted(events)

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


def phase_of(events: list[Event]) -> tuple[str, dict[int, Event]]:
    """The phase that the run is in, and the unit that each executor works on."""
    at_work: dict[int, Event] = {}
    for event in events:
        if event.is_end:
            at_work.pop(event.executor, None)
        else:
            at_work[event.executor] = event
    if at_work:
        return max(at_work.values()).phase, at_work
    return (f"after {events[-1].phase}" if events else "before extraction"), at_work


def span_of(events: list[Event], phase: str) -> float:
    """From the first beginning of a unit to the last end."""
    times = [event.at for event in events if event.phase == phase]
    return max(times, default=0.0) - min(times, default=0.0)


def kills(cluster: Cluster, store: Store, wanted: int, kinds: list[str], expected: Checksums) -> str:
    """Kills one process of each kind in turn, at a random moment of a run."""
    began, since = time.monotonic(), cluster.logged()
    ended(cluster.run(f"s3://{BUCKET}/timed", 6), (0, 3))
    undisturbed = time.monotonic() - began
    phases = ["extraction", "analysis"]
    spans = {phase: [span_of(cluster.events(since), phase)] for phase in phases}
    aims = [*phases, None]
    killed: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in kinds}
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    until_again: list[float] = []
    resumed, reruns, doubled, number = 0, 0, 0, 0
    while min(counted.total() for counted in killed.values()) < wanted:
        kind = kinds[number % len(kinds)]
        aim = aims[number // len(kinds) % len(aims)]
        number += 1
        name = f"killed-{number}"
        lake = f"s3://{BUCKET}/{name}"
        since = cluster.logged()
        run = cluster.run(lake, 6)
        if aim:
            while run.poll() is None and not any(event.phase == aim for event in cluster.events(since)):
                time.sleep(0.02)
        time.sleep(random.random() * (statistics.median(spans[aim][-9:]) if aim else undisturbed))
        if run.poll() is not None:
            ended(run, (0, 3))
            for whole in phases:
                spans[whole].append(span_of(cluster.events(since), whole))
            store.remove(name)
            continue
        busy = phase_of(cluster.events(since))[1]
        when = time.time()
        interrupted = None
        if kind == "executor":
            # One that has a unit, where one has.
            process = random.choice([it for it in cluster.executors if it.pid in busy] or cluster.executors)
            process.kill()
            process.wait()
            phase, busy = phase_of([event for event in cluster.events(since) if event.at <= when])
            interrupted = phase_of(cluster.events(since))[1].get(process.pid)
            phase = f"in a unit of {interrupted.phase}" if interrupted else f"idle, {phase}"
            cluster.executors.remove(process)
            cluster.executors.append(cluster.start_executor())
        else:
            if kind == "scheduler":
                cluster.scheduler.kill()
                cluster.scheduler.wait()
            else:
                run.kill()
            phase = phase_of([event for event in cluster.events(since) if event.at <= when])[0]
            if kind == "scheduler":
                cluster.scheduler = cluster.start_scheduler()
        killed[kind][phase] += 1
        out, err = run.communicate(timeout=600)
        if "panicked" in err or (kind != "coordinator" and run.returncode not in (0, 3, 75)):
            raise SystemExit(f"{name}: exit code {run.returncode} after the {kind} was killed: {out}\n{err}")
        if run.returncode not in (0, 3):
            resumed += 1
            resume = cluster.resume(lake, 6)
            told, problem = resume.communicate(timeout=600)
            # One that was killed before it handed out has nothing to resume.
            nothing = resume.returncode == 2 and ("there is no lake" in problem or "no run waits" in problem)
            if resume.returncode not in (0, 3) and not nothing:
                raise SystemExit(f"{name}: exit code {resume.returncode}: {told}\n{problem}")
            # What it had not handed out, or was killed while it judged itself, is done by the next run.
            reruns += bool(ended(cluster.run(lake, 6), (0, 3))["changed"])
        took[kind].append(time.time() - when)
        compare(store, name, expected)
        store.remove(name)
        events = cluster.events(since)
        begun_anew = ""
        again = [event.at for event in events if interrupted and event.at > when and event[2:] == interrupted[2:]]
        if again:
            until_again.append(min(again) - when)
            begun_anew = f", its unit begun anew after {until_again[-1]:.1f} s"
        # The phase that was held up says nothing of how long it takes.
        for whole in [it for it in phases if not phase.endswith(it) or "after" in phase]:
            spans[whole].append(span_of(events, whole))
        done = cluster.units_of(events)
        doubled += sum(times - 1 for times in done.values())
        print(
            f"{name}: {kind} killed {phase}, exit code {run.returncode}; same rows after {took[kind][-1]:.1f} s"
            f"{begun_anew}; so far "
            f"{ {kind: counted.total() for kind, counted in killed.items()} }",
            flush=True,
        )
    lines = [f"an undisturbed run took {undisturbed:.1f} s; executor timeout {EXECUTOR_TIMEOUT_S} s"]
    for kind in kinds:
        lines.append(
            f"{kind}: {killed[kind].total()} killed ({dict(sorted(killed[kind].items()))}); from the kill to the end "
            f"{statistics.median(took[kind]):.1f} s, longest {max(took[kind]):.1f} s"
        )
    if until_again:
        lines.append(
            f"until a unit of a killed executor began anew: {len(until_again)} times, {statistics.median(until_again):.1f} s, "
            f"{min(until_again):.1f} to {max(until_again):.1f} s"
        )
    lines.append(
        f"{resumed} runs resumed, {reruns} of them completed by the next run; {doubled} units ended twice, "
        "none twice in a lake; same rows in all"
    )
    return "\n".join(lines)


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
    refused(other, 75, "something else listens", "other than a Ballista scheduler")
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    wanted = arguments.only.split(",")
    port = free_port()
    server = serve(double(port), port)
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
