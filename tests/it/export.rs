//! Exports for catalogs, contracts, BI and Genie, as the program writes them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path as UrlPath, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::context::TestContext;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn names_and_folders_that_do_not_work_are_explained() {
    let context = TestContext::new();
    for (arguments, sentence) in [
        (
            &["export", "ddl", "--schema", "a.b"][..],
            "`a.b` is no name of a schema; use letters, digits, `_` and `-`",
        ),
        (
            &["export", "glue"][..],
            "glue has several files; name a folder for them: sparklake export glue --out ./glue",
        ),
        (
            &[
                "export",
                "genie",
                "--evaluate",
                "--space-id",
                "s",
                "--host",
                "http://example.com",
            ][..],
            "--host is no https:// address; a token is sent to no other",
        ),
        (
            &[
                "export",
                "genie",
                "--evaluate",
                "--space-id",
                "s",
                "--host",
                "https://example.com",
            ][..],
            "the variable DATABRICKS_TOKEN holds no token",
        ),
    ] {
        let ended = context.run(arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(sentence), "{}", ended.err);
    }
}

#[test]
fn every_query_of_the_dashboard_and_of_the_metric_views_runs_over_a_lake() {
    let context = TestContext::with_loaded_lake();
    let dashboard = context.run(&["export", "dashboard", "--catalog", "c", "--schema", "s"]);
    assert_eq!(dashboard.code, 0, "{dashboard:?}");
    let dashboard = json_of(&dashboard.out);
    let datasets = dashboard["datasets"].as_array().expect("datasets");
    assert!(datasets.len() >= 15, "{}", datasets.len());
    for dataset in datasets {
        let lines = dataset["queryLines"].as_array().expect("lines");
        let sql: String = lines.iter().filter_map(Value::as_str).collect();
        assert!(sql.contains("c.s."), "{sql}");
        let ended = context.run(&["sql", &sql.replace("c.s.", ""), "--format", "csv"]);
        assert_eq!(ended.code, 0, "{sql}: {}", ended.err);
        let columns: Vec<&str> = ended
            .out
            .lines()
            .next()
            .unwrap_or_default()
            .split(',')
            .collect();
        let pages = dashboard["pages"].as_array().expect("pages");
        let widgets = pages
            .iter()
            .flat_map(|page| page["layout"].as_array().expect("layout"));
        let queries = widgets.filter_map(|placed| placed.pointer("/widget/queries/0/query"));
        for query in queries.filter(|query| query["datasetName"] == dataset["name"]) {
            for field in query["fields"].as_array().expect("fields") {
                let field = field["name"].as_str().expect("name");
                assert!(columns.contains(&field), "{}: {field}", dataset["name"]);
            }
        }
    }
    let folder = context.path().join("metrics");
    let written = context.run(&["export", "metric-views", "--out", "metrics"]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(folder.join("application_metrics.yaml").exists());
    assert!(folder.join("metric_views.sql").exists());
}

#[test]
fn exports_are_the_same_each_time_and_name_the_lake_as_it_is_given() {
    let context = TestContext::new();
    for form in ["ddl", "odcs", "genie", "dashboard"] {
        let arguments = ["-q", "export", form, "--lake", "s3://bucket/lake"];
        let (first, second) = (context.run(&arguments), context.run(&arguments));
        assert_eq!((first.code, first.err.as_str()), (0, ""), "{form}");
        assert_eq!(first.out, second.out, "{form}");
        let names_lake = first.out.contains("s3://bucket/lake");
        assert_eq!(names_lake, ["ddl", "odcs"].contains(&form), "{form}");
    }
}

/// The Genie interface: answers are right for one more question in the second run.
#[derive(Debug, Default)]
struct Genie {
    started: AtomicUsize,
    asked: AtomicUsize,
}

type Answer = (StatusCode, Json<Value>);

fn start(genie: &Genie, headers: &HeaderMap) -> Answer {
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if given != Some("Bearer secret-token") {
        return (
            StatusCode::FORBIDDEN,
            Json(json!({"message": "no permission"})),
        );
    }
    let run = genie.started.fetch_add(1, Ordering::SeqCst) + 1;
    let started = json!({"eval_run_id": format!("run-{run}"), "eval_run_status": "RUNNING"});
    (StatusCode::OK, Json(started))
}

fn state(genie: &Genie, run: &str) -> Answer {
    let asked = genie.asked.fetch_add(1, Ordering::SeqCst);
    let status = if asked == 0 { "RUNNING" } else { "DONE" };
    let correct = if run == "run-1" { 2 } else { 3 };
    let state = json!({
        "eval_run_id": run, "eval_run_status": status, "num_questions": 4, "num_correct": correct,
        "num_needs_review": 1, "num_done": 4,
    });
    (StatusCode::OK, Json(state))
}

fn results(run: &str, page: Option<&str>) -> Answer {
    let entry = |id: &str, assessment: &str| json!({"benchmark_question_id": id, "question": format!("{id}?"), "assessment": assessment});
    let changed = if run == "run-1" { "BAD" } else { "GOOD" };
    let results = match page {
        None => {
            json!({"eval_results": [entry("a", "GOOD"), entry("b", "GOOD")], "next_page_token": "p 2"})
        }
        Some("p 2") => json!({"eval_results": [entry("c", changed), entry("d", "NEEDS_REVIEW")]}),
        Some(other) => panic!("page {other}"),
    };
    (StatusCode::OK, Json(results))
}

/// The double of the interface.
fn interface(genie: &Arc<Genie>) -> Router {
    let base = "/api/2.0/genie/spaces/{space}/eval-runs";
    let (for_start, for_state) = (Arc::clone(genie), Arc::clone(genie));
    Router::new()
        .route(
            base,
            post(move |headers: HeaderMap| {
                let answer = start(&for_start, &headers);
                async move { answer }
            }),
        )
        .route(
            &format!("{base}/{{run}}"),
            get(move |UrlPath((_, run)): UrlPath<(String, String)>| {
                let answer = state(&for_state, &run);
                async move { answer }
            }),
        )
        .route(
            &format!("{base}/{{run}}/results"),
            get(
                |UrlPath((_, run)): UrlPath<(String, String)>,
                 Query(query): Query<HashMap<String, String>>| {
                    let answer = results(&run, query.get("page_token").map(String::as_str));
                    async move { answer }
                },
            ),
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn genie_benchmarks_are_run_and_their_accuracy_and_repeatability_reported() {
    let genie = Arc::new(Genie::default());
    let router = interface(&genie);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let host = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let run = |token: &'static str| {
        let host = host.clone();
        tokio::task::spawn_blocking(move || {
            let mut context = TestContext::new();
            context.set("MY_TOKEN", token);
            context.run(&[
                "export",
                "genie",
                "--evaluate",
                "--space-id",
                "s1",
                "--host",
                &host,
                "--token-env",
                "MY_TOKEN",
                "--poll",
                "1",
            ])
        })
    };
    let ended = run("secret-token").await.expect("ran");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let evaluation = json_of(&ended.out);
    assert_eq!(evaluation["accuracy_ratio"], json!(5.0 / 8.0));
    assert_eq!(evaluation["repeatability_ratio"], json!(0.75));
    assert_eq!(
        evaluation["unsure"],
        json!([
            {"question": "c?", "judgements": ["BAD", "GOOD"]},
            {"question": "d?", "judgements": ["NEEDS_REVIEW", "NEEDS_REVIEW"]},
        ])
    );
    assert_eq!(genie.started.load(Ordering::SeqCst), 2);

    let refused = run("wrong-token").await.expect("ran");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("answered 403 (no permission)"),
        "{}",
        refused.err
    );
    assert!(!refused.err.contains("wrong-token"), "{}", refused.err);
}

/// Runs a script of `tests/interop` with the Python that `./dev test --all` prepares.
fn script(name: &str, arguments: &[&Path]) {
    let python = std::env::var("SPARKLAKE_PYTHON").expect("SPARKLAKE_PYTHON names a Python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name);
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "needs Python packages: ./dev test --all"]
fn exports_are_valid_for_the_programs_they_are_for() {
    let lake = TestContext::loaded_lake();
    script(
        "check_exports.py",
        &[&lake, Path::new(env!("CARGO_BIN_EXE_sparklake"))],
    );
}

#[test]
#[ignore = "needs Python packages: ./dev test --all"]
fn questions_are_answered_alike_in_spark() {
    let lake = TestContext::loaded_lake();
    script(
        "questions_in_spark.py",
        &[&lake, Path::new(env!("CARGO_BIN_EXE_sparklake"))],
    );
}
