//! What can go wrong while one log is turned into rows.

use std::io;

use crate::http::HttpError;
use sparklake_eventlog::RowError;

/// An error that ends the extraction of one log. Other logs are not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// No file of the log holds a byte of text.
    #[error("{uri} is empty")]
    EmptyLog {
        /// The log.
        uri: String,
    },
    /// Neither the first bytes nor the extension tell how the file is packed.
    #[error("{uri} is neither text nor packed in a known way; it begins with {first_bytes}")]
    UnknownCodec {
        /// The file.
        uri: String,
        /// Its first bytes, in hexadecimal.
        first_bytes: String,
    },
    /// Damaged before the first byte of text. Damage further on is a
    /// [`Truncation`](super::eventlog::layout::Truncation), and what came before it is kept.
    #[error("{uri} is damaged: {reason}")]
    Corrupt {
        /// The file.
        uri: String,
        /// How.
        reason: String,
    },
    /// The log unpacks to far more than a log can be.
    #[error(
        "{uri} unpacks to more than a log can hold: {decoded_bytes} bytes of text out of \
         {compressed_bytes}"
    )]
    DecompressionBomb {
        /// The file in which the limit was reached.
        uri: String,
        /// Bytes of text so far, over all files of the log.
        decoded_bytes: u64,
        /// Bytes read for them.
        compressed_bytes: u64,
    },
    /// An archive holds several logs, and none was chosen.
    #[error("{uri} holds {logs} logs; they have to be read one by one")]
    SeveralLogs {
        /// The archive.
        uri: String,
        /// How many.
        logs: usize,
    },
    /// A file could not be read.
    #[error("{uri} could not be read: {source}")]
    Io {
        /// The file.
        uri: String,
        /// Why.
        source: io::Error,
    },
    /// An object could not be read from its store.
    #[error("{uri} could not be read: {source}")]
    Store {
        /// The object.
        uri: String,
        /// Why.
        source: object_store::Error,
    },
    /// The file was there when it was discovered and is gone now: renamed at the application's end,
    /// compacted or cleaned away. The next discovery knows better.
    #[error("{uri} is gone since it was discovered")]
    Vanished {
        /// The file.
        uri: String,
    },
    /// Text, but not of events.
    #[error("{uri} is not an event log: {reason}")]
    NotAnEventLog {
        /// The log.
        uri: String,
        /// What is there instead.
        reason: String,
    },
    /// Events without an ApplicationStart: there is no application to give them to.
    #[error(
        "{uri} has no SparkListenerApplicationStart event and no application id in its name: its beginning is missing, \
         or the file is cut off before that event; copy the log again"
    )]
    NoApplicationStart {
        /// The log.
        uri: String,
    },
    /// An application without an id: a History Server refuses it too.
    #[error("{uri} is about an application without an id")]
    NoApplicationId {
        /// The log.
        uri: String,
    },
    /// The rows could not be written.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// A server could not be asked.
    #[error("{uri}: {source}")]
    Http {
        /// The application's address, without secrets.
        uri: String,
        /// Why.
        source: HttpError,
    },
    /// The log was not read within its time. Every run tries again, for no longer than that.
    #[error(
        "{uri} could not be read within its time; if it is a log that large, raise \
         identify_timeout_seconds or extract_timeout_seconds"
    )]
    Timeout {
        /// The log.
        uri: String,
    },
    /// A bug of ours: the extraction of this log panicked.
    #[error("{uri} made the extraction panic; please report it")]
    Panicked {
        /// The log.
        uri: String,
    },
}

impl ExtractError {
    /// The kind of error as a word, for the ledger's `error_kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EmptyLog { .. } => "empty_log",
            Self::UnknownCodec { .. } => "unknown_codec",
            Self::Corrupt { .. } => "corrupt",
            Self::DecompressionBomb { .. } => "decompression_bomb",
            Self::SeveralLogs { .. } => "several_logs",
            Self::Io { .. } | Self::Store { .. } => "io",
            Self::Vanished { .. } => "vanished",
            Self::NotAnEventLog { .. } => "not_an_event_log",
            Self::NoApplicationStart { .. } => "no_application_start",
            Self::NoApplicationId { .. } => "no_application_id",
            Self::Rows(RowError::Sink(_)) => "staging",
            Self::Rows(_) => "contract",
            Self::Http { source, .. } => source.kind(),
            Self::Timeout { .. } => "timeout",
            Self::Panicked { .. } => "panic",
        }
    }

    /// What was being read: the log, or the file of it that is to blame. Blank where the problem is
    /// ours and not the log's.
    pub fn uri(&self) -> &str {
        match self {
            Self::EmptyLog { uri }
            | Self::UnknownCodec { uri, .. }
            | Self::Corrupt { uri, .. }
            | Self::DecompressionBomb { uri, .. }
            | Self::SeveralLogs { uri, .. }
            | Self::Io { uri, .. }
            | Self::Store { uri, .. }
            | Self::Vanished { uri }
            | Self::NotAnEventLog { uri, .. }
            | Self::NoApplicationStart { uri }
            | Self::NoApplicationId { uri }
            | Self::Http { uri, .. }
            | Self::Timeout { uri }
            | Self::Panicked { uri } => uri,
            Self::Rows(_) => "",
        }
    }

    /// Whether the reason lies outside the log, so that every run tries again: a permission that is
    /// given, a disk that is repaired or a server that recovers changes nothing about the log
    /// itself, and so would never be noticed otherwise.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Io { .. }
            | Self::Store { .. }
            | Self::Vanished { .. }
            | Self::Http { .. }
            | Self::Timeout { .. } => true,
            Self::Rows(RowError::Sink(error)) => error.is_retryable(),
            _ => false,
        }
    }

    /// The error behind one that a [`LogReader`](super::eventlog::layout::LogReader) returned from
    /// `read`; another [`io::Error`] becomes [`ExtractError::Io`] of `uri`.
    pub fn from_read(error: io::Error, uri: &str) -> Self {
        error.downcast::<Self>().unwrap_or_else(|source| Self::Io {
            uri: uri.to_owned(),
            source,
        })
    }

    /// The same error with `name` in place of `copy`, an internal name.
    pub(crate) fn renamed(mut self, copy: &str, name: &str) -> Self {
        if let Self::EmptyLog { uri }
        | Self::UnknownCodec { uri, .. }
        | Self::Corrupt { uri, .. }
        | Self::DecompressionBomb { uri, .. }
        | Self::SeveralLogs { uri, .. }
        | Self::Io { uri, .. }
        | Self::Vanished { uri }
        | Self::NotAnEventLog { uri, .. }
        | Self::NoApplicationStart { uri }
        | Self::NoApplicationId { uri }
        | Self::Timeout { uri }
        | Self::Panicked { uri } = &mut self
        {
            *uri = uri.replace(copy, name);
        }
        self
    }

    pub(crate) fn from_io(source: io::Error, uri: &str) -> Self {
        let uri = uri.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Vanished { uri },
            _ => Self::Io { uri, source },
        }
    }

    pub(crate) fn from_store(source: object_store::Error, uri: &str) -> Self {
        let uri = uri.to_owned();
        match source {
            object_store::Error::NotFound { .. } => Self::Vanished { uri },
            source => Self::Store { uri, source },
        }
    }
}
