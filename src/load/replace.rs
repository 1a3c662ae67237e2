//! Takes rows out of a table: finds the files that hold them, and rewrites what must stay.
//!
//! Delta has two other ways, deletion vectors and MERGE. The first needs readers of a newer
//! protocol than we promise; the second joins the whole table. Here only the files are read whose
//! statistics allow the applications in question, nearly always few and of one day.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use bytes::Bytes;
use chrono::NaiveDate;
use deltalake::kernel::LogicalFileView;
use deltalake::table::state::DeltaTableState;
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use super::error::LoadError;
use super::intent::{Replace, TableChange};
use super::lake::Lake;
use super::staging::{Batch, StagedAdd, WriterSettings};
use super::table_state::TableHandle;
use super::writer::UnitWriter;
use crate::extract::rows::RowSink;
use crate::model::{ApplicationKey, TextKey};
use crate::schema::Table;

/// Number of the unit that holds survivors, out of the way of the workers' units.
pub(super) const SURVIVOR_UNIT: u32 = 99_999;

/// Whether rows of this table belong to applications.
pub(super) fn has_applications(table: &Table) -> bool {
    ApplicationKey::COLUMNS
        .iter()
        .all(|name| table.column(name).is_some())
}

/// Fills a change with what has to leave the table, as it is now.
pub(super) async fn plan(
    lake: &Lake,
    handle: &TableHandle,
    batch: &Batch,
    replace: &Replace,
    change: &mut TableChange,
) -> Result<(), LoadError> {
    change.removes.clear();
    change.survivors.clear();
    let state = match replace {
        Replace::Nothing => return Ok(()),
        Replace::Applications(_) if !has_applications(handle.contract()) => return Ok(()),
        _ => handle.state_or_create().await?,
    };
    match replace {
        Replace::Nothing => {}
        Replace::Everything => {
            let files = live_files(&state, handle.contract())?;
            change.removes = files.iter().map(|file| file.remove_action(true)).collect();
        }
        Replace::Dates(dates) => {
            change.removes = live_files(&state, handle.contract())?
                .iter()
                .filter(|file| partition_date(file).is_some_and(|date| dates.contains(&date)))
                .map(|file| file.remove_action(true))
                .collect();
        }
        Replace::Applications(keys) => {
            let candidates: Vec<LogicalFileView> = live_files(&state, handle.contract())?
                .into_iter()
                .filter(|file| may_hold(file.stats().as_deref(), keys))
                .collect();
            let going = Going::Applications(keys.iter().cloned().collect());
            rewrite(lake, handle, batch, going, candidates, change).await?;
        }
        Replace::Rows(selection) => {
            let dates = selection.dates.as_ref();
            let candidates: Vec<LogicalFileView> = live_files(&state, handle.contract())?
                .into_iter()
                .filter(|file| match (partition_date(file), dates) {
                    (Some(date), Some(dates)) => dates.contains(&date),
                    _ => true,
                })
                .collect();
            let going = Going::Rows {
                columns: selection.columns.clone(),
                rows: selection.rows.iter().cloned().collect(),
            };
            rewrite(lake, handle, batch, going, candidates, change).await?;
        }
    }
    Ok(())
}

/// Which rows leave.
enum Going {
    Applications(HashSet<ApplicationKey>),
    Rows {
        columns: Vec<String>,
        rows: HashSet<TextKey>,
    },
}

impl Going {
    /// The columns that decide it.
    fn columns(&self) -> Vec<&str> {
        match self {
            Self::Applications(_) => ApplicationKey::COLUMNS.to_vec(),
            Self::Rows { columns, .. } => columns.iter().map(String::as_str).collect(),
        }
    }
}

