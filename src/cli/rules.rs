//! `sparklake rules`: what jobs are judged by, and whether each rule finds what it has to.

use std::fmt::Write;

use super::Context;
use super::arguments::{RulesSourceArguments, SettingsArguments};
use super::catalog::Rules;
use super::error::CliError;
use super::format::{Format, listing, texts};
use super::output::Output;
use crate::analyze::{Catalog, RuleTest, test_rules};
use crate::pipeline::{EXIT_DONE, EXIT_FAILED};

/// List the rules that jobs are judged by
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RulesArguments {
    #[command(subcommand)]
    command: Option<RulesCommand>,
    #[command(flatten)]
    rules: RulesSourceArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum RulesCommand {
    /// Test rules by the cases beside them: exit code 0 all passed, 1 some failed
    ///
    /// rules/<category>/<rule>.test.toml holds cases of facts with the findings they have to give. No lake is
    /// needed. Rules and cases of --rules-dir replace those of the same name; thresholds are those of the
    /// files, whatever a job file changes.
    Test(TestArguments),
}

#[derive(Debug, clap::Args)]
struct TestArguments {
    /// Rules to test; all where none is named
    #[arg(value_name = "RULE")]
    ids: Vec<String>,
    #[command(flatten)]
    rules: RulesSourceArguments,
    /// Form of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: TestFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum TestFormat {
    /// A line for each rule and each case that fails
    #[default]
    Text,
    /// One JSON array, an object for each rule
    Json,
}

impl RulesArguments {
    /// What its flags say about settings.
    pub(super) fn settings_arguments(&self) -> &dyn SettingsArguments {
        match &self.command {
            Some(RulesCommand::Test(arguments)) => &arguments.rules,
            None => &self.rules,
        }
    }
}

pub(super) async fn execute(
    arguments: &RulesArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    match &arguments.command {
        Some(RulesCommand::Test(arguments)) => test(arguments, context, output).await,
        None => list(arguments, context, output),
    }
}

fn list(
    arguments: &RulesArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let rules = Rules::of(&context.settings.rules)?.as_run;
    let answer = listing([
        ("rule", texts(rules.rules().map(|rule| &rule.id))),
        ("category", texts(rules.rules().map(|rule| &rule.category))),
        ("severity", texts(rules.rules().map(|rule| &rule.severity))),
        ("title", texts(rules.rules().map(|rule| &rule.title))),
        ("file", texts(rules.rules().map(|rule| &rule.query.file))),
    ])?;
    arguments.format.write_all(&answer, output)?;
    Ok(EXIT_DONE)
}

async fn test(
    arguments: &TestArguments,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let settings = &context.settings.rules;
    let catalog = Rules::of(settings)?.as_written;
    let tests = test_rules(&catalog, settings.dir.as_deref(), &arguments.ids).await?;
    match arguments.format {
        TestFormat::Text => output.text(&text(&tests, &catalog))?,
        TestFormat::Json => {
            let json = serde_json::to_string_pretty(&tests).map_err(std::io::Error::from)?;
            output.text(&format!("{json}\n"))?;
        }
    }
    let failed = tests.iter().any(|test| !test.failures.is_empty());
    Ok(if failed { EXIT_FAILED } else { EXIT_DONE })
}

fn text(tests: &[RuleTest], catalog: &Catalog) -> String {
    let width = tests.iter().map(|test| test.rule.len()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut passed, mut failed, mut untested) = (0, 0, 0);
    for test in tests {
        let (state, note) = if test.file.is_none() {
            untested += 1;
            (
                "untested",
                format!("write {}", file_to_write(test, catalog)),
            )
        } else if test.failures.is_empty() {
            passed += 1;
            ("ok", cases(test.cases))
        } else {
            failed += 1;
            ("FAILED", test.file.clone().unwrap_or_default())
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{state:<8}  {:<width$}  {note}", test.rule);
        for failure in &test.failures {
            let case = failure.case.as_ref();
            let case = case.map_or_else(String::new, |case| format!("{case}: "));
            let problem = failure.problem.replace('\n', "\n            ");
            let _ = writeln!(text, "          {case}{problem}");
        }
    }
    let _ = writeln!(
        text,
        "{passed} passed, {failed} failed, {untested} untested"
    );
    text
}

fn cases(count: usize) -> String {
    match count {
        1 => "1 case".to_owned(),
        more => format!("{more} cases"),
    }
}

/// Where the data file of a rule belongs.
fn file_to_write(test: &RuleTest, catalog: &Catalog) -> String {
    let rule = catalog.rule(&test.rule);
    let category = rule.map_or("<category>", |rule| rule.category.as_str());
    format!("rules/{category}/{}.test.toml", test.rule)
}
