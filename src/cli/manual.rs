//! `sparklake completions` and `sparklake man`: what shells and manual readers need to know of the
//! command line, made from its declaration.

use std::io::Write;

use clap_complete::Shell;

use super::error::CliError;
use super::options::command_line;
use super::output::Output;
use crate::config::{GivenBy, OPTIONS, SOURCE_KEYS};

/// Print a completion script for a shell
///
/// For bash: sparklake completions bash > /etc/bash_completion.d/sparklake
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn completions(
    arguments: &CompletionsArguments,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = command_line();
    clap_complete::generate(arguments.shell, &mut command, "sparklake", &mut script);
    output.write_all(&script)?;
    Ok(output.flush()?)
}

/// The manual page of the program: each command has a section with its options.
///
/// # Errors
/// The output cannot be written.
pub(super) fn man(output: &mut Output) -> Result<(), CliError> {
    let mut command = command_line();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        let name = below.get_name();
        if name == "help" {
            continue;
        }
        writeln!(page, ".SH \"SPARKLAKE {}\"", name.to_uppercase())?;
        let section = clap_mangen::Man::new(below.clone());
        section.render_synopsis_section(&mut page)?;
        section.render_description_section(&mut page)?;
        section.render_options_section(&mut page)?;
    }
    settings(&mut page)?;
    source_keys(&mut page)?;
    output.write_all(&page)?;
    Ok(output.flush()?)
}

/// The settings of a job file besides its sources.
fn settings(page: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(page, ".SH \"SETTINGS OF A JOB FILE\"")?;
    for option in OPTIONS {
        let default = match option.default {
            Some(default) => format!(" Default: {default}."),
            None => String::new(),
        };
        let given = match option.given {
            GivenBy::Flag(flag, variable) => format!("Flag --{flag}, variable {variable}."),
            GivenBy::FileOnly(_) => "In job files only.".to_owned(),
        };
        let (section, key, description) = (option.section, option.key, option.description);
        writeln!(page, ".TP\n\\fB[{section}] {key}\\fR")?;
        writeln!(page, "{description}.{default} {given}")?;
    }
    Ok(())
}

/// The keys of a `[[source]]` of a job file.
fn source_keys(page: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(page, ".SH \"SOURCES OF A JOB FILE\"")?;
    for key in SOURCE_KEYS {
        let kinds: Vec<&str> = key.kinds.iter().map(|kind| kind.as_str()).collect();
        let default = match key.default {
            Some(default) => format!(" Default: {default}."),
            None => String::new(),
        };
        let (name, description) = (key.name, key.description);
        writeln!(page, ".TP\n\\fB{name}\\fR")?;
        writeln!(page, "{description}.{default} For {}.", kinds.join(", "))?;
    }
    Ok(())
}
