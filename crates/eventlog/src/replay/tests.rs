//! Tests of the whole replay.

mod facts;
mod support;
mod uniqueness;

/// A log with a bit of all: executors that come and go, a retried stage with a late task, a task that
/// is resubmitted, cached blocks, streaming, a failed job with a canceled task.
const MADE_LOG: &str = include_str!("tests/made_log.ndjson");
