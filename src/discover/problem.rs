//! Why a source, or a part of it, could not be looked at.

use crate::model::StoreFailure;

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
