//! Databricks: clusters and job runs of a workspace, and the event logs that clusters deliver.
//!
//! Everything is asked through the workspace's REST interface, with a token or as a service
//! principal (OAuth machine-to-machine). Histories come from delivered event logs
//! (`cluster_log_conf`: S3, volumes, DBFS). The Spark UI of the data plane, which answers only to a
//! person's cookie, is asked where the job file says so and no log was delivered. What ran without
//! a cluster, on serverless compute or a SQL warehouse, leaves no Spark history; such runs are
//! listed as a cluster of their own, so that they are not missing silently.

mod api;
mod check;
mod clusters;
mod data_plane;
mod events;
mod files;
mod logs;
mod oauth;
mod refusal;
mod runs;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, DiscoverProblem, Exploration,
    ExploreRequest, History, Pace, Window,
};
use crate::http::{Auth, Client, ClientSettings, HttpError, HttpSettings, Secret};
use crate::model::Platform;
use api::{ClusterDetails, Workspace};
use runs::{KEPT_DAYS, RunIndex, RunOnCluster};

/// The id of the cluster that stands for everything that ran without one.
pub const SERVERLESS: &str = "serverless";

/// Logs are delivered every five minutes, the last ones after the cluster's end. Until so long after
/// it a cluster does not count as finished, or its last log would never be looked for.
const DELIVERY_DELAY: TimeDelta = TimeDelta::minutes(15);
/// A log is modified when it is delivered, not when the application ends.
const WINDOW_SLACK: TimeDelta = TimeDelta::hours(1);

/// A workspace, and what is wanted of it.
#[derive(Debug, Clone)]
pub struct DatabricksSource {
    /// The workspace: `https://adb-1234567890.12.azuredatabricks.net`. Path and query are ignored.
    pub workspace_url: Url,
    /// Who asks.
    pub auth: DatabricksAuth,
    /// Only clusters in one of these states, such as `TERMINATED`; empty or `ALL` for all.
    pub cluster_states: Vec<String>,
    /// Only clusters whose name contains this, whatever its case; empty for all.
    pub cluster_name_filter: String,
    /// Only clusters that came from one of these: `JOB`, `UI`, `API`, `PIPELINE`, …; empty or `ALL`
    /// for all.
    pub cluster_sources: Vec<String>,
    /// Most clusters, the newest first.
    pub max_clusters: Option<usize>,
    /// Only clusters created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only clusters created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Timeouts, retries, certificates and proxies' headers of all requests. Base, authentication
    /// and login of it are replaced.
    pub http: HttpSettings,
    /// Settings of the object stores that logs are delivered to.
    pub storage_options: HashMap<String, String>,
    /// Where a log destination is to be read instead: `dbfs:/mnt/logs` is
    /// `abfss://logs@account.dfs.core.windows.net/`. Reading a mounted bucket itself is far faster
    /// than through DBFS.
    pub destinations: BTreeMap<String, String>,
    /// The Spark UI of the data plane, for clusters without delivered logs.
    pub data_plane: Option<DataPlane>,
    /// Whether delivered logs of drivers and executors are wanted.
    pub read_process_logs: bool,
    /// How hard the workspace may be asked.
    pub pace: Pace,
    /// Most applications of one cluster, the newest first.
    pub max_applications: Option<usize>,
}

impl DatabricksSource {
    /// A source with all defaults: job and all-purpose clusters in any state.
    pub fn new(workspace_url: Url, auth: DatabricksAuth) -> Self {
        Self {
            http: HttpSettings::default(),
            workspace_url,
            auth,
            cluster_states: Vec::new(),
            cluster_name_filter: String::new(),
            cluster_sources: ["JOB", "UI", "API"].map(str::to_owned).to_vec(),
            max_clusters: None,
            created_after: None,
            created_before: None,
            storage_options: HashMap::new(),
            destinations: BTreeMap::new(),
            data_plane: None,
            read_process_logs: false,
            pace: Pace::default(),
            max_applications: None,
        }
    }
}

