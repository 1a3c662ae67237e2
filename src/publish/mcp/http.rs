//! MCP and the dashboard over HTTP, and who may use them.
//!
//! A server on a loopback address answers every process of the machine. Beyond that a bearer token is
//! needed, one of its own or of an authorization server ([`super::oauth`]), and a server without one
//! does not start. Pages of other sites are kept away by the `Host` and
//! `Origin` of each request, so that a browser cannot be made to ask on their behalf.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use subtle::ConstantTimeEq;

use super::oauth::{Denied, METADATA, OAuth};
use super::server::{McpServer, PATH as MCP};

/// Largest request in bytes.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Shortest token, in characters.
const MIN_TOKEN: usize = 16;
/// Names of the machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Path that is answered to everybody.
const HEALTH: &str = "/health";

/// How the server can be reached.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What clients have to show; `None` for no token.
    pub token: Option<String>,
    /// Whose access tokens are taken, too; `None` for nobody's.
    pub oauth: Option<Arc<OAuth>>,
    /// Names under which the server is known, beside its address and the names of the machine itself.
    pub hosts: Vec<String>,
    /// Origins of pages that may call it, such as `https://app.example.com`.
    pub origins: Vec<String>,
}

/// A way of serving that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Everybody on the network could ask.
    #[error(
        "{0} can be reached from other machines, and no token is set; put one into a variable and name it with \
         --token-env, or into a file and name it with --token-file, or take those of an authorization server \
         (--oauth-issuer), or listen on 127.0.0.1"
    )]
    NoToken(SocketAddr),
    /// The token could be guessed.
    #[error(
        "the token has fewer than {MIN_TOKEN} characters; make a longer one, for example with `openssl rand -hex 32`"
    )]
    ShortToken,
    /// An origin is no origin.
    #[error("`{0}` is no origin; write scheme and host, such as https://app.example.com")]
    Origin(String),
}

impl HttpSettings {
    /// # Errors
    /// They would let in whom they should not.
    pub fn check(&self) -> Result<(), NotAllowed> {
        if let Some(origin) = self.origins.iter().find(|origin| parts(origin).is_none()) {
            return Err(NotAllowed::Origin(origin.clone()));
        }
        match &self.token {
            Some(token) if token.chars().count() < MIN_TOKEN => Err(NotAllowed::ShortToken),
            None if !self.listen.ip().is_loopback() && self.oauth.is_none() => {
                Err(NotAllowed::NoToken(self.listen))
            }
            _ => Ok(()),
        }
    }
}

/// What answers requests: MCP at `/mcp`, `/health`, and the pages of the dashboard, or without them a
/// page that says so.
///
/// # Errors
/// As [`HttpSettings::check`].
pub fn router(
    server: McpServer,
    pages: Option<Router>,
    settings: HttpSettings,
) -> Result<Router, NotAllowed> {
    settings.check()?;
    // The guard below has checked Host and Origin of every path; there are no sessions, so any request
    // can go to any process that serves the same lake.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_REQUEST_BYTES);
    let mcp = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let pages = pages.unwrap_or_else(|| Router::new().route("/", get(index)));
    let mut pages = pages
        .route(HEALTH, get(|| async { "ok" }))
        .route_service(MCP, mcp);
    if let Some(oauth) = &settings.oauth {
        let document = Arc::new(oauth.metadata(&settings.own()));
        let answer = get(move || async move { axum::Json(document.as_ref().clone()) });
        pages = pages
            .route(METADATA, answer.clone())
            .route(&format!("{METADATA}{MCP}"), answer);
    }
    Ok(pages.layer(middleware::from_fn_with_state(Arc::new(settings), guard)))
}

async fn index() -> &'static str {
    "sparklake serves the Model Context Protocol (streamable HTTP) at /mcp; /health says whether it is up.\n"
}

