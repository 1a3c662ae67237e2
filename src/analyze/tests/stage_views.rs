//! The views about stages that pages and tools share: which stages a finding is about, and what a stage is called.

use serde_json::json;

use super::lake::{APP, TestLake, built_in, json_rows};

/// The rows of a view over the lake, each as texts of the columns that are asked for.
async fn view(lake: &TestLake, name: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let view = built_in().views().find(|view| view.id == name);
    let statement = &view.expect("the view").query.statement;
    let context = lake.context();
    let answer = context
        .sql(statement)
        .await
        .expect("a plan")
        .collect()
        .await;
    let batches = answer.expect("rows");
    let rows = batches.iter().flat_map(json_rows).map(|row| {
        let cell = |column: &&str| {
            row.get(*column)
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        columns.iter().map(cell).collect()
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn a_finding_is_about_the_stage_it_names_and_about_all_it_stands_for() {
    let mut lake = TestLake::with_application();
    for stage in [1, 7, 17] {
        lake.stage(stage, json!({}), json!({}));
    }
    let finding = |id: &str, subject: &str, evidence: &str| {
        json!({
            "finding_id": id, "rule_id": "tiny_tasks", "severity": "high", "subject_type": "stage",
            "subject_id": subject, "evidence_json": evidence,
        })
    };
    lake.row(
        "findings",
        APP,
        finding("f-1", "17.0", r#"{"num_tasks":9,"others":["7.0"]}"#),
    );
    // 1.0 is a stage of its own, not the end of 11.0.
    lake.row(
        "findings",
        APP,
        finding("f-2", "7.0", r#"{"note":"1.0","others":["11.0"]}"#),
    );
    let found = view(
        &lake,
        "stage_findings",
        &["finding_id", "stage_id", "is_named"],
    )
    .await;
    let expected = [
        [r#""f-1""#, "17", "true"],
        [r#""f-1""#, "7", "false"],
        [r#""f-2""#, "7", "true"],
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_stage_that_is_named_after_a_thread_takes_the_name_of_its_query() {
    let mut lake = TestLake::with_application();
    let thread = "$anonfun$withThreadLocalCaptured$2 at CompletableFuture.java:1768";
    lake.stage(1, json!({"stage_name": thread, "sql_id": 3}), json!({}));
    lake.stage(2, json!({"stage_name": thread}), json!({}));
    lake.stage(
        4,
        json!({"stage_name": "save at etl.py:9", "sql_id": 3}),
        json!({}),
    );
    lake.row(
        "sql",
        APP,
        json!({"sql_id": 3, "description": "count at etl.py:5"}),
    );
    let named = view(&lake, "stage_names", &["stage_id", "stage_name"]).await;
    let expected = [
        ["1".to_owned(), r#""count at etl.py:5""#.to_owned()],
        ["2".to_owned(), format!("{thread:?}")],
        ["4".to_owned(), r#""save at etl.py:9""#.to_owned()],
    ];
    assert_eq!(named, expected);
}
