//! Arguments that several commands share, and their way into the configuration.
//!
//! clap merges flags and variables; here each value is paired with which of the two it was.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use crate::config::{
    Color, Engine, LogFormat, LogLevel, Origin, SettingOverrides, Sourced, SummaryFormat,
};

/// Arguments that set something that a job file can set too.
pub(super) trait SettingsArguments {
    /// The job file to read.
    fn job_file(&self) -> Option<PathBuf>;
    /// Writes what was given; `matches` are those of the command.
    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides);
}

/// A command that nothing needs to be set for.
pub(super) struct NoSettings;

impl SettingsArguments for NoSettings {
    fn job_file(&self) -> Option<PathBuf> {
        None
    }

    fn give(&self, _matches: &ArgMatches, _given: &mut SettingOverrides) {}
}

/// Where the help lists the arguments of every command: after those of its own.
const MESSAGES: &str = "Messages";

/// Arguments of every command.
#[derive(Debug, Args)]
pub(super) struct GlobalArguments {
    #[arg(help_heading = MESSAGES, long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    #[arg(help_heading = MESSAGES, long, global = true, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
    /// Log more; twice: each step and each request
    #[arg(help_heading = MESSAGES, short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Log failures only
    #[arg(help_heading = MESSAGES, short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    #[arg(help_heading = MESSAGES, long, global = true, value_enum, value_name = "WHEN")]
    color: Option<Color>,
}

impl GlobalArguments {
    pub(super) fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.log_format = sourced(matches, "log_format", self.log_format);
        given.color = sourced(matches, "color", self.color);
        given.log_level = match (self.quiet, self.verbose) {
            (true, _) => by_flag("--quiet", LogLevel::Error),
            (false, 0) => sourced(matches, "log_level", self.log_level),
            (false, 1) => by_flag("--verbose", LogLevel::Debug),
            (false, _) => by_flag("--verbose", LogLevel::Trace),
        };
    }
}

/// Which lake to work on.
#[derive(Debug, Args)]
pub(super) struct LakeArguments {
    #[arg(long, value_name = "URI")]
    lake: Option<String>,
    #[arg(long, value_name = "NAME=VALUE")]
    storage_option: Vec<String>,
    /// Job file to take the lake from
    #[arg(
        long,
        value_name = "JOB.toml",
        env = "SPARKLAKE_JOB_FILE",
        hide_env_values = true
    )]
    job_file: Option<PathBuf>,
}

impl SettingsArguments for LakeArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.job_file.clone()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.lake = sourced(matches, "lake", self.lake.clone());
        given.storage_options = storage_options(matches, &self.storage_option);
    }
}

/// Which rules to look at.
#[derive(Debug, Args)]
pub(super) struct RulesSourceArguments {
    #[arg(long, value_name = "FOLDER")]
    rules_dir: Option<PathBuf>,
    /// Job file to take the rules' settings from
    #[arg(
        long,
        value_name = "JOB.toml",
        env = "SPARKLAKE_JOB_FILE",
        hide_env_values = true
    )]
    job_file: Option<PathBuf>,
}

impl SettingsArguments for RulesSourceArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.job_file.clone()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.rules_dir = sourced(matches, "rules_dir", self.rules_dir.clone());
    }
}

/// A lake that is asked, and places from which applications are fetched that are not in it.
#[derive(Debug, Args)]
pub(super) struct LiveArguments {
    #[command(flatten)]
    lake: LakeArguments,
    /// Folder or file of event logs that applications may be fetched from when they are not in the
    /// lake; may be repeated. Nothing outside is read
    #[arg(
        long,
        visible_alias = "event-log",
        value_name = "URI",
        env = "SPARKLAKE_EVENT_LOGS",
        hide_env_values = true
    )]
    event_logs: Vec<String>,
    /// Address of a Spark History Server that applications may be fetched from; may be repeated
    #[arg(
        long,
        value_name = "URL",
        env = "SPARKLAKE_HISTORY_SERVER",
        hide_env_values = true
    )]
    history_server: Vec<String>,
    #[arg(long, value_name = "FOLDER")]
    rules_dir: Option<PathBuf>,
}

