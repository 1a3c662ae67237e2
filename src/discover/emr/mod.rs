//! EMR on EC2: its clusters, what they consist of, the steps they ran, and the histories of their
//! applications.
//!
//! Histories come from event logs in S3 where the cluster writes them there, and else from the
//! History Server that EMR keeps for a cluster, also after its end (its persistent application UI).

mod account;
mod api;
mod application_ids;
mod cloudwatch;
mod clusters;
mod command_line;
mod doctor;
mod event_logs;
mod folders;
mod histories;
mod instances;
mod ownership;
pub(super) mod persistent_ui;
mod process_logs;
mod setup;
mod source;
mod steps;
mod usage;

use async_trait::async_trait;

pub use self::account::Emr;
use self::setup::Setup;
pub use self::source::EmrSource;
use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, Exploration, ExploreRequest, Pace,
    Window,
};
use crate::model::Platform;

impl Emr {
    /// Asks the steps in order; each notes what came of it.
    async fn explore_cluster(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let description = self.explore_description(&mut exploration).await;
        let mut setup = Setup::of(description.as_ref());
        self.explore_instances(&mut exploration, description.as_ref(), &mut setup)
            .await;
        let steps = self.explore_steps(&mut exploration).await;
        setup.add_steps(&steps);
        if self.source.collect_metrics {
            self.explore_usage(&mut exploration, &setup, request).await;
        }
        self.explore_histories(&mut exploration, &setup, &steps, request)
            .await;
        steps::finish(&mut exploration, &setup, &steps);
        if self.source.read_process_logs {
            self.explore_process_logs(&mut exploration, &setup).await;
        }
        exploration
    }
}

#[async_trait]
impl ClusterPlatform for Emr {
    fn platform(&self) -> Platform {
        Platform::Emr
    }

    fn describe(&self) -> String {
        format!("emr {}", self.api.region)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, window: &Window) -> Result<ClusterList, DiscoverError> {
        match self.source.cluster_arns.is_empty() {
            true => self.list_account(window).await,
            false => self.list_named().await,
        }
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        self.explore_cluster(cluster, request).await
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}

#[cfg(test)]
mod tests;
