"""Turns REST answers of the Spark History Server into the rows that a lake must hold.

The mechanical rule of the table contract, in one place: camelCase becomes snake_case, nested metrics get a prefix, dates become
epoch milliseconds, maps and lists of objects stay JSON. Known display bugs of the server are undone here, so what comes out is what
Spark measured.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

PREFIX_OF_NESTED = {
    "taskMetrics": "", "memoryMetrics": "", "inputMetrics": "input_", "outputMetrics": "output_",
    "shuffleReadMetrics": "shuffle_read_", "shufflePushReadMetrics": "shuffle_push_read_", "shuffleWriteMetrics": "shuffle_write_",
    "peakExecutorMetrics": "peak_", "peakMemoryMetrics": "peak_", "speculationSummary": "speculation_",
}
RENAMED = {
    "applications": {"duration": "duration_ms"},
    "jobs": {"name": "job_name"},
    "stages": {"name": "stage_name", "attemptId": "stage_attempt_id"},
    "executors": {"id": "executor_id"},
    "processes": {"id": "process_id"},
    "rdd_storage": {"id": "rdd_id", "name": "rdd_name"},
    "sql": {"id": "sql_id", "duration": "duration_ms"},
}
NOT_COLUMNS = {
    "applications": {"attemptId", "startTimeEpoch", "endTimeEpoch", "lastUpdatedEpoch"},
    "stages": {"tasks", "executorSummary", "taskMetricsDistributions", "executorMetricsDistributions"},
    "rdd_storage": {"dataDistribution", "partitions"},
    "sql": {"nodes", "edges"},
}
TABLES: dict[str, tuple[str, ...]] = {
    "applications": (),
    "jobs": ("job_id",),
    "stages": ("stage_id", "stage_attempt_id"),
    "stage_executors": ("stage_id", "stage_attempt_id", "executor_id"),
    "tasks": ("task_id",),
    "task_summaries": ("stage_id", "stage_attempt_id"),
    "task_quantiles": ("stage_id", "stage_attempt_id", "metric"),
    "executors": ("executor_id",),
    "processes": ("process_id",),
    "rdd_storage": ("rdd_id",),
    "sql": ("sql_id",),
    "sql_nodes": ("sql_id", "node_id"),
    "sql_node_metrics": ("sql_id", "node_id", "metric_name"),
    "environment": ("section", "key"),
}
"""The tables that are compared, and the columns that identify a row within one application attempt."""

# SPARK-54505: where the value of a task metric (left) stands in the answer (right) for tasks that did not succeed.
PERMUTED_METRICS = {
    ("outputMetrics", "bytesWritten"): ("push", "mergedFetchFallbackCount"),
    ("outputMetrics", "recordsWritten"): ("push", "remoteMergedBlocksFetched"),
    ("read", "remoteBlocksFetched"): ("push", "localMergedBlocksFetched"),
    ("read", "localBlocksFetched"): ("push", "remoteMergedChunksFetched"),
    ("read", "fetchWaitTime"): ("push", "localMergedChunksFetched"),
    ("read", "remoteBytesRead"): ("push", "remoteMergedBytesRead"),
    ("read", "remoteBytesReadToDisk"): ("push", "localMergedBytesRead"),
    ("read", "localBytesRead"): ("read", "remoteReqsDuration"),
    ("read", "recordsRead"): ("push", "remoteMergedReqsDuration"),
    ("read", "remoteReqsDuration"): ("read", "recordsRead"),
    ("push", "corruptMergedBlockChunks"): ("outputMetrics", "bytesWritten"),
    ("push", "mergedFetchFallbackCount"): ("outputMetrics", "recordsWritten"),
    ("push", "remoteMergedBlocksFetched"): ("read", "remoteBlocksFetched"),
    ("push", "localMergedBlocksFetched"): ("read", "localBlocksFetched"),
    ("push", "remoteMergedChunksFetched"): ("read", "fetchWaitTime"),
    ("push", "localMergedChunksFetched"): ("read", "remoteBytesRead"),
    ("push", "remoteMergedBytesRead"): ("read", "remoteBytesReadToDisk"),
    ("push", "localMergedBytesRead"): ("read", "localBytesRead"),
    ("push", "remoteMergedReqsDuration"): ("push", "corruptMergedBlockChunks"),
}
BAD_TASK_METRICS_VERSIONS = ((3, 4), (4, 1))
"""SPARK-54505 is in every version from the first up to, not including, the second."""

QUANTILE_COLUMNS = ("min", "p25", "median", "p75", "max")
QUANTILE_METRICS = {  # names of the distributions that are not the mechanical ones
    "shuffle_read_read_bytes": "shuffle_read_bytes",
    "shuffle_read_read_records": "shuffle_read_records_read",
    "shuffle_write_write_bytes": "shuffle_write_bytes_written",
    "shuffle_write_write_records": "shuffle_write_records_written",
}
ENVIRONMENT_SECTIONS = {
    "spark": "sparkProperties", "hadoop": "hadoopProperties", "system": "systemProperties", "metrics": "metricsProperties",
}
REST_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}GMT")


@dataclass
class Attempt:
    """What the server says about one application attempt."""

    application_id: str
    attempt_id: str
    name: str
    completed: bool
    tables: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in TABLES})


def snake_case(name: str) -> str:
    """The column name for a REST name.

    >>> [snake_case(name) for name in ("numCompletedIndices", "jvmGcTime", "JVMHeapMemory", "ProcessTreeJVMRSSMemory", "totalGCTime")]
    ['num_completed_indices', 'jvm_gc_time', 'jvm_heap_memory', 'process_tree_jvm_rss_memory', 'total_gc_time']
    >>> snake_case("ProcessTreeJVMVMemory")
    'process_tree_jvm_v_memory'
    """
    for word in ("JVM", "RSS", "GC"):
        name = name.replace(word, word.title())
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def epoch_ms(date: str) -> int | None:
    """Milliseconds since 1970 of a REST date; `None` for the server's way of saying "none" (one before 1970).

    >>> epoch_ms("2026-11-20T16:58:28.287GMT")
    1795193908287
    >>> epoch_ms("1969-12-31T23:59:59.999GMT") is None
    True
    """
    moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%S.%fGMT").replace(tzinfo=UTC)
    milliseconds = round(moment.timestamp() * 1000)
    return milliseconds if milliseconds >= 0 else None


def columns_of(table: str, answer: Row) -> Row:
    """One REST object as a row of a table."""
    row: Row = {}
    renamed, left_out = RENAMED.get(table, {}), NOT_COLUMNS.get(table, set())
    for name, value in answer.items():
        if name in left_out:
            continue
        if name in PREFIX_OF_NESTED:
            row.update(_nested(PREFIX_OF_NESTED[name], value))
        else:
            row[renamed.get(name, snake_case(name))] = _value(name, value)
    return row


def _nested(prefix: str, metrics: Row) -> Row:
    row: Row = {}
    for name, value in metrics.items():
        if name in PREFIX_OF_NESTED:
            row.update(_nested(PREFIX_OF_NESTED[name], value))
        else:
            row[prefix + snake_case(name)] = value
    return row


def _value(name: str, value: Any) -> Any:
    is_date = name.endswith(("Time", "Start", "Updated")) and isinstance(value, str) and REST_DATE.fullmatch(value)
    return epoch_ms(value) if is_date else value


def without_permutation(task: Row, server_version: str) -> Row:
    """The task with its metrics at their own places again (SPARK-54505)."""
    first_bad, first_good = BAD_TASK_METRICS_VERSIONS
    version = tuple(int(part) for part in server_version.split(".")[:2])
    is_permuted = "taskMetrics" in task and task["status"] != "SUCCESS" and first_bad <= version < first_good
    if not is_permuted:
        return task
    mended: Row = copy.deepcopy(task)
    places_shown, places_mended = _metric_groups(task["taskMetrics"]), _metric_groups(mended["taskMetrics"])
    for (group, name), (shown_group, shown_name) in PERMUTED_METRICS.items():
        places_mended[group][name] = places_shown[shown_group][shown_name]
    return mended


def _metric_groups(metrics: Row) -> dict[str, Row]:
    read = metrics["shuffleReadMetrics"]
    return {"outputMetrics": metrics["outputMetrics"], "read": read, "push": read["shufflePushReadMetrics"]}


def read_truth(truth: Path) -> Iterator[Attempt]:
    """Every application attempt below a folder that `history_server_truth.py` wrote."""
    server_version = _load(truth / "version.json")["spark"]
    for application in _load(truth / "applications.json"):
        for rest_attempt in application["attempts"]:
            attempt = Attempt(
                application["id"], rest_attempt.get("attemptId", "0"), application["name"], rest_attempt["completed"]
            )
            attempt.tables["applications"].append(
                {"application_name": application["name"], **columns_of("applications", rest_attempt)}
            )
            _read_attempt(attempt, truth / attempt.application_id / attempt.attempt_id, server_version)
            yield attempt


def _read_attempt(attempt: Attempt, folder: Path, server_version: str) -> None:
    tables = attempt.tables
    tables["jobs"] = [columns_of("jobs", job) for job in _load(folder / "jobs.json")]
    tables["executors"] = [columns_of("executors", executor) for executor in _load(folder / "allexecutors.json")]
    tables["processes"] = [columns_of("processes", process) for process in _load(folder / "processes.json")]
    tables["rdd_storage"] = [columns_of("rdd_storage", rdd) for rdd in _load(folder / "rdd_storage.json")]
    for stage in _load(folder / "stages.json"):
        _read_stage(tables, stage, folder, server_version)
    for execution in _load(folder / "sql.json") or []:
        _read_execution(tables, execution)
    tables["environment"] = list(_environment_rows(_load(folder / "environment.json")))


def _read_stage(tables: dict[str, list[Row]], stage: Row, folder: Path, server_version: str) -> None:
    key = {"stage_id": stage["stageId"], "stage_attempt_id": stage["attemptId"]}
    file_name = f"{stage['stageId']}_{stage['attemptId']}.json"
    tables["stages"].append(columns_of("stages", stage))
    for executor_id, summary in (stage.get("executorSummary") or {}).items():
        tables["stage_executors"].append({**key, "executor_id": executor_id, **columns_of("stage_executors", summary)})
    tasks = _load(folder / "tasks" / file_name) or []
    tables["tasks"] += [{**key, **columns_of("tasks", without_permutation(task, server_version))} for task in tasks]
    summary = _load(folder / "task_summary" / file_name)
    if summary is not None:
        successful = sum(task["status"] == "SUCCESS" for task in tasks)
        tables["task_summaries"].append({**key, "num_tasks": successful, "raw_json": summary})
        tables["task_quantiles"] += [{**key, "num_tasks": successful, **row} for row in _quantile_rows(summary)]


def _quantile_rows(summary: Row) -> Iterator[Row]:
    distributions = {name: values for name, values in summary.items() if name != "quantiles"}
    for metric, values in columns_of("task_quantiles", distributions | _push_distributions(distributions)).items():
        numbers = [None if value == "NaN" else value for value in values]
        yield {"metric": QUANTILE_METRICS.get(metric, metric), **dict(zip(QUANTILE_COLUMNS, numbers, strict=True))}


def _push_distributions(distributions: Row) -> Row:
    """Push metrics have a name of their own in distributions: bring it to the one that tasks have."""
    read = dict(distributions["shuffleReadMetrics"])
    push = read.pop("shufflePushReadMetricsDist", {})
    return {"shuffleReadMetrics": read, "shufflePushReadMetrics": push}


def _read_execution(tables: dict[str, list[Row]], execution: Row) -> None:
    key = {"sql_id": execution["id"]}
    tables["sql"].append({**columns_of("sql", execution), "num_nodes": len(execution["nodes"]), "sql_raw_json": execution})
    for node in execution["nodes"]:
        children = [edge["fromId"] for edge in execution["edges"] if edge["toId"] == node["nodeId"]]
        tables["sql_nodes"].append({
            **key, "node_id": node["nodeId"], "node_name": node["nodeName"],
            "whole_stage_codegen_id": node.get("wholeStageCodegenId"), "child_node_ids": children,
        })
        for metric in node["metrics"]:
            tables["sql_node_metrics"].append(
                {**key, "node_id": node["nodeId"], "metric_name": metric["name"], "value": metric["value"]}
            )


def _environment_rows(environment: Row) -> Iterator[Row]:
    for section, name in ENVIRONMENT_SECTIONS.items():
        for key, value in environment[name]:
            yield {"section": section, "key": key, "value": value}
    for key, value in environment["runtime"].items():
        yield {"section": "runtime", "key": key, "value": value}
    for profile in environment["resourceProfiles"]:
        for owner, resources in (("executor", profile["executorResources"]), ("task", profile["taskResources"])):
            for name, resource in resources.items():
                amount = resource["amount"]
                value = str(int(amount)) if amount == int(amount) else str(amount)
                yield {"section": "resource_profile", "key": f"{profile['id']}.{owner}.{name}", "value": value}


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
