//! Logs of one application in several folders: copied, packed, moved to an archive.
//!
//! The folder of a plain log stands for its cluster, as two clusters may form the same application
//! id. They do not start an application in the same millisecond: logs that tell the same id, attempt
//! and start are about one application, wherever they lie and however they are packed. Where both
//! tell a SparkContext (Databricks), that has to be the same, too.

use std::collections::HashMap;

use super::{Application, Candidate, Duplicate};
use crate::discover::{file_name, name_of_cluster};
use crate::load::{Ledger, LedgerEntry, SourceStatus};
use crate::model::Platform;

/// Leaves out logs whose application another folder tells as well or better: a log that is in the
/// lake, or one of the others. Where the lake's log is not whole, the candidate takes its cluster on,
/// and is read in its place.
pub(super) fn without_copies(
    candidates: Vec<Candidate>,
    ledger: &Ledger,
) -> (Vec<Candidate>, Vec<Duplicate>) {
    let mut wanted: HashMap<Application, Vec<usize>> = HashMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if let Some(application) = candidate.application() {
            wanted.entry(application).or_default().push(index);
        }
    }
    if wanted.is_empty() {
        return (candidates, Vec::new());
    }
    let mut originals = in_lake(&candidates, &wanted, ledger);
    let mut winners = best_of_each(&candidates, &wanted, |index| originals.contains_key(&index));
    let (mut kept, mut copies) = (Vec::new(), Vec::new());
    for (index, mut candidate) in candidates.into_iter().enumerate() {
        if let Some(original) = originals.remove(&index) {
            let tells_less = tells_less(&candidate, &original);
            adopt(&mut candidate, original.cluster_id());
            match tells_less {
                true => copies.push(Duplicate {
                    candidate,
                    winner: original.0.source_uri,
                }),
                false => kept.push(candidate),
            }
        } else if let Some(winner) = winners.remove(&index) {
            adopt(&mut candidate, &winner.cluster_id);
            copies.push(Duplicate {
                candidate,
                winner: winner.uri,
            });
        } else {
            kept.push(candidate);
        }
    }
    (kept, copies)
}

/// A log of another folder that is in the lake.
struct Original(LedgerEntry);

impl Original {
    fn cluster_id(&self) -> &str {
        let key = self.0.key.as_ref();
        key.map_or("", |key| key.cluster_id.as_str())
    }
}

/// For each candidate the log of another folder that brought its application into the lake.
fn in_lake(
    candidates: &[Candidate],
    wanted: &HashMap<Application, Vec<usize>>,
    ledger: &Ledger,
) -> HashMap<usize, Original> {
    let mut found: HashMap<usize, Vec<Original>> = HashMap::new();
    for entry in ledger.entries_of(SourceStatus::has_rows) {
        let indices = application_of(&entry).and_then(|application| wanted.get(&application));
        for index in indices.into_iter().flatten() {
            let is_elsewhere = candidates.get(*index).is_some_and(|candidate| {
                let key = entry.key.as_ref();
                entry.source_uri != candidate.history.uri()
                    && key.is_some_and(|key| key.cluster_id != candidate.history.cluster_id)
            });
            if is_elsewhere {
                let originals = found.entry(*index).or_default();
                originals.push(Original(entry.clone()));
            }
        }
    }
    let one_of = |(index, originals): (usize, Vec<Original>)| {
        let uri = candidates.get(index)?.history.uri();
        let own = ledger.get(uri).filter(|entry| entry.status.has_rows());
        let own_cluster = own.and_then(|entry| Some(entry.key?.cluster_id));
        // A log that was read before stays where it was.
        let original = originals
            .into_iter()
            .filter(|original| {
                let own = own_cluster.as_deref();
                own.is_none_or(|own| own == original.cluster_id())
            })
            .min_by(|left, right| left.0.source_uri.cmp(&right.0.source_uri));
        Some((index, original?))
    };
    found.into_iter().filter_map(one_of).collect()
}

fn application_of(entry: &LedgerEntry) -> Option<Application> {
    let key = entry.key.as_ref()?;
    (key.platform == Platform::EventLog.as_str()).then_some(Application {
        application_id: key.application_id.clone(),
        attempt_id: key.attempt_id.clone(),
        start_time: entry.start_time?,
    })
}

/// Whether a candidate tells no more than a log in the lake. Sizes are compared only where both are
/// packed the same way.
fn tells_less(candidate: &Candidate, original: &Original) -> bool {
    let packing = |uri: &str| {
        let name = file_name(uri);
        name.rsplit_once('.').map(|(_, end)| end.to_owned())
    };
    let uri = candidate.history.uri();
    let was_read = original.0.complete == Some(true);
    let is_smaller = packing(uri) == packing(&original.0.source_uri)
        && original.0.size_bytes.unwrap_or(0) >= candidate.history.total_bytes();
    was_read || is_smaller
}

/// The log that is read, for one that is not.
struct Winner {
    uri: String,
    cluster_id: String,
}

/// For each candidate the better one of another folder, among those that `is_decided` is not true for.
fn best_of_each(
    candidates: &[Candidate],
    wanted: &HashMap<Application, Vec<usize>>,
    is_decided: impl Fn(usize) -> bool,
) -> HashMap<usize, Winner> {
    let mut winners = HashMap::new();
    for indices in wanted.values() {
        let open: Vec<(usize, &Candidate)> = indices
            .iter()
            .filter(|index| !is_decided(**index))
            .filter_map(|index| Some((*index, candidates.get(*index)?)))
            .collect();
        let best = open.iter().max_by(|(_, left), (_, right)| {
            let rank = |one: &Candidate| (!one.history.in_progress(), one.history.total_bytes());
            let by_name = || right.history.uri().cmp(left.history.uri());
            rank(left).cmp(&rank(right)).then_with(by_name)
        });
        let Some((_, best)) = best else {
            continue;
        };
        for (index, candidate) in &open {
            let is_elsewhere = candidate.history.cluster_id != best.history.cluster_id;
            // In the same folder the better one is chosen later.
            if is_elsewhere && !candidate.is_other_than(best) {
                let winner = Winner {
                    uri: best.history.uri().to_owned(),
                    cluster_id: best.history.cluster_id.clone(),
                };
                winners.insert(*index, winner);
            }
        }
    }
    winners
}

/// The application keeps the cluster that it has in the lake.
fn adopt(candidate: &mut Candidate, cluster_id: &str) {
    cluster_id.clone_into(&mut candidate.history.cluster_id);
    candidate.history.cluster_name = name_of_cluster(cluster_id);
}
