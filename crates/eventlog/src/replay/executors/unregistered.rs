//! Executors that ended before they had registered with the driver: the History Server shows none of them.

use std::collections::VecDeque;

use crate::event::ExecutorRemoved;

use super::written_ids::WrittenIds;

/// An executor that goes so shortly before its application ends goes with it. Milliseconds.
const ENDING: i64 = 2_000;

/// Counts them, without those that go because the application ends.
#[derive(Debug, Default)]
pub(super) struct Unregistered {
    ids: WrittenIds,
    /// When they went and why, the last ones: the application may be ending.
    newest: VecDeque<(i64, String)>,
    count: i64,
    /// Of the last one that counts.
    reason: Option<String>,
}

impl Unregistered {
    /// One more went; false where it had gone already.
    pub(super) fn add(&mut self, removed: ExecutorRemoved) -> bool {
        if self.ids.contains(&removed.executor_id) {
            return false;
        }
        self.ids.insert(&removed.executor_id.as_str().into());
        self.settle(removed.timestamp);
        self.newest.push_back((removed.timestamp, removed.reason));
        true
    }

    /// The application still ran at `now`.
    fn settle(&mut self, now: i64) {
        while let Some((_, reason)) = self
            .newest
            .pop_front_if(|(time, _)| time.saturating_add(ENDING) < now)
        {
            self.count += 1;
            self.reason = Some(reason);
        }
    }

    /// How many there were, and why the last one went.
    pub(super) fn finish(mut self, end_time: Option<i64>) -> (i64, Option<String>) {
        self.settle(end_time.unwrap_or(i64::MAX));
        // Those that go like the ones before them did not go because the application ends; 143 is a signal to end.
        let reason = self.reason.as_ref();
        let reason = reason.filter(|reason| !reason.ends_with("code 143"));
        let alike = self.newest.iter();
        let alike = alike.filter(|(_, other)| Some(other) == reason).count();
        self.count += i64::try_from(alike).unwrap_or_default();
        (self.count, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(id: &str, timestamp: i64) -> ExecutorRemoved {
        removed_for(id, timestamp, &format!("code {id}"))
    }

    fn removed_for(id: &str, timestamp: i64, reason: &str) -> ExecutorRemoved {
        let json = format!(
            r#"{{"Timestamp":{timestamp},"Executor ID":"{id}","Removed Reason":"{reason}"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn those_that_go_with_the_application_do_not_count() {
        let went = || {
            let mut unregistered = Unregistered::default();
            assert!(unregistered.add(removed("1", 10_000)));
            assert!(!unregistered.add(removed("1", 10_500)), "it had gone");
            assert!(unregistered.add(removed("2", 20_000)));
            assert!(unregistered.add(removed("3", 59_000)));
            unregistered
        };
        assert_eq!(went().finish(Some(60_000)), (2, Some("code 2".to_owned())));
        assert_eq!(went().finish(None), (3, Some("code 3".to_owned())));
    }

    #[test]
    fn those_that_go_like_the_ones_before_them_count() {
        let went = |reason: &str| {
            let mut unregistered = Unregistered::default();
            for (id, time) in [("1", 10_000), ("2", 20_000), ("3", 59_000)] {
                assert!(unregistered.add(removed_for(id, time, reason)));
            }
            unregistered.finish(Some(60_000)).0
        };
        assert_eq!(went("Command exited with code 1"), 3);
        assert_eq!(went("Command exited with code 143"), 2);
    }
}
