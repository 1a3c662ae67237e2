//! photon_operators and photonanalysis: time by hand, and every fault of the original's score that
//! the tables could still have (P1 to P12 in the list of faults in the design papers).

use serde_json::{Map, Value, json};

use super::lake::{APP, Answers, TestLake, assert_columns, built_in};
use crate::analyze::{Catalog, Overrides};

/// A plan node: `(node id, name, code generation cluster, stages, time)`.
type Node<'a> = (i64, &'a str, Option<i64>, &'a [i64], Option<i64>);

fn with_nodes(nodes: &[Node<'_>], stages: &[(i64, i64)]) -> TestLake {
    let mut lake = TestLake::with_application();
    lake.add("sql", json!({"sql_id": 1, "duration_ms": 60_000}));
    let last = nodes.last().map(|node| node.0);
    for (node_id, node_name, cluster, stage_ids, time_ms) in nodes {
        let child = (Some(*node_id) != last).then_some(node_id + 1);
        let children: Vec<i64> = child.into_iter().collect();
        lake.add(
            "sql_nodes",
            json!({
                "sql_id": 1, "node_id": node_id, "node_name": node_name,
                "is_photon": node_name.starts_with("Photon"), "whole_stage_codegen_id": cluster,
                "stage_ids": stage_ids, "time_ms": time_ms, "child_node_ids": children,
            }),
        );
    }
    for (stage_id, run_ms) in stages {
        lake.stage(
            *stage_id,
            json!({"sql_id": 1, "executor_run_time": run_ms}),
            json!({}),
        );
    }
    lake
}

async fn analysed(lake: &TestLake) -> Answers {
    lake.analyse(&["photonanalysis"]).await
}

/// The operators of one name only, so that a test sees what became of it.
fn operator(answers: &Answers, name: &str) -> Map<String, Value> {
    let rows = answers.rows("photon_operators");
    let mut found: Vec<_> = rows
        .iter()
        .filter(|row| row["operator"] == name)
        .cloned()
        .collect();
    assert_eq!(found.len(), 1, "{name} in {rows:?}");
    found.remove(0)
}

fn is_supported(answers: &Answers, name: &str) -> bool {
    operator(answers, name)["is_supported"] == true
}

/// Stage 1 runs 100 s: a scan measures 30 s, an aggregate 10 s, an exchange half of its 8 s; the 56 s
/// that nobody measured are Filter and MapElements, 28 s each. Stage 2 runs 20 s: the other half of
/// the exchange, and 16 s of the final aggregate.
fn two_stages() -> TestLake {
    with_nodes(
        &[
            (0, "WholeStageCodegen (2)", None, &[2], Some(19_000)),
            (1, "HashAggregate", Some(2), &[], None),
            (2, "Exchange", None, &[1, 2], Some(8_000)),
            (3, "WholeStageCodegen (1)", None, &[1], Some(90_000)),
            (4, "HashAggregate", Some(1), &[1], Some(10_000)),
            (5, "MapElements", Some(1), &[], None),
            (6, "Filter", Some(1), &[], None),
            (7, "Scan parquet db.sales", None, &[1], Some(30_000)),
        ],
        &[(1, 100_000), (2, 20_000)],
    )
}

#[tokio::test]
async fn p5_the_score_is_weighted_by_task_time() {
    let answers = analysed(&two_stages()).await;
    for (name, time_ms, nodes) in [
        ("Scan parquet", 30_000, 1),
        ("HashAggregate", 26_000, 2),
        ("Exchange", 8_000, 1),
        ("Filter", 28_000, 1),
        ("MapElements", 28_000, 1),
    ] {
        assert_columns(
            &operator(&answers, name),
            json!({
                "task_time_ms": time_ms, "task_time_share": f64::from(time_ms) / 120_000.0,
                "num_nodes": nodes,
            }),
        );
    }
    let movable: f64 = 92.0 / 120.0;
    assert_columns(
        &answers.row("photonanalysis"),
        json!({
            "jobphotonperc": movable, "jobphotonperc_unweighted": 5.0 / 6.0,
            "already_photon_ratio": 0.0, "movable_share": movable, "task_time_ms": 120_000,
            "blockers": "MapElements", "breakeven_speedup": Value::Null,
            "est_speedup_low": 1.0 / (1.0 - movable + movable / 1.5),
            "est_speedup_high": 1.0 / (1.0 - movable + movable / 3.0),
            "candidate": "no",
            "candidate_reason": "Its task time of 2.0 minutes is too short to gain from Photon.",
        }),
    );
}

/// Stage 1 runs 100 s, of which an aggregate measures 10 s. The scan kept no row, so Spark counts nothing for it: it
/// shares the rest with the filter that reads it. In a plan with a cache below, which numbers its clusters from one
/// too, that is not known.
#[tokio::test]
async fn a_scan_that_kept_no_row_works_where_its_reader_does() {
    let check = [
        (0, "WholeStageCodegen (1)", None, &[1][..], Some(90_000)),
        (1, "HashAggregate", Some(1), &[1], Some(10_000)),
        (2, "Filter", Some(1), &[], None),
        (3, "Scan csv", None, &[], None),
    ];
    let answers = analysed(&with_nodes(&check, &[(1, 100_000)])).await;
    for name in ["Filter", "Scan csv"] {
        assert_columns(&operator(&answers, name), json!({"task_time_ms": 45_000}));
    }
    let over_a_cache = [
        (0, "WholeStageCodegen (1)", None, &[1][..], Some(90_000)),
        (1, "HashAggregate", Some(1), &[1], Some(10_000)),
        (2, "InMemoryTableScan", None, &[1], None),
        (3, "WholeStageCodegen (1)", None, &[], None),
        (4, "Filter", Some(1), &[], None),
        (5, "Scan csv", None, &[], None),
    ];
    let answers = analysed(&with_nodes(&over_a_cache, &[(1, 100_000)])).await;
    assert_columns(
        &operator(&answers, "Scan csv"),
        json!({"task_time_ms": Value::Null}),
    );
}

/// Stage 1 runs 100 s and writes the shuffle, stage 2 runs 20 s and reads it: half of the exchange's 8 s, and the UDF.
/// Where the query was stopped before, the UDF never ran.
#[tokio::test]
async fn what_is_above_a_shuffle_does_not_work_where_it_is_written() {
    let run = [(1, 100_000), (2, 20_000)];
    for (stages, of_udf) in [(&[1, 2][..], json!(16_000)), (&[1], Value::Null)] {
        let plan = [
            (0, "ArrowEvalPython", None, &[][..], None),
            (1, "Exchange", None, stages, Some(8_000)),
            (2, "Scan csv", None, &[1], Some(30_000)),
        ];
        let answers = analysed(&with_nodes(&plan, &run[..stages.len()])).await;
        assert_columns(
            &operator(&answers, "ArrowEvalPython"),
            json!({"task_time_ms": of_udf}),
        );
    }
}

#[tokio::test]
async fn operators_that_measure_more_than_their_stage_are_scaled_down() {
    let lake = with_nodes(
        &[
            (0, "Sort", None, &[1], Some(30_000)),
            (1, "SortAggregate", None, &[1], Some(10_000)),
            (2, "Filter", None, &[1], None),
        ],
        &[(1, 20_000)],
    );
    let answers = analysed(&lake).await;
    assert_columns(&operator(&answers, "Sort"), json!({"task_time_ms": 15_000}));
    assert_columns(
        &operator(&answers, "SortAggregate"),
        json!({"task_time_ms": 5_000}),
    );
    assert_columns(&operator(&answers, "Filter"), json!({"task_time_ms": 0}));
}

#[tokio::test]
async fn an_operator_without_metrics_works_where_its_neighbors_do() {
    let lake = with_nodes(
        &[
            (0, "Sort", None, &[1], Some(4_000)),
            (1, "MapPartitions", None, &[], None),
        ],
        &[(1, 10_000)],
    );
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "MapPartitions"),
        json!({"task_time_ms": 6_000}),
    );
}

