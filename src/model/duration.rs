//! Durations as the tables hold them.

use std::time::Duration;

/// A duration in whole milliseconds; the longest where it does not fit.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
