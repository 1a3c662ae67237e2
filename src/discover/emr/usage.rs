//! How full a cluster was: by CloudWatch for its past, by YARN for this moment.

use std::sync::Arc;

use chrono::Utc;
use url::Url;

use super::account::Emr;
use super::setup::Setup;
use super::source::invalid_setting;
use super::{cloudwatch, clusters};
use crate::discover::yarn::ResourceManager;
use crate::discover::{Cluster, DiscoverError, Exploration, ExploreRequest};
use crate::http::{Client, ClientSettings, HttpError};

const CLOUDWATCH: &str = "cloudwatch_metrics";
const YARN_METRICS: &str = "yarn_metrics";
const YARN_QUEUES: &str = "yarn_queues";
/// What stands for the master's name in YARN's address.
const MASTER_DNS: &str = "{master_dns}";

impl Emr {
    pub(super) async fn explore_usage(
        &self,
        exploration: &mut Exploration,
        setup: &Setup,
        request: &ExploreRequest,
    ) {
        let cluster = &exploration.cluster;
        match cloudwatch::samples(&self.api, cluster, request.metrics_since, Utc::now()).await {
            Ok(samples) => {
                exploration.found(CLOUDWATCH, samples.len());
                exploration.metrics.extend(samples);
            }
            Err(error) => exploration.failed(CLOUDWATCH, error),
        }
        match self.resource_manager(&exploration.cluster, setup) {
            None => {}
            Some(Ok(manager)) => ask_yarn(exploration, &manager).await,
            Some(Err(error)) => exploration.failed(YARN_METRICS, error),
        }
    }

    /// The ResourceManager of a cluster that runs, where it may be asked.
    pub(super) fn resource_manager(
        &self,
        cluster: &Cluster,
        setup: &Setup,
    ) -> Option<Result<ResourceManager, DiscoverError>> {
        let template = self.source.yarn_resource_manager_url.as_deref()?;
        let master = setup.master_dns.as_deref()?;
        clusters::is_running(cluster).then(|| self.connect_to_yarn(template, master))
    }

    fn connect_to_yarn(
        &self,
        template: &str,
        master: &str,
    ) -> Result<ResourceManager, DiscoverError> {
        let address = template.replace(MASTER_DNS, master);
        let mut base = Url::parse(&address).map_err(|error| {
            invalid_setting(
                "INVALID_YARN_URL",
                format!("{template} is no address: {error}"),
                "write http://{master_dns}:8088/",
            )
        })?;
        if !base.path().ends_with('/') {
            let folder = format!("{}/", base.path());
            base.set_path(&folder);
        }
        let settings = ClientSettings::with(base, self.source.http.clone());
        let client = Client::new(settings).map_err(|source| DiscoverError::Http {
            uri: format!("yarn of {master}"),
            source,
        })?;
        Ok(ResourceManager::new(Arc::new(client)))
    }
}

async fn ask_yarn(exploration: &mut Exploration, manager: &ResourceManager) {
    let uri = exploration.cluster.uri.clone();
    let failed = |source: HttpError| DiscoverError::Http {
        uri: uri.clone(),
        source,
    };
    match manager.metrics().await {
        Ok(sample) => {
            exploration.found(YARN_METRICS, 1);
            exploration.metrics.push(sample);
        }
        Err(error) => exploration.failed(YARN_METRICS, failed(error)),
    }
    match manager.queues().await {
        Ok(queues) => {
            exploration.found(YARN_QUEUES, queues.len());
            exploration.metrics.extend(queues);
        }
        Err(error) => exploration.failed(YARN_QUEUES, failed(error)),
    }
}
