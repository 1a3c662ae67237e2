//! The command line: what people and schedulers type, and what they get back.
//!
//! Data goes to standard output, everything else to standard error. A command returns its exit
//! code; errors are turned into one sentence and a code in [`error`]. One file a command.

mod arguments;
mod ask;
mod catalog;
mod check;
mod cluster;
mod compare;
mod config;
mod ddl;
mod describe;
mod doctor;
#[cfg(test)]
mod documented;
mod error;
mod explain;
mod export;
mod export_formats;
mod format;
mod genie;
mod init;
mod interrupt;
mod job_settings;
mod lake;
mod live;
mod logging;
mod maintain;
mod manual;
mod mcp;
mod notify;
mod options;
mod output;
mod prices;
mod progress;
mod questions;
mod report;
mod rules;
mod run;
mod run_summary;
mod serve;
mod signals;
mod sources;
mod sql;
mod status;
mod summary;
mod tables;
mod text;
mod trace;
mod watch;
mod whatif;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::{ArgMatches, FromArgMatches, Parser, Subcommand};

use crate::ask::{THREAD_STACK_BYTES, remove_spill_folders};
use crate::config::{Environment, SettingOverrides, Settings, SummaryFormat};
use crate::pipeline::{EXIT_DONE, EXIT_USAGE};
use crate::redact::Redactor;
use arguments::{GlobalArguments, NoSettings, SettingsArguments};
use error::CliError;
use logging::Logging;
use output::Output;

/// Turns the history of Spark applications into Delta tables, and says which jobs waste what.
///
/// Every setting can be a flag, a variable SPARKLAKE_… or a key of a job file, in that order of
/// precedence.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 partial (something was
/// quarantined, the rest is loaded), 4 another run holds the lake, 75 no source could be reached,
/// 130 and 143 stopped by Ctrl-C or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "sparklake", version, arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    global: GlobalArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArguments),
    Sql(sql::SqlArguments),
    Whatif(whatif::WhatifArguments),
    Tables(tables::TablesArguments),
    Describe(describe::DescribeArguments),
    Questions(questions::QuestionsArguments),
    Rules(rules::RulesArguments),
    Explain(explain::ExplainArguments),
    Compare(compare::CompareArguments),
    Check(Box<check::CheckArguments>),
    Status(status::StatusArguments),
    Doctor(doctor::DoctorArguments),
    Maintain(maintain::MaintainArguments),
    Config(config::ConfigArguments),
    Init(init::InitArguments),
    Report(report::ReportArguments),
    Export(export::ExportArguments),
    Ask(Box<ask::AskArguments>),
    Mcp(mcp::McpArguments),
    Serve(serve::ServeArguments),
    Prices(prices::PricesArguments),
    Worker(worker::WorkerArguments),
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    Completions(manual::CompletionsArguments),
    /// Print the manual page
    Man,
}

/// What every command works with.
struct Context {
    settings: Settings,
    environment: Environment,
    logging: Logging,
    /// What the settings were made of, for a command that makes them again.
    given: SettingOverrides,
    job_file: Option<PathBuf>,
}

impl Context {
    /// The context with the job file read again, and relative times counted from now.
    fn renewed(&self) -> Result<Self, CliError> {
        let (given, job_file) = (self.given.clone(), self.job_file.clone());
        let now = Utc::now();
        let settings = Settings::load(given.clone(), job_file.as_deref(), &self.environment, now)?;
        Ok(Self {
            settings,
            environment: self.environment.clone(),
            logging: self.logging.clone(),
            given,
            job_file,
        })
    }
}

/// Reads the command line, does what it says, and returns the exit code.
pub fn main() -> ExitCode {
    let (command_line, matches) = match parse() {
        Ok(parsed) => parsed,
        Err(wrong) => {
            // Nothing is left to be told when even this cannot be printed.
            let _ = wrong.print();
            return ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(EXIT_USAGE));
        }
    };
    let environment = Environment::of_process();
    let given = command_line.given(&matches);
    let summary = command_line.command.run_summary(&given);
    let log_if_misconfigured = logging::given(&given);
    let job_file = command_line.command.settings_arguments().job_file();
    let settings = Settings::load(given.clone(), job_file.as_deref(), &environment, Utc::now());
    let log = settings
        .as_ref()
        .map_or(log_if_misconfigured, |settings| settings.log);
    let redactor = settings.as_ref().map_or_else(
        |_| Redactor::default(),
        |settings| settings.redactor.clone(),
    );
    let no_color = environment.get("NO_COLOR").is_some();
    let logging = Logging::start(log, no_color, redactor);
    let mut output = Output::stdout();
    let outcome = settings.map_err(CliError::from).and_then(|settings| {
        let context = Context {
            settings,
            environment,
            logging: logging.clone(),
            given,
            job_file,
        };
        let runtime = runtime()?;
        let outcome = runtime.block_on(command_line.command.execute(&context, &mut output));
        // A query that was stopped may still be busy with its last batch.
        runtime.shutdown_background();
        outcome
    });
    remove_spill_folders();
    finish(outcome, summary, &mut output, &logging)
}

fn parse() -> Result<(CommandLine, ArgMatches), clap::Error> {
    let arguments = std::env::args_os().map(not_a_flag);
    let matches = options::command_line().try_get_matches_from(arguments)?;
    let command_line = CommandLine::from_arg_matches(&matches)?;
    Ok((command_line, matches))
}

