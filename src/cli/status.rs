//! `sparklake status`: how the lake is doing.

use arrow::array::RecordBatch;
use serde_json::{Value, json};

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::Format;
use super::lake;
use super::output::Output;
use crate::ask::QueryLimits;

/// The newest version of each history.
const NEWEST: &str = "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY source_uri \
                      ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age FROM ingest_sources \
                      WHERE layout IS NULL OR layout <> 'cluster') AS s WHERE age = 1";
/// The newest run that looked at its sources: only its problems with places are of today.
const LAST_RUN: &str = "SELECT run_id FROM runs WHERE status IS NULL \
                        OR status NOT IN ('held', 'misconfigured', 'interrupted', 'killed') \
                        ORDER BY started_at DESC LIMIT 1";
/// What became of the clusters of platforms, by the newest run that asked each.
const CLUSTERS: &str = "SELECT platform, analysis_status, count(*) AS clusters, \
                        sum(total_applications) AS applications, min(cluster_id) AS example \
                        FROM (SELECT *, row_number() OVER (PARTITION BY platform, cluster_id \
                        ORDER BY run_id DESC) AS age FROM cluster_summaries) AS s WHERE age = 1 \
                        GROUP BY platform, analysis_status ORDER BY clusters DESC, analysis_status";

/// Applications that a rule or table could not judge; every run tries them again.
const NOT_JUDGED: &str = "SELECT step, count(*) AS applications, min(application_id) AS example, \
                          min(error) AS error FROM analysis_failures GROUP BY step ORDER BY step";

/// What the next run tries again: histories and places that could not be read, clusters that are not
/// done, applications that a rule or table could not judge.
const PENDING: &str = "\
WITH histories AS (
  SELECT *, CASE WHEN status = 'unreachable' THEN 'place' ELSE 'history' END AS what,
    COALESCE(error_kind, status) AS reason,
    ROW_NUMBER() OVER (PARTITION BY source_uri ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age
  FROM ingest_sources
  WHERE layout IS NULL OR layout <> 'cluster'
),
clusters AS (
  SELECT *,
    CASE WHEN status = 'open' THEN 'alive' ELSE ARRAY_TO_STRING(failures, ', ') END AS reason,
    ROW_NUMBER() OVER (PARTITION BY cluster_uri ORDER BY seq DESC NULLS LAST, ingested_at DESC) AS age
  FROM ingest_clusters
)
SELECT what, reason, COUNT(*) AS number, MIN(source_uri) AS example, MAX(ingested_at) AS last_tried
FROM histories
WHERE age = 1 AND retryable AND status <> 'loaded'
GROUP BY what, reason
UNION ALL
SELECT 'cluster' AS what, reason, COUNT(*) AS number, MIN(cluster_uri) AS example,
  MAX(ingested_at) AS last_tried
FROM clusters
WHERE age = 1 AND status <> 'done'
GROUP BY reason
UNION ALL
SELECT 'analysis' AS what, step AS reason, COUNT(*) AS number, MIN(application_id) AS example,
  MAX(ingested_at) AS last_tried
FROM analysis_failures
GROUP BY step
ORDER BY what, number DESC, reason";

/// Show the last runs, what is in the lake, what could not be loaded, what is tried again, and who works on it
#[derive(Debug, clap::Args)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Most runs and most problems to show
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    limit: u32,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: StatusFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum StatusFormat {
    #[default]
    Text,
    Json,
}

/// The parts of the answer, by name.
struct Status {
    lake: String,
    held_by: Option<String>,
    parts: [(&'static str, &'static str, RecordBatch); 6],
}

pub(super) async fn execute(
    arguments: &StatusArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let lake = lake::open(context, "sparklake status --lake ./lake").await?;
    let ask = lake::ask(&lake, context)?;
    let rows = async |sql: &str| -> Result<RecordBatch, CliError> {
        Ok(ask
            .query(sql, &[], &QueryLimits::default())
            .await?
            .into_batch()?)
    };
    let limit = arguments.limit;
    let status = Status {
        lake: lake.uri().to_owned(),
        held_by: lake.holder().await?.map(|holder| holder.to_string()),
        parts: [
            ("runs", "Last runs", rows(&runs(limit)).await?),
            ("clusters", "Clusters", rows(CLUSTERS).await?),
            ("sources", "Histories", rows(&sources()).await?),
            ("problems", "Problems", rows(&problems(limit)).await?),
            ("not_judged", "Not judged", rows(NOT_JUDGED).await?),
            (
                "pending",
                "Pending: every run tries again",
                rows(PENDING).await?,
            ),
        ],
    };
    match arguments.format {
        StatusFormat::Text => status.write_text(output),
        StatusFormat::Json => status.write_json(output),
    }
}

fn runs(limit: u32) -> String {
    format!(
        "SELECT run_id, started_at, date_part('epoch', ended_at - started_at) AS seconds, \
         status, exit_code, discovered, loaded, partial, unchanged, skipped, quarantined, failed, rows, \
         bytes, error FROM runs ORDER BY started_at DESC LIMIT {limit}"
    )
}

fn sources() -> String {
    format!(
        "SELECT status, count(*) AS histories, sum(rows) AS rows, sum(size_bytes) AS bytes \
         FROM ({NEWEST}) AS newest WHERE status <> 'unreachable' GROUP BY status ORDER BY histories DESC, status"
    )
}

fn problems(limit: u32) -> String {
    format!(
        "SELECT ingested_at, status, error_kind, source_uri, error FROM ({NEWEST}) AS newest \
         WHERE status IN ('partial', 'quarantined', 'failed') \
         OR (status = 'unreachable' AND run_id = ({LAST_RUN})) \
         ORDER BY ingested_at DESC, source_uri LIMIT {limit}"
    )
}

impl Status {
    fn write_text(&self, output: &mut Output) -> Result<(), CliError> {
        let work = match &self.held_by {
            Some(holder) => format!("{holder} works on it"),
            None => "no run holds it".to_owned(),
        };
        output.text(&format!("Lake {}: {work}\n", self.lake))?;
        for (_, title, rows) in &self.parts {
            if rows.num_rows() == 0 {
                output.text(&format!("\n{title}: none\n"))?;
            } else {
                output.text(&format!("\n{title}\n"))?;
                Format::Table.write_all(rows, &mut *output)?;
            }
        }
        Ok(())
    }

    fn write_json(&self, output: &mut Output) -> Result<(), CliError> {
        let mut status = json!({"lake": self.lake, "held_by": self.held_by});
        for (name, _, rows) in &self.parts {
            let mut text = Vec::new();
            Format::Json.write_all(rows, &mut text)?;
            let rows: Value = serde_json::from_slice(&text).map_err(std::io::Error::from)?;
            if let Some(status) = status.as_object_mut() {
                status.insert((*name).to_owned(), rows);
            }
        }
        Ok(output.text(&format!("{status}\n"))?)
    }
}