#[tokio::test]
async fn p1_names_are_matched_by_their_beginning() {
    let answers = analysed(&with_nodes(
        &[
            (0, "Scan csv db.t", None, &[1], Some(1)),
            (1, " Scan csv ", None, &[1], Some(1)),
            (2, "Scan parquet db.csv", None, &[1], Some(1)),
            (
                3,
                "Scan JDBCRelation(orders) [numPartitions=1]",
                None,
                &[1],
                Some(1),
            ),
            (4, "BatchScan db.iceberg_table", None, &[1], Some(1)),
            (5, "Scan parquetish", None, &[1], Some(1)),
        ],
        &[(1, 1_000)],
    ))
    .await;
    assert_columns(
        &operator(&answers, "Scan csv"),
        json!({"is_supported": false, "num_nodes": 2}),
    );
    assert!(is_supported(&answers, "Scan parquet"));
    assert!(!is_supported(&answers, "Scan JDBCRelation"));
    assert!(!is_supported(&answers, "BatchScan"));
    // Not "Scan parquet": only whole words count.
    assert!(!is_supported(&answers, "Scan"));
}

#[tokio::test]
async fn p2_p3_what_photon_cannot_run_is_known() {
    let blocked = [
        "BatchEvalPython",
        "ArrowEvalPython",
        "ArrowEvalPythonUDTF",
        "MapInPandas",
        "MapInArrow",
        "AggregateInPandas",
        "WindowInPandas",
        "FlatMapCoGroupsInPandas",
        "FlatMapGroupsInArrow",
        "AttachDistributedSequence",
        "Scan ExistingRDD",
        "Scan text",
        "Scan orc",
        "Scan avro",
        "Scan hive",
        "MapGroups",
        "CoGroup",
        "AppendColumns",
        "TypedFilter",
        "Generate",
        "CartesianProduct",
        "SortAggregate",
        "ObjectHashAggregate",
        "StateStoreSave",
        "AppendData",
        "NobodyKnowsThisOperator",
    ];
    let nodes: Vec<Node<'_>> = (0..)
        .zip(blocked)
        .map(|(id, name)| (id, name, None, [1].as_slice(), Some(1)))
        .collect();
    let answers = analysed(&with_nodes(&nodes, &[(1, 1_000)])).await;
    for name in blocked {
        let row = operator(&answers, name);
        assert_columns(&row, json!({"is_supported": false}));
        assert!(
            row["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{name}"
        );
    }
    assert_columns(
        &answers.row("photonanalysis"),
        json!({"jobphotonperc": 0.0}),
    );
}

#[tokio::test]
async fn p3_a_write_counts_by_its_format() {
    let mut lake = TestLake::with_application();
    for (id, format) in [(1, "CSV"), (2, "Parquet")] {
        lake.add("sql_nodes", json!({
            "sql_id": id, "node_id": 0, "node_name": "Execute InsertIntoHadoopFsRelationCommand",
            "description": format!("Execute InsertIntoHadoopFsRelationCommand file:/t, false, {format}"),
        }));
    }
    let row = lake
        .analyse(&["photonanalysis"])
        .await
        .row("photonanalysis");
    assert_columns(&row, json!({"jobphotonperc_unweighted": 0.5}));
}

#[tokio::test]
async fn p4_nodes_that_only_wrap_others_do_not_count() {
    let wrappers = [
        "WholeStageCodegen (1)",
        "AdaptiveSparkPlan",
        "InputAdapter",
        "ColumnarToRow",
        "CollectLimit",
        "ReusedExchange",
        "Subquery",
        "AQEShuffleRead",
        "CustomShuffleReader",
        "SubqueryBroadcast",
        "Execute CreateViewCommand",
    ];
    let mut nodes: Vec<Node<'_>> = (1..)
        .zip(wrappers)
        .map(|(id, name)| (id, name, None, [1].as_slice(), Some(9)))
        .collect();
    nodes.push((0, "MapElements", None, &[1], Some(9)));
    let answers = analysed(&with_nodes(&nodes, &[(1, 1_000)])).await;
    assert_eq!(answers.rows("photon_operators").len(), 1);
    assert_columns(
        &answers.row("photonanalysis"),
        json!({
            "jobphotonperc": 0.0, "jobphotonperc_unweighted": 0.0,
        }),
    );
}

#[tokio::test]
async fn p6_a_udf_inside_a_supported_operator_blocks_it() {
    let mut lake = with_nodes(&[(0, "Project", None, &[1], Some(1_000))], &[(1, 10_000)]);
    lake.add(
        "sql_nodes",
        json!({
            "sql_id": 1, "node_id": 5, "node_name": "Project", "operator_kind": "project", "stage_ids": [1],
            "time_ms": 3_000, "description": "Project [score(name#1) AS n#2]",
        }),
    );
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "Project with UDF"),
        json!({
            "is_supported": false, "reason": "calls a UDF", "task_time_ms": 7_500,
        }),
    );
    assert_columns(
        &answers.row("photonanalysis"),
        json!({"jobphotonperc": 0.25}),
    );
}

