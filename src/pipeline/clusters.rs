//! Clusters, a few at a time: each is explored, its histories are loaded, and what became of it is
//! written down. A run that is killed goes on with the first cluster that was not written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};

use crate::discover::{
    CallOutcome, Cluster, DiscoverError, Discovery, Exploration, ExploreRequest,
};
use crate::extract::rows::RowCounts;
use crate::load::{Ledger, SourceRecord, SourceStatus};
use crate::model::Platform;

use super::cluster_rows;
use super::portion::{self, Loader};
use super::sources::Listing;
use super::summary::{Problem, RunError, RunSummary};
use super::work::Outcome;

/// The ledger's word for a cluster where it has the layout of a history.
const CLUSTER_LAYOUT: &str = "cluster";

/// A cluster that was asked, and what became of its applications.
#[derive(Debug)]
pub(super) struct ClusterOutcome {
    pub(super) exploration: Exploration,
    /// Time of the newest mean in the lake: the next run asks for later ones.
    pub(super) measured_until: Option<DateTime<Utc>>,
    /// Applications in the lake that have not changed.
    pub(super) unchanged: usize,
    /// Other applications, by status.
    pub(super) by_status: BTreeMap<&'static str, usize>,
    /// Codes of what failed, each once.
    pub(super) failures: Vec<String>,
    /// Rows that were loaded.
    pub(super) rows: RowCounts,
}

/// How a cluster's history stands, for `cluster_summaries.analysis_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnalysisStatus {
    Completed,
    NoApplications,
    Partial,
    Failed,
}

impl ClusterOutcome {
    /// Applications of which rows are in the lake.
    fn in_lake(&self) -> usize {
        self.unchanged + self.loaded()
    }

