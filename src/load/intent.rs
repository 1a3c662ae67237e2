//! What a commit has decided to do, written down before it does it.
//!
//! An intent holds everything that its completion needs, so that another process can complete it.

use crate::model::{ApplicationKey, TextKey};
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use deltalake::kernel::{Add, Remove};
use serde::{Deserialize, Serialize};

use super::staging::{Batch, StagedAdd};

/// Which of a table's present rows new rows take the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// None: rows are added.
    Nothing,
    /// All rows.
    Everything,
    /// All rows of these partitions, by `app_date`.
    Dates(BTreeSet<NaiveDate>),
    /// The rows of these applications.
    Applications(BTreeSet<ApplicationKey>),
    /// Single rows.
    Rows(RowSelection),
}

/// Rows of one table that are named by their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSelection {
    /// Columns that identify a row.
    pub columns: Vec<String>,
    /// What they hold, as text, in the rows that are meant.
    pub rows: BTreeSet<TextKey>,
    /// The partitions that hold them; `None` where the table has no partitions or any may.
    pub dates: Option<BTreeSet<NaiveDate>>,
}

impl Replace {
    /// The rows of some applications, or nothing if there are none.
    pub fn applications(keys: impl IntoIterator<Item = ApplicationKey>) -> Self {
        let keys: BTreeSet<ApplicationKey> = keys.into_iter().collect();
        if keys.is_empty() {
            Self::Nothing
        } else {
            Self::Applications(keys)
        }
    }
}

/// Which present rows a commit replaces, table by table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Replacement {
    /// In each table its own; nothing in tables that are not named.
    ByTable(BTreeMap<String, Replace>),
    /// The same in every table of the commit.
    #[serde(untagged)]
    Everywhere(Replace),
}

impl Replacement {
    /// What is replaced in `table`.
    pub(super) fn of(&self, table: &str) -> &Replace {
        match self {
            Self::Everywhere(replace) => replace,
            Self::ByTable(tables) => tables.get(table).unwrap_or(&Replace::Nothing),
        }
    }
}

/// What a commit does to one table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TableChange {
    /// Files with new rows.
    pub(super) adds: Vec<StagedAdd>,
    /// Files with the rows that stay, of files that held rows to be replaced.
    pub(super) survivors: Vec<StagedAdd>,
    /// Files that held rows to be replaced.
    pub(super) removes: Vec<Remove>,
}

impl TableChange {
    pub(super) fn is_empty(&self) -> bool {
        self.adds.is_empty() && self.survivors.is_empty() && self.removes.is_empty()
    }

    pub(super) fn all_adds(&self) -> impl Iterator<Item = &Add> {
        self.adds
            .iter()
            .chain(&self.survivors)
            .map(|staged| &staged.add)
    }
}

/// A commit that must be completed once this is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Intent {
    /// Number of the commit, recorded in each table; larger than that of any commit before it.
    pub(super) seq: i64,
    pub(super) batch: Batch,
    pub(super) replace: Replacement,
    /// Tables that are committed at the same time, in any order.
    pub(super) tables: BTreeMap<String, TableChange>,
    /// `ingest_sources`, committed when all others are: what it names is there.
    pub(super) ledger: TableChange,
    /// What has to be analysed after the commit.
    pub(super) analysis: Option<PendingAnalysis>,
}

/// Applications whose rows changed and whose derived rows must be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnalysis {
    /// Number of the commit that changed them.
    pub seq: i64,
    /// Its batch.
    pub batch_id: String,
    /// Partitions that hold changed rows.
    pub app_dates: BTreeSet<NaiveDate>,
    /// The applications, replaced ones included.
    pub applications: BTreeSet<ApplicationKey>,
}
