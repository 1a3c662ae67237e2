//! `sparklake mcp`: the tools for language models, over standard input and output.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::arguments::LiveArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::lake;
use super::live::LiveSources;
use super::sql;
use crate::publish::mcp::{LiveSource, McpOptions, McpServer};

/// Serve the lake to language models over standard input and output (Model Context Protocol)
///
/// A client such as Claude or an editor starts it; nothing is to be typed. Everything is read-only. An
/// application that is not in the lake is fetched from the places given here, judged by the same rules
/// and kept for as long as the process lives.
#[derive(Debug, clap::Args)]
pub(super) struct McpArguments {
    #[command(flatten)]
    pub(super) live: LiveArguments,
    /// Longest time that a query may take, such as 30s or 5m; 0s for as long as it takes
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        value_parser = sql::timeout,
        env = "SPARKLAKE_TIMEOUT",
        hide_env_values = true
    )]
    timeout: Duration,
    /// Memory that a query may take, such as 512m or 4g
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "1g",
        value_parser = sql::memory,
        env = "SPARKLAKE_MEMORY",
        hide_env_values = true
    )]
    pub(super) memory: usize,
}

pub(super) async fn execute(arguments: &McpArguments, context: &Context) -> Result<(), CliError> {
    let server = server(arguments, context, "sparklake mcp --lake ./lake").await?;
    let served = async {
        let served = server.serve_stdio().await;
        served.map_err(|error| CliError::Serve(format!("the client was lost: {error}")))
    };
    or_interrupted(served).await
}

/// The server that arguments and settings describe.
///
/// # Errors
/// There is neither a lake nor a place to fetch from, or one of them cannot be used; `example` is a
/// line that would work.
pub(super) async fn server(
    arguments: &McpArguments,
    context: &Context,
    example: &str,
) -> Result<McpServer, CliError> {
    let settings = &context.settings;
    let live = LiveSources::of(context).await?;
    let lake = match (&settings.lake.uri, &live) {
        (None, None) => {
            return Err(CliError::Usage(format!(
                "there is nothing to serve; add --lake, --event-logs or --history-server, for example: {example}"
            )));
        }
        (None, Some(_)) => None,
        (Some(_), _) => Some(lake::open(context, example).await?),
    };
    let zero_is_long = Duration::from_secs(u64::from(u32::MAX));
    let timeout = match arguments.timeout.is_zero() {
        true => zero_is_long,
        false => arguments.timeout,
    };
    Ok(McpServer::new(McpOptions {
        lake,
        catalog: Rules::of(&settings.rules)?.as_run,
        live: live.map(|live| Arc::new(live) as Arc<dyn LiveSource>),
        memory_bytes: arguments.memory,
        timeout,
    })?)
}
