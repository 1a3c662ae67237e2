//! The run itself: from discovery to derived tables, and its own row.

use std::sync::Arc;
use std::time::Instant;

use crate::load::{Lake, LakeLock, LoadError, SourceRecord};
use crate::model::milliseconds;
use crate::unit::shards::{Phase, Reports, ShardObjects};
use crate::unit::{Stores, UnitError};

use super::analysis::{self, Analyzed, Judges, Rules};
use super::clusters;
use super::engine;
use super::error::RunError;
use super::outcome::RunStatus;
use super::portion::{Loader, Portions};
use super::progress::Progress;
use super::request::RunRequest;
use super::run_row::{self, RunRow};
use super::selection::Selection;
use super::shard_counts::ShardCounts;
use super::shards::{self, Carried, Orders};
use super::sources::{self, Discovered};
use super::stage;
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

struct Run<'r> {
    request: &'r RunRequest,
    progress: &'r dyn Progress,
    watch: &'r RunWatch,
    started: Instant,
    /// Whether applications were judged, new or again.
    judged: bool,
    summary: RunSummary,
}

/// How the work of a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The run is over.
    Done,
    /// Its units are with workers: it goes on when it is resumed.
    Waiting,
}

/// What a process works at.
enum Task<'t> {
    /// A new run, with what was done before the lake was there.
    New(Option<Box<(Rules, Discovered)>>),
    /// A run that waits.
    Resumed(&'t Reports),
}

