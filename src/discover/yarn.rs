//! YARN's ResourceManager: how full a cluster that runs is.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::ClusterMetrics;
use crate::http::{Client, HttpError};

/// Who measured, in the samples.
const CLUSTER: &str = "yarn";
const QUEUE: &str = "yarn_queue";
/// How deep queues may be nested; YARN's own are a handful.
const MAX_DEPTH: usize = 32;

/// A ResourceManager's REST interface.
#[derive(Debug, Clone)]
pub struct ResourceManager {
    client: Arc<Client>,
}

impl ResourceManager {
    /// `client`'s base is the folder that holds `ws/v1/cluster`: `http://master:8088/`.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// How full the cluster is at this moment.
    ///
    /// # Errors
    /// When the ResourceManager cannot be asked.
    pub async fn metrics(&self) -> Result<ClusterMetrics, HttpError> {
        let answer: MetricsAnswer = self
            .client
            .get_json("yarn_metrics", "ws/v1/cluster/metrics", &[])
            .await?;
        Ok(answer.cluster_metrics.sample(Utc::now()))
    }

    /// How full each queue is at this moment, parents before their children.
    ///
    /// # Errors
    /// When the ResourceManager cannot be asked.
    pub async fn queues(&self) -> Result<Vec<ClusterMetrics>, HttpError> {
        let answer: Value = self
            .client
            .get_json("yarn_scheduler", "ws/v1/cluster/scheduler", &[])
            .await?;
        Ok(queues_in(&answer, Utc::now()))
    }

    /// The start of the ResourceManager in milliseconds, which is the middle part of the ids of the
    /// applications that it starts: `application_<start>_<number>`.
    ///
    /// # Errors
    /// When the ResourceManager cannot be asked.
    pub async fn cluster_timestamp(&self) -> Result<i64, HttpError> {
        let answer: InfoAnswer = self
            .client
            .get_json("yarn_info", "ws/v1/cluster/info", &[])
            .await?;
        Ok(answer.cluster_info.id)
    }
}

#[derive(Debug, Deserialize)]
struct InfoAnswer {
    #[serde(rename = "clusterInfo")]
    cluster_info: Info,
}

#[derive(Debug, Deserialize)]
struct Info {
    id: i64,
}

#[derive(Debug, Deserialize)]
struct MetricsAnswer {
    #[serde(rename = "clusterMetrics")]
    cluster_metrics: Metrics,
}

/// Everything may be missing: Hadoop added to it from version to version.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "allocatedMB")]
    allocated_mb: Option<f64>,
    #[serde(rename = "availableMB")]
    available_mb: Option<f64>,
    #[serde(rename = "totalMB")]
    total_mb: Option<f64>,
    #[serde(rename = "allocatedVirtualCores")]
    allocated_vcores: Option<f64>,
    #[serde(rename = "availableVirtualCores")]
    available_vcores: Option<f64>,
    #[serde(rename = "totalVirtualCores")]
    total_vcores: Option<f64>,
    #[serde(rename = "containersAllocated")]
    containers_allocated: Option<f64>,
    #[serde(rename = "containersPending")]
    containers_pending: Option<f64>,
    #[serde(rename = "appsRunning")]
    apps_running: Option<f64>,
    #[serde(rename = "appsPending")]
    apps_pending: Option<f64>,
    #[serde(rename = "activeNodes")]
    active_nodes: Option<f64>,
    #[serde(rename = "lostNodes")]
    lost_nodes: Option<f64>,
}

impl Metrics {
    fn sample(self, sampled_at: DateTime<Utc>) -> ClusterMetrics {
        ClusterMetrics {
            sampled_at,
            source: CLUSTER.into(),
            allocated_memory_mb: self.allocated_mb,
            available_memory_mb: self.available_mb,
            total_memory_mb: self.total_mb,
            allocated_vcores: self.allocated_vcores,
            available_vcores: self.available_vcores,
            total_vcores: self.total_vcores,
            allocated_containers: self.containers_allocated,
            pending_containers: self.containers_pending,
            running_applications: self.apps_running,
            pending_applications: self.apps_pending,
            active_nodes: self.active_nodes,
            lost_nodes: self.lost_nodes,
            ..ClusterMetrics::default()
        }
    }
}

/// The queues of any scheduler: those of the capacity scheduler lie under `queues.queue`, those of
/// the fair scheduler under `rootQueue` and `childQueues`, in some versions with `queue` between.
fn queues_in(answer: &Value, sampled_at: DateTime<Utc>) -> Vec<ClusterMetrics> {
    let info = &answer["scheduler"]["schedulerInfo"];
    let root = match info.get("rootQueue") {
        Some(root) => root,
        None => info,
    };
    let mut found = Vec::new();
    add_queue(root, "", sampled_at, MAX_DEPTH, &mut found);
    found
}

fn add_queue(
    queue: &Value,
    parent: &str,
    sampled_at: DateTime<Utc>,
    depth: usize,
    found: &mut Vec<ClusterMetrics>,
) {
    let Some(name) = queue["queueName"].as_str() else {
        return;
    };
    let path = full_name(queue, parent, name);
    found.push(queue_sample(queue, &path, sampled_at));
    if depth == 0 {
        return;
    }
    let children = [
        &queue["queues"]["queue"],
        &queue["childQueues"]["queue"],
        &queue["childQueues"],
    ];
    let children = children.iter().find_map(|value| value.as_array());
    for child in children.into_iter().flatten() {
        add_queue(child, &path, sampled_at, depth - 1, found);
    }
}

/// `root.etl.nightly`, by the scheduler where it tells, else by the parents.
fn full_name(queue: &Value, parent: &str, name: &str) -> String {
    match queue["queuePath"].as_str() {
        Some(path) => path.to_owned(),
        // The fair scheduler's names are full already.
        None if parent.is_empty() || name.starts_with(&format!("{parent}.")) => name.to_owned(),
        None => format!("{parent}.{name}"),
    }
}

fn queue_sample(queue: &Value, path: &str, sampled_at: DateTime<Utc>) -> ClusterMetrics {
    let number = |names: &[&str]| names.iter().find_map(|name| queue[*name].as_f64());
    let used = match queue.get("resourcesUsed") {
        Some(used) => used,
        None => &queue["usedResources"],
    };
    let limit = match queue.get("maxEffectiveCapacity") {
        Some(limit) => limit,
        None => &queue["maxResources"],
    };
    ClusterMetrics {
        sampled_at,
        source: QUEUE.into(),
        queue: Some(path.to_owned()),
        allocated_memory_mb: used["memory"].as_f64(),
        allocated_vcores: used["vCores"].as_f64(),
        total_memory_mb: limit["memory"].as_f64(),
        total_vcores: limit["vCores"].as_f64(),
        allocated_containers: number(&["allocatedContainers", "numContainers"]),
        pending_containers: number(&["pendingContainers"]),
        running_applications: number(&["numActiveApplications", "numActiveApps"]),
        pending_applications: number(&["numPendingApplications", "numPendingApps"]),
        ..ClusterMetrics::default()
    }
}

#[cfg(test)]
mod tests;
