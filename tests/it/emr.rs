//! EMR on EC2, against a double of an account and against moto.

mod moto;

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use sparklake::discover::aws::{AwsKeys, AwsSettings};
use sparklake::discover::emr::{Emr, EmrSource};
use sparklake::discover::{
    CallOutcome, CheckOutcome, Cluster, ClusterPlatform, Content, Exploration, ExploreRequest,
    History, LoggedProcess, Window,
};
use sparklake::http::Secret;

use super::doubles::emr::{Account, Application, Cluster as Double, Running, Ui, at};
use super::world::{RENAMED, fixtures};

const NIGHT: &str = "j-1NIGHTLYETL00";
const OTHER: &str = "j-2ADHOCQUERIES";

/// A source that asks a double, with little patience.
fn source(server: &Running) -> EmrSource {
    let mut source = EmrSource {
        aws: aws(&server.endpoint()),
        persistent_ui_timeout: Duration::from_millis(900),
        storage_options: HashMap::from([
            ("aws_endpoint".to_owned(), server.s3_endpoint()),
            ("aws_allow_http".to_owned(), "true".to_owned()),
        ]),
        ..EmrSource::default()
    };
    source.http.first_delay = Duration::from_millis(5);
    source.http.max_delay = Duration::from_millis(20);
    source
}

fn aws(endpoint: &str) -> AwsSettings {
    AwsSettings {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some(endpoint.to_owned()),
        keys: Some(AwsKeys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("secretkey"),
            session_token: None,
        }),
        timeout: Duration::from_secs(10),
        ..AwsSettings::default()
    }
}

async fn clusters(source: EmrSource) -> Vec<Cluster> {
    let emr = Emr::connect(source).await.expect("connected");
    emr.list(&Window::default()).await.expect("a list").clusters
}

fn ids(clusters: &[Cluster]) -> Vec<&str> {
    clusters.iter().map(|cluster| cluster.id.as_str()).collect()
}

/// Explores the only cluster of an account.
async fn explore(source: EmrSource) -> Exploration {
    let emr = Emr::connect(source).await.expect("connected");
    let list = emr.list(&Window::default()).await.expect("a list");
    let [cluster] = &list.clusters[..] else {
        panic!("{:?}", ids(&list.clusters));
    };
    emr.explore(cluster.clone(), &ExploreRequest::default())
        .await
}

/// What came of a call: `12`, `skipped`, or the code of its failure.
fn outcome(exploration: &Exploration, name: &str) -> String {
    let call = exploration.calls.iter().find(|call| call.name == name);
    match call.map(|call| &call.outcome) {
        Some(CallOutcome::Found(count)) => count.to_string(),
        Some(CallOutcome::Skipped(_)) => "skipped".to_owned(),
        Some(CallOutcome::Failed { code, .. }) => code.clone(),
        None => "not called".to_owned(),
    }
}

fn uris(exploration: &Exploration) -> Vec<&str> {
    exploration.histories.iter().map(History::uri).collect()
}

fn application(number: usize) -> Application {
    Application::new(
        &format!("application_1795136640000_{number:04}"),
        "nightly",
        "2026-11-20T01:10:00Z",
        "2026-11-20T02:10:00Z",
    )
}

