"""Runs every file under sql/ in Spark SQL and compares the rows with those that sparklake made.

    python rules_in_spark.py LAKE [DERIVED] [--sql DIR] [--schemas DIR] [--only TABLE ...]

LAKE holds the fact tables, DERIVED (by default the same folder) the derived ones: a folder for each
table, either a Delta table or plain Parquet files. Tables that are not there are taken as empty.
Every view, rule and derived table runs with its default parameters; rows are compared without order,
numbers with fractions to a relative 1e-9. --only compares these derived tables alone, and makes what they read. --rules compares the
findings of these rules alone, and makes only the views that they read: what the lake has must come out, with the same words and
numbers; what comes out beyond it is counted, since `findings` leaves out what is too small. Spark plans each of
the 168 files anew, which takes far longer than the rows: a small lake takes four minutes on two idle cores. After --minutes it stops and names what it did not come to. Exit code 0: all the same; 1: differences; 2: time was up.
Needs pyspark, nothing else.
"""

import argparse
import json
import math
import re
import signal
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from findings import RESULT_SCHEMA, Settings, rule_results, version

REPOSITORY = Path(__file__).resolve().parents[2]
SPARK_TYPES = {"timestamp": "timestamp"}
KEYS = ["platform", "cluster_id", "application_id", "attempt_id"]
STAMPS = {"batch_id", "ingested_at"}


class SqlFile:
    """One .sql file: its header, its default parameters and its text for Spark."""

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text()
        self.header: dict[str, str] = {}
        self.parameters: dict[str, object] = {}
        key = None
        for line in self.text.splitlines():
            if not line.startswith("--"):
                break
            if line.startswith("--  ") and key:
                self.header[key] += " " + line[2:].strip()
            elif ":" in line:
                key, value = (part.strip() for part in line[2:].split(":", 1))
                if key == "parameter":
                    self._add_parameter(value)
                if key == "advice":
                    self.header.setdefault("advice", "")
                    key = f"advice {sum(name.startswith('advice ') for name in self.header)}"
                self.header[key] = value
        self.advice = [tuple(part.strip() for part in value.split(" | ", 3))
                       for name, value in self.header.items() if name.startswith("advice ")]
        self.reads = [name.strip() for name in self.header.get("reads", "").split(",")]

    def _add_parameter(self, declaration: str) -> None:
        name, kind, value = re.match(r"(\w+) (\w+) = (.*?) *\[", declaration).groups()
        convert = {"bigint": lambda text: int(text.replace("_", "")), "double": float,
                   "boolean": lambda text: text == "true", "string": str}[kind]
        self.parameters[name] = convert(value)

    @property
    def spark_text(self) -> str:
        """What sparklake runs: the text, for a rule with two columns for each line of advice, and
        `:name` instead of `$name`, comments and string literals untouched."""
        columns = "".join(
            f",\n ({condition}) AS advice_{number}, CAST({'NULL' if value == '-' else value} AS STRING)"
            f" AS advice_{number}_value"
            for number, (condition, _, value, _) in enumerate(self.advice, start=1))
        text = f"SELECT found.*{columns} FROM (\n{self.text}\n) AS found" if columns else self.text
        pattern = r"(--[^\n]*|'[^']*')|\$(\w+)"
        return re.sub(pattern, lambda found: found[1] or f":{found[2]}", text)

    def run(self, spark: SparkSession) -> DataFrame:
        return spark.sql(self.spark_text, args=self.parameters)


def contracts(folder: Path) -> dict[str, dict[str, str]]:
    """Table -> column -> Spark type."""
    common = tomllib.loads((folder / "_common.toml").read_text())
    tables = {}
    for path in sorted(folder.glob("[!_]*.toml")):
        table = tomllib.loads(path.read_text())
        columns = table["columns"]
        if table.get("common") == "stamp":
            columns = columns + [column for column in common["tail"] if column["name"] in STAMPS]
        elif table["kind"] != "bookkeeping":
            columns = common["head"] + columns + common["tail"]
        tables[table["name"]] = {
            column["name"]: SPARK_TYPES.get(column["type"], column["type"]) for column in columns
        }
    return tables