/// Who asks a workspace.
#[derive(Debug, Clone)]
pub enum DatabricksAuth {
    /// A personal access token, or a token of Entra ID.
    Token(Secret),
    /// A service principal with an OAuth secret (machine-to-machine).
    OAuthM2m {
        /// Its application id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
}

/// The Spark UI of the data plane. Not a supported interface: it answers to the cookie of a person's
/// browser session, which is good for some hours.
#[derive(Debug, Clone)]
pub struct DataPlane {
    /// `https://dbc-dp-1234567890.cloud.databricks.com`.
    pub url: Url,
    /// Value of the cookie `DATAPLANE_DOMAIN_DBAUTH`.
    pub cookie: Secret,
}

/// A workspace as a platform.
#[derive(Debug)]
pub struct Databricks {
    source: DatabricksSource,
    workspace: Arc<Workspace>,
    /// What [`ClusterPlatform::list`] saw, so that it is not asked again for each cluster.
    listed: Mutex<Listed>,
}

#[derive(Debug, Default, Clone)]
struct Listed {
    details: HashMap<String, Arc<ClusterDetails>>,
    runs: Option<Arc<RunIndex>>,
}

impl Databricks {
    /// A platform that has asked nothing yet.
    ///
    /// # Errors
    /// When the HTTP settings do not fit together.
    pub fn new(mut source: DatabricksSource) -> Result<Self, HttpError> {
        let base = origin(&source.workspace_url);
        source.workspace_url = base.clone();
        let mut settings = ClientSettings::with(base.clone(), source.http.clone());
        settings.http.cookies = None;
        match &source.auth {
            DatabricksAuth::Token(token) => {
                settings.http.auth = Auth::Bearer(token.clone());
            }
            DatabricksAuth::OAuthM2m {
                client_id,
                client_secret,
            } => {
                settings.http.auth = Auth::None;
                let login = oauth::MachineLogin::new(client_id, client_secret, &settings);
                settings.login = Some(Arc::new(login));
            }
        }
        let client = Arc::new(Client::new(settings)?);
        let uri = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            workspace: Arc::new(Workspace { client, uri }),
            source,
            listed: Mutex::default(),
        })
    }

    /// Requests sent to the workspace so far, retries and logins included.
    pub fn requests_sent(&self) -> u64 {
        self.workspace.client.requests_sent()
    }

    fn listed(&self) -> Listed {
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The runs since the window's beginning, as they were listed before or as they are now.
    async fn runs(&self, window: &Window) -> Result<Arc<RunIndex>, DiscoverError> {
        if let Some(runs) = self.listed().runs {
            return Ok(runs);
        }
        let since = runs::since(window, self.source.created_after);
        let runs = runs::list(&self.workspace, since, window.until).await?;
        let runs = Arc::new(runs);
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .runs = Some(Arc::clone(&runs));
        Ok(runs)
    }

    /// Clusters of job runs that the list of clusters does not show: Databricks drops old job
    /// clusters from it, and shows only what one may see.
    fn unlisted(&self, runs: &RunIndex, known: &HashSet<String>) -> Vec<(Cluster, ClusterDetails)> {
        let wants = |values: &[String], value: &str| {
            let values = api::all_or(values);
            values.is_empty() || values.iter().any(|other| other == value)
        };
        let wants_jobs = wants(&self.source.cluster_sources, "JOB");
        let wants_finished = wants(&self.source.cluster_states, "TERMINATED");
        if !wants_jobs || !wants_finished {
            return Vec::new();
        }
        runs.job_clusters()
            .filter(|(id, _)| !known.contains(*id))
            .filter_map(|(id, run)| {
                let details = run.cluster_details(id)?;
                let cluster = clusters::to_cluster(&self.workspace.uri, &details);
                Some((cluster, details))
            })
            .collect()
    }

    fn is_wanted(&self, cluster: &Cluster, window: &Window) -> bool {
        let source = &self.source;
        let filter = source.cluster_name_filter.trim().to_lowercase();
        let created = cluster.created_at;
        let has_name = filter.is_empty() || cluster.name.to_lowercase().contains(&filter);
        let ended_before = |time| {
            cluster
                .ended_at
                .is_some_and(|end| end + WINDOW_SLACK < time)
        };
        has_name
            && source
                .created_after
                .is_none_or(|after| created.is_none_or(|created| created >= after))
            && source
                .created_before
                .is_none_or(|before| created.is_none_or(|created| created < before))
            && !window.since.is_some_and(ended_before)
            && window
                .until
                .is_none_or(|until| created.is_none_or(|created| created < until))
    }

    /// What is known of the cluster's making: from the list where it has ended and nothing can
    /// change, else asked again.
    async fn details(&self, exploration: &mut Exploration) -> Option<Arc<ClusterDetails>> {
        let id = exploration.cluster.id.clone();
        let listed = self.listed().details.get(&id).cloned();
        let is_final = |details: &Arc<ClusterDetails>| {
            details.is_from_list && clusters::has_ended(details.state.as_deref())
        };
        if let Some(details) = listed.as_ref().filter(|details| is_final(details)) {
            exploration.found("cluster", 1);
            return Some(Arc::clone(details));
        }
        match self.workspace.cluster(&id).await {
            Ok(details) => {
                exploration.found("cluster", 1);
                Some(Arc::new(details))
            }
            // Databricks forgets job clusters after a while; what the run said of it is left.
            Err(error) if listed.is_some() && refusal::is_gone(&error) => {
                exploration.skipped(
                    "cluster",
                    "the workspace has forgotten this cluster; what its job run tells is used",
                );
                listed
            }
            Err(error) => {
                exploration.failed("cluster", error);
                listed
            }
        }
    }

    async fn explore_events(
        &self,
        exploration: &mut Exploration,
        window: &Window,
    ) -> Option<events::Lifetime> {
        let kept_since = Utc::now() - TimeDelta::days(KEPT_DAYS);
        let since = exploration
            .cluster
            .created_at
            .map_or(kept_since, |created| created.max(kept_since));
        let id = exploration.cluster.id.clone();
        match self.workspace.events(&id, since, window.until).await {
            Ok(events) => {
                exploration.found("cluster_events", events.len());
                Some(events::Lifetime::of(&events))
            }
            Err(error) if refusal::is_gone(&error) => {
                exploration.skipped("cluster_events", "the workspace has forgotten this cluster");
                None
            }
            Err(error) => {
                exploration.failed("cluster_events", error);
                None
            }
        }
    }

    async fn explore_runs(
        &self,
        exploration: &mut Exploration,
        window: &Window,
    ) -> Vec<RunOnCluster> {
        match self.runs(window).await {
            Ok(runs) => {
                let found = runs.on_cluster(&exploration.cluster.id).to_vec();
                exploration.found("job_runs", found.len());
                found
            }
            Err(error) => {
                exploration.failed("job_runs", error);
                Vec::new()
            }
        }
    }

    /// Finds the histories: delivered logs, or else the data plane.
    async fn explore_histories(
        &self,
        exploration: &mut Exploration,
        details: &ClusterDetails,
        runs: &[RunOnCluster],
        request: &ExploreRequest,
    ) {
        let delivered = logs::find(
            &self.workspace,
            &self.source,
            &exploration.cluster,
            details,
            &request.window,
        )
        .await;
        let (mut histories, missing) = match delivered {
            logs::Delivered::Found(histories, problems) => {
                exploration.problems.extend(problems);
                (histories, None)
            }
            logs::Delivered::Nothing(reason) => (Vec::new(), Some(reason)),
            logs::Delivered::Failed(error) => {
                exploration.failed("event_logs", error);
                (Vec::new(), None)
            }
        };
        if let Some(reason) = missing {
            let has_cookie = self.source.data_plane.is_some();
            exploration.skipped("event_logs", reason);
            if has_cookie {
                histories = self
                    .explore_data_plane(exploration, details, runs, request)
                    .await;
            }
        } else if !histories.is_empty() || !has_call(exploration, "event_logs") {
            exploration.found("event_logs", histories.len());
        }
        self.dress(&mut histories, &exploration.cluster, details, runs);
        histories.retain(|history| request.include_running || !history.in_progress());
        histories.sort_by_key(|history| std::cmp::Reverse(history.modified()));
        let most = smaller(request.max_applications, self.source.max_applications);
        histories.truncate(most.unwrap_or(usize::MAX));
        exploration.histories = histories;
    }

    async fn explore_data_plane(
        &self,
        exploration: &mut Exploration,
        details: &ClusterDetails,
        runs: &[RunOnCluster],
        request: &ExploreRequest,
    ) -> Vec<History> {
        let Some(plane) = &self.source.data_plane else {
            return Vec::new();
        };
        let contexts = contexts(details, runs);
        if contexts.is_empty() {
            exploration.skipped("spark_ui", "the cluster never had a Spark driver");
            return Vec::new();
        }
        let mut histories = Vec::new();
        for context in contexts {
            let cluster = &exploration.cluster;
            let server = data_plane::applications(plane, &self.source, cluster, &context, request);
            match server.await {
                Ok(found) => histories.extend(found),
                Err(error) => exploration.failed("spark_ui", error),
            }
        }
        if !has_call(exploration, "spark_ui") {
            exploration.found("spark_ui", histories.len());
        }
        histories
    }

    /// Gives histories what only the platform knows.
    fn dress(
        &self,
        histories: &mut [History],
        cluster: &Cluster,
        details: &ClusterDetails,
        runs: &[RunOnCluster],
    ) {
        let several = histories.len() > 1;
        for history in histories.iter_mut() {
            history.platform = Platform::Databricks;
            history.cluster_id.clone_from(&cluster.id);
            history.cluster_name.clone_from(&cluster.name);
            let context = context_of(history.uri());
            history.job_run = runs::link(cluster, details, runs, context.as_deref(), several);
            let is_current = context.is_some() && context == cluster.spark_context_id || !several;
            if let super::Content::Log(log) = &mut history.content {
                log.in_progress |= is_current && is_alive(&cluster.status);
            }
        }
    }

    async fn explore_serverless(&self, exploration: &mut Exploration, window: &Window) {
        match self.runs(window).await {
            Ok(runs) => {
                let found = runs.without_cluster();
                exploration.found("job_runs", found.len());
                exploration.job_runs = found.iter().map(RunOnCluster::to_job_run).collect();
            }
            Err(error) => exploration.failed("job_runs", error),
        }
        exploration.skipped(
            "event_logs",
            "these runs had no cluster, so Spark kept no history of them; query profiles and system \
             tables (system.query.history, system.billing.usage) are what Databricks offers",
        );
    }
}

