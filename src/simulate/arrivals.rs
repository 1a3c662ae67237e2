//! When executors come: what was measured of that.

use super::facts::Facts;
use super::settings::AllocationSettings;

/// Time from asking for an executor until it is there, where no measured one tells, in ms.
const PROVISIONING_MS: u64 = 5_000;
/// Longest time that counts as such.
const MAX_PROVISIONING_MS: i64 = 600_000;

/// When as many executors as there were at most were first there, in ms since the start. With dynamic
/// allocation executors come when tasks wait, which says nothing about a fixed number of them: one
/// that was asked for at the start stands for all.
pub(super) fn arrivals(facts: &Facts) -> Vec<u64> {
    if facts.is_local {
        return vec![0];
    }
    let mut since: Vec<u64> = added_ms(facts)
        .into_iter()
        .map(|at| u64::try_from(at.saturating_sub(facts.start_ms)).unwrap_or(0))
        .collect();
    if facts.dynamic_allocation {
        since.truncate(1);
        let asked_for = AllocationSettings::of(facts).initial > 0;
        if let (Some(first), false) = (since.first_mut(), asked_for) {
            *first = (*first).min(provisioning_ms(facts));
        }
    } else {
        since.truncate(facts.executors_max() as usize);
    }
    since
}

/// From asking for an executor until it is there, in ms. With dynamic allocation the lower quartile
/// over executors that came while a stage ran, from the stage's submission on and less the time that
/// allocation waits: later ones waited for it to ask for more. Else the time until the first was there.
pub(super) fn provisioning_ms(facts: &Facts) -> u64 {
    let added = added_ms(facts);
    let mut stages: Vec<i64> = facts
        .stages
        .iter()
        .filter_map(|one| one.submitted_ms)
        .collect();
    stages.sort_unstable();
    let wait_ms = AllocationSettings::of(facts).backlog_ms;
    let wait_ms = i64::try_from(wait_ms).unwrap_or(0);
    let mut found: Vec<i64> = added
        .iter()
        .filter(|_| facts.dynamic_allocation)
        .filter_map(|at| {
            let before = stages.partition_point(|stage| stage <= at).checked_sub(1)?;
            let since = at.saturating_sub(*stages.get(before)?);
            let since = since.saturating_sub(wait_ms);
            (0..=MAX_PROVISIONING_MS).contains(&since).then_some(since)
        })
        .collect();
    found.sort_unstable();
    let quarter = found.get(found.len() / 4).copied();
    let first = added.first().map(|at| at.saturating_sub(facts.start_ms));
    let known = quarter.or(first.filter(|_| !facts.is_local));
    known.map_or(PROVISIONING_MS, |ms| {
        u64::try_from(ms.clamp(0, MAX_PROVISIONING_MS)).unwrap_or(PROVISIONING_MS)
    })
}

/// When executors were added, ascending, held within the application's time.
fn added_ms(facts: &Facts) -> Vec<i64> {
    let end_ms = facts
        .start_ms
        .saturating_add(facts.duration_ms)
        .max(facts.start_ms);
    let added = facts.executors.iter().filter_map(|one| one.added_ms);
    let mut added: Vec<i64> = added.map(|at| at.clamp(facts.start_ms, end_ms)).collect();
    added.sort_unstable();
    added
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::facts::{Lifetime, StageFacts};

    /// Executors that came then, in ms since the start, and a stage at 10 s.
    fn facts(dynamic_allocation: bool, added: &[i64]) -> Facts {
        Facts {
            start_ms: 1_000_000,
            duration_ms: 60_000,
            dynamic_allocation,
            num_executors_max: Some(3),
            executors: added
                .iter()
                .map(|at| Lifetime {
                    added_ms: Some(1_000_000 + at),
                    ..Lifetime::default()
                })
                .collect(),
            stages: vec![StageFacts {
                submitted_ms: Some(1_010_000),
                ..StageFacts::default()
            }],
            ..Facts::default()
        }
    }

    #[test]
    fn a_fixed_number_of_executors_comes_as_it_came() {
        // The last one took the place of another.
        let fixed = facts(false, &[4_000, 3_000, 5_000, 50_000]);
        assert_eq!(arrivals(&fixed), [3_000, 4_000, 5_000]);
        assert_eq!(provisioning_ms(&fixed), 3_000);
    }

    #[test]
    fn with_allocation_an_executor_takes_what_it_took_after_tasks_had_waited() {
        // Asked for at 11 s, 12 s and 13 s.
        let dynamic = facts(true, &[13_000, 14_000, 15_000]);
        assert_eq!(provisioning_ms(&dynamic), 2_000);
        assert_eq!(arrivals(&dynamic), [2_000]);
        // Nothing is known without an executor.
        assert_eq!(provisioning_ms(&facts(true, &[])), PROVISIONING_MS);
        assert!(arrivals(&facts(true, &[])).is_empty());
    }

    #[test]
    fn clocks_of_other_times_do_not_count() {
        let odd = facts(false, &[-99_000_000, 99_000_000, 1_000]);
        assert_eq!(arrivals(&odd), [0, 1_000, 60_000]);
    }
}
