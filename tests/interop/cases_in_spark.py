"""Runs the cases of every rule (`<rule>.test.toml`) in Spark SQL and compares the findings with those that they expect.

    python cases_in_spark.py [RULE ...] [--sql DIR] [--schemas DIR] [--minutes N]

What `sparklake rules test` does in DataFusion, with the cases of a rule as applications of one lake. Unlike a lake of logs this
reaches every branch that a case was written for. Exit code 0: all as expected; 1: differences; 2: time was up.
Needs pyspark, nothing else.
"""

import argparse
import json
import re
import sys
import time
import tomllib
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from findings import RESULT_SCHEMA, rule_results
from rules_in_spark import (REPOSITORY, SqlFile, application_settings, contracts, in_reading_order, read_by, reference_tables,
                            session)

APPLICATION = {"platform": "event_log", "cluster_id": "c-1", "cluster_name": "cluster", "attempt_id": "0", "app_date": "2026-01-02",
               "batch_id": "1", "ingested_at": "2026-01-03T00:00:00Z"}
USUAL = {"start_time": "2026-01-02T03:00:00Z", "duration_ms": 3_600_000, "complete": True, "completed": True, "job_key": "nightly",
         "spark_version": "3.5.3", "application_name": "Nightly", "core_time_ms": 36_000_000, "total_task_time_ms": 30_000_000}
ZERO = {"bigint": 0, "int": 0, "double": 0, "boolean": False, "string": "", "timestamp": "2026-01-02T00:00:00Z", "date": "2026-01-02"}
NOT_FACTS = {"name", "application", "settings", "expect"}


def required(folder: Path) -> dict[str, dict[str, object]]:
    """Table -> column that may not be NULL -> what it has where a case does not say."""
    common = tomllib.loads((folder / "_common.toml").read_text())
    tables = {}
    for path in folder.glob("[!_]*.toml"):
        table = tomllib.loads(path.read_text())
        columns = table["columns"] + common["head"] + common["tail"]
        tables[table["name"]] = {column["name"]: ZERO.get(column["type"], []) for column in columns
                                 if not column.get("nullable", True)}
    return tables


def with_nulls(row: dict) -> dict:
    return {name: None if value in ("null", "none") else value for name, value in row.items()}


def rows_of(data: dict) -> dict[str, list[dict]]:
    """Table or view -> the rows of all cases."""
    defaults = data.get("defaults", {})
    rows: dict[str, list[dict]] = {name: [] for name in defaults}

    def add(table: str, application: str, row: dict) -> None:
        rows.setdefault(table, []).append({**APPLICATION, "application_id": application, **row})

    for case in data["case"]:
        name = case["name"]
        add("applications", name, {**USUAL, **defaults.get("applications", {}), **with_nulls(case.get("application", {}))})
        for key, value in case.get("settings", {}).items():
            add("environment", name, {"section": "spark", "key": key, "value": value})
        for table in case.keys() - NOT_FACTS:
            for row in case[table]:
                add(table, name, {**with_nulls(defaults.get(table, {})), **with_nulls(row)})
    return rows


def frame(spark: SparkSession, rows: list[dict], schema: T.StructType) -> DataFrame:
    schema = T.StructType([T.StructField(field.name, T.StringType() if isinstance(field.dataType, T.NullType) else field.dataType)
                           for field in schema])
    if not rows:
        return spark.createDataFrame([], schema)
    # TOML may write 1e6 for a whole number.
    whole = {field.name for field in schema if isinstance(field.dataType, (T.LongType, T.IntegerType))}
    rows = [{name: int(value) if name in whole and isinstance(value, float) else value for name, value in row.items()} for row in rows]
    lines = spark.createDataFrame([(json.dumps(row, default=str),) for row in rows], "line string")
    return lines.select(F.from_json("line", schema, {"mode": "FAILFAST"}).alias("row")).select("row.*").localCheckpoint()


def is_same(actual, expected) -> bool:
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (actual, expected)]
    return abs(actual - expected) <= 1e-9 * max(abs(expected), 1) if all(numbers) else actual == expected


