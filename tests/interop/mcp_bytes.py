#!/usr/bin/env python3
"""Measures the bytes and the time of every MCP tool over every application of a lake, and of logs that are in no lake.

    python mcp_bytes.py --program SPARKLAKE --lake LAKE [--every 1] [--apps N]
    python mcp_bytes.py --program SPARKLAKE --live FOLDER_OF_LOGS APPLICATION…

Each tool is called in summary and in full, for the longest stage and SQL execution of an application, too. Prints the
largest answer of each tool and the application that it is about, times, and for live applications the first and the second
answer. Fails where an answer is above its budget or a call is refused.
"""

import argparse
import statistics
import sys
import time

from mcp_questions import Client

WITH_APPLICATION = ("diagnose", "executors", "configuration", "waste_and_cost", "failures", "photon_fit", "whatif")
WITHOUT = ("find_applications", "waste_and_cost", "recommendations", "trends", "failures", "photon_fit")


class Measured(Client):
    """A client that reports a refused call or a large answer instead of ending with it."""

    faults: list[str] = []

    def call(self, tool, **arguments):
        try:
            return super().call(tool, **arguments)
        except SystemExit as fault:
            # A run without an end cannot be scheduled again.
            if tool == "whatif" and "nothing can be predicted" in str(fault):
                return {}
            self.faults.append(str(fault))
            print(f"FAULT {fault}")
            return {}


def walk(client, app):
    """Every tool about one application."""
    for detail in ("summary", "full"):
        for tool in WITH_APPLICATION:
            client.call(tool, app=app, detail=detail)
        client.call("configuration", app=app, defaults=True, detail=detail, limit=100)
        client.call("diagnose", app=app, detail=detail, limit=100)
        for kind in ("jobs", "stages", "sql"):
            rows = client.call("slowest", kind=kind, app=app, detail=detail, limit=100).get(kind, [])
            if rows and kind == "stages":
                client.call("inspect", app=app, stage_id=rows[0]["stage_id"], detail=detail)
            if rows and kind == "sql":
                for row in rows[:2]:
                    client.call("inspect", app=app, sql_id=row["sql_id"], detail=detail)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--lake")
    parser.add_argument("--every", type=int, default=1, help="of the lake's applications, each so many")
    parser.add_argument("--apps", type=int, default=1_000_000, help="applications to look at, the newest")
    parser.add_argument("--live", nargs="+", metavar=("FOLDER", "APPLICATION"))
    options = parser.parse_args()
    where = ["--lake", options.lake] if options.lake else ["--event-logs", options.live[0]]
    client = Measured(options.program, *where)
    if options.live:
        for app in options.live[1:]:
            times = []
            for _ in range(2):
                started = time.monotonic()
                client.call("diagnose", app=app)
                times.append(time.monotonic() - started)
            print(f"live {app}: first answer {times[0]:.2f} s, second {times[1] * 1e3:.0f} ms")
            walk(client, app)
    else:
        apps, cursor = [], None
        while True:
            page = client.call("find_applications", limit=100, **({"cursor": cursor} if cursor else {}))
            apps += [(row["application_id"], row["attempt_id"]) for row in page["applications"]]
            cursor = page.get("next_cursor")
            if cursor is None or len(apps) >= options.apps:
                break
        del apps[options.apps :]
        for detail in ("summary", "full"):
            for tool in WITHOUT:
                client.call(tool, detail=detail, **({} if tool == "recommendations" else {"limit": 100}))
        for app, attempt in apps[:: options.every]:
            walk(client, f"{app}/{attempt}")
        print(f"{len(apps[:: options.every])} of {len(apps)} applications")
    print(f"{'tool':<20}{'calls':>6}{'median ms':>11}{'p95 ms':>9}{'summary':>9}{'full':>9}  largest")
    for tool in sorted({call[0] for call in client.calls}) + ["all"]:
        calls = [call for call in client.calls if tool in (call[0], "all")]
        seconds = sorted(call[3] for call in calls)
        of = {detail: [call for call in calls if (call[1].get("detail") == "full") == detail] for detail in (False, True)}
        most = {detail: max(some, key=lambda call: call[2], default=None) for detail, some in of.items()}
        sizes = "".join(f"{most[detail][2] if most[detail] else 0:>9,}" for detail in (False, True))
        p95 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
        largest = max(calls, key=lambda call: call[2])
        print(f"{tool:<20}{len(calls):>6}{statistics.median(seconds) * 1e3:>11.0f}{p95 * 1e3:>9.0f}{sizes}  {largest[0]} {largest[1]}")
    client.process.stdin.close()
    client.process.wait(10)
    sys.exit(1 if client.faults else 0)


if __name__ == "__main__":
    main()
