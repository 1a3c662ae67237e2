//! `sparklake sql`: asks the lake.

use std::io::Read;
use std::time::Duration;

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::Format;
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use crate::ask::{AskOptions, QueryLimits};
use crate::config::parse_duration;
use crate::model::size_in_bytes;

const EXAMPLE: &str = "sparklake sql --lake ./lake \"SELECT * FROM findings LIMIT 10\"";

/// Ask the lake in SQL; every table and view goes by its name, and nothing can be changed
///
/// The dialect is Spark SQL as far as DataFusion runs it: NULL comes last in descending order,
/// JOIN … USING takes any number of tables. Functions are DataFusion's, plus Spark's where
/// DataFusion has none of the name (year, datediff, date_format, percentile_approx, max_by,
/// count(DISTINCT a, b), try_divide, explode …) and JSON's (json_get, ->, ->>, get_json_object).
/// EXPLAIN shows a query's plan. Tables join on platform, cluster_id, application_id, attempt_id.
#[derive(Debug, clap::Args)]
pub(super) struct SqlArguments {
    /// The query, or `-` to read it from standard input
    #[arg(value_name = "QUERY")]
    query: String,
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Longest time that the query may take, such as 30s, 5m or 1h; 0s for as long as it takes
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        value_parser = timeout,
        env = "SPARKLAKE_TIMEOUT",
        hide_env_values = true
    )]
    timeout: Option<Duration>,
    /// Memory that the query may take, such as 512m or 4g; sorts, joins and aggregates spill to
    /// disk before that
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2g",
        value_parser = memory,
        env = "SPARKLAKE_MEMORY",
        hide_env_values = true
    )]
    memory: usize,
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
    or_interrupted(answer(&query, arguments, context, output)).await
}

async fn answer(
    query: &str,
    arguments: &SqlArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let lake = lake::open(context, EXAMPLE).await?;
    let options = AskOptions {
        memory_bytes: arguments.memory,
        ..AskOptions::default()
    };
    let ask = lake::ask_with(&lake, context, options)?;
    let limits = QueryLimits {
        timeout: arguments.timeout.filter(|timeout| !timeout.is_zero()),
        ..QueryLimits::default()
    };
    let mut answer = ask.stream(query, &[], &limits).await?;
    let mut writer = arguments.format.writer(&answer.schema(), output)?;
    while let Some(batch) = answer.next().await? {
        writer.write(&batch)?;
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

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text)?;
    length
        .to_std()
        .map_err(|_| "write a length of time such as 30s or 5m".to_owned())
}

/// Memory for a query, in bytes.
pub(super) fn memory(text: &str) -> Result<usize, String> {
    const LEAST: u64 = 64 << 20;
    let bytes = size_in_bytes(text)?;
    if bytes < LEAST {
        return Err("a query needs at least 64m".to_owned());
    }
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}
