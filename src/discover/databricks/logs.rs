//! Where a cluster delivers its logs, and what lies there.
//!
//! `<destination>/<cluster id>/eventlog/<cluster id>_<ip>/<SparkContext id>/eventlog…`, and beside it
//! `driver/` and `executor/` with what the processes wrote.

use std::collections::{BTreeMap, HashMap};
use std::path::Path as LocalPath;
use std::sync::Arc;

use super::api::{self, ClusterDetails, LogConf, Workspace};
use super::files::WorkspaceFiles;
use super::{DatabricksSource, context_of};
use crate::discover::location::Location;
use crate::discover::{
    Cluster, DiscoverError, DiscoverProblem, History, LoggedProcess, ProcessLogPlace, Window,
    event_logs,
};

const CURE: &str = "set cluster_log_conf of the cluster, of the job's cluster, or for all of them in a \
                    compute policy; logs of clusters that ran without it are lost";

/// What was found of a cluster's delivered logs.
pub(super) enum Delivered {
    /// These, and problems with others.
    Found(Vec<History>, Vec<DiscoverProblem>),
    /// None, and why.
    Nothing(String),
    /// The place could not be looked at.
    Failed(DiscoverError),
}

/// Looks at the place that the cluster delivers its logs to.
pub(super) async fn find(
    workspace: &Arc<Workspace>,
    source: &DatabricksSource,
    cluster: &Cluster,
    details: &ClusterDetails,
    window: &Window,
) -> Delivered {
    let conf = details.cluster_log_conf.as_ref();
    let Some(destination) = conf.and_then(destination) else {
        return Delivered::Nothing(format!("the cluster delivers no logs; {CURE}"));
    };
    let folder = match folder(workspace, source, &destination, &cluster.id).await {
        Ok(folder) => folder,
        Err(error) => return Delivered::Failed(error),
    };
    let event_logs = folder.child("eventlog");
    let found = event_logs::discover_at(&event_logs, Some(&cluster.id), window).await;
    match found {
        Ok(mut found) => {
            if source.read_process_logs {
                add_process_logs(&mut found.histories, &folder);
            }
            Delivered::Found(found.histories, found.problems)
        }
        Err(DiscoverError::NotFound { uri }) => {
            Delivered::Nothing(nothing_delivered(&uri, details))
        }
        Err(error) => Delivered::Failed(explain(error)),
    }
}

fn nothing_delivered(uri: &str, details: &ClusterDetails) -> String {
    let exception = details
        .cluster_log_status
        .as_ref()
        .and_then(|status| status.last_exception.as_deref())
        .filter(|exception| !exception.is_empty());
    match exception {
        Some(exception) => {
            let exception: String = exception.chars().take(300).collect();
            format!(
                "nothing was delivered to {uri}: {exception}; the cluster's instance profile or \
                 volume must allow to write there"
            )
        }
        None => format!(
            "nothing was delivered to {uri}; a cluster that lived for less than five \
                         minutes may have none"
        ),
    }
}

/// Says what to do where a store refuses.
fn explain(error: DiscoverError) -> DiscoverError {
    let (code, cure) = match &error {
        DiscoverError::Store {
            source: object_store::Error::PermissionDenied { .. },
            ..
        } => (
            "LOGS_PERMISSION_DENIED",
            "give the caller READ VOLUME on the volume (with USE CATALOG and USE SCHEMA), read access \
             to the DBFS folder, or s3:ListBucket and s3:GetObject on the bucket",
        ),
        DiscoverError::Store {
            source: object_store::Error::Unauthenticated { .. },
            ..
        } => (
            "LOGS_UNAUTHENTICATED",
            "check the credentials of the bucket (storage_options or environment), or the token",
        ),
        _ => return error,
    };
    DiscoverError::Platform {
        uri: error.uri().to_owned(),
        call: "reading delivered logs".to_owned(),
        code: code.to_owned(),
        message: error.to_string(),
        cure: cure.to_owned(),
        retryable: false,
    }
}

/// Logs of processes are the cluster's. With several histories they belong to the newest, which a
/// person who looks for problems reads, and whose period tells which lines are its own.
fn add_process_logs(histories: &mut [History], folder: &Location) {
    let newest = histories
        .iter_mut()
        .max_by_key(|history| (history.modified(), context_of(history.uri())));
    if let Some(history) = newest {
        let places = [
            (LoggedProcess::Driver, "driver"),
            (LoggedProcess::Executor, "executor"),
        ];
        history.process_logs = places
            .map(|(process, name)| {
                let place = folder.child(name);
                ProcessLogPlace {
                    process,
                    uri: place.uri_of(place.path.as_ref()),
                    store: Arc::clone(&place.store),
                    prefix: place.path,
                }
            })
            .to_vec();
    }
}

/// Where logs are to go, by the interface's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) destination: String,
    region: Option<String>,
    endpoint: Option<String>,
}

/// The destination that the cluster delivers to.
pub(super) fn destination(conf: &LogConf) -> Option<Target> {
    let places = [&conf.s3, &conf.volumes, &conf.dbfs];
    let place: &api::Destination = places.into_iter().flatten().next()?;
    let destination = place.destination.as_deref()?.trim();
    (!destination.is_empty()).then(|| Target {
        destination: destination.to_owned(),
        region: place.region.clone(),
        endpoint: place.endpoint.clone(),
    })
}

