//! One attempt of a request: sent, its redirects followed, its refusals understood.

use std::time::Instant;

use bytes::Bytes;
use chrono::Utc;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, WWW_AUTHENTICATE,
};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::address;
use super::error::HttpError;
use super::failure::{Exchange, Failure};
use super::retry;
use super::session::{self, Live};
use super::transport::Transport;

/// Redirects that are followed on the same server.
const MAX_REDIRECTS: usize = 10;

/// As much of a refusal is read as says why.
const MAX_REFUSAL: usize = 64 << 10;

/// A request of a caller.
pub(super) struct Request<'a> {
    /// Kind of request.
    pub(super) endpoint: &'static str,
    /// `GET`, or `POST` with a body.
    pub(super) method: Method,
    /// Relative to the base.
    pub(super) path: &'a str,
    /// Not percent-encoded.
    pub(super) query: &'a [(&'a str, String)],
    /// JSON.
    pub(super) body: Option<Bytes>,
    /// Whether JSON is wanted, or whatever comes.
    pub(super) wants_json: bool,
}

impl Request<'_> {
    /// Method and address for texts.
    pub(super) fn call(&self, base: &Url) -> String {
        let address = address::join(base, self.path, &[])
            .map_or_else(|_| address::shown(base), |url| address::shown(&url));
        format!("{} {address}", self.method)
    }
}

/// An answer with a status that says yes. Its body has not been read.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) exchange: Exchange,
}

impl Answer {
    /// The answer's type, or nothing.
    pub(super) fn content_type(&self) -> &str {
        header(self.response.headers(), CONTENT_TYPE)
    }

    /// The number of bytes that the server promises; unknown for compressed answers.
    pub(super) fn promised(&self) -> Option<u64> {
        header(self.response.headers(), CONTENT_LENGTH).parse().ok()
    }
}

/// Sends the request once within the session.
pub(super) async fn ask(
    transport: &Transport,
    live: &Live,
    request: &Request<'_>,
    can_log_in: bool,
) -> Result<Answer, Failure> {
    let asked = address::join(&live.base, request.path, request.query)?;
    let mut url = asked.clone();
    for _ in 0..=MAX_REDIRECTS {
        let Answer { response, exchange } =
            send(transport, live, request, &url, can_log_in).await?;
        if response.status().is_success() {
            return Ok(Answer { response, exchange });
        }
        let Some(target) = redirection(&url, &response) else {
            return Err(refusal(response, &exchange).await);
        };
        if !address::same_server(&url, &target) {
            return Err(exchange.led_away(&address::origin(&target)));
        }
        if address::leads_to_login(&asked, &target) {
            return Err(exchange.led_away(&address::shown(&target)));
        }
        if !may_follow(&request.method, response.status()) {
            return Err(refusal(response, &exchange).await);
        }
        url = target;
    }
    Err(HttpError::Status {
        url: request.call(&live.base),
        status: StatusCode::FOUND.as_u16(),
        message: format!("more than {MAX_REDIRECTS} redirects"),
        cure: "the server redirects in a circle, which is often a missing login or a wrong prefix \
               of the address"
            .to_owned(),
    }
    .into())
}

async fn send(
    transport: &Transport,
    live: &Live,
    request: &Request<'_>,
    url: &Url,
    can_log_in: bool,
) -> Result<Answer, Failure> {
    let mut builder = live.request(transport, &request.method, url);
    builder = if request.wants_json {
        builder.header(ACCEPT, "application/json")
    } else {
        // What is downloaded is compressed already; its promised length is checked.
        builder
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
    };
    if let Some(body) = &request.body {
        builder = builder
            .header(CONTENT_TYPE, "application/json")
            .body(body.clone());
    }
    let built = builder.build();
    let headers = built
        .as_ref()
        .map(|request| request.headers().clone())
        .unwrap_or_default();
    let exchange = Exchange {
        call: format!("{} {}", request.method, address::shown(url)),
        redactor: live.redactor(&headers, url),
        can_log_in,
    };
    let started = Instant::now();
    let sent = match built {
        Ok(request) => transport.send(request).await,
        Err(error) => Err(error),
    };
    let response = sent.map_err(|error| exchange.not_sent(error, &transport.timeouts))?;
    tracing::debug!(
        endpoint = request.endpoint,
        call = %exchange.call,
        status = response.status().as_u16(),
        session = live.generation,
        milliseconds = started.elapsed().as_millis(),
        "answered"
    );
    live.keep_cookies(url, response.headers());
    Ok(Answer { response, exchange })
}

/// Where the answer redirects to, if it does.
fn redirection(from: &Url, response: &Response) -> Option<Url> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    redirects
        .then(|| session::target(from, response.headers()))
        .flatten()
}

/// Whether the same request may be sent to where a redirect leads.
fn may_follow(method: &Method, status: StatusCode) -> bool {
    *method == Method::GET || matches!(status.as_u16(), 307 | 308)
}

/// Reads why the server said no.
async fn refusal(mut response: Response, exchange: &Exchange) -> Failure {
    let status = response.status().as_u16();
    let retry_after = retry::retry_after(response.headers(), Utc::now());
    let content_type = header(response.headers(), CONTENT_TYPE).to_owned();
    let challenge = header(response.headers(), WWW_AUTHENTICATE).to_owned();
    let mut body = Vec::new();
    // A refusal that breaks off is one all the same.
    while body.len() < MAX_REFUSAL
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    exchange.refused(status, &body, &content_type, retry_after, &challenge)
}

fn header(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
