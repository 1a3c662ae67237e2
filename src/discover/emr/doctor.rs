//! Tries credentials and every permission, changing nothing.

use chrono::Utc;

use super::account::Emr;
use super::api::{GroupsAnswer, Pages};
use super::setup::Setup;
use super::{cloudwatch, event_logs, persistent_ui};
use crate::discover::aws::{check_identity, check_of, skipped_check};
use crate::discover::{Check, Cluster, ClusterList, DiscoverError, Window};

const LIST: &str = "elasticmapreduce:ListClusters";
const DESCRIBE: &str = "elasticmapreduce:DescribeCluster";
const GROUPS: &str = "elasticmapreduce:ListInstanceGroups";
const FLEETS: &str = "elasticmapreduce:ListInstanceFleets";
const INSTANCES: &str = "elasticmapreduce:ListInstances";
const STEPS: &str = "elasticmapreduce:ListSteps";
const METRICS: &str = "cloudwatch:GetMetricData";
const S3: &str = "s3:ListBucket, s3:GetObject";

impl Emr {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let mut checks = vec![check_identity(&self.api.config).await];
        let example = self.examine_list(&mut checks).await;
        match &example {
            Some(cluster) => self.examine_cluster(cluster, &mut checks).await,
            None => {
                for call in [DESCRIBE, GROUPS, FLEETS, INSTANCES, STEPS] {
                    checks.push(skipped_check(call, "there is no cluster to ask about"));
                }
            }
        }
        if self.source.collect_metrics {
            let probed = cloudwatch::probe(&self.api, Utc::now()).await;
            checks.push(check_of(METRICS, probed, |()| "allowed".to_owned()));
        }
        for call in persistent_ui::CALLS {
            let reason = match self.source.persistent_ui {
                true => "not tried: it would create a History Server for a cluster",
                false => "the source does not want EMR's History Server",
            };
            checks.push(skipped_check(call, reason));
        }
        checks
    }

    /// Lists clusters, and gives the newest one of those that are wanted.
    async fn examine_list(&self, checks: &mut Vec<Check>) -> Option<Cluster> {
        let call = match self.source.cluster_arns.is_empty() {
            true => LIST,
            false => DESCRIBE,
        };
        let listed = match self.source.cluster_arns.is_empty() {
            true => self.list_account(&Window::default()).await,
            false => self.list_named().await,
        };
        let listed = listed.and_then(whole);
        let example = listed
            .as_ref()
            .ok()
            .and_then(|list| list.clusters.first().cloned());
        checks.push(check_of(call, listed, |list| {
            format!("{} clusters pass the source's filters", list.clusters.len())
        }));
        example
    }

    async fn examine_cluster(&self, cluster: &Cluster, checks: &mut Vec<Check>) {
        let described = self.api.describe_cluster(&cluster.id, &cluster.uri).await;
        let setup = Setup::of(described.as_ref().ok());
        checks.push(check_of(DESCRIBE, described, |_| {
            format!("tried with {}", cluster.id)
        }));
        self.examine_instances(cluster, &setup, checks).await;
        let steps = complete(self.api.list_steps(cluster).await);
        checks.push(check_of(STEPS, steps, |count| {
            format!("{count} steps of {}", cluster.id)
        }));
        self.examine_s3(&setup, checks).await;
        if let Some(manager) = self.resource_manager(cluster, &setup) {
            let uri = cluster.uri.clone();
            let sample = match manager {
                Ok(manager) => manager
                    .metrics()
                    .await
                    .map_err(|source| DiscoverError::Http { uri, source }),
                Err(error) => Err(error),
            };
            checks.push(check_of("GET ws/v1/cluster/metrics", sample, |_| {
                format!("YARN of {} answers", cluster.id)
            }));
        }
    }

    async fn examine_instances(&self, cluster: &Cluster, setup: &Setup, checks: &mut Vec<Check>) {
        if setup.has_fleets == Some(true) {
            let fleets = complete(self.api.list_instance_fleets(cluster).await);
            checks.push(check_of(FLEETS, fleets, |count| format!("{count} fleets")));
            checks.push(skipped_check(GROUPS, "the newest cluster has fleets"));
        } else {
            let groups = match self.api.list_instance_groups(cluster).await {
                GroupsAnswer::Groups(pages) => complete(pages),
                GroupsAnswer::HasFleets => Ok(0),
            };
            checks.push(check_of(GROUPS, groups, |count| format!("{count} groups")));
            checks.push(skipped_check(FLEETS, "the newest cluster has groups"));
        }
        let instances = complete(self.api.list_instances(cluster).await);
        checks.push(check_of(INSTANCES, instances, |count| {
            format!("{count} instances")
        }));
    }

    /// Reads what is in S3 of the cluster: event logs, and the logs of processes where they are
    /// wanted.
    async fn examine_s3(&self, setup: &Setup, checks: &mut Vec<Check>) {
        let logs = setup
            .log_uri
            .iter()
            .filter(|_| self.source.read_process_logs);
        for folder in setup.event_log_folders.iter().chain(logs) {
            let probed = event_logs::probe(self, folder).await;
            checks.push(check_of(
                &format!("{S3} on {folder}"),
                probed,
                |first| match first {
                    Some(_) => "can be listed and read".to_owned(),
                    None => "can be listed; it is empty".to_owned(),
                },
            ));
        }
    }
}

/// The number of things, if none is missing.
fn complete<T>(pages: Pages<T>) -> Result<usize, DiscoverError> {
    match pages.error {
        Some(error) => Err(error),
        None => Ok(pages.items.len()),
    }
}

/// The list, if no part of it is missing.
fn whole(mut list: ClusterList) -> Result<ClusterList, DiscoverError> {
    match list.problems.pop() {
        Some(problem) => Err(problem.error),
        None => Ok(list),
    }
}
