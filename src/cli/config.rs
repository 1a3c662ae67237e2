//! `sparklake config`: what is set, and by whom.

use super::Context;
use super::arguments::JobArguments;
use super::error::CliError;
use super::output::Output;
use crate::config::show;

/// Show the configuration
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Print the effective configuration, and where each value comes from
    Show(JobArguments),
}

impl ConfigArguments {
    pub(super) fn job(&self) -> &JobArguments {
        match &self.command {
            ConfigCommand::Show(job) => job,
        }
    }
}

pub(super) fn execute(
    arguments: &ConfigArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    match &arguments.command {
        ConfigCommand::Show(_) => Ok(output.text(&show(&context.settings))?),
    }
}
