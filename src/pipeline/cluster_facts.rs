//! What is written down about clusters: the facts that their rows are made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::discover::{Call, CallOutcome};
use crate::unit::ClusterFacts;

use super::cluster_outcome::ClusterOutcome;
use super::error::RunError;
use super::outcome::AnalysisStatus;
use super::portion::Loader;

/// Commits what became of some clusters, and their rows of the ledger with it.
pub(super) async fn commit(
    loader: &Loader<'_>,
    clusters: Vec<ClusterOutcome>,
    run_id: &str,
) -> Result<(), RunError> {
    let include_tasks = loader.request.include_tasks;
    let facts = clusters
        .into_iter()
        .map(|cluster| facts(cluster, include_tasks))
        .collect();
    let batch = loader.lake.begin_batch(loader.lock, run_id).await?;
    let staged = loader.stage_clusters(facts, &batch)?;
    loader
        .lake
        .commit(loader.lock, &batch, staged, &[], Vec::new())
        .await?;
    Ok(())
}

fn facts(outcome: ClusterOutcome, include_tasks: bool) -> ClusterFacts {
    ClusterFacts {
        analysis_status: analysis_status(&outcome),
        status_details: status_details(&outcome),
        total_applications: outcome.applications(),
        unchanged_applications: outcome.unchanged,
        loaded_applications: outcome.loaded(),
        rows: outcome.rows,
        record: outcome.record(include_tasks),
        cluster: outcome.exploration.cluster,
        instances: outcome.exploration.instances,
        metrics: outcome.exploration.metrics,
        job_runs: outcome.exploration.job_runs,
    }
}

fn analysis_status(outcome: &ClusterOutcome) -> String {
    let codes = || outcome.failures.join(",");
    match outcome.status() {
        AnalysisStatus::Completed => "COMPLETED".to_owned(),
        AnalysisStatus::NoApplications => {
            let skipped = |call: &Call| match &call.outcome {
                CallOutcome::Skipped(reason) if call.name == "applications" => Some(reason.clone()),
                _ => None,
            };
            let reason = outcome.exploration.calls.iter().find_map(skipped);
            format!(
                "NO_APPLICATIONS({})",
                reason.as_deref().unwrap_or("No data")
            )
        }
        AnalysisStatus::Partial => format!("PARTIAL({})", codes()),
        AnalysisStatus::Failed => format!("FAILED({})", codes()),
    }
}

/// What was asked and what came of it, as one JSON object. A thing that was asked several times
/// (once an application, say) shows its counts together, or its first failure.
fn status_details(outcome: &ClusterOutcome) -> String {
    let mut details: BTreeMap<&str, CallOutcome> = BTreeMap::new();
    for Call { name, outcome } in &outcome.exploration.calls {
        match (details.get_mut(name), outcome) {
            (None, outcome) => {
                details.insert(name, outcome.clone());
            }
            (Some(CallOutcome::Found(sum)), CallOutcome::Found(more)) => *sum += more,
            (Some(CallOutcome::Failed { .. }), _) => {}
            (Some(known), CallOutcome::Failed { .. } | CallOutcome::Found(_)) => {
                *known = outcome.clone();
            }
            (Some(_), CallOutcome::Skipped(_)) => {}
        }
    }
    let mut object = Map::new();
    for (name, outcome) in details {
        let text = match outcome {
            CallOutcome::Found(count) => format!("OK({count})"),
            CallOutcome::Skipped(reason) => format!("SKIPPED({reason})"),
            CallOutcome::Failed { code, .. } => format!("FAILED({code})"),
        };
        object.insert(name.to_owned(), Value::from(text));
    }
    let mut histories: Map<String, Value> = outcome
        .by_status
        .iter()
        .map(|(status, count)| (status.as_str().to_owned(), Value::from(*count)))
        .collect();
    histories.insert("unchanged".to_owned(), Value::from(outcome.unchanged));
    object.insert("histories".to_owned(), Value::Object(histories));
    Value::Object(object).to_string()
}
