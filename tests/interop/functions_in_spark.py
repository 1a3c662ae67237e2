"""Creates the functions of `sparklake export functions` in a real Spark 4 over a lake's tables, calls each, and holds the answers
against the tables.

    sparklake export functions > functions.sql
    python functions_in_spark.py LAKE functions.sql

Spark reads the lake's active Parquet files: the functions only need tables of these names, Delta's reader is not under test.
Status 1 if a function cannot be created, fails, or answers other rows than the tables hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

TABLES = (
    "applications", "jobs", "stages", "sql", "executors", "environment", "task_summaries", "cluster_summaries",
)


def active_files(table: Path) -> dict[str, dict[str, Any]]:
    """Path and partition values of the files that the newest version of a Delta table has."""
    files: dict[str, dict[str, Any]] = {}
    for commit in sorted(table.glob("_delta_log/*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                files[action["add"]["path"]] = action["add"]["partitionValues"]
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
    return files


def schema_of(table: Path) -> StructType:
    """The columns of a table, by its log."""
    for commit in sorted(table.glob("_delta_log/*.json"), reverse=True):
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "metaData" in action:
                return StructType.fromJson(json.loads(action["metaData"]["schemaString"]))
    raise FileNotFoundError(table)


def read_table(spark: SparkSession, table: Path) -> DataFrame:
    """The rows of a table, partition columns included. With its schema: else Spark runs a job for each file to learn it."""
    schema = schema_of(table)
    paths = [str(table / path) for path in active_files(table)]
    if not paths:
        # createDataFrame would start a Python process for no rows.
        return spark.range(0).selectExpr(*(f"CAST(NULL AS {field.dataType.simpleString()}) AS `{field.name}`" for field in schema))
    # Paths name the values of partition columns. A column for each file and field would be a call to Spark's process each.
    return spark.read.schema(schema).option("basePath", str(table)).parquet(*paths).select(*(f"`{field.name}`" for field in schema))


def statements(script: Path) -> list[str]:
    """The statements of a script; each ends in a semicolon at the end of a line."""
    return [text.strip() for text in script.read_text(encoding="utf-8").split(";\n") if text.strip()]


def main() -> None:
    """Creates, calls and compares."""
    lake, script = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for name in TABLES:
        read_table(spark, lake / name).createOrReplaceTempView(name)
    created = statements(script)
    for statement in created:
        # Temporary as the views are: a lasting function may not read those.
        spark.sql(statement.replace("CREATE OR REPLACE FUNCTION", "CREATE OR REPLACE TEMPORARY FUNCTION", 1))
    problems = compare(spark)
    spark.stop()
    print("\n".join(problems) or f"{len(created)} functions created and called")
    sys.exit(1 if problems else 0)


def compare(spark: SparkSession) -> list[str]:
    """Calls every function about the newest application, and says what it does not agree about."""
    newest = spark.sql(
        "SELECT cluster_id, cluster_name, application_id, attempt_id FROM applications ORDER BY start_time DESC LIMIT 1"
    ).first()
    assert newest is not None
    cluster, application = newest["cluster_name"], newest["application_id"]
    of_application = f"application_id = '{application}' AND attempt_id = '{newest['attempt_id']}'"

    def scalar(call: str) -> Any:
        row = spark.sql(f"SELECT {call} AS answer").first()
        return None if row is None else row["answer"]

    def count(table: str, where: str = "TRUE") -> int:
        return spark.sql(f"SELECT * FROM {table} WHERE {of_application} AND {where}").count()

    def length(call: str) -> int:
        return len(json.loads(scalar(call)))

    def column(call: str, name: str) -> list[Any]:
        return [row[name] for row in spark.sql(f"SELECT * FROM {call}").collect()]

    stage = spark.sql(f"SELECT MAX(stage_id) AS id FROM task_summaries WHERE {of_application}").first()["id"]
    slowest = spark.sql(
        f"SELECT stage_id FROM stages WHERE {of_application} ORDER BY duration_ms DESC, stage_id LIMIT 1"
    ).first()["stage_id"]
    checks: list[tuple[str, Callable[[], Any], Any]] = [
        ("getappid", lambda: scalar(f"getappid('{cluster}')"), application),
        ("getappid by application", lambda: scalar(f"getappid('{application}')"), application),
        ("getappid of nothing", lambda: scalar("getappid('nowhere')"), None),
        ("getsparkcontext", lambda: scalar(f"getsparkcontext('{cluster}')"), None),
        (
            "listappsraw", lambda: json.loads(scalar(f"listappsraw('{cluster}')"))[0]["id"], application,
        ),
        ("listshsjobsraw", lambda: length(f"listshsjobsraw('{cluster}')"), count("jobs")),
        ("listshsstagesraw", lambda: length(f"listshsstagesraw('{cluster}')"), count("stages")),
        ("listshssqlraw", lambda: length(f"listshssqlraw('{cluster}')"), count("sql")),
        ("listshsexecutorsraw", lambda: length(f"listshsexecutorsraw('{cluster}')"), count("executors")),
        ("listshsenvraw", lambda: length(f"listshsenvraw('{cluster}')"), count("environment")),
        (
            "listshstasksraw", lambda: "executorRunTime" in json.loads(scalar(f"listshstasksraw('{cluster}', {stage})")), True,
        ),
        ("getslowestjobs", lambda: len(column(f"getslowestjobs('{cluster}')", "jobId")), count("jobs")),
        ("getsloweststages", lambda: column(f"getsloweststages('{cluster}')", "stageId")[0], slowest),
        ("getslowestsql", lambda: len(column(f"getslowestsql('{cluster}')", "id")), count("sql")),
        ("getstage", lambda: column(f"getstage('{cluster}', {slowest})", "stageId"), [slowest]),
        ("getexecutor", lambda: column(f"getexecutor('{cluster}', 'driver')", "id"), ["driver"]),
    ]
    problems = []
    for name, answer, expected in checks:
        try:
            given = answer()
        except Exception as error:  # noqa: BLE001 - whatever Spark says is the problem
            problems.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        if given != expected:
            problems.append(f"{name}: {given!r}, not {expected!r}")
    return problems


if __name__ == "__main__":
    main()
