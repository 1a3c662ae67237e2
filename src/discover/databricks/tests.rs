//! What needs no workspace: lives, shapes, links and refusals.

use serde_json::{Value, json};

use super::api::{ClusterEvent, Run};
use super::events::Lifetime;
use super::*;
use crate::discover::{ClusterInstances, JobRun};

fn details(json: Value) -> ClusterDetails {
    serde_json::from_value(json).expect("a cluster")
}

fn events(json: Value) -> Vec<ClusterEvent> {
    serde_json::from_value(json).expect("events")
}

fn at(hour: i64) -> i64 {
    1_714_500_000_000 + hour * 3_600_000
}

/// Ready at 0 h with 2 workers, 6 from 1 h to 3 h, one lost, down at 4 h; up again from 10 h to 11 h.
fn life() -> Lifetime {
    Lifetime::of(&events(json!([
        {"timestamp": at(0) - 1, "type": "CREATING", "details": {"cluster_size": {"num_workers": 2}}},
        {"timestamp": at(0), "type": "RUNNING", "details": {"current_num_workers": 2, "target_num_workers": 2}},
        {"timestamp": at(1), "type": "UPSIZE_COMPLETED", "details": {"current_num_workers": 6}},
        {"timestamp": at(2), "type": "DRIVER_HEALTHY", "details": {}},
        {"timestamp": at(3), "type": "NODES_LOST", "details": {"current_num_workers": 5}},
        {"timestamp": at(4), "type": "TERMINATING", "details": {"reason": {"code": "INACTIVITY"}}},
        {"timestamp": at(9), "type": "STARTING"},
        {"timestamp": at(10), "type": "RUNNING", "details": {"current_num_workers": 1}},
        {"timestamp": at(11), "type": "TERMINATING"},
    ])))
}

#[test]
fn events_tell_the_hours_of_driver_and_workers() {
    let life = life();
    let now = Utc::now();
    assert_eq!(life.driver_hours(now), 5.0);
    assert_eq!(life.worker_hours(now, 0, i64::MAX), 2.0 + 12.0 + 5.0 + 1.0);
    assert_eq!(life.most_workers(), Some(6));
    assert_eq!(life.workers_now(), None);
    assert_eq!(
        life.ready_at().map(|time| time.timestamp_millis()),
        Some(at(0))
    );
    assert_eq!(
        life.down_at().map(|time| time.timestamp_millis()),
        Some(at(11))
    );
    let still_up = Lifetime::of(&events(json!([{"timestamp": at(0), "type": "RUNNING"}])));
    let two_hours_later = DateTime::from_timestamp_millis(at(2)).expect("a time");
    assert_eq!(still_up.driver_hours(two_hours_later), 2.0);
    assert_eq!(Lifetime::of(&[]).driver_hours(now), 0.0);
    let begun_long_ago = Lifetime::of(&events(json!([
        {"timestamp": at(0), "type": "RESIZING", "details": {"current_num_workers": 3}},
        {"timestamp": at(2), "type": "TERMINATING"},
    ])));
    assert_eq!(begun_long_ago.worker_hours(now, 0, i64::MAX), 6.0);
    assert_eq!(begun_long_ago.ready_at(), None);
}

fn groups(json: Value, life: Option<&Lifetime>) -> Vec<ClusterInstances> {
    let details = details(json);
    let cluster = clusters::to_cluster("https://w", &details);
    clusters::instances(&cluster, &details, life)
}

#[test]
fn ids_that_could_lead_elsewhere_are_no_ids() {
    for (id, is_plain) in [
        ("1120-170000-abc12xyz", true),
        ("../../etc", false),
        ("a/b", false),
        ("", false),
        ("a?b", false),
    ] {
        assert_eq!(api::is_plain_id(id), is_plain, "{id}");
    }
    let index = index(json!([{"run_id": 1, "cluster_instance": {"cluster_id": "../x"}}]));
    assert!(index.on_cluster("../x").is_empty());
}

