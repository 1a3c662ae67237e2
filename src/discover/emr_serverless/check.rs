//! What `sparklake doctor` tries: each permission once, on the newest things that there are.

use aws_sdk_emrserverless::types::{Application, JobRun, JobRunSummary};

use super::super::aws::{call_error, check_identity, check_of, skipped_check};
use super::super::job_runs::empty_answer;
use super::super::log_stores::{LogPlace, check_logs};
use super::super::{Check, ClusterPlatform};
use super::account::{
    EmrServerless, GET_APPLICATION, LIST_APPLICATIONS, LIST_JOB_RUNS, PAGE, is_spark,
};
use super::dashboard::{Dashboard, GET_DASHBOARD};
use super::histories::{GET_JOB_RUN, LIST_JOB_RUN_ATTEMPTS, log_uri};
use super::job_run;

const NO_APPLICATION: &str = "there is no application to try it on";
const NO_JOB_RUN: &str = "there is no job run to try it on";

/// Tries everything that a run of the job needs, changing nothing.
pub(super) async fn check(platform: &EmrServerless) -> Vec<Check> {
    let mut checks = vec![check_identity(&platform.config).await];
    let id = match platform.source.cluster_ids.first() {
        Some(id) => Some(id.clone()),
        None => first_application(platform, &mut checks).await,
    };
    let Some(id) = id else {
        let calls = [
            GET_APPLICATION,
            LIST_JOB_RUNS,
            GET_JOB_RUN,
            LIST_JOB_RUN_ATTEMPTS,
            GET_DASHBOARD,
        ];
        checks.extend(calls.map(|call| skipped_check(call, NO_APPLICATION)));
        checks.extend(check_place(platform, "", None, None).await);
        return checks;
    };
    let application = platform.application(&id).await;
    let known = application.as_ref().ok().cloned();
    checks.push(check_of(GET_APPLICATION, application, |application| {
        let name = application.name().unwrap_or_default();
        format!("application {id} {name}, {}", application.release_label())
    }));
    let run = newest_run(platform, &id, &mut checks).await;
    check_run(platform, &id, run, known.as_ref(), &mut checks).await;
    checks
}

async fn first_application(platform: &EmrServerless, checks: &mut Vec<Check>) -> Option<String> {
    let listed = platform.client.list_applications().max_results(PAGE);
    let listed = listed
        .send()
        .await
        .map_err(|error| call_error(&platform.describe(), LIST_APPLICATIONS, &error));
    let newest = listed.as_ref().ok().and_then(|page| {
        page.applications()
            .iter()
            .filter(|application| is_spark(application.r#type()))
            .max_by_key(|application| application.updated_at().as_nanos())
            .map(|application| application.id().to_owned())
    });
    checks.push(check_of(LIST_APPLICATIONS, listed, |page| {
        let more = if page.next_token().is_some() {
            " or more"
        } else {
            ""
        };
        format!("{}{more} applications", page.applications().len())
    }));
    newest
}

async fn newest_run(
    platform: &EmrServerless,
    id: &str,
    checks: &mut Vec<Check>,
) -> Option<JobRunSummary> {
    let listed = platform
        .client
        .list_job_runs()
        .application_id(id)
        .max_results(PAGE)
        .send()
        .await
        .map_err(|error| call_error(id, LIST_JOB_RUNS, &error));
    let newest = listed.as_ref().ok().and_then(|page| {
        page.job_runs()
            .iter()
            .max_by_key(|run| (job_run::is_ended(run.state()), run.updated_at().as_nanos()))
            .cloned()
    });
    checks.push(check_of(LIST_JOB_RUNS, listed, |page| {
        let more = if page.next_token().is_some() {
            " or more"
        } else {
            ""
        };
        format!("{}{more} job runs", page.job_runs().len())
    }));
    newest
}

async fn check_run(
    platform: &EmrServerless,
    application_id: &str,
    run: Option<JobRunSummary>,
    application: Option<&Application>,
    checks: &mut Vec<Check>,
) {
    let Some(summary) = run else {
        let calls = [GET_JOB_RUN, LIST_JOB_RUN_ATTEMPTS, GET_DASHBOARD];
        checks.extend(calls.map(|call| skipped_check(call, NO_JOB_RUN)));
        checks.extend(check_place(platform, application_id, None, application).await);
        return;
    };
    let id = summary.id();
    let details = platform
        .client
        .get_job_run()
        .application_id(application_id)
        .job_run_id(id)
        .send()
        .await
        .map_err(|error| call_error(id, GET_JOB_RUN, &error))
        .and_then(|answer| answer.job_run.ok_or_else(|| empty_answer(id, GET_JOB_RUN)));
    let run = details.as_ref().ok().cloned();
    checks.push(check_of(GET_JOB_RUN, details, |run| {
        format!("job run {id}, {}", run.state().as_str())
    }));
    let attempts = platform
        .client
        .list_job_run_attempts()
        .application_id(application_id)
        .job_run_id(id)
        .send()
        .await
        .map_err(|error| call_error(id, LIST_JOB_RUN_ATTEMPTS, &error));
    checks.push(check_of(LIST_JOB_RUN_ATTEMPTS, attempts, |page| {
        format!("{} attempts", page.job_run_attempts().len())
    }));
    checks.push(check_dashboard(platform, application_id, &summary).await);
    checks.extend(check_place(platform, application_id, run.as_ref(), application).await);
}

async fn check_dashboard(
    platform: &EmrServerless,
    application_id: &str,
    run: &JobRunSummary,
) -> Check {
    if !platform.source.managed_ui {
        return skipped_check(GET_DASHBOARD, "dashboards are not to be asked");
    }
    if !job_run::is_ended(run.state()) {
        return skipped_check(GET_DASHBOARD, "no job run has ended yet");
    }
    let dashboard = Dashboard {
        client: platform.client.clone(),
        application_id: application_id.to_owned(),
        job_run_id: run.id().to_owned(),
        attempt: None,
        uri: run.arn().to_owned(),
    };
    check_of(GET_DASHBOARD, dashboard.address().await, |address| {
        format!("at {}", address.host_str().unwrap_or_default())
    })
}

/// Tries the place of the logs of a job run.
async fn check_place(
    platform: &EmrServerless,
    application_id: &str,
    run: Option<&JobRun>,
    application: Option<&Application>,
) -> [Check; 2] {
    let own = run
        .and_then(|run| run.configuration_overrides())
        .and_then(|overrides| overrides.monitoring_configuration());
    let common = application.and_then(|application| application.monitoring_configuration());
    let root = log_uri(own, common);
    let mut folders = vec!["applications", application_id];
    folders.extend(run.iter().flat_map(|run| ["jobs", run.job_run_id()]));
    let place = root.as_deref().map(|root| LogPlace {
        root,
        folders,
        options: &platform.source.storage_options,
    });
    check_logs(&platform.source.aws, &platform.config, place).await
}
