//! EMR Serverless, against doubles of the service and of its History Servers.

use std::path::Path;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sparklake::discover::JobRunSource;
use sparklake::discover::aws::{AwsKeys, AwsSettings};
use sparklake::discover::emr_serverless::EmrServerless;
use sparklake::discover::{
    CallOutcome, CheckOutcome, ClusterPlatform, Content, DiscoverError, Exploration,
    ExploreRequest, History, JobRun, LoggedProcess, ResourceHours, Window,
};
use sparklake::http::{HttpSettings, Secret};

use super::doubles::emr_serverless::{Service, application, job_run, serve};
use super::doubles::job_runs::{Double, SECRET, listed};
use super::doubles::moto::Moto;

/// A time so many hours ago, to the second, as text.
pub(crate) fn ago(hours: i64) -> String {
    let time = Utc::now() - TimeDelta::hours(hours);
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The window of a night: what ended within the last so many hours.
pub(crate) fn last_hours(hours: i64) -> ExploreRequest {
    ExploreRequest {
        window: Window {
            since: Some(Utc::now() - TimeDelta::hours(hours)),
            until: None,
        },
        ..ExploreRequest::default()
    }
}

pub(crate) fn aws(endpoint: &str) -> AwsSettings {
    AwsSettings {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some(endpoint.to_owned()),
        keys: Some(AwsKeys {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: Secret::new(SECRET),
            session_token: None,
        }),
        max_attempts: 4,
        ..AwsSettings::default()
    }
}

/// Waits as short as tests like them.
pub(crate) fn hasty(settings: HttpSettings) -> HttpSettings {
    HttpSettings {
        first_delay: Duration::from_millis(5),
        max_delay: Duration::from_millis(20),
        loading_delay: Duration::from_millis(5),
        ..settings
    }
}

fn source(double: &Double) -> JobRunSource {
    let defaults = JobRunSource::default();
    JobRunSource {
        aws: aws(&double.address()),
        http: hasty(defaults.http.clone()),
        max_app_threads: 1,
        ..defaults
    }
}

async fn connect(source: JobRunSource) -> EmrServerless {
    EmrServerless::connect(source)
        .await
        .expect("settings that make sense")
}

/// Explores the first application that is listed.
async fn explore(source: JobRunSource, request: &ExploreRequest) -> Exploration {
    let platform = connect(source).await;
    let list = platform.list(&Window::default()).await.expect("a list");
    let first = list.clusters.into_iter().next().expect("an application");
    platform.explore(first, request).await
}

pub(crate) fn run<'a>(exploration: &'a Exploration, id: &str) -> &'a JobRun {
    let mut runs = exploration.job_runs.iter();
    runs.find(|run| run.job_run_id == id).expect("a job run")
}

pub(crate) fn outcome(exploration: &Exploration, call: &str) -> Vec<CallOutcome> {
    let calls = exploration.calls.iter().filter(|made| made.name == call);
    calls.map(|made| made.outcome.clone()).collect()
}

fn s3(root: &Path) -> Value {
    json!({ "s3MonitoringConfiguration": { "logUri": format!("file://{}/", root.display()) } })
}

pub(crate) fn put(root: &Path, file: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, "{\"Event\":\"SparkListenerLogStart\"}\n").expect("a file");
}

pub(crate) fn below<'a>(root: &Path, history: &'a History) -> &'a str {
    let root = format!("file://{}/", root.display());
    history
        .uri()
        .strip_prefix(root.as_str())
        .expect("below the folder")
}

