//! Each rule once where it fires, with its numbers worked out by hand, and once below a floor.

use serde_json::{Value, json};

use super::lake::{APP, TestLake, assert_columns};

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

/// 8 tasks on 2 executors of 4 slots; one ran 100 s, the others 10 s: mean (7 * 10 + 100) / 8 s.
fn skewed(shuffle_read: [i64; 4]) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.executor("1", 4, json!({})).executor("2", 4, json!({}));
    lake.worker(3, "1", json!({})).worker(3, "2", json!({}));
    // Excluded for the stage: has a row, but no task and so no slots.
    lake.executor("3", 4, json!({}))
        .worker(3, "3", json!({"succeeded_tasks": 0}));
    lake.stage(
        3,
        json!({"num_tasks": 8, "duration_ms": 101_000, "sql_id": 5}),
        json!({
            "executor_run_time": [10_000, 10_000, 100_000, 170_000],
            "shuffle_read_bytes": shuffle_read,
        }),
    );
    lake
}

#[tokio::test]
async fn task_skew_counts_the_cores_that_wait_for_the_longest_task() {
    let mut lake = skewed([MIB, 10 * MIB, 100 * MIB, 170 * MIB]);
    lake.setting("spark.sql.adaptive.enabled", "false");
    let finding = lake.finding_of("task_skew").await;
    // Even: one wave of 21.25 s. To win: min(100 - 10, 101 - 21.25) = 79.75 s on 8 cores.
    assert_columns(
        &finding,
        json!({
            "subject_type": "stage", "subject_id": "3.0", "category": "skew", "job_key": "nightly",
            "recoverable_ms": 79_750, "lost_core_ms": 638_000, "severity": "medium",
            "confidence": "high", "est_savings_usd": Value::Null,
            "title": "Skewed shuffle data: a few tasks run much longer than the rest",
            "config_key": "spark.sql.adaptive.enabled", "config_current": "false",
            "config_recommended": "true",
            "evidence": "The longest of 8 tasks ran 100.0 s, 10.0 times the median of 10.0 s, and read \
                         10.0 times the median shuffle data; the stage took 101.0 s and would take \
                         about 21.3 s with even tasks.",
        }),
    );
    let numbers: Value =
        serde_json::from_str(finding["evidence_json"].as_str().expect("text")).expect("JSON");
    assert_eq!(numbers["longest_ms"], 100_000);
    assert_eq!(numbers["input_max_bytes"], Value::Null);
    assert_eq!(numbers["cause"], "shuffle");
}

#[tokio::test]
async fn task_skew_without_more_data_is_a_straggler() {
    let mut lake = skewed([9 * MIB, 10 * MIB, 11 * MIB, 80 * MIB]);
    lake.setting("spark.app.name", "x");
    let finding = lake.finding_of("task_skew").await;
    assert_columns(
        &finding,
        json!({
            "confidence": "medium", "recoverable_ms": 79_750,
            "title": "Stragglers: a few tasks run much longer than the rest on as much data",
            "config_key": "spark.speculation", "config_current": "false", "config_recommended": "true",
        }),
    );
}

#[tokio::test]
async fn task_skew_is_silent_where_nothing_is_to_win() {
    // Ten times the median, but the longest task ran 9 s only.
    let mut short = TestLake::with_application();
    short.stage(
        1,
        json!({"num_tasks": 100, "duration_ms": 9_500}),
        json!({"executor_run_time": [800, 900, 9_000, 98_100]}),
    );
    assert_eq!(short.findings_of("task_skew").await, []);
    // 41 tasks on 4 slots: 11 waves of 10.9 s would take 119.8 s, the stage took 121 s.
    let mut hidden = TestLake::with_application();
    hidden.executor("1", 4, json!({})).worker(1, "1", json!({}));
    hidden.stage(
        1,
        json!({"num_tasks": 41, "duration_ms": 121_000}),
        json!({"executor_run_time": [10_000, 10_000, 46_600, 446_600]}),
    );
    assert_eq!(hidden.findings_of("task_skew").await, []);
}

