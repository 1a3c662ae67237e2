//! `sparklake tables`: what can be asked.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::ddl;
use super::error::CliError;
use super::format::{Format, counts, listing, texts};
use super::lake;
use super::output::Output;
use crate::schema;

/// Tables whose rows are counted at the same time.
const COUNTED_TOGETHER: usize = 8;

/// List all tables and views; with --lake also how many rows each table has
#[derive(Debug, clap::Args)]
pub(super) struct TablesArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print statements that make the tables and views of --lake known to Spark or Databricks
    #[arg(long, conflicts_with = "format")]
    ddl: bool,
}

/// One line of the answer.
struct Line {
    name: String,
    kind: &'static str,
    rows: Option<u64>,
    grain: String,
}

pub(super) async fn execute(
    arguments: &TablesArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    if arguments.ddl {
        let lake = context.settings.lake.uri.as_deref();
        return Ok(output.text(&ddl::spark(lake, &catalog)?)?);
    }
    let has_lake = context.settings.lake.uri.is_some();
    let counted = match has_lake {
        true => count_rows(context).await?,
        false => BTreeMap::new(),
    };
    let tables = schema::tables().iter().map(|table| Line {
        name: table.name.clone(),
        kind: table.kind.name(),
        rows: counted.get(table.name.as_str()).copied(),
        grain: table.grain.clone(),
    });
    let views = catalog.views().map(|view| Line {
        name: view.id.clone(),
        kind: "view",
        rows: None,
        grain: view.title.clone(),
    });
    let lines: Vec<Line> = tables.chain(views).collect();
    let names = texts(lines.iter().map(|line| &line.name));
    let kinds = texts(lines.iter().map(|line| line.kind));
    let grains = texts(lines.iter().map(|line| &line.grain));
    let answer = if has_lake {
        let rows = counts(lines.iter().map(|line| line.rows));
        listing([
            ("table", names),
            ("kind", kinds),
            ("rows", rows),
            ("grain", grains),
        ])?
    } else {
        listing([("table", names), ("kind", kinds), ("grain", grains)])?
    };
    Ok(arguments.format.write_all(&answer, output)?)
}

/// The number of rows of each table. Delta keeps it for each file, so no file is opened.
async fn count_rows(context: &Context) -> Result<BTreeMap<&'static str, u64>, CliError> {
    let opened = lake::open(context, "sparklake tables --lake ./lake").await?;
    let ask = &lake::ask(&opened, context)?;
    stream::iter(schema::tables())
        .map(|table| async { Ok((table.name.as_str(), ask.count(&table.name).await?)) })
        .buffered(COUNTED_TOGETHER)
        .try_collect()
        .await
}
