//! Event logs that a cluster wrote to S3.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::account::Emr;
use super::api::{ListFilter, Step};
use super::ownership::{Lifetime, Owner, OwnershipProofs, by_lifetime, by_proof};
use super::setup::Setup;
use super::source::stricter;
use super::{clusters, process_logs};
use crate::discover::aws::{self, time};
use crate::discover::event_logs::{self, EventLogSource};
use crate::discover::{
    Cluster, DiscoverError, DiscoverProblem, Discovery, Exploration, ExploreRequest, History,
    Window,
};
use crate::model::Platform;

const NAME: &str = "event_logs";

impl Emr {
    /// Adds the logs of the cluster in the folders that it writes to. Returns whether all folders
    /// could be listed.
    pub(super) async fn explore_event_logs(
        &self,
        exploration: &mut Exploration,
        setup: &Setup,
        steps: &[Step],
        request: &ExploreRequest,
    ) -> bool {
        let mut found = Vec::new();
        let mut problems = Vec::new();
        let mut error = None;
        for folder in &setup.event_log_folders {
            match self.logs_in(folder, &request.window).await {
                Ok(discovery) => {
                    found.extend(discovery.histories.iter().cloned());
                    // Problems are of single logs; their errors cannot be shared, their words can.
                    problems.extend(discovery.problems.iter().map(copy_of));
                }
                // Nothing was ever written there.
                Err(DiscoverError::NotFound { .. }) => {}
                Err(failure) => error = Some(failure),
            }
        }
        let sorter = self.sorter(&exploration.cluster, setup, steps);
        let (mut logs, unknown, problems) = sorter.await.sort(found, problems).await;
        if !request.include_running && !clusters::has_ended(&exploration.cluster) {
            // What a cluster left behind in progress when it ended will never be complete.
            logs.retain(|log| !log.in_progress());
        }
        let limit = stricter(request.max_applications, self.source.max_applications);
        let logs = newest(logs, limit);
        let is_complete = error.is_none();
        match (error, unknown.len()) {
            (Some(error), _) => exploration.failed(NAME, error),
            (None, 0) => exploration.found(NAME, logs.len()),
            (None, count) => {
                exploration.found(NAME, logs.len());
                let example = unknown.first().map(History::uri).unwrap_or_default();
                let error = unknown_owner(&exploration.cluster, count, example);
                exploration.failed("event_logs_owner", error);
            }
        }
        exploration.problems.extend(problems);
        exploration.histories.extend(logs);
        is_complete
    }

    async fn logs_in(
        &self,
        folder: &str,
        window: &Window,
    ) -> Result<Arc<Discovery>, DiscoverError> {
        let cell = self.folders.cell(folder, window).await;
        let discovery = cell.get_or_try_init(|| async {
            let source = EventLogSource {
                uris: vec![folder.to_owned()],
                name: None,
                storage_options: self.storage_options().await?,
            };
            event_logs::discover(&source, window).await.map(Arc::new)
        });
        discovery.await.cloned()
    }

    pub(super) async fn storage_options(&self) -> Result<HashMap<String, String>, DiscoverError> {
        aws::storage_options(
            &self.source.aws,
            &self.api.config,
            &self.source.storage_options,
        )
        .await
    }

    async fn sorter<'a>(
        &'a self,
        cluster: &'a Cluster,
        setup: &'a Setup,
        steps: &[Step],
    ) -> Sorter<'a> {
        let mut proofs = OwnershipProofs::default();
        for id in steps.iter().flat_map(|step| &step.application_ids) {
            proofs.add_application(id);
        }
        Sorter {
            emr: self,
            cluster,
            setup,
            proofs,
        }
    }

    /// When the clusters of the account lived.
    async fn lifetimes(&self) -> Result<Arc<Vec<Lifetime>>, DiscoverError> {
        let listed = self.lifetimes.get_or_try_init(|| async {
            let pages = self.api.list_clusters(&ListFilter::default()).await;
            match pages.error {
                Some(error) => Err(error),
                None => Ok(Arc::new(
                    pages.items.iter().filter_map(lifetime).collect::<Vec<_>>(),
                )),
            }
        });
        listed.await.cloned()
    }
}

fn lifetime(summary: &aws_sdk_emr::types::ClusterSummary) -> Option<Lifetime> {
    let timeline = summary.status.as_ref()?.timeline.as_ref()?;
    Some(Lifetime {
        cluster_id: summary.id.clone()?,
        created_at: timeline.creation_date_time.as_ref().and_then(time)?,
        ready_at: timeline.ready_date_time.as_ref().and_then(time),
        ended_at: timeline.end_date_time.as_ref().and_then(time),
    })
}

/// Finds the logs of one cluster among those of several.
struct Sorter<'a> {
    emr: &'a Emr,
    cluster: &'a Cluster,
    setup: &'a Setup,
    proofs: OwnershipProofs,
}

/// Logs of the cluster, logs without a known owner, problems of the cluster's logs.
type Sorted = (Vec<History>, Vec<History>, Vec<DiscoverProblem>);

