//! A history: one application attempt as a source has it, not yet opened.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use sparklake_eventlog::codec::zip::ZipEntry;
use sparklake_eventlog::rows::JobRunLink;

use super::cluster::ProcessLogPlace;
use super::problem::DiscoverProblem;
use super::server::ServerApplication;
use super::stable_hash::{StableHash, completeness};
use crate::model::Platform;

/// A file or object as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// URI, percent-encoded where a URI needs it.
    pub uri: String,
    /// Place in the history's store.
    pub path: object_store::path::Path,
    /// Size in bytes.
    pub size: u64,
    /// Last modification.
    pub modified: DateTime<Utc>,
    /// The store's own tag of the content; `None` for local files.
    pub etag: Option<String>,
}

/// How a log is laid out in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One file.
    SingleFile,
    /// A folder `eventlog_v2_…` of `events_<N>_…` files.
    Rolling,
    /// A folder of Databricks' cluster log delivery: dated chunks and `eventlog`.
    Databricks,
    /// Files within a zip archive, as a History Server hands them out.
    Zip,
}

impl Layout {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleFile => "single_file",
            Self::Rolling => "rolling",
            Self::Databricks => "databricks",
            Self::Zip => "zip",
        }
    }
}

/// The event log of one application attempt, not yet opened.
#[derive(Debug, Clone)]
pub struct EventLog {
    /// The log's own URI: a folder for [`Layout::Rolling`] and [`Layout::Databricks`]. A log within
    /// an archive of several has the archive's URI, `!/` and its name in there.
    pub uri: String,
    /// How it is laid out.
    pub layout: Layout,
    /// Its files in reading order. For [`Layout::Zip`] the archive alone.
    pub files: Vec<SourceFile>,
    /// The log's files within an archive, in reading order. With [`Layout::Zip`] the archive is the
    /// file; otherwise it is found below other packings.
    pub zip_entries: Vec<ZipEntry>,
    /// Whether its names say that it is still being written (or was left behind by a crash).
    pub in_progress: bool,
    /// Which application's events to read, where the files hold those of several one after the
    /// other and this is not the first; the URI then ends in `#` and the application.
    pub section: Option<Section>,
    /// Where its files are.
    pub store: Arc<dyn ObjectStore>,
}

/// One of several applications in the same files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Section {
    /// Spark's application id.
    pub application_id: String,
    /// `0` where Spark gives none.
    pub attempt_id: String,
}

impl EventLog {
    /// Size of all files together, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The newest modification of any of its files.
    pub fn modified(&self) -> DateTime<Utc> {
        self.files
            .iter()
            .map(|file| file.modified)
            .max()
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn fingerprint(&self) -> String {
        let mut hash = StableHash::default();
        for file in &self.files {
            hash.add(&file.uri);
            hash.add(&file.size.to_string());
            hash.add(
                &file
                    .modified
                    .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true),
            );
            hash.add(file.etag.as_deref().unwrap_or_default());
        }
        self.zip_entries
            .iter()
            .for_each(|entry| hash.add(&entry.name));
        hash.add(completeness(self.in_progress));
        if let Some(section) = &self.section {
            hash.add(&section.application_id);
            hash.add(&section.attempt_id);
        }
        hash.finish()
    }
}

/// Where the history of an application attempt is.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event log.
    Log(EventLog),
    /// A server that answers Spark's REST interface: a History Server, or a live driver.
    Server(ServerApplication),
}

/// The history of one application attempt, not yet opened.
#[derive(Debug, Clone)]
pub struct History {
    /// Where it ran.
    pub platform: Platform,
    /// Cluster, or the source's name.
    pub cluster_id: String,
    /// Cluster's name, or the source's.
    pub cluster_name: String,
    /// Where it is.
    pub content: Content,
    /// What the platform calls the run that the application belongs to, where it tells.
    pub job_run: Option<JobRunLink>,
    /// Where the driver's and the executors' own logs are, where they are wanted and kept.
    pub process_logs: Vec<ProcessLogPlace>,
}

impl History {
    /// Where it is: a file or folder, or an address of a server. Never holds a secret.
    pub fn uri(&self) -> &str {
        match &self.content {
            Content::Log(log) => &log.uri,
            Content::Server(application) => &application.uri,
        }
    }

    /// The same history with another log, such as a part of its own.
    #[must_use]
    pub fn with_log(&self, log: EventLog) -> Self {
        Self {
            content: Content::Log(log),
            ..self.clone()
        }
    }

    /// The event log, where it is one.
    pub fn log(&self) -> Option<&EventLog> {
        match &self.content {
            Content::Log(log) => Some(log),
            Content::Server(_) => None,
        }
    }

    /// Whether the application still runs, as far as the source tells.
    pub fn in_progress(&self) -> bool {
        match &self.content {
            Content::Log(log) => log.in_progress,
            Content::Server(application) => !application.completed,
        }
    }

    /// A hash that changes when the history does: for a log, of all its files' URIs, sizes,
    /// modifications and tags.
    ///
    /// Stable over machines and versions, so that a ledger can keep it.
    pub fn fingerprint(&self) -> String {
        match &self.content {
            Content::Log(log) => log.fingerprint(),
            Content::Server(application) => application.fingerprint(),
        }
    }

    /// Size of all files together, in bytes; 0 where a server does not tell.
    pub fn total_bytes(&self) -> u64 {
        match &self.content {
            Content::Log(log) => log.total_bytes(),
            Content::Server(_) => 0,
        }
    }

    /// When it changed last.
    pub fn modified(&self) -> DateTime<Utc> {
        match &self.content {
            Content::Log(log) => log.modified(),
            Content::Server(application) => application.last_updated,
        }
    }

    /// The store's version mark of its first marked file.
    pub fn etag(&self) -> Option<String> {
        self.log()?.files.iter().find_map(|file| file.etag.clone())
    }

    /// How it is laid out, as the ledger has it.
    pub fn layout(&self) -> &'static str {
        match &self.content {
            Content::Log(log) => log.layout.as_str(),
            Content::Server(_) => "rest",
        }
    }
}

/// What a source holds.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The histories, ordered by URI.
    pub histories: Vec<History>,
    /// What could not be looked at, ordered by URI.
    pub problems: Vec<DiscoverProblem>,
}
