//! Compares the ledger with the rows that are in the tables, and makes the two agree.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use chrono::DateTime;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::cluster_ledger::{CLUSTER_LEDGER_TABLE, ClusterRecord, ClusterStatus};
use super::super::error::LoadError;
use super::super::lake::Lake;
use super::super::ledger::LEDGER_TABLE;
use super::super::lock::LakeLock;
use super::super::replace::{blocking, has_applications, live_files};
use super::super::source_record::{SourceRecord, SourceStatus};
use super::{CurrentBatches, Repair, inventory};
use crate::model::ApplicationKey;
use crate::schema::{self, TableKind};

/// The fingerprint of ledger rows that a repair made: no history has it, so each is read again.
const REBUILT: &str = "rebuilt";
/// What the ledger of clusters is read for.
const CLUSTER_COLUMNS: [&str; 8] = [
    "cluster_uri",
    "fingerprint",
    "platform",
    "cluster_id",
    "cluster_name",
    "has_tasks",
    "measured_until",
    "seq",
];
/// What the ledger is read for.
const LEDGER_COLUMNS: [&str; 12] = [
    "source_uri",
    "fingerprint",
    "platform",
    "cluster_id",
    "cluster_name",
    "application_id",
    "attempt_id",
    "status",
    "rows",
    "batch_id",
    "seq",
    "ingested_at",
];

/// A row of the ledger.
#[derive(Debug, Clone)]
struct Row {
    source_uri: String,
    fingerprint: String,
    cluster_name: String,
    rows: Option<i64>,
    batch_id: Option<String>,
    /// Number of the batch that wrote it, where it is known, and when that was.
    age: (Option<i64>, i64),
}

/// The newest rows of the ledger.
#[derive(Debug, Default)]
struct Newest {
    /// Of applications, those that brought rows.
    loaded: HashMap<ApplicationKey, Row>,
}

/// The batch that each application's rows come from, as the ledger says.
pub(super) async fn current_batches(lake: &Lake) -> Result<CurrentBatches, LoadError> {
    let newest = read_ledger(lake).await?;
    let loaded = newest.loaded.into_iter();
    Ok(loaded
        .filter(|(_, row)| row.fingerprint != REBUILT)
        .filter_map(|(key, row)| Some((key, row.batch_id?)))
        .collect())
}

/// Marks histories whose rows are not all there, and enters applications that the ledger does not
/// know. With `judge_all`, all applications are judged again.
pub(super) async fn reconcile(
    lake: &Lake,
    lock: &LakeLock,
    judge_all: bool,
    repair: &mut Repair,
) -> Result<(), LoadError> {
    let newest = read_ledger(lake).await?;
    let counts = count_rows(lake).await?;
    let mut records = Vec::new();
    let mut clusters = BTreeSet::new();
    for (key, row) in &newest.loaded {
        let found = counts.get(key).copied().unwrap_or(0);
        let Some(rows) = row.rows.filter(|_| row.fingerprint != REBUILT) else {
            continue;
        };
        if rows != found {
            clusters.insert((key.platform.clone(), key.cluster_id.clone()));
            let problem = format!(
                "{found} of its {rows} rows are in the tables; the next run loads it again"
            );
            records.push(lost(key, row, problem));
        }
    }
    repair.marked_for_reload = records.len() as u64;
    if counts.keys().any(|key| !newest.loaded.contains_key(key)) {
        let known = |key: &ApplicationKey| newest.loaded.contains_key(key);
        let rebuilt = rebuilt_rows(lake, &counts, known).await?;
        repair.ledger_rows_rebuilt = rebuilt.len() as u64;
        records.extend(rebuilt);
    }
    if !records.is_empty() {
        let batch = lake.begin_batch(lock, &lock.holder().run_id).await?;
        // A cluster that was taken for done is asked again.
        let reopened = reopened(lake, &clusters).await?;
        let staged = ClusterRecord::stage(&reopened, lake, &batch).await?;
        lake.commit(lock, &batch, vec![staged], &[], records)
            .await?;
    }
    if judge_all && !counts.is_empty() {
        let all = counts.into_keys().collect();
        lake.request_analysis(lock, all).await?;
    }
    Ok(())
}

fn lost(key: &ApplicationKey, row: &Row, problem: String) -> SourceRecord {
    let mut record = SourceRecord::new(
        &row.source_uri,
        &row.fingerprint,
        &key.platform,
        &key.cluster_id,
        SourceStatus::Failed,
    );
    record.cluster_name.clone_from(&row.cluster_name);
    record.application_id = Some(key.application_id.clone());
    record.attempt_id = Some(key.attempt_id.clone());
    record.error_kind = Some("rows_lost".to_owned());
    record.error = Some(problem);
    record.retryable = Some(true);
    record
}