def delta_files(table: Path) -> list[tuple[str, dict[str, str]]]:
    """The files of a Delta table's newest version with their partition values."""
    files: dict[str, dict[str, str]] = {}
    log = table / "_delta_log"
    if list(log.glob("*.checkpoint*.parquet")) and not (log / f"{0:020}.json").exists():
        raise SystemExit(f"{table}: the log begins with a checkpoint; export the table to Parquet")
    for commit in sorted(log.glob("*.json")):
        if not re.fullmatch(r"\d{20}\.json", commit.name):
            continue
        for action in map(json.loads, commit.read_text().splitlines()):
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
            elif "add" in action:
                files[action["add"]["path"]] = action["add"]["partitionValues"]
    return sorted(files.items())


def read_table(spark: SparkSession, folder: Path, name: str, columns: dict[str, str]) -> DataFrame:
    """The table as its contract types it; empty where the lake has none."""
    table = folder / name
    parts = []
    if (table / "_delta_log").is_dir():
        by_partition: dict[tuple, list[str]] = {}
        for path, values in delta_files(table):
            by_partition.setdefault(tuple(sorted(values.items())), []).append(str(table / path))
        for values, paths in by_partition.items():
            rows = spark.read.parquet(*paths)
            for column, value in values:
                rows = rows.withColumn(column, F.lit(value))
            parts.append(rows)
    elif table.is_dir() and any(table.rglob("*.parquet")):
        parts.append(spark.read.parquet(str(table)))
    if not parts:
        schema = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
        return spark.createDataFrame([], schema)
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part, allowMissingColumns=True)
    return rows.select([F.col(f"`{column}`").cast(kind).alias(column)
                        for column, kind in columns.items()])


def reference_tables(spark: SparkSession, sql: Path) -> None:
    for path in sorted(sql.glob("reference/*.csv")):
        # As their contracts say; a version such as 3.0 is no number.
        contract = tomllib.loads(path.with_suffix(".toml").read_text())
        rows = spark.read.csv(str(path), header=True, escape='"')
        rows.select([F.col(column["name"]).cast(column["type"]).alias(column["name"]) for column in contract["columns"]]
                    ).createOrReplaceTempView(f"ref_{path.stem}")


def application_settings(spark: SparkSession) -> dict[tuple, Settings]:
    """Application key -> what it and its queries set, and what its Spark knows."""
    values: dict[tuple, dict[str, str]] = {}
    for row in spark.sql(f"SELECT {', '.join(KEYS)}, key, value FROM environment WHERE section = 'spark'").collect():
        values.setdefault(tuple(row)[:4], {})[row.key] = row.value
    known: dict[str, list[dict]] = {}
    for row in spark.sql("SELECT * FROM ref_spark_settings").collect():
        known.setdefault(row.key, []).append({
            "default": row.default_value, "from": version(row.valid_from), "until": version(row.valid_until),
            "since": version(row.since_version), "removed": version(row.removed_in)})
    own: dict[tuple, dict[int, dict[str, str]]] = {}
    changed = f"SELECT {', '.join(KEYS)}, sql_id, key, value FROM session_settings WHERE sql_id IS NOT NULL"
    for row in spark.sql(changed).collect():
        own.setdefault(tuple(row)[:4], {}).setdefault(row.sql_id, {})[row.key] = row.value
    applications = spark.sql(f"SELECT {', '.join(KEYS)}, spark_version FROM applications").collect()
    return {tuple(row)[:4]: Settings(values.get(tuple(row)[:4]), version(row.spark_version), known, own.get(tuple(row)[:4], {}))
            for row in applications}


# The files that were begun, in order.
reached: list[str] = []


# Filled by the signal of --minutes.
time_is_up: list[bool] = []


class TimeIsUp(Exception):
    """The limit of --minutes is reached, whatever Spark was doing."""


def stop_after(minutes: float) -> None:
    def stop(_signal, _frame):
        time_is_up.append(True)
        raise TimeIsUp

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)


