//! What `sparklake doctor` tries: each permission once, on the newest things that there are.

use aws_sdk_emrcontainers::types::JobRun;

use super::super::aws::{call_error, check_identity, check_of, skipped_check};
use super::super::emr::persistent_ui::CALLS;
use super::super::job_runs::empty_answer;
use super::super::log_stores::{LogPlace, check_logs};
use super::super::{Check, ClusterPlatform, DiscoverError};
use super::account::{
    DESCRIBE_VIRTUAL_CLUSTER, EmrEks, LIST_JOB_RUNS, LIST_VIRTUAL_CLUSTERS, PAGE,
};
use super::histories::DESCRIBE_JOB_RUN;
use super::job_run;

const NO_CLUSTER: &str = "there is no virtual cluster to try it on";
const NO_JOB_RUN: &str = "there is no job run to try it on";

/// Tries everything that a run of the job needs, changing nothing.
pub(super) async fn check(platform: &EmrEks) -> Vec<Check> {
    let mut checks = vec![check_identity(&platform.config).await];
    let id = match platform.source.cluster_ids.first() {
        Some(id) => Some(id.clone()),
        None => first_cluster(platform, &mut checks).await,
    };
    if let Some(id) = id {
        check_cluster(platform, &id, &mut checks).await;
    } else {
        let calls = [DESCRIBE_VIRTUAL_CLUSTER, LIST_JOB_RUNS, DESCRIBE_JOB_RUN];
        checks.extend(calls.map(|call| skipped_check(call, NO_CLUSTER)));
        checks.extend(check_logs(&platform.source.aws, &platform.config, None).await);
    }
    let reason = match platform.source.managed_ui {
        true => "trying it would start a History Server; the first run tells",
        false => "persistent application UIs are not to be asked",
    };
    checks.extend(CALLS.map(|call| skipped_check(call, reason)));
    checks
}

async fn first_cluster(platform: &EmrEks, checks: &mut Vec<Check>) -> Option<String> {
    let listed = platform.client.list_virtual_clusters().max_results(PAGE);
    let listed = listed
        .send()
        .await
        .map_err(|error| call_error(&platform.describe(), LIST_VIRTUAL_CLUSTERS, &error));
    let newest = listed.as_ref().ok().and_then(|page| {
        page.virtual_clusters()
            .iter()
            .filter(|cluster| cluster.id().is_some())
            .max_by_key(|cluster| {
                cluster
                    .created_at()
                    .map(aws_smithy_types::DateTime::as_nanos)
            })
            .and_then(|cluster| cluster.id().map(str::to_owned))
    });
    checks.push(check_of(LIST_VIRTUAL_CLUSTERS, listed, |page| {
        let more = if page.next_token().is_some() {
            " or more"
        } else {
            ""
        };
        format!("{}{more} virtual clusters", page.virtual_clusters().len())
    }));
    newest
}

async fn check_cluster(platform: &EmrEks, id: &str, checks: &mut Vec<Check>) {
    let described = platform.virtual_cluster(id).await;
    checks.push(check_of(DESCRIBE_VIRTUAL_CLUSTER, described, |cluster| {
        format!("virtual cluster {id} {}, {}", cluster.name, cluster.status)
    }));
    let listed = platform
        .client
        .list_job_runs()
        .virtual_cluster_id(id)
        .max_results(PAGE)
        .send()
        .await
        .map_err(|error| call_error(id, LIST_JOB_RUNS, &error));
    let newest = listed.as_ref().ok().and_then(|page| {
        let runs = page.job_runs().iter().filter_map(job_run::described);
        runs.max_by_key(|run| (job_run::is_ended(&run.status), run.created_at))
    });
    checks.push(check_of(LIST_JOB_RUNS, listed, |page| {
        let more = if page.next_token().is_some() {
            " or more"
        } else {
            ""
        };
        format!("{}{more} job runs", page.job_runs().len())
    }));
    let mut run = None;
    match newest {
        None => checks.push(skipped_check(DESCRIBE_JOB_RUN, NO_JOB_RUN)),
        Some(newest) => {
            let described = describe(platform, id, &newest.job_run_id).await;
            run = described.as_ref().ok().cloned();
            checks.push(check_of(DESCRIBE_JOB_RUN, described, |_| {
                format!("job run {}, {}", newest.job_run_id, newest.status)
            }));
        }
    }
    let root = run
        .as_ref()
        .and_then(|run| run.configuration_overrides())
        .and_then(|overrides| overrides.monitoring_configuration())
        .and_then(|monitoring| monitoring.s3_monitoring_configuration())
        .map(|s3| (s3.log_uri(), vec![id]));
    let place = root.map(|(root, folders)| LogPlace {
        root,
        folders,
        options: &platform.source.storage_options,
    });
    checks.extend(check_logs(&platform.source.aws, &platform.config, place).await);
}

async fn describe(platform: &EmrEks, cluster: &str, id: &str) -> Result<JobRun, DiscoverError> {
    platform
        .client
        .describe_job_run()
        .virtual_cluster_id(cluster)
        .id(id)
        .send()
        .await
        .map_err(|error| call_error(id, DESCRIBE_JOB_RUN, &error))
        .and_then(|answer| {
            answer
                .job_run
                .ok_or_else(|| empty_answer(id, DESCRIBE_JOB_RUN))
        })
}
