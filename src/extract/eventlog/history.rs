//! One log, from its first byte to its last row.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;

use crate::discover::{EventLog, Section};
use crate::extract::error::ExtractError;
use crate::extract::extraction::{ExtractOptions, Extraction, Identity};
use crate::extract::rows::{HistoryKind, RowWriter};

use super::layout::{self, LogReader};
use super::lines::LineChunks;
use super::parse::{ParsedChunk, for_each_chunk};
use super::replay::{LogSummary, Replay};
use super::sections::{OtherStart, Sections};

/// How a log is spoken of: a copy that was fetched from a server bears the server's address.
#[derive(Debug, Clone)]
pub struct Provenance {
    pub history: HistoryKind,
    /// Column `applications.source_uri`.
    pub source_uri: String,
    /// When it changed last.
    pub last_updated: DateTime<Utc>,
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
    identity: &Identity,
    told: Provenance,
    options: &ExtractOptions,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    let started = Instant::now();
    let mut replay = Replay::new(rows);
    let mut sections = Sections::new(section(identity), log.section.is_none());
    let mut chunks = LineChunks::new(layout::open(log, runtime, &options.limits)?);
    let mut losses = Losses::default();
    let read = for_each_chunk(
        &mut chunks,
        options.threads,
        |chunk| {
            losses.count(&chunk);
            let mut apply = |event| replay.apply(event).map_err(ExtractError::from);
            chunk
                .events
                .into_iter()
                .try_for_each(|event| sections.route(event, &mut apply))
        },
        |error| read_error(error, log),
    )?;
    sections.finish(&mut |event| replay.apply(event).map_err(ExtractError::from))?;
    let reader: &LogReader = chunks.source();
    losses.oversized(read.oversized_lines);
    let truncation = reader.truncation().map(ToString::to_string);
    let truncated = truncation.is_some() || losses.cut_off;
    let gap = reader.gap().map(str::to_owned);
    let beginning = (!identity.has_start).then(|| without_beginning(gap.as_deref()));
    let summary = replay.finish(&LogSummary {
        history: told.history,
        source_uri: told.source_uri,
        last_updated: Some(told.last_updated.timestamp_millis()),
        is_intact: !truncated
            && gap.is_none()
            && identity.has_start
            && losses.bad_lines == 0
            && !is_compacted(log),
    })?;
    Ok(Extraction {
        rows: summary.rows,
        lines: losses.lines,
        bad_lines: losses.bad_lines,
        without_start: !identity.has_start,
        missing_files: gap.is_some(),
        loss: beginning.or(gap).or(truncation).or(losses.first),
        duplicate_events: summary.duplicate_events,
        truncated,
        retryable: false,
        complete: summary.complete,
        compressed_bytes: reader.compressed_bytes(),
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        failed_requests: 0,
        unread_process_logs: 0,
        others: others_of(log, sections.others()),
    })
}

fn section(identity: &Identity) -> Section {
    Section {
        application_id: identity.application_id.clone(),
        attempt_id: identity.attempt_id.clone(),
    }
}

/// What is said of a log whose beginning is lost.
fn without_beginning(gap: Option<&str>) -> String {
    let what = "the log has no SparkListenerApplicationStart event: its beginning is missing, or it ends before that event";
    gap.map_or_else(|| what.to_owned(), |gap| format!("{what}; {gap}"))
}

/// The logs of other applications in the same files. Only the first in a log reports them.
fn others_of(log: &EventLog, others: Vec<OtherStart>) -> Vec<(EventLog, Identity)> {
    if log.section.is_some() {
        return Vec::new();
    }
    let to_log = |other: OtherStart| {
        let Section {
            application_id,
            attempt_id,
        } = &other.section;
        let uri = format!("{}#{application_id}/{attempt_id}", log.uri);
        let identity = Identity {
            application_id: application_id.clone(),
            attempt_id: attempt_id.clone(),
            application_name: other.name,
            start_time: other.time,
            has_start: true,
            spark_context_id: None,
        };
        let log = EventLog {
            uri,
            section: Some(other.section),
            ..log.clone()
        };
        (log, identity)
    };
    others.into_iter().map(to_log).collect()
}

/// A compacted log has lost the events of what had ended by then.
fn is_compacted(log: &EventLog) -> bool {
    log.files.iter().any(|file| file.uri.ends_with(".compact"))
        || log
            .zip_entries
            .iter()
            .any(|entry| entry.name.ends_with(".compact"))
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
