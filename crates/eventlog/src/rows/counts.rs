//! How many rows a history has, by table.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FactTable;

/// Rows of one history, by table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts([u64; FactTable::ALL.len()]);

impl RowCounts {
    /// Rows of one table.
    #[must_use]
    pub fn of(&self, table: FactTable) -> u64 {
        self.0.get(table as usize).copied().unwrap_or(0)
    }

    /// Rows of all tables.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The same counts without the rows of one table.
    #[must_use]
    pub fn without(mut self, table: FactTable) -> Self {
        if let Some(count) = self.0.get_mut(table as usize) {
            *count = 0;
        }
        self
    }

    /// Adds the rows of another history.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    pub(super) fn add_one(&mut self, table: FactTable) {
        if let Some(count) = self.0.get_mut(table as usize) {
            *count += 1;
        }
    }
}

/// By the names of the tables, those without rows left out: so it means the same to every program
/// that knows the tables.
impl Serialize for RowCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = FactTable::ALL.map(|table| (table.name(), self.of(table)));
        serializer.collect_map(counted.into_iter().filter(|(_, rows)| *rows > 0))
    }
}

impl<'de> Deserialize<'de> for RowCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut counts = Self::default();
        for (name, rows) in BTreeMap::<String, u64>::deserialize(deserializer)? {
            let table = FactTable::ALL
                .into_iter()
                .find(|table| table.name() == name)
                .ok_or_else(|| D::Error::custom(format!("there is no fact table `{name}`")))?;
            if let Some(count) = counts.0.get_mut(table as usize) {
                *count = rows;
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_travel_by_the_names_of_tables() {
        let mut counts = RowCounts::default();
        counts.add_one(FactTable::Tasks);
        counts.add_one(FactTable::LogFindings);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"tasks":1,"log_findings":1}"#);
        assert_eq!(serde_json::from_str::<RowCounts>(&json).unwrap(), counts);
        let error = serde_json::from_str::<RowCounts>(r#"{"taskz":1}"#).unwrap_err();
        assert!(error.to_string().contains("`taskz`"), "{error}");
    }
}
