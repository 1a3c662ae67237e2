//! `sparklake compare`: two runs side by side.

use std::path::PathBuf;

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use crate::publish::{Facts, compare, find_run, last_runs};

const EXAMPLE: &str = "sparklake compare --lake ./lake app-20261125 app-20261126";

/// Compare two runs: what took longer, in which stages, and which settings differ
///
/// Stages are matched by call site, query and operators. A run is named by its application id or by a
/// part of it that no other has; `ID/ATTEMPT` names one attempt, else the newest is taken.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArguments {
    /// The first run: its application id, or a part of it
    #[arg(value_name = "A", required_unless_present = "job", requires = "b")]
    a: Option<String>,
    /// The second run
    #[arg(value_name = "B")]
    b: Option<String>,
    /// Compare the last two runs of this recurring job (its job_key) instead
    #[arg(long, value_name = "JOB_KEY", conflicts_with_all = ["a", "b"])]
    job: Option<String>,
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Form of the comparison
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: CompareFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum CompareFormat {
    #[default]
    Text,
    Markdown,
    Json,
}

pub(super) async fn execute(
    arguments: &CompareArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let text = or_interrupted(text(arguments, context)).await?;
    super::export::put(&text, arguments.out.as_deref(), output)
}

async fn text(arguments: &CompareArguments, context: &Context) -> Result<String, CliError> {
    let lake = lake::open(context, EXAMPLE).await?;
    let ask = lake::ask(&lake, context)?;
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let facts = Facts::new(&ask, &catalog);
    let [a, b] = match (&arguments.job, &arguments.a, &arguments.b) {
        (Some(job), _, _) => last_runs(&facts, job).await?,
        (None, Some(a), Some(b)) => [find_run(&facts, a).await?, find_run(&facts, b).await?],
        _ => {
            return Err(CliError::Usage(format!(
                "name two runs, or a job; for example: {EXAMPLE}"
            )));
        }
    };
    let comparison = compare::compare(&facts, &a, &b).await?;
    Ok(match arguments.format {
        CompareFormat::Text => comparison.to_text(),
        CompareFormat::Markdown => comparison.to_markdown(),
        CompareFormat::Json => {
            let json = serde_json::to_string_pretty(&comparison).map_err(std::io::Error::from)?;
            format!("{json}\n")
        }
    })
}
