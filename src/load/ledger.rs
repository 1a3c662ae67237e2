//! The ledger: which histories have been read, and with what result.
//!
//! `ingest_sources` has a row for every version of a history that a run took up. It is written last
//! in every commit, so what it calls loaded is in the tables. It is read at the beginning of every
//! run, straight from its Parquet files with only the columns that decide, row group by row group:
//! a night on which nothing happened should end at once, however long the ledger is.

use std::fs::File;
use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake::kernel::LogicalFileView;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use super::compact_ledger::{CompactLedger, NewEntry};
use super::error::LoadError;
use super::lake::Lake;
use super::replace::{blocking, live_files};
use super::source_record::{SourceRecord, SourceStatus};
use super::staging::Batch;
use crate::extract::EXTRACTOR_VERSION;
use crate::model::ApplicationKey;
use crate::redact::without_credentials;

/// The ledger's table.
pub const LEDGER_TABLE: &str = "ingest_sources";
/// Ledger files that are read at the same time.
const CONCURRENT_FILES: usize = 2;
/// Rows that are decoded at once.
const BATCH_ROWS: usize = 8192;
/// Rows for which memory is taken at once, whatever a damaged log says.
const MOST_EXPECTED: usize = 8 << 20;
/// The columns that a run needs to know.
const READ_COLUMNS: [&str; 18] = [
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
    "start_time",
    "ingested_at",
    "seq",
    "extractor_version",
    "has_tasks",
];

/// What the ledger says of the newest version of a history that was taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The history.
    pub source_uri: String,
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
    /// Start of its application; `None` where it is not known, and in rows of older versions.
    pub start_time: Option<DateTime<Utc>>,
    /// When the row was written, by the clock of the run that wrote it.
    pub ingested_at: DateTime<Utc>,
    /// Number of the batch that wrote the row; `None` in rows of older versions.
    pub seq: Option<i64>,
    /// Version of the extraction that read it; `None` in rows of older versions.
    pub extractor_version: Option<u32>,
    /// False when its tasks were left out on request.
    pub has_tasks: Option<bool>,
}

impl LedgerEntry {
    /// Whether an older version of the extraction read it, which may have read less.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.extractor_version.unwrap_or(0) < EXTRACTOR_VERSION
    }
}

/// What has been read so far.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: CompactLedger,
}

impl Ledger {
    /// The newest entry of a history.
    pub fn get(&self, source_uri: &str) -> Option<LedgerEntry> {
        // Rows of the ledger are stored without credentials.
        self.entries
            .newest(without_credentials(source_uri).as_ref())
    }

    /// Whether this very version of a history needs no more work: it is in the tables,
    /// another history of its application is, or it cannot be read and never will be.
    pub fn is_current(&self, source_uri: &str, fingerprint: &str) -> bool {
        self.entries
            .version(source_uri, fingerprint)
            .is_some_and(|version| match version.status {
                SourceStatus::Loaded => true,
                // A newer version may read what an older one could not.
                SourceStatus::Quarantined => version.extractor_version >= EXTRACTOR_VERSION,
                // A server that failed at some of its calls may answer them the next time.
                SourceStatus::Partial => version.retryable != Some(true),
                SourceStatus::Skipped => self.entries.has_loaded_application(&version),
                SourceStatus::Failed | SourceStatus::Unreachable => false,
            })
    }

    /// The history that an application's rows in the tables come from: the newest that was loaded.
    pub fn loaded(&self, key: &ApplicationKey) -> Option<LedgerEntry> {
        self.entries.loaded(key)
    }

    /// The newest entries of all histories, in no order.
    pub fn entries(&self) -> impl Iterator<Item = LedgerEntry> {
        self.entries.entries()
    }

    /// The newest entries whose status is wanted, in no order.
    pub fn entries_of(
        &self,
        wanted: impl Fn(SourceStatus) -> bool,
    ) -> impl Iterator<Item = LedgerEntry> {
        self.entries.entries_of(wanted)
    }

    /// Number of histories.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has been taken up yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the newest version of a history was loaded without its tasks.
    pub fn lacks_tasks(&self, source_uri: &str) -> bool {
        self.entries.lacks_tasks(source_uri)
    }

    /// Takes note of a record that a batch has committed.
    pub fn note(&mut self, record: &SourceRecord, batch: &Batch) {
        let whole = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
        let key = record.key();
        let days = |date: NaiveDate| {
            i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
        };
        self.entries.insert(&NewEntry {
            source_uri: &record.source_uri,
            fingerprint: &record.fingerprint,
            status: record.status,
            key: key.as_ref().map(|key| {
                [
                    key.platform.as_str(),
                    key.cluster_id.as_str(),
                    key.application_id.as_str(),
                    key.attempt_id.as_str(),
                ]
            }),
            retryable: record.retryable,
            complete: record.complete,
            bytes: whole(record.bytes),
            size_bytes: whole(record.size_bytes),
            modified: record.modified.map(|time| time.timestamp_micros()),
            app_date: record.app_date.and_then(days),
            start_time: record.start_time.map(|time| time.timestamp_micros()),
            ingested_at: batch.started_at.timestamp_micros(),
            seq: Some(batch.seq),
            extractor_version: Some(EXTRACTOR_VERSION),
            has_tasks: record.has_tasks,
        });
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
        let files = live_files(&state, handle.contract())?;
        let rows: usize = files.iter().filter_map(LogicalFileView::num_records).sum();
        let mut ledger = Ledger::default();
        ledger.entries.reserve(rows.min(MOST_EXPECTED));
        let folder = self.folder().map(|folder| folder.join(LEDGER_TABLE));
        let store = handle.log_store().object_store(None);
        let mut sources = stream::iter(files)
            .map(|file| Source::open(&store, folder.as_deref(), file.object_store_path()))
            .buffered(CONCURRENT_FILES);
        while let Some(source) = sources.try_next().await? {
            ledger = blocking(move || {
                source.read(&mut ledger.entries)?;
                Ok(ledger)
            })
            .await?;
        }
        Ok(ledger)
    }
}

