//! EMR on EKS, against doubles of the service, of EMR and of its History Servers.

use serde_json::{Value, json};
use sparklake::discover::JobRunSource;
use sparklake::discover::emr_eks::EmrEks;
use sparklake::discover::{
    CallOutcome, CheckOutcome, ClusterPlatform, Exploration, ExploreRequest, History,
    LoggedProcess, Window,
};

use super::doubles::emr_eks::{Service, job_run, serve, virtual_cluster};
use super::doubles::job_runs::{Double, SECRET, listed};
use super::doubles::moto::Moto;
use super::emr_serverless::{ago, aws, hasty, last_hours, outcome, put, run};

fn source(double: &Double) -> JobRunSource {
    let defaults = JobRunSource::default();
    JobRunSource {
        aws: aws(&double.address()),
        http: hasty(defaults.http.clone()),
        managed_ui_timeout: std::time::Duration::from_millis(400),
        max_app_threads: 1,
        ..defaults
    }
}

async fn connect(source: JobRunSource) -> EmrEks {
    EmrEks::connect(source)
        .await
        .expect("settings that make sense")
}

async fn explore(source: JobRunSource, request: &ExploreRequest) -> Exploration {
    let platform = connect(source).await;
    let list = platform.list(&Window::default()).await.expect("a list");
    let first = list.clusters.into_iter().next().expect("a virtual cluster");
    platform.explore(first, request).await
}

/// A virtual cluster with these job runs, each with its configuration.
async fn cluster_with(runs: &[(&str, Value)]) -> Double {
    serve(Service {
        virtual_clusters: vec![virtual_cluster("vc1", "RUNNING")],
        job_runs: runs
            .iter()
            .map(|(id, overrides)| job_run("vc1", id, &ago(5), &ago(3), overrides))
            .collect(),
    })
    .await
}

#[tokio::test]
async fn virtual_clusters_are_listed_over_pages() {
    let states = ["RUNNING", "TERMINATED", "ARRESTED"];
    let double = serve(Service {
        virtual_clusters: states
            .iter()
            .map(|state| virtual_cluster(&format!("vc-{}", state.to_lowercase()), state))
            .collect(),
        job_runs: Vec::new(),
    })
    .await;
    let list = connect(source(&double))
        .await
        .list(&Window::default())
        .await
        .unwrap();
    let clusters: Vec<_> = list
        .clusters
        .iter()
        .map(|cluster| (cluster.id.as_str(), cluster.is_finished))
        .collect();
    assert_eq!(
        clusters,
        [
            ("vc-arrested", false),
            ("vc-running", false),
            ("vc-terminated", true)
        ]
    );
    assert_eq!(double.times("ListVirtualClusters"), 2);
    let named = JobRunSource {
        cluster_ids: vec!["vc-running".to_owned()],
        ..source(&double)
    };
    let list = connect(named).await.list(&Window::default()).await.unwrap();
    assert_eq!(list.clusters[0].tags["team"], "night");
    double.lock().denied.insert("ListVirtualClusters");
    let error = connect(source(&double))
        .await
        .list(&Window::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "AWS_AccessDeniedException");
    assert!(
        error
            .to_string()
            .contains("emr-containers:ListVirtualClusters"),
        "{error}"
    );
}