def attempt(file: SqlFile, run, broken: list[str]):
    """What `run` gives; a file that Spark refuses is told and does not hide the others."""
    reached.append(file.header["id"])
    begun = time.monotonic()
    try:
        return run()
    except Exception as error:  # noqa: BLE001
        if isinstance(error, TimeIsUp) or time_is_up:
            raise
        broken.append(file.header["id"])
        print(f"{file.path}: {str(error)[:600]}")
        return None
    finally:
        print(f"  {len(reached)} {file.header['id']}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def in_reading_order(files: list[SqlFile]) -> list[SqlFile]:
    """Each file after those that it reads."""
    ordered, open_files = [], list(files)
    while open_files:
        names = {file.header["id"] for file in open_files}
        ready = [file for file in open_files if not names & set(file.reads)]
        if not ready:
            raise SystemExit(f"these files read each other: {sorted(names)}")
        ordered += ready
        open_files = [file for file in open_files if file not in ready]
    return ordered


def comparable(rows: DataFrame, columns: list[str]) -> list[tuple]:
    return [tuple(row) for row in rows.select([F.col(f"`{name}`") for name in columns]).collect()]


def without_fractions(row: tuple) -> tuple:
    return tuple("fraction" if isinstance(value, float) else value for value in row)


def fractions(row: tuple) -> list[float]:
    return [value for value in row if isinstance(value, float)]


def same(left: tuple, right: tuple) -> bool:
    return without_fractions(left) == without_fractions(right) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        for a, b in zip(fractions(left), fractions(right)))


def differences(spark_rows: list[tuple], lake_rows: list[tuple]) -> list[str]:
    """Rows that one side has and the other does not, as text."""
    exact = Counter(map(repr, spark_rows))
    left = list(spark_rows)
    right = []
    for row in lake_rows:
        if exact[repr(row)] > 0:
            exact[repr(row)] -= 1
            left.remove(row)
        else:
            right.append(row)
    for row in list(right):
        match = next((other for other in left if same(row, other)), None)
        if match is not None:
            left.remove(match)
            right.remove(row)
    return [f"  only in Spark: {row}" for row in left] + [f"  only in the lake: {row}" for row in right]


def session() -> SparkSession:
    return (
        SparkSession.builder.master("local[2]").appName("rules_in_spark")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.memory", "3g")
        # A few rows each: what counts is the time that planning takes. Code is not compiled, no constraint is handed from join to
        # join (it grows with the square of the columns), and plans are neither written out nor kept for a page.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.constraintPropagation.enabled", "false")
        .config("spark.sql.maxPlanStringLength", "1000")
        .config("spark.sql.ui.retainedExecutions", "1")
        .config("spark.ui.retainedJobs", "1")
        .config("spark.ui.retainedStages", "1")
        .getOrCreate()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=Path)
    parser.add_argument("derived", type=Path, nargs="?")
    parser.add_argument("--sql", type=Path, default=REPOSITORY / "sql")
    parser.add_argument("--schemas", type=Path, default=REPOSITORY / "schemas")
    parser.add_argument("--only", nargs="+", default=[], metavar="TABLE", help="derived tables to compare, instead of all")
    parser.add_argument("--rules", nargs="+", default=[], metavar="RULE", help="compare the findings of these rules alone")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long (60)")
    options = parser.parse_args()
    begun = time.monotonic()
    stop_after(options.minutes)
    try:
        return compare(options)
    except Exception:  # noqa: BLE001
        # Py4J gives an error of its own for one that interrupts its call.
        if time.monotonic() - begun < 60 * options.minutes:
            raise
        print(f"time is up after {options.minutes:g} minutes, in {reached[-1] if reached else 'the tables'}, file {len(reached)}; what follows was not compared")
        return 2


def read_by(files: list[SqlFile], views: list[SqlFile]) -> list[SqlFile]:
    """The views that these files read, and those that they read in turn."""
    wanted: dict[str, SqlFile] = {}
    open_files = list(files)
    while open_files:
        text = open_files.pop().text
        for view in views:
            name = view.header["id"]
            if name not in wanted and re.search(rf"\b{name}\b", text):
                wanted[name] = view
                open_files.append(view)
    return list(wanted.values())


FOUND = ["application_id", "attempt_id", "rule_id", "subject_id", "evidence", "recommendation", "config_key", "config_recommended"]


