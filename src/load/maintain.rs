//! Keeps a lake quick and small: merges small files, writes checkpoints, removes files that no
//! reader needs any more.
//!
//! Every night adds a few files to each table. Readers pay for each of them, so `sparklake
//! maintain` merges them from time to time. Files that left their table stay on disk until that is
//! longer ago than the retention period, for readers that still look at an earlier version; so do
//! log entries. Work that is done is not done again: a second `maintain` changes nothing.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use chrono::{TimeDelta, Utc};
use deltalake::DeltaTable;
use deltalake::operations::optimize::OptimizeType;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::checkpoints;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::Serialize;

use super::error::LoadError;
use super::lake::{Lake, layout};
use super::lock::LakeLock;
use super::parquet_settings::{self, FileSize};
use super::repair::data_files;
use super::replace::live_files;
use crate::schema::{self, Table};

/// The shortest retention that is safe: a reader may take that long over one query, and a run that
/// stages files that long over one batch.
const SAFE_RETENTION: TimeDelta = TimeDelta::days(7);

/// Files that are deleted at the same time.
const CONCURRENT_DELETES: usize = 16;

/// Size of merged files.
const TARGET_FILE_BYTES: NonZeroU64 = match NonZeroU64::new(128 << 20) {
    Some(bytes) => bytes,
    None => NonZeroU64::MIN,
};

/// What to do.
#[derive(Debug, Clone)]
pub struct MaintainOptions {
    /// Tables to work on; all when empty.
    pub tables: Vec<String>,
    /// Whether small files are merged.
    pub compact: bool,
    /// Size of merged files in bytes.
    pub target_file_bytes: NonZeroU64,
    /// Whether files are deleted that left their table longer ago than the retention period.
    pub vacuum: bool,
    /// Whether vacuum also deletes files that never were part of a table, left by killed runs.
    pub orphans: bool,
    /// Files younger than this are never deleted.
    pub retention: TimeDelta,
    /// Whether a retention of less than seven days is accepted. Readers of older versions, and
    /// queries under way, then fail.
    pub allow_short_retention: bool,
    /// Whether to tell only what would be done.
    pub dry_run: bool,
}

impl Default for MaintainOptions {
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            compact: true,
            target_file_bytes: TARGET_FILE_BYTES,
            vacuum: true,
            orphans: false,
            retention: SAFE_RETENTION,
            allow_short_retention: false,
            dry_run: false,
        }
    }
}

/// What was done to one table, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableMaintenance {
    /// The table.
    pub table: String,
    /// Its files before.
    pub files_before: u64,
    /// Its size before, in bytes.
    pub bytes_before: u64,
    /// Small files that were merged. In a dry run: files that could be.
    pub files_merged: u64,
    /// Files that they were merged into. Not known in a dry run.
    pub files_written: u64,
    /// Files that were deleted from storage.
    pub files_deleted: u64,
    /// Entries of the table's log that a checkpoint made superfluous and that were deleted.
    pub log_files_deleted: u64,
}

impl Lake {
    /// Maintains tables one after the other. A run cannot work on the lake meanwhile.
    ///
    /// # Errors
    /// [`LoadError::ShortRetention`] before anything is done; else the first failure of a table.
    pub async fn maintain(
        &self,
        lock: &LakeLock,
        options: &MaintainOptions,
    ) -> Result<Vec<TableMaintenance>, LoadError> {
        if options.vacuum && options.retention < SAFE_RETENTION && !options.allow_short_retention {
            return Err(LoadError::ShortRetention {
                hours: options.retention.num_hours(),
                safe_hours: SAFE_RETENTION.num_hours(),
            });
        }
        for name in &options.tables {
            self.handle(name)?;
        }
        let _in_turn = lock.committing().await;
        if !options.dry_run {
            // Files of a commit that is not complete must not be taken for orphans.
            self.roll_forward(lock).await?;
        }
        let wanted =
            |table: &&Table| options.tables.is_empty() || options.tables.contains(&table.name);
        let mut done = Vec::new();
        for table in schema::tables().iter().filter(wanted) {
            lock.check()?;
            done.push(self.maintain_table(table, options).await?);
        }
        if !options.dry_run {
            if options.vacuum {
                self.sweep_replaced_logs(options).await?;
            }
            let changed = done.iter().map(|done| (done.table.clone(), None));
            self.record_tables(changed, 0).await?;
        }
        Ok(done)
    }

    async fn maintain_table(
        &self,
        table: &Table,
        options: &MaintainOptions,
    ) -> Result<TableMaintenance, LoadError> {
        let handle = self.handle(&table.name)?;
        handle.keep(None).await;
        handle.state_or_create().await?;
        let mut delta = self.table(&table.name).await?;
        let mut report = TableMaintenance {
            table: table.name.clone(),
            ..TableMaintenance::default()
        };
        let mergeable = count_files(&delta, table, options, &mut report)?;
        if options.compact && options.dry_run {
            report.files_merged = mergeable;
        } else if options.compact && mergeable > 0 {
            delta = compact(delta, table, options, &mut report).await?;
        }
        if options.vacuum {
            delta = self.vacuum(delta, table, options, &mut report).await?;
        }
        if !options.dry_run {
            self.checkpoint(&delta, table, options, &mut report).await?;
        }
        handle.keep(None).await;
        Ok(report)
    }

