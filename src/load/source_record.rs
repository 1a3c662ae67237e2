//! What a run writes to the ledger about the histories it took up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use chrono::{DateTime, NaiveDate, Utc};

use super::error::LoadError;
use super::intent::TableChange;
use super::lake::Lake;
use super::ledger::LEDGER_TABLE;
use super::replace::blocking;
use super::staging::{Batch, WriterSettings};
use super::writer::UnitWriter;
use crate::extract::EXTRACTOR_VERSION;
use crate::extract::rows::RowSink;
use crate::model::ApplicationKey;
use crate::schema;

/// Number of the unit that holds ledger rows, out of the way of the workers' units.
const LEDGER_UNIT: u32 = 99_998;

/// How a version of a history fared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
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
    /// A place of histories that could not be looked at; looked at again by every run.
    Unreachable,
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
            Self::Unreachable => "unreachable",
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
            Self::Unreachable,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
        .ok_or_else(|| format!("'{word}' is not a status of a source"))
    }
}

/// A row to be written to the ledger. The columns are described in the table's contract.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
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
    pub duplicate_events: Option<u64>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub duration_ms: Option<u64>,
    pub complete: Option<bool>,
    pub app_date: Option<NaiveDate>,
    pub start_time: Option<DateTime<Utc>>,
    pub has_tasks: Option<bool>,
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
            duplicate_events: None,
            rows: None,
            bytes: None,
            duration_ms: None,
            complete: None,
            app_date: None,
            start_time: None,
            has_tasks: None,
        }
    }

    /// The application it belongs to, when it could be read that far.
    pub fn key(&self) -> Option<ApplicationKey> {
        Some(ApplicationKey {
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
        "duplicate_events" => Some(numbers(sources, |source| source.duplicate_events)),
        "rows" => Some(numbers(sources, |source| source.rows)),
        "bytes" => Some(numbers(sources, |source| source.bytes)),
        "duration_ms" => Some(numbers(sources, |source| source.duration_ms)),
        "complete" => Some(flags(sources, |source| source.complete)),
        "app_date" => Some(dates(sources)),
        "start_time" => Some(times(sources, |source| source.start_time)),
        "batch_id" => Some(texts(sources, |source| {
            source.has_rows().then_some(batch.id.as_str())
        })),
        "run_id" => Some(texts(sources, |_| Some(&batch.run_id))),
        "ingested_at" => Some(times(sources, |_| Some(written_at))),
        "seq" => Some(numbers(sources, |_| u64::try_from(batch.seq).ok())),
        "extractor_version" => Some(numbers(sources, |_| Some(EXTRACTOR_VERSION.into()))),
        "has_tasks" => Some(flags(sources, |source| source.has_tasks)),
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
