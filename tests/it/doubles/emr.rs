//! An account with EMR clusters: EMR, STS, CloudWatch, S3, YARN, and the persistent application UIs,
//! all behind one address.
//!
//! Built in the style of `Account::new().cluster(Cluster::new("j-1", "etl").application(…))` and
//! started with [`Account::start`]; it answers from a thread of its own, so tests may be
//! synchronous.

mod cbor;
mod documents;
mod objects;
mod server;
mod shs;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

pub(crate) use server::Running;

/// Everything that the doubles know.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub region: String,
    pub clusters: Vec<Cluster>,
    /// Things on one page of any list.
    pub page_size: usize,
    /// Calls of one operation of EMR that are answered at once, and those of each second after that.
    pub throttle: Option<(f64, f64)>,
    /// Operations that are refused for lack of permission: `ListSteps`, `GetMetricData`.
    pub denied: HashSet<String>,
    /// Operations that a proxy answers with a page in HTML and status 200.
    pub html: HashSet<String>,
    /// Whether all keys have expired.
    pub has_expired_keys: bool,
    /// Requests that a session of a persistent UI is good for.
    pub session_requests: Option<usize>,
    /// S3: bucket and key to content.
    pub objects: BTreeMap<(String, String), Object>,
}

/// What lies in S3.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub content: Vec<u8>,
    pub modified: DateTime<Utc>,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            clusters: Vec::new(),
            page_size: 50,
            throttle: None,
            denied: HashSet::new(),
            html: HashSet::new(),
            has_expired_keys: false,
            session_requests: None,
            objects: BTreeMap::new(),
        }
    }

    pub(crate) fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    pub(crate) fn page_size(mut self, size: usize) -> Self {
        self.page_size = size;
        self
    }

    /// Throttles as AWS does: each operation has `burst` calls, and `refill` more each second.
    pub(crate) fn throttle(mut self, burst: f64, refill: f64) -> Self {
        self.throttle = Some((burst, refill));
        self
    }

    pub(crate) fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    pub(crate) fn deny(mut self, operation: &str) -> Self {
        self.denied.insert(operation.to_owned());
        self
    }

    pub(crate) fn answer_html(mut self, operation: &str) -> Self {
        self.html.insert(operation.to_owned());
        self
    }

    pub(crate) fn expired_keys(mut self) -> Self {
        self.has_expired_keys = true;
        self
    }

    /// Sessions of persistent UIs are good for so many requests.
    pub(crate) fn session_requests(mut self, requests: usize) -> Self {
        self.session_requests = Some(requests);
        self
    }

    pub(crate) fn object(
        mut self,
        bucket: &str,
        key: &str,
        content: &[u8],
        modified: &str,
    ) -> Self {
        let object = Object {
            content: content.to_vec(),
            modified: at(modified),
        };
        self.objects
            .insert((bucket.to_owned(), key.to_owned()), object);
        self
    }

    /// Answers from now on, until the result is dropped.
    pub(crate) fn start(self) -> Running {
        server::start(self)
    }
}

/// What becomes of a cluster's persistent application UI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ui {
    /// Is attached after it was looked at so often, and its address is ready after as many looks.
    AttachesAfter(usize),
    /// Starts for ever.
    Never,
    /// Ends in this state, for this reason.
    Fails(&'static str, &'static str),
    /// Is created without an id.
    WithoutId,
}

/// A cluster, its steps and what it consists of.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub id: String,
    pub name: String,
    pub state: String,
    pub created: DateTime<Utc>,
    pub ready: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub hours: i64,
    pub installed: Vec<String>,
    pub log_uri: Option<String>,
    /// As `Configurations` of `DescribeCluster`.
    pub configurations: Value,
    /// As `MonitoringConfiguration`.
    pub monitoring: Option<Value>,
    pub has_fleets: bool,
    /// As `InstanceGroups` or `InstanceFleets`.
    pub parts: Vec<Value>,
    /// As `Instances`.
    pub instances: Vec<Value>,
    /// As `Steps`, newest first.
    pub steps: Vec<Value>,
    pub ui: Ui,
    pub applications: Vec<Application>,
    /// Value of every metric of CloudWatch at each of these times.
    pub samples: Vec<(DateTime<Utc>, f64)>,
    /// Start of its ResourceManager in milliseconds.
    pub cluster_timestamp: i64,
}

