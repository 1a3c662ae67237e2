//! Servers, and how they are talked to.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::address;
use super::login::Login;

/// A text that must not be shown: its `Debug` and `Display` say `***`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How requests say who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// They don't.
    #[default]
    None,
    /// HTTP basic authentication.
    Basic {
        /// User's name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// `Authorization: Bearer …`.
    Bearer(Secret),
}

/// How servers are talked to, whatever their address.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// How requests say who asks.
    pub auth: Auth,
    /// Further headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// Value of a `Cookie` header of every request to the server's host.
    pub cookies: Option<Secret>,
    /// File with further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether certificates that do not check out are taken.
    pub accept_invalid_certificates: bool,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for one answer's beginning, and for each next piece of it.
    pub read_timeout: Duration,
    /// Longest time that one request may take with all its retries. Downloads are exempt from it
    /// while bytes keep coming.
    pub request_deadline: Duration,
    /// Attempts of one request, the first included.
    pub attempts: u32,
    /// First wait between two attempts; it doubles, with jitter, up to `max_delay`.
    pub first_delay: Duration,
    /// Longest wait between two attempts, also where `Retry-After` asks for more.
    pub max_delay: Duration,
    /// Wait while a server answers that it still loads a history.
    pub loading_delay: Duration,
    /// Requests under way at the same time.
    pub concurrency: usize,
    /// Failed requests of one kind in a row after which that kind is not sent any more; 0 for
    /// never.
    pub max_endpoint_failures: u32,
    /// Largest answer that is read into memory, in bytes.
    pub max_answer_bytes: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            auth: Auth::None,
            headers: Vec::new(),
            cookies: None,
            ca_file: None,
            accept_invalid_certificates: false,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(300),
            request_deadline: Duration::from_secs(1_200),
            attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(60),
            loading_delay: Duration::from_secs(10),
            concurrency: 8,
            max_endpoint_failures: 3,
            max_answer_bytes: 2 << 30,
        }
    }
}

/// A server, and how it is talked to.
#[derive(Clone)]
pub struct ClientSettings {
    /// The folder that paths of requests are relative to, such as `http://host:18080/` or
    /// `https://host/gateway/spark/`. Replaced by a login's session.
    pub base: Url,
    /// Makes a session where the server needs one.
    pub login: Option<Arc<dyn Login>>,
    /// How it is talked to.
    pub http: HttpSettings,
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientSettings")
            // An address may hold a password or a token.
            .field("base", &address::shown(&self.base))
            .field("login", &self.login)
            .field("http", &self.http)
            .finish()
    }
}

impl ClientSettings {
    /// A server at `base` without a login, with all defaults.
    pub fn new(base: Url) -> Self {
        Self::with(base, HttpSettings::default())
    }

    /// A server at `base` without a login.
    pub fn with(base: Url, http: HttpSettings) -> Self {
        Self {
            base,
            login: None,
            http,
        }
    }
}
