//! A set of task indices: dense small numbers in any honest log, anything at all in a hostile one.

use hashbrown::HashSet;

/// Indices below this are bits; 16 Mi bits are 2 MiB.
const DENSE_LIMIT: i64 = 1 << 24;

/// A set of task indices with its size.
#[derive(Debug, Default, Clone)]
pub(super) struct IndexSet {
    words: Vec<u64>,
    others: HashSet<i64>,
    len: i64,
}

impl IndexSet {
    /// Adds `index`; false where it was there.
    pub(super) fn insert(&mut self, index: i64) -> bool {
        let added = if (0..DENSE_LIMIT).contains(&index) {
            self.insert_bit(index)
        } else {
            self.others.insert(index)
        };
        self.len += i64::from(added);
        added
    }

    pub(super) fn contains(&self, index: i64) -> bool {
        match usize::try_from(index) {
            Ok(at) if index < DENSE_LIMIT => self
                .words
                .get(at / 64)
                .is_some_and(|word| word & (1 << (at % 64)) != 0),
            _ => self.others.contains(&index),
        }
    }

    pub(super) fn len(&self) -> i64 {
        self.len
    }

    fn insert_bit(&mut self, index: i64) -> bool {
        let at = usize::try_from(index).unwrap_or_default();
        if self.words.len() <= at / 64 {
            self.words.resize(at / 64 + 1, 0);
        }
        let Some(word) = self.words.get_mut(at / 64) else {
            return false;
        };
        let bit = 1 << (at % 64);
        let added = *word & bit == 0;
        *word |= bit;
        added
    }
}
