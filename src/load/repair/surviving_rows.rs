//! Which rows of a data file belong to its table, where its log cannot say which files do.
//!
//! A file that lies in a table's folder may have been removed from the table by a commit that is
//! lost, because an application was loaded again or files were merged. Its rows then are in other
//! files too, or are those of an earlier load. So a row counts when it comes from the batch that
//! the ledger names for its application, and when no row with its key came before.

use std::collections::HashSet;
use std::hash::Hasher;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use twox_hash::XxHash64;

use super::super::error::LoadError;
use super::super::replace;
use super::super::stats;
use super::super::writer::UnitWriter;
use super::CurrentBatches;
use crate::extract::rows::RowSink;
use crate::model::ApplicationKey;
use crate::schema::{Table, TableKind};

/// How much of a data file belongs to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// All rows: the file can stay as it is.
    All,
    /// Some rows, which were handed to the writer.
    Some,
    /// No row.
    Nothing,
    /// It is cut off or broken.
    Unreadable,
}

/// Lets each row of one partition through once.
pub(super) struct SurvivingRows {
    table: &'static Table,
    current: Arc<CurrentBatches>,
    seen: HashSet<u128>,
}

impl SurvivingRows {
    pub(super) fn new(table: &'static Table, current: Arc<CurrentBatches>) -> Self {
        Self {
            table,
            current,
            seen: HashSet::new(),
        }
    }

    /// The columns that decide.
    fn columns(&self) -> Vec<&str> {
        let keys = self.table.keys.iter().map(String::as_str);
        let more = match self.table.kind {
            TableKind::Bookkeeping => ["ingested_at", "status"].as_slice(),
            _ => ["batch_id"].as_slice(),
        };
        keys.chain(more.iter().copied())
            .chain(ApplicationKey::COLUMNS.iter().copied())
            .filter(|name| !self.table.partition_by.iter().any(|column| column == name))
            .collect()
    }

    /// The columns that tell two rows of the table apart.
    fn identity(&self) -> Vec<&str> {
        let keys = self.table.keys.iter().map(String::as_str);
        let more = match self.table.kind {
            TableKind::Bookkeeping => ["ingested_at", "status"].as_slice(),
            _ => [].as_slice(),
        };
        keys.chain(more.iter().copied()).collect()
    }

    /// Which rows of a batch belong to the table and have not come before.
    fn pass(&mut self, batch: &RecordBatch) -> Result<BooleanArray, LoadError> {
        let identity: Vec<ArrayRef> = self
            .identity()
            .iter()
            .filter_map(|name| batch.column_by_name(name).cloned())
            .collect();
        let fields = identity
            .iter()
            .map(|column| SortField::new(column.data_type().clone()))
            .collect();
        let name = self.table.name.as_str();
        let converter = RowConverter::new(fields).map_err(LoadError::arrow(name))?;
        let rows = converter
            .convert_columns(&identity)
            .map_err(LoadError::arrow(name))?;
        let current = self.is_current(batch);
        let passes = rows.iter().enumerate().map(|(row, key)| {
            let is_current = current.as_ref().is_none_or(|current| current.value(row));
            Some(is_current && self.seen.insert(hash(key.as_ref())))
        });
        Ok(passes.collect())
    }

