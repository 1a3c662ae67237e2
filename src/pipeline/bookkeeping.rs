//! The run's own row in table `runs`.

use chrono::{DateTime, Utc};

use crate::load::{Lake, LakeLock, LoadError, Replace, TableRows};
use crate::schema::{self, TableBuilder};

use super::summary::{RunError, RunSummary};
use super::{RunRequest, Source};

/// Writes what the run did.
pub(super) async fn write_run(
    lake: &Lake,
    lock: &LakeLock,
    request: &RunRequest,
    summary: &RunSummary,
    started_at: DateTime<Utc>,
) -> Result<(), RunError> {
    let Some(table) = schema::table("runs") else {
        return Ok(());
    };
    let mut builder = TableBuilder::new(table);
    append(&mut builder, request, summary, started_at);
    let batch = builder.finish().map_err(|error| LoadError::Writer {
        reason: error.to_string(),
    })?;
    let rows = vec![TableRows {
        table: "runs",
        batches: vec![batch],
    }];
    lake.commit_derived(lock, &summary.run_id, rows, Replace::Nothing)
        .await?;
    Ok(())
}

fn append(
    builder: &mut TableBuilder,
    request: &RunRequest,
    summary: &RunSummary,
    started_at: DateTime<Utc>,
) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let time = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
    let sources: Vec<String> = request.sources.iter().flat_map(Source::describe).collect();
    let mut row = builder.row();
    row.string("run_id", &summary.run_id)
        .timestamp_ms("started_at", started_at.timestamp_millis())
        .opt_timestamp_ms("ended_at", Some(Utc::now().timestamp_millis()))
        .opt_timestamp_ms("since", time(request.window.since))
        .opt_timestamp_ms("until", time(request.window.until))
        .string_array("sources", &sources)
        .bigint("discovered", count(summary.discovered))
        .bigint("loaded", count(summary.loaded))
        .bigint("partial", count(summary.partial))
        .bigint("skipped", count(summary.skipped))
        .bigint("quarantined", count(summary.quarantined))
        .bigint("failed", count(summary.failed))
        .bigint("unchanged", count(summary.unchanged))
        .bigint("rows", whole(summary.rows))
        .bigint("bytes", whole(summary.bytes))
        .opt_bigint("discover_ms", Some(whole(summary.discover_ms)))
        .opt_bigint("extract_ms", Some(whole(summary.extract_ms)))
        .opt_bigint("load_ms", Some(whole(summary.load_ms)))
        .opt_bigint("analyze_ms", Some(whole(summary.analyze_ms)))
        .opt_bigint("exit_code", Some(i64::from(summary.exit_code)))
        .string("version", env!("CARGO_PKG_VERSION"))
        .opt_string("error", None);
    row.end();
}
