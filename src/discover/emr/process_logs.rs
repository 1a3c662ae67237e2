//! Where EMR delivers the logs of processes to: below `LogUri`, by cluster.

use futures::StreamExt;

use chrono::{DateTime, Utc};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::account::Emr;
use super::application_ids::application_id;
use super::setup::{Setup, s3_folder};
use crate::discover::location::Location;
use crate::discover::{
    Cluster, DiscoverError, Exploration, History, LoggedProcess, ProcessLogPlace,
};

const NAME: &str = "process_logs";
const CONTAINERS: &str = "containers";
const STEPS: &str = "steps";

impl Emr {
    /// Says of each history where its containers' and its step's logs are.
    pub(super) async fn explore_process_logs(&self, exploration: &mut Exploration, setup: &Setup) {
        let Some(log_uri) = setup.log_uri.as_deref() else {
            exploration.skipped(NAME, "the cluster has no LogUri: its logs end with it");
            return;
        };
        let location = match self.location(log_uri).await {
            Ok(location) => location,
            Err(error) => {
                exploration.failed(NAME, error);
                return;
            }
        };
        let folder = LogFolder {
            location,
            cluster_id: exploration.cluster.id.clone(),
        };
        let mut count = 0;
        for history in &mut exploration.histories {
            history.process_logs = folder.places(history);
            count += history.process_logs.len();
        }
        exploration.found(NAME, count);
    }

    /// A place in S3, by any of the names that Hadoop has for it.
    async fn location(&self, uri: &str) -> Result<Location, DiscoverError> {
        let uri = s3_folder(uri).unwrap_or_else(|| uri.to_owned());
        Location::resolve(&uri, &self.storage_options().await?)
    }
}

/// The folder of a cluster below its `LogUri`.
struct LogFolder {
    location: Location,
    cluster_id: String,
}

impl LogFolder {
    fn places(&self, history: &History) -> Vec<ProcessLogPlace> {
        let containers = application_id(history)
            .filter(|id| id.starts_with("application_"))
            .map(|id| self.place(LoggedProcess::Container, CONTAINERS, id));
        let step = history
            .job_run
            .as_ref()
            .map(|link| self.place(LoggedProcess::Step, STEPS, &link.job_run_id));
        containers.into_iter().chain(step).collect()
    }

    fn place(&self, process: LoggedProcess, kind: &str, name: &str) -> ProcessLogPlace {
        let prefix = self.path(kind).join(name);
        ProcessLogPlace {
            process,
            uri: self.location.uri_of(prefix.as_ref()),
            store: self.location.store.clone(),
            prefix,
        }
    }

    fn path(&self, kind: &str) -> Path {
        self.location
            .path
            .clone()
            .join(self.cluster_id.as_str())
            .join(kind)
    }
}

/// Ids of the YARN applications whose container logs were delivered; none where there is no
/// `LogUri`.
pub(super) async fn applications(
    emr: &Emr,
    cluster: &Cluster,
    setup: &Setup,
) -> Result<Vec<String>, DiscoverError> {
    let Some(log_uri) = setup.log_uri.as_deref() else {
        return Ok(Vec::new());
    };
    let folder = LogFolder {
        location: emr.location(log_uri).await?,
        cluster_id: cluster.id.clone(),
    };
    let store = &folder.location.store;
    let listed = store
        .list_with_delimiter(Some(&folder.path(CONTAINERS)))
        .await
        .map_err(|source| DiscoverError::Store {
            uri: log_uri.to_owned(),
            source,
        })?;
    let names = listed
        .common_prefixes
        .iter()
        .filter_map(|path| path.filename());
    Ok(names.map(str::to_owned).collect())
}

/// Asks for the first object of a folder in S3, and when it was written.
pub(super) async fn first_object(
    emr: &Emr,
    uri: &str,
) -> Result<Option<DateTime<Utc>>, DiscoverError> {
    let location = emr.location(uri).await?;
    let failed = |source| DiscoverError::Store {
        uri: uri.to_owned(),
        source,
    };
    let first = location.store.list(Some(&location.path)).next().await;
    let Some(first) = first.transpose().map_err(failed)? else {
        return Ok(None);
    };
    // Listing and reading are permissions of their own.
    location.store.head(&first.location).await.map_err(failed)?;
    Ok(Some(first.last_modified))
}
