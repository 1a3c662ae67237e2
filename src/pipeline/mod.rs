//! The nightly run: wires the five steps, from `discover` to derived tables.
//!
//! A run takes the lake's lock, completes what a killed run left, finds the logs that changed,
//! stages and commits them batch by batch, judges the applications whose rows changed, and writes
//! one row about itself. Killed anywhere, the next run goes on from the last committed batch.

mod analysis;
mod bookkeeping;
mod plan;
mod summary;
mod work;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::join_all;

use crate::analyze::Overrides;
use crate::discover::event_logs::{self, EventLogSource};
use crate::discover::{Discovery, History, Window};
use crate::load::{Batch, Lake, LakeLock, Ledger, SourceRecord, SourceStatus, WriterSettings};

use plan::{BatchPlan, Candidate, Duplicate};
use work::{UnitResult, Workshop};

pub use summary::{
    EXIT_DONE, EXIT_FAILED, EXIT_HELD, EXIT_PARTIAL, EXIT_UNREACHABLE, EXIT_USAGE, Problem,
    RunError, RunSummary, WorstApplication,
};

/// Where histories come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Folders and files of event logs.
    EventLogs(EventLogSource),
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The lake: a path or URI.
    pub lake: String,
    /// Options of the lake's object store.
    pub storage_options: HashMap<String, String>,
    /// Where histories come from.
    pub sources: Vec<Source>,
    /// Which of them, by their newest modification.
    pub window: Window,
    /// Find and identify only; write nothing.
    pub dry_run: bool,
    /// Ask live applications too (history servers; logs in progress are read in any case).
    pub include_running: bool,
    /// Write the `tasks` table, by far the largest.
    pub include_tasks: bool,
    /// Threads that read logs.
    pub threads: usize,
    /// A folder of rules that adds to or replaces the built-in ones.
    pub rules_dir: Option<PathBuf>,
    /// What the job file changes about the rules.
    pub rule_overrides: Overrides,
    /// Read at most so many histories, the newest first.
    pub max_applications: Option<usize>,
}

/// Hears how far a run is.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn phase(&self, phase: &'static str);
    /// How much there is to read.
    fn total(&self, histories: usize, bytes: u64);
    /// One history is done.
    fn advance(&self, uri: &str, bytes: u64, rows: u64);
    /// The run has ended.
    fn finished(&self);
}

/// Hears and says nothing.
#[derive(Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _: &'static str) {}
    fn total(&self, _: usize, _: u64) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn finished(&self) {}
}

