//! The ledger: which histories have been read, and with what result.
//!
//! `ingest_sources` has a row for every version of a history that a run took up. It is written last
//! in every commit, so what it calls loaded is in the tables. It is read at the beginning of every
//! run, straight from its Parquet files with only the columns that decide: a night on which nothing
//! happened should end at once.

use crate::model::ApplicationKey;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::LoadError;
use super::lake::Lake;
use super::replace::{blocking, live_files};
use super::source_record::SourceStatus;

/// The ledger's table.
pub const LEDGER_TABLE: &str = "ingest_sources";
/// Ledger files that are fetched at the same time.
const CONCURRENT_FILES: usize = 16;
/// The columns that a run needs to know.
const READ_COLUMNS: [&str; 14] = [
    "source_uri",
    "fingerprint",
    "platform",
    "cluster_id",
    "application_id",
    "attempt_id",
    "status",
    "retryable",
    "complete",
    "bytes",
    "size_bytes",
    "modified",
    "app_date",
    "ingested_at",
];

/// What the ledger says of the newest version of a history that was taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The history.
    pub source_uri: String,
    /// Which version of it.
    pub fingerprint: String,
    /// How it fared.
    pub status: SourceStatus,
    /// The application found in it.
    pub key: Option<ApplicationKey>,
    /// Whether trying again was thought to help.
    pub retryable: Option<bool>,
    /// False when the application was unfinished or the log cut off.
    pub complete: Option<bool>,
    /// Bytes read of it, before decompression.
    pub bytes: Option<u64>,
    /// Size of its files in bytes.
    pub size_bytes: Option<u64>,
    /// Newest modification of its files; for a cluster, the time of its newest sample.
    pub modified: Option<DateTime<Utc>>,
    /// The partition that its rows are in.
    pub app_date: Option<NaiveDate>,
    /// When the row was written.
    pub ingested_at: DateTime<Utc>,
}

/// What has been read so far.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    newest: HashMap<String, LedgerEntry>,
    loaded: HashMap<ApplicationKey, LedgerEntry>,
}

impl Ledger {
    /// The newest entry of a history.
    pub fn get(&self, source_uri: &str) -> Option<&LedgerEntry> {
        self.newest.get(source_uri)
    }

    /// Whether this very version of a history has been dealt with for good: it is in the tables,
    /// another history of its application is, or it cannot be read and never will be.
    pub fn is_current(&self, source_uri: &str, fingerprint: &str) -> bool {
        self.get(source_uri)
            .filter(|entry| entry.fingerprint == fingerprint)
            .is_some_and(|entry| match entry.status {
                SourceStatus::Loaded | SourceStatus::Quarantined => true,
                // A server that failed at some of its calls may answer them the next time.
                SourceStatus::Partial => entry.retryable != Some(true),
                SourceStatus::Skipped => entry
                    .key
                    .as_ref()
                    .is_some_and(|key| self.loaded(key).is_some()),
                SourceStatus::Failed => false,
            })
    }

    /// The history that an application's rows in the tables come from: the newest that was loaded.
    pub fn loaded(&self, key: &ApplicationKey) -> Option<&LedgerEntry> {
        self.loaded.get(key)
    }

    /// The newest entries of all histories, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.newest.values()
    }

    /// Number of histories.
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// Whether nothing has been taken up yet.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    fn insert(&mut self, entry: LedgerEntry) {
        if entry.status.has_rows()
            && let Some(key) = &entry.key
        {
            let known = self.loaded.get(key);
            if known.is_none_or(|known| known.ingested_at <= entry.ingested_at) {
                self.loaded.insert(key.clone(), entry.clone());
            }
        }
        let known = self.newest.get(&entry.source_uri);
        if known.is_none_or(|known| known.ingested_at <= entry.ingested_at) {
            self.newest.insert(entry.source_uri.clone(), entry);
        }
    }
}

impl Lake {
    /// Reads the ledger. A lake whose tables are not made yet has an empty one.
    pub async fn ledger(&self) -> Result<Ledger, LoadError> {
        let handle = self.handle(LEDGER_TABLE)?;
        let Some(state) = handle.state_if_there().await? else {
            // Without this, everything would be loaded a second time.
            self.check_tables().await?;
            return Ok(Ledger::default());
        };
        let store = handle.log_store().object_store(None);
        let fetched: Vec<(String, Bytes)> = stream::iter(live_files(&state, handle.contract())?)
            .map(|file| {
                let store = Arc::clone(&store);
                async move {
                    let path = file.object_store_path();
                    let bytes = match store.get(&path).await {
                        Ok(found) => found.bytes().await,
                        Err(error) => Err(error),
                    };
                    let failed = |source| LoadError::storage("reading", path.as_ref(), source);
                    Ok::<_, LoadError>((path.to_string(), bytes.map_err(failed)?))
                }
            })
            .buffered(CONCURRENT_FILES)
            .try_collect()
            .await?;
        blocking(move || {
            let mut ledger = Ledger::default();
            for (path, bytes) in fetched {
                read_file(&path, bytes, &mut ledger)?;
            }
            Ok(ledger)
        })
        .await
    }
}

