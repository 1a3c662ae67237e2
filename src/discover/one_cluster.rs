//! A platform as far as one cluster, or one job run on it: what somebody asks for by its id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::{
    Check, Cluster, ClusterList, ClusterPlatform, DiscoverError, Exploration, ExploreRequest, Pace,
    Window,
};
use crate::model::Platform;

/// Most clusters that are looked into for a job run whose cluster is not known.
const MAX_CLUSTERS: usize = 10;
/// Shortest id.
const MIN_ID: usize = 4;

/// A cluster, a job run, or `CLUSTER/RUN`, on a platform that lists more. What the platform does not
/// list is not found: nothing is asked for by an id that its settings leave out.
#[derive(Debug)]
pub struct OneCluster {
    platform: Arc<dyn ClusterPlatform>,
    cluster: String,
    run: Option<String>,
    /// Whether the id is no cluster's, so that it may be a job run's.
    is_run: AtomicBool,
}

impl OneCluster {
    /// The part of `platform` that `wanted` names; `None` where it cannot be an id of that platform, so
    /// that nothing has to be asked.
    pub fn of(platform: &Arc<dyn ClusterPlatform>, wanted: &str) -> Option<Self> {
        let (cluster, run) = match wanted.split_once('/') {
            Some((cluster, run)) => (cluster, Some(run)),
            None => (wanted, None),
        };
        let fits = match platform.platform() {
            Platform::Emr => cluster.starts_with("j-") && run.is_none(),
            Platform::EmrServerless | Platform::EmrEks => true,
            Platform::Databricks => run.is_none() && cluster.contains('-'),
            Platform::EventLog | Platform::HistoryServer => false,
        };
        let is_sparks = ["app-", "application_", "local-"]
            .iter()
            .any(|prefix| cluster.starts_with(prefix));
        if !fits || is_sparks || !is_id(cluster) || !run.is_none_or(is_id) {
            return None;
        }
        Some(Self {
            platform: Arc::clone(platform),
            cluster: cluster.to_owned(),
            run: run.map(str::to_owned),
            is_run: AtomicBool::new(false),
        })
    }

    /// Whether the id can be that of a job run, whose cluster has to be searched for.
    fn may_be_run(&self) -> bool {
        let begins = self
            .cluster
            .starts_with(|letter: char| letter.is_ascii_digit());
        let has_runs = matches!(
            self.platform.platform(),
            Platform::EmrServerless | Platform::EmrEks
        );
        has_runs
            && self.run.is_none()
            && begins
            && self
                .cluster
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric())
    }

    fn wanted_run(&self) -> Option<&str> {
        match self.is_run.load(Ordering::Relaxed) {
            true => Some(&self.cluster),
            false => self.run.as_deref(),
        }
    }
}

/// Whether a text is made of what ids are made of.
fn is_id(text: &str) -> bool {
    text.len() >= MIN_ID
        && text.contains(|letter: char| letter.is_ascii_digit())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

#[async_trait]
impl ClusterPlatform for OneCluster {
    fn platform(&self) -> Platform {
        self.platform.platform()
    }

    fn describe(&self) -> String {
        self.platform.describe()
    }

    fn pace(&self) -> Pace {
        self.platform.pace()
    }

    async fn list(&self, window: &Window) -> Result<ClusterList, DiscoverError> {
        let mut list = self.platform.list(window).await?;
        if list.clusters.iter().any(|one| one.id == self.cluster) {
            list.clusters.retain(|one| one.id == self.cluster);
        } else if self.may_be_run() {
            self.is_run.store(true, Ordering::Relaxed);
            list.clusters.truncate(MAX_CLUSTERS);
        } else {
            list.clusters.clear();
        }
        Ok(list)
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        match self.wanted_run() {
            Some(run) => self.platform.explore_run(cluster, run, request).await,
            None => self.platform.explore(cluster, request).await,
        }
    }

    async fn check(&self) -> Vec<Check> {
        self.platform.check().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Listed(Platform, Vec<&'static str>);

    fn cluster(platform: Platform, id: &str) -> Cluster {
        Cluster {
            platform,
            id: id.to_owned(),
            name: id.to_owned(),
            uri: id.to_owned(),
            status: "RUNNING".to_owned(),
            is_finished: false,
            region: None,
            release_label: None,
            created_at: None,
            ready_at: None,
            ended_at: None,
            normalized_instance_hours: None,
            spark_context_id: None,
            tags: Default::default(),
        }
    }

    #[async_trait]
    impl ClusterPlatform for Listed {
        fn platform(&self) -> Platform {
            self.0
        }

        fn describe(&self) -> String {
            "listed".to_owned()
        }

        fn pace(&self) -> Pace {
            Pace::default()
        }

        async fn list(&self, _: &Window) -> Result<ClusterList, DiscoverError> {
            Ok(ClusterList {
                clusters: self.1.iter().map(|id| cluster(self.0, id)).collect(),
                problems: Vec::new(),
            })
        }

        async fn explore(&self, cluster: Cluster, _: &ExploreRequest) -> Exploration {
            Exploration::of(cluster)
        }

        async fn check(&self) -> Vec<Check> {
            Vec::new()
        }
    }

    async fn found(platform: Platform, wanted: &str) -> Option<Vec<String>> {
        let listed = Listed(platform, vec!["j-1ABC2", "00f1abc2", "1121-120425-x7"]);
        let platform: Arc<dyn ClusterPlatform> = Arc::new(listed);
        let one = OneCluster::of(&platform, wanted)?;
        let list = one.list(&Window::default()).await.expect("a list");
        Some(list.clusters.into_iter().map(|one| one.id).collect())
    }

    #[tokio::test]
    async fn only_the_cluster_that_is_named_is_left() {
        let only = |id: &str| Some(vec![id.to_owned()]);
        assert_eq!(found(Platform::Emr, "j-1ABC2").await, only("j-1ABC2"));
        assert_eq!(found(Platform::Emr, "j-9XYZ9").await, Some(Vec::new()));
        let serverless = Platform::EmrServerless;
        assert_eq!(found(serverless, "00f1abc2").await, only("00f1abc2"));
        assert_eq!(found(serverless, "00f1abc2/00run1").await, only("00f1abc2"));
        let databricks = Platform::Databricks;
        assert_eq!(
            found(databricks, "1121-120425-x7").await,
            only("1121-120425-x7")
        );
        // It may be a job run's id: each cluster has to be looked into.
        assert_eq!(
            found(serverless, "00f9run").await.map(|all| all.len()),
            Some(3)
        );
    }

    #[tokio::test]
    async fn what_is_no_id_of_the_platform_asks_nobody() {
        for (platform, wanted) in [
            (Platform::Emr, "1121-120425-x7"),
            (Platform::Emr, "j-1ABC2/application_1_1"),
            (Platform::EmrServerless, "nightly load 2"),
            (Platform::EmrServerless, "app-20261121120425-0000"),
            (Platform::EmrServerless, "/etc/passwd"),
            (Platform::EmrServerless, "00f1abc2/../x1"),
            (Platform::Databricks, "application_1713000000000_0001"),
            (Platform::Databricks, "orders"),
        ] {
            assert_eq!(found(platform, wanted).await, None, "{wanted}");
        }
    }
}
