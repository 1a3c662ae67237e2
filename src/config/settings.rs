//! The effective configuration.

use crate::model::SettingValue;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::engine::{Engine, TlsFiles};
use super::environment::Environment;
use super::error::ConfigError;
use super::job_file::{Color, LogFormat, LogLevel, Severity, SummaryFormat};
use super::origin::{Origin, Sourced};
use super::secrets::{self, StorageOptions};
use super::source_section::SourceSection;
use crate::redact::Redactor;

/// What flags and environment variables say; `None` where they say nothing.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each field is the setting of the same name in the job file"
)]
pub struct SettingOverrides {
    pub lake: Option<Sourced<String>>,
    pub storage_options: Vec<Sourced<String>>,
    pub allow_unsafe_store: Option<Sourced<bool>>,
    pub event_logs: Option<Sourced<Vec<String>>>,
    pub history_servers: Option<Sourced<Vec<String>>>,
    pub since: Option<Sourced<String>>,
    pub until: Option<Sourced<String>>,
    pub dry_run: Option<Sourced<bool>>,
    pub include_running: Option<Sourced<bool>>,
    pub include_tasks: Option<Sourced<bool>>,
    pub max_applications: Option<Sourced<NonZeroUsize>>,
    pub max_app_threads: Option<Sourced<NonZeroUsize>>,
    pub identify_timeout_seconds: Option<Sourced<NonZeroUsize>>,
    pub extract_timeout_seconds: Option<Sourced<NonZeroUsize>>,
    pub reload: Option<Sourced<Vec<String>>>,
    pub engine: Option<Sourced<Engine>>,
    pub trust_network: Option<Sourced<bool>>,
    pub tls_certificate: Option<Sourced<PathBuf>>,
    pub tls_key: Option<Sourced<PathBuf>>,
    pub tls_ca: Option<Sourced<PathBuf>>,
    pub units: Option<Sourced<NonZeroUsize>>,
    pub summary: Option<Sourced<SummaryFormat>>,
    pub watch: Option<Sourced<String>>,
    pub metrics_file: Option<Sourced<PathBuf>>,
    pub findings_file: Option<Sourced<PathBuf>>,
    pub rules_dir: Option<Sourced<PathBuf>>,
    pub model_url: Option<Sourced<String>>,
    pub model: Option<Sourced<String>>,
    pub api_key_env: Option<Sourced<String>>,
    pub api_key_file: Option<Sourced<PathBuf>>,
    pub max_rounds: Option<Sourced<NonZeroUsize>>,
    pub max_tokens: Option<Sourced<NonZeroUsize>>,
    pub answer_timeout_seconds: Option<Sourced<NonZeroUsize>>,
    pub log_format: Option<Sourced<LogFormat>>,
    pub log_level: Option<Sourced<LogLevel>>,
    pub color: Option<Sourced<Color>>,
}

/// Everything that can be set, decided.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the tables are.
    pub lake: LakeSettings,
    /// What to take up, and how.
    pub run: RunSettings,
    /// Where histories are.
    pub sources: Vec<SourceSettings>,
    /// What to judge by.
    pub rules: RulesSettings,
    /// Who is told what came of a run.
    pub notify: NotifySettings,
    /// Which secrets are masked.
    pub redactor: Redactor,
    /// Which model answers questions.
    pub ask: AskSettings,
    /// What to log.
    pub log: LogSettings,
    /// All of it, for `config show`.
    pub effective: Vec<Effective>,
}

/// Where the tables are.
#[derive(Debug, Clone, Default)]
pub struct LakeSettings {
    /// Path or URI of the lake's folder.
    pub uri: Option<String>,
    /// Settings of its object store.
    pub storage_options: StorageOptions,
    /// Whether to write to a store that does not keep two runs apart.
    pub allow_unsafe_store: bool,
}

