//! What a server may refuse, cut off or lack, and what is loaded all the same.

use std::collections::HashSet;

use sparklake::discover::History;
use sparklake::extract::ExtractError;
use sparklake::extract::extraction::Extraction;
use sparklake::model::ServerAccess;

use super::collected::{Collected, Row, extract_one, histories, runtime, source};
use crate::doubles::history_server::{Attempt, Double, Fault, START, Served, archive};
use crate::program::{Ended, command};
use crate::stored::rows;
use crate::world::folder;

/// What the only history of a double gives.
fn load(double: Double, access: ServerAccess) -> (Served, Collected, Extraction) {
    let (served, _, outcome) = try_load(double, access);
    let (collected, extraction) = outcome.expect("a history");
    (served, collected, extraction)
}

type Outcome = Result<(Collected, Extraction), ExtractError>;

fn try_load(double: Double, access: ServerAccess) -> (Served, History, Outcome) {
    let runtime = runtime();
    let served = runtime.block_on(double.serve());
    let mut found = histories(&runtime, &source(&served.url, access));
    assert_eq!(found.len(), 1);
    let history = found.remove(0);
    let outcome = extract_one(runtime.handle(), &history);
    (served, history, outcome)
}

fn number(row: &Row, column: &str) -> i64 {
    row.get(column)
        .and_then(serde_json::Value::as_i64)
        .unwrap_or_else(|| panic!("no {column} in {row:?}"))
}

fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_else(|| panic!("no {column} in {row:?}"))
}

#[test]
fn everything_is_walked_and_nothing_is_lost() {
    let (served, rows, extraction) = load(Double::small(), ServerAccess::RestOnly);
    assert_eq!(extraction.loss, None);
    assert!(extraction.complete && !extraction.truncated);
    let counts = [
        "jobs",
        "stages",
        "tasks",
        "executors",
        "sql",
        "sql_nodes",
        "stage_executors",
    ]
    .map(|table| rows.count(table));
    assert_eq!(counts, [2, 2, 5, 2, 2, 2, 2]);
    let application = rows.only("applications");
    assert_eq!(text(&application, "spark_user"), "ann");
    assert_eq!(text(&application, "history"), "rest");
    assert_eq!(
        text(&application, "source_uri"),
        format!("{}api/v1/applications/local-1", served.url)
    );
    assert_eq!(number(&application, "num_tasks"), 5);
    assert_eq!(number(&application, "total_task_time_ms"), 50);
    assert_eq!(number(&application, "input_bytes"), 500);
    assert_eq!(number(&application, "duration_ms"), 60_000);
    assert_eq!(number(&application, "executor_cores"), 4);
    // Job 0 has stage 0 and belongs to execution 0.
    let stages = rows.rows("stages");
    assert_eq!(stages[1].get("job_ids"), Some(&serde_json::json!([1])));
    assert_eq!(number(&stages[1], "sql_id"), 1);
    // One answer for all stages with their few tasks.
    assert_eq!(served.count("/stages/"), 0);
    assert_eq!(served.count("/logs"), 0);
}

