//! Which of several clusters an application ran on, when their event logs lie in one folder.
//!
//! The name of a log holds the id of its YARN application, `application_<timestamp>_<number>`. The
//! timestamp is the start of the ResourceManager in milliseconds, so all applications with one
//! timestamp ran on one cluster, and one application whose cluster is known tells that of the
//! others. An application belongs to a cluster when
//!
//! 1. the log's path has a folder of the cluster's id, or
//! 2. its timestamp is proven: a step of the cluster, its container logs or its ResourceManager name
//!    an application or a start with that timestamp, or
//! 3. the timestamp lies in the life of this cluster and of no other, or
//! 4. the cluster proves no timestamp, and was the only one that was starting up at that time, which
//!    is when ResourceManagers start.
//!
//! It belongs to another one when its path names that one, when the timestamp lies outside this
//! cluster's life, when container logs name all applications of this cluster and not this one, or
//! when this cluster proves other timestamps or had started up before. Where nothing tells, it
//! has no owner and is reported: two clusters of a source never load one log. Lives are those
//! of the source's account and region, so clusters of several of them that share a folder need a
//! `LogUri`, by which they prove what is theirs.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::application_ids::application_id_in;

/// Clocks of EMR's control plane and of a cluster's master differ by less.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(2);

/// When a cluster lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub cluster_id: String,
    pub created_at: DateTime<Utc>,
    pub ready_at: Option<DateTime<Utc>>,
    /// `None` while it lives.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Lifetime {
    fn contains(&self, time: DateTime<Utc>) -> bool {
        time >= self.created_at - CLOCK_SKEW
            && self.ended_at.is_none_or(|ended| time <= ended + CLOCK_SKEW)
    }

    /// Whether it was starting up.
    fn was_starting(&self, time: DateTime<Utc>) -> bool {
        let until = self.ready_at.or(self.ended_at);
        self.contains(time) && until.is_none_or(|until| time <= until + CLOCK_SKEW)
    }
}

/// Whose a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    This,
    Other,
    /// Nothing tells.
    Unknown,
}

/// Timestamps of ResourceManagers that are known to be a cluster's.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnershipProofs {
    timestamps: BTreeSet<i64>,
    /// Whether all applications of the cluster are known, so that the others are not its.
    is_exhaustive: bool,
}

impl OwnershipProofs {
    /// Adds what the id of an application of the cluster proves.
    pub(super) fn add_application(&mut self, application_id: &str) {
        self.timestamps.extend(timestamp_of(application_id));
    }

    /// Adds what the folders of the cluster's container logs prove. Every application has one.
    pub(super) fn add_container_logs(&mut self, application_ids: &[String]) {
        for id in application_ids {
            self.is_exhaustive |= timestamp_of(id).is_some();
            self.add_application(id);
        }
    }

    /// Adds the start of the cluster's ResourceManager.
    pub(super) fn add_timestamp(&mut self, milliseconds: i64) {
        self.timestamps.insert(milliseconds);
    }
}

/// What the log's own name and the proofs tell; `Unknown` leaves it to [`by_lifetime`].
pub(super) fn by_proof(uri: &str, cluster_id: &str, proofs: &OwnershipProofs) -> Owner {
    let mut clusters = uri.split('/').filter(|folder| is_cluster_id(folder));
    if clusters.clone().any(|folder| folder == cluster_id) {
        return Owner::This;
    }
    if clusters.next().is_some() {
        return Owner::Other;
    }
    let timestamp = log_name(uri).and_then(timestamp_of);
    match timestamp.is_some_and(|timestamp| proofs.timestamps.contains(&timestamp)) {
        true => Owner::This,
        false => Owner::Unknown,
    }
}

/// What the lifetimes of the account's clusters say about a log whose owner nothing proves.
///
/// `modified` stands for the timestamp of logs that have none in their names.
pub(super) fn by_lifetime(
    uri: &str,
    modified: DateTime<Utc>,
    cluster: &Lifetime,
    proofs: &OwnershipProofs,
    others: &[Lifetime],
) -> Owner {
    let time = log_name(uri)
        .and_then(timestamp_of)
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or(modified);
    if proofs.is_exhaustive || !cluster.contains(time) {
        return Owner::Other;
    }
    let mut rivals = others
        .iter()
        .filter(|other| other.cluster_id != cluster.cluster_id && other.contains(time))
        .peekable();
    if rivals.peek().is_none() {
        return Owner::This;
    }
    if !proofs.timestamps.is_empty() {
        return Owner::Other;
    }
    let rival_was_starting = rivals.any(|rival| rival.was_starting(time));
    match (cluster.was_starting(time), rival_was_starting) {
        (true, false) => Owner::This,
        (false, true) => Owner::Other,
        _ => Owner::Unknown,
    }
}

fn log_name(uri: &str) -> Option<&str> {
    uri.trim_end_matches('/').rsplit('/').next()
}

/// `j-` and the letters and digits of EMR's ids.
fn is_cluster_id(folder: &str) -> bool {
    folder.strip_prefix("j-").is_some_and(|rest| {
        rest.len() >= 8
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
    })
}

/// The ResourceManager's start in the id of an application, in milliseconds.
fn timestamp_of(text: &str) -> Option<i64> {
    let id = application_id_in(text)?;
    id.split('_').nth(1)?.parse().ok()
}
