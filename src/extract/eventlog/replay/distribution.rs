//! Many numbers, most of them zero: zeros are counted instead of stored and sorted.

/// Values of one metric over tasks.
#[derive(Debug, Default, Clone)]
pub(super) struct Distribution {
    zeros: usize,
    others: Vec<i64>,
}

impl Distribution {
    pub(super) fn push(&mut self, value: i64) {
        if value == 0 {
            self.zeros += 1;
        } else {
            self.others.push(value);
        }
    }

    pub(super) fn sort(&mut self) {
        self.others.sort_unstable();
    }

    /// The element at `index` of the ascending values, once sorted.
    pub(super) fn at(&self, index: usize) -> Option<i64> {
        let negatives = self.others.partition_point(|value| *value < 0);
        if index < negatives {
            self.others.get(index).copied()
        } else if index < negatives + self.zeros {
            Some(0)
        } else {
            self.others.get(index - self.zeros).copied()
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.zeros + self.others.len()
    }

    /// Adds `count` zeros.
    pub(super) fn push_zeros(&mut self, count: usize) {
        self.zeros = self.zeros.saturating_add(count);
    }

    /// Drops the values for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        if !keep(0) {
            self.zeros = 0;
        }
        self.others.retain(|value| keep(*value));
    }

    /// Sum of all values, saturating.
    pub(super) fn total(&self) -> i64 {
        self.others
            .iter()
            .fold(0, |sum, value| sum.saturating_add(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_between_negatives_and_positives() {
        let mut values = Distribution::default();
        [3, 0, -1, 0, 7]
            .into_iter()
            .for_each(|value| values.push(value));
        values.sort();
        let sorted: Vec<_> = (0..6).map(|at| values.at(at)).collect();
        assert_eq!(sorted, [Some(-1), Some(0), Some(0), Some(3), Some(7), None]);
    }
}
