//! What ran? Finds the histories of applications, without opening any of them.
//!
//! A source gives [`History`]s, one application attempt each: an [`EventLog`] with its files in
//! reading order, or a [`ServerApplication`]. Folders and History Servers give them at once;
//! platforms give clusters first, see [`ClusterPlatform`]. Everything that cannot be ruled out by its
//! name is a candidate; whether it is an event log is for the extraction to find out. Trouble with
//! one log, folder or cluster becomes a [`DiscoverProblem`] and does not hide the others.

mod archive;
pub mod aws;
mod cluster;
pub mod databricks;
pub mod emr;
pub mod emr_eks;
pub mod emr_serverless;
pub mod event_logs;
mod group;
pub mod history_server;
mod job_folder;
mod job_runs;
mod location;
mod log_stores;
mod names;
mod origin;
mod pattern;
mod server;
mod spark_settings;
mod tally;
mod walk;
pub mod yarn;

use crate::model::{Platform, StoreFailure};
use std::hash::Hasher;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::extract::eventlog::codec::zip::ZipEntry;

pub(crate) use archive::{ArchivedLog, archived_logs};
pub use cluster::{
    Call, CallOutcome, Check, CheckOutcome, Cluster, ClusterInstances, ClusterList, ClusterMetrics,
    ClusterPlatform, Exploration, ExploreRequest, JobRun, LoggedProcess, Pace, ProcessLogPlace,
    ResourceHours,
};
pub use location::open_store;
pub(crate) use names::{
    DatabricksFile, RollingFile, application_in_name, databricks_file, file_name, rolling_file,
    without_endings,
};
pub use server::ServerApplication;
pub use sparklake_eventlog::rows::JobRunLink;

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

fn completeness(in_progress: bool) -> &'static str {
    if in_progress {
        "in progress"
    } else {
        "complete"
    }
}

/// A hash of texts that is the same on every machine and in every version.
#[derive(Default)]
pub(crate) struct StableHash(XxHash64);

impl StableHash {
    /// Adds a text; its length is part of it, so that `ab`, `c` differs from `a`, `bc`.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
    }

    /// The hash in hexadecimal.
    pub(crate) fn finish(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// Which histories are wanted, by their newest modification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Modified at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Modified before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether a history that was last modified at `time` is wanted.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
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

/// A log or folder that could not be looked at.
#[derive(Debug)]
pub struct DiscoverProblem {
    /// The log, folder, or the URI that the source named.
    pub uri: String,
    /// What is wrong with it.
    pub error: DiscoverError,
}

impl From<DiscoverError> for DiscoverProblem {
    fn from(error: DiscoverError) -> Self {
        Self {
            uri: error.uri().to_owned(),
            error,
        }
    }
}

/// Why a source, or a part of it, could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The source names no place to look at.
    #[error("the source names no URI of event logs")]
    NoUri,
    /// Neither a path nor a URI.
    #[error("{uri} is not a path or URI that can be read: {reason}")]
    InvalidUri {
        /// As it was given.
        uri: String,
        /// What is wrong.
        reason: String,
    },
    /// A URI of a kind of store that is not supported.
    #[error(
        "{uri}: stores of kind {scheme}:// are not supported; use a path, file://, s3://, gs:// \
         or abfss://"
    )]
    UnsupportedScheme {
        /// As it was given.
        uri: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// Nothing is there.
    #[error("{uri} does not exist")]
    NotFound {
        /// The file or folder.
        uri: String,
    },
    /// It was there when its folder was listed and is gone now.
    #[error("{uri} vanished while it was being looked at")]
    Vanished {
        /// The file or folder.
        uri: String,
    },
    /// A local file or folder cannot be read.
    #[error("{uri} could not be read: {source}")]
    Io {
        /// The file or folder.
        uri: String,
        /// Why.
        source: std::io::Error,
    },
    /// A store cannot be asked.
    #[error("{}", of_store(uri, source))]
    Store {
        /// The object or prefix.
        uri: String,
        /// Why.
        source: object_store::Error,
    },
    /// A link that leads out of the folder that is searched.
    #[error(
        "{uri} is a link that leads outside of the source's folder, and is not followed; name its \
         target as a source of its own"
    )]
    OutsideLink {
        /// The link.
        uri: String,
    },
    /// Neither a file nor a folder.
    #[error("{uri} is no regular file but a pipe, socket or device; name a file or a folder")]
    NotRegular {
        /// What was named.
        uri: String,
    },
    /// A name that is not UTF-8 or holds control characters.
    #[error("{uri} has a name that is not plain UTF-8 text")]
    UnreadableName {
        /// The file, with its name made printable.
        uri: String,
    },
    /// A rolling log that is complete by its status file, but has no event file.
    #[error("{uri} has no event files")]
    NoEventFile {
        /// The log's folder.
        uri: String,
    },
    /// A server could not be asked.
    #[error("{}", of_server(uri, source))]
    Http {
        /// The server or what it was asked for, without secrets.
        uri: String,
        /// Why.
        source: crate::http::HttpError,
    },
    /// A platform refused a call, or never became ready.
    #[error("{call} failed for {uri}: {message}; {cure}")]
    Platform {
        /// The cluster, or the account and region.
        uri: String,
        /// The call by the name that permissions have: `elasticmapreduce:ListClusters`.
        call: String,
        /// Short and stable: `AWS_AccessDeniedException`, `PERSISTENT_UI_NOT_READY`.
        code: String,
        /// What the platform said, without secrets.
        message: String,
        /// What to do about it.
        cure: String,
        /// Whether trying again may help although nothing was changed.
        retryable: bool,
    },
    /// None of several URIs of the source could be looked at.
    #[error("none of the source's {} URIs could be looked at; first: {}", .0.len(), first(.0))]
    AllFailed(Vec<DiscoverProblem>),
}

