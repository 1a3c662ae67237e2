//! The row of a run in table `runs`, and the note that stands for it until it is written.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::load::{Lake, LakeLock, LoadError, Replace, TableRows};
use crate::redact::Redactor;
use crate::schema::{self, TableBuilder};

use super::outcome::{RunStatus, Signal};
use super::request::RunRequest;
use super::summary::RunSummary;

/// A run as table `runs` has it. Also the content of its note.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunRow {
    pub(super) run_id: String,
    started_at: DateTime<Utc>,
    #[serde(default)]
    ended_at: Option<DateTime<Utc>>,
    #[serde(default)]
    since: Option<DateTime<Utc>>,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    sources: Vec<String>,
    version: String,
    /// `None` while it runs.
    #[serde(default)]
    status: Option<RunStatus>,
    #[serde(default)]
    exit_code: Option<u8>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    counts: Option<Counts>,
}

/// What a run that came to an end has counted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Counts {
    discovered: usize,
    loaded: usize,
    partial: usize,
    skipped: usize,
    quarantined: usize,
    failed: usize,
    unchanged: usize,
    rows: u64,
    bytes: u64,
    discover_ms: u64,
    extract_ms: u64,
    load_ms: u64,
    analyze_ms: u64,
    problems: usize,
}

impl RunRow {
    /// A run that begins.
    pub(super) fn begin(run_id: &str, request: &RunRequest) -> Self {
        Self {
            run_id: run_id.to_owned(),
            started_at: Utc::now(),
            ended_at: None,
            since: request.window.since,
            until: request.window.until,
            sources: request.describe_sources(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            status: None,
            exit_code: None,
            error: None,
            counts: None,
        }
    }

    /// The run has ended as its summary says.
    pub(super) fn end(&mut self, summary: &RunSummary, redactor: &Redactor) {
        self.ended_at = Some(Utc::now());
        self.status = Some(summary.status);
        self.exit_code = Some(summary.exit_code);
        let error = summary.error.clone().or_else(|| summary.first_problem());
        self.error = error.map(|error| redactor.text(&error).into_owned());
        self.counts = Some(Counts {
            discovered: summary.discovered,
            loaded: summary.loaded,
            partial: summary.partial,
            skipped: summary.skipped,
            quarantined: summary.quarantined,
            failed: summary.failed,
            unchanged: summary.unchanged,
            rows: summary.rows,
            bytes: summary.bytes,
            discover_ms: summary.discover_ms,
            extract_ms: summary.extract_ms,
            load_ms: summary.load_ms,
            analyze_ms: summary.analyze_ms,
            problems: summary.problems.len(),
        });
    }

    /// The run is stopped by a signal.
    pub(super) fn interrupt(&mut self, signal: Signal) {
        self.ended_at = Some(Utc::now());
        self.status = Some(RunStatus::Interrupted);
        self.exit_code = Some(signal.exit_code());
        self.error = Some(format!("stopped by {}", signal.name()));
    }

    fn append(&self, builder: &mut TableBuilder) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
        // A run whose end nobody noted was killed.
        let status = self.status.unwrap_or(RunStatus::Killed);
        let error = match (status, &self.error) {
            (RunStatus::Killed, None) => Some("it was killed, as a later run found"),
            (_, error) => error.as_deref(),
        };
        let counted = |of: fn(&Counts) -> usize| self.counts.as_ref().map(of).map(count);
        let summed = |of: fn(&Counts) -> u64| self.counts.as_ref().map(of).map(whole);
        let mut row = builder.row();
        row.string("run_id", &self.run_id)
            .timestamp_ms("started_at", self.started_at.timestamp_millis())
            .opt_timestamp_ms("ended_at", time(self.ended_at))
            .opt_timestamp_ms("since", time(self.since))
            .opt_timestamp_ms("until", time(self.until))
            .string_array("sources", &self.sources)
            .opt_bigint("discovered", counted(|of| of.discovered))
            .opt_bigint("loaded", counted(|of| of.loaded))
            .opt_bigint("partial", counted(|of| of.partial))
            .opt_bigint("skipped", counted(|of| of.skipped))
            .opt_bigint("quarantined", counted(|of| of.quarantined))
            .opt_bigint("failed", counted(|of| of.failed))
            .opt_bigint("unchanged", counted(|of| of.unchanged))
            .opt_bigint("rows", summed(|of| of.rows))
            .opt_bigint("bytes", summed(|of| of.bytes))
            .opt_bigint("discover_ms", summed(|of| of.discover_ms))
            .opt_bigint("extract_ms", summed(|of| of.extract_ms))
            .opt_bigint("load_ms", summed(|of| of.load_ms))
            .opt_bigint("analyze_ms", summed(|of| of.analyze_ms))
            .opt_bigint("exit_code", self.exit_code.map(i64::from))
            .string("version", &self.version)
            .opt_string("error", error)
            .opt_string("status", Some(status.as_str()))
            .opt_bigint("problems", counted(|of| of.problems));
        row.end();
    }
}

/// Writes the row of this run, and those of runs that left no more than a note. Only whoever holds
/// the lock may call this: a note without an end is then that of a run that is gone.
pub(super) async fn write(lake: &Lake, lock: &LakeLock, own: &RunRow) -> Result<(), LoadError> {
    let Some(table) = schema::table("runs") else {
        return Ok(());
    };
    let mut notes: Vec<RunRow> = lake.run_notes().await?;
    notes.retain(|note| note.run_id != own.run_id);
    let earlier: Vec<String> = notes.iter().map(|note| note.run_id.clone()).collect();
    if !earlier.is_empty() {
        // A run that was killed between its row and the removal of its note has a row already.
        let recorded = lake.recorded_runs(&earlier).await?;
        notes.retain(|note| !recorded.contains(&note.run_id));
    }
    let mut builder = TableBuilder::new(table);
    for row in notes.iter().chain([own]) {
        row.append(&mut builder);
    }
    let batch = builder.finish().map_err(|error| LoadError::Writer {
        reason: error.to_string(),
    })?;
    let rows = vec![TableRows {
        table: "runs",
        batches: vec![batch],
    }];
    lake.commit_derived(lock, &own.run_id, rows, Replace::Nothing)
        .await?;
    for run_id in earlier.iter().chain([&own.run_id]) {
        lake.forget_run(run_id).await?;
    }
    Ok(())
}
