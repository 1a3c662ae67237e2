//! What can go wrong between rows and committed Delta tables.

use std::error::Error;
use std::fmt;
use std::io;

use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use deltalake::DeltaTableError;
use parquet::errors::ParquetError;

use crate::extract::rows::SinkError;
use crate::model::StoreFailure;

/// How much of a library's message is told about a damaged table, in characters.
const MAX_PROBLEM_CHARS: usize = 300;

/// Who holds the lake's lock.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Name of the machine.
    pub host: String,
    /// Process id on that machine.
    pub pid: u32,
    /// When the lock was taken.
    pub since: DateTime<Utc>,
    /// Id of the run that took it.
    pub run_id: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "run {} (process {} on {}, since {})",
            self.run_id,
            self.pid,
            self.host,
            self.since.format("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

/// A table whose log is not as it was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDamage {
    /// The table.
    pub table: String,
    /// What is wrong with it.
    pub problem: String,
}

fn list(damages: &[TableDamage]) -> String {
    let told = damages
        .iter()
        .map(|damage| format!("table {}: {}", damage.table, damage.problem));
    told.collect::<Vec<_>>().join("; ")
}

/// A failure of the load step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The lake's location is not something that can be opened.
    #[error("'{uri}' is not a location for a lake: {problem}")]
    InvalidLocation {
        /// The location as given.
        uri: String,
        /// Why it was refused.
        problem: String,
    },

    /// There is nothing at the location yet.
    #[error(
        "there is no lake at {uri} yet; `sparklake run --event-logs LOGS --lake {uri}` creates one"
    )]
    NoLake {
        /// The lake's location.
        uri: String,
    },

    /// The location holds something else, which must not be written over.
    #[error(
        "{uri} is not a sparklake lake: it holds other files (such as '{found}'); \
         give an empty or a new folder"
    )]
    NotALake {
        /// The lake's location.
        uri: String,
        /// One of the things found there.
        found: String,
    },

    /// The lake was written by a newer version, whose layout this one does not know.
    #[error(
        "the lake at {uri} has format {found}, this version of sparklake knows up to {supported}; \
         use a newer sparklake"
    )]
    NewerFormat {
        /// The lake's location.
        uri: String,
        /// The lake's format version.
        found: u32,
        /// The newest format version that this program writes.
        supported: u32,
    },

    /// The store writes over what is there, whatever it is told.
    #[error(
        "the store of {uri} does not keep two writers apart (it has no conditional puts): two runs \
         at once would double or lose rows; use a store with conditional puts (a newer version of \
         it may have them), or make sure that only one run works at a time and allow it with \
         --allow-unsafe-store"
    )]
    NoConditionalPut {
        /// The lake's location.
        uri: String,
    },

    /// Another run works on the lake.
    #[error("the lake is held by {0}; wait for it to end")]
    Held(Box<Holder>),

    /// The lease on the lake went to another run, which took this one for dead.
    #[error("the lock on the lake was lost ({reason}); nothing more is written by this run")]
    LockLost {
        /// How it was noticed.
        reason: String,
    },

    /// Writing is not permitted.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// What was to be written.
        path: String,
        /// The store's own words.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// Reading is not permitted.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// The system's own words.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// The object store refuses, or does not answer.
    #[error("{action} {path} failed: {failure}")]
    Store {
        /// What was done, such as "reading".
        action: &'static str,
        /// The object or table.
        path: String,
        /// What is wrong, with the fix.
        failure: StoreFailure,
    },

    /// The disk or the quota is full.
    #[error("no space is left to write {path}; free some and run again, nothing is lost")]
    DiskFull {
        /// What was to be written.
        path: String,
        /// The store's own words.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// The store failed otherwise.
    #[error("{action} {path} failed")]
    Storage {
        /// What was done, such as "reading".
        action: &'static str,
        /// The object.
        path: String,
        /// The store's own words.
        #[source]
        source: object_store::Error,
    },

    /// The Delta library failed.
    #[error("{action} table {table} failed")]
    Delta {
        /// What was done, such as "opening".
        action: &'static str,
        /// The table.
        table: String,
        /// The library's own words.
        #[source]
        source: Box<DeltaTableError>,
    },

    /// A Parquet file could not be encoded or decoded.
    #[error("Parquet file {path} failed")]
    Parquet {
        /// The file.
        path: String,
        /// The library's own words.
        #[source]
        source: ParquetError,
    },

    /// Rows could not be put into shape.
    #[error("rows of table {table} could not be put into shape")]
    Arrow {
        /// The table.
        table: String,
        /// The library's own words.
        #[source]
        source: ArrowError,
    },

    /// No table of this name is declared.
    #[error("there is no table '{table}'")]
    UnknownTable {
        /// The name.
        table: String,
    },

    /// Rows do not have the columns that their table declares.
    #[error("rows of table {table} break its contract: {problem}")]
    Contract {
        /// The table.
        table: String,
        /// What is wrong.
        problem: String,
    },

    /// A table of the lake has a column of another type than this version declares.
    #[error(
        "column {column} of table {table} is {found} in the lake but {expected} in this version of \
         sparklake; load into a new lake, or use the version that wrote this one"
    )]
    TypeChanged {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type in the lake.
        found: String,
        /// Its type in the contract.
        expected: String,
    },

    /// A bookkeeping file of the lake does not parse.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },

    /// Tables lost their log or parts of it.
    #[error(
        "the lake is damaged: {}; `sparklake maintain --repair` rebuilds it from its files and the \
         ledger, and the next run loads again what cannot be rebuilt",
        list(damages)
    )]
    TablesDamaged {
        /// The tables, and what is wrong with each.
        damages: Vec<TableDamage>,
    },

    /// Other writers changed a table again and again while a commit was tried.
    #[error("table {table} kept changing under {attempts} attempts to commit; run again later")]
    Contended {
        /// The table.
        table: String,
        /// How often it was tried.
        attempts: u32,
    },

    /// Files would be deleted that somebody may still be reading.
    #[error(
        "a retention of {hours} hours is shorter than the safe {safe_hours}: queries that are \
         running would lose their files; ask for it explicitly if no other program uses the lake"
    )]
    ShortRetention {
        /// What was asked for.
        hours: i64,
        /// The shortest safe retention.
        safe_hours: i64,
    },

    /// The writer was used in the wrong order, or one of its threads ended.
    #[error("the writer cannot go on: {reason}")]
    Writer {
        /// Why.
        reason: String,
    },
}