impl SettingsArguments for LiveArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.lake.job_file()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        self.lake.give(matches, given);
        given.event_logs = list(matches, "event_logs", &self.event_logs);
        given.history_servers = list(matches, "history_server", &self.history_server);
        given.rules_dir = sourced(matches, "rules_dir", self.rules_dir.clone());
    }
}

/// The model that answers questions.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    #[arg(long, value_name = "URL")]
    model_url: Option<String>,
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[arg(long, value_name = "VARIABLE", conflicts_with = "api_key_file")]
    api_key_env: Option<String>,
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    #[arg(long, value_name = "NUMBER")]
    max_rounds: Option<NonZeroUsize>,
    #[arg(long, value_name = "NUMBER")]
    max_tokens: Option<NonZeroUsize>,
    #[arg(long, value_name = "SECONDS")]
    answer_timeout_seconds: Option<NonZeroUsize>,
}

impl ModelArguments {
    pub(super) fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.model_url = sourced(matches, "model_url", self.model_url.clone());
        given.model = sourced(matches, "model", self.model.clone());
        given.api_key_env = sourced(matches, "api_key_env", self.api_key_env.clone());
        given.api_key_file = sourced(matches, "api_key_file", self.api_key_file.clone());
        given.max_rounds = sourced(matches, "max_rounds", self.max_rounds);
        given.max_tokens = sourced(matches, "max_tokens", self.max_tokens);
        given.answer_timeout_seconds = sourced(
            matches,
            "answer_timeout_seconds",
            self.answer_timeout_seconds,
        );
    }
}

/// How a lake is written to.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    allow_unsafe_store: Option<bool>,
}

impl StoreArguments {
    pub(super) fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.allow_unsafe_store = sourced(matches, "allow_unsafe_store", self.allow_unsafe_store);
    }
}

/// What a run takes up and where it puts it.
#[derive(Debug, Args)]
pub(super) struct JobArguments {
    /// Job file
    #[arg(
        value_name = "JOB.toml",
        env = "SPARKLAKE_JOB_FILE",
        hide_env_values = true
    )]
    job_file: Option<PathBuf>,
    /// Folder or file of event logs: a path, or a URI such as s3://bucket/logs; may be repeated.
    /// `*`, `?` and `**` are wildcards; @FILE names a file that lists places, one a line.
    /// Sources given here take the place of those of the job file
    #[arg(
        long,
        visible_alias = "event-log",
        value_name = "URI",
        env = "SPARKLAKE_EVENT_LOGS",
        hide_env_values = true
    )]
    event_logs: Vec<String>,
    /// Address of a Spark History Server; may be repeated
    #[arg(
        long,
        value_name = "URL",
        env = "SPARKLAKE_HISTORY_SERVER",
        hide_env_values = true
    )]
    history_server: Vec<String>,
    #[arg(long, value_name = "URI")]
    lake: Option<String>,
    #[arg(long, value_name = "NAME=VALUE")]
    storage_option: Vec<String>,
    #[command(flatten)]
    store: StoreArguments,
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    dry_run: Option<bool>,
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    include_running: Option<bool>,
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    include_tasks: Option<bool>,
    #[arg(long, value_name = "NUMBER")]
    max_applications: Option<NonZeroUsize>,
    #[arg(long, visible_alias = "threads", value_name = "NUMBER")]
    max_app_threads: Option<NonZeroUsize>,
    #[arg(long, value_name = "SECONDS")]
    identify_timeout_seconds: Option<NonZeroUsize>,
    #[arg(long, value_name = "SECONDS")]
    extract_timeout_seconds: Option<NonZeroUsize>,
    #[arg(long, value_name = "SELECTOR")]
    reload: Vec<String>,
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    trust_network: Option<bool>,
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    #[arg(long, value_name = "NUMBER")]
    units: Option<NonZeroUsize>,
    #[arg(long, value_enum, value_name = "FORMAT")]
    summary: Option<SummaryFormat>,
    #[arg(long, value_name = "INTERVAL")]
    watch: Option<String>,
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    findings_file: Option<PathBuf>,
    #[arg(long, value_name = "FOLDER")]
    rules_dir: Option<PathBuf>,
}

