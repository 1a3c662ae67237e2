//! What `sparklake doctor` tries.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use object_store::path::Path;

use super::api::{self, ClusterDetails, Workspace};
use super::{DatabricksSource, logs};
use crate::discover::{Check, CheckOutcome, DiscoverError};

/// Tries who asks, what it may list, and whether a place of delivered logs can be read.
pub(super) async fn run(workspace: &Arc<Workspace>, source: &DatabricksSource) -> Vec<Check> {
    let who = workspace.who_am_i().await;
    let mut checks = vec![check(
        &format!("credentials for {}", workspace.uri),
        who.map(|name| format!("the workspace knows the caller as {name}")),
    )];
    let clusters = workspace
        .clusters(&source.cluster_states, &source.cluster_sources)
        .await;
    let (listed, clusters) = match clusters {
        Ok(clusters) => (
            Ok(format!("{} clusters", clusters.items.len())),
            clusters.items,
        ),
        Err(error) => (Err(error), Vec::new()),
    };
    checks.push(check(api::LIST_CLUSTERS.call, listed));
    let day_ago = Utc::now() - TimeDelta::days(1);
    let runs = workspace.runs(Some(day_ago), None).await;
    let runs = runs.map(|runs| format!("{} runs within a day", runs.items.len()));
    checks.push(check(api::LIST_RUNS.call, runs));
    checks.push(events(workspace, clusters.first()).await);
    checks.push(delivered(workspace, source, &clusters).await);
    checks.push(data_plane(source));
    checks
}

async fn events(workspace: &Workspace, cluster: Option<&ClusterDetails>) -> Check {
    let subject = api::LIST_EVENTS.call;
    let Some(cluster) = cluster else {
        return skipped(subject, "there is no cluster to ask about");
    };
    let day_ago = Utc::now() - TimeDelta::days(1);
    let events = workspace.events(cluster.id(), day_ago, None).await;
    check(
        subject,
        events.map(|events| format!("{} events", events.len())),
    )
}

/// Looks at the place of the first cluster that delivers logs.
async fn delivered(
    workspace: &Arc<Workspace>,
    source: &DatabricksSource,
    clusters: &[ClusterDetails],
) -> Check {
    let subject = "delivered event logs";
    let with_logs = clusters.iter().filter_map(|cluster| {
        let target = logs::destination(cluster.cluster_log_conf.as_ref()?)?;
        Some((cluster.id(), target))
    });
    let with_logs: Vec<_> = with_logs.collect();
    let Some((id, target)) = with_logs.first() else {
        let problem = "no cluster delivers logs";
        return match clusters.is_empty() {
            true => skipped(subject, "there is no cluster to look at"),
            false => failed(
                subject,
                problem,
                "set cluster_log_conf of clusters and jobs, best in a compute policy",
            ),
        };
    };
    let looked = match logs::folder(workspace, source, target, id).await {
        Ok(folder) => {
            let path: Option<&Path> = Some(&folder.path);
            let listed = folder.store.list_with_delimiter(path).await;
            match listed {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(source) => Err(DiscoverError::Store {
                    uri: folder.given.clone(),
                    source,
                }),
            }
        }
        Err(error) => Err(error),
    };
    let seen = format!(
        "{} of {} clusters deliver logs; {} can be read",
        with_logs.len(),
        clusters.len(),
        target.destination
    );
    match looked {
        Ok(()) => check(subject, Ok(seen)),
        Err(error) => failed(
            subject,
            &error.to_string(),
            "give the caller READ VOLUME on the volume, read access to the DBFS folder, or \
             s3:ListBucket and s3:GetObject on the bucket",
        ),
    }
}

fn data_plane(source: &DatabricksSource) -> Check {
    let subject = "Spark UI of the data plane";
    match &source.data_plane {
        None => skipped(subject, "not wanted; it needs a person's cookie"),
        Some(_) => skipped(
            subject,
            "its cookie can only be tried with a cluster's own address; it is good for some hours",
        ),
    }
}

fn check(subject: &str, result: Result<String, DiscoverError>) -> Check {
    let outcome = match result {
        Ok(seen) => CheckOutcome::Passed(seen),
        Err(DiscoverError::Platform { message, cure, .. }) => CheckOutcome::Failed {
            problem: message,
            cure,
        },
        Err(error) => CheckOutcome::Failed {
            problem: error.to_string(),
            cure: "check the workspace URL, and that this machine reaches it".to_owned(),
        },
    };
    Check {
        subject: subject.to_owned(),
        outcome,
    }
}

fn skipped(subject: &str, reason: &str) -> Check {
    Check {
        subject: subject.to_owned(),
        outcome: CheckOutcome::Skipped(reason.to_owned()),
    }
}

fn failed(subject: &str, problem: &str, cure: &str) -> Check {
    Check {
        subject: subject.to_owned(),
        outcome: CheckOutcome::Failed {
            problem: problem.to_owned(),
            cure: cure.to_owned(),
        },
    }
}
