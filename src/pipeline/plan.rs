//! What to read, and in which portions.
//!
//! Every log that changed is identified first (its head tells whose it is), so that two logs of one
//! application can be told apart from two applications before a row is written, and so that
//! applications of one day share files.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::discover::History;
use crate::extract::history::Identity;
use crate::load::Ledger;
use crate::model::ApplicationKey;

/// Logs from this size on are read by all cores together, one after the other.
const LARGE_HISTORY_BYTES: u64 = 48 << 20;
/// What a history weighs whose size a server does not tell.
const UNKNOWN_BYTES: u64 = 1 << 20;
/// Workers that read servers side by side: they wait more than they work.
const SERVER_WORKERS: usize = 4;
/// Most bytes and most histories of one batch: what a killed run reads again at worst.
const BATCH_BYTES: u64 = 16 << 30;
const BATCH_HISTORIES: usize = 2_000;

/// A log to be read.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) history: History,
    pub(super) identity: Identity,
    pub(super) fingerprint: String,
}

impl Candidate {
    pub(super) fn key(&self) -> ApplicationKey {
        ApplicationKey {
            platform: self.history.platform.as_str().to_owned(),
            cluster_id: self.history.cluster_id.clone(),
            application_id: self.identity.application_id.clone(),
            attempt_id: self.identity.attempt_id.clone(),
        }
    }

    /// Its size as far as it is known, for sharing out work.
    fn weight(&self) -> u64 {
        self.history.total_bytes().max(UNKNOWN_BYTES)
    }

    pub(super) fn app_date(&self) -> Option<NaiveDate> {
        chrono::DateTime::from_timestamp_millis(self.identity.start_time)
            .map(|start| start.date_naive())
    }

    /// Which of two logs of one application is the better: complete before in progress, then the
    /// larger, the newer, and the first by name.
    fn is_better_than(&self, other: &Self) -> bool {
        let rank = |candidate: &Self| {
            let history = &candidate.history;
            (
                !history.in_progress(),
                history.total_bytes(),
                history.modified(),
            )
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| other.history.uri().cmp(self.history.uri()))
            .is_gt()
    }
}

/// A log that is left out because another one tells of the same application attempt.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) candidate: Candidate,
    /// The log that is read instead, or was.
    pub(super) winner: String,
}

/// Chooses one log for each application attempt, among those that changed and those in the lake.
/// `discovered` tells whether a log that is in the lake still exists.
pub(super) fn choose(
    candidates: Vec<Candidate>,
    ledger: &Ledger,
    discovered: impl Fn(&str) -> bool,
) -> (Vec<Candidate>, Vec<Duplicate>) {
    let mut chosen: BTreeMap<ApplicationKey, Candidate> = BTreeMap::new();
    let mut duplicates = Vec::new();
    for candidate in candidates {
        let key = candidate.key();
        if let Some(winner) = better_in_lake(&candidate, &key, ledger, &discovered) {
            duplicates.push(Duplicate { candidate, winner });
            continue;
        }
        match chosen.remove(&key) {
            None => {
                chosen.insert(key, candidate);
            }
            Some(rival) => {
                let (winner, loser) = if candidate.is_better_than(&rival) {
                    (candidate, rival)
                } else {
                    (rival, candidate)
                };
                duplicates.push(Duplicate {
                    candidate: loser,
                    winner: winner.history.uri().to_owned(),
                });
                chosen.insert(key, winner);
            }
        }
    }
    // A rival that lost to an early candidate names it even if a later one won: name the last.
    for duplicate in &mut duplicates {
        if let Some(winner) = chosen.get(&duplicate.candidate.key()) {
            duplicate.winner = winner.history.uri().to_owned();
        }
    }
    (chosen.into_values().collect(), duplicates)
}

/// The log in the lake that tells more of the same application than `candidate` does.
fn better_in_lake(
    candidate: &Candidate,
    key: &ApplicationKey,
    ledger: &Ledger,
    discovered: &impl Fn(&str) -> bool,
) -> Option<String> {
    let loaded = ledger.loaded(key)?;
    if loaded.source_uri == candidate.history.uri() {
        return None;
    }
    let complete = loaded.complete.unwrap_or(false);
    let size = loaded.size_bytes.unwrap_or(0);
    // The same log under its final name is no rival; a copy elsewhere is one while it tells more.
    let renamed = !discovered(&loaded.source_uri) && !complete;
    let better =
        complete && (candidate.history.in_progress() || size >= candidate.history.total_bytes());
    (better && !renamed).then(|| loaded.source_uri.clone())
}

/// A list of histories for one worker.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) number: u32,
    pub(super) candidates: Vec<Candidate>,
    /// Threads that parse one log of this unit.
    pub(super) threads: usize,
}

/// Units that are committed together: large ones to be read one by one, small ones side by side.
#[derive(Debug, Default)]
pub(super) struct BatchPlan {
    pub(super) large: Vec<Unit>,
    pub(super) small: Vec<Unit>,
}

impl BatchPlan {
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.large
            .iter()
            .chain(&self.small)
            .flat_map(|unit| &unit.candidates)
    }
}

/// Cuts the histories into batches, and each batch into units for `threads` workers.
pub(super) fn batches(mut candidates: Vec<Candidate>, threads: usize) -> Vec<BatchPlan> {
    candidates
        .sort_by(|a, b| (a.app_date(), a.history.uri()).cmp(&(b.app_date(), b.history.uri())));
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for candidate in candidates {
        let size = candidate.history.total_bytes();
        if !batch.is_empty() && (bytes + size > BATCH_BYTES || batch.len() >= BATCH_HISTORIES) {
            batches.push(units(std::mem::take(&mut batch), threads));
            bytes = 0;
        }
        bytes += size;
        batch.push(candidate);
    }
    if !batch.is_empty() {
        batches.push(units(batch, threads));
    }
    batches
}

fn units(candidates: Vec<Candidate>, threads: usize) -> BatchPlan {
    let (large, small): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| candidate.history.total_bytes() >= LARGE_HISTORY_BYTES);
    let large: Vec<Unit> = large
        .into_iter()
        .zip(0..)
        .map(|(candidate, number)| Unit {
            number,
            candidates: vec![candidate],
            threads,
        })
        .collect();
    let waits = small
        .iter()
        .any(|candidate| candidate.history.log().is_none());
    let workers = if waits {
        threads.max(SERVER_WORKERS)
    } else {
        threads
    };
    let first = u32::try_from(large.len()).unwrap_or(u32::MAX);
    BatchPlan {
        large,
        small: spread(small, workers, first),
    }
}

/// Spreads small histories over `workers` units of about the same size, neighbours by date together.
fn spread(candidates: Vec<Candidate>, workers: usize, first: u32) -> Vec<Unit> {
    let total: u64 = candidates.iter().map(Candidate::weight).sum();
    let share = total.div_ceil(workers.max(1) as u64).max(1);
    let mut units: Vec<Unit> = Vec::new();
    let mut filled = share;
    for candidate in candidates {
        if filled >= share {
            let number = first.saturating_add(u32::try_from(units.len()).unwrap_or(u32::MAX));
            units.push(Unit {
                number,
                candidates: Vec::new(),
                threads: 1,
            });
            filled = 0;
        }
        filled += candidate.weight();
        if let Some(unit) = units.last_mut() {
            unit.candidates.push(candidate);
        }
    }
    units
}
