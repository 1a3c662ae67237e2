//! Rebuilds a table's log from the data files that belong to it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use deltalake::kernel::Add;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::super::error::{LoadError, TableDamage};
use super::super::lake::{Lake, layout};
use super::super::ledger::LEDGER_TABLE;
use super::super::lock::LakeLock;
use super::super::replace::{SURVIVOR_UNIT, blocking};
use super::super::staging::{Batch, WriterSettings};
use super::super::stats;
use super::super::table_records::entry_path;
use super::super::writer::UnitWriter;
use super::inventory::{self, Inventory, Undecided};
use super::surviving_rows::{DataFile, Kept, SurvivingRows};
use super::{TableRepair, copy_if_there, ledger_check};
use crate::schema::{self, Table, TableKind};

impl Lake {
    /// Rebuilds one table and notes how far its log has come.
    pub(super) async fn rebuild_table(
        &self,
        lock: &LakeLock,
        damage: TableDamage,
        undecided: &Undecided,
    ) -> Result<TableRepair, LoadError> {
        let handle = self.handle(&damage.table)?;
        let table = handle.contract();
        tracing::warn!(table = table.name, "rebuilding: {}", damage.problem);
        let mut report = TableRepair {
            table: damage.table,
            problem: damage.problem,
            ..TableRepair::default()
        };
        let records = self.table_records().await?.unwrap_or_default();
        let record = records.get(&table.name).copied();
        let inventory = Inventory::of(self, &table.name, record, undecided).await?;
        let seq = inventory.seq;
        let adds = if table.kind == TableKind::Derived {
            Vec::new()
        } else {
            let batch = self.begin_batch(lock, &lock.holder().run_id).await?;
            let adds = self.gather(table, &batch, inventory, &mut report).await?;
            let entry = handle.log_entry_of(&adds, seq)?;
            self.replace_log(&table.name, entry).await?;
            self.close_batch(&batch.id).await?;
            adds
        };
        if table.kind == TableKind::Derived {
            let entry = handle.log_entry_of(&adds, seq)?;
            self.replace_log(&table.name, entry).await?;
        }
        self.record_tables([(table.name.clone(), Some(0))], seq)
            .await?;
        Ok(report)
    }

    /// The files that make up the table: as they are, or rewritten without the rows that do not
    /// belong to it.
    async fn gather(
        &self,
        table: &'static Table,
        batch: &Batch,
        inventory: Inventory,
        report: &mut TableRepair,
    ) -> Result<Vec<Add>, LoadError> {
        let sifted = inventory.has_gap;
        let unknown = if sifted {
            inventory.unknown
        } else {
            Default::default()
        };
        let mut partitions: BTreeMap<Option<NaiveDate>, Vec<String>> = BTreeMap::new();
        for path in inventory.live.into_iter().chain(unknown) {
            if inventory.present.contains_key(&path) {
                partitions
                    .entry(partition_of(&path))
                    .or_default()
                    .push(path);
            } else {
                report.files_lost += 1;
            }
        }
        let current = if sifted && table.name != LEDGER_TABLE {
            ledger_check::current_batches(self).await?
        } else {
            Default::default()
        };
        let current = Arc::new(current);
        let settings = WriterSettings {
            encoder_threads: 1,
            hold_back_bytes: 0,
            ..WriterSettings::default()
        };
        let mut writer = UnitWriter::for_survivors(self.staging(settings), batch, SURVIVOR_UNIT);
        writer.begin_history()?;
        let stats_columns: HashSet<String> = stats::columns(table).into_iter().collect();
        let mut adds = Vec::new();
        for (date, paths) in partitions {
            let mut sieve = sifted.then(|| SurvivingRows::new(table, Arc::clone(&current)));
            for path in paths {
                let whole = Path::from(format!("{}/{path}", table.name));
                let bytes = inventory::fetch(self, &whole).await?;
                let size = bytes.len();
                let file = DataFile::new(table, path.clone(), date, bytes);
                let columns = stats_columns.clone();
                let (kept, stats, returned, back) = blocking(move || {
                    let kept = file.sift(sieve.as_mut(), &mut writer)?;
                    let stats = (kept == Kept::All).then(|| file.stats(&columns)).flatten();
                    Ok((kept, stats, writer, sieve))
                })
                .await?;
                (writer, sieve) = (returned, back);
                match kept {
                    Kept::All => {
                        report.files_kept += 1;
                        adds.push(new_add(path, date, size, stats));
                    }
                    Kept::Some => report.files_rewritten += 1,
                    Kept::Nothing => {}
                    Kept::Unreadable => report.files_lost += 1,
                }
            }
        }
        let staged = blocking(move || {
            writer.commit_history()?;
            writer.finish()
        })
        .await?;
        adds.extend(staged.tables.into_values().flatten().map(|file| file.add));
        Ok(adds)
    }

    /// Puts a log with one entry in the place of a table's log. What was there is kept in the
    /// lake's own folder. Written down first, so that a repair that is killed is completed.
    async fn replace_log(&self, table: &str, entry: String) -> Result<(), LoadError> {
        let plan = plan_path(table);
        self.store()
            .put(&plan, PutPayload::from(entry))
            .await
            .map_err(|source| LoadError::storage("writing", plan.to_string(), source))?;
        self.finish_replacing_log(table).await
    }

    /// Completes what an earlier repair began.
    pub(in crate::load) async fn finish_replacing_logs(&self) -> Result<(), LoadError> {
        for path in self.list_names(layout::REPAIR).await? {
            let name = path.filename().and_then(|name| name.strip_suffix(".json"));
            let Some(table) = name.and_then(schema::table) else {
                continue;
            };
            self.finish_replacing_log(&table.name).await?;
        }
        Ok(())
    }

    async fn finish_replacing_log(&self, table: &str) -> Result<(), LoadError> {
        let plan = plan_path(table);
        let entry = inventory::fetch(self, &plan).await?;
        let stamp = Utc::now().format("%Y%m%dT%H%M%S");
        for path in self.list_names(&format!("{table}/_delta_log")).await? {
            let name = path.filename().unwrap_or_default();
            let kept = Path::from(format!("{}/{table}-{stamp}/{name}", layout::REPAIR));
            copy_if_there(self, &path, &kept).await?;
            self.delete(&path).await?;
        }
        let first = entry_path(table, 0);
        self.store()
            .put(&first, PutPayload::from(entry))
            .await
            .map_err(|source| LoadError::storage("writing", first.to_string(), source))?;
        self.delete(&plan).await?;
        self.handle(table)?.keep(None).await;
        Ok(())
    }
}

fn plan_path(table: &str) -> Path {
    Path::from(format!("{}/{table}.json", layout::REPAIR))
}

/// The partition that a data file's folder names.
fn partition_of(path: &str) -> Option<NaiveDate> {
    let (folder, _) = path.split_once('/')?;
    folder.strip_prefix("app_date=")?.parse().ok()
}

fn new_add(path: String, date: Option<NaiveDate>, size: usize, stats: Option<String>) -> Add {
    Add {
        path,
        partition_values: date
            .map(|date| ("app_date".to_owned(), Some(date.to_string())))
            .into_iter()
            .collect(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: Utc::now().timestamp_millis(),
        data_change: true,
        stats,
        ..Add::default()
    }
}