/// Lets only those in who may come in.
async fn guard(
    State(settings): State<Arc<HttpSettings>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match settings.refusal(request.uri(), request.headers()) {
        Some(Refusal::Token) => match &settings.oauth {
            Some(oauth) => match oauth.check(bearer(request.headers())).await {
                Ok(()) => next.run(request).await,
                Err(denied) => refused_by_oauth(oauth, &denied, &settings.own()),
            },
            None if request.uri().path() != MCP => ask_for_password(),
            None => Refusal::Token.into_response(),
        },
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
        .filter(|token| !token.is_empty())
}

/// Says where to get a token, or what is wrong with this one.
fn refused_by_oauth(oauth: &OAuth, denied: &Denied, own: &str) -> Response {
    let (status, text) = match denied {
        Denied::NoToken => (
            StatusCode::UNAUTHORIZED,
            "an access token is needed: send it as `Authorization: Bearer …`\n",
        ),
        Denied::Invalid(_) => (StatusCode::UNAUTHORIZED, "the access token is not valid\n"),
        Denied::Scope => (StatusCode::FORBIDDEN, "the access token lacks a scope\n"),
        Denied::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the keys of the authorization server cannot be read; ask again later\n",
        ),
    };
    let challenge = HeaderValue::from_str(&oauth.challenge(denied, own));
    let mut response = (status, text).into_response();
    if let Ok(challenge) = challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Has a browser ask its user for the token.
fn ask_for_password() -> Response {
    let challenge = HeaderValue::from_static("Basic realm=\"sparklake\", charset=\"UTF-8\"");
    let text = "the token is needed: give it as the password, with any name\n";
    (
        StatusCode::UNAUTHORIZED,
        [(WWW_AUTHENTICATE, challenge)],
        text,
    )
        .into_response()
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Host,
    Origin,
    Token,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Host => (
                StatusCode::FORBIDDEN,
                "this server is not known under that name; allow it with --allow-host\n",
            )
                .into_response(),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "pages of that origin may not call this server; allow it with --allow-origin\n",
            )
                .into_response(),
            Self::Token => {
                let challenge = HeaderValue::from_static("Bearer realm=\"sparklake\"");
                let text = "a bearer token is needed: send it as `Authorization: Bearer …`\n";
                (
                    StatusCode::UNAUTHORIZED,
                    [(WWW_AUTHENTICATE, challenge)],
                    text,
                )
                    .into_response()
            }
        }
    }
}

impl HttpSettings {
    fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<Refusal> {
        // HTTP/2 has the host in the address.
        let host = match headers.get(HOST) {
            Some(host) => host.to_str().unwrap_or_default(),
            None => uri
                .authority()
                .map(axum::http::uri::Authority::as_str)
                .unwrap_or_default(),
        };
        if !self.is_own_host(host) {
            return Some(Refusal::Host);
        }
        if let Some(origin) = headers.get(ORIGIN)
            && !origin
                .to_str()
                .is_ok_and(|origin| self.is_allowed_origin(origin))
        {
            return Some(Refusal::Origin);
        }
        let is_open = uri.path() == HEALTH
            || (self.oauth.is_some()
                && uri
                    .path()
                    .strip_prefix(METADATA)
                    .is_some_and(|rest| rest.is_empty() || rest == MCP));
        if is_open || (self.token.is_none() && self.oauth.is_none()) {
            return None;
        }
        let is_shown = self
            .token
            .as_ref()
            .is_some_and(|token| shows(headers, token));
        (!is_shown).then_some(Refusal::Token)
    }

    /// The address of the server itself.
    fn own(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Whether a name in `Host` means this server. A number cannot be made to mean another machine, as
    /// a name can, so any address will do where the server listens on all of them.
    fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        if self
            .hosts
            .iter()
            .any(|known| known == host || known == name)
        {
            return true;
        }
        let listen = self.listen.ip();
        let is_own = LOOPBACK.contains(&name)
            || address(name).is_some_and(|address| listen.is_unspecified() || address == listen);
        is_own && port.is_none_or(|port| port == self.listen.port())
    }

    /// Whether a page of that origin may call: one of this server itself, or one that was allowed.
    fn is_allowed_origin(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = parts(origin) else {
            return false;
        };
        let own = scheme == "http" && {
            let (name, port) = split_port(authority);
            port.unwrap_or(80) == self.listen.port() && LOOPBACK.contains(&name)
        };
        own || self
            .origins
            .iter()
            .any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin))
    }
}

/// Scheme and authority of an origin.
fn parts(origin: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = origin.trim_end_matches('/').split_once("://")?;
    let is_plain = !authority.is_empty() && !authority.contains(['/', '@', ' ', '*']);
    (is_plain && ["http", "https"].contains(&scheme)).then_some((scheme, authority))
}

/// The address that a host is, where it is no name.
fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (authority, None),
        },
        _ => (authority, None),
    }
}

