//! application_sizing: what executors had, needed and should have.

use serde_json::{Map, Value, json};

use super::lake::{APP, TestLake, assert_columns};

const GIB: i64 = 1 << 30;

/// Ten executors of 4 cores for an hour, with 16 GiB of heap and a tenth of overhead, half busy.
fn application(columns: Value) -> Value {
    let mut application = json!({
        "observed_duration_ms": 3_600_000, "observed_end_time": "2026-01-02T04:00:00Z",
        "core_time_ms": 144_000_000, "total_task_time_ms": 72_000_000,
        "num_executors_max": 10, "cores_max": 40, "executor_cores": 4,
        "executor_memory_bytes": 16 * GIB, "memory_overhead_bytes": 1_717_986_918_i64,
        "container_memory_bytes": 16 * GIB + 1_717_986_918,
    });
    let columns = columns.as_object().cloned().expect("object");
    application.as_object_mut().expect("object").extend(columns);
    application
}

async fn sized(columns: Value, peak_heap: Value, stage: Value) -> Option<Map<String, Value>> {
    let mut lake = TestLake::default();
    lake.application(APP, application(columns));
    let executor = json!({"executor_id": "1", "total_cores": 4, "total_tasks": 9,
                          "peak_jvm_heap_memory": peak_heap});
    lake.row("executors", APP, executor);
    lake.row(
        "environment",
        APP,
        json!({"section": "spark", "key": "spark.master", "value": "yarn"}),
    );
    lake.stage(1, stage, json!({}));
    let rows = lake.analyse(&["application_sizing"]).await;
    rows.rows("application_sizing").into_iter().next()
}

#[tokio::test]
async fn memory_shrinks_to_the_measured_peak_in_steps() {
    // 8 GiB with 30 percent of headroom are 10.4; the work needs 20 / 0.8 cores, 6.25 executors.
    let row = sized(json!({}), json!(8 * GIB), json!({})).await;
    assert_columns(
        &row.expect("sized"),
        json!({
            "executors": 10, "needed_executors": 7, "needed_memory_bytes": 11 * GIB,
            "needed_container_bytes": null, "recommended_executors": 7, "recommended_cores": 4,
            "recommended_memory_bytes": 11 * GIB, "idle_ratio": 0.5, "is_pressed": false,
            "is_memory_bound": false, "recommended_fit": null, "reason": "less memory is enough",
        }),
    );
    // Never below half of what there was in one step.
    let row = sized(json!({}), json!(GIB), json!({})).await;
    assert_columns(
        &row.expect("sized"),
        json!({"needed_memory_bytes": 2 * GIB, "recommended_memory_bytes": 8 * GIB}),
    );
}

#[tokio::test]
async fn what_was_not_measured_is_not_known() {
    let row = sized(json!({}), json!(0), json!({})).await;
    assert_columns(
        &row.expect("sized"),
        json!({
            "needed_memory_bytes": null, "peak_heap_bytes": null,
            "recommended_memory_bytes": 16 * GIB, "reason": "memory was not measured",
        }),
    );
}

#[tokio::test]
async fn tasks_that_need_memory_run_fewer_at_once_before_they_get_more() {
    let spill = json!({"memory_bytes_spilled": 2 * GIB});
    let row = sized(json!({}), json!(12 * GIB), spill.clone()).await;
    assert_columns(
        &row.expect("sized"),
        json!({"recommended_cores": 2, "recommended_memory_bytes": 16 * GIB, "is_pressed": true,
               "reason": "tasks need memory: fewer at once"}),
    );
    let small = json!({"executor_memory_bytes": 4 * GIB});
    let row = sized(small, json!(3 * GIB), spill).await;
    assert_columns(
        &row.expect("sized"),
        json!({"recommended_cores": 4, "recommended_memory_bytes": 6 * GIB,
               "reason": "tasks need memory: more of it"}),
    );
}

#[tokio::test]
async fn a_heap_that_was_never_half_full_is_kept_whatever_spilled() {
    let spill = json!({"memory_bytes_spilled": 2 * GIB});
    let row = sized(json!({}), json!(GIB), spill).await;
    assert_columns(
        &row.expect("sized"),
        json!({"recommended_cores": 4, "recommended_memory_bytes": 16 * GIB, "is_pressed": false,
               "reason": "fewer executors are enough"}),
    );
    // A third of 60 s is garbage of the JVM's start: no sign of pressure at all.
    let start = json!({"jvm_gc_time": 20_000, "executor_run_time": 60_000});
    let row = sized(json!({}), json!(15 * GIB), start).await;
    assert_columns(&row.expect("sized"), json!({"is_pressed": false}));
}

