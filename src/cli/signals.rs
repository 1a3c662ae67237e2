//! Signals that stop a run.
//!
//! A run works on threads that nothing can stop in the middle of a log, and it can be killed at any
//! moment without harm. So a signal is noted in the lake, told in the summary, and ends the process.

use std::time::Duration;

use super::output::Output;
use super::run_summary;
use crate::config::SummaryFormat;
use crate::pipeline::{RunWatch, Signal};
use crate::redact::Redactor;

/// Longest time to note the signal in the lake.
const NOTING: Duration = Duration::from_secs(10);

/// Waits for a signal, and then ends the process.
#[expect(
    clippy::exit,
    reason = "the run's threads cannot be stopped in any other way"
)]
pub(super) async fn stop_run(watch: RunWatch, format: SummaryFormat, redactor: Redactor) {
    let signal = received().await;
    tracing::warn!("{} received: the run ends here", signal.name());
    let summary = tokio::time::timeout(NOTING, watch.interrupt(signal)).await;
    if let Ok(summary) = summary {
        // Whoever sent the signal may not listen any more.
        let _ = run_summary::print(&summary, format, &redactor, &mut Output::stdout());
    }
    std::process::exit(signal.exit_code().into());
}

#[cfg(unix)]
async fn received() -> Signal {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupted().await;
    };
    tokio::select! {
        _ = terminate.recv() => Signal::Terminate,
        signal = interrupted() => signal,
    }
}

#[cfg(not(unix))]
async fn received() -> Signal {
    interrupted().await
}

async fn interrupted() -> Signal {
    if tokio::signal::ctrl_c().await.is_err() {
        // The signal cannot be watched: it ends the process by itself.
        std::future::pending::<()>().await;
    }
    Signal::Interrupt
}