/// 100 tasks that read 20 GiB of shuffle data; each spilled 300 MiB and peaked at 100 MiB.
fn spilling(columns: Value) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.executor("1", 10, json!({})).worker(1, "1", json!({}));
    let defaults = json!({
        "num_tasks": 100, "duration_ms": 100_000, "executor_run_time": 1_000_000, "sql_id": 1,
        "shuffle_read_bytes": 20 * GIB, "memory_bytes_spilled": 25_000_000_000_i64,
        "disk_bytes_spilled": 5_000_000_000_i64,
    });
    let mut stage = defaults.as_object().cloned().expect("object");
    stage.extend(columns.as_object().cloned().expect("object"));
    lake.stage(
        1,
        Value::Object(stage),
        json!({
            "memory_bytes_spilled": [0, 300 * MIB, 300 * MIB, 30_000 * MIB],
            "disk_bytes_spilled": [0, 60 * MIB, 60 * MIB, 6_000 * MIB],
            "peak_execution_memory": [0, 100 * MIB, 100 * MIB, 10_000 * MIB],
        }),
    );
    lake
}

#[tokio::test]
async fn memory_spill_counts_serializing_and_sizes_the_partitions() {
    let mut lake = spilling(json!({}));
    lake.setting("spark.sql.shuffle.partitions", "100");
    // 25e9 bytes at 250,000 bytes a millisecond; a task needed 4 times the memory it got.
    assert_columns(
        &lake.finding_of("memory_spill").await,
        json!({
            "lost_core_ms": 100_000, "recoverable_ms": 10_000, "severity": "low",
            "confidence": "medium", "config_key": "spark.sql.shuffle.partitions",
            "config_current": "100", "config_recommended": "400",
            "evidence": "Spilled 23.3 GiB out of memory, 1.2 times the 20.0 GiB that the stage moved; \
                         the worst task spilled 300.0 MiB with a peak of 100.0 MiB of execution memory.",
        }),
    );
}

#[tokio::test]
async fn memory_spill_names_the_setting_that_decides() {
    // Adaptive execution was told to merge 1000 partitions into 100: its target size decides.
    let mut merged = spilling(json!({}));
    merged.setting("spark.sql.shuffle.partitions", "1000");
    merged.setting("spark.sql.adaptive.advisoryPartitionSizeInBytes", "256MB");
    assert_columns(
        &merged.finding_of("memory_spill").await,
        json!({
            "config_key": "spark.sql.adaptive.advisoryPartitionSizeInBytes",
            "config_current": "256MB", "config_recommended": "51MB",
        }),
    );
    // With its default target it would not have made partitions of 200 MiB: the code did.
    let mut repartitioned = spilling(json!({}));
    repartitioned.setting("spark.sql.shuffle.partitions", "1000");
    assert_columns(
        &repartitioned.finding_of("memory_spill").await,
        json!({"config_key": null, "config_current": null, "config_recommended": null}),
    );
    // A stage that reads files; Databricks' `auto` is no number and must not break the rule.
    let mut input = spilling(json!({"shuffle_read_bytes": 0, "input_bytes": 40 * GIB}));
    input.setting("spark.sql.shuffle.partitions", "auto");
    assert_columns(
        &input.finding_of("memory_spill").await,
        json!({
            "config_key": "spark.sql.files.maxPartitionBytes", "config_current": "128MB",
            "config_recommended": "102MB",
        }),
    );
    // Nothing is known about the settings of an application without environment.
    assert_columns(
        &spilling(json!({})).finding_of("memory_spill").await,
        json!({
            "config_current": Value::Null, "config_recommended": "400",
        }),
    );
}

#[tokio::test]
async fn disk_spill_counts_writing_and_reading_back() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({"executor_memory_bytes": 4 * GIB}));
    lake.executor("1", 10, json!({})).worker(1, "1", json!({}));
    lake.stage(
        1,
        json!({
            "num_tasks": 10, "duration_ms": 60_000, "executor_run_time": 400_000,
            "input_bytes": 10 * GIB, "disk_bytes_spilled": 5_000_000_000_i64,
        }),
        json!({
            "memory_bytes_spilled": [0, 50 * MIB, 150 * MIB, 500 * MIB],
            "disk_bytes_spilled": [0, 40 * MIB, 100 * MIB, 400 * MIB],
            "peak_execution_memory": [0, 100 * MIB, 100 * MIB, 1000 * MIB],
        }),
    );
    // 2 * 5e9 bytes at 100,000 bytes a millisecond; the worst task needed 2.5 times its memory.
    assert_columns(
        &lake.finding_of("disk_spill").await,
        json!({
            "lost_core_ms": 100_000, "recoverable_ms": 10_000,
            "config_key": "spark.executor.memory", "config_current": "4096m",
            "config_recommended": "10g",
            "evidence": "Spilled 4.7 GiB to disk, 0.47 times the 10.0 GiB that the stage moved; the \
                         worst task wrote 100.0 MiB.",
        }),
    );
}

