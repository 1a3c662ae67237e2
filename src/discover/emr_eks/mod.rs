//! EMR on EKS: its virtual clusters are the clusters, their job runs are what Spark ran.
//!
//! Event logs go to AWS, which shows them in a History Server of its own for 30 days, unless a job
//! run names another folder as `spark.eventLog.dir`. What the S3 location of its monitoring holds
//! are the logs of its pods.

mod check;
mod histories;
mod job_run;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_emrcontainers::Client;
use aws_sdk_emrcontainers::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrcontainers::types::{JobRunState, VirtualCluster, VirtualClusterState};
use chrono::{DateTime, Utc};
use futures::StreamExt;

use self::histories::Explorer;
use super::aws::{self, AwsSettings, call_error};
use super::job_runs::{before, empty_answer, region_of, states, unknown_address};
use super::log_stores::LogStores;
use super::tally::{Refused, Tally};
use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, DiscoverProblem, Exploration,
    ExploreRequest, JobRun, Pace, Window,
};
use crate::http::ClientSettings;
use crate::model::Platform;

const LIST_VIRTUAL_CLUSTERS: &str = "emr-containers:ListVirtualClusters";
const DESCRIBE_VIRTUAL_CLUSTER: &str = "emr-containers:DescribeVirtualCluster";
const LIST_JOB_RUNS: &str = "emr-containers:ListJobRuns";

/// Things that one page of a list holds at most.
const PAGE: i32 = 50;

/// What to read of EMR on EKS.
#[derive(Clone)]
pub struct EmrEksSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Virtual clusters by their ids; by default all.
    pub virtual_cluster_ids: Vec<String>,
    /// States of the virtual clusters that are wanted, such as `RUNNING`; any by default, and by
    /// `ALL`.
    pub virtual_cluster_states: Vec<String>,
    /// Part of the name of the virtual clusters that are wanted, in any case of letters.
    pub name_filter: Option<String>,
    /// States of the job runs that are wanted, such as `COMPLETED`; any by default, and by `ALL`.
    /// Those that have not ended are wanted only where running applications are.
    pub job_run_states: Vec<String>,
    /// Only job runs created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only job runs created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// How long before the window a job run may have been created that ended in it.
    pub lookback: Duration,
    /// Most virtual clusters, the newest first.
    pub max_clusters: Option<usize>,
    /// Most job runs of one virtual cluster, the newest first.
    pub max_applications: Option<usize>,
    /// Job runs of one virtual cluster that are asked about side by side.
    pub max_app_threads: usize,
    /// Whether EMR is asked for its History Server of a job run where no event log is available.
    pub persistent_ui: bool,
    /// Longest wait for that server.
    pub persistent_ui_timeout: Duration,
    /// How that server is talked to; the address is its own.
    pub http: ClientSettings,
    /// Settings of the object store that holds logs, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Whether the places of the driver's and the executors' own logs are wanted.
    pub read_process_logs: bool,
    /// How hard the service may be asked.
    pub pace: Pace,
}

impl Default for EmrEksSource {
    fn default() -> Self {
        Self {
            aws: AwsSettings::default(),
            virtual_cluster_ids: Vec::new(),
            virtual_cluster_states: Vec::new(),
            name_filter: None,
            job_run_states: Vec::new(),
            created_after: None,
            created_before: None,
            lookback: Duration::from_secs(24 * 60 * 60),
            max_clusters: None,
            max_applications: None,
            max_app_threads: 4,
            persistent_ui: true,
            persistent_ui_timeout: Duration::from_secs(180),
            http: ClientSettings::new(unknown_address()),
            storage_options: HashMap::new(),
            read_process_logs: false,
            pace: Pace::default(),
        }
    }
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for EmrEksSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrEksSource")
            .field("aws", &self.aws)
            .field("virtual_cluster_ids", &self.virtual_cluster_ids)
            .field("job_run_states", &self.job_run_states)
            .finish_non_exhaustive()
    }
}

/// EMR on EKS in one region of one account.
pub struct EmrEks {
    source: EmrEksSource,
    config: SdkConfig,
    region: String,
    client: Client,
    emr: aws_sdk_emr::Client,
}

