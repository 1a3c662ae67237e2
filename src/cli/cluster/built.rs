//! The cluster commands where Ballista is built in.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use std::time::Duration;

use super::super::signals;
use super::{
    CliError, ClusterCommand, Context, ExecutorArguments, RunSettings, SchedulerAddress,
    SchedulerArguments, UnitEngine, check_trust,
};
use crate::cluster::{
    Ballista, ClusterError, ExecutorEnd, ExecutorSettings, SchedulerEnd, SchedulerSettings,
    run_executor, run_scheduler,
};
use crate::pipeline::{EXIT_DONE, Signal};
use crate::unit::memory_for_units;

/// Longest time to wait for a scheduler that does not answer, at the start and in between.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn engine(
    scheduler: &SchedulerAddress,
    run: &RunSettings,
) -> Result<Arc<dyn UnitEngine>, CliError> {
    let engine = Ballista::new(scheduler.clone(), run.tls.as_ref(), PATIENCE)?;
    Ok(Arc::new(engine))
}

pub(super) async fn execute(command: &ClusterCommand, context: &Context) -> Result<u8, CliError> {
    match command {
        ClusterCommand::Scheduler(arguments) => scheduler(arguments).await,
        ClusterCommand::Executor(arguments) => executor(arguments, context).await,
    }
}

async fn scheduler(arguments: &SchedulerArguments) -> Result<u8, CliError> {
    let listen = arguments.listen;
    let tls = arguments.trust.tls()?;
    let is_trusted = tls.is_some() || arguments.trust.trust_network.unwrap_or(false);
    check_trust(listen.ip().is_loopback(), is_trusted, &listen)?;
    let settings = SchedulerSettings {
        listen,
        tls,
        health: arguments.health,
        executor_timeout: Duration::from_secs(arguments.executor_timeout_seconds.get().into()),
        drain: Duration::from_secs(arguments.drain_seconds.into()),
    };
    let mut signal = None;
    let end = run_scheduler(&settings, asked_to_stop(&mut signal)).await?;
    Ok(match end {
        SchedulerEnd::Drained => EXIT_DONE,
        SchedulerEnd::JobsLeft(jobs) => {
            tracing::warn!(
                "{jobs} jobs were still running; continue their runs with `run --resume`"
            );
            signal.unwrap_or(Signal::Terminate).exit_code()
        }
    })
}

async fn executor(arguments: &ExecutorArguments, context: &Context) -> Result<u8, CliError> {
    let scheduler = &arguments.scheduler;
    let tls = arguments.trust.tls()?;
    let is_trusted = tls.is_some() || arguments.trust.trust_network.unwrap_or(false);
    check_trust(scheduler.is_loopback(), is_trusted, scheduler)?;
    let cores = match arguments.cores {
        Some(cores) => u32::from(cores.get()),
        None => {
            let all = available_parallelism().map_or(1, NonZeroUsize::get);
            u32::try_from(all).unwrap_or(1)
        }
    };
    let settings = ExecutorSettings {
        scheduler: scheduler.clone(),
        tls,
        patience: PATIENCE,
        cores,
        memory_bytes: arguments.memory.unwrap_or_else(memory_for_units),
        lakes: arguments.allow_lake.clone(),
        health: arguments.health,
        work_dir: arguments.work_dir.clone(),
    };
    let mut signal = None;
    let stop = asked_to_stop(&mut signal);
    match run_executor(&settings, &context.environment, stop).await? {
        ExecutorEnd::Drained => Ok(EXIT_DONE),
    }
}

/// Waits for a signal; a second one ends the process at once.
async fn asked_to_stop(signal: &mut Option<Signal>) {
    *signal = Some(signals::drain(Arc::new(AtomicBool::new(false))).await);
}

impl From<ClusterError> for CliError {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::Engine(error) => Self::Run(error.into()),
            ClusterError::Tls { .. } => Self::Usage(error.to_string()),
            ClusterError::Listen { .. }
            | ClusterError::WorkDir(_)
            | ClusterError::Threads(_)
            | ClusterError::Stopped(_) => Self::Serve(error.to_string()),
        }
    }
}
