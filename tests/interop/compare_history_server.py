"""Holds a lake against the Spark History Server's own answers, value by value.

    python compare_history_server.py LAKE TRUTH_DIR [--differences N] [--table NAME]…

TRUTH_DIR comes from `history_server_truth.py` over the same logs that the lake was made of. Every field that the server shows must be
in the lake with the same value, and the lake must have no other rows of these applications. A missing table or column counts as a
difference of every value in it. Values that cannot be compared are counted under a reason. Status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import lake as lake_reader
from rest_rows import TABLES, Attempt, Row, read_truth

JSON_COLUMNS = {
    "accumulator_updates", "killed_tasks_summary", "executor_logs", "process_logs", "attributes", "resources",
    "raw_json", "sql_raw_json", "modified_configs",
}
UNORDERED = {
    "accumulator_updates", "accumulatorUpdates", "child_node_ids", "edges",
    "running_job_ids", "success_job_ids", "failed_job_ids", "runningJobIds", "successJobIds", "failedJobIds",
    "excluded_in_stages", "blacklisted_in_stages",
}
"""Lists whose order the server does not define, as columns and as keys inside JSON columns."""

NEWER_JSON_KEYS = {
    "queryId", "errorMessage", "rootExecutionId", "modifiedConfigs", "desc", "peakOnHeapExecutionMemory", "peakOffHeapExecutionMemory",
}
"""Keys of REST objects that a server newer than the one asked shows."""

UNFINISHED_TASK = {"RUNNING", "GET RESULT"}
OVER_ALL_TASKS = {"duration", "scheduler_delay", "getting_result_time"}
"""Metrics whose quantiles the server takes over unsuccessful tasks too, other than the lake's `task_quantiles`."""

MISSING = object()
OF_THE_SERVER = {"log_source_name", "log_source_full_path"}
"""Columns that say where the server itself found a log: the lake has no such column."""

DIFFERENCES_PER_FIELD = 3


@dataclass
class Difference:
    """One value that is not what the server shows."""

    table: str
    application: str
    row: str
    field: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        place = f"{self.table}.{self.field}  {self.application}  {self.row}"
        return f"{place}\n    server: {_short(self.expected)}\n    lake:   {_short(self.actual)}"


@dataclass
class Tally:
    """Counts of one table."""

    equal: int = 0
    different: int = 0
    skipped: int = 0


@dataclass
class Comparison:
    """The result: counts by table, skipped values by reason, and every difference."""

    tallies: dict[str, Tally] = field(default_factory=lambda: {table: Tally() for table in TABLES})
    skipped: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """Counts a difference."""
        self.tallies[difference.table].different += 1
        self.differences.append(difference)

    def skip(self, table: str, reason: str) -> None:
        """Counts a value that cannot be compared."""
        self.tallies[table].skipped += 1
        self.skipped[reason] += 1


def has_resubmitted(expected: Row, attempt: Attempt) -> bool:
    """Whether more task attempts of an executor are counted as failed than there are failed task rows: a task
    that was resubmitted keeps the row of its success."""
    rows = [row for row in attempt.tables["tasks"] if row["executor_id"] == expected["executor_id"]]
    if "stage_id" in expected:
        rows = [row for row in rows if (row["stage_id"], row["stage_attempt_id"]) == (expected["stage_id"], expected["stage_attempt_id"])]
    return expected["failed_tasks"] > sum(row["status"] == "FAILED" for row in rows)


def skip_reason(table: str, column: str, expected: Row, actual: Row, attempt: Attempt, has_unsuccessful: bool) -> str | None:
    """Why a value cannot be compared, if it cannot."""
    if column == "last_updated":
        return "last_updated: depends on the file's modification time or the server's clock"
    if table == "sql" and column == "error_message" and expected[column] == "" and actual[column] is None:
        return "a server since 4.2 shows '' for the error of a query that succeeded, the lake NULL"
    if column == "modified_configs" and expected[column] == {} and actual[column] is None:
        return "a server since 4.2 shows {} for a query without settings of its own, the lake NULL"
    if table == "tasks" and expected.get("status") in UNFINISHED_TASK and column in OVER_ALL_TASKS:
        return "unfinished task: its times so far depend on the server's clock"
    if table == "sql" and expected.get("status") == "RUNNING" and column in {"duration_ms", "sql_raw_json.duration"}:
        return "unfinished SQL execution: its duration so far depends on the server's clock"
    if table == "executors" and expected["executor_id"] == "driver" and column == "total_duration" and not attempt.completed:
        return "unfinished application: the driver's duration depends on the server's clock"
    if table == "task_quantiles" and expected["metric"] in OVER_ALL_TASKS and has_unsuccessful:
        return "the server takes this quantile over unsuccessful tasks too, the lake over successful ones only"
    if table == "task_summaries" and has_unsuccessful and not attempt.completed and column.startswith("raw_json.duration"):
        return "unfinished task: its times so far depend on the server's clock"
    is_memory = column in {"memory_used", "used_on_heap_storage_memory"}
    if table == "executors" and is_memory and attempt.tables["rdd_storage"] and expected[column] > actual[column]:
        return "the server adds the memory of a removed broadcast once more: its last update still says Use Memory, with Replication 0"
    is_task_time = (table, column) in {("executors", "total_duration"), ("stage_executors", "task_time")}
    if is_task_time and expected["failed_tasks"] > 0 and expected[column] > actual[column] and has_resubmitted(expected, attempt):
        return "a server before 4.3 counts the time of a task that was resubmitted twice"
    is_push = "shuffle_push_read" in column or "merged" in column or "shufflePushRead" in column
    if is_push and expected.get(column) == 0 and actual.get(column) != 0:
        return "SPARK-43100: the server shows 0 for every push metric"
    return None


