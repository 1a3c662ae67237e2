"""Merges the lists of `ListSettings.java`, one a Spark version, into `sql/reference/spark_settings.csv`.

    python merge_settings.py <folder> > sql/reference/spark_settings.csv

The folder holds one `<version>.tsv` for each inspected version of Spark, such as `3.5.7.tsv`. See
README.md beside this file for how they are made.

One row is one setting over the span of minor versions in which its type and default stayed the same.
Only facts are taken from Spark's declarations, no text of its documentation.
"""

import csv
import re
import sys
from pathlib import Path

from old_and_foreign_settings import OLD, PREFIXES

COLUMNS = [
    "key", "kind", "category", "type", "unit", "default_value", "fallback_key", "valid_from", "valid_until",
    "valid_from_number", "valid_until_number", "since_version", "removed_in", "deprecated_since", "replaced_by",
    "alternatives", "scope", "is_internal", "has_effect", "platform", "source",
]
# Defaults that are made from the machine on which the list was made.
OF_MACHINE = {
    "spark.sql.warehouse.dir": "spark-warehouse",
    "spark.sql.session.timeZone": "",
    "spark.hive.metastore.jars.path": "",
}
# Declarations that tests of Spark use only.
TESTING = re.compile(r"^spark\.(sql\.)?test(ing)?\.")
NO_EFFECT = re.compile(r"not used any ?more|no longer|feature replaced", re.IGNORECASE)
NEWEST_NUMBER = 999_999


def number(version):
    """3.5 or 3.5.7 as 30005: comparable, and above 9 minors too."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:2]] + [0]
    return parts[0] * 10_000 + parts[1]


def minor(version):
    parts = re.findall(r"\d+", version)
    return ".".join((parts + ["0"])[:2])


class Spark:
    """What one version declares."""

    def __init__(self, path):
        self.version = path.stem
        self.minor = minor(path.stem)
        self.entries, self.deprecated, self.renamed, self.removed = {}, {}, {}, {}
        for line in path.read_text().splitlines():
            kind, *cells = line.split("\t")
            if kind == "entry":
                key, since, type_, unit, default, public, scope, alternatives = (cells + [""] * 8)[:8]
                fallback = re.fullmatch(r"<value of (\S+)>", default)
                self.entries[key] = {
                    "since": since,
                    "type": type_,
                    "unit": unit,
                    "default": "" if fallback else OF_MACHINE.get(key, default),
                    "fallback": fallback[1] if fallback else "",
                    "public": public != "false",
                    "scope": scope,
                    "alternatives": [name for name in alternatives.split(",") if name],
                }
            elif kind == "deprecated":
                self.deprecated[cells[0]] = (cells[1], (cells + [""])[2])
            elif kind == "alternative":
                self.renamed[cells[0]] = (cells[1], cells[2])
            elif kind == "removed":
                self.removed[cells[0]] = (cells[1], cells[2])


def named_in(message, key):
    """The setting that a message advises, if it names exactly one that is whole."""
    names = {name.rstrip(".") for name in re.findall(r"spark\.[\w.]+", message)} - {key}
    return names.pop() if len(names) == 1 and "{" not in message and "*" not in message else ""


def category(key):
    parts = key.split(".")
    if parts[1:2] == ["sql"] and len(parts) > 3:
        return "sql." + parts[2]
    return parts[1] if len(parts) > 1 else ""


def scope_of(key, declared):
    """`runtime`: per session; `static_sql`: per session catalog, at its start; else the application's."""
    if declared == "static_sql" or declared == "runtime":
        return declared
    return "application"


def latest(versions, table, key):
    """What the newest version that says something about a key says."""
    said = [getattr(spark, table)[key] for spark in versions if key in getattr(spark, table)]
    return said[-1] if said else None


