//! The coordinator's side: submits a job to the scheduler and waits for its end, each for a bounded time.

use std::error::Error;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ballista_core::config::{BALLISTA_JOB_NAME, BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result::Result as QueryResult;
use ballista_core::serde::protobuf::job_status::Status as JobStatus;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{ExecuteQueryParams, GetJobStatusParams, KeyValuePair};
use ballista_core::version::insert_version_header;
use datafusion::common::Result as PlanResult;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use super::ClusterError;
use super::codec::UnitCodec;
use super::exec::UnitExec;
use super::runs::UNIT_PROBLEM;
use super::tls::{Tls, distrust, on_the_way};
use crate::config::{SchedulerAddress, TlsFiles};
use crate::unit::shards::{EngineError, EngineJob, JobEnd, RunReference, UnitEngine};

/// Longest time for one call.
const CALL: Duration = Duration::from_secs(20);
/// Longest time to open a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Time between two calls that ask the same.
const BETWEEN_CALLS: Duration = Duration::from_millis(500);
/// How often a job may be unknown before it is lost: the scheduler writes jobs down a moment after it
/// took them.
const MAX_UNKNOWN: usize = 6;
/// Largest message that is sent or taken, in bytes; that of Ballista's scheduler.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Ballista's scheduler, as an engine for units.
#[derive(Debug, Clone)]
pub struct Ballista {
    scheduler: SchedulerAddress,
    tls: Option<Tls>,
    patience: Duration,
}

pub(super) type SchedulerClient = SchedulerGrpcClient<Channel>;

impl Ballista {
    /// The scheduler at that address, with mutual TLS where there are files for it. One that does not
    /// answer is waited for up to `patience`.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn new(
        scheduler: SchedulerAddress,
        tls: Option<&TlsFiles>,
        patience: Duration,
    ) -> Result<Self, ClusterError> {
        Ok(Self {
            scheduler,
            tls: tls.map(Tls::read).transpose()?,
            patience,
        })
    }

    /// A client for the scheduler's readiness, and where it is asked.
    fn readiness(&self) -> Result<(reqwest::Client, String), String> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(CALL.min(self.patience));
        let (client, scheme) = match &self.tls {
            Some(tls) => (tls.http_client(client)?, "https"),
            None => (client.build().map_err(|error| causes(&error))?, "http"),
        };
        Ok((client, format!("{scheme}://{}/readyz", self.scheduler)))
    }

    /// Submits a job and gives its id.
    async fn submit(
        &self,
        client: &mut SchedulerClient,
        job: &EngineJob,
    ) -> Result<String, EngineError> {
        let query = query(job).map_err(|error| self.refused(&error.to_string()))?;
        let mut patience = Patience::new(self.patience);
        loop {
            let mut request = Request::new(query.clone());
            insert_version_header(request.metadata_mut());
            let status = match client.execute_query(request).await {
                Ok(answer) => match answer.into_inner().result {
                    Some(QueryResult::Success(success)) => return Ok(success.job_id),
                    Some(QueryResult::Failure(failure)) => {
                        return Err(self.refused(&format!("{:?}", failure.failure)));
                    }
                    None => Status::internal("an empty answer"),
                },
                Err(status) => status,
            };
            match status.code() {
                Code::FailedPrecondition | Code::InvalidArgument | Code::OutOfRange => {
                    return Err(self.refused(status.message()));
                }
                Code::Unimplemented => {
                    return Err(
                        self.refused("something other than a Ballista scheduler listens there")
                    );
                }
                _ => {
                    self.check_trust(&status)?;
                    patience
                        .wait(&causes(&status))
                        .await
                        .map_err(|p| self.unreachable(p))?;
                }
            }
        }
    }

    /// Waits until the job is over.
    async fn wait(
        &self,
        client: &mut SchedulerClient,
        job_id: String,
    ) -> Result<JobEnd, EngineError> {
        let mut patience = Patience::new(self.patience);
        let mut unknown = 0;
        loop {
            let asked = GetJobStatusParams {
                job_id: job_id.clone(),
            };
            match client.get_job_status(asked).await {
                Ok(answer) => {
                    patience = Patience::new(self.patience);
                    let status = answer.into_inner().status.and_then(|status| status.status);
                    unknown = if status.is_some() { 0 } else { unknown + 1 };
                    match status {
                        Some(JobStatus::Successful(_)) => return Ok(JobEnd::Done),
                        Some(JobStatus::Failed(failed)) => {
                            return Ok(JobEnd::Failed {
                                problem: unit_problem(&failed.error),
                            });
                        }
                        None if unknown > MAX_UNKNOWN => return Ok(JobEnd::Lost),
                        None | Some(JobStatus::Queued(_) | JobStatus::Running(_)) => {}
                    }
                    tokio::time::sleep(BETWEEN_CALLS).await;
                }
                Err(status) => patience
                    .wait(&causes(&status))
                    .await
                    .map_err(|p| self.unreachable(p))?,
            }
        }
    }

    /// Trying again makes nobody trust a certificate.
    fn check_trust(&self, error: &(dyn Error + 'static)) -> Result<(), EngineError> {
        match distrust(error) {
            Some(problem) => Err(EngineError::Distrust {
                scheduler: self.scheduler.to_string(),
                problem,
            }),
            None => Ok(()),
        }
    }

    fn unreachable(&self, problem: String) -> EngineError {
        EngineError::Unreachable {
            scheduler: self.scheduler.to_string(),
            problem: on_the_way(problem, self.tls.as_ref()),
        }
    }

    fn refused(&self, problem: &str) -> EngineError {
        EngineError::Refused {
            scheduler: self.scheduler.to_string(),
            problem: problem.to_owned(),
        }
    }
}