#[tokio::test]
async fn p8_an_application_without_sql_is_there_with_nothing() {
    let mut lake = TestLake::with_application();
    lake.stage(1, json!({"executor_run_time": 900_000}), json!({}));
    lake.application("empty", json!({}));
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "RDD"),
        json!({"task_time_ms": 900_000, "num_nodes": 0}),
    );
    let rows = answers.rows("photonanalysis");
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_columns(
            row,
            json!({
                "jobphotonperc": 0.0, "jobphotonperc_unweighted": Value::Null, "candidate": "no",
                "est_speedup_low": Value::Null,
                "candidate_reason": "It runs no SQL or DataFrame plans, and Photon runs nothing else.",
            }),
        );
    }
}

#[tokio::test]
async fn p9_a_query_without_plan_keeps_its_time() {
    let mut lake = two_stages();
    lake.stage(
        9,
        json!({"sql_id": 2, "executor_run_time": 120_000}),
        json!({}),
    );
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "SQL without plan"),
        json!({"is_supported": false, "task_time_ms": 120_000, "num_nodes": 0}),
    );
    assert_columns(
        &answers.row("photonanalysis"),
        json!({"jobphotonperc": 92.0 / 240.0}),
    );
}

#[tokio::test]
async fn p10_applications_of_one_cluster_are_kept_apart() {
    let mut lake = two_stages();
    lake.application("app-2", json!({}));
    lake.row(
        "sql_nodes",
        "app-2",
        json!({
            "sql_id": 1, "node_id": 7, "node_name": "Scan json", "stage_ids": [1],
        }),
    );
    lake.stage_of(
        "app-2",
        1,
        json!({"sql_id": 1, "executor_run_time": 5_000}),
        json!({}),
    );
    let rows = analysed(&lake).await.rows("photonanalysis");
    assert_columns(
        &rows[0],
        json!({"application_id": APP, "jobphotonperc": 92.0 / 120.0}),
    );
    assert_columns(
        &rows[1],
        json!({"application_id": "app-2", "jobphotonperc": 0.0}),
    );
}

