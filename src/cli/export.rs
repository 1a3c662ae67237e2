//! `sparklake export`: what other programs need to know of the lake.

use std::path::PathBuf;

use super::error::CliError;
use super::output::Output;
use crate::schema::{self, dictionary};

/// Write what other programs need to know of the lake
#[derive(Debug, clap::Args)]
pub(super) struct ExportArguments {
    #[command(subcommand)]
    what: Export,
}

#[derive(Debug, clap::Subcommand)]
enum Export {
    /// The data dictionary: every table and column, with type, unit and description
    Dictionary(DictionaryArguments),
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

pub(super) fn execute(arguments: &ExportArguments, output: &mut Output) -> Result<(), CliError> {
    let Export::Dictionary(arguments) = &arguments.what;
    let text = match arguments.format {
        DictionaryFormat::Markdown => dictionary::markdown(schema::tables()),
        DictionaryFormat::Json => dictionary::json(schema::tables()),
    };
    match &arguments.out {
        None => Ok(output.text(&text)?),
        Some(file) => std::fs::write(file, text).map_err(|error| {
            CliError::Usage(format!("{} cannot be written: {error}", file.display()))
        }),
    }
}