#[async_trait]
impl ClusterPlatform for Databricks {
    fn platform(&self) -> Platform {
        Platform::Databricks
    }

    fn describe(&self) -> String {
        format!("databricks {}", self.workspace.uri)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, window: &Window) -> Result<ClusterList, DiscoverError> {
        let source = &self.source;
        let page = self
            .workspace
            .clusters(&source.cluster_states, &source.cluster_sources)
            .await?;
        let mut list = ClusterList {
            clusters: Vec::new(),
            problems: page.problems,
        };
        let mut details = HashMap::new();
        for listed in page.items {
            list.clusters
                .push(clusters::to_cluster(&self.workspace.uri, &listed));
            details.insert(listed.id().to_owned(), Arc::new(listed));
        }
        let known: HashSet<String> = details.keys().cloned().collect();
        let mut without_cluster = None;
        match self.runs(window).await {
            Ok(runs) => {
                for (cluster, unlisted) in self.unlisted(&runs, &known) {
                    details.insert(cluster.id.clone(), Arc::new(unlisted));
                    list.clusters.push(cluster);
                }
                list.problems.extend(runs.problem());
                without_cluster = clusters::serverless(&self.workspace.uri, &runs);
            }
            Err(error) => list.problems.push(DiscoverProblem::from(error)),
        }
        list.clusters
            .retain(|cluster| self.is_wanted(cluster, window));
        list.clusters.sort_by(|left, right| {
            let newest_first = right.created_at.cmp(&left.created_at);
            newest_first.then_with(|| left.id.cmp(&right.id))
        });
        list.clusters
            .truncate(source.max_clusters.unwrap_or(usize::MAX));
        list.clusters.extend(without_cluster);
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .details = details;
        Ok(list)
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        if exploration.cluster.id == SERVERLESS {
            self.explore_serverless(&mut exploration, &request.window)
                .await;
            return exploration;
        }
        let details = self.details(&mut exploration).await;
        if let Some(details) = &details {
            clusters::complete(&mut exploration.cluster, &self.workspace.uri, details);
        }
        let runs = self.explore_runs(&mut exploration, &request.window).await;
        exploration.job_runs = runs.iter().map(RunOnCluster::to_job_run).collect();
        let lifetime = self.explore_events(&mut exploration, &request.window).await;
        if let Some(lifetime) = &lifetime {
            let cluster = &mut exploration.cluster;
            cluster.ready_at = cluster.ready_at.or(lifetime.ready_at());
        }
        let Some(details) = details else {
            exploration.skipped("event_logs", "where its logs are delivered is not known");
            return exploration;
        };
        exploration.instances =
            clusters::instances(&exploration.cluster, &details, lifetime.as_ref());
        self.explore_histories(&mut exploration, &details, &runs, request)
            .await;
        for run in &mut exploration.job_runs {
            run.has_spark_history = !exploration.histories.is_empty();
            run.no_history_reason = (!run.has_spark_history)
                .then(|| "no event log of its cluster was found".to_owned());
        }
        exploration
    }