#[tokio::test]
async fn spill_never_costs_more_than_half_of_the_task_time() {
    let lake = spilling(json!({"executor_run_time": 70_000}));
    assert_columns(
        &lake.finding_of("memory_spill").await,
        json!({"lost_core_ms": 35_000}),
    );
    assert_columns(
        &lake.finding_of("disk_spill").await,
        json!({"lost_core_ms": 35_000}),
    );
}

#[tokio::test]
async fn little_spill_is_no_finding() {
    // E16: 1 GiB spilled of 20 GiB is below a tenth.
    let lake = spilling(json!({"memory_bytes_spilled": GIB, "disk_bytes_spilled": 200 * MIB}));
    assert_eq!(lake.findings_of("memory_spill").await, []);
    assert_eq!(lake.findings_of("disk_spill").await, []);
    let short = spilling(json!({"executor_run_time": 59_999}));
    assert_eq!(short.findings_of("memory_spill").await, []);
}

#[tokio::test]
async fn oversized_partitions_count_the_cores_without_a_task() {
    let mut lake = TestLake::default();
    // 20 cores on average over an hour.
    lake.application(
        APP,
        json!({"core_time_ms": 72_000_000, "duration_ms": 3_600_000}),
    );
    lake.setting("spark.sql.files.maxPartitionBytes", "1g");
    lake.stage(
        1,
        json!({
            "num_tasks": 4, "duration_ms": 600_000, "sql_id": 1, "input_bytes": 4 * GIB,
            "shuffle_write_bytes": GIB,
        }),
        json!({
            "input_bytes_read": [GIB, GIB, GIB, 4 * GIB],
            "shuffle_write_bytes_written": [0, 256 * MIB, 256 * MIB, GIB],
        }),
    );
    // 16 of 20 cores had nothing to do for 600 s: 9,600 core-seconds, 480 s on 20 cores.
    assert_columns(
        &lake.finding_of("oversized_partitions").await,
        json!({
            "lost_core_ms": 9_600_000, "recoverable_ms": 480_000, "severity": "high",
            "config_key": "spark.sql.files.maxPartitionBytes", "config_current": "1g",
            "config_recommended": "128MB",
            "evidence": "The median of 4 tasks handled 1024.0 MiB and the largest 1024.0 MiB of input; \
                         the 4.0 GiB of the stage would make 32 partitions of good size.",
        }),
    );
}

#[tokio::test]
async fn partitions_below_half_a_gibibyte_are_no_finding() {
    let mut lake = TestLake::with_application();
    lake.stage(
        1,
        json!({"num_tasks": 4, "duration_ms": 600_000, "input_bytes": 2 * GIB}),
        json!({"input_bytes_read": [MIB, 512 * MIB - 1, GIB, 2 * GIB]}),
    );
    assert_eq!(lake.findings_of("oversized_partitions").await, []);
}

/// 10,000 tasks of 20 ms with as much overhead, on 10 cores.
fn tiny(overhead_ms: i64) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.setting("spark.sql.shuffle.partitions", "10000");
    lake.setting("spark.sql.adaptive.coalescePartitions.enabled", "false");
    lake.executor("1", 10, json!({})).worker(1, "1", json!({}));
    lake.stage(
        1,
        json!({
            "num_tasks": 10_000, "duration_ms": 45_000, "sql_id": 1, "shuffle_read_bytes": GIB,
        }),
        json!({
            "duration": [30, 40, 50, 400_000],
            "executor_run_time": [10, 20, 30, 200_000],
            "scheduler_delay": [1, 10, 20, overhead_ms / 2],
            "executor_deserialize_time": [1, 10, 20, overhead_ms / 2],
        }),
    );
    lake
}

#[tokio::test]
async fn tiny_tasks_count_the_overhead_of_those_that_need_not_be() {
    // 100 tasks of 2 s would do: 200 s - 1 percent. 40 would be enough waves, 8 enough bytes.
    assert_columns(
        &tiny(200_000).finding_of("tiny_tasks").await,
        json!({
            "lost_core_ms": 198_000, "recoverable_ms": 19_800, "confidence": "high",
            "config_key": "spark.sql.adaptive.coalescePartitions.enabled", "config_current": "false",
            "config_recommended": "true",
            "evidence": "10000 tasks on 10 cores, the median one running 20 ms; starting and ending \
                         them took 200.0 s, 50.0 percent of their time; 100 tasks would do.",
        }),
    );
}

