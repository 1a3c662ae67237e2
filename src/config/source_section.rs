//! `[[source]]` of the job file: where histories are.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::flexible;
use crate::model::{Platform, ServerAccess, SettingValue};

/// `[[source]]`
///
/// The settings of platforms have the names that users of the original notebooks know. They are
/// described in the files under `jobs/`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// What it is.
    pub kind: Platform,
    /// What to call it: `cluster_id` and `cluster_name` in the tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Folders or files of event logs, or addresses of history servers.
    #[serde(
        default,
        deserialize_with = "flexible::texts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub uris: Vec<String>,
    /// Settings of the object store.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_options: BTreeMap<String, SettingValue>,

    // Servers.
    /// Whether the raw log, the walk over REST, or both ways are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<ServerAccess>,
    /// User of basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Variable that holds its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// File that holds its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Variable that holds the token for the source's interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// File that holds the token for the source's interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Variable that holds the value of a `Cookie` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookies_env: Option<String>,
    /// File that holds the value of a `Cookie` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookies_file: Option<PathBuf>,
    /// Further headers of each request; secrets as `<name>_env` or `<name>_file`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SettingValue>,
    /// Further certificate authorities, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether certificates that do not check out are taken.
    #[serde(
        default,
        deserialize_with = "flexible::flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub accept_invalid_certificates: Option<bool>,
    /// Requests to one server under way at the same time.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_requests: Option<NonZeroUsize>,
    /// Attempts of one request, the first included.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_attempts: Option<NonZeroUsize>,
    /// Longest wait for one answer, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout_seconds: Option<NonZeroUsize>,
    /// Longest time for one request with all its attempts, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub request_deadline_seconds: Option<NonZeroUsize>,
    /// Failures of one kind of request after which it is given up for the server.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_endpoint_failures: Option<NonZeroUsize>,

    // Clusters.
    /// States of clusters to look at; `ALL` for any.
    #[serde(
        default,
        deserialize_with = "flexible::words",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cluster_states: Vec<String>,
    /// Part of the names of clusters to look at, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name_filter: Option<String>,
    /// Most clusters, newest first.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_clusters: Option<NonZeroUsize>,
    /// Only clusters made since then.
    #[serde(
        default,
        deserialize_with = "flexible::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_after_date: Option<String>,
    /// Only clusters made before then.
    #[serde(
        default,
        deserialize_with = "flexible::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_before_date: Option<String>,
    /// Clusters looked at at the same time.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_cluster_threads: Option<NonZeroUsize>,
    /// Clusters of one batch.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub batch_size: Option<NonZeroUsize>,
    /// Rest between two batches, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::count",
        skip_serializing_if = "Option::is_none"
    )]
    pub batch_delay_seconds: Option<u64>,
    /// Whether logs of drivers and executors are searched for known problems.
    #[serde(
        default,
        deserialize_with = "flexible::flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub process_logs: Option<bool>,
    /// Whether memory and cores in use are asked for.
    #[serde(
        default,
        deserialize_with = "flexible::flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub cluster_metrics: Option<bool>,
    /// Address of YARN's ResourceManager; `{master_dns}` stands for the master's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yarn_resource_manager_url: Option<String>,
    /// Whether history that only the platform's own interface shows is fetched from there.
    #[serde(
        default,
        deserialize_with = "flexible::flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub managed_ui: Option<bool>,

    // AWS.
    /// AWS region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// Profile of the AWS configuration files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_profile: Option<String>,
    /// Another address of all AWS services, S3 included: a test server, a gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_endpoint_url: Option<String>,
    /// Addresses of single AWS services, such as VPC endpoints: service → address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aws_endpoint_urls: BTreeMap<String, String>,
    /// Role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role_arn: Option<String>,
    /// Role in whose name EMR's application interface is used, on clusters with runtime roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    /// External id for assuming the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// EMR clusters to look at, by ARN or id; all that the filters let through when absent.
    #[serde(
        default,
        deserialize_with = "flexible::texts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub emr_cluster_arn: Vec<String>,
    /// Only clusters with at least so many normalised instance hours.
    #[serde(
        default,
        deserialize_with = "flexible::count",
        skip_serializing_if = "Option::is_none"
    )]
    pub custom_hours_threshold: Option<u64>,
    /// Longest wait for EMR's persistent application interface, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub persistent_ui_timeout_seconds: Option<NonZeroUsize>,
    /// EMR Serverless applications to look at; all when absent.
    #[serde(
        default,
        deserialize_with = "flexible::texts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub application_ids: Vec<String>,
    /// Virtual clusters of EMR on EKS to look at; all when absent.
    #[serde(
        default,
        deserialize_with = "flexible::texts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub virtual_cluster_ids: Vec<String>,
    /// States of job runs to look at; `ALL` for any.
    #[serde(
        default,
        deserialize_with = "flexible::words",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub job_run_states: Vec<String>,

    // Databricks.
    /// Address of the Databricks workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_url: Option<String>,
    /// Service principal, for OAuth machine-to-machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Variable that holds its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_env: Option<String>,
    /// File that holds its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// Where a log destination is to be read instead, such as the bucket that a mount stands for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub destinations: BTreeMap<String, String>,
    /// Address of the data plane, to read the Spark UI from with a cookie. Not supported by Databricks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane_url: Option<String>,
    /// Variable that holds the cookie `DATAPLANE_DOMAIN_DBAUTH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane_cookie_env: Option<String>,
    /// File that holds the cookie `DATAPLANE_DOMAIN_DBAUTH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane_cookie_file: Option<PathBuf>,
}

impl SourceSection {
    /// A source with nothing set but its places.
    pub(super) fn of_uris(kind: Platform, uris: Vec<String>) -> Self {
        Self {
            kind,
            uris,
            ..Self::default()
        }
    }
}
