//! `sparklake export trace`: an application as a trace that Perfetto opens.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::lake;
use crate::publish::export::trace::{self, TraceCounts};
use crate::publish::{Facts, PublishError, Run, find_run};

const EXAMPLE: &str = "sparklake export trace --lake ./lake --app app-20261126 --out trace.json.gz";

/// One application as a Chrome trace: every task on its executor's cores, jobs, stages, SQL executions, gaps
///
/// Open the file at ui.perfetto.dev or chrome://tracing. It needs the tasks table of the lake.
#[derive(Debug, clap::Args)]
pub(super) struct TraceArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// The application: its id, or a part of it that no other has
    #[arg(long, value_name = "ID")]
    app: String,
    /// File to write to; compressed where its name ends in .gz
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) async fn execute(arguments: &TraceArguments, context: &Context) -> Result<(), CliError> {
    let lake = lake::open(context, EXAMPLE).await?;
    let ask = lake::ask(&lake, context)?;
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let facts = Facts::new(&ask, &catalog);
    let run = find_run(&facts, &arguments.app).await?;
    let written = or_interrupted(write(&facts, &run, &arguments.out)).await?;
    if written.tasks == 0 {
        tracing::warn!(
            "the lake has no task of {}; load with include_tasks to see tasks",
            run.application_id
        );
    }
    tracing::info!(
        tasks = written.tasks,
        spans = written.spans,
        tracks = written.tracks,
        "wrote {}",
        arguments.out.display()
    );
    Ok(())
}

/// Writes the file whole or not at all.
async fn write(facts: &Facts<'_>, run: &Run, path: &Path) -> Result<TraceCounts, CliError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let file = File::create(&partial).map_err(|error| {
        CliError::Usage(format!("{} cannot be written: {error}", partial.display()))
    })?;
    let written = write_to(facts, run, path, BufWriter::new(file)).await;
    match written {
        Ok(counts) => {
            fs::rename(&partial, path)?;
            Ok(counts)
        }
        Err(error) => {
            // What is left of it is of no use, and the error says more than that it stayed.
            let _ = fs::remove_file(&partial);
            Err(error.into())
        }
    }
}

async fn write_to(
    facts: &Facts<'_>,
    run: &Run,
    path: &Path,
    file: BufWriter<File>,
) -> Result<TraceCounts, PublishError> {
    if path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
    {
        let mut compressed = GzEncoder::new(file, Compression::default());
        let counts = trace::write(facts, run, &mut compressed).await?;
        compressed.finish()?.flush()?;
        return Ok(counts);
    }
    trace::write(facts, run, file).await
}
