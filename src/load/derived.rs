//! Commits rows that come from queries rather than from histories: derived tables, and the
//! bookkeeping that the pipeline keeps itself.

use arrow::array::RecordBatch;

use super::commit::{self, CommitReport, Plan};
use super::error::LoadError;
use super::intent::{Replace, TableChange};
use super::lake::Lake;
use super::lock::LakeLock;
use super::replace::blocking;
use super::staging::WriterSettings;
use super::writer::UnitWriter;
use crate::extract::rows::RowSink;

/// Number of the unit that derived rows are staged as.
const DERIVED_UNIT: u32 = 0;

/// New rows of one table.
#[derive(Debug, Clone)]
pub struct TableRows {
    /// The table.
    pub table: &'static str,
    /// Its rows; none is fine, then rows are only removed.
    pub batches: Vec<RecordBatch>,
}

impl Lake {
    /// Commits rows of tables, in place of those that `replace` names, with the same guarantees as
    /// [`Lake::commit`]. The tables named in `rows` are changed and no others.
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
        let batch = self.begin_batch(lock, run_id).await?;
        let names: Vec<&'static str> = rows.iter().map(|rows| rows.table).collect();
        let mut writer = UnitWriter::new(
            self.staging(WriterSettings::default()),
            &batch,
            DERIVED_UNIT,
        );
        let staged = blocking(move || {
            writer.begin_history()?;
            for TableRows { table, batches } in rows {
                for batch in batches {
                    writer.write(table, batch).map_err(LoadError::from_sink)?;
                }
            }
            writer.commit_history()?;
            writer.finish()
        })
        .await?;
        let mut tables = commit::changes(staged)?;
        for name in names {
            tables.entry(name.to_owned()).or_default();
        }
        let plan = Plan {
            replace,
            tables,
            ledger: TableChange::default(),
            applications: std::collections::BTreeSet::new(),
        };
        self.commit_plan(lock, &batch, plan).await
    }
}
