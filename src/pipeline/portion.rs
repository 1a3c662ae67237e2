//! Portions of histories: they are identified ahead, read and committed while others are still
//! looked at.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;

use crate::load::{Batch, Lake, LakeLock, SourceRecord, SourceStatus};
use crate::model::{ApplicationKey, milliseconds};
use crate::unit::{Stores, identify_record, record, unreadable};

use super::error::RunError;
use super::history_outcome::Outcome;
use super::identify::{self, Identified, OwnedHistory};
use super::plan::{self, BatchPlan, Candidate, Duplicate, Spread};
use super::progress::Progress;
use super::request::RunRequest;
use super::selection::Selection;
use super::stage::StagedBatch;
use super::summary::{Problem, RunSummary};

/// Most histories of one portion: what is held in memory of them is little.
const PORTION_HISTORIES: usize = 20_000;
/// How long a portion waits for further histories, counted from its first. Long enough that a night
/// of sound logs is one portion, whose applications of one day share files.
const PORTION_WAIT: Duration = Duration::from_secs(10);

/// What of a portion is read, and the ledger's rows of the rest.
#[derive(Debug, Default)]
pub(super) struct Portion {
    pub(super) candidates: Vec<Candidate>,
    pub(super) others: Vec<Outcome>,
}

/// Histories on their way from discovery to their reading.
pub(super) struct Portions<'p> {
    identified: Receiver<Identified>,
    selection: &'p Selection,
    /// The URIs of all histories that were discovered: a log in the lake that is not among them was
    /// renamed or cleaned away.
    discovered: HashSet<String>,
    /// Histories that need not be read.
    pub(super) unchanged: Vec<OwnedHistory>,
}

impl<'p> Portions<'p> {
    /// Sorts out what need not be read, and begins to identify the rest.
    pub(super) fn of(
        request: &RunRequest,
        histories: Vec<OwnedHistory>,
        selection: &'p Selection,
    ) -> Self {
        let discovered: HashSet<String> = histories
            .iter()
            .map(|owned| owned.history.uri().to_owned())
            .collect();
        let (changed, unchanged): (Vec<_>, Vec<_>) = histories
            .into_iter()
            .partition(|owned| selection.needs(&owned.history));
        let (threads, timeout) = (request.threads, request.identify_timeout);
        Self {
            identified: identify::start(changed, threads, timeout, &Handle::current()),
            selection,
            discovered,
            unchanged,
        }
    }

    /// The next portion; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Portion> {
        let first = self.identified.recv().await?;
        let mut candidates = Vec::new();
        let mut portion = Portion::default();
        self.sort_in(first, &mut candidates, &mut portion);
        let end = tokio::time::Instant::now() + PORTION_WAIT;
        while candidates.len() < PORTION_HISTORIES {
            match tokio::time::timeout_at(end, self.identified.recv()).await {
                Ok(Some(identified)) => self.sort_in(identified, &mut candidates, &mut portion),
                Ok(None) | Err(_) => break,
            }
        }
        // The order in which threads are done must not decide anything.
        candidates.sort_by(|a, b| a.history.uri().cmp(b.history.uri()));
        let discovered = &self.discovered;
        let (candidates, duplicates) = plan::choose(candidates, &self.selection.ledger(), |uri| {
            discovered.contains(uri)
        });
        portion.candidates = candidates;
        portion.others.extend(duplicates.into_iter().map(skipped));
        Some(portion)
    }

    /// All that is left, as one portion.
    pub(super) async fn all(&mut self) -> Portion {
        let mut all = Portion::default();
        while let Some(portion) = self.next().await {
            all.candidates.extend(portion.candidates);
            all.others.extend(portion.others);
        }
        // Copies of one application may have come in different portions.
        let discovered = &self.discovered;
        let (candidates, duplicates) =
            plan::choose(all.candidates, &self.selection.ledger(), |uri| {
                discovered.contains(uri)
            });
        all.candidates = candidates;
        all.others.extend(duplicates.into_iter().map(skipped));
        all
    }

    fn sort_in(
        &mut self,
        identified: Identified,
        candidates: &mut Vec<Candidate>,
        portion: &mut Portion,
    ) {
        let Identified {
            owned,
            applications,
        } = identified;
        let OwnedHistory { history, owner } = owned;
        let applications = match applications {
            Ok(applications) => applications,
            Err(error) => {
                let record = unreadable(&history, &history.fingerprint(), &error);
                portion.others.push(Outcome::unread(record, owner.cluster));
                return;
            }
        };
        for (part, identity) in applications {
            // A part of a log has a record of its own.
            if part.uri() != history.uri() && !self.selection.needs(&part) {
                let history = part;
                let owner = owner.clone();
                self.unchanged.push(OwnedHistory { history, owner });
                continue;
            }
            candidates.push(Candidate {
                fingerprint: part.fingerprint(),
                history: part,
                identity,
                owner: owner.clone(),
            });
        }
    }
}

/// What reading and committing portions needs.
pub(super) struct Loader<'l> {
    pub(super) request: &'l RunRequest,
    pub(super) selection: &'l Selection,
    pub(super) lake: &'l Lake,
    pub(super) lock: &'l LakeLock,
    pub(super) progress: &'l dyn Progress,
    /// Stores that discovery has opened.
    pub(super) stores: Arc<Stores>,
}

/// What became of some histories.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Those that were taken up.
    pub(super) outcomes: Vec<Outcome>,
    /// Those that need not be read.
    pub(super) unchanged: Vec<OwnedHistory>,
}

