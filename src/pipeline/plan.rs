//! What to read, and in which portions.
//!
//! A log is identified before it is read (its head tells whose it is), so that two logs of one
//! application are not taken for two applications, and so that applications of one day share files.

mod copies;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::discover::History;
use crate::extract::extraction::Identity;
use crate::load::Ledger;
use crate::model::{ApplicationKey, Platform};
use crate::unit::{Assignment, can_travel};

use super::identify::Owner;

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
    pub(super) owner: Owner,
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

    /// What a worker is given of it.
    pub(super) fn assignment(&self) -> Assignment {
        Assignment {
            history: self.history.clone(),
            identity: self.identity.clone(),
            fingerprint: self.fingerprint.clone(),
            team: self.owner.team.clone(),
        }
    }

    /// Whether a worker in another process can read it.
    pub(super) fn travels(&self) -> bool {
        self.owner.credentials.is_some() && can_travel(&self.history)
    }

    /// Its size as far as it is known, for sharing out work.
    fn weight(&self) -> u64 {
        self.history.total_bytes().max(UNKNOWN_BYTES)
    }

    pub(super) fn app_date(&self) -> Option<NaiveDate> {
        DateTime::from_timestamp_millis(self.identity.start_time).map(|start| start.date_naive())
    }

    /// Whether its cluster is known by its path alone.
    fn is_plain_log(&self) -> bool {
        self.history.platform == Platform::EventLog
    }

    /// Whether the two are applications of their own although they have the same key: clusters that
    /// start at once form the same ids.
    fn is_other_than(&self, other: &Self) -> bool {
        let (mine, others) = (&self.identity, &other.identity);
        let both_tell = mine.has_start && others.has_start;
        let contexts = mine.spark_context_id.zip(others.spark_context_id);
        (both_tell && mine.start_time != others.start_time)
            || contexts.is_some_and(|(mine, other)| mine != other)
    }

    /// What logs of the same application in other folders have, too. `None` where the log's cluster
    /// is known otherwise, and where it does not tell its start.
    fn application(&self) -> Option<Application> {
        Some(Application {
            application_id: self.identity.application_id.clone(),
            attempt_id: self.identity.attempt_id.clone(),
            start_time: self.identity.start().filter(|_| self.is_plain_log())?,
        })
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

/// An application attempt, wherever its log lies: a cluster that forms the same id starts at another
/// millisecond.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Application {
    application_id: String,
    attempt_id: String,
    start_time: DateTime<Utc>,
}

/// A log that is left out because another one is about the same application attempt.
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
    let (candidates, copies) = copies::without_copies(candidates, ledger);
    duplicates.extend(copies);
    for mut candidate in candidates {
        let is_other = |key: &ApplicationKey| {
            chosen
                .get(key)
                .is_some_and(|rival| rival.is_other_than(&candidate))
                || is_other_in_lake(&candidate, key, ledger)
        };
        if candidate.is_plain_log() && is_other(&candidate.key()) {
            candidate.history.cluster_id = candidate.history.uri().to_owned();
        }
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

/// Whether the lake has another application under the key: one with another start, or the log was
/// told apart from it before.
fn is_other_in_lake(candidate: &Candidate, key: &ApplicationKey, ledger: &Ledger) -> bool {
    let uri = candidate.history.uri();
    let known = ledger.get(uri).and_then(|entry| entry.key);
    if known.is_some_and(|known| known.cluster_id == uri) {
        return true;
    }
    ledger.loaded(key).is_some_and(|loaded| {
        loaded.source_uri != uri
            && loaded.complete == Some(true)
            && candidate.identity.has_start
            && match loaded.start_time {
                Some(start) => candidate.identity.start() != Some(start),
                None => loaded.app_date != candidate.app_date(),
            }
    })
}

/// The keys whose rows in the lake go when `candidate` is read, each with the candidate's own key:
/// that key, and another under which the same log was read before (its cluster was called otherwise,
/// or its beginning came later).
pub(super) fn replaced_keys(
    candidate: &Candidate,
    ledger: &Ledger,
) -> impl Iterator<Item = (ApplicationKey, ApplicationKey)> {
    let key = candidate.key();
    let same = ledger.loaded(&key).map(|_| key.clone());
    let uri = candidate.history.uri();
    let earlier = ledger
        .get(uri)
        .and_then(|entry| entry.key.clone())
        .filter(|earlier| *earlier != key)
        .filter(|earlier| {
            ledger
                .loaded(earlier)
                .is_some_and(|loaded| loaded.source_uri == uri)
        });
    same.into_iter()
        .chain(earlier)
        .map(move |replaced| (replaced, key.clone()))
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

/// A list of histories for one worker: all of them travel, or all stay in this process.
#[derive(Debug, Default)]
pub(super) struct UnitPlan {
    pub(super) number: u32,
    pub(super) candidates: Vec<Candidate>,
    /// Threads that parse one log of this unit.
    pub(super) threads: usize,
    /// Whether it takes the machine for itself.
    pub(super) is_alone: bool,
}

/// Units that are committed together.
#[derive(Debug, Default)]
pub(super) struct BatchPlan {
    /// By number.
    pub(super) units: Vec<UnitPlan>,
}

impl BatchPlan {
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.units.iter().flat_map(|unit| &unit.candidates)
    }
}

/// How the histories of a batch are spread over units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// Workers of one machine, and threads of a unit that takes it for itself.
    pub(super) threads: usize,
    /// About how many units small histories are spread over.
    pub(super) units: usize,
    /// Most bytes of a unit of several histories.
    pub(super) unit_bytes: u64,
}

