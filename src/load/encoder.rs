//! The threads that turn record batches into Parquet files.
//!
//! Each thread owns its files: one open file for every table, partition and lane (see
//! [`super::writer`] for lanes). Rows wait in a queue that is bounded by their memory, so the
//! thread that reads a log runs ahead of the encoders only so far.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use crossbeam_channel::Receiver;
use deltalake::kernel::Add;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use super::error::LoadError;
use super::parquet_settings::{self, FileSize};
use super::staging::{StagedAdd, Staging};
use super::stats;
use super::upload::{FileBuffer, Uploads};
use crate::schema::Table;

/// Columns of all open files of one encoder. Each column has buffers of its own, so it is columns
/// and not files that take memory; a unit that spans more partitions closes the file that was not
/// used for longest. Histories come in the order of their dates, so that file is complete.
const MAX_OPEN_COLUMNS: usize = 4096;

/// Encoding a batch costs something for each column, however few its rows: small batches are put
/// together until they have this many rows,
const ROWS_AT_ONCE: usize = 2048;
/// or this many bytes.
const BYTES_AT_ONCE: usize = 2 << 20;

/// A group of files that is kept or dropped as a whole.
pub(super) type Lane = u32;

/// Work for an encoder.
pub(super) enum Job {
    /// Encode rows of one partition.
    Rows(Rows),
    /// Drop everything of a lane, written or not.
    DropLane(Lane),
    /// Complete all files.
    Finish,
}

/// Rows of one table and partition, and the memory that they are charged for.
pub(super) struct Rows {
    pub(super) lane: Lane,
    pub(super) table: &'static Table,
    /// Days since 1970-01-01; `None` where the table has no partitions.
    pub(super) app_date: Option<i32>,
    pub(super) batch: RecordBatch,
    pub(super) permit: Permit,
}

