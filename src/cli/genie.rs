//! `sparklake export genie`: a Genie space over the lake, and its evaluation.

use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::error::CliError;
use super::export::put;
use super::export_formats::{FormatArguments, Subject};
use super::interrupt::or_interrupted;
use super::output::Output;
use crate::publish::export::genie::evaluate::{Access, Evaluation, evaluate};
use crate::publish::export::genie::{Definition, bundle_resource, space};

/// A Genie space over the lake: tables, synonyms, joins, example questions with SQL, instructions, benchmarks
///
/// Writes the serialized space. With --evaluate it runs the benchmarks of a space that was made from it and reports
/// accuracy and repeatability.
#[derive(Debug, clap::Args)]
pub(super) struct GenieArguments {
    #[command(flatten)]
    pub(super) formats: FormatArguments,
    /// Write the resource of a bundle that deploys the space from this file, instead of the space
    #[arg(long, value_name = "FILE", conflicts_with = "evaluate")]
    bundle: Option<String>,
    /// Run the benchmarks of the space --space-id
    #[arg(long, requires = "space_id")]
    evaluate: bool,
    /// Id of the space to evaluate
    #[arg(long, value_name = "ID", requires = "evaluate")]
    space_id: Option<String>,
    /// Address of the workspace
    #[arg(
        long,
        value_name = "URL",
        env = "DATABRICKS_HOST",
        hide_env_values = true
    )]
    host: Option<String>,
    /// Variable that holds the token
    #[arg(long, value_name = "NAME", default_value = "DATABRICKS_TOKEN")]
    token_env: String,
    /// File that holds the token
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// How often the benchmarks are run: twice or more shows whether answers repeat
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=10))]
    runs: u8,
    /// Seconds between two questions whether a run has ended
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    poll: u64,
    /// Longest time of one run in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    timeout: u64,
}

pub(super) async fn execute(
    arguments: &GenieArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let out = arguments.formats.out.as_deref();
    if let (true, Some(space_id)) = (arguments.evaluate, &arguments.space_id) {
        let access = access(arguments, space_id, context)?;
        let evaluation = or_interrupted(async {
            Ok::<_, CliError>(evaluate(&access, usize::from(arguments.runs)).await?)
        })
        .await?;
        return put(&text(&evaluation)?, out, output);
    }
    let subject = Subject::read(&arguments.formats, context).await?;
    if let Some(file) = &arguments.bundle {
        let definition = Definition::read(&subject.catalog, &subject.relations)?;
        return put(&bundle_resource(&definition, file), out, output);
    }
    let space = space(&subject.namespace, &subject.relations, &subject.catalog)?;
    tracing::info!(
        tables = space.tables,
        instructions = space.instructions,
        snippets = space.snippets,
        benchmarks = space.benchmarks,
        "made a Genie space"
    );
    put(&format!("{:#}\n", space.value), out, output)
}

/// Where the space is. The token comes from a variable or a file, never from the command line.
fn access(
    arguments: &GenieArguments,
    space_id: &str,
    context: &Context,
) -> Result<Access, CliError> {
    let is_id = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if space_id.is_empty() || !space_id.chars().all(is_id) {
        return Err(CliError::Usage(format!(
            "`{space_id}` is no id of a Genie space; take it from the address of the space"
        )));
    }
    let host = arguments.host.clone().ok_or_else(|| {
        CliError::Usage(
            "no workspace is given; add --host https://….cloud.databricks.com".to_owned(),
        )
    })?;
    let parsed = url::Url::parse(&host);
    let is_safe = parsed.is_ok_and(|url| {
        url.scheme() == "https"
            || matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    });
    if !is_safe {
        return Err(CliError::Usage(
            "--host is no https:// address; a token is sent to no other".to_owned(),
        ));
    }
    let token = match &arguments.token_file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| {
            CliError::Usage(format!("{} cannot be read: {error}", file.display()))
        })?,
        None => context.environment.get(&arguments.token_env).map(str::to_owned).ok_or_else(|| {
            CliError::Usage(format!(
                "the variable {} holds no token; set it, or name another with --token-env or a file with --token-file",
                arguments.token_env
            ))
        })?,
    };
    Ok(Access {
        host,
        space_id: space_id.to_owned(),
        token: token.trim().to_owned(),
        poll: Duration::from_secs(arguments.poll),
        timeout: Duration::from_secs(arguments.timeout.saturating_mul(60)),
    })
}

/// The evaluation as JSON.
fn text(evaluation: &Evaluation) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(evaluation).map_err(std::io::Error::other)?;
    Ok(format!("{text}\n"))
}