impl Sorter<'_> {
    async fn sort(mut self, found: Vec<History>, problems: Vec<DiscoverProblem>) -> Sorted {
        let (mut own, rest) = self.split(found);
        if rest.is_empty() {
            return (own, Vec::new(), self.own_problems(problems, &[]));
        }
        self.add_proofs().await;
        let (proven, rest) = self.split(rest);
        own.extend(proven);
        let mut unknown = Vec::new();
        let Some(lifetime) = self.lifetime() else {
            return (own, rest, self.own_problems(problems, &[]));
        };
        let others = match rest.is_empty() {
            true => Arc::default(),
            false => match self.emr.lifetimes().await {
                Ok(others) => others,
                // Without the list of clusters the owner of the rest is unknown, but what did not
                // happen in this cluster's life is not its.
                Err(_) => Arc::new(vec![Lifetime {
                    cluster_id: String::new(),
                    ..lifetime.clone()
                }]),
            },
        };
        for log in rest {
            let modified = log.modified();
            match by_lifetime(log.uri(), modified, &lifetime, &self.proofs, &others) {
                Owner::This => own.push(log),
                Owner::Other => {}
                Owner::Unknown => unknown.push(log),
            }
        }
        let problems = self.own_problems(problems, &others);
        (self.named(own), unknown, problems)
    }

    /// Logs that are proven to be the cluster's, and those that may be.
    fn split(&self, logs: Vec<History>) -> (Vec<History>, Vec<History>) {
        let mut own = Vec::new();
        let mut rest = Vec::new();
        for log in logs {
            match by_proof(log.uri(), &self.cluster.id, &self.proofs) {
                Owner::This => own.push(log),
                Owner::Other => {}
                Owner::Unknown => rest.push(log),
            }
        }
        (self.named(own), rest)
    }

    fn named(&self, mut logs: Vec<History>) -> Vec<History> {
        for log in &mut logs {
            log.platform = Platform::Emr;
            log.cluster_id.clone_from(&self.cluster.id);
            log.cluster_name.clone_from(&self.cluster.name);
        }
        logs
    }

    /// Asks where it takes a request: the folders of container logs are named by application, and
    /// the ResourceManager knows its own start.
    async fn add_proofs(&mut self) {
        let listed = process_logs::applications(self.emr, self.cluster, self.setup).await;
        if let Ok(applications) = listed {
            self.proofs.add_container_logs(&applications);
        }
        if let Some(Ok(manager)) = self.emr.resource_manager(self.cluster, self.setup)
            && let Ok(timestamp) = manager.cluster_timestamp().await
        {
            self.proofs.add_timestamp(timestamp);
        }
    }

    fn lifetime(&self) -> Option<Lifetime> {
        Some(Lifetime {
            cluster_id: self.cluster.id.clone(),
            created_at: self.cluster.created_at?,
            ready_at: self.cluster.ready_at,
            ended_at: self.cluster.ended_at,
        })
    }

    /// Problems of logs that are not another cluster's.
    fn own_problems(
        &self,
        problems: Vec<DiscoverProblem>,
        others: &[Lifetime],
    ) -> Vec<DiscoverProblem> {
        let lifetime = self.lifetime();
        let is_own = |problem: &DiscoverProblem| {
            let owner = by_proof(&problem.uri, &self.cluster.id, &self.proofs);
            match (owner, &lifetime) {
                (Owner::Unknown, Some(lifetime)) => {
                    let created = lifetime.created_at;
                    by_lifetime(&problem.uri, created, lifetime, &self.proofs, others)
                        == Owner::This
                }
                (owner, _) => owner == Owner::This,
            }
        };
        problems.into_iter().filter(is_own).collect()
    }
}

/// The same problem again, as words: errors of stores cannot be copied.
fn copy_of(problem: &DiscoverProblem) -> DiscoverProblem {
    DiscoverProblem {
        uri: problem.uri.clone(),
        error: DiscoverError::Platform {
            uri: problem.uri.clone(),
            call: "listing event logs".to_owned(),
            code: problem.error.code(),
            message: problem.error.to_string(),
            cure: "see the message".to_owned(),
            retryable: problem.error.is_retryable(),
        },
    }
}

fn unknown_owner(cluster: &Cluster, count: usize, example: &str) -> DiscoverError {
    DiscoverError::Platform {
        uri: cluster.uri.clone(),
        call: "listing event logs".to_owned(),
        code: "EVENT_LOG_OWNER_UNKNOWN".to_owned(),
        message: format!(
            "{count} event logs, such as {example}, may be of this cluster or of another one that \
             writes to the same folder"
        ),
        cure: "give clusters a LogUri (and the right to list it), or a folder of their own in \
               spark.eventLog.dir; or load the folder as a source of event logs"
            .to_owned(),
        retryable: false,
    }
}

fn newest(mut logs: Vec<History>, limit: Option<usize>) -> Vec<History> {
    let key = |log: &History| (std::cmp::Reverse(log.modified()), log.uri().to_owned());
    logs.sort_by_cached_key(key);
    logs.truncate(limit.unwrap_or(usize::MAX));
    logs
}

/// When logs of the folder were written last, for the doctor: `None` for an empty folder.
pub(super) async fn probe(emr: &Emr, folder: &str) -> Result<Option<DateTime<Utc>>, DiscoverError> {
    process_logs::first_object(emr, folder).await
}
