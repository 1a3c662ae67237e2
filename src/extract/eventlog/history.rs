//! One log, from its first byte to its last row.

use std::io::Read;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;

use crate::discover::{History, Layout};
use crate::extract::error::ExtractError;
use crate::extract::rows::{HistoryContext, HistoryKind, RowSink, RowWriter};

use super::codec::Limits;
use super::event::{ApplicationStart, Event};
use super::layout::{self, LogReader};
use super::lines::LineChunks;
use super::parse::{ParsedChunk, for_each_chunk};
use super::replay::{LogSummary, Replay};

/// Text that is searched for the application's start before a log is given up.
const IDENTITY_SEARCH_BYTES: u64 = 64 << 20;

/// Which application attempt a log tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub application_id: String,
    /// `0` where Spark gives none.
    pub attempt_id: String,
    pub application_name: String,
    /// Epoch milliseconds.
    pub start_time: i64,
}

/// How logs are extracted.
#[derive(Debug, Clone)]
pub struct ExtractOptions {
    pub limits: Limits,
    /// Threads that parse one log.
    pub threads: usize,
    pub batch_id: String,
    pub ingested_at: DateTime<Utc>,
}

/// What an extraction did, for the ledger.
#[derive(Debug, Clone)]
pub struct Extraction {
    pub rows: u64,
    /// Lines that are not blank, bad ones included.
    pub lines: u64,
    pub bad_lines: u64,
    /// The first line that was dropped and why; or where and why the text ended early.
    pub loss: Option<String>,
    /// The text ended before the log did.
    pub truncated: bool,
    /// The application ended and nothing was lost.
    pub complete: bool,
    pub compressed_bytes: u64,
    pub duration_ms: i64,
}

/// Reads just enough of a log to know whose it is.
///
/// # Errors
/// When the log cannot be read, or holds no application's start.
pub fn identify(
    history: &History,
    runtime: &Handle,
    limits: &Limits,
) -> Result<Identity, ExtractError> {
    let reader = layout::open(history, runtime, limits)?;
    let mut chunks = LineChunks::new(reader.take(IDENTITY_SEARCH_BYTES));
    let mut search = IdentitySearch::default();
    // Found: an error that ends the reading, and is none.
    let read = for_each_chunk(
        &mut chunks,
        1,
        |chunk| search.look(chunk, &history.uri),
        |error| read_error(error, history),
    );
    match (search.found, read) {
        (Some(start), _) => identity(start, history),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) if search.events == 0 => Err(ExtractError::NotAnEventLog {
            uri: history.uri.clone(),
            reason: "none of its lines is an event of Spark".to_owned(),
        }),
        (None, Ok(_)) => Err(ExtractError::NoApplicationStart {
            uri: history.uri.clone(),
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

fn identity(start: ApplicationStart, history: &History) -> Result<Identity, ExtractError> {
    let application_id =
        start
            .id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| ExtractError::NoApplicationId {
                uri: history.uri.clone(),
            })?;
    Ok(Identity {
        application_id,
        attempt_id: start.attempt_id.unwrap_or_else(|| "0".to_owned()),
        application_name: start.name,
        start_time: start.timestamp,
    })
}

/// Extracts all rows of a log into `sink`.
///
/// Damage in the log is no error: what came before it becomes rows, bad lines are counted, and the
/// [`Extraction`] says what was lost.
///
/// # Errors
/// When the log cannot be read (any more), or the sink refuses rows.
pub fn extract(
    history: &History,
    identity: &Identity,
    options: &ExtractOptions,
    runtime: &Handle,
    sink: &mut dyn RowSink,
) -> Result<Extraction, ExtractError> {
    let started = Instant::now();
    let rows = RowWriter::new(context(history, identity, options), sink);
    let mut replay = Replay::new(rows);
    let mut chunks = LineChunks::new(layout::open(history, runtime, &options.limits)?);
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
        },
        |error| read_error(error, history),
    )?;
    let reader: &LogReader = chunks.source();
    losses.oversized(read.oversized_lines);
    let truncation = reader.truncation().map(ToString::to_string);
    let truncated = truncation.is_some() || losses.cut_off;
    let summary = replay.finish(&LogSummary {
        history: if history.layout == Layout::Zip {
            HistoryKind::EventLogZip
        } else {
            HistoryKind::EventLog
        },
        source_uri: history.uri.clone(),
        last_updated: Some(history.modified().timestamp_millis()),
        is_intact: !truncated && losses.bad_lines == 0 && !is_compacted(history),
    })?;
    Ok(Extraction {
        rows: summary.rows,
        lines: losses.lines,
        bad_lines: losses.bad_lines,
        loss: truncation.or(losses.first),
        truncated,
        complete: summary.complete,
        compressed_bytes: reader.compressed_bytes(),
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
    })
}

fn context(history: &History, identity: &Identity, options: &ExtractOptions) -> HistoryContext {
    HistoryContext {
        platform: history.platform.as_str().to_owned(),
        cluster_id: history.cluster_id.clone(),
        cluster_name: history.cluster_name.clone(),
        application_id: identity.application_id.clone(),
        attempt_id: identity.attempt_id.clone(),
        start_time: identity.start_time,
        batch_id: options.batch_id.clone(),
        ingested_at: options.ingested_at,
    }
}

/// A compacted log has lost the events of what had ended by then.
fn is_compacted(history: &History) -> bool {
    history
        .files
        .iter()
        .any(|file| file.uri.ends_with(".compact"))
        || history
            .zip_entries
            .iter()
            .any(|entry| entry.ends_with(".compact"))
}

fn read_error(error: std::io::Error, history: &History) -> ExtractError {
    ExtractError::from_read(error, &history.uri)
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
