//! What to read of EMR Serverless.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::Pace;
use super::super::aws::AwsSettings;
use super::super::job_runs::unknown_address;
use crate::http::ClientSettings;

/// What to read of EMR Serverless.
#[derive(Clone)]
pub struct EmrServerlessSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Applications by their ids; by default all of Spark.
    pub application_ids: Vec<String>,
    /// States of the applications that are wanted, such as `STARTED`; any by default, and by `ALL`.
    pub application_states: Vec<String>,
    /// Part of the name of the applications that are wanted, in any case of letters.
    pub name_filter: Option<String>,
    /// States of the job runs that are wanted, such as `SUCCESS`; any by default, and by `ALL`. Those
    /// that have not ended are wanted only where running applications are.
    pub job_run_states: Vec<String>,
    /// Only job runs created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only job runs created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// How long before the window a job run may have been created that ended in it. Streaming job
    /// runs are found however long they ran.
    pub lookback: Duration,
    /// Most applications, those with the newest change first.
    pub max_clusters: Option<usize>,
    /// Most job runs of one application, the newest first.
    pub max_applications: Option<usize>,
    /// Job runs of one application that are asked about side by side.
    pub max_app_threads: usize,
    /// Whether the History Server behind a job run's dashboard is asked where no event log is to be
    /// had.
    pub dashboards: bool,
    /// How those servers are talked to; the address is theirs.
    pub http: ClientSettings,
    /// Settings of the object store that holds logs, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Whether the places of the driver's and the executors' own logs are wanted.
    pub read_process_logs: bool,
    /// How hard the service may be asked.
    pub pace: Pace,
}

impl Default for EmrServerlessSource {
    fn default() -> Self {
        Self {
            aws: AwsSettings::default(),
            application_ids: Vec::new(),
            application_states: Vec::new(),
            name_filter: None,
            job_run_states: Vec::new(),
            created_after: None,
            created_before: None,
            lookback: Duration::from_secs(24 * 60 * 60),
            max_clusters: None,
            max_applications: None,
            max_app_threads: 4,
            dashboards: true,
            http: ClientSettings::new(unknown_address()),
            storage_options: HashMap::new(),
            read_process_logs: false,
            pace: Pace::default(),
        }
    }
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for EmrServerlessSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrServerlessSource")
            .field("aws", &self.aws)
            .field("application_ids", &self.application_ids)
            .field("job_run_states", &self.job_run_states)
            .finish_non_exhaustive()
    }
}