def same(expected: Any, actual: Any, name: str) -> bool:
    """Whether two values are the same: lists in any order where the order means nothing, fractions up to rounding.

    >>> same([1, 2], [2, 1], "failed_job_ids"), same([1, 2], [2, 1], "rdd_ids"), same(0.1 + 0.2, 0.3, "value"), same(1, True, "x")
    (True, False, True, False)
    """
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        return math.isclose(expected, actual, rel_tol=1e-9)
    if isinstance(expected, list) and isinstance(actual, list) and name in UNORDERED:
        return sorted(map(_canonical, expected)) == sorted(map(_canonical, actual))
    return bool(expected == actual)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def leaves(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Pairs of values at the same place of two JSON documents; `MISSING` stands where one has nothing."""
    name = path.rpartition(".")[2]
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in expected.keys() | (actual.keys() - NEWER_JSON_KEYS):
            yield from leaves(expected.get(key, MISSING), actual.get(key, MISSING), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual) and name not in UNORDERED:
        for position, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from leaves(left, right, f"{path}[{position}]")
    else:
        yield path, expected, actual


def value_pairs(column: str, expected: Any, actual: Any) -> Iterator[tuple[str, Any, Any]]:
    """The pairs of values that one column stands for: one, or one for each leaf of a JSON document."""
    if column not in JSON_COLUMNS:
        yield column, expected, actual
        return
    try:
        parsed = json.loads(actual) if isinstance(actual, str) else actual
    except ValueError:
        parsed = actual
    if isinstance(expected, (dict, list)) and len(expected) == 0:
        yield column, expected, parsed
    else:
        yield from leaves(expected, parsed, column)


class TableComparison:
    """Compares one table for all attempts of the truth."""

    def __init__(self, table: str, attempts: list[Attempt], comparison: Comparison) -> None:
        self.table = table
        self.attempts = attempts
        self.comparison = comparison
        expected_rows = [row for attempt in attempts for row in attempt.tables[table]]
        self.columns = list(dict.fromkeys(column for row in expected_rows for column in row))

    def run(self, connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
        """Compares every row of the table."""
        if not (lake / self.table / "_delta_log").is_dir():
            self._everything_is_missing()
            return
        known = lake_reader.column_types(connection, lake / self.table)
        unknown = [column for column in self.columns if column not in known]
        for column in unknown:
            self._column_is_missing(column)
        self.columns = [column for column in self.columns if column in known]
        ids = sorted({attempt.application_id for attempt in self.attempts})
        by_attempt: dict[tuple[str, str], list[Row]] = {}
        for row in lake_reader.rows(connection, lake / self.table, ids):
            by_attempt.setdefault((row["application_id"], row["attempt_id"]), []).append(row)
        for attempt in self.attempts:
            self._compare_attempt(attempt, by_attempt.get((attempt.application_id, attempt.attempt_id), []))

    def _compare_attempt(self, attempt: Attempt, lake_rows: list[Row]) -> None:
        by_key: dict[tuple[Any, ...], list[Row]] = {}
        for row in lake_rows:
            by_key.setdefault(self._key(row), []).append(row)
        for expected in attempt.tables[self.table]:
            found = by_key.pop(self._key(expected), [])
            if len(found) != 1:
                self._differ(attempt, expected, "(row)", "1 row", f"{len(found)} rows")
            for actual in found[:1]:
                self._compare_row(attempt, expected, actual)
        if self.table == "sql_node_metrics":  # the lake also has metrics without a value, which the server leaves out
            by_key = {key: rows for key, rows in by_key.items() if any(row.get("value") is not None for row in rows)}
        if self.table == "rdd_storage":  # the lake also has persisted RDDs of which no cached partition is known
            by_key = {key: rows for key, rows in by_key.items() if any(row["num_cached_partitions"] for row in rows)}
        for rows in by_key.values():
            self._differ(attempt, rows[0], "(row)", "no row", f"{len(rows)} rows")

    def _compare_row(self, attempt: Attempt, expected: Row, actual: Row) -> None:
        tally = self.comparison.tallies[self.table]
        has_unsuccessful = self._has_unsuccessful_tasks(attempt, expected)
        for column in self.columns:
            for name, left, right in value_pairs(column, expected.get(column), actual[column]):
                if same(left, right, name.rpartition(".")[2]):
                    tally.equal += 1
                elif reason := skip_reason(
                    self.table, name, {**expected, name: left}, {**actual, name: right}, attempt, has_unsuccessful
                ):
                    self.comparison.skip(self.table, reason)
                else:
                    self._differ(attempt, expected, name, left, right)

    def _has_unsuccessful_tasks(self, attempt: Attempt, row: Row) -> bool:
        if self.table not in {"task_quantiles", "task_summaries"}:
            return False
        stage = row["stage_id"], row["stage_attempt_id"]
        tasks = attempt.tables["tasks"]
        return any((task["stage_id"], task["stage_attempt_id"]) == stage and task["status"] != "SUCCESS" for task in tasks)

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row.get(column) for column in TABLES[self.table])

    def _differ(self, attempt: Attempt, row: Row, name: str, expected: Any, actual: Any) -> None:
        key = ", ".join(f"{column}={row.get(column)}" for column in TABLES[self.table])
        application = f"{attempt.name} ({attempt.application_id}/{attempt.attempt_id})"
        self.comparison.add(Difference(self.table, application, key, name, expected, actual))

    def _column_is_missing(self, column: str) -> None:
        for attempt in self.attempts:
            for row in attempt.tables[self.table]:
                if column in row and column in OF_THE_SERVER:
                    self.comparison.skip(self.table, "where the server itself found the log is nothing that a lake knows")
                elif column in row:
                    self._differ(attempt, row, column, row[column], "(the column is missing)")

    def _everything_is_missing(self) -> None:
        for attempt in self.attempts:
            for row in attempt.tables[self.table]:
                for column in row:
                    self._differ(attempt, row, "(table)", row[column], "(the table is missing)")


def compare(lake: Path, attempts: list[Attempt], tables: Iterable[str]) -> Comparison:
    """Compares the chosen tables of a lake with the truth."""
    comparison = Comparison()
    connection = lake_reader.connect()
    for table in tables:
        TableComparison(table, attempts, comparison).run(connection, lake)
    return comparison


def print_report(comparison: Comparison, tables: Iterable[str], limit: int) -> None:
    """Prints the counts, the reasons for skipping, and the first differences, a few of each field."""
    print(f"{'table':<20}{'compared':>10}{'equal':>10}{'different':>11}{'skipped':>9}")
    for table in tables:
        tally = comparison.tallies[table]
        compared = tally.equal + tally.different
        print(f"{table:<20}{compared:>10}{tally.equal:>10}{tally.different:>11}{tally.skipped:>9}")
    for reason, count in comparison.skipped.most_common():
        print(f"skipped {count}: {reason}")
    by_field: dict[str, list[Difference]] = {}
    for difference in comparison.differences:
        by_field.setdefault(f"{difference.table}.{difference.field.partition('[')[0]}", []).append(difference)
    for name, differences in sorted(by_field.items(), key=lambda item: -len(item[1])):
        print(f"different {len(differences)}: {name}")
    samples = [difference for differences in by_field.values() for difference in differences[:DIFFERENCES_PER_FIELD]]
    for difference in samples[:limit]:
        print(difference)


def main() -> None:
    """Reads the command line, compares, reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--differences", type=int, default=20, help="how many differences to print")
    parser.add_argument("--table", action="append", choices=list(TABLES), help="compare only this table (repeatable)")
    arguments = parser.parse_args()
    tables = arguments.table or list(TABLES)
    attempts = list(read_truth(arguments.truth))
    comparison = compare(arguments.lake.resolve(), attempts, tables)
    print_report(comparison, tables, arguments.differences)
    sys.exit(1 if comparison.differences else 0)


def _short(value: Any) -> str:
    text = "(nothing)" if value is MISSING else repr(value)
    return text if len(text) <= 160 else f"{text[:160]}… ({len(text)} characters)"


if __name__ == "__main__":
    main()
