//! Which histories are wanted.

use chrono::{DateTime, Utc};

/// Which histories are wanted, by their newest modification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Modified at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Modified before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether a history that was last modified at `time` is wanted.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}