/// Bounds the memory of rows in queues.
pub(super) struct MemoryBudget {
    limit: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

impl MemoryBudget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: Mutex::new(0),
            freed: Condvar::new(),
        })
    }

    /// Waits until `bytes` fit. More than the whole budget is let in alone.
    pub(super) fn acquire(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && *used + bytes > self.limit {
            used = self
                .freed
                .wait(used)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Permit {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

/// Memory taken from a [`MemoryBudget`], given back on drop.
pub(super) struct Permit {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Permit {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut used = self
            .budget
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.bytes);
        self.budget.freed.notify_all();
    }
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct FileKey {
    lane: Lane,
    table: &'static str,
    app_date: Option<i32>,
}

struct OpenFile {
    format: Arc<TableFormat>,
    schema: SchemaRef,
    /// Opened with the first rows that are encoded: a file that is complete before is a small one.
    writer: Option<ArrowWriter<FileBuffer>>,
    /// The path without its ending, which says how the file is compressed.
    stem: String,
    columns: usize,
    rows: u64,
    last_used: u64,
    /// Small batches that wait to be encoded together.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    /// Memory of its open row group and of what waits, in bytes, as of the last write.
    memory: usize,
}

impl OpenFile {
    fn add(
        &mut self,
        batch: RecordBatch,
        bytes: usize,
        staging: &Staging,
    ) -> Result<(), LoadError> {
        self.rows += batch.num_rows() as u64;
        self.waiting_rows += batch.num_rows();
        self.waiting_bytes += bytes;
        self.waiting.push(batch);
        if self.waiting_rows >= ROWS_AT_ONCE || self.waiting_bytes >= BYTES_AT_ONCE {
            self.encode(staging, FileSize::Large)?;
        }
        self.memory = self.writer.as_ref().map_or(0, ArrowWriter::memory_size) + self.waiting_bytes;
        Ok(())
    }

    /// Encodes what waits. `size` counts where these are the file's first rows.
    fn encode(&mut self, staging: &Staging, size: FileSize) -> Result<(), LoadError> {
        let batches = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        self.waiting_bytes = 0;
        if batches.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(self.open(staging, size)?),
        };
        let written = match batches.as_slice() {
            [] => Ok(()),
            [batch] => writer.write(batch),
            [first, ..] => concat_batches(first.schema_ref(), &batches)
                .map_err(ParquetError::from)
                .and_then(|batch| writer.write(&batch)),
        };
        written.map_err(LoadError::parquet(&self.stem))
    }

    fn open(
        &self,
        staging: &Staging,
        size: FileSize,
    ) -> Result<ArrowWriter<FileBuffer>, LoadError> {
        let path = Path::from(format!("{}.{}.parquet", self.stem, size.codec()));
        let buffer = FileBuffer::new(Arc::clone(&staging.store), staging.runtime.clone(), path);
        let options = self.format.options(size).clone();
        ArrowWriter::try_new_with_options(buffer, Arc::clone(&self.schema), options)
            .map_err(LoadError::parquet(&self.stem))
    }

    /// Encodes what waits, and gives the file to be finished.
    fn into_writer(mut self, staging: &Staging) -> Result<ArrowWriter<FileBuffer>, LoadError> {
        self.encode(staging, FileSize::Small)?;
        match self.writer.take() {
            Some(writer) => Ok(writer),
            None => self.open(staging, FileSize::Small),
        }
    }

    /// Encodes what waits and ends the row group.
    fn flush(&mut self, staging: &Staging) -> Result<(), LoadError> {
        self.encode(staging, FileSize::Large)?;
        let flushed = self.writer.as_mut().map_or(Ok(()), ArrowWriter::flush);
        flushed.map_err(LoadError::parquet(&self.stem))
    }

    /// Size of the file so far, in bytes; what waits counts with its memory.
    fn size(&self) -> usize {
        let written = self.writer.as_ref().map_or(0, |writer| {
            writer.bytes_written() + writer.in_progress_size()
        });
        written + self.waiting_bytes
    }
}

/// What is the same for all files of a table.
struct TableFormat {
    large: ArrowWriterOptions,
    small: ArrowWriterOptions,
    stats_columns: HashSet<String>,
}

impl TableFormat {
    fn options(&self, size: FileSize) -> &ArrowWriterOptions {
        match size {
            FileSize::Large => &self.large,
            FileSize::Small => &self.small,
        }
    }
}

/// A finished file.
pub(super) struct Staged {
    lane: Lane,
    table: &'static str,
    path: Path,
    file: StagedAdd,
}

/// One encoder thread's state.
pub(super) struct Encoder {
    staging: Staging,
    /// Begins the names of this encoder's files; unique in the lake.
    prefix: String,
    formats: HashMap<&'static str, Arc<TableFormat>>,
    open: HashMap<FileKey, OpenFile>,
    staged: Vec<Staged>,
    uploads: Uploads,
    /// Memory of all open row groups in bytes.
    memory: usize,
    /// Columns of all open files.
    columns: usize,
    /// Counts writes, to find the file that was not used for longest.
    clock: u64,
    files: u32,
}

impl Encoder {
    pub(super) fn new(staging: Staging, prefix: String) -> Self {
        Self {
            uploads: Uploads::new(staging.runtime.clone()),
            staging,
            prefix,
            formats: HashMap::new(),
            open: HashMap::new(),
            staged: Vec::new(),
            memory: 0,
            columns: 0,
            clock: 0,
            files: 0,
        }
    }

    /// Works until told to finish. When the other side goes away without that word, the unit is
    /// abandoned and its files are removed.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) -> Result<Vec<Staged>, LoadError> {
        let outcome = self.work(jobs);
        if !matches!(outcome, Ok(true)) {
            self.discard(|_| true);
        }
        outcome.map(|_| self.staged)
    }

    fn work(&mut self, jobs: &Receiver<Job>) -> Result<bool, LoadError> {
        for job in jobs {
            match job {
                Job::Rows(rows) => self.encode(rows)?,
                Job::DropLane(lane) => self.discard(|candidate| candidate == lane),
                Job::Finish => {
                    let mut keys: Vec<FileKey> = self.open.keys().cloned().collect();
                    // The order of files in a table must not depend on how a map hashes.
                    keys.sort_unstable();
                    for key in keys {
                        self.close(&key)?;
                    }
                    self.uploads.wait()?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn encode(&mut self, rows: Rows) -> Result<(), LoadError> {
        let Rows {
            lane,
            table,
            app_date,
            batch,
            permit,
        } = rows;
        let key = FileKey {
            lane,
            table: table.name.as_str(),
            app_date,
        };
        // Here, on a thread of the encoder, everything that reaches a file passes: its statistics
        // are made from what is written.
        let batch = self
            .staging
            .redactor
            .batch(batch)
            .map_err(LoadError::arrow(&table.name))?;
        self.clock += 1;
        if !self.open.contains_key(&key) {
            self.make_room(batch.num_columns())?;
            let file = self.create(table, &key, batch.schema());
            self.columns += file.columns;
            self.open.insert(key.clone(), file);
        }
        if let Some(file) = self.open.get_mut(&key) {
            file.last_used = self.clock;
            self.memory = self.memory.saturating_sub(file.memory);
            file.add(batch, permit.bytes(), &self.staging)?;
            self.memory += file.memory;
            if file.size() >= self.staging.settings.target_file_bytes {
                self.close(&key)?;
            }
        }
        drop(permit);
        self.bound_memory()
    }

    fn create(&mut self, table: &'static Table, key: &FileKey, schema: SchemaRef) -> OpenFile {
        self.files += 1;
        let name = format!("{}-{:05}", self.prefix, self.files);
        let stem = match partition_value(key.app_date) {
            Some(date) => format!("{}/app_date={date}/{name}", key.table),
            None => format!("{}/{name}", key.table),
        };
        OpenFile {
            format: self.format(table),
            columns: schema.fields().len(),
            schema,
            writer: None,
            stem,
            rows: 0,
            last_used: self.clock,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            memory: 0,
        }
    }

    fn close(&mut self, key: &FileKey) -> Result<(), LoadError> {
        let Some(file) = self.open.remove(key) else {
            return Ok(());
        };
        self.memory = self.memory.saturating_sub(file.memory);
        self.columns = self.columns.saturating_sub(file.columns);
        let (rows, format) = (file.rows, Arc::clone(&file.format));
        let mut writer = file.into_writer(&self.staging)?;
        let path = writer.inner().path().clone();
        let metadata = writer.finish().map_err(LoadError::parquet(path.as_ref()))?;
        let empty = FileBuffer::new(
            Arc::clone(&self.staging.store),
            self.staging.runtime.clone(),
            path.clone(),
        );
        let buffer = std::mem::replace(writer.inner_mut(), empty);
        let stats = stats::to_json(&metadata, &format.stats_columns);
        let add = new_add(key, &path, buffer.size(), Some(stats));
        self.uploads.send(buffer)?;
        self.staged.push(Staged {
            lane: key.lane,
            table: key.table,
            path,
            file: StagedAdd { add, rows },
        });
        Ok(())
    }

    /// Removes all files of some lanes, those under way and those already staged.
    fn discard(&mut self, dropped: impl Fn(Lane) -> bool) {
        self.open.retain(|key, _| !dropped(key.lane));
        self.memory = self.open.values().map(|file| file.memory).sum();
        self.columns = self.open.values().map(|file| file.columns).sum();
        let staged = std::mem::take(&mut self.staged);
        let (unwanted, wanted): (Vec<_>, Vec<_>) =
            staged.into_iter().partition(|file| dropped(file.lane));
        self.staged = wanted;
        self.uploads.discard(&self.staging.store, paths(unwanted));
    }

    fn make_room(&mut self, columns: usize) -> Result<(), LoadError> {
        while self.columns + columns > MAX_OPEN_COLUMNS {
            let oldest = self.open.iter().min_by_key(|(_, file)| file.last_used);
            match oldest.map(|(key, _)| key.clone()) {
                Some(key) => self.close(&key)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Writes the largest open row group out while all of them together are too large.
    fn bound_memory(&mut self) -> Result<(), LoadError> {
        while self.memory > self.staging.settings.row_group_memory_bytes {
            let files = self.open.values_mut();
            let largest = files.max_by_key(|file| (file.memory, file.last_used));
            let Some(file) = largest.filter(|file| file.memory > 0) else {
                break;
            };
            file.flush(&self.staging)?;
            self.memory = self.memory.saturating_sub(file.memory);
            file.memory = 0;
        }
        Ok(())
    }

    fn format(&mut self, table: &'static Table) -> Arc<TableFormat> {
        let format = self.formats.entry(table.name.as_str()).or_insert_with(|| {
            Arc::new(TableFormat {
                large: parquet_settings::options(table, FileSize::Large),
                small: parquet_settings::options(table, FileSize::Small),
                stats_columns: stats::columns(table).into_iter().collect(),
            })
        });
        Arc::clone(format)
    }
}

/// Sorts what all encoders staged by table.
pub(super) fn by_table(staged: Vec<Staged>) -> BTreeMap<String, Vec<StagedAdd>> {
    let mut tables: BTreeMap<String, Vec<StagedAdd>> = BTreeMap::new();
    for file in staged {
        tables
            .entry(file.table.to_owned())
            .or_default()
            .push(file.file);
    }
    tables
}

/// Where staged files lie.
pub(super) fn paths(staged: Vec<Staged>) -> Vec<Path> {
    staged.into_iter().map(|file| file.path).collect()
}

fn new_add(key: &FileKey, path: &Path, size: u64, stats: Option<String>) -> Add {
    let within_table = path
        .as_ref()
        .strip_prefix(key.table)
        .unwrap_or(path.as_ref());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Add {
        path: within_table.trim_start_matches('/').to_owned(),
        partition_values: partition_value(key.app_date)
            .map(|date| ("app_date".to_owned(), Some(date)))
            .into_iter()
            .collect(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        data_change: true,
        stats,
        ..Add::default()
    }
}

fn partition_value(app_date: Option<i32>) -> Option<String> {
    app_date.and_then(|days| stats::date_text(i64::from(days)))
}
