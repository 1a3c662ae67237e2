//! Clusters, a few at a time: each is explored, its histories are loaded, and what became of it is
//! written down. A run that is killed goes on with the first cluster that was not written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};

use crate::discover::{CallOutcome, Cluster, DiscoverError, Exploration, ExploreRequest};
use crate::extract::rows::RowCounts;
use crate::load::{ClusterRecord, ClusterStatus, SourceStatus};

use super::cluster_facts;
use super::error::RunError;
use super::history_outcome::Outcome;
use super::identify::{OwnedHistory, Owner};
use super::place::Place;
use super::portion::Loader;
use super::selection::Selection;
use super::sources::Listing;
use super::summary::{Problem, RunSummary};

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

/// Clusters that have to be asked, and the number of the others.
pub(super) fn pending(clusters: Vec<Cluster>, selection: &Selection) -> (Vec<Cluster>, usize) {
    let all = clusters.len();
    let pending: Vec<Cluster> = clusters
        .into_iter()
        .filter(|cluster| selection.needs_cluster(cluster))
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
    let Listing {
        platform,
        credentials,
        clusters,
    } = listing;
    let (clusters, done) = pending(clusters, loader.selection);
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
                    metrics_since: loader.selection.measured_until(&cluster),
                };
                explore(Arc::clone(&platform), cluster, request)
            })
            .buffered(pace.max_cluster_threads.max(1))
            .collect()
            .await;
        load_portion(loader, explorations, credentials.as_ref(), summary).await?;
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
    credentials: Option<&Arc<str>>,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
    let mut histories = Vec::new();
    for (position, exploration) in explorations.iter_mut().enumerate() {
        let place = Place::of_cluster(&exploration.cluster);
        for problem in &exploration.problems {
            summary.tell(Problem::of_discovery(problem, &place));
        }
        let found = std::mem::take(&mut exploration.histories);
        let teams = loader.request.teams.of_cluster(exploration);
        histories.extend(found.into_iter().map(|history| OwnedHistory {
            owner: Owner {
                cluster: Some(position),
                credentials: credentials.cloned(),
                team: teams.of(history.job_run.as_ref().map(|run| run.job_run_id.as_str())),
            },
            history,
        }));
    }
    summary.discovered += histories.len();
    let loaded = loader.load(histories, summary).await?;
    let mut unchanged = vec![0; explorations.len()];
    for position in loaded
        .unchanged
        .iter()
        .filter_map(|owned| owned.owner.cluster)
    {
        if let Some(count) = unchanged.get_mut(position) {
            *count += 1;
        }
    }
    let mut outcomes: Vec<Vec<Outcome>> = explorations.iter().map(|_| Vec::new()).collect();
    for outcome in loaded.outcomes {
        let of_cluster = outcome.cluster.and_then(|at| outcomes.get_mut(at));
        if let Some(of_cluster) = of_cluster {
            of_cluster.push(outcome);
        }
    }
    let clusters: Vec<ClusterOutcome> = explorations
        .into_iter()
        .zip(unchanged)
        .zip(outcomes)
        .map(|((exploration, unchanged), outcomes)| {
            let before = loader.selection.measured_until(&exploration.cluster);
            outcome(exploration, before, unchanged, &outcomes)
        })
        .collect();
    for cluster in &clusters {
        summary.clusters.count(cluster.status());
    }
    cluster_facts::commit(loader, clusters, &summary.run_id).await
}

/// Puts together what became of one cluster.
fn outcome(
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
    use crate::discover::ClusterMetrics;
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