#[tokio::test]
async fn a_whole_cluster_is_told_by_its_history_server() {
    let server = Account::new()
        .page_size(2)
        .cluster(
            Double::new(NIGHT, "nightly etl")
                .step("s-1", "load", &["application_1795136640000_0001"])
                .step("s-2", "train", &["application_1795136640000_0002"])
                .step("s-3", "report", &[])
                .application(application(1))
                .application(application(2).attempt("1"))
                .sample("2026-11-20T01:15:00Z", 97.0)
                .sample("2026-11-20T01:20:00Z", 98.0)
                .ui(Ui::AttachesAfter(2)),
        )
        .start();
    let exploration = explore(source(&server)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    let cluster = &exploration.cluster;
    assert_eq!(cluster.name, "nightly etl");
    assert_eq!(cluster.release_label.as_deref(), Some("emr-7.5.0"));
    assert_eq!(cluster.normalized_instance_hours, Some(16));
    assert_eq!(cluster.tags["team"], "data");
    assert!(cluster.is_finished);
    assert_eq!(cluster.ended_at, Some(at("2026-11-20T03:00:00Z")));

    let prefix = format!("arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/{NIGHT}");
    let mut found = uris(&exploration);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            format!("{prefix}/applications/application_1795136640000_0001"),
            format!("{prefix}/applications/application_1795136640000_0002/1"),
        ]
    );
    for history in &exploration.histories {
        assert_eq!(history.cluster_id, NIGHT);
        assert_eq!(history.platform.as_str(), "emr");
        let Content::Server(application) = &history.content else {
            panic!("not of a server");
        };
        let step = history.job_run.as_ref().expect("a step");
        let number = application.application_id.chars().last();
        assert_eq!(step.job_run_id.chars().last(), number);
    }

    assert_eq!(exploration.instances.len(), 2);
    let core = &exploration.instances[0];
    assert_eq!((core.role.as_str(), core.total_count), ("CORE", Some(2)));
    assert_eq!(core.instance_hours, Some(4.0));
    assert_eq!(core.ebs_gb, Some(128));

    assert_eq!(exploration.job_runs.len(), 3);
    let load = exploration
        .job_runs
        .iter()
        .find(|run| run.job_run_id == "s-1");
    let load = load.expect("the first step");
    assert_eq!(load.entry_point.as_deref(), Some("s3://code/job.py"));
    assert_eq!(load.execution_seconds, Some(3_600));
    assert_eq!(load.queued_ms, Some(30_000));
    assert!(load.has_spark_history);

    assert_eq!(exploration.metrics.len(), 2);
    let sample = &exploration.metrics[0];
    assert_eq!(sample.sampled_at, at("2026-11-20T01:15:00Z"));
    assert_eq!(sample.allocated_memory_mb, Some(97.0));
    assert_eq!(sample.pending_containers, Some(97.0));
    assert_eq!(sample.lost_nodes, None, "never reported");
    assert_eq!(outcome(&exploration, "cloudwatch_metrics"), "2");
}

#[tokio::test]
async fn clusters_are_filtered_sorted_and_only_then_limited() {
    let names = ["etl a", "ETL b", "etl c", "query", "etl d"];
    let mut account = Account::new().page_size(2);
    for (number, name) in names.iter().enumerate() {
        let created = format!("2026-11-1{number}T01:00:00Z");
        let ended = format!("2026-11-1{number}T03:00:00Z");
        account = account.cluster(
            Double::new(&format!("j-{number}AAAAAAAAAA"), name)
                .state("TERMINATED", &created, &created, &ended)
                .hours(number as i64 * 10),
        );
    }
    let server = account.start();
    let mut wanted = source(&server);
    wanted.cluster_name_filter = Some("etl".to_owned());
    wanted.custom_hours_threshold = 10;
    wanted.max_clusters = Some(2);
    assert_eq!(
        ids(&clusters(wanted.clone()).await),
        ["j-4AAAAAAAAAA", "j-2AAAAAAAAAA"]
    );
    let emr = Emr::connect(wanted).await.expect("connected");
    let window = Window {
        since: Some(at("2026-11-11T02:00:00Z")),
        until: Some(at("2026-11-12T01:00:00Z")),
    };
    let list = emr.list(&window).await.expect("a list");
    assert_eq!(ids(&list.clusters), ["j-1AAAAAAAAAA"]);
}

#[tokio::test]
async fn clusters_that_run_since_before_the_window_are_listed_too() {
    let (created, none) = ("2026-10-01T00:00:00Z", "");
    let server = Account::new()
        .cluster(Double::new("j-OLDANDALIVE", "a").state("WAITING", created, created, none))
        .cluster(Double::new("j-OLDANDDEAD0", "b").state("TERMINATED", created, created, created))
        .cluster(Double::new(NIGHT, "c"))
        .start();
    let mut wanted = source(&server);
    wanted.created_after = Some(at("2026-11-19T00:00:00Z"));
    assert_eq!(ids(&clusters(wanted).await), [NIGHT, "j-OLDANDALIVE"]);
}

