//! The session with a server: who asks, with which cookies, and how it is renewed when it expires.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::Utc;
use reqwest::Method;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
};
use tokio::sync::Mutex;
use url::Url;

use super::address;
use super::error::{HttpError, is_retryable_status};
use super::failure::{Exchange, Next};
use super::login::{LoginError, Session};
use super::redact::{Redactor, secrets_of_address};
use super::retry;
use super::settings::{Auth, ClientSettings, Secret};
use super::transport::Transport;
use crate::redact;

/// Redirects of a visit: some companies have many doors.
const MAX_VISIT_REDIRECTS: usize = 20;

/// The session of a client, the present one and the way to the next.
#[derive(Debug)]
pub(super) struct Sessions {
    settings: ClientSettings,
    present: RwLock<Option<Arc<Live>>>,
    /// Held by the one who logs in. Holds the last login's failure.
    flight: Mutex<Option<HttpError>>,
    failures: AtomicU64,
}

impl Sessions {
    /// Without a login there is one session for good; with one there is none yet.
    pub(super) fn new(settings: ClientSettings) -> Result<Self, HttpError> {
        let first = Live::new(1, &settings, &Session::default(), Jar::default())?;
        let present = settings.login.is_none().then(|| Arc::new(first));
        Ok(Self {
            settings,
            present: RwLock::new(present),
            flight: Mutex::default(),
            failures: AtomicU64::new(0),
        })
    }

    /// Whether another session can be made.
    pub(super) fn can_log_in(&self) -> bool {
        self.settings.login.is_some()
    }

    /// The base of requests in the present session.
    pub(super) fn base(&self) -> Url {
        self.present()
            .map_or_else(|| self.settings.base.clone(), |live| live.base.clone())
    }

