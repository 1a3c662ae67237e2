//! `sparklake cluster executor`: asks the scheduler for tasks and works through their units.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::BALLISTA_PROTOCOL_VERSION;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::executor_resource::Resource;
use ballista_core::serde::protobuf::{
    ExecutorOperatingSystemSpecification, ExecutorRegistration, ExecutorResource,
    ExecutorSpecification, ExecutorStoppedParams, PollWorkParams,
};
use ballista_core::serde::{BallistaCodec, BallistaLogicalExtensionCodec};
use ballista_core::utils::default_config_producer;
use ballista_executor::execution_loop::poll_loop;
use ballista_executor::executor::Executor;
use ballista_executor::health::ExecutorHealth;
use ballista_executor::metrics::LoggingMetricsCollector;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tonic::Code;
use uuid::Uuid;

use super::ClusterError;
use super::client::{SchedulerClient, causes, client};
use super::codec::UnitCodec;
use super::engine::UnitsOnly;
use super::health::serve_health;
use super::runs::{OpenRuns, RunsSettings};
use super::tls::{Tls, distrust, on_the_way};
use crate::config::{Environment, SchedulerAddress, TlsFiles};
use crate::load::host_name;
use crate::unit::shards::EngineError;

/// Time between two attempts to reach the scheduler at the start.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// Longest time until a busy executor asks the scheduler again, and with it says what it did: 5 s.
const UNTIL_TOLD: Duration = Duration::from_secs(7);
/// Longest time to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// What an executor is told.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    /// Who gives it tasks.
    pub scheduler: SchedulerAddress,
    /// What it shows to the scheduler, and whom it believes; plain where `None`.
    pub tls: Option<TlsFiles>,
    /// Longest time to wait for the scheduler at the start.
    pub patience: Duration,
    /// Units at the same time, and threads of one that takes the machine for itself.
    pub cores: u32,
    /// Memory in bytes that units at the same time share.
    pub memory_bytes: usize,
    /// Lakes that it works for; all where it is empty.
    pub lakes: Vec<String>,
    /// Where `/healthz` and `/readyz` are answered, if at all.
    pub health: Option<SocketAddr>,
    /// Folder for the few bytes that tasks leave; one in the system's temporary folder where `None`.
    pub work_dir: Option<PathBuf>,
}

/// How an executor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorEnd {
    /// It finished what it had begun.
    Drained,
}

/// Works through units until `stop` is done and what it has begun is finished. `environment` holds the
/// variables that credentials refer to. Must be called inside a tokio runtime.
///
/// # Errors
/// The scheduler is not there or refuses it, or Ballista stops.
pub async fn run_executor(
    settings: &ExecutorSettings,
    environment: &Environment,
    stop: impl Future<Output = ()>,
) -> Result<ExecutorEnd, ClusterError> {
    let work_dir = match &settings.work_dir {
        Some(folder) => std::fs::create_dir_all(folder).and_then(|()| TempDir::new_in(folder)),
        None => TempDir::with_prefix("sparklake-executor-"),
    };
    let work_dir = work_dir.map_err(ClusterError::WorkDir)?;
    let health = ExecutorHealth::new();
    let is_heard = health.clone();
    let readiness = move || match is_heard.is_ready() {
        true => Ok(()),
        false => Err("the scheduler does not answer"),
    };
    let _health = serve_health(settings.health, readiness).await?;
    let metadata = registration(settings.cores);
    let id = metadata.id.clone();
    let tls = settings.tls.as_ref().map(Tls::read).transpose()?;
    let mut scheduler = client(&settings.scheduler, tls.as_ref()).map_err(|problem| {
        ClusterError::Engine(EngineError::Unreachable {
            scheduler: settings.scheduler.to_string(),
            problem,
        })
    })?;
    register(settings, tls.as_ref(), &mut scheduler, &metadata).await?;
    tracing::info!(
        id,
        "executor of {}, {} cores",
        settings.scheduler,
        settings.cores
    );
    let runs = OpenRuns::new(RunsSettings {
        environment: environment.clone(),
        cores: settings.cores,
        memory_bytes: settings.memory_bytes,
        lakes: settings.lakes.clone(),
    });
    let runs = runs.map_err(ClusterError::Threads)?;
    let codec: BallistaCodec<LogicalPlanNode, PhysicalPlanNode> = BallistaCodec::new(
        Arc::new(BallistaLogicalExtensionCodec::default()),
        Arc::new(UnitCodec::of_executor(Arc::new(runs))),
    );
    let free = Arc::new(Semaphore::new(settings.cores as usize));
    let working = poll_loop(
        scheduler.clone(),
        Arc::new(executor(metadata, &work_dir, settings.cores)),
        codec,
        None,
        Some(Arc::clone(&free)),
        health,
    );
    let end = tokio::select! {
        worked = working => Err(ClusterError::Stopped(match worked {
            Ok(()) => "it asks for no more tasks".to_owned(),
            Err(error) => error.to_string(),
        })),
        () = drained(&free, settings.cores, stop) => Ok(ExecutorEnd::Drained),
    };
    let goodbye = scheduler.executor_stopped(ExecutorStoppedParams {
        executor_id: id,
        reason: "it was asked to stop".to_owned(),
    });
    // A scheduler that does not hear it misses the executor's next request.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    end
}