impl fmt::Debug for EmrEks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrEks")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl EmrEks {
    /// Looks up region and credentials; asks nothing yet.
    ///
    /// # Errors
    /// When no region is known.
    pub async fn connect(source: EmrEksSource) -> Result<Self, DiscoverError> {
        let config = aws::sdk_config(&source.aws).await;
        let region = region_of(&config, Platform::EmrEks)?;
        let cap = source.aws.endpoint_cap();
        let client = aws::client!(
            aws_sdk_emrcontainers,
            "emr-containers",
            &config,
            &source.aws,
            cap
        );
        let emr = aws::client!(aws_sdk_emr, "elasticmapreduce", &config, &source.aws, cap);
        Ok(Self {
            source,
            config,
            region,
            client,
            emr,
        })
    }

    /// Lists the virtual clusters; what was listed before a page failed is kept.
    async fn list_virtual_clusters(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        let mut listed = Vec::new();
        let mut pages = self
            .client
            .list_virtual_clusters()
            .set_states(states(&self.source.virtual_cluster_states).map(|states| {
                let states = states.iter();
                states
                    .map(|state| VirtualClusterState::from(state.as_str()))
                    .collect()
            }))
            .max_results(PAGE)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => listed.extend(page.virtual_clusters.unwrap_or_default()),
                Err(error) => {
                    let error = call_error(&self.describe(), LIST_VIRTUAL_CLUSTERS, &error);
                    if listed.is_empty() {
                        return Err(error);
                    }
                    list.problems.push(error.into());
                    break;
                }
            }
        }
        let filter = self
            .source
            .name_filter
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        let is_wanted = |cluster: &&VirtualCluster| {
            let name = cluster.name().unwrap_or_default().to_lowercase();
            name.contains(&filter)
        };
        let described = listed.iter().filter(is_wanted);
        list.clusters = described
            .filter_map(|cluster| self.described(cluster))
            .collect();
        list.clusters.sort_by(|left, right| {
            let newest_first = right.created_at.cmp(&left.created_at);
            newest_first.then_with(|| left.id.cmp(&right.id))
        });
        list.clusters
            .truncate(self.source.max_clusters.unwrap_or(usize::MAX));
        Ok(list)
    }

    /// Looks up the virtual clusters that the user named.
    async fn named_virtual_clusters(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        for id in &self.source.virtual_cluster_ids {
            match self.virtual_cluster(id).await {
                Ok(cluster) => list.clusters.push(cluster),
                Err(error) => list.problems.push(error.into()),
            }
        }
        let nothing = list.clusters.is_empty();
        match list.problems.pop() {
            Some(DiscoverProblem { error, .. }) if nothing => Err(error),
            last => {
                list.problems.extend(last);
                list.clusters
                    .truncate(self.source.max_clusters.unwrap_or(usize::MAX));
                Ok(list)
            }
        }
    }

    async fn virtual_cluster(&self, id: &str) -> Result<Cluster, DiscoverError> {
        let answer = self.client.describe_virtual_cluster().id(id).send().await;
        let answer = answer.map_err(|error| call_error(id, DESCRIBE_VIRTUAL_CLUSTER, &error))?;
        answer
            .virtual_cluster
            .as_ref()
            .and_then(|cluster| self.described(cluster))
            .ok_or_else(|| empty_answer(id, DESCRIBE_VIRTUAL_CLUSTER))
    }

    /// `None` for one without an id, which could not be asked about.
    fn described(&self, described: &VirtualCluster) -> Option<Cluster> {
        let id = described.id()?;
        let mut cluster = Cluster::new(
            Platform::EmrEks,
            id,
            described.name().unwrap_or(id),
            described.arn().unwrap_or(id),
            described.state().map_or("", |state| state.as_str()),
        );
        cluster.is_finished = described.state() == Some(&VirtualClusterState::Terminated);
        cluster.region = Some(self.region.clone());
        cluster.created_at = described.created_at().and_then(aws::time);
        let tags = described.tags().cloned().unwrap_or_default();
        cluster.tags = tags.into_iter().collect::<BTreeMap<_, _>>();
        Some(cluster)
    }

    /// The job runs that may be wanted, newest first, each once; and what went wrong while they
    /// were listed.
    async fn job_runs(
        &self,
        id: &str,
        request: &ExploreRequest,
    ) -> (Vec<JobRun>, Option<DiscoverError>) {
        let since = request
            .window
            .since
            .map(|since| before(since, self.source.lookback));
        let after = since.max(self.source.created_after);
        let until = [request.window.until, self.source.created_before];
        let until = until.into_iter().flatten().min().map(aws::aws_time);
        let lists = [
            self.runs_in(id, job_run::ENDED)
                .map(|list| list.set_created_after(after.map(aws::aws_time))),
            // Those that still run may have begun at any time before.
            self.runs_in(id, job_run::UNDER_WAY)
                .filter(|_| request.include_running)
                .map(|list| list.set_created_after(self.source.created_after.map(aws::aws_time))),
        ];
        let mut runs: HashMap<String, JobRun> = HashMap::new();
        let mut failure = None;
        for list in lists.into_iter().flatten() {
            let mut pages = list.set_created_before(until).into_paginator().send();
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => {
                        let page = page.job_runs.unwrap_or_default();
                        let wanted = page
                            .iter()
                            .filter(|run| job_run::is_wanted(run, request))
                            .filter_map(job_run::described);
                        runs.extend(wanted.map(|run| (run.job_run_id.clone(), run)));
                    }
                    Err(error) => {
                        failure = Some(call_error(id, LIST_JOB_RUNS, &error));
                        break;
                    }
                }
            }
        }
        let mut runs: Vec<_> = runs.into_values().collect();
        runs.sort_by(|left, right| {
            let time = |run: &JobRun| run.ended_at.or(run.created_at);
            let newest_first = time(right).cmp(&time(left));
            newest_first.then_with(|| left.job_run_id.cmp(&right.job_run_id))
        });
        (runs, failure)
    }

    /// A list of the job runs in those of `candidates` that are wanted; none where none is.
    fn runs_in(&self, id: &str, candidates: &[JobRunState]) -> Option<ListJobRunsFluentBuilder> {
        let wanted = states(&self.source.job_run_states);
        let is_wanted = |state: &&JobRunState| {
            let named = |wanted: &Vec<String>| wanted.iter().any(|name| name == state.as_str());
            wanted.as_ref().is_none_or(named)
        };
        let states: Vec<_> = candidates.iter().filter(is_wanted).cloned().collect();
        let list = self.client.list_job_runs().virtual_cluster_id(id);
        (!states.is_empty()).then(|| list.max_results(PAGE).set_states(Some(states)))
    }
}