def compare_rules(spark: SparkSession, lake: DataFrame, rules: list[SqlFile], found: list[tuple], broken: list[str]) -> int:
    """Holds what rules found in Spark against the findings of the lake."""
    results = spark.createDataFrame(found, RESULT_SCHEMA).withColumn("recommendation", F.coalesce("recommendation", "rule_recommendation"))
    failures = len(broken)
    for rule in rules:
        name = rule.header["id"]
        in_spark = Counter(map(tuple, results.where(F.col("rule_id") == name).select(FOUND).collect()))
        in_lake = Counter(map(tuple, lake.where(F.col("rule_id") == name).select(FOUND).collect()))
        missing = in_lake - in_spark
        print(f"{name}: {sum(in_lake.values())} findings in the lake, {sum(missing.values())} of them not in Spark, {sum((in_spark - in_lake).values())} more in Spark")
        for row in missing:
            print(f"  only in the lake: {row}")
        for row in in_spark - in_lake:
            print(f"  only in Spark: {row}")
        failures += bool(missing)
    return 1 if failures else 0


def compare(options: argparse.Namespace) -> int:
    derived = options.derived or options.lake
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    tables = contracts(options.schemas)
    load = lambda pattern: [SqlFile(path) for path in sorted(options.sql.glob(pattern))]
    views, rules, made = load("views/*.sql"), load("rules/*/*.sql"), load("tables/*.sql")

    if options.rules:
        rules = [rule for rule in rules if rule.header["id"] in options.rules]
        views = read_by(rules, views)
    made_names = {file.header["id"] for file in made}
    for name, columns in tables.items():
        if name not in made_names:
            read_table(spark, options.lake, name, columns).coalesce(1).localCheckpoint().createOrReplaceTempView(name)
    reference_tables(spark, options.sql)
    broken: list[str] = []
    # Overviews read derived tables, so they come last.
    late: set[str] = set(made_names)
    for view in in_reading_order(views):
        if late & set(view.reads):
            late.add(view.header["id"])
            continue
        # Made once, as sparklake does: as plans, views of views grow beyond Spark's memory.
        attempt(view, lambda: view.run(spark).localCheckpoint().createOrReplaceTempView(view.header["id"]), broken)
    settings = application_settings(spark)
    found = []
    for rule in rules:
        answers = attempt(rule, lambda: [answer.asDict() for answer in rule.run(spark).collect()], broken)
        found += rule_results(rule, answers or [], settings)
    if options.rules:
        return compare_rules(spark, read_table(spark, derived, "findings", tables["findings"]), rules, found, broken)
    spark.createDataFrame(found, RESULT_SCHEMA).createOrReplaceTempView("rule_results")

    failures = reported = len(broken)
    wanted = set(options.only) or made_names
    for table in reversed(in_reading_order(made)):
        if table.header["id"] in wanted:
            wanted |= set(table.reads) & made_names
    for table in in_reading_order([table for table in made if table.header["id"] in wanted]):
        name = table.header["id"]
        columns = [column for column in tables[name] if column not in STAMPS]
        answer = attempt(table, lambda: table.run(spark), broken)
        if answer is None:
            # Those that read it go on with nothing.
            read_table(spark, Path("/nowhere"), name, tables[name]).createOrReplaceTempView(name)
            failures += 1
            continue
        typed = answer.select([F.col(f"`{column}`").cast(tables[name][column]).alias(column)
                               for column in columns]).localCheckpoint()
        typed.createOrReplaceTempView(name)
        lake = read_table(spark, derived, name, tables[name])
        spark_rows = comparable(typed, columns)
        lake_rows = comparable(lake, columns)
        different = differences(spark_rows, lake_rows)
        verdict = f"{len(different)} differences" if different else "the same"
        print(f"{name}: {len(spark_rows)} rows in Spark, {len(lake_rows)} in the lake: {verdict}")
        print("\n".join(different[:10]), end="\n" if different else "")
        failures += bool(different)
    if options.only:
        return 1 if failures else 0
    for view in in_reading_order(views):
        if view.header["id"] in late:
            attempt(view, lambda: view.run(spark).createOrReplaceTempView(view.header["id"]), broken)
    failures += len(broken) - reported
    for question in load("questions/*.sql"):
        print(f"question {question.header['id']}: {question.run(spark).count()} rows")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
