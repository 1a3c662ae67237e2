//! Arguments that several commands share, and their way into the configuration.
//!
//! clap merges flags and variables; here each value is paired with which of the two it was.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use crate::config::{Color, LogFormat, LogLevel, Origin, SettingOverrides, Sourced, SummaryFormat};

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

/// Arguments of every command.
#[derive(Debug, Args)]
pub(super) struct GlobalArguments {
    /// Form of the log on standard error
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        env = "SPARKLAKE_LOG_FORMAT",
        hide_env_values = true
    )]
    log_format: Option<LogFormat>,
    /// How much is told; -v and -q go before it
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        env = "SPARKLAKE_LOG_LEVEL",
        hide_env_values = true
    )]
    log_level: Option<LogLevel>,
    /// Tell more; twice: each step and each request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Tell only what fails
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Whether colors are used; `auto` heeds NO_COLOR
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        env = "SPARKLAKE_COLOR",
        hide_env_values = true
    )]
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
    /// The lake: a path, or a URI such as s3://bucket/lake
    #[arg(
        long,
        value_name = "URI",
        env = "SPARKLAKE_LAKE",
        hide_env_values = true
    )]
    lake: Option<String>,
    /// Setting of the object store, such as aws_region=eu-west-1; may be repeated
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "SPARKLAKE_STORAGE_OPTION",
        hide_env_values = true
    )]
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
    /// Folder of SQL files that replace or join the built-in ones
    #[arg(
        long,
        value_name = "FOLDER",
        env = "SPARKLAKE_RULES_DIR",
        hide_env_values = true
    )]
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

/// How a lake is written to.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    /// Write to a lake whose store has no conditional puts; make sure that one run works at a time
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        env = "SPARKLAKE_ALLOW_UNSAFE_STORE",
        hide_env_values = true
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
    /// The lake to write to, created if missing: a path, or a URI such as s3://bucket/lake
    #[arg(
        long,
        value_name = "URI",
        env = "SPARKLAKE_LAKE",
        hide_env_values = true
    )]
    lake: Option<String>,
    /// Setting of the object stores, such as aws_region=eu-west-1; may be repeated
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "SPARKLAKE_STORAGE_OPTION",
        hide_env_values = true
    )]
    storage_option: Vec<String>,
    #[command(flatten)]
    store: StoreArguments,
    /// Only histories modified since then: 2025-03-01, 2025-03-01T06:00:00Z or 7d, 36h, 90m ago
    #[arg(
        long,
        value_name = "TIME",
        env = "SPARKLAKE_SINCE",
        hide_env_values = true
    )]
    since: Option<String>,
    /// Only histories modified before then; a date includes its whole day
    #[arg(
        long,
        value_name = "TIME",
        env = "SPARKLAKE_UNTIL",
        hide_env_values = true
    )]
    until: Option<String>,
    /// Only tell what would be done
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        env = "SPARKLAKE_DRY_RUN",
        hide_env_values = true
    )]
    dry_run: Option<bool>,
    /// Also load applications that still run from servers and platforms. Event logs are always read
    /// as far as they are: a crash leaves a log in progress, too
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        env = "SPARKLAKE_INCLUDE_RUNNING",
        hide_env_values = true
    )]
    include_running: Option<bool>,
    /// Whether each task becomes a row of its own [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        env = "SPARKLAKE_INCLUDE_TASKS",
        hide_env_values = true
    )]
    include_tasks: Option<bool>,
    /// Most histories to read in this run [default: all]
    #[arg(
        long,
        value_name = "NUMBER",
        env = "SPARKLAKE_MAX_APPLICATIONS",
        hide_env_values = true
    )]
    max_applications: Option<NonZeroUsize>,
    /// Histories that are read at the same time [default: one a core]
    #[arg(
        long,
        visible_alias = "threads",
        value_name = "NUMBER",
        env = "SPARKLAKE_MAX_APP_THREADS",
        hide_env_values = true
    )]
    max_app_threads: Option<NonZeroUsize>,
    /// Longest time to find out whose a log is [default: 60]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SPARKLAKE_IDENTIFY_TIMEOUT_SECONDS",
        hide_env_values = true
    )]
    identify_timeout_seconds: Option<NonZeroUsize>,
    /// Longest time to read one history [default: 7200]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SPARKLAKE_EXTRACT_TIMEOUT_SECONDS",
        hide_env_values = true
    )]
    extract_timeout_seconds: Option<NonZeroUsize>,
    /// Read histories again though they have not changed; may be repeated: all; stale (what an older
    /// version read); a URI or application id, with * as a wildcard; a date 2026-11-01 or
    /// 2026-11-01..2026-11-07; table=NAME
    #[arg(
        long,
        value_name = "SELECTOR",
        env = "SPARKLAKE_RELOAD",
        hide_env_values = true
    )]
    reload: Vec<String>,
    /// What to print at the end: auto is text on a terminal, one line of JSON elsewhere
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "SPARKLAKE_SUMMARY",
        hide_env_values = true
    )]
    summary: Option<SummaryFormat>,
    /// Folder of SQL files that replace or join the built-in rules
    #[arg(
        long,
        value_name = "FOLDER",
        env = "SPARKLAKE_RULES_DIR",
        hide_env_values = true
    )]
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
        given.summary = sourced(matches, "summary", self.summary);
        given.rules_dir = sourced(matches, "rules_dir", self.rules_dir.clone());
    }
}

fn sourced<T>(matches: &ArgMatches, id: &str, value: Option<T>) -> Option<Sourced<T>> {
    value.map(|value| Sourced {
        value,
        origin: origin(matches, id),
    })
}

fn by_flag<T>(name: &str, value: T) -> Option<Sourced<T>> {
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
