//! The ledger of clusters: which clusters need not be asked again, and from when on the others are.
//!
//! Table `ingest_clusters` has a row for every time a run asked about a cluster, committed together
//! with the cluster's own rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::lake::Lake;
use super::replace::{blocking, live_files};
use super::staging::{Batch, StagedUnit, WriterSettings};
use super::writer::UnitWriter;
use crate::extract::EXTRACTOR_VERSION;
use crate::extract::rows::RowSink;
use crate::schema::{self, BuilderError, TableBuilder};

/// The table.
pub(super) const CLUSTER_LEDGER_TABLE: &str = "ingest_clusters";
/// Files that are fetched at the same time.
const CONCURRENT_FILES: usize = 16;

/// Whether a cluster has to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterStatus {
    /// It has ended, and all that there is of it is in the lake.
    Done,
    /// It is alive.
    Open,
    /// Something failed.
    Failed,
}

impl ClusterStatus {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Failed => "failed",
        }
    }
}

/// A row of the ledger of clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRecord {
    /// Unique name of the cluster.
    pub cluster_uri: String,
    /// Changes when the cluster does.
    pub fingerprint: String,
    /// Column `platform` of its facts.
    pub platform: String,
    /// Column `cluster_id` of its facts.
    pub cluster_id: String,
    /// Column `cluster_name` of its facts.
    pub cluster_name: String,
    /// Whether it has to be asked again.
    pub status: ClusterStatus,
    /// Codes of what failed, each once.
    pub failures: Vec<String>,
    /// Histories that were found.
    pub histories: usize,
    /// Time of its newest mean in `cluster_metrics`.
    pub measured_until: Option<DateTime<Utc>>,
    /// False when tasks were left out.
    pub has_tasks: bool,
}

impl ClusterRecord {
    /// Rows of the ledger, ready to be staged with a batch.
    ///
    /// # Errors
    /// When a row does not fit the table's contract: a bug of this program.
    pub fn rows(
        records: &[Self],
        batch: &Batch,
    ) -> Result<Option<(&'static str, RecordBatch)>, BuilderError> {
        let Some(contract) = schema::table(CLUSTER_LEDGER_TABLE) else {
            return Ok(None);
        };
        let mut builder = TableBuilder::new(contract);
        for record in records {
            record.append(batch, &mut builder);
        }
        if builder.is_empty() {
            return Ok(None);
        }
        Ok(Some((CLUSTER_LEDGER_TABLE, builder.finish()?)))
    }

    /// Stages rows of the ledger as a unit of a batch that has no other.
    pub(super) async fn stage(
        records: &[Self],
        lake: &Lake,
        batch: &Batch,
    ) -> Result<StagedUnit, LoadError> {
        let rows = Self::rows(records, batch).map_err(|error| LoadError::Writer {
            reason: error.to_string(),
        })?;
        let Some((table, rows)) = rows else {
            return Ok(StagedUnit::default());
        };
        let mut writer = UnitWriter::new(lake.staging(WriterSettings::default()), batch, 0);
        blocking(move || {
            writer.begin_history()?;
            writer.write(table, rows).map_err(LoadError::from_sink)?;
            writer.commit_history()?;
            writer.finish()
        })
        .await
    }

    fn append(&self, batch: &Batch, builder: &mut TableBuilder) {
        let mut row = builder.row();
        let measured_until = self.measured_until.map(|time| time.timestamp_millis());
        row.string("cluster_uri", &self.cluster_uri)
            .string("fingerprint", &self.fingerprint)
            .string("platform", &self.platform)
            .string("cluster_id", &self.cluster_id)
            .string("cluster_name", &self.cluster_name)
            .string("status", self.status.as_str())
            .string_array("failures", &self.failures)
            .bigint(
                "histories",
                i64::try_from(self.histories).unwrap_or(i64::MAX),
            )
            .opt_timestamp_ms("measured_until", measured_until)
            .boolean("has_tasks", self.has_tasks)
            .bigint("extractor_version", i64::from(EXTRACTOR_VERSION))
            .bigint("seq", batch.seq)
            .string("run_id", &batch.run_id)
            .timestamp_ms("ingested_at", Utc::now().timestamp_millis());
        row.end();
    }
}

