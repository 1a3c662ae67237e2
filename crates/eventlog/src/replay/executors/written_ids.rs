//! Ids of executors whose rows are written.

use compact_str::{CompactString, ToCompactString};
use hashbrown::HashSet;

use super::super::index_set::IndexSet;

/// Ids of executors: numbers as cluster managers give them, seldom something else.
#[derive(Debug, Default)]
pub(super) struct WrittenIds {
    numbers: IndexSet,
    others: HashSet<CompactString>,
}

impl WrittenIds {
    pub(super) fn insert(&mut self, id: &CompactString) {
        match number(id) {
            Some(number) => {
                self.numbers.insert(number);
            }
            None => {
                self.others.insert(id.clone());
            }
        }
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        match number(id) {
            Some(number) => self.numbers.contains(number),
            None => !self.others.is_empty() && self.others.contains(id),
        }
    }
}

/// The number that an id is, without signs or leading zeros, so that no two ids are one number.
fn number(id: &str) -> Option<i64> {
    let number: i64 = id.parse().ok()?;
    (number >= 0 && number.to_compact_string() == id).then_some(number)
}
