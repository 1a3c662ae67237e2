//! The steps of a cluster, and what applications they started.

use std::collections::{HashMap, HashSet};

use aws_sdk_emr::types;

use super::account::Emr;
use super::api::Step;
use super::application_ids::{application_id, application_ids};
use super::command_line::{entry_point, is_spark};
use super::setup::Setup;
use crate::discover::aws::time;
use crate::discover::{Exploration, JobRun, JobRunLink};

const STEPS: &str = "steps";
impl Emr {
    pub(super) async fn explore_steps(&self, exploration: &mut Exploration) -> Vec<Step> {
        let pages = self.api.list_steps(&exploration.cluster).await;
        match pages.error {
            Some(error) => exploration.failed(STEPS, error),
            None => exploration.found(STEPS, pages.items.len()),
        }
        pages.items
    }
}

/// Turns steps into job runs, and says of each history which step it belongs to.
pub(super) fn finish(exploration: &mut Exploration, setup: &Setup, steps: &[Step]) {
    let known = application_ids(&exploration.histories);
    exploration.job_runs = steps
        .iter()
        .map(|step| job_run(step, setup, &known))
        .collect();
    let by_application: HashMap<&str, &str> = steps
        .iter()
        .flat_map(|step| {
            let id = step.summary.id.as_deref().unwrap_or_default();
            let ids = step.application_ids.iter();
            ids.map(move |application| (application.as_str(), id))
        })
        .collect();
    for history in &mut exploration.histories {
        let step = application_id(history).and_then(|id| by_application.get(id));
        history.job_run = step.map(|step| JobRunLink {
            job_run_id: (*step).to_owned(),
            job_key: None,
        });
    }
}

fn job_run(step: &Step, setup: &Setup, known: &HashSet<&str>) -> JobRun {
    let summary = &step.summary;
    let status = summary.status.as_ref();
    let timeline = status.and_then(|status| status.timeline.as_ref());
    let moment = |of: fn(&types::StepTimeline) -> Option<&aws_smithy_types::DateTime>| {
        timeline.and_then(of).and_then(time)
    };
    let started_at = moment(types::StepTimeline::start_date_time);
    let ended_at = moment(types::StepTimeline::end_date_time);
    let created_at = moment(types::StepTimeline::creation_date_time);
    let state = status.and_then(|status| status.state.as_ref());
    let no_history_reason = no_history_reason(step, setup, known);
    JobRun {
        job_run_id: summary.id.clone().unwrap_or_default(),
        name: summary.name.clone(),
        status: state.map_or("UNKNOWN", |state| state.as_str()).to_owned(),
        status_reason: status.and_then(status_reason),
        application_ids: step.application_ids.clone(),
        created_at,
        started_at,
        ended_at,
        entry_point: entry_point(step),
        has_spark_history: no_history_reason.is_none(),
        no_history_reason,
        execution_seconds: started_at
            .zip(ended_at)
            .map(|(start, end)| (end - start).num_seconds().max(0)),
        queued_ms: created_at
            .zip(started_at)
            .map(|(created, start)| (start - created).num_milliseconds().max(0)),
        ..JobRun::default()
    }
}

/// `reason: message (log file)`, of what there is.
fn status_reason(status: &types::StepStatus) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    if let Some(details) = &status.failure_details {
        parts.extend(details.reason.clone());
        parts.extend(details.message.clone());
        parts.extend(details.log_file.as_ref().map(|file| format!("see {file}")));
    }
    if let Some(reason) = &status.state_change_reason {
        parts.extend(reason.message.clone());
        if parts.is_empty() {
            parts.extend(reason.code.as_ref().map(|code| code.as_str().to_owned()));
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// Why Spark keeps no history of the step; `None` where it does.
fn no_history_reason(step: &Step, setup: &Setup, known: &HashSet<&str>) -> Option<String> {
    let is_known = |id: &String| known.contains(id.as_str());
    if step.application_ids.iter().any(is_known) {
        return None;
    }
    let reason = if setup.has_spark == Some(false) {
        "Spark is not installed on the cluster"
    } else if !is_spark(step) {
        "the step does not run Spark"
    } else if setup.is_event_log_off {
        "spark.eventLog.enabled is false"
    } else if setup.event_log_folders.is_empty() && setup.is_persistent_ui_disabled {
        "event logs are not in S3, and EMR was told not to keep them"
    } else {
        return None;
    };
    Some(reason.to_owned())
}
