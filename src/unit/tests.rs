//! Orders and results as JSON, and the coordinator's look at results.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deltalake::kernel::Add;
use object_store::memory::InMemory;
use object_store::path::Path;

use super::*;
use crate::config::Environment;
use crate::discover::{
    Cluster, ClusterInstances, ClusterMetrics, Content, EventLog, History, JobRun, Layout,
    SourceFile,
};
use crate::extract::EXTRACTOR_VERSION;
use crate::extract::extraction::Identity;
use crate::extract::rows::RowCounts;
use crate::load::{
    Batch, ClusterRecord, ClusterStatus, Lake, SourceRecord, SourceStatus, StagedAdd, StagedUnit,
};
use crate::model::Platform;
use crate::redact::RedactionSettings;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_720_000_000_123_456_789)
}

fn assignment(uri: &str) -> Assignment {
    let file = SourceFile {
        uri: uri.to_owned(),
        path: Path::parse("logs/a%20b/app-1").expect("a path"),
        size: 10,
        modified: time(),
        etag: Some("\"1\"".to_owned()),
    };
    let log = EventLog {
        uri: uri.to_owned(),
        layout: Layout::SingleFile,
        files: vec![file],
        zip_entries: Vec::new(),
        in_progress: false,
        section: None,
        store: Arc::new(InMemory::new()),
    };
    Assignment {
        history: History {
            platform: Platform::EventLog,
            cluster_id: "s3://bucket/logs".to_owned(),
            cluster_name: "logs".to_owned(),
            content: Content::Log(log),
            job_run: None,
            process_logs: Vec::new(),
        },
        identity: Identity {
            application_id: "app-1".to_owned(),
            attempt_id: "0".to_owned(),
            application_name: "etl".to_owned(),
            start_time: 1,
            has_start: true,
            spark_context_id: Some(i64::MAX),
        },
        fingerprint: "f1".to_owned(),
        team: Some("data".to_owned()),
    }
}