/// Waits until it is asked to stop and all tasks are done, and the scheduler was told so.
async fn drained(free: &Semaphore, cores: u32, stop: impl Future<Output = ()>) {
    stop.await;
    let is_idle = free.available_permits() == cores as usize;
    // While they are held no task is begun, and the scheduler is told that no core is free.
    let _all = free.acquire_many(cores).await;
    if !is_idle {
        tokio::time::sleep(UNTIL_TOLD).await;
    }
}

/// Asks the scheduler for nothing, so that it knows the executor and the executor knows that it is there.
async fn register(
    settings: &ExecutorSettings,
    tls: Option<&Tls>,
    scheduler: &mut SchedulerClient,
    metadata: &ExecutorRegistration,
) -> Result<(), EngineError> {
    let begun = Instant::now();
    let address = settings.scheduler.to_string();
    loop {
        let nothing = PollWorkParams {
            metadata: Some(metadata.clone()),
            num_free_vcores: 0,
            task_status: Vec::new(),
        };
        let Err(status) = scheduler.poll_work(nothing).await else {
            return Ok(());
        };
        if let Some(problem) = distrust(&status) {
            return Err(EngineError::Distrust {
                scheduler: address,
                problem,
            });
        }
        let problem = causes(&status);
        if matches!(
            status.code(),
            Code::FailedPrecondition | Code::Unimplemented
        ) {
            return Err(EngineError::Refused {
                scheduler: address,
                problem,
            });
        }
        if begun.elapsed() >= settings.patience {
            let waited = begun.elapsed().as_secs();
            return Err(EngineError::Unreachable {
                scheduler: address,
                problem: on_the_way(format!("{problem} (tried for {waited} s)"), tls),
            });
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
    }
}

fn executor(metadata: ExecutorRegistration, work_dir: &TempDir, cores: u32) -> Executor {
    let folder = work_dir.path().display().to_string();
    let spill = folder.clone();
    let runtime = move |_: &_| {
        let runtime = RuntimeEnvBuilder::new().with_temp_file_path(spill.clone());
        runtime.build_arc()
    };
    Executor::new(
        metadata,
        &folder,
        Arc::new(runtime),
        Arc::new(default_config_producer),
        Arc::new(BallistaFunctionRegistry::default()),
        Arc::new(LoggingMetricsCollector::default()),
        cores as usize,
        Arc::new(UnitsOnly::default()),
    )
}

/// What the scheduler is told of the executor. It has no port: nobody calls it.
fn registration(cores: u32) -> ExecutorRegistration {
    ExecutorRegistration {
        id: Uuid::now_v7().to_string(),
        host: Some(host_name()),
        port: 0,
        grpc_port: 0,
        specification: Some(ExecutorSpecification {
            resources: vec![ExecutorResource {
                resource: Some(Resource::Vcores(cores)),
            }],
        }),
        os_info: Some(ExecutorOperatingSystemSpecification {
            system_name: std::env::consts::OS.to_owned(),
            physical_cores: cores,
            ..ExecutorOperatingSystemSpecification::default()
        }),
        ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
    }
}
