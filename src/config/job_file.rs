//! The sections and keys of a job file. Their descriptions are in `jobs/event-logs.toml`, the file
//! that users begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::flexible;

/// A job file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobFile {
    /// Where the tables are.
    pub lake: LakeSection,
    /// What to take up, and how.
    pub run: RunSection,
    /// Where histories are.
    pub source: Vec<SourceSection>,
    /// What to judge by.
    pub rules: RulesSection,
    /// What to tell of the work.
    pub log: LogSection,
}

/// `[lake]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSection {
    /// Path or URI of the lake's folder.
    pub uri: Option<String>,
    /// Catalog that the tables are registered under in exports. Kept for those.
    pub catalog_name: Option<String>,
    /// Schema that the tables are registered under in exports. Kept for those.
    pub schema_name: Option<String>,
    /// Settings of the object store.
    pub storage_options: BTreeMap<String, Scalar>,
}

/// `[run]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// Only histories modified since then.
    #[serde(deserialize_with = "flexible::time")]
    pub since: Option<String>,
    /// Only histories modified before then.
    #[serde(deserialize_with = "flexible::time")]
    pub until: Option<String>,
    /// Whether to only tell what would be done.
    #[serde(deserialize_with = "flexible::flag")]
    pub dry_run: Option<bool>,
    /// Whether applications that still run are loaded as far as they are.
    #[serde(deserialize_with = "flexible::flag")]
    pub include_running: Option<bool>,
    /// Whether each task becomes a row of its own.
    #[serde(deserialize_with = "flexible::flag")]
    pub include_tasks: Option<bool>,
    /// Most histories of one run, newest first.
    #[serde(deserialize_with = "flexible::number")]
    pub max_applications: Option<NonZeroUsize>,
    /// Histories that are read at the same time.
    #[serde(deserialize_with = "flexible::number")]
    pub max_app_threads: Option<NonZeroUsize>,
}

/// What a source is. The platforms and history servers are understood here already, so that one
/// job file can serve newer versions; `run` refuses those that it cannot read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Folders of event log files.
    EventLog,
    /// A Spark History Server.
    HistoryServer,
    /// EMR on EC2.
    Emr,
    /// EMR Serverless.
    EmrServerless,
    /// EMR on EKS.
    EmrEks,
    /// Databricks.
    Databricks,
}

impl SourceKind {
    /// The word in job files, equal to `platform` in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventLog => "event_log",
            Self::HistoryServer => "history_server",
            Self::Emr => "emr",
            Self::EmrServerless => "emr_serverless",
            Self::EmrEks => "emr_eks",
            Self::Databricks => "databricks",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// `[[source]]`
///
/// The settings of platforms have the names that users of the original notebooks know. They are
/// read and checked, and kept for the versions that read platforms.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// What it is.
    pub kind: SourceKind,
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
    pub storage_options: BTreeMap<String, Scalar>,
    /// Variable that holds the token for the source's interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// File that holds the token for the source's interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Address of the Databricks workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_url: Option<String>,
    /// AWS region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// The one EMR cluster to look at; all that the filters let through when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emr_cluster_arn: Option<String>,
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
    /// Only clusters with at least so many normalised instance hours.
    #[serde(
        default,
        deserialize_with = "flexible::count",
        skip_serializing_if = "Option::is_none"
    )]
    pub custom_hours_threshold: Option<u64>,
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
    /// Longest wait for one answer, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub timeout_seconds: Option<NonZeroUsize>,
    /// Longest wait for EMR's persistent application interface, in seconds.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub persistent_ui_timeout_seconds: Option<NonZeroUsize>,
    /// Failures of one kind of request after which it is given up for the cluster.
    #[serde(
        default,
        deserialize_with = "flexible::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_endpoint_failures: Option<NonZeroUsize>,
}

impl SourceSection {
    /// A source of event logs with nothing set but its places.
    pub(super) fn of_uris(kind: SourceKind, uris: Vec<String>) -> Self {
        Self {
            kind,
            name: None,
            uris,
            storage_options: BTreeMap::new(),
            token_env: None,
            token_file: None,
            workspace_url: None,
            aws_region: None,
            emr_cluster_arn: None,
            cluster_states: Vec::new(),
            cluster_name_filter: None,
            max_clusters: None,
            created_after_date: None,
            created_before_date: None,
            custom_hours_threshold: None,
            max_cluster_threads: None,
            batch_size: None,
            batch_delay_seconds: None,
            timeout_seconds: None,
            persistent_ui_timeout_seconds: None,
            max_endpoint_failures: None,
        }
    }
}

/// `[rules]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesSection {
    /// Folder whose files replace or join the built-in rules.
    pub dir: Option<PathBuf>,
    /// Rules that are not run.
    #[serde(deserialize_with = "flexible::texts")]
    pub disabled: Vec<String>,
    /// Rule → parameter → value.
    pub parameters: BTreeMap<String, BTreeMap<String, Scalar>>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Form of the log on standard error.
    pub format: Option<LogFormat>,
    /// How much is told.
    pub level: Option<LogLevel>,
    /// Whether colours are used.
    pub color: Option<Color>,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is told of the work.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what makes the command fail.
    Error,
    /// Also what was left out.
    Warn,
    /// Also what is being done.
    #[default]
    Info,
    /// Also how.
    Debug,
    /// Everything, of all libraries.
    Trace,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

macro_rules! display_in_lowercase {
    ($($kind:ty),*) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&format!("{self:?}").to_lowercase())
            }
        }
    )*};
}
display_in_lowercase!(LogFormat, LogLevel, Color);

/// A single value.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a text, a number, true or false")]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::Text(value) => formatter.write_str(value),
        }
    }
}

impl RulesSection {
    /// Rules that are not run, without repetition.
    pub(super) fn disabled(&self) -> BTreeSet<String> {
        self.disabled.iter().cloned().collect()
    }
}
