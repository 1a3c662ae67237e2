//! ineffjobraw: each flag at its border, and every fault of the original's flags that the tables
//! could still have. The names E1 to E23 are those of the list of faults in the design papers.

use serde_json::{Map, Value, json};

use super::lake::{APP, TestLake, assert_columns};

const MIB: i64 = 1 << 20;

async fn flags(lake: &TestLake) -> Map<String, Value> {
    lake.analyse(&["ineffjobraw"]).await.row("ineffjobraw")
}

#[tokio::test]
async fn skew_needs_a_ratio_above_two_and_enough_long_tasks() {
    let cases = [
        // (successful tasks, [min, median, max] duration, skewbinary)
        (4, [4_000, 5_000, 10_000], 0),
        (4, [4_000, 5_000, 10_001], 1),
        (4, [3_000, 6_000, 7_000], 0),
        (4, [2_999, 6_000, 7_000], 1),
        // E14: few tasks, or none that is long enough to matter.
        (3, [95, 599, 600_000], 0),
        (1_000, [95, 599, 4_999], 0),
        // E12: a stage of milliseconds.
        (200, [1, 1, 3], 0),
    ];
    let mut lake = TestLake::with_application();
    for (stage, (num_tasks, [min, median, max], _)) in (0..).zip(cases) {
        lake.stage(
            stage,
            json!({"num_tasks": num_tasks, "duration_ms": 60_000}),
            json!({"duration": [min, median, max, median * num_tasks]}),
        );
    }
    let rows = lake.analyse(&["ineffjobraw"]).await.rows("ineffjobraw");
    assert_eq!(rows.len(), cases.len());
    for (row, (num_tasks, [min, median, max], skewed)) in rows.iter().zip(cases) {
        assert_columns(
            row,
            json!({
                "skewbinary": skewed, "goldcheckfilter": skewed, "num_successful_tasks": num_tasks,
                "min_task_duration": min, "median_task_duration": median,
                "max_task_duration": max, "skew_ratio": f64::from(max) / f64::from(median),
            }),
        );
    }
}

fn with_chunks(input: [i64; 4], shuffle_write: [i64; 4]) -> TestLake {
    let mut lake = TestLake::with_application();
    let quantiles =
        json!({"input_bytes_read": input, "shuffle_write_bytes_written": shuffle_write});
    lake.stage(1, json!({"num_tasks": 10}), quantiles);
    lake
}

#[tokio::test]
async fn e1_the_largest_chunk_counts_and_not_the_smallest() {
    let lake = with_chunks([1, 2, 512 * MIB + 1, 600 * MIB], [1, 3, 4, 30]);
    assert_columns(
        &flags(&lake).await,
        json!({
            "chunkbinary": 1, "median_chunk_bytes": 3, "max_chunk_bytes": 512 * MIB + 1,
        }),
    );
}

#[tokio::test]
async fn e17_a_chunk_of_512_mib_is_not_too_large() {
    // Above the original's 512,000,000 bytes, but exactly 512 MiB.
    let lake = with_chunks([512 * MIB; 4], [0, 0, 0, 0]);
    assert_columns(
        &flags(&lake).await,
        json!({"chunkbinary": 0, "goldcheckfilter": 0}),
    );
}

#[tokio::test]
async fn e16_any_spill_counts_and_memory_and_disk_are_told_apart() {
    let mut lake = TestLake::with_application();
    lake.stage(1, json!({"memory_bytes_spilled": 1}), json!({}));
    assert_columns(
        &flags(&lake).await,
        json!({
            "spillbinary": 1, "diskspillbinary": 0, "goldcheckfilter": 1, "memory_bytes_spilled": 1,
        }),
    );
}

#[tokio::test]
async fn e21_disk_spill_shows_its_own_numbers() {
    let mut lake = TestLake::with_application();
    lake.stage(
        1,
        json!({"num_tasks": 2, "disk_bytes_spilled": 5, "memory_bytes_spilled": 50}),
        json!({
            "memory_bytes_spilled": [10, 20, 30, 50], "disk_bytes_spilled": [1, 2, 3, 5],
        }),
    );
    assert_columns(
        &flags(&lake).await,
        json!({
            "goldcheckfilter": 2,
            "median_memory_bytes_spilled": 20, "max_memory_bytes_spilled": 30,
            "median_disk_bytes_spilled": 2, "max_disk_bytes_spilled": 3,
        }),
    );
}

#[tokio::test]
async fn e3_task_completion_is_a_percentage_and_failed_stages_are_judged() {
    let cases = [
        ("COMPLETE", json!(100.0), 0),
        ("COMPLETE", json!(90.0), 0),
        ("FAILED", json!(89.99), 1),
        ("FAILED", json!(0.5), 1),
        // Not ended: that tasks are missing says nothing.
        ("ACTIVE", json!(10.0), 0),
        ("COMPLETE", Value::Null, 0),
    ];
    let mut lake = TestLake::with_application();
    for (stage, (status, rate, _)) in (0..).zip(&cases) {
        let columns = json!({"status": status, "task_completion_rate": rate});
        lake.stage(stage, columns, json!({}));
    }
    let rows = lake.analyse(&["ineffjobraw"]).await.rows("ineffjobraw");
    assert_eq!(rows.len(), cases.len());
    for (row, (_, rate, flag)) in rows.iter().zip(&cases) {
        assert_columns(
            row,
            json!({"trbinary": flag, "goldcheckfilter": flag, "task_completion_rate": rate}),
        );
    }
}

