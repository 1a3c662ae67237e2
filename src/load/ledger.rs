//! The ledger: which histories have been read, and with what result.
//!
//! `ingest_sources` has a row for every version of a history that a run took up. It is written last
//! in every commit, so what it calls loaded is in the tables. It is read at the beginning of every
//! run, straight from its Parquet files with only the columns that decide: a night on which nothing
//! happened should end at once.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake::DeltaTableError;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::LoadError;
use super::intent::{AppKey, TableChange};
use super::lake::Lake;
use super::replace::{blocking, live_files};
use super::staging::{Batch, WriterSettings};
use super::writer::UnitWriter;
use crate::extract::rows::RowSink;
use crate::schema;

/// The ledger's table.
pub const LEDGER_TABLE: &str = "ingest_sources";
/// Number of the unit that holds ledger rows, out of the way of the workers' units.
const LEDGER_UNIT: u32 = 99_998;
/// Ledger files that are fetched at the same time.
const CONCURRENT_FILES: usize = 16;
/// The columns that a run needs to know.
const READ_COLUMNS: [&str; 13] = [
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
    "app_date",
    "ingested_at",
];

/// How a version of a history fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceStatus {
    /// All of it is in the tables.
    Loaded,
    /// A good prefix, or all but some lines, is in the tables.
    Partial,
    /// It was not wanted, for instance because the application still runs.
    Skipped,
    /// It cannot be read and will not be tried again before it changes.
    Quarantined,
    /// It could not be read this time.
    Failed,
}

impl SourceStatus {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
            Self::Failed => "failed",
        }
    }

    /// Whether rows of it are in the tables.
    pub fn has_rows(self) -> bool {
        matches!(self, Self::Loaded | Self::Partial)
    }
}

impl fmt::Display for SourceStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for SourceStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [
            Self::Loaded,
            Self::Partial,
            Self::Skipped,
            Self::Quarantined,
            Self::Failed,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
        .ok_or_else(|| format!("'{word}' is not a status of a source"))
    }
}

/// A row to be written to the ledger. The columns are described in the table's contract.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is the column of the same name of ingest_sources"
)]
pub struct SourceRecord {
    pub source_uri: String,
    pub fingerprint: String,
    pub size_bytes: Option<u64>,
    pub modified: Option<DateTime<Utc>>,
    pub etag: Option<String>,
    pub layout: Option<String>,
    pub platform: String,
    pub cluster_id: String,
    pub cluster_name: String,
    pub application_id: Option<String>,
    pub attempt_id: Option<String>,
    pub status: SourceStatus,
    pub error_kind: Option<String>,
    pub error: Option<String>,
    pub retryable: Option<bool>,
    pub events: Option<u64>,
    pub bad_lines: Option<u64>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub duration_ms: Option<u64>,
    pub complete: Option<bool>,
    pub app_date: Option<NaiveDate>,
}

impl SourceRecord {
    /// A record of a history about which nothing is known but its name and version.
    pub fn new(
        source_uri: impl Into<String>,
        fingerprint: impl Into<String>,
        platform: impl Into<String>,
        cluster_id: impl Into<String>,
        status: SourceStatus,
    ) -> Self {
        let cluster_id = cluster_id.into();
        Self {
            source_uri: source_uri.into(),
            fingerprint: fingerprint.into(),
            size_bytes: None,
            modified: None,
            etag: None,
            layout: None,
            platform: platform.into(),
            cluster_name: cluster_id.clone(),
            cluster_id,
            application_id: None,
            attempt_id: None,
            status,
            error_kind: None,
            error: None,
            retryable: None,
            events: None,
            bad_lines: None,
            rows: None,
            bytes: None,
            duration_ms: None,
            complete: None,
            app_date: None,
        }
    }

    /// The application it belongs to, when it could be read that far.
    pub fn key(&self) -> Option<AppKey> {
        Some(AppKey {
            platform: self.platform.clone(),
            cluster_id: self.cluster_id.clone(),
            application_id: self.application_id.clone()?,
            attempt_id: self.attempt_id.clone()?,
        })
    }

    pub(super) fn has_rows(&self) -> bool {
        self.status.has_rows()
    }
}

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
    pub key: Option<AppKey>,
    /// Whether trying again was thought to help.
    pub retryable: Option<bool>,
    /// False when the application was unfinished or the log cut off.
    pub complete: Option<bool>,
    /// Bytes read of it, before decompression.
    pub bytes: Option<u64>,
    /// Size of its files in bytes.
    pub size_bytes: Option<u64>,
    /// The partition that its rows are in.
    pub app_date: Option<NaiveDate>,
    /// When the row was written.
    pub ingested_at: DateTime<Utc>,
}

/// What has been read so far.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    newest: HashMap<String, LedgerEntry>,
    loaded: HashMap<AppKey, LedgerEntry>,
}

impl Ledger {
    /// The newest entry of a history.
    pub fn get(&self, source_uri: &str) -> Option<&LedgerEntry> {
        self.newest.get(source_uri)
    }

    /// Whether this very version of a history has been dealt with for good: it is in the tables,
    /// or it cannot be read and never will be.
    pub fn is_current(&self, source_uri: &str, fingerprint: &str) -> bool {
        self.get(source_uri).is_some_and(|entry| {
            entry.fingerprint == fingerprint
                && (entry.status.has_rows() || entry.status == SourceStatus::Quarantined)
        })
    }