/// The same with executors of 4 GiB that were lost: how, with what exit code, and the heap's peak.
async fn sized_with_loss(reason: &str, exit_code: Value, peak_heap: i64) -> Map<String, Value> {
    let mut lake = TestLake::default();
    lake.application(APP, application(json!({
        "executor_memory_bytes": 4 * GIB, "memory_overhead_bytes": 409 << 20, "container_memory_bytes": (4 * GIB) + (409 << 20),
    })));
    lake.row("executors", APP, json!({
        "executor_id": "1", "total_cores": 4, "peak_jvm_heap_memory": peak_heap, "executor_memory_bytes": 4 * GIB,
        "loss_kind": "oom", "remove_reason": reason, "exit_code": exit_code,
    }));
    let rows = lake.analyse(&["application_sizing"]).await;
    rows.rows("application_sizing")[0].clone()
}

#[tokio::test]
async fn a_container_kill_raises_the_overhead_and_not_the_heap() {
    let reason = "Container killed by YARN for exceeding memory limits. 4.6 GB of 4.5 GB physical memory used.";
    assert_columns(
        &sized_with_loss(reason, Value::Null, GIB / 16).await,
        json!({
            "recommended_cores": 4, "recommended_memory_bytes": 4 * GIB, "recommended_overhead_bytes": 818 << 20,
            "is_pressed": true, "reason": "containers were killed: more memory beside the heap",
        }),
    );
}

#[tokio::test]
async fn signal_9_tells_of_the_heap_only_where_it_was_full() {
    let reason = "Command exited with code 137";
    assert_columns(
        &sized_with_loss(reason, json!(137), GIB / 16).await,
        json!({"recommended_memory_bytes": 4 * GIB, "recommended_overhead_bytes": 409 << 20, "is_pressed": false}),
    );
    assert_columns(
        &sized_with_loss(reason, json!(137), 4 * GIB - 1).await,
        json!({"recommended_memory_bytes": 6 * GIB, "is_pressed": true, "reason": "tasks need memory: more of it"}),
    );
    assert_columns(
        &sized_with_loss("exited with exit code 52(JVM OOM)", json!(52), GIB).await,
        json!({"recommended_memory_bytes": 6 * GIB, "is_pressed": true}),
    );
}

#[tokio::test]
async fn a_task_of_several_cores_leaves_none_of_them_idle() {
    let columns = json!({"total_task_time_ms": 36_000_000, "cores_busy_time_ms": 72_000_000});
    let row = sized(columns, json!(8 * GIB), json!({})).await;
    assert_columns(&row.expect("sized"), json!({"idle_ratio": 0.5}));
}

#[tokio::test]
async fn emr_serverless_gets_a_worker_that_it_offers() {
    // 4 cores take at least 8 GB, of which a tenth above the heap is overhead: 7 GiB of heap.
    let columns = json!({"executor_memory_bytes": 12 * GIB, "memory_overhead_bytes": 402_653_184,
                         "platform": "emr_serverless"});
    let mut lake = TestLake::default();
    lake.application(APP, application(columns));
    let executor = json!({"executor_id": "1", "total_cores": 4, "peak_jvm_heap_memory": GIB,
                          "platform": "emr_serverless"});
    lake.row("executors", APP, executor);
    let rows = lake.analyse(&["application_sizing"]).await;
    assert_columns(
        &rows.rows("application_sizing")[0],
        json!({"recommended_cores": 4, "recommended_memory_bytes": 7 * GIB}),
    );
}

#[tokio::test]
async fn local_mode_has_no_executors_to_size() {
    let mut lake = TestLake::default();
    lake.application(APP, application(json!({"num_executors_max": 0})));
    lake.row("executors", APP, json!({"executor_id": "driver"}));
    let rows = lake.analyse(&["application_sizing"]).await;
    assert_columns(
        &rows.rows("application_sizing")[0],
        json!({"recommended_executors": null, "recommended_memory_bytes": null,
               "reason": "no executors"}),
    );
}
