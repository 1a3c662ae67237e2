//! `sparklake describe`: what a table means.

use super::error::CliError;
use super::output::Output;
use super::query_error::no_such_table;
use crate::schema::{self, dictionary};

/// Width of the description where there is no terminal to ask.
const DEFAULT_WIDTH: u16 = 120;

/// Describe a table: its grain, keys and columns, with units and where each comes from
#[derive(Debug, clap::Args)]
pub(super) struct DescribeArguments {
    /// Name of the table
    #[arg(value_name = "TABLE")]
    table: String,
    /// Form of the description
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: DescriptionFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DescriptionFormat {
    #[default]
    Text,
    Markdown,
}

pub(super) fn execute(arguments: &DescribeArguments, output: &mut Output) -> Result<(), CliError> {
    let name = &arguments.table;
    let table = schema::table(name).ok_or_else(|| CliError::Usage(no_such_table(name)))?;
    let text = match arguments.format {
        DescriptionFormat::Text => dictionary::describe(table, width()),
        DescriptionFormat::Markdown => dictionary::table_markdown(table),
    };
    Ok(output.text(&text)?)
}

fn width() -> u16 {
    comfy_table::Table::new().width().unwrap_or(DEFAULT_WIDTH)
}
