"""Reads every table of a lake with two engines that have Parquet readers of their own: DuckDB and chDB (ClickHouse).

    python read_lake.py LAKE

For each table it checks that both engines read every column and agree on the number of rows, that the Delta protocol is
reader 1 / writer 2, and that every column of the newest metaData has a comment. Prints a line a table; status 1 if any check fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import chdb
import duckdb
import lake as lake_reader

PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}


@dataclass
class TableReport:
    """What was found out about one table."""

    name: str
    duckdb_rows: int | None = None
    chdb_rows: int | None = None
    problems: list[str] = field(default_factory=list)


def duckdb_count(connection: duckdb.DuckDBPyConnection, table: Path) -> int:
    """Rows of the table; reads every column of every row, so that a file that cannot be read is noticed."""
    columns = lake_reader.column_types(connection, table)
    hashes = ", ".join(f'hash("{name}")' for name in columns)
    counted = connection.execute(f"SELECT count(*), bit_xor(hash({hashes})) FROM {lake_reader.scan(table)}").fetchall()
    return int(counted[0][0])


def chdb_count(table: Path) -> int:
    """The same with ClickHouse, which reads local files only below the working directory."""
    path = str(table).replace("\\", "\\\\").replace("'", "\\'")
    query = f"SELECT count(), groupBitXor(cityHash64(toString(tuple(*)))) FROM deltaLakeLocal('{path}')"
    with contextlib.chdir(table.parent):
        return int(str(chdb.query(query, "CSV")).split(",")[0])


def check_protocol(table: Path) -> list[str]:
    """Problems with the newest protocol action."""
    protocol = lake_reader.newest_action(table, "protocol")
    return [] if protocol == PROTOCOL else [f"protocol is {protocol}"]


def check_comments(table: Path) -> list[str]:
    """Problems with the comments of the newest schema."""
    metadata = lake_reader.newest_action(table, "metaData")
    if metadata is None:
        return ["no metaData action in the JSON commits"]
    fields = json.loads(metadata["schemaString"])["fields"]
    silent = [column["name"] for column in fields if not str(column["metadata"].get("comment", "")).strip()]
    return [f"columns without a comment: {', '.join(silent)}"] if silent else []


def check_table(connection: duckdb.DuckDBPyConnection, table: Path) -> TableReport:
    """All checks of one table. An engine's error is a finding, not the end."""
    report = TableReport(table.name, problems=[*check_protocol(table), *check_comments(table)])
    try:
        report.duckdb_rows = duckdb_count(connection, table)
    except duckdb.Error as error:
        report.problems.append(f"DuckDB: {error}")
    try:
        report.chdb_rows = chdb_count(table)
    except RuntimeError as error:
        report.problems.append(f"chDB: {error}")
    if None not in (report.duckdb_rows, report.chdb_rows) and report.duckdb_rows != report.chdb_rows:
        report.problems.append("the engines do not agree on the number of rows")
    return report


def main() -> None:
    """Checks every table and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    lake: Path = parser.parse_args().lake.resolve()
    names = lake_reader.table_names(lake)
    if not names:
        sys.exit(f"{lake}: no Delta table there")
    connection = lake_reader.connect()
    reports = [check_table(connection, lake / name) for name in names]
    print(f"{'table':<24}{'DuckDB rows':>12}{'chDB rows':>12}  problems")
    for report in reports:
        counts = f"{_number(report.duckdb_rows):>12}{_number(report.chdb_rows):>12}"
        print(f"{report.name:<24}{counts}  {'; '.join(report.problems) or 'none'}")
    sys.exit(1 if any(report.problems for report in reports) else 0)


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


if __name__ == "__main__":
    main()
