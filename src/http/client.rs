//! Requests to one server.

use std::io::Write;

use serde::de::DeserializeOwned;

use super::error::HttpError;
use super::settings::ClientSettings;

/// Talks to one server. Clones of an `Arc` of it share its session, its connections and its count
/// of failures.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
}

impl Client {
    /// A client that has not said anything yet.
    ///
    /// # Errors
    /// When the settings do not fit together: a certificate file that cannot be read, a header that
    /// is none.
    pub fn new(settings: ClientSettings) -> Result<Self, HttpError> {
        Ok(Self { settings })
    }

    /// The address that requests go to, without secrets.
    pub fn address(&self) -> String {
        self.settings.base.to_string()
    }

    /// Asks for JSON at `path`, relative to the base. `endpoint` is the kind of request, for its
    /// cap of failures and for messages: `applications`, `stages`, `task_list`.
    ///
    /// # Errors
    /// See [`HttpError`]; a body that is no JSON of the expected shape is one too.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, HttpError> {
        let _ = (endpoint, query);
        Err(self.unfinished(path))
    }

    /// Sends a JSON body to `path` and reads JSON. Only for requests that may be sent twice.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, HttpError> {
        let _ = (endpoint, body);
        Err(self.unfinished(path))
    }

    /// Copies the answer's bytes into `into` as they come. Returns their number. A retry begins
    /// anew: `restart` makes the target empty.
    ///
    /// # Errors
    /// As [`Self::get_json`]; also when `into` cannot be written.
    pub async fn download<W: Write + Send>(
        &self,
        endpoint: &'static str,
        path: &str,
        into: &mut W,
        restart: impl Fn(&mut W) -> std::io::Result<()> + Send,
        max_bytes: u64,
    ) -> Result<u64, HttpError> {
        let _ = (endpoint, into, restart, max_bytes);
        Err(self.unfinished(path))
    }

    /// Requests sent so far, retries and logins included.
    pub fn requests_sent(&self) -> u64 {
        0
    }

    fn unfinished(&self, path: &str) -> HttpError {
        HttpError::Status {
            url: format!("{}{path}", self.address()),
            status: 501,
            message: "not written yet".to_owned(),
            cure: String::new(),
        }
    }
}
