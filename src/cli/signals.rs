//! Signals that stop a run or a worker.
//!
//! A run works on threads that nothing can stop in the middle of a log, and it can be killed at any
//! moment without harm. So a signal is noted in the lake, told in the summary, and ends the process.
//! A run that is repeated (`--watch`) ends its round first when it is asked to by SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::output::Output;
use super::run_summary;
use crate::config::SummaryFormat;
use crate::pipeline::{RunWatch, Signal};
use crate::redact::Redactor;

/// Longest time to note the signal in the lake.
const NOTING: Duration = Duration::from_secs(10);

/// Waits for a signal, and then ends the process.
pub(super) async fn stop_run(run: RunWatch, format: SummaryFormat, redactor: Redactor) {
    let signal = Signals::listen().next().await;
    end(signal, &run, format, &redactor).await;
}

/// Notes the signal in the lake, prints the summary, and ends the process.
#[expect(
    clippy::exit,
    reason = "the run's threads cannot be stopped in any other way"
)]
async fn end(signal: Signal, run: &RunWatch, format: SummaryFormat, redactor: &Redactor) {
    tracing::warn!("{} received: the run ends here", signal.name());
    let summary = tokio::time::timeout(NOTING, run.interrupt(signal)).await;
    if let Ok(summary) = summary {
        // Whoever sent the signal may not listen any more.
        let _ = run_summary::print(&summary, format, redactor, &mut Output::stdout());
    }
    std::process::exit(signal.exit_code().into());
}

/// What asks the rounds of a watch to end: SIGTERM after the round under way, a second one or Ctrl-C
/// at once.
pub(super) struct WatchStop {
    asked: watch::Receiver<bool>,
    current: Arc<Mutex<RunWatch>>,
    listener: JoinHandle<()>,
}

impl WatchStop {
    /// Begins to listen.
    pub(super) fn listen(format: SummaryFormat, redactor: Redactor) -> Self {
        let (ask, asked) = watch::channel(false);
        let current = Arc::new(Mutex::new(RunWatch::default()));
        let round = Arc::clone(&current);
        let mut signals = Signals::listen();
        let listener = tokio::spawn(async move {
            let mut signal = signals.next().await;
            if signal == Signal::Terminate {
                tracing::info!("SIGTERM received: the watch ends after this round");
                ask.send_replace(true);
                signal = signals.next().await;
            }
            let run = round.lock().unwrap_or_else(PoisonError::into_inner).clone();
            end(signal, &run, format, &redactor).await;
        });
        Self {
            asked,
            current,
            listener,
        }
    }

    /// A round begins, which a signal that ends it at once has to note.
    pub(super) fn begin_round(&self) -> RunWatch {
        let run = RunWatch::default();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = run.clone();
        run
    }

    /// Waits until `time`. Returns early with true where the watch is asked to end.
    pub(super) async fn ends_before(&mut self, time: tokio::time::Instant) -> bool {
        let asked = self.asked.wait_for(|asked| *asked);
        tokio::time::timeout_at(time, asked).await.is_ok()
    }
}

/// Waits for a signal, has no further unit begun, and says which signal it was. A second signal ends
/// the process: what it has begun is done again by whoever works through the shard next.
#[expect(
    clippy::exit,
    reason = "the worker's threads cannot be stopped in any other way"
)]
pub(super) async fn drain(stop: Arc<AtomicBool>) -> Signal {
    let mut signals = Signals::listen();
    let signal = signals.next().await;
    stop.store(true, Ordering::Relaxed);
    tracing::warn!(
        "{} received: the units that are begun are finished, no other is begun",
        signal.name()
    );
    tokio::spawn(async move {
        let signal = signals.next().await;
        std::process::exit(signal.exit_code().into());
    });
    signal
}

impl Drop for WatchStop {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// The signals of this process, from now on.
struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Signal {
        let Some(terminate) = &mut self.terminate else {
            return interrupted().await;
        };
        tokio::select! {
            _ = terminate.recv() => Signal::Terminate,
            signal = interrupted() => signal,
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Signal {
        interrupted().await
    }
}

async fn interrupted() -> Signal {
    if tokio::signal::ctrl_c().await.is_err() {
        // The signal cannot be watched: it ends the process by itself.
        std::future::pending::<()>().await;
    }
    Signal::Interrupt
}
