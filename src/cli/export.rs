//! `sparklake export`: what other programs need to know of the lake.

use std::path::{Path, PathBuf};

use super::Context;
use super::arguments::{NoSettings, RulesSourceArguments, SettingsArguments};
use super::catalog::Rules;
use super::error::CliError;
use super::export_formats::{self, Format, FormatArguments};
use super::genie::{self, GenieArguments};
use super::job_settings::{self, JobSettingsArguments};
use super::output::Output;
use super::trace::{self, TraceArguments};
use crate::analyze::Function;
use crate::publish::export::docs;
use crate::schema::{self, dictionary};

/// Write files for other programs: DDL, dbt, Genie, dashboards, data contract, traces, settings
#[derive(Debug, clap::Args)]
pub(super) struct ExportArguments {
    #[command(subcommand)]
    what: Export,
}

#[derive(Debug, clap::Subcommand)]
enum Export {
    /// The data dictionary: every table and column, with type, unit and description
    Dictionary(DictionaryArguments),
    Settings(Box<JobSettingsArguments>),
    Trace(Box<TraceArguments>),
    /// SQL functions for Unity Catalog and Spark 4 with the names of the original notebooks' tools
    ///
    /// Run the script where the tables of the lake are: after USE CATALOG and USE SCHEMA.
    Functions(FunctionsArguments),
    Docs(DocsArguments),
    /// Statements that register the lake in Unity Catalog: tables, comments, keys and views
    Ddl(FormatArguments),
    /// Inputs of Glue's CreateTable, a JSON file for each table
    Glue(FormatArguments),
    /// A dbt project: tables as sources, views as models, questions as analyses
    Dbt(FormatArguments),
    /// A data contract in the Open Data Contract Standard
    Odcs(FormatArguments),
    /// An AI/BI dashboard of Databricks (.lvdash.json)
    Dashboard(FormatArguments),
    /// Metric views of Unity Catalog, a YAML file for each and a script that creates them
    MetricViews(FormatArguments),
    Genie(Box<GenieArguments>),
}

/// A page for each table and each rule, as Markdown
///
/// Made from the contracts and the SQL files that this program runs, with the changes of the job file.
#[derive(Debug, clap::Args)]
struct DocsArguments {
    #[command(flatten)]
    rules: RulesSourceArguments,
    /// Folder to write to; it is created if missing
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct FunctionsArguments {
    #[command(flatten)]
    rules: RulesSourceArguments,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct DictionaryArguments {
    /// Form of the dictionary
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: DictionaryFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DictionaryFormat {
    #[default]
    Markdown,
    Json,
}

impl ExportArguments {
    /// What its flags say about settings.
    pub(super) fn settings_arguments(&self) -> &dyn SettingsArguments {
        match &self.what {
            Export::Dictionary(_) => &NoSettings,
            Export::Settings(arguments) => &arguments.lake,
            Export::Trace(arguments) => &arguments.lake,
            Export::Functions(arguments) => &arguments.rules,
            Export::Docs(arguments) => &arguments.rules,
            Export::Ddl(arguments)
            | Export::Glue(arguments)
            | Export::Dbt(arguments)
            | Export::Odcs(arguments)
            | Export::Dashboard(arguments)
            | Export::MetricViews(arguments) => &arguments.lake,
            Export::Genie(arguments) => &arguments.formats.lake,
        }
    }
}

pub(super) async fn execute(
    arguments: &ExportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let (arguments, format) = match &arguments.what {
        Export::Ddl(arguments) => (arguments, Format::Ddl),
        Export::Glue(arguments) => (arguments, Format::Glue),
        Export::Dbt(arguments) => (arguments, Format::Dbt),
        Export::Odcs(arguments) => (arguments, Format::Odcs),
        Export::Dashboard(arguments) => (arguments, Format::Dashboard),
        Export::MetricViews(arguments) => (arguments, Format::MetricViews),
        other => return execute_other(other, context, output).await,
    };
    export_formats::execute(arguments, format, context, output).await
}

async fn execute_other(
    what: &Export,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let (text, out) = match what {
        Export::Dictionary(arguments) => (dictionary_text(arguments, context)?, &arguments.out),
        Export::Settings(arguments) => {
            let text = job_settings::text(arguments, context).await?;
            (text, &arguments.out)
        }
        Export::Functions(arguments) => (functions_text(context)?, &arguments.out),
        Export::Trace(arguments) => return trace::execute(arguments, context).await,
        Export::Docs(arguments) => return write_docs(&arguments.out, context),
        Export::Genie(arguments) => return genie::execute(arguments, context, output).await,
        Export::Ddl(_)
        | Export::Glue(_)
        | Export::Dbt(_)
        | Export::Odcs(_)
        | Export::Dashboard(_)
        | Export::MetricViews(_) => return Ok(()),
    };
    put(&text, out.as_deref(), output)
}

/// Writes to the file, or to standard output where none is named.
pub(super) fn put(text: &str, file: Option<&Path>, output: &mut Output) -> Result<(), CliError> {
    match file {
        None => Ok(output.text(text)?),
        Some(file) => std::fs::write(file, text).map_err(|error| {
            CliError::Usage(format!("{} cannot be written: {error}", file.display()))
        }),
    }
}

/// Writes the pages of tables and rules below `folder`.
fn write_docs(folder: &Path, context: &Context) -> Result<(), CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    for page in docs::pages(&catalog) {
        let path = folder.join(&page.path);
        let parent = path.parent().unwrap_or(folder);
        let written =
            std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, page.text));
        written.map_err(|error| {
            CliError::Usage(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    Ok(())
}

/// A script that creates all functions.
fn functions_text(context: &Context) -> Result<String, CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let statements = catalog.functions().map(Function::create_statement);
    Ok(statements.collect::<Vec<_>>().join("\n"))
}

fn dictionary_text(arguments: &DictionaryArguments, context: &Context) -> Result<String, CliError> {
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let references = catalog
        .references()
        .filter_map(|table| table.contract.as_ref());
    let references = references.map(|contract| &contract.table);
    let tables = schema::tables().iter().chain(references);
    Ok(match arguments.format {
        DictionaryFormat::Markdown => dictionary::markdown(tables),
        DictionaryFormat::Json => dictionary::json(tables),
    })
}
