"""Holds the judgement in a lake against itself, with DuckDB: what has to be true of every application, whatever its log.

    python judgement.py LAKE [LAKE ...]

- Parts of the core time, of the memory time and of the cost (`application_waste`) sum to the whole, within 0.1 %.
- No finding loses more core time than its application held, or wins more wall time than it took.
- No two findings of one application recommend opposite things, and none recommends the value that is in force.
- A job is recommended one value for a setting, of the setting's own kind: a number of executors is a whole number.

Prints what it counted; status 1 if anything does not hold.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import lake as lake_reader

PARTS = ("useful", "fetch_wait", "gc", "spill", "scheduling", "retry", "speculation", "unfinished", "skew", "start_up",
         "driver_only", "idle")
KEYS = "platform, cluster_id, application_id, attempt_id"
WHOLE_NUMBERS = re.compile(r"(maxExecutors|minExecutors|initialExecutors|instances|cores|partitions|parallelism)$", re.IGNORECASE)
# Findings that say more of something is needed and, for the same thing, that less of it is.
OPPOSITES = (("oversized_memory", "gc_pressure"), ("oversized_memory", "container_memory"), ("memory_bound_cores", "core_bound_memory"))


def number(text: str | None) -> float | None:
    """`4g`, `64MB`, `30s` and `200` as numbers."""
    found = re.fullmatch(r"(-?[0-9.]+)\s*(b|k|kb|m|mb|g|gb|t|tb|ms|s|min|h)?", (text or "").strip().lower())
    if not found:
        return None
    units = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
    unit = found[2] or ""
    return float(found[1]) * units.get(unit, units.get(unit[:1], 1))


def direction(current: str | None, wanted: str) -> int | None:
    before, after = number(current), number(wanted)
    if before is None or after is None:
        return None
    return (after > before) - (after < before)


def check(lake: Path) -> tuple[dict[str, int], list[str]]:
    connection = lake_reader.connect()

    def ask(query: str) -> list[tuple]:
        for name in ("application_waste", "applications", "findings", "recommendations"):
            query = query.replace(f"{{{name}}}", lake_reader.scan(lake / name))
        return connection.execute(query).fetchall()

    problems = []
    sums = {
        "core time": ("core_time_ms", " + ".join(f"COALESCE({part}_core_ms, 0)" for part in PARTS)),
        "memory time": ("memory_gb_hours", " + ".join(f"COALESCE({part}_gb_hours, 0)" for part in (*PARTS, "unused"))),
        "cost": ("cost_usd", " + ".join(f"COALESCE({part}_usd, 0)" for part in PARTS)),
    }
    counts = {}
    for name, (whole, parts) in sums.items():
        rows = ask(f"SELECT application_id, attempt_id, {whole}, {parts} FROM {{application_waste}} WHERE {whole} IS NOT NULL AND core_time_ms > 0")
        counts[f"applications with {name}"] = len(rows)
        for application, attempt, total, parted in rows:
            if abs(float(total) - float(parted)) > max(0.001 * abs(float(total)), 1e-9):
                problems.append(f"{application} {attempt}: parts of its {name} sum to {parted}, not to {total}")
    findings = ask(f"SELECT {KEYS}, rule_id, subject_id, config_key, config_current, config_recommended, lost_core_ms, recoverable_ms, "
                   "severity FROM {findings}")
    counts["findings"] = len(findings)
    bounds = {tuple(row[:4]): row[4:] for row in ask(
        f"SELECT {KEYS}, CASE WHEN complete AND core_time_ms > 0 THEN core_time_ms ELSE GREATEST(core_time_ms, total_task_time_ms) END, "
        "COALESCE(CASE WHEN duration_ms > 0 THEN duration_ms END, observed_duration_ms) FROM {applications}")}
    by_setting: dict[tuple, list[tuple]] = {}
    rules: dict[tuple, set[str]] = {}
    for row in findings:
        key, (rule, subject, setting, current, wanted, lost, won, _) = tuple(row[:4]), row[4:]
        most_lost, most_won = bounds[key]
        what = f"{key[2]} {rule} {subject}"
        if lost is not None and (lost < 0 or (most_lost and lost > most_lost)):
            problems.append(f"{what}: loses {lost} of {most_lost} core ms")
        if won is not None and (won < 0 or (most_won and won > most_won)):
            problems.append(f"{what}: wins {won} of {most_won} ms")
        rules.setdefault(key, set()).add(rule)
        if setting and wanted:
            if current is not None and (current.lower() == wanted.lower() or direction(current, wanted) == 0):
                problems.append(f"{what}: {setting} is {current} already")
            by_setting.setdefault((key, setting), []).append((what, current, wanted))
    counts["findings with a setting"] = sum(map(len, by_setting.values()))
    for (_, setting), lines in by_setting.items():
        for index, (what, current, wanted) in enumerate(lines):
            for other, other_current, other_wanted in lines[index + 1:]:
                same = wanted.lower() == other_wanted.lower() or number(wanted) is not None and number(wanted) == number(other_wanted)
                ways = direction(current, wanted), direction(other_current, other_wanted)
                if not same and (None in ways or ways[0] != ways[1]):
                    problems.append(f"{what} and {other}: {setting} {current} -> {wanted} and {other_current} -> {other_wanted}")
    for key, found in rules.items():
        problems += [f"{key[2]}: {one} and {other}" for one, other in OPPOSITES if {one, other} <= found]
    recommended = ask("SELECT job_key, config_key, recommended_value, status FROM {recommendations}")
    counts["recommendations"] = len(recommended)
    proposed: dict[tuple, str] = {}
    for job, setting, value, status in recommended:
        if WHOLE_NUMBERS.search(setting) and not re.fullmatch(r"[0-9]+", value):
            problems.append(f"{job}: {setting} = {value} is no whole number")
        if status == "proposed" and proposed.setdefault((job, setting), value) != value:
            problems.append(f"{job}: {setting} = {value} and {proposed[job, setting]}")
    return counts, problems


def main() -> None:
    failed = False
    for lake in map(Path, sys.argv[1:]):
        counts, problems = check(lake)
        failed |= bool(problems)
        print(f"{lake}: {', '.join(f'{count} {name}' for name, count in counts.items())}; {len(problems)} problems")
        for problem in problems:
            print(f"  {problem}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
