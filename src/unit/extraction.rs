//! The worker's side: one unit of histories becomes staged files. No Delta log is touched here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use sparklake_eventlog::RowError;
use tokio::runtime::Handle;

use super::cluster_rows::{self, ClusterFacts};
use super::order::ExtractionLimits;
use super::record::{identify_record, record, unreadable};
use super::result::{OtherApplication, Outcome, RESULT_VERSION, UnitResult};
use super::workers::Listener;
use crate::discover::{EventLog, History};
use crate::extract::eventlog::codec::DecodeLimits;
use crate::extract::extraction::{ExtractOptions, Extraction, Identity};
use crate::extract::history::extract;
use crate::extract::rows::{FactTable, RowCounts, RowSink, SinkError, TeamSource};
use crate::extract::{ExtractError, LossKind};
use crate::load::{Batch, LoadError, SourceRecord, SourceStatus, Staging, UnitWriter};
use crate::model::milliseconds;

/// A history to be read, and whose it is.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The history.
    pub history: History,
    /// Its application.
    pub identity: Identity,
    /// Which version of it.
    pub fingerprint: String,
    /// The team that tags of its run or cluster name.
    pub team: Option<String>,
}

/// A bounded list of histories whose stores are open.
#[derive(Debug)]
pub struct Unit {
    /// Its number within the batch; part of the names of its files.
    pub number: u32,
    /// The batch that the rows belong to.
    pub batch: Batch,
    /// What it may take.
    pub limits: ExtractionLimits,
    /// Whether rows of `tasks` are staged.
    pub include_tasks: bool,
    /// How the teams of applications are found.
    pub teams: TeamSource,
    /// What is read, in order.
    pub histories: Vec<Assignment>,
    /// What the run was told about clusters.
    pub clusters: Vec<ClusterFacts>,
}

/// Turns units into staged files.
#[derive(Clone, Copy)]
pub(super) struct Extractor<'w> {
    pub(super) staging: &'w Staging,
    pub(super) runtime: &'w Handle,
    pub(super) listener: &'w dyn Listener,
}

impl Extractor<'_> {
    /// Works through one unit. A history that fails is reported in the result and leaves no row.
    ///
    /// # Errors
    /// When rows cannot be staged at all: the disk is full, the store is gone.
    pub(super) fn run(&self, unit: Unit) -> Result<UnitResult, LoadError> {
        let started = Instant::now();
        let Unit {
            number,
            batch,
            limits,
            include_tasks,
            teams,
            histories,
            clusters,
        } = unit;
        let mut writer = UnitWriter::new(self.staging.clone(), &batch, number);
        let mut outcomes = Vec::with_capacity(histories.len());
        for assignment in histories {
            writer.begin_history()?;
            let options = options(limits, &batch, teams.tagged(assignment.team.clone()));
            let extracted = self.extract(&assignment, &options, include_tasks, &mut writer);
            let outcome = match extracted {
                Ok(extraction) => {
                    writer.commit_history()?;
                    Outcome::of(&assignment, extraction, include_tasks)
                }
                Err(error) => {
                    writer.rollback_history()?;
                    Outcome::unread(refused(&assignment, error)?)
                }
            };
            self.listener.history_done(&outcome);
            outcomes.push(outcome);
        }
        if !clusters.is_empty() {
            write_clusters(&clusters, &batch, &mut writer)?;
        }
        let staged = writer.finish()?;
        Ok(UnitResult {
            version: RESULT_VERSION,
            unit: number,
            batch_id: batch.id,
            rows: staged.total_rows(),
            bytes: staged.bytes(),
            staged,
            outcomes,
            duration_ms: milliseconds(started.elapsed()),
        })
    }

    /// Extracts one history; a panic, which is a bug of ours, costs this history and no other.
    fn extract(
        &self,
        assignment: &Assignment,
        options: &ExtractOptions,
        include_tasks: bool,
        writer: &mut UnitWriter,
    ) -> Result<Extraction, ExtractError> {
        let Assignment {
            history, identity, ..
        } = assignment;
        let mut sink = TableFilter {
            writer,
            include_tasks,
        };
        catch_unwind(AssertUnwindSafe(|| {
            extract(history, identity, options, self.runtime, &mut sink)
        }))
        .unwrap_or_else(|_| {
            Err(ExtractError::Panicked {
                uri: history.uri().to_owned(),
            })
        })
    }
}

