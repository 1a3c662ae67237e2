//! Why a unit was not worked through.

use crate::analyze::AnalyzeError;
use crate::config::ConfigError;
use crate::discover::DiscoverError;
use crate::load::LoadError;
use crate::redact::RedactionError;

/// Why a unit was not worked through. What is wrong with one history is no error: it stands in the
/// unit's result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// It is not JSON, or not of the form that its version has.
    #[error("the {what} cannot be read: {problem}; give it as sparklake wrote it")]
    Malformed {
        /// `order`, `result`, `manifest` or `report`.
        what: &'static str,
        /// What is wrong, and where.
        problem: String,
    },
    /// Another version of this program wrote it.
    #[error(
        "the {what} has version {found}, and this sparklake reads version {known}; use the same \
         sparklake for a run and for its workers"
    )]
    Version {
        /// `order`, `result`, `manifest` or `report`.
        what: &'static str,
        /// The version that it has.
        found: u64,
        /// The version that is known.
        known: u32,
    },
    /// The run and the worker would give different rows.
    #[error(
        "the {what} of the order are not those of this sparklake; use the same sparklake for a run \
         and for its workers"
    )]
    Different {
        /// What differs.
        what: &'static str,
    },
    /// The order refers to credentials that it does not declare.
    #[error(
        "the order reads {root} with the credentials `{name}` and does not declare them; give it as \
         sparklake wrote it"
    )]
    UnknownCredentials {
        /// Root of the store.
        root: String,
        /// The name.
        name: String,
    },
    /// A name of a file that no store can have.
    #[error("the order names `{path}`, which is no path in a store; give it as sparklake wrote it")]
    InvalidPath {
        /// The path.
        path: String,
    },
    /// The batch was committed or given up.
    #[error(
        "batch {batch} of run {run_id} is not open any more: the order is too late, and nothing was \
         staged"
    )]
    BatchClosed {
        /// The batch.
        batch: String,
        /// The run that began it.
        run_id: String,
    },
    /// A secret is written down, or a variable or file that should hold one is not there.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A store of logs cannot be opened.
    #[error(transparent)]
    Discover(Box<DiscoverError>),
    /// The lake cannot be written to.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The lake cannot be judged by the order's rules.
    #[error(transparent)]
    Analyze(Box<AnalyzeError>),
    /// The order's redaction makes no sense.
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    /// A result does not fit its order.
    #[error("the result of unit {unit} does not fit its order: {problem}; nothing was committed")]
    WrongResult {
        /// Number of the unit.
        unit: u32,
        /// What does not fit.
        problem: String,
    },
    /// A unit came to nothing.
    #[error("no worker gave a result for unit {unit}; nothing was committed, run again")]
    NoResult {
        /// Number of the unit.
        unit: u32,
    },
    /// What is called a run is none.
    #[error(
        "{run_id:?} is no id of a run; take it from the summary of `sparklake run`, or say latest"
    )]
    InvalidRun {
        /// What was given.
        run_id: String,
    },
    /// The manifest of a run that waits cannot be used.
    #[error(
        "{path}: {problem}; to give the run up instead, remove this file: the next run reads what this \
         one had handed out"
    )]
    BadManifest {
        /// Its place in the lake.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The run has handed nothing out, or was resumed already.
    #[error("run {run_id} does not wait for workers in {lake}; {}", what_waits(.waiting))]
    NotWaiting {
        /// The run, or `latest`.
        run_id: String,
        /// The lake.
        lake: String,
        /// Runs that wait there.
        waiting: Vec<String>,
    },
    /// The executor works for other lakes.
    #[error(
        "this executor does not work for the lake {uri}; name it with --allow-lake if it should"
    )]
    LakeNotAllowed {
        /// The lake.
        uri: String,
    },
    /// The report of a unit is there and cannot be taken.
    #[error("{path}: the report is refused: {problem}; remove it and start the worker again")]
    BadReport {
        /// Its place in the lake.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A worker stopped: a bug, or its process ended.
    #[error(
        "a worker stopped unexpectedly: {reason}; nothing of its batch was committed, run again"
    )]
    Worker {
        /// What it left as its last word.
        reason: String,
    },
}

fn what_waits(waiting: &[String]) -> String {
    match waiting {
        [] => "no run waits there: it was resumed already, or the lake is another one".to_owned(),
        runs => format!("those that wait: {}", runs.join(", ")),
    }
}

impl From<DiscoverError> for UnitError {
    fn from(error: DiscoverError) -> Self {
        Self::Discover(Box::new(error))
    }
}

impl From<AnalyzeError> for UnitError {
    fn from(error: AnalyzeError) -> Self {
        Self::Analyze(Box::new(error))
    }
}

impl UnitError {
    /// Whether the order or the settings are wrong, so that trying again does not help.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Malformed { .. }
            | Self::Version { .. }
            | Self::Different { .. }
            | Self::UnknownCredentials { .. }
            | Self::InvalidPath { .. }
            | Self::InvalidRun { .. }
            | Self::BadManifest { .. }
            | Self::NotWaiting { .. }
            | Self::LakeNotAllowed { .. }
            | Self::Config(_)
            | Self::Redaction(_) => true,
            Self::Discover(error) => !error.is_retryable(),
            Self::Analyze(error) => error.is_configuration(),
            Self::BatchClosed { .. }
            | Self::BadReport { .. }
            | Self::Load(_)
            | Self::WrongResult { .. }
            | Self::NoResult { .. }
            | Self::Worker { .. } => false,
        }
    }
}