#[tokio::test]
async fn short_tasks_with_little_overhead_are_no_finding() {
    assert_eq!(tiny(29_998).findings_of("tiny_tasks").await, []);
    assert_eq!(tiny(39_000).findings_of("tiny_tasks").await, []);
}

#[tokio::test]
async fn gc_pressure_counts_what_is_beyond_healthy() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({
        "duration_ms": 100_000, "total_task_time_ms": 1_000_000, "executor_memory_bytes": 2 * GIB,
    }));
    lake.stage(
        1,
        json!({"jvm_gc_time": 150_000, "executor_run_time": 600_000}),
        json!({}),
    );
    lake.stage(
        2,
        json!({"jvm_gc_time": 50_000, "executor_run_time": 400_000}),
        json!({}),
    );
    lake.stage(3, json!({"status": "SKIPPED"}), json!({}));
    // 200 s of 1000 s; 50 s are healthy. Ten tasks ran side by side.
    assert_columns(
        &lake.finding_of("gc_pressure").await,
        json!({
            "subject_type": "application", "subject_id": APP, "lost_core_ms": 150_000,
            "recoverable_ms": 15_000, "confidence": "high", "config_key": "spark.executor.memory",
            "config_current": "2048m", "config_recommended": "4g",
            "evidence": "Garbage collection took 200.0 s of 1000.0 s of task run time, 20.0 percent.",
        }),
    );
}

#[tokio::test]
async fn little_garbage_or_little_work_is_no_finding() {
    let mut little = TestLake::with_application();
    little.stage(
        1,
        json!({"jvm_gc_time": 99_999, "executor_run_time": 1_000_000}),
        json!({}),
    );
    assert_eq!(little.findings_of("gc_pressure").await, []);
    let mut short = TestLake::with_application();
    short.stage(
        1,
        json!({"jvm_gc_time": 200_000, "executor_run_time": 299_999}),
        json!({}),
    );
    assert_eq!(short.findings_of("gc_pressure").await, []);
}

fn failing(failed: i64, killed: i64) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.executor("1", 4, json!({}))
        .worker(1, "1", json!({"task_time": 1_300_000}));
    lake.stage(
        1,
        json!({
            "num_tasks": 100, "num_complete_tasks": 100, "num_failed_tasks": failed,
            "num_killed_tasks": killed, "duration_ms": 400_000,
        }),
        json!({"duration": [9_000, 10_000, 11_000, 1_000_000]}),
    );
    lake
}

#[tokio::test]
async fn failed_tasks_count_the_time_of_attempts_that_did_not_succeed() {
    let mut lake = failing(3, 0);
    lake.add("tasks", json!({
        "stage_id": 1, "status": "FAILED", "error_message": "Container killed, Exit status: 137",
    }));
    lake.setting("spark.executor.memoryOverhead", "1g");
    assert_columns(
        &lake.finding_of("failed_tasks").await,
        json!({
            "lost_core_ms": 300_000, "recoverable_ms": 75_000, "confidence": "high",
            "severity": "low", "config_key": "spark.executor.memoryOverhead", "config_current": "1g",
            "evidence": "3 task attempts failed in a stage of 100 tasks and took 300.0 s with them: \
                         Container killed, Exit status: 137",
        }),
    );
    // Four of six attempts that did not succeed were killed on purpose.
    assert_columns(
        &failing(2, 4).finding_of("failed_tasks").await,
        json!({
            "lost_core_ms": 100_000, "confidence": "medium",
        }),
    );
}

#[tokio::test]
async fn a_failed_stage_is_a_finding_whatever_it_cost() {
    let mut lake = TestLake::with_application();
    lake.stage(
        2,
        json!({
            "status": "FAILED", "num_tasks": 500, "num_failed_tasks": 1, "duration_ms": 1_000,
            "failure_reason": "Job aborted: java.lang.OutOfMemoryError: \"Java heap\"\nspace",
        }),
        json!({}),
    );
    let finding = lake.finding_of("failed_tasks").await;
    assert_columns(
        &finding,
        json!({
            "severity": "medium", "lost_core_ms": 0, "title": "The stage failed",
            "config_key": "spark.executor.memory",
        }),
    );
    // Free text stays out of the JSON, which so stays JSON.
    let numbers: Value =
        serde_json::from_str(finding["evidence_json"].as_str().expect("text")).expect("JSON");
    assert_eq!(numbers["stage_failed"], true);
}

