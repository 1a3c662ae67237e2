//! Rows about clusters: tables `cluster_summaries`, `cluster_instances`, `cluster_metrics`, `job_runs`
//! and the ledger of clusters.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::discover::{Cluster, ClusterInstances, ClusterMetrics, JobRun};
use crate::extract::rows::{FactTable, RowCounts, json_map};
use crate::load::{Batch, ClusterRecord};
use crate::schema::{self, BuilderError, RowBuilder, TableBuilder};

/// How instances are bought where the platform does not tell: a key is never NULL.
const UNKNOWN_MARKET: &str = "UNKNOWN";

/// The tables that rows about clusters are in.
pub(super) const TABLES: [&str; 5] = [
    "cluster_summaries",
    "cluster_instances",
    "cluster_metrics",
    "job_runs",
    "ingest_clusters",
];

/// What a platform told about one cluster, and what became of its applications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFacts {
    /// The cluster.
    pub cluster: Cluster,
    /// What it consists of.
    pub instances: Vec<ClusterInstances>,
    /// How full it was.
    pub metrics: Vec<ClusterMetrics>,
    /// Runs on it.
    pub job_runs: Vec<JobRun>,
    /// How its history stands, for `cluster_summaries.analysis_status`.
    pub analysis_status: String,
    /// What was asked and what came of it, for `cluster_summaries.status_details`.
    pub status_details: String,
    /// Applications that were found.
    pub total_applications: usize,
    /// Those of them that are in the lake and have not changed.
    pub unchanged_applications: usize,
    /// Those of them that this run loaded.
    pub loaded_applications: usize,
    /// Rows that were loaded of them.
    pub rows: RowCounts,
    /// Its row of the ledger.
    pub record: ClusterRecord,
}

/// All rows about some clusters, by table.
///
/// # Errors
/// When a row does not fit its table's contract: a bug of this program.
pub(super) fn rows(
    clusters: &[ClusterFacts],
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
        for facts in clusters {
            append(table, facts, batch, &mut builder);
        }
        if !builder.is_empty() {
            tables.push((table, builder.finish()?));
        }
    }
    let records: Vec<ClusterRecord> = clusters.iter().map(|facts| facts.record.clone()).collect();
    tables.extend(ClusterRecord::rows(&records, batch)?);
    Ok(tables)
}

/// Appends the rows that one cluster has in `table`.
fn append(table: &str, facts: &ClusterFacts, batch: &Batch, builder: &mut TableBuilder) {
    let cluster = &facts.cluster;
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
        "cluster_summaries" => append_row(&|row| summary(row, facts)),
        "cluster_instances" => {
            for instances in &facts.instances {
                append_row(&|row| self::instances(row, instances));
            }
        }
        "cluster_metrics" => {
            for metrics in &facts.metrics {
                append_row(&|row| self::metrics(row, metrics));
            }
        }
        _ => {
            for run in &facts.job_runs {
                append_row(&|row| job_run(row, run));
            }
        }
    }
}

fn summary(row: &mut RowBuilder<'_>, facts: &ClusterFacts) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let rows = |table: FactTable| i64::try_from(facts.rows.of(table)).unwrap_or(i64::MAX);
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
    } = &facts.cluster;
    let instances = &facts.instances;
    let types: BTreeSet<&str> = instances
        .iter()
        .map(|instances| instances.instance_type.as_str())
        .collect();
    row.string("status", status)
        .string("analysis_status", &facts.analysis_status)
        .string("status_details", &facts.status_details)
        .opt_bigint("normalized_instance_hours", *normalized_instance_hours)
        .opt_string("spark_context_id", spark_context_id.as_deref())
        .bigint("total_applications", count(facts.total_applications))
        .bigint(
            "unchanged_applications",
            count(facts.unchanged_applications),
        )
        .bigint("loaded_applications", count(facts.loaded_applications))
        .bigint("total_jobs", rows(FactTable::Jobs))
        .bigint("total_stages", rows(FactTable::Stages))
        .bigint("total_tasks", rows(FactTable::Tasks))
        .bigint("total_sql_queries", rows(FactTable::Sql))
        .bigint("total_executors", rows(FactTable::Executors))
        .bigint("total_task_summaries", rows(FactTable::TaskSummaries))
        .bigint("total_job_runs", count(facts.job_runs.len()))
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
        .string(
            "market",
            instances.market.as_deref().unwrap_or(UNKNOWN_MARKET),
        )
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
        .string("source", &metrics.source)
        .string("queue", metrics.queue.as_deref().unwrap_or_default())
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