/// What to take up, and how.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Only histories modified at or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Only histories modified before this time.
    pub until: Option<DateTime<Utc>>,
    /// Whether to only tell what would be done.
    pub dry_run: bool,
    /// Whether applications that still run are loaded as far as they are.
    pub include_running: bool,
    /// Whether each task becomes a row of its own.
    pub include_tasks: bool,
    /// Most histories of one run.
    pub max_applications: Option<usize>,
    /// Histories that are read at the same time.
    pub max_app_threads: usize,
    /// Longest time to find out whose a log is.
    pub identify_timeout: Duration,
    /// Longest time to read one history.
    pub extract_timeout: Duration,
    /// Selectors of histories that are read again though they have not changed.
    pub reload: Vec<String>,
    /// Who works through units.
    pub engine: Engine,
    /// Whether everybody who reaches the network between the machines of an engine is trusted.
    pub trust_network: bool,
    /// What the run shows to an engine's scheduler, and whom it believes.
    pub tls: Option<TlsFiles>,
    /// About how many units are handed out to other machines.
    pub units: usize,
    /// What a run prints when it ends.
    pub summary: SummaryFormat,
    /// Time between the beginnings of two rounds; `None` for a run that is not repeated.
    pub watch: Option<Duration>,
    /// Keys of tags that name an application's team.
    pub team_tags: Vec<String>,
    /// YARN queue → team, where no tag tells.
    pub team_by_queue: BTreeMap<String, String>,
    /// Spark user → team, where neither tag nor queue tells.
    pub team_by_user: BTreeMap<String, String>,
}

/// A source and where it is declared.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// What it says.
    pub section: SourceSection,
    /// Settings of its object store.
    pub storage_options: StorageOptions,
    /// Headers of each request to its server.
    pub headers: StorageOptions,
    /// Only clusters made at or after this time.
    pub created_after: Option<DateTime<Utc>>,
    /// Only clusters made before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Who declared it.
    pub origin: Origin,
}

/// What to judge by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulesSettings {
    /// Folder whose files replace or join the built-in rules.
    pub dir: Option<PathBuf>,
    /// Rules that are not run.
    pub disabled: BTreeSet<String>,
    /// Rule → parameter → value.
    pub parameters: BTreeMap<String, BTreeMap<String, SettingValue>>,
    /// Files of prices that win over the built-in ones.
    pub prices: Vec<PathBuf>,
}

/// Which model answers questions, and how far it may go.
#[derive(Debug, Clone)]
pub struct AskSettings {
    /// Address that `chat/completions` is below.
    pub model_url: Option<Sourced<String>>,
    /// Name of the model.
    pub model: Option<String>,
    /// Environment variable that holds its key.
    pub api_key_env: Option<Sourced<String>>,
    /// File that holds its key.
    pub api_key_file: Option<Sourced<PathBuf>>,
    /// Most rounds of tool calls.
    pub max_rounds: usize,
    /// Most tokens of one question.
    pub max_tokens: u64,
    /// Longest time until the answer.
    pub answer_timeout: Duration,
}

/// Who is told what came of a run.
#[derive(Debug, Clone, Default)]
pub struct NotifySettings {
    /// File of metrics in the text format of Prometheus.
    pub metrics_file: Option<PathBuf>,
    /// File of the run's findings as JSON.
    pub findings_file: Option<PathBuf>,
    /// Address that the run's findings are sent to; it gives access, so it is a secret.
    pub webhook_url: Option<SecretReference>,
    /// Least severity of findings that are listed.
    pub min_severity: Severity,
    /// Most findings that are listed.
    pub max_findings: usize,
    /// File that OpenLineage events are appended to.
    pub openlineage_file: Option<PathBuf>,
    /// Address that OpenLineage events are sent to.
    pub openlineage_url: Option<String>,
    /// Bearer token for it.
    pub openlineage_token: Option<SecretReference>,
    /// Namespace of the job in OpenLineage.
    pub openlineage_namespace: String,
    /// The run that this one is part of: namespace/job/run id.
    pub openlineage_parent: Option<String>,
    /// Longest time for one delivery with its attempts.
    pub timeout: Duration,
}

/// A secret in a variable or a file, not yet read.
#[derive(Debug, Clone)]
pub struct SecretReference {
    pub(super) name: &'static str,
    pub(super) variable: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) origin: Origin,
}

impl SecretReference {
    /// The secret.
    ///
    /// # Errors
    /// The variable or file is not there.
    pub fn resolve(&self, environment: &Environment) -> Result<Option<String>, ConfigError> {
        secrets::secret(
            self.name,
            self.variable.as_deref(),
            self.file.as_deref(),
            &self.origin,
            environment,
        )
    }
}

/// What to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// Form of the log.
    pub format: LogFormat,
    /// How much is told.
    pub level: LogLevel,
    /// Whether colors are used.
    pub color: Color,
}

/// One setting as `config show` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Section of the job file that it would stand in, such as `run` or `source[0]`.
    pub section: String,
    /// Its key there.
    pub key: String,
    /// Its value as TOML; `None` when nothing is set.
    pub value: Option<String>,
    /// Who set it.
    pub origin: Origin,
}
