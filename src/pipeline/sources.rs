//! The first step: all sources are looked at, side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;

use crate::discover::event_logs::{self, EventLogSource};
use crate::discover::history_server::{self, HistoryServerSource};
use crate::discover::{Check, Cluster, ClusterPlatform, DiscoverError, DiscoverProblem, Discovery};

use super::RunRequest;
use super::summary::{Problem, RunError, RunSummary};

/// Where histories come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Folders and files of event logs.
    EventLogs(EventLogSource),
    /// A History Server, or a driver that runs.
    HistoryServer(Box<HistoryServerSource>),
    /// A platform that runs clusters.
    Platform(Arc<dyn ClusterPlatform>),
}

impl Source {
    /// Tries whether it can be read, changing nothing.
    pub async fn check(&self) -> Vec<Check> {
        match self {
            Self::EventLogs(source) => event_logs::check(source).await,
            Self::HistoryServer(source) => history_server::check(source).await,
            Self::Platform(platform) => platform.check().await,
        }
    }

    /// What it is called in `runs.sources`; without secrets.
    pub(super) fn describe(&self) -> Vec<String> {
        match self {
            Self::EventLogs(source) => source.uris.clone(),
            Self::HistoryServer(source) => vec![source.address()],
            Self::Platform(platform) => vec![platform.describe()],
        }
    }
}

/// What all sources together hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Histories that are known at once.
    pub(super) discovery: Discovery,
    /// Clusters that have to be asked one by one.
    pub(super) listings: Vec<Listing>,
}

/// The clusters of one platform.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) platform: Arc<dyn ClusterPlatform>,
    pub(super) clusters: Vec<Cluster>,
}

/// What one source holds.
enum Look {
    Histories(Discovery),
    Clusters(Listing, Vec<DiscoverProblem>),
}

/// Looks into all sources at once.
///
/// # Errors
/// When none of them can be looked at.
pub(super) async fn discover(
    request: &RunRequest,
    summary: &mut RunSummary,
) -> Result<Found, RunError> {
    let looks = request.sources.iter().map(|source| look(source, request));
    let mut found = Found::default();
    let mut reached = request.sources.is_empty();
    let mut first_error = None;
    for look in join_all(looks).await {
        match look {
            Ok(Look::Histories(discovery)) => {
                reached = true;
                found.discovery.histories.extend(discovery.histories);
                found.discovery.problems.extend(discovery.problems);
            }
            Ok(Look::Clusters(listing, problems)) => {
                reached = true;
                found.listings.push(listing);
                found.discovery.problems.extend(problems);
            }
            Err(error) => {
                summary
                    .problems
                    .push(Problem::unreachable(error.uri(), &error.to_string()));
                first_error.get_or_insert(error.to_string());
            }
        }
    }
    if !reached {
        return Err(RunError::Unreachable {
            reason: first_error.unwrap_or_default(),
        });
    }
    without_repetition(&mut found, request.max_applications);
    for problem in &found.discovery.problems {
        summary.problems.push(Problem::of_discovery(problem));
    }
    summary.discovered = found.discovery.histories.len();
    summary.clusters.found = found
        .listings
        .iter()
        .map(|listing| listing.clusters.len())
        .sum();
    Ok(found)
}

async fn look(source: &Source, request: &RunRequest) -> Result<Look, DiscoverError> {
    match source {
        Source::EventLogs(source) => event_logs::discover(source, &request.window)
            .await
            .map(Look::Histories),
        Source::HistoryServer(source) => history_server::discover(
            source,
            &request.window,
            request.include_running,
            request.max_applications,
        )
        .await
        .map(Look::Histories),
        Source::Platform(platform) => {
            let list = platform.list(&request.window).await?;
            let listing = Listing {
                platform: Arc::clone(platform),
                clusters: list.clusters,
            };
            Ok(Look::Clusters(listing, list.problems))
        }
    }
}

/// Keeps each history and each cluster once, and the newest histories where there is a limit.
fn without_repetition(found: &mut Found, max_applications: Option<usize>) {
    let mut seen = BTreeSet::new();
    let histories = &mut found.discovery.histories;
    histories.retain(|history| seen.insert(history.uri().to_owned()));
    if let Some(limit) = max_applications {
        histories.sort_by_key(|history| std::cmp::Reverse(history.modified()));
        histories.truncate(limit);
    }
    let mut seen = BTreeSet::new();
    for listing in &mut found.listings {
        listing
            .clusters
            .retain(|cluster| seen.insert(cluster.uri.clone()));
    }
}