#[async_trait]
impl UnitEngine for Ballista {
    async fn check(&self) -> Result<(), EngineError> {
        let (client, address) = self
            .readiness()
            .map_err(|problem| self.unreachable(problem))?;
        let mut patience = Patience::new(self.patience);
        loop {
            let (problem, has_answered) = match client.get(&address).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if answer.status().as_u16() == 503 => ("no executor".to_owned(), true),
                Ok(answer) => {
                    let status = answer.status();
                    let other = format!(
                        "something other than a Ballista scheduler listens there: it answered {status}"
                    );
                    return Err(self.unreachable(other));
                }
                Err(error) => {
                    self.check_trust(&error)?;
                    (causes(&error), false)
                }
            };
            if let Err(problem) = patience.wait(&problem).await {
                return Err(match has_answered {
                    true => EngineError::NoExecutors {
                        scheduler: self.scheduler.to_string(),
                    },
                    false => self.unreachable(problem),
                });
            }
        }
    }

    async fn work(&self, job: &EngineJob) -> Result<JobEnd, EngineError> {
        let mut client = client(&self.scheduler, self.tls.as_ref())
            .map_err(|problem| self.unreachable(problem))?;
        let job_id = self.submit(&mut client, job).await?;
        let (run_id, units) = (&job.run.run_id, job.positions.len());
        tracing::info!(run_id, job_id, "{units} units are handed to the scheduler");
        self.wait(&mut client, job_id).await
    }
}

/// Tries again for a bounded time.
struct Patience {
    begun: Instant,
    longest: Duration,
}

impl Patience {
    fn new(longest: Duration) -> Self {
        Self {
            begun: Instant::now(),
            longest,
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The time is up: `problem`, and how long was tried.
    async fn wait(&mut self, problem: &impl ToString) -> Result<(), String> {
        let waited = self.begun.elapsed();
        if waited >= self.longest {
            let problem = problem.to_string();
            return Err(format!("{problem} (tried for {} s)", waited.as_secs()));
        }
        tokio::time::sleep(BETWEEN_CALLS).await;
        Ok(())
    }
}

/// A client whose connection is opened with its first call, and again after it broke.
pub(super) fn client(
    scheduler: &SchedulerAddress,
    tls: Option<&Tls>,
) -> Result<SchedulerClient, String> {
    let told = |error: tonic::transport::Error| causes(&error);
    let endpoint = match tls {
        None => Endpoint::from_shared(format!("http://{scheduler}")).map_err(told)?,
        Some(tls) => Endpoint::from_shared(format!("https://{scheduler}"))
            .and_then(|endpoint| endpoint.tls_config(tls.of_client(scheduler)))
            .map_err(told)?,
    };
    let channel = endpoint
        .connect_timeout(CONNECT)
        .timeout(CALL)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(CALL)
        .keep_alive_while_idle(true)
        .connect_lazy();
    Ok(SchedulerGrpcClient::new(channel)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
        .max_decoding_message_size(MAX_MESSAGE_BYTES))
}

fn query(job: &EngineJob) -> PlanResult<ExecuteQueryParams> {
    let RunReference { run_id, phase, .. } = &job.run;
    let setting = |key: &str, value: String| KeyValuePair {
        key: key.to_owned(),
        value: Some(value),
    };
    Ok(ExecuteQueryParams {
        session_id: Uuid::now_v7().to_string(),
        settings: vec![
            setting(
                BALLISTA_JOB_NAME,
                format!("sparklake {run_id} {}", phase.as_str()),
            ),
            // One unit a task: what dies with an executor is what it was working on.
            setting(BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, "1".to_owned()),
        ],
        operation_id: Uuid::now_v7().to_string(),
        query: Some(Query::PhysicalPlan(plan_bytes(job)?)),
    })
}

/// The plan of a job as it is sent.
pub(super) fn plan_bytes(job: &EngineJob) -> PlanResult<Vec<u8>> {
    let plan = UnitExec::of_job(job)?;
    let node = PhysicalPlanNode::try_from_physical_plan(plan, &UnitCodec::default())?;
    let mut bytes = Vec::new();
    node.try_encode(&mut bytes)?;
    Ok(bytes)
}

/// What is said of a unit in the middle of what Ballista says of a job, or else all of it. The executor
/// writes it without quotes and backslashes.
fn unit_problem(told: &str) -> String {
    let unit = told.find(UNIT_PROBLEM).and_then(|at| told.get(at..));
    let unit = unit.and_then(|rest| rest.split(['"', '\\']).next());
    unit.unwrap_or(told).trim().to_owned()
}

/// What is at the bottom of an error.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = error.to_string();
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_unit_is_found_in_what_ballista_says() {
        let told = "Job failed due to stage 1 failed: Task 5 in Stage 1 failed 4 times, most recent failure \
            reason: \"Task failed due to IO error: DataFusionError(Shared(External(DataFusionError(IoError(\
            Custom { kind: Other, error: \\\"a unit failed: the lake 's3://b' is closed (unit 5)\\\" \
            })))))\"\n";
        let found = unit_problem(told);
        assert_eq!(found, "a unit failed: the lake 's3://b' is closed (unit 5)");
        assert_eq!(
            unit_problem("all executors are gone\n"),
            "all executors are gone"
        );
    }
}
