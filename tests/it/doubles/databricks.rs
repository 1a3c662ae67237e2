//! A Databricks workspace and its data plane: clusters, events, job runs, files, tokens.
//!
//! Answers have the real shapes: fields that are not known are left out, the last page has no token
//! or an empty one, and no more than the interface's own limits are given at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use url::Url;

/// Elements of one page of every list, so that short lists have several pages.
const PAGE: usize = 2;
const MEBIBYTE: usize = 1 << 20;

pub(crate) const TOKEN: &str = "dapi00000000000000000000000000000001";
pub(crate) const CLIENT_ID: &str = "7f3c-client";
pub(crate) const CLIENT_SECRET: &str = "dose-very-secret";
pub(crate) const COOKIE: &str = "browser-session-secret";

/// A workspace.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub clusters: Vec<Value>,
    /// By cluster, oldest first.
    pub events: HashMap<String, Vec<Value>>,
    /// Newest first.
    pub runs: Vec<Value>,
    /// Content by absolute path; below `/Volumes` the files of volumes, the rest those of DBFS.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Paths that answer with a refusal: status and body.
    pub refusals: HashMap<&'static str, (u16, String)>,
    /// Requests that one token of a service principal is good for.
    pub requests_per_token: usize,
    /// Answers of the data plane, by the path below `/sparkui`.
    pub spark_ui: HashMap<String, Value>,
    pub seen: Seen,
}

/// What was asked.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Method, path and query of all requests.
    pub requests: Vec<String>,
    pub tokens_given: usize,
    uses_of_token: usize,
    loading_answers: usize,
}

type Shared = Arc<Mutex<Workspace>>;

/// A workspace that is served until the test ends.
pub(crate) struct Served {
    pub url: Url,
    workspace: Shared,
}

impl Served {
    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace
            .lock()
            .expect("no test panics while it holds this")
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        let workspace = self.workspace();
        let requests = workspace.seen.requests.iter();
        requests.filter(|request| request.contains(path)).count()
    }
}

impl Workspace {
    pub(crate) async fn serve(self) -> Served {
        let workspace = Arc::new(Mutex::new(self));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&workspace));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = Url::parse(&format!("http://{address}/")).expect("a URL");
        Served { url, workspace }
    }
}