#[test]
fn spot_clusters_keep_their_first_nodes_on_demand() {
    let life = life();
    let found = groups(
        json!({
            "cluster_id": "c", "state": "TERMINATED", "node_type_id": "r6g.xlarge",
            "driver_node_type_id": "m6g.large", "autoscale": {"min_workers": 1, "max_workers": 8},
            "aws_attributes": {"availability": "SPOT_WITH_FALLBACK", "first_on_demand": 3,
                "zone_id": "eu-west-1b", "spot_bid_price_percent": 100,
                "ebs_volume_count": 2, "ebs_volume_size": 100}
        }),
        Some(&life),
    );
    let seen: Vec<_> = found
        .iter()
        .map(|g| {
            let market = g.market.as_deref().unwrap_or_default();
            (
                g.group_id.as_str(),
                g.instance_type.as_str(),
                market,
                g.requested_count,
                g.total_count,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("driver", "m6g.large", "ON_DEMAND", Some(1), Some(1)),
            (
                "workers_on_demand",
                "r6g.xlarge",
                "ON_DEMAND",
                Some(2),
                Some(2)
            ),
            ("workers_spot", "r6g.xlarge", "SPOT", Some(6), Some(4)),
        ]
    );
    let hours: Vec<_> = found.iter().map(|g| g.instance_hours).collect();
    assert_eq!(
        hours,
        [Some(5.0), Some(2.0 + 4.0 + 2.0 + 1.0), Some(8.0 + 3.0)]
    );
    assert!(
        found
            .iter()
            .all(|g| g.running_count == Some(0) && g.ebs_gb == Some(200))
    );
    assert_eq!(
        found.last().and_then(|g| g.bid_price_percentage),
        Some(100.0)
    );
}

#[test]
fn azure_google_and_single_node_clusters_have_their_shapes() {
    let azure = groups(
        json!({"cluster_id": "c", "state": "RUNNING", "node_type_id": "Standard_D8s_v3",
            "num_workers": 4, "driver": {"node_id": "n"}, "executors": [{}, {}, {}],
            "azure_attributes": {"availability": "ON_DEMAND_AZURE", "first_on_demand": 1}}),
        None,
    );
    let seen: Vec<_> = azure
        .iter()
        .map(|g| (g.role.as_str(), g.market.as_deref(), g.running_count))
        .collect();
    let market = Some("ON_DEMAND");
    assert_eq!(
        seen,
        [("DRIVER", market, Some(1)), ("WORKER", market, Some(3))]
    );
    assert!(azure.iter().all(|g| g.instance_hours.is_none()));
    let single = groups(
        json!({"cluster_id": "c", "node_type_id": "n2-standard-4", "num_workers": 0,
            "gcp_attributes": {"availability": "PREEMPTIBLE_GCP", "zone_id": "europe-west1-b"}}),
        None,
    );
    assert_eq!(single.len(), 1);
    assert_eq!(single[0].market.as_deref(), Some("SPOT"));
}

#[test]
fn regions_come_from_zones_where_zones_tell() {
    for (zone, region) in [
        ("us-west-2a", Some("us-west-2")),
        ("europe-west1-b", Some("europe-west1")),
        ("auto", None),
        ("1", None),
        ("", None),
        ("é", None),
    ] {
        let details = details(json!({"cluster_id": "c", "aws_attributes": {"zone_id": zone}}));
        let cluster = clusters::to_cluster("https://w", &details);
        assert_eq!(cluster.region.as_deref(), region, "{zone}");
    }
}

#[test]
fn a_cluster_is_finished_when_its_last_log_is_delivered() {
    let ended = |minutes_ago: i64| {
        let end = Utc::now() - TimeDelta::minutes(minutes_ago);
        let json = json!({"cluster_id": "c", "state": "TERMINATED",
            "terminated_time": end.timestamp_millis()});
        clusters::to_cluster("https://w", &details(json))
    };
    assert!(ended(20).is_finished);
    assert!(!ended(5).is_finished);
    assert!(ended(5).ended_at.is_some());
    let running = json!({"cluster_id": "c", "state": "RUNNING", "terminated_time": 5});
    let running = clusters::to_cluster("https://w", &details(running));
    assert!(!running.is_finished && running.ended_at.is_none());
}

fn index(runs: Value) -> RunIndex {
    let runs: Vec<Run> = serde_json::from_value(runs).expect("runs");
    let mut index = RunIndex::default();
    runs.into_iter().for_each(|run| index.add(run));
    index
}

fn two_clusters() -> RunIndex {
    index(json!([{
        "job_id": 11, "run_id": 22, "run_name": "nightly", "run_type": "JOB_RUN", "start_time": at(0),
        "creator_user_name": "ann", "queue_duration": 7,
        "state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED"},
        "job_clusters": [{"job_cluster_key": "main", "new_cluster": {"node_type_id": "m6g.large"}}],
        "tasks": [
            {"run_id": 23, "task_key": "a", "job_cluster_key": "main", "start_time": at(0), "end_time": at(1),
             "execution_duration": 3_000_000, "notebook_task": {"notebook_path": "/jobs/a"},
             "cluster_instance": {"cluster_id": "c1", "spark_context_id": "8880912756278443690"},
             "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}},
            {"run_id": 24, "task_key": "b", "job_cluster_key": "main", "start_time": at(1), "end_time": at(2),
             "execution_duration": 1_000_000,
             "cluster_instance": {"cluster_id": "c1", "spark_context_id": "8880912756278443690"},
             "state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED", "state_message": "boom"}},
            {"run_id": 25, "task_key": "c", "start_time": at(1), "end_time": at(2),
             "spark_python_task": {"python_file": "/c.py"}, "environment_key": "Default",
             "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}},
            {"run_id": 26, "task_key": "d", "run_job_task": {"job_id": 3}, "start_time": at(1)}
        ]
    }]))
}

#[test]
fn a_run_is_one_row_on_each_cluster_and_one_without() {
    let index = two_clusters();
    let rows: Vec<JobRun> = index
        .on_cluster("c1")
        .iter()
        .map(RunOnCluster::to_job_run)
        .collect();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(row.job_run_id, "22");
    assert_eq!(row.job_id.as_deref(), Some("11"));
    assert_eq!(row.execution_seconds, Some(4_000));
    assert_eq!(row.status, "FAILED");
    assert_eq!(row.status_reason.as_deref(), Some("task b: FAILED boom"));
    assert_eq!(row.entry_point.as_deref(), Some("/jobs/a"));
    assert_eq!(
        row.ended_at.map(|time| time.timestamp_millis()),
        Some(at(2))
    );
    let without: Vec<JobRun> = index
        .without_cluster()
        .iter()
        .map(RunOnCluster::to_job_run)
        .collect();
    let [serverless] = without.as_slice() else {
        panic!("{without:?}")
    };
    assert_eq!(serverless.job_run_id, "22");
    assert!(!serverless.has_spark_history);
    let reason = serverless.no_history_reason.as_deref().unwrap_or_default();
    assert!(reason.contains("serverless compute"), "{reason}");
    assert_eq!(serverless.entry_point.as_deref(), Some("/c.py"));
}

#[test]
fn histories_find_their_run_and_job() {
    let index = two_clusters();
    let runs = index.on_cluster("c1");
    let job_cluster = details(
        json!({"cluster_id": "c1", "cluster_name": "job-11-run-22-main",
        "cluster_source": "JOB", "default_tags": {"RunName": "nightly"}}),
    );
    let cluster = clusters::to_cluster("https://w", &job_cluster);
    let link = |runs: &[RunOnCluster], details: &ClusterDetails, context: Option<&str>| {
        runs::link(&cluster, details, runs, context, false)
            .map(|link| (link.job_run_id, link.job_key.unwrap_or_default()))
    };
    let expected = Some(("22".to_owned(), "nightly (job 11)".to_owned()));
    let context = Some("8880912756278443690");
    assert_eq!(link(runs, &job_cluster, context), expected);
    assert_eq!(link(runs, &job_cluster, None), expected);
    assert_eq!(
        link(&[], &job_cluster, None),
        expected,
        "by the cluster's name"
    );
    let shared = details(json!({"cluster_id": "c1", "cluster_source": "UI"}));
    assert_eq!(link(runs, &shared, context), None);
}

#[test]
fn submitted_runs_recur_by_their_name_without_its_numbers() {
    let key = |name: &str| {
        let index = index(
            json!([{"job_id": 77, "run_id": 1, "run_name": name, "run_type": "SUBMIT_RUN",
            "cluster_instance": {"cluster_id": "c", "spark_context_id": "5"}}]),
        );
        index.on_cluster("c")[0].job_key()
    };
    assert_eq!(
        key("load_orders 2026-11-20").as_deref(),
        Some("load_orders #-#-#")
    );
    assert_eq!(key("load_orders 2026-11-20"), key("load_orders 2026-11-21"));
    assert_eq!(key(""), None);
}

#[test]
fn a_runs_word_for_its_cluster_stands_in_for_a_forgotten_one() {
    let index = two_clusters();
    let (id, run) = index.job_clusters().next().expect("one");
    let details = run.cluster_details(id).expect("known");
    assert_eq!(details.node_type_id.as_deref(), Some("m6g.large"));
    assert_eq!(details.cluster_name.as_deref(), Some("job-11-run-22"));
    assert_eq!(
        details.spark_context_id.as_deref(),
        Some("8880912756278443690")
    );
    assert_eq!(details.state.as_deref(), Some("TERMINATED"));
}

#[test]
fn refusals_bear_the_workspaces_code_and_a_cure() {
    let explain = |status, body: &str| {
        let error = HttpError::Status {
            url: "GET https://w/api/2.1/clusters/list".to_owned(),
            status,
            message: body.to_owned(),
            cure: "ask".to_owned(),
        };
        refusal::explain("https://w", api::LIST_CLUSTERS, error)
    };
    let cases = [
        (
            403,
            r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#,
            "DATABRICKS_PERMISSION_DENIED",
            "CAN ATTACH TO",
        ),
        (
            401,
            r#"{"error_code":401,"message":"Token is expired"}"#,
            "HTTP_401",
            "has expired",
        ),
        (
            403,
            r#"{"error_code":"PERMISSION_DENIED","message":"cut o"#,
            "DATABRICKS_PERMISSION_DENIED",
            "CAN ATTACH TO",
        ),
        (
            429,
            r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow"}"#,
            "DATABRICKS_REQUEST_LIMIT_EXCEEDED",
            "max_cluster_threads",
        ),
        (404, "<html>", "HTTP_404", "workspace URL"),
        (
            503,
            r#"{"error_code":"TEMPORARILY_UNAVAILABLE"}"#,
            "DATABRICKS_TEMPORARILY_UNAVAILABLE",
            "later",
        ),
        (
            403,
            "PERMISSION_DENIED: no",
            "DATABRICKS_PERMISSION_DENIED",
            "CAN ATTACH TO",
        ),
        (
            400,
            r#"{"error_code":"'; DROP","message":"x"}"#,
            "HTTP_400",
            "message",
        ),
    ];
    for (status, body, code, cure) in cases {
        let error = explain(status, body);
        assert_eq!(error.code(), code, "{body}");
        assert!(error.to_string().contains(cure), "{error}");
        assert_eq!(error.is_retryable(), matches!(status, 429 | 503), "{body}");
    }
    let gone = "INVALID_PARAMETER_VALUE: Cluster 1 does not exist";
    assert!(refusal::is_gone(&explain(400, gone)));
    let gone = r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"Cluster 1 does not exist"}"#;
    assert!(refusal::is_gone(&explain(400, gone)));
    assert!(!refusal::is_gone(&explain(
        400,
        r#"{"error_code":"INVALID_PARAMETER_VALUE"}"#
    )));
}

#[test]
fn the_source_shows_no_secret() {
    let url = Url::parse("https://user:pass@w.cloud.databricks.com/x?o=1#y").expect("a URL");
    let mut source = DatabricksSource::new(
        url,
        DatabricksAuth::OAuthM2m {
            client_id: "id".to_owned(),
            client_secret: Secret::new("s3cret"),
        },
    );
    source.data_plane = Some(DataPlane {
        url: Url::parse("https://dp").expect("a URL"),
        cookie: Secret::new("c00kie"),
    });
    let platform = Databricks::new(source).expect("fits");
    assert_eq!(
        platform.describe(),
        "databricks https://w.cloud.databricks.com"
    );
    let shown = format!("{platform:?}");
    for secret in ["s3cret", "c00kie", "pass@"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
