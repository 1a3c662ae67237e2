//! Stops asking for what keeps failing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::HttpError;

/// Failed requests in a row, by kind of request.
#[derive(Debug)]
pub(super) struct FailureCap {
    max: u32,
    kinds: Mutex<HashMap<&'static str, Failures>>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: HttpError,
}

impl FailureCap {
    /// Stops a kind of request after `max` failures in a row; 0 for never.
    pub(super) fn new(max: u32) -> Self {
        Self {
            max,
            kinds: Mutex::default(),
        }
    }

    /// Whether a request of this kind may be sent.
    pub(super) fn check(&self, endpoint: &'static str) -> Result<(), HttpError> {
        match self.kinds().get(endpoint) {
            Some(failures) if self.max > 0 && failures.count >= self.max => {
                Err(HttpError::GivenUp {
                    endpoint,
                    failures: failures.count,
                    last: Box::new(failures.last.clone()),
                })
            }
            _ => Ok(()),
        }
    }

    /// Takes note of how a request ended, all its attempts together.
    pub(super) fn note<T>(&self, endpoint: &'static str, outcome: &Result<T, HttpError>) {
        match outcome {
            Ok(_) => {
                self.kinds().remove(endpoint);
            }
            Err(error) if error.is_failure_of_server() => {
                let mut kinds = self.kinds();
                let count = kinds.get(endpoint).map_or(0, |failures| failures.count);
                kinds.insert(
                    endpoint,
                    Failures {
                        count: count.saturating_add(1),
                        last: error.clone(),
                    },
                );
            }
            Err(_) => {}
        }
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<&'static str, Failures>> {
        // What a panicking thread left behind is whole: every change is one call.
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
