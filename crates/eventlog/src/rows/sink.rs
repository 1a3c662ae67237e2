//! Where extracted rows go: the one seam between reading a history and storing it.
//!
//! An extractor knows no lake, no file and no transaction. It hands record batches to a sink, and
//! the sink's owner decides what becomes of them.

use std::error::Error;

use arrow::array::RecordBatch;

/// A sink could not take rows. What was read is fine; storing it failed.
#[derive(Debug, thiserror::Error)]
#[error("rows of table {table} could not be stored")]
pub struct SinkError {
    /// The table whose rows were refused.
    pub table: &'static str,
    /// Whether the same rows may be accepted later (the store was busy), or never will be.
    pub retryable: bool,
    /// What the sink itself reported.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl SinkError {
    /// Whether the same write may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

/// Takes the rows of the history that is being read.
pub trait RowSink {
    /// Takes rows of `table`, in the schema that [`sparklake_schema::table`] declares for it. A batch
    /// may have any size, and all its rows belong to one history.
    ///
    /// # Errors
    /// When the rows cannot be stored; the history is given up.
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError>;

    /// Hears the application's settings, keys and values, which say what is secret in the rows that
    /// follow. A sink that keeps no text need not listen.
    fn hear_settings(&mut self, settings: &[(&str, &str)]) {
        let _ = settings;
    }
}
