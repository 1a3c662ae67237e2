//! The virtual clusters and job runs of EMR on EKS in one region of one account.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_emrcontainers::Client;
use aws_sdk_emrcontainers::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrcontainers::types::{JobRunState, VirtualCluster, VirtualClusterState};

use super::super::aws::{self, call_error};
use super::super::job_runs::{JobRunSource, before, empty_answer, region_of, states};
use super::super::{
    Cluster, ClusterList, ClusterPlatform, DiscoverError, DiscoverProblem, ExploreRequest, JobRun,
};
use super::job_run;
use crate::model::Platform;

pub(super) const LIST_VIRTUAL_CLUSTERS: &str = "emr-containers:ListVirtualClusters";
pub(super) const DESCRIBE_VIRTUAL_CLUSTER: &str = "emr-containers:DescribeVirtualCluster";
pub(super) const LIST_JOB_RUNS: &str = "emr-containers:ListJobRuns";

/// Things that one page of a list holds at most.
pub(super) const PAGE: i32 = 50;

/// EMR on EKS in one region of one account.
pub struct EmrEks {
    pub(super) source: JobRunSource,
    pub(super) config: SdkConfig,
    pub(super) region: String,
    pub(super) client: Client,
    pub(super) emr: aws_sdk_emr::Client,
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
    pub async fn connect(source: JobRunSource) -> Result<Self, DiscoverError> {
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
    pub(super) async fn list_virtual_clusters(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        let mut listed = Vec::new();
        let mut pages = self
            .client
            .list_virtual_clusters()
            .set_states(states(&self.source.cluster_states).map(|states| {
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
        let is_wanted = |cluster: &&VirtualCluster| self.source.wants_name(cluster.name());
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
    pub(super) async fn named_virtual_clusters(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        for id in &self.source.cluster_ids {
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

    pub(super) async fn virtual_cluster(&self, id: &str) -> Result<Cluster, DiscoverError> {
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
    pub(super) async fn job_runs(
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
