//! Times without a job, in whole: from jobs and executors to what `driver_gaps` finds.

use serde_json::{Value, json};

use super::lake::{APP, TestLake};

/// An application of ten minutes that was cut off: these jobs of a second each, and 8 cores that did tasks.
fn cut_off(jobs: &[(i64, i64)]) -> TestLake {
    let mut lake = TestLake::default();
    lake.application(
        APP,
        json!({
            "duration_ms": 600_000, "observed_duration_ms": 600_000, "core_time_ms": 8_000_000,
            "total_task_time_ms": 1_000_000, "complete": false, "completed": false,
            "is_interactive": false, "is_local": false, "num_jobs": jobs.len(),
        }),
    );
    for table in [
        "environment",
        "sql",
        "sql_nodes",
        "sql_scans",
        "stages",
        "streaming_progress",
        "tasks",
    ] {
        lake.ensure(table);
    }
    for (job_id, second) in jobs {
        let time = |second: i64| format!("2026-01-02T03:{:02}:{:02}Z", second / 60, second % 60);
        lake.add(
            "jobs",
            json!({
                "job_id": job_id, "status": "SUCCEEDED", "stage_ids": [],
                "submission_time": time(*second), "completion_time": time(second + 1),
            }),
        );
    }
    for (id, host) in [("1", "a:1"), ("2", "b:1")] {
        lake.executor(id, 4, held(host));
    }
    lake
}

fn held(host: &str) -> Value {
    json!({
        "host_port": host, "add_time": "2026-01-02T03:00:00Z", "loss_kind": "app_end",
        "completed_tasks": 9,
    })
}

#[tokio::test]
async fn gaps_are_judged_as_long_as_fewer_than_a_tenth_of_the_jobs_are_missing() {
    // Jobs 0 to 9 and 11: one of twelve is missing. 580 s and 9 s on 8 cores.
    let mut jobs: Vec<(i64, i64)> = (0..10).map(|job| (job, job)).collect();
    jobs.push((11, 590));
    let finding = cut_off(&jobs).finding_of("driver_gaps").await;
    assert_eq!(finding["recoverable_ms"], json!(589_000));
    assert_eq!(finding["lost_core_ms"], json!(4_712_000));
    // One of ten: it could have run in what looks like a gap.
    let jobs = &jobs[..9];
    let mut missing = jobs.to_vec();
    missing.push((9, 590));
    missing.remove(4);
    assert!(
        cut_off(&missing)
            .findings_of("driver_gaps")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_lost_host_held_is_no_gap() {
    // Three executors of host c held 6 cores for 540 s and ended no task: lost_executors tells them.
    let mut lake = cut_off(&[(0, 0), (1, 590)]);
    for (id, host) in [("3", "c:1"), ("4", "c:2"), ("5", "c:3")] {
        lake.executor(
            id,
            2,
            json!({
                "host_port": host, "add_time": "2026-01-02T03:00:00Z",
                "remove_time": "2026-01-02T03:09:00Z", "lifetime_ms": 540_000, "loss_kind": "lost",
                "remove_reason": "gone", "completed_tasks": 0, "total_duration": 0,
            }),
        );
    }
    let gaps = lake.finding_of("driver_gaps").await;
    // 589 s and 9 s on the 8 cores of the other hosts.
    assert_eq!(gaps["lost_core_ms"], json!(4_784_000));
    let losses = lake.finding_of("lost_executors").await;
    assert_eq!(losses["lost_core_ms"], json!(3_240_000));
}
