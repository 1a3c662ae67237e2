//! What is left of a table: log entries that can be read, and data files.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use super::super::batch::TRANSACTION_ID;
use super::super::error::LoadError;
use super::super::intent::Intent;
use super::super::lake::Lake;
use super::super::table_records::TableRecord;

/// Commits and batches that no table's log need know.
pub(super) struct Undecided {
    /// Batches that were begun and not decided on.
    pub(super) batches: Vec<String>,
    /// Commits that were decided on and may not be complete.
    pub(super) intents: Vec<Intent>,
}

impl Undecided {
    /// Whether a file of a table belongs to no commit up to the number `seq`.
    fn holds(&self, table: &str, path: &str, seq: i64) -> bool {
        self.batches.iter().any(|id| path.contains(id.as_str()))
            || self.intents.iter().any(|intent| {
                let changes = intent.tables.get(table).into_iter();
                let ledger = (table == super::LEDGER_TABLE).then_some(&intent.ledger);
                intent.seq > seq
                    && changes
                        .chain(ledger)
                        .flat_map(super::super::intent::TableChange::all_adds)
                        .any(|add| add.path == path)
            })
    }
}

/// What is left of a table.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Data files in the folder, with their sizes in bytes.
    pub(super) present: BTreeMap<String, u64>,
    /// Files that are part of the table, as far as the log can be read.
    pub(super) live: BTreeSet<String>,
    /// Files of which it is unknown whether they are part of the table: what can be read of the log
    /// neither adds nor removes them.
    pub(super) unknown: BTreeSet<String>,
    /// Whether log entries are missing or cannot be read.
    pub(super) has_gap: bool,
    /// Number of the newest commit that is known to be in the table.
    pub(super) seq: i64,
}

impl Inventory {
    pub(super) async fn of(
        lake: &Lake,
        table: &str,
        record: Option<TableRecord>,
        undecided: &Undecided,
    ) -> Result<Self, LoadError> {
        let mut log = Log::read(lake, table).await?;
        let has_gap = log.has_gap || record.is_some_and(|record| log.last < Some(record.version));
        let seq = log.seq.max(record.map_or(0, |record| record.seq));
        let present = data_files(lake, table).await?;
        let unknown = present
            .keys()
            .filter(|path| !log.live.contains(*path) && !log.removed.contains(*path))
            .filter(|path| !undecided.holds(table, path, seq))
            .cloned()
            .collect();
        // A commit that will be completed adds its files itself.
        log.live.retain(|path| !undecided.holds(table, path, seq));
        Ok(Self {
            present,
            live: log.live,
            unknown,
            has_gap,
            seq,
        })
    }
}

/// The Parquet files in a table's folder, with their sizes in bytes.
pub(in crate::load) async fn data_files(
    lake: &Lake,
    table: &str,
) -> Result<BTreeMap<String, u64>, LoadError> {
    let store = lake.store();
    let prefix = format!("{table}/");
    let log = format!("{table}/_delta_log/");
    let listed: Vec<(String, u64)> = store
        .list(Some(&Path::from(table)))
        .try_filter_map(|object| {
            let path = object.location.as_ref();
            let name = (path.ends_with(".parquet") && !path.starts_with(&log))
                .then(|| path.strip_prefix(&prefix))
                .flatten();
            std::future::ready(Ok(name.map(|name| (name.to_owned(), object.size))))
        })
        .try_collect()
        .await
        .or_else(|error| match error {
            object_store::Error::NotFound { .. } => Ok(Vec::new()),
            error => Err(LoadError::storage("listing", table, error)),
        })?;
    Ok(listed.into_iter().collect())
}

/// What can be read of a table's log.
#[derive(Debug, Default)]
struct Log {
    live: BTreeSet<String>,
    removed: BTreeSet<String>,
    has_gap: bool,
    /// The newest version of which anything was read.
    last: Option<u64>,
    seq: i64,
}

/// The actions of a log entry that matter here.
#[derive(Debug, Default, Deserialize)]
struct Action {
    add: Option<File>,
    remove: Option<File>,
    txn: Option<Txn>,
}

#[derive(Debug, Deserialize)]
struct File {
    path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    app_id: String,
    version: i64,
}

impl Log {
    async fn read(lake: &Lake, table: &str) -> Result<Self, LoadError> {
        let (entries, checkpoints) = log_files(lake, table).await?;
        let mut log = Self::default();
        for (version, parts) in checkpoints.iter().rev() {
            let mut candidate = Self {
                last: Some(*version),
                ..Self::default()
            };
            if candidate.read_checkpoint(lake, parts).await? {
                log = candidate;
                break;
            }
        }
        let mut next = log.last.map_or(0, |version| version + 1);
        for (version, path) in entries.range(next..) {
            log.has_gap |= *version != next;
            next = version + 1;
            log.has_gap |= !log.read_entry(lake, path).await?;
            log.last = Some(*version);
        }
        log.has_gap |= log.last.is_none();
        Ok(log)
    }

