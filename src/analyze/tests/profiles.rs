//! What runs of a job are compared by.

use serde_json::json;

use super::lake::{APP, TestLake, assert_columns};

#[tokio::test]
async fn settings_that_decide_performance_and_operators_are_lists_in_order() {
    let mut lake = TestLake::with_application();
    for (section, key, value) in [
        ("spark", "spark.sql.shuffle.partitions", "64"),
        ("spark", "spark.executor.memory", "4g"),
        ("spark", "spark.scheduler.mode", "FAIR"),
        ("spark", "spark.master", "spark://10.0.0.1:7077"),
        ("spark", "spark.executor.id", "driver"),
        ("spark", "spark.app.name", "Nightly 2026-01-02"),
        ("spark", "spark.sql.warehouse.dir", "/tmp/x"),
        ("system", "spark.executor.cores", "4"),
    ] {
        lake.add(
            "environment",
            json!({"section": section, "key": key, "value": value}),
        );
    }
    for (node, (name, kind)) in [
        ("SortMergeJoin(skew=true)", "join"),
        ("SortMergeJoin", "join"),
        ("Scan parquet", "scan"),
        ("Project", "project"),
        ("WholeStageCodegen (1)", "other"),
    ]
    .into_iter()
    .enumerate()
    {
        lake.add(
            "sql_nodes",
            json!({"sql_id": 0, "node_id": node, "node_name": name, "operator_kind": kind}),
        );
    }
    lake.application("empty", json!({}));
    let rows = lake
        .analyse(&["application_profiles"])
        .await
        .rows("application_profiles");
    let of = |app: &str| {
        rows.iter()
            .find(|row| row["application_id"] == app)
            .expect("a row")
    };
    assert_columns(
        of(APP),
        json!({
            "tuning_settings": [
                "spark.executor.memory=4g", "spark.scheduler.mode=FAIR", "spark.sql.shuffle.partitions=64",
            ],
            "operators": ["Scan parquet", "SortMergeJoin"],
            "operator_counts": ["Scan parquet=1", "SortMergeJoin=2"],
        }),
    );
    assert_columns(
        of("empty"),
        json!({"tuning_settings": null, "operators": null}),
    );
}
