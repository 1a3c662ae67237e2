#!/usr/bin/env python3
"""Times the pages of the dashboard over a lake: each kind by a server that has just started, and then again.

    python pages.py SPARKLAKE LAKE [--times 3] [--most SECONDS] [--only WORD]

"Cold" is the first answer of a fresh process (its files may be in the system's cache), "warm" the median of the next ones,
"CPU" the processor time of each of those: on a machine that does something else too, the time that counts. Pages about one
application are those of the application that wasted most. Fails where a page is not answered or a cold
answer takes longer than --most.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


class Server:
    """`sparklake serve` on a free port."""

    def __init__(self, program: str, lake: str) -> None:
        command = [program, "serve", "--lake", lake, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr or []:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.base = found[0]
                return
        sys.exit("the server did not start")

    def cpu_seconds(self) -> float:
        """Processor time that it has taken (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> tuple[float, str]:
        """Seconds and the page."""
        started = time.monotonic()
        try:
            with urllib.request.urlopen(self.base + path, timeout=300) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error}: {error.read().decode()[:600]}")
        return time.monotonic() - started, text

    def end(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(10)


def links(page: str, path: str) -> list[str]:
    """Addresses of a kind of page that a page links to."""
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page) if link.startswith(f"{path}?")]


def paths(server: Server) -> list[str]:
    """One address of each kind of page, found as a reader finds them."""
    worst = links(server.get("/applications?sort=waste")[1], "/application")[0]
    report = server.get(worst)[1]
    about = [links(report, path)[0] for path in ("/stages", "/queries", "/executors", "/configuration", "/whatif")]
    stage = links(server.get(about[0])[1], "/stage")[:1]
    query = links(server.get(about[1])[1], "/query")[:1]
    job = links(server.get("/jobs")[1], "/job")[:1]
    compare = links(server.get(job[0])[1], "/compare")[:1] if job else []
    return [
        "/",
        "/applications",
        "/applications?q=skew",
        "/applications?sort=waste&page=9",
        "/applications?rank=4",
        "/jobs",
        "/jobs?q=skew",
        *job,
        "/findings",
        "/findings?q=skew",
        "/findings?rank=4",
        "/findings?rule=task_skew",
        "/findings?page=9",
        worst,
        *about,
        *stage,
        *query,
        *compare,
        "/compare",
        "/sql",
        "/sql?q=SELECT+COUNT(*)+FROM+tasks",
    ]


def main() -> None:
    """Asks each page of a server of its own, then a few times more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("lake")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--most", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--only", default="", help="pages whose address contains it")
    options = parser.parse_args()
    server = Server(options.program, options.lake)
    found = paths(server)
    server.end()
    slow = []
    print(f"{'cold s':>8}{'warm s':>8}{'CPU s':>8}{'kB':>7}  page")
    for path in found:
        if options.only not in path:
            continue
        server = Server(options.program, options.lake)
        cold, page = server.get(path)
        before = server.cpu_seconds()
        warm = statistics.median(server.get(path)[0] for _ in range(options.times))
        cpu = (server.cpu_seconds() - before) / options.times
        server.end()
        print(f"{cold:>8.2f}{warm:>8.2f}{cpu:>8.2f}{len(page.encode()) / 1000:>7.0f}  {path}", flush=True)
        if cold > options.most:
            slow.append(path)
    if slow:
        sys.exit(f"slower than {options.most} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
