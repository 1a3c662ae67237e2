//! Which clusters there are.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aws_sdk_emr::types::{self, ClusterState};
use chrono::{DateTime, TimeDelta, Utc};

use super::account::Emr;
use super::api::ListFilter;
use super::source::{EmrSource, cluster_id_of, wanted_states};
use crate::discover::aws::time;
use crate::discover::{Cluster, ClusterList, DiscoverError, DiscoverProblem, Exploration, Window};
use crate::model::Platform;

const ENDED: [ClusterState; 2] = [ClusterState::Terminated, ClusterState::TerminatedWithErrors];
/// What a cluster wrote last may come up to so much later: logs are delivered every few minutes, and
/// EMR's History Server reads them after that. Only then a cluster that has ended is finished.
const SETTLING: TimeDelta = TimeDelta::hours(1);

impl Emr {
    /// The clusters of the account that pass the filters.
    pub(super) async fn list_account(&self, window: &Window) -> Result<ClusterList, DiscoverError> {
        let mut summaries = BTreeMap::new();
        let mut errors = Vec::new();
        let filters = filters(&self.source)?;
        let asked = filters.len();
        for filter in filters {
            let pages = self.api.list_clusters(&filter).await;
            errors.extend(pages.error);
            let named = pages
                .items
                .into_iter()
                .filter_map(|summary| Some((summary.id.clone()?, summary)));
            summaries.extend(named);
        }
        if summaries.is_empty() && errors.len() == asked {
            return Err(errors.remove(0));
        }
        let clusters = summaries
            .into_values()
            .filter(|summary| passes(&self.source, summary))
            .filter_map(|summary| self.summarized(&summary))
            .filter(|cluster| lived_within(cluster, window))
            .collect();
        Ok(ClusterList {
            clusters: newest_first(clusters, self.source.max_clusters),
            problems: errors.into_iter().map(DiscoverProblem::from).collect(),
        })
    }

    /// The clusters that the source names.
    pub(super) async fn list_named(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        let mut errors = Vec::new();
        for name in &self.source.cluster_arns {
            let id = cluster_id_of(name, &self.api.region)?;
            match self.api.describe_cluster(&id, name).await {
                Ok(description) => {
                    let mut cluster = self.cluster(&id, description.cluster_arn.as_deref());
                    add_description(&mut cluster, &description);
                    list.clusters.push(cluster);
                }
                Err(error) => errors.push(error),
            }
        }
        if list.clusters.is_empty() && !errors.is_empty() {
            return Err(errors.remove(0));
        }
        list.clusters = newest_first(list.clusters, None);
        list.clusters.dedup_by(|left, right| left.id == right.id);
        list.problems = errors.into_iter().map(DiscoverProblem::from).collect();
        Ok(list)
    }

    /// What a cluster's description adds; `None` when it cannot be had.
    pub(super) async fn explore_description(
        &self,
        exploration: &mut Exploration,
    ) -> Option<types::Cluster> {
        const NAME: &str = "describe_cluster";
        let Cluster { id, uri, .. } = &exploration.cluster;
        match self.api.describe_cluster(id, uri).await {
            Ok(description) => {
                add_description(&mut exploration.cluster, &description);
                exploration.found(NAME, 1);
                Some(description)
            }
            Err(error) => {
                exploration.failed(NAME, error);
                None
            }
        }
    }

    fn summarized(&self, summary: &types::ClusterSummary) -> Option<Cluster> {
        let id = summary.id.as_deref()?;
        let mut cluster = self.cluster(id, summary.cluster_arn.as_deref());
        set_name(&mut cluster, summary.name.as_deref());
        cluster.normalized_instance_hours = summary.normalized_instance_hours.map(i64::from);
        set_status(&mut cluster, summary.status.as_ref());
        Some(cluster)
    }

    fn cluster(&self, id: &str, arn: Option<&str>) -> Cluster {
        let region = &self.api.region;
        let uri = match arn {
            Some(arn) => arn.to_owned(),
            None => format!("arn:aws:elasticmapreduce:{region}::cluster/{id}"),
        };
        let mut cluster = Cluster::new(Platform::Emr, id, id, uri, "UNKNOWN");
        cluster.region = Some(region.clone());
        cluster
    }
}

