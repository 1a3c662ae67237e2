//! What an extraction is asked for, and what it did.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::eventlog::codec::DecodeLimits;
use super::rows::{RowCounts, TeamSource};
use crate::discover::EventLog;

/// Which application attempt a history is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Spark's application id.
    pub application_id: String,
    /// `0` where Spark gives none.
    pub attempt_id: String,
    /// The application's name.
    pub application_name: String,
    /// Epoch milliseconds of the application's start; of the first event with a time where the
    /// beginning of its log is lost.
    pub start_time: i64,
    /// Whether the history tells the application's start.
    pub has_start: bool,
    /// Databricks' id of the SparkContext, which tells equal application ids of two clusters apart.
    pub spark_context_id: Option<i64>,
}

impl Identity {
    /// When the application started, where the history tells.
    #[must_use]
    pub fn start(&self) -> Option<DateTime<Utc>> {
        let start = Some(self.start_time).filter(|_| self.has_start)?;
        DateTime::from_timestamp_millis(start)
    }
}

/// How histories are extracted.
#[derive(Debug, Clone)]
pub struct ExtractOptions {
    /// What a log may unpack to.
    pub limits: DecodeLimits,
    /// Threads that parse one log.
    pub threads: usize,
    /// Whose the application is.
    pub team: TeamSource,
    /// Column `batch_id`.
    pub batch_id: String,
    /// Column `ingested_at`.
    pub ingested_at: DateTime<Utc>,
}

/// What an extraction did, for the ledger.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// Rows written, by table.
    pub rows: RowCounts,
    /// Lines of a log that are not blank, bad ones included; answers of a server.
    pub lines: u64,
    /// Lines that were dropped, or requests that failed.
    pub bad_lines: u64,
    /// Events that repeated what earlier ones had said, and were left out.
    pub duplicate_events: u64,
    /// The first line that was dropped and why; or where and why the text ended early.
    pub loss: Option<String>,
    /// The text ended before the log did, or a server did not give everything.
    pub truncated: bool,
    /// Whether what was lost may be readable the next time, although nothing was changed.
    pub retryable: bool,
    /// The application ended and nothing was lost.
    pub complete: bool,
    /// Bytes read, before decompression.
    pub compressed_bytes: u64,
    /// Time it took.
    pub duration_ms: i64,
    /// Requests to a server that failed, and whose answers may exist.
    pub failed_requests: u64,
    /// Logs of the driver and of executors that could not be read.
    pub unread_process_logs: usize,
    /// The beginning of the log is lost, and with it the application's start.
    pub without_start: bool,
    /// Pieces of the log are missing, by the numbers of those that are there.
    pub missing_files: bool,
    /// Other applications in the same files, which are still to be read.
    pub others: Vec<(EventLog, Identity)>,
}