    /// Which rows come from the batch that the ledger names for their application; `None` where
    /// that does not matter.
    fn is_current(&self, batch: &RecordBatch) -> Option<BooleanArray> {
        if self.table.kind == TableKind::Bookkeeping {
            return None;
        }
        let [platform, cluster, application, attempt] =
            ApplicationKey::COLUMNS.map(|name| text(batch, name));
        let (platform, cluster) = (platform?, cluster?);
        let (application, attempt) = (application?, attempt?);
        let batch_id = text(batch, "batch_id")?;
        let mut last: Option<(ApplicationKey, Option<&String>)> = None;
        let rows = (0..batch.num_rows()).map(|row| {
            let is_last = last.as_ref().is_some_and(|(key, _)| {
                key.application_id == application.value(row)
                    && key.attempt_id == attempt.value(row)
                    && key.cluster_id == cluster.value(row)
                    && key.platform == platform.value(row)
            });
            if !is_last {
                let key = ApplicationKey {
                    platform: platform.value(row).to_owned(),
                    cluster_id: cluster.value(row).to_owned(),
                    application_id: application.value(row).to_owned(),
                    attempt_id: attempt.value(row).to_owned(),
                };
                let wanted = self.current.get(&key);
                last = Some((key, wanted));
            }
            let wanted = last.as_ref().and_then(|(_, wanted)| *wanted);
            Some(wanted.is_none_or(|wanted| wanted == batch_id.value(row)))
        });
        Some(rows.collect())
    }
}

/// Two hashes side by side: rows are told apart by nothing else.
fn hash(key: &[u8]) -> u128 {
    let half = |seed| {
        let mut hasher = XxHash64::with_seed(seed);
        hasher.write(key);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn text(batch: &RecordBatch, name: &str) -> Option<StringArray> {
    let column = cast(batch.column_by_name(name)?, &DataType::Utf8).ok()?;
    Some(column.as_string_opt::<i32>()?.clone())
}

/// A data file of a table.
pub(super) struct DataFile {
    table: &'static Table,
    path: String,
    date: Option<NaiveDate>,
    bytes: Bytes,
}

impl DataFile {
    pub(super) fn new(
        table: &'static Table,
        path: String,
        date: Option<NaiveDate>,
        bytes: Bytes,
    ) -> Self {
        Self {
            table,
            path,
            date,
            bytes,
        }
    }

    /// Says how much of the file belongs to the table; hands rows to the writer where that is less
    /// than all of them. Without a sieve, all of a file that can be read.
    pub(super) fn sift(
        &self,
        sieve: Option<&mut SurvivingRows>,
        writer: &mut UnitWriter,
    ) -> Result<Kept, LoadError> {
        let Ok(reader) = self.reader() else {
            return Ok(Kept::Unreadable);
        };
        let Some(sieve) = sieve else {
            return Ok(Kept::All);
        };
        let mask = ProjectionMask::columns(reader.parquet_schema(), sieve.columns());
        let mut passes = Vec::new();
        for batch in self.batches(mask)? {
            let Ok(batch) = batch else {
                return Ok(Kept::Unreadable);
            };
            passes.push(sieve.pass(&batch)?);
        }
        let kept: usize = passes.iter().map(BooleanArray::true_count).sum();
        let all: usize = passes.iter().map(BooleanArray::len).sum();
        if kept == all {
            return Ok(Kept::All);
        }
        if kept == 0 {
            return Ok(Kept::Nothing);
        }
        for (batch, passes) in self.batches(ProjectionMask::all())?.zip(passes) {
            let Ok(batch) = batch else {
                return Ok(Kept::Unreadable);
            };
            let rows =
                filter_record_batch(&batch, &passes).map_err(LoadError::arrow(&self.table.name))?;
            let rows = replace::with_date(self.table, &self.path, self.date, rows)?;
            writer
                .write(self.table.name.as_str(), rows)
                .map_err(LoadError::from_sink)?;
        }
        Ok(Kept::Some)
    }

    /// Statistics of the file for the log.
    pub(super) fn stats(&self, columns: &HashSet<String>) -> Option<String> {
        let reader = self.reader().ok()?;
        Some(stats::to_json(reader.metadata(), columns))
    }

    fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, LoadError> {
        ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone())
            .map_err(LoadError::parquet(&self.path))
    }

    fn batches(
        &self,
        mask: ProjectionMask,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LoadError>>, LoadError> {
        let reader = self
            .reader()?
            .with_batch_size(8192)
            .with_projection(mask)
            .build()
            .map_err(LoadError::parquet(&self.path))?;
        Ok(reader.map(|batch| batch.map_err(LoadError::arrow(&self.table.name))))
    }
}
