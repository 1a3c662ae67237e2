//! Whose log is it? Histories are identified ahead of their reading, a bounded number at a time.
//!
//! Identification runs on threads of its own and hands over what it found as it comes, so that the
//! first histories are read while others are still looked at. Each history has a deadline: a log
//! without an end, or a disk that does not answer, costs its own time and nobody else's.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::discover::{Content, History};
use crate::extract::ExtractError;
use crate::extract::eventlog::codec::DecodeLimits;
use crate::extract::extraction::Identity;
use crate::extract::history::identify;

/// Identified histories that wait to be read; identification pauses beyond them.
const QUEUE: usize = 1_024;
/// What the thread gets beyond its deadline, to notice the deadline by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Where a history comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Owner {
    /// Position of its cluster among those that are loaded together.
    pub(super) cluster: Option<usize>,
    /// Name of the credentials that open its stores; `None` where no other process can open them.
    pub(super) credentials: Option<Arc<str>>,
    /// The team that tags name.
    pub(super) team: Option<String>,
}

/// A history, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct OwnedHistory {
    pub(super) history: History,
    pub(super) owner: Owner,
}

/// The applications of a history, each with its part of it.
pub(super) type Applications = Result<Vec<(History, Identity)>, ExtractError>;

/// A history, and whose it is.
#[derive(Debug)]
pub(super) struct Identified {
    pub(super) owned: OwnedHistory,
    /// Its applications: mostly one, with the history as it is.
    pub(super) applications: Applications,
}

/// Identifies histories with `threads` threads, in no order. The receiver ends after the last one;
/// dropping it ends the work.
pub(super) fn start(
    histories: Vec<OwnedHistory>,
    threads: usize,
    timeout: Duration,
    runtime: &Handle,
) -> mpsc::Receiver<Identified> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let threads = threads.clamp(1, histories.len().max(1));
    let queue = Arc::new(Mutex::new(VecDeque::from(histories)));
    for _ in 0..threads {
        let (queue, sender, runtime) = (Arc::clone(&queue), sender.clone(), runtime.clone());
        thread::spawn(move || {
            while let Some(owned) = next(&queue) {
                let identified = Identified {
                    applications: identify_in_time(&owned.history, timeout, &runtime),
                    owned,
                };
                if sender.blocking_send(identified).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

fn next(queue: &Mutex<VecDeque<OwnedHistory>>) -> Option<OwnedHistory> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

/// Identifies one history, or gives it up. A thread that hangs in the operating system cannot be
/// ended: it is left behind.
fn identify_in_time(history: &History, timeout: Duration, runtime: &Handle) -> Applications {
    if let Content::Server(_) = history.content {
        // The server has said whose it is: nothing is read.
        return identify_one(history, &DecodeLimits::default(), runtime);
    }
    let (sender, receiver) = channel();
    let (copy, handle) = (history.clone(), runtime.clone());
    let limits = DecodeLimits {
        deadline: Some(Instant::now() + timeout),
        ..DecodeLimits::default()
    };
    thread::spawn(move || {
        // Nobody waits any more where the time is up.
        let _ = sender.send(identify_one(&copy, &limits, &handle));
    });
    match receiver.recv_timeout(timeout + GRACE) {
        Ok(applications) => applications,
        Err(RecvTimeoutError::Timeout) => Err(ExtractError::Timeout {
            uri: history.uri().to_owned(),
        }),
        Err(RecvTimeoutError::Disconnected) => Err(panicked(history)),
    }
}

/// A panic, which is a bug of ours, costs this history and no other.
fn identify_one(history: &History, limits: &DecodeLimits, runtime: &Handle) -> Applications {
    catch_unwind(AssertUnwindSafe(|| identify(history, runtime, limits)))
        .unwrap_or_else(|_| Err(panicked(history)))
}

fn panicked(history: &History) -> ExtractError {
    ExtractError::Panicked {
        uri: history.uri().to_owned(),
    }
}
