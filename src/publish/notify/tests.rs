//! What is told, held against what its readers take.

use chrono::{TimeZone, Utc};

use super::findings::{self, Finding, NightFindings};
use super::lineage::LineageRun;
use super::prometheus::metrics;
use super::{Outcome, OutcomeProblem, deliver};

fn outcome(exit_code: u8) -> Outcome {
    let at = |seconds| Utc.timestamp_opt(seconds, 0).single().expect("a time");
    Outcome {
        run_id: "01990000-0000-7000-8000-000000000001".to_owned(),
        lake: "/lakes/\"one\"\\two".to_owned(),
        status: if exit_code == 0 { "done" } else { "failed" }.to_owned(),
        exit_code,
        error: (exit_code == 1).then(|| "no space left".to_owned()),
        started_at: at(1_000),
        ended_at: at(1_090),
        changed: true,
        steps: vec![("extract", 1_234)],
        histories: vec![("loaded", 2), ("partial", 1)],
        problems: vec![OutcomeProblem {
            uri: "/logs/one".to_owned(),
            status: "quarantined".to_owned(),
            error: "no event log".to_owned(),
        }],
        problem_count: 1,
        ..Outcome::default()
    }
}

fn finding(severity: &str) -> Finding {
    let row = serde_json::json!({
        "platform": "event_log", "cluster_id": "c", "application_id": "app-1", "attempt_id": "1",
        "application_name": "etl", "severity": severity, "confidence": "high",
        "rule_id": "task_skew", "subject_type": "stage", "subject_id": "1.0",
        "title": "Task skew", "evidence": "x".repeat(600),
    });
    serde_json::from_value(row).expect("a finding")
}

#[test]
fn metrics_have_help_and_type_once_and_escape_their_labels() {
    let text = metrics(&outcome(0), &[("high".to_owned(), 3)], None);
    let lake = r#"lake="/lakes/\"one\"\\two""#;
    for line in [
        format!("sparklake_run_exit_code{{{lake}}} 0"),
        format!("sparklake_run_duration_seconds{{{lake}}} 90.000"),
        format!("sparklake_run_step_duration_seconds{{{lake},step=\"extract\"}} 1.234"),
        format!("sparklake_run_histories{{{lake},outcome=\"loaded\"}} 2"),
        format!("sparklake_run_findings{{{lake},severity=\"high\"}} 3"),
        format!("sparklake_last_success_timestamp_seconds{{{lake}}} 1090"),
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let mut types: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .collect();
    let all = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), all, "{text}");
    assert!(text.ends_with('\n'));
}

#[test]
fn a_run_that_fails_keeps_the_time_of_the_last_success() {
    let good = metrics(&outcome(0), &[], None);
    let mut later = outcome(1);
    later.ended_at = Utc.timestamp_opt(5_000, 0).single().expect("a time");
    let bad = metrics(&later, &[], Some(&good));
    let success = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("sparklake_last_success"))
            .and_then(|line| line.rsplit(' ').next().map(str::to_owned))
    };
    assert_eq!(success(&bad).as_deref(), Some("1090"));
    assert!(
        bad.contains("exit_code{lake=\"/lakes/\\\"one\\\"\\\\two\"} 1"),
        "{bad}"
    );
    assert_eq!(success(&metrics(&later, &[], None)), None);
    // A file that something else wrote is no reason to invent a time.
    assert_eq!(
        success(&metrics(&later, &[], Some("sparklake_last_success x"))),
        None
    );
}

#[test]
fn a_message_says_what_it_left_out_and_is_bounded() {
    let found = NightFindings {
        by_severity: vec![("high".to_owned(), 7), ("low".to_owned(), 2)],
        listed: (0..7).map(|_| finding("high")).collect(),
    };
    let message = findings::message(&outcome(0), &found);
    let text = message["text"].as_str().expect("a text");
    assert!(
        text.contains("3 applications loaded, 9 findings, 1 problems"),
        "{text}"
    );
    assert!(text.ends_with("and 2 more"), "{text}");
    assert_eq!(message["findings_by_severity"]["high"], 7);
    assert_eq!(message["problems"][0]["uri"], "/logs/one");
    assert_eq!(message["histories"]["loaded"], 2);
    assert_eq!(message["findings"].as_array().map(Vec::len), Some(7));
}

#[test]
fn lineage_has_what_the_specification_requires() {
    let run = LineageRun {
        run_id: outcome(0).run_id,
        namespace: "sparklake".to_owned(),
        lake: "s3a://company-lake/spark".to_owned(),
        sources: vec![
            "s3a://logs/events".to_owned(),
            "http://history:18080/".to_owned(),
        ],
        parent: Some("airflow/etl/nightly.run/01990000-0000-7000-8000-000000000002".to_owned()),
    };
    let start = run.start(outcome(0).started_at);
    assert_eq!(start["eventType"], "START");
    assert_eq!(start["eventTime"], "1970-01-01T00:16:40.000Z");
    assert_eq!(start["outputs"].as_array().map(Vec::len), Some(0));
    assert_eq!(start["inputs"][0]["namespace"], "s3://logs");
    assert_eq!(start["inputs"][0]["name"], "events");
    assert_eq!(start["inputs"][1]["namespace"], "http://history:18080");
    assert_eq!(
        start["run"]["facets"]["parent"]["job"]["namespace"],
        "airflow/etl"
    );

    let end = run.end(&outcome(0));
    assert_eq!(end["eventType"], "COMPLETE");
    assert_eq!(end["run"]["runId"], start["run"]["runId"]);
    assert_eq!(end["job"], start["job"]);
    let outputs = end["outputs"].as_array().expect("tables");
    let findings = outputs
        .iter()
        .find(|dataset| dataset["name"] == "spark/findings")
        .expect("the findings");
    assert_eq!(findings["namespace"], "s3://company-lake");
    let fields = &findings["facets"]["schema"]["fields"];
    let fields = fields.as_array().expect("columns");
    let id = fields.iter().find(|field| field["name"] == "finding_id");
    assert_eq!(id.expect("a column")["type"], "string");

    let failed = run.end(&outcome(1));
    assert_eq!(failed["eventType"], "FAIL");
    assert_eq!(
        failed["run"]["facets"]["errorMessage"]["message"],
        "no space left"
    );
    assert_eq!(run.end(&outcome(143))["eventType"], "ABORT");
}

#[test]
fn a_file_is_replaced_at_once_and_leaves_nothing_beside_it() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("sparklake.prom");
    deliver::replace(&file, "one\n").expect("written");
    deliver::replace(&file, "two\n").expect("written");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "two\n");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A collector is another user: the file is as readable as any other that is made here.
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "x").expect("written");
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
    }
    let nowhere = folder.path().join("not/there.prom");
    let told = deliver::replace(&nowhere, "x")
        .expect_err("no folder")
        .to_string();
    assert!(told.contains("not/there.prom cannot be written"), "{told}");
}

#[tokio::test]
async fn an_address_that_fails_is_told_without_its_path() {
    let timeout = std::time::Duration::from_secs(5);
    for address in [
        "http://127.0.0.1:1/services/T0/SECRET?sig=SECRET",
        "SECRET",
        "ftp://SECRET",
    ] {
        let told = deliver::post("the webhook", address, None, "{}", timeout)
            .await
            .expect_err("nobody listens")
            .to_string();
        assert!(!told.contains("SECRET"), "{told}");
        assert!(
            told.starts_with("the ") && told.contains("webhook"),
            "{told}"
        );
    }
}
