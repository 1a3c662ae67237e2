//! The view cluster_findings: each of its rules fires once and is silent once, with numbers worked
//! out by hand.

use serde_json::{Value, json};

use super::lake::{TestLake, built_in};

/// Twelve samples, five minutes apart: the memory that containers have, those that wait, the nodes.
fn samples(lake: &mut TestLake, used: f64, pending: &[f64], nodes: &[f64]) {
    for sample in 0..12 {
        let at = |values: &[f64]| {
            values
                .get(sample % values.len())
                .copied()
                .unwrap_or_default()
        };
        lake.add(
            "cluster_metrics",
            json!({
                "sampled_at": format!("2026-01-02T02:{:02}:00Z", 5 * sample), "source": "yarn", "queue": "",
                "memory_used_ratio": used, "pending_containers": at(pending), "active_nodes": at(nodes),
            }),
        );
    }
}

fn summary(lake: &mut TestLake, columns: Value) {
    let mut row = json!({
        "platform": "emr", "run_id": "r-1", "release_label": "emr-7.5.0", "is_finished": true,
        "created_at": "2026-01-02T01:00:00Z", "ended_at": "2026-01-02T03:10:00Z",
    });
    if let (Some(row), Value::Object(columns)) = (row.as_object_mut(), columns) {
        row.extend(columns);
    }
    lake.add("cluster_summaries", row);
}

fn instances(lake: &mut TestLake, role: &str, instance_type: &str, market: &str, hours: f64) {
    lake.add(
        "cluster_instances",
        json!({
            "platform": "emr", "group_id": format!("{role} {market}"), "role": role, "run_id": "r-1",
            "instance_type": instance_type, "market": market, "instance_hours": hours,
        }),
    );
}

/// Rule → evidence.
async fn found(mut lake: TestLake) -> Vec<(String, String)> {
    for table in [
        "applications",
        "cluster_instances",
        "cluster_metrics",
        "cluster_summaries",
        "job_runs",
    ] {
        lake.ensure(table);
    }
    let view = built_in()
        .views()
        .find(|view| view.id == "cluster_findings")
        .expect("the view");
    let rows = lake
        .context()
        .sql(&view.query.statement)
        .await
        .expect("a plan");
    let mut found = Vec::new();
    for batch in rows.collect().await.expect("rows") {
        let text = |column: &str, row: usize| {
            let column = batch.column_by_name(column).expect("a column");
            arrow::util::display::array_value_to_string(column, row).expect("text")
        };
        found
            .extend((0..batch.num_rows()).map(|row| (text("rule_id", row), text("evidence", row))));
    }
    found.sort();
    found
}

fn rules(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(rule, _)| rule.as_str()).collect()
}

#[tokio::test]
async fn containers_that_wait_at_full_size_hit_the_upper_bound() {
    let mut lake = TestLake::default();
    samples(&mut lake, 0.95, &[0.0, 8.0], &[10.0]);
    let found = found(lake).await;
    assert_eq!(rules(&found), ["capacity_bound"]);
    let (_, evidence) = &found[0];
    assert_eq!(
        evidence,
        "In 6 of 12 samples containers waited, 8 on average, while the cluster was as large as ever (10 nodes)."
    );
}

#[tokio::test]
async fn a_cluster_that_still_grows_is_not_at_its_bound() {
    let mut lake = TestLake::default();
    let nodes: Vec<f64> = (4..16).map(f64::from).collect();
    let mut pending = vec![8.0; 12];
    pending[11] = 0.0;
    samples(&mut lake, 0.95, &pending, &nodes);
    assert_eq!(rules(&found(lake).await), [""; 0]);
}

#[tokio::test]
async fn up_and_down_again_is_thrash_and_hardly_used_is_idle() {
    let mut lake = TestLake::default();
    samples(&mut lake, 0.1, &[0.0], &[10.0, 6.0, 10.0, 6.0]);
    let found = found(lake).await;
    assert_eq!(rules(&found), ["idle_cluster", "scaling_thrash"]);
    assert_eq!(
        found[0].1,
        "Containers had 10 % of its memory on average over 12 samples."
    );
    // Up at samples 2, 4, 6, 8 and 10.
    assert!(found[1].1.starts_with("5 times"), "{}", found[1].1);
}

/// A cluster whose memory is full: twelve samples with the cores and containers that YARN counts.
fn full_of_memory(cores_used: f64, containers: f64) -> TestLake {
    let mut lake = TestLake::default();
    for sample in 0..12 {
        lake.add(
            "cluster_metrics",
            json!({
                "sampled_at": format!("2026-01-02T02:{:02}:00Z", 5 * sample), "source": "yarn", "queue": "",
                "memory_used_ratio": 0.977, "total_memory_mb": 10_080_000.0, "total_vcores": 1312.0,
                "vcores_used_ratio": cores_used, "allocated_vcores": 1312.0 * cores_used,
                "allocated_containers": containers, "pending_containers": 40.0, "active_nodes": 41.0,
            }),
        );
    }
    lake
}

