//! What became of a cluster that was asked, and of its applications.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::discover::{CallOutcome, Exploration};
use crate::extract::rows::RowCounts;
use crate::load::{ClusterRecord, ClusterStatus, SourceStatus};

use super::history_outcome::Outcome;
use super::outcome::AnalysisStatus;

/// A cluster that was asked, and what became of its applications.
#[derive(Debug)]
pub(super) struct ClusterOutcome {
    pub(super) exploration: Exploration,
    /// Time of the newest mean in the lake: the next run asks for later ones.
    pub(super) measured_until: Option<DateTime<Utc>>,
    /// Applications in the lake that have not changed.
    pub(super) unchanged: usize,
    /// Other applications, by status.
    pub(super) by_status: BTreeMap<SourceStatus, usize>,
    /// Codes of what failed, each once.
    pub(super) failures: Vec<String>,
    /// Rows that were loaded.
    pub(super) rows: RowCounts,
}

impl ClusterOutcome {
    /// Applications of which rows are in the lake.
    fn in_lake(&self) -> usize {
        self.unchanged + self.loaded()
    }

    /// Applications that this run loaded.
    pub(super) fn loaded(&self) -> usize {
        let of = |status: SourceStatus| self.by_status.get(&status).copied().unwrap_or(0);
        of(SourceStatus::Loaded) + of(SourceStatus::Partial)
    }

    /// Applications that were found.
    pub(super) fn applications(&self) -> usize {
        self.unchanged + self.by_status.values().sum::<usize>()
    }

    /// How its history stands.
    pub(super) fn status(&self) -> AnalysisStatus {
        match (self.failures.is_empty(), self.in_lake() > 0) {
            (true, true) => AnalysisStatus::Completed,
            (true, false) => AnalysisStatus::NoApplications,
            (false, true) => AnalysisStatus::Partial,
            (false, false) => AnalysisStatus::Failed,
        }
    }

    /// Its row of the ledger.
    pub(super) fn record(&self, include_tasks: bool) -> ClusterRecord {
        let Exploration { cluster, .. } = &self.exploration;
        let status = match (self.failures.is_empty(), cluster.is_finished) {
            (false, _) => ClusterStatus::Failed,
            (true, true) => ClusterStatus::Done,
            (true, false) => ClusterStatus::Open,
        };
        ClusterRecord {
            cluster_uri: cluster.uri.clone(),
            fingerprint: cluster.fingerprint(),
            platform: cluster.platform.as_str().to_owned(),
            cluster_id: cluster.id.clone(),
            cluster_name: cluster.name.clone(),
            status,
            failures: self.failures.clone(),
            histories: self.applications(),
            measured_until: self.measured_until,
            has_tasks: include_tasks,
        }
    }
}

/// Puts together what became of one cluster.
pub(super) fn outcome(
    exploration: Exploration,
    measured_before: Option<DateTime<Utc>>,
    unchanged: usize,
    outcomes: &[Outcome],
) -> ClusterOutcome {
    let mut failures: Vec<String> = Vec::new();
    for call in &exploration.calls {
        if let CallOutcome::Failed { code, .. } = &call.outcome {
            failures.push(code.clone());
        }
    }
    let mut by_status = BTreeMap::new();
    let mut rows = RowCounts::default();
    for Outcome {
        record, rows: of, ..
    } in outcomes
    {
        *by_status.entry(record.status).or_default() += 1;
        rows.add(of);
        // What a server gave in part may be whole the next time; a log that is cut off stays so.
        let failed = match record.status {
            SourceStatus::Failed | SourceStatus::Quarantined | SourceStatus::Unreachable => true,
            SourceStatus::Partial => record.retryable == Some(true),
            SourceStatus::Loaded | SourceStatus::Skipped => false,
        };
        if failed {
            failures.push(record.error_kind.clone().unwrap_or_default().to_uppercase());
        }
    }
    failures.sort_unstable();
    failures.dedup();
    // Samples of a moment are no measure of what was asked for.
    let means = exploration.metrics.iter();
    let newest = means
        .filter(|metrics| metrics.period_seconds.is_some())
        .map(|metrics| metrics.sampled_at)
        .max();
    ClusterOutcome {
        measured_until: newest.max(measured_before),
        exploration,
        unchanged,
        by_status,
        failures,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Cluster, ClusterMetrics};
    use crate::load::SourceRecord;
    use crate::model::Platform;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes)
    }

    fn cluster() -> Exploration {
        let arn = "arn:aws:elasticmapreduce:eu-west-1:1:cluster/j-1";
        Exploration::of(Cluster::new(Platform::Emr, "j-1", "etl", arn, "TERMINATED"))
    }

    fn history(status: SourceStatus, retryable: bool) -> Outcome {
        let mut record = SourceRecord::new("uri", "1", "emr", "j-1", status);
        record.retryable = Some(retryable);
        record.error_kind = Some("timeout".to_owned());
        Outcome::unread(record, Some(0))
    }

    #[test]
    fn a_history_that_a_server_gave_in_part_keeps_its_cluster_open() {
        let partial = [history(SourceStatus::Partial, true)];
        let open = outcome(cluster(), None, 0, &partial);
        assert_eq!(open.status(), AnalysisStatus::Partial);
        assert_eq!(open.record(true).status, ClusterStatus::Failed);

        let cut_off = [history(SourceStatus::Partial, false)];
        let done = outcome(cluster(), None, 0, &cut_off);
        assert_eq!(done.status(), AnalysisStatus::Completed);
        assert_eq!(done.record(true).status, ClusterStatus::Open);

        let mut ended = cluster();
        ended.cluster.is_finished = true;
        let ended = outcome(ended, None, 0, &cut_off);
        assert_eq!(ended.record(true).status, ClusterStatus::Done);
    }

    #[test]
    fn the_next_run_asks_for_means_after_the_newest_and_a_failed_call_moves_nothing() {
        let sample = |minutes, period_seconds| ClusterMetrics {
            sampled_at: at(minutes),
            period_seconds,
            ..ClusterMetrics::default()
        };
        let mut measured = cluster();
        measured.metrics = vec![
            sample(5, Some(300)),
            sample(10, Some(300)),
            sample(17, None),
        ];
        let until = |exploration, before| {
            let record = outcome(exploration, before, 0, &[]).record(true);
            record.measured_until
        };
        assert_eq!(until(measured, Some(at(0))), Some(at(10)));
        assert_eq!(until(cluster(), Some(at(0))), Some(at(0)));
        assert_eq!(until(cluster(), None), None);
    }
}