#[async_trait]
impl ClusterPlatform for EmrEks {
    fn platform(&self) -> Platform {
        Platform::EmrEks
    }

    fn describe(&self) -> String {
        format!("emr_eks {}", self.region)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, _window: &Window) -> Result<ClusterList, DiscoverError> {
        // A virtual cluster lives for years, and its runs are what the window is about.
        match self.source.virtual_cluster_ids.is_empty() {
            true => self.list_virtual_clusters().await,
            false => self.named_virtual_clusters().await,
        }
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let id = exploration.cluster.id.clone();
        let (mut runs, failure) = self.job_runs(&id, request).await;
        match failure {
            Some(error) if runs.is_empty() => {
                exploration.failed("job_runs", error);
                return exploration;
            }
            Some(error) => exploration.failed("job_runs", error),
            None => exploration.found("job_runs", runs.len()),
        }
        let limits = [self.source.max_applications, request.max_applications];
        let limit = limits.into_iter().flatten().min().unwrap_or(usize::MAX);
        if runs.len() > limit {
            let left_out = runs.len() - limit;
            let reason = format!("{left_out} older job runs are beyond max_applications = {limit}");
            exploration.skipped("older_job_runs", reason);
            runs.truncate(limit);
        }
        let options =
            aws::storage_options(&self.source.aws, &self.config, &self.source.storage_options);
        let options = match options.await {
            Ok(options) => options,
            Err(error) => {
                exploration.failed("event_logs", error);
                return exploration;
            }
        };
        let explorer = Explorer {
            platform: self,
            cluster: exploration.cluster.clone(),
            stores: LogStores::new(options),
            refused: Refused::default(),
        };
        let explorer = &explorer;
        let found: Vec<_> = futures::stream::iter(runs)
            .map(|run| explorer.explore(run))
            .buffered(self.source.max_app_threads.max(1))
            .collect()
            .await;
        let mut tally = Tally::default();
        let mut rotating = 0_usize;
        for run in found {
            exploration.job_runs.push(run.job_run);
            exploration.histories.extend(run.histories);
            rotating += usize::from(run.rotates_event_logs);
            tally.add(run.tally);
        }
        tally.tell(&mut exploration);
        if rotating > 0 {
            exploration.skipped(
                "rotated_event_logs",
                format!(
                    "{rotating} job runs set spark.eventLog.rotation.enabled, by which EMR removes \
                     old parts of event logs: what these held is gone"
                ),
            );
        }
        exploration
    }

    async fn check(&self) -> Vec<Check> {
        check::check(self).await
    }
}
