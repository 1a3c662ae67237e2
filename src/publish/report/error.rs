//! Why there is no report.

use crate::analyze::AnalyzeError;
use crate::ask::AskError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The lake knows no such application or job.
    #[error("the lake has no {what} `{id}`; {cure}")]
    Unknown {
        /// What was asked for.
        what: &'static str,
        /// Its id.
        id: String,
        /// Which ids are like it.
        cure: String,
    },
    /// The lake cannot be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The queries of reports cannot be used.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// A query gives other columns than the report shows.
    #[error(
        "{file}: the query does not give what the report shows: {problem}; keep the columns of the file that it replaces"
    )]
    Columns {
        /// The file of the query.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ReportError {
    /// Whether what the user asked for is wrong, rather than the lake or the machine.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Columns { .. } => true,
            Self::Ask(error) => error.is_usage(),
            _ => false,
        }
    }
}
