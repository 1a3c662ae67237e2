"""What a night costs on which nothing happened, with a ledger of many rows.

    python benches/ledger.py SPARKLAKE LAKE [ROWS]

Makes a lake with a few logs of this repository, puts ROWS (a million) rows into its ledger as earlier nights would have,
and runs again over the same logs. Prints the wall time and the peak memory of that run. Needs pyarrow.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LOGS = Path(__file__).resolve().parent.parent / "tests/fixtures/logs/spark4"
# Rows of one file, as `maintain` leaves them.
FILE_ROWS = 250_000


def run(program: str, lake: str) -> tuple[dict, float]:
    """One run; its summary and seconds."""
    started = time.monotonic()
    ended = subprocess.run(
        [program, "run", "--event-logs", str(LOGS), "--lake", lake, "-q"], capture_output=True, text=True, check=True
    )
    return json.loads(ended.stdout.splitlines()[-1]), time.monotonic() - started


def rows(first: int, count: int, batch: str) -> pa.Table:
    """Ledger rows of histories that are not there any more, 300 a night."""
    numbers = range(first, first + count)
    began = datetime(2023, 1, 1, tzinfo=timezone.utc)
    times = [began + timedelta(days=number // 300, seconds=number % 300) for number in numbers]
    columns = {
        "source_uri": [f"s3://company-logs/spark/events/application_1672531200000_{number:07}" for number in numbers],
        "fingerprint": [f"{number * 2654435761 % 2**64:016x}" for number in numbers],
        "size_bytes": pa.array([1_000_000 + number for number in numbers], pa.int64()),
        "modified": pa.array(times, pa.timestamp("us", "UTC")),
        "layout": ["single_file"] * count,
        "platform": ["event_log"] * count,
        "cluster_id": ["events"] * count,
        "cluster_name": ["events"] * count,
        "application_id": [f"application_1672531200000_{number:07}" for number in numbers],
        "attempt_id": ["0"] * count,
        "status": ["loaded"] * count,
        "events": pa.array([1000] * count, pa.int64()),
        "bad_lines": pa.array([0] * count, pa.int64()),
        "rows": pa.array([500] * count, pa.int64()),
        "bytes": pa.array([1_000_000] * count, pa.int64()),
        "duration_ms": pa.array([20] * count, pa.int64()),
        "complete": [True] * count,
        "app_date": pa.array([moment.date() for moment in times], pa.date32()),
        "batch_id": [batch] * count,
        "run_id": ["bench"] * count,
        "ingested_at": pa.array(times, pa.timestamp("us", "UTC")),
    }
    return pa.table(columns)


def fill(lake: Path, total: int) -> None:
    """Adds files with the rows to the ledger's table, in one commit."""
    table = lake / "ingest_sources"
    log = table / "_delta_log"
    version = max(int(entry.name[:20]) for entry in log.glob("*.json")) + 1
    lines = []
    for number, first in enumerate(range(0, total, FILE_ROWS)):
        count = min(FILE_ROWS, total - first)
        path = table / f"part-bench-{number:05}.zstd.parquet"
        pq.write_table(rows(first, count, "0000000000-bench"), path, compression="zstd")
        add = {
            "path": path.name,
            "partitionValues": {},
            "size": path.stat().st_size,
            "modificationTime": int(time.time() * 1000),
            "dataChange": True,
            "stats": json.dumps({"numRecords": count}),
        }
        lines.append(json.dumps({"add": add}))
    (log / f"{version:020}.json").write_text("\n".join(lines))


def main() -> None:
    program, lake = sys.argv[1], sys.argv[2]
    total = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    run(program, lake)
    fill(Path(lake), total)
    summary, seconds = run(program, lake)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert summary["loaded"] == 0 and summary["unchanged"] == summary["discovered"], summary
    print(f"{total} rows: {seconds:.2f} s, peak {peak:.0f} MiB; discovery {summary['discover_ms']} ms")


if __name__ == "__main__":
    main()
