//! `sparklake tables`: what can be asked.

use futures::{StreamExt, TryStreamExt, stream};

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::{Format, counts, listing, texts};
use super::lake;
use super::output::Output;
use super::queries::Queries;
use crate::schema;

/// Tables whose rows are counted at the same time.
const COUNTED_TOGETHER: usize = 8;

/// List all tables; with --lake also how many rows each has
#[derive(Debug, clap::Args)]
pub(super) struct TablesArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

pub(super) async fn execute(
    arguments: &TablesArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let tables = schema::tables();
    let names = texts(tables.iter().map(|table| &table.name));
    let kinds = texts(tables.iter().map(|table| table.kind.name()));
    let grains = texts(tables.iter().map(|table| &table.grain));
    let answer = if context.settings.lake.uri.is_some() {
        let rows = counts(count_rows(context).await?.into_iter().map(Some));
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
async fn count_rows(context: &Context) -> Result<Vec<u64>, CliError> {
    let lake = lake::open(context, "sparklake tables --lake ./lake").await?;
    let queries = Queries::of(&lake, &context.settings.rules)?;
    stream::iter(schema::tables())
        .map(|table| queries.count(&table.name))
        .buffered(COUNTED_TOGETHER)
        .try_collect()
        .await
}