impl Cluster {
    /// A cluster with Spark that ran from 01:00 to 03:00 on 2026-11-20, one master and two cores.
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            state: "TERMINATED".to_owned(),
            created: at("2026-11-20T01:00:00Z"),
            ready: Some(at("2026-11-20T01:05:00Z")),
            ended: Some(at("2026-11-20T03:00:00Z")),
            hours: 16,
            installed: vec!["Hadoop".to_owned(), "Spark".to_owned()],
            log_uri: None,
            configurations: json!([]),
            monitoring: None,
            has_fleets: false,
            parts: documents::groups(),
            instances: documents::instances(),
            steps: Vec::new(),
            ui: Ui::AttachesAfter(1),
            applications: Vec::new(),
            samples: Vec::new(),
            cluster_timestamp: at("2026-11-20T01:04:00Z").timestamp_millis(),
        }
    }

    /// Its state and times; `ready` and `ended` may be empty.
    pub(crate) fn state(mut self, state: &str, created: &str, ready: &str, ended: &str) -> Self {
        state.clone_into(&mut self.state);
        self.created = at(created);
        self.ready = (!ready.is_empty()).then(|| at(ready));
        self.ended = (!ended.is_empty()).then(|| at(ended));
        self
    }

    pub(crate) fn hours(mut self, hours: i64) -> Self {
        self.hours = hours;
        self
    }

    pub(crate) fn installed(mut self, applications: &[&str]) -> Self {
        self.installed = applications.iter().map(|&name| name.to_owned()).collect();
        self
    }

    pub(crate) fn ui(mut self, ui: Ui) -> Self {
        self.ui = ui;
        self
    }

    pub(crate) fn log_uri(mut self, uri: &str) -> Self {
        self.log_uri = Some(uri.to_owned());
        self
    }

    /// `spark-defaults`, nested in another classification as EMR allows it.
    pub(crate) fn spark_defaults(mut self, properties: Value) -> Self {
        self.configurations = json!([{
            "Classification": "spark",
            "Properties": {},
            "Configurations": [
                {"Classification": "spark-defaults", "Properties": properties, "Configurations": []},
            ],
        }]);
        self
    }

    /// EMR keeps nothing for its History Server.
    pub(crate) fn persistent_ui_disabled(mut self) -> Self {
        self.monitoring = Some(json!({"S3LoggingConfiguration":
            {"LogTypeUploadPolicy": {"persistent-ui-logs": "disabled"}}}));
        self
    }

    pub(crate) fn fleets(mut self, fleets: Vec<Value>, instances: Vec<Value>) -> Self {
        self.has_fleets = true;
        self.parts = fleets;
        self.instances = instances;
        self
    }

    /// A finished `spark-submit` that started the applications with these ids.
    pub(crate) fn step(mut self, id: &str, name: &str, application_ids: &[&str]) -> Self {
        self.steps
            .insert(0, documents::step(id, name, application_ids));
        self
    }

    pub(crate) fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    pub(crate) fn sample(mut self, time: &str, value: f64) -> Self {
        self.samples.push((at(time), value));
        self
    }

    pub(crate) fn arn(&self, region: &str) -> String {
        format!(
            "arn:aws:elasticmapreduce:{region}:123456789012:cluster/{}",
            self.id
        )
    }

    pub(crate) fn master_dns(&self) -> String {
        format!("master-{}", self.id)
    }
}

/// An application as a persistent UI knows it: its listing and its log.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub id: String,
    pub name: String,
    pub attempt_id: Option<String>,
    pub start: DateTime<Utc>,
    pub end: Option<DateTime<Utc>>,
    /// The zip that `…/logs` gives; `None` where it is refused.
    pub log: Option<Vec<u8>>,
}

impl Application {
    /// An application without a log.
    pub(crate) fn new(id: &str, name: &str, start: &str, end: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            attempt_id: None,
            start: at(start),
            end: (!end.is_empty()).then(|| at(end)),
            log: None,
        }
    }

    /// The application of a log in plain text, under another id, so that one log serves many
    /// applications. Name and times are the log's.
    pub(crate) fn of_log(path: &Path, id: &str) -> Self {
        let text = fs::read_to_string(path).expect("a log in plain text");
        let event = |kind: &str| {
            text.lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find(|event| event["Event"] == kind)
        };
        let started = event("SparkListenerApplicationStart").expect("a start");
        let time = |event: &Value| {
            let milliseconds = event["Timestamp"].as_i64().expect("a time");
            DateTime::from_timestamp_millis(milliseconds).expect("a time")
        };
        let old_id = started["App ID"].as_str().expect("an id");
        let log = text.replace(old_id, id);
        Self {
            id: id.to_owned(),
            name: started["App Name"].as_str().expect("a name").to_owned(),
            attempt_id: started["App Attempt ID"].as_str().map(str::to_owned),
            start: time(&started),
            end: event("SparkListenerApplicationEnd").map(|event| time(&event)),
            log: Some(zipped(id, log.as_bytes())),
        }
    }

    /// What `…/logs` gives.
    pub(crate) fn log(mut self, zip: &[u8]) -> Self {
        self.log = Some(zip.to_vec());
        self
    }

    pub(crate) fn attempt(mut self, id: &str) -> Self {
        self.attempt_id = Some(id.to_owned());
        self
    }
}

/// An archive with one file, as `…/logs` gives it.
pub(crate) fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default())
        .expect("an entry");
    zip.write_all(content).expect("written");
    zip.finish().expect("a zip").into_inner()
}

/// A time by its text.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}
