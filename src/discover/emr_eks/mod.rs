//! EMR on EKS: its virtual clusters are the clusters, their job runs are what Spark ran.
//!
//! Event logs go to AWS, which shows them in a History Server of its own for 30 days, unless a job
//! run names another folder as `spark.eventLog.dir`. What the S3 location of its monitoring holds
//! are the logs of its pods.

mod account;
mod check;
mod histories;
mod job_run;
mod source;

use async_trait::async_trait;
use futures::StreamExt;

pub use self::account::EmrEks;
use self::histories::Explorer;
pub use self::source::EmrEksSource;
use super::aws;
use super::log_stores::LogStores;
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
        match self.source.virtual_cluster_ids.is_empty() {
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
}
