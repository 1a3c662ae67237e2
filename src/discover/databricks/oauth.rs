//! Logging in as a service principal: OAuth machine-to-machine.

use std::fs;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use url::Url;

use super::refusal;
use crate::http::{Auth, ClientSettings, Login, LoginError, Secret, Session};

/// Where a workspace gives tokens.
const TOKEN_PATH: &str = "oidc/v1/token";
/// Attempts to get a token.
const ATTEMPTS: u32 = 3;

/// Gets tokens of a service principal. They are good for an hour; the client asks for the next one
/// when the workspace refuses the last.
#[derive(Debug)]
pub(super) struct MachineLogin {
    client_id: String,
    client_secret: Secret,
    settings: ClientSettings,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl MachineLogin {
    pub(super) fn new(client_id: &str, client_secret: &Secret, settings: &ClientSettings) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
            settings: settings.clone(),
        }
    }

    fn token_url(&self) -> Result<Url, LoginError> {
        self.settings.base.join(TOKEN_PATH).map_err(|error| {
            failure(
                "OAUTH_BAD_URL",
                format!("the workspace URL is none: {error}"),
                false,
            )
        })
    }

    fn http(&self) -> Result<reqwest::Client, LoginError> {
        let unusable = |message: String| failure("OAUTH_BAD_SETTINGS", message, false);
        let settings = &self.settings.http;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            // A secret follows no redirect.
            .redirect(reqwest::redirect::Policy::none());
        if settings.accept_invalid_certificates {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(file) = &settings.ca_file {
            let pem =
                fs::read(file).map_err(|error| unusable(format!("{}: {error}", file.display())))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| unusable(format!("{}: {error}", file.display())))?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map_err(|error| unusable(error.to_string()))
    }

    async fn ask(&self, http: &reqwest::Client, url: &Url) -> Result<Session, LoginError> {
        let unreachable = |error: reqwest::Error| {
            let code = if error.is_timeout() {
                "TIMEOUT"
            } else {
                "CONNECTION_ERROR"
            };
            // The URL holds no secret, but what follows a redirect might.
            let message = format!("{url} could not be reached: {}", error.without_url());
            failure(code, message, true)
        };
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        let answer = http
            .post(url.clone())
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .form(&form)
            .send()
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        let text = answer.text().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(url, status.as_u16(), &text));
        }
        // What came instead is not shown: it may hold a token.
        let token: Token = serde_json::from_str(&text).map_err(|_| {
            let message = format!("{url} answered something that is no token; is it a workspace?");
            failure("OAUTH_NO_TOKEN", message, false)
        })?;
        Ok(Session {
            auth: Some(Auth::Bearer(Secret::new(token.access_token))),
            ..Session::default()
        })
    }
}

#[async_trait]
impl Login for MachineLogin {
    async fn log_in(&self) -> Result<Session, LoginError> {
        let http = self.http()?;
        let url = self.token_url()?;
        let mut delay = self.settings.http.first_delay;
        let mut attempt = 1;
        loop {
            match self.ask(&http, &url).await {
                Err(error) if error.retryable && attempt < ATTEMPTS => {
                    tokio::time::sleep(delay).await;
                    delay = next_delay(delay, self.settings.http.max_delay);
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

fn next_delay(delay: Duration, most: Duration) -> Duration {
    delay.saturating_mul(2).min(most)
}

fn refused(url: &Url, status: u16, text: &str) -> LoginError {
    let retryable = matches!(status, 408 | 429 | 500..=599);
    let code = refusal::error_code(text).unwrap_or_else(|| format!("HTTP_{status}"));
    let cure = match status {
        400 | 401 | 403 => {
            "check the client id and the OAuth secret of the service principal (secrets expire), \
             and that it is added to the workspace"
        }
        404 => "check that the workspace URL is that of a workspace",
        _ => "try again later",
    };
    let said = crate::redact::strict(&refusal::message(text));
    let message = format!("{url} answered {status}: {said}; {cure}");
    failure(
        &format!("OAUTH_{}", code.to_ascii_uppercase()),
        message,
        retryable,
    )
}

fn failure(code: &str, message: String, retryable: bool) -> LoginError {
    LoginError {
        code: code.to_owned(),
        message,
        retryable,
    }
}
