//! The run itself: from discovery to derived tables, and its own row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::load::{Lake, LakeLock, LoadError, SourceRecord};
use crate::unit::Stores;

use super::analysis::{self, Rules};
use super::clusters;
use super::error::RunError;
use super::outcome::RunStatus;
use super::portion::{Loader, Portions};
use super::progress::Progress;
use super::request::RunRequest;
use super::run_row::{self, RunRow};
use super::selection::Selection;
use super::sources::{self, Discovered};
use super::summary::RunSummary;
use super::watch::RunWatch;

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// What it did.
    pub summary: RunSummary,
    /// Why it could not do its work, where it could not. Histories that cannot be read are among
    /// the problems of the summary instead.
    pub error: Option<RunError>,
}

/// Runs the five steps.
pub async fn run(request: &RunRequest, progress: &dyn Progress, watch: &RunWatch) -> RunEnd {
    let started = Instant::now();
    let mut run = Run {
        request,
        progress,
        watch,
        started,
        judged: false,
        summary: RunSummary {
            run_id: watch.run_id().to_owned(),
            dry_run: request.dry_run,
            ..RunSummary::default()
        },
    };
    let result = run.work().await;
    progress.finished();
    run.conclude(&result);
    RunEnd {
        summary: run.summary,
        error: result.err(),
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Run<'r> {
    request: &'r RunRequest,
    progress: &'r dyn Progress,
    watch: &'r RunWatch,
    started: Instant,
    /// Whether applications were judged, new or again.
    judged: bool,
    summary: RunSummary,
}

impl Run<'_> {
    /// Says in the summary how the run ended.
    fn conclude(&mut self, result: &Result<(), RunError>) {
        self.summary.duration_ms = milliseconds(self.started.elapsed());
        match result {
            Ok(()) => self.summary.status = self.summary.ending(),
            Err(error) => {
                self.summary.status = error.status();
                self.summary.error = Some(error.to_string());
            }
        }
        self.summary.exit_code = self.summary.status.exit_code();
        self.summary.changed = !self.request.dry_run && (self.judged || self.summary.has_read());
    }

    /// Whether the run is worth a row in `runs`.
    fn is_recorded(&self) -> bool {
        self.request.record_unchanged
            || self.summary.changed
            || self.summary.status != RunStatus::Done
    }

    async fn work(&mut self) -> Result<(), RunError> {
        let request = self.request;
        let options = || request.storage_options.clone();
        let existing = match Lake::open_with(&request.lake, options(), request.store_safety).await {
            Ok(lake) => Some(lake.with_redactor(request.redactor.clone())),
            Err(LoadError::NoLake { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if request.dry_run {
            return self.rehearse(existing.as_ref()).await;
        }
        match existing {
            Some(lake) => self.in_lake(&lake, None).await,
            // A run that reaches nothing makes no lake.
            None => {
                let rules = Rules::of(request)?;
                let found = self.discover().await?;
                let lake =
                    Lake::open_or_create_with(&request.lake, options(), request.store_safety)
                        .await?;
                let lake = lake.with_redactor(request.redactor.clone());
                self.in_lake(&lake, Some((rules, found))).await
            }
        }
    }

    async fn discover(&mut self) -> Result<Discovered, RunError> {
        let discovering = Instant::now();
        self.progress.phase("discover");
        let found = sources::discover(self.request, &mut self.summary).await;
        self.summary.discover_ms = milliseconds(discovering.elapsed());
        found
    }

    /// Says what a run would read, and reads no more than the heads of logs. Clusters are listed
    /// and not asked: asking may make things on the platform.
    async fn rehearse(&mut self, lake: Option<&Lake>) -> Result<(), RunError> {
        Rules::of(self.request)?;
        let found = self.discover().await?;
        let selection = Selection::of(lake, self.request).await?;
        let summary = &mut self.summary;
        for listing in found.listings {
            let (_, done) = clusters::pending(listing.clusters, &selection);
            summary.clusters.unchanged += done;
        }
        let mut portions = Portions::of(self.request, found.histories, &selection);
        while let Some(portion) = portions.next().await {
            summary.loaded += portion.candidates.len();
            let sizes = portion.candidates.iter();
            summary.bytes += sizes
                .map(|candidate| candidate.history.total_bytes())
                .sum::<u64>();
            for outcome in &portion.others {
                summary.note(outcome);
            }
        }
        summary.unchanged += portions.unchanged.len();
        Ok(())
    }

    /// Works in a lake that is there, and leaves a row in `runs` however the work ends.
    async fn in_lake(
        &mut self,
        lake: &Lake,
        prepared: Option<(Rules, Discovered)>,
    ) -> Result<(), RunError> {
        let mut row = RunRow::begin(self.watch.run_id(), self.request);
        let lock = match lake.acquire(self.watch.run_id()).await {
            Ok(lock) => lock,
            Err(error) => {
                let result = Err(error.into());
                self.conclude(&result);
                row.end(&self.summary, &self.request.redactor);
                note(lake, &row).await;
                return result;
            }
        };
        let result = async {
            // Noted under the lock: whoever holds it knows that other notes without an end are those
            // of runs that are gone.
            lake.note_run(&row.run_id, &row).await?;
            self.watch.began(lake, &row);
            self.steps(lake, &lock, prepared).await
        }
        .await;
        self.conclude(&result);
        row.end(&self.summary, &self.request.redactor);
        let written = match self.is_recorded() {
            true => run_row::write(lake, &lock, &row).await,
            false => lake.forget_run(&row.run_id).await,
        };
        if written.is_err() {
            note(lake, &row).await;
        }
        self.watch.ended();
        lock.release().await;
        // The first error is the cause.
        result.and(written.map_err(RunError::from))
    }

    async fn steps(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        prepared: Option<(Rules, Discovered)>,
    ) -> Result<(), RunError> {
        lake.recover(lock).await?;
        let (rules, found) = if let Some(prepared) = prepared {
            prepared
        } else {
            // Rules are read first: a mistake in them should not cost a night's reading.
            let rules = Rules::of(self.request)?;
            match self.discover().await {
                Ok(found) => (rules, found),
                Err(error) => {
                    self.write_problems(lake, lock).await?;
                    return Err(error);
                }
            }
        };
        self.load(lake, lock, found).await?;
        self.progress.phase("analyze");
        let analyzing = Instant::now();
        self.judged =
            analysis::analyze(self.request, lake, lock, &rules, &mut self.summary).await?;
        self.summary.analyze_ms = milliseconds(analyzing.elapsed());
        Ok(())
    }

    /// Reads what has to be read and commits it: first the histories that are known, then cluster by
    /// cluster.
    async fn load(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        found: Discovered,
    ) -> Result<(), RunError> {
        let selection = Selection::of(Some(lake), self.request).await?;
        let loader = Loader {
            request: self.request,
            selection: &selection,
            lake,
            lock,
            progress: self.progress,
            stores: Arc::new(Stores::of_process()),
        };
        loader.load(found.histories, &mut self.summary).await?;
        for listing in found.listings {
            clusters::load(&loader, listing, &mut self.summary).await?;
        }
        selection.note_missing(&mut self.summary);
        self.write_problems(lake, lock).await
    }

    /// Writes to the ledger which places could not be looked at.
    async fn write_problems(&self, lake: &Lake, lock: &LakeLock) -> Result<(), RunError> {
        let problems = self.summary.problems.iter();
        let records: Vec<SourceRecord> = problems
            .filter_map(super::summary::Problem::record)
            .collect();
        if !records.is_empty() {
            let batch = lake.begin_batch(lock, &self.summary.run_id).await?;
            lake.commit(lock, &batch, Vec::new(), &[], records).await?;
        }
        Ok(())
    }
}

/// Leaves a note for the next run to make a row of.
async fn note(lake: &Lake, row: &RunRow) {
    if let Err(error) = lake.note_run(&row.run_id, row).await {
        tracing::warn!(%error, "the end of the run could not be noted in the lake");
    }
}
