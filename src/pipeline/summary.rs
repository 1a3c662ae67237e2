//! What a run says when it ends: to scripts as JSON, to the next command as an exit code.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analyze::{AnalyzeError, Failure};
use crate::discover::DiscoverProblem;
use crate::load::{LoadError, SourceRecord, SourceStatus};

use super::clusters::AnalysisStatus;

/// Exit code of a run that did all there was to do.
pub const EXIT_DONE: u8 = 0;
/// Exit code of a run that failed.
pub const EXIT_FAILED: u8 = 1;
/// Exit code of wrong usage or configuration.
pub const EXIT_USAGE: u8 = 2;
/// Exit code of a run that had to leave something out.
pub const EXIT_PARTIAL: u8 = 3;
/// Exit code where another run holds the lake.
pub const EXIT_HELD: u8 = 4;
/// Exit code where no source could be reached.
pub const EXIT_UNREACHABLE: u8 = 75;

/// What a run did. Serialises to the last line of its output.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunSummary {
    /// Unique id of the run.
    pub run_id: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// Nothing was written: a rehearsal.
    pub dry_run: bool,
    /// Clusters that platforms listed, and what became of them.
    pub clusters: ClusterCounts,
    /// Histories found.
    pub discovered: usize,
    /// Histories whose rows are in the lake, all of them.
    pub loaded: usize,
    /// Histories of which lines or the end are missing.
    pub partial: usize,
    /// Histories that did not change since they were loaded, and were not opened.
    pub unchanged: usize,
    /// Histories that another log of the same application takes precedence over, or beyond a limit.
    pub skipped: usize,
    /// Histories that cannot be read, however often one tries.
    pub quarantined: usize,
    /// Histories that could not be read this time.
    pub failed: usize,
    /// Rows of fact tables written.
    pub rows: u64,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Findings of the applications loaded.
    pub findings: usize,
    /// Wall time in milliseconds: of the run, and of its steps.
    pub duration_ms: u64,
    pub discover_ms: u64,
    pub extract_ms: u64,
    pub load_ms: u64,
    pub analyze_ms: u64,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
    /// The applications with most time in flagged stages.
    pub worst: Vec<WorstApplication>,
}

/// Clusters by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ClusterCounts {
    /// Listed.
    pub found: usize,
    /// Ended and dealt with by an earlier run: not asked again.
    pub unchanged: usize,
    /// All that there is of them is in the lake.
    pub completed: usize,
    /// They have nothing to load.
    pub empty: usize,
    /// Something of them is in the lake, something failed.
    pub partial: usize,
    /// Nothing could be loaded.
    pub failed: usize,
}

impl ClusterCounts {
    pub(super) fn count(&mut self, status: AnalysisStatus) {
        match status {
            AnalysisStatus::Completed => self.completed += 1,
            AnalysisStatus::NoApplications => self.empty += 1,
            AnalysisStatus::Partial => self.partial += 1,
            AnalysisStatus::Failed => self.failed += 1,
        }
    }
}

/// One thing that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The log, folder or file.
    pub uri: String,
    /// What became of it, in the words of `ingest_sources.status`; `unreachable` for a source.
    pub status: &'static str,
    /// The kind of error as a word.
    pub error_kind: String,
    /// The error in a sentence.
    pub error: String,
}

/// An application worth a look.
#[derive(Debug, Clone, Serialize)]
pub struct WorstApplication {
    pub application_id: String,
    pub attempt_id: String,
    pub application_name: Option<String>,
    /// Percent of stage time in flagged stages.
    pub ineffstageagg: Option<f64>,
    /// Core time that its findings call lost, in milliseconds.
    pub lost_core_ms: Option<i64>,
    /// Its heaviest finding, and the numbers behind it.
    pub top_rule: Option<String>,
    pub evidence: Option<String>,
}

impl Problem {
    pub(super) fn unreachable(uri: &str, error: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            status: "unreachable",
            error_kind: "unreachable".to_owned(),
            error: error.to_owned(),
        }
    }

    /// A log or folder that could not be looked at, in a source that could.
    pub(super) fn of_discovery(problem: &DiscoverProblem) -> Self {
        Self {
            error_kind: problem.error.kind().to_owned(),
            ..Self::unreachable(&problem.uri, &problem.error.to_string())
        }
    }

    pub(super) fn of(record: &SourceRecord) -> Self {
        Self {
            uri: record.source_uri.clone(),
            status: record.status.as_str(),
            error_kind: record.error_kind.clone().unwrap_or_default(),
            error: record.error.clone().unwrap_or_default(),
        }
    }

    pub(super) fn of_analysis(error: &AnalyzeError) -> Self {
        Self {
            uri: "sql".to_owned(),
            status: "failed",
            error_kind: "analysis".to_owned(),
            error: error.to_string(),
        }
    }

    /// Applications that a step could not judge for a reason in their data, a problem for each step.
    pub(super) fn of_failures(failures: &[Failure]) -> Vec<Self> {
        let mut steps: BTreeMap<&str, (usize, &Failure)> = BTreeMap::new();
        for failure in failures {
            let step = steps.entry(&failure.file).or_insert((0, failure));
            step.0 += failure.applications.len();
        }
        let problem = |(file, (count, failure)): (&str, (usize, &Failure))| {
            let example = failure.applications.first();
            let example = example.map_or("", |key| key.application_id.as_str());
            Self {
                uri: file.to_owned(),
                status: "failed",
                error_kind: "analysis".to_owned(),
                error: format!(
                    "{count} applications are not judged by it, for example {example} \
                     (all: SELECT * FROM analysis_failures): {}",
                    failure.error
                ),
            }
        };
        steps.into_iter().map(problem).collect()
    }

    /// Whether it means that something is missing that should be there.
    pub(super) fn is_loss(&self) -> bool {
        self.status == "unreachable"
            || self.error_kind == "analysis"
            || self.error_kind == "bad_lines"
            || self.error_kind == "process_log"
    }
}

impl RunSummary {
    /// Counts one history's outcome.
    pub(super) fn count(&mut self, status: SourceStatus) {
        match status {
            SourceStatus::Loaded => self.loaded += 1,
            SourceStatus::Partial => self.partial += 1,
            SourceStatus::Skipped => self.skipped += 1,
            SourceStatus::Quarantined => self.quarantined += 1,
            SourceStatus::Failed => self.failed += 1,
        }
    }
}

/// Why a run ended without doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing that was named can be reached.
    #[error(
        "no source could be reached: {reason}; check its address and your credentials, then run again"
    )]
    Unreachable {
        /// The first source's error.
        reason: String,
    },
    /// The lake cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The rules cannot be used.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// A bug: a worker stopped.
    #[error(
        "a worker stopped unexpectedly: {reason}; nothing of its batch was committed, run again"
    )]
    Worker {
        /// What it left as its last word.
        reason: String,
    },
}

impl RunError {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => EXIT_UNREACHABLE,
            Self::Load(LoadError::Held { .. }) => EXIT_HELD,
            Self::Analyze(error) if error.is_configuration() => EXIT_USAGE,
            _ => EXIT_FAILED,
        }
    }
}
