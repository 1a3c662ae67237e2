#!/usr/bin/env python3
"""Lists and calls every MCP tool with the official inspector, over standard input and output and over streamable HTTP.

    python mcp_inspector.py SPARKLAKE LAKE

Needs npx, or $MCP_INSPECTOR with a command line that starts the inspector's CLI on Node 22. Each tool is called in
summary and in full with ids that earlier answers gave. Fails where both transports do not list the same tools, a tool
was not called, the inspector ends with an error, the schemas are not portable (its `--strict`), a structured answer
does not fit the tool's own output schema, the text and the structured answer do not begin with the same verdict, an
answer is above its budget, a wrong call does not end with the inspector's code of a tool error, a page of MCP Apps is not
what the tool announces, or a request without the token is let in.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from typing import Any

import jsonschema

LIST_BYTES, SUMMARY_BYTES, FULL_BYTES = 24_000, 12_000, 48_000
TOOL_ERROR, NEEDS_LOGIN = 5, 3
TOKEN = "a-token-for-the-inspector"
INSPECTOR = shlex.split(
    os.environ.get("MCP_INSPECTOR", "npx -y -p node@22 -p @modelcontextprotocol/inspector@2 mcp-inspector")
)
failures: list[str] = []


def fail(text: str) -> None:
    failures.append(text)
    print(f"  FAULT {text}")


class Transport:
    """One way to the server."""

    def __init__(self, name: str, target: list[str]) -> None:
        self.name, self.target = name, target

    def ask(self, method: str, *arguments: str, expected: int = 0) -> tuple[dict[str, Any], str]:
        """The result of a request, and what the inspector wrote beside it."""
        command = [*INSPECTOR, "--cli", *self.target, "--method", method, "--format", "json", *arguments]
        # What the inspector keeps of servers and sessions must not carry over.
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "MCP_CATALOG_PATH": f"{home}/mcp.json"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
        if done.returncode != expected:
            fail(f"{self.name}: {method} {arguments}: status {done.returncode}: {done.stderr[:400]}")
        try:
            return json.loads(done.stdout or "{}").get("result", {}), done.stderr
        except json.JSONDecodeError:
            fail(f"{self.name}: {method} {arguments}: {done.stdout[:300]!r}")
            return {}, done.stderr


def size(value: Any) -> int:
    """Bytes of a value as the server sends it."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


