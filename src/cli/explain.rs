//! `sparklake explain`: how a rule judges, or a derived table is made.

use std::fmt::Write;

use super::Context;
use super::arguments::RulesSourceArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::output::Output;
use crate::analyze::{Advice, Catalog, Parameter, Query, without_header};

/// Explain a rule, derived table or view: what it looks for, its parameters, its SQL
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArguments {
    /// Id of the rule, or name of the derived table or view
    #[arg(value_name = "RULE")]
    rule: String,
    #[command(flatten)]
    pub(super) rules: RulesSourceArguments,
    /// Print only the SQL
    #[arg(long)]
    sql_only: bool,
}

pub(super) fn execute(
    arguments: &ExplainArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let rules = Rules::of(&context.settings.rules)?;
    let id = &arguments.rule;
    let as_run =
        Explained::find(&rules.as_run, id).or_else(|_| Explained::find(&rules.as_written, id))?;
    if arguments.sql_only {
        return Ok(output.text(&as_run.query.statement)?);
    }
    let as_written = Explained::find(&rules.as_written, id)?;
    Ok(output.text(&as_run.text(&as_written))?)
}

/// What rules, tables and views have in common, and what rules have beyond.
struct Explained<'c> {
    heading: String,
    description: &'c str,
    facts: Vec<(&'static str, String)>,
    query: &'c Query,
}

impl<'c> Explained<'c> {
    fn find(catalog: &'c Catalog, id: &str) -> Result<Self, CliError> {
        let relations = catalog.tables().chain(catalog.views());
        if let Some(relation) = relations.into_iter().find(|relation| relation.id == id) {
            return Ok(Self {
                heading: format!("{}: {}", relation.id, relation.title),
                description: &relation.description,
                facts: Vec::new(),
                query: &relation.query,
            });
        }
        if catalog.table_ids().contains(id) {
            return Err(CliError::Usage(format!(
                "`{id}` is made by the program, because SQL cannot; `sparklake describe {id}` says what it holds"
            )));
        }
        let rule = catalog.rule(id)?;
        let mut facts = vec![
            ("category", rule.category.clone()),
            ("severity", rule.severity.clone()),
            ("version", rule.version.to_string()),
            ("subject", rule.subject.clone()),
            ("recommendation", rule.recommendation.clone()),
        ];
        facts.extend(
            rule.evidence
                .iter()
                .map(|template| ("evidence", template.text().to_owned())),
        );
        facts.extend(rule.advice.iter().map(|line| ("advice", advice_line(line))));
        facts.extend(rule.config_key.clone().map(|key| ("setting", key)));
        Ok(Self {
            heading: format!("{}: {}", rule.id, rule.title),
            description: &rule.description,
            facts,
            query: &rule.query,
        })
    }

    fn text(&self, as_written: &Explained<'_>) -> String {
        let mut text = format!("{}\n\n{}\n\n", self.heading, self.description);
        // Writing to a String cannot fail.
        for (name, value) in &self.facts {
            let _ = writeln!(text, "{name}: {value}");
        }
        let _ = writeln!(text, "reads: {}", self.query.reads.join(", "));
        let _ = writeln!(text, "file: {}", self.query.file);
        let defaults = &as_written.query.parameters;
        if !self.query.parameters.is_empty() {
            text.push_str("\nparameters:\n");
        }
        for (parameter, default) in self.query.parameters.iter().zip(defaults) {
            text.push_str(&parameter_line(parameter, default));
        }
        let _ = write!(text, "\n{}\n", without_header(&self.query.sql));
        text
    }
}

fn advice_line(line: &Advice) -> String {
    let setting = match (&line.config_key, &line.recommended) {
        (Some(key), Some(value)) => format!(" [{key} = {value}]"),
        (Some(key), None) => format!(" [{key}]"),
        (None, _) => String::new(),
    };
    format!("if {}: {}{setting}", line.condition, line.text.text())
}

fn parameter_line(parameter: &Parameter, default: &Parameter) -> String {
    let changed = match parameter.value == default.value {
        true => String::new(),
        false => format!(" (set here; default {})", default.value),
    };
    format!(
        "  {} = {}{changed} [{}, {}]\n      {}\n",
        parameter.name, parameter.value, parameter.data_type, parameter.unit, parameter.description
    )
}