fn order() -> Order {
    let assignment = assignment("s3://bucket/logs/a%2520b/app-1");
    let (history, _) = HistoryReference::of(&assignment, "source[0]").expect("it travels");
    let options = [
        ("aws_access_key_id", "id"),
        ("aws_region", "eu-west-1"),
        ("aws_secret_access_key_env", "KEY_OF_LOGS"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let credentials = Credentials {
        options: BTreeMap::from(options),
        aws: None,
    };
    Order {
        version: ORDER_VERSION,
        extractor_version: EXTRACTOR_VERSION,
        log_signatures: Order::signatures(),
        unit: 3,
        batch: Batch {
            id: "0000000007-abcdef01".to_owned(),
            seq: 7,
            run_id: "run".to_owned(),
            started_at: time(),
        },
        lake: LakeReference {
            uri: "s3://bucket/lake/".to_owned(),
            credentials: Credentials::default(),
            allow_unsafe_store: false,
        },
        limits: ExtractionLimits {
            threads: 2,
            is_alone: true,
            extract_timeout_ms: 1_000,
        },
        include_tasks: true,
        teams: Default::default(),
        redaction: RedactionSettings::default(),
        credentials: BTreeMap::from([("source[0]".to_owned(), credentials)]),
        histories: vec![history],
        clusters: Vec::new(),
    }
}

fn result_of(order: &Order, token: &str) -> UnitResult {
    let outcomes = order.histories.iter().map(|history| {
        let record = SourceRecord::new(
            &history.log.uri,
            &history.fingerprint,
            history.platform.as_str(),
            &history.cluster_id,
            SourceStatus::Loaded,
        );
        Outcome::unread(record)
    });
    let name = format!(
        "{}{token}-0-00001.zstd.parquet",
        order.batch.file_prefix(order.unit)
    );
    let file = StagedAdd {
        add: Add {
            path: format!("app_date=2024-07-03/{name}"),
            size: 100,
            ..Add::default()
        },
        rows: 1,
    };
    let staged = StagedUnit {
        tables: BTreeMap::from([("jobs".to_owned(), vec![file])]),
        rows: BTreeMap::from([("jobs".to_owned(), 1)]),
    };
    UnitResult {
        version: RESULT_VERSION,
        unit: order.unit,
        batch_id: order.batch.id.clone(),
        rows: staged.total_rows(),
        bytes: staged.bytes(),
        outcomes: outcomes.collect(),
        staged,
        duration_ms: 5,
    }
}

#[test]
fn an_order_is_the_same_after_its_way_through_json() {
    let order = order();
    let json = order.to_json().unwrap();
    assert_eq!(Order::parse(json.as_bytes()).unwrap(), order);
    // The path of an object is kept as its store has it, the time to the nanosecond.
    assert!(json.contains(r#""path":"logs/a%20b/app-1""#), "{json}");
    assert!(json.contains(".123456789Z"), "{json}");
}

#[test]
fn an_order_of_another_version_or_with_other_rules_is_refused() {
    let json = order().to_json().unwrap();
    let refused = |from: &str, to: &str| {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        Order::parse(changed.as_bytes()).unwrap_err().to_string()
    };
    let newer = refused("{\"version\":1,", "{\"version\":2,\"new_key\":[],");
    assert!(newer.contains("the order has version 2"), "{newer}");
    assert!(newer.contains("the same sparklake"), "{newer}");
    let unknown = refused("{\"version\":1,", "{\"version\":1,\"new_key\":[],");
    assert!(unknown.contains("unknown field `new_key`"), "{unknown}");
    let extractor = format!("\"extractor_version\":{EXTRACTOR_VERSION}");
    let rules = refused(&extractor, "\"extractor_version\":999");
    assert!(rules.contains("rules of extraction"), "{rules}");
    let signatures = refused(&Order::signatures(), "0000");
    assert!(signatures.contains("log_signatures"), "{signatures}");
    let cut = Order::parse(json.get(..40).unwrap().as_bytes()).unwrap_err();
    assert!(
        cut.to_string().contains("the order cannot be read"),
        "{cut}"
    );
    let result = result_of(&order(), "t").to_json().unwrap();
    let result = result.replacen("\"version\":1", "\"version\":7", 1);
    let error = UnitResult::parse(result.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("the result has version 7"),
        "{error}"
    );
}

#[test]
fn an_order_never_holds_a_secret() {
    let mut order = order();
    let options = &mut order.lake.credentials.options;
    options.insert(
        "aws_secret_access_key".to_owned(),
        "hunter2hunter2".to_owned(),
    );
    let error = order.to_json().unwrap_err().to_string();
    assert!(
        error.contains("`aws_secret_access_key` holds a secret"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    // Neither does a worker take one that somebody else wrote.
    let json = serde_json::to_vec(&order).unwrap();
    let error = Order::parse(&json).unwrap_err();
    assert!(error.is_usage(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_looked_up_by_whoever_opens_the_store() {
    let order = order();
    let open = |variables: &[(&str, &str)]| {
        let of_text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Environment = variables.iter().map(of_text).collect();
        let stores = Stores::new(environment);
        tokio::task::block_in_place(|| order.open(&stores).map(|unit| unit.histories.len()))
    };
    let missing = open(&[]).unwrap_err();
    assert!(missing.is_usage(), "{missing}");
    assert_eq!(
        missing.to_string(),
        "--order: the environment variable KEY_OF_LOGS is not set; put the aws_secret_access_key \
         into it"
    );
    assert_eq!(open(&[("KEY_OF_LOGS", "secret")]).unwrap(), 1);

    let mut nameless = order.clone();
    nameless.credentials.clear();
    let stores = Stores::new(Environment::default());
    let error = tokio::task::block_in_place(|| nameless.open(&stores)).unwrap_err();
    assert!(error.to_string().contains("`source[0]`"), "{error}");
    assert!(error.to_string().contains("s3://bucket/"), "{error}");
}

#[test]
fn histories_travel_where_an_address_opens_their_store() {
    let travels = |uri: &str| can_travel(&assignment(uri).history);
    for uri in [
        "file:///logs/app-1",
        "s3://bucket/app-1",
        "gs://bucket/app-1",
        "abfss://container@account.dfs.core.windows.net/app-1",
    ] {
        assert!(travels(uri), "{uri}");
    }
    for uri in ["dbfs://workspace/logs", "https://host/container/app-1"] {
        assert!(!travels(uri), "{uri}");
    }
}

#[test]
fn of_a_unit_that_was_done_twice_one_result_is_taken() {
    let orders = [order()];
    let first = result_of(&orders[0], "11111111");
    let again = result_of(&orders[0], "22222222");
    let results = vec![first.clone(), again.clone(), first.clone()];
    let collected = collect(&orders, results).unwrap();
    let names = |staged: &StagedUnit| {
        let files = staged.tables.values().flatten();
        let names: Vec<String> = files.map(|file| file.add.path.clone()).collect();
        names
    };
    assert_eq!(collected.results.len(), 1);
    assert_eq!(names(&collected.results[0].staged), names(&first.staged));
    // The files of the other are of no use; those of the same result are.
    assert_eq!(names(&collected.doubled), names(&again.staged));
}

#[test]
fn a_result_that_was_not_ordered_is_refused() {
    let orders = [order()];
    let refused = |change: &dyn Fn(&mut UnitResult)| {
        let mut result = result_of(&orders[0], "11111111");
        change(&mut result);
        collect(&orders, vec![result]).unwrap_err().to_string()
    };
    let path = |path: &str| {
        let path = path.to_owned();
        refused(&move |result| {
            for file in result.staged.tables.values_mut().flatten() {
                file.add.path.clone_from(&path);
            }
        })
    };
    let own = format!("{}x.parquet", orders[0].batch.file_prefix(3));
    for foreign in [
        "app_date=2024-07-03/part-0000000006-abcdef01-00003-x.parquet",
        "part-0000000007-abcdef01-00004-x.parquet",
        &format!("../jobs/{own}"),
        &format!("app_date=1/../{own}"),
        &format!("_delta_log/{own}"),
        &format!("{own}%2F..%2F..%2Fjobs"),
    ] {
        assert!(path(foreign).contains("is no file of it"), "{foreign}");
    }
    let batch = refused(&|result| "other".clone_into(&mut result.batch_id));
    assert!(batch.contains("it is of batch other"), "{batch}");
    let unit = refused(&|result| result.unit = 4);
    assert!(unit.contains("it was not ordered"), "{unit}");
    let fewer = refused(&|result| result.outcomes.clear());
    assert!(fewer.contains("0 histories instead of 1"), "{fewer}");
    let version = refused(&|result| {
        result.outcomes[0].record.fingerprint = "f2".to_owned();
    });
    assert!(version.contains("it reports"), "{version}");
    let table = refused(&|result| {
        let files = result.staged.tables.remove("jobs").unwrap();
        result.staged.tables.insert("jobz".to_owned(), files);
    });
    assert!(table.contains("no table jobz"), "{table}");
    for foreign in ["findings", "ingest_sources", "cluster_summaries", "runs"] {
        let table = refused(&|result| {
            let files = result.staged.tables.remove("jobs").unwrap();
            result.staged.tables.insert(foreign.to_owned(), files);
        });
        let expected = format!("does not write to {foreign}");
        assert!(table.contains(&expected), "{table}");
    }
    let none = collect(&orders, Vec::new()).unwrap_err();
    assert!(
        none.to_string()
            .contains("no worker gave a result for unit 3")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_clusters_are_staged_by_a_unit_that_came_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let uri = folder.path().join("lake").display().to_string();
    let lake = Lake::open_or_create(&uri, HashMap::new()).await.unwrap();
    let lock = lake.acquire("run").await.unwrap();
    lake.recover(&lock).await.unwrap();
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let mut order = order();
    order.batch = batch.clone();
    order.lake.uri = lake.absolute_uri().to_owned();
    order.histories.clear();
    order.clusters = vec![cluster_facts()];
    let json = order.to_json().unwrap();
    let order = Order::parse(json.as_bytes()).unwrap();
    assert_eq!(order.clusters, [cluster_facts()]);

    let environment = Environment::default();
    let results = [
        execute(&order, &environment).await.unwrap(),
        execute(&order, &environment).await.unwrap(),
    ];
    let collected = collect(std::slice::from_ref(&order), results.to_vec()).unwrap();
    let staged = collected.results.into_iter().map(|result| result.staged);
    let report = lake
        .commit(&lock, &batch, staged.collect(), &[], Vec::new())
        .await
        .unwrap();
    let rows: Vec<(&str, u64)> = report
        .tables
        .iter()
        .map(|(table, commit)| (table.as_str(), commit.rows))
        .collect();
    let expected = [
        ("cluster_instances", 1),
        ("cluster_metrics", 2),
        ("cluster_summaries", 1),
        ("ingest_clusters", 1),
        ("job_runs", 1),
    ];
    assert_eq!(rows, expected);
    // The batch is closed: the same order is too late.
    let late = execute(&order, &environment).await.unwrap_err();
    assert!(late.to_string().contains("is not open any more"), "{late}");
    lock.release().await;
}

fn cluster_facts() -> ClusterFacts {
    let mut cluster = Cluster::new(Platform::Emr, "j-1", "etl", "arn:aws:j-1", "TERMINATED");
    cluster.created_at = Some(time());
    cluster.tags = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let sample = ClusterMetrics {
        sampled_at: time(),
        source: "cloudwatch".into(),
        allocated_memory_mb: Some(0.1),
        ..ClusterMetrics::default()
    };
    ClusterFacts {
        record: ClusterRecord {
            cluster_uri: cluster.uri.clone(),
            fingerprint: cluster.fingerprint(),
            platform: "emr".to_owned(),
            cluster_id: "j-1".to_owned(),
            cluster_name: "etl".to_owned(),
            status: ClusterStatus::Done,
            failures: Vec::new(),
            histories: 1,
            measured_until: None,
            has_tasks: true,
        },
        cluster,
        instances: vec![ClusterInstances::default()],
        metrics: vec![sample.clone(), sample],
        job_runs: vec![JobRun::default()],
        analysis_status: "COMPLETED".to_owned(),
        status_details: "{}".to_owned(),
        total_applications: 1,
        unchanged_applications: 0,
        loaded_applications: 1,
        rows: RowCounts::default(),
    }
}
