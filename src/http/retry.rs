//! When to send a request again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

use super::settings::HttpSettings;

/// The waits between attempts: they double, with jitter, so that requests that failed together do
/// not come back together.
pub(super) fn delays(settings: &HttpSettings) -> impl Iterator<Item = Duration> + Send + use<> {
    let longest = settings.max_delay;
    ExponentialBuilder::default()
        .with_min_delay(settings.first_delay.min(longest))
        .with_max_delay(longest)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
        .map(move |delay| delay.min(longest))
}

/// The wait before the next attempt: what the server asks for and some jitter on top, not longer
/// than allowed.
pub(super) fn wait(delay: Duration, asked: Option<Duration>, settings: &HttpSettings) -> Duration {
    asked
        .map_or(delay, |asked| asked.saturating_add(delay))
        .min(settings.max_delay)
}

/// The wait that a server asks for, in seconds or until a time.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    // A time in the past asks for no wait.
    Some((until.to_utc() - now).to_std().unwrap_or_default())
}

/// The end of the time that a request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// In `allowed` from now.
    pub(super) fn after(allowed: Duration) -> Self {
        let now = Instant::now();
        // A wait of years is as good as none.
        let far = Duration::from_secs(86_400 * 365);
        Self(now.checked_add(allowed.min(far)).unwrap_or(now))
    }

    /// Whether it comes before a wait from now is over.
    pub(super) fn is_before(self, wait: Duration) -> bool {
        Instant::now()
            .checked_add(wait)
            .is_none_or(|end| end >= self.0)
    }

    /// Puts it off by a time that does not count.
    pub(super) fn put_off(&mut self, by: Duration) {
        if let Some(later) = self.0.checked_add(by) {
            self.0 = later;
        }
    }

    /// Runs the work until the deadline; `None` when that came first.
    pub(super) async fn hold<F: Future>(self, work: F) -> Option<F::Output> {
        tokio::time::timeout_at(self.0, work).await.ok()
    }
}