async fn answer(
    State(workspace): State<Shared>,
    method: Method,
    uri: Uri,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut workspace = workspace.lock().expect("no handler panics");
    workspace.seen.requests.push(format!("{method} {uri}"));
    let path = uri.path();
    if path == "/oidc/v1/token" {
        return token(&mut workspace, &headers, &body);
    }
    if let Some(rest) = path.strip_prefix("/sparkui/") {
        return spark_ui(&mut workspace, rest, &headers);
    }
    if !is_known(&mut workspace, &headers) {
        let message = "Invalid access token.";
        return refuse(401, "UNAUTHENTICATED", message);
    }
    let refusal = workspace
        .refusals
        .iter()
        .find(|(part, _)| path.contains(*part));
    if let Some((_, (status, body))) = refusal {
        let status = StatusCode::from_u16(*status).expect("a status");
        let content_type = if body.starts_with('<') {
            "text/html"
        } else {
            "application/json"
        };
        return (status, [(header::CONTENT_TYPE, content_type)], body.clone()).into_response();
    }
    let value = |name: &str| {
        let found = query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    let values = |name: &str| -> BTreeSet<String> {
        let fitting = query.iter().filter(|(key, _)| key == name);
        fitting.map(|(_, value)| value.clone()).collect()
    };
    match path {
        "/api/2.0/preview/scim/v2/Me" => {
            axum::Json(json!({"userName": "ann@example.com"})).into_response()
        }
        "/api/2.1/clusters/list" => {
            let states = values("filter_by.cluster_states");
            let sources = values("filter_by.cluster_sources");
            let is_in = |wanted: &BTreeSet<String>, value: &Value| {
                wanted.is_empty() || value.as_str().is_some_and(|value| wanted.contains(value))
            };
            let found: Vec<Value> = workspace
                .clusters
                .iter()
                .filter(|c| is_in(&states, &c["state"]) && is_in(&sources, &c["cluster_source"]))
                .cloned()
                .collect();
            // No token at all on the last page.
            page("clusters", &found, value("page_token"), None)
        }
        "/api/2.1/clusters/get" => {
            let id = value("cluster_id").unwrap_or_default();
            let found = workspace
                .clusters
                .iter()
                .find(|c| c["cluster_id"] == id.as_str());
            match found {
                Some(cluster) => axum::Json(cluster.clone()).into_response(),
                None => refuse(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    &format!("Cluster {id} does not exist"),
                ),
            }
        }
        "/api/2.1/clusters/events" => {
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            assert_eq!(asked["order"], "ASC");
            let id = asked["cluster_id"].as_str().unwrap_or_default().to_owned();
            let events = workspace.events.get(&id).cloned().unwrap_or_default();
            let token = asked["page_token"].as_str().map(str::to_owned);
            page("events", &events, token, None)
        }
        "/api/2.2/jobs/runs/list" => {
            let limit = value("limit")
                .and_then(|limit| limit.parse().ok())
                .unwrap_or(20);
            if !(1..=25).contains(&limit) {
                return refuse(400, "INVALID_PARAMETER_VALUE", "limit must be at most 25");
            }
            assert_eq!(value("expand_tasks").as_deref(), Some("true"));
            // An empty token on the last page.
            page("runs", &workspace.runs, value("page_token"), Some(""))
        }
        "/api/2.0/dbfs/list" => dbfs_list(&workspace, &value("path").unwrap_or_default()),
        "/api/2.0/dbfs/read" => {
            let number = |name| value(name).and_then(|number| number.parse::<usize>().ok());
            let path = value("path").unwrap_or_default();
            dbfs_read(&workspace, &path, number("offset"), number("length"))
        }
        _ => match path.strip_prefix("/api/2.0/fs/") {
            Some(rest) => files(&workspace, rest, value("page_token")),
            None => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
        },
    }
}

fn refuse(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (
        status,
        axum::Json(json!({"error_code": code, "message": message})),
    )
        .into_response()
}

/// A page of a list; tokens are offsets.
fn page(field: &str, all: &[Value], token: Option<String>, last_token: Option<&str>) -> Response {
    let from = match token.as_deref().map(str::parse::<usize>) {
        None => 0,
        Some(Ok(from)) => from,
        Some(Err(_)) => return refuse(400, "INVALID_PARAMETER_VALUE", "bad page_token"),
    };
    let elements: Vec<Value> = all.iter().skip(from).take(PAGE).cloned().collect();
    let mut page = serde_json::Map::new();
    // An empty list is left out, as the interface does.
    if !elements.is_empty() {
        page.insert(field.to_owned(), elements.into());
    }
    let next = from + PAGE;
    let next_token = match next < all.len() {
        true => Some(next.to_string()),
        false => last_token.map(str::to_owned),
    };
    if let Some(token) = next_token {
        page.insert("next_page_token".to_owned(), token.into());
    }
    axum::Json(Value::Object(page)).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// Whether the caller has a good token. Tokens of service principals wear out.
fn is_known(workspace: &mut Workspace, headers: &HeaderMap) -> bool {
    let Some(token) = bearer(headers) else {
        return false;
    };
    if token == TOKEN {
        return true;
    }
    let current = format!("oauth-token-secret-{}", workspace.seen.tokens_given);
    let is_good = workspace.seen.tokens_given > 0
        && token == current
        && workspace.seen.uses_of_token < workspace.requests_per_token;
    workspace.seen.uses_of_token += 1;
    is_good
}

fn token(workspace: &mut Workspace, headers: &HeaderMap, body: &Bytes) -> Response {
    let expected = format!(
        "Basic {}",
        BASE64.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"))
    );
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    let has = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if given != Some(expected.as_str()) {
        let problem =
            json!({"error": "invalid_client", "error_description": "Client authentication failed"});
        return (StatusCode::UNAUTHORIZED, axum::Json(problem)).into_response();
    }
    assert!(
        has("grant_type", "client_credentials") && has("scope", "all-apis"),
        "{form:?}"
    );
    workspace.seen.tokens_given += 1;
    workspace.seen.uses_of_token = 0;
    let token = format!("oauth-token-secret-{}", workspace.seen.tokens_given);
    axum::Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
        .into_response()
}

/// Paths and sizes of files, and paths of folders.
type Listing = (Vec<(String, usize)>, BTreeSet<String>);

/// Files and folders right below a folder; `None` where there is no such folder.
fn below(workspace: &Workspace, folder: &str) -> Option<Listing> {
    let prefix = format!("{}/", folder.trim_end_matches('/'));
    let mut files = Vec::new();
    let mut folders = BTreeSet::new();
    for (path, content) in &workspace.files {
        let Some(rest) = path.strip_prefix(&prefix) else {
            continue;
        };
        match rest.split_once('/') {
            Some((name, _)) => drop(folders.insert(format!("{prefix}{name}"))),
            None => files.push((path.clone(), content.len())),
        }
    }
    (!files.is_empty() || !folders.is_empty()).then_some((files, folders))
}

const MODIFIED: i64 = 1_795_195_000_000;

fn dbfs_list(workspace: &Workspace, path: &str) -> Response {
    if let Some(content) = workspace.files.get(path) {
        let file = json!({"path": path, "is_dir": false, "file_size": content.len(), "modification_time": MODIFIED});
        return axum::Json(json!({"files": [file]})).into_response();
    }
    let Some((files, folders)) = below(workspace, path) else {
        let message = format!("No file or directory exists on path {path}.");
        return refuse(404, "RESOURCE_DOES_NOT_EXIST", &message);
    };
    let folders = folders
        .into_iter()
        .map(|path| json!({"path": path, "is_dir": true, "file_size": 0, "modification_time": 0}));
    let files = files.into_iter().map(|(path, size)| {
        json!({"path": path, "is_dir": false, "file_size": size, "modification_time": MODIFIED})
    });
    let all: Vec<Value> = folders.chain(files).collect();
    axum::Json(json!({"files": all})).into_response()
}

fn dbfs_read(
    workspace: &Workspace,
    path: &str,
    offset: Option<usize>,
    length: Option<usize>,
) -> Response {
    let Some(content) = workspace.files.get(path) else {
        return refuse(404, "RESOURCE_DOES_NOT_EXIST", "no such file");
    };
    let length = length.unwrap_or(MEBIBYTE / 2);
    if length > MEBIBYTE {
        return refuse(400, "MAX_READ_SIZE_EXCEEDED", "at most 1 MB");
    }
    let from = offset.unwrap_or(0).min(content.len());
    let part = &content[from..(from + length).min(content.len())];
    axum::Json(json!({"bytes_read": part.len(), "data": BASE64.encode(part)})).into_response()
}

/// The Files interface: folders in pages, files whole.
fn files(workspace: &Workspace, rest: &str, token: Option<String>) -> Response {
    let decoded = |path: &str| {
        let url = Url::parse(&format!("http://h/{path}")).expect("a path");
        let parts = url.path_segments().into_iter().flatten();
        let parts: Vec<String> = parts
            .map(|part| {
                let pair = format!("x={}", part.replace('+', "%2B"));
                let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
                decoded
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default()
            })
            .collect();
        format!("/{}", parts.join("/"))
    };
    if let Some(path) = rest.strip_prefix("files/") {
        return match workspace.files.get(&decoded(path)) {
            Some(content) => {
                let content_type = [(header::CONTENT_TYPE, "application/octet-stream")];
                (content_type, Body::from(content.clone())).into_response()
            }
            None => refuse(404, "NOT_FOUND", "The file being accessed is not found."),
        };
    }
    let Some(path) = rest.strip_prefix("directories/").map(decoded) else {
        return refuse(404, "ENDPOINT_NOT_FOUND", "No API found");
    };
    let Some((files, folders)) = below(workspace, &path) else {
        return refuse(
            404,
            "NOT_FOUND",
            "The directory being accessed is not found.",
        );
    };
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let folders = folders
        .into_iter()
        .map(|path| json!({"path": format!("{path}/"), "is_directory": true, "name": name(&path)}));
    let files = files.into_iter().map(|(path, size)| {
        json!({"path": path, "is_directory": false, "file_size": size,
            "last_modified": MODIFIED, "name": name(&path)})
    });
    let all: Vec<Value> = folders.chain(files).collect();
    page("contents", &all, token, None)
}

/// The data plane: a cookie, and a history that takes a moment to load.
fn spark_ui(workspace: &mut Workspace, rest: &str, headers: &HeaderMap) -> Response {
    let expected = format!("DATAPLANE_DOMAIN_DBAUTH={COOKIE}");
    let cookie = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    if !cookie.is_some_and(|cookie| cookie.contains(&expected)) {
        let page = "<html><head><title>Sign In</title></head><input type=\"password\"></html>";
        return ([(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    if workspace.seen.loading_answers < 2 {
        workspace.seen.loading_answers += 1;
        let page = "<html><body>Loading historical Spark UI</body></html>";
        return ([(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    match workspace.spark_ui.get(rest) {
        Some(value) => axum::Json(value.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, "no such app").into_response(),
    }
}
