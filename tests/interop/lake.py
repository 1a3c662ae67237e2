"""Reads a lake as an outsider does: the Delta logs as JSON, the rows with DuckDB's delta extension.

The extension comes as a Python package and is loaded from its file, so nothing is downloaded while tests run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_delta

Row = dict[str, Any]


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB that can scan Delta tables and downloads nothing."""
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    package = Path(duckdb_extension_delta.__path__[0])
    connection.load_extension(str(next(package.rglob("delta.duckdb_extension"))))
    return connection


def table_names(lake: Path) -> list[str]:
    """Names of all Delta tables directly below the lake's folder."""
    return sorted(log.parent.name for log in lake.glob("*/_delta_log"))


def log_actions(table: Path) -> Iterator[Row]:
    """Every action in the JSON commits of a Delta log, oldest first. Checkpoints are not read."""
    for commit in sorted(table.glob("_delta_log/*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def newest_action(table: Path, kind: str) -> Row | None:
    """The newest `protocol` or `metaData` action of a table."""
    return next((action[kind] for action in reversed(list(log_actions(table))) if kind in action), None)


def scan(table: Path) -> str:
    """The SQL table function that reads a Delta table."""
    return f"delta_scan('{str(table).replace(chr(39), chr(39) * 2)}')"


def column_types(connection: duckdb.DuckDBPyConnection, table: Path) -> dict[str, str]:
    """Column names and DuckDB's types of a table."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan(table)}").fetchall()
    return {name: data_type for name, data_type, *_ in described}


def rows(connection: duckdb.DuckDBPyConnection, table: Path, application_ids: list[str]) -> list[Row]:
    """The rows of some applications. Timestamps come as milliseconds since 1970 (with a fraction if they have one)."""
    types = column_types(connection, table)
    columns = [
        f'epoch_us("{name}") / 1000 AS "{name}"' if data_type.startswith("TIMESTAMP") else f'"{name}"'
        for name, data_type in types.items()
    ]
    query = f"SELECT {', '.join(columns)} FROM {scan(table)} WHERE list_contains(?, application_id)"
    fetched = connection.execute(query, [application_ids]).fetchall()
    return [dict(zip(types, row, strict=True)) for row in fetched]
