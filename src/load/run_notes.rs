//! Notes of runs: what a run writes down about itself before it has a row in table `runs`.
//!
//! A run begins with a note and ends with a row. A run that is killed leaves its note, and one that
//! could not take the lock or write its row leaves a note that says how it ended; the next run makes
//! rows of them.

use std::collections::HashSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LoadError;
use super::lake::{Lake, layout};
use super::replace::{blocking, live_files};

/// The table.
const RUNS_TABLE: &str = "runs";

impl Lake {
    /// Writes or replaces the note of a run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note_run<T: Serialize>(&self, run_id: &str, note: &T) -> Result<(), LoadError> {
        let path = note_path(run_id);
        self.write_json(path.as_ref(), note, PutMode::Overwrite)
            .await
    }

    /// All notes, the oldest run first. One that is damaged is passed over and removed.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn run_notes<T: DeserializeOwned>(&self) -> Result<Vec<T>, LoadError> {
        let mut notes = Vec::new();
        for path in self.list_names(layout::RUNS).await? {
            match self.read_json(path.as_ref()).await {
                Ok(note) => notes.extend(note),
                Err(LoadError::Damaged {
                    path: name,
                    problem,
                }) => {
                    tracing::warn!(name, problem, "the note of a run is damaged");
                    self.delete(&path).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(notes)
    }

    /// Removes the note of a run.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn forget_run(&self, run_id: &str) -> Result<(), LoadError> {
        self.delete(&note_path(run_id)).await
    }

    /// Which of these runs have a row in table `runs`.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn recorded_runs(&self, run_ids: &[String]) -> Result<HashSet<String>, LoadError> {
        let handle = self.handle(RUNS_TABLE)?;
        let mut recorded = HashSet::new();
        let Some(state) = handle.state_if_there().await? else {
            return Ok(recorded);
        };
        let store = handle.log_store().object_store(None);
        for file in live_files(&state, handle.contract())? {
            let path = file.object_store_path();
            let failed = |source| LoadError::storage("reading", path.as_ref(), source);
            let found = store.get(&path).await.map_err(failed)?;
            let bytes = found.bytes().await.map_err(failed)?;
            let name = path.to_string();
            let ids = blocking(move || run_ids_in(&name, bytes)).await?;
            recorded.extend(ids.into_iter().filter(|id| run_ids.contains(id)));
        }
        Ok(recorded)
    }
}

fn run_ids_in(path: &str, bytes: bytes::Bytes) -> Result<Vec<String>, LoadError> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(LoadError::parquet(path))?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), ["run_id"]);
    let batches = reader
        .with_projection(mask)
        .build()
        .map_err(LoadError::parquet(path))?;
    let mut ids = Vec::new();
    for batch in batches {
        let batch = batch.map_err(LoadError::arrow(RUNS_TABLE))?;
        let Some(column) = batch.column_by_name("run_id") else {
            continue;
        };
        let column = cast(column, &DataType::Utf8).map_err(LoadError::arrow(RUNS_TABLE))?;
        let column = column.as_string::<i32>();
        ids.extend(column.iter().flatten().map(str::to_owned));
    }
    Ok(ids)
}

fn note_path(run_id: &str) -> Path {
    Path::from(format!("{}/{run_id}.json", layout::RUNS))
}
