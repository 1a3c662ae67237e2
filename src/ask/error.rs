//! Why a query gave no answer.

use std::error::Error;
use std::time::Duration;

use datafusion::error::DataFusionError;

use crate::load::LoadError;

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The query is wrong; the sentence says what to change.
    #[error("{0}")]
    Query(String),
    /// The query took longer than it may.
    #[error(
        "the query took longer than {}; ask for less (a filter on app_date reads fewer files), or raise the limit with --timeout",
        seconds(*limit)
    )]
    TooLong {
        /// The longest run time that was allowed.
        limit: Duration,
    },
    /// The query needs more memory than it may take.
    #[error(
        "the query needs more memory than {} MiB ({reason}); ask for fewer rows or columns, or raise the limit with --memory",
        limit_bytes >> 20
    )]
    TooMuchMemory {
        /// The most memory that was allowed, in bytes.
        limit_bytes: usize,
        /// What was about to take too much.
        reason: String,
    },
    /// A table of the lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LoadError),
    /// The views cannot be read.
    #[error(transparent)]
    Views(Box<dyn Error + Send + Sync>),
    /// The query engine cannot be set up.
    #[error("the query engine cannot be set up: {0}")]
    Engine(DataFusionError),
    /// The query failed while it ran.
    #[error("the query failed: {0}")]
    Failed(DataFusionError),
}

impl AskError {
    /// Whether what the user wrote is wrong, rather than the lake or the machine.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Query(_))
    }

    /// Whether the same query may succeed when it is asked again later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lake(error) => error.is_retryable(),
            Self::Failed(error) | Self::Engine(error) => matches!(
                error.find_root(),
                DataFusionError::ObjectStore(_) | DataFusionError::IoError(_)
            ),
            Self::Query(_) | Self::TooLong { .. } | Self::TooMuchMemory { .. } | Self::Views(_) => {
                false
            }
        }
    }

    /// What happened while a query ran; `memory_bytes` is what it may take.
    pub(super) fn while_running(error: DataFusionError, memory_bytes: usize) -> Self {
        if let DataFusionError::ResourcesExhausted(reason) = error.find_root() {
            return Self::TooMuchMemory {
                limit_bytes: memory_bytes,
                reason: reason.lines().next().unwrap_or_default().to_owned(),
            };
        }
        match take_own(error) {
            Ok(own) => own,
            Err(error) => Self::Failed(error),
        }
    }
}

/// Our own error, where one went through the engine.
pub(super) fn take_own(error: DataFusionError) -> Result<AskError, DataFusionError> {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            take_own(*inner)
        }
        DataFusionError::External(inner) => match inner.downcast::<AskError>() {
            Ok(own) => Ok(*own),
            Err(inner) => match inner.downcast::<LoadError>() {
                Ok(own) => Ok(AskError::Lake(*own)),
                Err(inner) => Err(DataFusionError::External(inner)),
            },
        },
        other => Err(other),
    }
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}
