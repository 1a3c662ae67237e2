//! `sparklake rules`: what jobs are judged by.

use super::Context;
use super::arguments::RulesSourceArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::format::{Format, listing, texts};
use super::output::Output;

/// List the rules that jobs are judged by
#[derive(Debug, clap::Args)]
pub(super) struct RulesArguments {
    #[command(flatten)]
    pub(super) rules: RulesSourceArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

pub(super) fn execute(
    arguments: &RulesArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let rules = Rules::of(&context.settings.rules)?.as_run;
    let answer = listing([
        ("rule", texts(rules.rules().map(|rule| &rule.id))),
        ("category", texts(rules.rules().map(|rule| &rule.category))),
        ("severity", texts(rules.rules().map(|rule| &rule.severity))),
        ("title", texts(rules.rules().map(|rule| &rule.title))),
        ("file", texts(rules.rules().map(|rule| &rule.query.file))),
    ])?;
    Ok(arguments.format.write_all(&answer, output)?)
}
