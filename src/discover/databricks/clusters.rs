//! From what a workspace says about a cluster to what every platform says.

use std::collections::BTreeMap;

use chrono::Utc;

use super::api::{self, CloudAttributes, ClusterDetails, time};
use super::events::Lifetime;
use super::runs::RunIndex;
use super::{DELIVERY_DELAY, SERVERLESS};
use crate::discover::{Cluster, ClusterInstances};
use crate::model::Platform;

const ON_DEMAND: &str = "ON_DEMAND";
const SPOT: &str = "SPOT";

/// Whether a cluster in this state runs nothing any more. An all-purpose cluster may be started again;
/// then its end is another one.
pub(super) fn has_ended(state: Option<&str>) -> bool {
    matches!(state, Some("TERMINATED" | "ERROR"))
}

/// A cluster as it is listed.
pub(super) fn to_cluster(workspace: &str, details: &ClusterDetails) -> Cluster {
    let id = details.id();
    let uri = api::cluster_uri(workspace, id);
    let mut cluster = Cluster::new(Platform::Databricks, id, id, uri, "UNKNOWN");
    complete(&mut cluster, workspace, details);
    cluster
}

/// Adds what `details` tell.
pub(super) fn complete(cluster: &mut Cluster, workspace: &str, details: &ClusterDetails) {
    let set = |target: &mut String, value: &Option<String>| {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            target.clone_from(value);
        }
    };
    set(&mut cluster.name, &details.cluster_name);
    set(&mut cluster.status, &details.state);
    cluster.uri = api::cluster_uri(workspace, &cluster.id);
    cluster.release_label = details.spark_version.clone();
    cluster.region = details.cloud().and_then(region);
    cluster.created_at = time(details.start_time).or(cluster.created_at);
    cluster.ended_at =
        time(details.terminated_time).filter(|_| has_ended(details.state.as_deref()));
    cluster.spark_context_id = details
        .spark_context_id
        .clone()
        .or_else(|| cluster.spark_context_id.take());
    // Until its last log is delivered there is more to come.
    let is_delivered = cluster
        .ended_at
        .is_none_or(|end| end + DELIVERY_DELAY < Utc::now());
    cluster.is_finished = has_ended(Some(&cluster.status)) && is_delivered;
    cluster.tags = tags(details);
}

/// The cluster that stands for the runs that had none; `None` where there is no such run.
pub(super) fn serverless(workspace: &str, runs: &RunIndex) -> Option<Cluster> {
    let uri = format!("{workspace}/compute/{SERVERLESS}");
    let platform = Platform::Databricks;
    let cluster = Cluster::new(platform, SERVERLESS, SERVERLESS, uri, "SERVERLESS");
    (!runs.without_cluster().is_empty()).then_some(cluster)
}

/// AWS and Google name zones after their region; Azure numbers them.
fn region(cloud: &CloudAttributes) -> Option<String> {
    let zone = cloud.zone_id.as_deref()?;
    let (region, letter) = match zone.rsplit_once('-') {
        Some((region, letter)) if letter.len() == 1 => (region, letter),
        _ => zone.split_at_checked(zone.len().checked_sub(1)?)?,
    };
    let is_letter = letter.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = region.contains('-') && region.ends_with(|last: char| last.is_ascii_digit());
    (is_letter && is_region).then(|| region.to_owned())
}

/// What users wrote on it, and what Databricks knows of it, marked as such.
fn tags(details: &ClusterDetails) -> BTreeMap<String, String> {
    let mut tags = details.custom_tags.clone().unwrap_or_default();
    let termination = details.termination_reason.as_ref();
    let own = [
        ("runtime_engine", &details.runtime_engine),
        ("cluster_source", &details.cluster_source),
        ("creator", &details.creator_user_name),
        (
            "termination_code",
            &termination.and_then(|t| t.code.clone()),
        ),
        (
            "termination_type",
            &termination.and_then(|t| t.kind.clone()),
        ),
    ];
    for (name, value) in own {
        if let Some(value) = value {
            tags.insert(format!("databricks:{name}"), value.clone());
        }
    }
    tags
}

/// What the cluster consists of: its driver, and its workers by market.
pub(super) fn instances(
    cluster: &Cluster,
    details: &ClusterDetails,
    life: Option<&Lifetime>,
) -> Vec<ClusterInstances> {
    let worker_type = details.node_type_id.as_ref();
    let driver_type = details.driver_node_type_id.as_ref().or(worker_type);
    let Some(driver_type) = driver_type else {
        return Vec::new();
    };
    let shape = Shape::of(cluster, details, life);
    let mut groups = vec![shape.driver(driver_type)];
    let Some(worker_type) = worker_type else {
        return groups;
    };
    let workers = shape.workers(worker_type);
    let has_any = |group: &ClusterInstances| {
        group.requested_count.unwrap_or(0) > 0 || group.total_count.unwrap_or(0) > 0
    };
    groups.extend(workers.into_iter().filter(has_any));
    groups
}

