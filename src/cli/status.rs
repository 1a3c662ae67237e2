//! `sparklake status`: how the lake is doing.

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use serde_json::{Value, json};

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::format::Format;
use super::lake;
use super::output::Output;
use super::text::counted;
use crate::ask::QueryLimits;
use crate::load::Lake;
use crate::unit::shards::{ShardObjects, ShardProgress};

/// The parts of the answer, a file of `sql/status` each: name and query.
const PARTS: [(&str, &str); 6] = [
    ("runs", "last_runs"),
    ("clusters", "clusters"),
    ("sources", "sources"),
    ("problems", "problems"),
    ("not_judged", "not_judged"),
    ("pending", "pending"),
];

/// Show the last runs, what is in the lake, what could not be loaded, what is tried again, and which run holds it
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
    /// The run that waits for workers.
    waiting_run: Option<ShardProgress>,
    parts: Vec<(&'static str, String, RecordBatch)>,
}

pub(super) async fn execute(
    arguments: &StatusArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let lake = lake::open(context, "sparklake status --lake ./lake").await?;
    let ask = lake::ask(&lake, context)?;
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let limit = ScalarValue::from(i64::from(arguments.limit));
    let mut parts = Vec::new();
    for (name, id) in PARTS {
        let query = catalog.status(id)?;
        let limited = query
            .query
            .parameters
            .iter()
            .any(|known| known.name == "limit");
        let parameters = [("limit", limit.clone())];
        let parameters = if limited { parameters.as_slice() } else { &[] };
        let answer = ask
            .query(&query.query.statement, parameters, &QueryLimits::default())
            .await?;
        parts.push((name, query.title.clone(), answer.into_batch()?));
    }
    let status = Status {
        lake: lake.uri().to_owned(),
        held_by: lake.holder().await?.map(|holder| holder.to_string()),
        waiting_run: waiting_run(&lake).await?,
        parts,
    };
    match arguments.format {
        StatusFormat::Text => status.write_text(output),
        StatusFormat::Json => status.write_json(output),
    }
}

/// The run that waits in the lake. One whose manifest cannot be used is reported by a warning: the
/// rest of the status is worth seeing all the same.
async fn waiting_run(lake: &Lake) -> Result<Option<ShardProgress>, CliError> {
    let Some(objects) = ShardObjects::of_waiting_run(lake).await? else {
        return Ok(None);
    };
    match objects.progress().await {
        Ok(progress) => Ok(Some(progress)),
        Err(error) => {
            tracing::warn!("{error}");
            Ok(None)
        }
    }
}

fn waits_for_workers(waiting: &ShardProgress) -> String {
    let ShardProgress {
        run_id,
        phase,
        units,
        reported,
    } = waiting;
    format!(
        "run {run_id} waits for its workers ({}, {reported} of {} reported); `sparklake run --resume \
         {run_id}` commits what they reported",
        phase.as_str(),
        counted(*units, "unit", "units")
    )
}

impl Status {
    fn write_text(&self, output: &mut Output) -> Result<(), CliError> {
        let work = match (&self.held_by, &self.waiting_run) {
            (Some(holder), _) => format!("held by {holder}"),
            (None, Some(waiting)) => waits_for_workers(waiting),
            (None, None) => "no run holds it".to_owned(),
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
        let mut status = json!({
            "lake": self.lake,
            "held_by": self.held_by,
            "waiting_run": self.waiting_run,
        });
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
