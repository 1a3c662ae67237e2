//! Why something could not be shown.

use arrow::error::ArrowError;

use crate::analyze::AnalyzeError;
use crate::ask::AskError;

/// Why something could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no such query, or a file of the rules is wrong.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// A query gave no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// What was asked for is not in the lake, or is not one thing.
    #[error("{0}")]
    NotFound(String),
    /// Something cannot be exported.
    #[error("{0}")]
    Export(String),
    /// A budget makes no sense.
    #[error("{0}")]
    Budget(String),
    /// A query gives other columns than its reader needs.
    #[error(
        "the answer of {file} lacks something: {problem}; give it the columns of the built-in file"
    )]
    Columns {
        /// The file of the query.
        file: String,
        /// What is missing or of another type.
        problem: String,
    },
    /// An answer could not be brought into another form.
    #[error("the answer cannot be read: {0}")]
    Format(#[from] ArrowError),
    /// The output could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}
