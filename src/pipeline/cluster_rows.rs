//! Tables `cluster_summaries`, `cluster_instances`, `cluster_metrics` and `job_runs`.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::discover::{Call, CallOutcome, Cluster, ClusterInstances, ClusterMetrics, JobRun};
use crate::extract::rows::{FactTable, RowSink, json_map};
use crate::load::{Batch, ClusterRecord, LoadError, UnitWriter, WriterSettings};
use crate::schema::{self, BuilderError, RowBuilder, TableBuilder};

use super::clusters::{AnalysisStatus, ClusterOutcome};
use super::error::RunError;
use super::portion::Loader;

/// Number of the unit that holds rows of clusters.
const CLUSTER_UNIT: u32 = 0;

/// Commits what became of some clusters, and their rows of the ledger with it.
pub(super) async fn commit(
    loader: &Loader<'_>,
    clusters: &[ClusterOutcome],
    records: &[ClusterRecord],
    run_id: &str,
) -> Result<(), RunError> {
    let batch = loader.lake.begin_batch(loader.lock, run_id).await?;
    let invalid = |error: BuilderError| LoadError::Writer {
        reason: error.to_string(),
    };
    let mut tables = rows(clusters, &batch).map_err(invalid)?;
    tables.extend(ClusterRecord::rows(records, &batch).map_err(invalid)?);
    let settings = WriterSettings::default();
    let staging = loader.lake.staging(settings);
    let staged = tokio::task::block_in_place(|| {
        let mut writer = UnitWriter::new(staging, &batch, CLUSTER_UNIT);
        writer.begin_history()?;
        for (table, rows) in tables {
            writer.write(table, rows).map_err(LoadError::from_sink)?;
        }
        writer.commit_history()?;
        writer.finish()
    })?;
    loader
        .lake
        .commit(loader.lock, &batch, vec![staged], &[], Vec::new())
        .await?;
    Ok(())
}

fn rows(
    clusters: &[ClusterOutcome],
    batch: &Batch,
) -> Result<Vec<(&'static str, RecordBatch)>, BuilderError> {
    let mut tables = Vec::new();
    for table in [
        "cluster_summaries",
        "cluster_instances",
        "cluster_metrics",
        "job_runs",
    ] {
        let Some(contract) = schema::table(table) else {
            continue;
        };
        let mut builder = TableBuilder::new(contract);
        for outcome in clusters {
            append(table, outcome, batch, &mut builder);
        }
        if !builder.is_empty() {
            tables.push((table, builder.finish()?));
        }
    }
    Ok(tables)
}

/// Appends the rows that one cluster has in `table`.
fn append(table: &str, outcome: &ClusterOutcome, batch: &Batch, builder: &mut TableBuilder) {
    let exploration = &outcome.exploration;
    let cluster = &exploration.cluster;
    let mut append_row = |fill: &dyn Fn(&mut RowBuilder<'_>)| {
        let mut row = builder.row();
        row.string("platform", cluster.platform.as_str())
            .string("cluster_id", &cluster.id)
            .string("cluster_name", &cluster.name);
        fill(&mut row);
        row.string("run_id", &batch.run_id)
            .string("batch_id", &batch.id)
            .timestamp_ms("ingested_at", batch.started_at.timestamp_millis());
        row.end();
    };
    match table {
        "cluster_summaries" => append_row(&|row| summary(row, outcome)),
        "cluster_instances" => {
            for instances in &exploration.instances {
                append_row(&|row| self::instances(row, instances));
            }
        }
        "cluster_metrics" => {
            for metrics in &exploration.metrics {
                append_row(&|row| self::metrics(row, metrics));
            }
        }
        _ => {
            for run in &exploration.job_runs {
                append_row(&|row| job_run(row, run));
            }
        }
    }
}

fn summary(row: &mut RowBuilder<'_>, outcome: &ClusterOutcome) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let rows = |table: FactTable| i64::try_from(outcome.rows.of(table)).unwrap_or(i64::MAX);
    let Cluster {
        status,
        is_finished,
        region,
        release_label,
        created_at,
        ready_at,
        ended_at,
        normalized_instance_hours,
        spark_context_id,
        tags,
        ..
    } = &outcome.exploration.cluster;
    let instances = &outcome.exploration.instances;
    let types: BTreeSet<&str> = instances
        .iter()
        .map(|instances| instances.instance_type.as_str())
        .collect();
    row.string("status", status)
        .string("analysis_status", &analysis_status(outcome))
        .string("status_details", &status_details(outcome))
        .opt_bigint("normalized_instance_hours", *normalized_instance_hours)
        .opt_string("spark_context_id", spark_context_id.as_deref())
        .bigint("total_applications", count(outcome.applications()))
        .bigint("unchanged_applications", count(outcome.unchanged))
        .bigint("loaded_applications", count(outcome.loaded()))
        .bigint("total_jobs", rows(FactTable::Jobs))
        .bigint("total_stages", rows(FactTable::Stages))
        .bigint("total_tasks", rows(FactTable::Tasks))
        .bigint("total_sql_queries", rows(FactTable::Sql))
        .bigint("total_executors", rows(FactTable::Executors))
        .bigint("total_task_summaries", rows(FactTable::TaskSummaries))
        .bigint("total_job_runs", count(outcome.exploration.job_runs.len()))
        .opt_string("region", region.as_deref())
        .opt_string("release_label", release_label.as_deref())
        .opt_timestamp_ms("created_at", milliseconds(*created_at))
        .opt_timestamp_ms("ready_at", milliseconds(*ready_at))
        .opt_timestamp_ms("ended_at", milliseconds(*ended_at))
        .boolean("is_finished", *is_finished)
        .string_array("instance_types", &types.into_iter().collect::<Vec<_>>())
        .opt_string("market", market(instances))
        .string("tags", &json_map(tags));
}

