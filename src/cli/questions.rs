//! `sparklake questions`: example questions, with the SQL that answers them.

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::format::{Format, listing, texts};
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use crate::analyze::{Catalog, Question};
use crate::ask::QueryLimits;
use crate::model::did_you_mean;

/// List example questions; answer one with --lake, or print its SQL
#[derive(Debug, clap::Args)]
pub(super) struct QuestionsArguments {
    /// Name of the question
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print only the SQL
    #[arg(long, requires = "name")]
    sql_only: bool,
}

pub(super) async fn execute(
    arguments: &QuestionsArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let Some(name) = &arguments.name else {
        let questions: Vec<&Question> = catalog.questions().collect();
        let answer = listing([
            ("name", texts(questions.iter().map(|question| &question.id))),
            (
                "question",
                texts(questions.iter().map(|question| &question.question)),
            ),
        ])?;
        return Ok(arguments.format.write_all(&answer, output)?);
    };
    let question = find(&catalog, name)?;
    let sql = question.query.standalone_sql();
    if arguments.sql_only {
        return Ok(output.text(&format!("{}\n", sql.trim_end()))?);
    }
    if context.settings.lake.uri.is_none() {
        let text = format!("-- {}\n{}\n", question.question, sql.trim_end());
        return Ok(output.text(&text)?);
    }
    or_interrupted(answer(&sql, arguments, context, output)).await
}

fn find<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Question, CliError> {
    catalog
        .questions()
        .find(|question| question.id == name)
        .ok_or_else(|| {
            let known: Vec<&str> = catalog.questions().map(|known| known.id.as_str()).collect();
            let cure = did_you_mean(name, known);
            CliError::Usage(format!("there is no question `{name}`; {cure}"))
        })
}

async fn answer(
    sql: &str,
    arguments: &QuestionsArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let opened = lake::open(
        context,
        "sparklake questions inefficient_jobs --lake ./lake",
    )
    .await?;
    let ask = lake::ask(&opened, context)?;
    let rows = ask.query(sql, &[], &QueryLimits::default()).await?;
    Ok(arguments.format.write_all(&rows.into_batch()?, output)?)
}