#[tokio::test]
async fn p11_what_photon_ran_already_is_seen() {
    let lake = with_nodes(
        &[
            (0, "PhotonGroupingAgg", None, &[1], Some(600_000)),
            (1, "PhotonScan parquet db.t", None, &[1], Some(200_000)),
            (2, "Sort", None, &[1], Some(200_000)),
        ],
        &[(1, 1_000_000)],
    );
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "PhotonScan"),
        json!({"is_photon": true, "reason": null}),
    );
    assert_columns(
        &answers.row("photonanalysis"),
        json!({
            "already_photon_ratio": 0.8, "jobphotonperc": 1.0, "movable_share": 0.2, "candidate": "no",
            "candidate_reason": "Photon runs 80 percent of its task time already; Spark ran Sort.",
            "native_engine": "photon", "native_ratio": 0.8, "fallback_ratio": 0.2, "fallbacks": "Sort",
            "native_verdict": "good",
            "native_reason": "Photon runs 80 percent of its task time; 20 percent fell back to Spark, most of it in Sort.",
        }),
    );
}

#[tokio::test]
async fn p12_queries_too_short_to_gain_are_left_out() {
    let mut lake = with_nodes(&[(0, "Sort", None, &[1], Some(1))], &[(1, 900_000)]);
    lake.add("sql", json!({"sql_id": 2, "duration_ms": 1_999}));
    lake.add(
        "sql_nodes",
        json!({"sql_id": 2, "node_id": 0, "node_name": "Sort", "stage_ids": [2]}),
    );
    lake.stage(
        2,
        json!({"sql_id": 2, "executor_run_time": 300_000}),
        json!({}),
    );
    assert_columns(
        &analysed(&lake).await.row("photonanalysis"),
        json!({
            "jobphotonperc": 1.0, "movable_share": 0.75, "candidate": "possible",
            "candidate_reason": "Photon could take over 75 percent of its task time; 25 percent of the \
                                 SQL is in queries too short to gain; it would be 1.33 to 2.00 times faster. \
                                 Its price on Databricks is not known; at list prices it is earned back from \
                                 about 1.8 times on.",
        }),
    );
}