/// What the newest row says of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEntry {
    /// Which state of it.
    pub fingerprint: String,
    /// Whether it need not be asked again.
    pub is_done: bool,
    /// Time of its newest mean in `cluster_metrics`.
    pub measured_until: Option<DateTime<Utc>>,
    /// False when tasks were left out.
    pub has_tasks: bool,
    /// Version of the extraction that read its histories.
    pub extractor_version: u32,
    seq: i64,
}

impl ClusterEntry {
    /// Whether an older version of the extraction read its histories.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.extractor_version < EXTRACTOR_VERSION
    }
}

/// What is known of clusters.
#[derive(Debug, Clone, Default)]
pub struct ClusterLedger(HashMap<String, ClusterEntry>);

impl ClusterLedger {
    /// The newest row of a cluster.
    #[must_use]
    pub fn get(&self, cluster_uri: &str) -> Option<&ClusterEntry> {
        self.0.get(cluster_uri)
    }

    /// Number of clusters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no cluster is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, cluster_uri: String, entry: ClusterEntry) {
        let known = self.0.get(&cluster_uri);
        if known.is_none_or(|known| known.seq <= entry.seq) {
            self.0.insert(cluster_uri, entry);
        }
    }

    fn read(&mut self, path: &str, bytes: Bytes) -> Result<(), LoadError> {
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(LoadError::parquet(path))?;
        for batch in batches {
            let batch = batch.map_err(LoadError::arrow(CLUSTER_LEDGER_TABLE))?;
            self.read_batch(&batch)?;
        }
        Ok(())
    }

    fn read_batch(&mut self, batch: &RecordBatch) -> Result<(), LoadError> {
        let column = |name: &str, data_type: &DataType| {
            let found = batch.column_by_name(name);
            let found = found.ok_or_else(|| LoadError::Damaged {
                path: CLUSTER_LEDGER_TABLE.to_owned(),
                problem: format!("it has no column {name}"),
            })?;
            cast(found, data_type).map_err(LoadError::arrow(CLUSTER_LEDGER_TABLE))
        };
        let uris = column("cluster_uri", &DataType::Utf8)?;
        let fingerprints = column("fingerprint", &DataType::Utf8)?;
        let statuses = column("status", &DataType::Utf8)?;
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let measured = column("measured_until", &time)?;
        let has_tasks = column("has_tasks", &DataType::Boolean)?;
        let versions = column("extractor_version", &DataType::Int64)?;
        let seqs = column("seq", &DataType::Int64)?;
        let measured = measured.as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let measured_until = measured.is_valid(row).then(|| measured.value(row));
            let version = versions.as_primitive::<Int64Type>().value(row);
            let status = statuses.as_string::<i32>().value(row);
            let entry = ClusterEntry {
                fingerprint: fingerprints.as_string::<i32>().value(row).to_owned(),
                is_done: status == ClusterStatus::Done.as_str(),
                measured_until: measured_until.and_then(DateTime::from_timestamp_micros),
                has_tasks: has_tasks.as_boolean().value(row),
                extractor_version: u32::try_from(version).unwrap_or(0),
                seq: seqs.as_primitive::<Int64Type>().value(row),
            };
            self.insert(uris.as_string::<i32>().value(row).to_owned(), entry);
        }
        Ok(())
    }
}

impl Lake {
    /// Reads the ledger of clusters. A lake without the table has an empty one.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn cluster_ledger(&self) -> Result<ClusterLedger, LoadError> {
        let handle = self.handle(CLUSTER_LEDGER_TABLE)?;
        let Some(state) = handle.state_if_there().await? else {
            return Ok(ClusterLedger::default());
        };
        let store = handle.log_store().object_store(None);
        let fetched: Vec<(String, Bytes)> = stream::iter(live_files(&state, handle.contract())?)
            .map(|file| {
                let store = Arc::clone(&store);
                async move {
                    let path = file.object_store_path();
                    let failed = |source| LoadError::storage("reading", path.as_ref(), source);
                    let found = store.get(&path).await.map_err(failed)?;
                    let bytes = found.bytes().await.map_err(failed)?;
                    Ok::<_, LoadError>((path.to_string(), bytes))
                }
            })
            .buffered(CONCURRENT_FILES)
            .try_collect()
            .await?;
        blocking(move || {
            let mut ledger = ClusterLedger::default();
            for (path, bytes) in fetched {
                ledger.read(&path, bytes)?;
            }
            Ok(ledger)
        })
        .await
    }
}
