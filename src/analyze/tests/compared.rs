//! The queries that compare two runs, against rows whose answers are worked out by hand.

use datafusion::common::ScalarValue;
use serde_json::{Map, Value, json};

use super::lake::{TestLake, built_in, json_rows};
use crate::ask::plan_read_only;

const A: &str = "app-a";
const B: &str = "app-b";

/// The answer of `sql/compare/<id>.sql` about [`A`] and [`B`].
async fn compared(lake: &TestLake, id: &str) -> Vec<Map<String, Value>> {
    let query = &built_in().shown("compare", id).expect("there").query;
    let values: Vec<(String, ScalarValue)> = query
        .parameters
        .iter()
        .map(|parameter| {
            let value = match parameter.name.as_str() {
                "application_a" => A,
                "application_b" => B,
                name if name.starts_with("platform") => "event_log",
                name if name.starts_with("cluster") => "c-1",
                _ => "0",
            };
            (parameter.name.clone(), ScalarValue::from(value))
        })
        .collect();
    let context = lake.context();
    if let Some(settings) = built_in().reference_rows("ref_spark_settings") {
        context
            .register_batch("ref_spark_settings", settings)
            .expect("new name");
    }
    let rows = plan_read_only(&context, &query.statement)
        .await
        .expect("valid");
    let rows = rows.with_param_values(values).expect("all parameters");
    let batches = rows.collect().await.expect("runs");
    batches.iter().flat_map(json_rows).collect()
}

fn two_runs() -> TestLake {
    let mut lake = TestLake::default();
    for app in [A, B] {
        lake.application(app, json!({}));
    }
    for table in [
        "stages",
        "sql",
        "sql_nodes",
        "environment",
        "session_settings",
        "findings",
    ] {
        lake.ensure(table);
    }
    lake
}

/// A stage of a query with these operators.
fn stage(lake: &mut TestLake, app: &str, id: i64, name: &str, query: &str, operators: &[&str]) {
    lake.stage_of(
        app,
        id,
        json!({"stage_name": name, "sql_id": id, "duration_ms": 1000 * (id + 1), "num_tasks": 4}),
        json!({}),
    );
    lake.row("sql", app, json!({"sql_id": id, "description": query}));
    for (node, operator) in operators.iter().enumerate() {
        lake.row(
            "sql_nodes",
            app,
            json!({"sql_id": id, "node_id": node, "node_name": operator, "stage_ids": [id],
                   "operator_kind": "join"}),
        );
    }
}

/// Partner of each stage: A's, B's, and by what they were matched.
fn partners(rows: &[Map<String, Value>]) -> Vec<(Option<i64>, Option<i64>, Option<String>)> {
    let mut partners: Vec<_> = rows
        .iter()
        .map(|row| {
            let id = |name: &str| row[name].as_i64();
            let by = row["matched_by"].as_str().map(str::to_owned);
            (id("stage_id_a"), id("stage_id_b"), by)
        })
        .collect();
    partners.sort();
    partners
}

#[tokio::test]
async fn stages_are_matched_by_plan_then_call_site_then_operators() {
    let mut lake = two_runs();
    // The same, but for the date in the query and the line of the code.
    stage(
        &mut lake,
        A,
        0,
        "collect at job.py:10",
        "day 2026-01-01",
        &["Scan parquet t", "Sort"],
    );
    stage(
        &mut lake,
        B,
        5,
        "collect at job.py:12",
        "day 2026-01-02",
        &["Scan parquet t", "Sort"],
    );
    // Another join.
    stage(
        &mut lake,
        A,
        1,
        "count at job.py:20",
        "orders",
        &["SortMergeJoin"],
    );
    stage(
        &mut lake,
        B,
        6,
        "count at job.py:20",
        "orders",
        &["BroadcastHashJoin"],
    );
    // The code moved.
    stage(
        &mut lake,
        A,
        2,
        "save at job.py:30",
        "write",
        &["Window", "Exchange (3)"],
    );
    stage(
        &mut lake,
        B,
        7,
        "save at steps.py:3",
        "save",
        &["Exchange (1)", "Window"],
    );
    // Only in one of them; without operators nothing is alike.
    stage(&mut lake, A, 3, "treeReduce at ml.py:1", "", &[]);
    stage(&mut lake, B, 8, "foreach at udf.py:1", "", &[]);
    assert_eq!(
        partners(&compared(&lake, "stages").await),
        [
            (None, Some(8), None),
            (Some(0), Some(5), Some("plan".to_owned())),
            (Some(1), Some(6), Some("call_site".to_owned())),
            (Some(2), Some(7), Some("operators".to_owned())),
            (Some(3), None, None),
        ]
    );
}

