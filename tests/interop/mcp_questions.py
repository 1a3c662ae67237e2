#!/usr/bin/env python3
"""Asks what users of the original notebooks ask, through MCP tools alone, and measures each call.

    python tests/interop/mcp_questions.py --program target/release/sparklake --lake ./lake [--calls 200] [-v]

Each question takes at most three calls, and none needs an id that an earlier answer did not give. Prints the
transcript (calls and verdicts; with -v whole answers), then bytes of each answer and the times of many calls. Fails
where a call is an error, an answer is above its budget, or a question takes more than three calls.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

SUMMARY_BYTES, FULL_BYTES = 12_000, 48_000


class Client:
    def __init__(self, program, *where):
        command = [program, "-q", "mcp", *where]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sent = 0
        self.calls = []
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "questions", "version": "1"}}
        self.request("initialize", hello)

    def request(self, method, params):
        self.sent += 1
        message = {"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            sys.exit(f"{method} {params}: {answer['error']}")
        return answer["result"]

    def call(self, tool, **arguments):
        started = time.monotonic()
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        seconds = time.monotonic() - started
        size = len(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode())
        self.calls.append((tool, arguments, size, seconds, result))
        if result.get("isError"):
            sys.exit(f"{tool} {arguments}: {result['content'][0]['text']}")
        budget = FULL_BYTES if arguments.get("detail") == "full" else SUMMARY_BYTES
        if size > budget:
            sys.exit(f"{tool} {arguments}: {size} bytes")
        return result["structuredContent"]


def first(rows, *names):
    return [rows[0][name] for name in names] if rows else [None] * len(names)


def inefficient(client):
    client.call("find_applications", order="most_wasted")
    client.call("waste_and_cost")


def bottlenecks(client, app):
    client.call("slowest", kind="stages", app=app)
    rows = client.call("slowest", kind="sql", app=app).get("sql", [])
    if rows:
        client.call("inspect", app=app, sql_id=rows[0]["sql_id"])


def configuration(client, app):
    client.call("configuration", app=app)


def tune(client, app):
    findings = client.call("diagnose", app=app).get("findings", [])
    stage = next((row["subject_id"] for row in findings if row["subject_type"] == "stage"), None)
    if stage is not None:
        client.call("inspect", app=app, stage_id=str(stage).split("/")[0].split(".")[0])
    client.call("whatif", app=app)


def photon(client, app):
    client.call("photon_fit", app=app)
    client.call("waste_and_cost", app=app)


def migrate(client):
    client.call("photon_fit")
    client.call("waste_and_cost")


def failed(client):
    rows = client.call("failures").get("applications", [])
    if rows:
        client.call("failures", app=rows[0]["application_id"])


def scans(client, app):
    client.call(
        "query",
        sql=f"SELECT sql_id, COUNT(*) AS scans, SUM(bytes_output) AS bytes FROM sql_nodes WHERE application_id = '{app}' "
        "AND node_name LIKE 'Scan%' GROUP BY sql_id ORDER BY scans DESC LIMIT 10",
    )


def slower(client):
    rows = client.call("trends").get("jobs", [])
    if rows:
        runs = client.call("trends", job=rows[0]["job_key"]).get("runs", [])
        ids = [row["application_id"] for row in runs]
        if len(set(ids)) > 1:
            client.call("compare", app=ids[-1], **{"with": ids[0]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    client = Client(options.program, "--lake", options.lake)
    tools = client.request("tools/list", {})
    print(f"{len(tools['tools'])} tools, {len(json.dumps(tools, separators=(',', ':')).encode()):,} bytes\n")
    worst = client.call("find_applications", order="most_wasted", limit=50)["applications"]
    app = worst[0]["application_id"]
    questions = [
        ("What are the most inefficient Spark jobs?", inefficient, ()),
        (f"Which stages and which SQL are the bottlenecks of {app}?", bottlenecks, (app,)),
        (f"Which Spark configurations did {app} use?", configuration, (app,)),
        (f"Help me tune {app}: metrics, findings, recommendations.", tune, (app,)),
        (f"What share of {app} would run in Photon, at what gain and cost?", photon, (app,)),
        ("Which jobs have the best return if they move to Photon?", migrate, ()),
        ("What failed, and why?", failed, ()),
        (f"Does {app} scan the same data several times?", scans, (app,)),
        ("Which job became slower, and why?", slower, ()),
    ]
    client.calls.clear()
    for question, ask, arguments in questions:
        before = len(client.calls)
        ask(client, *arguments)
        made = client.calls[before:]
        print(f"Q: {question}")
        for tool, arguments, size, seconds, result in made:
            print(f"  {tool} {json.dumps(arguments)}  [{size:,} bytes, {seconds * 1e3:.0f} ms]")
            text = result["content"][0]["text"]
            print("    " + (text.replace("\n", "\n    ") if options.verbose else result["structuredContent"]["verdict"]))
        print()
        if len(made) > 3:
            sys.exit(f"{len(made)} calls: {question}")
    # Many calls over many applications, for the times.
    plan = [
        ("find_applications", lambda app: {}),
        ("diagnose", lambda app: {"app": app}),
        ("slowest", lambda app: {"kind": "stages", "app": app}),
        ("executors", lambda app: {"app": app}),
        ("waste_and_cost", lambda app: {"app": app}),
        ("failures", lambda app: {"app": app}),
        ("photon_fit", lambda app: {"app": app}),
        ("query", lambda app: {"sql": "SELECT COUNT(*) FROM tasks"}),
    ]
    times = {}
    for number in range(options.calls):
        tool, arguments = plan[number % len(plan)]
        app = worst[number // len(plan) % len(worst)]["application_id"]
        client.call(tool, **arguments(app))
        times.setdefault(tool, []).append(client.calls[-1][3])
    print(f"{'tool':<20}{'calls':>6}{'median ms':>11}{'p95 ms':>9}{'most bytes':>12}")
    for tool, seconds in [*times.items(), ("all", [one for of in times.values() for one in of])]:
        ordered = sorted(seconds)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        most = max(size for name, _, size, _, _ in client.calls if tool in (name, "all"))
        print(f"{tool:<20}{len(ordered):>6}{statistics.median(ordered) * 1e3:>11.0f}{p95 * 1e3:>9.0f}{most:>12,}")
    client.process.stdin.close()
    client.process.wait(10)


if __name__ == "__main__":
    main()