    async fn check(&self) -> Vec<Check> {
        check::run(&self.workspace, &self.source).await
    }
}

fn has_call(exploration: &Exploration, name: &str) -> bool {
    exploration.calls.iter().any(|call| call.name == name)
}

/// The SparkContexts that the cluster had, as far as it and its runs tell.
fn contexts(details: &ClusterDetails, runs: &[RunOnCluster]) -> Vec<String> {
    let of_runs = runs.iter().flat_map(RunOnCluster::contexts);
    let mut contexts: Vec<String> = details
        .spark_context_id
        .iter()
        .map(String::as_str)
        .chain(of_runs)
        .map(str::to_owned)
        .collect();
    contexts.sort_unstable();
    contexts.dedup();
    contexts
}

/// The SparkContext whose log lies in the folder `uri`; `None` where the folder is called otherwise.
fn context_of(uri: &str) -> Option<String> {
    let name = uri.trim_end_matches('/').rsplit('/').next()?;
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| name.to_owned())
}

fn is_alive(state: &str) -> bool {
    !clusters::has_ended(Some(state)) && state != "UNKNOWN"
}

fn smaller(left: Option<usize>, right: Option<usize>) -> Option<usize> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

/// The server's root, without user, password, path and query.
fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    // Both fail only for URLs without a host, which no request can be sent to anyway.
    let _ = origin.set_username("");
    let _ = origin.set_password(None);
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}