#[tokio::test]
async fn aws_own_history_server_is_asked_for_each_run() {
    let pods = tempfile::tempdir().unwrap();
    let folder = "vc1/jobs/0000run1/containers";
    put(pods.path(), &format!("{folder}/0000run1-x2x4/stderr.gz"));
    put(
        pods.path(),
        &format!("{folder}/spark-0000run1/spark-0000run1-driver/stdout.gz"),
    );
    put(
        pods.path(),
        &format!("{folder}/spark-0000run1/job-exec-1/stdout.gz"),
    );
    let log_uri = format!("file://{}/", pods.path().display());
    let monitoring =
        json!({ "persistentAppUI": "ENABLED", "s3MonitoringConfiguration": { "logUri": log_uri } });
    let double = cluster_with(&[
        ("0000run1", json!({ "monitoringConfiguration": monitoring })),
        (
            "0000run2",
            json!({ "monitoringConfiguration": { "persistentAppUI": "DISABLED" } }),
        ),
        (
            "0000run3",
            json!({ "applicationConfiguration": [{
            "classification": "spark-defaults",
            "properties": { "spark.eventLog.rotation.enabled": "true" },
        }] }),
        ),
    ])
    .await;
    {
        let mut state = double.lock();
        state.session_lasts = Some(1);
        let end = Some("2026-11-20T02:00:00.000GMT");
        state
            .served
            .insert("0000run1".to_owned(), listed("spark-0000run1", end));
        state
            .served
            .insert("0000run3".to_owned(), listed("spark-0000run3", None));
    }
    let wanted = JobRunSource {
        read_process_logs: true,
        ..source(&double)
    };
    let exploration = explore(wanted, &last_hours(10)).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(exploration.job_runs.len(), 3, "over two pages");
    let uris: Vec<_> = exploration.histories.iter().map(History::uri).collect();
    let arn = "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/vc1/jobruns";
    assert_eq!(
        uris,
        [
            format!("{arn}/0000run1/applications/spark-0000run1"),
            format!("{arn}/0000run3/applications/spark-0000run3"),
        ]
    );
    let first = &exploration.histories[0];
    assert_eq!(
        (first.platform.as_str(), first.cluster_id.as_str()),
        ("emr_eks", "vc1")
    );
    assert_eq!(
        first.job_run.as_ref().unwrap().job_key.as_deref(),
        Some("nightly")
    );
    assert!(
        exploration
            .histories
            .iter()
            .all(|history| !history.in_progress())
    );
    let processes: Vec<_> = first
        .process_logs
        .iter()
        .map(|place| place.process)
        .collect();
    assert_eq!(
        processes,
        [
            LoggedProcess::Container,
            LoggedProcess::Executor,
            LoggedProcess::Driver
        ]
    );
    let row = run(&exploration, "0000run1");
    assert_eq!(row.application_ids, ["spark-0000run1"]);
    assert_eq!(row.entry_point.as_deref(), Some("s3://code/daily.py"));
    assert_eq!(row.status, "COMPLETED");
    assert_eq!(row.billed, Default::default(), "EMR on EKS does not tell");
    let second = run(&exploration, "0000run2");
    assert!(!second.has_spark_history);
    assert!(
        second
            .no_history_reason
            .as_deref()
            .unwrap()
            .contains("disabled")
    );
    let [CallOutcome::Skipped(note)] = &outcome(&exploration, "rotated_event_logs")[..] else {
        panic!("{:?}", exploration.calls);
    };
    assert!(note.starts_with("1 job runs"), "{note}");
    assert_eq!(double.times("CreatePersistentAppUI"), 2);
    assert!(
        double.times("GetPersistentAppUIPresignedURL") > 2,
        "sessions expired"
    );
    let shown = format!("{exploration:?} {:?}", source(&double));
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn a_shared_folder_that_cannot_be_read_is_told_once() {
    let folder = json!({ "applicationConfiguration": [{
        "classification": "spark-defaults",
        "properties": { "spark.eventLog.dir": "s3://bucket/logs" },
    }] });
    let double = cluster_with(&[("0000run1", folder.clone()), ("0000run2", folder)]).await;
    let refused = JobRunSource {
        // Answers all that S3 is asked with 404.
        storage_options: [
            ("aws_endpoint", double.address().as_str()),
            ("allow_http", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..source(&double)
    };
    let exploration = explore(refused, &last_hours(10)).await;
    assert!(exploration.histories.is_empty());
    let failed = outcome(&exploration, "event_logs");
    let is_failure = |outcome: &&CallOutcome| matches!(outcome, CallOutcome::Failed { code, .. } if code == "UNREACHABLE");
    assert_eq!(failed.iter().filter(is_failure).count(), 1, "{failed:?}");
    assert_eq!(exploration.problems.len(), 1, "{:?}", exploration.problems);
    for id in ["0000run1", "0000run2"] {
        assert!(
            run(&exploration, id).has_spark_history,
            "nobody could look whether it has none"
        );
    }
    assert_eq!(
        double.times("CreatePersistentAppUI"),
        0,
        "AWS has no copy of it"
    );
}

#[tokio::test]
async fn one_refused_call_takes_only_what_it_is_for() {
    let double = cluster_with(&[("0000run1", Value::Null), ("0000run2", Value::Null)]).await;
    double.lock().denied.insert("CreatePersistentAppUI");
    double.lock().throttled.insert("DescribeJobRun", 1);
    let exploration = explore(source(&double), &last_hours(10)).await;
    assert_eq!(exploration.job_runs.len(), 2);
    assert_eq!(
        outcome(&exploration, "job_run_details"),
        [CallOutcome::Found(2)]
    );
    assert_eq!(double.times("CreatePersistentAppUI"), 1);
    let [CallOutcome::Failed { code, .. }] = &outcome(&exploration, "persistent_ui")[..] else {
        panic!("{:?}", exploration.calls);
    };
    assert_eq!(code, "AWS_AccessDeniedException");
}

#[tokio::test]
async fn the_doctor_tries_each_permission_but_starts_no_server() {
    let double = cluster_with(&[("0000run1", Value::Null)]).await;
    double.lock().denied.insert("DescribeJobRun");
    let checks = connect(source(&double)).await.check().await;
    let outcome = |subject: &str| {
        let check = checks.iter().find(|check| check.subject == subject);
        check.unwrap_or_else(|| panic!("{subject}")).outcome.clone()
    };
    for call in [
        "ListVirtualClusters",
        "DescribeVirtualCluster",
        "ListJobRuns",
    ] {
        let outcome = outcome(&format!("emr-containers:{call}"));
        assert!(
            matches!(outcome, CheckOutcome::Passed(_)),
            "{call}: {outcome:?}"
        );
    }
    let CheckOutcome::Failed { cure, .. } = outcome("emr-containers:DescribeJobRun") else {
        panic!("{checks:?}");
    };
    assert!(cure.contains("emr-containers:DescribeJobRun"), "{cure}");
    assert!(matches!(
        outcome("sts:GetCallerIdentity"),
        CheckOutcome::Passed(_)
    ));
    assert!(matches!(
        outcome("elasticmapreduce:CreatePersistentAppUI"),
        CheckOutcome::Skipped(_)
    ));
    assert_eq!(double.times("CreatePersistentAppUI"), 0);
}

#[tokio::test]
#[ignore = "needs moto: SPARKLAKE_MOTO_SERVER"]
async fn moto_is_listed_and_logs_in_a_shared_folder_are_told_apart() {
    use aws_sdk_emrcontainers::types::{
        Configuration, ConfigurationOverrides, ContainerInfo, ContainerProvider,
        ContainerProviderType, EksInfo, JobDriver, SparkSubmitJobDriver,
    };
    let moto = Moto::start().await;
    let config = sparklake::discover::aws::sdk_config(&aws(&moto.endpoint)).await;
    let client = aws_sdk_emrcontainers::Client::new(&config);
    let eks = EksInfo::builder().namespace("spark").build();
    let cluster = client
        .create_virtual_cluster()
        .name("analytics")
        .container_provider(
            ContainerProvider::builder()
                .r#type(ContainerProviderType::Eks)
                .id("eks-1")
                .info(ContainerInfo::EksInfo(eks))
                .build()
                .unwrap(),
        )
        .send()
        .await
        .expect("a virtual cluster");
    let cluster = cluster.id().expect("an id").to_owned();
    let folder = Configuration::builder()
        .classification("spark-defaults")
        .properties("spark.eventLog.dir", "s3a://logs/spark")
        .build()
        .unwrap();
    let submit = SparkSubmitJobDriver::builder().entry_point("s3://code/daily.py");
    let driver = JobDriver::builder().spark_submit_job_driver(submit.build().unwrap());
    let run = client
        .start_job_run()
        .virtual_cluster_id(&cluster)
        .name("nightly")
        .execution_role_arn("arn:aws:iam::123456789012:role/job")
        .release_label("emr-7.5.0-latest")
        .job_driver(driver.build())
        .configuration_overrides(
            ConfigurationOverrides::builder()
                .application_configuration(folder)
                .build(),
        )
        .send()
        .await
        .expect("a job run");
    let run = run.id().expect("an id").to_owned();
    let names = [
        format!("spark-{run}.inprogress"),
        "spark-00000other".to_owned(),
    ];
    moto.fill("logs", &names.map(|name| format!("spark/{name}")))
        .await;
    let platform = connect(JobRunSource {
        aws: aws(&moto.endpoint),
        storage_options: moto.storage_options(),
        ..JobRunSource::default()
    })
    .await;
    let list = platform.list(&Window::default()).await.expect("a list");
    assert_eq!(list.clusters.len(), 1);
    let listed = list.clusters[0].clone();
    // moto's job runs never end.
    let exploration = platform
        .explore(listed.clone(), &ExploreRequest::default())
        .await;
    assert!(exploration.job_runs.is_empty());
    let request = ExploreRequest {
        include_running: true,
        ..ExploreRequest::default()
    };
    let exploration = platform.explore(listed, &request).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(exploration.job_runs[0].name.as_deref(), Some("nightly"));
    let [history] = &exploration.histories[..] else {
        panic!("{:?}", exploration.histories)
    };
    assert_eq!(
        history.uri(),
        format!("s3://logs/spark/spark-{run}.inprogress")
    );
    assert!(history.in_progress());
    assert_eq!(
        history
            .job_run
            .as_ref()
            .map(|link| link.job_run_id.as_str()),
        Some(run.as_str())
    );
}
