//! What a run says when it ends: to scripts as JSON, to the next command as an exit code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analyze::Failure;
use crate::discover::DiscoverProblem;
use crate::load::{SourceRecord, SourceStatus};
use crate::model::Platform;
use crate::unit::{AnalysisProblem, WorstApplication};

use super::outcome::{AnalysisStatus, RunStatus};
use super::place::Place;
use super::shard_counts::ShardCounts;

/// What a run did. Serialises to the last line of its output.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunSummary {
    /// Unique id of the run.
    pub run_id: String,
    /// How it ended.
    pub status: RunStatus,
    /// The process's exit code.
    pub exit_code: u8,
    /// Why it could not do its work, in one sentence.
    pub error: Option<String>,
    /// Nothing was written: a rehearsal.
    pub dry_run: bool,
    /// Whether rows of the lake changed, those of `runs` and of the ledger's problems aside.
    pub changed: bool,
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
    /// Units that other machines work through; `None` in a run of one machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<ShardCounts>,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
    /// The applications with most time in flagged stages.
    pub worst: Vec<WorstApplication>,
}

/// Clusters by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCounts {
    /// Listed.
    pub found: usize,
    /// Ended and loaded by an earlier run: not asked again.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// The log, folder or file.
    pub uri: String,
    /// What became of it.
    pub status: SourceStatus,
    /// The kind of error as a word.
    pub error_kind: String,
    /// The error in a sentence.
    pub error: String,
    /// How often it happened.
    pub count: usize,
    /// Whether every later run tries again.
    pub retryable: bool,
    /// Whether something is missing in the lake that exists: the run is then partial.
    pub missing: bool,
    /// Where it was met, for problems of discovery.
    #[serde(skip)]
    pub(super) place: Option<Place>,
    /// What failed, where the same failure is met again and again.
    #[serde(skip)]
    pub(super) call: Option<FailedCall>,
}

/// The same call with the same failure: told once, with a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailedCall {
    platform: Platform,
    call: String,
    code: String,
}

/// The code of a call that was not made, for the failures of the same call before it.
const GIVEN_UP: &str = "GIVEN_UP";

impl FailedCall {
    /// Whether this is what `known` told already.
    fn is_again(&self, known: &Self) -> bool {
        let is_same_call = self.platform == known.platform && self.call == known.call;
        is_same_call && (self.code == known.code || self.code == GIVEN_UP)
    }
}

impl Problem {
    /// What the ledger says of a history or place; `missing` tells whether the lake lacks something
    /// that exists.
    pub(crate) fn of(record: &SourceRecord, missing: bool) -> Self {
        Self {
            uri: record.source_uri.clone(),
            status: record.status,
            error_kind: record.error_kind.clone().unwrap_or_default(),
            error: record.error.clone().unwrap_or_default(),
            count: 1,
            retryable: record.retryable.unwrap_or(false),
            missing,
            place: None,
            call: None,
        }
    }

    /// A place that could not be looked at. Every run looks again.
    pub(super) fn of_discovery(problem: &DiscoverProblem, place: &Place) -> Self {
        let error = &problem.error;
        let call = error.call().map(|call| FailedCall {
            platform: place.platform,
            call: call.to_owned(),
            code: error.code(),
        });
        Self {
            uri: problem.uri.clone(),
            status: SourceStatus::Unreachable,
            error_kind: error.kind().to_owned(),
            error: error.to_string(),
            count: 1,
            retryable: true,
            missing: true,
            place: Some(place.clone()),
            call,
        }
    }

    /// Its row of the ledger, for a problem of discovery.
    pub(super) fn record(&self) -> Option<SourceRecord> {
        let place = self.place.as_ref()?;
        let mut record = SourceRecord::new(
            &self.uri,
            "",
            place.platform.as_str(),
            &place.id,
            SourceStatus::Unreachable,
        );
        record.cluster_name.clone_from(&place.name);
        record.error_kind = Some(self.error_kind.clone());
        record.error = Some(match self.count {
            1 => self.error.clone(),
            count => format!("{} ({count} times)", self.error),
        });
        record.retryable = Some(true);
        Some(record)
    }

    pub(super) fn of_analysis(problem: &AnalysisProblem) -> Self {
        Self {
            uri: "sql".to_owned(),
            status: SourceStatus::Failed,
            error_kind: "analysis".to_owned(),
            error: problem.error.clone(),
            count: 1,
            retryable: problem.is_retryable,
            missing: true,
            place: None,
            call: None,
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
            let whom = match failure.applications.first() {
                Some(example) => format!(
                    "{count} applications are not judged by it, for example {} (all: SELECT * FROM \
                     analysis_failures)",
                    example.application_id
                ),
                // Clusters that ran nothing make a group too.
                None => "a group without applications is not judged by it".to_owned(),
            };
            Self {
                uri: file.to_owned(),
                status: SourceStatus::Failed,
                error_kind: "analysis".to_owned(),
                error: format!("{whom}: {}", failure.error),
                count,
                retryable: true,
                missing: true,
                place: None,
                call: None,
            }
        };
        steps.into_iter().map(problem).collect()
    }
}

impl RunSummary {
    /// How a run ended that got to its end.
    #[must_use]
    pub fn ending(&self) -> RunStatus {
        let is_missing = self.quarantined + self.failed > 0
            || self.clusters.partial + self.clusters.failed > 0
            || self.problems.iter().any(|problem| problem.missing);
        if is_missing {
            RunStatus::Partial
        } else {
            RunStatus::Done
        }
    }

    /// The first problem in a sentence, and how many more there are.
    pub(super) fn first_problem(&self) -> Option<String> {
        let mut problems = self.problems.iter().filter(|problem| problem.missing);
        let first = problems.next()?;
        Some(match problems.count() {
            0 => format!("{}: {}", first.uri, first.error),
            1 => format!("{}: {} (and one more problem)", first.uri, first.error),
            more => format!("{}: {} (and {more} more problems)", first.uri, first.error),
        })
    }

    /// Whether a history or a cluster was read, with whatever success.
    pub(super) fn has_read(&self) -> bool {
        let clusters = &self.clusters;
        self.loaded + self.partial + self.quarantined + self.failed > 0
            || clusters.completed + clusters.empty + clusters.partial + clusters.failed > 0
    }

    /// Adds a problem; the same failure of the same call only counts, and so does a call that was
    /// given up for its failures.
    pub(super) fn tell(&mut self, problem: Problem) {
        let known = problem.call.as_ref().and_then(|call| {
            self.problems.iter_mut().find(|known| {
                let known = known.call.as_ref();
                known.is_some_and(|known| call.is_again(known))
            })
        });
        match known {
            Some(known) => known.count += problem.count,
            None => self.problems.push(problem),
        }
    }

    /// Counts one history's outcome.
    pub(super) fn count(&mut self, status: SourceStatus) {
        match status {
            SourceStatus::Loaded => self.loaded += 1,
            SourceStatus::Partial => self.partial += 1,
            SourceStatus::Skipped => self.skipped += 1,
            SourceStatus::Quarantined => self.quarantined += 1,
            SourceStatus::Failed => self.failed += 1,
            // A place, and no history.
            SourceStatus::Unreachable => {}
        }
    }
}