#[tokio::test]
async fn tasks_that_failed_are_no_rdd_code() {
    // Failed tasks report no metrics: no operator has a stage.
    let lake = with_nodes(
        &[
            (0, "HashAggregate", None, &[], None),
            (1, "Filter", None, &[], None),
        ],
        &[(1, 90_000)],
    );
    let answers = analysed(&lake).await;
    for name in ["HashAggregate", "Filter"] {
        assert_columns(&operator(&answers, name), json!({"task_time_ms": 45_000}));
    }
    assert_eq!(answers.rows("photon_operators").len(), 2);
    assert_columns(
        &answers.row("photonanalysis"),
        json!({"jobphotonperc": 1.0}),
    );
}

#[tokio::test]
async fn listing_files_is_no_rdd_code_and_part_of_the_whole() {
    let mut lake = with_nodes(&[(0, "Filter", None, &[1], None)], &[(1, 1_000)]);
    // Within a query it is the work of none of its operators.
    lake.stage(
        3,
        json!({
            "sql_id": 1, "executor_run_time": 6_000,
            "description": "Listing leaf files and directories for 40 paths:<br/>s3://b/a, ...",
        }),
        json!({}),
    );
    lake.stage(
        2,
        json!({
            "executor_run_time": 9_000,
            "description": "Listing leaf files and directories for 33 paths:<br/>s3://b/a, ...",
        }),
        json!({}),
    );
    let answers = analysed(&lake).await;
    assert_eq!(answers.rows("photon_operators").len(), 2);
    assert_columns(
        &operator(&answers, "Listing files"),
        json!({"is_supported": false, "num_nodes": 0, "task_time_ms": 15_000}),
    );
    assert_columns(
        &answers.row("photonanalysis"),
        json!({
            "task_time_ms": 16_000, "jobphotonperc": 0.0625, "jobphotonperc_unweighted": 1.0,
            "blockers": "Listing files",
        }),
    );
}

/// Of 1,000 s a pandas UDF takes 4 s and an RDD scan 6 s; where a write's time went is not known.
#[tokio::test]
async fn operators_without_a_percent_of_the_time_are_not_named() {
    let lake = with_nodes(
        &[
            (0, "Sort", None, &[1], Some(990_000)),
            (1, "ArrowEvalPython", None, &[1], Some(4_000)),
            (2, "Scan ExistingRDD", None, &[1], Some(6_000)),
            (9, "AppendData", None, &[], None),
        ],
        &[(1, 1_000_000)],
    );
    assert_columns(
        &analysed(&lake).await.row("photonanalysis"),
        json!({
            "blockers": "Scan ExistingRDD, AppendData", "candidate": "strong",
            "candidate_reason": "Photon could take over 99 percent of its task time; Spark would keep: Scan ExistingRDD; \
                                 it would be 1.49 to 2.94 times faster. Its price on Databricks is not known; at list \
                                 prices it is earned back from about 1.8 times on.",
        }),
    );
}

#[tokio::test]
async fn what_another_engine_runs_blocks_nothing() {
    let mut lake = TestLake::with_application();
    lake.add("sql", json!({"sql_id": 1, "duration_ms": 60_000}));
    for (node_id, name, kind, time_ms) in [
        (0, "GpuColumnarToRow", "other", 5_000),
        (1, "GpuHashAggregate", "aggregate", 60_000),
    ] {
        lake.add(
            "sql_nodes",
            json!({
                "sql_id": 1, "node_id": node_id, "node_name": name, "engine": "rapids",
                "operator_kind": kind, "stage_ids": [1], "time_ms": time_ms,
            }),
        );
    }
    lake.stage(
        1,
        json!({"sql_id": 1, "executor_run_time": 60_000}),
        json!({}),
    );
    let answers = analysed(&lake).await;
    assert_columns(
        &operator(&answers, "GpuHashAggregate"),
        json!({"task_time_ms": 60_000, "is_supported": false, "reason": "runs on RAPIDS"}),
    );
    assert_columns(
        &answers.row("photonanalysis"),
        json!({
            "blockers": Value::Null, "candidate": "no",
            "candidate_reason": "It runs on RAPIDS: 100 percent of its task time.",
            "native_engine": "rapids", "native_ratio": 1.0, "fallback_ratio": 0.0, "fallbacks": null,
            "native_verdict": "good", "native_reason": "RAPIDS runs 100 percent of its task time.",
        }),
    );
}

