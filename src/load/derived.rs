//! Commits rows that come from queries rather than from histories: derived tables, and the
//! bookkeeping that the pipeline keeps itself.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;

use super::commit::{self, CommitPlan, CommitReport};
use super::error::LoadError;
use super::intent::{Replace, Replacement, TableChange};
use super::lake::Lake;
use super::lock::LakeLock;
use super::replace::blocking;
use super::staging::{Batch, StagedUnit, WriterSettings};
use super::writer::UnitWriter;
use crate::extract::rows::RowSink;

/// New rows of one table.
#[derive(Debug, Clone)]
pub struct TableRows {
    /// The table.
    pub table: &'static str,
    /// Its rows; none is fine, then rows are only removed.
    pub batches: Vec<RecordBatch>,
}

/// Derived rows that are staged unit by unit and become visible together.
#[derive(Debug)]
pub struct DerivedBatch {
    batch: Batch,
    units: u32,
    tables: BTreeSet<&'static str>,
    staged: StagedUnit,
}

impl DerivedBatch {
    /// The batch, for workers that stage rows of it.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The number of the next unit.
    pub fn next_unit(&mut self) -> u32 {
        let unit = self.units;
        self.units = self.units.saturating_add(1);
        unit
    }

    /// Adds the files of a unit that a worker staged.
    pub fn absorb(&mut self, staged: StagedUnit) {
        self.staged.absorb(staged);
    }
}

impl Lake {
    /// Begins a batch of derived rows.
    ///
    /// # Errors
    /// The lock is lost, or the store fails.
    pub async fn begin_derived(
        &self,
        lock: &LakeLock,
        run_id: &str,
    ) -> Result<DerivedBatch, LoadError> {
        Ok(DerivedBatch {
            batch: self.begin_batch(lock, run_id).await?,
            units: 0,
            tables: BTreeSet::new(),
            staged: StagedUnit::default(),
        })
    }

    /// Goes on with a batch of derived rows whose units other machines have staged.
    #[must_use]
    pub fn reopen_derived(batch: Batch) -> DerivedBatch {
        DerivedBatch {
            batch,
            units: 0,
            tables: BTreeSet::new(),
            staged: StagedUnit::default(),
        }
    }

    /// Writes the rows of one unit; memory holds them no longer afterwards.
    ///
    /// # Errors
    /// Rows that break their contract, or a store that fails.
    pub async fn stage_derived(
        &self,
        derived: &mut DerivedBatch,
        rows: Vec<TableRows>,
    ) -> Result<(), LoadError> {
        derived.tables.extend(rows.iter().map(|rows| rows.table));
        let unit = derived.next_unit();
        let staged = self.stage_rows(&derived.batch, unit, rows).await?;
        derived.staged.absorb(staged);
        Ok(())
    }

    /// Writes rows as the files of one unit of a batch. Nothing becomes visible before whoever began
    /// the batch commits it.
    ///
    /// # Errors
    /// Rows that break their contract, or a store that fails.
    pub async fn stage_rows(
        &self,
        batch: &Batch,
        unit: u32,
        rows: Vec<TableRows>,
    ) -> Result<StagedUnit, LoadError> {
        let staging = self.staging(WriterSettings::default());
        let mut writer = UnitWriter::new(staging, batch, unit);
        blocking(move || {
            writer.begin_history()?;
            for TableRows { table, batches } in rows {
                for batch in batches {
                    writer.write(table, batch).map_err(LoadError::from_sink)?;
                }
            }
            writer.commit_history()?;
            writer.finish()
        })
        .await
    }

    /// Commits what was staged, in place of the rows that `replace` names, with the same guarantees
    /// as [`Lake::commit`]. The tables that were staged are changed and no others, be it that they
    /// only lose rows.
    ///
    /// # Errors
    /// As [`Lake::commit`].
    pub async fn commit_staged(
        &self,
        lock: &LakeLock,
        derived: DerivedBatch,
        replace: Replace,
    ) -> Result<CommitReport, LoadError> {
        let replace = Replacement::Everywhere(replace);
        self.commit_replacing(lock, derived, replace).await
    }

    /// Commits what was staged, in place of the rows that `replace` names for each table. The tables
    /// that it names, and those that were staged, are changed and no others.
    ///
    /// # Errors
    /// As [`Lake::commit`].
    pub async fn commit_by_table(
        &self,
        lock: &LakeLock,
        mut derived: DerivedBatch,
        replace: BTreeMap<&'static str, Replace>,
    ) -> Result<CommitReport, LoadError> {
        derived.tables.extend(replace.keys());
        let by_table = replace.into_iter();
        let by_table = by_table.map(|(table, replace)| (table.to_owned(), replace));
        let replace = Replacement::ByTable(by_table.collect());
        self.commit_replacing(lock, derived, replace).await
    }

    async fn commit_replacing(
        &self,
        lock: &LakeLock,
        derived: DerivedBatch,
        replace: Replacement,
    ) -> Result<CommitReport, LoadError> {
        let mut tables = commit::changes(derived.staged)?;
        for name in derived.tables {
            tables.entry(name.to_owned()).or_default();
        }
        let plan = CommitPlan {
            replace,
            tables,
            ledger: TableChange::default(),
            applications: BTreeSet::new(),
        };
        self.commit_plan(lock, &derived.batch, plan).await
    }

    /// Stages and commits rows in one step.
    ///
    /// # Errors
    /// As [`Lake::commit`].
    pub async fn commit_derived(
        &self,
        lock: &LakeLock,
        run_id: &str,
        rows: Vec<TableRows>,
        replace: Replace,
    ) -> Result<CommitReport, LoadError> {
        let mut derived = self.begin_derived(lock, run_id).await?;
        self.stage_derived(&mut derived, rows).await?;
        self.commit_staged(lock, derived, replace).await
    }
}
