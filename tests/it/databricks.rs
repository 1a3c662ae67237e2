//! Databricks, against a workspace of our own that speaks its wire format.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::RecordBatch;
use chrono::{TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sparklake::discover::databricks::{
    DataPlane, Databricks, DatabricksAuth, DatabricksSource, SERVERLESS,
};
use sparklake::discover::event_logs::{self, EventLogSource};
use sparklake::discover::{
    CallOutcome, CheckOutcome, Cluster, ClusterPlatform, Exploration, ExploreRequest, History,
    LoggedProcess, Window,
};
use sparklake::extract::eventlog::codec::DecodeLimits;
use sparklake::extract::extraction::{ExtractOptions, Identity};
use sparklake::extract::history::{extract, identify};
use sparklake::extract::process_logs::{self, ProcessLogScope, Signatures};
use sparklake::extract::rows::{FactTable, RowCounts, RowSink, SinkError};
use sparklake::http::Secret;
use tokio::runtime::Handle;

use super::doubles::databricks::{CLIENT_ID, CLIENT_SECRET, COOKIE, Served, TOKEN, Workspace};

const CONTEXT: &str = "8880912756278443690";
pub(crate) const DBFS_CLUSTER: &str = "1120-170000-dbfs";
const VOLUME_CLUSTER: &str = "1120-170000-volume";
const PLAIN_CLUSTER: &str = "1120-170000-plain";
const SECRETS: [&str; 4] = [TOKEN, CLIENT_SECRET, COOKIE, "oauth-token-secret"];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs/spark35/local-1795193760469")
}

/// The fixture as a cluster delivers it: two chunks, packed, and the newest events, which are more
/// than DBFS gives at once.
fn delivered(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let log = fs::read_to_string(fixture()).expect("the fixture");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains("SparkListenerLogStart"))
        .collect();
    let third = lines.len() / 3;
    let chunk = |number: usize, lines: &[&str], more: &str| {
        let metadata = json!({"Event": "DBCEventLoggingListenerMetadata",
            "Rollover Number": number, "SparkContext Id": 8_880_912_756_278_443_690_i64});
        format!("{metadata}\n{}\n{more}", lines.join("\n")).into_bytes()
    };
    let padding = json!({"Event": "com.databricks.Padding", "text": "x".repeat(3 << 19)});
    // Names and numbers disagree, as after a step of the clock: numbers are right.
    let first = gzip(&chunk(0, &lines[..third], ""));
    let second = gzip(&chunk(1, &lines[third..2 * third], ""));
    let last = chunk(2, &lines[2 * third..], &format!("{padding}\n"));
    [
        ("eventlog-2026-11-20--18-00.gz", first),
        ("eventlog-2026-11-20--17-00.gz", second),
        ("eventlog", last),
    ]
    .into_iter()
    .map(|(name, content)| (format!("{folder}/{name}"), content))
    .collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn hours_ago(hours: i64) -> i64 {
    (Utc::now() - TimeDelta::hours(hours)).timestamp_millis()
}

/// A job cluster that ended two hours ago, or so many hours before that.
fn job_cluster(id: &str, age: i64, log_conf: Value) -> Value {
    json!({
        "cluster_id": id, "cluster_name": format!("job-11-run-22-{id}"), "state": "TERMINATED",
        "cluster_source": "JOB", "spark_version": "15.4.x-scala2.12", "node_type_id": "r6g.xlarge",
        "driver_node_type_id": "m6g.large", "num_workers": 2, "runtime_engine": "PHOTON",
        "aws_attributes": {"availability": "SPOT_WITH_FALLBACK", "first_on_demand": 1, "zone_id": "eu-west-1b"},
        "start_time": hours_ago(age + 3), "terminated_time": hours_ago(age + 2),
        "termination_reason": {"code": "JOB_FINISHED", "type": "SUCCESS"},
        "spark_context_id": 8_880_912_756_278_443_690_i64, "cluster_log_conf": log_conf,
        "custom_tags": {"team": "orders"},
        "spark_conf": {"spark.hadoop.fs.s3a.secret.key": "never-to-be-seen"},
    })
}

fn task(cluster: &str) -> Value {
    json!({
        "run_id": 23, "task_key": "load", "start_time": hours_ago(3), "end_time": hours_ago(2),
        "execution_duration": 3_000_000, "job_cluster_key": "main",
        "notebook_task": {"notebook_path": "/jobs/load"},
        "cluster_instance": {"cluster_id": cluster, "spark_context_id": CONTEXT},
        "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"},
    })
}

