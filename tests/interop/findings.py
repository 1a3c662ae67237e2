"""The sentences, numbers and advice of findings, made from a rule's rows and header a second time:
what `src/analyze` does in Rust, to compare with.
"""

import itertools
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
    if "|" in unit:
        one, many = unit.split("|")
        return f"{value:,.0f} {one if f'{value:,.0f}' == '1' else many}"
    if unit == "s":
        seconds = value / 1e3
        if 0.5 <= abs(value) < 100:
            return f"{value:.0f} ms"
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

    placeholder = r"\{(\w+)(?::([^}]+))?\}"

    def optional(found: re.Match) -> str:
        names = [name for name, _ in re.findall(placeholder, found[1])]
        return found[1] if all(row.get(name) is not None for name in names) else ""

    return re.sub(placeholder, value, re.sub(r"\[([^\]]*)\]", optional, template))


def short(value):
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return one_line(value) if isinstance(value, str) else value


def grouped(rows: list[dict], column: str | None) -> list[tuple[dict, list[str]]]:
    """The worst row of each group, all with the same line of advice, and the subjects of the others, the worst first."""
    if column is None:
        return [(row, []) for row in rows]
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        alone = row["subject_id"] if row[column] is None else None
        advised = next((index for index in itertools.count(1) if row.get(f"advice_{index}", True)), None)
        groups.setdefault((*(row[key] for key in KEYS), row.get("title"), row[column], alone, advised), []).append(row)
    result = []
    for members in groups.values():
        members.sort(key=lambda row: (
            -(row["lost_core_ms"] if row.get("lost_core_ms") is not None else -1), len(row["subject_id"]), row["subject_id"]))
        worst = dict(members[0])
        for name in ("lost_core_ms", "recoverable_ms"):
            known = [row[name] for row in members if row.get(name) is not None]
            worst[name] = sum(known) if known else None
        result.append((worst, [row["subject_id"] for row in members[1:]]))
    return result


def named(subject: str, others: list[str]) -> str:
    nouns = {"job": ("job ", "jobs "), "stage": ("stage ", "stages "), "sql": ("query ", "queries "),
             "node": ("node ", "nodes "), "executor": ("executor ", "executors ")}
    noun = nouns.get(subject, ("", ""))[len(others) > 1]
    more = len(others) - 5
    rest = "" if more <= 0 else " and 1 other" if more == 1 else f" and {more} others"
    return f"{len(others)} more ({noun}{', '.join(others[:5])}{rest})"


def is_same(left: str, right: str) -> bool:
    def size(text: str):
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?)([kmgt]?)b?", text.strip().lower())
        return float(found[1]) * 1024 ** " kmgt".index(found[2] or " ") if found else None

    def milliseconds(text: str):
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(ms|s|min|m|h|d)", text.strip().lower())
        return float(found[1]) * {"ms": 1, "s": 1e3, "min": 6e4, "m": 6e4, "h": 3.6e6, "d": 8.64e7}[found[2]] if found else None

    return left.lower() == right.lower() or any(
        parse(left) is not None and parse(left) == parse(right) for parse in (size, milliseconds))


class Settings:
    """What an application and its queries set, and what its Spark knows and takes by default."""

    def __init__(self, values: dict[str, str] | None, version: tuple[int, int] | None, known: dict[str, list[dict]],
                 queries: dict[int, dict[str, str]] | None = None):
        self.values, self.version, self.known, self.queries = values, version, known, queries or {}

    def current(self, key: str, sql_id: int | None = None) -> str | None:
        own = self.queries.get(sql_id, {})
        if key in own:
            return own[key]
        if self.values is None:
            return None
        return self.values.get(key, self._default(key))

    def is_of_session(self, key: str, sql_id: int | None) -> bool:
        return key in self.queries.get(sql_id, {})

    def _default(self, key: str) -> str | None:
        if self.version is None:
            return None
        for row in self.known.get(key, []):
            if row["default"] and (row["from"] or (0, 0)) <= self.version <= (row["until"] or (2**32, 0)):
                return row["default"]
        return None

    def exists(self, key: str) -> bool:
        rows = self.known.get(key)
        if not rows or self.version is None:
            return True
        since = next((row["since"] for row in rows if row["since"]), None)
        removed = next((row["removed"] for row in rows if row["removed"]), None)
        return (since is None or since <= self.version) and (removed is None or self.version < removed)


def version(text) -> tuple[int, int] | None:
    found = re.match(r"(\d+)(?:[^\d]+(\d+))?", str(text or ""))
    return (int(found[1]), int(found[2] or 0)) if found else None


def advice(rule, row: dict, settings: Settings) -> tuple:
    for index, (_, key, value, text) in enumerate(rule.advice, start=1):
        if row[f"advice_{index}"] is not True:
            continue
        recommended = row[f"advice_{index}_value"]
        current = None if key == "-" else settings.current(key, row.get("sql_id"))
        if key != "-":
            if current is not None and recommended is not None and is_same(current, recommended):
                continue
            if (value != "-" and recommended is None) or not settings.exists(key):
                continue
        told = render(text, {**row, "config_current": current, "config_recommended": recommended})
        if key != "-" and settings.is_of_session(key, row.get("sql_id")):
            told += " The code sets it for its session (SET, spark.conf.set): change it there."
        return (told, None, None, None) if key == "-" else (told, key, current, recommended)
    # What the rule itself selects.
    own = row.get("config_key") or rule.header.get("config_key")
    return row.get("recommendation"), own, row.get("config_current"), row.get("config_recommended")


def rule_results(rule, rows: list[dict], settings: dict[tuple, Settings]) -> list[tuple]:
    """Rows of `rule_results`. `rule` has `header` and `advice`."""
    results = []
    for row, others in grouped(rows, rule.header.get("group_by")):
        row.setdefault("subject_type", rule.header.get("subject", "application"))
        evidence = render(rule.header["evidence"], row)
        measures = {name: short(value) for name, value in row.items()
                    if name not in SUBJECT + JUDGED + RENDERED and not name.startswith("advice_")}
        if others:
            has_loss = any(row.get(name) is not None for name in ("lost_core_ms", "recoverable_ms"))
            losses = "; the loss is the sum of all" if has_loss else ""
            evidence += f" The same holds for {named(rule.header.get('subject', 'application'), others)}{losses}."
            measures["occurrences"], measures["others"] = len(others) + 1, others[:20]
        told = advice(rule, row, settings.get(tuple(row[key] for key in KEYS), Settings(None, None, {})))
        header = (rule.header["id"], int(rule.header["version"]), rule.header["category"], rule.header["title"],
                  rule.header["severity"], rule.header["recommendation"])
        results.append((*(row.get(name) for name in SUBJECT + JUDGED), evidence,
                        json.dumps(measures, separators=(",", ":"), ensure_ascii=False), *told, *header))
    return results