class Walk:
    """All requests over one transport."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        tools, _ = transport.ask("tools/list", "--strict")
        self.tools = {tool["name"]: tool for tool in tools.get("tools", [])}
        self.called: set[str] = set()
        print(f"{transport.name}: {len(self.tools)} tools, {size(tools):,} bytes")
        if size(tools) > LIST_BYTES:
            fail(f"{transport.name}: the list of tools has {size(tools)} bytes")
        for tool in self.tools.values():
            hints = tool.get("annotations", {})
            if hints.get("readOnlyHint") is not True or "outputSchema" not in tool:
                fail(f"{transport.name}: {tool['name']} is not declared as read-only with an output schema")

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer, checked."""
        self.called.add(tool)
        result, _ = self.transport.ask(
            "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
        )
        content, bytes_ = result.get("structuredContent", {}), size(result)
        print(f"  {tool} {json.dumps(arguments)[:110]}: {bytes_:,} bytes: {content.get('verdict', '')[:110]}")
        budget = FULL_BYTES if arguments.get("detail") == "full" else SUMMARY_BYTES
        if bytes_ > budget:
            fail(f"{tool} {arguments}: {bytes_} bytes")
        try:
            jsonschema.Draft202012Validator(self.tools[tool]["outputSchema"]).validate(content)
        except (jsonschema.ValidationError, KeyError) as error:
            fail(f"{tool} {arguments}: {str(error)[:300]}")
        texts = [part.get("text", "") for part in result.get("content", [])]
        if not texts or not texts[0].startswith(content.get("verdict", "?")):
            fail(f"{tool} {arguments}: the text does not begin with the verdict")
        return content

    def every_tool(self) -> None:
        """Calls each tool with ids that earlier answers gave."""
        for detail in ("summary", "full"):
            rows = self.call("find_applications", order="slowest", detail=detail)["applications"]
            app, other = rows[0]["application_id"], rows[-1]["application_id"]
            self.call("find_applications", limit=1, cursor="1", detail=detail)
            self.call("diagnose", app=app, detail=detail)
            for kind in ("jobs", "stages", "sql"):
                found = self.call("slowest", kind=kind, detail=detail).get(kind, [])
                if kind == "stages":
                    of, stage = found[0]["application_id"], found[0]["stage_id"]
                    self.call("inspect", app=of, stage_id=stage, detail=detail)
                if kind == "sql":
                    of, sql = found[0]["application_id"], found[0]["sql_id"]
                    self.call("inspect", app=of, sql_id=sql, detail=detail)
            for tool in ("executors", "configuration", "waste_and_cost", "failures", "photon_fit", "whatif"):
                self.call(tool, app=app, detail=detail)
            for tool in ("waste_and_cost", "recommendations", "trends", "failures", "photon_fit"):
                self.call(tool, detail=detail)
            self.call("compare", app=app, detail=detail, **{"with": other})
        self.call("query", describe="all")
        self.call("query", describe="tasks")
        self.call("query", sql="SELECT application_id, COUNT(*) AS tasks FROM tasks GROUP BY 1 ORDER BY 2 DESC")
        if missing := self.tools.keys() - self.called:
            fail(f"{self.transport.name}: never called: {sorted(missing)}")

    def wrong_calls(self) -> None:
        """What makes no sense is a tool error that says what to do."""
        for tool, arguments, cure in [
            ("diagnose", {"app": "no-such-application-1"}, "find_applications"),
            ("diagnose", {}, "app"),
            ("slowest", {"kind": "stage"}, "stages"),
            ("inspect", {"app": "x", "stage_id": -1}, "stage_id"),
            ("query", {"sql": "DELETE FROM tasks"}, "SELECT"),
            ("query", {"sql": "SELECT * FROM '/etc/passwd'"}, "/etc/passwd"),
            ("no_such_tool", {}, "no tool"),
        ]:
            result, beside = self.transport.ask(
                "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments), expected=TOOL_ERROR
            )
            said = json.dumps(result) + beside
            if cure not in said and tool in self.tools:
                fail(f"{tool} {arguments}: {said[:300]}")

    def documents(self) -> None:
        """Resources, templates and prompts."""
        resources = self.transport.ask("resources/list")[0].get("resources", [])
        for uri in [*(resource["uri"] for resource in resources), "sparklake://tables/tasks", "sparklake://rules/task_skew"]:
            contents = self.transport.ask("resources/read", "--uri", uri)[0].get("contents", [])
            if not contents or len(contents[0].get("text", "")) < 200:
                fail(f"{self.transport.name}: {uri}: {str(contents)[:200]}")
        if not self.transport.ask("resources/templates/list")[0].get("resourceTemplates"):
            fail(f"{self.transport.name}: no templates")
        prompts = self.transport.ask("prompts/list")[0].get("prompts", [])
        for prompt in prompts:
            needed = [argument["name"] for argument in prompt.get("arguments", []) if argument.get("required")]
            given = ["--prompt-args", *(f"{name}=x" for name in needed)] if needed else []
            got = self.transport.ask("prompts/get", "--prompt-name", prompt["name"], *given)[0]
            if not got.get("messages"):
                fail(f"{self.transport.name}: prompt {prompt['name']}: {got}")
        print(f"  {len(resources)} resources, {len(prompts)} prompts")

    def apps(self) -> None:
        """The pages of MCP Apps: each that a tool announces is there, whole and without a script of elsewhere."""
        announced = {
            name: tool["_meta"]["ui"]["resourceUri"] for name, tool in self.tools.items() if "ui" in tool.get("_meta", {})
        }
        for tool, uri in announced.items():
            contents = self.transport.ask("resources/read", "--uri", uri)[0].get("contents", [{}])
            page = contents[0].get("text", "")
            if contents[0].get("mimeType") != "text/html;profile=mcp-app" or "<html" not in page:
                fail(f"{tool}: {uri} is no page of MCP Apps: {str(contents)[:200]}")
            if re.search(r"""(src|href)=["']?(https?:)?//""", page):
                fail(f"{tool}: {uri} loads from elsewhere")
        print(f"  {len(announced)} tools with a page: {announced}")


def main() -> None:
    """Walks both transports."""
    program, lake = sys.argv[1:3]
    stdio = Transport("stdio", [program, "-q", "mcp", "--lake", lake])
    os.environ["INSPECTOR_LAKE_TOKEN"] = TOKEN
    served = subprocess.Popen(
        [program, "serve", "--lake", lake, "--listen", "127.0.0.1:0", "--token-env", "INSPECTOR_LAKE_TOKEN"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = None
        while address is None and (line := served.stderr.readline()):
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
        url = f"{address.group(0)}/mcp"
        remote = ["--transport", "http", "--server-url", url]
        allowed = ["--header", f"Authorization: Bearer {TOKEN}"]
        # The version before the stateless one, and the newest.
        stdio_modern = Transport("stdio, newest protocol", [*stdio.target, "--protocol-era", "modern"])
        http_legacy = Transport("http, older protocol", [*remote, *allowed])
        http = Transport("http, newest protocol", [*remote, *allowed, "--protocol-era", "modern"])
        Transport("http without a token", [*remote, "--stored-auth-only"]).ask("tools/list", expected=NEEDS_LOGIN)
        listed = []
        for transport in (stdio_modern, http_legacy):
            listed.append(Walk(transport).tools)
        for transport in (stdio, http):
            started = time.monotonic()
            walk = Walk(transport)
            listed.append(walk.tools)
            walk.every_tool()
            walk.wrong_calls()
            walk.documents()
            walk.apps()
            print(f"  {time.monotonic() - started:.0f} s")
        if any(tools != listed[0] for tools in listed):
            fail("the transports do not list the same tools")
    finally:
        served.terminate()
        served.wait(20)
    print("\n".join(failures) or "every tool was listed and called over both transports")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
