//! How many tasks run at each time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Counts tasks that come by their begin; holds the running ones only.
#[derive(Debug, Default)]
pub(super) struct Running {
    ends: BinaryHeap<Reverse<i64>>,
    /// The newest count, not yet given: more may change at the same time.
    newest: Option<(i64, i64)>,
}

impl Running {
    /// Notes a task; gives the counts that have become final.
    pub(super) fn start(&mut self, begin: i64, end: i64) -> Vec<(i64, i64)> {
        let mut counts = Vec::new();
        self.until(Some(begin), &mut counts);
        self.ends.push(Reverse(end));
        self.note(begin, &mut counts);
        counts
    }

    /// The counts until the last task has ended.
    pub(super) fn end(mut self) -> Vec<(i64, i64)> {
        let mut counts = Vec::new();
        self.until(None, &mut counts);
        counts.extend(self.newest);
        counts
    }

    /// Takes off what has ended by then; all where `None`.
    fn until(&mut self, time: Option<i64>, counts: &mut Vec<(i64, i64)>) {
        while let Some(Reverse(end)) = self.ends.peek().copied()
            && time.is_none_or(|time| end <= time)
        {
            self.ends.pop();
            self.note(end, counts);
        }
    }

    fn note(&mut self, time: i64, counts: &mut Vec<(i64, i64)>) {
        let running = i64::try_from(self.ends.len()).unwrap_or(i64::MAX);
        if let Some(newest) = self.newest
            && newest.0 != time
        {
            counts.push(newest);
        }
        self.newest = Some((time, running));
    }
}
