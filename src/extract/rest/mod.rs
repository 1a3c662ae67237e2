//! Histories that a server lists: a History Server, or a live driver.
//!
//! The raw log is fetched and replayed where the server gives it (`download`): one request, and
//! nothing is lost. Where it does not, Spark's REST interface is asked for everything it shows
//! (`fetch`, `walk`) and the answers (`json`) become the same rows that a replay writes (`map`,
//! `sql`).
//!
//! # Requests of a walk
//! Seven for the application as a whole, one for every 64 SQL executions, and for the tasks either
//! one (few tasks in all), or one for each stage attempt that ran, or for stages with many tasks one
//! for every 5,000 of them. Quantiles are computed from the tasks, so no summaries are asked for.
//!
//! # What REST does not tell
//! These columns are NULL in histories read over REST:
//!
//! - `tasks`: the peaks of executor metrics (`peak_jvm_heap_memory` and so on),
//!   `peak_execution_memory_on_heap` and `…_off_heap`, `task_type`;
//! - `stages`: `parent_ids`, `peak_execution_memory_on_heap` and `…_off_heap`;
//! - `jobs`: `failure_reason`; `applications`: `failure_reason` before Spark 4.2;
//! - `sql`: `error_message`, `root_execution_id`, `query_id`, `modified_configs` before Spark 4.2;
//! - `sql_nodes`: `description` before Spark 4.2; `sql_node_metrics`: `metric_type`, `accumulator_id`;
//! - `session_settings`: all of queries before Spark 4.2, and all of jobs outside of queries;
//! - `streaming_progress`: all of it.
//!
//! These are as good as REST's texts for people:
//!
//! - `sql_node_metrics`: `total`, `min`, `median`, `max` and `unit` only where the text is exact
//!   (counts, and sizes below 2 KiB); `max_stage_id` and its companions where the text names them;
//! - `sql_nodes`: `time_ms` as rounded as it is shown (to 0.1 s, 0.1 min or 0.01 h), `stage_ids` those
//!   that its metrics' texts name, `bytes_output` where it is exact;
//! - `rdd_storage`: only what has cached partitions;
//! - `stages.job_ids`, `sql_id`: by the jobs' lists of stages and the executions' lists of jobs;
//! - push metrics: 0 from servers 3.4 to 4.0 (SPARK-43100);
//! - `executors`: an executor that came back under its id hides what it was before; the `rdd_blocks`
//!   and such of servers differ with their versions, as do all values that Spark has corrected.
//!
//! What a server has dropped by its limits (`spark.ui.retainedTasks`, …) is told as a loss where it
//! shows.

mod download;
mod fetch;
mod json;
mod losses;
mod map;
mod sql;
mod stage_requests;
mod stage_tasks;
mod walk;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::error::ExtractError;
use super::eventlog;
use super::eventlog::codec::DecodeLimits;
use super::extraction::{ExtractOptions, Extraction, Identity};
use super::rows::{HistoryKind, RowWriter};
use crate::discover::ServerApplication;
use crate::http::HttpError;
use crate::model::ServerAccess;
use download::FetchedLog;

/// Longest time for the history of one attempt where no other is set: a server that trickles holds
/// no night up.
const APPLICATION_DEADLINE: Duration = Duration::from_secs(2 * 3_600);

/// Extracts all rows of a server's application into `rows`, by the way that its access allows.
///
/// A call that fails is no error as long as others tell something: the [`Extraction`] says what was
/// lost.
///
/// # Errors
/// When the server gives nothing, or the sink refuses rows.
pub(super) fn extract(
    application: &ServerApplication,
    identity: &Identity,
    options: &ExtractOptions,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    if application.access == ServerAccess::RestOnly {
        return walk(application, options, runtime, rows);
    }
    match download::fetch(application, identity, runtime, &options.limits) {
        Ok(fetched) => replay(&fetched, identity, application, options, runtime, rows),
        Err(error) if application.access == ServerAccess::LogOnly => Err(error),
        Err(error) => {
            tracing::info!(
                application = %application.uri,
                reason = %error,
                "no raw log available; reading over REST"
            );
            walk(application, options, runtime, rows)
        }
    }
}

fn walk(
    application: &ServerApplication,
    options: &ExtractOptions,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    within_deadline(
        application,
        &options.limits,
        runtime,
        walk::walk(application, rows),
    )
}

/// Runs `work` to its end, or until the attempt's time is up.
fn within_deadline<T>(
    application: &ServerApplication,
    limits: &DecodeLimits,
    runtime: &Handle,
    work: impl Future<Output = Result<T, ExtractError>>,
) -> Result<T, ExtractError> {
    // The timer belongs to the runtime, and is made within it.
    let time = limits.deadline.map_or(APPLICATION_DEADLINE, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    });
    let limited = async { tokio::time::timeout(time, work).await };
    runtime.block_on(limited).unwrap_or_else(|_| {
        Err(ExtractError::Http {
            uri: application.uri.clone(),
            source: HttpError::Timeout {
                url: application.uri.clone(),
                message: "its history did not come within extract_timeout_seconds".to_owned(),
                cure: "look what keeps the server busy, or read the event logs themselves"
                    .to_owned(),
            },
        })
    })
}

fn replay(
    fetched: &FetchedLog,
    identity: &Identity,
    application: &ServerApplication,
    options: &ExtractOptions,
    runtime: &Handle,
    rows: &mut RowWriter<'_>,
) -> Result<Extraction, ExtractError> {
    let told = eventlog::history::Provenance {
        history: HistoryKind::EventLogZip,
        source_uri: application.uri.clone(),
        last_updated: application.last_updated,
    };
    eventlog::history::extract(&fetched.log, identity, told, options, runtime, rows)
        .map(|extraction| fetched.rename_loss(extraction, application))
        .map_err(|error| fetched.rename_error(error, application))
}