impl Loader<'_> {
    /// Reads what has to be read and commits it, batch by batch.
    pub(super) async fn load(
        &self,
        histories: Vec<OwnedHistory>,
        summary: &mut RunSummary,
    ) -> Result<Loaded, RunError> {
        self.progress.phase("extract");
        let mut portions = Portions::of(self.request, histories, self.selection);
        let mut loaded = Loaded::default();
        let mut taken = HashSet::new();
        while let Some(portion) = portions.next().await {
            let outcomes = self.load_portion(portion, &mut taken, summary).await?;
            loaded.outcomes.extend(outcomes);
        }
        summary.unchanged += portions.unchanged.len();
        loaded.unchanged = portions.unchanged;
        Ok(loaded)
    }

    /// Loads a portion; `taken` are the applications of this run so far.
    async fn load_portion(
        &self,
        portion: Portion,
        taken: &mut HashSet<ApplicationKey>,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        let Portion { candidates, others } = portion;
        let sizes = candidates.iter();
        let bytes = sizes.map(|candidate| candidate.history.total_bytes()).sum();
        self.progress.total(candidates.len(), bytes);
        taken.extend(candidates.iter().map(Candidate::key));
        self.read(candidates, others, taken, summary).await
    }

    /// Reads and commits histories, and the other applications that turn out to be in their files;
    /// `taken` are the applications of this run so far.
    pub(super) async fn read(
        &self,
        mut candidates: Vec<Candidate>,
        mut others: Vec<Outcome>,
        taken: &mut HashSet<ApplicationKey>,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        let mut outcomes = Vec::new();
        while !candidates.is_empty() {
            let mut found = Vec::new();
            for batch_plan in plan::batches(candidates, Spread::over(self.request.threads)) {
                let others = std::mem::take(&mut others);
                let mut loaded = self.load_batch(batch_plan, others, summary).await?;
                found.extend(
                    loaded
                        .iter_mut()
                        .flat_map(|outcome| outcome.others.drain(..)),
                );
                outcomes.extend(loaded);
            }
            // Only reading a file to its end shows that it holds other applications, too. One that
            // has a log of its own was read from there.
            found.retain(|other| taken.insert(other.key()));
            let (chosen, duplicates) = plan::choose(found, &self.selection.ledger(), |_| true);
            others.extend(duplicates.into_iter().map(skipped));
            candidates = chosen;
        }
        if !others.is_empty() {
            let nothing = BatchPlan::default();
            outcomes.extend(self.load_batch(nothing, others, summary).await?);
        }
        Ok(outcomes)
    }

    /// Stages and commits one batch; `others` have ledger rows and no rows of their own.
    async fn load_batch(
        &self,
        batch_plan: BatchPlan,
        others: Vec<Outcome>,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        let extracting = Instant::now();
        let replaced = self.replaced(batch_plan.candidates());
        let batch = self.lake.begin_batch(self.lock, &summary.run_id).await?;
        let staged = self.stage(batch_plan, &batch)?;
        summary.extract_ms += milliseconds(extracting.elapsed());
        let loaded = self.commit_batch(&batch, replaced, staged, others, summary);
        let outcomes = loaded.await?;
        self.progress.phase("extract");
        Ok(outcomes)
    }

    /// The keys whose rows go when candidates are read, each with the key of the candidate.
    pub(super) fn replaced<'c>(
        &self,
        candidates: impl Iterator<Item = &'c Candidate>,
    ) -> BTreeMap<ApplicationKey, ApplicationKey> {
        let ledger = self.selection.ledger();
        candidates
            .flat_map(|candidate| plan::replaced_keys(candidate, &ledger))
            .collect()
    }

    /// Commits what the units of a batch staged, in place of the rows that `replaced` names.
    pub(super) async fn commit_batch(
        &self,
        batch: &Batch,
        replaced: BTreeMap<ApplicationKey, ApplicationKey>,
        staged: StagedBatch,
        others: Vec<Outcome>,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        self.progress.phase("load");
        let loading = Instant::now();
        let StagedBatch {
            units,
            outcomes: of_units,
        } = staged;
        let mut outcomes = others;
        outcomes.extend(of_units);
        let sources: Vec<SourceRecord> = outcomes
            .iter()
            .map(|outcome| outcome.record.clone())
            .collect();
        // A reading that failed leaves the application's earlier rows as they were.
        let kept: BTreeSet<ApplicationKey> = sources
            .iter()
            .filter(|source| source.status.has_rows())
            .filter_map(SourceRecord::key)
            .collect();
        let replaced: Vec<ApplicationKey> = replaced
            .into_iter()
            .filter(|(_, by)| kept.contains(by))
            .map(|(key, _)| key)
            .collect();
        for outcome in &outcomes {
            summary.note(outcome);
        }
        self.lake
            .commit(self.lock, batch, units, &replaced, sources)
            .await?;
        let records = outcomes.iter().map(|outcome| &outcome.record);
        self.selection.note(records, batch);
        summary.load_ms += milliseconds(loading.elapsed());
        Ok(outcomes)
    }
}

impl RunSummary {
    /// Counts what became of a history.
    pub(super) fn note(&mut self, outcome: &Outcome) {
        let source = &outcome.record;
        self.count(source.status);
        self.rows += source.rows.unwrap_or(0);
        self.bytes += source.bytes.unwrap_or(0);
        if source.error.is_some() {
            self.problems.push(Problem::of(source, outcome.is_missing));
        }
    }
}

/// A log that another log of the same application takes precedence over.
pub(super) fn skipped(duplicate: Duplicate) -> Outcome {
    let Duplicate { candidate, winner } = duplicate;
    let mut record = record(
        &candidate.history,
        &candidate.fingerprint,
        SourceStatus::Skipped,
    );
    identify_record(&mut record, &candidate.identity);
    record.error_kind = Some("duplicate_application".to_owned());
    record.error = Some(format!("{winner} has the same application attempt"));
    record.retryable = Some(false);
    Outcome::unwanted(record, candidate.owner.cluster)
}
