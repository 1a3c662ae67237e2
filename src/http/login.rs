//! Sessions that must exist before a server answers, and are created again when they expire.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use url::Url;

use super::address;
use super::settings::{Auth, Secret};

/// Makes sessions: by a presigned address, by a client secret.
///
/// A client logs in before its first request, and again, once for all requests under way, when the
/// server answers 401, 403, or with a redirect to somewhere else.
#[async_trait]
pub trait Login: Debug + Send + Sync {
    /// Makes a new session.
    async fn log_in(&self) -> Result<Session, LoginError>;

    /// The base of requests, by the address where a visit ended: for servers that are known only
    /// when one has been led to them. `None` leaves it to the session.
    fn base_after(&self, visited: &Url) -> Option<Url> {
        let _ = visited;
        None
    }
}

/// What a login gives.
#[derive(Clone, Default)]
pub struct Session {
    /// Visited first, with its redirects: it sets the cookies of the session. Holds secrets.
    pub visit: Option<Secret>,
    /// The base of requests from now on; by default the settings'.
    pub base: Option<Url>,
    /// How requests say who asks from now on; by default the settings'.
    pub auth: Option<Auth>,
}

impl Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("visit", &self.visit)
            // An address may hold a password or a token.
            .field("base", &self.base.as_ref().map(address::shown))
            .field("auth", &self.auth)
            .finish()
    }
}

/// No session could be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct LoginError {
    /// Short and stable code in capitals: `PERSISTENT_UI_NOT_READY`.
    pub code: String,
    /// What went wrong and what to do about it, without secrets.
    pub message: String,
    /// Whether trying again may help although nothing was changed.
    pub retryable: bool,
}
