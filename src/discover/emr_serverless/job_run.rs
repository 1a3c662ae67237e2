//! Job runs: which of them are wanted, and what is told about them.

use super::super::aws;
use super::super::job_runs::is_running_wanted;
use super::super::{ExploreRequest, JobRun, ResourceHours};
use aws_sdk_emrserverless::types::{
    self, JobDriver, JobRunState, JobRunSummary, ResourceUtilization, TotalResourceUtilization,
};

/// States of job runs that change no more.
pub(super) const ENDED: &[JobRunState] = &[
    JobRunState::Success,
    JobRunState::Failed,
    JobRunState::Cancelled,
];
/// States in which Spark runs. Before them, a job run has nothing to show.
pub(super) const UNDER_WAY: &[JobRunState] = &[JobRunState::Running, JobRunState::Cancelling];

/// Whether a job run changes no more.
pub(super) fn is_ended(state: &JobRunState) -> bool {
    ENDED.contains(state)
}

/// Whether a listed job run may be wanted: its list tells when it changed, which is not before its
/// end.
pub(super) fn may_be_wanted(run: &JobRunSummary, request: &ExploreRequest) -> bool {
    if !is_ended(run.state()) {
        return is_running_wanted(aws::time(run.created_at()), request);
    }
    let changed = aws::time(run.updated_at());
    let since = request.window.since;
    since.is_none_or(|since| changed.is_none_or(|changed| changed >= since))
}

/// What the list says about a job run.
pub(super) fn summarised(run: &JobRunSummary) -> JobRun {
    let is_ended = is_ended(run.state());
    JobRun {
        job_run_id: run.id().to_owned(),
        name: run.name().map(str::to_owned),
        status: run.state().as_str().to_owned(),
        status_reason: text(run.state_details()),
        created_at: aws::time(run.created_at()),
        ended_at: aws::time(run.updated_at()).filter(|_| is_ended),
        run_as: text(run.execution_role()),
        ..JobRun::default()
    }
}

/// What the description says about a job run.
pub(super) fn described(run: &types::JobRun) -> JobRun {
    let is_ended = is_ended(run.state());
    let end = run.ended_at().unwrap_or(run.updated_at());
    JobRun {
        job_run_id: run.job_run_id().to_owned(),
        name: run.name().map(str::to_owned),
        job_id: None,
        status: run.state().as_str().to_owned(),
        status_reason: text(run.state_details()),
        application_ids: Vec::new(),
        created_at: aws::time(run.created_at()),
        started_at: run.started_at().and_then(aws::time),
        ended_at: aws::time(end).filter(|_| is_ended),
        entry_point: entry_point(run),
        run_as: text(run.execution_role()),
        has_spark_history: false,
        no_history_reason: None,
        used: run
            .total_resource_utilization()
            .map(used)
            .unwrap_or_default(),
        billed: run
            .billed_resource_utilization()
            .map(billed)
            .unwrap_or_default(),
        execution_seconds: run.total_execution_duration_seconds().map(i64::from),
        queued_ms: run.queued_duration_milliseconds(),
        tags: run
            .tags()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .collect(),
    }
}

/// Whether a job run ended before Spark did anything.
pub(super) fn never_started(run: &types::JobRun) -> bool {
    is_ended(run.state())
        && run.started_at().is_none()
        && run.total_execution_duration_seconds().unwrap_or_default() == 0
        && *run.state() != JobRunState::Success
}

fn entry_point(run: &types::JobRun) -> Option<String> {
    match run.job_driver()? {
        JobDriver::SparkSubmit(spark) => text(spark.entry_point()),
        JobDriver::Hive(hive) => text(hive.query()),
        _ => None,
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn used(hours: &TotalResourceUtilization) -> ResourceHours {
    ResourceHours {
        vcpu_hours: hours.v_cpu_hour(),
        memory_gb_hours: hours.memory_gb_hour(),
        storage_gb_hours: hours.storage_gb_hour(),
    }
}

fn billed(hours: &ResourceUtilization) -> ResourceHours {
    ResourceHours {
        vcpu_hours: hours.v_cpu_hour(),
        memory_gb_hours: hours.memory_gb_hour(),
        storage_gb_hours: hours.storage_gb_hour(),
    }
}
