#!/usr/bin/env python3
"""What a Ballista cluster on this machine gains, costs and takes: scaling, bookkeeping, memory, judging.

    python benches/cluster.py SPARKLAKE LOG [--parts scaling,rules,units,memory] [--copies 8] [--units 1000,10000]

SPARKLAKE is built with the feature `cluster`, LOG is one event log (plain or .zstd). Lakes and logs are on a local disk,
executors have one core each and are pinned to one (util-linux, zstd, duckdb, boto3). Parts:

- scaling: copies of the log by 1, 2 and 4 executors; then the same unit times dealt out to more machines than there are;
- rules: those copies judged by executors and by one process: rows by checksum, time, bytes read and written;
- units: a unit for each of many small logs: what coordinator and scheduler take, which has to be flat for each unit,
  and the largest messages between them;
- memory: an executor with eight cores in a control group (version 1, as root): its peak under the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/interop"))
from shards_on_s3 import checksums, free_port  # noqa: E402

GROUP = Path("/sys/fs/cgroup/memory/sparklake-bench")
CORES = os.cpu_count() or 1


class Unit(NamedTuple):
    """A unit as its executor tells of it, in seconds."""

    phase: str
    executor: str
    begin: float
    end: float


class Ended(NamedTuple):
    """A process that ended: its summary, wall time, CPU time and largest memory."""

    summary: dict[str, Any]
    wall_s: float
    cpu_s: float
    peak_mb: float


def received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 16)
    except OSError:
        return b""


class Relay:
    """Passes connections on to a port, and adds up the bytes of each message of HTTP/2."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.largest = 0
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        threading.Thread(target=self.accept, args=[listener], daemon=True).start()

    def accept(self, listener: socket.socket) -> None:
        while True:
            inner = listener.accept()[0]
            try:
                outer = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                inner.close()
                continue
            for pair in ((inner, outer), (outer, inner)):
                for end in pair:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        messages: dict[int, int] = {}
        held, is_first = b"", True
        while got := received(source):
            target.sendall(got)
            held += got
            if is_first:
                # Readiness is asked in HTTP/1.1, which is no stream of frames and stays held.
                held, is_first = held.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), False
            while len(held) >= 9 and len(held) >= 9 + (length := int.from_bytes(held[:3], "big")):
                stream = int.from_bytes(held[5:9], "big")
                if held[3] == 0:
                    messages[stream] = messages.get(stream, 0) + length
                    self.largest = max(self.largest, messages[stream])
                held = held[9 + length :]
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Cluster:
    """A scheduler and executors; each executor has one core, and is pinned to it."""

    def __init__(self, program: str, folder: Path, executors: int, is_relayed: bool = False) -> None:
        self.program = program
        self.folder = folder
        folder.mkdir()
        port = free_port()
        self.scheduler = self.start("scheduler", [], ["--listen", f"127.0.0.1:{port}"])
        self.relays = [Relay(port), Relay(port)] if is_relayed else []
        self.port_of_run, self.port_of_executors = [relay.port for relay in self.relays] or [port, port]
        self.executors = [
            self.start_executor(number, ["taskset", "-c", str(number % CORES)], cores=1) for number in range(executors)
        ]

    def start_executor(self, number: int, before: list[str], cores: int) -> subprocess.Popen[bytes]:
        flags = ["--scheduler", f"127.0.0.1:{self.port_of_executors}", "--cores", str(cores)]
        return self.start(f"executor-{number}", before, flags)

    def start(self, name: str, before: list[str], flags: list[str]) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("wb")
        kind = name.split("-")[0]
        command = [*before, self.program, "cluster", kind, "--log-format", "json", *flags]
        return subprocess.Popen(command, stdout=log, stderr=log)

    def engine(self) -> list[str]:
        return ["--engine", f"ballista://127.0.0.1:{self.port_of_run}"]

    def units(self) -> list[Unit]:
        """Those that were done, in the order in which they ended."""
        units = []
        for log in self.folder.glob("executor-*.log"):
            for line in log.read_text(encoding="utf-8").splitlines():
                if "unit ends: Done" not in line:
                    continue
                told = json.loads(line)
                fields = told.get("fields", told)
                end = datetime.fromisoformat(told["timestamp"]).timestamp()
                units.append(Unit(fields["phase"], log.stem, end - fields["ms"] / 1000, end))
        return sorted(units, key=lambda unit: unit.end)

    def cpu_s(self, process: subprocess.Popen[bytes]) -> float:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def moved_mb(self) -> float:
        """What executors have read and written, whatever file it was."""
        counted = [Path(f"/proc/{process.pid}/io").read_text(encoding="ascii") for process in self.executors]
        return sum(int(number) for text in counted for number in re.findall(r"[rw]char: (\d+)", text)) / 1e6

    def kill(self) -> None:
        for process in [*self.executors, self.scheduler]:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for process in [*self.executors, self.scheduler]:
            process.send_signal(signal.SIGTERM)
        for process in [*self.executors, self.scheduler]:
            code = process.wait(timeout=120)
            if code:
                raise SystemExit(f"exit code {code}: {(self.folder / 'scheduler.log').read_text(encoding='utf-8')[-2000:]}")