/// Whether the request shows the token, as a bearer does or as a browser gives a password. How long
/// the answer takes says nothing about the token.
fn shows(headers: &HeaderMap, token: &str) -> bool {
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|text| {
        let (scheme, shown) = text.split_once(' ')?;
        let shown = shown.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(shown.as_bytes().to_vec());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(shown).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        decoded.get(colon + 1..).map(<[u8]>::to_vec)
    });
    shown.is_some_and(|shown| bool::from(shown.as_slice().ct_eq(token.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, token: Option<&str>) -> HttpSettings {
        HttpSettings {
            listen: listen.parse().expect("an address"),
            token: token.map(str::to_owned),
            oauth: None,
            hosts: vec!["lake.example.com".to_owned()],
            origins: vec!["https://app.example.com".to_owned()],
        }
    }

    fn refusal(settings: &HttpSettings, path: &str, headers: &[(&str, &str)]) -> Option<Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = axum::http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        settings.refusal(&path.parse().expect("a path"), &map)
    }

    #[test]
    fn beyond_loopback_a_token_is_needed() {
        let open = |listen, token| settings(listen, token).check();
        assert_eq!(open("127.0.0.1:8080", None), Ok(()));
        assert_eq!(open("[::1]:8080", None), Ok(()));
        for listen in ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:8080"] {
            let address = listen.parse().expect("an address");
            assert_eq!(open(listen, None), Err(NotAllowed::NoToken(address)));
            assert_eq!(open(listen, Some("short")), Err(NotAllowed::ShortToken));
            assert_eq!(open(listen, Some("0123456789abcdef")), Ok(()));
        }
        let mut wrong = settings("127.0.0.1:8080", None);
        wrong.origins.push("*".to_owned());
        assert_eq!(wrong.check(), Err(NotAllowed::Origin("*".to_owned())));
    }

    #[test]
    fn other_hosts_and_origins_are_refused() {
        let server = settings("127.0.0.1:8080", None);
        let host = |host| refusal(&server, "/mcp", &[("host", host)]);
        for own in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "lake.example.com",
            "lake.example.com:443",
        ] {
            assert_eq!(host(own), None, "{own}");
        }
        for other in [
            "evil.example.com:8080",
            "127.0.0.1.evil.com:8080",
            "localhost:9090",
            "",
        ] {
            assert_eq!(host(other), Some(Refusal::Host), "{other}");
        }
        let origin = |origin| {
            refusal(
                &server,
                "/mcp",
                &[("host", "localhost:8080"), ("origin", origin)],
            )
        };
        for own in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "https://app.example.com",
        ] {
            assert_eq!(origin(own), None, "{own}");
        }
        for other in [
            "null",
            "http://localhost:9090",
            "https://evil.example.com",
            "https://app.example.com.evil.com",
        ] {
            assert_eq!(origin(other), Some(Refusal::Origin), "{other}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_is_known_by_number_and_by_allowed_names() {
        let server = settings("0.0.0.0:8080", Some("0123456789abcdef"));
        let host = |host| refusal(&server, "/health", &[("host", host)]);
        for own in ["10.1.2.3:8080", "[2001:db8::1]:8080", "lake.example.com"] {
            assert_eq!(host(own), None, "{own}");
        }
        for other in ["10.1.2.3:9090", "rebound.example.com:8080"] {
            assert_eq!(host(other), Some(Refusal::Host), "{other}");
        }
    }

    #[test]
    fn everything_but_health_needs_the_token() {
        let server = settings("0.0.0.0:8080", Some("0123456789abcdef"));
        let host = ("host", "lake.example.com");
        let with = |path, shown| refusal(&server, path, &[host, ("authorization", shown)]);
        assert_eq!(refusal(&server, "/health", &[host]), None);
        for path in ["/mcp", "/", "/health/../mcp", "/healthy"] {
            assert_eq!(
                refusal(&server, path, &[host]),
                Some(Refusal::Token),
                "{path}"
            );
            assert_eq!(with(path, "Bearer 0123456789abcdef"), None);
            assert_eq!(with(path, "bearer 0123456789abcdef"), None);
            // `anybody:0123456789abcdef`, as a browser sends a password.
            assert_eq!(with(path, "Basic YW55Ym9keTowMTIzNDU2Nzg5YWJjZGVm"), None);
            for wrong in [
                "Bearer 0123456789abcdeF",
                "Bearer ",
                "0123456789abcdef",
                "Basic 0123456789abcdef",
                "Basic MDEyMzQ1Njc4OWFiY2RlZg==",
            ] {
                assert_eq!(with(path, wrong), Some(Refusal::Token), "{wrong}");
            }
        }
    }
}
