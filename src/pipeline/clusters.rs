//! Clusters, a few at a time: each is explored, its histories are loaded, and what became of it is
//! written down. A run that is killed goes on with the first cluster that was not written down.

use std::sync::Arc;

use futures::{StreamExt, stream};

use crate::discover::{Cluster, DiscoverError, Exploration, ExploreRequest};

use super::cluster_facts;
use super::cluster_outcome::{ClusterOutcome, outcome};
use super::error::RunError;
use super::history_outcome::Outcome;
use super::identify::{OwnedHistory, Owner};
use super::place::Place;
use super::portion::Loader;
use super::selection::Selection;
use super::sources::Listing;
use super::summary::{Problem, RunSummary};

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
