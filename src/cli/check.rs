//! `sparklake check`: an application against a budget, for pipelines.

use std::path::PathBuf;

use clap::ArgMatches;

use super::arguments::{LakeArguments, SettingsArguments, by_flag};
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::output::Output;
use super::{Context, lake, run};
use crate::analyze::Catalog;
use crate::ask::AskLake;
use crate::config::{LakeSettings, SettingOverrides};
use crate::load::Lake;
use crate::pipeline::{
    EXIT_DONE, EXIT_FAILED, EXIT_PARTIAL, EXIT_UNREACHABLE, EXIT_USAGE, LiveError, LiveLake,
};
use crate::publish::check::{self, Budget, Checked};
use crate::publish::{Facts, Run, find_run};

const EXAMPLE: &str = "sparklake check --event-log ./app-20261126 --budget budget.toml";

/// Check one application against a budget: exit code 0 within it, 1 exceeded, 2 a wrong budget
///
/// The application is an event log, which is replayed and judged by the same rules in a lake that is thrown
/// away, or an application of a lake. A limit whose value is not known is reported as not checked. For
/// limits against earlier runs of an event log's job, name the lake that knows them with --lake too.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// Event log to check: a path or URI
    #[arg(long, value_name = "URI", required_unless_present = "app")]
    event_log: Option<String>,
    /// The application: its id, or a part of it that no other has
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// The budget: a TOML file with sections [limits], [findings] and [regression]
    #[arg(long, value_name = "FILE")]
    budget: PathBuf,
    #[command(flatten)]
    lake: LakeArguments,
    /// Form of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: CheckFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum CheckFormat {
    #[default]
    Text,
    Json,
    Junit,
    Sarif,
}

impl SettingsArguments for CheckArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.lake.job_file()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        self.lake.give(matches, given);
        let log = self.event_log.as_ref().map(|log| vec![log.clone()]);
        given.event_logs = log.and_then(|log| by_flag("--event-log", log));
    }
}

pub(super) async fn execute(
    arguments: &CheckArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let budget = Budget::read(&arguments.budget)?;
    budget.check_rules(&catalog)?;
    let checked = or_interrupted(checked(arguments, context, &catalog, &budget)).await?;
    let text = match arguments.format {
        CheckFormat::Text => checked.to_text(),
        CheckFormat::Json => pretty(&checked)?,
        CheckFormat::Junit => checked.to_junit(),
        CheckFormat::Sarif => pretty(&checked.to_sarif())?,
    };
    super::export::put(&text, arguments.out.as_deref(), output)?;
    Ok(match checked.passed {
        true => EXIT_DONE,
        false => EXIT_FAILED,
    })
}

fn pretty(value: &impl serde::Serialize) -> Result<String, CliError> {
    let json = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    Ok(format!("{json}\n"))
}

async fn checked(
    arguments: &CheckArguments,
    context: &Context,
    catalog: &Catalog,
    budget: &Budget,
) -> Result<Checked, CliError> {
    if arguments.event_log.is_none() {
        let ask = asked(&lake::open(context, EXAMPLE).await?, context)?;
        let facts = Facts::new(&ask, catalog);
        let run = find_run(&facts, arguments.app.as_deref().unwrap_or_default()).await?;
        return Ok(check::check(&facts, &run, budget, Some(&facts)).await?);
    }
    let replayed = replay(context).await?;
    let ask = asked(replayed.lake(), context)?;
    let facts = Facts::new(&ask, catalog);
    let run = the_application(&facts, arguments).await?;
    // The lake of earlier runs is only opened where the budget asks for it.
    let wanted = budget.regression.is_some() && context.settings.lake.uri.is_some();
    let earlier = match wanted {
        true => Some(asked(&lake::open(context, EXAMPLE).await?, context)?),
        false => None,
    };
    let earlier = earlier.as_ref().map(|earlier| Facts::new(earlier, catalog));
    Ok(check::check(&facts, &run, budget, earlier.as_ref()).await?)
}

fn asked(lake: &Lake, context: &Context) -> Result<AskLake, CliError> {
    lake::ask(lake, context)
}

/// Loads and judges the event log in a lake of its own, whenever the log was written and as far as it
/// goes.
async fn replay(context: &Context) -> Result<LiveLake, CliError> {
    let mut settings = context.settings.clone();
    settings.lake = LakeSettings::default();
    settings.run.since = None;
    settings.run.until = None;
    settings.run.include_running = true;
    let nowhere = String::new();
    let sources = &settings.sources;
    let request = run::request_into(nowhere, sources, &settings, &context.environment).await?;
    let live = LiveLake::load(request).await.map_err(not_replayed)?;
    for problem in &live.summary().problems {
        tracing::warn!(
            uri = problem.uri,
            error_kind = problem.error_kind,
            "{}",
            problem.error
        );
    }
    Ok(live)
}

/// Why there is nothing to check.
fn not_replayed(error: LiveError) -> CliError {
    match error {
        LiveError::Run(error) => error.into(),
        LiveError::Lake(error) => error.into(),
        LiveError::Nothing {
            has_problem: false, ..
        } => CliError::NotReplayed {
            sentence: "there is no event log at that place; name the log itself, a file or the folder of a rolling log".to_owned(),
            exit_code: EXIT_USAGE,
        },
        LiveError::Nothing {
            reason,
            is_retryable,
            ..
        } => CliError::NotReplayed {
            sentence: format!("nothing can be checked: {reason}"),
            exit_code: match is_retryable {
                true => EXIT_UNREACHABLE,
                false => EXIT_PARTIAL,
            },
        },
        other @ (LiveError::Folder(_) | LiveError::Task(_)) => CliError::NotReplayed {
            sentence: other.to_string(),
            exit_code: EXIT_FAILED,
        },
    }
}

/// The one application of the log, or the one that --app names.
async fn the_application(facts: &Facts<'_>, arguments: &CheckArguments) -> Result<Run, CliError> {
    if let Some(app) = &arguments.app {
        return Ok(find_run(facts, app).await?);
    }
    let found = check::applications(facts).await?;
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(CliError::Usage(
            "the event log holds no application".to_owned(),
        )),
        several => {
            let ids: Vec<&str> = several
                .iter()
                .take(5)
                .map(|run| run.application_id.as_str())
                .collect();
            Err(CliError::Usage(format!(
                "the place holds several applications ({}…); name one log, or choose one with --app",
                ids.join(", ")
            )))
        }
    }
}
