//! Clusters: what a platform runs applications on, and how it is asked about them.
//!
//! A platform is asked in two steps. [`ClusterPlatform::list`] is cheap and tells which clusters
//! there are; [`ClusterPlatform::explore`] asks everything about one of them, and may take minutes.
//! The pipeline explores a few clusters at a time and commits what they gave before it goes on, and
//! it does not explore again what has ended and was loaded whole.

use crate::model::Platform;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::problem::{DiscoverError, DiscoverProblem};
use super::stable_hash::StableHash;
use super::window::Window;

/// A cluster, or what a platform has in a cluster's place: an EMR Serverless application, a virtual
/// cluster of EMR on EKS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The platform.
    pub platform: Platform,
    /// The platform's own id, such as `j-1ABCD2EFGH3IJ`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A name that is unique over accounts and regions: an ARN, or an address in a workspace.
    pub uri: String,
    /// The platform's word for its state.
    pub status: String,
    /// Whether it has ended and nothing new can happen in it.
    pub is_finished: bool,
    /// Region it is in.
    pub region: Option<String>,
    /// Release of the platform's software: `emr-7.5.0`, `15.4.x-scala2.12`.
    pub release_label: Option<String>,
    /// When it was asked for.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was ready for work.
    pub ready_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// EMR's measure of its size times its age.
    pub normalized_instance_hours: Option<i64>,
    /// Databricks' name for the driver's life that the cluster was in last.
    pub spark_context_id: Option<String>,
    /// What users wrote on it.
    pub tags: BTreeMap<String, String>,
}

impl Cluster {
    /// A cluster about which nothing is known but what every platform lists.
    pub fn new(
        platform: Platform,
        id: impl Into<String>,
        name: impl Into<String>,
        uri: impl Into<String>,
        status: impl Into<String>,
    ) -> Self {
        Self {
            platform,
            id: id.into(),
            name: name.into(),
            uri: uri.into(),
            status: status.into(),
            is_finished: false,
            region: None,
            release_label: None,
            created_at: None,
            ready_at: None,
            ended_at: None,
            normalized_instance_hours: None,
            spark_context_id: None,
            tags: BTreeMap::new(),
        }
    }

    /// Changes when the cluster has: by this the ledger knows that a finished cluster was dealt
    /// with.
    pub fn fingerprint(&self) -> String {
        let mut hash = StableHash::default();
        hash.add(&self.uri);
        hash.add(&self.status);
        let ended = self.ended_at.map(|time| time.timestamp_millis());
        hash.add(&ended.unwrap_or_default().to_string());
        hash.add(if self.is_finished {
            "finished"
        } else {
            "alive"
        });
        hash.finish()
    }
}

/// Part of a cluster that is of one kind: an instance group, an instance type of a fleet, the
/// workers of a Databricks cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterInstances {
    /// The platform's id of the group or fleet.
    pub group_id: String,
    /// Its name.
    pub group_name: Option<String>,
    /// What it is for: `MASTER`, `CORE`, `TASK`, `DRIVER`, `WORKER`.
    pub role: String,
    /// Instance type, such as `r6g.4xlarge`.
    pub instance_type: String,
    /// `ON_DEMAND` or `SPOT`.
    pub market: Option<String>,
    /// Instances asked for.
    pub requested_count: Option<i64>,
    /// Instances that ran when it was asked.
    pub running_count: Option<i64>,
    /// Instances that were ever seen in it.
    pub total_count: Option<i64>,
    /// Hours of all of them together; `None` where no instance was listed.
    pub instance_hours: Option<f64>,
    /// Bid for spot in USD an hour, where one was made.
    pub bid_price_usd: Option<f64>,
    /// Bid in percent of the on-demand price, where one was made.
    pub bid_price_percentage: Option<f64>,
    /// EBS volumes of one instance together, in GB.
    pub ebs_gb: Option<i64>,
    /// Earliest creation of its instances.
    pub first_created_at: Option<DateTime<Utc>>,
    /// Latest end of its instances; `None` while one runs.
    pub last_ended_at: Option<DateTime<Utc>>,
}

