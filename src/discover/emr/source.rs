//! What to read of EMR on EC2, and what its settings mean.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_sdk_emr::types::ClusterState;
use chrono::{DateTime, Utc};

use crate::discover::aws::AwsSettings;
use crate::discover::{DiscoverError, Pace};
use crate::http::HttpSettings;

/// Stands for all states.
const ALL: &str = "ALL";

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
    pub http: HttpSettings,
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
            http: HttpSettings::default(),
            pace: Pace::default(),
            read_process_logs: false,
            collect_metrics: true,
            yarn_resource_manager_url: None,
            storage_options: HashMap::new(),
            max_applications: None,
        }
    }
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

/// The states by their names; `ALL`, or none, means all.
pub(super) fn wanted_states(names: &[String]) -> Result<Vec<ClusterState>, DiscoverError> {
    let names: Vec<_> = names
        .iter()
        .map(|name| name.trim().to_ascii_uppercase())
        .collect();
    let known = ClusterState::values();
    if let Some(wrong) = names
        .iter()
        .find(|name| *name != ALL && !known.contains(&name.as_str()))
    {
        return Err(invalid_setting(
            "INVALID_CLUSTER_STATE",
            format!("{wrong} is no state of a cluster"),
            &format!("use {ALL}, or any of {}", known.join(", ")),
        ));
    }
    let wants_all = names.is_empty() || names.iter().any(|name| name == ALL);
    let wanted = known
        .iter()
        .filter(|state| wants_all || names.iter().any(|name| name == *state));
    Ok(wanted.map(|state| ClusterState::from(*state)).collect())
}

/// The id in an ARN of any partition, or the id itself.
pub(super) fn cluster_id_of(name: &str, region: &str) -> Result<String, DiscoverError> {
    let invalid = || {
        invalid_setting(
            "INVALID_CLUSTER_ARN",
            format!("{name} is neither the ARN nor the id of a cluster"),
            "use arn:<partition>:elasticmapreduce:<region>:<account>:cluster/j-…, or j-…",
        )
    };
    let is_id = |id: &str| {
        id.strip_prefix("j-")
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    if is_id(name) {
        return Ok(name.to_owned());
    }
    let parts: Vec<_> = name.splitn(6, ':').collect();
    let [arn, partition, service, arn_region, _account, resource] = parts[..] else {
        return Err(invalid());
    };
    let is_partition = partition == "aws" || partition.starts_with("aws-");
    let id = resource.strip_prefix("cluster/").filter(|id| is_id(id));
    let Some(id) = id.filter(|_| arn == "arn" && is_partition && service == "elasticmapreduce")
    else {
        return Err(invalid());
    };
    if !arn_region.is_empty() && arn_region != region {
        return Err(invalid_setting(
            "WRONG_REGION",
            format!("{name} is not in the source's region {region}"),
            &format!("make a source of its own with region {arn_region}"),
        ));
    }
    Ok(id.to_owned())
}

/// The smaller of two limits, where there are any.
pub(super) fn stricter(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    [one, other].into_iter().flatten().min()
}

/// A setting that makes no sense.
pub(super) fn invalid_setting(code: &str, message: String, cure: &str) -> DiscoverError {
    DiscoverError::Platform {
        uri: "emr".to_owned(),
        call: "settings".to_owned(),
        code: code.to_owned(),
        message,
        cure: cure.to_owned(),
        retryable: false,
    }
}