impl LoadError {
    /// Whether the same work may succeed when it is tried again, unchanged, a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Held(_) | Self::Contended { .. } | Self::LockLost { .. } => true,
            Self::Store { failure, .. } => failure.is_retryable(),
            Self::Storage { source, .. } => matches!(
                source,
                object_store::Error::Generic { .. } | object_store::Error::JoinError { .. }
            ),
            Self::Delta { source, .. } => matches!(
                source.as_ref(),
                DeltaTableError::ObjectStore { .. } | DeltaTableError::Transaction { .. }
            ),
            _ => false,
        }
    }

    /// Sorts a store's failure into the ones that a user can fix and the rest.
    pub(crate) fn storage(
        action: &'static str,
        path: impl Into<String>,
        source: object_store::Error,
    ) -> Self {
        let path = path.into();
        match trouble(&source) {
            CommitFault::Full => Self::DiskFull {
                path,
                source: Box::new(source),
            },
            CommitFault::Denied if is_reading(action) => Self::Unreadable {
                path,
                source: Box::new(source),
            },
            CommitFault::Denied => Self::Unwritable {
                path,
                source: Box::new(source),
            },
            CommitFault::OfStore(failure) => Self::Store {
                action,
                path,
                failure,
            },
            CommitFault::Other => Self::Storage {
                action,
                path,
                source,
            },
        }
    }

    /// The same for a failure of the local file system.
    pub(crate) fn io(path: impl Into<String>, source: io::Error) -> Self {
        Self::storage(
            "writing",
            path,
            object_store::Error::Generic {
                store: "local file system",
                source: Box::new(source),
            },
        )
    }

    /// The same for a failure of the Delta library.
    pub(crate) fn delta(
        action: &'static str,
        table: impl Into<String>,
        source: DeltaTableError,
    ) -> Self {
        let table = table.into();
        match trouble(&source) {
            CommitFault::Full => Self::DiskFull {
                path: format!("table {table}"),
                source: Box::new(source),
            },
            CommitFault::Denied if is_reading(action) => Self::Unreadable {
                path: format!("table {table}"),
                source: Box::new(source),
            },
            CommitFault::Denied => Self::Unwritable {
                path: format!("table {table}"),
                source: Box::new(source),
            },
            CommitFault::OfStore(failure) => Self::Store {
                action,
                path: format!("table {table}"),
                failure,
            },
            CommitFault::Other => Self::Delta {
                action,
                table,
                source: Box::new(source),
            },
        }
    }

    /// A table that cannot be opened: damaged, unless it is the store that fails.
    pub(crate) fn opening(table: &str, source: DeltaTableError) -> Self {
        if matches!(trouble(&source), CommitFault::Other) && !is_of_store(&source) {
            let problem = first_line(&source.to_string());
            let table = table.to_owned();
            let damages = vec![TableDamage { table, problem }];
            return Self::TablesDamaged { damages };
        }
        Self::delta("opening", table, source)
    }

    /// Takes back what a [`SinkError`] of one of our own sinks carries.
    pub(crate) fn from_sink(error: SinkError) -> Self {
        match error.source.downcast::<Self>() {
            Ok(source) => *source,
            Err(other) => Self::Writer {
                reason: other.to_string(),
            },
        }
    }

    /// A closure for `map_err` on Arrow results.
    pub(crate) fn arrow(table: &str) -> impl FnOnce(ArrowError) -> Self + '_ {
        move |source| Self::Arrow {
            table: table.to_owned(),
            source,
        }
    }

    /// A closure for `map_err` on Parquet results. An I/O failure inside keeps its meaning.
    pub(crate) fn parquet(path: &str) -> impl FnOnce(ParquetError) -> Self + '_ {
        move |source| match trouble(&source) {
            CommitFault::Full => Self::DiskFull {
                path: path.to_owned(),
                source: Box::new(source),
            },
            CommitFault::Denied => Self::Unwritable {
                path: path.to_owned(),
                source: Box::new(source),
            },
            CommitFault::OfStore(failure) => Self::Store {
                action: "writing",
                path: path.to_owned(),
                failure,
            },
            CommitFault::Other => Self::Parquet {
                path: path.to_owned(),
                source,
            },
        }
    }
}

