//! The persistent application UIs: one host for all, told apart by their sessions.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::body::Body;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::server::{World, json_answer, with_type};
use super::{Application, Cluster};

/// What a presigned address holds and nobody may repeat.
pub(super) const SIGNATURE: &str = "f00dfeedsignature";
const COOKIE_NAME: &str = "emr_session";

/// Who may enter, and who has entered.
#[derive(Default)]
pub(super) struct Sessions {
    /// Cluster of each presigned address that was not used yet.
    presigned: Mutex<HashMap<usize, String>>,
    /// Cluster of each session, and the requests that it has had.
    live: Mutex<HashMap<usize, (String, usize)>>,
    next: Mutex<usize>,
}

impl Sessions {
    /// An address that is good for one visit.
    pub(super) fn presigned(&self, server: &str, cluster: &str) -> String {
        let number = self.number();
        let mut presigned = self.presigned.lock().expect("not poisoned");
        presigned.insert(number, cluster.to_owned());
        format!("{server}/presigned/{number}?X-Amz-Signature={SIGNATURE}")
    }

    fn number(&self) -> usize {
        let mut next = self.next.lock().expect("not poisoned");
        *next += 1;
        *next
    }

    /// Makes a session of a presigned address.
    fn enter(&self, number: usize) -> Option<usize> {
        let mut presigned = self.presigned.lock().expect("not poisoned");
        let cluster = presigned.remove(&number)?;
        let session = self.number();
        let mut live = self.live.lock().expect("not poisoned");
        live.insert(session, (cluster, 0));
        Some(session)
    }

    /// The cluster of a session, unless it has had its requests.
    fn cluster(&self, session: usize, limit: Option<usize>) -> Option<String> {
        let mut live = self.live.lock().expect("not poisoned");
        let (cluster, requests) = live.get_mut(&session)?;
        *requests += 1;
        let is_over = limit.is_some_and(|limit| *requests > limit);
        (!is_over).then(|| cluster.clone())
    }
}

pub(super) fn answer(
    world: &World,
    path: &str,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Response {
    if let Some(number) = path.strip_prefix("/presigned/") {
        let session = number.parse().ok().and_then(|n| world.sessions.enter(n));
        return match session {
            Some(session) => redirect("/shs/", Some(session)),
            None => with_type(StatusCode::FORBIDDEN, "text/plain", "the address was used"),
        };
    }
    if path == "/login" {
        let page = "<html><title>Sign in</title></html>";
        return with_type(StatusCode::OK, "text/html", page);
    }
    let limit = world.account.session_requests;
    let cluster = session_of(headers)
        .and_then(|session| world.sessions.cluster(session, limit))
        .and_then(|id| world.cluster(&id));
    let Some(cluster) = cluster else {
        return redirect("/login", None);
    };
    match path.strip_prefix("/shs/").unwrap_or("?") {
        "" => with_type(StatusCode::OK, "text/html", "<html>History Server</html>"),
        "api/v1/version" => json_answer(&json!({"spark": "3.5.1"})),
        "api/v1/applications" => json_answer(&applications(cluster, query)),
        other => match other.strip_prefix("api/v1/applications/") {
            Some(path) => log(cluster, path),
            None => with_type(StatusCode::NOT_FOUND, "text/plain", "no such page"),
        },
    }
}

fn redirect(to: &str, session: Option<usize>) -> Response {
    let mut response = Response::builder()
        .status(StatusCode::FOUND)
        .header(LOCATION, to);
    if let Some(session) = session {
        let cookie = format!("{COOKIE_NAME}={session}; Path=/; HttpOnly");
        response = response.header(SET_COOKIE, cookie);
    }
    response.body(Body::empty()).expect("an answer")
}

fn session_of(headers: &HeaderMap) -> Option<usize> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let prefix = format!("{COOKIE_NAME}=");
    let own = cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix(prefix.as_str()))?;
    own.parse().ok()
}

/// As the History Server lists: the newest end first, filtered and limited by the query.
fn applications(cluster: &Cluster, query: &HashMap<String, String>) -> Value {
    let argument = |name: &str| query.get(name).map(String::as_str);
    let (after, before) = (
        argument("minEndDate").map(date),
        argument("maxEndDate").map(date),
    );
    let limit: Option<usize> = argument("limit").and_then(|limit| limit.parse().ok());
    let is_wanted = |application: &&Application| {
        let has_status = match argument("status") {
            Some("completed") => application.end.is_some(),
            Some("running") => application.end.is_none(),
            _ => true,
        };
        has_status
            && application.end.is_none_or(|end| {
                after.is_none_or(|after| end >= after) && before.is_none_or(|before| end <= before)
            })
    };
    let mut found: Vec<_> = cluster.applications.iter().filter(is_wanted).collect();
    found.sort_by_key(|application| std::cmp::Reverse(application.end));
    found.truncate(limit.unwrap_or(usize::MAX));
    found.into_iter().map(listed).collect()
}

fn date(text: &str) -> DateTime<Utc> {
    let text = text.trim_end_matches("GMT");
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .expect("a date")
        .and_utc()
}

fn listed(application: &Application) -> Value {
    let text = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S%.3fGMT").to_string();
    let (start, end) = (application.start, application.end);
    let end_ms = end.map_or(-1, |end| end.timestamp_millis());
    let mut attempt = json!({
        "startTime": text(start), "startTimeEpoch": start.timestamp_millis(),
        "endTime": end.map_or("1969-12-31T23:59:59.999GMT".to_owned(), text),
        "endTimeEpoch": end_ms,
        "lastUpdated": text(end.unwrap_or(start)),
        "lastUpdatedEpoch": end.unwrap_or(start).timestamp_millis(),
        "duration": end.map_or(0, |end| (end - start).num_milliseconds()),
        "sparkUser": "hadoop", "completed": end.is_some(), "appSparkVersion": "3.5.1"});
    if let Some(id) = &application.attempt_id {
        attempt["attemptId"] = json!(id);
    }
    json!({"id": application.id, "name": application.name, "attempts": [attempt]})
}

/// `<id>/logs` or `<id>/<attempt>/logs`.
fn log(cluster: &Cluster, path: &str) -> Response {
    let found = cluster.applications.iter().find(|application| {
        let expected = match &application.attempt_id {
            Some(attempt) => format!("{}/{attempt}/logs", application.id),
            None => format!("{}/logs", application.id),
        };
        path == expected
    });
    match found.and_then(|application| application.log.clone()) {
        Some(log) => with_type(StatusCode::OK, "application/octet-stream", log),
        None => with_type(StatusCode::NOT_FOUND, "text/plain", "no such log"),
    }
}