#[tokio::test]
async fn applications_of_spark_are_listed_over_pages_the_last_used_first() {
    let mut applications: Vec<_> = (0..5)
        .map(|number| {
            let mut application = application(
                &format!("00a{number}"),
                &format!("Team {number}"),
                &json!({}),
            );
            application["updatedAt"] = json!(1_763_000_000 + number);
            application
        })
        .collect();
    applications[2]["type"] = json!("Hive");
    applications[4]["state"] = json!("TERMINATED");
    let double = serve(Service {
        applications,
        job_runs: Vec::new(),
    })
    .await;
    let platform = connect(source(&double)).await;
    let list = platform.list(&Window::default()).await.unwrap();
    let ids: Vec<_> = list
        .clusters
        .iter()
        .map(|cluster| cluster.id.as_str())
        .collect();
    assert_eq!(ids, ["00a4", "00a3", "00a1", "00a0"]);
    assert_eq!(double.times("ListApplications"), 3);
    assert!(list.clusters[0].is_finished);
    assert!(list.clusters[0].ended_at.is_some());
    // A stopped application starts again with its next run.
    assert!(!list.clusters[1].is_finished);
    assert_eq!(list.clusters[1].region.as_deref(), Some("eu-west-1"));

    let filtered = JobRunSource {
        name_filter: Some("tEAM 1".to_owned()),
        ..source(&double)
    };
    let list = connect(filtered)
        .await
        .list(&Window::default())
        .await
        .unwrap();
    assert_eq!(list.clusters.len(), 1);
    let few = JobRunSource {
        max_clusters: Some(2),
        ..source(&double)
    };
    let list = connect(few).await.list(&Window::default()).await.unwrap();
    assert_eq!(list.clusters.len(), 2);
    let named = JobRunSource {
        cluster_ids: vec!["00a1".to_owned(), "gone".to_owned()],
        ..source(&double)
    };
    let list = connect(named).await.list(&Window::default()).await.unwrap();
    assert_eq!(list.clusters.len(), 1);
    assert_eq!(
        list.problems[0].error.code(),
        "AWS_ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_list_that_is_refused_names_the_permission() {
    let double = serve(Service::default()).await;
    double.lock().denied.insert("ListApplications");
    let error = connect(source(&double))
        .await
        .list(&Window::default())
        .await
        .unwrap_err();
    let DiscoverError::Platform {
        call,
        code,
        cure,
        retryable,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(call, "emr-serverless:ListApplications");
    assert_eq!(code, "AWS_AccessDeniedException");
    assert!(cure.contains("emr-serverless:ListApplications"), "{cure}");
    assert!(!retryable);
}

#[tokio::test]
async fn event_logs_are_found_where_the_run_sends_them_with_what_it_cost() {
    let common = tempfile::tempdir().unwrap();
    let own = tempfile::tempdir().unwrap();
    let folder = |run: &str| format!("applications/00app/jobs/{run}");
    put(
        common.path(),
        &format!("{}/sparklogs/eventlog_v2_r1/events_0_r1", folder("r1")),
    );
    put(
        common.path(),
        &format!("{}/sparklogs/eventlog_v2_r1/events_1_r1", folder("r1")),
    );
    put(
        common.path(),
        &format!("{}/SPARK_DRIVER/stderr.gz", folder("r1")),
    );
    put(
        common.path(),
        &format!("{}/SPARK_EXECUTOR/1/stderr.gz", folder("r1")),
    );
    put(
        own.path(),
        &format!("{}/sparklogs/eventlog_v2_r2/events_0_r2", folder("r2")),
    );
    put(
        own.path(),
        &format!(
            "{}/attempts/2/sparklogs/eventlog_v2_r2/events_0_r2",
            folder("r2")
        ),
    );
    let mut first = job_run("00app", "r1", &ago(5), &ago(3));
    first["billedResourceUtilization"] =
        json!({ "vCPUHour": 1.5, "memoryGBHour": 6.25, "storageGBHour": 0.0 });
    first["totalResourceUtilization"] =
        json!({ "vCPUHour": 1.25, "memoryGBHour": 5.0, "storageGBHour": 20.0 });
    first["totalExecutionDurationSeconds"] = json!(7_140);
    first["queuedDurationMilliseconds"] = json!(1_234);
    let mut second = job_run("00app", "r2", &ago(30), &ago(2));
    second["attempt"] = json!(2);
    second["configurationOverrides"] = json!({ "monitoringConfiguration": s3(own.path()) });
    let job_runs = vec![
        first,
        second,
        // Ended before the window began.
        job_run("00app", "r0", &ago(40), &ago(20)),
        job_run("other", "r9", &ago(5), &ago(3)),
    ];
    let double = serve(Service {
        applications: vec![application("00app", "etl", &s3(common.path()))],
        job_runs,
    })
    .await;
    let wanted = JobRunSource {
        read_process_logs: true,
        lookback: Duration::from_secs(36 * 3600),
        ..source(&double)
    };
    let exploration = explore(wanted, &last_hours(10)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    let ids: Vec<_> = exploration
        .job_runs
        .iter()
        .map(|run| run.job_run_id.as_str())
        .collect();
    assert_eq!(ids, ["r2", "r1"], "newest first, over pages");

    let first = run(&exploration, "r1");
    assert_eq!(
        first.billed,
        ResourceHours {
            vcpu_hours: Some(1.5),
            memory_gb_hours: Some(6.25),
            storage_gb_hours: Some(0.0)
        }
    );
    assert_eq!(
        first.used,
        ResourceHours {
            vcpu_hours: Some(1.25),
            memory_gb_hours: Some(5.0),
            storage_gb_hours: Some(20.0)
        }
    );
    assert_eq!(first.execution_seconds, Some(7_140));
    assert_eq!(first.queued_ms, Some(1_234));
    assert_eq!(first.entry_point.as_deref(), Some("s3://code/daily.py"));
    assert_eq!(
        first.run_as.as_deref(),
        Some("arn:aws:iam::123456789012:role/job")
    );
    assert_eq!(first.tags["cost-center"], "42");
    assert!(first.has_spark_history);
    // A run that was not billed yet is not one that cost nothing.
    assert_eq!(run(&exploration, "r2").billed, ResourceHours::default());

    let of = |id: &str| -> Vec<&History> {
        let histories = exploration.histories.iter();
        histories
            .filter(|history| {
                history
                    .job_run
                    .as_ref()
                    .is_some_and(|link| link.job_run_id == id)
            })
            .collect()
    };
    let [log] = of("r1")[..] else {
        panic!("one log")
    };
    assert_eq!(
        below(common.path(), log),
        "applications/00app/jobs/r1/sparklogs/eventlog_v2_r1"
    );
    assert_eq!(log.log().map(|log| log.files.len()), Some(2));
    assert!(!log.in_progress());
    assert_eq!(
        (
            log.platform.as_str(),
            log.cluster_id.as_str(),
            log.cluster_name.as_str()
        ),
        ("emr_serverless", "00app", "etl")
    );
    assert_eq!(
        log.job_run.as_ref().unwrap().job_key.as_deref(),
        Some("nightly r1")
    );
    let processes: Vec<_> = log.process_logs.iter().map(|place| place.process).collect();
    assert_eq!(processes, [LoggedProcess::Driver, LoggedProcess::Executor]);
    let attempts: Vec<_> = of("r2")
        .into_iter()
        .map(|log| below(own.path(), log))
        .collect();
    assert_eq!(
        attempts,
        [
            "applications/00app/jobs/r2/sparklogs/eventlog_v2_r2",
            "applications/00app/jobs/r2/attempts/2/sparklogs/eventlog_v2_r2",
        ]
    );
    assert_eq!(double.times("GetDashboardForJobRun"), 0);
    assert_eq!(double.times("GetJobRun"), 2);
    assert_eq!(outcome(&exploration, "event_logs"), [CallOutcome::Found(3)]);

    // What the application is, and what it keeps ready.
    assert_eq!(exploration.cluster.tags["team"], "night");
    assert_eq!(
        exploration.cluster.release_label.as_deref(),
        Some("emr-7.5.0")
    );
    let instances: Vec<_> = exploration
        .instances
        .iter()
        .map(|group| {
            (
                group.role.as_str(),
                group.instance_type.as_str(),
                group.requested_count,
            )
        })
        .collect();
    assert_eq!(
        instances,
        [
            ("WORKER", "ARM64", None),
            ("DRIVER", "ARM64 4 vCPU, 16 GB, disk 20 GB", Some(2))
        ]
    );
}

#[tokio::test]
async fn runs_under_way_are_there_only_when_they_are_wanted_however_old_they_are() {
    let logs = tempfile::tempdir().unwrap();
    put(
        logs.path(),
        "applications/00app/jobs/live/sparklogs/eventlog_v2_live/events_0_live",
    );
    let mut live = job_run("00app", "live", &ago(24 * 7), &ago(1));
    live["state"] = json!("RUNNING");
    let mut waiting = job_run("00app", "waiting", &ago(1), &ago(1));
    waiting["state"] = json!("QUEUED");
    let mut stream = job_run("00app", "stream", &ago(24 * 20), &ago(2));
    stream["mode"] = json!("STREAMING");
    stream["state"] = json!("CANCELLED");
    let double = serve(Service {
        applications: vec![application("00app", "etl", &s3(logs.path()))],
        job_runs: vec![live, waiting, stream],
    })
    .await;
    let without = JobRunSource {
        managed_ui: false,
        ..source(&double)
    };
    let exploration = explore(without.clone(), &last_hours(10)).await;
    let ids: Vec<_> = exploration
        .job_runs
        .iter()
        .map(|run| run.job_run_id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["stream"],
        "a stream that ended now, though it began long before"
    );
    assert!(exploration.histories.is_empty());

    let request = ExploreRequest {
        include_running: true,
        ..last_hours(10)
    };
    let exploration = explore(without, &request).await;
    let ids: Vec<_> = exploration
        .job_runs
        .iter()
        .map(|run| run.job_run_id.as_str())
        .collect();
    assert_eq!(ids, ["live", "stream"]);
    let [history] = &exploration.histories[..] else {
        panic!("one log")
    };
    assert!(history.in_progress());
    assert_eq!(run(&exploration, "live").ended_at, None);
}

#[tokio::test]
async fn the_newest_runs_come_first_where_there_is_a_limit() {
    let job_runs =
        (1..=7).map(|hours| job_run("00app", &format!("r{hours}"), &ago(9), &ago(hours)));
    let double = serve(Service {
        applications: vec![application("00app", "etl", &json!({}))],
        job_runs: job_runs.collect(),
    })
    .await;
    let limited = JobRunSource {
        max_applications: Some(5),
        managed_ui: false,
        ..source(&double)
    };
    let request = ExploreRequest {
        max_applications: Some(3),
        ..last_hours(10)
    };
    let exploration = explore(limited, &request).await;
    let ids: Vec<_> = exploration
        .job_runs
        .iter()
        .map(|run| run.job_run_id.as_str())
        .collect();
    assert_eq!(ids, ["r1", "r2", "r3"]);
    let [CallOutcome::Skipped(reason)] = &outcome(&exploration, "older_job_runs")[..] else {
        panic!("{:?}", exploration.calls);
    };
    assert!(reason.starts_with("4 older job runs"), "{reason}");
}

#[tokio::test]
async fn the_history_server_behind_a_dashboard_is_asked_also_when_its_session_expires() {
    let mut retried = job_run("00app", "r2", &ago(5), &ago(3));
    retried["attempt"] = json!(2);
    let double = serve(Service {
        applications: vec![application("00app", "etl", &json!({}))],
        job_runs: vec![job_run("00app", "r1", &ago(5), &ago(2)), retried],
    })
    .await;
    {
        let mut state = double.lock();
        state.session_lasts = Some(1);
        for (run, end) in [
            ("r1", Some("2026-11-20T02:00:00.000GMT")),
            ("r2:1", None),
            ("r2:2", Some("2026-11-20T02:00:00.000GMT")),
        ] {
            let id = run.split(':').next().unwrap();
            state.served.insert(run.to_owned(), listed(id, end));
        }
    }
    let exploration = explore(source(&double), &last_hours(10)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    let arn = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00app/jobruns";
    let uris: Vec<_> = exploration.histories.iter().map(History::uri).collect();
    assert_eq!(
        uris,
        [
            format!("{arn}/r1/applications/r1"),
            format!("{arn}/r2/applications/r2"),
            format!("{arn}/r2/attempts/2/applications/r2"),
        ],
        "names that stay, though the server's address does not"
    );
    // The first attempt wrote no end; the platform knows that it is over.
    assert!(
        exploration
            .histories
            .iter()
            .all(|history| !history.in_progress())
    );
    assert_eq!(run(&exploration, "r1").application_ids, ["r1"]);
    assert_eq!(
        exploration.histories[1]
            .job_run
            .as_ref()
            .unwrap()
            .job_run_id,
        "r2"
    );
    assert_eq!(outcome(&exploration, "dashboards"), [CallOutcome::Found(3)]);
    assert_eq!(
        double.times("ListJobRunAttempts"),
        1,
        "only of the run that was retried"
    );
    assert!(
        double.times("GetDashboardForJobRun") > 3,
        "each session that expired took a new address"
    );
    let shown = format!("{exploration:?} {:?}", source(&double));
    assert!(!shown.contains(SECRET), "{shown}");
    for history in &exploration.histories {
        let Content::Server(application) = &history.content else {
            panic!("a server")
        };
        assert!(!application.uri.contains("127.0.0.1"));
        let server = application.client.address();
        assert!(
            server.starts_with("http://localhost:"),
            "{server} is where the gate led to"
        );
    }
}

#[tokio::test]
async fn a_run_without_history_says_why() {
    let nothing = json!({ "managedPersistenceMonitoringConfiguration": { "enabled": false } });
    let logs = tempfile::tempdir().unwrap();
    let run_with = |id: &str, overrides: Value| {
        let mut run = job_run("00app", id, &ago(5), &ago(3));
        run["configurationOverrides"] = overrides;
        run
    };
    let mut no_log = run_with("no_log", Value::Null);
    no_log["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"] =
        json!("--conf spark.eventLog.enabled=false");
    let mut hive = run_with("hive", Value::Null);
    hive["jobDriver"] = json!({ "hive": { "query": "s3://code/a.sql" } });
    let mut empty = run_with(
        "empty",
        json!({ "monitoringConfiguration": s3(logs.path()) }),
    );
    empty["name"] = Value::Null;
    let managed = json!({ "managedPersistenceMonitoringConfiguration": { "enabled": true } });
    let managed = json!({ "monitoringConfiguration": managed });
    let mut unstarted = run_with("unstarted", managed.clone());
    unstarted["state"] = json!("CANCELLED");
    unstarted["startedAt"] = Value::Null;
    let mut expired = run_with("expired", managed.clone());
    for (field, days) in [
        ("createdAt", 41),
        ("startedAt", 41),
        ("endedAt", 40),
        ("updatedAt", 40),
    ] {
        expired[field] = json!((Utc::now() - TimeDelta::days(days)).timestamp());
    }
    let unlisted = run_with("unlisted", managed);
    let double = serve(Service {
        applications: vec![application("00app", "etl", &nothing)],
        job_runs: vec![
            run_with("nowhere", Value::Null),
            no_log,
            hive,
            empty,
            unstarted,
            expired,
            unlisted,
        ],
    })
    .await;
    let exploration = explore(source(&double), &last_hours(24 * 90)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert!(exploration.histories.is_empty());
    for (id, expected) in [
        ("nowhere", "go nowhere"),
        ("no_log", "spark.eventLog.enabled is false"),
        ("hive", "Hive"),
        ("empty", "holds no event log"),
        ("unstarted", "before it started"),
        ("expired", "30 days"),
        ("unlisted", "knows no application"),
    ] {
        let run = run(&exploration, id);
        let reason = run.no_history_reason.as_deref().unwrap_or_default();
        assert!(
            !run.has_spark_history && reason.contains(expected),
            "{id}: {reason}"
        );
    }
    assert_eq!(double.times("GetDashboardForJobRun"), 1);
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let logs = tempfile::tempdir().unwrap();
    put(
        logs.path(),
        "applications/00app/jobs/r1/sparklogs/eventlog_v2_r1/events_0_r1",
    );
    let double = serve(Service {
        applications: vec![application("00app", "etl", &s3(logs.path()))],
        job_runs: vec![job_run("00app", "r1", &ago(5), &ago(3))],
    })
    .await;
    double.lock().throttled.insert("ListJobRuns", 1);
    let exploration = explore(source(&double), &last_hours(10)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(exploration.histories.len(), 1);
}

#[tokio::test]
async fn a_missing_permission_takes_only_what_it_is_for() {
    let logs = tempfile::tempdir().unwrap();
    let runs = ["r1", "r2", "r3"];
    for run in &runs[..2] {
        put(
            logs.path(),
            &format!("applications/00app/jobs/{run}/sparklogs/eventlog_v2_{run}/events_0_{run}"),
        );
    }
    let double = serve(Service {
        applications: vec![application("00app", "etl", &s3(logs.path()))],
        job_runs: runs
            .iter()
            .map(|run| job_run("00app", run, &ago(5), &ago(3)))
            .collect(),
    })
    .await;
    double
        .lock()
        .denied
        .extend(["GetJobRun", "GetDashboardForJobRun"]);
    let exploration = explore(source(&double), &last_hours(10)).await;
    assert_eq!(
        double.times("GetJobRun"),
        1,
        "a refusal is not asked for again"
    );
    assert_eq!(
        exploration.job_runs.len(),
        3,
        "the list has them all the same"
    );
    assert_eq!(exploration.histories.len(), 2);
    assert_eq!(run(&exploration, "r1").status, "SUCCESS");
    let third = run(&exploration, "r3");
    assert!(
        third.has_spark_history,
        "nobody could look whether it has none"
    );
    let denied = CallOutcome::Failed {
        code: "AWS_AccessDeniedException".to_owned(),
        retryable: false,
    };
    for question in ["job_run_details", "dashboards"] {
        assert_eq!(
            outcome(&exploration, question).as_slice(),
            std::slice::from_ref(&denied)
        );
    }
    let texts: Vec<_> = exploration
        .problems
        .iter()
        .map(|problem| problem.error.to_string())
        .collect();
    assert!(
        texts
            .iter()
            .any(|text| text.contains("allow the action emr-serverless:GetJobRun")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn the_doctor_tries_each_permission_once() {
    let logs = tempfile::tempdir().unwrap();
    put(
        logs.path(),
        "applications/00app/jobs/r1/sparklogs/eventlog_v2_r1/events_0_r1",
    );
    let double = serve(Service {
        applications: vec![application("00app", "etl", &s3(logs.path()))],
        job_runs: vec![job_run("00app", "r1", &ago(5), &ago(3))],
    })
    .await;
    double.lock().denied.insert("ListJobRunAttempts");
    let checks = connect(source(&double)).await.check().await;
    let passed = |subject: &str| {
        let check = checks.iter().find(|check| check.subject == subject);
        match &check.unwrap_or_else(|| panic!("{subject}")).outcome {
            CheckOutcome::Passed(_) => Ok(()),
            other => Err(other.clone()),
        }
    };
    for call in [
        "ListApplications",
        "GetApplication",
        "ListJobRuns",
        "GetJobRun",
        "GetDashboardForJobRun",
    ] {
        assert_eq!(passed(&format!("emr-serverless:{call}")), Ok(()));
    }
    assert_eq!(passed("s3:ListBucket"), Ok(()));
    assert_eq!(passed("s3:GetObject"), Ok(()));
    let Err(CheckOutcome::Failed { problem, cure }) = passed("emr-serverless:ListJobRunAttempts")
    else {
        panic!("{checks:?}");
    };
    assert!(problem.contains("AWS_AccessDeniedException"), "{problem}");
    assert!(cure.contains("emr-serverless:ListJobRunAttempts"), "{cure}");
    let texts = format!("{checks:?}");
    assert!(!texts.contains(SECRET), "{texts}");
}

#[tokio::test]
#[ignore = "needs moto: SPARKLAKE_MOTO_SERVER"]
async fn moto_is_listed_and_its_logs_in_s3_are_found() {
    use aws_sdk_emrserverless::types::{
        ConfigurationOverrides, JobDriver, MonitoringConfiguration, S3MonitoringConfiguration,
        SparkSubmit,
    };
    let moto = Moto::start().await;
    let config = sparklake::discover::aws::sdk_config(&aws(&moto.endpoint)).await;
    let client = aws_sdk_emrserverless::Client::new(&config);
    let application = client
        .create_application()
        .name("etl")
        .release_label("emr-7.5.0")
        .r#type("SPARK")
        .send()
        .await
        .expect("an application");
    let id = application.application_id();
    let s3 = S3MonitoringConfiguration::builder().log_uri("s3://logs/here/");
    let monitoring = MonitoringConfiguration::builder().s3_monitoring_configuration(s3.build());
    let submit = SparkSubmit::builder().entry_point("s3://code/daily.py");
    let mut runs = Vec::new();
    for name in ["first", "second"] {
        let run = client
            .start_job_run()
            .application_id(id)
            .name(name)
            .execution_role_arn("arn:aws:iam::123456789012:role/job")
            .job_driver(JobDriver::SparkSubmit(submit.clone().build().unwrap()))
            .configuration_overrides(
                ConfigurationOverrides::builder()
                    .monitoring_configuration(monitoring.clone().build())
                    .build(),
            )
            .send()
            .await
            .expect("a job run");
        runs.push(run.job_run_id().to_owned());
    }
    let folder = format!("here/applications/{id}/jobs/{}", runs[0]);
    let log = format!("{folder}/sparklogs/eventlog_v2_{}", runs[0]);
    let objects = ["events_0_a", "events_1_a"].map(|name| format!("{log}/{name}"));
    moto.fill("logs", &objects).await;
    let platform = connect(JobRunSource {
        aws: aws(&moto.endpoint),
        storage_options: moto.storage_options(),
        // moto does not know them.
        managed_ui: false,
        ..JobRunSource::default()
    })
    .await;
    let list = platform.list(&Window::default()).await.expect("a list");
    assert_eq!(list.clusters.len(), 1);
    let exploration = platform
        .explore(list.clusters[0].clone(), &ExploreRequest::default())
        .await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(exploration.job_runs.len(), 2);
    let first = run(&exploration, &runs[0]);
    assert_eq!(first.entry_point.as_deref(), Some("s3://code/daily.py"));
    assert_eq!(first.billed.vcpu_hours, Some(0.0));
    assert!(!run(&exploration, &runs[1]).has_spark_history);
    let [history] = &exploration.histories[..] else {
        panic!("one log")
    };
    assert_eq!(history.uri(), format!("s3://logs/{log}"));
    assert_eq!(history.log().map(|log| log.files.len()), Some(2));
    assert!(history.etag().is_some());
}
