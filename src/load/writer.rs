//! A worker's side of loading: takes the rows of histories one after the other and stages them as
//! Parquet files.
//!
//! A history succeeds or fails as a whole, so its rows must not reach a file that others share
//! before it has succeeded. Small histories (nearly all) are held in memory until then. A history
//! that outgrows the limit gets a *lane* of its own: files that only it writes to, encoded while it
//! is still being read, and dropped if it fails. Lane 0 is shared by all small histories of the
//! unit, which so end up in few files.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crossbeam_channel::{Sender, unbounded};
use uuid::Uuid;

use super::encoder::{self, Encoder, Job, Lane, MemoryBudget, Rows, Staged};
use super::error::LoadError;
use super::rows::{self, Shape, TailValues};
use super::staging::{Batch, StagedUnit, Staging};
use super::upload::Uploads;
use crate::extract::rows::{RowSink, SinkError};
use crate::redact::ApplicationRedaction;
use crate::schema::{self, Table};

/// The lane of histories that were held back until they had succeeded.
const SHARED_LANE: Lane = 0;
/// Rows of a large history's table that one encoder takes before the next one does, in bytes.
const TURN_BYTES: usize = 4 << 20;

/// What a committed history has put into the unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryRows {
    /// Rows of all tables.
    pub rows: u64,
    /// Rows by table.
    pub tables: BTreeMap<&'static str, u64>,
}

/// Stages the rows of one unit of work. Used by one plain thread; encoding and uploading happen on
/// others meanwhile.
pub struct UnitWriter {
    staging: Staging,
    tail: TailValues,
    shape_of: Shape,
    schemas: HashMap<&'static str, SchemaRef>,
    prefix: String,
    encoders: Vec<EncoderThread>,
    budget: Arc<MemoryBudget>,
    history: Option<OpenHistory>,
    lanes: Lane,
    /// Bytes of rows so far, by lane of a large history and table.
    large: HashMap<(Lane, &'static str), usize>,
    rows: BTreeMap<String, u64>,
    /// Whether an encoder has failed: what it had taken is lost, and with it the unit.
    failed: bool,
}

struct EncoderThread {
    jobs: Sender<Job>,
    thread: JoinHandle<Result<Vec<Staged>, LoadError>>,
}

/// Rows of one partition in the shape of their file.
struct Part {
    table: &'static Table,
    app_date: Option<i32>,
    batch: RecordBatch,
    bytes: usize,
}

#[derive(Default)]
struct OpenHistory {
    held: Vec<Part>,
    held_bytes: usize,
    lane: Option<Lane>,
    rows: HistoryRows,
    /// What the history says about its own secrets.
    redaction: Option<ApplicationRedaction>,
}

impl UnitWriter {
    /// A writer for the unit with this number in a batch. Starts no thread before rows come.
    pub fn new(staging: Staging, batch: &Batch, unit: u32) -> Self {
        Self::with_shape(staging, batch, unit, Shape::Contract)
    }

    /// A writer for rows that were in the lake before: they may be of an older contract.
    pub(super) fn for_survivors(staging: Staging, batch: &Batch, unit: u32) -> Self {
        Self::with_shape(staging, batch, unit, Shape::Survivors)
    }

    fn with_shape(staging: Staging, batch: &Batch, unit: u32, shape: Shape) -> Self {
        let token = Uuid::new_v4().simple().to_string();
        let token = token.get(..8).unwrap_or(&token);
        Self {
            prefix: format!("{}{token}", batch.file_prefix(unit)),
            budget: MemoryBudget::new(staging.settings.queue_bytes),
            staging,
            tail: TailValues::of(batch),
            shape_of: shape,
            schemas: HashMap::new(),
            encoders: Vec::new(),
            history: None,
            lanes: SHARED_LANE,
            large: HashMap::new(),
            rows: BTreeMap::new(),
            failed: false,
        }
    }