#[tokio::test]
async fn a_named_cluster_is_described_and_nothing_is_listed() {
    let server = Account::new()
        .cluster(Double::new(NIGHT, "a"))
        .cluster(Double::new(OTHER, "b"))
        .start();
    let mut wanted = source(&server);
    wanted.cluster_arns = vec![
        format!("arn:aws-us-gov:elasticmapreduce:eu-west-1:1:cluster/{OTHER}"),
        "j-0UNKNOWN".to_owned(),
    ];
    let emr = Emr::connect(wanted).await.expect("connected");
    let list = emr.list(&Window::default()).await.expect("a list");
    assert_eq!(ids(&list.clusters), [OTHER]);
    assert_eq!(list.problems.len(), 1);
    assert_eq!(list.problems[0].error.code(), "AWS_InvalidRequestException");
    assert_eq!(server.calls("ListClusters"), 0);
}

/// The fortieth part of a night: five applications, each with a log.
fn one_of_forty(number: usize) -> Double {
    let id = format!("j-{number:02}OFFORTYEMR");
    let mut cluster = Double::new(&id, "nightly");
    for application in 0..5 {
        let id = format!("application_17951366{number:02}000_{application:04}");
        let (start, end) = ("2026-11-20T01:10:00Z", "2026-11-20T02:10:00Z");
        cluster = cluster.application(Application::new(&id, "etl", start, end).log(b"log"));
    }
    cluster
}

/// Downloads the log of an application.
async fn download(history: &History) -> Vec<u8> {
    let Content::Server(application) = &history.content else {
        panic!("{} is not of a server", history.uri());
    };
    let path = format!("api/v1/{}/logs", application.path());
    let mut log = Vec::new();
    let restart = |log: &mut Vec<u8>| {
        log.clear();
        Ok(())
    };
    let downloaded = application
        .client
        .download("logs", &path, &mut log, restart, 100 << 20);
    downloaded.await.expect("a log");
    log
}

#[tokio::test]
async fn forty_clusters_are_told_though_calls_are_throttled_and_sessions_expire() {
    const NEVER: usize = 13;
    const EMPTY: usize = 7;
    let mut account = Account::new()
        // The SDK slows down all clients of a region in a process: other tests have theirs.
        .region("us-east-2")
        .throttle(20.0, 10.0)
        .session_requests(4);
    for number in 0..40 {
        let mut cluster = one_of_forty(number).ui(Ui::AttachesAfter(number % 2));
        if number == EMPTY {
            cluster.applications.clear();
        }
        if number == NEVER {
            cluster = cluster.ui(Ui::Never);
        }
        account = account.cluster(cluster);
    }
    let server = account.start();
    let mut patient = source(&server);
    patient.aws.region = Some("us-east-2".to_owned());
    patient.persistent_ui_timeout = Duration::from_secs(10);
    let emr = Emr::connect(patient).await.expect("connected");
    let list = emr.list(&Window::default()).await.expect("a list");
    assert_eq!(list.clusters.len(), 40);
    let request = ExploreRequest::default();
    let explorations: Vec<_> = futures::stream::iter(list.clusters)
        .map(|cluster| emr.explore(cluster, &request))
        .buffer_unordered(4)
        .collect()
        .await;
    let mut uris = HashSet::new();
    for exploration in &explorations {
        let never = exploration.cluster.id.starts_with("j-13");
        let codes: Vec<_> = exploration
            .problems
            .iter()
            .map(|p| p.error.code())
            .collect();
        let expected: &[&str] = if never {
            &["PERSISTENT_UI_NOT_READY"]
        } else {
            &[]
        };
        assert_eq!(codes, expected, "{}", exploration.cluster.id);
        for history in &exploration.histories {
            assert!(
                uris.insert(history.uri().to_owned()),
                "{} twice",
                history.uri()
            );
            assert_eq!(download(history).await, b"log");
        }
    }
    assert_eq!(uris.len(), 38 * 5);
    assert!(server.calls("throttled") > 0);
    println!(
        "{} calls were throttled, {} sessions were made",
        server.calls("throttled"),
        server.calls("GetPersistentAppUIPresignedURL"),
    );
}

