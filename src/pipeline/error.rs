//! Why a run ended without doing its work.

use crate::analyze::AnalyzeError;
use crate::load::LoadError;
use crate::unit::UnitError;
use crate::unit::shards::EngineError;

use super::outcome::RunStatus;

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
    /// A run in the lake waits for its workers.
    #[error(
        "run {run_id} waits in the lake for its workers; commit what they reported with \
         `sparklake run --resume {run_id}`, then run again"
    )]
    Waiting {
        /// The run that waits.
        run_id: String,
    },
    /// The engine does not work through units.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The same, after units were handed out to it.
    #[error(
        "{source}; run {run_id} waits in the lake with what was reported so far: go on with `sparklake run \
         --resume {run_id}` and the same --engine"
    )]
    EngineOfWaiting {
        /// The run that waits.
        run_id: String,
        /// Why it waits.
        source: EngineError,
    },
    /// The lake cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The rules cannot be used.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// A unit came to nothing.
    #[error(transparent)]
    Unit(UnitError),
}

impl From<UnitError> for RunError {
    fn from(error: UnitError) -> Self {
        match error {
            UnitError::Load(error) => Self::Load(error),
            UnitError::Analyze(error) => Self::Analyze(*error),
            other => Self::Unit(other),
        }
    }
}

impl RunError {
    /// The same error of a run whose units are handed out.
    pub(super) fn of_waiting(self, run_id: &str) -> Self {
        match self {
            Self::Engine(source) => Self::EngineOfWaiting {
                run_id: run_id.to_owned(),
                source,
            },
            other => other,
        }
    }

    /// How a run with this error ended.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Unreachable { .. } => RunStatus::Unreachable,
            Self::Waiting { .. } => RunStatus::Held,
            Self::Engine(error) | Self::EngineOfWaiting { source: error, .. } => of_engine(error),
            Self::Load(error) => of_load(error),
            Self::Analyze(error) if error.is_configuration() => RunStatus::Misconfigured,
            Self::Unit(error) if error.is_usage() => RunStatus::Misconfigured,
            Self::Analyze(_) | Self::Unit(_) => RunStatus::Failed,
        }
    }
}

fn of_engine(error: &EngineError) -> RunStatus {
    if error.is_unreachable() {
        RunStatus::Unreachable
    } else if error.is_usage() {
        RunStatus::Misconfigured
    } else {
        RunStatus::Failed
    }
}

/// What an error of the lake means for the command that met it.
#[must_use]
pub fn of_load(error: &LoadError) -> RunStatus {
    match error {
        LoadError::Held(_) => RunStatus::Held,
        LoadError::InvalidLocation { .. }
        | LoadError::NoLake { .. }
        | LoadError::NotALake { .. }
        | LoadError::NewerFormat { .. }
        | LoadError::NoConditionalPut { .. }
        | LoadError::UnknownTable { .. }
        | LoadError::ShortRetention { .. } => RunStatus::Misconfigured,
        _ => RunStatus::Failed,
    }
}
