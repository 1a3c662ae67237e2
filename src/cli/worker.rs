//! `sparklake worker`: one unit of a run, in a process of its own.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Context;
use super::error::CliError;
use super::output::Output;
use crate::unit::AnyOrder;

/// Longest order that is read, in bytes: far beyond what a run writes.
const MAX_ORDER_BYTES: u64 = 1 << 30;
/// Stands for standard input and output.
const STANDARD: &str = "-";

/// Work through one order of a run, and write the result
///
/// An order names histories or applications, the lake and credentials; it holds no secret. Files are staged in the
/// lake and become visible when the run commits the result. Orders and results are JSON of this
/// version of sparklake and of no other.
#[derive(Debug, clap::Args)]
pub(super) struct WorkerArguments {
    /// File that holds the order; - for standard input
    #[arg(long, value_name = "FILE", default_value = STANDARD)]
    order: PathBuf,
    /// File that the result is written to; - for standard output
    #[arg(long, value_name = "FILE", default_value = STANDARD)]
    result: PathBuf,
}

pub(super) async fn execute(
    arguments: &WorkerArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let json = read(&arguments.order)?;
    let result = AnyOrder::parse(&json)?
        .execute(&context.environment)
        .await?;
    write(&result, &arguments.result, output)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let unreadable = |error: io::Error| {
        CliError::Usage(format!(
            "the order {} cannot be read: {error}; give the file that holds it, or - for standard \
             input",
            path.display()
        ))
    };
    let input: Box<dyn Read> = match path.as_os_str() == STANDARD {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(unreadable)?),
    };
    let mut json = Vec::new();
    let read = input.take(MAX_ORDER_BYTES + 1).read_to_end(&mut json);
    let bytes = read.map_err(unreadable)?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes > MAX_ORDER_BYTES) {
        return Err(unreadable(io::Error::other(
            "it is longer than an order can be",
        )));
    }
    Ok(json)
}

/// Writes the result as one line. A file is there whole or not at all.
fn write(json: &str, path: &Path, output: &mut Output) -> Result<(), CliError> {
    if path.as_os_str() == STANDARD {
        writeln!(output, "{json}")?;
        return Ok(output.flush()?);
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, json)?;
    Ok(fs::rename(&partial, path)?)
}