/// Tasks of a stage as `(bytes read, run time in ms)`.
fn with_rates(tasks: &[(i64, i64)]) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.stage(1, json!({"num_tasks": tasks.len()}), json!({}));
    for (index, (bytes, run_ms)) in tasks.iter().enumerate() {
        lake.add(
            "tasks",
            json!({
                "stage_id": 1, "task_id": index, "status": "SUCCESS", "executor_run_time": run_ms,
                "input_bytes_read": bytes, "output_bytes_written": 0,
                "shuffle_read_local_bytes_read": 0, "shuffle_read_remote_bytes_read": 0,
                "shuffle_write_bytes_written": 0,
            }),
        );
    }
    lake
}

#[tokio::test]
async fn e4_slow_processing_is_a_ratio_and_counts() {
    // Rates of 10, 10, 10 and 4 MB a second: the slow task takes 10 of 22 seconds.
    let slow = with_rates(&[
        (40_000_000, 4_000),
        (40_000_000, 4_000),
        (40_000_000, 4_000),
        (40_000_000, 10_000),
    ]);
    assert_columns(
        &flags(&slow).await,
        json!({
            "prbinary": 1, "goldcheckfilter": 1, "min_processing_rate": 4_000.0,
            "median_processing_rate": 10_000.0, "max_processing_rate": 10_000.0,
            "slow_task_share": 10.0 / 22.0,
        }),
    );
    // All at 10 MB a second: the original would have flagged them.
    let even = with_rates(&[(40_000_000, 4_000); 4]);
    assert_columns(
        &flags(&even).await,
        json!({"prbinary": 0, "slow_task_share": 0.0}),
    );
}

#[tokio::test]
async fn e5_rates_are_of_one_task_each() {
    // Twice the data in twice the time: the same rate, whatever min and max of both would give.
    let lake = with_rates(&[
        (10_000_000, 1_000),
        (20_000_000, 2_000),
        (40_000_000, 4_000),
        (80_000_000, 8_000),
    ]);
    assert_columns(
        &flags(&lake).await,
        json!({
            "prbinary": 0, "min_processing_rate": 10_000.0, "max_processing_rate": 10_000.0,
        }),
    );
}

#[tokio::test]
async fn tasks_with_little_data_have_no_rate() {
    let lake = with_rates(&[
        (MIB - 1, 9_000),
        (40_000_000, 999),
        (40_000_000, 4_000),
        (40_000_000, 4_000),
        (40_000_000, 4_000),
        (40_000_000, 4_000),
    ]);
    assert_columns(
        &flags(&lake).await,
        json!({
            "prbinary": 0, "slow_task_share": 0.0, "min_processing_rate": 10_000.0,
        }),
    );
}

#[tokio::test]
async fn e7_stages_of_other_applications_and_attempts_do_not_mix() {
    let mut lake = TestLake::with_application();
    lake.application("app-2", json!({}));
    let slow = json!({"duration": [5_000, 5_000, 50_000, 100_000]});
    let even = json!({"duration": [5_000, 5_000, 5_000, 20_000]});
    lake.stage_of(APP, 1, json!({"num_tasks": 4}), slow);
    lake.stage_of(
        APP,
        1,
        json!({"num_tasks": 4, "stage_attempt_id": 1}),
        even.clone(),
    );
    lake.stage_of("app-2", 1, json!({"num_tasks": 4}), even);
    let rows = lake.analyse(&["ineffjobraw"]).await.rows("ineffjobraw");
    let found: Vec<(&str, i64, i64)> = rows
        .iter()
        .map(|row| {
            (
                row["application_id"].as_str().unwrap_or_default(),
                row["stage_attempt_id"].as_i64().unwrap_or(-1),
                row["skewbinary"].as_i64().unwrap_or(-1),
            )
        })
        .collect();
    assert_eq!(found, [(APP, 0, 1), (APP, 1, 0), ("app-2", 0, 0)]);
}

#[tokio::test]
async fn e11_a_stage_without_distribution_is_there() {
    let mut lake = TestLake::with_application();
    lake.stage(
        1,
        json!({"status": "FAILED", "num_tasks": 9, "task_completion_rate": 0.0}),
        json!({}),
    );
    lake.stage(2, json!({"status": "SKIPPED"}), json!({}));
    lake.stage(3, json!({"status": "PENDING"}), json!({}));
    assert_columns(
        &flags(&lake).await,
        json!({
            "stage_id": 1, "skewbinary": 0, "chunkbinary": 0, "trbinary": 1, "skew_ratio": Value::Null,
            "max_chunk_bytes": Value::Null, "duration": Value::Null, "num_successful_tasks": 0,
        }),
    );
}

#[tokio::test]
async fn e22_a_stage_names_its_query() {
    let mut lake = TestLake::with_application();
    lake.stage(1, json!({"sql_id": 7}), json!({}));
    assert_columns(&flags(&lake).await, json!({"sql_id": 7}));
}

#[tokio::test]
async fn e17_thresholds_can_be_changed() {
    let mut catalog = crate::analyze::Catalog::built_in().expect("valid");
    let overrides =
        toml::from_str("[parameters.ineffjobraw]\nmin_spilled_bytes = 100").expect("valid");
    catalog.apply(&overrides).expect("known");
    let mut lake = TestLake::with_application();
    lake.stage(1, json!({"memory_bytes_spilled": 99}), json!({}));
    let chosen = catalog.select(&["ineffjobraw"]).expect("known");
    assert_columns(
        &lake.analyse_with(&chosen).await.row("ineffjobraw"),
        json!({"spillbinary": 0}),
    );
}