/// What a store did: the mistake and its fix where it is a common one.
fn of_store(uri: &str, error: &object_store::Error) -> String {
    match StoreFailure::of(error) {
        Some(failure) => format!("{uri} could not be reached: {failure}"),
        None => format!("{uri} could not be reached: {error}"),
    }
}

/// What a server did, and for whom it was asked where that is not the server itself.
fn of_server(uri: &str, error: &crate::http::HttpError) -> String {
    let error = error.to_string();
    if error.contains(uri) {
        error
    } else {
        format!("{uri}: {error}")
    }
}

fn first(problems: &[DiscoverProblem]) -> String {
    problems
        .first()
        .map(|problem| problem.error.to_string())
        .unwrap_or_default()
}

impl DiscoverError {
    /// The kind of error as a word, for the ledger's `error_kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoUri => "no_uri",
            Self::InvalidUri { .. } => "invalid_uri",
            Self::UnsupportedScheme { .. } => "unsupported_scheme",
            Self::NotFound { .. } => "not_found",
            Self::Vanished { .. } => "vanished",
            Self::Io { .. } => "io",
            Self::Store { .. } => "unreachable",
            Self::OutsideLink { .. } => "outside_link",
            Self::NotRegular { .. } => "not_regular",
            Self::UnreadableName { .. } => "unreadable_name",
            Self::NoEventFile { .. } => "no_event_file",
            Self::Http { source, .. } => source.kind(),
            Self::Platform { .. } => "platform",
            Self::AllFailed(_) => "all_failed",
        }
    }

    /// A short and stable code in capitals, for `cluster_summaries.status_details`: `HTTP_403`,
    /// `TIMEOUT`, `AWS_ThrottlingException`.
    pub fn code(&self) -> String {
        match self {
            Self::Http { source, .. } => source.code(),
            Self::Platform { code, .. } => code.clone(),
            other => other.kind().to_uppercase(),
        }
    }

    /// What was asked, where it is one of many calls that fail for the same reason: an action of a
    /// platform, or a server that refuses.
    pub fn call(&self) -> Option<&str> {
        match self {
            Self::Platform { call, .. } => Some(call),
            Self::Http { source, .. } => source.endpoint(),
            _ => None,
        }
    }

    /// What was being looked at; empty when that is no single place.
    pub fn uri(&self) -> &str {
        match self {
            Self::InvalidUri { uri, .. }
            | Self::UnsupportedScheme { uri, .. }
            | Self::NotFound { uri }
            | Self::Vanished { uri }
            | Self::Io { uri, .. }
            | Self::Store { uri, .. }
            | Self::OutsideLink { uri }
            | Self::NotRegular { uri }
            | Self::UnreadableName { uri }
            | Self::Http { uri, .. }
            | Self::Platform { uri, .. }
            | Self::NoEventFile { uri } => uri,
            Self::NoUri | Self::AllFailed(_) => "",
        }
    }

    /// Whether it may go well the next time, although nothing was changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Vanished { .. } => true,
            Self::Io { source, .. } => !is_lasting(source.kind()),
            Self::Store { source, .. } => is_store_error_retryable(source),
            Self::Http { source, .. } => source.is_retryable(),
            Self::Platform { retryable, .. } => *retryable,
            Self::AllFailed(problems) => {
                problems.iter().any(|problem| problem.error.is_retryable())
            }
            _ => false,
        }
    }
}

/// Whether an I/O error stays until somebody changes something.
pub(crate) fn is_lasting(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::PermissionDenied | Kind::IsADirectory | Kind::InvalidInput | Kind::Unsupported
    )
}

/// Whether a store may answer the same request the next time.
pub(crate) fn is_store_error_retryable(error: &object_store::Error) -> bool {
    use object_store::Error as Store;
    !matches!(
        error,
        Store::NotFound { .. }
            | Store::PermissionDenied { .. }
            | Store::Unauthenticated { .. }
            | Store::InvalidPath { .. }
            | Store::NotSupported { .. }
            | Store::NotImplemented { .. }
            | Store::UnknownConfigurationKey { .. }
    )
}
