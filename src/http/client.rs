//! Requests to one server.

use std::fmt;
use std::io::Write;

use bytes::Bytes;
use reqwest::Method;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::address;
use super::cap::FailureCap;
use super::error::HttpError;
use super::exchange::{self, Request};
use super::failure::{Exchange, Failure, Next};
use super::receive::{Copy, Json, Receive};
use super::redact::Redactor;
use super::retry::{self, Deadline};
use super::session::{Live, Sessions};
use super::settings::{Auth, ClientSettings};
use super::transport::Transport;

/// Talks to one server. Clones of an `Arc` of it share its session, its connections and its count
/// of failures.
pub struct Client {
    settings: ClientSettings,
    transport: Transport,
    sessions: Sessions,
    slots: Semaphore,
    cap: FailureCap,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("address", &self.address())
            .field("settings", &self.settings)
            .field("requests_sent", &self.requests_sent())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not said anything yet.
    ///
    /// # Errors
    /// When the settings do not fit together: a certificate file that cannot be read, a header that
    /// is none.
    pub fn new(mut settings: ClientSettings) -> Result<Self, HttpError> {
        settings.base = address::folder(&settings.base)?;
        if !settings.base.username().is_empty() || settings.base.password().is_some() {
            return Err(HttpError::Settings {
                message: format!(
                    "the address of {} holds a user or a password; give them as settings of \
                     their own, where they can come from the environment",
                    address::origin(&settings.base)
                ),
            });
        }
        if settings.base.scheme() == "http" && settings.http.auth != Auth::None {
            tracing::debug!(
                server = %address::origin(&settings.base),
                "credentials are sent without TLS"
            );
        }
        Ok(Self {
            transport: Transport::new(&settings)?,
            sessions: Sessions::new(settings.clone())?,
            slots: Semaphore::new(settings.http.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            cap: FailureCap::new(settings.http.max_endpoint_failures),
            settings,
        })
    }

    /// The address that requests go to, without secrets; it ends in a slash. A login's session may
    /// change it.
    pub fn address(&self) -> String {
        address::shown(&self.sessions.base())
    }

    /// Asks for JSON at `path`, relative to the base. `endpoint` is the kind of request, for its
    /// cap of failures and for messages: `applications`, `stages`, `task_list`. What a path takes
    /// from elsewhere goes through [`super::path_segment`].
    ///
    /// # Errors
    /// See [`HttpError`]; a body that is no JSON of the expected shape is one too.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, HttpError> {
        let request = Request {
            endpoint,
            method: Method::GET,
            path,
            query,
            body: None,
            wants_json: true,
        };
        let mut json = Json::new(self.settings.http.max_answer_bytes);
        self.run(&request, &mut json).await
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
        let request = Request {
            endpoint,
            method: Method::POST,
            path,
            query: &[],
            body: Some(Bytes::from(body.to_string())),
            wants_json: true,
        };
        let mut json = Json::new(self.settings.http.max_answer_bytes);
        self.run(&request, &mut json).await
    }

    /// Copies the answer's bytes into `into` as they come. Returns their number. A retry begins
    /// again: `restart` makes the target empty.
    ///
    /// # Errors
    /// As [`Self::get_json`]; also when `into` cannot be written. What was written until then stays
    /// in `into`.
    pub async fn download<W: Write + Send>(
        &self,
        endpoint: &'static str,
        path: &str,
        into: &mut W,
        restart: impl Fn(&mut W) -> std::io::Result<()> + Send,
        max_bytes: u64,
    ) -> Result<u64, HttpError> {
        let request = Request {
            endpoint,
            method: Method::GET,
            path,
            query: &[],
            body: None,
            wants_json: false,
        };
        let mut copy = Copy::new(into, restart, max_bytes);
        self.run(&request, &mut copy).await
    }

    /// Requests sent so far: retries, redirects, and visits of a login included.
    pub fn requests_sent(&self) -> u64 {
        self.transport.sent()
    }

    /// One request, when it is its turn, unless its kind keeps failing.
    async fn run<R: Receive>(
        &self,
        request: &Request<'_>,
        receive: &mut R,
    ) -> Result<R::Output, HttpError> {
        self.cap.check(request.endpoint)?;
        // Held over the retries too: an overloaded server is asked less. It is never closed.
        let _slot = self.slots.acquire().await.ok();
        self.cap.check(request.endpoint)?;
        let outcome = self.persist(request, receive).await;
        self.cap.note(request.endpoint, &outcome);
        outcome
    }

    /// Attempts until one goes well, or no other is worth it.
    async fn persist<R: Receive>(
        &self,
        request: &Request<'_>,
        receive: &mut R,
    ) -> Result<R::Output, HttpError> {
        let mut deadline = Deadline::after(self.settings.http.request_deadline);
        let mut delays = retry::delays(&self.settings.http);
        let mut attempts_left = self.settings.http.attempts.max(1);
        // The session that the server refused, and whether that was the last thing it said.
        let mut refused = None;
        let mut just_refused = false;
        loop {
            let live = deadline
                .hold(self.sessions.live(&self.transport, refused))
                .await
                .ok_or_else(|| self.out_of_time(request, "logging in"))??;
            let failure = match self.attempt(request, receive, &live, &mut deadline).await {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
            let wait = match failure.next {
                Next::Stop => return Err(failure.error),
                Next::LogIn if just_refused || !self.sessions.can_log_in() => {
                    return Err(failure.error);
                }
                Next::LogIn => {
                    just_refused = true;
                    refused = Some(live.generation);
                    continue;
                }
                Next::Load => self.settings.http.loading_delay,
                Next::Retry(asked) => {
                    attempts_left -= 1;
                    if attempts_left == 0 {
                        return Err(failure.error);
                    }
                    let delay = delays.next().unwrap_or(self.settings.http.max_delay);
                    retry::wait(delay, asked, &self.settings.http)
                }
            };
            just_refused = false;
            if deadline.is_before(wait) || self.cap.check(request.endpoint).is_err() {
                return Err(failure.error);
            }
            tracing::debug!(
                endpoint = request.endpoint,
                code = failure.error.code(),
                milliseconds = wait.as_millis(),
                "asking again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    /// One attempt within the deadline. The time while a download comes puts that off.
    async fn attempt<R: Receive>(
        &self,
        request: &Request<'_>,
        receive: &mut R,
        live: &Live,
        deadline: &mut Deadline,
    ) -> Result<R::Output, Failure> {
        let out_of_time = || Failure::from(self.out_of_time(request, "waiting for the answer"));
        let can_log_in = self.sessions.can_log_in();
        let timeouts = self.transport.timeouts;
        let asking = exchange::ask(&self.transport, live, request, can_log_in);
        let answer = deadline.hold(asking).await.ok_or_else(out_of_time)??;
        if R::COUNTS_TIME {
            return deadline
                .hold(receive.receive(answer, &timeouts))
                .await
                .ok_or_else(out_of_time)?;
        }
        let started = Instant::now();
        let outcome = receive.receive(answer, &timeouts).await;
        deadline.put_off(started.elapsed());
        outcome
    }

    fn out_of_time(&self, request: &Request<'_>, doing: &str) -> HttpError {
        let exchange = Exchange {
            call: request.call(&self.sessions.base()),
            redactor: Redactor::default(),
            can_log_in: self.sessions.can_log_in(),
        };
        exchange.timeout(format!(
            "the deadline of {:?} came while {doing}",
            self.settings.http.request_deadline
        ))
    }
}