/// The folder of one cluster at the destination.
pub(super) async fn folder(
    workspace: &Arc<Workspace>,
    source: &DatabricksSource,
    target: &Target,
    cluster_id: &str,
) -> Result<Location, DiscoverError> {
    let options = storage_options(source, target);
    if let Some(uri) = replaced(&target.destination, &source.destinations) {
        return Ok(Location::resolve(&uri, &options)?.child(cluster_id));
    }
    match kind_of(&target.destination) {
        Kind::Bucket => Ok(Location::resolve(&target.destination, &options)?.child(cluster_id)),
        Kind::Workspace { path, mounted_at } => {
            let mounted = format!("{mounted_at}/{cluster_id}");
            if is_folder(&mounted).await {
                return Location::resolve(&mounted, &options);
            }
            let files = WorkspaceFiles::new(Arc::clone(workspace));
            let root = files.root();
            let place = object_store::path::Path::parse(path.trim_matches('/')).ok();
            match root.zip(place) {
                Some((root, place)) => {
                    let location = Location::in_store(Arc::new(files), place, root);
                    Ok(location.child(cluster_id))
                }
                None => Err(invalid(&target.destination)),
            }
        }
        Kind::Unknown => Err(invalid(&target.destination)),
    }
}

fn invalid(destination: &str) -> DiscoverError {
    DiscoverError::InvalidUri {
        uri: destination.to_owned(),
        reason:
            "log destinations are s3://…, /Volumes/… or dbfs:/…; name another place for it under \
                 destinations"
                .to_owned(),
    }
}

/// The user's options, and where the user says nothing the cluster's region and endpoint.
fn storage_options(source: &DatabricksSource, target: &Target) -> HashMap<String, String> {
    let mut options = source.storage_options.clone();
    let mut add = |names: [&str; 2], value: Option<&String>| {
        let is_set = options
            .keys()
            .any(|key| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
        if let Some(value) = value.filter(|value| !is_set && !value.is_empty()) {
            options.insert(names[0].to_owned(), value.clone());
        }
    };
    add(["aws_region", "region"], target.region.as_ref());
    add(["aws_endpoint", "endpoint"], target.endpoint.as_ref());
    options
}

/// The place that the user reads instead of this one. The longest of several that fit wins.
fn replaced(destination: &str, places: &BTreeMap<String, String>) -> Option<String> {
    let fitting = places.iter().filter_map(|(from, to)| {
        let from = from.trim_end_matches('/');
        let rest = destination.strip_prefix(from)?;
        let is_below = rest.is_empty() || rest.starts_with('/');
        (is_below && !from.is_empty()).then_some((from.len(), to, rest))
    });
    let (_, to, rest) = fitting.max_by_key(|(length, _, _)| *length)?;
    Some(format!(
        "{}{}",
        to.trim_end_matches('/'),
        rest.trim_end_matches('/')
    ))
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// An object store that is read itself.
    Bucket,
    /// Files of the workspace.
    Workspace {
        /// Absolute path there.
        path: String,
        /// Where Databricks mounts it on its own machines.
        mounted_at: String,
    },
    Unknown,
}

/// What a cluster says where its logs go is somebody else's text: it must not name files of this
/// machine.
fn kind_of(destination: &str) -> Kind {
    let is_bucket = ["s3://", "s3a://", "s3n://", "abfss://", "gs://"]
        .iter()
        .any(|scheme| destination.starts_with(scheme));
    if is_bucket {
        return Kind::Bucket;
    }
    let path = destination.strip_prefix("dbfs:").unwrap_or(destination);
    let path = path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_plain = path.starts_with('/') && !parts.iter().any(|part| matches!(*part, "." | ".."));
    if !is_plain || parts.is_empty() {
        return Kind::Unknown;
    }
    let path = format!("/{}", parts.join("/"));
    let mounted_at = match parts.first() {
        Some(&"Volumes") => path.clone(),
        _ => format!("/dbfs{path}"),
    };
    Kind::Workspace { path, mounted_at }
}

async fn is_folder(path: &str) -> bool {
    let metadata = tokio::fs::metadata(LocalPath::new(path)).await;
    metadata.is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(path: &str, mounted_at: &str) -> Kind {
        Kind::Workspace {
            path: path.to_owned(),
            mounted_at: mounted_at.to_owned(),
        }
    }

    #[test]
    fn destinations_are_buckets_or_files_of_the_workspace_and_never_of_this_machine() {
        let cases = [
            ("s3://bucket/logs", Kind::Bucket),
            (
                "dbfs:/cluster-logs/",
                workspace("/cluster-logs", "/dbfs/cluster-logs"),
            ),
            ("dbfs:///x", workspace("/x", "/dbfs/x")),
            (
                "/Volumes/main/ops/logs",
                workspace("/Volumes/main/ops/logs", "/Volumes/main/ops/logs"),
            ),
            (
                "dbfs:/Volumes/main",
                workspace("/Volumes/main", "/Volumes/main"),
            ),
            ("dbfs:/../etc", Kind::Unknown),
            ("file:/etc", Kind::Unknown),
            ("dbfs:/", Kind::Unknown),
            ("logs", Kind::Unknown),
        ];
        for (destination, kind) in cases {
            assert_eq!(kind_of(destination), kind, "{destination}");
        }
    }

    #[test]
    fn the_longest_replacement_wins_and_ends_at_a_folder() {
        let places = BTreeMap::from(
            [
                ("dbfs:/mnt", "s3://all"),
                (
                    "dbfs:/mnt/logs/",
                    "abfss://logs@account.dfs.core.windows.net/",
                ),
            ]
            .map(|(from, to)| (from.to_owned(), to.to_owned())),
        );
        let replaced = |destination| replaced(destination, &places);
        assert_eq!(
            replaced("dbfs:/mnt/logs/team").as_deref(),
            Some("abfss://logs@account.dfs.core.windows.net/team")
        );
        assert_eq!(
            replaced("dbfs:/mnt/logs2").as_deref(),
            Some("s3://all/logs2")
        );
        assert_eq!(replaced("dbfs:/mnts"), None);
    }
}
