//! Commands that end in good order when they are interrupted.

use super::error::CliError;

/// Runs `command` to its end, or until the user or the system asks the process to end.
///
/// # Errors
/// What `command` gives; [`CliError::Interrupted`].
pub(super) async fn or_interrupted<T>(
    command: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    tokio::select! {
        outcome = command => outcome,
        signal = interruption() => Err(CliError::Interrupted(signal)),
    }
}

#[cfg(unix)]
async fn interruption() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind: SignalKind| match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the system ends the process by itself.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => "interrupted",
        () = wait(SignalKind::terminate()) => "terminated",
        () = wait(SignalKind::hangup()) => "the terminal was closed",
    }
}

#[cfg(not(unix))]
async fn interruption() -> &'static str {
    match tokio::signal::ctrl_c().await {
        Ok(()) => "interrupted",
        Err(_) => std::future::pending().await,
    }
}
