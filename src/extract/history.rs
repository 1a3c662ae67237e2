//! One history, from whatever source, to rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::error::ExtractError;
use super::eventlog;
use super::eventlog::codec::DecodeLimits;
use super::process_logs;
use super::rest;
use super::rows::{HistoryContext, HistoryKind, RowCounts, RowSink, RowWriter, TeamSource};
use crate::discover::{Content, EventLog, History, Layout};

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

/// Reads just enough of a history to know whose it is. A server has said so already. Mostly that is
/// one application; a folder with chunks of several SparkContexts is several histories.
///
/// # Errors
/// When the log cannot be read, or holds no application's start.
pub fn identify(
    history: &History,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Vec<(History, Identity)>, ExtractError> {
    match &history.content {
        Content::Log(log) => {
            let logs = eventlog::identity::identify(log, runtime, limits)?;
            let with_history = |(log, identity)| (history.with_log(log), identity);
            Ok(logs.into_iter().map(with_history).collect())
        }
        Content::Server(application) => Ok(vec![(
            history.clone(),
            Identity {
                application_id: application.application_id.clone(),
                attempt_id: application
                    .attempt_id
                    .clone()
                    .unwrap_or_else(|| "0".to_owned()),
                application_name: application.name.clone(),
                start_time: application.start_time.timestamp_millis(),
                has_start: true,
                spark_context_id: None,
            },
        )]),
    }
}

/// Extracts all rows of a history into `sink`.
///
/// Damage in a log is no error: what came before it becomes rows, bad lines are counted, and the
/// [`Extraction`] says what was lost.
///
/// # Errors
/// When the history cannot be read (any more), or the sink refuses rows.
pub fn extract(
    history: &History,
    identity: &Identity,
    options: &ExtractOptions,
    runtime: &Handle,
    sink: &mut dyn RowSink,
) -> Result<Extraction, ExtractError> {
    let mut rows = RowWriter::new(context(history, identity, options), sink);
    let mut extraction = match &history.content {
        Content::Log(log) => {
            let told = eventlog::history::Provenance {
                history: kind(log),
                source_uri: log.uri.clone(),
                last_updated: log.modified(),
            };
            eventlog::history::extract(log, identity, told, options, runtime, &mut rows)?
        }
        Content::Server(application) => {
            rest::extract(application, identity, options, runtime, &mut rows)?
        }
    };
    if !history.process_logs.is_empty() {
        read_process_logs(history, identity, runtime, &mut rows, &mut extraction)?;
    }
    Ok(extraction)
}

/// Writes what the logs of the driver and of executors tell, and notes what could not be read.
fn read_process_logs(
    history: &History,
    identity: &Identity,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
    extraction: &mut Extraction,
) -> Result<(), ExtractError> {
    let scan = process_logs::scan(
        &history.process_logs,
        &process_logs::ProcessLogScope::of(history, identity),
        &process_logs::ProcessLogLimits::default(),
        process_logs::Signatures::built_in(),
        runtime,
    );
    process_logs::write(&scan, rows)?;
    rows.flush()?;
    extraction.rows = rows.counts();
    extraction.unread_process_logs = scan.problems.len();
    extraction.retryable |= scan.problems.iter().any(ExtractError::is_retryable);
    if let Some(first) = scan.problems.first() {
        extraction.loss.get_or_insert_with(|| first.to_string());
    }
    Ok(())
}

fn kind(log: &EventLog) -> HistoryKind {
    if log.layout == Layout::Zip {
        HistoryKind::EventLogZip
    } else {
        HistoryKind::EventLog
    }
}

fn context(history: &History, identity: &Identity, options: &ExtractOptions) -> HistoryContext {
    HistoryContext {
        platform: history.platform.as_str().to_owned(),
        cluster_id: history.cluster_id.clone(),
        cluster_name: history.cluster_name.clone(),
        application_id: identity.application_id.clone(),
        attempt_id: identity.attempt_id.clone(),
        start_time: identity.start_time,
        job_run: history.job_run.clone(),
        team: options.team.clone(),
        batch_id: options.batch_id.clone(),
        ingested_at: options.ingested_at,
    }
}