/// How full a cluster was at one time. Fields are `None` where the source does not measure them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterMetrics {
    /// Time of the sample.
    pub sampled_at: DateTime<Utc>,
    /// Who measured: `yarn`, `yarn_queue`, `cloudwatch`.
    pub source: Cow<'static, str>,
    /// YARN queue, for `yarn_queue`.
    pub queue: Option<String>,
    /// Length of the interval that the sample stands for, in seconds; `None` for a moment.
    pub period_seconds: Option<i64>,
    /// Memory in the hands of containers, in MiB.
    pub allocated_memory_mb: Option<f64>,
    /// Memory that is free for containers, in MiB.
    pub available_memory_mb: Option<f64>,
    /// All memory that containers can have, in MiB.
    pub total_memory_mb: Option<f64>,
    /// Virtual cores in the hands of containers.
    pub allocated_vcores: Option<f64>,
    /// Virtual cores that are free for containers.
    pub available_vcores: Option<f64>,
    /// All virtual cores that containers can have.
    pub total_vcores: Option<f64>,
    /// Containers that run.
    pub allocated_containers: Option<f64>,
    /// Containers that wait for room.
    pub pending_containers: Option<f64>,
    /// Applications that run.
    pub running_applications: Option<f64>,
    /// Applications that wait.
    pub pending_applications: Option<f64>,
    /// Nodes that take containers.
    pub active_nodes: Option<f64>,
    /// Nodes that were lost.
    pub lost_nodes: Option<f64>,
}

/// A run as the platform counts them: an EMR step, a job run of EMR Serverless, EMR on EKS or
/// Databricks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRun {
    /// The platform's id of the run.
    pub job_run_id: String,
    /// Its name.
    pub name: Option<String>,
    /// The platform's id of what recurs, where it has one: a Databricks job.
    pub job_id: Option<String>,
    /// The platform's word for its state.
    pub status: String,
    /// Why it ended as it did.
    pub status_reason: Option<String>,
    /// Spark applications that it started, where the platform tells.
    pub application_ids: Vec<String>,
    /// When it was asked for.
    pub created_at: Option<DateTime<Utc>>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Main program: a script, a jar, a notebook.
    pub entry_point: Option<String>,
    /// Who ran it: an IAM role or a user.
    pub run_as: Option<String>,
    /// Whether Spark keeps a history of it that can be read.
    pub has_spark_history: bool,
    /// Why not, where not.
    pub no_history_reason: Option<String>,
    /// Resources that were used.
    pub used: ResourceHours,
    /// Resources that were billed.
    pub billed: ResourceHours,
    /// Time that was billed or executed, in seconds.
    pub execution_seconds: Option<i64>,
    /// Time that it waited, in milliseconds.
    pub queued_ms: Option<i64>,
    /// What users wrote on it.
    pub tags: BTreeMap<String, String>,
}

/// Resources by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceHours {
    /// Virtual cores by hours.
    pub vcpu_hours: Option<f64>,
    /// Memory in GB by hours.
    pub memory_gb_hours: Option<f64>,
    /// Storage in GB by hours.
    pub storage_gb_hours: Option<f64>,
}

/// A folder of logs that processes wrote: standard output and error of a driver or of executors.
#[derive(Debug, Clone)]
pub struct ProcessLogPlace {
    /// Whose logs.
    pub process: LoggedProcess,
    /// Its URI, for messages and for `log_findings.log_uri`.
    pub uri: String,
    /// Where the files are.
    pub store: Arc<dyn ObjectStore>,
    /// The folder; all files below it are read.
    pub prefix: Path,
}

/// Whose standard output and error a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoggedProcess {
    /// The driver.
    Driver,
    /// Executors.
    Executor,
    /// YARN containers: the driver in cluster mode, and executors.
    Container,
    /// An EMR step: the driver in client mode.
    Step,
}

impl LoggedProcess {
    /// The word in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
            Self::Container => "container",
            Self::Step => "step",
        }
    }
}

/// One thing that a cluster was asked, for `status_details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked, in snake case: `applications`, `instance_groups`, `persistent_ui`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: CallOutcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It gave so many things.
    Found(usize),
    /// It was not made, and why that is right.
    Skipped(String),
    /// It failed.
    Failed {
        /// Short and stable: `TIMEOUT`, `HTTP_403`, `AWS_ThrottlingException`,
        /// `PERSISTENT_UI_NOT_READY`.
        code: String,
        /// Whether trying again may help although nothing was changed.
        retryable: bool,
    },
}

/// Everything that one cluster told.
#[derive(Debug)]
pub struct Exploration {
    /// The cluster, with what its description adds to the list's.
    pub cluster: Cluster,
    /// What it consists of.
    pub instances: Vec<ClusterInstances>,
    /// How full it was.
    pub metrics: Vec<ClusterMetrics>,
    /// Runs on it.
    pub job_runs: Vec<JobRun>,
    /// Histories of its applications.
    pub histories: Vec<History>,
    /// What was asked, and what came of it.
    pub calls: Vec<Call>,
    /// What went wrong, for people; every failed call has one.
    pub problems: Vec<DiscoverProblem>,
}