impl Spread {
    /// Over the threads of this machine, a unit each.
    pub(super) fn over(threads: usize) -> Self {
        Self {
            threads,
            units: threads,
            unit_bytes: u64::MAX,
        }
    }
}

/// Cuts the histories into batches, and each batch into units.
pub(super) fn batches(mut candidates: Vec<Candidate>, over: Spread) -> Vec<BatchPlan> {
    candidates
        .sort_by(|a, b| (a.app_date(), a.history.uri()).cmp(&(b.app_date(), b.history.uri())));
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for candidate in candidates {
        let size = candidate.history.total_bytes();
        if !batch.is_empty() && (bytes + size > BATCH_BYTES || batch.len() >= BATCH_HISTORIES) {
            batches.push(units(std::mem::take(&mut batch), over));
            bytes = 0;
        }
        bytes += size;
        batch.push(candidate);
    }
    if !batch.is_empty() {
        batches.push(units(batch, over));
    }
    batches
}

/// Large histories are units of their own that take all threads, small ones share units. What cannot
/// travel is never in a unit with what can.
fn units(candidates: Vec<Candidate>, over: Spread) -> BatchPlan {
    let threads = over.threads;
    let (large, small): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| candidate.history.total_bytes() >= LARGE_HISTORY_BYTES);
    let mut units: Vec<UnitPlan> = large
        .into_iter()
        .map(|candidate| UnitPlan {
            candidates: vec![candidate],
            threads,
            is_alone: true,
            ..UnitPlan::default()
        })
        .collect();
    let (travelling, staying): (Vec<_>, Vec<_>) = small.into_iter().partition(Candidate::travels);
    let waits = staying
        .iter()
        .any(|candidate| candidate.history.log().is_none());
    let workers = if waits {
        threads.max(SERVER_WORKERS)
    } else {
        threads
    };
    units.extend(spread(travelling, over));
    units.extend(spread(staying, Spread::over(workers)));
    for (unit, number) in units.iter_mut().zip(0..) {
        unit.number = number;
    }
    BatchPlan { units }
}

/// Spreads small histories over units of about the same size, neighbors by date together.
fn spread(candidates: Vec<Candidate>, over: Spread) -> Vec<UnitPlan> {
    let total: u64 = candidates.iter().map(Candidate::weight).sum();
    let share = total.div_ceil(over.units.max(1) as u64);
    let share = share.min(over.unit_bytes).max(1);
    let mut units: Vec<UnitPlan> = Vec::new();
    let mut filled = share;
    for candidate in candidates {
        if filled >= share {
            units.push(UnitPlan {
                threads: 1,
                ..UnitPlan::default()
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
