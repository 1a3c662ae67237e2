//! The port to engines: programs of others that hand units to many machines and retry what fails there.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::super::order::LakeReference;
use super::manifest::Phase;

/// An engine that has units of a run that waits worked through on its machines.
#[async_trait]
pub trait UnitEngine: Debug + Send + Sync {
    /// Waits, for a bounded time, until the engine can take work.
    ///
    /// # Errors
    /// It is not there, does not answer, has no machine to work on, or is of another version.
    async fn check(&self) -> Result<(), EngineError>;

    /// Has the units of a job worked through, and returns when the engine says that the job is over.
    /// Which of them are done stands in their reports alone.
    ///
    /// # Errors
    /// The engine went away or refuses the job. What is begun may go on without it.
    async fn work(&self, job: &EngineJob) -> Result<JobEnd, EngineError>;
}

/// Units of a run for an engine. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineJob {
    /// Where the units are found.
    pub run: RunReference,
    /// Their positions in the manifest.
    pub positions: Vec<usize>,
}

impl EngineJob {
    /// Most units of one job: an engine's plan has some hundred bytes for each, its messages are limited, and
    /// its scheduler handles the whole plan with each task.
    pub const MAX_UNITS: usize = 1_000;
}

/// What a machine of an engine needs to know of a run. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReference {
    /// The lake of the run.
    pub lake: LakeReference,
    /// The run.
    pub run_id: String,
    /// What its units do.
    pub phase: Phase,
    /// Whether a unit that comes to nothing lets the job go on. Else the engine tries it again, and
    /// ends the job when that does not help.
    pub is_tolerant: bool,
}

/// How a job of an engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Each unit was tried.
    Done,
    /// A unit came to nothing however often it was tried, or the engine could not go on.
    Failed {
        /// What the engine says.
        problem: String,
    },
    /// The engine does not know the job any more: it was started anew.
    Lost,
}

/// Why an engine does not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing answers, or not in time.
    #[error(
        "the scheduler {scheduler} does not answer: {problem}; start it with `sparklake cluster scheduler`, \
         or correct --engine"
    )]
    Unreachable {
        /// Its address.
        scheduler: String,
        /// What was tried, and for how long.
        problem: String,
    },
    /// One side does not believe the certificate of the other.
    #[error(
        "this side and the scheduler {scheduler} do not trust each other: {problem}; each needs a certificate \
         that the authority in the --tls-ca of the other has signed, and that of the scheduler has to hold \
         the name by which it is called"
    )]
    Distrust {
        /// Its address.
        scheduler: String,
        /// What is wrong.
        problem: String,
    },
    /// It has nobody who works.
    #[error(
        "the scheduler {scheduler} has no executor; start some with `sparklake cluster executor \
         --scheduler {scheduler}`"
    )]
    NoExecutors {
        /// Its address.
        scheduler: String,
    },
    /// It refuses what this version of sparklake sends.
    #[error(
        "the scheduler {scheduler} refuses the job: {problem}; use the same sparklake version for scheduler, \
         executors and run"
    )]
    Refused {
        /// Its address.
        scheduler: String,
        /// What it says.
        problem: String,
    },
    /// No unit at all was worked through.
    #[error("the engine completed no unit: {problem}; fix this where the executors run")]
    Failed {
        /// What the engine said last.
        problem: String,
    },
}

impl EngineError {
    /// Whether the same may succeed later, with nothing changed here.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoExecutors { .. })
    }

    /// Whether what is set up does not fit together.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Distrust { .. })
    }
}
