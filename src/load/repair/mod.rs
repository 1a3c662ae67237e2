//! Repairs a lake whose tables lost their log, or parts of it.
//!
//! What a table held is found again from what is left: the log entries that can be read, the data
//! files in its folder, and the ledger, which says for each application which batch its rows come
//! from. Derived tables are emptied and judged again. What cannot be found again is marked in the
//! ledger, so that the next run reads those histories once more and replaces their rows.

mod inventory;
mod ledger_check;
mod rebuild;
mod surviving_rows;

use std::collections::{BTreeMap, BTreeSet};

use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;

use super::error::{LoadError, TableDamage};
use super::intent::Intent;
use super::lake::{Lake, layout};
use super::ledger::LEDGER_TABLE;
use super::lock::LakeLock;
use super::replace::live_files;
use crate::model::ApplicationKey;
use crate::schema::{self, Table, TableKind};

use inventory::Undecided;
pub(super) use inventory::data_files;

/// What was repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// Tables that were damaged.
    pub tables: Vec<TableRepair>,
    /// Histories whose rows are not all there; the next run loads them again.
    pub marked_for_reload: u64,
    /// Applications whose rows are there and that the ledger did not know; the next run compares
    /// them with their history.
    pub ledger_rows_rebuilt: u64,
}

/// What was done about one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableRepair {
    /// The table.
    pub table: String,
    /// What was wrong with it.
    pub problem: String,
    /// Data files that are part of the table again as they are.
    pub files_kept: u64,
    /// Data files of which only some rows belong to the table; those were rewritten.
    pub files_rewritten: u64,
    /// Data files that the table's log named and that are gone or cannot be read.
    pub files_lost: u64,
}

impl Lake {
    /// Repairs damaged tables; does nothing to a lake that is as it was left.
    ///
    /// # Errors
    /// When the store fails, or a pending commit cannot be read.
    pub async fn repair(&self, lock: &LakeLock) -> Result<Repair, LoadError> {
        lock.check()?;
        self.finish_replacing_logs().await?;
        let damaged = self.look_closely().await?;
        let mut repair = Repair::default();
        if !damaged.is_empty() {
            let undecided = self.undecided().await?;
            for damage in in_order(damaged) {
                lock.check()?;
                repair
                    .tables
                    .push(self.rebuild_table(lock, damage, &undecided).await?);
            }
        }
        self.recover(lock).await?;
        let judged = repair.tables.iter().any(|done| is_derived(&done.table));
        ledger_check::reconcile(self, lock, judged, &mut repair).await?;
        Ok(repair)
    }

    /// All tables that are damaged, data files included.
    async fn look_closely(&self) -> Result<Vec<TableDamage>, LoadError> {
        let mut damaged: BTreeMap<String, String> = self
            .damages()
            .await?
            .into_iter()
            .map(|damage| (damage.table, damage.problem))
            .collect();
        for table in schema::tables() {
            if damaged.contains_key(&table.name) {
                continue;
            }
            if let Some(problem) = self.look_into(table).await? {
                damaged.insert(table.name.clone(), problem);
            }
        }
        Ok(damaged
            .into_iter()
            .map(|(table, problem)| TableDamage { table, problem })
            .collect())
    }

    /// Opens a table and compares its files with those in its folder.
    async fn look_into(&self, table: &Table) -> Result<Option<String>, LoadError> {
        let handle = self.handle(&table.name)?;
        handle.keep(None).await;
        let state = match handle.state_if_there().await {
            Ok(Some(state)) => state,
            // New in this version: made by the recovery.
            Ok(None) => return Ok(None),
            Err(LoadError::TablesDamaged { damages }) => {
                return Ok(damages.into_iter().next().map(|damage| damage.problem));
            }
            Err(error) => return Err(error),
        };
        let present = data_files(self, &table.name).await?;
        let mut missing = 0;
        for file in live_files(&state, table)? {
            let size = u64::try_from(file.size()).unwrap_or(0);
            if present.get(file.path().as_ref()) != Some(&size) {
                missing += 1;
            }
        }
        Ok((missing > 0).then(|| format!("{missing} of its data files are missing or cut off")))
    }

    /// Files that no decision has made part of a table yet.
    async fn undecided(&self) -> Result<Undecided, LoadError> {
        let mut intents = Vec::new();
        for path in self.list_names(layout::PENDING).await? {
            intents.extend(self.read_json::<Intent>(path.as_ref()).await?);
        }
        let decided: BTreeSet<&str> = intents
            .iter()
            .map(|intent| intent.batch.id.as_str())
            .collect();
        let open = self.open_batches().await?.into_iter();
        let batches = open
            .map(|batch| batch.id)
            .filter(|id| !decided.contains(id.as_str()))
            .collect();
        Ok(Undecided { batches, intents })
    }
}

/// The ledger first: the other tables are sorted out by it.
fn in_order(mut damaged: Vec<TableDamage>) -> Vec<TableDamage> {
    damaged.sort_by_key(|damage| (damage.table != LEDGER_TABLE, damage.table.clone()));
    damaged
}

fn is_derived(table: &str) -> bool {
    schema::table(table).is_some_and(|table| table.kind == TableKind::Derived)
}

/// Copies an object, and passes over one that is gone.
async fn copy_if_there(lake: &Lake, from: &Path, to: &Path) -> Result<(), LoadError> {
    match lake.store().copy(from, to).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(source) => Err(LoadError::storage("copying", from.to_string(), source)),
    }
}

/// The batch that each application's rows come from.
type CurrentBatches = std::collections::HashMap<ApplicationKey, String>;
