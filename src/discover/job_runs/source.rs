//! What to read of EMR Serverless or EMR on EKS.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use chrono::{DateTime, Utc};

use super::super::aws::{self, AwsSettings};
use super::super::cluster::{Exploration, ExploreRequest, Pace};
use super::super::log_stores::LogStores;
use super::super::problem::DiscoverError;
use crate::http::HttpSettings;

/// What to read of a platform whose clusters have job runs: EMR Serverless, whose clusters are its
/// applications, and EMR on EKS, whose clusters are its virtual clusters.
#[derive(Clone)]
pub struct JobRunSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Clusters by their ids; by default all.
    pub cluster_ids: Vec<String>,
    /// States of the clusters that are wanted, such as `STARTED` or `RUNNING`; any by default, and by
    /// `ALL`.
    pub cluster_states: Vec<String>,
    /// Part of the name of the clusters that are wanted, in any case of letters.
    pub name_filter: Option<String>,
    /// States of the job runs that are wanted, such as `SUCCESS` or `COMPLETED`; any by default, and by
    /// `ALL`. Those that have not ended are wanted only where running applications are.
    pub job_run_states: Vec<String>,
    /// Only job runs created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only job runs created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// How long before the window a job run may have been created that ended in it. Streaming job
    /// runs of EMR Serverless are found however long they ran.
    pub lookback: Duration,
    /// Most clusters: those with the newest change or creation.
    pub max_clusters: Option<usize>,
    /// Most job runs of one cluster, the newest first.
    pub max_applications: Option<usize>,
    /// Job runs of one cluster that are asked about side by side.
    pub max_app_threads: usize,
    /// Whether AWS's own History Server of a job run is asked where no event log is available.
    pub managed_ui: bool,
    /// Longest wait until that server has started; on EMR on EKS only.
    pub managed_ui_timeout: Duration,
    /// How those servers are talked to; their addresses come from AWS.
    pub http: HttpSettings,
    /// Settings of the object store that holds logs, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Whether the places of the driver's and the executors' own logs are wanted.
    pub read_process_logs: bool,
    /// How hard the service may be asked.
    pub pace: Pace,
}

impl Default for JobRunSource {
    fn default() -> Self {
        Self {
            aws: AwsSettings::default(),
            cluster_ids: Vec::new(),
            cluster_states: Vec::new(),
            name_filter: None,
            job_run_states: Vec::new(),
            created_after: None,
            created_before: None,
            lookback: Duration::from_secs(24 * 60 * 60),
            max_clusters: None,
            max_applications: None,
            max_app_threads: 4,
            managed_ui: true,
            managed_ui_timeout: Duration::from_secs(180),
            http: HttpSettings::default(),
            storage_options: HashMap::new(),
            read_process_logs: false,
            pace: Pace::default(),
        }
    }
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for JobRunSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JobRunSource")
            .field("aws", &self.aws)
            .field("cluster_ids", &self.cluster_ids)
            .field("job_run_states", &self.job_run_states)
            .finish_non_exhaustive()
    }
}

impl JobRunSource {
    /// Whether a cluster's name is one of those that are wanted.
    pub(in crate::discover) fn wants_name(&self, name: Option<&str>) -> bool {
        let filter = self.name_filter.as_deref().unwrap_or_default();
        let name = name.unwrap_or_default();
        name.to_lowercase().contains(&filter.to_lowercase())
    }

    /// Notes how many job runs were listed, and leaves out the older ones beyond the limits. False
    /// where there is nothing to go on with, since they could not be listed.
    pub(in crate::discover) fn note_job_runs<T>(
        &self,
        runs: &mut Vec<T>,
        failure: Option<DiscoverError>,
        request: &ExploreRequest,
        exploration: &mut Exploration,
    ) -> bool {
        let has_failed = failure.is_some();
        match failure {
            Some(error) => exploration.failed("job_runs", error),
            None => exploration.found("job_runs", runs.len()),
        }
        let limits = [self.max_applications, request.max_applications];
        let limit = limits.into_iter().flatten().min().unwrap_or(usize::MAX);
        if runs.len() > limit {
            let left_out = runs.len() - limit;
            let reason = format!("{left_out} older job runs are beyond max_applications = {limit}");
            exploration.skipped("older_job_runs", reason);
            runs.truncate(limit);
        }
        !(has_failed && runs.is_empty())
    }

    /// The stores that hold logs; `None`, and noted, where they cannot be reached.
    pub(in crate::discover) async fn stores(
        &self,
        config: &SdkConfig,
        exploration: &mut Exploration,
    ) -> Option<LogStores> {
        match aws::storage_options(&self.aws, config, &self.storage_options).await {
            Ok(options) => Some(LogStores::new(options)),
            Err(error) => {
                exploration.failed("event_logs", error);
                None
            }
        }
    }
}
