//! What a run is told to do, and by whom.
//!
//! A setting may come from a flag, a `SPARKLAKE_…` variable or a job file, in that order of
//! precedence, and has a default else. All of that is decided here, once, so that no other part of
//! the program asks where a value came from; and it is remembered, so that `config show` and every
//! error can say it.
//!
//! Job files are written by people and kept in repositories. Therefore a key that is not known is
//! an error that names the nearest one ([`document`]), values may refer to the environment
//! ([`interpolate`]), and secrets may be referred to, but not written down ([`secrets`]).

mod aws_endpoints;
mod document;
mod engine;
mod environment;
mod error;
mod field_names;
mod flexible;
mod interpolate;
mod job_file;
mod options;
mod origin;
mod resolve;
mod secrets;
mod settings;
mod show;
mod source_keys;
mod source_section;
mod storage_names;
#[cfg(test)]
mod tests;
mod time;

pub use document::LoadedFile;
pub use engine::{Engine, SCHEDULER_PORT, SchedulerAddress, TlsFiles};
pub use environment::Environment;
pub use error::ConfigError;
pub use job_file::{Color, JobFile, LogFormat, LogLevel, Severity, SummaryFormat};
pub use options::{GivenBy, OPTIONS, SettingOption};
pub use origin::{Origin, Sourced};
pub use secrets::{StorageOptions, secret};
pub use settings::{
    AskSettings, Effective, LakeSettings, LogSettings, NotifySettings, RulesSettings, RunSettings,
    SecretReference, SettingOverrides, Settings, SourceSettings,
};
pub use show::show;
pub use source_keys::{SOURCE_KEYS, SourceKey};
pub use source_section::SourceSection;
pub use time::parse_duration;
