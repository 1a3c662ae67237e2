//! `sparklake sql`: asks the lake.

use std::io::Read;

use futures::StreamExt;

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::Format;
use super::lake;
use super::output::Output;
use super::queries::Queries;

const EXAMPLE: &str = "sparklake sql --lake ./lake \"SELECT * FROM findings LIMIT 10\"";

/// Ask the lake in SQL; every table goes by its name, and nothing can be changed
#[derive(Debug, clap::Args)]
pub(super) struct SqlArguments {
    /// The query, or `-` to read it from standard input
    // A query may begin with a comment, which begins as a flag does.
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    query: String,
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

pub(super) async fn execute(
    arguments: &SqlArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let query = query_text(&arguments.query)?;
    let lake = lake::open(context, EXAMPLE).await?;
    let mut answer = Queries::of(&lake, &context.settings.rules)?
        .stream(&query)
        .await?;
    let mut writer = arguments.format.writer(&answer.schema(), output)?;
    while let Some(batch) = answer.next().await {
        writer.write(&batch.map_err(CliError::Execution)?)?;
    }
    Ok(writer.finish()?)
}

fn query_text(query: &str) -> Result<String, CliError> {
    let mut text = query.to_owned();
    if query == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| CliError::Usage(format!("the query cannot be read: {error}")))?;
    }
    if text.trim().is_empty() {
        return Err(CliError::Usage(format!(
            "the query is empty; write for example: {EXAMPLE}"
        )));
    }
    Ok(text)
}
