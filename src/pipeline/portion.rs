//! One portion of histories: what of it has to be read, and the batches in which that happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::discover::{Discovery, History};
use crate::load::{Batch, Lake, LakeLock, Ledger, SourceRecord, SourceStatus, WriterSettings};
use crate::model::ApplicationKey;

use super::plan::{self, BatchPlan, Candidate, Duplicate};
use super::summary::{Problem, RunError, RunSummary};
use super::work::{self, Outcome, UnitResult, Workshop};
use super::{Progress, RunRequest, milliseconds};

/// What of the discovered has to be read.
pub(super) struct Plan {
    pub(super) candidates: Vec<Candidate>,
    /// Histories that did not change since they were loaded.
    pub(super) unchanged: Vec<History>,
    duplicates: Vec<Duplicate>,
    unreadable: Vec<SourceRecord>,
}

impl Plan {
    /// Compressed size of what has to be read.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.candidates.iter();
        sizes.map(|candidate| candidate.history.total_bytes()).sum()
    }

    /// Ledger rows of what will not be read.
    pub(super) fn refused(&mut self) -> Vec<SourceRecord> {
        let mut refused = std::mem::take(&mut self.unreadable);
        refused.extend(skipped(std::mem::take(&mut self.duplicates)));
        refused
    }
}

/// Decides what of `discovery` has to be read.
pub(super) async fn plan(
    request: &RunRequest,
    discovery: Discovery,
    ledger: &Ledger,
    summary: &mut RunSummary,
) -> Result<Plan, RunError> {
    let uris: BTreeSet<String> = discovery
        .histories
        .iter()
        .map(|history| history.uri().to_owned())
        .collect();
    let unfinished = unfinished_files(ledger);
    let is_current = |history: &History| {
        ledger.is_current(history.uri(), &history.fingerprint())
            && !unfinished.contains(history.uri())
    };
    let (mut unchanged, changed): (Vec<History>, Vec<History>) =
        discovery.histories.into_iter().partition(is_current);
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
            Ok(identified) => {
                for (part, identity) in identified {
                    let fingerprint = part.fingerprint();
                    // A part of a log has a record of its own.
                    if part.uri() != history.uri() && is_current(&part) {
                        unchanged.push(part);
                        continue;
                    }
                    candidates.push(Candidate {
                        history: part,
                        identity,
                        fingerprint,
                    });
                }
            }
            Err(error) => unreadable.push(work::unreadable(&history, &fingerprint, &error)),
        }
    }
    summary.unchanged += unchanged.len();
    let (candidates, duplicates) = plan::choose(candidates, ledger, |uri| uris.contains(uri));
    Ok(Plan {
        candidates,
        unchanged,
        duplicates,
        unreadable,
    })
}

/// Files of which one application is in the tables and another is still to be read.
fn unfinished_files(ledger: &Ledger) -> BTreeSet<String> {
    ledger
        .entries_of(|status| status == SourceStatus::Failed)
        .filter_map(|entry| {
            let (file, _) = entry.source_uri.rsplit_once('#')?;
            Some(file.to_owned())
        })
        .collect()
}

/// What reading and committing one portion needs.
pub(super) struct Loader<'l> {
    pub(super) request: &'l RunRequest,
    pub(super) ledger: &'l Ledger,
    pub(super) lake: &'l Lake,
    pub(super) lock: &'l LakeLock,
    pub(super) progress: &'l dyn Progress,
}

impl Loader<'_> {
    /// Reads what changed and commits it, batch by batch. Tells what became of each history that
    /// was not passed over as unchanged.
    pub(super) async fn load(
        &self,
        mut plan: Plan,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        self.progress.phase("extract");
        self.progress.total(plan.candidates.len(), plan.bytes());
        let mut refused = plan.refused();
        let mut outcomes = Vec::new();
        let mut taken: BTreeSet<ApplicationKey> =
            plan.candidates.iter().map(Candidate::key).collect();
        let mut candidates = plan.candidates;
        while !candidates.is_empty() {
            let mut others = Vec::new();
            for batch_plan in plan::batches(candidates, self.request.threads) {
                let records = std::mem::take(&mut refused);
                let mut loaded = self.load_batch(batch_plan, records, summary).await?;
                others.extend(
                    loaded
                        .iter_mut()
                        .flat_map(|outcome| outcome.others.drain(..)),
                );
                outcomes.extend(loaded);
            }
            // Only reading a file to its end shows that it holds other applications, too. One that
            // has a log of its own was read from there.
            others.retain(|other| taken.insert(other.key()));
            let (chosen, duplicates) = plan::choose(others, self.ledger, |_| true);
            refused.extend(skipped(duplicates));
            candidates = chosen;
        }
        if !refused.is_empty() {
            let nothing = BatchPlan::default();
            outcomes.extend(self.load_batch(nothing, refused, summary).await?);
        }
        Ok(outcomes)
    }

    /// Stages and commits one batch; `records` are ledger rows that come without any rows of their
    /// own.
    async fn load_batch(
        &self,
        batch_plan: BatchPlan,
        records: Vec<SourceRecord>,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        let extracting = Instant::now();
        let replaced: BTreeMap<ApplicationKey, ApplicationKey> = batch_plan
            .candidates()
            .flat_map(|candidate| plan::replaced_keys(candidate, self.ledger))
            .collect();
        let batch = self.lake.begin_batch(self.lock, &summary.run_id).await?;
        let results = self.stage(batch_plan, &batch)?;
        summary.extract_ms += milliseconds(extracting.elapsed());

        self.progress.phase("load");
        let loading = Instant::now();
        let mut units = Vec::with_capacity(results.len());
        let mut outcomes: Vec<Outcome> = records.into_iter().map(Outcome::without_rows).collect();
        for UnitResult {
            staged,
            outcomes: of_unit,
        } in results
        {
            units.push(staged);
            outcomes.extend(of_unit);
        }
        let sources: Vec<SourceRecord> = outcomes
            .iter()
            .map(|outcome| outcome.record.clone())
            .collect();
        // A reading that failed leaves the application's earlier rows as they were.
        let kept: BTreeSet<_> = sources
            .iter()
            .filter(|source| source.status.has_rows())
            .filter_map(SourceRecord::key)
            .collect();
        let replaced: Vec<_> = replaced
            .into_iter()
            .filter(|(_, by)| kept.contains(by))
            .map(|(key, _)| key)
            .collect();
        for source in &sources {
            summary.count(source.status);
            summary.rows += source.rows.unwrap_or(0);
            summary.bytes += source.bytes.unwrap_or(0);
            if source.error.is_some() {
                summary.problems.push(Problem::of(source));
            }
        }
        self.lake
            .commit(self.lock, &batch, units, &replaced, sources)
            .await?;
        summary.load_ms += milliseconds(loading.elapsed());
        self.progress.phase("extract");
        Ok(outcomes)
    }

    /// Extracts a batch's units on threads of their own: large histories one after the other with
    /// all cores, the small ones side by side.
    fn stage(&self, batch_plan: BatchPlan, batch: &Batch) -> Result<Vec<UnitResult>, RunError> {
        let workshop = Workshop {
            staging: self.lake.staging(WriterSettings::default()),
            batch,
            runtime: tokio::runtime::Handle::current(),
            include_tasks: self.request.include_tasks,
            progress: self.progress,
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

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RunError::Worker {
            reason: error.to_string(),
        })
}
