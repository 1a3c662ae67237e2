//! `sparklake run --watch 5m`: the run again and again, for people who want answers while jobs run.
//!
//! Each round is a run of its own: it reads the job file and the secrets that it refers to again,
//! and prints a summary. A round that fails ends itself only. What did not change is not opened, and
//! a round without news leaves no row in `runs`.

use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::error::CliError;
use super::notify::Notifier;
use super::output::Output;
use super::signals::WatchStop;
use super::{run, run_summary};
use crate::pipeline::{Reload, RunRequest, RunStatus};

/// Begins a round every `every`, or at once after one that took longer, until a signal or the end of
/// who reads the summaries. Returns the exit code of the last round.
///
/// # Errors
/// The first round cannot begin, or finds a mistake in the configuration: waiting fixes none.
pub(super) async fn execute(
    context: &Context,
    every: Duration,
    output: &mut Output,
) -> Result<u8, CliError> {
    let settings = &context.settings;
    let mut stop = WatchStop::listen(settings.run.summary, settings.redactor.clone());
    let mut reloads = true;
    let mut began = Instant::now();
    let request = run::request(settings, &context.environment).await?;
    let mut last = round(context, request, None, &stop, output).await?;
    if last == RunStatus::Misconfigured {
        return Ok(last.exit_code());
    }
    loop {
        reloads &= !matches!(last, RunStatus::Done | RunStatus::Partial);
        if output.is_broken_pipe() || stop.ends_before(began + every).await {
            return Ok(last.exit_code());
        }
        began = Instant::now();
        last = match again(context, reloads, last, &stop, output).await {
            Ok(status) => status,
            Err(error) => tell(context, &error, output),
        };
    }
}

/// A round after the first.
async fn again(
    context: &Context,
    reloads: bool,
    last: RunStatus,
    stop: &WatchStop,
    output: &mut Output,
) -> Result<RunStatus, CliError> {
    let context = context.renewed()?;
    let mut request = run::request(&context.settings, &context.environment).await?;
    request.record_unchanged = false;
    if !reloads {
        // What was asked to be read again has been.
        request.reload = Reload::default();
    }
    round(&context, request, Some(last), stop, output).await
}

async fn round(
    context: &Context,
    request: RunRequest,
    last: Option<RunStatus>,
    stop: &WatchStop,
    output: &mut Output,
) -> Result<RunStatus, CliError> {
    let run = stop.begin_round();
    let notifier = Notifier::of(context, &request, run.run_id(), last)?;
    let summary = run::work(context, &request, &run, &notifier).await;
    run::print(context, &summary, output)?;
    Ok(summary.status)
}

/// Tells why a round could not begin, and how it ended.
fn tell(context: &Context, error: &CliError, output: &mut Output) -> RunStatus {
    let (sentence, exit_code) = (error.sentence(), error.exit_code());
    context.logging.tell_failure(&sentence, exit_code);
    let settings = &context.settings;
    let failed = run_summary::of_failure(exit_code, sentence);
    // The next round finds out whether somebody still reads.
    let _ = run_summary::print(&failed, settings.run.summary, &settings.redactor, output);
    failed.status
}
