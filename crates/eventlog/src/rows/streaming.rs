//! Table `streaming_progress`.

use serde_json::Value;

use crate::RowError;

use super::{FactTable, RowWriter};

/// What a streaming query reported about one batch.
#[derive(Debug)]
pub struct StreamingProgressRow<'a> {
    /// The event's `progress` object.
    pub progress: &'a Value,
}

impl StreamingProgressRow<'_> {
    /// What makes the row one of its own: query run, batch and time.
    #[must_use]
    pub fn key(&self) -> (&str, i64, i64) {
        let progress = self.progress;
        (
            text(progress, "runId").unwrap_or(""),
            integer(progress, "batchId").unwrap_or(-1),
            text(progress, "timestamp").and_then(epoch_ms).unwrap_or(0),
        )
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let progress = self.progress;
        let durations = progress.get("durationMs").unwrap_or(&Value::Null);
        let event_time = progress.get("eventTime").unwrap_or(&Value::Null);
        let sources = |field: &str| sum(progress, "sources", field);
        let state = |field: &str| sum(progress, "stateOperators", field).map(whole);
        writer.append(FactTable::StreamingProgress, |row| {
            row.string("query_id", text(progress, "id").unwrap_or(""))
                .string("query_run_id", text(progress, "runId").unwrap_or(""))
                .opt_string("query_name", text(progress, "name"))
                .bigint(
                    "streaming_batch_id",
                    integer(progress, "batchId").unwrap_or(-1),
                )
                .timestamp_ms(
                    "progress_time",
                    text(progress, "timestamp").and_then(epoch_ms).unwrap_or(0),
                )
                .opt_bigint(
                    "batch_duration",
                    // Newer writers give the duration itself; before, it is the trigger's execution time.
                    integer(progress, "batchDuration")
                        .or_else(|| integer(durations, "triggerExecution")),
                )
                .opt_bigint("num_input_rows", sources("numInputRows").map(whole))
                .opt_double("input_rows_per_second", sources("inputRowsPerSecond"))
                .opt_double(
                    "processed_rows_per_second",
                    sources("processedRowsPerSecond"),
                )
                .opt_bigint(
                    "trigger_execution_ms",
                    integer(durations, "triggerExecution"),
                )
                .opt_bigint("add_batch_ms", integer(durations, "addBatch"))
                .opt_bigint("query_planning_ms", integer(durations, "queryPlanning"))
                .opt_bigint("latest_offset_ms", integer(durations, "latestOffset"))
                .opt_bigint("wal_commit_ms", integer(durations, "walCommit"))
                .opt_string(
                    "duration_ms_json",
                    member(progress, "durationMs").as_deref(),
                )
                .opt_timestamp_ms(
                    "watermark",
                    text(event_time, "watermark").and_then(epoch_ms),
                )
                .opt_string("event_time_json", member(progress, "eventTime").as_deref())
                .opt_bigint("state_rows_total", state("numRowsTotal"))
                .opt_bigint("state_rows_updated", state("numRowsUpdated"))
                .opt_bigint("state_memory_bytes", state("memoryUsedBytes"))
                .opt_bigint(
                    "state_rows_dropped_by_watermark",
                    state("numRowsDroppedByWatermark"),
                )
                .opt_string(
                    "state_operators_json",
                    member(progress, "stateOperators").as_deref(),
                )
                .opt_string("sources_json", member(progress, "sources").as_deref())
                .opt_string("sink_json", member(progress, "sink").as_deref())
                .opt_string(
                    "observed_metrics_json",
                    member(progress, "observedMetrics").as_deref(),
                );
        })
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn integer(value: &Value, key: &str) -> Option<i64> {
    value.get(key)?.as_i64()
}

/// A member as JSON text.
fn member(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)
        .filter(|member| !member.is_null())
        .map(Value::to_string)
}

fn epoch_ms(time: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(time)
        .ok()
        .map(|time| time.timestamp_millis())
}

/// Sum of a number over the elements of a list; the quoted `"NaN"` of Spark counts as nothing.
fn sum(progress: &Value, list: &str, field: &str) -> Option<f64> {
    let elements = progress.get(list)?.as_array()?;
    let numbers: Vec<f64> = elements
        .iter()
        .filter_map(|element| element.get(field)?.as_f64())
        .collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "row counts and bytes; a saturating cast is wanted"
)]
fn whole(value: f64) -> i64 {
    value as i64
}
