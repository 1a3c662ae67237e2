//! How far each table's log has come, written down outside of the table.
//!
//! A table whose log is gone, or was put back from a backup, looks like a table with fewer rows:
//! the ledger would call histories loaded whose rows are nowhere, or a new, empty ledger would have
//! them loaded twice. So after every commit the lake notes each table's version, the number of its
//! newest commit and the size of that log entry. A run compares them before it does anything, with
//! one look at each table's newest log entry.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};

use super::batch::TRANSACTION_ID;
use super::error::{LoadError, TableDamage};
use super::lake::{Lake, layout};
use super::ledger::LEDGER_TABLE;
use crate::schema;

/// Tables that are looked at at the same time.
const CONCURRENT_TABLES: usize = 16;

/// How far a table's log had come when the lake last wrote to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableRecord {
    /// Version of the table.
    pub(super) version: u64,
    /// Number of the newest commit in it; 0 where there was none.
    pub(super) seq: i64,
    /// Size of that version's log entry in bytes.
    pub(super) entry_bytes: u64,
}

/// Records by table.
pub(super) type TableRecords = BTreeMap<String, TableRecord>;

impl Lake {
    /// What is noted; `None` for a lake of a version that noted nothing.
    pub(super) async fn table_records(&self) -> Result<Option<TableRecords>, LoadError> {
        self.read_json(layout::TABLES).await
    }

    /// Notes how far these tables have come; `seq` is the number of the commit that was made.
    /// A table whose version is not known is asked.
    pub(super) async fn record_tables(
        &self,
        tables: impl IntoIterator<Item = (String, Option<u64>)>,
        seq: i64,
    ) -> Result<(), LoadError> {
        let mut records = self.table_records().await?.unwrap_or_default();
        let found: Vec<(String, u64, u64)> = stream::iter(tables)
            .map(|(name, version)| async move {
                let version = match version {
                    Some(version) => version,
                    None => self.table_version(&name).await?,
                };
                let entry = entry_path(&name, version);
                let bytes = match self.store().head(&entry).await {
                    Ok(found) => found.size,
                    // Cleaned up already, after a checkpoint.
                    Err(object_store::Error::NotFound { .. }) => 0,
                    Err(error) => return Err(LoadError::storage("reading", entry.as_ref(), error)),
                };
                Ok::<_, LoadError>((name, version, bytes))
            })
            .buffer_unordered(CONCURRENT_TABLES)
            .try_collect()
            .await?;
        for (name, version, entry_bytes) in found {
            let before = records.get(&name).map_or(0, |record| record.seq);
            let record = TableRecord {
                version,
                seq: seq.max(before),
                entry_bytes,
            };
            records.insert(name, record);
        }
        self.write_json(layout::TABLES, &records, PutMode::Overwrite)
            .await
    }

    async fn table_version(&self, name: &str) -> Result<u64, LoadError> {
        Ok(self.handle(name)?.state().await?.version())
    }

    /// Compares the tables with what is noted of them.
    ///
    /// # Errors
    /// [`LoadError::TablesDamaged`] names each table whose log is gone, broken or older.
    pub(super) async fn check_tables(&self) -> Result<(), LoadError> {
        let damages = self.damages().await?;
        if damages.is_empty() {
            return Ok(());
        }
        Err(LoadError::TablesDamaged { damages })
    }

    /// The tables that are not as they were left.
    pub(super) async fn damages(&self) -> Result<Vec<TableDamage>, LoadError> {
        let records = self.table_records().await?;
        let is_made = self.is_made().await?;
        let found: Vec<Option<TableDamage>> = stream::iter(schema::tables())
            .map(|table| {
                let record = records
                    .as_ref()
                    .and_then(|records| records.get(&table.name).copied());
                async move {
                    let problem = match record {
                        Some(record) => self.compare(&table.name, record).await?,
                        None if is_made => self.look_for_lost(&table.name).await?,
                        None => None,
                    };
                    Ok::<_, LoadError>(problem.map(|problem| TableDamage {
                        table: table.name.clone(),
                        problem,
                    }))
                }
            })
            .buffered(CONCURRENT_TABLES)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What is wrong with a table of which something is noted.
    async fn compare(&self, name: &str, record: TableRecord) -> Result<Option<String>, LoadError> {
        let entry = entry_path(name, record.version);
        match self.store().head(&entry).await {
            Ok(found) if found.size == record.entry_bytes => return Ok(None),
            // Another engine may have cleaned the log up, after a checkpoint of its own.
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(LoadError::storage("reading", entry.as_ref(), error)),
        }
        let handle = self.handle(name)?;
        handle.keep(None).await;
        let state = match handle.state_if_there().await {
            Ok(Some(state)) => state,
            Ok(None) => return Ok(Some("its log (_delta_log) is missing".to_owned())),
            Err(LoadError::TablesDamaged { damages }) => {
                return Ok(damages.into_iter().next().map(|damage| damage.problem));
            }
            Err(error) => return Err(error),
        };
        if state.version() < record.version {
            return Ok(Some(format!(
                "its log ends at version {}, but version {} was written",
                state.version(),
                record.version
            )));
        }
        let log_store = handle.log_store();
        let newest = state
            .transaction_version(log_store.as_ref(), TRANSACTION_ID)
            .await
            .map_err(|source| LoadError::delta("reading the log of", name, source))?
            .unwrap_or(0);
        if newest < record.seq {
            return Ok(Some(format!(
                "its newest commit is number {newest}, but number {} was written",
                record.seq
            )));
        }
        Ok(None)
    }

    /// What is wrong with a table of which nothing is noted, in a lake whose tables were made: by
    /// an older version, or one that does not know the table yet.
    async fn look_for_lost(&self, name: &str) -> Result<Option<String>, LoadError> {
        if self.handle(name)?.exists().await? {
            return Ok(None);
        }
        let lost = name == LEDGER_TABLE || self.has_data_files(name).await?;
        Ok(lost.then(|| "its log (_delta_log) is missing".to_owned()))
    }

    async fn has_data_files(&self, name: &str) -> Result<bool, LoadError> {
        let store = self.store();
        let mut listed = store.list(Some(&Path::from(name)));
        loop {
            match listed.try_next().await {
                Ok(Some(object)) if object.location.as_ref().ends_with(".parquet") => {
                    return Ok(true);
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(source) => return Err(LoadError::storage("listing", name, source)),
            }
        }
    }
}

/// The log entry of a table's version.
pub(super) fn entry_path(table: &str, version: u64) -> Path {
    Path::from(format!("{table}/_delta_log/{version:020}.json"))
}
