"""Answers every question of `sparklake questions` in a real Spark over a lake's tables and views, and holds the rows against
those of sparklake. Genie, dbt and dashboards run these queries in Spark.

    python questions_in_spark.py LAKE SPARKLAKE [QUESTION…]

Numbers may differ in the last digits; rows must come in the same order. Status 1 if a view cannot be made, or an answer differs.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from functions_in_spark import read_table
from pyspark.sql import SparkSession

CREATE = re.compile(r"CREATE OR REPLACE VIEW (\w+)( COMMENT '(?:[^'\\]|\\.)*')?")


def plain(value: Any) -> Any:
    """A value of Spark as JSON has it."""
    match value:
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def same(one: Any, other: Any) -> bool:
    """Whether both engines gave the same value."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one == other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(one, str) and isinstance(other, str) and one[:2].isdigit() and "T" in one[:11]:
        return one.rstrip("Z").rstrip("0").rstrip(".") == other.rstrip("Z").rstrip("0").rstrip(".")
    return one == other


def told(name: str, begun: float) -> None:
    """How long this took, for whoever waits."""
    print(f"  {name}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def main() -> None:
    """Makes the views, asks and compares."""
    lake, program, wanted = Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3:]

    def sparklake(*arguments: str) -> str:
        done = subprocess.run([program, "-q", *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.memory", "2g")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    problems: list[str] = []
    for table in sorted(lake.glob("*/_delta_log")):
        # One relation, as a table in a catalog is: the union of its files would be in each plan as often as views read it.
        read_table(spark, table.parent).coalesce(1).localCheckpoint().createOrReplaceTempView(table.parent.name)
    for statement in sparklake("tables", "--ddl", "--lake", str(lake)).split(";\n"):
        found = CREATE.search(statement)
        if not found:
            name = re.search(r"CREATE TABLE IF NOT EXISTS (\w+)", statement)
            if name and not spark.catalog.tableExists(name.group(1)):
                problems.append(f"{name.group(1)} is not in the lake")
            continue
        body = statement[found.start() :]
        temporary = CREATE.sub(r"CREATE OR REPLACE TEMPORARY VIEW \1", body, count=1)
        begun = time.monotonic()
        try:
            spark.sql(temporary)
        except Exception as error:  # noqa: BLE001 - whatever Spark says is the problem
            problems.append(f"view {found.group(1)}: {str(error).splitlines()[0]}")
        told(f"view {found.group(1)}", begun)
    listed = [json.loads(line)["name"] for line in sparklake("questions", "--format", "ndjson").splitlines()]
    for name in wanted or listed:
        sql = sparklake("questions", name, "--sql-only")
        expected = [json.loads(line) for line in sparklake("questions", name, "--lake", str(lake), "--format", "ndjson").splitlines()]
        begun = time.monotonic()
        try:
            answer = spark.sql(sql)
            columns = answer.columns
            given = [{column: plain(value) for column, value in zip(columns, row)} for row in answer.collect()]
        except Exception as error:  # noqa: BLE001
            problems.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        finally:
            told(name, begun)
        if len(given) != len(expected):
            problems.append(f"{name}: {len(given)} rows in Spark, {len(expected)} in sparklake")
            continue
        for place, (one, other) in enumerate(zip(given, expected)):
            differing = [key for key in one if not same(one[key], other.get(key))]
            if differing:
                key = differing[0]
                problems.append(f"{name}, row {place}, {key}: {one[key]!r} in Spark, {other.get(key)!r} in sparklake")
                break
    spark.stop()
    print("\n".join(problems) or f"{len(wanted or listed)} questions answered alike")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
