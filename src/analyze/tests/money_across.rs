//! Costs of teams, jobs and clusters, worked out by hand.

use serde_json::{Map, Value, json};

use super::lake::{TestLake, assert_columns, built_in};

/// The rows of one table over several applications.
async fn rows_of(lake: &TestLake, table: &str) -> Vec<Map<String, Value>> {
    let relation = built_in()
        .tables()
        .find(|relation| relation.id == table)
        .expect("there");
    lake.analyse_with(&built_in().alone(relation))
        .await
        .rows(table)
}

#[tokio::test]
async fn a_team_pays_for_its_applications_day_by_day() {
    let mut lake = TestLake::default();
    for (app, team, job, day, cost, wasted, core) in [
        (
            "a",
            json!("etl"),
            json!("load"),
            "2026-01-02",
            json!(10.0),
            json!(4.0),
            1_000,
        ),
        (
            "b",
            json!("etl"),
            json!("load"),
            "2026-01-02",
            json!(2.0),
            json!(1.0),
            500,
        ),
        (
            "c",
            json!("etl"),
            json!("merge"),
            "2026-01-02",
            json!(20.0),
            json!(4.5),
            2_000,
        ),
        (
            "d",
            json!("etl"),
            json!("load"),
            "2026-01-03",
            json!(1.0),
            json!(0.5),
            100,
        ),
        (
            "e",
            Value::Null,
            Value::Null,
            "2026-01-02",
            Value::Null,
            Value::Null,
            300,
        ),
    ] {
        lake.row("application_waste", app, json!({
            "team": team, "job_key": job, "application_name": "adhoc", "app_date": day, "cost_usd": cost,
            "wasted_usd": wasted, "core_time_ms": core, "wasted_core_ms": core / 2, "cost_basis": "billed",
        }));
    }
    let rows = rows_of(&lake, "team_costs").await;
    let row = |team: &str, day: &str| {
        rows.iter()
            .find(|row| row["team"] == team && row["app_date"] == day)
            .expect("a row")
    };
    // The two runs of load wasted 5 dollars, more than the one of merge.
    assert_columns(
        row("etl", "2026-01-02"),
        json!({
            "num_applications": 3, "num_jobs": 2, "num_unpriced": 0, "cost_usd": 32.0, "billed_usd": 32.0,
            "hypothetical_usd": null, "wasted_usd": 9.5, "wasted_ratio": 0.5, "worst_job": "load", "worst_job_usd": 5.0,
        }),
    );
    assert_columns(
        row("etl", "2026-01-03"),
        json!({"num_applications": 1, "cost_usd": 1.0}),
    );
    assert_columns(
        row("unknown", "2026-01-02"),
        json!({
            "num_applications": 1, "num_unpriced": 1, "cost_usd": null, "wasted_usd": null,
            "worst_job": "adhoc", "worst_job_usd": null,
        }),
    );
    assert_eq!(rows.len(), 3);
}

