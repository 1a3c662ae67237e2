//! Why a server did not give what it was asked for.

/// A request failed for good: its retries are behind it. Texts hold no secret and no query.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The server answered with a status that says no.
    #[error("{url} answered {status}: {message}; {cure}")]
    Status {
        /// What was asked, without query.
        url: String,
        /// HTTP status.
        status: u16,
        /// Beginning of the answer's text, on one line.
        message: String,
        /// What to do about it.
        cure: String,
    },
}

impl HttpError {
    /// The kind of error as a word, for the ledger's `error_kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "http_status",
        }
    }

    /// A short and stable code in capitals: `HTTP_403`, `TIMEOUT`, `LOGIN_PAGE`.
    pub fn code(&self) -> String {
        match self {
            Self::Status { status, .. } => format!("HTTP_{status}"),
        }
    }

    /// The status that the server answered with, where it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
        }
    }

    /// Whether it may go well the next time, though nobody changes anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
        }
    }
}