    /// The present session, unless it is the one that the server refused: then a new one. All
    /// who come while somebody logs in wait for that login, and share its outcome.
    pub(super) async fn live(
        &self,
        transport: &Transport,
        refused: Option<u64>,
    ) -> Result<Arc<Live>, HttpError> {
        if let Some(live) = self.accepted(refused) {
            return Ok(live);
        }
        let failures = self.failures.load(Ordering::Acquire);
        let mut flight = self.flight.lock().await;
        if let Some(live) = self.accepted(refused) {
            return Ok(live);
        }
        if self.failures.load(Ordering::Acquire) != failures
            && let Some(error) = flight.as_ref()
        {
            return Err(error.clone());
        }
        match self.log_in(transport).await {
            Ok(live) => Ok(live),
            Err(error) => {
                let error = HttpError::Login {
                    url: address::shown(&self.settings.base),
                    code: error.code,
                    message: redact::strict(&error.message),
                    retryable: error.retryable,
                };
                *flight = Some(error.clone());
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    fn present(&self) -> Option<Arc<Live>> {
        self.present
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn accepted(&self, refused: Option<u64>) -> Option<Arc<Live>> {
        self.present()
            .filter(|live| refused != Some(live.generation))
    }

    async fn log_in(&self, transport: &Transport) -> Result<Arc<Live>, LoginError> {
        let Some(login) = &self.settings.login else {
            // Only asked for after `can_log_in`.
            return Err(LoginError {
                code: "NO_LOGIN".to_owned(),
                message: "there is no login that makes another session".to_owned(),
                retryable: false,
            });
        };
        let generation = self.present().map_or(1, |live| live.generation + 1);
        tracing::debug!(
            server = %address::origin(&self.settings.base),
            session = generation,
            "logging in"
        );
        let mut session = login.log_in().await?;
        let jar = Jar::default();
        if let Some(secret) = &session.visit {
            let visited = self.visit(transport, secret, &jar).await?;
            session.base = login.base_after(&visited).or(session.base);
        }
        let live =
            Live::new(generation, &self.settings, &session, jar).map_err(|error| LoginError {
                code: "SETTINGS".to_owned(),
                message: error.to_string(),
                retryable: false,
            })?;
        let live = Arc::new(live);
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&live));
        Ok(live)
    }

    /// Visits an address for its cookies, in several attempts. Gives the address where it ended.
    async fn visit(
        &self,
        transport: &Transport,
        secret: &Secret,
        jar: &Jar,
    ) -> Result<Url, LoginError> {
        let Ok(url) = Url::parse(secret.expose()) else {
            return Err(LoginError {
                code: "ADDRESS".to_owned(),
                message: "the login gave an address to visit that is none".to_owned(),
                retryable: false,
            });
        };
        let mut delays = retry::delays(&self.settings.http);
        let mut left = self.settings.http.attempts.max(1);
        loop {
            let fault = match visit_once(transport, &url, jar).await {
                Ok(visited) => return Ok(visited),
                Err(fault) => fault,
            };
            left -= 1;
            if left == 0 || !fault.error.retryable {
                return Err(fault.error);
            }
            let delay = delays.next().unwrap_or(self.settings.http.max_delay);
            tokio::time::sleep(retry::wait(delay, fault.retry_after, &self.settings.http)).await;
        }
    }
}

/// A visit that failed.
struct VisitFault {
    error: LoginError,
    retry_after: Option<Duration>,
}

/// Visits an address and where it redirects to, on whatever server: presigned addresses lead from
/// the platform's gate to the server itself. Cookies go where they belong; nothing else is sent.
async fn visit_once(transport: &Transport, first: &Url, jar: &Jar) -> Result<Url, VisitFault> {
    let mut url = first.clone();
    for _ in 0..=MAX_VISIT_REDIRECTS {
        let mut headers = HeaderMap::new();
        if let Some(mut cookies) = jar.cookies(&url) {
            cookies.set_sensitive(true);
            headers.insert(COOKIE, cookies);
        }
        let mut secrets = secrets_of_address(&url);
        secrets.extend(secrets_of_address(first));
        let exchange = Exchange {
            // The path may be a part of the secret.
            call: format!("visiting {}", address::origin(&url)),
            redactor: Redactor::new(&headers, &url, &secrets),
            can_log_in: false,
        };
        let sent = match transport.client().get(url.clone()).headers(headers).build() {
            Ok(request) => transport.send(request).await,
            Err(error) => Err(error),
        };
        let response = sent.map_err(|error| {
            let failure = exchange.not_sent(error, &transport.timeouts);
            VisitFault {
                error: LoginError {
                    code: failure.error.code(),
                    message: failure.error.to_string(),
                    retryable: matches!(failure.next, Next::Retry(_)),
                },
                retry_after: None,
            }
        })?;
        jar.set_cookies(&mut response.headers().get_all(SET_COOKIE).iter(), &url);
        let status = response.status();
        tracing::debug!(
            call = %exchange.call,
            status = status.as_u16(),
            "visited for a session"
        );
        if status.is_redirection()
            && let Some(target) = target(&url, response.headers())
        {
            // From then on anybody on the way could read the cookies.
            if url.scheme() == "https" && target.scheme() != "https" {
                return Err(refusal(
                    &exchange,
                    "redirects to an address without TLS",
                    None,
                ));
            }
            url = target;
            continue;
        }
        if status.is_success() {
            return Ok(url);
        }
        let retry_after = retry::retry_after(response.headers(), Utc::now());
        return Err(VisitFault {
            retry_after,
            ..refusal(
                &exchange,
                "the session's address may have expired",
                Some(status.as_u16()),
            )
        });
    }
    Err(refusal(&exchange_of(&url), "redirects without end", None))
}

fn exchange_of(url: &Url) -> Exchange {
    Exchange {
        call: format!("visiting {}", address::origin(url)),
        redactor: Redactor::default(),
        can_log_in: false,
    }
}

fn refusal(exchange: &Exchange, what: &str, status: Option<u16>) -> VisitFault {
    let (code, answer) = match status {
        Some(status) => (format!("HTTP_{status}"), format!(" answered {status}")),
        None => ("REDIRECT".to_owned(), String::new()),
    };
    VisitFault {
        error: LoginError {
            code,
            message: format!("{}{answer}: {what}", exchange.call),
            retryable: status.is_some_and(is_retryable_status),
        },
        retry_after: None,
    }
}

/// Where a redirect leads.
pub(super) fn target(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?;
    let location = std::str::from_utf8(location.as_bytes()).ok()?;
    from.join(location)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// A session as requests use it.
pub(super) struct Live {
    /// Which session it is: they are counted.
    pub(super) generation: u64,
    /// The folder that paths are relative to.
    pub(super) base: Url,
    auth: Auth,
    headers: HeaderMap,
    cookies: Option<Secret>,
    /// Every session has its own: a late answer to a request of the last one must not delete the
    /// cookies of this one.
    jar: Jar,
    /// Secrets that requests do not carry themselves.
    secrets: Vec<String>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Live")
            .field("generation", &self.generation)
            .field("base", &address::shown(&self.base))
            .finish_non_exhaustive()
    }
}

impl Live {
    fn new(
        generation: u64,
        settings: &ClientSettings,
        session: &Session,
        jar: Jar,
    ) -> Result<Self, HttpError> {
        let base = match &session.base {
            Some(base) => {
                let mut base = address::folder(base)?;
                // Neither fails where there is a host.
                let _ = base.set_username("");
                let _ = base.set_password(None);
                base
            }
            None => settings.base.clone(),
        };
        let auth = session.auth.as_ref().unwrap_or(&settings.http.auth).clone();
        check_auth(&auth)?;
        let mut headers = custom_headers(settings)?;
        if auth != Auth::None {
            headers.remove(AUTHORIZATION);
        }
        if let Some(cookies) = &settings.http.cookies {
            header_value("cookies", cookies)?;
        }
        let mut secrets = Vec::new();
        if let Auth::Basic { password, .. } = &auth {
            secrets.push(password.expose().to_owned());
        }
        if let Some(visit) = &session.visit {
            secrets.push(visit.expose().to_owned());
            if let Ok(url) = Url::parse(visit.expose()) {
                secrets.extend(secrets_of_address(&url));
            }
        }
        Ok(Self {
            generation,
            base,
            auth,
            headers,
            cookies: settings.http.cookies.clone(),
            jar,
            secrets,
        })
    }

    /// A request in this session, not yet sent. Only for addresses of the session's own server.
    pub(super) fn request(
        &self,
        transport: &Transport,
        method: &Method,
        url: &Url,
    ) -> reqwest::RequestBuilder {
        let mut headers = self.headers.clone();
        if let Some(cookies) = self.cookies_for(url) {
            headers.insert(COOKIE, cookies);
        }
        let request = transport
            .client()
            .request(method.clone(), url.clone())
            .headers(headers);
        match &self.auth {
            Auth::None => request,
            Auth::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose()))
            }
            Auth::Bearer(token) => request.bearer_auth(token.expose()),
        }
    }

    /// What a text about a request of this session must not hold.
    pub(super) fn redactor(&self, headers: &HeaderMap, url: &Url) -> Redactor {
        Redactor::new(headers, url, &self.secrets)
    }

    /// Keeps the cookies that an answer sets.
    pub(super) fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        self.jar
            .set_cookies(&mut headers.get_all(SET_COOKIE).iter(), url);
    }

    /// The given cookies and those that the server has set.
    fn cookies_for(&self, url: &Url) -> Option<HeaderValue> {
        let mut cookies: Vec<String> = Vec::new();
        if let Some(given) = &self.cookies {
            cookies.push(given.expose().trim().trim_end_matches(';').to_owned());
        }
        if let Some(set) = self.jar.cookies(url)
            && let Ok(set) = set.to_str()
        {
            cookies.push(set.to_owned());
        }
        if cookies.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_str(&cookies.join("; ")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn check_auth(auth: &Auth) -> Result<(), HttpError> {
    match auth {
        Auth::None => Ok(()),
        Auth::Basic { username, .. } if username.contains(':') => Err(HttpError::Settings {
            message: "a user name of basic authentication holds a colon, which it cannot"
                .to_owned(),
        }),
        // Base64 fits into every header.
        Auth::Basic { .. } => Ok(()),
        Auth::Bearer(token) => header_value("bearer token", token).map(|_| ()),
    }
}

fn custom_headers(settings: &ClientSettings) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.http.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::Settings {
            message: format!("`{}` is no name of a header", name.escape_debug()),
        })?;
        headers.append(parsed, header_value(name, value)?);
    }
    Ok(headers)
}

fn header_value(name: &str, value: &Secret) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| HttpError::Settings {
        message: format!(
            "the value of `{name}` does not fit into a header: it holds a line break or \
                 another character that is not printable ASCII"
        ),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
