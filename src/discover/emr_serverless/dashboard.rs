//! The server behind a job run's dashboard: Spark's own UI while it runs, a History Server
//! afterwards.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use url::Url;

use super::super::DiscoverError;
use super::super::aws::call_error;
use super::super::job_runs::empty_answer;
use crate::http::{self, ClientSettings, HttpSettings, Login, LoginError, Secret, Session};

pub(super) const GET_DASHBOARD: &str = "emr-serverless:GetDashboardForJobRun";

/// The host of a History Server of AWS: `p-….emrappui-prod.<region>.amazonaws.com`.
const HISTORY_SERVER: &str = ".emrappui-prod.";

/// The dashboard of an attempt of a job run. Its address holds a token and is valid for an hour, so
/// each session asks for a new one.
pub(super) struct Dashboard {
    pub client: aws_sdk_emrserverless::Client,
    pub application_id: String,
    pub job_run_id: String,
    /// The last one by default.
    pub attempt: Option<i32>,
    /// What the attempt is called in messages.
    pub uri: String,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dashboard")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl Dashboard {
    /// Asks for the address, and makes a client whose sessions are made from it.
    ///
    /// # Errors
    /// When AWS gives no address.
    pub(super) async fn connect(self, http: &HttpSettings) -> Result<http::Client, DiscoverError> {
        let address = self.address().await?;
        let uri = self.uri.clone();
        let mut settings = ClientSettings::with(base(&address), http.clone());
        settings.login = Some(Arc::new(DashboardLogin {
            dashboard: self,
            unused: Mutex::new(Some(address)),
        }));
        http::Client::new(settings).map_err(|source| DiscoverError::Http { uri, source })
    }

    /// An address that opens the dashboard. A secret.
    pub(super) async fn address(&self) -> Result<Url, DiscoverError> {
        let answer = self
            .client
            .get_dashboard_for_job_run()
            .application_id(&self.application_id)
            .job_run_id(&self.job_run_id)
            .set_attempt(self.attempt)
            .send()
            .await
            .map_err(|error| call_error(&self.uri, GET_DASHBOARD, &error))?;
        let address = answer.url.and_then(|url| Url::parse(&url).ok());
        address
            .filter(Url::has_host)
            .ok_or_else(|| empty_answer(&self.uri, GET_DASHBOARD))
    }
}

/// The folder that holds `api/v1` on the server that a dashboard's address led to.
///
/// It is the job run's own host while the run goes on, and a History Server afterwards, which the
/// address may redirect to.
fn base(visited: &Url) -> Url {
    let is_history_server = visited
        .host_str()
        .is_some_and(|host| host.contains(HISTORY_SERVER))
        || visited.path_segments().and_then(|mut parts| parts.next()) == Some("shs");
    let mut base = visited.clone();
    base.set_path(if is_history_server { "/shs/" } else { "/" });
    base.set_query(None);
    base.set_fragment(None);
    base
}

/// Makes sessions of a dashboard.
struct DashboardLogin {
    dashboard: Dashboard,
    /// The address that was asked for first.
    unused: Mutex<Option<Url>>,
}

impl fmt::Debug for DashboardLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dashboard.fmt(formatter)
    }
}

#[async_trait]
impl Login for DashboardLogin {
    async fn log_in(&self) -> Result<Session, LoginError> {
        let unused = {
            let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
            unused.take()
        };
        let address = match unused {
            Some(address) => address,
            None => self.dashboard.address().await.map_err(login_error)?,
        };
        Ok(Session {
            base: None,
            visit: Some(Secret::new(address)),
            auth: None,
        })
    }

    fn base_after(&self, visited: &Url) -> Option<Url> {
        Some(base(visited))
    }
}

fn login_error(error: DiscoverError) -> LoginError {
    LoginError {
        code: error.code(),
        message: error.to_string(),
        retryable: error.is_retryable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_where_the_address_led_to() {
        for (visited, expected) in [
            (
                "https://j-1.dashboard.emr-serverless.eu-west-1.amazonaws.com/jobs/?authToken=secret",
                "https://j-1.dashboard.emr-serverless.eu-west-1.amazonaws.com/",
            ),
            (
                "https://p-1-2.emrappui-prod.eu-west-1.amazonaws.com/shs/history/1/jobs/",
                "https://p-1-2.emrappui-prod.eu-west-1.amazonaws.com/shs/",
            ),
            (
                "https://p-1-2.emrappui-prod.eu-west-1.amazonaws.com/?Token=secret#top",
                "https://p-1-2.emrappui-prod.eu-west-1.amazonaws.com/shs/",
            ),
            ("http://127.0.0.1:8080/shs/", "http://127.0.0.1:8080/shs/"),
        ] {
            assert_eq!(base(&Url::parse(visited).unwrap()).as_str(), expected);
        }
    }
}
