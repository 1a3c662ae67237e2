//! The worker's side: one unit of histories becomes staged files. No Delta log is touched here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use sparklake_eventlog::RowError;
use tokio::runtime::Handle;

use arrow::array::RecordBatch;

use crate::discover::{EventLog, History};
use crate::extract::eventlog::codec::DecodeLimits;
use crate::extract::history::{ExtractOptions, Extraction, Identity, extract};
use crate::extract::rows::{FactTable, RowCounts, RowSink, SinkError};
use crate::extract::{ExtractError, LossKind};
use crate::load::{Batch, LoadError, SourceRecord, SourceStatus, StagedUnit, Staging, UnitWriter};

use super::error::RunError;
use super::plan::{Candidate, Unit};
use super::progress::Progress;

/// What a worker returns: its files, and what became of each history.
#[derive(Debug)]
pub(super) struct UnitResult {
    pub(super) staged: StagedUnit,
    pub(super) outcomes: Vec<Outcome>,
}

/// What became of one history.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Its row of the ledger.
    pub(super) record: SourceRecord,
    /// Its rows in fact tables.
    pub(super) rows: RowCounts,
    /// Other applications that were found in the same files, and are still to be read.
    pub(super) others: Vec<Candidate>,
    /// Whether something of it is missing in the lake that exists.
    pub(super) is_missing: bool,
    /// Position of its cluster among those that are loaded together.
    pub(super) cluster: Option<usize>,
}

impl Outcome {
    /// A history of which no row is written, though it should be.
    pub(super) fn unread(record: SourceRecord, cluster: Option<usize>) -> Self {
        Self {
            record,
            rows: RowCounts::default(),
            others: Vec::new(),
            is_missing: true,
            cluster,
        }
    }

    /// A history of which no row is wanted.
    pub(super) fn unwanted(record: SourceRecord, cluster: Option<usize>) -> Self {
        Self {
            is_missing: false,
            ..Self::unread(record, cluster)
        }
    }
}

/// What all workers of a batch share.
pub(super) struct Workshop<'w> {
    pub(super) staging: Staging,
    pub(super) batch: &'w Batch,
    pub(super) runtime: Handle,
    pub(super) include_tasks: bool,
    /// Longest time for one history.
    pub(super) extract_timeout: Duration,
    pub(super) progress: &'w dyn Progress,
}

impl Workshop<'_> {
    /// Works through one unit. A history that fails is reported in the result and leaves no row.
    ///
    /// # Errors
    /// When rows cannot be staged at all: the disk is full, the store is gone.
    pub(super) fn run_unit(&self, unit: Unit) -> Result<UnitResult, LoadError> {
        let mut writer = UnitWriter::new(self.staging.clone(), self.batch, unit.number);
        let mut outcomes = Vec::with_capacity(unit.candidates.len());
        for candidate in unit.candidates {
            writer.begin_history()?;
            let options = self.options(unit.threads);
            let extracted = self.extract(&candidate, &options, &mut writer);
            let outcome = match extracted {
                Ok(extraction) => {
                    writer.commit_history()?;
                    self.outcome(&candidate, extraction)
                }
                Err(error) => {
                    writer.rollback_history()?;
                    Outcome::unread(refused(&candidate, error)?, candidate.cluster)
                }
            };
            self.progress.advance(
                candidate.history.uri(),
                candidate.history.total_bytes(),
                outcome.record.rows.unwrap_or(0),
            );
            outcomes.push(outcome);
        }
        Ok(UnitResult {
            staged: writer.finish()?,
            outcomes,
        })
    }

    fn options(&self, threads: usize) -> ExtractOptions {
        ExtractOptions {
            limits: DecodeLimits {
                deadline: Some(Instant::now() + self.extract_timeout),
                ..DecodeLimits::default()
            },
            threads,
            batch_id: self.batch.id.clone(),
            ingested_at: self.batch.started_at,
        }
    }

    fn outcome(&self, candidate: &Candidate, extraction: Extraction) -> Outcome {
        // Rows that were held back are in no table.
        let rows = if self.include_tasks {
            extraction.rows
        } else {
            extraction.rows.without(FactTable::Tasks)
        };
        let loss = LossKind::of(&extraction);
        let mut record = loaded(candidate, &extraction, loss);
        record.rows = Some(rows.total());
        record.has_tasks = Some(self.include_tasks);
        Outcome {
            record,
            rows,
            others: others(candidate, extraction.others),
            is_missing: loss.is_some_and(LossKind::is_missing),
            cluster: candidate.cluster,
        }
    }

    /// Extracts one history; a panic, which is a bug of ours, costs this history and no other.
    fn extract(
        &self,
        candidate: &Candidate,
        options: &ExtractOptions,
        writer: &mut UnitWriter,
    ) -> Result<Extraction, ExtractError> {
        let Candidate {
            history, identity, ..
        } = candidate;
        let mut sink = TableFilter {
            writer,
            include_tasks: self.include_tasks,
        };
        catch_unwind(AssertUnwindSafe(|| {
            extract(history, identity, options, &self.runtime, &mut sink)
        }))
        .unwrap_or_else(|_| {
            Err(ExtractError::Panicked {
                uri: history.uri().to_owned(),
            })
        })
    }

    /// Works through `units` side by side.
    pub(super) fn run_units(&self, units: Vec<Unit>) -> Result<Vec<UnitResult>, RunError> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = units
                .into_iter()
                .map(|unit| scope.spawn(move || self.run_unit(unit)))
                .collect();
            workers
                .into_iter()
                .map(|worker| match worker.join() {
                    Ok(result) => result.map_err(RunError::from),
                    Err(_) => Err(RunError::Worker {
                        reason: "it panicked".to_owned(),
                    }),
                })
                .collect()
        })
    }
}

