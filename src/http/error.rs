//! Why a server did not give what it was asked for.

/// A request failed for good: its retries are behind it. Texts hold no secret and no query.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The server answered with a status that says no.
    #[error("{url} answered {status}: {message}; {cure}")]
    Status {
        /// What was asked: method and address, without query.
        url: String,
        /// HTTP status.
        status: u16,
        /// Beginning of the answer's text, on one line.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The server did not answer in time.
    #[error("{url} timed out: {message}; {cure}")]
    Timeout {
        /// What was asked: method and address, without query.
        url: String,
        /// What was waited for, and how long.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// There was no connection to the server, or it broke.
    #[error("{url} could not be sent: {message}; {cure}")]
    Connection {
        /// What was asked: method and address, without query.
        url: String,
        /// What the connection failed at.
        message: String,
        /// What to do about it.
        cure: String,
        /// Whether it may go well the next time.
        retryable: bool,
    },

    /// The server's name is not known.
    #[error("{url} could not be sent: the host name was not resolved: {message}; {cure}")]
    Dns {
        /// What was asked: method and address, without query.
        url: String,
        /// What the resolver said.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The server's certificate does not check out.
    #[error("{url} was not sent: the server's certificate is not valid: {message}; {cure}")]
    Certificate {
        /// What was asked: method and address, without query.
        url: String,
        /// What is wrong with it.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The server sends whoever asks to log in, or to another server.
    #[error("{url} {message}; {cure}")]
    LoginPage {
        /// What was asked: method and address, without query.
        url: String,
        /// Where it led, or what the page is called.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The server answered with a page for people, or other text, where data was asked for.
    #[error("{url} {message}; {cure}")]
    NotJson {
        /// What was asked: method and address, without query.
        url: String,
        /// What came instead.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The answer is JSON, but not of the shape that it should have.
    #[error("{url} answered with JSON that is not understood: {message}; {cure}")]
    InvalidJson {
        /// What was asked: method and address, without query.
        url: String,
        /// What is wrong, and where.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The answer broke off.
    #[error("{url} broke off: {message}; {cure}")]
    Truncated {
        /// What was asked: method and address, without query.
        url: String,
        /// Where it broke off.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// The answer is larger than allowed.
    #[error("{url} answered with more than {limit} bytes; {cure}")]
    TooLarge {
        /// What was asked: method and address, without query.
        url: String,
        /// The most that is taken.
        limit: u64,
        /// What to do about it.
        cure: String,
    },

    /// The server was still loading the history when the time was up.
    #[error("{url} still loads: {message}; {cure}")]
    Loading {
        /// What was asked: method and address, without query.
        url: String,
        /// How long it was waited for.
        message: String,
        /// What to do about it.
        cure: String,
    },

    /// Requests of this kind failed too often in a row, and are not sent any more.
    #[error(
        "`{endpoint}` is not asked for any more after {failures} failed requests in a row, the last one: {last}"
    )]
    GivenUp {
        /// Kind of request.
        endpoint: &'static str,
        /// Failed requests in a row.
        failures: u32,
        /// The last failure.
        last: Box<HttpError>,
    },

    /// No session could be made.
    #[error("{url} was not sent, as the login failed: {message}")]
    Login {
        /// What was asked: method and address, without query.
        url: String,
        /// The login's own code.
        code: String,
        /// What went wrong and what to do about it.
        message: String,
        /// Whether it may go well the next time.
        retryable: bool,
    },

    /// What was received could not be written down.
    #[error(
        "{url} was received but not written: {message}; check the disk's space and permissions"
    )]
    Write {
        /// What was asked: method and address, without query.
        url: String,
        /// What the operating system said.
        message: String,
    },

    /// The settings do not fit together.
    #[error("{message}")]
    Settings {
        /// What is wrong with them, and what to do about it.
        message: String,
    },
}

impl HttpError {
    /// The kind of error as a word, for the ledger's `error_kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "http_status",
            Self::Timeout { .. } => "timeout",
            Self::Connection { .. } | Self::Dns { .. } => "connection",
            Self::Certificate { .. } => "certificate",
            Self::LoginPage { .. } | Self::Login { .. } => "login",
            Self::NotJson { .. } | Self::InvalidJson { .. } => "invalid_answer",
            Self::Truncated { .. } => "truncated_answer",
            Self::TooLarge { .. } => "too_large",
            Self::Loading { .. } => "loading",
            Self::GivenUp { .. } => "given_up",
            Self::Write { .. } => "io",
            Self::Settings { .. } => "settings",
        }
    }

    /// A short and stable code in capitals: `HTTP_403`, `TIMEOUT`, `LOGIN_PAGE`.
    pub fn code(&self) -> String {
        match self {
            Self::Status { status, .. } => format!("HTTP_{status}"),
            Self::Login { code, .. } => format!("SESSION_{code}"),
            Self::Timeout { .. } => "TIMEOUT".to_owned(),
            Self::Connection { .. } => "CONNECTION_ERROR".to_owned(),
            Self::Dns { .. } => "DNS".to_owned(),
            Self::Certificate { .. } => "CERTIFICATE".to_owned(),
            Self::LoginPage { .. } => "LOGIN_PAGE".to_owned(),
            Self::NotJson { .. } => "NOT_JSON".to_owned(),
            Self::InvalidJson { .. } => "INVALID_JSON".to_owned(),
            Self::Truncated { .. } => "TRUNCATED".to_owned(),
            Self::TooLarge { .. } => "TOO_LARGE".to_owned(),
            Self::Loading { .. } => "LOADING".to_owned(),
            Self::GivenUp { .. } => "GIVEN_UP".to_owned(),
            Self::Write { .. } => "WRITE".to_owned(),
            Self::Settings { .. } => "SETTINGS".to_owned(),
        }
    }

    /// The kind of request, where many of a kind fail for the same reason.
    pub fn endpoint(&self) -> Option<&'static str> {
        match self {
            Self::GivenUp { endpoint, .. } => Some(endpoint),
            Self::Login { .. } => Some("login"),
            Self::Settings { .. } => None,
            _ => Some("request"),
        }
    }

    /// The status that the server answered with, where it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::GivenUp { last, .. } => last.status(),
            _ => None,
        }
    }

    /// Whether it may go well the next time, although nothing was changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { status, .. } => is_retryable_status(*status),
            Self::Connection { retryable, .. } | Self::Login { retryable, .. } => *retryable,
            Self::GivenUp { last, .. } => last.is_retryable(),
            Self::Timeout { .. }
            | Self::Dns { .. }
            | Self::Truncated { .. }
            | Self::Loading { .. } => true,
            Self::Certificate { .. }
            | Self::LoginPage { .. }
            | Self::NotJson { .. }
            | Self::InvalidJson { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. }
            | Self::Settings { .. } => false,
        }
    }

    /// Whether the server failed at it. It did not when it answered that something does not exist
    /// or is large, nor when the fault is on this side.
    pub(super) fn is_failure_of_server(&self) -> bool {
        !matches!(
            self,
            Self::Status { status: 404, .. }
                | Self::TooLarge { .. }
                | Self::GivenUp { .. }
                | Self::Write { .. }
                | Self::Settings { .. }
        )
    }
}

/// Whether a server that answers so may answer otherwise a moment later.
pub(super) fn is_retryable_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}
