//! Mutual TLS between scheduler, executors and runs: each side shows a certificate of one authority, and
//! talks to nobody who does not.

use std::error::Error;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::path::Path;

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use super::ClusterError;
use super::client::causes;
use crate::config::{SchedulerAddress, TlsFiles};

/// What one side shows and whom it believes, as PEM.
#[derive(Clone)]
pub(super) struct Tls {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Vec<u8>,
}

impl Tls {
    /// Reads the files, and checks that they can be used together.
    ///
    /// # Errors
    /// A file cannot be read, is no PEM, or the key is not that of the certificate.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, ClusterError> {
        let tls = Self {
            certificate: pem(&files.certificate)?,
            key: pem(&files.key)?,
            authority: pem(&files.ca)?,
        };
        // What can be wrong with them is found where a client is made of them.
        let client = tls.http_client(reqwest::Client::builder());
        client.map_err(|problem| ClusterError::Tls {
            files: files.to_string(),
            problem,
        })?;
        Ok(tls)
    }

    /// For a server: whoever calls it has to show a certificate.
    pub(super) fn of_server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .client_ca_root(Certificate::from_pem(&self.authority))
    }

    /// For calls to a scheduler, whose certificate has to have its name or address.
    pub(super) fn of_client(&self, scheduler: &SchedulerAddress) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .domain_name(scheduler.bare_host())
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .ca_certificate(Certificate::from_pem(&self.authority))
    }

    /// A client for the scheduler's readiness.
    pub(super) fn http_client(
        &self,
        client: reqwest::ClientBuilder,
    ) -> Result<reqwest::Client, String> {
        let told = |error: reqwest::Error| causes(&error);
        let shown = [self.key.as_slice(), b"\n", &self.certificate].concat();
        let identity = reqwest::Identity::from_pem(&shown).map_err(told)?;
        let authorities = reqwest::Certificate::from_pem_bundle(&self.authority).map_err(told)?;
        if authorities.is_empty() {
            return Err("the file of the authority has no certificate".to_owned());
        }
        let client = client.identity(identity).tls_certs_only(authorities);
        client.https_only(true).build().map_err(told)
    }
}

/// What TLS itself says in an error, if anything: trying again does not help.
pub(super) fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(wrapped) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            // Its own source is that of what it wraps.
            cause = Some(wrapped);
            continue;
        }
        match error.downcast_ref::<rustls::Error>() {
            Some(
                told @ (rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)),
            ) => {
                return Some(told.to_string());
            }
            _ => cause = error.source(),
        }
    }
    None
}

/// What went wrong on the way to a scheduler. One that does not accept a certificate closes the connection,
/// and this side may see no more than that.
pub(super) fn on_the_way(problem: String, tls: Option<&Tls>) -> String {
    match tls {
        Some(_) => {
            format!(
                "{problem}; if it runs, its --tls-ca may not have signed the certificate shown here"
            )
        }
        None => problem,
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, ClusterError> {
    std::fs::read(path).map_err(|error| ClusterError::Tls {
        files: path.display().to_string(),
        problem: error.to_string(),
    })
}

impl Debug for Tls {
    /// Without the key.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}