/// What EMR is asked for. Its window is one of creation, so the clusters that were created before it
/// and still live are asked for by state.
fn filters(source: &EmrSource) -> Result<Vec<ListFilter>, DiscoverError> {
    let states = wanted_states(&source.cluster_states)?;
    let alive: Vec<_> = states
        .iter()
        .filter(|state| !ENDED.contains(state))
        .cloned()
        .collect();
    let mut filters = vec![ListFilter {
        states,
        created_after: source.created_after,
        created_before: source.created_before,
    }];
    if let Some(created_after) = source.created_after.filter(|_| !alive.is_empty()) {
        filters.push(ListFilter {
            states: alive,
            created_after: None,
            created_before: Some(created_after),
        });
    }
    Ok(filters)
}

fn passes(source: &EmrSource, summary: &types::ClusterSummary) -> bool {
    let name = summary.name.as_deref().unwrap_or_default().to_lowercase();
    let has_name = source
        .cluster_name_filter
        .as_ref()
        .is_none_or(|filter| name.contains(&filter.to_lowercase()));
    let hours = summary.normalized_instance_hours.map_or(0, i64::from);
    has_name && hours >= source.custom_hours_threshold
}

/// Whether applications of the cluster can be of the window: it ends after the window's beginning,
/// and begins before the window's end.
fn lived_within(cluster: &Cluster, window: &Window) -> bool {
    let ended_before = |since| cluster.ended_at.is_some_and(|ended| ended < since);
    let created_after = |until| cluster.created_at.is_some_and(|created| created >= until);
    !window.since.is_some_and(ended_before) && !window.until.is_some_and(created_after)
}

/// EMR lists in no order, so the limit comes after the sorting.
fn newest_first(mut clusters: Vec<Cluster>, limit: Option<usize>) -> Vec<Cluster> {
    clusters.sort_by(|left, right| {
        let key = |cluster: &Cluster| (Reverse(cluster.created_at), cluster.id.clone());
        key(left).cmp(&key(right))
    });
    let kept = limit.unwrap_or(usize::MAX);
    if clusters.len() > kept {
        let left_out = clusters.len() - kept;
        tracing::info!(left_out, "max_clusters leaves out the oldest clusters");
        clusters.truncate(kept);
    }
    clusters
}

fn add_description(cluster: &mut Cluster, description: &types::Cluster) {
    if let Some(arn) = &description.cluster_arn {
        cluster.uri.clone_from(arn);
    }
    set_name(cluster, description.name.as_deref());
    set_status(cluster, description.status.as_ref());
    cluster.release_label.clone_from(&description.release_label);
    if let Some(hours) = description.normalized_instance_hours {
        cluster.normalized_instance_hours = Some(i64::from(hours));
    }
    cluster.tags = description
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())))
        .collect();
}

fn set_name(cluster: &mut Cluster, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        name.clone_into(&mut cluster.name);
    }
}

fn set_status(cluster: &mut Cluster, status: Option<&types::ClusterStatus>) {
    let Some(status) = status else {
        return;
    };
    if let Some(state) = &status.state {
        state.as_str().clone_into(&mut cluster.status);
    }
    if let Some(timeline) = &status.timeline {
        cluster.created_at = timeline.creation_date_time.as_ref().and_then(time);
        cluster.ready_at = timeline.ready_date_time.as_ref().and_then(time);
        cluster.ended_at = timeline.end_date_time.as_ref().and_then(time);
    }
    cluster.is_finished = is_settled(cluster, Utc::now());
}

/// Whether the cluster has ended, so that no application runs in it any more.
pub(super) fn has_ended(cluster: &Cluster) -> bool {
    ENDED.iter().any(|state| state.as_str() == cluster.status)
}

/// Whether a cluster runs applications.
pub(super) fn is_running(cluster: &Cluster) -> bool {
    [ClusterState::Running, ClusterState::Waiting]
        .iter()
        .any(|state| state.as_str() == cluster.status)
}

fn is_settled(cluster: &Cluster, now: DateTime<Utc>) -> bool {
    has_ended(cluster) && cluster.ended_at.is_none_or(|ended| ended + SETTLING < now)
}