#[tokio::test]
async fn a_handful_of_failures_is_normal() {
    assert_eq!(failing(1, 0).findings_of("failed_tasks").await, []);
    assert_eq!(failing(0, 4).findings_of("failed_tasks").await, []);
}

fn idle(total_task_time_ms: i64) -> TestLake {
    let mut lake = TestLake::default();
    // 10 executors of 4 cores for an hour.
    lake.application(
        APP,
        json!({
            "core_time_ms": 144_000_000, "total_task_time_ms": total_task_time_ms,
            "executor_cores": 4, "num_executors_max": 10,
        }),
    );
    for id in 1..=10 {
        lake.executor(
            &id.to_string(),
            4,
            json!({"total_tasks": if id > 7 { 0 } else { 5 }}),
        );
    }
    lake.executor("driver", 0, json!({}));
    lake
}

#[tokio::test]
async fn idle_executors_count_core_time_beyond_healthy() {
    let mut lake = idle(28_800_000);
    lake.setting("spark.dynamicAllocation.enabled", "true");
    // 80 percent of 40 core-hours were idle, 20 are healthy. 8 core-hours of work in an hour at 80
    // percent are 2.5 executors.
    assert_columns(
        &lake.finding_of("idle_executors").await,
        json!({
            "lost_core_ms": 86_400_000, "recoverable_ms": 0, "severity": "critical",
            "confidence": "high", "config_key": "spark.dynamicAllocation.maxExecutors",
            "config_current": "infinity", "config_recommended": "3",
            "evidence": "Executor cores were idle for 32.00 of 40.00 core-hours, 80.0 percent; 3 of 10 \
                         executors never ran a task.",
        }),
    );
}

#[tokio::test]
async fn the_busiest_stage_keeps_its_executors() {
    let mut lake = idle(28_800_000);
    lake.setting("spark.dynamicAllocation.enabled", "true");
    // 24 tasks side by side for 5 minutes: 6 executors of 4 cores.
    lake.worker(1, "1", json!({"task_time": 7_200_000}));
    lake.stage(
        1,
        json!({"num_tasks": 500, "duration_ms": 300_000}),
        json!({}),
    );
    assert_columns(
        &lake.finding_of("idle_executors").await,
        json!({
            "config_key": "spark.dynamicAllocation.maxExecutors", "config_recommended": "6",
        }),
    );
    // 40 side by side need all 10: only the time they are kept can be cut.
    lake.worker(2, "1", json!({"task_time": 12_000_000}));
    lake.stage(
        2,
        json!({"num_tasks": 500, "duration_ms": 300_000}),
        json!({}),
    );
    assert_columns(
        &lake.finding_of("idle_executors").await,
        json!({
            "config_key": "spark.dynamicAllocation.executorIdleTimeout",
            "config_current": "60s", "config_recommended": "30s",
        }),
    );
}

#[tokio::test]
async fn a_task_holds_as_many_cores_as_it_asks_for() {
    let mut lake = idle(28_800_000);
    lake.setting("spark.task.cpus", "2");
    assert_columns(
        &lake.finding_of("idle_executors").await,
        json!({
            "lost_core_ms": 57_600_000, "config_key": "spark.dynamicAllocation.enabled",
            "config_current": "false", "config_recommended": "true",
        }),
    );
}

#[tokio::test]
async fn busy_short_or_local_applications_have_no_idle_executors() {
    assert_eq!(idle(72_000_001).findings_of("idle_executors").await, []);
    let mut local = TestLake::default();
    local.application(APP, json!({"core_time_ms": 144_000_000}));
    local.executor("driver", 40, json!({}));
    assert_eq!(local.findings_of("idle_executors").await, []);
    let mut short = TestLake::default();
    short.application(APP, json!({"core_time_ms": 599_999}));
    short.executor("1", 4, json!({}));
    assert_eq!(short.findings_of("idle_executors").await, []);
}

#[tokio::test]
async fn numbers_of_an_incomplete_history_are_of_low_confidence() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({"complete": false}));
    lake.stage(
        1,
        json!({"jvm_gc_time": 500_000, "executor_run_time": 1_000_000}),
        json!({}),
    );
    assert_columns(
        &lake.finding_of("gc_pressure").await,
        json!({"confidence": "low"}),
    );
}
