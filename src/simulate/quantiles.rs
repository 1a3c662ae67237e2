//! Tasks made from what is known of them together.

use super::workload::milliseconds;

/// The distribution of the tasks of a stage, in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Quantiles {
    pub num_tasks: i64,
    pub total: f64,
    /// Smallest, 5th, 25th, 50th, 75th, 95th, 99th percentile and largest.
    pub values: [f64; 8],
}

/// The share of tasks that is not above each value of [`Quantiles::values`].
const SHARES: [f64; 8] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// Most tasks that are made up: more make no schedule any truer.
const MAX_TASKS: i64 = 5_000_000;

impl Quantiles {
    /// Tasks of this distribution and this total, long and short ones mixed evenly.
    pub(super) fn tasks(&self) -> Vec<u32> {
        let count = self.num_tasks.clamp(0, MAX_TASKS);
        let ascending: Vec<f64> = (0..count).map(|place| self.at(place, count)).collect();
        let sum: f64 = ascending.iter().sum();
        let longest = self.values.last().copied().unwrap_or(0.0);
        // The longest task decides the end of a stage: it stays as it was measured.
        let (rest, wanted) = (sum - longest, self.total - longest);
        let scale = if rest > 0.0 && wanted > 0.0 {
            wanted / rest
        } else {
            1.0
        };
        let last = ascending.len().saturating_sub(1);
        let scaled = ascending
            .iter()
            .enumerate()
            .map(|(place, ms)| match place == last {
                true => milliseconds(*ms),
                false => milliseconds((ms * scale).min(longest)),
            });
        mixed(scaled.collect())
    }

    /// The value at a place of the ascending tasks, between the two known ones.
    fn at(&self, place: i64, count: i64) -> f64 {
        let share = if count < 2 {
            1.0
        } else {
            place as f64 / (count - 1) as f64
        };
        let above = SHARES
            .iter()
            .position(|known| share <= *known)
            .unwrap_or(SHARES.len() - 1);
        let below = above.saturating_sub(1);
        let known = |index: usize| {
            (
                SHARES.get(index).copied().unwrap_or(1.0),
                self.values.get(index).copied().unwrap_or(0.0),
            )
        };
        let ((low_share, low), (high_share, high)) = (known(below), known(above));
        let span = high_share - low_share;
        if span <= 0.0 {
            return high;
        }
        low + (high - low) * (share - low_share) / span
    }
}

/// The same tasks in an order in which long ones come neither first nor last.
fn mixed(tasks: Vec<u32>) -> Vec<u32> {
    let count = tasks.len();
    if count < 3 {
        return tasks;
    }
    // Steps of the golden ratio meet every place once where they share no divisor with the count.
    let mut step = (count * 618 / 1_000).max(1);
    while gcd(step, count) != 1 {
        step += 1;
    }
    let places = (0..count).map(|place| (place * step) % count);
    places
        .filter_map(|place| tasks.get(place).copied())
        .collect()
}

fn gcd(left: usize, right: usize) -> usize {
    if right == 0 {
        left
    } else {
        gcd(right, left % right)
    }
}

/// Equal tasks of a stage of which only the sum is known.
pub(super) fn equal_tasks(num_tasks: i64, sum_ms: i64) -> Vec<u32> {
    let count = num_tasks.clamp(0, MAX_TASKS);
    if count == 0 || sum_ms <= 0 {
        return Vec::new();
    }
    let each = milliseconds(sum_ms as f64 / count as f64);
    vec![each; usize::try_from(count).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_have_the_number_the_total_and_the_longest_of_the_distribution() {
        let known = Quantiles {
            num_tasks: 1_000,
            total: 150_000.0,
            values: [10.0, 20.0, 50.0, 100.0, 180.0, 300.0, 600.0, 5_000.0],
        };
        let tasks = known.tasks();
        let sum: f64 = tasks.iter().map(|ms| f64::from(*ms)).sum();
        assert_eq!(tasks.len(), 1_000);
        assert!((sum / 150_000.0 - 1.0).abs() < 0.01, "{sum}");
        assert_eq!(tasks.iter().max(), Some(&5_000));
        // Mixed: no half holds much more than the other.
        let first: f64 = tasks.iter().take(500).map(|ms| f64::from(*ms)).sum();
        assert!((first / sum - 0.5).abs() < 0.1, "{first} of {sum}");
    }

    #[test]
    fn one_task_is_the_longest_and_none_is_none() {
        let one = Quantiles {
            num_tasks: 1,
            total: 70.0,
            values: [70.0; 8],
        };
        assert_eq!(one.tasks(), [70]);
        assert!(Quantiles::default().tasks().is_empty());
        assert_eq!(equal_tasks(3, 90), [30, 30, 30]);
        assert!(equal_tasks(3, 0).is_empty() && equal_tasks(-1, 50).is_empty());
    }

    #[test]
    fn mixing_loses_no_task() {
        for count in [3_u32, 4, 10, 618, 1_000, 1_001] {
            let tasks: Vec<u32> = (0..count).collect();
            let mut found = mixed(tasks.clone());
            found.sort_unstable();
            assert_eq!(found, tasks);
        }
    }
}
