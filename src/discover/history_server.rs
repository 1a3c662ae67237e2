//! Finds the applications of a History Server, or of a live driver, which answers the same
//! interface.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::cluster::{Check, CheckOutcome};
use super::history::{Content, Discovery, History};
use super::problem::DiscoverError;
use super::server::ServerApplication;
use super::window::Window;
use crate::http::{Client, ClientSettings, HttpError};
use crate::model::{Platform, ServerAccess};

/// The folder of Spark's interface below a server's base.
const API: &str = "api/v1";
/// A kind of request, for the client's cap of failures and for messages.
const APPLICATIONS: &str = "applications";
const VERSION: &str = "version";

/// A History Server.
#[derive(Debug, Clone)]
pub struct HistoryServerSource {
    /// Where it is and how it is talked to. The base is the folder that holds `api/v1`.
    pub client: ClientSettings,
    /// What to call the cluster that its applications ran on; by default the server's host.
    pub name: Option<String>,
    /// How histories are read.
    pub access: ServerAccess,
    /// The only application that is wanted, by its id; all when `None`.
    pub application_id: Option<String>,
}

impl HistoryServerSource {
    /// A server at `base`, with all defaults.
    pub fn new(base: Url) -> Self {
        Self {
            client: ClientSettings::new(base),
            name: None,
            access: ServerAccess::default(),
            application_id: None,
        }
    }

    /// The address in messages and rows: no user, no password, no query.
    pub fn address(&self) -> String {
        public_address(&self.client.base)
    }

    fn place(&self) -> ServerPlace {
        let host = self.client.base.host_str().unwrap_or("history_server");
        let name = self.name.clone().unwrap_or_else(|| host.to_owned());
        ServerPlace {
            platform: Platform::HistoryServer,
            cluster_id: name.clone(),
            cluster_name: name,
            uri_prefix: format!("{}{API}", self.address()),
        }
    }

    fn client(&self) -> Result<Arc<Client>, DiscoverError> {
        let client = Client::new(self.client.clone()).map_err(|source| DiscoverError::Http {
            uri: self.address(),
            source,
        })?;
        Ok(Arc::new(client))
    }
}

/// Where a server belongs: what the histories of its applications are called.
#[derive(Debug, Clone)]
pub struct ServerPlace {
    /// The platform.
    pub platform: Platform,
    /// The cluster that the applications ran on.
    pub cluster_id: String,
    /// Its name.
    pub cluster_name: String,
    /// What stands before `/applications/<id>[/<attempt>]` in the histories' URIs: the server's
    /// address with `api/v1`, or a name that stays where the address does not. Holds no secret.
    pub uri_prefix: String,
}

/// Finds the applications of a History Server.
///
/// Attempts that ended are wanted by their end, those that run by their start and only with
/// `include_running`. At most `max_applications` applications are given, the newest first.
///
/// # Errors
/// When the server cannot be asked.
pub async fn discover(
    source: &HistoryServerSource,
    window: &Window,
    include_running: bool,
    max_applications: Option<usize>,
) -> Result<Discovery, DiscoverError> {
    let client = source.client()?;
    let place = source.place();
    let mut histories =
        applications(&client, &place, window, include_running, max_applications).await?;
    if let Some(wanted) = &source.application_id {
        histories.retain(|history| match &history.content {
            Content::Server(application) => application.application_id == *wanted,
            Content::Log(_) => false,
        });
    }
    for history in &mut histories {
        if let Content::Server(application) = &mut history.content
            && application.access == ServerAccess::default()
        {
            application.access = source.access;
        }
    }
    histories.sort_by(|left, right| left.uri().cmp(right.uri()));
    Ok(Discovery {
        histories,
        problems: Vec::new(),
    })
}