/// Whether a store's failure, other than that an object is missing, is the cause.
fn is_of_store(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<object_store::Error>() {
            Some(object_store::Error::NotFound { .. }) => return false,
            Some(_) => return true,
            None => cause = error.source(),
        }
    }
    false
}

/// What a library says, without the backtrace that may follow.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("its log cannot be read");
    line.chars().take(MAX_PROBLEM_CHARS).collect()
}

enum CommitFault {
    Full,
    Denied,
    OfStore(StoreFailure),
    Other,
}

/// Whether an action needs no right to write.
fn is_reading(action: &str) -> bool {
    ["reading", "listing", "opening", "looking"]
        .iter()
        .any(|word| action.starts_with(word))
}

/// Looks for an operating system error in the chain of causes, then for what a store says.
fn trouble(error: &(dyn Error + 'static)) -> CommitFault {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => return CommitFault::Full,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    return CommitFault::Denied;
                }
                _ => {}
            }
        }
        cause = inner.source();
    }
    StoreFailure::of(error).map_or(CommitFault::Other, CommitFault::OfStore)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caused_by(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic {
            store: "test",
            source: Box::new(io::Error::from(kind)),
        }
    }

    #[test]
    fn a_full_disk_is_recognised_below_other_errors() {
        let error = LoadError::storage("writing", "a/b", caused_by(io::ErrorKind::StorageFull));
        assert!(matches!(error, LoadError::DiskFull { ref path, .. } if path == "a/b"));
        assert!(!error.is_retryable());
    }

    #[test]
    fn a_denied_write_is_recognised_inside_a_delta_error() {
        let error = LoadError::delta(
            "committing",
            "jobs",
            DeltaTableError::ObjectStore {
                source: caused_by(io::ErrorKind::PermissionDenied),
            },
        );
        assert!(matches!(error, LoadError::Unwritable { .. }), "{error}");
    }

    #[test]
    fn a_failing_network_may_be_tried_again() {
        let error = LoadError::storage("reading", "a", caused_by(io::ErrorKind::ConnectionReset));
        assert!(error.is_retryable());
    }
}