/// A file of the ledger. One of this machine is read column by column, any other as a whole.
enum Source {
    Local(String, File),
    Fetched(String, Bytes),
}

impl Source {
    async fn open(
        store: &Arc<dyn ObjectStore>,
        folder: Option<&FilePath>,
        path: Path,
    ) -> Result<Self, LoadError> {
        let name = path.to_string();
        if let Some(folder) = folder
            && let Ok(file) = File::open(folder.join(path.as_ref()))
        {
            return Ok(Self::Local(name, file));
        }
        let bytes = match store.get(&path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        let bytes = bytes.map_err(|source| LoadError::storage("reading", name.as_str(), source))?;
        Ok(Self::Fetched(name, bytes))
    }

    fn read(self, entries: &mut CompactLedger) -> Result<(), LoadError> {
        match self {
            Self::Local(name, file) => read_file(&name, file, entries),
            Self::Fetched(name, bytes) => read_file(&name, bytes, entries),
        }
    }
}

fn read_file<R: ChunkReader + 'static>(
    path: &str,
    content: R,
    entries: &mut CompactLedger,
) -> Result<(), LoadError> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(content).map_err(LoadError::parquet(path))?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), READ_COLUMNS);
    let batches = reader
        .with_batch_size(BATCH_ROWS)
        .with_projection(mask)
        .build()
        .map_err(LoadError::parquet(path))?;
    for batch in batches {
        let batch = batch.map_err(LoadError::arrow(LEDGER_TABLE))?;
        let columns = EntryColumns::of(&batch)?;
        for row in 0..batch.num_rows() {
            if let Some(entry) = columns.entry(row) {
                entries.insert(&entry);
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
    start_time: TimestampMicrosecondArray,
    ingested_at: TimestampMicrosecondArray,
    seq: Int64Array,
    extractor_version: Int64Array,
    has_tasks: BooleanArray,
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
            start_time: time("start_time")?,
            ingested_at: time("ingested_at")?,
            seq: number("seq")?,
            extractor_version: number("extractor_version")?,
            has_tasks: flag("has_tasks")?,
        })
    }

    /// The entry in a row; `None` for one that lacks what makes it an entry.
    fn entry(&self, row: usize) -> Option<NewEntry<'_>> {
        fn text(column: &StringArray, row: usize) -> Option<&str> {
            column.is_valid(row).then(|| column.value(row))
        }
        let number = |column: &Int64Array| column.is_valid(row).then(|| column.value(row));
        let flag = |column: &BooleanArray| column.is_valid(row).then(|| column.value(row));
        let time =
            |column: &TimestampMicrosecondArray| column.is_valid(row).then(|| column.value(row));
        let key = text(&self.application_id, row)
            .zip(text(&self.attempt_id, row))
            .and_then(|(application_id, attempt_id)| {
                let platform = text(&self.platform, row)?;
                let cluster_id = text(&self.cluster_id, row)?;
                Some([platform, cluster_id, application_id, attempt_id])
            });
        Some(NewEntry {
            source_uri: text(&self.source_uri, row)?,
            fingerprint: text(&self.fingerprint, row)?,
            // A status of a newer version is no reason to read the history again.
            status: text(&self.status, row)?
                .parse()
                .unwrap_or(SourceStatus::Skipped),
            key,
            retryable: flag(&self.retryable),
            complete: flag(&self.complete),
            bytes: number(&self.bytes),
            size_bytes: number(&self.size_bytes),
            app_date: self
                .app_date
                .is_valid(row)
                .then(|| self.app_date.value(row)),
            modified: time(&self.modified),
            start_time: time(&self.start_time),
            ingested_at: time(&self.ingested_at)?,
            seq: self.seq.is_valid(row).then(|| self.seq.value(row)),
            extractor_version: number(&self.extractor_version)
                .and_then(|version| u32::try_from(version).ok()),
            has_tasks: flag(&self.has_tasks),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "file:///logs/app-1";

    fn entry(fingerprint: &str, seq: Option<i64>, ingested_at: i64) -> NewEntry<'_> {
        NewEntry {
            source_uri: URI,
            fingerprint,
            status: SourceStatus::Loaded,
            key: None,
            retryable: None,
            complete: Some(true),
            bytes: None,
            size_bytes: None,
            modified: None,
            app_date: None,
            start_time: None,
            ingested_at,
            seq,
            extractor_version: Some(EXTRACTOR_VERSION),
            has_tasks: None,
        }
    }

    #[test]
    fn a_row_that_a_clock_dated_ahead_hides_no_later_one() {
        for first in [entry("1", Some(3), 1_000), entry("1", None, 1_000)] {
            let second = entry("2", Some(4), 0);
            for order in [[&first, &second], [&second, &first]] {
                let mut ledger = Ledger::default();
                for entry in order {
                    ledger.entries.insert(entry);
                }
                assert!(ledger.is_current(URI, "2"));
                assert!(!ledger.is_current(URI, "1"));
            }
        }
    }

    #[test]
    fn what_an_older_version_could_not_read_is_tried_again() {
        let mut ledger = Ledger::default();
        let mut quarantined = entry("1", Some(1), 0);
        quarantined.status = SourceStatus::Quarantined;
        ledger.entries.insert(&quarantined);
        assert!(ledger.is_current(URI, "1"));
        quarantined.extractor_version = None;
        ledger.entries.insert(&quarantined);
        assert!(!ledger.is_current(URI, "1"));
    }
}
