//! EMR on EKS: its virtual clusters are the clusters, their job runs are what Spark ran.
//!
//! Event logs go to AWS, which shows them in a History Server of its own for 30 days, unless a job
//! run names another folder as `spark.eventLog.dir`. What the S3 location of its monitoring holds
//! are the logs of its pods.

mod account;
mod check;
mod histories;
mod job_run;

use async_trait::async_trait;
use futures::StreamExt;

pub use self::account::EmrEks;
use self::histories::Explorer;
use super::tally::{Refused, Tally};
use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, Exploration, ExploreRequest, Pace,
    Window,
};
use crate::model::Platform;

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
        match self.source.cluster_ids.is_empty() {
            true => self.list_virtual_clusters().await,
            false => self.named_virtual_clusters().await,
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

impl EmrEks {
    /// Asks about the job runs that are wanted, or about a single one.
    async fn explore_runs(
        &self,
        cluster: Cluster,
        job_run_id: Option<&str>,
        request: &ExploreRequest,
    ) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let id = exploration.cluster.id.clone();
        let (mut runs, failure) = self.job_runs(&id, request).await;
        if let Some(id) = job_run_id {
            runs.retain(|run| run.job_run_id == id);
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
        let explorer = Explorer {
            platform: self,
            cluster: exploration.cluster.clone(),
            stores,
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
}