/// The table's files as of a snapshot.
pub(super) fn live_files(
    state: &DeltaTableState,
    table: &Table,
) -> Result<Vec<LogicalFileView>, LoadError> {
    let files = state
        .snapshot()
        .try_log_data()
        .map_err(|source| LoadError::delta("reading the log of", &table.name, source))?;
    Ok(files.iter().collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileStats {
    #[serde(default)]
    min_values: ApplicationBound,
    #[serde(default)]
    max_values: ApplicationBound,
}

#[derive(Default, Deserialize)]
struct ApplicationBound {
    application_id: Option<String>,
}

/// Whether a file may hold rows of one of the applications, by its statistics.
fn may_hold(stats: Option<&str>, keys: &BTreeSet<ApplicationKey>) -> bool {
    let Some(stats) = stats.and_then(|json| serde_json::from_str::<FileStats>(json).ok()) else {
        return true;
    };
    match (
        stats.min_values.application_id,
        stats.max_values.application_id,
    ) {
        (Some(low), Some(high)) => keys
            .iter()
            .any(|key| (low.as_str()..=high.as_str()).contains(&key.application_id.as_str())),
        _ => true,
    }
}

fn partition_date(file: &LogicalFileView) -> Option<NaiveDate> {
    let values = file.partition_values_map();
    values.get("app_date")?.as_deref()?.parse().ok()
}

/// Reads the candidates one after the other and stages what stays of them.
async fn rewrite(
    lake: &Lake,
    handle: &TableHandle,
    batch: &Batch,
    going: Going,
    candidates: Vec<LogicalFileView>,
    change: &mut TableChange,
) -> Result<(), LoadError> {
    if candidates.is_empty() {
        return Ok(());
    }
    let settings = WriterSettings {
        encoder_threads: 1,
        hold_back_bytes: 0,
        ..WriterSettings::default()
    };
    let mut writer = UnitWriter::for_survivors(lake.staging(settings), batch, SURVIVOR_UNIT);
    writer.begin_history()?;
    let going = Arc::new(going);
    let store = handle.log_store().object_store(None);
    for file in candidates {
        let path = file.object_store_path();
        let bytes = match store.get(&path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        }
        .map_err(|source| LoadError::storage("reading", path.to_string(), source))?;
        let source = SourceFile {
            table: handle.contract(),
            path: path.to_string(),
            date: partition_date(&file),
            bytes,
        };
        let going = Arc::clone(&going);
        let (returned, removed) = blocking(move || {
            let removed = source.pass_survivors(&going, &mut writer)?;
            Ok((writer, removed))
        })
        .await?;
        writer = returned;
        if removed {
            change.removes.push(file.remove_action(true));
        }
    }
    let staged = blocking(move || {
        writer.commit_history()?;
        writer.finish()
    })
    .await?;
    change.survivors = staged
        .tables
        .into_values()
        .flatten()
        .collect::<Vec<StagedAdd>>();
    Ok(())
}

/// Runs work that computes or waits on a thread where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(LoadError::Writer {
                reason: format!("a thread of the loader ended early: {error}"),
            })
        })
}

struct SourceFile {
    table: &'static Table,
    path: String,
    date: Option<NaiveDate>,
    bytes: Bytes,
}

impl SourceFile {
    /// Hands the rows that stay to the writer, unless all rows stay. Says whether any go.
    fn pass_survivors(&self, going: &Going, writer: &mut UnitWriter) -> Result<bool, LoadError> {
        let (leaving, total) = self.count(going)?;
        if leaving == 0 || leaving == total {
            return Ok(leaving > 0);
        }
        for batch in self.batches(&ProjectionMask::all())? {
            let batch = batch?;
            let stays = self.stays(&batch, going)?;
            let survivors =
                filter_record_batch(&batch, &stays).map_err(LoadError::arrow(&self.table.name))?;
            let survivors = with_date(self.table, &self.path, self.date, survivors)?;
            let written = writer.write(self.table.name.as_str(), survivors);
            written.map_err(LoadError::from_sink)?;
        }
        Ok(true)
    }

    /// Rows that go, and all rows.
    fn count(&self, going: &Going) -> Result<(usize, usize), LoadError> {
        let schema = self.reader()?.parquet_schema().clone();
        let mask = ProjectionMask::columns(&schema, going.columns());
        let mut leaving = 0;
        let mut total = 0;
        for batch in self.batches(&mask)? {
            let batch = batch?;
            let stays = self.stays(&batch, going)?;
            leaving += stays.len() - stays.true_count();
            total += batch.num_rows();
        }
        Ok((leaving, total))
    }

    fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, LoadError> {
        ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone())
            .map_err(LoadError::parquet(&self.path))
    }

    fn batches(
        &self,
        mask: &ProjectionMask,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LoadError>>, LoadError> {
        let reader = self
            .reader()?
            .with_batch_size(8192)
            .with_projection(mask.clone())
            .build()
            .map_err(LoadError::parquet(&self.path))?;
        Ok(reader.map(|batch| batch.map_err(LoadError::arrow(&self.table.name))))
    }

    fn stays(&self, batch: &RecordBatch, going: &Going) -> Result<BooleanArray, LoadError> {
        match going {
            Going::Applications(keys) => self.other_applications(batch, keys),
            Going::Rows { columns, rows } => self.other_rows(batch, columns, rows),
        }
    }

    fn other_rows(
        &self,
        batch: &RecordBatch,
        columns: &[String],
        going: &HashSet<TextKey>,
    ) -> Result<BooleanArray, LoadError> {
        let values = columns
            .iter()
            .map(|name| match (batch.column_by_name(name), self.date) {
                // The partition column is not in the file.
                (None, Some(date)) if self.table.partition_by.contains(name) => {
                    let text = date.to_string();
                    let texts = std::iter::repeat_n(text, batch.num_rows());
                    Ok(StringArray::from_iter_values(texts))
                }
                _ => self.text(batch, name),
            })
            .collect::<Result<Vec<StringArray>, LoadError>>()?;
        let value = |array: &StringArray, row: usize| {
            let is_there = array.is_valid(row);
            is_there.then(|| array.value(row).to_owned())
        };
        let rows = (0..batch.num_rows()).map(|row| {
            let key: TextKey = values.iter().map(|array| value(array, row)).collect();
            Some(!going.contains(&key))
        });
        Ok(rows.collect())
    }

    fn other_applications(
        &self,
        batch: &RecordBatch,
        keys: &HashSet<ApplicationKey>,
    ) -> Result<BooleanArray, LoadError> {
        let [platform, cluster, application, attempt] =
            ApplicationKey::COLUMNS.map(|name| self.text(batch, name));
        let (platform, cluster) = (platform?, cluster?);
        let (application, attempt) = (application?, attempt?);
        let mut known: BTreeMap<(&str, &str, &str, &str), bool> = BTreeMap::new();
        let rows = (0..batch.num_rows()).map(|row| {
            if [&platform, &cluster, &application, &attempt]
                .iter()
                .any(|key| key.is_null(row))
            {
                return Some(true);
            }
            let name = (
                platform.value(row),
                cluster.value(row),
                application.value(row),
                attempt.value(row),
            );
            let goes = known.entry(name).or_insert_with(|| {
                keys.contains(&ApplicationKey {
                    platform: name.0.to_owned(),
                    cluster_id: name.1.to_owned(),
                    application_id: name.2.to_owned(),
                    attempt_id: name.3.to_owned(),
                })
            });
            Some(!*goes)
        });
        Ok(rows.collect())
    }

    /// A key column as plain text, however another writer encoded it.
    fn text(&self, batch: &RecordBatch, name: &str) -> Result<StringArray, LoadError> {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| LoadError::Damaged {
                path: self.path.clone(),
                problem: format!("it has no column {name}"),
            })?;
        let column = cast(column, &DataType::Utf8).map_err(LoadError::arrow(&self.table.name))?;
        Ok(column.as_string::<i32>().clone())
    }
}

/// The partition column is not in the file; the writer wants it on every row.
pub(super) fn with_date(
    table: &Table,
    path: &str,
    date: Option<NaiveDate>,
    batch: RecordBatch,
) -> Result<RecordBatch, LoadError> {
    let Some(date) = date else {
        return Ok(batch);
    };
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    let days = i32::try_from(days).map_err(|_| LoadError::Damaged {
        path: path.to_owned(),
        problem: format!("its partition {date} is out of range"),
    })?;
    let dates: ArrayRef = Arc::new(Date32Array::from_value(days, batch.num_rows()));
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(batch.columns().iter().cloned())
        .chain(std::iter::once(("app_date".to_owned(), dates)));
    RecordBatch::try_from_iter(columns).map_err(LoadError::arrow(&table.name))
}
