//! What goes from the coordinator to a worker and back: where to stage files, and which were
//! staged. Results are plain data, so that a worker may one day be another machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deltalake::kernel::Add;
use object_store::ObjectStore;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::upload::Uploads;
use crate::redact::Redactor;

/// Limits of a [`super::writer::UnitWriter`].
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Threads that encode Parquet beside the thread that hands rows over.
    pub encoder_threads: usize,
    /// Size at which a data file is closed and the next begun, in bytes.
    pub target_file_bytes: usize,
    /// Rows of one history are held back until it succeeds, up to this many bytes of memory;
    /// a larger history is encoded while it is read.
    pub hold_back_bytes: usize,
    /// Memory of rows that wait for an encoder, in bytes.
    pub queue_bytes: usize,
    /// Memory of the open row groups of one encoder, in bytes; the largest is written out beyond it.
    pub row_group_memory_bytes: usize,
}

impl Default for WriterSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            encoder_threads: cores.clamp(1, 2),
            target_file_bytes: 128 << 20,
            hold_back_bytes: 32 << 20,
            queue_bytes: 24 << 20,
            row_group_memory_bytes: 32 << 20,
        }
    }
}

/// Where a worker stages its files: an object store rooted at the lake, and the runtime that does
/// the uploads.
#[derive(Debug, Clone)]
pub struct Staging {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) runtime: Handle,
    pub(super) settings: WriterSettings,
    /// Masks secrets in all rows.
    pub(super) redactor: Arc<Redactor>,
}

/// A set of rows that becomes visible in one step per table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Unique and in the order of time as text; the names of all its files carry it.
    pub id: String,
    /// Strictly increasing number, recorded in every table that the batch touches.
    pub seq: i64,
    /// Id of the run that began it.
    pub run_id: String,
    /// When it began; the `ingested_at` of its rows.
    pub started_at: DateTime<Utc>,
}

/// A data file that is written and not yet part of its table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StagedAdd {
    /// The Delta action that makes it part of the table.
    pub add: Add,
    /// Its rows.
    pub rows: u64,
}

/// The result of one unit of work: files by table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StagedUnit {
    /// Files by table.
    pub tables: BTreeMap<String, Vec<StagedAdd>>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
}

impl Batch {
    /// How the names of all files of one of its units begin.
    #[must_use]
    pub fn file_prefix(&self, unit: u32) -> String {
        format!("part-{}-{unit:05}-", self.id)
    }
}

impl Staging {
    /// Removes staged files that nobody wants, in the background.
    pub fn discard(&self, unwanted: &StagedUnit) {
        let tables = unwanted.tables.iter();
        let paths = tables.flat_map(|(table, files)| {
            let of_file = move |file: &StagedAdd| Path::from(format!("{table}/{}", file.add.path));
            files.iter().map(of_file)
        });
        Uploads::new(self.runtime.clone()).discard(&self.store, paths.collect());
    }
}

impl StagedUnit {
    /// Rows of all tables.
    #[must_use]
    pub fn total_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Size of all staged files in bytes.
    pub fn bytes(&self) -> u64 {
        let files = self.tables.values().flatten();
        files
            .map(|file| u64::try_from(file.add.size).unwrap_or(0))
            .sum()
    }

    /// Adds another unit's files to this one's.
    pub(super) fn absorb(&mut self, other: Self) {
        for (table, files) in other.tables {
            self.tables.entry(table).or_default().extend(files);
        }
        for (table, rows) in other.rows {
            *self.rows.entry(table).or_default() += rows;
        }
    }
}