    /// Begins a history: rows that follow belong to it.
    ///
    /// # Errors
    /// [`LoadError::Writer`] when the history before was neither committed nor rolled back.
    pub fn begin_history(&mut self) -> Result<(), LoadError> {
        if self.history.is_some() {
            return Err(LoadError::Writer {
                reason: "a history was begun inside another".to_owned(),
            });
        }
        self.history = Some(OpenHistory::default());
        Ok(())
    }

    /// Keeps the rows of the present history.
    pub fn commit_history(&mut self) -> Result<HistoryRows, LoadError> {
        let history = self.take_history()?;
        for part in history.held {
            self.encode(SHARED_LANE, part)?;
        }
        for (table, rows) in &history.rows.tables {
            *self.rows.entry((*table).to_owned()).or_default() += rows;
        }
        Ok(history.rows)
    }

    /// Drops the rows of the present history, wherever they are.
    pub fn rollback_history(&mut self) -> Result<(), LoadError> {
        let history = self.take_history()?;
        if let Some(lane) = history.lane {
            for index in 0..self.encoders.len() {
                self.send(index, Job::DropLane(lane))?;
            }
        }
        Ok(())
    }

    /// Completes all files. An open history is dropped.
    ///
    /// # Errors
    /// The first failure of an encoder or an upload; nothing of the unit is staged then.
    pub fn finish(mut self) -> Result<StagedUnit, LoadError> {
        if self.history.is_some() {
            self.rollback_history()?;
        }
        let mut staged = Vec::new();
        let mut failure = self.failed.then(spoilt);
        for encoder in std::mem::take(&mut self.encoders) {
            match encoder.finish() {
                Ok(files) => staged.extend(files),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) => {
                let mut uploads = Uploads::new(self.staging.runtime.clone());
                uploads.discard(&self.staging.store, encoder::paths(staged));
                Err(error)
            }
            None => Ok(StagedUnit {
                tables: encoder::by_table(staged),
                rows: std::mem::take(&mut self.rows),
            }),
        }
    }

    fn take_history(&mut self) -> Result<OpenHistory, LoadError> {
        self.history.take().ok_or_else(|| LoadError::Writer {
            reason: "no history was begun".to_owned(),
        })
    }

    fn accept(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), LoadError> {
        let table = schema::table(table).ok_or_else(|| LoadError::UnknownTable {
            table: table.to_owned(),
        })?;
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return Ok(());
        }
        let batch = match self
            .history
            .as_ref()
            .and_then(|open| open.redaction.as_ref())
        {
            Some(redaction) => redaction
                .batch(batch)
                .map_err(LoadError::arrow(&table.name))?,
            None => batch,
        };
        // Shaped at once: rows that break the contract must fail their history while it can still
        // be rolled back.
        let parts = self.shape(table, batch)?;
        let limit = self.staging.settings.hold_back_bytes;
        let Some(history) = self.history.as_mut() else {
            return Err(LoadError::Writer {
                reason: "rows came before a history was begun".to_owned(),
            });
        };
        history.rows.rows += rows;
        *history.rows.tables.entry(table.name.as_str()).or_default() += rows;
        if let Some(lane) = history.lane {
            return parts
                .into_iter()
                .try_for_each(|part| self.encode(lane, part));
        }
        history.held_bytes += parts.iter().map(|part| part.bytes).sum::<usize>();
        history.held.extend(parts);
        if history.held_bytes <= limit {
            return Ok(());
        }
        self.lanes += 1;
        let lane = self.lanes;
        history.lane = Some(lane);
        let held = std::mem::take(&mut history.held);
        held.into_iter()
            .try_for_each(|part| self.encode(lane, part))
    }