/// Lists the applications that the server behind `client` lists, one history an attempt, newest
/// application first.
///
/// Completed attempts always, running ones with `include_running`. An attempt that never ended but
/// has a later one is over, and is given as completed ones are. Histories are read as raw logs where
/// the server gives them, else over REST; those of a live driver, which has no log to give, over REST
/// only. Callers may set [`ServerApplication::access`] otherwise.
///
/// # Errors
/// When the server cannot be asked.
pub async fn applications(
    client: &Arc<Client>,
    place: &ServerPlace,
    window: &Window,
    include_running: bool,
    max_applications: Option<usize>,
) -> Result<Vec<History>, DiscoverError> {
    let completed = list(client, place, &completed_query(window, max_applications)).await?;
    // Also without `include_running`: the first attempt of a running application may have ended.
    let running = list(client, place, &[("status", "running".to_owned())]).await?;
    let is_live_driver = completed.is_empty() && is_live_driver(&running);
    let access = if is_live_driver {
        ServerAccess::RestOnly
    } else {
        ServerAccess::default()
    };
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for application in completed.into_iter().chain(running) {
        if seen.insert(application.id.clone()) {
            found.extend(wanted_attempts(application, window, include_running));
        }
    }
    found.sort_by(|(left_app, left), (right_app, right)| {
        right
            .time()
            .cmp(&left.time())
            .then_with(|| left_app.0.cmp(&right_app.0))
    });
    let found = newest(found, max_applications);
    Ok(found
        .into_iter()
        .map(|(application, mut attempt)| {
            if is_live_driver {
                // A driver repeats the start here; what it tells is as new as the question.
                attempt.last_updated = Some(Utc::now());
            }
            history(client, place, access, &application, attempt)
        })
        .collect())
}

/// Tries the way to the server and the list of its applications.
pub async fn check(source: &HistoryServerSource) -> Vec<Check> {
    let client = match source.client() {
        Ok(client) => client,
        Err(error) => {
            return vec![failed(
                format!("history server {}", source.address()),
                &error,
            )];
        }
    };
    let place = source.place();
    let version = client
        .get_json::<VersionAnswer>(VERSION, &format!("{API}/{VERSION}"), &[])
        .await;
    let version = Check {
        subject: format!("GET {}/{VERSION}", place.uri_prefix),
        outcome: match version {
            Ok(answer) => CheckOutcome::Passed(format!("Spark {}", answer.spark)),
            Err(error) => failure(&error.to_string()),
        },
    };
    let query = [("limit", "1".to_owned())];
    let listed = Check {
        subject: format!("GET {}/{APPLICATIONS}", place.uri_prefix),
        outcome: match list(&client, &place, &query).await {
            Ok(found) if found.is_empty() => CheckOutcome::Passed("no application yet".to_owned()),
            Ok(_) => CheckOutcome::Passed("applications are listed".to_owned()),
            Err(error) => failure(&error.to_string()),
        },
    };
    vec![version, listed]
}

fn failed(subject: String, error: &DiscoverError) -> Check {
    Check {
        subject,
        outcome: failure(&error.to_string()),
    }
}

