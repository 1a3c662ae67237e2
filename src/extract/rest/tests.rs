//! What the double and the real server of the integration tests do not show.

use super::json::{Number, Task, Time};
use super::map::{ShownTask, without_permutation};
use crate::extract::eventlog::event::TaskMetrics;

fn task(json: &str) -> ShownTask {
    let task: Task = serde_json::from_str(json).expect("a task");
    ShownTask::new(task, 3, 1)
}

#[test]
fn numbers_come_in_many_forms() {
    let numbers: Vec<Number> =
        serde_json::from_str(r#"[7, 7.0, "7", "NaN", null, 18446744073709551615]"#)
            .expect("numbers");
    let numbers: Vec<i64> = numbers.into_iter().map(|Number(value)| value).collect();
    assert_eq!(numbers, [7, 7, 7, 0, 0, i64::MAX]);
    assert!(serde_json::from_str::<Number>(r#""seven""#).is_err());
}

#[test]
fn the_time_before_1970_is_none() {
    let times: Vec<Time> = serde_json::from_str(
        r#"["2020-07-07T03:11:21.040GMT", "1969-12-31T23:59:59.999GMT", "soon", null, -1]"#,
    )
    .expect("times");
    let times: Vec<Option<i64>> = times.into_iter().map(|Time(time)| time).collect();
    assert_eq!(times, [Some(1_594_091_481_040), None, None, None, None]);
}

#[test]
fn ends_are_told_by_their_messages() {
    let reason = |status: &str, message: &str| {
        let json = serde_json::json!({"status": status, "errorMessage": message, "duration": 1});
        let task = task(&json.to_string());
        let kill_reason = task.kill_reason().map(str::to_owned);
        (task.end.reason.reason.to_string(), kill_reason)
    };
    assert_eq!(
        reason("KILLED", "another attempt succeeded"),
        (
            "TaskKilled".to_owned(),
            Some("another attempt succeeded".to_owned())
        )
    );
    for (message, expected) in [
        (
            "FetchFailed(null, shuffleId=0, mapIndex=1, mapId=1, reduceId=2, message=)",
            "FetchFailed",
        ),
        (
            "ExecutorLostFailure (executor 1 exited)",
            "ExecutorLostFailure",
        ),
        (
            "TaskCommitDenied (Driver denied task commit) for job: 1",
            "TaskCommitDenied",
        ),
        (
            "TaskResultLost (result lost from block manager)",
            "TaskResultLost",
        ),
        (
            "java.lang.RuntimeException: FetchFailed(",
            "ExceptionFailure",
        ),
    ] {
        assert_eq!(reason("FAILED", message), (expected.to_owned(), None));
    }
}

#[test]
fn a_running_task_has_no_end_and_no_metrics() {
    let task = task(
        r#"{"taskId": 5, "status": "RUNNING", "launchTime": "2020-07-07T03:11:21.040GMT",
            "duration": 99, "taskMetrics": {"executorRunTime": 1}}"#,
    );
    assert!(!task.has_ended() && !task.has_metrics);
    assert_eq!(task.end.info.status(), "RUNNING");
    assert_eq!(task.end.info.partition_id, -1);
    assert_eq!((task.end.stage_id, task.end.stage_attempt_id), (3, 1));
}

#[test]
fn permuted_metrics_go_back_to_their_places() {
    // As a server of 4.0 shows a failed task that wrote 11 bytes and read 12 local ones.
    let json = r#"{"status": "FAILED", "duration": 1, "taskMetrics": {"executorRunTime": 3,
        "shuffleReadMetrics": {"remoteReqsDuration": 12,
            "shufflePushReadMetrics": {"mergedFetchFallbackCount": 11}}}}"#;
    let repaired = without_permutation(&task(json).end.metrics);
    let mut expected = TaskMetrics {
        executor_run_time: 3,
        ..TaskMetrics::default()
    };
    expected.output.bytes_written = 11;
    expected.shuffle_read.local_bytes_read = 12;
    assert_eq!(repaired, expected);
}