impl Exploration {
    /// Nothing is known yet but the cluster itself.
    pub fn of(cluster: Cluster) -> Self {
        Self {
            cluster,
            instances: Vec::new(),
            metrics: Vec::new(),
            job_runs: Vec::new(),
            histories: Vec::new(),
            calls: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Notes that `name` was asked and gave `count` things.
    pub fn found(&mut self, name: &'static str, count: usize) {
        let outcome = CallOutcome::Found(count);
        self.calls.push(Call { name, outcome });
    }

    /// Notes that `name` was not asked, and why that is right.
    pub fn skipped(&mut self, name: &'static str, reason: impl Into<String>) {
        let outcome = CallOutcome::Skipped(reason.into());
        self.calls.push(Call { name, outcome });
    }

    /// Notes that `name` failed.
    pub fn failed(&mut self, name: &'static str, error: DiscoverError) {
        let outcome = CallOutcome::Failed {
            code: error.code(),
            retryable: error.is_retryable(),
        };
        self.calls.push(Call { name, outcome });
        let uri = self.cluster.uri.clone();
        self.problems.push(DiscoverProblem { uri, error });
    }

    /// Leaves out what is not of this job run.
    fn keep_run(&mut self, job_run_id: &str) {
        self.job_runs.retain(|run| run.job_run_id == job_run_id);
        self.histories.retain(|history| {
            let run = history.job_run.as_ref();
            run.is_some_and(|run| run.job_run_id == job_run_id)
        });
    }
}

/// What an exploration should look for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExploreRequest {
    /// Which applications, by their end, or by their start while they run.
    pub window: Window,
    /// Whether applications that still run are wanted.
    pub include_running: bool,
    /// Most applications of one cluster, the newest first.
    pub max_applications: Option<usize>,
    /// Time of the newest mean that is in the lake already; later ones are wanted.
    pub metrics_since: Option<DateTime<Utc>>,
}

/// The clusters that a platform lists.
#[derive(Debug, Default)]
pub struct ClusterList {
    /// Clusters, in a stable order.
    pub clusters: Vec<Cluster>,
    /// Parts of the list that could not be had.
    pub problems: Vec<DiscoverProblem>,
}

/// How hard a platform may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Clusters explored side by side.
    pub max_cluster_threads: usize,
    /// Clusters whose rows are committed together: what a killed run asks again at worst.
    pub batch_size: usize,
    /// Rest between two batches.
    pub batch_delay: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            max_cluster_threads: 4,
            batch_size: 8,
            batch_delay: Duration::ZERO,
        }
    }
}

/// One thing that `sparklake doctor` tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was tried: `elasticmapreduce:ListClusters`, `GET /api/v1/version`.
    pub subject: String,
    /// What came of it.
    pub outcome: CheckOutcome,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It works; what was seen.
    Passed(String),
    /// It could not be tried, and why.
    Skipped(String),
    /// It does not work.
    Failed {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        cure: String,
    },
}

/// A platform that runs clusters.
#[async_trait]
pub trait ClusterPlatform: Debug + Send + Sync {
    /// Which platform it is.
    fn platform(&self) -> Platform;

    /// Where it is, for messages and `runs.sources`; no secrets: `emr eu-west-1`.
    fn describe(&self) -> String;

    /// How hard it may be asked.
    fn pace(&self) -> Pace;

    /// Lists the clusters that are wanted.
    ///
    /// # Errors
    /// When no part of the list can be had: wrong credentials, no network, no permission.
    async fn list(&self, window: &Window) -> Result<ClusterList, DiscoverError>;

    /// Asks everything about one cluster. A problem with one question becomes a failed call and a
    /// problem, and does not hide what the others give.
    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration;

    /// The same about one job run of the cluster. A platform whose clusters have many asks about no other.
    async fn explore_run(
        &self,
        cluster: Cluster,
        job_run_id: &str,
        request: &ExploreRequest,
    ) -> Exploration {
        let mut exploration = self.explore(cluster, request).await;
        exploration.keep_run(job_run_id);
        exploration
    }

    /// Tries credentials, every permission and the way to the servers, changing nothing.
    async fn check(&self) -> Vec<Check>;
}