/// Error texts of requests end with their cure.
fn failure(text: &str) -> CheckOutcome {
    let (problem, cure) = text.rsplit_once("; ").unwrap_or((text, ""));
    CheckOutcome::Failed {
        problem: problem.to_owned(),
        cure: cure.to_owned(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VersionAnswer {
    spark: String,
}

/// An application as it is listed. Everything but its id may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    id: String,
    name: String,
    /// Newest first.
    attempts: Vec<ListedAttempt>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListedAttempt {
    attempt_id: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    last_updated: Option<String>,
    completed: bool,
    start_time_epoch: Option<i64>,
    end_time_epoch: Option<i64>,
    last_updated_epoch: Option<i64>,
}

/// An attempt that is wanted.
#[derive(Debug, Clone)]
struct Attempt {
    id: Option<String>,
    start_time: DateTime<Utc>,
    end_time: Option<DateTime<Utc>>,
    last_updated: Option<DateTime<Utc>>,
    completed: bool,
}

impl Attempt {
    /// What windows and ordering go by: its end, or its start while it runs.
    fn time(&self) -> DateTime<Utc> {
        self.end_time.unwrap_or(self.start_time)
    }
}

/// An application's id and name, which its attempts share.
type Named = Arc<(String, String)>;

fn completed_query(
    window: &Window,
    max_applications: Option<usize>,
) -> Vec<(&'static str, String)> {
    let mut query = vec![("status", "completed".to_owned())];
    if let Some(since) = window.since {
        query.push(("minEndDate", date(since)));
    }
    if let Some(until) = window.until {
        query.push(("maxEndDate", date(until)));
    }
    // The server lists the newest end first.
    if let Some(limit) = max_applications {
        query.push(("limit", limit.to_string()));
    }
    query
}

/// A time as the interface takes it.
fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fGMT").to_string()
}

async fn list(
    client: &Client,
    place: &ServerPlace,
    query: &[(&str, String)],
) -> Result<Vec<Listed>, DiscoverError> {
    let path = format!("{API}/{APPLICATIONS}");
    let listed: Vec<Value> = client
        .get_json(APPLICATIONS, &path, query)
        .await
        .map_err(|source| unreachable_server(place, source))?;
    // An element that makes no sense does not hide the others.
    let known = listed
        .into_iter()
        .filter_map(|element| serde_json::from_value::<Listed>(element).ok())
        .filter(|application| !application.id.is_empty());
    Ok(known.collect())
}

fn unreachable_server(place: &ServerPlace, source: HttpError) -> DiscoverError {
    DiscoverError::Http {
        uri: format!("{}/{APPLICATIONS}", place.uri_prefix),
        source,
    }
}

/// Whether this is the whole list of a driver: its own application, never updated since its start.
fn is_live_driver(running: &[Listed]) -> bool {
    let [only] = running else {
        return false;
    };
    let [attempt] = only.attempts.as_slice() else {
        return false;
    };
    let start = time(attempt.start_time_epoch, attempt.start_time.as_deref());
    let updated = time(attempt.last_updated_epoch, attempt.last_updated.as_deref());
    !attempt.completed && start.is_some() && start == updated
}

/// The attempts of an application that are wanted.
fn wanted_attempts(
    application: Listed,
    window: &Window,
    include_running: bool,
) -> Vec<(Named, Attempt)> {
    let named = Arc::new((application.id, application.name));
    let mut later_start: Option<DateTime<Utc>> = None;
    let mut wanted = Vec::new();
    for listed in application.attempts {
        let Some(start_time) = time(listed.start_time_epoch, listed.start_time.as_deref()) else {
            continue;
        };
        let is_superseded = later_start.is_some();
        let attempt = Attempt {
            id: listed.attempt_id,
            start_time,
            end_time: time(listed.end_time_epoch, listed.end_time.as_deref())
                .filter(|_| listed.completed),
            last_updated: time(listed.last_updated_epoch, listed.last_updated.as_deref()),
            completed: listed.completed,
        };
        // One that never said its end was over when the next began.
        let counted_at = later_start.filter(|_| !attempt.completed);
        let is_wanted = attempt.completed || is_superseded || include_running;
        if is_wanted && window.contains(counted_at.unwrap_or(attempt.time())) {
            wanted.push((Arc::clone(&named), attempt));
        }
        later_start = Some(start_time);
    }
    wanted
}

/// A time by its epoch milliseconds, or by its text in old servers; -1 means none.
fn time(epoch_ms: Option<i64>, text: Option<&str>) -> Option<DateTime<Utc>> {
    let parsed = || {
        let text = text?.strip_suffix("GMT")?;
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        Some(time.and_utc())
    };
    epoch_ms
        .and_then(DateTime::from_timestamp_millis)
        .or_else(parsed)
        .filter(|time| time.timestamp_millis() > 0)
}

/// The attempts of the first `max_applications` applications.
fn newest(
    attempts: Vec<(Named, Attempt)>,
    max_applications: Option<usize>,
) -> Vec<(Named, Attempt)> {
    let Some(limit) = max_applications else {
        return attempts;
    };
    let mut ids: HashSet<String> = HashSet::new();
    attempts
        .into_iter()
        .filter(|(application, _)| {
            ids.contains(&application.0) || (ids.len() < limit && ids.insert(application.0.clone()))
        })
        .collect()
}

fn history(
    client: &Arc<Client>,
    place: &ServerPlace,
    access: ServerAccess,
    application: &Named,
    attempt: Attempt,
) -> History {
    let (id, name) = application.as_ref();
    let mut server_application = ServerApplication {
        uri: String::new(),
        client: Arc::clone(client),
        application_id: id.clone(),
        attempt_id: attempt.id,
        name: name.clone(),
        start_time: attempt.start_time,
        end_time: attempt.end_time,
        last_updated: attempt
            .last_updated
            .or(attempt.end_time)
            .unwrap_or(attempt.start_time),
        completed: attempt.completed,
        access,
    };
    server_application.uri = format!("{}/{}", place.uri_prefix, server_application.path());
    History {
        platform: place.platform,
        cluster_id: place.cluster_id.clone(),
        cluster_name: place.cluster_name.clone(),
        content: Content::Server(server_application),
        job_run: None,
        process_logs: Vec::new(),
    }
}

/// An address without user, password, query and fragment, ending with `/`.
fn public_address(base: &Url) -> String {
    let mut base = base.clone();
    // These fail only for addresses that cannot have a user.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    base.set_query(None);
    base.set_fragment(None);
    let text = base.to_string();
    if text.ends_with('/') {
        text
    } else {
        format!("{text}/")
    }
}