#[tokio::test]
async fn stages_that_are_alike_are_matched_in_order_and_attempts_are_one_stage() {
    let mut lake = two_runs();
    for id in 0..3 {
        stage(
            &mut lake,
            A,
            id,
            "iterate at ml.py:7",
            "step",
            &["Exchange"],
        );
    }
    for id in 0..2 {
        stage(
            &mut lake,
            B,
            id,
            "iterate at ml.py:7",
            "step",
            &["Exchange"],
        );
    }
    lake.stage_of(
        B,
        1,
        json!({"stage_attempt_id": 1, "stage_name": "iterate at ml.py:7", "sql_id": 1,
               "duration_ms": 500, "num_tasks": 2, "num_failed_tasks": 2}),
        json!({}),
    );
    lake.stage_of(
        B,
        9,
        json!({"stage_name": "never ran", "status": "SKIPPED"}),
        json!({}),
    );
    let rows = compared(&lake, "stages").await;
    let by = || Some("plan".to_owned());
    assert_eq!(
        partners(&rows),
        [
            (Some(0), Some(0), by()),
            (Some(1), Some(1), by()),
            (Some(2), None, None)
        ]
    );
    // The largest change first: A's third iteration of 3 s, which B does not have.
    assert_eq!(rows[0]["stage_id_a"], 2);
    let second = rows
        .iter()
        .find(|row| row["stage_id_b"] == 1)
        .expect("there");
    assert_eq!(
        (
            &second["duration_ms_a"],
            &second["duration_ms_b"],
            &second["num_failed_tasks_b"]
        ),
        (&json!(2000), &json!(2500), &json!(2))
    );
}

#[tokio::test]
async fn settings_differ_where_a_value_is_in_force_that_the_other_run_does_not_have() {
    let mut lake = two_runs();
    let set = |lake: &mut TestLake, app, key: &str, value: &str| {
        lake.row(
            "environment",
            app,
            json!({"section": "spark", "key": key, "value": value}),
        );
    };
    for (key, a, b) in [
        ("spark.executor.memory", Some("4g"), Some("8g")),
        // Spark's own default, and another value.
        ("spark.sql.adaptive.enabled", Some("true"), None),
        ("spark.sql.autoBroadcastJoinThreshold", None, Some("-1")),
        ("spark.sql.shuffle.partitions", Some("400"), Some("400")),
        // What differs in every run.
        ("spark.app.id", Some(A), Some(B)),
        ("spark.driver.port", Some("4040"), Some("4041")),
        ("spark.app.startTime", Some("1"), Some("2")),
        ("spark.yarn.stagingDir", Some("/user/a"), Some("/user/b")),
        (
            "spark.kubernetes.label",
            Some("run-app-a"),
            Some("run-app-b"),
        ),
    ] {
        for (app, value) in [(A, a), (B, b)] {
            if let Some(value) = value {
                set(&mut lake, app, key, value);
            }
        }
    }
    // A session of B sets what the application has otherwise.
    lake.row(
        "session_settings",
        B,
        json!({"subject_type": "sql", "subject_id": 1, "sql_id": 1,
               "key": "spark.sql.shuffle.partitions", "value": "20", "application_value": "400"}),
    );
    let rows = compared(&lake, "settings").await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            (
                text("key").expect("a key"),
                text("value_a"),
                text("value_b"),
                text("default_a"),
                text("origin_b"),
            )
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (
                "spark.executor.memory".to_owned(),
                some("4g"),
                some("8g"),
                None,
                some("application")
            ),
            (
                "spark.sql.autoBroadcastJoinThreshold".to_owned(),
                None,
                some("-1"),
                some("10MB"),
                some("application")
            ),
            (
                "spark.sql.shuffle.partitions".to_owned(),
                some("400"),
                some("20"),
                None,
                some("session")
            ),
        ]
    );
}

#[tokio::test]
async fn findings_are_new_or_gone_by_rule() {
    let mut lake = two_runs();
    for (app, rule, subject, severity) in [
        (A, "memory_spill", "1.0", "low"),
        (B, "disk_spill", "3.0", "medium"),
        (B, "disk_spill", "4.0", "high"),
        (A, "task_skew", "0.0", "high"),
        (B, "task_skew", "0.0", "high"),
    ] {
        lake.row(
            "findings",
            app,
            json!({"rule_id": rule, "subject_id": subject, "severity": severity, "evidence": subject,
                   "finding_id": subject}),
        );
    }
    let rows = compared(&lake, "findings").await;
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {}→{} {}",
                row["change"].as_str().expect("text"),
                row["rule_id"].as_str().expect("text"),
                row["num_a"],
                row["num_b"],
                row["evidence_b"].as_str().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "new disk_spill 0→2 4.0",
            "gone memory_spill 1→0 -",
            "same task_skew 1→1 0.0"
        ]
    );
}