/// Of 100 s Comet or Gluten ran 60, Spark a sort of 25 and a UDF of 15; the RDD code beside is no fallback.
#[tokio::test]
async fn what_fell_back_to_spark_beside_a_native_engine_is_ranked_by_time() {
    for (engine, name, node) in [
        ("comet", "Comet", "CometHashAggregate"),
        ("gluten", "Gluten", "RegularHashAggregateExecTransformer"),
    ] {
        let mut lake = TestLake::with_application();
        lake.add("sql", json!({"sql_id": 1, "duration_ms": 60_000}));
        for (node_id, name, engine, time_ms) in [
            (0, node, engine, 60_000),
            (1, "BatchEvalPython", "spark", 15_000),
            (2, "Sort", "spark", 25_000),
        ] {
            lake.add(
                "sql_nodes",
                json!({
                    "sql_id": 1, "node_id": node_id, "node_name": name, "engine": engine,
                    "operator_kind": "aggregate", "stage_ids": [1], "time_ms": time_ms,
                }),
            );
        }
        lake.stage(
            1,
            json!({"sql_id": 1, "executor_run_time": 100_000}),
            json!({}),
        );
        lake.stage(2, json!({"executor_run_time": 100_000}), json!({}));
        assert_columns(
            &analysed(&lake).await.row("photonanalysis"),
            json!({
                "native_engine": engine, "native_ratio": 0.3, "fallback_ratio": 0.2, "fallbacks": "Sort, BatchEvalPython",
                "native_verdict": "poor",
                "native_reason": format!("{name} runs 30 percent of its task time; 20 percent fell back to Spark, \
                                          most of it in Sort, BatchEvalPython."),
            }),
        );
    }
}

/// The built-in rules with a contract's prices on Databricks: one DBU an hour for an m5.xlarge.
fn with_dbu_price(dbu_usd: f64) -> Catalog {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("databricks.csv");
    std::fs::write(
        &file,
        format!(
            "\
service,item,region,purchase,unit,price,currency,valid_from,as_of,source
databricks,m5.xlarge,us-east-1,on_demand,dbu_per_hour,1,USD,2026-01-01,2026-01-01,contract
databricks,jobs,us-east-1,on_demand,dbu,{dbu_usd},USD,2026-01-01,2026-01-01,contract
"
        ),
    )
    .expect("file");
    let mut catalog = built_in().clone();
    catalog
        .apply(&Overrides {
            prices: vec![file],
            ..Overrides::default()
        })
        .expect("valid prices");
    catalog
}

/// An m5.xlarge for 0.192 dollars and a DBU an hour for 0.15: with 2.9 times the DBU an hour costs
/// (0.192 + 2.9 * 0.15) / (0.192 + 0.15) = 1.8333 times as much.
#[tokio::test]
async fn photon_has_to_earn_its_price_back() {
    // 58 percent could move: 1.24 to 1.63 times faster. 80 percent: 1.36 to 2.14 times, in the middle
    // 1.71; 95 percent: 1.46 to 2.73 times, in the middle 2.0. At 0.01 dollars a DBU an hour costs
    // 0.221 / 0.202 = 1.094 times as much.
    for (dbu_usd, sort_ms, candidate) in [
        (0.15, 580_000, "no"),
        (0.15, 800_000, "possible"),
        (0.15, 950_000, "strong"),
        (0.01, 800_000, "strong"),
    ] {
        let catalog = with_dbu_price(dbu_usd)
            .select(&["photonanalysis"])
            .expect("known table");
        let mut lake = TestLake::default();
        lake.application(APP, json!({"core_time_ms": 4_000_000, "observed_duration_ms": 1_000_000, "driver_memory_bytes": 1 << 30}));
        lake.executor("1", 4, json!({"core_time_ms": 4_000_000, "lifetime_ms": 1_000_000, "container_memory_bytes": 8_i64 << 30}));
        lake.add("sql", json!({"sql_id": 1, "duration_ms": 60_000}));
        for (node_id, name, time_ms) in [
            (0, "Sort", sort_ms),
            (1, "BatchEvalPython", 1_000_000 - sort_ms),
        ] {
            lake.add("sql_nodes", json!({"sql_id": 1, "node_id": node_id, "node_name": name, "stage_ids": [1], "time_ms": time_ms}));
        }
        lake.stage(
            1,
            json!({"sql_id": 1, "executor_run_time": 1_000_000}),
            json!({}),
        );
        let row = lake.analyse_with(&catalog).await.row("photonanalysis");
        assert_columns(
            &row,
            json!({
                "breakeven_speedup": (0.192 + 2.9 * dbu_usd) / (0.192 + dbu_usd), "candidate": candidate,
                "native_engine": null, "native_verdict": null, "native_reason": null,
            }),
        );
    }
}
