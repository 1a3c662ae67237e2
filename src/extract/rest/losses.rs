//! What a walk could not get.

use std::fmt;

use super::fetch::is_unknown;
use crate::http::HttpError;

/// Calls that failed, and things that the server has dropped.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Requests that failed.
    pub(super) failed_requests: u64,
    /// Of those, the ones whose answer may exist: all but what the server says it does not know.
    pub(super) unanswered_requests: u64,
    /// The first failure of each kind of request, in order of their coming.
    failures: Vec<Failure>,
    /// What the server keeps no more, by its own limits.
    dropped: Vec<String>,
}

#[derive(Debug)]
struct Failure {
    call: &'static str,
    error: HttpError,
    count: u64,
}

impl Losses {
    /// Takes an answer, or notes why there is none.
    pub(super) fn take<T>(
        &mut self,
        call: &'static str,
        answer: Result<T, HttpError>,
    ) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.failed(call, error);
                None
            }
        }
    }

    pub(super) fn failed(&mut self, call: &'static str, error: HttpError) {
        self.failed_requests += 1;
        self.unanswered_requests += u64::from(!is_unknown(&error));
        match self.failures.iter_mut().find(|known| known.call == call) {
            Some(known) => known.count += 1,
            None => self.failures.push(Failure {
                call,
                error,
                count: 1,
            }),
        }
    }

    pub(super) fn dropped(&mut self, what: String) {
        self.dropped.push(what);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.dropped.is_empty()
    }

    /// Whether asking again may give what is missing: a request that failed may be answered the
    /// next time, what the server has dropped or does not know is gone.
    pub(super) fn is_retryable(&self) -> bool {
        self.unanswered_requests > 0
    }

    /// The first failure.
    pub(super) fn first_error(&self) -> Option<&HttpError> {
        self.failures.first().map(|failure| &failure.error)
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.failures.iter().map(|failure| match failure.count {
            1 => format!("{}: {}", failure.call, failure.error),
            count => format!("{} ({count} times): {}", failure.call, failure.error),
        });
        let all: Vec<String> = failures.chain(self.dropped.iter().cloned()).collect();
        formatter.write_str(&all.join("; "))
    }
}
