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