/// Runs the five steps.
///
/// # Errors
/// [`RunError`] when the run could not do its work at all; histories that cannot be read are told
/// of in the summary.
pub async fn run(request: &RunRequest, progress: &dyn Progress) -> Result<RunSummary, RunError> {
    let started = Instant::now();
    let started_at = Utc::now();
    let mut summary = RunSummary {
        run_id: uuid::Uuid::now_v7().to_string(),
        dry_run: request.dry_run,
        ..RunSummary::default()
    };
    progress.phase("discover");
    let discovery = discover(request, &mut summary).await?;
    summary.discover_ms = milliseconds(started.elapsed());
    let result = if request.dry_run {
        rehearse(request, discovery, &mut summary).await
    } else {
        load_and_analyze(request, discovery, &mut summary, progress, started_at).await
    };
    progress.finished();
    result?;
    summary.duration_ms = milliseconds(started.elapsed());
    summary.exit_code = exit_code(&summary);
    Ok(summary)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn exit_code(summary: &RunSummary) -> u8 {
    let left_out = summary.quarantined + summary.failed > 0
        || summary.problems.iter().any(|problem| problem.is_loss());
    if left_out { EXIT_PARTIAL } else { EXIT_DONE }
}

/// Looks into all sources at once.
async fn discover(request: &RunRequest, summary: &mut RunSummary) -> Result<Discovery, RunError> {
    let looks = request.sources.iter().map(|source| match source {
        Source::EventLogs(source) => event_logs::discover(source, &request.window),
    });
    let mut all = Discovery::default();
    let mut reached = request.sources.is_empty();
    let mut first_error = None;
    for look in join_all(looks).await {
        match look {
            Ok(found) => {
                reached = true;
                all.histories.extend(found.histories);
                all.problems.extend(found.problems);
            }
            Err(error) => {
                summary
                    .problems
                    .push(Problem::unreachable(error.uri(), &error.to_string()));
                first_error.get_or_insert(error.to_string());
            }
        }
    }
    if !reached {
        return Err(RunError::Unreachable {
            reason: first_error.unwrap_or_default(),
        });
    }
    let mut seen = BTreeSet::new();
    all.histories
        .retain(|history| seen.insert(history.uri.clone()));
    if let Some(limit) = request.max_applications {
        all.histories
            .sort_by_key(|history| std::cmp::Reverse(history.modified()));
        all.histories.truncate(limit);
    }
    for problem in &all.problems {
        summary.problems.push(Problem::of_discovery(problem));
    }
    summary.discovered = all.histories.len();
    Ok(all)
}

/// What of the discovered has to be read.
struct Plan {
    candidates: Vec<Candidate>,
    duplicates: Vec<Duplicate>,
    unreadable: Vec<SourceRecord>,
}

async fn plan(
    request: &RunRequest,
    discovery: Discovery,
    ledger: &Ledger,
    summary: &mut RunSummary,
) -> Result<Plan, RunError> {
    let uris: BTreeSet<String> = discovery
        .histories
        .iter()
        .map(|history| history.uri.clone())
        .collect();
    let (unchanged, changed): (Vec<History>, Vec<History>) = discovery
        .histories
        .into_iter()
        .partition(|history| ledger.is_current(&history.uri, &history.fingerprint()));
    summary.unchanged = unchanged.len();
    let threads = request.threads;
    let runtime = tokio::runtime::Handle::current();
    let (changed, identities) = blocking(move || {
        let identities = work::identify_all(&changed, threads, &runtime);
        (changed, identities)
    })
    .await?;
    let mut candidates = Vec::new();
    let mut unreadable = Vec::new();
    for (history, identity) in changed.into_iter().zip(identities) {
        let fingerprint = history.fingerprint();
        match identity {
            Ok(identity) => candidates.push(Candidate {
                history,
                identity,
                fingerprint,
            }),
            Err(error) => unreadable.push(work::unreadable(&history, &fingerprint, &error)),
        }
    }
    let (candidates, duplicates) = plan::choose(candidates, ledger, |uri| uris.contains(uri));
    Ok(Plan {
        candidates,
        duplicates,
        unreadable,
    })
}

/// Says what a run would read, and reads no more than the heads of logs.
async fn rehearse(
    request: &RunRequest,
    discovery: Discovery,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
    let ledger = match Lake::open(&request.lake, request.storage_options.clone()).await {
        Ok(lake) => lake.ledger().await?,
        Err(crate::load::LoadError::NoLake { .. }) => Ledger::default(),
        Err(error) => return Err(error.into()),
    };
    let plan = plan(request, discovery, &ledger, summary).await?;
    summary.loaded = plan.candidates.len();
    summary.bytes = plan
        .candidates
        .iter()
        .map(|candidate| candidate.history.total_bytes())
        .sum();
    for record in plan.unreadable.iter().chain(&skipped(plan.duplicates)) {
        summary.count(record.status);
        summary.problems.push(Problem::of(record));
    }
    Ok(())
}

async fn load_and_analyze(
    request: &RunRequest,
    discovery: Discovery,
    summary: &mut RunSummary,
    progress: &dyn Progress,
    started_at: DateTime<Utc>,
) -> Result<(), RunError> {
    // Rules are read first: a mistake in them should not cost a night's reading.
    let catalog = analysis::catalog(request)?;
    let lake = Lake::open_or_create(&request.lake, request.storage_options.clone()).await?;
    let lock = lake.acquire(&summary.run_id).await?;
    let result = async {
        lake.recover(&lock).await?;
        load(request, discovery, &lake, &lock, summary, progress).await?;
        progress.phase("analyze");
        let analyzing = Instant::now();
        analysis::analyze(&lake, &lock, &catalog, summary).await?;
        summary.analyze_ms = milliseconds(analyzing.elapsed());
        summary.exit_code = exit_code(summary);
        bookkeeping::write_run(&lake, &lock, request, summary, started_at).await
    }
    .await;
    lock.release().await;
    result
}

/// Reads what changed and commits it, batch by batch.
async fn load(
    request: &RunRequest,
    discovery: Discovery,
    lake: &Lake,
    lock: &LakeLock,
    summary: &mut RunSummary,
    progress: &dyn Progress,
) -> Result<(), RunError> {
    let ledger = lake.ledger().await?;
    let plan = plan(request, discovery, &ledger, summary).await?;
    progress.phase("extract");
    let bytes = plan
        .candidates
        .iter()
        .map(|candidate| candidate.history.total_bytes())
        .sum();
    progress.total(plan.candidates.len(), bytes);
    let mut refused = plan.unreadable;
    refused.extend(skipped(plan.duplicates));
    for batch_plan in plan::batches(plan.candidates, request.threads) {
        let records = std::mem::take(&mut refused);
        load_batch(
            request, batch_plan, records, &ledger, lake, lock, summary, progress,
        )
        .await?;
    }
    if !refused.is_empty() {
        let nothing = BatchPlan::default();
        load_batch(
            request, nothing, refused, &ledger, lake, lock, summary, progress,
        )
        .await?;
    }
    Ok(())
}

/// Ledger rows of logs that another log of the same application takes precedence over.
fn skipped(duplicates: Vec<Duplicate>) -> Vec<SourceRecord> {
    duplicates
        .into_iter()
        .map(|Duplicate { candidate, winner }| {
            let mut record = work::record(
                &candidate.history,
                &candidate.fingerprint,
                SourceStatus::Skipped,
            );
            work::identify_record(&mut record, &candidate);
            record.error_kind = Some("duplicate_application".to_owned());
            record.error = Some(format!("{winner} tells of the same application attempt"));
            record.retryable = Some(false);
            record
        })
        .collect()
}

/// Stages and commits one batch; `records` are ledger rows that come without any rows of their own.
#[expect(
    clippy::too_many_arguments,
    reason = "private, called from one place, and each is one thing"
)]
async fn load_batch(
    request: &RunRequest,
    batch_plan: BatchPlan,
    records: Vec<SourceRecord>,
    ledger: &Ledger,
    lake: &Lake,
    lock: &LakeLock,
    summary: &mut RunSummary,
    progress: &dyn Progress,
) -> Result<(), RunError> {
    let extracting = Instant::now();
    let replaced: Vec<_> = batch_plan
        .candidates()
        .map(Candidate::key)
        .filter(|key| ledger.loaded(key).is_some())
        .collect();
    let batch = lake.begin_batch(lock, &summary.run_id).await?;
    let results = stage(request, batch_plan, lake, &batch, progress)?;
    summary.extract_ms += milliseconds(extracting.elapsed());

    progress.phase("load");
    let loading = Instant::now();
    let mut units = Vec::with_capacity(results.len());
    let mut sources = records;
    for UnitResult {
        staged,
        sources: of_unit,
    } in results
    {
        units.push(staged);
        sources.extend(of_unit);
    }
    // A reading that failed leaves the application's earlier rows as they were.
    let kept: BTreeSet<_> = sources
        .iter()
        .filter(|source| source.status.has_rows())
        .filter_map(SourceRecord::key)
        .collect();
    let replaced: Vec<_> = replaced
        .into_iter()
        .filter(|key| kept.contains(key))
        .collect();
    for source in &sources {
        summary.count(source.status);
        summary.rows += source.rows.unwrap_or(0);
        summary.bytes += source.bytes.unwrap_or(0);
        if source.error.is_some() {
            summary.problems.push(Problem::of(source));
        }
    }
    lake.commit(lock, &batch, units, &replaced, sources).await?;
    summary.load_ms += milliseconds(loading.elapsed());
    progress.phase("extract");
    Ok(())
}

/// Extracts a batch's units on threads of their own: large histories one after the other with all
/// cores, the small ones side by side.
fn stage(
    request: &RunRequest,
    batch_plan: BatchPlan,
    lake: &Lake,
    batch: &Batch,
    progress: &dyn Progress,
) -> Result<Vec<UnitResult>, RunError> {
    let workshop = Workshop {
        staging: lake.staging(WriterSettings::default()),
        batch,
        runtime: tokio::runtime::Handle::current(),
        include_tasks: request.include_tasks,
        progress,
    };
    tokio::task::block_in_place(|| {
        let mut results = Vec::new();
        for unit in batch_plan.large {
            results.extend(workshop.run_units(vec![unit])?);
        }
        results.extend(workshop.run_units(batch_plan.small)?);
        Ok(results)
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RunError::Worker {
            reason: error.to_string(),
        })
}