/// What all groups of a cluster need to know of it.
struct Shape<'a> {
    cluster: &'a Cluster,
    details: &'a ClusterDetails,
    life: Option<&'a Lifetime>,
    market: Option<&'static str>,
    /// So many workers are on demand where the market is spot.
    workers_on_demand: i64,
    requested: Option<i64>,
    running: Option<i64>,
    total: Option<i64>,
}

impl<'a> Shape<'a> {
    fn of(cluster: &'a Cluster, details: &'a ClusterDetails, life: Option<&'a Lifetime>) -> Self {
        let cloud = details.cloud();
        let requested = details
            .num_workers
            .or_else(|| details.autoscale.and_then(|scale| scale.max_workers));
        let listed = details
            .executors
            .as_ref()
            .and_then(|executors| i64::try_from(executors.len()).ok());
        let running = match has_ended(Some(&cluster.status)) {
            true => Some(0),
            false => listed.or_else(|| life.and_then(Lifetime::workers_now)),
        };
        // The driver is the first of the nodes that have to be on demand.
        let first_on_demand = cloud.and_then(|cloud| cloud.first_on_demand).unwrap_or(0);
        Self {
            cluster,
            details,
            life,
            market: cloud.and_then(|cloud| market(cloud.availability.as_deref())),
            workers_on_demand: (first_on_demand - 1).max(0),
            requested,
            running,
            total: life.and_then(Lifetime::most_workers).max(running),
        }
    }

    fn driver(&self, instance_type: &str) -> ClusterInstances {
        let is_first_on_demand = self
            .details
            .cloud()
            .and_then(|cloud| cloud.first_on_demand)
            .is_some_and(|nodes| nodes > 0);
        let is_up = !has_ended(Some(&self.cluster.status));
        ClusterInstances {
            group_id: "driver".to_owned(),
            role: "DRIVER".to_owned(),
            market: match self.market {
                Some(SPOT) if is_first_on_demand => Some(ON_DEMAND.to_owned()),
                market => market.map(str::to_owned),
            },
            requested_count: Some(1),
            running_count: Some(i64::from(is_up && self.details.driver.is_some())),
            total_count: Some(1),
            instance_hours: self.life.map(|life| life.driver_hours(Utc::now())),
            ..self.group(instance_type)
        }
    }

    fn workers(&self, instance_type: &str) -> Vec<ClusterInstances> {
        if self.market != Some(SPOT) || self.workers_on_demand == 0 {
            let market = self.market;
            return vec![self.worker_group("workers", instance_type, market, 0, i64::MAX)];
        }
        let on_demand = self.workers_on_demand;
        let (first, rest) = ("workers_on_demand", "workers_spot");
        vec![
            self.worker_group(first, instance_type, Some(ON_DEMAND), 0, on_demand),
            self.worker_group(rest, instance_type, Some(SPOT), on_demand, i64::MAX),
        ]
    }

    /// Workers from the `skip`th on, at most `most` of them.
    fn worker_group(
        &self,
        id: &str,
        instance_type: &str,
        market: Option<&str>,
        skip: i64,
        most: i64,
    ) -> ClusterInstances {
        let part = |count: Option<i64>| count.map(|count| (count - skip).clamp(0, most));
        let cloud = self.details.cloud().filter(|_| market == Some(SPOT));
        ClusterInstances {
            group_id: id.to_owned(),
            role: "WORKER".to_owned(),
            market: market.map(str::to_owned),
            requested_count: part(self.requested),
            running_count: part(self.running),
            total_count: part(self.total),
            instance_hours: self
                .life
                .map(|life| life.worker_hours(Utc::now(), skip, most)),
            bid_price_usd: cloud
                .and_then(|cloud| cloud.spot_bid_max_price)
                .filter(|price| *price > 0.0),
            bid_price_percentage: cloud.and_then(|cloud| cloud.spot_bid_price_percent),
            ..self.group(instance_type)
        }
    }

    /// What driver and workers share.
    fn group(&self, instance_type: &str) -> ClusterInstances {
        let volumes = self.details.cloud().and_then(|cloud| {
            let count = cloud.ebs_volume_count?;
            count.checked_mul(cloud.ebs_volume_size?)
        });
        ClusterInstances {
            instance_type: instance_type.to_owned(),
            ebs_gb: volumes.filter(|gigabytes| *gigabytes > 0),
            first_created_at: self.life.and_then(Lifetime::ready_at),
            last_ended_at: self
                .life
                .and_then(Lifetime::down_at)
                .or(self.cluster.ended_at),
            ..ClusterInstances::default()
        }
    }
}

/// The word of all platforms for a cloud's word for a market.
fn market(availability: Option<&str>) -> Option<&'static str> {
    let availability = availability?;
    if availability.starts_with("ON_DEMAND") {
        Some(ON_DEMAND)
    } else if availability.starts_with(SPOT) || availability.starts_with("PREEMPTIBLE") {
        Some(SPOT)
    } else {
        None
    }
}