/// Records that have these clusters asked again.
async fn reopened(
    lake: &Lake,
    clusters: &BTreeSet<(String, String)>,
) -> Result<Vec<ClusterRecord>, LoadError> {
    let mut newest: HashMap<(String, String), (i64, ClusterRecord)> = HashMap::new();
    scan(lake, CLUSTER_LEDGER_TABLE, &CLUSTER_COLUMNS, |batch| {
        let texts: HashMap<&str, StringArray> = CLUSTER_COLUMNS
            .iter()
            .filter_map(|name| Some((*name, text(batch, name)?)))
            .collect();
        let (seqs, measured) = (number(batch, "seq"), micros(batch, "measured_until"));
        for row in 0..batch.num_rows() {
            let text = |name: &str| value(texts.get(name), row).unwrap_or_default();
            let number = |column: &Option<Int64Array>| {
                let column = column.as_ref().filter(|column| column.is_valid(row))?;
                Some(column.value(row))
            };
            let key = (text("platform"), text("cluster_id"));
            let seq = number(&seqs).unwrap_or(0);
            let is_newer = newest.get(&key).is_none_or(|(known, _)| *known <= seq);
            if is_newer && clusters.contains(&key) {
                let record = ClusterRecord {
                    cluster_uri: text("cluster_uri"),
                    fingerprint: text("fingerprint"),
                    platform: key.0.clone(),
                    cluster_id: key.1.clone(),
                    cluster_name: text("cluster_name"),
                    status: ClusterStatus::Failed,
                    failures: vec!["ROWS_LOST".to_owned()],
                    histories: 0,
                    measured_until: number(&measured).and_then(DateTime::from_timestamp_micros),
                    has_tasks: text("has_tasks") != "false",
                };
                newest.insert(key, (seq, record));
            }
        }
    })
    .await?;
    Ok(newest.into_values().map(|(_, record)| record).collect())
}

/// Ledger rows for applications that are in the tables and that the ledger does not know.
async fn rebuilt_rows(
    lake: &Lake,
    counts: &HashMap<ApplicationKey, i64>,
    known: impl Fn(&ApplicationKey) -> bool,
) -> Result<Vec<SourceRecord>, LoadError> {
    let mut uris: HashMap<ApplicationKey, (String, String)> = HashMap::new();
    let columns = [
        ApplicationKey::COLUMNS.as_slice(),
        &["cluster_name", "source_uri"],
    ]
    .concat();
    scan(lake, "applications", &columns, |batch| {
        let keys = Keys::of(batch);
        let (names, found) = (text(batch, "cluster_name"), text(batch, "source_uri"));
        for row in 0..batch.num_rows() {
            let Some(key) = keys.as_ref().and_then(|keys| keys.key(row)) else {
                continue;
            };
            let name = value(names.as_ref(), row).unwrap_or_default();
            if let Some(uri) = value(found.as_ref(), row) {
                uris.insert(key, (name, uri));
            }
        }
    })
    .await?;
    let unknown = counts.keys().filter(|key| !known(key));
    Ok(unknown
        .map(|key| {
            let (name, uri) = uris.get(key).cloned().unwrap_or_else(|| {
                let uri = format!("unknown:{}/{}", key.application_id, key.attempt_id);
                (key.cluster_id.clone(), uri)
            });
            let mut record = SourceRecord::new(
                uri,
                REBUILT,
                &key.platform,
                &key.cluster_id,
                SourceStatus::Loaded,
            );
            record.cluster_name = name;
            record.application_id = Some(key.application_id.clone());
            record.attempt_id = Some(key.attempt_id.clone());
            record
        })
        .collect())
}

/// Rows of each application in all fact tables.
async fn count_rows(lake: &Lake) -> Result<HashMap<ApplicationKey, i64>, LoadError> {
    let mut counts: HashMap<ApplicationKey, i64> = HashMap::new();
    let facts = schema::tables()
        .iter()
        .filter(|table| table.kind == TableKind::Fact && has_applications(table));
    for table in facts {
        scan(lake, &table.name, &ApplicationKey::COLUMNS, |batch| {
            let Some(keys) = Keys::of(batch) else {
                return;
            };
            let mut row = 0;
            while row < batch.num_rows() {
                let run = keys.run(row);
                if let Some(key) = keys.key(row) {
                    let rows = i64::try_from(run).unwrap_or(i64::MAX);
                    *counts.entry(key).or_default() += rows;
                }
                row += run.max(1);
            }
        })
        .await?;
    }
    Ok(counts)
}

async fn read_ledger(lake: &Lake) -> Result<Newest, LoadError> {
    let mut newest = Newest::default();
    scan(lake, LEDGER_TABLE, &LEDGER_COLUMNS, |batch| {
        let columns = LedgerColumns::of(batch);
        for row in 0..batch.num_rows() {
            columns.enter(row, &mut newest);
        }
    })
    .await?;
    Ok(newest)
}

struct LedgerColumns {
    texts: HashMap<&'static str, StringArray>,
    rows: Option<Int64Array>,
    seq: Option<Int64Array>,
    ingested_at: Option<Int64Array>,
}

impl LedgerColumns {
    fn of(batch: &RecordBatch) -> Self {
        let texts = LEDGER_COLUMNS
            .iter()
            .filter(|name| !["rows", "seq", "ingested_at"].contains(*name))
            .filter_map(|name| Some((*name, text(batch, name)?)))
            .collect();
        Self {
            texts,
            rows: number(batch, "rows"),
            seq: number(batch, "seq"),
            ingested_at: micros(batch, "ingested_at"),
        }
    }