/// What is to be read of the other applications in the files of `candidate`.
fn others(candidate: &Candidate, others: Vec<(EventLog, Identity)>) -> Vec<Candidate> {
    let to_candidate = |(log, identity)| {
        let history = candidate.history.with_log(log);
        Candidate {
            fingerprint: history.fingerprint(),
            history,
            identity,
            cluster: candidate.cluster,
        }
    };
    others.into_iter().map(to_candidate).collect()
}

/// Keeps the rows of `tasks` back where they are not wanted.
struct TableFilter<'w> {
    writer: &'w mut UnitWriter,
    include_tasks: bool,
}

impl RowSink for TableFilter<'_> {
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError> {
        if table == "tasks" && !self.include_tasks {
            return Ok(());
        }
        self.writer.write(table, batch)
    }

    fn hear_settings(&mut self, settings: &[(&str, &str)]) {
        self.writer.hear_settings(settings);
    }
}

/// The ledger's row of a history that is not read, for whatever reason.
pub(super) fn record(history: &History, fingerprint: &str, status: SourceStatus) -> SourceRecord {
    let platform = history.platform.as_str();
    let mut record = SourceRecord::new(
        history.uri(),
        fingerprint,
        platform,
        &history.cluster_id,
        status,
    );
    record.cluster_name.clone_from(&history.cluster_name);
    record.size_bytes = Some(history.total_bytes());
    record.modified = Some(history.modified());
    record.etag = history.etag();
    record.layout = Some(history.layout().to_owned());
    record
}

/// The ledger's row of a history that cannot be read: `failed` where trying again may help.
pub(super) fn unreadable(
    history: &History,
    fingerprint: &str,
    error: &ExtractError,
) -> SourceRecord {
    let status = if error.is_retryable() {
        SourceStatus::Failed
    } else {
        SourceStatus::Quarantined
    };
    let mut record = record(history, fingerprint, status);
    record.error_kind = Some(error.kind().to_owned());
    record.error = Some(error.to_string());
    record.retryable = Some(error.is_retryable());
    record
}

fn refused(candidate: &Candidate, error: ExtractError) -> Result<SourceRecord, LoadError> {
    // What the lake refuses is no fault of the log's, and the next log would fare no better.
    if let ExtractError::Rows(RowError::Sink(error)) = error {
        return Err(LoadError::from_sink(error));
    }
    let mut record = unreadable(&candidate.history, &candidate.fingerprint, &error);
    identify_record(&mut record, candidate);
    Ok(record)
}

