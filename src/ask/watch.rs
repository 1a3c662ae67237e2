//! Looks at the clock and at the process's size while a query runs, from a thread of its own.
//!
//! The runtime looks at its timers between pieces of work only. A query keeps all its threads busy with large
//! pieces: a timer of the runtime was seen to be minutes late on a busy machine, and no bound held until then.
//!
//! The engine's memory pool counts what sorts, joins and aggregates hold. It does not count what a
//! single expression makes of a batch, nor what readers hold; the process's size counts all.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How often it looks: an expression fills about 30 MB in this time.
const INTERVAL: Duration = Duration::from_millis(10);

/// A bound that a query has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// It took longer than it may.
    Time,
    /// The process has grown by so many bytes, more than it may.
    Memory(usize),
}

/// Watches one query; ends with the value.
#[derive(Debug)]
pub(super) struct QueryWatch {
    signal: oneshot::Receiver<Reached>,
    reached: Option<Reached>,
    /// Tells the thread that nobody waits any more.
    _waiting: mpsc::Sender<()>,
}

impl QueryWatch {
    /// Begins to watch.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(timeout: Option<Duration>, limit_bytes: usize) -> io::Result<Self> {
        let (sender, signal) = oneshot::channel();
        let (waiting, ended) = mpsc::channel();
        let (started, size_at_start) = (Instant::now(), resident_bytes());
        let look = move || {
            let is_late = timeout.is_some_and(|timeout| started.elapsed() >= timeout);
            // Where the system does not tell the process's size, the pool alone holds.
            let grown = size_at_start
                .zip(resident_bytes())
                .map_or(0, |(start, now)| now.saturating_sub(start));
            match (is_late, grown > limit_bytes) {
                (_, true) => Some(Reached::Memory(grown)),
                (true, false) => Some(Reached::Time),
                (false, false) => None,
            }
        };
        thread::Builder::new()
            .name("query watch".to_owned())
            .spawn(move || {
                while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    if let Some(reached) = look() {
                        // Nobody may wait for it any more.
                        let _ = sender.send(reached);
                        return;
                    }
                }
            })?;
        Ok(Self {
            signal,
            reached: None,
            _waiting: waiting,
        })
    }

    /// Returns the bound that is reached, as soon as one is.
    pub(super) async fn reached(&mut self) -> Reached {
        if let Some(reached) = self.reached {
            return reached;
        }
        match (&mut self.signal).await {
            Ok(reached) => *self.reached.insert(reached),
            // The thread ends without a word with this value only.
            Err(_) => std::future::pending().await,
        }
    }
}

/// The process's resident memory; `None` on systems without `/proc`.
fn resident_bytes() -> Option<usize> {
    // The smallest page of the systems that have /proc; where pages are larger, the watch is
    // later, and the pool still holds.
    const PAGE_BYTES: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(PAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_does_not_need_a_timer_of_the_runtime() {
        // Without `enable_time` a timer of the runtime is a panic.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        let limit = Some(Duration::from_millis(20));
        let mut watch = QueryWatch::start(limit, usize::MAX).expect("a thread");
        for _ in 0..2 {
            assert_eq!(runtime.block_on(watch.reached()), Reached::Time);
        }
    }
}
