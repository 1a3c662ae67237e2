//! Keys that are taken: every table has one row a key, whatever a log repeats.
//!
//! A log can hold events twice: chunks that were delivered twice, copies that were joined, a driver
//! that wrote one event again. Spark itself gives every job, stage attempt, task and execution one
//! start and one end, so the first of two wins, and the rest is counted.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashSet};

use super::index_set::IndexSet;

/// Stage id and attempt id.
pub(super) type StageKey = (i64, i64);

/// Attempts of a stage that are stored as bits; Spark gives up after four by default.
const USUAL_ATTEMPTS: i64 = 8;

/// A set of stage attempts.
#[derive(Debug, Default)]
pub(super) struct StageKeys {
    usual: IndexSet,
    others: HashSet<StageKey>,
}

impl StageKeys {
    /// Adds a key; false where it was there.
    pub(super) fn insert(&mut self, key: StageKey) -> bool {
        match usual(key) {
            Some(at) => self.usual.insert(at),
            None => self.others.insert(key),
        }
    }

    pub(super) fn contains(&self, key: StageKey) -> bool {
        match usual(key) {
            Some(at) => self.usual.contains(at),
            None => self.others.contains(&key),
        }
    }
}

fn usual((stage_id, attempt_id): StageKey) -> Option<i64> {
    let is_usual = (0..USUAL_ATTEMPTS).contains(&attempt_id) && stage_id >= 0;
    is_usual
        .then(|| {
            stage_id
                .checked_mul(USUAL_ATTEMPTS)?
                .checked_add(attempt_id)
        })
        .flatten()
}

/// What a log has said before.
#[derive(Debug, Default)]
pub(super) struct TakenKeys {
    /// Jobs that started.
    pub(super) jobs: IndexSet,
    /// Stage attempts whose row is written.
    pub(super) stages: StageKeys,
    /// Stage attempts whose executors and quantiles are written.
    pub(super) stage_details: StageKeys,
    /// SQL executions that started.
    pub(super) sql: IndexSet,
    tasks: IndexSet,
    /// Tasks that ended and had not started: the log lost the start.
    ends_without_start: IndexSet,
    /// Tasks that ended again because their output was lost.
    resubmitted: IndexSet,
    /// Hashes of streaming progress, by query run, batch and time.
    progress: HashSet<u64>,
    hasher: DefaultHashBuilder,
    duplicates: u64,
}

impl TakenKeys {
    /// Counts an event that said nothing new.
    pub(super) fn count_duplicate(&mut self) {
        self.duplicates += 1;
    }

    /// Events that said nothing new.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Whether a new task starts; a second start of a task is counted.
    pub(super) fn task_starts(&mut self, task_id: i64) -> bool {
        let is_new = self.tasks.insert(task_id);
        self.duplicates += u64::from(!is_new);
        is_new
    }

    /// Whether the end of a task that is not running says anything new.
    pub(super) fn task_ends_again(&mut self, task_id: i64, resubmitted: bool) -> bool {
        let is_new = if resubmitted {
            self.resubmitted.insert(task_id)
        } else {
            !self.tasks.contains(task_id) && self.ends_without_start.insert(task_id)
        };
        self.duplicates += u64::from(!is_new);
        is_new
    }

    /// Whether a streaming query's progress is new.
    pub(super) fn progress(&mut self, key: impl Hash) -> bool {
        let is_new = self.progress.insert(self.hasher.hash_one(key));
        self.duplicates += u64::from(!is_new);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_keys_hold_usual_and_unusual_attempts() {
        let mut keys = StageKeys::default();
        let all = [
            (0, 0),
            (0, 7),
            (1, 0),
            (0, 8),
            (-1, 0),
            (i64::MAX, 3),
            (3, -1),
        ];
        for key in all {
            assert!(!keys.contains(key));
            assert!(keys.insert(key));
            assert!(!keys.insert(key));
        }
        assert!(all.into_iter().all(|key| keys.contains(key)));
        assert!(!keys.contains((0, 1)));
    }

    #[test]
    fn a_task_ends_once_and_is_resubmitted_once() {
        let mut keys = TakenKeys::default();
        assert!(keys.task_starts(1));
        assert!(!keys.task_starts(1));
        assert!(!keys.task_ends_again(1, false));
        assert!(keys.task_ends_again(1, true));
        assert!(!keys.task_ends_again(1, true));
        assert!(keys.task_ends_again(2, false));
        assert!(!keys.task_ends_again(2, false));
        assert_eq!(keys.duplicates(), 4);
    }
}
