//! What went wrong with one attempt, and what to do next.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::error::{HttpError, is_retryable_status};
use super::page;
use super::redact::Redactor;

/// Longest piece of somebody else's text in an error.
pub(super) const MAX_TEXT: usize = 300;

/// Longest title of a page in an error.
const MAX_TITLE: usize = 80;

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told if there is no other attempt.
    pub(super) error: HttpError,
    /// What to do next.
    pub(super) next: Next,
}

/// What to do after an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the same would happen.
    Stop,
    /// Send it again, not earlier than the server asked for.
    Retry(Option<Duration>),
    /// Ask again while the server loads the history.
    Load,
    /// Log in and send it again.
    LogIn,
}

impl From<HttpError> for Failure {
    /// A failure that another attempt does not fix.
    fn from(error: HttpError) -> Self {
        Self {
            error,
            next: Next::Stop,
        }
    }
}

/// One exchange, for the texts about it.
#[derive(Clone)]
pub(super) struct Exchange {
    /// Method and address, without query.
    pub(super) call: String,
    /// The secrets that were sent.
    pub(super) redactor: Redactor,
    /// Whether a login stands ready to make a session.
    pub(super) can_log_in: bool,
}

impl Exchange {
    /// No answer came.
    pub(super) fn not_sent(&self, error: reqwest::Error, timeouts: &Timeouts) -> Failure {
        let error = error.without_url();
        let url = self.call.clone();
        let message = self.root_cause(&error);
        if let Some(tls) = find_tls_error(&error) {
            return self.tls_failure(tls, message);
        }
        if error.is_builder() {
            return HttpError::Settings {
                message: format!("{url} is no request that can be sent: {message}"),
            }
            .into();
        }
        let error = if error.is_dns() {
            HttpError::Dns {
                url,
                message,
                cure: "check the host name in the address, and whether this machine's resolver \
                       knows it (VPN, private zone)"
                    .to_owned(),
            }
        } else if error.is_timeout() {
            self.timeout(if error.is_connect() {
                format!("no connection within {:?}", timeouts.connect)
            } else {
                format!("no answer within {:?}", timeouts.read)
            })
        } else {
            HttpError::Connection {
                url,
                message,
                cure: "check host and port of the address, that the server runs, and that a \
                       firewall lets this machine reach it"
                    .to_owned(),
                retryable: true,
            }
        };
        Failure {
            error,
            next: Next::Retry(None),
        }
    }

    /// The answer began and did not end.
    pub(super) fn broke_off(
        &self,
        error: reqwest::Error,
        timeouts: &Timeouts,
        received: u64,
    ) -> Failure {
        let error = error.without_url();
        let error = if error.is_timeout() {
            self.timeout(format!(
                "nothing came for {:?} after {received} bytes",
                timeouts.read
            ))
        } else {
            self.truncated(format!(
                "{} after {received} bytes",
                self.root_cause(&error)
            ))
        };
        Failure {
            error,
            next: Next::Retry(None),
        }
    }

    /// The answer ended before it was complete.
    pub(super) fn incomplete(&self, message: String) -> Failure {
        Failure {
            error: self.truncated(message),
            next: Next::Retry(None),
        }
    }

    /// The server said no.
    pub(super) fn refused(
        &self,
        status: u16,
        body: &[u8],
        content_type: &str,
        retry_after: Option<Duration>,
        challenge: &str,
    ) -> Failure {
        if page::is_loading(body) {
            return self.loading();
        }
        let error = HttpError::Status {
            url: self.call.clone(),
            status,
            message: self.message_of(status, body, content_type),
            cure: cure_of_status(status, self.can_log_in, challenge),
        };
        let next = match status {
            401 | 403 => Next::LogIn,
            _ if is_retryable_status(status) => Next::Retry(retry_after),
            _ => Next::Stop,
        };
        Failure { error, next }
    }

    /// A redirect to where it is not followed, because another server is there or people log in.
    pub(super) fn led_away(&self, target: &str) -> Failure {
        let cure = if self.can_log_in {
            "the session did not hold: check the permissions of whoever logs in".to_owned()
        } else {
            format!(
                "give user and password, token or cookies for this server; if {target} is the \
                 server that was meant, put that into the address"
            )
        };
        Failure {
            error: HttpError::LoginPage {
                url: self.call.clone(),
                message: format!("was redirected to {target}"),
                cure,
            },
            next: Next::LogIn,
        }
    }

    /// A page for people came with a status that says yes.
    pub(super) fn page(&self, body: &[u8]) -> Failure {
        if page::is_loading(body) {
            return self.loading();
        }
        let called = match page::title(body) {
            Some(title) => format!("called “{}”", self.redactor.line(&title, MAX_TITLE)),
            None => "without a title".to_owned(),
        };
        let url = self.call.clone();
        if page::asks_for_login(body) {
            return Failure {
                error: HttpError::LoginPage {
                    url,
                    message: format!("answered with a page to log in, {called}"),
                    cure: "give user and password, token or cookies for this server, or renew \
                           those that have expired"
                        .to_owned(),
                },
                next: Next::LogIn,
            };
        }
        HttpError::NotJson {
            url,
            message: format!("answered with a web page {called} instead of data"),
            cure: "check that the address is that of the server itself, with the prefix of a \
                   proxy in front of it, and that the proxy lets /api/v1 through"
                .to_owned(),
        }
        .into()
    }

