//! ineffjobagg: shares and losses of whole applications.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::lake::{APP, TestLake, assert_columns};

#[tokio::test]
async fn e19_every_application_is_there_with_its_share() {
    let mut lake = TestLake::default();
    for (app, flagged_ms) in [("a-none", 0), ("b-25", 25_000), ("c-26", 26_000)] {
        lake.application(app, json!({}));
        lake.stage_of(
            app,
            1,
            json!({"duration_ms": 100_000 - flagged_ms}),
            json!({}),
        );
        lake.stage_of(
            app,
            2,
            json!({"duration_ms": flagged_ms, "memory_bytes_spilled": 1}),
            json!({}),
        );
    }
    lake.application("d-empty", json!({}));
    let rows = lake.analyse(&["ineffjobagg"]).await.rows("ineffjobagg");
    let expected = [
        json!({"application_id": "a-none", "ineffstageagg": 0.0, "is_inefficient": false,
               "num_stages": 2, "num_flagged_stages": 1}),
        json!({"application_id": "b-25", "ineffstageagg": 25.0, "is_inefficient": false}),
        json!({"application_id": "c-26", "ineffstageagg": 26.0, "is_inefficient": false}),
        json!({"application_id": "d-empty", "ineffstageagg": Value::Null, "is_inefficient": false,
               "num_stages": 0, "num_flagged_stages": 0, "lost_core_ms": Value::Null,
               "top_rule": Value::Null, "est_waste_usd": Value::Null}),
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        assert_columns(row, expected);
    }
}

#[tokio::test]
async fn e8_clusters_and_attempts_are_kept_apart() {
    let mut lake = TestLake::default();
    for (cluster, attempt) in [("c-1", "1"), ("c-1", "2"), ("c-2", "1")] {
        let key = json!({"cluster_id": cluster, "attempt_id": attempt});
        lake.application(APP, key.clone());
        let mut stage = json!({"duration_ms": 10_000, "disk_bytes_spilled": 1});
        stage
            .as_object_mut()
            .expect("object")
            .extend(key.as_object().cloned().expect("object"));
        lake.stage(1, stage, json!({}));
    }
    let rows = lake.analyse(&["ineffjobagg"]).await.rows("ineffjobagg");
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_columns(row, json!({"num_stages": 1, "ineffstageagg": 100.0}));
    }
}

/// A stage whose garbage and failures cost much, in an application that is idle too.
#[tokio::test]
async fn e12_lost_core_time_is_not_added_up_over_overlapping_findings() {
    let mut lake = TestLake::default();
    lake.application(
        APP,
        json!({
            "core_time_ms": 75_000_000, "total_task_time_ms": 70_000_000, "duration_ms": 10_000_000,
        }),
    );
    lake.executor("1", 10, json!({}));
    for stage in [1, 2] {
        lake.worker(stage, "1", json!({"task_time": 1_500_000}));
        lake.stage(
            stage,
            json!({
                "num_tasks": 100, "num_failed_tasks": 5, "duration_ms": 200_000,
                "executor_run_time": 1_000_000, "jvm_gc_time": 400_000,
                "memory_bytes_spilled": 100_000_000_000_i64,
            }),
            json!({"duration": [9_000, 10_000, 11_000, 1_000_000]}),
        );
    }
    let answers = lake.analyse(&["ineffjobagg"]).await;
    let text =
        |row: &Map<String, Value>, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let losses: BTreeMap<(String, String), i64> = answers
        .rows("findings")
        .iter()
        .map(|row| {
            let lost = row["lost_core_ms"].as_i64().unwrap_or(-1);
            ((text(row, "rule_id"), text(row, "subject_id")), lost)
        })
        .collect();
    let expected = [
        ("failed_tasks", "1.0", 500_000),
        ("failed_tasks", "2.0", 500_000),
        // 800 s of garbage in 2000 s, 100 s are healthy.
        ("gc_pressure", APP, 700_000),
        ("memory_spill", "1.0", 400_000),
        ("memory_spill", "2.0", 400_000),
    ];
    let expected =
        expected.map(|(rule, subject, lost)| ((rule.to_owned(), subject.to_owned()), lost));
    assert_eq!(losses, BTreeMap::from(expected));
    // Each stage by its worst finding: 500 + 500; the application's own 700 lie within.
    assert_columns(
        &answers.row("ineffjobagg"),
        json!({
            "lost_core_ms": 1_000_000, "top_rule": "failed_tasks", "is_inefficient": false,
        }),
    );
}

#[tokio::test]
async fn lost_core_time_is_at_most_what_was_paid_for() {
    let mut lake = TestLake::default();
    lake.application(APP, json!({"core_time_ms": 100_000}));
    lake.stage(
        1,
        json!({"jvm_gc_time": 500_000, "executor_run_time": 1_000_000}),
        json!({}),
    );
    let answers = lake.analyse(&["ineffjobagg"]).await;
    assert_columns(
        &answers.row("ineffjobagg"),
        json!({
            "lost_core_ms": 100_000, "top_rule": "gc_pressure", "is_inefficient": true,
        }),
    );
    // 450 s of garbage above what is healthy: no finding costs more than the whole application.
    assert_columns(
        &answers.row("findings"),
        json!({"rule_id": "gc_pressure", "lost_core_ms": 100_000}),
    );
}

#[tokio::test]
async fn e18_a_finding_says_what_why_and_what_to_do() {
    let mut lake = TestLake::with_application();
    lake.stage(
        1,
        json!({"jvm_gc_time": 500_000, "executor_run_time": 1_000_000}),
        json!({}),
    );
    let finding = lake.finding_of("gc_pressure").await;
    for column in [
        "finding_id",
        "rule_id",
        "title",
        "evidence",
        "evidence_json",
        "recommendation",
    ] {
        assert!(
            finding[column]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{column}"
        );
    }
    assert_eq!(finding["finding_id"].as_str().map(str::len), Some(32));
}
