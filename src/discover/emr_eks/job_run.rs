//! Job runs: which of them are wanted, and what is told about them.

use aws_sdk_emrcontainers::types::{self, JobRunState};

use super::super::aws;
use super::super::job_runs;
use super::super::{ExploreRequest, JobRun};

/// States of job runs that change no more.
pub(super) const ENDED: &[JobRunState] = &[
    JobRunState::Completed,
    JobRunState::Failed,
    JobRunState::Cancelled,
];
/// States in which Spark runs. Before them, a job run has nothing to show.
pub(super) const UNDER_WAY: &[JobRunState] = &[JobRunState::Running, JobRunState::CancelPending];

/// Whether a job run changes no more, by the word for its state.
pub(super) fn is_ended(status: &str) -> bool {
    ENDED.iter().any(|state| state.as_str() == status)
}

/// Whether a job run is wanted.
pub(super) fn is_wanted(run: &types::JobRun, request: &ExploreRequest) -> bool {
    described(run).is_some_and(|row| job_runs::is_wanted(&row, is_ended(&row.status), request))
}

/// What a list or a description says about a job run; `None` for one without an id.
pub(super) fn described(run: &types::JobRun) -> Option<JobRun> {
    let failure = run.failure_reason().map(types::FailureReason::as_str);
    let reason: Vec<&str> = [failure, run.state_details()]
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let tags = run.tags().cloned().unwrap_or_default();
    Some(JobRun {
        job_run_id: run.id()?.to_owned(),
        name: run.name().map(str::to_owned),
        status: run.state().map_or("", |state| state.as_str()).to_owned(),
        status_reason: (!reason.is_empty()).then(|| reason.join(": ")),
        created_at: run.created_at().and_then(aws::time),
        ended_at: run.finished_at().and_then(aws::time),
        entry_point: entry_point(run),
        run_as: run.execution_role_arn().map(str::to_owned),
        tags: tags.into_iter().collect(),
        ..JobRun::default()
    })
}

fn entry_point(run: &types::JobRun) -> Option<String> {
    let driver = run.job_driver()?;
    let submit = driver.spark_submit_job_driver();
    let submit = submit.map(types::SparkSubmitJobDriver::entry_point);
    let sql = driver.spark_sql_job_driver();
    let sql = sql.and_then(|sql| sql.entry_point());
    submit.or(sql).map(str::to_owned)
}