/// Stages the rows of clusters, all of them or none.
fn write_clusters(
    clusters: &[ClusterFacts],
    batch: &Batch,
    writer: &mut UnitWriter,
) -> Result<(), LoadError> {
    let tables = cluster_rows::rows(clusters, batch).map_err(|error| LoadError::Writer {
        reason: error.to_string(),
    })?;
    writer.begin_history()?;
    for (table, rows) in tables {
        writer.write(table, rows).map_err(LoadError::from_sink)?;
    }
    writer.commit_history()?;
    Ok(())
}

fn options(limits: ExtractionLimits, batch: &Batch, team: TeamSource) -> ExtractOptions {
    let timeout = Duration::from_millis(limits.extract_timeout_ms);
    ExtractOptions {
        limits: DecodeLimits {
            // A time that no clock reaches is none.
            deadline: Instant::now().checked_add(timeout),
            ..DecodeLimits::default()
        },
        threads: limits.threads.max(1),
        team,
        batch_id: batch.id.clone(),
        ingested_at: batch.started_at,
    }
}

impl Outcome {
    /// A history of which no row is written, though it should be.
    pub(crate) fn unread(record: SourceRecord) -> Self {
        Self {
            record,
            rows: RowCounts::default(),
            others: Vec::new(),
            is_missing: true,
        }
    }

    fn of(assignment: &Assignment, extraction: Extraction, include_tasks: bool) -> Self {
        // Rows that were held back are in no table.
        let rows = if include_tasks {
            extraction.rows
        } else {
            extraction.rows.without(FactTable::Tasks)
        };
        let loss = LossKind::of(&extraction);
        let mut record = loaded(assignment, &extraction, loss);
        record.rows = Some(rows.total());
        record.has_tasks = Some(include_tasks);
        Self {
            record,
            rows,
            others: extraction.others.into_iter().filter_map(other).collect(),
            is_missing: loss.is_some_and(LossKind::is_missing),
        }
    }
}

/// Another application in the files of a log.
fn other((log, identity): (EventLog, Identity)) -> Option<OtherApplication> {
    Some(OtherApplication {
        uri: log.uri,
        section: log.section?,
        identity,
    })
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

fn refused(assignment: &Assignment, error: ExtractError) -> Result<SourceRecord, LoadError> {
    // What the lake refuses is no fault of the log's, and the next log would fare no better.
    if let ExtractError::Rows(RowError::Sink(error)) = error {
        return Err(LoadError::from_sink(error));
    }
    let mut record = unreadable(&assignment.history, &assignment.fingerprint, &error);
    identify_record(&mut record, &assignment.identity);
    Ok(record)
}

fn loaded(
    assignment: &Assignment,
    extraction: &Extraction,
    loss: Option<LossKind>,
) -> SourceRecord {
    let status = match loss {
        Some(_) => SourceStatus::Partial,
        None => SourceStatus::Loaded,
    };
    let mut record = record(&assignment.history, &assignment.fingerprint, status);
    identify_record(&mut record, &assignment.identity);
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

#[cfg(test)]
mod tests {
    use crate::model::Platform;
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::discover::{Content, Layout};

    fn assignment() -> Assignment {
        let log = EventLog {
            uri: "memory:///app-1".to_owned(),
            layout: Layout::SingleFile,
            files: Vec::new(),
            zip_entries: Vec::new(),
            in_progress: false,
            section: None,
            store: Arc::new(InMemory::new()),
        };
        Assignment {
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
            team: None,
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
            let record = loaded(&assignment(), extraction, LossKind::of(extraction));
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