/// A query that begins with a comment, `-- …`, moved away from the place where flags begin.
fn not_a_flag(argument: OsString) -> OsString {
    let is_comment = argument.to_str().is_some_and(|text| {
        text.strip_prefix("--").is_some_and(|comment| {
            comment.starts_with(char::is_whitespace) || comment.contains('\n')
        })
    });
    if !is_comment {
        return argument;
    }
    let mut moved = OsString::from(" ");
    moved.push(argument);
    moved
}

/// Pieces of work after which the runtime looks at signals and connections: those of a query are large.
const EVENT_INTERVAL: u32 = 8;

/// One thread more than cores: signals and requests are noticed even while an operator of a query keeps
/// every core busy.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores + 1)
        .thread_stack_size(THREAD_STACK_BYTES)
        .event_interval(EVENT_INTERVAL)
        .enable_all()
        .build()
        .map_err(CliError::Runtime)
}

/// Tells a failure: to people, and in the summary of a run that could not begin.
fn finish(
    outcome: Result<u8, CliError>,
    summary: Option<SummaryFormat>,
    output: &mut Output,
    logging: &Logging,
) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        // Whoever read the output has seen enough.
        Err(_) if output.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let (sentence, exit_code) = (error.sentence(), error.exit_code());
            logging.tell_failure(&sentence, exit_code);
            if let Some(format) = summary {
                let failed = run_summary::of_failure(exit_code, sentence);
                // The exit code says it too.
                let _ = run_summary::print(&failed, format, logging.redactor(), output);
            }
            ExitCode::from(exit_code)
        }
    }
}

impl CommandLine {
    /// What flags and variables say about settings.
    fn given(&self, matches: &ArgMatches) -> SettingOverrides {
        let mut of_command = matches;
        while let Some((_, below)) = of_command.subcommand() {
            of_command = below;
        }
        let mut given = SettingOverrides::default();
        self.global.give(of_command, &mut given);
        self.command
            .settings_arguments()
            .give(of_command, &mut given);
        given
    }
}

impl Command {
    fn settings_arguments(&self) -> &dyn SettingsArguments {
        match self {
            Self::Run(arguments) => &arguments.job,
            Self::Sql(arguments) => &arguments.lake,
            Self::Whatif(arguments) => &arguments.lake,
            Self::Tables(arguments) => &arguments.lake,
            Self::Describe(arguments) => &arguments.rules,
            Self::Questions(arguments) => &arguments.lake,
            Self::Rules(arguments) => arguments.settings_arguments(),
            Self::Explain(arguments) => &arguments.rules,
            Self::Compare(arguments) => &arguments.lake,
            Self::Check(arguments) => arguments.as_ref(),
            Self::Status(arguments) => &arguments.lake,
            Self::Doctor(arguments) => &arguments.job,
            Self::Maintain(arguments) => arguments,
            Self::Config(arguments) => arguments.job(),
            Self::Report(arguments) => &arguments.lake,
            Self::Export(arguments) => arguments.settings_arguments(),
            Self::Ask(arguments) => arguments.as_ref(),
            Self::Mcp(arguments) => &arguments.live,
            Self::Serve(arguments) => &arguments.mcp.live,
            Self::Prices(arguments) => arguments.settings_arguments(),
            Self::Worker(arguments) => &arguments.lake,
            Self::Cluster(_) | Self::Init(_) | Self::Completions(_) | Self::Man => &NoSettings,
        }
    }

    /// How the summary is printed, for a run; `None` for other commands.
    fn run_summary(&self, given: &SettingOverrides) -> Option<SummaryFormat> {
        let format = given.summary.as_ref().map(|format| format.value);
        matches!(self, Self::Run(_)).then(|| format.unwrap_or_default())
    }

    async fn execute(&self, context: &Context, output: &mut Output) -> Result<u8, CliError> {
        match self {
            Self::Run(arguments) => return run::execute(arguments, context, output).await,
            Self::Doctor(arguments) => return doctor::execute(arguments, context, output).await,
            Self::Check(arguments) => return check::execute(arguments, context, output).await,
            Self::Compare(arguments) => compare::execute(arguments, context, output).await?,
            Self::Sql(arguments) => sql::execute(arguments, context, output).await?,
            Self::Whatif(arguments) => whatif::execute(arguments, context, output).await?,
            Self::Tables(arguments) => tables::execute(arguments, context, output).await?,
            Self::Describe(arguments) => describe::execute(arguments, context, output).await?,
            Self::Questions(arguments) => questions::execute(arguments, context, output).await?,
            Self::Rules(arguments) => return rules::execute(arguments, context, output).await,
            Self::Explain(arguments) => explain::execute(arguments, context, output)?,
            Self::Status(arguments) => status::execute(arguments, context, output).await?,
            Self::Maintain(arguments) => maintain::execute(arguments, context, output).await?,
            Self::Config(arguments) => config::execute(arguments, context, output)?,
            Self::Init(arguments) => init::execute(arguments, output)?,
            Self::Report(arguments) => report::execute(arguments, context, output).await?,
            Self::Export(arguments) => export::execute(arguments, context, output).await?,
            Self::Ask(arguments) => ask::execute(arguments, context, output).await?,
            Self::Mcp(arguments) => mcp::execute(arguments, context).await?,
            Self::Serve(arguments) => serve::execute(arguments, context).await?,
            Self::Prices(arguments) => prices::execute(arguments, output).await?,
            Self::Worker(arguments) => {
                return worker::execute(arguments, context, output).await;
            }
            Self::Cluster(command) => return cluster::execute(command, context).await,
            Self::Completions(arguments) => manual::completions(arguments, output)?,
            Self::Man => manual::man(output)?,
        }
        Ok(EXIT_DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_of_the_command_line_is_consistent() {
        options::command_line().debug_assert();
    }
}
