//! What to read of EMR on EKS.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::Pace;
use super::super::aws::AwsSettings;
use super::super::job_runs::unknown_address;
use crate::http::ClientSettings;

/// What to read of EMR on EKS.
#[derive(Clone)]
pub struct EmrEksSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Virtual clusters by their ids; by default all.
    pub virtual_cluster_ids: Vec<String>,
    /// States of the virtual clusters that are wanted, such as `RUNNING`; any by default, and by
    /// `ALL`.
    pub virtual_cluster_states: Vec<String>,
    /// Part of the name of the virtual clusters that are wanted, in any case of letters.
    pub name_filter: Option<String>,
    /// States of the job runs that are wanted, such as `COMPLETED`; any by default, and by `ALL`.
    /// Those that have not ended are wanted only where running applications are.
    pub job_run_states: Vec<String>,
    /// Only job runs created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only job runs created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// How long before the window a job run may have been created that ended in it.
    pub lookback: Duration,
    /// Most virtual clusters, the newest first.
    pub max_clusters: Option<usize>,
    /// Most job runs of one virtual cluster, the newest first.
    pub max_applications: Option<usize>,
    /// Job runs of one virtual cluster that are asked about side by side.
    pub max_app_threads: usize,
    /// Whether EMR is asked for its History Server of a job run where no event log is available.
    pub persistent_ui: bool,
    /// Longest wait for that server.
    pub persistent_ui_timeout: Duration,
    /// How that server is talked to; the address is its own.
    pub http: ClientSettings,
    /// Settings of the object store that holds logs, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Whether the places of the driver's and the executors' own logs are wanted.
    pub read_process_logs: bool,
    /// How hard the service may be asked.
    pub pace: Pace,
}

impl Default for EmrEksSource {
    fn default() -> Self {
        Self {
            aws: AwsSettings::default(),
            virtual_cluster_ids: Vec::new(),
            virtual_cluster_states: Vec::new(),
            name_filter: None,
            job_run_states: Vec::new(),
            created_after: None,
            created_before: None,
            lookback: Duration::from_secs(24 * 60 * 60),
            max_clusters: None,
            max_applications: None,
            max_app_threads: 4,
            persistent_ui: true,
            persistent_ui_timeout: Duration::from_secs(180),
            http: ClientSettings::new(unknown_address()),
            storage_options: HashMap::new(),
            read_process_logs: false,
            pace: Pace::default(),
        }
    }
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for EmrEksSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrEksSource")
            .field("aws", &self.aws)
            .field("virtual_cluster_ids", &self.virtual_cluster_ids)
            .field("job_run_states", &self.job_run_states)
            .finish_non_exhaustive()
    }
}
