//! The nightly run: wires the five steps, from `discover` to derived tables.
//!
//! A run takes the lake's lock, completes what a killed run left, finds the logs that changed,
//! stages and commits them batch by batch, judges the applications whose rows changed, and writes
//! one row about itself. Killed anywhere, the next run goes on from the last committed batch.
//! Platforms are worked through a few clusters at a time, each with its own commits.

mod analysis;
mod bookkeeping;
mod cluster_rows;
mod clusters;
mod plan;
mod portion;
mod sources;
mod summary;
mod work;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::analyze::Overrides;
use crate::discover::Window;
use crate::load::{Lake, LakeLock, Ledger, StoreSafety};
use crate::redact::Redactor;

use portion::Loader;
use sources::Found;

pub use sources::Source;
pub use summary::{
    ClusterCounts, EXIT_DONE, EXIT_FAILED, EXIT_HELD, EXIT_PARTIAL, EXIT_UNREACHABLE, EXIT_USAGE,
    Problem, RunError, RunSummary, WorstApplication,
};

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The lake: a path or URI.
    pub lake: String,
    /// Options of the lake's object store.
    pub storage_options: HashMap<String, String>,
    /// What to do about a store that does not keep two runs apart.
    pub store_safety: StoreSafety,
    /// Where histories come from.
    pub sources: Vec<Source>,
    /// Masks secrets in all that is written.
    pub redactor: Redactor,
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
    let found = sources::discover(request, &mut summary).await?;
    summary.discover_ms = milliseconds(started.elapsed());
    let result = if request.dry_run {
        rehearse(request, found, &mut summary).await
    } else {
        load_and_analyze(request, found, &mut summary, progress, started_at).await
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
        || summary.clusters.partial + summary.clusters.failed > 0
        || summary.problems.iter().any(|problem| problem.is_loss());
    if left_out { EXIT_PARTIAL } else { EXIT_DONE }
}

/// Says what a run would read, and reads no more than the heads of logs. Clusters are listed and not
/// asked: asking may make things on the platform.
async fn rehearse(
    request: &RunRequest,
    found: Found,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
    let ledger = match Lake::open(&request.lake, request.storage_options.clone()).await {
        Ok(lake) => lake.ledger().await?,
        Err(crate::load::LoadError::NoLake { .. }) => Ledger::default(),
        Err(error) => return Err(error.into()),
    };
    for listing in found.listings {
        let (_, done) = clusters::pending(listing.clusters, &ledger);
        summary.clusters.unchanged += done;
    }
    let mut plan = portion::plan(request, found.discovery, &ledger, summary).await?;
    summary.loaded = plan.candidates.len();
    summary.bytes = plan.bytes();
    for record in plan.refused() {
        summary.count(record.status);
        summary.problems.push(Problem::of(&record));
    }
    Ok(())
}

async fn load_and_analyze(
    request: &RunRequest,
    found: Found,
    summary: &mut RunSummary,
    progress: &dyn Progress,
    started_at: DateTime<Utc>,
) -> Result<(), RunError> {
    // Rules are read first: a mistake in them should not cost a night's reading.
    let catalog = analysis::catalog(request)?;
    let options = request.storage_options.clone();
    let lake = Lake::open_or_create_with(&request.lake, options, request.store_safety)
        .await?
        .with_redactor(request.redactor.clone());
    let lock = lake.acquire(&summary.run_id).await?;
    let result = async {
        lake.recover(&lock).await?;
        load(request, found, &lake, &lock, summary, progress).await?;
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

/// Reads what changed and commits it: first the histories that are known, then cluster by cluster.
async fn load(
    request: &RunRequest,
    found: Found,
    lake: &Lake,
    lock: &LakeLock,
    summary: &mut RunSummary,
    progress: &dyn Progress,
) -> Result<(), RunError> {
    let ledger = lake.ledger().await?;
    let loader = Loader {
        request,
        ledger: &ledger,
        lake,
        lock,
        progress,
    };
    let plan = portion::plan(request, found.discovery, &ledger, summary).await?;
    loader.load(plan, summary).await?;
    for listing in found.listings {
        clusters::load(&loader, listing, summary).await?;
    }
    Ok(())
}
