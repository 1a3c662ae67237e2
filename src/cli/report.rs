//! `sparklake report`: what the lake knows of an application, a job, or everything in it.

use std::path::PathBuf;

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use crate::publish::report::{Questions, Report, Subject};

const EXAMPLE: &str = "sparklake report --lake ./lake --app application_1713000000000_0001";

/// Report on an application, a recurring job, or the whole lake
///
/// A report of an application says in this order: the verdict, the run, the configuration in force,
/// where the time went, the bottlenecks with their evidence, the executors that did most and least,
/// what was checked and found clean, what could not be checked, what to do in which order with the
/// settings to paste, what it costs, and how to check the result.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// The application: its id; its newest attempt is shown
    #[arg(long, value_name = "ID", conflicts_with = "job")]
    app: Option<String>,
    /// The recurring job: its job_key
    #[arg(long, value_name = "JOB_KEY")]
    job: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: ReportFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// For a terminal
    #[default]
    Text,
    /// For tickets and chats
    Markdown,
    /// One page with pictures that needs nothing else
    Html,
    /// For programs
    Json,
    /// One application in at most 2 kB of JSON, for the prompt of a language model
    Card,
}

pub(super) async fn execute(
    arguments: &ReportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    if arguments.format == ReportFormat::Card && arguments.app.is_none() {
        return Err(CliError::Usage(format!(
            "a card is about one application; add --app, for example: {EXAMPLE} --format card"
        )));
    }
    let text = or_interrupted(report(arguments, context)).await?;
    match &arguments.out {
        None => Ok(output.text(&text)?),
        Some(file) => std::fs::write(file, text).map_err(|error| {
            CliError::Usage(format!("{} cannot be written: {error}", file.display()))
        }),
    }
}

async fn report(arguments: &ReportArguments, context: &Context) -> Result<String, CliError> {
    let lake = lake::open(context, EXAMPLE).await?;
    let ask = lake::ask(&lake, context)?;
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let uri = context.settings.lake.uri.as_deref().unwrap_or_default();
    let questions = Questions {
        ask: &ask,
        catalog: &catalog,
        lake: uri,
    };
    let subject = match (&arguments.app, &arguments.job) {
        (Some(id), _) => Subject::Application(id),
        (None, Some(key)) => Subject::Job(key),
        (None, None) => Subject::Lake,
    };
    let report = Report::load(&questions, subject).await?;
    Ok(match arguments.format {
        ReportFormat::Text => report.text(uri),
        ReportFormat::Markdown => report.markdown(uri),
        ReportFormat::Html => report.html(uri),
        ReportFormat::Json => report.json()?,
        ReportFormat::Card => report.card()?.unwrap_or_default(),
    })
}