#[test]
fn pages_are_read_to_their_end() {
    let mut double = Double::small();
    double.stages = vec![12_345, 1, 0];
    double.executions = 150;
    let (served, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(extraction.loss, None);
    let ids: HashSet<i64> = rows
        .rows("tasks")
        .iter()
        .map(|task| number(task, "task_id"))
        .collect();
    assert_eq!(ids.len(), 12_346);
    assert_eq!(rows.count("tasks"), 12_346);
    assert_eq!(rows.count("sql"), 150);
    assert_eq!(rows.count("stages"), 3);
    assert_eq!(served.count("taskList"), 3);
    // Nothing ran in the third.
    assert_eq!(served.count("stages/2"), 0);
    let quantiles = rows.rows("task_quantiles");
    let input = quantiles
        .iter()
        .find(|row| text(row, "metric") == "input_bytes_read" && number(row, "stage_id") == 0);
    assert_eq!(number(input.expect("quantiles"), "total"), 1_234_500);
}

#[test]
fn attempt_ids_stand_in_paths_only_where_they_are_listed() {
    let mut double = Double::small();
    double.attempts = vec![
        Attempt {
            id: Some("2"),
            start: START + 100_000,
            end: Some(START + 200_000),
            last_updated: START + 200_000,
        },
        // Crashed: it never said its end, but the next one began.
        Attempt {
            id: Some("1"),
            start: START,
            end: None,
            last_updated: START + 300_000,
        },
    ];
    let runtime = runtime();
    let served = runtime.block_on(double.serve());
    let found = histories(&runtime, &source(&served.url, ServerAccess::RestOnly));
    let uris: Vec<&str> = found.iter().map(History::uri).collect();
    let expected = ["1", "2"].map(|id| format!("{}api/v1/applications/local-1/{id}", served.url));
    assert_eq!(uris, expected);
    for (history, (attempt_id, complete)) in found.iter().zip([("1", false), ("2", true)]) {
        let (rows, extraction) = extract_one(runtime.handle(), history).expect("rows");
        let application = rows.only("applications");
        assert_eq!(text(&application, "attempt_id"), attempt_id);
        assert_eq!(extraction.complete, complete);
        assert_eq!(application.contains_key("end_time"), complete);
    }
    assert_eq!(served.count("local-1/jobs"), 0);
    assert_eq!(served.count("local-1/1/jobs"), 1);
    assert_eq!(served.count("local-1/2/jobs"), 1);
}

#[test]
fn without_a_raw_log_rest_is_walked() {
    let empty_archive = archive(&[]);
    let other_archive = archive(&[("other", LOG_OF_ANOTHER)]);
    let no_log = [
        Double::small(),
        Double::small().with_fault("logs", Fault::Status(503)),
        Double::small().with_fault("logs", Fault::Status(403)),
        Double::small().with_fault("logs", Fault::Html),
        Double::small().with_fault("logs", Fault::CutOff),
        Double {
            logs: Some(empty_archive),
            ..Double::small()
        },
        Double {
            logs: Some(other_archive),
            ..Double::small()
        },
    ];
    for double in no_log {
        let shown = format!("{:?} {:?}", double.faults, double.logs.is_some());
        let (_, rows, extraction) = load(double.clone(), ServerAccess::LogThenRest);
        assert_eq!(rows.count("tasks"), 5, "{shown}");
        assert_eq!(extraction.loss, None, "{shown}");
        let (served, _, outcome) = try_load(double, ServerAccess::LogOnly);
        let error = outcome.expect_err("no log").to_string();
        assert!(
            error.contains("api/v1/applications/local-1/logs"),
            "{error}"
        );
        assert!(!error.contains("/tmp/"), "{error}");
        assert_eq!(served.count("/jobs"), 0, "{shown}");
    }
}

const LOG_OF_ANOTHER: &str = r#"{"Event":"SparkListenerApplicationStart","App Name":"x","App ID":"local-7","Timestamp":1795168800000,"User":"u"}
"#;

fn log_of(attempt: &str, user: &str) -> String {
    format!(
        r#"{{"Event":"SparkListenerLogStart","Spark Version":"3.5.3"}}
{{"Event":"SparkListenerApplicationStart","App Name":"a name","App ID":"local-1","Timestamp":{START},"User":"{user}"{attempt}}}
{{"Event":"SparkListenerApplicationEnd","Timestamp":1795168860000}}
"#
    )
}

#[test]
fn the_log_of_the_right_attempt_is_taken_out_of_an_archive_of_several() {
    let attempts = [1, 2].map(|id| {
        log_of(
            &format!(r#","App Attempt ID":"{id}""#),
            &format!("user{id}"),
        )
    });
    let logs = archive(&[("local-1_1", &attempts[0]), ("local-1_2", &attempts[1])]);
    let double = Double {
        logs: Some(logs),
        attempts: vec![Attempt {
            id: Some("2"),
            start: START,
            end: Some(START + 1),
            last_updated: START,
        }],
        ..Double::small()
    };
    let (served, rows, extraction) = load(double, ServerAccess::LogThenRest);
    let application = rows.only("applications");
    assert_eq!(text(&application, "spark_user"), "user2");
    assert_eq!(text(&application, "history"), "event_log_zip");
    assert_eq!(
        text(&application, "source_uri"),
        format!("{}api/v1/applications/local-1/2", served.url)
    );
    assert!(extraction.complete);
    // The list twice (completed, running), and the archive.
    assert_eq!(served.requests().len(), 3);
}

#[test]
fn a_damaged_log_is_told_of_by_the_servers_name() {
    let text = format!("{}no event\n", log_of("", "ann"));
    let double = Double {
        logs: Some(archive(&[("local-1", &text)])),
        ..Double::small()
    };
    let (_, rows, extraction) = load(double, ServerAccess::LogOnly);
    assert_eq!(extraction.bad_lines, 1);
    assert!(!extraction.complete);
    assert_eq!(rows.count("applications"), 1);
}

#[test]
fn one_execution_without_a_plan_costs_no_other() {
    let double = Double {
        executions: 100,
        without_plan: HashSet::from([0, 37, 99]),
        ..Double::small()
    };
    let (_, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(rows.count("sql"), 97);
    let loss = extraction.loss.expect("a loss");
    assert!(loss.starts_with("sql (3 times): "), "{loss}");
    assert!(extraction.truncated && !extraction.retryable);
    assert_eq!(extraction.bad_lines, 3);
}

#[test]
fn spark_2_has_no_sql_and_that_is_no_loss() {
    let double = Double {
        is_spark_2: true,
        ..Double::small()
    };
    let (served, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(extraction.loss, None);
    assert_eq!(rows.count("sql"), 0);
    assert_eq!(rows.count("tasks"), 5);
    assert_eq!(rows.count("stage_executors"), 2);
    assert_eq!(served.count("/sql"), 2);
}

#[test]
fn a_call_that_fails_costs_its_own_rows_and_is_named() {
    let faults = [
        ("environment", Fault::CutOff, "environment", true),
        ("jobs", Fault::Status(500), "jobs", true),
        ("stages", Fault::CutOff, "stages", true),
        ("allexecutors", Fault::Status(403), "executors", true),
        ("storage/rdd", Fault::Html, "rdd_storage", true),
    ];
    for (path, fault, call, retryable) in faults {
        let double = Double::small().with_fault(path, fault);
        let (_, rows, extraction) = load(double, ServerAccess::RestOnly);
        let loss = extraction.loss.expect("a loss");
        assert!(
            loss.starts_with(&format!("{call}: ")) && loss.contains(path),
            "{loss}"
        );
        assert!(extraction.truncated && !extraction.complete);
        assert_eq!(extraction.retryable, retryable, "{loss}");
        assert_eq!(rows.count("applications"), 1);
        assert_eq!(rows.count("sql"), 2, "{path}");
    }
}

#[test]
fn stages_whose_details_fail_keep_their_rows() {
    let double = Double::small().with_fault("stages/1/0", Fault::Status(500));
    let double = Double {
        stages: vec![4_000, 2_000],
        ..double
    };
    let (_, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(rows.count("stages"), 2);
    assert_eq!(rows.count("tasks"), 4_000);
    let loss = extraction.loss.expect("a loss");
    assert!(
        loss.starts_with("stage: ") && loss.contains("stages/1/0"),
        "{loss}"
    );
}

#[test]
fn a_server_that_gives_nothing_is_an_error() {
    let mut double = Double::small();
    for path in ["jobs", "stages", "allexecutors"] {
        double = double.with_fault(path, Fault::Status(500));
    }
    let (_, _, outcome) = try_load(double, ServerAccess::LogThenRest);
    let error = outcome.expect_err("nothing");
    assert_eq!(error.kind(), "http_status");
    assert!(error.is_retryable());
    let (_, _, outcome) = try_load(
        Double::small().with_fault("", Fault::Status(401)),
        ServerAccess::RestOnly,
    );
    let error = outcome.expect_err("no application");
    assert!(error.to_string().contains("401"), "{error}");
    // A permission may be given without the history changing.
    assert!(error.is_retryable());
}

#[test]
fn a_list_of_100_000_stages_is_one_answer() {
    let mut double = Double::small();
    double.stages = vec![0; 100_000];
    double.stages[99_999] = 3;
    let (served, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(rows.count("stages"), 100_000);
    assert_eq!(rows.count("tasks"), 3);
    assert_eq!(extraction.loss, None);
    // Two lists of applications, seven calls, one page of executions, one stage.
    assert_eq!(served.requests().len(), 11);
}

#[test]
fn what_the_server_has_dropped_is_told() {
    let double = Double {
        jobs: 3,
        stages: vec![10, 1],
        dropped: 1,
        ..Double::small()
    };
    let (_, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(rows.count("tasks"), 9);
    assert_eq!(rows.count("jobs"), 2);
    let loss = extraction.loss.expect("a loss");
    let expected = "jobs: the server keeps 2 of 3 (spark.ui.retainedJobs); \
                    stage 0.0: the server keeps 9 of its tasks (spark.ui.retainedTasks); \
                    stage 1.0: the server keeps 0 of its tasks (spark.ui.retainedTasks)";
    assert_eq!(loss, expected);
    assert!(extraction.truncated && !extraction.retryable && !extraction.complete);
}

#[test]
fn pages_of_tasks_that_fail_are_counted() {
    let mut double = Double::small();
    double.stages = vec![6_000];
    let double = double.with_fault("stages/0/0/taskList", Fault::Status(404));
    let (_, rows, extraction) = load(double, ServerAccess::RestOnly);
    assert_eq!(rows.count("tasks"), 0);
    let loss = extraction.loss.expect("a loss");
    assert!(loss.starts_with("task_list (2 times): "), "{loss}");
}

/// A run over a double, in REST mode.
fn run(url: &url::Url, lake: &std::path::Path) -> Ended {
    let job = lake.with_file_name("job.toml");
    let text =
        format!("[[source]]\nkind = \"history_server\"\nuris = [\"{url}\"]\naccess = \"rest\"\n");
    std::fs::write(&job, text).expect("a job file");
    let mut command = command(["-q", "run"]);
    command.arg(&job).arg("--lake").arg(lake);
    command.output().expect("the program starts").into()
}

#[test]
fn a_run_over_a_server_that_fails_at_some_calls_is_partial_every_night() {
    for path in ["stages", "sql"] {
        let lake = folder(&format!("server_fails_at_{path}")).join("lake");
        let runtime = runtime();
        let double = Double::small().with_fault(path, Fault::Status(500));
        let served = runtime.block_on(double.serve());
        for night in 0..2 {
            let ended = run(&served.url, &lake);
            ended.assert_code(3);
            assert_eq!(
                (ended.count("partial"), ended.count("unchanged")),
                (1, 0),
                "{night}"
            );
            let problem = &ended.summary()["problems"][0];
            assert_eq!(problem["error_kind"], "failed_requests", "{}", ended.out);
            assert_eq!(problem["retryable"], true);
        }
        assert_eq!(rows(&lake, "applications").len(), 1);
    }
}