#[tokio::test]
async fn full_memory_beside_idle_cores_is_told_unless_yarn_counts_containers() {
    // 55 percent of 1,312 cores.
    let bound = found(full_of_memory(0.45, 148.0)).await;
    assert_eq!(rules(&bound), ["capacity_bound", "memory_bound"]);
    assert_eq!(
        bound[1].1,
        "Containers had 97.7 % of its memory but 45.0 % of its 1312 cores on average over 12 samples: \
         about 722 cores are paid for and cannot be used."
    );
    // 148 cores in use by 148 containers: each counts as one.
    let counted = found(full_of_memory(148.0 / 1312.0, 148.0)).await;
    assert_eq!(rules(&counted), ["capacity_bound"]);
    let busy = found(full_of_memory(0.9, 148.0)).await;
    assert_eq!(rules(&busy), ["capacity_bound"]);
}

#[tokio::test]
async fn eleven_samples_say_nothing() {
    let mut lake = TestLake::default();
    samples(&mut lake, 0.95, &[8.0], &[10.0]);
    let mut fewer = TestLake::default();
    for minute in 0..11 {
        fewer.add(
            "cluster_metrics",
            json!({
                "sampled_at": format!("2026-01-02T02:{minute:02}:00Z"), "source": "yarn", "queue": "",
                "memory_used_ratio": 0.95, "pending_containers": 8.0, "active_nodes": 10.0,
            }),
        );
    }
    assert_eq!(rules(&found(lake).await), ["capacity_bound"]);
    assert_eq!(rules(&found(fewer).await), [""; 0]);
}

#[tokio::test]
async fn what_was_bought_is_judged() {
    let mut lake = TestLake::default();
    instances(&mut lake, "MASTER", "m4.xlarge", "SPOT", 30.0);
    instances(&mut lake, "TASK", "m7g.xlarge", "ON_DEMAND", 300.0);
    let found = found(lake).await;
    assert_eq!(
        rules(&found),
        [
            "old_instances",
            "on_demand_workers",
            "one_spot_type",
            "spot_core"
        ]
    );
    assert_eq!(
        found[0].1,
        "30 instance hours were of old generations, m4.xlarge among them."
    );

    let mut healthy = TestLake::default();
    instances(&mut healthy, "MASTER", "m7g.xlarge", "ON_DEMAND", 30.0);
    instances(&mut healthy, "TASK", "m7g.xlarge", "SPOT", 300.0);
    instances(&mut healthy, "TASK", "m6g.xlarge", "SPOT", 300.0);
    assert_eq!(
        rules(&super::cluster_findings::found(healthy).await),
        [""; 0]
    );
}

#[tokio::test]
async fn a_cluster_should_end_with_its_work() {
    for (end, expected) in [
        ("2026-01-02T02:00:00Z", vec!["left_running"]),
        ("2026-01-02T03:00:00Z", Vec::new()),
    ] {
        let mut lake = TestLake::default();
        summary(&mut lake, json!({}));
        lake.application("a", json!({"platform": "emr", "observed_end_time": end}));
        let found = found(lake).await;
        assert_eq!(rules(&found), expected, "{end}");
        if let Some((_, evidence)) = found.first() {
            assert_eq!(
                evidence,
                "Its last application ended 70 minutes before it ended."
            );
        }
    }
}

#[tokio::test]
async fn releases_have_an_age() {
    for (platform, release, is_old) in [
        ("emr", "emr-5.36.0", true),
        ("emr", "emr-6.9.0", true),
        ("emr", "emr-6.15.0", false),
        ("emr", "emr-7.10.0", false),
        ("databricks", "12.2.x-scala2.12", true),
        ("databricks", "15.4.x-scala2.12", false),
        ("event_log", "null", false),
    ] {
        let mut lake = TestLake::default();
        summary(
            &mut lake,
            json!({"platform": platform, "release_label": release}),
        );
        let found = found(lake).await;
        assert_eq!(
            rules(&found) == ["old_release"],
            is_old,
            "{release}: {found:?}"
        );
    }
}

#[tokio::test]
async fn runs_that_wait_are_counted_once_each() {
    let mut lake = TestLake::default();
    for (id, run, queued) in [
        ("j-1", "r-1", 600_000),
        ("j-1", "r-2", 600_000),
        ("j-2", "r-2", 360_000),
        ("j-3", "r-2", 1_000),
    ] {
        lake.add(
            "job_runs",
            json!({"job_run_id": id, "run_id": run, "queued_ms": queued, "ingested_at": format!("2026-01-03T00:00:0{}Z", &run[2..])}),
        );
    }
    let found = found(lake).await;
    assert_eq!(rules(&found), ["long_queue"]);
    assert_eq!(
        found[0].1,
        "The median of 3 runs waited 6 minutes before it began, the longest 10."
    );
}