impl Run<'_> {
    /// Says in the summary how the run ended.
    fn conclude(&mut self, result: &Result<Ended, RunError>) {
        self.summary.duration_ms = milliseconds(self.started.elapsed());
        match result {
            Ok(Ended::Waiting) => self.summary.status = RunStatus::Waiting,
            Ok(Ended::Done) => self.summary.status = self.summary.ending(),
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

    async fn work(&mut self) -> Result<Ended, RunError> {
        let request = self.request;
        // Before anything is handed out to nobody.
        if let (Some(engine), false) = (&request.engine, request.dry_run) {
            engine.check().await?;
        }
        let options = || request.storage_options.clone();
        let existing = match Lake::open_with(&request.lake, options(), request.store_safety).await {
            Ok(lake) => Some(lake.with_redactor(request.redactor.clone())),
            Err(LoadError::NoLake { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(run_id) = &request.resume {
            let lake = existing.ok_or_else(|| LoadError::NoLake {
                uri: request.lake.clone(),
            })?;
            return self.resume(&lake, run_id).await;
        }
        if request.dry_run {
            return self.rehearse(existing.as_ref()).await;
        }
        match existing {
            Some(lake) => self.begin(&lake, None).await,
            // A run that reaches nothing makes no lake.
            None => {
                let rules = Rules::of(request)?;
                let found = self.discover().await?;
                let lake =
                    Lake::open_or_create_with(&request.lake, options(), request.store_safety)
                        .await?;
                let lake = lake.with_redactor(request.redactor.clone());
                self.begin(&lake, Some(Box::new((rules, found)))).await
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
    async fn rehearse(&mut self, lake: Option<&Lake>) -> Result<Ended, RunError> {
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
        Ok(Ended::Done)
    }

    /// Goes on with a run that waits. One that does not wait leaves no trace.
    async fn resume(&mut self, lake: &Lake, run_id: &str) -> Result<Ended, RunError> {
        let objects = ShardObjects::of(lake, run_id)?;
        // A run that does not wait is an error of its own, whoever holds the lake.
        objects.manifest().await?;
        let lock = self.acquire(lake).await?;
        // Read under the lock: another process may have resumed the run in between.
        let read = async {
            let manifest = objects.manifest().await?;
            let carried = Carried::of(&objects, &manifest)?;
            Ok::<_, UnitError>((manifest, carried))
        };
        match read.await {
            Ok((manifest, Carried { summary, row })) => {
                self.summary = summary;
                let reports = Reports::new(objects, manifest);
                let task = Task::Resumed(&reports);
                self.in_lake(lake, lock, task, row).await
            }
            Err(error) => {
                lock.release().await;
                Err(error.into())
            }
        }
    }

    /// Begins a new run in a lake that is there.
    async fn begin(
        &mut self,
        lake: &Lake,
        prepared: Option<Box<(Rules, Discovered)>>,
    ) -> Result<Ended, RunError> {
        let mut row = RunRow::begin(self.watch.run_id(), self.request);
        match self.acquire(lake).await {
            Ok(lock) => self.in_lake(lake, lock, Task::New(prepared), row).await,
            Err(error) => {
                let result = Err(error);
                self.conclude(&result);
                row.end(&self.summary, &self.request.redactor);
                note(lake, &row).await;
                result
            }
        }
    }

    /// Works in a lake under its lock, and leaves a row in `runs` however the work ends.
    async fn in_lake(
        &mut self,
        lake: &Lake,
        lock: LakeLock,
        task: Task<'_>,
        mut row: RunRow,
    ) -> Result<Ended, RunError> {
        let result = async {
            // Noted under the lock: whoever holds it knows that other notes without an end are those
            // of runs that are gone.
            lake.note_run(&row.run_id, &row).await?;
            self.watch.began(lake, &row);
            self.steps(lake, &lock, task, &row).await
        }
        .await;
        self.conclude(&result);
        if self.waits(lake, &result).await {
            self.watch.ended();
            lock.release().await;
            return result;
        }
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
        let ended = result?;
        written?;
        Ok(ended)
    }

    /// Takes the lake's lock. A run that waits for its workers holds the lake, too.
    async fn acquire(&self, lake: &Lake) -> Result<LakeLock, RunError> {
        let lock = lake.acquire(self.watch.run_id()).await?;
        let waiting = lake.waiting_runs().await?;
        let mut others = waiting.into_iter();
        match others.find(|run| Some(run) != self.request.resume.as_ref()) {
            Some(run_id) => {
                lock.release().await;
                Err(RunError::Waiting { run_id })
            }
            None => Ok(lock),
        }
    }

    /// Whether this run waits for workers: also after an error, where its manifest is there.
    async fn waits(&self, lake: &Lake, result: &Result<Ended, RunError>) -> bool {
        match (result, ShardObjects::of(lake, self.watch.run_id())) {
            (Ok(ended), _) => *ended == Ended::Waiting,
            (Err(_), Ok(objects)) => objects.waits().await,
            (Err(_), Err(_)) => false,
        }
    }

    async fn steps(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        task: Task<'_>,
        row: &RunRow,
    ) -> Result<Ended, RunError> {
        lake.recover(lock).await?;
        let prepared = match task {
            Task::New(prepared) => prepared,
            Task::Resumed(reports) => {
                let rules = Rules::of(self.request)?;
                return match self.request.engine {
                    Some(_) => self.go_on(lake, lock, &rules, Ended::Waiting, row).await,
                    None => self.take_reports(lake, lock, &rules, reports, row).await,
                };
            }
        };
        let (rules, found) = if let Some(prepared) = prepared {
            *prepared
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
        let orders = self.load(lake, lock, found).await?;
        if !orders.is_empty() {
            let objects = ShardObjects::of(lake, self.watch.run_id())?;
            shards::wait_for_extraction(&objects, orders, &mut self.summary, row).await?;
            return self.go_on(lake, lock, &rules, Ended::Waiting, row).await;
        }
        let ended = self.analyze(lake, lock, &rules, None, row).await?;
        self.go_on(lake, lock, &rules, ended, row).await
    }

    /// Has the engine work through what was handed out, and commits it, until nothing waits. Without an
    /// engine the run ends here and waits.
    async fn go_on(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        rules: &Rules,
        mut ended: Ended,
        row: &RunRow,
    ) -> Result<Ended, RunError> {
        let Some(engine) = &self.request.engine else {
            return Ok(ended);
        };
        let objects = ShardObjects::of(lake, self.watch.run_id())?;
        let reference = stage::lake_reference(lake, self.request);
        while ended == Ended::Waiting {
            let manifest = objects.manifest().await?;
            self.progress.phase(manifest.phase.as_str());
            let worked = engine::work_through(&**engine, &objects, &manifest, &reference).await;
            worked.map_err(|error| error.of_waiting(objects.run_id()))?;
            let reports = Reports::new(objects.clone(), manifest);
            ended = self.take_reports(lake, lock, rules, &reports, row).await?;
        }
        Ok(ended)
    }

    /// Commits what workers reported, and goes on from there.
    async fn take_reports(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        rules: &Rules,
        reports: &Reports,
        row: &RunRow,
    ) -> Result<Ended, RunError> {
        if reports.manifest().phase == Phase::Analysis {
            let batches = lake.open_among(&reports.manifest().batches).await?;
            let ended = self.analyze(lake, lock, rules, Some(reports), row).await?;
            self.summary.shards = Some(ShardCounts::reported(reports));
            // Files of workers that were killed before their report, or were second. A batch that was
            // closed before may have been replaced since: readers of the version before need its files.
            lake.give_up(lock, &batches, &reports.taken_files()).await?;
            lake.end_waiting(lock, &self.summary.run_id).await?;
            return Ok(ended);
        }
        let selection = Selection::of(Some(lake), self.request).await?;
        let loader = self.loader(lake, lock, &selection);
        loader.commit_reported(reports, &mut self.summary).await?;
        // From here on a run that is killed is one like any other: the next one judges.
        lake.end_waiting(lock, &self.summary.run_id).await?;
        self.analyze(lake, lock, rules, None, row).await
    }

    async fn analyze(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        rules: &Rules,
        reports: Option<&Reports>,
        row: &RunRow,
    ) -> Result<Ended, RunError> {
        self.progress.phase("analyze");
        let analyzing = Instant::now();
        let objects = ShardObjects::of(lake, self.watch.run_id())?;
        let judges = match reports {
            Some(reports) => Judges::Reported(reports),
            None => match self.request.hands_out {
                Some(units) => Judges::Elsewhere(&objects, row, units),
                None => Judges::Here,
            },
        };
        let summary = &mut self.summary;
        let analyzed = analysis::analyze(self.request, lake, lock, rules, judges, summary).await?;
        self.summary.analyze_ms += milliseconds(analyzing.elapsed());
        self.judged = analyzed == Analyzed::Judged;
        Ok(match analyzed {
            Analyzed::Nothing | Analyzed::Judged => Ended::Done,
            Analyzed::Waits => Ended::Waiting,
        })
    }

    /// Reads what has to be read and commits it: first the histories that are known, then cluster by
    /// cluster. Returns the orders that are to be handed out instead.
    async fn load(
        &mut self,
        lake: &Lake,
        lock: &LakeLock,
        found: Discovered,
    ) -> Result<Orders, RunError> {
        let selection = Selection::of(Some(lake), self.request).await?;
        let loader = self.loader(lake, lock, &selection);
        let orders = if let Some(units) = self.request.hands_out {
            loader
                .hand_out(found.histories, units, &mut self.summary)
                .await?
        } else {
            loader.load(found.histories, &mut self.summary).await?;
            Vec::new()
        };
        for listing in found.listings {
            clusters::load(&loader, listing, &mut self.summary).await?;
        }
        selection.note_missing(&mut self.summary);
        self.write_problems(lake, lock).await?;
        Ok(orders)
    }

    fn loader<'l>(&self, lake: &'l Lake, lock: &'l LakeLock, selection: &'l Selection) -> Loader<'l>
    where
        Self: 'l,
    {
        Loader {
            request: self.request,
            selection,
            lake,
            lock,
            progress: self.progress,
            stores: Arc::new(Stores::of_process()),
        }
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