#[tokio::test]
async fn a_real_log_comes_through_the_history_server_under_its_own_id() {
    const ID: &str = "application_1795136640000_0009";
    let path = fixtures().join(RENAMED);
    let server = Account::new()
        .cluster(Double::new(NIGHT, "etl").application(Application::of_log(&path, ID)))
        .start();
    let exploration = explore(source(&server)).await;
    let [history] = &exploration.histories[..] else {
        panic!("{:?}", exploration.problems);
    };
    assert!(history.uri().ends_with(&format!("/applications/{ID}")));
    assert!(!history.in_progress());
    let zip = Cursor::new(download(history).await);
    let mut zip = zip::ZipArchive::new(zip).expect("a zip");
    let mut log = String::new();
    let mut entry = zip.by_index(0).expect("a log");
    entry.read_to_string(&mut log).expect("text");
    assert!(log.contains(&format!("\"App ID\":\"{ID}\"")));
    assert!(!log.contains("local-1795193760469"));
}

#[tokio::test]
async fn one_missing_permission_hides_nothing_else() {
    let operations = [
        ("DescribeCluster", "describe_cluster"),
        ("ListInstanceGroups", "instance_groups"),
        ("ListInstances", "instances"),
        ("ListSteps", "steps"),
        ("GetMetricData", "cloudwatch_metrics"),
        ("CreatePersistentAppUI", "persistent_ui"),
    ];
    for (operation, name) in operations {
        let server = Account::new()
            .cluster(
                Double::new(NIGHT, "etl")
                    .step("s-1", "load", &[])
                    .application(application(1))
                    .sample("2026-11-20T01:15:00Z", 1.0),
            )
            .deny(operation)
            .start();
        let exploration = explore(source(&server)).await;
        let code = outcome(&exploration, name);
        assert_eq!(code, "AWS_AccessDeniedException", "{operation}");
        let [problem] = &exploration.problems[..] else {
            panic!("{operation}: {:?}", exploration.problems);
        };
        let text = problem.error.to_string();
        assert!(
            text.contains(&format!(":{operation} in the policy")),
            "{text}"
        );
        assert!(!problem.error.is_retryable());
        let expected = |denied: &str, count: usize| if operation == denied { 0 } else { count };
        let histories = expected("CreatePersistentAppUI", 1);
        assert_eq!(exploration.histories.len(), histories, "{operation}");
        assert_eq!(
            exploration.job_runs.len(),
            expected("ListSteps", 1),
            "{operation}"
        );
        assert_eq!(
            exploration.metrics.len(),
            expected("GetMetricData", 1),
            "{operation}"
        );
        assert_eq!(exploration.instances.len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn fleets_are_asked_for_where_there_are_fleets() {
    let fleet = json!({"Id": "if-1", "Name": "Core", "InstanceFleetType": "CORE",
        "TargetSpotCapacity": 8, "InstanceTypeSpecifications": [
            {"InstanceType": "r5.xlarge", "WeightedCapacity": 4,
             "BidPriceAsPercentageOfOnDemandPrice": 100.0}]});
    let instance = json!({"Id": "ci-1", "InstanceFleetId": "if-1", "InstanceType": "r5.xlarge",
        "Market": "SPOT", "Status": {"State": "TERMINATED", "Timeline": {
            "CreationDateTime": at("2026-11-20T01:00:00Z").timestamp(),
            "EndDateTime": at("2026-11-20T02:00:00Z").timestamp()}}});
    let double = Double::new(NIGHT, "etl").fleets(vec![fleet], vec![instance]);
    // Without the description nobody knows that it has fleets before groups were asked for.
    for denied in ["ListBootstrapActions", "DescribeCluster"] {
        let server = Account::new().cluster(double.clone()).deny(denied).start();
        let exploration = explore(source(&server)).await;
        assert_eq!(outcome(&exploration, "instance_fleets"), "1");
        assert_eq!(outcome(&exploration, "instance_groups"), "not called");
        let [row] = &exploration.instances[..] else {
            panic!("{:?}", exploration.instances);
        };
        assert_eq!(row.role, "CORE");
        assert_eq!(row.market.as_deref(), Some("SPOT"));
        assert_eq!(row.instance_hours, Some(1.0));
    }
}

#[tokio::test]
async fn a_history_server_that_does_not_come_is_told_by_its_code() {
    let cases = [
        (
            Ui::Never,
            "PERSISTENT_UI_NOT_READY",
            "raise persistent_ui_timeout_seconds",
        ),
        (
            Ui::Fails("FAILED", "no capacity"),
            "PERSISTENT_UI_FAILED",
            "no capacity",
        ),
        (Ui::WithoutId, "PERSISTENT_UI_NO_ID", "spark.eventLog.dir"),
    ];
    for (ui, code, text) in cases {
        let cluster = Double::new(NIGHT, "etl").application(application(1)).ui(ui);
        let server = Account::new().cluster(cluster).start();
        let exploration = explore(source(&server)).await;
        assert_eq!(outcome(&exploration, "persistent_ui"), code);
        let [problem] = &exploration.problems[..] else {
            panic!("{:?}", exploration.problems);
        };
        assert!(
            problem.error.to_string().contains(text),
            "{}",
            problem.error
        );
        assert!(problem.error.is_retryable(), "{code}");
        assert_eq!(exploration.instances.len(), 2, "the rest is there");
    }
}

#[tokio::test]
async fn clusters_without_history_say_why() {
    let off = json!({"spark.eventLog.enabled": "false"});
    let (created, none) = ("2026-11-20T01:00:00Z", "");
    let ended = "2026-11-20T01:05:00Z";
    let failed = "TERMINATED_WITH_ERRORS";
    let cases = [
        (Double::new(NIGHT, "nothing ran"), "applications", "0"),
        (
            Double::new(NIGHT, "no spark").installed(&["Hive"]),
            "applications",
            "skipped",
        ),
        (
            Double::new(NIGHT, "off").spark_defaults(off),
            "applications",
            "skipped",
        ),
        (
            Double::new(NIGHT, "died").state(failed, created, none, ended),
            "applications",
            "skipped",
        ),
        (
            Double::new(NIGHT, "not yet").state("BOOTSTRAPPING", created, none, none),
            "applications",
            "skipped",
        ),
        (
            Double::new(NIGHT, "not kept").persistent_ui_disabled(),
            "persistent_ui",
            "PERSISTENT_UI_DISABLED",
        ),
    ];
    for (cluster, call, expected) in cases {
        let name = cluster.name.clone();
        let server = Account::new().cluster(cluster).start();
        let mut wanted = source(&server);
        wanted.cluster_states = vec!["ALL".to_owned()];
        let exploration = explore(wanted).await;
        assert_eq!(outcome(&exploration, call), expected, "{name}");
        let is_failure = expected.starts_with('P');
        assert_eq!(
            exploration.problems.len(),
            usize::from(is_failure),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed_with_a_new_address() {
    let mut cluster = Double::new(NIGHT, "etl");
    for number in 0..4 {
        cluster = cluster.application(application(number));
    }
    let server = Account::new().cluster(cluster).session_requests(3).start();
    let exploration = explore(source(&server)).await;
    let [Content::Server(first), ..] = exploration
        .histories
        .iter()
        .map(|history| &history.content)
        .collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", exploration.problems);
    };
    let client = Arc::clone(&first.client);
    for _ in 0..6 {
        let version: serde_json::Value = client
            .get_json("version", "api/v1/version", &[])
            .await
            .expect("an answer");
        assert_eq!(version["spark"], "3.5.1");
    }
    assert!(server.calls("GetPersistentAppUIPresignedURL") >= 3);
    assert_eq!(server.calls("CreatePersistentAppUI"), 1);
    let shown = format!("{exploration:?} {}", client.address());
    assert!(!shown.contains("f00dfeed"), "a presigned address is shown");
}

/// An account with event logs of two clusters in one folder.
fn shared_folder() -> Account {
    let folder = json!({"spark.eventLog.dir": "s3a://logs/apps/"});
    let modified = "2026-11-20T02:00:00Z";
    Account::new()
        .cluster(
            Double::new(NIGHT, "etl")
                .spark_defaults(folder.clone())
                .log_uri("s3n://aws-logs/elasticmapreduce/")
                .step("s-1", "load", &["application_1795136640000_0001"]),
        )
        .cluster(Double::new(OTHER, "adhoc").spark_defaults(folder))
        .object(
            "logs",
            "apps/application_1795136640000_0001",
            b"{}",
            modified,
        )
        .object(
            "logs",
            "apps/application_1795136640000_0002.zstd",
            b"{}",
            modified,
        )
        .object(
            "logs",
            "apps/application_1795136650000_0001",
            b"{}",
            modified,
        )
}

async fn explore_both(source: EmrSource) -> Vec<Exploration> {
    let emr = Emr::connect(source).await.expect("connected");
    let list = emr.list(&Window::default()).await.expect("a list");
    let mut explorations = Vec::new();
    for cluster in list.clusters {
        let request = ExploreRequest::default();
        explorations.push(emr.explore(cluster, &request).await);
    }
    explorations.sort_by(|left, right| left.cluster.id.cmp(&right.cluster.id));
    explorations
}

#[tokio::test]
async fn event_logs_in_a_shared_folder_go_to_their_own_cluster() {
    let account = shared_folder().object(
        "aws-logs",
        &format!("elasticmapreduce/{OTHER}/containers/application_1795136650000_0001/c/stderr.gz"),
        b"",
        "2026-11-20T02:00:00Z",
    );
    let mut account = account;
    account.clusters[1].log_uri = Some("s3://aws-logs/elasticmapreduce".to_owned());
    let server = account.start();
    let mut wanted = source(&server);
    wanted.read_process_logs = true;
    let explorations = explore_both(wanted).await;
    let [etl, adhoc] = &explorations[..] else {
        panic!("two clusters");
    };
    assert!(etl.problems.is_empty(), "{:?}", etl.problems);
    assert!(adhoc.problems.is_empty(), "{:?}", adhoc.problems);
    let mut own = uris(etl);
    own.sort_unstable();
    assert_eq!(
        own,
        [
            "s3://logs/apps/application_1795136640000_0001",
            "s3://logs/apps/application_1795136640000_0002.zstd",
        ]
    );
    assert_eq!(
        uris(adhoc),
        ["s3://logs/apps/application_1795136650000_0001"]
    );
    assert_eq!(adhoc.histories[0].cluster_name, "adhoc");
    assert_eq!(server.calls("CreatePersistentAppUI"), 0);

    let first = etl
        .histories
        .iter()
        .find(|history| history.job_run.is_some());
    let places: Vec<_> = first
        .expect("of a step")
        .process_logs
        .iter()
        .map(|place| (place.process, place.uri.clone()))
        .collect();
    let base = format!("s3://aws-logs/elasticmapreduce/{NIGHT}");
    assert_eq!(
        places,
        [
            (
                LoggedProcess::Container,
                format!("{base}/containers/application_1795136640000_0001")
            ),
            (LoggedProcess::Step, format!("{base}/steps/s-1")),
        ]
    );
}

#[tokio::test]
async fn services_are_asked_at_their_own_addresses_and_no_other_is_redirected() {
    let server = shared_folder().start();
    let mut wanted = source(&server);
    wanted.storage_options.clear();
    // Nothing listens there: whatever is asked of the address of all services fails.
    wanted.aws.endpoint_url = Some("http://127.0.0.1:9".to_owned());
    wanted.aws.max_attempts = 1;
    wanted.aws.endpoint_urls = [
        ("elasticmapreduce", server.endpoint()),
        ("cloudwatch", server.endpoint()),
        ("s3", server.s3_endpoint()),
    ]
    .map(|(service, url)| (service.to_owned(), url))
    .into();
    let explorations = explore_both(wanted.clone()).await;
    assert!(explorations[0].problems.is_empty(), "{explorations:?}");
    assert_eq!(uris(&explorations[0]).len(), 2);

    wanted.aws.endpoint_urls.remove("cloudwatch");
    let explorations = explore_both(wanted).await;
    let metrics = outcome(&explorations[0], "cloudwatch_metrics");
    assert_eq!(metrics, "CONNECTION_ERROR");
    assert_eq!(uris(&explorations[0]).len(), 2);
}

#[tokio::test]
async fn a_call_that_keeps_failing_is_given_up_for_all_clusters() {
    let mut account = Account::new().deny("CreatePersistentAppUI");
    for number in 0..12 {
        account = account.cluster(one_of_forty(number));
    }
    let server = account.start();
    for (most, calls) in [(3, 3), (0, 12)] {
        let before = server.calls("CreatePersistentAppUI");
        let mut wanted = source(&server);
        wanted.aws.max_endpoint_failures = most;
        let emr = Emr::connect(wanted).await.expect("connected");
        let list = emr.list(&Window::default()).await.expect("a list");
        let mut codes = Vec::new();
        for cluster in list.clusters {
            let exploration = emr.explore(cluster, &ExploreRequest::default()).await;
            assert_eq!(exploration.instances.len(), 2, "other calls go on");
            codes.push(outcome(&exploration, "persistent_ui"));
        }
        assert_eq!(server.calls("CreatePersistentAppUI") - before, calls);
        let given_up = codes.iter().filter(|code| *code == "GIVEN_UP").count();
        assert_eq!(given_up, 12 - calls, "{codes:?}");
    }
}

#[tokio::test]
async fn event_logs_of_nobody_knows_whom_are_told_and_not_loaded_twice() {
    let server = shared_folder().start();
    let explorations = explore_both(source(&server)).await;
    let [etl, adhoc] = &explorations[..] else {
        panic!("two clusters");
    };
    assert_eq!(uris(etl).len(), 2, "a step proves them");
    // Both were created at the same time, and nothing tells what the second one ran.
    assert!(adhoc.histories.is_empty());
    assert_eq!(
        outcome(adhoc, "event_logs_owner"),
        "EVENT_LOG_OWNER_UNKNOWN"
    );
}

#[tokio::test]
async fn event_logs_that_cannot_be_listed_are_replaced_by_the_history_server() {
    let cluster = Double::new(NIGHT, "etl")
        .spark_defaults(json!({"spark.eventLog.dir": "s3://logs/apps"}))
        .application(application(1));
    let server = Account::new().cluster(cluster).deny("ListBucket").start();
    let exploration = explore(source(&server)).await;
    assert_eq!(outcome(&exploration, "event_logs"), "UNREACHABLE");
    assert_eq!(outcome(&exploration, "applications"), "1");
}

#[tokio::test]
async fn yarn_is_asked_while_a_cluster_runs() {
    let (created, none) = ("2026-11-20T01:00:00Z", "");
    let running = Double::new(NIGHT, "etl").state("RUNNING", created, created, none);
    let server = Account::new().cluster(running).start();
    let mut wanted = source(&server);
    wanted.yarn_resource_manager_url = Some(server.yarn_template());
    let exploration = explore(wanted).await;
    assert!(!exploration.cluster.is_finished);
    let by_source = |source: &str| {
        let mut samples = exploration.metrics.iter();
        samples.find(|sample| sample.source == source).cloned()
    };
    let yarn = by_source("yarn").expect("a sample");
    assert_eq!(yarn.allocated_memory_mb, Some(97_700.0));
    assert_eq!(yarn.allocated_vcores, Some(45.0));
    assert_eq!(yarn.pending_containers, Some(7.0));
    assert_eq!(
        by_source("yarn_queue")
            .and_then(|queue| queue.queue)
            .as_deref(),
        Some("root")
    );
    assert_eq!(outcome(&exploration, "yarn_queues"), "2");
}

#[tokio::test]
async fn bad_answers_name_the_call_and_the_cure() {
    let cases = [
        (
            Account::new().expired_keys(),
            "AWS_ExpiredTokenException",
            "log in again",
        ),
        (
            Account::new().deny("ListClusters"),
            "AWS_AccessDeniedException",
            "allow the action elasticmapreduce:ListClusters",
        ),
        (
            Account::new().answer_html("ListClusters"),
            "AWS_BAD_ANSWER",
            "something else may answer",
        ),
    ];
    for (account, code, cure) in cases {
        let server = account.start();
        let mut wanted = source(&server);
        wanted.aws.max_attempts = 1;
        let emr = Emr::connect(wanted).await.expect("connected");
        let error = emr.list(&Window::default()).await.expect_err("no list");
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(cure), "{error}");
        assert!(error.to_string().contains("ListClusters"), "{error}");
    }
    let mut keyless = source(&Account::new().start());
    keyless.aws.keys = None;
    keyless.aws.profile = Some("sparklake-has-no-such-profile".to_owned());
    let emr = Emr::connect(keyless).await.expect("connected");
    let error = emr.list(&Window::default()).await.expect_err("no list");
    assert_eq!(error.code(), "AWS_NO_CREDENTIALS", "{error}");
    let mut nowhere = source(&Account::new().start());
    nowhere.aws.endpoint_url = Some("http://127.0.0.1:1".to_owned());
    nowhere.aws.max_attempts = 1;
    let emr = Emr::connect(nowhere).await.expect("connected");
    let error = emr.list(&Window::default()).await.expect_err("no list");
    assert_eq!(error.code(), "CONNECTION_ERROR");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_region_without_clusters_is_an_empty_list() {
    let server = Account::new().start();
    assert!(clusters(source(&server)).await.is_empty());
}

#[tokio::test]
async fn the_doctor_tries_each_permission_and_changes_nothing() {
    let server = Account::new()
        .cluster(
            Double::new(NIGHT, "etl").spark_defaults(json!({"spark.eventLog.dir": "s3://l/a"})),
        )
        .object("l", "a/application_1_1", b"{}", "2026-11-20T02:00:00Z")
        .deny("ListSteps")
        .start();
    let emr = Emr::connect(source(&server)).await.expect("connected");
    let checks = emr.check().await;
    let of = |subject: &str| {
        let check = checks.iter().find(|check| check.subject.contains(subject));
        match check.map(|check| &check.outcome) {
            Some(CheckOutcome::Passed(_)) => "passed".to_owned(),
            Some(CheckOutcome::Skipped(_)) => "skipped".to_owned(),
            Some(CheckOutcome::Failed { cure, .. }) => cure.clone(),
            None => "not tried".to_owned(),
        }
    };
    for subject in [
        "GetCallerIdentity",
        "ListClusters",
        "DescribeCluster",
        "ListInstanceGroups",
        "ListInstances",
        "GetMetricData",
        "s3:GetObject on s3://l/a",
    ] {
        assert_eq!(of(subject), "passed", "{subject}: {checks:?}");
    }
    assert!(of("ListSteps").contains("elasticmapreduce:ListSteps"));
    let policy = include_str!("../../jobs/iam/emr.json");
    for check in &checks {
        let actions = check.subject.split(" on ").next().unwrap_or_default();
        for action in actions.split(", ").filter(|name| !name.starts_with("sts:")) {
            assert!(policy.contains(&format!("\"{action}\"")), "{action}");
        }
    }
    for subject in ["ListInstanceFleets", "CreatePersistentAppUI"] {
        assert_eq!(of(subject), "skipped", "{subject}");
    }
    assert_eq!(server.calls("CreatePersistentAppUI"), 0);
}
