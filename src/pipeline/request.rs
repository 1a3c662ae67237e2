//! What a run is asked to do.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::analyze::Overrides;
use crate::discover::Window;
use crate::load::StoreSafety;
use crate::redact::Redactor;
use crate::unit::shards::UnitEngine;
use crate::unit::{Credentials, Workers};

use super::reload::Reload;
use super::sources::NamedSource;
use super::teams::TeamSettings;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The lake: a path or URI.
    pub lake: String,
    /// Options of the lake's object store.
    pub storage_options: HashMap<String, String>,
    /// What to do about a store that does not keep two runs apart.
    pub store_safety: StoreSafety,
    /// The same options as other processes are told them: secrets by name.
    pub lake_credentials: Credentials,
    /// Where histories come from.
    pub sources: Vec<NamedSource>,
    /// Who works through units; threads of this process where `None`.
    pub workers: Option<Arc<dyn Workers>>,
    /// About how many units are handed out to other machines; the run then ends early and
    /// waits. `None` where this machine does the work.
    pub hands_out: Option<usize>,
    /// The engine that works through what is handed out; the run then does not wait.
    pub engine: Option<Arc<dyn UnitEngine>>,
    /// The run that waits and is gone on with, instead of a new one.
    pub resume: Option<String>,
    /// Masks secrets in all that is written.
    pub redactor: Redactor,
    /// Which of them, by their newest modification.
    pub window: Window,
    /// Find and identify only; write nothing.
    pub dry_run: bool,
    /// Ask live applications too (history servers; logs in progress are read in any case).
    pub include_running: bool,
    /// Write the `tasks` table, by far the largest.
    pub include_tasks: bool,
    /// Which histories are read again though they have not changed.
    pub reload: Reload,
    /// How the team of an application is found.
    pub teams: TeamSettings,
    /// Threads that read logs.
    pub threads: usize,
    /// A folder of rules that adds to or replaces the built-in ones.
    pub rules_dir: Option<PathBuf>,
    /// What the job file changes about the rules.
    pub rule_overrides: Overrides,
    /// Longest time to find out whose a log is.
    pub identify_timeout: Duration,
    /// Longest time to read one history.
    pub extract_timeout: Duration,
    /// Read at most so many histories, the newest first.
    pub max_applications: Option<usize>,
    /// Whether a run that finds nothing new leaves a row in `runs`. A watch that looks every few
    /// minutes would fill the table with rows that say nothing.
    pub record_unchanged: bool,
}

impl RunRequest {
    /// Where histories come from, as `runs.sources` has it: without secrets.
    #[must_use]
    pub fn describe_sources(&self) -> Vec<String> {
        let sources = self.sources.iter();
        sources.flat_map(|named| named.source.describe()).collect()
    }
}
