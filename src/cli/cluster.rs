//! `sparklake cluster`: the processes of a Ballista cluster for `run --engine ballista://…`, and the engine of
//! such a run. Built only with the cargo feature `cluster`.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use super::error::CliError;
use super::worker::unit_memory;
#[cfg(feature = "cluster")]
use crate::config::TlsFiles;
use crate::config::{Engine, RunSettings, SchedulerAddress};
use crate::unit::shards::UnitEngine;

/// Run a Ballista scheduler or executor for `run --engine ballista://HOST:PORT`
///
/// A cluster has one scheduler and any number of executors, of the same sparklake version as the run.
/// Executors open the object stores themselves: set the environment variables that the job file names.
/// With --tls-certificate, --tls-key and --tls-ca on each, traffic is encrypted and each side shows a
/// certificate; without, it is neither encrypted nor authenticated.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ClusterCommand {
    /// Assign units to executors, and reassign the units of an executor that dies
    ///
    /// Serves /healthz and /readyz on its port, or on --health. After SIGTERM it exits once no job is running.
    Scheduler(SchedulerArguments),
    /// Process the units that a scheduler assigns
    ///
    /// Opens no port except --health. After SIGTERM it exits once the units that it has started are done.
    Executor(ExecutorArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct SchedulerArguments {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50050")]
    listen: SocketAddr,
    #[command(flatten)]
    trust: TrustArguments,
    /// Another address to serve /healthz and /readyz on, without TLS: probes show no certificate
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
    /// An executor that sends no heartbeat for this long counts as lost, and its units are reassigned. A
    /// busy executor reports every 5 s
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    executor_timeout_seconds: NonZeroU16,
    /// Longest time to wait for running jobs after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    drain_seconds: u16,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExecutorArguments {
    /// The scheduler to work for
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: SchedulerAddress,
    #[command(flatten)]
    trust: TrustArguments,
    /// Units to process at the same time [default: number of cores]
    #[arg(long, value_name = "NUMBER")]
    cores: Option<NonZeroU16>,
    /// Memory that the units share, such as 8g; each gets at least 256m [default: 70 % of the machine or
    /// the container]
    #[arg(long, value_name = "SIZE", value_parser = unit_memory)]
    memory: Option<usize>,
    /// Lake that this executor may write to; may be repeated [default: any lake that a run names]
    #[arg(long, value_name = "URI")]
    allow_lake: Vec<String>,
    /// Address and port to serve /healthz and /readyz on [default: none]
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
    /// Folder for small task files [default: a folder in the temporary folder]
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

/// Who may be on the network.
#[derive(Debug, clap::Args)]
struct TrustArguments {
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    trust_network: Option<bool>,
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl TrustArguments {
    /// What this side shows to the others, if anything.
    #[cfg(feature = "cluster")]
    fn tls(&self) -> Result<Option<TlsFiles>, CliError> {
        let [certificate, key, ca] =
            [&self.tls_certificate, &self.tls_key, &self.tls_ca].map(Clone::clone);
        TlsFiles::of(certificate, key, ca)
            .map_err(|problem| CliError::Usage(format!("{problem}; give all three or none")))
    }
}

#[cfg(not(feature = "cluster"))]
mod built {
    use super::{
        Arc, CliError, ClusterCommand, Context, RunSettings, SchedulerAddress, UnitEngine,
    };

    const NOT_BUILT: &str = "this sparklake was built without Ballista: build it with `cargo build --release \
         --features cluster`, or use --engine shards, which needs no engine";

    pub(super) fn engine(
        _: &SchedulerAddress,
        _: &RunSettings,
    ) -> Result<Arc<dyn UnitEngine>, CliError> {
        Err(CliError::Usage(NOT_BUILT.to_owned()))
    }

    pub(super) async fn execute(_: &ClusterCommand, _: &Context) -> Result<u8, CliError> {
        Err(CliError::Usage(NOT_BUILT.to_owned()))
    }
}

#[cfg(feature = "cluster")]
mod built;

/// The engine that the settings name; `None` where they name none.
///
/// # Errors
/// It is not built in, or would talk over a network that nobody said to trust.
pub(super) fn engine(run: &RunSettings) -> Result<Option<Arc<dyn UnitEngine>>, CliError> {
    let Engine::Ballista(scheduler) = &run.engine else {
        return Ok(None);
    };
    let is_trusted = run.trust_network || run.tls.is_some();
    check_trust(scheduler.is_loopback(), is_trusted, scheduler)?;
    let engine = built::engine(scheduler, run)?;
    Ok(Some(engine))
}

pub(super) async fn execute(command: &ClusterCommand, context: &Context) -> Result<u8, CliError> {
    built::execute(command, context).await
}

/// Refuses a network that nobody said to trust.
fn check_trust(
    is_loopback: bool,
    is_trusted: bool,
    address: &impl std::fmt::Display,
) -> Result<(), CliError> {
    if is_loopback || is_trusted {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{address} is not on this machine, and Ballista traffic is neither encrypted nor authenticated: anyone \
         on that network can read it and submit work. Give each side a certificate (--tls-certificate, \
         --tls-key, --tls-ca), or, if you trust everyone on the network, add --trust-network"
    )))
}