fn loaded(candidate: &Candidate, extraction: &Extraction, loss: Option<LossKind>) -> SourceRecord {
    let status = match loss {
        Some(_) => SourceStatus::Partial,
        None => SourceStatus::Loaded,
    };
    let mut record = record(&candidate.history, &candidate.fingerprint, status);
    identify_record(&mut record, candidate);
    if let Some(kind) = loss {
        record.error_kind = Some(kind.as_str().to_owned());
        record.error.clone_from(&extraction.loss);
        record.retryable = Some(extraction.retryable);
    }
    record.events = Some(extraction.lines.saturating_sub(extraction.bad_lines));
    record.bad_lines = Some(extraction.bad_lines);
    record.duplicate_events = Some(extraction.duplicate_events);
    record.bytes = Some(extraction.compressed_bytes);
    record.duration_ms = u64::try_from(extraction.duration_ms).ok();
    record.complete = Some(extraction.complete);
    record
}

/// Names the application of a record.
pub(super) fn identify_record(record: &mut SourceRecord, candidate: &Candidate) {
    record.application_id = Some(candidate.identity.application_id.clone());
    record.attempt_id = Some(candidate.identity.attempt_id.clone());
    record.app_date = candidate.app_date();
}

#[cfg(test)]
mod tests {
    use crate::model::Platform;
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::discover::{Content, Layout};

    fn candidate() -> Candidate {
        let log = EventLog {
            uri: "memory:///app-1".to_owned(),
            layout: Layout::SingleFile,
            files: Vec::new(),
            zip_entries: Vec::new(),
            in_progress: false,
            section: None,
            store: Arc::new(InMemory::new()),
        };
        Candidate {
            history: History {
                platform: Platform::Emr,
                cluster_id: "j-1".to_owned(),
                cluster_name: "etl".to_owned(),
                content: Content::Log(log),
                job_run: None,
                process_logs: Vec::new(),
            },
            identity: Identity {
                application_id: "app-1".to_owned(),
                attempt_id: "0".to_owned(),
                application_name: "etl".to_owned(),
                start_time: 0,
                has_start: true,
                spark_context_id: None,
            },
            fingerprint: "1".to_owned(),
            cluster: None,
        }
    }

    #[test]
    fn logs_of_processes_that_could_not_be_read_are_asked_for_again_where_that_may_help() {
        let whole = Extraction {
            rows: RowCounts::default(),
            lines: 10,
            bad_lines: 0,
            duplicate_events: 0,
            loss: None,
            truncated: false,
            retryable: false,
            complete: true,
            compressed_bytes: 100,
            duration_ms: 1,
            failed_requests: 0,
            unread_process_logs: 0,
            without_start: false,
            missing_files: false,
            others: Vec::new(),
        };
        let told = |extraction: &Extraction| {
            let record = loaded(&candidate(), extraction, LossKind::of(extraction));
            (record.status, record.error_kind, record.retryable)
        };
        assert_eq!(told(&whole), (SourceStatus::Loaded, None, None));
        let busy = Extraction {
            unread_process_logs: 2,
            retryable: true,
            ..whole.clone()
        };
        let kind = Some("process_log".to_owned());
        assert_eq!(told(&busy), (SourceStatus::Partial, kind, Some(true)));
        // A server that failed has more than what came, a log that ends early has not.
        let failing = Extraction {
            failed_requests: 1,
            bad_lines: 1,
            truncated: true,
            retryable: true,
            ..whole.clone()
        };
        let kind = Some("failed_requests".to_owned());
        assert_eq!(told(&failing), (SourceStatus::Partial, kind, Some(true)));
        assert!(LossKind::of(&failing).is_some_and(LossKind::is_missing));
        let cut_off = Extraction {
            truncated: true,
            ..whole
        };
        assert_eq!(LossKind::of(&cut_off), Some(LossKind::Truncated));
        assert!(!LossKind::Truncated.is_missing());
    }
}