/// Eleven runs in ten days are a run a day, 365.25 in a year.
#[tokio::test]
async fn a_job_is_projected_to_a_year_by_its_frequency() {
    let mut lake = TestLake::default();
    for run in 0..11 {
        let (app, day) = (format!("run-{run}"), run + 1);
        lake.application(
            &app,
            json!({"job_key": "nightly", "start_time": format!("2026-01-{day:02}T03:00:00Z")}),
        );
        lake.row("application_waste", &app, json!({
            "job_key": "nightly", "team": if run == 10 { "new" } else { "old" }, "core_time_ms": 1_000,
            "wasted_core_ms": 600, "idle_core_ms": 100, "skew_core_ms": if run == 0 { 5_000 } else { 0 },
            // The first run's memory is not known; of the others' 10 GB-hours 6 went with the cores, 1.5 were never filled.
            "memory_gb_hours": if run == 0 { Value::Null } else { json!(10.0) }, "unused_gb_hours": if run == 0 { Value::Null } else { json!(1.5) },
            "cost_usd": 2.0, "wasted_usd": 0.5, "cost_basis": if run == 0 { "billed" } else { "estimated" },
        }));
    }
    // Of 100 s of garbage collection 80 s are healthy: the driver wasted more.
    lake.application(
        "g",
        json!({"job_key": "a-gc", "start_time": "2026-01-02T03:00:00Z"}),
    );
    lake.row("application_waste", "g", json!({
        "job_key": "a-gc", "core_time_ms": 400_000, "useful_core_ms": 270_000, "unfinished_core_ms": 0,
        "wasted_core_ms": 50_000, "gc_core_ms": 100_000, "driver_only_core_ms": 30_000,
    }));
    for (app, hour) in [("x", 3), ("y", 9)] {
        lake.application(
            app,
            json!({"job_key": "twice", "start_time": format!("2026-01-02T{hour:02}:00:00Z")}),
        );
        lake.row(
            "application_waste",
            app,
            json!({"job_key": "twice", "cost_usd": 1.0, "wasted_usd": 0.1}),
        );
    }
    let mut rows = rows_of(&lake, "job_costs").await;
    assert_columns(
        &rows.remove(0),
        json!({"job_key": "a-gc", "wasted_ratio": 0.125, "largest_waste": "driver_only"}),
    );
    assert_columns(
        &rows[0],
        json!({
            "job_key": "nightly", "team": "new", "num_runs": 11, "num_unpriced": 0, "runs_per_year": 365.25,
            "core_time_ms": 11_000, "wasted_ratio": 0.6, "largest_waste": "skew", "cost_basis": "mixed",
            "cost_usd_per_run": 2.0, "cost_usd_per_year": 730.5, "wasted_usd_per_year": 182.625,
            "wasted_core_hours_per_year": 600.0 / 36e5 * 365.25, "wasted_gb_hours_per_year": 7.5 * 365.25,
        }),
    );
    // Six hours say nothing about a year.
    assert_columns(
        &rows[1],
        json!({
            "job_key": "twice", "runs_per_year": null, "cost_usd_per_year": null, "cost_usd_per_run": 1.0,
            "wasted_core_hours_per_year": null, "wasted_gb_hours_per_year": null,
        }),
    );
}

/// A cluster of ten m5.xlarge for two days, 480 worker hours, of which applications took up 120 on the
/// first day. Memory is full where the cores are not.
#[tokio::test]
async fn a_cluster_is_compared_with_what_its_applications_took_up() {
    let mut lake = TestLake::default();
    let cluster = json!({"platform": "emr", "cluster_id": "c-1", "cluster_name": "cluster", "run_id": "1", "batch_id": "1",
        "ingested_at": "2026-01-05T00:00:00Z"});
    let with = |columns: Value| {
        let mut row = cluster.clone();
        row.as_object_mut()
            .expect("object")
            .extend(columns.as_object().expect("object").clone());
        row
    };
    lake.bookkeeping("cluster_summaries", with(json!({"region": "us-east-1"})));
    lake.bookkeeping("cluster_instances", with(json!({
        "group_id": "g", "role": "CORE", "instance_type": "m5.xlarge", "market": "ON_DEMAND", "instance_hours": 480.0,
        "first_created_at": "2026-01-02T00:00:00Z", "last_ended_at": "2026-01-04T00:00:00Z",
    })));
    lake.bookkeeping("cluster_metrics", with(json!({
        "sampled_at": "2026-01-02T12:00:00Z", "source": "yarn", "total_vcores": 1312.0, "memory_used_ratio": 0.977,
        "vcores_used_ratio": 0.45,
    })));
    lake.application(
        "a",
        json!({"platform": "emr", "core_time_ms": 1_000, "cores_busy_time_ms": 250}),
    );
    lake.row("application_costs", "a", json!({
        "platform": "emr", "basis": "estimated", "deployment": "emr_ec2", "purchase": "on_demand",
        "instance_hours": 120.0, "vcpu_hours": 192.0, "memory_gb_hours": 1440.0,
    }));
    let rows = rows_of(&lake, "cluster_efficiency").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_columns(
        &rows[0],
        json!({
            "app_date": "2026-01-02", "num_applications": 1, "busy_ratio": 0.25, "instance_type": "m5.xlarge",
            "instance_hours": 240.0, "held_instance_hours": 120.0, "utilization_ratio": 0.5,
            "core_share_ratio": 0.2, "memory_share_ratio": 0.5,
            "memory_bound_idle_cores": 1312.0 * 0.527,
            "cluster_usd": 240.0 * 0.24, "held_usd": 28.8, "unused_usd": 28.8,
            // 79 percent on m5: what is often called 70.
            "breakeven_utilization_ratio": 0.24 / (4.0 * 0.052_624 + 16.0 * 0.005_778_5),
            "cheaper_deployment": "emr_serverless", "whole_life_utilization_ratio": 0.25,
        }),
    );
}
