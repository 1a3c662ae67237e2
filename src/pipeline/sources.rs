//! The first step: all sources are looked at, side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;

use crate::discover::event_logs::{self, EventLogSource};
use crate::discover::history_server::{self, HistoryServerSource};
use crate::discover::{
    Check, Cluster, ClusterPlatform, DiscoverError, DiscoverProblem, Discovery, History,
};
use crate::model::Platform;
use crate::unit::Credentials;

use super::error::RunError;
use super::identify::{OwnedHistory, Owner};
use super::place::Place;
use super::request::RunRequest;
use super::summary::{Problem, RunSummary};

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
    /// The places that it reads, for messages; what is secret in them is for the caller to mask.
    pub fn places(&self) -> Vec<String> {
        match self {
            Self::EventLogs(source) => source.uris.clone(),
            Self::HistoryServer(source) => vec![source.address()],
            Self::Platform(platform) => vec![platform.describe()],
        }
    }

    /// Tries whether it can be read, changing nothing.
    pub async fn check(&self) -> Vec<Check> {
        match self {
            Self::EventLogs(source) => event_logs::check(source).await,
            Self::HistoryServer(source) => history_server::check(source).await,
            Self::Platform(platform) => platform.check().await,
        }
    }

    /// How its problems are named in the ledger.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::EventLogs(source) => {
                let name = source.name.clone().or_else(|| source.uris.first().cloned());
                Place::new(Platform::EventLog, &name.unwrap_or_default())
            }
            Self::HistoryServer(source) => {
                let name = source.name.clone().unwrap_or_else(|| source.address());
                Place::new(Platform::HistoryServer, &name)
            }
            Self::Platform(platform) => Place::new(platform.platform(), &platform.describe()),
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

/// A source, and what it is called in orders of units.
#[derive(Debug, Clone)]
pub struct NamedSource {
    /// Its section of the job file, such as `source[0]`.
    pub name: String,
    /// The source.
    pub source: Source,
    /// How its stores are opened; `None` where an address and options are not enough for that.
    pub credentials: Option<Credentials>,
}

/// What all sources together hold.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    /// Histories that are known at once.
    pub(super) histories: Vec<OwnedHistory>,
    /// Clusters that have to be asked one by one.
    pub(super) listings: Vec<Listing>,
}

/// The clusters of one platform.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) platform: Arc<dyn ClusterPlatform>,
    /// Name of the credentials that open the stores of its logs.
    pub(super) credentials: Option<Arc<str>>,
    pub(super) clusters: Vec<Cluster>,
}

/// What one source holds.
enum SourceContents {
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
) -> Result<Discovered, RunError> {
    let looks = request.sources.iter().map(|named| look(named, request));
    let mut found = Discovered::default();
    let mut reached = request.sources.is_empty();
    let mut first_error = None;
    for (look, named) in join_all(looks).await.into_iter().zip(&request.sources) {
        let place = named.source.place();
        let problems = match look {
            Ok(look) => {
                reached = true;
                found.add(look, named.credentials_name())
            }
            Err(error) => {
                first_error.get_or_insert(error.to_string());
                vec![DiscoverProblem::from(error)]
            }
        };
        for problem in &problems {
            summary.tell(Problem::of_discovery(problem, &place));
        }
    }
    if !reached {
        return Err(RunError::Unreachable {
            reason: first_error.unwrap_or_default(),
        });
    }
    without_repetition(&mut found, request.max_applications);
    summary.discovered = found.histories.len();
    summary.clusters.found = found
        .listings
        .iter()
        .map(|listing| listing.clusters.len())
        .sum();
    Ok(found)
}

impl NamedSource {
    /// The name of its credentials, where it has any.
    fn credentials_name(&self) -> Option<Arc<str>> {
        self.credentials.as_ref().map(|_| self.name.as_str().into())
    }
}

impl Discovered {
    /// Adds what one source holds; what of it could not be looked at.
    fn add(&mut self, look: SourceContents, credentials: Option<Arc<str>>) -> Vec<DiscoverProblem> {
        match look {
            SourceContents::Histories(discovery) => {
                let own = |history: History| OwnedHistory {
                    history,
                    owner: Owner {
                        cluster: None,
                        credentials: credentials.clone(),
                        team: None,
                    },
                };
                self.histories
                    .extend(discovery.histories.into_iter().map(own));
                discovery.problems
            }
            SourceContents::Clusters(listing, problems) => {
                self.listings.push(listing);
                problems
            }
        }
    }
}

async fn look(named: &NamedSource, request: &RunRequest) -> Result<SourceContents, DiscoverError> {
    match &named.source {
        Source::EventLogs(source) => event_logs::discover(source, &request.window)
            .await
            .map(SourceContents::Histories),
        Source::HistoryServer(source) => history_server::discover(
            source,
            &request.window,
            request.include_running,
            request.max_applications,
        )
        .await
        .map(SourceContents::Histories),
        Source::Platform(platform) => {
            let list = platform.list(&request.window).await?;
            let listing = Listing {
                platform: Arc::clone(platform),
                credentials: named.credentials_name(),
                clusters: list.clusters,
            };
            Ok(SourceContents::Clusters(listing, list.problems))
        }
    }
}

/// Keeps each history and each cluster once, and the newest histories where there is a limit.
fn without_repetition(found: &mut Discovered, max_applications: Option<usize>) {
    let mut seen = BTreeSet::new();
    let histories = &mut found.histories;
    histories.retain(|owned| seen.insert(owned.history.uri().to_owned()));
    if let Some(limit) = max_applications {
        histories.sort_by_key(|owned| std::cmp::Reverse(owned.history.modified()));
        histories.truncate(limit);
    }
    let mut seen = BTreeSet::new();
    for listing in &mut found.listings {
        listing
            .clusters
            .retain(|cluster| seen.insert(cluster.uri.clone()));
    }
}
