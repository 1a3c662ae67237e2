//! `sparklake cluster`: the processes of a cluster that works for `run --engine ballista://…`, and the way
//! to it. They are Ballista's, and there with the cargo feature `cluster` alone.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use super::error::CliError;
use crate::config::{Engine, RunSettings, SchedulerAddress};
use crate::unit::shards::UnitEngine;

/// Processes of a cluster that works for `run --engine ballista://HOST:PORT`
///
/// One scheduler and any number of executors, of the same sparklake as the run. Executors open the stores
/// themselves: give them the variables that the job file names. What they say to each other is neither
/// encrypted nor authenticated.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ClusterCommand {
    /// Hand units to executors, and again where an executor dies
    ///
    /// Answers /healthz and /readyz on its port. SIGTERM ends it when no job runs any more.
    Scheduler(SchedulerArguments),
    /// Work through the units that a scheduler hands out
    ///
    /// Listens nowhere but at --health. SIGTERM ends it when the units that it has begun are done.
    Executor(ExecutorArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct SchedulerArguments {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50050")]
    listen: SocketAddr,
    #[command(flatten)]
    trust: TrustArguments,
    /// An executor that was not heard of for so long is gone: its units go to others. A busy one is heard
    /// every 5 s
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
    /// Units at the same time, and threads of one that takes the machine [default: all]
    #[arg(long, value_name = "NUMBER")]
    cores: Option<NonZeroU16>,
    /// Lake to work for; may be repeated [default: any that a run names]
    #[arg(long, value_name = "URI")]
    allow_lake: Vec<String>,
    /// Address and port where /healthz and /readyz are answered [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    health: Option<SocketAddr>,
    /// Folder for the few bytes that tasks leave [default: one in the temporary folder]
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

/// Whether others may be on the network.
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
}

#[cfg(not(feature = "cluster"))]
mod built {
    use super::{Arc, CliError, ClusterCommand, Context, SchedulerAddress, UnitEngine};

    const NOT_BUILT: &str = "this sparklake was built without Ballista: build it with `cargo build --release \
         --features cluster`, or use --engine shards, which needs no engine";

    pub(super) fn engine(_: &SchedulerAddress) -> Result<Arc<dyn UnitEngine>, CliError> {
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
    let engine = built::engine(scheduler)?;
    check_trust(scheduler.is_loopback(), run.trust_network, scheduler)?;
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
        "{address} is beyond this machine, and Ballista neither encrypts nor authenticates: whoever reaches \
         that network can read along and hand work to executors; if all who do are trusted, add \
         --trust-network"
    )))
}
