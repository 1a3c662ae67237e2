//! EMR Serverless: its applications are the clusters, their job runs are what Spark ran.
//!
//! The history of a job run is taken from the S3 location that its logs go to; where it has none,
//! from the History Server behind its dashboard, which AWS keeps for 30 days.

mod account;
mod check;
mod dashboard;
mod histories;
mod job_run;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_emrserverless::types::Application;
use futures::StreamExt;

pub use self::account::EmrServerless;
use self::histories::Explorer;
use super::tally::{Refused, Tally};
use super::{
    Check, Cluster, ClusterInstances, ClusterList, ClusterPlatform, DiscoverError, Exploration,
    ExploreRequest, Pace, Window,
};
use crate::model::Platform;

#[async_trait]
impl ClusterPlatform for EmrServerless {
    fn platform(&self) -> Platform {
        Platform::EmrServerless
    }

    fn describe(&self) -> String {
        format!("emr_serverless {}", self.region)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, _window: &Window) -> Result<ClusterList, DiscoverError> {
        // An application lives for years, and its runs are what the window is about.
        match self.source.cluster_ids.is_empty() {
            true => self.list_applications().await,
            false => self.named_applications().await,
        }
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        self.explore_runs(cluster, None, request).await
    }

    async fn explore_run(
        &self,
        cluster: Cluster,
        job_run_id: &str,
        request: &ExploreRequest,
    ) -> Exploration {
        self.explore_runs(cluster, Some(job_run_id), request).await
    }

    async fn check(&self) -> Vec<Check> {
        check::check(self).await
    }
}

impl EmrServerless {
    /// Asks about the job runs that are wanted, or about a single one.
    async fn explore_runs(
        &self,
        cluster: Cluster,
        job_run_id: Option<&str>,
        request: &ExploreRequest,
    ) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let id = exploration.cluster.id.clone();
        let application = match self.application(&id).await {
            Ok(application) => {
                exploration.found("application", 1);
                exploration.cluster = self.described(&application);
                exploration.instances = workers(&application);
                Some(application)
            }
            Err(error) => {
                exploration.failed("application", error);
                None
            }
        };
        let (mut runs, failure) = self.job_runs(&id, request).await;
        if let Some(id) = job_run_id {
            runs.retain(|run| run.id() == id);
        }
        let may_go_on = self
            .source
            .note_job_runs(&mut runs, failure, request, &mut exploration);
        if !may_go_on {
            return exploration;
        }
        let stores = self.source.stores(&self.config, &mut exploration).await;
        let Some(stores) = stores else {
            return exploration;
        };
        let explorer = Arc::new(Explorer {
            platform: self,
            application: application.as_ref(),
            cluster: exploration.cluster.clone(),
            stores,
            refused: Refused::default(),
            request: *request,
        });
        let found: Vec<_> = futures::stream::iter(runs)
            .map(|run| {
                let explorer = Arc::clone(&explorer);
                async move { explorer.explore(run).await }
            })
            .buffered(self.source.max_app_threads.max(1))
            .collect()
            .await;
        let mut tally = Tally::default();
        for run in found {
            exploration.job_runs.extend(run.job_run);
            exploration.histories.extend(run.histories);
            tally.add(run.tally);
        }
        tally.tell(&mut exploration);
        exploration
    }
}

/// What an application consists of: the workers that are kept ready for it, and those that it takes
/// on demand. Their architecture is one of what a price depends on.
fn workers(application: &Application) -> Vec<ClusterInstances> {
    let architecture = application
        .architecture()
        .map_or("X86_64", |known| known.as_str());
    let limit = application.maximum_capacity().map(|limit| {
        let disk = limit.disk().map(|disk| format!(", disk {disk}"));
        format!(
            "at most {} and {}{}",
            limit.cpu(),
            limit.memory(),
            disk.unwrap_or_default()
        )
    });
    let on_demand = ClusterInstances {
        group_id: "on_demand".to_owned(),
        group_name: limit,
        role: "WORKER".to_owned(),
        instance_type: architecture.to_owned(),
        ..ClusterInstances::default()
    };
    let ready = application.initial_capacity().into_iter().flatten();
    let mut ready: Vec<_> = ready
        .map(|(kind, capacity)| {
            let size = capacity.worker_configuration().map(|worker| {
                let disk = worker.disk().map(|disk| format!(", disk {disk}"));
                format!(
                    " {}, {}{}",
                    worker.cpu(),
                    worker.memory(),
                    disk.unwrap_or_default()
                )
            });
            ClusterInstances {
                group_id: format!("initial_capacity/{kind}"),
                group_name: Some("kept ready".to_owned()),
                role: kind.to_uppercase(),
                instance_type: format!("{architecture}{}", size.unwrap_or_default()),
                requested_count: Some(capacity.worker_count()),
                ..ClusterInstances::default()
            }
        })
        .collect();
    ready.sort_by(|left, right| left.group_id.cmp(&right.group_id));
    std::iter::once(on_demand).chain(ready).collect()
}
