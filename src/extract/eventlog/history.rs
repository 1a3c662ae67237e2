//! One log, from its first byte to its last row.

use std::io::Read;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;

use crate::discover::EventLog;
use crate::extract::error::ExtractError;
use crate::extract::history::{ExtractOptions, Extraction, Identity};
use crate::extract::rows::{HistoryKind, RowWriter};

use super::codec::Limits;
use super::event::{ApplicationStart, Event};
use super::layout::{self, LogReader};
use super::lines::LineChunks;
use super::parse::{ParsedChunk, for_each_chunk};
use super::replay::{LogSummary, Replay};

/// Text that is searched for the application's start before a log is given up.
const IDENTITY_SEARCH_BYTES: u64 = 64 << 20;

/// How a log is spoken of: a copy that was fetched from a server bears the server's address.
#[derive(Debug, Clone)]
pub struct Told {
    pub history: HistoryKind,
    /// Column `applications.source_uri`.
    pub source_uri: String,
    /// When it changed last.
    pub last_updated: DateTime<Utc>,
}

/// Reads just enough of a log to know whose it is.
///
/// # Errors
/// When the log cannot be read, or holds no application's start.
pub fn identify(
    log: &EventLog,
    runtime: &Handle,
    limits: &Limits,
) -> Result<Identity, ExtractError> {
    let reader = layout::open(log, runtime, limits)?;
    let mut chunks = LineChunks::new(reader.take(IDENTITY_SEARCH_BYTES));
    let mut search = IdentitySearch::default();
    // Found: an error that ends the reading, and is none.
    let read = for_each_chunk(
        &mut chunks,
        1,
        |chunk| search.look(chunk, &log.uri),
        |error| read_error(error, log),
    );
    match (search.found, read) {
        (Some(start), _) => identity(start, log),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) if search.events == 0 => Err(ExtractError::NotAnEventLog {
            uri: log.uri.clone(),
            reason: "none of its lines is an event of Spark".to_owned(),
        }),
        (None, Ok(_)) => Err(ExtractError::NoApplicationStart {
            uri: log.uri.clone(),
        }),
    }
}

#[derive(Default)]
struct IdentitySearch {
    found: Option<ApplicationStart>,
    events: usize,
}

impl IdentitySearch {
    fn look(&mut self, chunk: ParsedChunk, uri: &str) -> Result<(), ExtractError> {
        self.events += chunk.events.len();
        for event in chunk.events {
            if let Event::ApplicationStart(start) = event {
                self.found = Some(*start);
                return Err(ExtractError::NoApplicationStart {
                    uri: uri.to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn identity(start: ApplicationStart, log: &EventLog) -> Result<Identity, ExtractError> {
    let application_id =
        start
            .id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| ExtractError::NoApplicationId {
                uri: log.uri.clone(),
            })?;
    Ok(Identity {
        application_id,
        attempt_id: start.attempt_id.unwrap_or_else(|| "0".to_owned()),
        application_name: start.name,
        start_time: start.timestamp,
    })
}

/// Extracts all rows of a log into `rows`.
///
/// Damage in the log is no error: what came before it becomes rows, bad lines are counted, and the
/// [`Extraction`] says what was lost.
///
/// # Errors
/// When the log cannot be read (any more), or the sink refuses rows.
pub fn extract(
    log: &EventLog,
    told: Told,
    options: &ExtractOptions,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    let started = Instant::now();
    let mut replay = Replay::new(rows);
    let mut chunks = LineChunks::new(layout::open(log, runtime, &options.limits)?);
    let mut losses = Losses::default();
    let read = for_each_chunk(
        &mut chunks,
        options.threads,
        |chunk| {
            losses.count(&chunk);
            chunk
                .events
                .into_iter()
                .try_for_each(|event| replay.apply(event))
                .map_err(ExtractError::from)
        },
        |error| read_error(error, log),
    )?;
    let reader: &LogReader = chunks.source();
    losses.oversized(read.oversized_lines);
    let truncation = reader.truncation().map(ToString::to_string);
    let truncated = truncation.is_some() || losses.cut_off;
    let summary = replay.finish(&LogSummary {
        history: told.history,
        source_uri: told.source_uri,
        last_updated: Some(told.last_updated.timestamp_millis()),
        is_intact: !truncated && losses.bad_lines == 0 && !is_compacted(log),
    })?;
    Ok(Extraction {
        rows: summary.rows,
        lines: losses.lines,
        bad_lines: losses.bad_lines,
        loss: truncation.or(losses.first),
        truncated,
        retryable: false,
        complete: summary.complete,
        compressed_bytes: reader.compressed_bytes(),
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        unread_process_logs: 0,
    })
}

/// A compacted log has lost the events of what had ended by then.
fn is_compacted(log: &EventLog) -> bool {
    log.files.iter().any(|file| file.uri.ends_with(".compact"))
        || log
            .zip_entries
            .iter()
            .any(|entry| entry.ends_with(".compact"))
}

fn read_error(error: std::io::Error, log: &EventLog) -> ExtractError {
    ExtractError::from_read(error, &log.uri)
}

/// What was dropped of a log.
#[derive(Debug, Default)]
struct Losses {
    lines: u64,
    bad_lines: u64,
    first: Option<String>,
    cut_off: bool,
}

impl Losses {
    fn count(&mut self, chunk: &ParsedChunk) {
        if let Some((line, error)) = &chunk.first_bad {
            let number = self.lines + line;
            self.first
                .get_or_insert_with(|| format!("line {number}: {error}"));
        }
        if chunk.cut_off {
            self.cut_off = true;
            let number = self.lines + chunk.lines;
            self.first
                .get_or_insert_with(|| format!("line {number} is cut off"));
        }
        self.lines += chunk.lines;
        self.bad_lines += chunk.bad_lines;
    }

    fn oversized(&mut self, lines: u64) {
        self.lines += lines;
        self.bad_lines += lines;
        if lines > 0 {
            self.first.get_or_insert_with(|| {
                format!(
                    "{lines} lines longer than {} bytes",
                    super::lines::MAX_LINE_BYTES
                )
            });
        }
    }
}