    /// A text came that is neither a page nor JSON.
    pub(super) fn text(&self, body: &[u8]) -> Failure {
        if page::is_loading(body) {
            return self.loading();
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]);
        HttpError::NotJson {
            url: self.call.clone(),
            message: format!(
                "answered with text instead of JSON: {}",
                self.redactor.line(&text, MAX_TEXT)
            ),
            cure: "check that the address is that of the server itself".to_owned(),
        }
        .into()
    }

    /// JSON came, but not of the shape that it should have.
    pub(super) fn misshapen(&self, error: &serde_json::Error) -> Failure {
        HttpError::InvalidJson {
            url: self.call.clone(),
            message: self.redactor.line(&error.to_string(), MAX_TEXT),
            cure: "the server may speak another version of this interface; please report it"
                .to_owned(),
        }
        .into()
    }

    /// More came than is taken.
    pub(super) fn too_large(&self, limit: u64) -> Failure {
        HttpError::TooLarge {
            url: self.call.clone(),
            limit,
            cure: "raise the limit of bytes if this machine can hold it".to_owned(),
        }
        .into()
    }

    /// What came could not be written down.
    pub(super) fn not_written(&self, error: &io::Error) -> Failure {
        HttpError::Write {
            url: self.call.clone(),
            message: error.to_string(),
        }
        .into()
    }

    /// The time for the request is up.
    pub(super) fn timeout(&self, message: String) -> HttpError {
        HttpError::Timeout {
            url: self.call.clone(),
            message,
            cure: "the server may be busy or load a large history: ask it less at once, or raise \
                   the timeout"
                .to_owned(),
        }
    }

    fn loading(&self) -> Failure {
        Failure {
            error: HttpError::Loading {
                url: self.call.clone(),
                message: "the server has not finished loading this history".to_owned(),
                cure: "raise the deadline of requests, or run again later".to_owned(),
            },
            next: Next::Load,
        }
    }

    fn truncated(&self, message: String) -> HttpError {
        HttpError::Truncated {
            url: self.call.clone(),
            message,
            cure: "a proxy or the server's memory may limit the size of answers; look at their \
                   logs"
                .to_owned(),
        }
    }

    fn tls_failure(&self, error: &rustls::Error, message: String) -> Failure {
        let url = self.call.clone();
        let error = match error {
            rustls::Error::InvalidCertificate(fault) => HttpError::Certificate {
                url,
                message,
                cure: cure_of_certificate(fault).to_owned(),
            },
            rustls::Error::NoCertificatesPresented => HttpError::Certificate {
                url,
                message,
                cure: "set up TLS on the server".to_owned(),
            },
            _ => HttpError::Connection {
                url,
                message: format!("TLS: {message}"),
                cure: "check that the server speaks TLS on this port (https or http?), in a \
                       version of 1.2 or newer"
                    .to_owned(),
                retryable: false,
            },
        };
        error.into()
    }

    /// The beginning of what the server says about its refusal.
    fn message_of(&self, status: u16, body: &[u8], content_type: &str) -> String {
        let text = if page::is_page(content_type, body) {
            page::title(body).unwrap_or_default()
        } else {
            json_message(body)
                .unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(4_096)]).into())
        };
        let line = self.redactor.line(&text, MAX_TEXT);
        if !line.is_empty() {
            return line;
        }
        reqwest::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("no explanation")
            .to_owned()
    }

    fn root_cause(&self, error: &(dyn Error + 'static)) -> String {
        self.redactor.line(&root_cause(error), MAX_TEXT)
    }
}

/// The waits that reqwest's timeouts do not name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For a connection.
    pub(super) connect: Duration,
    /// For an answer's beginning and each of its pieces.
    pub(super) read: Duration,
}

/// The cause of an error; an I/O error holds its own, and says the one of that.
fn source_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(inner) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(inner);
    }
    error.source()
}

/// The innermost of an error's causes: those around it say that a request failed.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = source_of(innermost) {
        innermost = source;
    }
    innermost.to_string()
}

fn find_tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = source_of(error);
    }
    None
}

/// The texts of an error in JSON, as the interfaces of Databricks and others give them.
fn json_message(body: &[u8]) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| object.get(*name).and_then(serde_json::Value::as_str))
    };
    let message = text(&["message", "error_description", "Message", "detail"]);
    match (text(&["error_code", "error", "code", "__type"]), message) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.or(message).map(str::to_owned),
    }
}

fn cure_of_status(status: u16, can_log_in: bool, challenge: &str) -> String {
    if challenge
        .trim_start()
        .get(..9)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("negotiate"))
    {
        return "the server wants Kerberos (SPNEGO), which is not spoken here: go through a \
                gateway with user and password or a token, or give the cookie of a session"
            .to_owned();
    }
    match status {
        401 | 403 if can_log_in => {
            "a new login did not help: check the permissions of whoever logs in"
        }
        401 => "check user and password, token or cookies for this server; they may have expired",
        403 => "check that the user or token may read this; a session may have expired",
        404 => "check the address and its prefix; the server may have removed this history",
        407 => "give user and password of the proxy in HTTPS_PROXY or HTTP_PROXY",
        429 => "ask less at once, or run again later",
        408 | 425 | 500..=599 => "look at the server's log and memory, and run again later",
        _ => "check the address and the server's version",
    }
    .to_owned()
}

fn cure_of_certificate(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "renew the server's certificate, or set this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use a host name that the certificate holds"
        }
        _ => {
            "give the certificate of the authority that signed it as `ca_file` (PEM); \
             `accept_invalid_certificates` gives up the protection"
        }
    }
}