    /// The history that an application's rows in the tables come from: the newest that was loaded.
    pub fn loaded(&self, key: &AppKey) -> Option<&LedgerEntry> {
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
        let state = match handle.state().await {
            Ok(state) => state,
            Err(LoadError::Delta { source, .. })
                if matches!(*source, DeltaTableError::NotATable(_)) =>
            {
                return Ok(Ledger::default());
            }
            Err(error) => return Err(error),
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
            ingested_at: column("ingested_at", &time_type)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone(),
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
        let key = text(&self.application_id)
            .zip(text(&self.attempt_id))
            .and_then(|(application_id, attempt_id)| {
                Some(AppKey {
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
            ingested_at: DateTime::from_timestamp_micros(
                self.ingested_at
                    .is_valid(row)
                    .then(|| self.ingested_at.value(row))?,
            )?,
        })
    }
}

/// Stages the ledger's rows of a batch.
pub(super) async fn stage(
    lake: &Lake,
    batch: &Batch,
    sources: &[SourceRecord],
) -> Result<TableChange, LoadError> {
    if sources.is_empty() {
        return Ok(TableChange::default());
    }
    let rows = to_rows(batch, sources)?;
    let settings = WriterSettings {
        encoder_threads: 1,
        ..WriterSettings::default()
    };
    let mut writer = UnitWriter::new(lake.staging(settings), batch, LEDGER_UNIT);
    let staged = blocking(move || {
        writer.begin_history()?;
        writer
            .write(LEDGER_TABLE, rows)
            .map_err(LoadError::from_sink)?;
        writer.commit_history()?;
        writer.finish()
    })
    .await?;
    Ok(TableChange {
        adds: staged.tables.into_values().flatten().collect(),
        ..TableChange::default()
    })
}

fn to_rows(batch: &Batch, sources: &[SourceRecord]) -> Result<RecordBatch, LoadError> {
    let table = schema::table(LEDGER_TABLE).ok_or_else(|| LoadError::UnknownTable {
        table: LEDGER_TABLE.to_owned(),
    })?;
    let written_at = Utc::now();
    let schema = table.arrow_schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| {
            to_column(field.name(), batch, sources, written_at)
                .unwrap_or_else(|| new_null_array(field.data_type(), sources.len()))
        })
        .collect();
    RecordBatch::try_new(schema, columns).map_err(LoadError::arrow(LEDGER_TABLE))
}

/// A column of the ledger; `None` for a name that a record does not know.
fn to_column(
    name: &str,
    batch: &Batch,
    sources: &[SourceRecord],
    written_at: DateTime<Utc>,
) -> Option<ArrayRef> {
    match name {
        "source_uri" => Some(texts(sources, |source| Some(&source.source_uri))),
        "fingerprint" => Some(texts(sources, |source| Some(&source.fingerprint))),
        "size_bytes" => Some(numbers(sources, |source| source.size_bytes)),
        "modified" => Some(times(sources, |source| source.modified)),
        "etag" => Some(texts(sources, |source| source.etag.as_deref())),
        "layout" => Some(texts(sources, |source| source.layout.as_deref())),
        "platform" => Some(texts(sources, |source| Some(&source.platform))),
        "cluster_id" => Some(texts(sources, |source| Some(&source.cluster_id))),
        "cluster_name" => Some(texts(sources, |source| Some(&source.cluster_name))),
        "application_id" => Some(texts(sources, |source| source.application_id.as_deref())),
        "attempt_id" => Some(texts(sources, |source| source.attempt_id.as_deref())),
        "status" => Some(texts(sources, |source| Some(source.status.as_str()))),
        "error_kind" => Some(texts(sources, |source| source.error_kind.as_deref())),
        "error" => Some(texts(sources, |source| source.error.as_deref())),
        "retryable" => Some(flags(sources, |source| source.retryable)),
        "events" => Some(numbers(sources, |source| source.events)),
        "bad_lines" => Some(numbers(sources, |source| source.bad_lines)),
        "rows" => Some(numbers(sources, |source| source.rows)),
        "bytes" => Some(numbers(sources, |source| source.bytes)),
        "duration_ms" => Some(numbers(sources, |source| source.duration_ms)),
        "complete" => Some(flags(sources, |source| source.complete)),
        "app_date" => Some(dates(sources)),
        "batch_id" => Some(texts(sources, |source| {
            source.has_rows().then_some(batch.id.as_str())
        })),
        "run_id" => Some(texts(sources, |_| Some(&batch.run_id))),
        "ingested_at" => Some(times(sources, |_| Some(written_at))),
        _ => None,
    }
}

fn texts<'a>(
    sources: &'a [SourceRecord],
    value: impl Fn(&'a SourceRecord) -> Option<&'a str>,
) -> ArrayRef {
    Arc::new(sources.iter().map(value).collect::<StringArray>())
}

fn numbers(sources: &[SourceRecord], value: impl Fn(&SourceRecord) -> Option<u64>) -> ArrayRef {
    let values = sources.iter().map(value);
    Arc::new(
        values
            .map(|value| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
            .collect::<Int64Array>(),
    )
}

fn flags(sources: &[SourceRecord], value: impl Fn(&SourceRecord) -> Option<bool>) -> ArrayRef {
    Arc::new(sources.iter().map(value).collect::<BooleanArray>())
}

fn times(
    sources: &[SourceRecord],
    value: impl Fn(&SourceRecord) -> Option<DateTime<Utc>>,
) -> ArrayRef {
    let values = sources.iter().map(value);
    Arc::new(
        values
            .map(|time| time.map(|time| time.timestamp_micros()))
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

fn dates(sources: &[SourceRecord]) -> ArrayRef {
    let days = sources.iter().map(|source| {
        let date = source.app_date?;
        i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
    });
    Arc::new(days.collect::<Date32Array>())
}
