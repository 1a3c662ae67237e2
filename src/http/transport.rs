//! The connections to a server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Certificate, Request, Response, redirect};

use super::error::HttpError;
use super::failure::{Timeouts, root_cause};
use super::settings::ClientSettings;

/// How often a connection without traffic is checked, so that firewalls do not forget it.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Sends requests and counts them.
#[derive(Debug)]
pub(super) struct Transport {
    client: reqwest::Client,
    pub(super) timeouts: Timeouts,
    sent: AtomicU64,
}

impl Transport {
    /// Connections as the settings want them.
    pub(super) fn new(settings: &ClientSettings) -> Result<Self, HttpError> {
        let certificates = match &settings.http.ca_file {
            Some(file) => read_certificates(file)?,
            None => Vec::new(),
        };
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("sparklake/", env!("CARGO_PKG_VERSION")))
                // Redirects are followed one by one, with a look at where they lead.
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(settings.http.connect_timeout)
                .read_timeout(settings.http.read_timeout)
                .tcp_keepalive(KEEP_ALIVE)
                .pool_max_idle_per_host(settings.http.concurrency.max(1))
                .tls_danger_accept_invalid_certs(settings.http.accept_invalid_certificates)
        };
        let mut built = builder().tls_certs_merge(certificates).build();
        if built.is_err() && settings.base.scheme() == "http" && settings.http.ca_file.is_none() {
            // A machine without certificate authorities, such as a small container, can still ask
            // servers without TLS.
            built = builder().tls_certs_only([]).build();
        }
        let client = built.map_err(|error| HttpError::Settings {
            message: format!(
                "connections cannot be set up: {}; check `ca_file`, and that this machine has \
                 certificate authorities (package ca-certificates)",
                root_cause(&error.without_url())
            ),
        })?;
        Ok(Self {
            client,
            timeouts: Timeouts {
                connect: settings.http.connect_timeout,
                read: settings.http.read_timeout,
            },
            sent: AtomicU64::new(0),
        })
    }

    /// For building requests.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends a request. Redirects are answers.
    pub(super) async fn send(&self, request: Request) -> reqwest::Result<Response> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.client.execute(request).await
    }

    /// Requests sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn read_certificates(file: &std::path::Path) -> Result<Vec<Certificate>, HttpError> {
    let fault = |what: String| HttpError::Settings {
        message: format!(
            "`ca_file` {}: {what}; give a file with certificates in PEM",
            file.display()
        ),
    };
    let bytes = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
    let certificates =
        Certificate::from_pem_bundle(&bytes).map_err(|error| fault(root_cause(&error)))?;
    if certificates.is_empty() {
        return Err(fault("it holds no certificate".to_owned()));
    }
    Ok(certificates)
}
