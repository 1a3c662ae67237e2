//! Where a value comes from.

use std::fmt;

/// Who set a value, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag or argument of the command line, such as `--since`.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A line of a job file.
    File {
        /// The file as it was given.
        path: String,
        /// Counted from 1.
        line: usize,
    },
    /// Not set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => formatter.write_str(name),
            Self::File { path, line } => write!(formatter, "{path}:{line}"),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}