impl SettingsArguments for JobArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.job_file.clone()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        given.event_logs = list(matches, "event_logs", &self.event_logs);
        given.history_servers = list(matches, "history_server", &self.history_server);
        given.lake = sourced(matches, "lake", self.lake.clone());
        given.storage_options = storage_options(matches, &self.storage_option);
        self.store.give(matches, given);
        given.since = sourced(matches, "since", self.since.clone());
        given.until = sourced(matches, "until", self.until.clone());
        given.dry_run = sourced(matches, "dry_run", self.dry_run);
        given.include_running = sourced(matches, "include_running", self.include_running);
        given.include_tasks = sourced(matches, "include_tasks", self.include_tasks);
        given.max_applications = sourced(matches, "max_applications", self.max_applications);
        given.max_app_threads = sourced(matches, "max_app_threads", self.max_app_threads);
        given.identify_timeout_seconds = sourced(
            matches,
            "identify_timeout_seconds",
            self.identify_timeout_seconds,
        );
        given.extract_timeout_seconds = sourced(
            matches,
            "extract_timeout_seconds",
            self.extract_timeout_seconds,
        );
        given.reload = list(matches, "reload", &self.reload);
        given.engine = sourced(matches, "engine", self.engine.clone());
        given.trust_network = sourced(matches, "trust_network", self.trust_network);
        given.tls_certificate = sourced(matches, "tls_certificate", self.tls_certificate.clone());
        given.tls_key = sourced(matches, "tls_key", self.tls_key.clone());
        given.tls_ca = sourced(matches, "tls_ca", self.tls_ca.clone());
        given.units = sourced(matches, "units", self.units);
        given.summary = sourced(matches, "summary", self.summary);
        given.watch = sourced(matches, "watch", self.watch.clone());
        given.metrics_file = sourced(matches, "metrics_file", self.metrics_file.clone());
        given.findings_file = sourced(matches, "findings_file", self.findings_file.clone());
        given.rules_dir = sourced(matches, "rules_dir", self.rules_dir.clone());
    }
}

fn sourced<T>(matches: &ArgMatches, id: &str, value: Option<T>) -> Option<Sourced<T>> {
    value.map(|value| Sourced {
        value,
        origin: origin(matches, id),
    })
}

pub(super) fn by_flag<T>(name: &str, value: T) -> Option<Sourced<T>> {
    Some(Sourced {
        value,
        origin: Origin::Flag(name.to_owned()),
    })
}

/// A repeated flag; or one variable, with commas between its parts.
fn list(matches: &ArgMatches, id: &str, values: &[String]) -> Option<Sourced<Vec<String>>> {
    let origin = origin(matches, id);
    let value: Vec<String> = match origin {
        Origin::Environment(_) => values.iter().flat_map(|value| parts(value)).collect(),
        _ => values.to_vec(),
    };
    (!value.is_empty()).then_some(Sourced { value, origin })
}

fn parts(value: &str) -> impl Iterator<Item = String> {
    value
        .split(',')
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
}

fn storage_options(matches: &ArgMatches, values: &[String]) -> Vec<Sourced<String>> {
    let Some(options) = list(matches, "storage_option", values) else {
        return Vec::new();
    };
    let origin = options.origin;
    let sourced = |value| Sourced {
        value,
        origin: origin.clone(),
    };
    options.value.into_iter().map(sourced).collect()
}

/// Flags and variables are named after the setting, so its name tells both.
fn origin(matches: &ArgMatches, id: &str) -> Origin {
    match matches.value_source(id) {
        Some(ValueSource::EnvVariable) => {
            Origin::Environment(format!("SPARKLAKE_{}", id.to_uppercase()))
        }
        _ => Origin::Flag(format!("--{}", id.replace('_', "-"))),
    }
}
