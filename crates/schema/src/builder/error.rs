//! What can be wrong with rows.

use arrow::error::ArrowError;
use thiserror::Error;

/// Rows that deviate from the table's contract: a fault of the producer, not of its input, except
/// for [`BuilderError::TooLarge`].
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum BuilderError {
    #[error("table {table}: column `{given}` was given where `{expected}` is next")]
    Name {
        table: &'static str,
        expected: &'static str,
        given: &'static str,
    },
    #[error("table {table}: column `{column}` is {expected}, was given {given}")]
    Type {
        table: &'static str,
        column: &'static str,
        expected: &'static str,
        given: &'static str,
    },
    #[error("table {table}: column `{column}` was given NULL, but is not nullable")]
    Null {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: a row has no value for `{column}`")]
    MissingColumn {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: `{given}` was given after the last column")]
    TooManyColumns {
        table: &'static str,
        given: &'static str,
    },
    #[error("table {table}: a row was not ended")]
    RowNotEnded { table: &'static str },
    #[error("table {table}: texts and arrays of one batch exceed 2 GiB at column `{column}`")]
    TooLarge {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: the batch cannot be built")]
    Arrow {
        table: &'static str,
        #[source]
        source: ArrowError,
    },
}

impl BuilderError {
    /// Never: the same rows fail again.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
