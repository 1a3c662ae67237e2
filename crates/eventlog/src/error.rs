//! Why rows could not be written.

use sparklake_schema::BuilderError;

use crate::rows::SinkError;

/// Rows of a history could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A row does not fit its table's contract: a bug of this program.
    #[error("a row does not fit its table: {0}")]
    Row(#[from] BuilderError),
    /// A table without a contract: a bug of this program.
    #[error("table {table} has no contract")]
    NoContract {
        /// The table.
        table: &'static str,
    },
    /// The rows could not be stored.
    #[error(transparent)]
    Sink(#[from] SinkError),
}