def rows_of(key, versions):
    known = [spark for spark in versions if key in spark.entries]
    newest = known[-1].entries[key]
    since = next((spark.entries[key]["since"] for spark in reversed(known) if spark.entries[key]["since"]), "")
    # Before Spark 3.0 a missing declaration is no missing setting: many were plain strings.
    first = known[0]
    if not since and versions.index(first) > 0:
        since = first.minor
    deprecated = latest(versions, "deprecated", key)
    renamed = latest(versions, "renamed", key)
    removed = latest(versions, "removed", key)
    after = versions[versions.index(known[-1]) + 1:]
    removed_in = minor(removed[0]) if removed else after[0].minor if after else ""
    replaced_by = (renamed[1] if renamed else "") or (named_in(deprecated[1], key) if deprecated else "")
    # A key that lives on as another's alternative goes on working.
    if renamed and removed_in:
        removed_in = ""
    spans = []
    for spark in known:
        entry = spark.entries[key]
        same = (entry["default"], entry["fallback"])
        if not spans or spans[-1]["same"] != same:
            spans.append({"same": same, "from": spark.minor})
        # Types were declared less exactly in older versions: the newest declaration of a span counts.
        spans[-1].update(entry=entry, until=spark.minor)
    if since and number(since) < number(spans[0]["from"]):
        spans[0]["from"] = minor(since)
    for at, span in enumerate(spans):
        entry, is_last = span["entry"], at == len(spans) - 1
        until = span["until"] if not is_last or after else ""
        if is_last and renamed and after:
            until = ""
        yield {
            "key": key, "kind": "exact", "category": category(key),
            "type": newest["type"], "unit": newest["unit"] or entry["unit"],
            "default_value": entry["default"], "fallback_key": entry["fallback"],
            "valid_from": span["from"], "valid_until": until,
            "since_version": minor(since) if since else "",
            "removed_in": removed_in,
            "deprecated_since": minor((deprecated or renamed)[0]) if deprecated or renamed else "",
            "replaced_by": replaced_by,
            "alternatives": ";".join(newest["alternatives"]),
            "scope": scope_of(key, newest["scope"]),
            "is_internal": not newest["public"],
            "has_effect": not is_ignored(deprecated, span["until"]),
            "platform": "spark",
            "source": f"declared in Spark {known[0].minor} to {known[-1].minor}",
        }


def is_ignored(deprecated, until):
    """Whether Spark still declares a setting, yet does nothing with it."""
    if not deprecated or not NO_EFFECT.search(deprecated[1]):
        return False
    return number(deprecated[0]) <= number(until)


def undeclared(versions):
    """Names that Spark only knows to warn of them: older names, and removed settings."""
    declared = {key for spark in versions for key in spark.entries}
    alternatives = {}
    for spark in versions:
        for key, entry in spark.entries.items():
            alternatives.update({name: key for name in entry["alternatives"]})
    names = set(alternatives)
    for table in ("deprecated", "renamed", "removed"):
        names |= {key for spark in versions for key in getattr(spark, table)}
    for key in sorted(names - declared):
        deprecated, renamed, removed = (latest(versions, table, key) for table in ("deprecated", "renamed", "removed"))
        since = (deprecated or renamed or ("",))[0]
        replaced_by = renamed[1] if renamed else alternatives.get(key, "")
        message = deprecated[1] if deprecated else ""
        yield {
            "key": key, "kind": "exact", "category": category(key),
            "default_value": removed[1] if removed else "",
            "removed_in": minor(removed[0]) if removed else "",
            "deprecated_since": minor(since) if since else "",
            "replaced_by": replaced_by or named_in(message, key),
            "scope": "runtime" if removed else "application",
            # A name that Spark reads as another one works, whatever its message says about its values.
            "has_effect": not removed and (bool(renamed) or not NO_EFFECT.search(message)),
            "platform": "spark",
            "source": f"older names that Spark {versions[-1].minor} knows",
        }


def main():
    paths = sorted(Path(sys.argv[1]).glob("*.tsv"), key=lambda path: number(path.stem))
    versions = [Spark(path) for path in paths]
    keys = sorted({key for spark in versions for key in spark.entries if not TESTING.match(key)})
    rows = [row for key in keys for row in rows_of(key, versions)]
    rows += list(undeclared(versions))
    seen = {row["key"] for row in rows}
    rows += [row for row in OLD if row["key"] not in seen] + PREFIXES
    rows.sort(key=lambda row: (row["key"], number(row.get("valid_from") or "0.0")))
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        row["valid_from_number"] = number(row["valid_from"]) if row.get("valid_from") else 0
        row["valid_until_number"] = number(row["valid_until"]) if row.get("valid_until") else NEWEST_NUMBER
        cells = {name: row.get(name, "") for name in COLUMNS}
        for name in ("is_internal", "has_effect"):
            cells[name] = str(row.get(name, name == "has_effect")).lower()
        writer.writerow(cells)


if __name__ == "__main__":
    main()