    /// Deletes files that left the table before the retention period. Not left to the library: it
    /// writes two entries into the table's log each time, also when there is nothing to delete.
    async fn vacuum(
        &self,
        delta: DeltaTable,
        table: &Table,
        options: &MaintainOptions,
        report: &mut TableMaintenance,
    ) -> Result<DeltaTable, LoadError> {
        let mode = if options.orphans {
            VacuumMode::Full
        } else {
            VacuumMode::Lite
        };
        let (delta, metrics) = delta
            .vacuum()
            .with_mode(mode)
            .with_retention_period(options.retention)
            .with_enforce_retention_duration(!options.allow_short_retention)
            .with_dry_run(true)
            .await
            .map_err(|source| LoadError::delta("looking for old files of", &table.name, source))?;
        // The log remembers files for a while after they were deleted.
        let present = data_files(self, &table.name).await?;
        let there = |file: &String| present.contains_key(file) || !file.ends_with(".parquet");
        let old: Vec<String> = metrics.files_deleted.into_iter().filter(there).collect();
        report.files_deleted = old.len() as u64;
        if !options.dry_run {
            stream::iter(old)
                .map(|file| async move {
                    self.delete(&Path::from(format!("{}/{file}", table.name)))
                        .await
                })
                .buffer_unordered(CONCURRENT_DELETES)
                .try_collect::<()>()
                .await?;
        }
        Ok(delta)
    }

    /// Writes a checkpoint where there are log entries after the last one, and deletes those before
    /// it that are older than the retention period.
    async fn checkpoint(
        &self,
        delta: &DeltaTable,
        table: &Table,
        options: &MaintainOptions,
        report: &mut TableMaintenance,
    ) -> Result<(), LoadError> {
        let failed = |source| LoadError::delta("writing a checkpoint of", &table.name, source);
        let Some(version) = delta.version() else {
            return Ok(());
        };
        if self.entries_since_checkpoint(table).await? > 1 {
            checkpoints::create_checkpoint(delta, None)
                .await
                .map_err(failed)?;
        }
        let cutoff = (Utc::now() - options.retention).timestamp_millis();
        let log_store = delta.log_store();
        let deleted = checkpoints::cleanup_expired_logs_for(version, &*log_store, cutoff, None)
            .await
            .map_err(failed)?;
        report.log_files_deleted = deleted as u64;
        Ok(())
    }

    /// Number of log entries that a reader replays after it has read the newest checkpoint.
    async fn entries_since_checkpoint(&self, table: &Table) -> Result<usize, LoadError> {
        let mut entries = Vec::new();
        let mut checkpoint = None;
        for path in self
            .list_names(&format!("{}/_delta_log", table.name))
            .await?
        {
            let name = path.filename().and_then(|name| name.split_once('.'));
            let Some((Ok(version), rest)) =
                name.map(|(version, rest)| (version.parse::<u64>(), rest))
            else {
                continue;
            };
            if rest == "json" {
                entries.push(version);
            } else if rest.ends_with("parquet") {
                checkpoint = checkpoint.max(Some(version));
            }
        }
        Ok(entries
            .into_iter()
            .filter(|version| Some(*version) > checkpoint)
            .count())
    }

    /// Deletes logs that a repair replaced and that are older than the retention period.
    async fn sweep_replaced_logs(&self, options: &MaintainOptions) -> Result<(), LoadError> {
        let cutoff = Utc::now() - options.retention;
        let folder = Path::from(layout::REPAIR);
        let failed = |source| LoadError::storage("listing", layout::REPAIR, source);
        let old: Vec<Path> = self
            .store()
            .list(Some(&folder))
            .try_filter(|object| std::future::ready(object.last_modified < cutoff))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .or_else(|error| match error {
                object_store::Error::NotFound { .. } => Ok(Vec::new()),
                error => Err(failed(error)),
            })?;
        for path in old {
            self.delete(&path).await?;
        }
        Ok(())
    }
}

/// Counts a table's files, and those that lie in a partition with other small ones.
fn count_files(
    delta: &DeltaTable,
    table: &Table,
    options: &MaintainOptions,
    report: &mut TableMaintenance,
) -> Result<u64, LoadError> {
    let state = delta
        .snapshot()
        .map_err(|source| LoadError::delta("reading the log of", &table.name, source))?;
    let mut small: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for file in live_files(state, table)? {
        let size = u64::try_from(file.size()).unwrap_or(0);
        report.files_before += 1;
        report.bytes_before += size;
        if size < options.target_file_bytes.get() {
            let date = file.partition_values_map().remove("app_date").flatten();
            *small.entry(date).or_default() += 1;
        }
    }
    Ok(small.into_values().filter(|files| *files > 1).sum())
}

async fn compact(
    delta: DeltaTable,
    table: &Table,
    options: &MaintainOptions,
    report: &mut TableMaintenance,
) -> Result<DeltaTable, LoadError> {
    let (delta, metrics) = delta
        .optimize()
        .with_type(OptimizeType::Compact)
        .with_target_size(options.target_file_bytes)
        .with_writer_properties(parquet_settings::properties(table, FileSize::Large))
        .await
        .map_err(|source| LoadError::delta("merging files of", &table.name, source))?;
    report.files_merged = metrics.num_files_removed;
    report.files_written = metrics.num_files_added;
    Ok(delta)
}