def run(program: str, lake: Path, flags: list[str]) -> Ended:
    """A run to its end."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([program, "-q", "run", "--lake", str(lake), *flags], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        out.seek(0)
        lines = out.read().decode().strip().splitlines()
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 3):
        raise SystemExit(f"exit code {code}: {lines}")
    return Ended(json.loads(lines[-1]), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def copies_of(log: Path, folder: Path, count: int) -> None:
    """Copies of a log, packed, each with an application id of its own."""
    folder.mkdir()
    unpack = ["zstd", "-qdc", str(log)] if log.suffix in {".zstd", ".zst"} else ["cat", str(log)]
    with subprocess.Popen(unpack, stdout=subprocess.PIPE) as head:
        assert head.stdout
        found = re.search(rb'"App ID":"([^"]+)"', head.stdout.read(1 << 20))
        head.kill()
    if not found:
        raise SystemExit(f"{log} names no application in its first megabyte")
    name = found[1].decode()
    for number in range(count):
        copy = f"{name}{number:03}"
        pipe = f"{' '.join(unpack)} | sed 's/{name}/{copy}/g' | zstd -q -3 -o {folder / copy}.zstd"
        subprocess.run(["bash", "-o", "pipefail", "-c", pipe], check=True)


def busy_s(units: list[Unit], phase: str) -> float:
    """From the first beginning to the last end."""
    of_phase = [unit for unit in units if unit.phase == phase]
    if not of_phase:
        raise SystemExit(f"no unit of {phase} was handed out: use more logs or more --units")
    return max(unit.end for unit in of_phase) - min(unit.begin for unit in of_phase)


def gaps_s(units: list[Unit], phase: str) -> list[float]:
    """Time between the end of a unit and the beginning of the next one of the same executor."""
    gaps = []
    for executor in {unit.executor for unit in units}:
        of_executor = [unit for unit in units if (unit.executor, unit.phase) == (executor, phase)]
        of_executor.sort(key=lambda unit: unit.begin)
        gaps += [after.begin - before.end for before, after in zip(of_executor, of_executor[1:], strict=False)]
    return gaps


def dealt_out(times: list[float], machines: int, gap: float) -> float:
    """Time until the last unit ends if each machine takes the next one when it is free."""
    free = [0.0] * machines
    for length in times:
        heapq.heappush(free, heapq.heappop(free) + gap + length)
    return max(free)


def scaling(program: str, work: Path) -> None:
    """The same logs by more and more executors."""
    single: float | None = None
    for executors in (1, 2, 4):
        cluster = Cluster(program, work / f"scaling-{executors}", executors)
        ended = run(program, work / f"lake-{executors}", [*cluster.engine(), "--event-logs", str(work / "copies")])
        units = cluster.units()
        extraction = busy_s(units, "extraction")
        single = single or extraction
        lengths = [unit.end - unit.begin for unit in units if unit.phase == "extraction"]
        useful = min(executors, CORES)
        print(
            f"scaling: {executors} executors, {len(lengths)} units of {statistics.median(lengths):.2f} s: extraction "
            f"{extraction:.1f} s, efficiency {single / extraction / useful:.2f} of {useful} cores; whole run "
            f"{ended.wall_s:.1f} s, coordinator {ended.cpu_s:.1f} s CPU, {ended.peak_mb:.0f} MB",
            flush=True,
        )
        if executors == 1:
            times, gap = lengths, statistics.median(gaps_s(units, "extraction"))
        cluster.stop()
    many = [times[number % len(times)] for number in range(1000)]
    for machines in (1, 2, 4, 8, 16, 32, 64, 128):
        total = dealt_out(many, machines, gap)
        print(
            f"computed: 1,000 such units on {machines} executors of one core, {gap * 1000:.0f} ms between two units: "
            f"{total:.0f} s, efficiency {sum(many) / machines / total:.3f}",
            flush=True,
        )


def rules(program: str, work: Path) -> None:
    """All rules over the same tasks by one process and by executors."""
    cluster = Cluster(program, work / "rules", 2)
    source = ["--event-logs", str(work / "copies")]
    for name, flags in (("local", []), ("ballista", [*cluster.engine(), "--units", "8"])):
        ended = run(program, work / f"rules-{name}", [*source, *flags])
        print(
            f"rules: {name}: whole run {ended.wall_s:.1f} s, judging {ended.summary['analyze_ms'] / 1000:.1f} s, "
            f"coordinator {ended.cpu_s:.1f} s CPU",
            flush=True,
        )
    moved = cluster.moved_mb()
    judged = busy_s(cluster.units(), "analysis")
    cluster.stop()
    expected, found = checksums(work / "rules-local"), checksums(work / "rules-ballista")
    different = {table for table in expected if expected[table] != found.get(table)}
    if different:
        raise SystemExit(f"rules: other rows in {different}")
    tasks = expected["tasks"][0]
    print(
        f"rules: {tasks} tasks, {len(expected)} tables have the same rows; executors judged {judged:.1f} s and read and "
        f"wrote {moved:.0f} MB",
        flush=True,
    )


def until_judging(program: str, lake: Path, flags: list[str]) -> Ended:
    """A run that is stopped with SIGTERM once all is committed and judging is handed out."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([program, "-q", "run", "--lake", str(lake), *flags], stdout=out)
        while process.poll() is None and not list(lake.glob("_sparklake/shards/*/analysis")):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        wall, stopped = time.monotonic() - begun, time.time()
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        lines = out.read().decode().strip().splitlines()
    if os.waitstatus_to_exitcode(status) != 143:
        raise SystemExit(f"exit code {os.waitstatus_to_exitcode(status)}: {lines}")
    summary = json.loads(lines[-1]) | {"stopped": stopped}
    return Ended(summary, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def many_units(program: str, work: Path, counts: list[int], is_extraction_only: bool) -> None:
    """Small units: what is spent on each beside its own work."""
    for count in counts:
        logs = work / f"small-{count}"
        small = [sys.executable, str(ROOT / "benches/many_applications.py"), str(logs), str(count)]
        subprocess.run(small, check=True, stdout=subprocess.DEVNULL)
        cluster = Cluster(program, work / f"units-{count}", 2, is_relayed=True)
        flags = [*cluster.engine(), "--units", str(count), "--event-logs", str(logs)]
        ended = (until_judging if is_extraction_only else run)(program, work / f"lake-units-{count}", flags)
        units = cluster.units()
        extraction = [unit for unit in units if unit.phase == "extraction"]
        analysis = len(units) - len(extraction)
        scheduler = cluster.cpu_s(cluster.scheduler)
        executors = sum(cluster.cpu_s(process) for process in cluster.executors)
        print(
            f"units: {len(extraction)} of extraction, {analysis} of analysis{', stopped there' * is_extraction_only}: "
            f"coordinator {ended.cpu_s:.1f} s CPU ({ended.cpu_s / len(extraction) * 1000:.1f} ms a unit), "
            f"{ended.peak_mb:.0f} MB; scheduler {scheduler:.1f} s ({scheduler / len(units) * 1000:.1f} ms a unit); executors "
            f"{executors:.1f} s ({executors / len(units) * 1000:.0f} ms a unit); extraction "
            f"{busy_s(units, 'extraction'):.1f} s, run {ended.wall_s:.1f} s",
            flush=True,
        )
        if is_extraction_only:
            committed = ended.summary["stopped"] - max(unit.end for unit in extraction)
            print(f"units: {committed:.1f} s from the last unit until all is committed and judging is handed out", flush=True)
        else:
            times = {key: value for key, value in ended.summary.items() if key.endswith("_ms")}
            print(f"units: {json.dumps(times)}", flush=True)
        of_run, of_executors = [relay.largest / 1e6 for relay in cluster.relays]
        print(
            f"units: largest message between coordinator and scheduler {of_run:.3f} MB, between scheduler and executors "
            f"{of_executors:.3f} MB; {ended.summary['status']}",
            flush=True,
        )
        if is_extraction_only:
            cluster.kill()
        else:
            cluster.stop()
        shutil.rmtree(logs)
        shutil.rmtree(work / f"lake-units-{count}")


def memory(program: str, work: Path, limit_mb: int) -> None:
    """Eight units at a time in a control group."""
    GROUP.mkdir(exist_ok=True)
    (GROUP / "memory.limit_in_bytes").write_text(str(limit_mb << 20), encoding="ascii")
    (GROUP / "memory.max_usage_in_bytes").write_text("0", encoding="ascii")
    cluster = Cluster(program, work / "memory", 0)
    enter = ["bash", "-c", f'echo $$ > {GROUP}/cgroup.procs && exec "$@"', "bash"]
    cluster.executors = [cluster.start_executor(0, enter, cores=8)]
    flags = [*cluster.engine(), "--units", "32", "--event-logs", str(work / "medium")]
    ended = run(program, work / "lake-memory", flags)
    peak = int((GROUP / "memory.max_usage_in_bytes").read_text(encoding="ascii")) / 1e6
    status = Path(f"/proc/{cluster.executors[0].pid}/status").read_text(encoding="ascii")
    resident = int(status.split("VmHWM:")[1].split()[0]) / 1000
    hits = (GROUP / "memory.failcnt").read_text(encoding="ascii").strip()
    units = cluster.units()
    at_once = max(sum(other.begin <= unit.begin < other.end for other in units) for unit in units)
    print(
        f"memory: {len(units)} units, {at_once} at a time, limit {limit_mb} MB: the group's peak {peak:.0f} MB with its page "
        f"cache, the process' {resident:.0f} MB, limit met {hits} times; "
        f"{ended.summary['status']}, {ended.wall_s:.1f} s",
        flush=True,
    )
    cluster.stop()
    GROUP.rmdir()


def main() -> None:
    """Measures the parts that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sparklake")
    parser.add_argument("log", type=Path)
    parser.add_argument("--parts", default="scaling,rules,units,memory")
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--units", default="1000,10000")
    parser.add_argument("--extraction-only", action="store_true", help="stop the runs of the part units before they judge")
    parser.add_argument("--medium", type=Path, help="a log of some 50 MB for the part memory")
    parser.add_argument("--limit-mb", type=int, default=2048)
    options = parser.parse_args()
    parts = options.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="cluster-bench-") as folder:
        work = Path(folder)
        if {"scaling", "rules"} & set(parts):
            copies_of(options.log, work / "copies", options.copies)
        if "scaling" in parts:
            scaling(options.sparklake, work)
        if "rules" in parts:
            rules(options.sparklake, work)
        if "units" in parts:
            many_units(options.sparklake, work, [int(count) for count in options.units.split(",")], options.extraction_only)
        if "memory" in parts:
            copies_of(options.medium or options.log, work / "medium", 16)
            memory(options.sparklake, work, options.limit_mb)


if __name__ == "__main__":
    main()
