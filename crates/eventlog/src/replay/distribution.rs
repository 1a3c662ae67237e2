//! Many numbers in little memory: a stage of a million tasks has dozens of values a task.
//!
//! Zeros, which are most, are counted. The others are packed as they come, a block at a time: sorted,
//! and written as their differences, which are small, and none where values repeat.

/// Values of a block.
const BLOCK_VALUES: usize = 4096;

/// Values of one metric over tasks, while they are collected.
#[derive(Debug, Default, Clone)]
pub(super) struct Distribution {
    zeros: usize,
    /// Values that do not fill a block yet.
    loose: Vec<i64>,
    blocks: Vec<Box<[u8]>>,
}

/// All values, ascending.
#[derive(Debug)]
pub(super) struct SortedValues {
    zeros: usize,
    others: Vec<i64>,
}

impl Distribution {
    pub(super) fn push(&mut self, value: i64) {
        if value == 0 {
            self.zeros += 1;
            return;
        }
        self.loose.push(value);
        if self.loose.len() == BLOCK_VALUES {
            self.loose.sort_unstable();
            self.blocks.push(pack(&self.loose));
            self.loose.clear();
        }
    }

    /// Adds `count` zeros.
    pub(super) fn push_zeros(&mut self, count: usize) {
        self.zeros = self.zeros.saturating_add(count);
    }

    /// Adds all values of another one.
    pub(super) fn append(&mut self, other: &Self) {
        self.push_zeros(other.zeros);
        self.blocks.extend_from_slice(&other.blocks);
        other.loose.iter().for_each(|value| self.push(*value));
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        let packed = self.blocks.len() * BLOCK_VALUES;
        self.zeros
            .saturating_add(packed)
            .saturating_add(self.loose.len())
    }

    /// The values for which `keep` is true.
    pub(super) fn sorted(self, keep: impl Fn(i64) -> bool) -> SortedValues {
        let mut others = Vec::with_capacity(self.blocks.len() * BLOCK_VALUES + self.loose.len());
        for block in self.blocks {
            unpack(&block, &mut others);
        }
        others.extend(self.loose);
        others.retain(|value| keep(*value));
        // Blocks are ascending already, which a stable sort makes use of.
        others.sort_unstable();
        SortedValues {
            zeros: if keep(0) { self.zeros } else { 0 },
            others,
        }
    }
}

impl SortedValues {
    /// The element at `index`.
    pub(super) fn at(&self, index: usize) -> Option<i64> {
        let negatives = self.others.partition_point(|value| *value < 0);
        if index < negatives {
            self.others.get(index).copied()
        } else if index - negatives < self.zeros {
            Some(0)
        } else {
            self.others.get(index - self.zeros).copied()
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.zeros.saturating_add(self.others.len())
    }

    /// Adds values.
    pub(super) fn extend(&mut self, values: &[i64]) {
        if values.is_empty() {
            return;
        }
        self.zeros += values.iter().filter(|value| **value == 0).count();
        self.others
            .extend(values.iter().filter(|value| **value != 0));
        self.others.sort_unstable();
    }

    /// Sum of all values, saturating.
    pub(super) fn total(&self) -> i64 {
        self.others
            .iter()
            .fold(0, |sum, value| sum.saturating_add(*value))
    }
}

/// Ascending values as the steps from each to the next; where values repeat, a step of 0 and how
/// often.
fn pack(ascending: &[i64]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(ascending.len() * 2);
    let mut last = i64::MIN;
    for run in ascending.chunk_by(|a, b| a == b) {
        let Some(value) = run.first() else { continue };
        let mut repeats = run.len() as u64;
        // The smallest number of all is no step from where steps begin.
        if *value != last {
            put(value.abs_diff(last), &mut bytes);
            repeats -= 1;
        }
        if repeats > 0 {
            put(0, &mut bytes);
            put(repeats, &mut bytes);
        }
        last = *value;
    }
    bytes.into_boxed_slice()
}

fn unpack(mut bytes: &[u8], values: &mut Vec<i64>) {
    let mut last = i64::MIN;
    while let Some(step) = take(&mut bytes) {
        let mut count = 1;
        if step == 0 {
            count = take(&mut bytes).unwrap_or_default();
        }
        last = last.wrapping_add_unsigned(step);
        values.extend((0..count).map(|_| last));
    }
}

/// Appends a number, seven bits a byte.
fn put(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The next number that [`put`] wrote.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distribution(values: &[i64]) -> Distribution {
        let mut distribution = Distribution::default();
        values.iter().for_each(|value| distribution.push(*value));
        distribution
    }

    fn all(sorted: &SortedValues) -> Vec<i64> {
        (0..).map_while(|at| sorted.at(at)).collect()
    }

    #[test]
    fn zeros_stand_between_negatives_and_positives() {
        let values = distribution(&[3, 0, -1, 0, 7]);
        assert_eq!(all(&values.sorted(|_| true)), [-1, 0, 0, 3, 7]);
    }

    #[test]
    fn many_values_come_back_sorted_from_little_memory() {
        let values: Vec<i64> = (0..100_000_i64).map(|n| n * 7919 % 50_000 - 100).collect();
        let collected = distribution(&values);
        let bytes: usize = collected.blocks.iter().map(|block| block.len()).sum();
        assert!(bytes < 2 * values.len(), "{bytes}");
        let mut twice = collected.clone();
        twice.append(&collected);
        assert_eq!(twice.len(), 2 * values.len());
        let mut expected = [values.clone(), values].concat();
        expected.sort_unstable();
        let sorted = twice.sorted(|_| true);
        assert_eq!(sorted.len(), expected.len());
        assert_eq!(all(&sorted), expected);
    }

    proptest! {
        #[test]
        fn packed_values_come_back(mut values in proptest::collection::vec(prop_oneof![any::<i64>(), -3..3_i64, Just(i64::MIN), Just(i64::MAX)], 0..300)) {
            values.sort_unstable();
            let mut unpacked = Vec::new();
            unpack(&pack(&values), &mut unpacked);
            prop_assert_eq!(unpacked, values);
        }
    }
}