    /// Applications that this run loaded.
    pub(super) fn loaded(&self) -> usize {
        let of = |status: SourceStatus| self.by_status.get(status.as_str()).copied().unwrap_or(0);
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

    /// Its row of the ledger: a finished cluster without a failure need not be asked again.
    fn record(&self) -> SourceRecord {
        let Exploration { cluster, .. } = &self.exploration;
        let status = match self.failures.first() {
            None => SourceStatus::Loaded,
            Some(_) => SourceStatus::Failed,
        };
        let mut record = SourceRecord::new(
            &cluster.uri,
            cluster.fingerprint(),
            cluster.platform.as_str(),
            &cluster.id,
            status,
        );
        record.cluster_name.clone_from(&cluster.name);
        record.layout = Some(CLUSTER_LAYOUT.to_owned());
        record.modified = self.measured_until;
        record.complete = Some(cluster.is_finished);
        if !self.failures.is_empty() {
            record.error_kind = self.failures.first().map(|code| code.to_lowercase());
            record.error = Some(self.failures.join(", "));
            record.retryable = Some(true);
        }
        record
    }
}

/// Clusters that have to be asked: all but those that ended and were dealt with.
pub(super) fn pending(clusters: Vec<Cluster>, ledger: &Ledger) -> (Vec<Cluster>, usize) {
    let all = clusters.len();
    let pending: Vec<Cluster> = clusters
        .into_iter()
        .filter(|cluster| {
            !(cluster.is_finished && ledger.is_current(&cluster.uri, &cluster.fingerprint()))
        })
        .collect();
    let done = all - pending.len();
    (pending, done)
}

/// Explores and loads the clusters of a platform, a few at a time.
pub(super) async fn load(
    loader: &Loader<'_>,
    listing: Listing,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
    let Listing { platform, clusters } = listing;
    let (clusters, done) = pending(clusters, loader.ledger);
    summary.clusters.unchanged += done;
    let pace = platform.pace();
    let mut first = true;
    for portion in clusters.chunks(pace.batch_size.max(1)) {
        if !std::mem::take(&mut first) && !pace.batch_delay.is_zero() {
            tokio::time::sleep(pace.batch_delay).await;
        }
        loader.progress.phase("discover");
        let explorations: Vec<Exploration> = stream::iter(portion.to_vec())
            .map(|cluster| {
                let request = ExploreRequest {
                    window: loader.request.window,
                    include_running: loader.request.include_running,
                    max_applications: loader.request.max_applications,
                    metrics_since: measured_until(loader.ledger, &cluster),
                };
                explore(Arc::clone(&platform), cluster, request)
            })
            .buffered(pace.max_cluster_threads.max(1))
            .collect()
            .await;
        load_portion(loader, explorations, summary).await?;
    }
    Ok(())
}

/// Explores one cluster on a task of its own: a panic, which is a bug of ours, costs this cluster
/// and no other.
async fn explore(
    platform: Arc<dyn crate::discover::ClusterPlatform>,
    cluster: Cluster,
    request: ExploreRequest,
) -> Exploration {
    let asked = cluster.clone();
    let task = tokio::spawn(async move { platform.explore(cluster, &request).await });
    task.await.unwrap_or_else(|error| {
        let mut exploration = Exploration::of(asked);
        let uri = exploration.cluster.uri.clone();
        exploration.failed(
            "cluster",
            DiscoverError::Platform {
                uri,
                call: "exploring the cluster".to_owned(),
                code: "BUG".to_owned(),
                message: error.to_string(),
                cure: "please report it".to_owned(),
                retryable: true,
            },
        );
        exploration
    })
}

/// Loads the histories of some clusters and writes down what became of the clusters.
async fn load_portion(
    loader: &Loader<'_>,
    mut explorations: Vec<Exploration>,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
    let mut discovery = Discovery::default();
    for exploration in &mut explorations {
        for problem in &exploration.problems {
            summary.problems.push(Problem::of_discovery(problem));
        }
        discovery.histories.append(&mut exploration.histories);
    }
    summary.discovered += discovery.histories.len();
    let plan = portion::plan(loader.request, discovery, loader.ledger, summary).await?;
    let unchanged = count_by_cluster(
        plan.unchanged
            .iter()
            .map(|history| (history.platform, history.cluster_id.as_str())),
    );
    let outcomes = loader.load(plan, summary).await?;
    let clusters: Vec<ClusterOutcome> = explorations
        .into_iter()
        .map(|exploration| {
            let key = (exploration.cluster.platform, exploration.cluster.id.clone());
            let unchanged = unchanged.get(&key).copied().unwrap_or(0);
            let before = measured_until(loader.ledger, &exploration.cluster);
            outcome(exploration, before, unchanged, &outcomes)
        })
        .collect();
    for cluster in &clusters {
        summary.clusters.count(cluster.status());
    }
    let records = clusters.iter().map(ClusterOutcome::record).collect();
    cluster_rows::commit(loader, &clusters, records, &summary.run_id).await
}

/// Time of a cluster's newest mean in the lake.
fn measured_until(ledger: &Ledger, cluster: &Cluster) -> Option<DateTime<Utc>> {
    ledger.get(&cluster.uri).and_then(|entry| entry.modified)
}

type ClusterKey = (Platform, String);

fn count_by_cluster<'h>(
    histories: impl Iterator<Item = (Platform, &'h str)>,
) -> BTreeMap<ClusterKey, usize> {
    let mut counts = BTreeMap::new();
    for (platform, cluster_id) in histories {
        *counts.entry((platform, cluster_id.to_owned())).or_default() += 1;
    }
    counts
}

/// Puts together what became of one cluster.
fn outcome(
    exploration: Exploration,
    measured_before: Option<DateTime<Utc>>,
    unchanged: usize,
    outcomes: &[Outcome],
) -> ClusterOutcome {
    let Cluster { platform, id, .. } = &exploration.cluster;
    let mut failures: Vec<String> = Vec::new();
    for call in &exploration.calls {
        if let CallOutcome::Failed { code, .. } = &call.outcome {
            failures.push(code.clone());
        }
    }
    let mut by_status = BTreeMap::new();
    let mut rows = RowCounts::default();
    let of_cluster = outcomes.iter().filter(|outcome| {
        outcome.record.platform == platform.as_str() && outcome.record.cluster_id == *id
    });
    for Outcome {
        record, rows: of, ..
    } in of_cluster
    {
        *by_status.entry(record.status.as_str()).or_default() += 1;
        rows.add(of);
        // What a server gave in part may be whole the next time; a log that is cut off stays so.
        let failed = match record.status {
            SourceStatus::Failed | SourceStatus::Quarantined => true,
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
    use crate::discover::ClusterMetrics;

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
        Outcome::without_rows(record)
    }

    #[test]
    fn a_history_that_a_server_gave_in_part_keeps_its_cluster_open() {
        let partial = [history(SourceStatus::Partial, true)];
        let open = outcome(cluster(), None, 0, &partial);
        assert_eq!(open.status(), AnalysisStatus::Partial);
        assert_eq!(open.record().status, SourceStatus::Failed);

        let cut_off = [history(SourceStatus::Partial, false)];
        let done = outcome(cluster(), None, 0, &cut_off);
        assert_eq!(done.status(), AnalysisStatus::Completed);
        assert_eq!(done.record().status, SourceStatus::Loaded);
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
        let until = |exploration, before| outcome(exploration, before, 0, &[]).record().modified;
        assert_eq!(until(measured, Some(at(0))), Some(at(10)));
        assert_eq!(until(cluster(), Some(at(0))), Some(at(0)));
        assert_eq!(until(cluster(), None), None);
    }
}
