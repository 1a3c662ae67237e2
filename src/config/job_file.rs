//! The sections and keys of a job file. Their descriptions are in `jobs/event-logs.toml`, the file
//! that users begin with.

use crate::model::SettingValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use super::engine::Engine;
use super::flexible;
use super::source_section::SourceSection;

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
    /// Who is told what came of a run.
    pub notify: NotifySection,
    /// Which secrets are masked.
    pub redaction: RedactionSection,
    /// Which model answers questions.
    pub ask: AskSection,
    /// What to log.
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
    pub storage_options: BTreeMap<String, SettingValue>,
    /// Whether to write to a store that does not keep two runs apart.
    #[serde(deserialize_with = "flexible::flag")]
    pub allow_unsafe_store: Option<bool>,
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
    /// Longest time to find out whose a log is.
    #[serde(deserialize_with = "flexible::number")]
    pub identify_timeout_seconds: Option<NonZeroUsize>,
    /// Longest time to read one history.
    #[serde(deserialize_with = "flexible::number")]
    pub extract_timeout_seconds: Option<NonZeroUsize>,
    /// Selectors of histories that are read again though they have not changed.
    #[serde(deserialize_with = "flexible::texts")]
    pub reload: Vec<String>,
    /// Who works through units.
    pub engine: Option<Engine>,
    /// Whether everybody who reaches the network between the machines of an engine is trusted.
    pub trust_network: Option<bool>,
    /// Certificate that the run shows to an engine's scheduler.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key.
    pub tls_key: Option<PathBuf>,
    /// Authority that signed the certificates of all machines of the engine.
    pub tls_ca: Option<PathBuf>,
    /// About how many units are handed out to other machines.
    pub units: Option<NonZeroUsize>,
    /// What a run prints when it ends.
    pub summary: Option<SummaryFormat>,
    /// Time between the beginnings of two rounds, for a run that is repeated.
    pub watch: Option<String>,
    /// Keys of tags that name an application's team; the first that is there counts.
    #[serde(deserialize_with = "flexible::texts")]
    pub team_tags: Vec<String>,
    /// YARN queue → team, where no tag tells.
    pub team_by_queue: BTreeMap<String, String>,
    /// Spark user → team, where neither tag nor queue tells.
    pub team_by_user: BTreeMap<String, String>,
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
    pub parameters: BTreeMap<String, BTreeMap<String, SettingValue>>,
    /// Files of prices that win over the built-in ones.
    #[serde(deserialize_with = "flexible::texts")]
    pub prices: Vec<String>,
}

/// `[notify]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifySection {
    /// File of metrics in the text format of Prometheus.
    pub metrics_file: Option<PathBuf>,
    /// File of the run's findings as JSON.
    pub findings_file: Option<PathBuf>,
    /// Variable that holds the address that the run's findings are sent to.
    pub webhook_url_env: Option<String>,
    /// File that holds this address.
    pub webhook_url_file: Option<PathBuf>,
    /// Least severity of findings that are listed.
    pub min_severity: Option<Severity>,
    /// Most findings that are listed.
    #[serde(deserialize_with = "flexible::number")]
    pub max_findings: Option<NonZeroUsize>,
    /// File that OpenLineage events are appended to.
    pub openlineage_file: Option<PathBuf>,
    /// Address that OpenLineage events are sent to.
    pub openlineage_url: Option<String>,
    /// Variable that holds the bearer token for it.
    pub openlineage_token_env: Option<String>,
    /// File that holds this token.
    pub openlineage_token_file: Option<PathBuf>,
    /// Namespace of the job in OpenLineage.
    pub openlineage_namespace: Option<String>,
    /// The run that this one is part of: namespace/job/run id.
    pub openlineage_parent: Option<String>,
    /// Longest time for one delivery with its attempts.
    #[serde(deserialize_with = "flexible::number")]
    pub timeout_seconds: Option<NonZeroUsize>,
}

/// `[redaction]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionSection {
    /// Patterns that are off.
    #[serde(deserialize_with = "flexible::texts")]
    pub disable: Vec<String>,
    /// Regular expressions of further secrets.
    #[serde(deserialize_with = "flexible::texts")]
    pub extra: Vec<String>,
}

/// `[ask]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskSection {
    /// Address that `chat/completions` is below.
    pub model_url: Option<String>,
    /// Name of the model.
    pub model: Option<String>,
    /// Environment variable that holds its key.
    pub api_key_env: Option<String>,
    /// File that holds its key.
    pub api_key_file: Option<PathBuf>,
    /// Most rounds of tool calls.
    #[serde(deserialize_with = "flexible::number")]
    pub max_rounds: Option<NonZeroUsize>,
    /// Most tokens of one question.
    #[serde(deserialize_with = "flexible::number")]
    pub max_tokens: Option<NonZeroUsize>,
    /// Longest time until the answer.
    #[serde(deserialize_with = "flexible::number")]
    pub answer_timeout_seconds: Option<NonZeroUsize>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Form of the log on standard error.
    pub format: Option<LogFormat>,
    /// How much is told.
    pub level: Option<LogLevel>,
    /// Whether colors are used.
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

/// What a run prints when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SummaryFormat {
    /// Text on a terminal, one line of JSON elsewhere.
    #[default]
    Auto,
    /// One line of JSON as the last line of standard output.
    Json,
    /// A paragraph for people on standard error.
    Text,
    /// Nothing.
    None,
}

/// How much a finding matters, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Costs little.
    Low,
    /// Worth a look.
    #[default]
    Medium,
    /// Costs much.
    High,
    /// Costs most of what the application holds, or makes it fail.
    Critical,
}

/// How much is logged.
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
    /// Also each step, and the requests to object stores and servers.
    Trace,
}

/// Whether colors are used.
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
display_in_lowercase!(LogFormat, LogLevel, Color, Severity, SummaryFormat);

impl RulesSection {
    /// Rules that are not run, without repetition.
    pub(super) fn disabled(&self) -> BTreeSet<String> {
        self.disabled.iter().cloned().collect()
    }
}
