//! `sparklake maintain`: keeps a lake quick and small.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::ArgMatches;
use uuid::Uuid;

use super::Context;
use super::arguments::{LakeArguments, SettingsArguments, StoreArguments};
use super::error::CliError;
use super::format::{Format, counts, listing, texts};
use super::lake;
use super::output::Output;
use crate::ask::no_such_table;
use crate::config::{SettingOverrides, parse_duration};
use crate::load::{Lake, LoadError, MaintainOptions, Repair, TableMaintenance, TableRepair};

/// Merge small files, write checkpoints and delete files that no reader needs any more
#[derive(Debug, clap::Args)]
pub(super) struct MaintainArguments {
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    store: StoreArguments,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Keep files that left their table, and log entries, this long for readers of older versions;
    /// with less than 7d, queries that run meanwhile may fail [default: 7d]
    #[arg(long, visible_alias = "retention", value_name = "TIME", value_parser = parse_duration)]
    retain: Option<TimeDelta>,
    /// Also delete files that never were part of a table, left by runs that were killed
    #[arg(long)]
    full: bool,
    /// Rebuild tables whose log is missing or damaged, from their files and the ledger; the next
    /// run loads again what cannot be rebuilt. Does nothing else
    #[arg(long, conflicts_with_all = ["dry_run", "full", "table"])]
    repair: bool,
    /// Only this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

impl SettingsArguments for MaintainArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.lake.job_file()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        self.lake.give(matches, given);
        self.store.give(matches, given);
    }
}

pub(super) async fn execute(
    arguments: &MaintainArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let safe = MaintainOptions::default().retention;
    let options = MaintainOptions {
        tables: arguments.table.clone(),
        orphans: arguments.full,
        retention: arguments.retain.unwrap_or(safe),
        allow_short_retention: arguments.retain.is_some(),
        dry_run: arguments.dry_run,
        ..MaintainOptions::default()
    };
    if options.retention < safe {
        tracing::warn!(
            "files that left their tables less than {} days ago are deleted too: queries that began \
             before may fail, and earlier versions of the tables can no longer be read",
            safe.num_days()
        );
    }
    for table in &options.tables {
        if crate::schema::table(table).is_none() {
            return Err(CliError::Usage({
                let known = crate::schema::tables()
                    .iter()
                    .map(|table| table.name.as_str());
                no_such_table(table, known)
            }));
        }
    }
    let lake = lake::open(context, "sparklake maintain --lake ./lake").await?;
    if arguments.repair {
        let done = repair(&lake).await?;
        tell_repair(&done);
        return Ok(arguments.format.write_all(&repairs(&done)?, output)?);
    }
    let done = maintain(&lake, &options).await?;
    Ok(arguments.format.write_all(&answer(&done)?, output)?)
}

/// Completes what an earlier run left, and maintains the tables.
async fn maintain(
    lake: &Lake,
    options: &MaintainOptions,
) -> Result<Vec<TableMaintenance>, LoadError> {
    let lock = lake
        .acquire(&format!("maintain-{}", Uuid::now_v7()))
        .await?;
    let done = async {
        if !options.dry_run {
            lake.recover(&lock).await?;
        }
        lake.maintain(&lock, options).await
    }
    .await;
    lock.release().await;
    done
}

async fn repair(lake: &Lake) -> Result<Repair, LoadError> {
    let lock = lake.acquire(&format!("repair-{}", Uuid::now_v7())).await?;
    let done = lake.repair(&lock).await;
    lock.release().await;
    done
}

/// What people need to know beyond the list of tables.
fn tell_repair(done: &Repair) {
    if *done == Repair::default() {
        tracing::info!("nothing was damaged");
    }
    if done.marked_for_reload > 0 {
        tracing::warn!(
            histories = done.marked_for_reload,
            "rows of histories are lost; the next run loads these histories again"
        );
    }
    if done.ledger_rows_rebuilt > 0 {
        tracing::warn!(
            applications = done.ledger_rows_rebuilt,
            "the ledger did not know applications that are in the tables; the next run reads \
             their histories again and replaces their rows"
        );
    }
}

fn repairs(done: &Repair) -> Result<arrow::array::RecordBatch, CliError> {
    let column =
        |value: fn(&TableRepair) -> u64| counts(done.tables.iter().map(|of| Some(value(of))));
    Ok(listing([
        ("table", texts(done.tables.iter().map(|of| &of.table))),
        ("problem", texts(done.tables.iter().map(|of| &of.problem))),
        ("files_kept", column(|of| of.files_kept)),
        ("files_rewritten", column(|of| of.files_rewritten)),
        ("files_lost", column(|of| of.files_lost)),
    ])?)
}

fn answer(done: &[TableMaintenance]) -> Result<arrow::array::RecordBatch, CliError> {
    let column =
        |value: fn(&TableMaintenance) -> u64| counts(done.iter().map(|of| Some(value(of))));
    Ok(listing([
        ("table", texts(done.iter().map(|of| &of.table))),
        ("files", column(|of| of.files_before)),
        ("bytes", column(|of| of.bytes_before)),
        ("files_merged", column(|of| of.files_merged)),
        ("files_written", column(|of| of.files_written)),
        ("files_deleted", column(|of| of.files_deleted)),
        ("log_files_deleted", column(|of| of.log_files_deleted)),
    ])?)
}
