//! Whether the application survived a failed job, from the jobs themselves to the severity of the finding.

use serde_json::json;

use super::lake::TestLake;

#[tokio::test]
async fn nobody_survives_a_job_whose_like_fails_again_later() {
    let mut lake = TestLake::with_application();
    lake.ensure("tasks").ensure("stages").ensure("sql");
    // The write is tried again, and the shuffle of that try succeeds before its result fails as before.
    for (job_id, job_name, status, reason, second) in [
        (1, "parquet at etl.py:9", "FAILED", "bad row", 10),
        (2, "count at etl.py:5", "FAILED", "bad luck", 12),
        (3, "parquet at etl.py:9", "SUCCEEDED", "", 20),
        (4, "parquet at etl.py:9", "FAILED", "bad row", 30),
    ] {
        lake.add(
            "jobs",
            json!({
                "job_id": job_id, "job_name": job_name, "status": status,
                "failure_reason": format!("java.lang.RuntimeException: {reason}"),
                "submission_time": format!("2026-01-02T02:00:{second}Z"),
                "completion_time": format!("2026-01-02T02:00:{}Z", second + 5),
            }),
        );
    }
    let findings = lake.findings_of("failed_jobs").await;
    let told = findings.iter().map(|finding| {
        let text = |column: &str| finding[column].as_str().unwrap_or_default().to_owned();
        (text("subject_id"), text("severity"))
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    let expected = [("1", "medium"), ("2", "low")];
    assert_eq!(
        told,
        expected.map(|(job, severity)| (job.to_owned(), severity.to_owned()))
    );
}

#[tokio::test]
async fn tasks_that_were_running_when_their_stage_failed_are_lost_with_its_job() {
    let mut lake = TestLake::with_application();
    lake.ensure("sql");
    lake.stage(
        7,
        json!({
            "status": "FAILED", "num_tasks": 3, "executor_run_time": 20_000,
            "submission_time": "2026-01-02T03:10:00Z", "completion_time": "2026-01-02T03:11:00Z",
        }),
        json!({}),
    );
    lake.executor("1", 2, json!({"add_time": "2026-01-02T03:00:00Z"}));
    let gone = "2026-01-02T03:10:40Z";
    lake.executor(
        "2",
        1,
        json!({"add_time": "2026-01-02T03:00:00Z", "remove_time": gone}),
    );
    lake.worker(7, "1", json!({"succeeded_tasks": 0, "task_time": 20_000}));
    // Until the stage failed 45 s, and until its executor went 30 s.
    for (task_id, executor, launched) in [(2, "1", "15"), (3, "2", "10")] {
        lake.add(
            "tasks",
            json!({
                "stage_id": 7, "task_id": task_id, "executor_id": executor, "status": "RUNNING",
                "launch_time": format!("2026-01-02T03:10:{launched}Z"),
            }),
        );
    }
    lake.add(
        "jobs",
        json!({
            "job_id": 3, "job_name": "count at etl.py:5", "status": "FAILED", "stage_ids": [7],
            "failure_reason": "java.lang.RuntimeException: bad row",
            "submission_time": "2026-01-02T03:10:00Z", "completion_time": "2026-01-02T03:11:00Z",
        }),
    );
    let finding = lake.finding_of("failed_jobs").await;
    assert_eq!(finding["lost_core_ms"], json!(95_000));
}