    /// Reads the actions of a log entry. Says whether all of it could be read.
    async fn read_entry(&mut self, lake: &Lake, path: &Path) -> Result<bool, LoadError> {
        let bytes = fetch(lake, path).await?;
        let mut is_whole = !bytes.is_empty();
        for line in bytes.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice::<Action>(line) {
                Ok(action) => self.apply(action),
                Err(_) => is_whole = false,
            }
        }
        Ok(is_whole)
    }

    fn apply(&mut self, action: Action) {
        if let Some(file) = action.add {
            let path = decoded(&file.path);
            self.removed.remove(&path);
            self.live.insert(path);
        }
        if let Some(file) = action.remove {
            let path = decoded(&file.path);
            self.live.remove(&path);
            self.removed.insert(path);
        }
        if let Some(txn) = action.txn
            && txn.app_id == TRANSACTION_ID
        {
            self.seq = self.seq.max(txn.version);
        }
    }

    /// Reads a checkpoint. Says whether it could be read.
    async fn read_checkpoint(&mut self, lake: &Lake, parts: &[Path]) -> Result<bool, LoadError> {
        for part in parts {
            let bytes = fetch(lake, part).await?;
            if self.read_part(bytes).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_part(&mut self, bytes: Bytes) -> Option<()> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).ok()?;
        let wanted = ["add.path", "remove.path", "txn.appId", "txn.version"];
        let mask = ProjectionMask::columns(reader.parquet_schema(), wanted);
        for batch in reader.with_projection(mask).build().ok()? {
            let batch = batch.ok()?;
            let (added, removed) = (text(&batch, "add", "path"), text(&batch, "remove", "path"));
            let (apps, versions) = (
                text(&batch, "txn", "appId"),
                number(&batch, "txn", "version"),
            );
            for row in 0..batch.num_rows() {
                let file = |column: &Option<StringArray>| {
                    let column = column.as_ref().filter(|column| column.is_valid(row))?;
                    let path = column.value(row).to_owned();
                    Some(File { path })
                };
                let txn = apps.as_ref().zip(versions.as_ref());
                let txn = txn
                    .filter(|(app, version)| app.is_valid(row) && version.is_valid(row))
                    .map(|(app, version)| Txn {
                        app_id: app.value(row).to_owned(),
                        version: version.value(row),
                    });
                self.apply(Action {
                    add: file(&added),
                    remove: file(&removed),
                    txn,
                });
            }
        }
        Some(())
    }
}

/// A field of a struct column; rows whose struct is NULL are NULL.
fn field(
    batch: &RecordBatch,
    name: &str,
    field: &str,
    to: &DataType,
) -> Option<arrow::array::ArrayRef> {
    let column = batch.column_by_name(name)?.as_struct_opt()?;
    cast(column.column_by_name(field)?, to).ok()
}

fn text(batch: &RecordBatch, name: &str, of: &str) -> Option<StringArray> {
    let column = field(batch, name, of, &DataType::Utf8)?;
    Some(column.as_string_opt::<i32>()?.clone())
}

fn number(batch: &RecordBatch, name: &str, of: &str) -> Option<Int64Array> {
    let column = field(batch, name, of, &DataType::Int64)?;
    Some(column.as_primitive_opt::<Int64Type>()?.clone())
}

/// Paths in the log are encoded as URLs are.
fn decoded(path: &str) -> String {
    Path::from_url_path(path).map_or_else(|_| path.to_owned(), |path| path.to_string())
}

type LogFiles = (BTreeMap<u64, Path>, BTreeMap<u64, Vec<Path>>);

/// The entries of a log by version, and its checkpoints.
async fn log_files(lake: &Lake, table: &str) -> Result<LogFiles, LoadError> {
    let mut entries = BTreeMap::new();
    let mut checkpoints: BTreeMap<u64, Vec<Path>> = BTreeMap::new();
    for path in lake.list_names(&format!("{table}/_delta_log")).await? {
        let Some((version, rest)) = path.filename().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let Ok(version) = version.parse::<u64>() else {
            continue;
        };
        if rest == "json" {
            entries.insert(version, path);
        } else if rest.starts_with("checkpoint") && rest.ends_with("parquet") {
            checkpoints.entry(version).or_default().push(path);
        }
    }
    Ok((entries, checkpoints))
}

/// The bytes of an object; none where it is gone.
pub(super) async fn fetch(lake: &Lake, path: &Path) -> Result<Bytes, LoadError> {
    let found = match lake.store().get(path).await {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    match found {
        Ok(bytes) => Ok(bytes),
        Err(object_store::Error::NotFound { .. }) => Ok(Bytes::new()),
        Err(error) => Err(LoadError::storage("reading", path.to_string(), error)),
    }
}
