//! One history, from whatever source, to rows.

use tokio::runtime::Handle;

use super::error::ExtractError;
use super::eventlog;
use super::eventlog::codec::DecodeLimits;
use super::extraction::{ExtractOptions, Extraction, Identity};
use super::process_logs;
use super::rest;
use super::rows::{HistoryContext, HistoryKind, RowSink, RowWriter};
use crate::discover::{Content, EventLog, History, Layout};

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