    /// Gives rows the columns of the table's files, a partition at a time.
    fn shape(&mut self, table: &'static Table, batch: RecordBatch) -> Result<Vec<Part>, LoadError> {
        let shape = self.shape_of;
        let schema = self
            .schemas
            .entry(table.name.as_str())
            .or_insert_with(|| shape.file_schema(table));
        let batch = shape.cast(table, batch)?;
        let parts = rows::by_partition(table, schema, &batch, &self.tail)?.into_iter();
        let parts = parts.map(|(app_date, batch)| Part {
            table,
            app_date,
            bytes: rows::memory(&batch),
            batch,
        });
        Ok(parts.collect())
    }

    /// Hands rows to an encoder; waits while too many are waiting already.
    fn encode(&mut self, lane: Lane, part: Part) -> Result<(), LoadError> {
        self.start_encoders()?;
        let permit = self.budget.acquire(part.bytes);
        let index = self.encoder_for(lane, part.table, part.bytes);
        let job = Job::Rows(Rows {
            lane,
            table: part.table,
            app_date: part.app_date,
            batch: part.batch,
            permit,
        });
        self.send(index, job)
    }

    /// A table has an encoder of its own, so that its rows share a file. The rows of a large history
    /// go to all encoders in turn, at the price of another file. Which rows go where depends on
    /// nothing but the rows: the same history gives the same files.
    fn encoder_for(&mut self, lane: Lane, table: &'static Table, bytes: usize) -> usize {
        let encoders = self.encoders.len().max(1);
        let own = rows::spread(&table.name) % encoders;
        if lane == SHARED_LANE {
            return own;
        }
        let so_far = self.large.entry((lane, table.name.as_str())).or_default();
        let turn = *so_far / TURN_BYTES;
        *so_far += bytes;
        (own + turn) % encoders
    }

    fn start_encoders(&mut self) -> Result<(), LoadError> {
        if self.failed {
            return Err(spoilt());
        }
        if !self.encoders.is_empty() {
            return Ok(());
        }
        for index in 0..self.staging.settings.encoder_threads.max(1) {
            let encoder = Encoder::new(self.staging.clone(), format!("{}-{index}", self.prefix));
            let (jobs, receiver) = unbounded();
            let thread = std::thread::Builder::new()
                .name(format!("encoder-{index}"))
                .spawn(move || encoder.run(&receiver))
                .map_err(|error| LoadError::Writer {
                    reason: format!("no thread could be started: {error}"),
                })?;
            self.encoders.push(EncoderThread { jobs, thread });
        }
        Ok(())
    }

    /// Sends a job; an encoder that no longer listens has failed, and its error is the answer.
    fn send(&mut self, index: usize, job: Job) -> Result<(), LoadError> {
        let Some(encoder) = self.encoders.get(index) else {
            return Ok(());
        };
        if encoder.jobs.send(job).is_ok() {
            return Ok(());
        }
        self.failed = true;
        let failed = self.encoders.swap_remove(index);
        self.encoders.clear();
        Err(match failed.finish() {
            Err(error) => error,
            Ok(_) => LoadError::Writer {
                reason: "an encoder ended early".to_owned(),
            },
        })
    }
}

fn spoilt() -> LoadError {
    LoadError::Writer {
        reason: "rows of this unit were lost by an earlier failure".to_owned(),
    }
}

impl EncoderThread {
    fn finish(self) -> Result<Vec<Staged>, LoadError> {
        // A thread that has failed does not listen any more; joining it tells why.
        let _listens = self.jobs.send(Job::Finish);
        self.thread.join().unwrap_or_else(|_| {
            Err(LoadError::Writer {
                reason: "an encoder thread panicked".to_owned(),
            })
        })
    }
}

impl RowSink for UnitWriter {
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError> {
        self.accept(table, batch).map_err(|error| SinkError {
            table,
            retryable: error.is_retryable(),
            source: Box::new(error),
        })
    }

    fn hear_settings(&mut self, settings: &[(&str, &str)]) {
        if self.staging.redactor.follows_applications()
            && let Some(history) = self.history.as_mut()
        {
            history.redaction = ApplicationRedaction::of_settings(settings.iter().copied());
        }
    }
}
