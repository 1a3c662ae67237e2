//! What the doubles of EMR Serverless and EMR on EKS have in common: errors as AWS sends them,
//! pages, and a History Server behind a gate that gives out sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde_json::{Value, json};

/// The text of every secret that the doubles give out. It must not turn up anywhere.
pub(crate) const SECRET: &str = "s3cr3t";

/// What the doubles know and what they were asked.
#[derive(Default)]
pub(crate) struct State {
    /// Address of the double itself.
    pub address: String,
    /// Things on one page.
    pub page: usize,
    /// Operations that are refused for lack of a permission.
    pub denied: BTreeSet<&'static str>,
    /// Operations that are throttled so many times.
    pub throttled: BTreeMap<&'static str, usize>,
    /// Every request: its operation, and its query.
    pub asked: Vec<(String, String)>,
    /// Sessions given out so far.
    pub sessions: usize,
    /// Requests after which a session expires.
    pub session_lasts: Option<usize>,
    /// Requests in each session.
    pub requests: BTreeMap<usize, usize>,
    /// Applications that the History Server of a job run lists, by the run's id.
    pub served: BTreeMap<String, Value>,
    /// Archives of event logs that the History Server gives, by the application's id.
    pub archives: BTreeMap<String, Vec<u8>>,
}

/// The state, shared with the server.
pub(crate) type Shared = Arc<Mutex<State>>;

/// A running double.
pub(crate) struct Double {
    pub state: Shared,
    _server: tokio::task::JoinHandle<()>,
}

impl Double {
    /// Serves `router` on a port of this machine.
    pub(crate) async fn start(state: Shared, router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        lock(&state).address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("served");
        });
        Self {
            state,
            _server: server,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn address(&self) -> String {
        self.lock().address.clone()
    }

    /// How often an operation was asked for.
    pub(crate) fn times(&self, operation: &str) -> usize {
        let state = self.lock();
        let asked = state.asked.iter();
        asked.filter(|(asked, _)| asked == operation).count()
    }
}

pub(crate) fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().expect("a double that did not panic")
}

/// An error as the services send it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("x-amzn-errortype", code)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "message": message }).to_string()))
        .expect("an answer")
}

/// An answer as the services send it.
pub(crate) fn answer(body: &Value) -> Response<Body> {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("an answer")
}

/// Writes a request down; an answer where it is not let through.
pub(crate) fn refusal(
    state: &Shared,
    operation: &'static str,
    uri: &Uri,
) -> Option<Response<Body>> {
    let mut state = lock(state);
    let query = uri.query().unwrap_or_default().to_owned();
    state.asked.push((operation.to_owned(), query));
    if state.denied.contains(operation) {
        let text = format!(
            "User: arn:aws:iam::123456789012:user/night is not authorized to perform: {operation}"
        );
        return Some(error(403, "AccessDeniedException", &text));
    }
    let left = state.throttled.get_mut(operation)?;
    *left = left.checked_sub(1)?;
    Some(error(429, "ThrottlingException", "Rate exceeded"))
}

/// The values that a query gives a name.
pub(crate) fn values(uri: &Uri, name: &str) -> Vec<String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// One page of things, and the token of the next.
pub(crate) fn page(state: &Shared, uri: &Uri, field: &str, all: &[Value]) -> Response<Body> {
    let size = lock(state).page;
    let token = values(uri, "nextToken");
    let from: usize = token
        .first()
        .map_or(0, |token| token.parse().expect("a token of ours"));
    let to = all.len().min(from + size);
    let mut body = json!({ field: all[from..to] });
    if to < all.len() {
        body["nextToken"] = json!(to.to_string());
    }
    answer(&body)
}

/// An address that lets in: to the History Server of a job run.
pub(crate) fn entrance(state: &Shared, job_run_id: &str) -> String {
    let mut state = lock(state);
    state.sessions += 1;
    let session = state.sessions;
    format!(
        "{}/gate?authToken={SECRET}.{session}.{job_run_id}",
        state.address
    )
}

/// The gate: trades the token of an address for a cookie, and leads on to the History Server.
pub(crate) fn enter(uri: &Uri) -> Response<Body> {
    let mut answer = let_in(uri);
    if answer.status().is_success() {
        *answer.status_mut() = StatusCode::FOUND;
        let place = HeaderValue::from_static("/shs/");
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer
}

/// A gate that leads on to the same History Server by another host's name, token and all.
pub(crate) fn lead_on(state: &Shared, uri: &Uri) -> Response<Body> {
    let address = lock(state).address.replace("127.0.0.1", "localhost");
    let query = uri.query().unwrap_or_default();
    Response::builder()
        .status(StatusCode::FOUND)
        .header(header::LOCATION, format!("{address}/shs/?{query}"))
        .body(Body::empty())
        .expect("an answer")
}

/// Trades the token of an address for a cookie.
pub(crate) fn let_in(uri: &Uri) -> Response<Body> {
    let token = values(uri, "authToken").pop().unwrap_or_default();
    let Some(session) = token.strip_prefix(&format!("{SECRET}.")) else {
        return plain(
            StatusCode::FORBIDDEN,
            "This request is not valid. Please generate a new URL.",
        );
    };
    let cookie = format!("session={SECRET}-{session}; Path=/; HttpOnly");
    Response::builder()
        .header(header::SET_COOKIE, cookie)
        .body(Body::from("History Server"))
        .expect("an answer")
}

/// The list of applications of a History Server, for who has a session.
pub(crate) fn applications(state: &Shared, headers: &HeaderMap) -> Response<Body> {
    let cookie = headers
        .get(header::COOKIE)
        .map(|cookie| cookie.to_str().unwrap_or_default());
    let session = cookie.and_then(|cookie| cookie.strip_prefix(&format!("session={SECRET}-")));
    let Some((number, job_run_id)) = session.and_then(|session| session.split_once('.')) else {
        return plain(StatusCode::UNAUTHORIZED, "no session");
    };
    let number: usize = number.parse().expect("a session of ours");
    let mut state = lock(state);
    let requests = state.requests.entry(number).or_default();
    *requests += 1;
    let requests = *requests;
    if state.session_lasts.is_some_and(|lasts| requests > lasts) {
        return plain(StatusCode::UNAUTHORIZED, "the session has expired");
    }
    let served = state.served.get(job_run_id).cloned();
    answer(&served.unwrap_or_else(|| json!([])))
}

/// The archive of an application's event logs, for who has a session.
pub(crate) fn archive(state: &Shared, headers: &HeaderMap, id: &str) -> Response<Body> {
    let allowed = applications(state, headers);
    if !allowed.status().is_success() {
        return allowed;
    }
    match lock(state).archives.get(id) {
        Some(zip) => Response::builder()
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(Body::from(zip.clone()))
            .expect("an answer"),
        None => plain(StatusCode::NOT_FOUND, "unknown app"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(text))
        .expect("an answer")
}

/// An application as a History Server lists it.
pub(crate) fn listed(id: &str, end: Option<&str>) -> Value {
    json!([{
        "id": id,
        "name": "listed",
        "attempts": [{
            "startTime": "2026-11-20T01:00:00.000GMT",
            "endTime": end.unwrap_or("1969-12-31T23:59:59.999GMT"),
            "lastUpdated": "2026-11-20T02:00:01.000GMT",
            "duration": 0,
            "sparkUser": "hadoop",
            "completed": end.is_some(),
            "appSparkVersion": "3.5.4",
        }],
    }])
}
