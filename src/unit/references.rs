//! Histories by reference: what a worker needs to read a log that somebody else found.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::UnitError;
use super::extraction::Assignment;
use crate::discover::{
    Content, EventLog, History, JobRunLink, Layout, LoggedProcess, ProcessLogPlace, Section,
    SourceFile,
};
use crate::extract::eventlog::codec::zip::ZipEntry;
use crate::extract::extraction::Identity;
use crate::model::Platform;

/// A store by its root and the name of the credentials that open it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreReference {
    /// URI of the store's root: `file:///`, `s3://bucket/`.
    pub root: String,
    /// Name of the credentials, such as `source[0]`; the order declares them.
    pub credentials: String,
}

/// A history to be read, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryReference {
    /// Where its application ran.
    pub platform: Platform,
    /// Cluster, or the source's name.
    pub cluster_id: String,
    /// Cluster's name, or the source's.
    pub cluster_name: String,
    /// What the platform calls the run of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_run: Option<JobRunLink>,
    /// The log.
    pub log: LogReference,
    /// Whose it is.
    pub identity: Identity,
    /// Which version of it.
    pub fingerprint: String,
    /// The team that tags of its run or cluster name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Where the logs of its driver and executors are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub process_logs: Vec<ProcessLogReference>,
}

/// An event log that is yet to be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogReference {
    /// The log's own URI.
    pub uri: String,
    /// How it is laid out.
    pub layout: Layout,
    /// Its files in reading order.
    pub files: Vec<FileReference>,
    /// Its files within an archive, in reading order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zip_entries: Vec<ZipEntry>,
    /// Whether it is still being written.
    pub in_progress: bool,
    /// Which application's events to read, where the files hold those of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Section>,
    /// Where its files are.
    pub store: StoreReference,
}

/// A file or object as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    /// Its URI.
    pub uri: String,
    /// Its place in the store.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Last modification.
    pub modified: DateTime<Utc>,
    /// The store's own tag of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// A folder with logs of a driver or of executors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessLogReference {
    /// Whose output it is.
    pub process: LoggedProcess,
    /// Its URI.
    pub uri: String,
    /// The folder's place in the store.
    pub prefix: String,
    /// Where the folder is.
    pub store: StoreReference,
}

/// Stores that are open, and what they are called in orders.
pub type OpenedStores = Vec<(StoreReference, Arc<dyn ObjectStore>)>;

/// Opens stores by reference.
pub(super) type Open<'o> = dyn Fn(&StoreReference) -> Result<Arc<dyn ObjectStore>, UnitError> + 'o;

/// Whether another process can open a history: it is a log in stores that an address and
/// credentials are enough for. The files of a workspace and the answers of a server are not.
#[must_use]
pub fn can_travel(history: &History) -> bool {
    let Content::Log(log) = &history.content else {
        return false;
    };
    let mut uris = log.files.iter().map(|file| &file.uri);
    let places = &history.process_logs;
    !log.files.is_empty()
        && uris.all(|uri| root_of(uri).is_some())
        && places.iter().all(|place| root_of(&place.uri).is_some())
}

/// The root of the store that a URI lies in; `None` where an address is not enough to open it.
fn root_of(uri: &str) -> Option<String> {
    let mut root = Url::parse(uri).ok()?;
    // The address of a container below https:// has parts of its path in it.
    let is_plain = matches!(
        root.scheme(),
        "file" | "s3" | "gs" | "az" | "adl" | "azure" | "abfs" | "abfss"
    );
    root.set_path("/");
    is_plain.then(|| root.into())
}

impl HistoryReference {
    /// The reference to a history, and the stores that it lies in; `None` for one that cannot
    /// travel.
    #[must_use]
    pub fn of(assignment: &Assignment, credentials: &str) -> Option<(Self, OpenedStores)> {
        let Assignment {
            history,
            identity,
            fingerprint,
            team,
        } = assignment;
        let in_store = |uri: &str| {
            Some(StoreReference {
                root: root_of(uri)?,
                credentials: credentials.to_owned(),
            })
        };
        if !can_travel(history) {
            return None;
        }
        let log = history.log()?;
        let store = in_store(&log.files.first()?.uri)?;
        let mut stores = vec![(store.clone(), Arc::clone(&log.store))];
        let mut process_logs = Vec::with_capacity(history.process_logs.len());
        for place in &history.process_logs {
            let store = in_store(&place.uri)?;
            stores.push((store.clone(), Arc::clone(&place.store)));
            process_logs.push(ProcessLogReference {
                process: place.process,
                uri: place.uri.clone(),
                prefix: place.prefix.to_string(),
                store,
            });
        }
        let reference = Self {
            platform: history.platform,
            cluster_id: history.cluster_id.clone(),
            cluster_name: history.cluster_name.clone(),
            job_run: history.job_run.clone(),
            log: LogReference::of(log, store),
            identity: identity.clone(),
            fingerprint: fingerprint.clone(),
            team: team.clone(),
            process_logs,
        };
        Some((reference, stores))
    }

    /// The history, with its stores opened.
    pub(super) fn open(&self, open: &Open<'_>) -> Result<Assignment, UnitError> {
        let process_logs = self.process_logs.iter().map(|place| {
            Ok(ProcessLogPlace {
                process: place.process,
                uri: place.uri.clone(),
                store: open(&place.store)?,
                prefix: path(&place.prefix)?,
            })
        });
        Ok(Assignment {
            history: History {
                platform: self.platform,
                cluster_id: self.cluster_id.clone(),
                cluster_name: self.cluster_name.clone(),
                content: Content::Log(self.log.open(open)?),
                job_run: self.job_run.clone(),
                process_logs: process_logs.collect::<Result<_, UnitError>>()?,
            },
            identity: self.identity.clone(),
            fingerprint: self.fingerprint.clone(),
            team: self.team.clone(),
        })
    }
}

impl LogReference {
    fn of(log: &EventLog, store: StoreReference) -> Self {
        let file = |file: &SourceFile| FileReference {
            uri: file.uri.clone(),
            path: file.path.to_string(),
            size: file.size,
            modified: file.modified,
            etag: file.etag.clone(),
        };
        Self {
            uri: log.uri.clone(),
            layout: log.layout,
            files: log.files.iter().map(file).collect(),
            zip_entries: log.zip_entries.clone(),
            in_progress: log.in_progress,
            section: log.section.clone(),
            store,
        }
    }

    fn open(&self, open: &Open<'_>) -> Result<EventLog, UnitError> {
        let file = |file: &FileReference| {
            Ok(SourceFile {
                uri: file.uri.clone(),
                path: path(&file.path)?,
                size: file.size,
                modified: file.modified,
                etag: file.etag.clone(),
            })
        };
        let files = self.files.iter().map(file);
        Ok(EventLog {
            uri: self.uri.clone(),
            layout: self.layout,
            files: files.collect::<Result<_, UnitError>>()?,
            zip_entries: self.zip_entries.clone(),
            in_progress: self.in_progress,
            section: self.section.clone(),
            store: open(&self.store)?,
        })
    }
}

/// A path as its store has it, without encoding it once more.
fn path(text: &str) -> Result<Path, UnitError> {
    Path::parse(text).map_err(|_| UnitError::InvalidPath {
        path: text.to_owned(),
    })
}