def difference(found: list[dict], expected: list[dict]) -> str | None:
    if len(found) != len(expected):
        return f"{len(expected)} expected, {len(found)} found: {[(row['title'], row['subject_id']) for row in found]}"
    for row, wanted in zip(found, expected):
        for name, value in with_nulls(wanted).items():
            if not is_same(row.get(name), value):
                return f"{name} is {row.get(name)!r}, not {value!r}"
    return None


class Cases:
    """The SQL and what its views have as columns."""

    def __init__(self, spark: SparkSession, sql: Path, schemas: Path):
        self.spark, self.required = spark, required(schemas)
        load = lambda pattern: [SqlFile(path) for path in sorted(sql.glob(pattern))]
        self.views, self.rules = load("views/*.sql"), load("rules/*/*.sql")
        self.findings = SqlFile(sql / "tables/findings.sql")
        reference_tables(spark, sql)
        self.columns = {name: spark.createDataFrame([], ", ".join(f"`{column}` {kind}" for column, kind in columns.items())).schema
                        for name, columns in contracts(schemas).items()}
        self.tables = set(self.columns)
        for name in self.tables:
            self.register(name, [])
        spark.createDataFrame([], RESULT_SCHEMA).createOrReplaceTempView("rule_results")
        for view in in_reading_order(self.views):
            # Planned over nothing, only for its columns.
            self.columns[view.header["id"]] = view.run(spark).schema
            self.register(view.header["id"], [])
        self.filled: set[str] = set()

    def register(self, name: str, rows: list[dict]) -> None:
        known = self.columns[name]
        least = self.required.get(name, {})
        for row in rows:
            for column, value in least.items():
                if row.get(column) is None:
                    row[column] = value
        rows = [{column: value for column, value in row.items() if column in known.names} for row in rows]
        frame(self.spark, rows, known).createOrReplaceTempView(name)

    def failures(self, rule: SqlFile) -> list[str]:
        data = tomllib.loads(rule.path.with_suffix(".test.toml").read_text())
        rows = rows_of(data)
        for name in self.filled | rows.keys():
            self.register(name, rows.get(name, []))
        self.filled = set(rows)
        views = [view for view in read_by([rule, self.findings], self.views) if view.header["id"] not in rows]
        for view in in_reading_order(views):
            view.run(self.spark).localCheckpoint().createOrReplaceTempView(view.header["id"])
        found = rule_results(rule, [row.asDict() for row in rule.run(self.spark).collect()], application_settings(self.spark))
        self.spark.createDataFrame(found, RESULT_SCHEMA).createOrReplaceTempView("rule_results")
        by_case: dict[str, list[dict]] = {}
        for row in self.findings.run(self.spark).collect():
            values = row.asDict()
            by_case.setdefault(row.application_id, []).append({**json.loads(row.evidence_json or "{}"), **values})
        failures = []
        for case in data["case"]:
            answer = sorted(by_case.get(case["name"], []), key=lambda row: row["subject_id"])
            problem = difference(answer, case["expect"])
            if problem:
                failures.append(f"{case['name']}: {problem}")
        self.cases = len(data["case"])
        return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rules", nargs="*", metavar="RULE", help="these rules instead of all")
    parser.add_argument("--sql", type=Path, default=REPOSITORY / "sql")
    parser.add_argument("--schemas", type=Path, default=REPOSITORY / "schemas")
    parser.add_argument("--minutes", type=float, default=60, help="begin no rule after so long (60)")
    options = parser.parse_args()
    begun = time.monotonic()
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    cases = Cases(spark, options.sql, options.schemas)
    by_name = {rule.header["id"]: rule for rule in cases.rules}
    wanted = options.rules or list(by_name)
    failed = 0
    for number, name in enumerate(wanted):
        if time.monotonic() - begun > 60 * options.minutes:
            print(f"time is up; not run: {', '.join(wanted[number:])}")
            return 2
        started = time.monotonic()
        try:
            failures = cases.failures(by_name[name])
        except Exception as error:  # noqa: BLE001
            failures = [re.sub(r"\s+", " ", str(error))[:600]]
        verdict = "\n  ".join(["", *failures]) if failures else f" {cases.cases} cases as expected"
        print(f"{name}:{verdict} ({time.monotonic() - started:.1f} s)", flush=True)
        failed += bool(failures)
    print(f"{len(wanted) - failed} of {len(wanted)} rules as their cases expect")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
