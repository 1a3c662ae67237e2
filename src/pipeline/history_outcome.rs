//! What became of one history, as the run counts it.

use crate::extract::rows::RowCounts;
use crate::load::SourceRecord;
use crate::unit;

use super::plan::Candidate;

/// What became of one history.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Its row of the ledger.
    pub(super) record: SourceRecord,
    /// Its rows in fact tables.
    pub(super) rows: RowCounts,
    /// Other applications that were found in the same files, and are still to be read.
    pub(super) others: Vec<Candidate>,
    /// Whether something of it is missing in the lake that exists.
    pub(super) is_missing: bool,
    /// Position of its cluster among those that are loaded together.
    pub(super) cluster: Option<usize>,
}

impl Outcome {
    /// A history of which no row is written, though it should be.
    pub(super) fn unread(record: SourceRecord, cluster: Option<usize>) -> Self {
        Self {
            record,
            rows: RowCounts::default(),
            others: Vec::new(),
            is_missing: true,
            cluster,
        }
    }

    /// A history of which no row is wanted.
    pub(super) fn unwanted(record: SourceRecord, cluster: Option<usize>) -> Self {
        Self {
            is_missing: false,
            ..Self::unread(record, cluster)
        }
    }

    /// What a worker says about `candidate`.
    pub(super) fn of(outcome: unit::Outcome, candidate: &Candidate) -> Self {
        let others = outcome.others.into_iter().filter_map(|other| {
            let log = other.log(candidate.history.log()?);
            let history = candidate.history.with_log(log);
            Some(Candidate {
                fingerprint: history.fingerprint(),
                history,
                identity: other.identity,
                owner: candidate.owner.clone(),
            })
        });
        Self {
            others: others.collect(),
            record: outcome.record,
            rows: outcome.rows,
            is_missing: outcome.is_missing,
            cluster: candidate.owner.cluster,
        }
    }
}
