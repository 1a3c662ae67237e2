//! EMR on EC2: its clusters, what they consist of, the steps they ran, and the histories of their
//! applications.
//!
//! Histories come from event logs in S3 where the cluster writes them there, and else from the
//! History Server that EMR keeps for a cluster, also after its end (its persistent application UI).

mod api;
mod cloudwatch;
mod clusters;
mod command_line;
mod doctor;
mod event_logs;
mod histories;
mod instances;
mod ownership;
pub(super) mod persistent_ui;
mod process_logs;
mod setup;
mod steps;
mod usage;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;
use url::Url;

use super::aws::{self, AwsSettings};
use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, Exploration, ExploreRequest, Pace,
    Window,
};
use crate::http::ClientSettings;
use crate::model::Platform;
use api::Api;
use event_logs::Folders;
use ownership::Lifetime;
use setup::Setup;

/// The clusters of one account and region, and what is wanted of them.
#[derive(Clone)]
pub struct EmrSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// ARNs of any partition, or bare ids (`j-…`), of the only clusters that are wanted. All are
    /// listed when it is empty. The filters that follow are for listed ones.
    pub cluster_arns: Vec<String>,
    /// States of the clusters that are wanted; `ALL` means all.
    pub cluster_states: Vec<String>,
    /// Text that a cluster's name must contain, in upper or lower case.
    pub cluster_name_filter: Option<String>,
    /// Most clusters, the newest first.
    pub max_clusters: Option<usize>,
    /// Clusters created at this time or later; older ones only while they are alive.
    pub created_after: Option<DateTime<Utc>>,
    /// Clusters created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Fewest normalized instance hours that a cluster must have used.
    pub custom_hours_threshold: i64,
    /// Whether EMR is asked for its History Server where no event logs are in S3.
    pub persistent_ui: bool,
    /// Longest wait for that server.
    pub persistent_ui_timeout: Duration,
    /// Role in whose name the server is used, on clusters with runtime roles.
    pub execution_role_arn: Option<String>,
    /// How that server and YARN are talked to; bases are put in.
    pub http: ClientSettings,
    /// How hard the account may be asked.
    pub pace: Pace,
    /// Whether histories tell where the logs of their processes are.
    pub read_process_logs: bool,
    /// Whether CloudWatch and YARN are asked how full the clusters were.
    pub collect_metrics: bool,
    /// YARN's address, `{master_dns}` in the place of the master's name:
    /// `http://{master_dns}:8088/`. Only for clusters that this machine reaches.
    pub yarn_resource_manager_url: Option<String>,
    /// Settings for reading S3, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Most applications of one cluster, the newest first.
    pub max_applications: Option<usize>,
}

impl Default for EmrSource {
    fn default() -> Self {
        let states = ["TERMINATED", "TERMINATED_WITH_ERRORS", "WAITING", "RUNNING"];
        Self {
            aws: AwsSettings::default(),
            cluster_arns: Vec::new(),
            cluster_states: states.map(str::to_owned).to_vec(),
            cluster_name_filter: None,
            max_clusters: None,
            created_after: None,
            created_before: None,
            custom_hours_threshold: 0,
            persistent_ui: true,
            persistent_ui_timeout: Duration::from_secs(180),
            execution_role_arn: None,
            http: ClientSettings::new(placeholder()),
            pace: Pace::default(),
            read_process_logs: false,
            collect_metrics: true,
            yarn_resource_manager_url: None,
            storage_options: HashMap::new(),
            max_applications: None,
        }
    }
}

/// Stands where a base is put in before the first request.
#[expect(clippy::expect_used, reason = "a constant address can be read")]
fn placeholder() -> Url {
    Url::parse("https://emr.invalid/").expect("a constant address")
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for EmrSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrSource")
            .field("aws", &self.aws)
            .field("cluster_arns", &self.cluster_arns)
            .field("cluster_states", &self.cluster_states)
            .finish_non_exhaustive()
    }
}

/// EMR on EC2 in one account and region.
pub struct Emr {
    source: EmrSource,
    api: Api,
    /// Event log folders that were listed already: clusters share them.
    folders: Folders,
    /// When the clusters of the account lived; asked for once, where it is needed.
    lifetimes: OnceCell<Arc<Vec<Lifetime>>>,
}

impl fmt::Debug for Emr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Emr")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Emr {
    /// Looks up region and credentials; asks EMR nothing yet.
    ///
    /// # Errors
    /// When no region is known, or a setting makes no sense.
    pub async fn connect(source: EmrSource) -> Result<Self, DiscoverError> {
        let config = aws::sdk_config(&source.aws).await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(invalid_setting(
                "AWS_NO_REGION",
                "no region is known".to_owned(),
                "name the source's region, or set AWS_REGION",
            ));
        };
        clusters::wanted_states(&source.cluster_states)?;
        for name in &source.cluster_arns {
            clusters::cluster_id_of(name, &region)?;
        }
        Ok(Self {
            api: Api::new(config, region, &source.aws),
            source,
            folders: Folders::default(),
            lifetimes: OnceCell::new(),
        })
    }

    /// Asks the steps in order; each notes what came of it.
    async fn explore_cluster(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let description = self.explore_description(&mut exploration).await;
        let mut setup = Setup::of(description.as_ref());
        self.explore_instances(&mut exploration, description.as_ref(), &mut setup)
            .await;
        let steps = self.explore_steps(&mut exploration).await;
        setup.add_steps(&steps);
        if self.source.collect_metrics {
            self.explore_usage(&mut exploration, &setup, request).await;
        }
        self.explore_histories(&mut exploration, &setup, &steps, request)
            .await;
        steps::finish(&mut exploration, &setup, &steps);
        if self.source.read_process_logs {
            self.explore_process_logs(&mut exploration, &setup).await;
        }
        exploration
    }
}

#[async_trait]
impl ClusterPlatform for Emr {
    fn platform(&self) -> Platform {
        Platform::Emr
    }

    fn describe(&self) -> String {
        format!("emr {}", self.api.region)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, window: &Window) -> Result<ClusterList, DiscoverError> {
        match self.source.cluster_arns.is_empty() {
            true => self.list_account(window).await,
            false => self.list_named().await,
        }
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        self.explore_cluster(cluster, request).await
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}

fn invalid_setting(code: &str, message: String, cure: &str) -> DiscoverError {
    DiscoverError::Platform {
        uri: "emr".to_owned(),
        call: "settings".to_owned(),
        code: code.to_owned(),
        message,
        cure: cure.to_owned(),
        retryable: false,
    }
}

/// The id of a YARN application in a text such as the name of a log: `application_1_2`.
fn application_id_in(text: &str) -> Option<&str> {
    const PREFIX: &str = "application_";
    let start = text.find(PREFIX)?;
    let rest = &text[start + PREFIX.len()..];
    let (timestamp, rest) = rest.split_once('_')?;
    let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(timestamp) && number > 0)
        .then(|| &text[start..start + PREFIX.len() + timestamp.len() + 1 + number])
}

/// The smaller of two limits, where there are any.
fn stricter(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    [one, other].into_iter().flatten().min()
}

/// Ids of the applications of histories.
fn application_ids(histories: &[super::History]) -> HashSet<&str> {
    histories.iter().filter_map(application_id).collect()
}

/// The id of a history's application, as far as it is known before it is read.
fn application_id(history: &super::History) -> Option<&str> {
    match &history.content {
        super::Content::Log(log) => application_id_in(log.uri.rsplit('/').next()?),
        super::Content::Server(application) => Some(&application.application_id),
    }
}

#[cfg(test)]
mod tests;
