//! Predictions of recurring jobs against what their runs took, worked out by hand.

use serde_json::{Map, Value, json};

use super::lake::{TestLake, assert_columns, built_in};

/// A run of the job and what its simulation says: cores with run time in seconds.
fn run(lake: &mut TestLake, day: u32, cores: i64, input: i64, driver_s: i64, sizes: &[(i64, i64)]) {
    let (id, date) = (format!("run-{day}"), format!("2026-01-{day:02}"));
    let measured = sizes.iter().find(|(size, _)| *size == cores);
    let measured = measured.map_or(0, |(_, seconds)| seconds * 1_000);
    lake.application(
        &id,
        json!({
            "job_key": "nightly", "is_interactive": false, "app_date": date,
            "start_time": format!("{date}T03:00:00Z"), "input_bytes": input,
        }),
    );
    for (size, seconds) in sizes {
        let ms = seconds * 1_000;
        lake.row(
            "simulations",
            &id,
            json!({
                "job_key": "nightly", "app_date": date, "executors": size, "cores_per_executor": 1,
                "duration_ms": ms, "low_ms": ms * 9 / 10, "high_ms": ms * 11 / 10,
                "is_current": *size == cores, "measured_ms": measured, "driver_ms": driver_s * 1_000,
            }),
        );
    }
}

async fn backtests(lake: &mut TestLake) -> Vec<Map<String, Value>> {
    let table = built_in()
        .tables()
        .find(|table| table.id == "simulation_backtests");
    let catalog = built_in().alone(table.expect("there"));
    let mut rows = lake
        .analyse_with(&catalog)
        .await
        .rows("simulation_backtests");
    rows.sort_by_key(|row| row["run_number"].as_i64());
    rows
}

#[tokio::test]
async fn a_run_is_predicted_from_the_run_before_at_its_cores_and_input() {
    let mut lake = TestLake::default();
    // 20 s of the driver and 160 s of work.
    let sizes = [(2, 100), (4, 60), (8, 40)];
    run(&mut lake, 1, 4, 1_000, 20, &sizes);
    run(&mut lake, 2, 8, 1_000, 20, &[(4, 64), (8, 44)]);
    run(&mut lake, 3, 8, 2_000, 20, &[(8, 60)]);
    let rows = backtests(&mut lake).await;
    assert_eq!(rows.len(), 2);
    assert_columns(
        &rows[0],
        json!({
            "application_id": "run-2", "run_number": 2, "from_application_id": "run-1",
            "predicted_ms": 40_000, "measured_ms": 44_000, "cores_ratio": 2.0, "input_ratio": 1.0,
            "error_ratio": 40.0 / 44.0 - 1.0, "is_covered": true,
            "last_run_error_ratio": 60.0 / 44.0 - 1.0, "by_input_error_ratio": 60.0 / 44.0 - 1.0,
            "perfect_scaling_error_ratio": 30.0 / 44.0 - 1.0,
        }),
    );
    // The time with jobs, 44 - 20 s, doubles.
    assert_columns(
        &rows[1],
        json!({
            "application_id": "run-3", "predicted_ms": 68_000, "measured_ms": 60_000,
            "cores_ratio": 1.0, "input_ratio": 2.0, "error_ratio": 68.0 / 60.0 - 1.0,
            "is_covered": false, "by_input_error_ratio": 88.0 / 60.0 - 1.0,
        }),
    );
}

#[tokio::test]
async fn between_two_sizes_run_time_is_a_power_of_the_cores_and_beyond_them_the_nearest() {
    let mut lake = TestLake::default();
    run(&mut lake, 1, 2, 1_000, 0, &[(2, 160), (8, 40)]);
    run(&mut lake, 2, 4, 1_000, 0, &[(4, 80), (8, 70)]);
    run(&mut lake, 3, 16, 1_000, 0, &[(16, 70)]);
    run(&mut lake, 4, 1, 1_000, 0, &[(1, 70)]);
    let rows = backtests(&mut lake).await;
    let predicted: Vec<i64> = rows
        .iter()
        .filter_map(|row| row["predicted_ms"].as_i64())
        .collect();
    assert_eq!(predicted, [80_000, 70_000, 70_000]);
}

#[tokio::test]
async fn runs_that_failed_or_have_no_simulation_are_passed_over() {
    let mut lake = TestLake::default();
    run(&mut lake, 1, 4, 1_000, 0, &[(4, 60)]);
    run(&mut lake, 3, 4, 1_000, 0, &[(4, 60)]);
    lake.application(
        "run-2",
        json!({"start_time": "2026-01-02T03:00:00Z", "complete": false}),
    );
    let rows = backtests(&mut lake).await;
    assert_eq!(rows.len(), 1);
    assert_columns(
        &rows[0],
        json!({"application_id": "run-3", "from_application_id": "run-1", "error_ratio": 0.0}),
    );
}
