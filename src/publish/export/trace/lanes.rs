//! Spans that overlap, laid side by side: the tasks of an executor on its cores.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Lanes of one track. Spans have to come by their begin.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// End and lane of what is still on a lane.
    taken: BinaryHeap<Reverse<(i64, usize)>>,
    free: BTreeSet<usize>,
    number: usize,
}

impl Lanes {
    /// The lowest lane that is free at `begin`, taken until `end`.
    pub(super) fn take(&mut self, begin: i64, end: i64) -> usize {
        while let Some(Reverse((ended, lane))) = self.taken.peek().copied()
            && ended <= begin
        {
            self.taken.pop();
            self.free.insert(lane);
        }
        let lane = self.free.pop_first().unwrap_or_else(|| {
            self.number += 1;
            self.number - 1
        });
        self.taken.push(Reverse((end, lane)));
        lane
    }
}