    fn enter(&self, row: usize, newest: &mut Newest) {
        let text = |name: &str| value(self.texts.get(name), row);
        let number = |column: &Option<Int64Array>| {
            let column = column.as_ref().filter(|column| column.is_valid(row))?;
            Some(column.value(row))
        };
        let (Some(source_uri), Some(fingerprint)) = (text("source_uri"), text("fingerprint"))
        else {
            return;
        };
        let platform = text("platform").unwrap_or_default();
        let cluster_id = text("cluster_id").unwrap_or_default();
        let entry = Row {
            source_uri,
            fingerprint,
            cluster_name: text("cluster_name").unwrap_or_default(),
            rows: number(&self.rows),
            batch_id: text("batch_id"),
            age: (number(&self.seq), number(&self.ingested_at).unwrap_or(0)),
        };
        let status = text("status").unwrap_or_default();
        let has_rows = status.parse().is_ok_and(SourceStatus::has_rows);
        if let (true, Some(application_id), Some(attempt_id)) =
            (has_rows, text("application_id"), text("attempt_id"))
        {
            let key = ApplicationKey {
                platform,
                cluster_id,
                application_id,
                attempt_id,
            };
            keep_newer(&mut newest.loaded, key, entry);
        }
    }
}

fn keep_newer<K: Eq + std::hash::Hash>(entries: &mut HashMap<K, Row>, key: K, entry: Row) {
    let known = entries.get(&key);
    if known.is_none_or(|known| known.age <= entry.age) {
        entries.insert(key, entry);
    }
}

/// The columns of [`ApplicationKey`].
struct Keys([StringArray; 4]);

impl Keys {
    fn of(batch: &RecordBatch) -> Option<Self> {
        let [platform, cluster, application, attempt] =
            ApplicationKey::COLUMNS.map(|name| text(batch, name));
        Some(Self([platform?, cluster?, application?, attempt?]))
    }

    fn key(&self, row: usize) -> Option<ApplicationKey> {
        let [platform, cluster, application, attempt] = &self.0;
        Some(ApplicationKey {
            platform: value(Some(platform), row)?,
            cluster_id: value(Some(cluster), row)?,
            application_id: value(Some(application), row)?,
            attempt_id: value(Some(attempt), row)?,
        })
    }

    /// Number of rows from this one on that have its key.
    fn run(&self, first: usize) -> usize {
        let rows = self.0.first().map_or(0, StringArray::len);
        let same = |row: &usize| {
            self.0.iter().all(|column| {
                column.is_valid(first) == column.is_valid(*row)
                    && column.value(first) == column.value(*row)
            })
        };
        (first..rows).take_while(same).count()
    }
}

fn text(batch: &RecordBatch, name: &str) -> Option<StringArray> {
    let column = cast(batch.column_by_name(name)?, &DataType::Utf8).ok()?;
    Some(column.as_string_opt::<i32>()?.clone())
}

fn number(batch: &RecordBatch, name: &str) -> Option<Int64Array> {
    let column = cast(batch.column_by_name(name)?, &DataType::Int64).ok()?;
    Some(column.as_primitive_opt::<Int64Type>()?.clone())
}

/// A time as microseconds since 1970.
fn micros(batch: &RecordBatch, name: &str) -> Option<Int64Array> {
    let unit = arrow::datatypes::TimeUnit::Microsecond;
    let kind = DataType::Timestamp(unit, Some("UTC".into()));
    let column = cast(batch.column_by_name(name)?, &kind).ok()?;
    let times = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(times.reinterpret_cast::<Int64Type>())
}

fn value(column: Option<&StringArray>, row: usize) -> Option<String> {
    let column = column.filter(|column| column.is_valid(row))?;
    Some(column.value(row).to_owned())
}

/// Reads some columns of a table, file by file.
async fn scan(
    lake: &Lake,
    table: &str,
    columns: &[&str],
    mut each: impl FnMut(&RecordBatch),
) -> Result<(), LoadError> {
    let handle = lake.handle(table)?;
    let Some(state) = handle.state_if_there().await? else {
        return Ok(());
    };
    for file in live_files(&state, handle.contract())? {
        let path = Path::from(format!("{table}/{}", file.path()));
        let bytes = inventory::fetch(lake, &path).await?;
        let wanted: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let name = table.to_owned();
        let batches = blocking(move || {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
                .map_err(LoadError::parquet(path.as_ref()))?;
            let names = wanted.iter().map(String::as_str);
            let mask = ProjectionMask::columns(reader.parquet_schema(), names);
            let batches = reader
                .with_batch_size(8192)
                .with_projection(mask)
                .build()
                .map_err(LoadError::parquet(path.as_ref()))?;
            batches
                .map(|batch| batch.map_err(LoadError::arrow(&name)))
                .collect::<Result<Vec<RecordBatch>, LoadError>>()
        })
        .await?;
        batches.iter().for_each(&mut each);
    }
    Ok(())
}