fn instances(row: &mut RowBuilder<'_>, instances: &ClusterInstances) {
    row.string("group_id", &instances.group_id)
        .opt_string("group_name", instances.group_name.as_deref())
        .string("role", &instances.role)
        .string("instance_type", &instances.instance_type)
        .opt_string("market", instances.market.as_deref())
        .opt_bigint("requested_count", instances.requested_count)
        .opt_bigint("running_count", instances.running_count)
        .opt_bigint("total_count", instances.total_count)
        .opt_double("instance_hours", instances.instance_hours)
        .opt_double("bid_price_usd", instances.bid_price_usd)
        .opt_double("bid_price_percentage", instances.bid_price_percentage)
        .opt_bigint("ebs_gb", instances.ebs_gb)
        .opt_timestamp_ms("first_created_at", milliseconds(instances.first_created_at))
        .opt_timestamp_ms("last_ended_at", milliseconds(instances.last_ended_at));
}

fn metrics(row: &mut RowBuilder<'_>, metrics: &ClusterMetrics) {
    let ratio = |part: Option<f64>, whole: Option<f64>| {
        let whole = whole.filter(|whole| *whole > 0.0)?;
        Some(part? / whole)
    };
    row.timestamp_ms("sampled_at", metrics.sampled_at.timestamp_millis())
        .string("source", metrics.source)
        .opt_string("queue", metrics.queue.as_deref())
        .opt_bigint("period_seconds", metrics.period_seconds)
        .opt_double("allocated_memory_mb", metrics.allocated_memory_mb)
        .opt_double("available_memory_mb", metrics.available_memory_mb)
        .opt_double("total_memory_mb", metrics.total_memory_mb)
        .opt_double("allocated_vcores", metrics.allocated_vcores)
        .opt_double("available_vcores", metrics.available_vcores)
        .opt_double("total_vcores", metrics.total_vcores)
        .opt_double(
            "memory_used_ratio",
            ratio(metrics.allocated_memory_mb, metrics.total_memory_mb),
        )
        .opt_double(
            "vcores_used_ratio",
            ratio(metrics.allocated_vcores, metrics.total_vcores),
        )
        .opt_double("allocated_containers", metrics.allocated_containers)
        .opt_double("pending_containers", metrics.pending_containers)
        .opt_double("running_applications", metrics.running_applications)
        .opt_double("pending_applications", metrics.pending_applications)
        .opt_double("active_nodes", metrics.active_nodes)
        .opt_double("lost_nodes", metrics.lost_nodes);
}

fn job_run(row: &mut RowBuilder<'_>, run: &JobRun) {
    row.string("job_run_id", &run.job_run_id)
        .opt_string("job_run_name", run.name.as_deref())
        .opt_string("job_id", run.job_id.as_deref())
        .string("status", &run.status)
        .opt_string("status_reason", run.status_reason.as_deref())
        .string_array("application_ids", &run.application_ids)
        .opt_timestamp_ms("created_at", milliseconds(run.created_at))
        .opt_timestamp_ms("started_at", milliseconds(run.started_at))
        .opt_timestamp_ms("ended_at", milliseconds(run.ended_at))
        .opt_string("entry_point", run.entry_point.as_deref())
        .opt_string("run_as", run.run_as.as_deref())
        .boolean("has_spark_history", run.has_spark_history)
        .opt_string("no_history_reason", run.no_history_reason.as_deref())
        .opt_double("used_vcpu_hours", run.used.vcpu_hours)
        .opt_double("used_memory_gb_hours", run.used.memory_gb_hours)
        .opt_double("used_storage_gb_hours", run.used.storage_gb_hours)
        .opt_double("billed_vcpu_hours", run.billed.vcpu_hours)
        .opt_double("billed_memory_gb_hours", run.billed.memory_gb_hours)
        .opt_double("billed_storage_gb_hours", run.billed.storage_gb_hours)
        .opt_bigint("execution_seconds", run.execution_seconds)
        .opt_bigint("queued_ms", run.queued_ms)
        .string("tags", &json_map(&run.tags));
}

fn milliseconds(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_millis())
}

fn market(instances: &[ClusterInstances]) -> Option<&str> {
    let mut markets = instances
        .iter()
        .filter_map(|instances| instances.market.as_deref());
    let first = markets.next()?;
    if markets.all(|market| market == first) {
        Some(first)
    } else {
        Some("MIXED")
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
