//! What can be wrong with a configuration.

use super::origin::Origin;

/// A configuration that cannot be used. Its text is one sentence that ends in what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The job file is not there or may not be read.
    #[error("cannot read the job file {path} ({source}); check its name and permissions")]
    Unreadable {
        /// The file as it was given.
        path: String,
        /// Why.
        source: std::io::Error,
    },

    /// A value, or a combination of values, makes no sense.
    #[error("{origin}: {problem}; {cure}")]
    Invalid {
        /// Who set it.
        origin: Origin,
        /// What is wrong.
        problem: String,
        /// What to do about it.
        cure: String,
    },
}

impl ConfigError {
    /// Whether the same call may succeed when it is made again, unchanged: never.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// What is wrong with a value, before it is known who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) problem: String,
    pub(super) cure: String,
}

impl Fault {
    pub(super) fn new(problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            cure: cure.into(),
        }
    }

    pub(super) fn at(self, origin: Origin) -> ConfigError {
        ConfigError::Invalid {
            origin,
            problem: self.problem,
            cure: self.cure,
        }
    }
}
