//! `sparklake cluster scheduler`: Ballista's scheduler, which knows our plans.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::ClusterError;
use super::client::{MAX_MESSAGE_BYTES, causes};
use super::codec::UnitCodec;
use super::health::{Readiness, health_routes, serve_health};
use super::tls::Tls;
use crate::config::TlsFiles;

/// Time between two looks for executors that are gone, and for jobs that run.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What a scheduler is told.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it shows to those who call it, and whom it believes; plain where `None`.
    pub tls: Option<TlsFiles>,
    /// Where health checks are answered too, without TLS.
    pub health: Option<SocketAddr>,
    /// An executor that was not heard of for so long is gone. A busy one asks every 5 s.
    pub executor_timeout: Duration,
    /// Longest time to wait for running jobs after it was asked to stop.
    pub drain: Duration,
}

/// How a scheduler ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerEnd {
    /// No job was running.
    Drained,
    /// Jobs were running: their runs wait.
    JobsLeft(usize),
}

/// Schedules units until `stop` is done and no job runs any more.
///
/// # Errors
/// It cannot listen, or Ballista stops.
pub async fn run_scheduler(
    settings: &SchedulerSettings,
    stop: impl Future<Output = ()>,
) -> Result<SchedulerEnd, ClusterError> {
    let cannot = |problem| ClusterError::Listen {
        address: settings.listen,
        problem,
    };
    let listener = TcpListener::bind(settings.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let config = config(settings, address);
    let stopped =
        |error: ballista_core::error::BallistaError| ClusterError::Stopped(error.to_string());
    let cluster = BallistaCluster::new_from_config(&config)
        .await
        .map_err(stopped)?;
    let scheduler =
        create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config));
    let scheduler = scheduler.await.map_err(stopped)?;
    let _health = serve_health(settings.health, readiness(&scheduler)).await?;
    let mut server = server(settings)?;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    tracing::info!("scheduler at {address}, readiness at {scheme}://{address}/readyz");
    let served = server
        .add_routes(routes(&scheduler))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::select! {
        served = served => Err(ClusterError::Stopped(match served {
            Ok(()) => "it stopped listening".to_owned(),
            Err(error) => causes(&error),
        })),
        end = drained(&scheduler, settings.drain, stop) => Ok(end),
    }
}

type Scheduler = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// What takes connections. Ballista's own function for it knows no TLS.
fn server(settings: &SchedulerSettings) -> Result<Server, ClusterError> {
    // Health checks speak HTTP/1.
    let server = Server::builder().accept_http1(true).tcp_nodelay(true);
    let Some(files) = &settings.tls else {
        return Ok(server);
    };
    let tls = Tls::read(files)?;
    server
        .tls_config(tls.of_server())
        .map_err(|error| ClusterError::Tls {
            files: files.to_string(),
            problem: causes(&error),
        })
}

/// The scheduler's calls and its health.
fn routes(scheduler: &Scheduler) -> Routes {
    let calls = SchedulerGrpcServer::new(scheduler.clone())
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let calls = Routes::new(calls).into_axum_router();
    Routes::from(calls.merge(health_routes(readiness(scheduler))))
}

fn readiness(scheduler: &Scheduler) -> impl Readiness {
    let scheduler = scheduler.clone();
    move || match scheduler.is_ready() {
        true => Ok(()),
        false => Err("no executor"),
    }
}

fn config(settings: &SchedulerSettings, address: SocketAddr) -> SchedulerConfig {
    let timeout = settings.executor_timeout.as_secs().max(1);
    SchedulerConfig {
        external_host: address.ip().to_string(),
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        // Executors ask for tasks: they need no port that anybody reaches.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: timeout,
        expire_dead_executor_interval_seconds: BETWEEN_LOOKS.as_secs(),
        no_executors_grace_period_seconds: timeout,
        override_physical_codec: Some(Arc::new(UnitCodec::default())),
        ..SchedulerConfig::default()
    }
}

/// Waits until it is asked to stop, and then for the jobs that run. Executors need the scheduler to end
/// them.
async fn drained(
    scheduler: &Scheduler,
    longest: Duration,
    stop: impl Future<Output = ()>,
) -> SchedulerEnd {
    stop.await;
    let asked = Instant::now();
    loop {
        match scheduler.running_job_number() {
            0 => return SchedulerEnd::Drained,
            left if asked.elapsed() >= longest => return SchedulerEnd::JobsLeft(left),
            _ => tokio::time::sleep(BETWEEN_LOOKS.min(longest)).await,
        }
    }
}
