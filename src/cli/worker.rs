//! `sparklake worker`: units of a run, in a process of their own or on another machine.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::output::Output;
use super::{lake, signals};
use crate::model::size_in_bytes;
use crate::pipeline::{EXIT_DONE, EXIT_FAILED};
use crate::unit::shards::{InvalidShard, Shard, ShardObjects, ShardSummary, ShardWorker};
use crate::unit::{
    AnyOrder, Credentials, LEAST_UNIT_MEMORY_BYTES, LakeReference, memory_for_units,
};

/// Longest order that is read, in bytes: far beyond what a run writes.
const MAX_ORDER_BYTES: u64 = 1 << 30;
/// Stands for standard input and output.
const STANDARD: &str = "-";
/// A line that works, for those who do not know what to type.
const EXAMPLE: &str = "sparklake worker --run latest --lake ./lake --shard 0/4";

/// Work through a part of a run that `run --engine shards` handed out
///
/// With --run: works through the units of one shard that have no report yet, and reports each of them
/// in the lake; the last line of standard output is a JSON summary. The same shard may be worked
/// through again at any time. SIGTERM ends the worker after the units that it has begun.
///
/// Without --run: works through one order, and writes the result. Files are staged in the lake and
/// become visible when the run commits them. Orders and results are JSON of this version of sparklake
/// and of no other; they hold no secret.
#[derive(Debug, clap::Args)]
pub(super) struct WorkerArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// The run to work for; `latest` is the one that waits in the lake, if any
    #[arg(long, value_name = "RUN", conflicts_with_all = ["order", "result"])]
    run: Option<String>,
    /// Which part, counted from 0: 0/4 to 3/4. By default as a scheduler's variables tell:
    /// JOB_COMPLETION_INDEX, AWS_BATCH_JOB_ARRAY_INDEX, SLURM_ARRAY_TASK_ID
    #[arg(long, value_name = "I/N", requires = "run", conflicts_with = "shards")]
    shard: Option<String>,
    /// Number of parts, where a scheduler tells the index alone
    #[arg(long, value_name = "N", requires = "run")]
    shards: Option<NonZeroUsize>,
    /// Memory that the units share, such as 8g; each gets at least 256m [default: 70 % of the machine or
    /// the container]
    #[arg(long, value_name = "SIZE", requires = "run", value_parser = unit_memory)]
    memory: Option<usize>,
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
) -> Result<u8, CliError> {
    if let Some(run) = &arguments.run {
        let shard =
            shard(arguments, context).map_err(|error| CliError::Usage(error.to_string()))?;
        return match lake::waiting_run(context, run, EXAMPLE).await? {
            Some(objects) => {
                let memory_bytes = arguments.memory.unwrap_or_else(memory_for_units);
                work_through(objects, shard, memory_bytes, context, output).await
            }
            None => {
                let nothing = ShardSummary {
                    shard: shard.to_string(),
                    ..ShardSummary::default()
                };
                print(&nothing, context, output)?;
                Ok(EXIT_DONE)
            }
        };
    }
    let json = read(&arguments.order)?;
    let result = AnyOrder::parse(&json)?
        .execute(&context.environment)
        .await?;
    write(&result, &arguments.result, output)?;
    Ok(EXIT_DONE)
}

/// Memory for units, in bytes.
pub(super) fn unit_memory(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(size_in_bytes(text)?).unwrap_or(usize::MAX);
    if bytes < LEAST_UNIT_MEMORY_BYTES {
        let least = LEAST_UNIT_MEMORY_BYTES >> 20;
        return Err(format!("a unit needs at least {least}m"));
    }
    Ok(bytes)
}

fn shard(arguments: &WorkerArguments, context: &Context) -> Result<Shard, InvalidShard> {
    match &arguments.shard {
        Some(shard) => shard.parse(),
        None => {
            let count = arguments.shards.map(NonZeroUsize::get);
            Shard::of_environment(&context.environment, count)
        }
    }
}

/// Works through a shard and prints what was done.
async fn work_through(
    objects: ShardObjects,
    shard: Shard,
    memory_bytes: usize,
    context: &Context,
    output: &mut Output,
) -> Result<u8, CliError> {
    let settings = &context.settings.lake;
    let stop = Arc::new(AtomicBool::new(false));
    let worker = ShardWorker {
        lake: LakeReference {
            uri: objects.lake().absolute_uri().to_owned(),
            credentials: Credentials::of(&settings.storage_options),
            allow_unsafe_store: settings.allow_unsafe_store,
        },
        objects,
        environment: context.environment.clone(),
        threads: available_parallelism().map_or(1, NonZeroUsize::get),
        memory_bytes,
        stop: Arc::clone(&stop),
    };
    let signal = tokio::spawn(signals::drain(stop.clone()));
    let summary = worker.work(shard).await?;
    print(&summary, context, output)?;
    let is_stopped = stop.load(Ordering::Relaxed);
    if is_stopped && summary.left > 0 {
        // Whoever started the worker starts it again for the rest.
        if let Ok(signal) = signal.await {
            return Ok(signal.exit_code());
        }
    }
    Ok(match summary.failed {
        0 => EXIT_DONE,
        _ => EXIT_FAILED,
    })
}

fn print(summary: &ShardSummary, context: &Context, output: &mut Output) -> Result<(), CliError> {
    let line = serde_json::to_string(summary).map_err(io::Error::from)?;
    let line = context.settings.redactor.text(&line).into_owned();
    Ok(output.text(&format!("{line}\n"))?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_no_unit_can_work_with_is_refused() {
        assert_eq!(unit_memory("256m"), Ok(256 << 20));
        let refused = unit_memory("255m").unwrap_err();
        assert_eq!(refused, "a unit needs at least 256m");
    }
}
