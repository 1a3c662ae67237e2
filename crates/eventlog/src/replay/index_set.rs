//! A set of small whole numbers: dense in any honest log, anything at all in a hostile one.

use hashbrown::HashSet;

/// Numbers below this are bits whatever else is in the set: 8 KiB at most.
const ALWAYS_DENSE: usize = 1 << 16;

/// A set of task indices, task ids or the like, with its size. Takes at most 8 KiB and a few bytes
/// an element, whatever the numbers are.
#[derive(Debug, Default, Clone)]
pub(super) struct IndexSet {
    words: Vec<u64>,
    others: HashSet<i64>,
    len: i64,
}

impl IndexSet {
    /// Adds `index`; false where it was there.
    pub(super) fn insert(&mut self, index: i64) -> bool {
        if self.contains(index) {
            return false;
        }
        match self.dense(index) {
            Some(at) => self.insert_bit(at),
            None => {
                self.others.insert(index);
            }
        }
        self.len += 1;
        true
    }

    pub(super) fn contains(&self, index: i64) -> bool {
        let is_bit = usize::try_from(index).is_ok_and(|at| {
            self.words
                .get(at / 64)
                .is_some_and(|word| word & (1 << (at % 64)) != 0)
        });
        is_bit || (!self.others.is_empty() && self.others.contains(&index))
    }

    pub(super) fn len(&self) -> i64 {
        self.len
    }

    /// Where `index` is a bit: near zero, or not much farther out than the set has elements.
    fn dense(&self, index: i64) -> Option<usize> {
        let at = usize::try_from(index).ok()?;
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        let limit = ALWAYS_DENSE.max(len.saturating_mul(64));
        (at < limit || at / 64 < self.words.len()).then_some(at)
    }

    fn insert_bit(&mut self, at: usize) {
        if self.words.len() <= at / 64 {
            self.words.resize(at / 64 + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn far_numbers_take_no_memory_of_their_distance() {
        let mut set = IndexSet::default();
        for step in 0..1_000 {
            set.insert(step * 16_000_000);
        }
        assert_eq!(set.len(), 1_000);
        assert!(set.words.len() <= ALWAYS_DENSE / 64, "{}", set.words.len());
    }

    #[test]
    fn numbers_that_come_from_the_far_end_become_bits_soon() {
        let mut set = IndexSet::default();
        (0..1_000_000).rev().for_each(|index| {
            set.insert(index);
        });
        assert!(set.others.len() < 20_000, "{}", set.others.len());
        assert!((0..1_000_000).all(|index| set.contains(index)));
    }

    proptest! {
        #[test]
        fn holds_what_was_put_in(numbers in proptest::collection::vec(prop_oneof![0..100_i64, any::<i64>(), 0..2_000_000_i64], 0..200)) {
            let mut set = IndexSet::default();
            let mut expected = BTreeSet::new();
            for number in &numbers {
                prop_assert_eq!(set.insert(*number), expected.insert(*number));
            }
            prop_assert_eq!(set.len(), i64::try_from(expected.len()).unwrap());
            for number in numbers {
                prop_assert!(set.contains(number));
                prop_assert_eq!(set.contains(number ^ 1), expected.contains(&(number ^ 1)));
            }
        }
    }
}
