"""The sentences, numbers and advice of findings, made from a rule's rows and header a second time:
what `src/analyze` does in Rust, to compare with.
"""

import json
import math
import re

KEYS = ["platform", "cluster_id", "application_id", "attempt_id"]
SUBJECT = [*KEYS, "subject_type", "subject_id"]
JUDGED = ["severity", "confidence", "title", "lost_core_ms", "recoverable_ms"]
RENDERED = ["evidence", "evidence_json", "recommendation", "config_key", "config_current", "config_recommended"]
HEADER = ["rule_id", "rule_version", "category", "rule_title", "rule_severity", "rule_recommendation"]
RESULT_COLUMNS = [*SUBJECT, *JUDGED, *RENDERED, *HEADER]
RESULT_SCHEMA = ", ".join(
    f"{name} {'bigint' if name in ('lost_core_ms', 'recoverable_ms', 'rule_version') else 'string'}"
    for name in RESULT_COLUMNS)


def number(value, unit: str | None) -> str:
    value = float(value)
    if unit == "int":
        return f"{value:,.0f}"
    if unit == "s":
        seconds = value / 1e3
        if abs(seconds) < 600:
            return f"{seconds:.1f} s"
        return f"{seconds / 60:.1f} min" if abs(seconds) < 10_800 else f"{seconds / 3600:.1f} h"
    if unit == "h":
        return f"{value / 3.6e6:.2f} h"
    if unit == "pct":
        return f"{100 * value:.1f} %"
    if unit == "bytes":
        if abs(value) < 1024:
            return f"{value:.0f} B"
        power = 0
        while abs(value) >= 1024 and power < 5:
            value, power = value / 1024, power + 1
        return f"{value:.1f} {['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][power]}"
    return f"{value:.{int(unit)}f}"


def one_line(text: str) -> str:
    cut = "".join(" " if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in text[:300])
    return cut + ("…" if len(text) > 300 else "")


def plain(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value) if isinstance(value, str) else str(value)


def render(template: str, row: dict) -> str:
    def value(found: re.Match) -> str:
        content = row.get(found[1])
        if content is None:
            return "not captured"
        return plain(content) if found[2] is None or isinstance(content, (str, bool)) else number(content, found[2])

    placeholder = r"\{(\w+)(?::(\w+))?\}"

    def optional(found: re.Match) -> str:
        names = [name for name, _ in re.findall(placeholder, found[1])]
        return found[1] if all(row.get(name) is not None for name in names) else ""

    return re.sub(placeholder, value, re.sub(r"\[([^\]]*)\]", optional, template))


def short(value):
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return one_line(value) if isinstance(value, str) else value


def grouped(rows: list[dict], column: str | None) -> list[tuple[dict, int]]:
    if column is None:
        return [(row, 1) for row in rows]
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        alone = row["subject_id"] if row[column] is None else None
        groups.setdefault((*(row[key] for key in KEYS), row.get("title"), row[column], alone), []).append(row)
    result = []
    for members in groups.values():
        worst = dict(min(members, key=lambda row: (
            -(row["lost_core_ms"] if row["lost_core_ms"] is not None else -1), len(row["subject_id"]), row["subject_id"])))
        for name in ("lost_core_ms", "recoverable_ms"):
            known = [row[name] for row in members if row.get(name) is not None]
            worst[name] = sum(known) if known else None
        result.append((worst, len(members)))
    return result


def is_same(left: str, right: str) -> bool:
    def size(text: str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)b?", text.strip().lower())
        return float(found[1]) * 1024 ** " kmgt".index(found[2] or " ") if found else None

    return left.lower() == right.lower() or (size(left) is not None and size(left) == size(right))


def advice(rule, row: dict, settings: dict[str, str]) -> tuple:
    for index, (_, key, value, text) in enumerate(rule.advice, start=1):
        if row[f"advice_{index}"] is not True:
            continue
        recommended = row[f"advice_{index}_value"]
        current = None if key == "-" else settings.get(key)
        if key != "-":
            if current is not None and recommended is not None and is_same(current, recommended):
                continue
            if value != "-" and recommended is None:
                continue
        told = render(text, {**row, "config_current": current, "config_recommended": recommended})
        return (told, None, None, None) if key == "-" else (told, key, current, recommended)
    return None, None, None, None


def rule_results(rule, rows: list[dict], settings: dict[tuple, dict[str, str]]) -> list[tuple]:
    """Rows of `rule_results`. `rule` has `header` and `advice`."""
    results = []
    for row, times in grouped(rows, rule.header.get("group_by")):
        row.setdefault("subject_type", rule.header.get("subject", "application"))
        evidence = render(rule.header["evidence"], row)
        measures = {name: short(value) for name, value in row.items()
                    if name not in SUBJECT + JUDGED and not name.startswith("advice_")}
        if times > 1:
            evidence += f" The same holds for {times - 1} more; the losses are those of all."
            measures["occurrences"] = times
        told = advice(rule, row, settings.get(tuple(row[key] for key in KEYS), {}))
        header = (rule.header["id"], int(rule.header["version"]), rule.header["category"], rule.header["title"],
                  rule.header["severity"], rule.header["recommendation"])
        results.append((*(row.get(name) for name in SUBJECT + JUDGED), evidence,
                        json.dumps(measures, separators=(",", ":"), ensure_ascii=False), *told, *header))
    return results