fn run(id: i64, tasks: Value) -> Value {
    json!({
        "job_id": 11, "run_id": id, "run_name": "nightly orders", "run_type": "JOB_RUN",
        "start_time": hours_ago(3), "end_time": hours_ago(2), "creator_user_name": "ann@example.com",
        "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}, "tasks": tasks,
        "job_clusters": [{"job_cluster_key": "main", "new_cluster": {"node_type_id": "r6g.xlarge"}}],
    })
}

/// A workspace with a cluster for each way to deliver logs, and one that delivers none.
pub(crate) fn workspace() -> Workspace {
    let dbfs = json!({"dbfs": {"destination": "dbfs:/cluster-logs"}});
    let volumes = json!({"volumes": {"destination": "/Volumes/main/ops/cluster logs"}});
    let mut files = delivered(&format!(
        "/cluster-logs/{DBFS_CLUSTER}/eventlog/{DBFS_CLUSTER}_10_0_0_1/{CONTEXT}"
    ));
    files.extend(delivered(&format!(
        "/Volumes/main/ops/cluster logs/{VOLUME_CLUSTER}/eventlog/{VOLUME_CLUSTER}_10_0_0_1/{CONTEXT}"
    )));
    let driver = "24/05/01 10:00:00 ERROR X: java.lang.OutOfMemoryError: Java heap space\n";
    for cluster in [
        format!("/cluster-logs/{DBFS_CLUSTER}"),
        format!("/Volumes/main/ops/cluster logs/{VOLUME_CLUSTER}"),
    ] {
        files.insert(
            format!("{cluster}/driver/stderr"),
            driver.as_bytes().to_vec(),
        );
        let executor =
            format!("{cluster}/executor/app-20240501100000-0000/0/stderr--2024-05-01--10-00");
        files.insert(executor, b"No space left on device\n".to_vec());
    }
    let event = |hours: i64, kind: &str, workers: i64| {
        json!({"cluster_id": DBFS_CLUSTER, "timestamp": hours_ago(hours), "type": kind,
            "details": {"current_num_workers": workers}})
    };
    let events = vec![
        event(6, "CREATING", 0),
        event(5, "RUNNING", 2),
        event(4, "UPSIZE_COMPLETED", 4),
        event(3, "TERMINATING", 4),
    ];
    Workspace {
        clusters: vec![
            job_cluster(PLAIN_CLUSTER, 2, Value::Null),
            job_cluster(VOLUME_CLUSTER, 0, volumes),
            job_cluster(DBFS_CLUSTER, 1, dbfs),
        ],
        events: [(DBFS_CLUSTER.to_owned(), events)].into(),
        runs: vec![
            run(22, json!([task(DBFS_CLUSTER)])),
            run(32, json!([task(VOLUME_CLUSTER)])),
            run(
                42,
                json!([{"run_id": 43, "task_key": "light", "start_time": hours_ago(3),
                    "spark_python_task": {"python_file": "/light.py"}, "environment_key": "Default",
                    "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}}]),
            ),
        ],
        files,
        requests_per_token: usize::MAX,
        ..Workspace::default()
    }
}

fn source(served: &Served) -> DatabricksSource {
    let auth = DatabricksAuth::Token(Secret::new(TOKEN));
    let mut source = DatabricksSource::new(served.url.clone(), auth);
    source.http.attempts = 2;
    source.http.first_delay = Duration::from_millis(1);
    source.http.max_delay = Duration::from_millis(2);
    source.http.loading_delay = Duration::from_millis(1);
    source
}

fn platform(source: DatabricksSource) -> Databricks {
    Databricks::new(source).expect("the settings fit")
}

async fn list(platform: &Databricks) -> Vec<Cluster> {
    let listed = platform.list(&Window::default()).await.expect("a list");
    assert!(listed.problems.is_empty(), "{:?}", listed.problems);
    listed.clusters
}

async fn explore(platform: &Databricks, clusters: &[Cluster], id: &str) -> Exploration {
    let cluster = clusters.iter().find(|cluster| cluster.id == id);
    let cluster = cluster.unwrap_or_else(|| panic!("{id} is not in {clusters:?}"));
    let exploration = platform
        .explore(cluster.clone(), &ExploreRequest::default())
        .await;
    let shown = format!("{exploration:?}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(!shown.contains("never-to-be-seen"));
    exploration
}

fn outcome<'e>(exploration: &'e Exploration, name: &str) -> &'e CallOutcome {
    let call = exploration.calls.iter().find(|call| call.name == name);
    &call
        .unwrap_or_else(|| panic!("no {name} in {:?}", exploration.calls))
        .outcome
}

struct Uncounted;

impl RowSink for Uncounted {
    fn write(&mut self, _: &'static str, _: RecordBatch) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Extracts a history as the pipeline does, off the runtime's workers.
async fn rows(history: History) -> (Identity, RowCounts) {
    let runtime = Handle::current();
    let extracted = tokio::task::spawn_blocking(move || {
        let mut identified = identify(&history, &runtime, &DecodeLimits::default()).expect("a log");
        assert_eq!(identified.len(), 1);
        let (history, identity) = identified.remove(0);
        let options = ExtractOptions {
            limits: DecodeLimits::default(),
            threads: 1,
            team: Default::default(),
            batch_id: "b".to_owned(),
            ingested_at: Utc::now(),
        };
        let done = extract(&history, &identity, &options, &runtime, &mut Uncounted).expect("rows");
        assert_eq!(done.bad_lines, 0, "{:?}", done.loss);
        (identity, done.rows)
    });
    extracted.await.expect("no panic")
}

async fn rows_of_fixture() -> (Identity, RowCounts) {
    let source = EventLogSource {
        uris: vec![fixture().display().to_string()],
        ..EventLogSource::default()
    };
    let found = event_logs::discover(&source, &Window::default()).await;
    let history = found.expect("the fixture").histories.remove(0);
    rows(history).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_come_page_by_page_newest_first_and_what_had_none_is_one_too() {
    let served = workspace().serve().await;
    let clusters = list(&platform(source(&served))).await;
    let ids: Vec<&str> = clusters.iter().map(|cluster| cluster.id.as_str()).collect();
    assert_eq!(
        ids,
        [VOLUME_CLUSTER, DBFS_CLUSTER, PLAIN_CLUSTER, SERVERLESS]
    );
    assert_eq!(served.count("/clusters/list"), 2);
    assert_eq!(served.count("/runs/list"), 2);
    let first = &clusters[0];
    assert_eq!(
        first.uri,
        format!("{}compute/clusters/{VOLUME_CLUSTER}", served.url)
    );
    assert_eq!(first.region.as_deref(), Some("eu-west-1"));
    assert_eq!(first.release_label.as_deref(), Some("15.4.x-scala2.12"));
    assert_eq!(first.spark_context_id.as_deref(), Some(CONTEXT));
    assert!(first.is_finished);
    let tag = |name: &str| first.tags.get(name).map(String::as_str);
    assert_eq!(tag("team"), Some("orders"));
    assert_eq!(tag("databricks:runtime_engine"), Some("PHOTON"));
    assert_eq!(tag("databricks:termination_code"), Some("JOB_FINISHED"));

    let mut few = source(&served);
    few.max_clusters = Some(1);
    few.cluster_name_filter = "DBFS".to_owned();
    let clusters = list(&platform(few)).await;
    let ids: Vec<&str> = clusters.iter().map(|cluster| cluster.id.as_str()).collect();
    assert_eq!(ids, [DBFS_CLUSTER, SERVERLESS]);

    let mut shared = source(&served);
    shared.cluster_sources = vec!["UI".to_owned()];
    shared.cluster_states = vec!["RUNNING".to_owned()];
    assert_eq!(list(&platform(shared)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_logs_give_the_rows_of_the_log_from_dbfs_and_from_volumes() {
    let served = workspace().serve().await;
    let platform = platform(source(&served));
    let clusters = list(&platform).await;
    let (expected, expected_rows) = rows_of_fixture().await;
    for (id, run_id) in [(DBFS_CLUSTER, "22"), (VOLUME_CLUSTER, "32")] {
        let exploration = explore(&platform, &clusters, id).await;
        assert!(
            exploration.problems.is_empty(),
            "{:?}",
            exploration.problems
        );
        assert_eq!(*outcome(&exploration, "event_logs"), CallOutcome::Found(1));
        let [history] = exploration.histories.as_slice() else {
            panic!("{:?}", exploration.histories)
        };
        assert!(
            history.uri().starts_with("dbfs://127.0.0.1"),
            "{}",
            history.uri()
        );
        assert!(history.uri().ends_with(CONTEXT));
        assert_eq!(
            (history.layout(), history.in_progress()),
            ("databricks", false)
        );
        assert_eq!(
            (history.cluster_id.as_str(), history.platform.as_str()),
            (id, "databricks")
        );
        let link = history
            .job_run
            .clone()
            .expect("a job cluster's run is known");
        assert_eq!(link.job_run_id, run_id);
        assert_eq!(link.job_key.as_deref(), Some("nightly orders (job 11)"));
        assert!(exploration.job_runs[0].has_spark_history);
        let (mut identity, rows) = rows(history.clone()).await;
        // Only the delivered folder names the context.
        assert!(identity.spark_context_id.take().is_some());
        assert_eq!(identity, expected);
        assert_eq!(rows, expected_rows);
        assert!(rows.of(FactTable::Tasks) > 0);
    }
    let pages = served.count("/dbfs/read");
    assert!(pages >= 4, "{pages} pages of DBFS");
    // The text of 3 files is fetched once; who it is about is known after the first of them.
    let fetched = served.count("/fs/files/");
    assert!((3 + 1..=3 + 3).contains(&fetched), "{fetched} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_shape_become_instances() {
    let served = workspace().serve().await;
    let platform = platform(source(&served));
    let clusters = list(&platform).await;
    let exploration = explore(&platform, &clusters, DBFS_CLUSTER).await;
    assert_eq!(
        *outcome(&exploration, "cluster_events"),
        CallOutcome::Found(4)
    );
    assert_eq!(served.count("/clusters/events"), 2);
    assert_eq!(served.count("/clusters/get"), 0, "the list told all");
    let [driver, workers] = exploration.instances.as_slice() else {
        panic!("{:?}", exploration.instances)
    };
    assert_eq!(
        (driver.role.as_str(), driver.market.as_deref()),
        ("DRIVER", Some("ON_DEMAND"))
    );
    assert_eq!(
        (workers.instance_type.as_str(), workers.total_count),
        ("r6g.xlarge", Some(4))
    );
    let hours = workers.instance_hours.expect("events told");
    assert!((hours - 6.0).abs() < 0.01, "{hours}");
    assert!(exploration.cluster.ready_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_delivery_says_so_and_the_data_plane_is_asked_only_where_wanted() {
    let mut double = workspace();
    let application = json!([{"id": "app-20261120170000-0000", "name": "Databricks Shell",
        "attempts": [{"startTimeEpoch": hours_ago(5), "endTimeEpoch": hours_ago(4),
            "lastUpdatedEpoch": hours_ago(4), "startTime": "2026-11-20T17:00:00.000GMT",
            "endTime": "2026-11-20T18:00:00.000GMT", "lastUpdated": "2026-11-20T18:00:00.000GMT",
            "duration": 3_600_000, "sparkUser": "root", "completed": true, "appSparkVersion": "3.5.0"}]}]);
    let path = format!("{PLAIN_CLUSTER}/driver-{CONTEXT}/api/v1/applications");
    double.spark_ui.insert(path, application);
    let served = double.serve().await;
    let without = platform(source(&served));
    let clusters = list(&without).await;
    let exploration = explore(&without, &clusters, PLAIN_CLUSTER).await;
    let CallOutcome::Skipped(reason) = outcome(&exploration, "event_logs") else {
        panic!("{:?}", exploration.calls)
    };
    assert!(reason.contains("set cluster_log_conf"), "{reason}");
    assert!(exploration.histories.is_empty() && exploration.problems.is_empty());
    assert_eq!(served.count("/sparkui/"), 0);

    let mut wanted = source(&served);
    wanted.data_plane = Some(DataPlane {
        url: served.url.clone(),
        cookie: Secret::new(COOKIE),
    });
    let with = platform(wanted.clone());
    let clusters = list(&with).await;
    let exploration = explore(&with, &clusters, PLAIN_CLUSTER).await;
    let [history] = exploration.histories.as_slice() else {
        panic!("{exploration:?}")
    };
    let base = format!(
        "{}sparkui/{PLAIN_CLUSTER}/driver-{CONTEXT}/api/v1",
        served.url
    );
    assert!(history.uri().starts_with(&base), "{}", history.uri());
    assert_eq!(history.cluster_id, PLAIN_CLUSTER);
    assert_eq!(*outcome(&exploration, "spark_ui"), CallOutcome::Found(1));

    wanted.data_plane = Some(DataPlane {
        url: served.url.clone(),
        cookie: Secret::new("an expired one"),
    });
    let expired = platform(wanted);
    let clusters = list(&expired).await;
    let exploration = explore(&expired, &clusters, PLAIN_CLUSTER).await;
    let CallOutcome::Failed { code, retryable } = outcome(&exploration, "spark_ui") else {
        panic!("{:?}", exploration.calls)
    };
    assert_eq!((code.as_str(), *retryable), ("LOGIN_PAGE", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_principals_token_is_renewed_when_it_wears_out() {
    let mut double = workspace();
    double.requests_per_token = 3;
    let served = double.serve().await;
    let mut principal = source(&served);
    principal.auth = DatabricksAuth::OAuthM2m {
        client_id: CLIENT_ID.to_owned(),
        client_secret: Secret::new(CLIENT_SECRET),
    };
    let platform = platform(principal.clone());
    let clusters = list(&platform).await;
    let exploration = explore(&platform, &clusters, DBFS_CLUSTER).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    let (_, found) = rows(exploration.histories[0].clone()).await;
    assert_eq!(found, rows_of_fixture().await.1);
    let tokens = served.workspace().seen.tokens_given;
    assert!(tokens >= 4, "{tokens} tokens");

    principal.auth = DatabricksAuth::OAuthM2m {
        client_id: CLIENT_ID.to_owned(),
        client_secret: Secret::new("old-secret-of-the-principal"),
    };
    let wrong = self::platform(principal);
    let error = wrong.list(&Window::default()).await.expect_err("refused");
    assert!(
        error.code().contains("OAUTH_INVALID_CLIENT"),
        "{}",
        error.code()
    );
    let said = error.to_string();
    assert!(
        said.contains("OAuth secret of the service principal"),
        "{said}"
    );
    assert!(!said.contains("old-secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_and_login_pages_are_named_with_their_cure() {
    let served = workspace().serve().await;
    let mut wrong = source(&served);
    wrong.auth = DatabricksAuth::Token(Secret::new("dapi-of-last-year"));
    let error = platform(wrong)
        .list(&Window::default())
        .await
        .expect_err("refused");
    let said = error.to_string();
    assert_eq!(error.code(), "DATABRICKS_UNAUTHENTICATED");
    assert!(
        said.contains("/api/2.1/clusters/list") && said.contains("has expired"),
        "{said}"
    );
    assert!(!said.contains("last-year"), "{said}");

    let mut double = workspace();
    let page = "<html><head><title>Databricks - Sign In</title></head><body></body></html>";
    double
        .refusals
        .insert("/clusters/list", (200, page.to_owned()));
    let served = double.serve().await;
    let error = platform(source(&served))
        .list(&Window::default())
        .await
        .expect_err("a page");
    assert!(
        matches!(error.code().as_str(), "LOGIN_PAGE" | "NOT_JSON"),
        "{}",
        error.code()
    );
    assert!(
        error
            .to_string()
            .contains("the token is not of this workspace"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_missing_permission_does_not_hide_the_rest() {
    let mut double = workspace();
    let denied = json!({"error_code": "PERMISSION_DENIED", "message": "not yours"}).to_string();
    double
        .refusals
        .insert("/clusters/events", (403, denied.clone()));
    double
        .refusals
        .insert("/fs/directories/Volumes", (403, denied));
    let served = double.serve().await;
    let platform = platform(source(&served));
    let clusters = list(&platform).await;
    let exploration = explore(&platform, &clusters, DBFS_CLUSTER).await;
    let denied = CallOutcome::Failed {
        code: "DATABRICKS_PERMISSION_DENIED".to_owned(),
        retryable: false,
    };
    assert_eq!(*outcome(&exploration, "cluster_events"), denied);
    assert_eq!(exploration.histories.len(), 1);
    assert_eq!(exploration.problems.len(), 1);
    let said = exploration.problems[0].error.to_string();
    assert!(
        said.contains("POST /api/2.1/clusters/events") && said.contains("CAN ATTACH TO"),
        "{said}"
    );

    let exploration = explore(&platform, &clusters, VOLUME_CLUSTER).await;
    let CallOutcome::Failed { code, .. } = outcome(&exploration, "event_logs") else {
        panic!("{:?}", exploration.calls)
    };
    assert_eq!(code, "LOGS_PERMISSION_DENIED");
    let problems = format!("{:?}", exploration.problems);
    assert!(problems.contains("READ VOLUME"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_a_cluster_are_listed_with_their_reason() {
    let served = workspace().serve().await;
    let platform = platform(source(&served));
    let clusters = list(&platform).await;
    let exploration = explore(&platform, &clusters, SERVERLESS).await;
    let [run] = exploration.job_runs.as_slice() else {
        panic!("{:?}", exploration.job_runs)
    };
    assert_eq!(
        (run.job_run_id.as_str(), run.has_spark_history),
        ("42", false)
    );
    let reason = run.no_history_reason.as_deref().unwrap_or_default();
    assert!(reason.contains("serverless"), "{reason}");
    assert!(matches!(
        outcome(&exploration, "event_logs"),
        CallOutcome::Skipped(_)
    ));
    assert_eq!(served.count("/runs/list"), 2, "runs are listed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_clusters_that_the_list_forgot_are_found_by_their_runs() {
    let mut double = workspace();
    double.clusters.clear();
    let log_conf = json!({"dbfs": {"destination": "dbfs:/cluster-logs"}});
    double.runs[0]["job_clusters"][0]["new_cluster"]["cluster_log_conf"] = log_conf;
    let served = double.serve().await;
    let platform = platform(source(&served));
    let clusters = list(&platform).await;
    assert_eq!(clusters.len(), 3);
    let exploration = explore(&platform, &clusters, DBFS_CLUSTER).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(exploration.histories.len(), 1);
    assert!(matches!(
        outcome(&exploration, "cluster"),
        CallOutcome::Skipped(_)
    ));
    assert!(exploration.cluster.is_finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_may_be_read_from_another_place() {
    let folder = super::world::folder("databricks_destination");
    for (path, content) in delivered(&format!("{DBFS_CLUSTER}/eventlog/a/{CONTEXT}")) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    let served = workspace().serve().await;
    let mut elsewhere = source(&served);
    let place = folder.display().to_string();
    elsewhere.destinations = [("dbfs:/cluster-logs".to_owned(), place)].into();
    let platform = platform(elsewhere);
    let clusters = list(&platform).await;
    let exploration = explore(&platform, &clusters, DBFS_CLUSTER).await;
    let (_, found) = rows(exploration.histories[0].clone()).await;
    assert_eq!(found, rows_of_fixture().await.1);
    assert_eq!(served.count("/dbfs/"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_driver_and_executors_tell_of_known_troubles() {
    let served = workspace().serve().await;
    let mut curious = source(&served);
    curious.read_process_logs = true;
    let platform = platform(curious);
    let clusters = list(&platform).await;
    for id in [DBFS_CLUSTER, VOLUME_CLUSTER] {
        let exploration = explore(&platform, &clusters, id).await;
        let places = exploration.histories[0].process_logs.clone();
        let runtime = Handle::current();
        let scanned = tokio::task::spawn_blocking(move || {
            let limits = process_logs::ProcessLogLimits::default();
            let signatures = Signatures::built_in();
            process_logs::scan(
                &places,
                &ProcessLogScope::default(),
                &limits,
                signatures,
                &runtime,
            )
        });
        let scan = scanned.await.expect("no panic");
        assert!(scan.problems.is_empty(), "{:?}", scan.problems);
        let found: Vec<_> = scan
            .findings
            .iter()
            .map(|finding| (finding.signature.id.as_str(), finding.process))
            .collect();
        let expected = [
            ("java_heap_out_of_memory", LoggedProcess::Driver),
            ("no_space_left", LoggedProcess::Executor),
        ];
        assert_eq!(found, expected, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_sees_what_works_and_what_does_not() {
    let mut double = workspace();
    let denied = json!({"error_code": "PERMISSION_DENIED", "message": "not yours"}).to_string();
    double.refusals.insert("/jobs/runs/list", (403, denied));
    let served = double.serve().await;
    let checks = platform(source(&served)).check().await;
    let failed: Vec<_> = checks
        .iter()
        .filter_map(|check| match &check.outcome {
            CheckOutcome::Failed { cure, .. } => Some((check.subject.as_str(), cure.as_str())),
            _ => None,
        })
        .collect();
    let [(subject, cure)] = failed.as_slice() else {
        panic!("{checks:?}")
    };
    assert_eq!(*subject, "GET /api/2.2/jobs/runs/list");
    assert!(cure.contains("CAN VIEW"), "{cure}");
    let passed = |subject: &str| {
        let check = checks.iter().find(|check| check.subject.contains(subject));
        check.is_some_and(|check| matches!(check.outcome, CheckOutcome::Passed(_)))
    };
    assert!(passed("credentials") && passed("clusters/list") && passed("clusters/events"));
    assert!(passed("delivered event logs"), "{checks:?}");
}