fn read_file(path: &str, bytes: Bytes, ledger: &mut Ledger) -> Result<(), LoadError> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(LoadError::parquet(path))?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), READ_COLUMNS);
    let batches = reader
        .with_batch_size(8192)
        .with_projection(mask)
        .build()
        .map_err(LoadError::parquet(path))?;
    for batch in batches {
        let batch = batch.map_err(LoadError::arrow(LEDGER_TABLE))?;
        let columns = EntryColumns::of(&batch)?;
        for row in 0..batch.num_rows() {
            if let Some(entry) = columns.entry(row) {
                ledger.insert(entry);
            }
        }
    }
    Ok(())
}

/// The columns of a ledger file, whatever engine wrote it last.
struct EntryColumns {
    source_uri: StringArray,
    fingerprint: StringArray,
    platform: StringArray,
    cluster_id: StringArray,
    application_id: StringArray,
    attempt_id: StringArray,
    status: StringArray,
    retryable: BooleanArray,
    complete: BooleanArray,
    bytes: Int64Array,
    size_bytes: Int64Array,
    modified: TimestampMicrosecondArray,
    app_date: Date32Array,
    ingested_at: TimestampMicrosecondArray,
}

impl EntryColumns {
    fn of(batch: &RecordBatch) -> Result<Self, LoadError> {
        let column = |name: &str, data_type: &DataType| {
            let Some(column) = batch.column_by_name(name) else {
                return Ok(new_null_array(data_type, batch.num_rows()));
            };
            cast(column, data_type).map_err(LoadError::arrow(LEDGER_TABLE))
        };
        let text = |name| Ok(column(name, &DataType::Utf8)?.as_string::<i32>().clone());
        let number = |name| {
            Ok(column(name, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone())
        };
        let flag = |name| Ok(column(name, &DataType::Boolean)?.as_boolean().clone());
        let time_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let time = |name| {
            Ok(column(name, &time_type)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone())
        };
        Ok(Self {
            source_uri: text("source_uri")?,
            fingerprint: text("fingerprint")?,
            platform: text("platform")?,
            cluster_id: text("cluster_id")?,
            application_id: text("application_id")?,
            attempt_id: text("attempt_id")?,
            status: text("status")?,
            retryable: flag("retryable")?,
            complete: flag("complete")?,
            bytes: number("bytes")?,
            size_bytes: number("size_bytes")?,
            app_date: column("app_date", &DataType::Date32)?
                .as_primitive::<Date32Type>()
                .clone(),
            modified: time("modified")?,
            ingested_at: time("ingested_at")?,
        })
    }

    /// The entry in a row; `None` for one that lacks what makes it an entry.
    fn entry(&self, row: usize) -> Option<LedgerEntry> {
        let text =
            |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let number = |column: &Int64Array| {
            let value = column.is_valid(row).then(|| column.value(row));
            value.and_then(|value| u64::try_from(value).ok())
        };
        let flag = |column: &BooleanArray| column.is_valid(row).then(|| column.value(row));
        let time = |column: &TimestampMicrosecondArray| {
            let value = column.is_valid(row).then(|| column.value(row));
            value.and_then(DateTime::from_timestamp_micros)
        };
        let key = text(&self.application_id)
            .zip(text(&self.attempt_id))
            .and_then(|(application_id, attempt_id)| {
                Some(ApplicationKey {
                    platform: text(&self.platform)?,
                    cluster_id: text(&self.cluster_id)?,
                    application_id,
                    attempt_id,
                })
            });
        Some(LedgerEntry {
            source_uri: text(&self.source_uri)?,
            fingerprint: text(&self.fingerprint)?,
            // A status of a newer version is no reason to read the history again.
            status: text(&self.status)?.parse().unwrap_or(SourceStatus::Skipped),
            key,
            retryable: flag(&self.retryable),
            complete: flag(&self.complete),
            bytes: number(&self.bytes),
            size_bytes: number(&self.size_bytes),
            app_date: self
                .app_date
                .is_valid(row)
                .then(|| self.app_date.value_as_date(row))
                .flatten(),
            modified: time(&self.modified),
            ingested_at: time(&self.ingested_at)?,
        })
    }
}
