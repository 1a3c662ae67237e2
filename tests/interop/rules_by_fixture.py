"""Writes docs/rules.md: each rule, the logs of `tests/fixtures` on which it fires, and the cases of its data file.

    sparklake run --event-logs tests/fixtures/logs --event-logs tests/fixtures/pair --lake /tmp/fixtures
    python rules_by_fixture.py SPARKLAKE /tmp/fixtures [--beside LAKE ...] [LAKE ...] > docs/rules.md

A lake after --beside holds logs of `tests/fixtures/logs` together with what `tests/fixtures/yarn` has of their clusters (samples,
logs of containers); what was found with that too counts as a fixture's. More lakes, of logs that are not kept here (public ones, or made for a judgement), only say on how many of their applications
each rule fired. With --check the rows of the fixtures are compared with the file; status 1 if they differ.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ", with what is beside it"
HEALTHY = ("aqe-coalesce", "block-updates", "broadcast-join", "codec-none", "codec-zstd", "job-properties", "rolling")


def ask(sparklake: str, lake: str, query: str) -> list[dict]:
    answer = subprocess.run([sparklake, "-q", "sql", "--lake", lake, query, "--format", "ndjson"], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def header(rule: Path) -> dict[str, str]:
    """The one-line keys of a rule's header."""
    lines = (line[3:].split(":", 1) for line in rule.read_text(encoding="utf-8").splitlines() if line.startswith("-- ") and ":" in line)
    values: dict[str, str] = {}
    for key, value in lines:
        values.setdefault(key, value.strip())
    return values


def cases(rule: Path) -> tuple[int, int]:
    """How many cases of its data file it fires on, and on how many not."""
    data = tomllib.loads(rule.with_suffix("").with_suffix(".test.toml").read_text(encoding="utf-8"))
    fires = sum(bool(case.get("expect")) for case in data["case"])
    return fires, len(data["case"]) - fires


FIRED = """SELECT f.rule_id, a.application_name AS scenario,
    SPLIT_PART(a.spark_version, '.', 1) || '.' || SPLIT_PART(a.spark_version, '.', 2) AS spark
    FROM findings f JOIN applications a USING (platform, cluster_id, application_id, attempt_id)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


def elsewhere(sparklake: str, lakes: list[str]) -> tuple[dict[str, str], int]:
    """For each rule, the applications of other lakes on which it fired; and how many applications these are."""
    names: dict[str, set[str]] = defaultdict(set)
    applications = set()
    for lake in lakes:
        applications |= {(row["application_id"], row["attempt_id"]) for row in ask(sparklake, lake, "SELECT application_id, attempt_id FROM applications")}
        for row in ask(sparklake, lake, "SELECT DISTINCT rule_id, application_id, attempt_id FROM findings"):
            names[row["rule_id"]].add(f"{row['application_id']} {row['attempt_id']}")
    return {rule: str(len(found)) for rule, found in names.items()}, len(applications)


def page(sparklake: str, lake: str, others: list[str], beside: list[str]) -> str:
    logs = ask(sparklake, lake, "SELECT application_name AS scenario, COUNT(*) AS logs FROM applications GROUP BY 1 ORDER BY 1")
    scenario_names = {row["scenario"] for row in logs}
    fired: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with_samples = set()
    for place in (lake, *beside):
        for row in ask(sparklake, place, FIRED):
            if row["scenario"] not in scenario_names:
                sys.exit(f"{place}: {row['scenario']} is no scenario of {lake}")
            versions = fired[row["rule_id"]][row["scenario"]]
            if row["spark"] not in versions:
                versions.append(row["spark"])
                if place != lake:
                    with_samples.add((row["rule_id"], row["scenario"]))
    seen, num_seen = elsewhere(sparklake, others)
    num_logs = sum(row["logs"] for row in logs)
    lines = [
        "# The rules, and the logs that show them",
        "",
        f"Written by `tests/interop/rules_by_fixture.py` from a lake of the {num_logs} logs in `tests/fixtures`, which real Spark wrote "
        f"({len(logs)} scenarios). A rule is silent on every log that its row does not name. `sparklake explain RULE` prints what a "
        "rule looks for, its thresholds and its SQL.",
        "",
        "*with what is beside it*: the rule needs what no event log has, and fires on the log together with the samples of its cluster or the "
        "logs of its containers that `tests/fixtures/yarn` keeps.",
        "",
        f"*Other logs* counts the applications on which it fired among {num_seen} of real logs that are not kept here: public "
        "repositories (NVIDIA's and Kubeflow's tools, Databricks, EMR and standalone clusters of Spark 1.3 to 4.1), Spark's own test logs, "
        "and applications written for a judgement.",
        "",
        "*Data file* counts the hand-made cases of `sql/rules/…/RULE.test.toml`: those on which the rule has to fire, with the numbers "
        "and the advice worked out by hand, and those on which it must not.",
        "",
    ]
    rules = sorted((ROOT / "sql/rules").glob("*/*.sql"))
    for category in dict.fromkeys(rule.parent.name for rule in rules):
        lines += [f"## {category}", "", "| rule | reports | fires on (Spark) | other logs | data file: fires / silent |", "|---|---|---|---|---|"]
        for rule in (rule for rule in rules if rule.parent.name == category):
            fires, silent = cases(rule)
            scenarios = fired.get(rule.stem, {})
            where = ", ".join(f"{scenario} ({', '.join(spark)}{BESIDE if (rule.stem, scenario) in with_samples else ''})" for scenario, spark in sorted(scenarios.items()))
            lines.append(f"| `{rule.stem}` | {header(rule)['title']} | {where or 'no fixture'} | {seen.get(rule.stem, '0')} | {fires} / {silent} |")
        lines.append("")
    silent_on = sorted(name for name in HEALTHY if name in scenario_names and not any(name in scenarios for scenarios in fired.values()))
    lines += [
        "## Silent",
        "",
        f"No rule fires on these scenarios in which nothing was made to go wrong: {', '.join(silent_on)}. Rules that need what no event log "
        "has, of which there is no sample either, or more than a small machine gives fire on no fixture; other logs and their data "
        "files show them.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    beside = [arguments.pop(place + 1) for place in range(len(arguments) - 1, -1, -1) if arguments[place] == "--beside"]
    sparklake, lake, *others = (argument for argument in arguments if argument != "--beside")
    text = page(sparklake, lake, others, beside[::-1])
    if "--check" not in sys.argv:
        print(text, end="")
        return
    def fixtures(lines: str) -> list[list[str]]:
        cells = [line.split(" | ") for line in lines.splitlines() if line.startswith("| `")]
        return [[rule, *rest[:2], rest[-1]] for rule, *rest in cells]

    if fixtures((ROOT / "docs/rules.md").read_text(encoding="utf-8")) != fixtures(text):
        sys.exit("docs/rules.md is not what this script writes: write it again")


if __name__ == "__main__":
    main()
