//! The facts of applications, read from the tables of a session.

use std::collections::{BTreeMap, HashMap};

use datafusion::prelude::{Expr, SessionContext, col, lit};

use super::facts::{Cost, Facts, JobFacts, Lifetime, Sizing, StageFacts, TaskSource};
use super::quantiles::{Quantiles, equal_tasks};
use super::rows::{Batch, ReadError, Scan, scan};
use super::settings;
use super::tasks::{Task, take_tasks};
use super::wanted::{Listed, Wanted};
use crate::model::ApplicationKey;

const LISTED_COLUMNS: [&str; 7] = [
    "app_date",
    "num_tasks",
    "application_name",
    "job_key",
    "start_time",
    "completed",
    "failure_reason",
];
const APPLICATION_COLUMNS: [&str; 19] = [
    "cluster_name",
    "app_date",
    "application_name",
    "job_key",
    "start_time",
    "observed_duration_ms",
    "completed",
    "complete",
    "failure_reason",
    "is_local",
    "executor_cores",
    "executor_memory_bytes",
    "container_memory_bytes",
    "num_executors_max",
    "core_time_ms",
    "input_bytes",
    "dynamic_allocation",
    "shuffle_service",
    "is_interactive",
];
const SETTING_COLUMNS: [&str; 2] = ["key", "value"];
const JOB_COLUMNS: [&str; 3] = ["job_id", "submission_time", "completion_time"];
const EXECUTOR_COLUMNS: [&str; 5] = [
    "executor_id",
    "add_time",
    "total_cores",
    "loss_kind",
    "lifetime_ms",
];
const STAGE_COLUMNS: [&str; 14] = [
    "stage_id",
    "stage_attempt_id",
    "status",
    "submission_time",
    "first_task_launched_time",
    "completion_time",
    "num_tasks",
    "input_bytes",
    "shuffle_read_bytes",
    "executor_run_time",
    "executor_deserialize_time",
    "result_serialization_time",
    "job_ids",
    "parent_ids",
];
const TASK_COLUMNS: [&str; 6] = [
    "stage_id",
    "index",
    "launch_time",
    "duration",
    "executor_run_time",
    "executor_id",
];
const QUANTILE_COLUMNS: [&str; 11] = [
    "stage_id",
    "num_tasks",
    "min",
    "p05",
    "p25",
    "median",
    "p75",
    "p95",
    "p99",
    "max",
    "total",
];
const COST_COLUMNS: [&str; 8] = [
    "basis",
    "deployment",
    "purchase",
    "is_preferred",
    "vcpu_hours",
    "memory_gb_hours",
    "cost_usd",
    "missing_price",
];
const SIZING_COLUMNS: [&str; 2] = ["needed_memory_bytes", "is_pressed"];
/// What rows are chosen by.
const FILTER_COLUMNS: [&str; 3] = ["section", "status", "metric"];

/// All columns that are read beside the keys of applications.
pub fn columns() -> impl Iterator<Item = &'static str> {
    let of_applications = LISTED_COLUMNS.into_iter().chain(APPLICATION_COLUMNS);
    of_applications
        .chain(SETTING_COLUMNS)
        .chain(JOB_COLUMNS)
        .chain(EXECUTOR_COLUMNS)
        .chain(STAGE_COLUMNS)
        .chain(TASK_COLUMNS)
        .chain(QUANTILE_COLUMNS)
        .chain(COST_COLUMNS)
        .chain(SIZING_COLUMNS)
        .chain(FILTER_COLUMNS)
}

/// All applications of the session's `applications`, by their keys.
///
/// # Errors
/// The table cannot be read.
pub async fn list(session: &SessionContext) -> Result<Vec<Listed>, ReadError> {
    let mut found = Vec::new();
    let mut rows = scan(session, "applications", &LISTED_COLUMNS, None, &[]).await?;
    while let Some(batch) = rows.next().await? {
        for row in 0..batch.rows() {
            let tasks = batch.int(row, 5).and_then(|tasks| tasks.try_into().ok());
            found.push(Listed {
                wanted: Wanted {
                    key: batch.key(row),
                    app_date: batch.date(row, 4),
                    num_tasks: tasks.unwrap_or(0),
                },
                name: batch.text(row, 6).unwrap_or_default().to_owned(),
                job_key: batch.text(row, 7).map(str::to_owned),
                start_ms: batch.int(row, 8).unwrap_or(0),
                has_succeeded: batch.is(row, 9) && batch.text(row, 10).is_none(),
            });
        }
    }
    found.sort_by(|left, right| left.wanted.key.cmp(&right.wanted.key));
    Ok(found)
}

/// The facts of these applications, in their order; those that `applications` does not have are left
/// out. Memory follows the number of their tasks: 24 bytes each while they are read, then 4.
///
/// # Errors
/// A table cannot be read.
pub async fn read(session: &SessionContext, wanted: &[Wanted]) -> Result<Vec<Facts>, ReadError> {
    let mut reader = Reader {
        session,
        wanted,
        facts: BTreeMap::new(),
    };
    reader.applications().await?;
    reader.settings().await?;
    reader.jobs().await?;
    reader.executors().await?;
    reader.stages().await?;
    reader.tasks().await?;
    reader.quantiles().await?;
    reader.costs().await?;
    reader.sizing().await?;
    let mut facts = reader.facts;
    let found = wanted.iter().filter_map(|one| facts.remove(&one.key));
    Ok(found.map(WithStages::finished).collect())
}

/// Facts with their stages by id while they are read.
#[derive(Default)]
struct WithStages {
    facts: Facts,
    stages: BTreeMap<i64, StageFacts>,
    has_tasks: bool,
}

impl WithStages {
    /// Stages without any task measured get those that their sums tell.
    fn finished(self) -> Facts {
        let mut facts = self.facts;
        facts.stages = self.stages.into_values().collect();
        for stage in &mut facts.stages {
            if stage.tasks.is_empty() && stage.sum_ms > 0 && !self.has_tasks {
                stage.tasks = equal_tasks(stage.num_tasks, stage.sum_ms);
                stage.source = TaskSource::Sums;
            }
        }
        facts
    }
}

struct Reader<'a> {
    session: &'a SessionContext,
    wanted: &'a [Wanted],
    facts: BTreeMap<ApplicationKey, WithStages>,
}

impl Reader<'_> {
    async fn scan(
        &self,
        table: &'static str,
        columns: &[&str],
        filters: &[Expr],
    ) -> Result<Scan, ReadError> {
        scan(self.session, table, columns, Some(self.wanted), filters).await
    }

    async fn applications(&mut self) -> Result<(), ReadError> {
        let mut rows = self.scan("applications", &APPLICATION_COLUMNS, &[]).await?;
        while let Some(batch) = rows.next().await? {
            for row in 0..batch.rows() {
                let key = batch.key(row);
                let text = |column| batch.text(row, column).map(str::to_owned);
                let facts = Facts {
                    key: Some(key.clone()),
                    cluster_name: text(4).unwrap_or_default(),
                    app_date: batch.date(row, 5),
                    name: text(6).unwrap_or_default(),
                    job_key: text(7),
                    start_ms: batch.int(row, 8).unwrap_or(0),
                    duration_ms: batch.int(row, 9).unwrap_or(0),
                    is_complete: batch.is(row, 10),
                    is_whole: batch.is(row, 11),
                    has_failed: batch.text(row, 12).is_some(),
                    is_local: batch.is(row, 13),
                    executor_cores: batch.int(row, 14).filter(|cores| *cores > 0),
                    executor_memory_bytes: batch.int(row, 15),
                    container_memory_bytes: batch.int(row, 16),
                    num_executors_max: batch.int(row, 17),
                    core_time_ms: batch.int(row, 18).unwrap_or(0),
                    input_bytes: batch.int(row, 19).unwrap_or(0),
                    dynamic_allocation: batch.is(row, 20),
                    shuffle_service: batch.is(row, 21),
                    is_interactive: batch.is(row, 22),
                    ..Facts::default()
                };
                if self.wanted.iter().any(|wanted| wanted.key == key) {
                    let with = WithStages {
                        facts,
                        ..WithStages::default()
                    };
                    self.facts.insert(key, with);
                }
            }
        }
        Ok(())
    }

    async fn settings(&mut self) -> Result<(), ReadError> {
        let filters = [col("section").eq(lit("spark"))];
        let mut rows = self.scan("environment", &SETTING_COLUMNS, &filters).await?;
        while let Some(batch) = rows.next().await? {
            for row in 0..batch.rows() {
                let (Some(name), Some(value)) = (batch.text(row, 4), batch.text(row, 5)) else {
                    continue;
                };
                if !settings::READ.iter().any(|read| name.starts_with(read)) {
                    continue;
                }
                if let Some(with) = self.facts.get_mut(&batch.key(row)) {
                    let settings = &mut with.facts.settings;
                    settings.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Ok(())
    }

    async fn jobs(&mut self) -> Result<(), ReadError> {
        let mut rows = self.scan("jobs", &JOB_COLUMNS, &[]).await?;
        while let Some(batch) = rows.next().await? {
            let mut last = Last::default();
            for row in 0..batch.rows() {
                let Some(with) = last.of(&mut self.facts, &batch, row) else {
                    continue;
                };
                with.facts.jobs.push(JobFacts {
                    id: batch.int(row, 4).unwrap_or(0),
                    submitted_ms: batch.int(row, 5),
                    completed_ms: batch.int(row, 6),
                });
            }
        }
        Ok(())
    }

    async fn executors(&mut self) -> Result<(), ReadError> {
        let mut rows = self.scan("executors", &EXECUTOR_COLUMNS, &[]).await?;
        while let Some(batch) = rows.next().await? {
            let mut last = Last::default();
            for row in 0..batch.rows() {
                let is_driver = batch.text(row, 4) == Some("driver");
                let with = last.of(&mut self.facts, &batch, row);
                let Some(with) = with.filter(|with| with.facts.is_local == is_driver) else {
                    continue;
                };
                with.facts.executors.push(Lifetime {
                    added_ms: batch.int(row, 5),
                    cores: batch.int(row, 6).unwrap_or(0),
                    is_reclaimed: batch.text(row, 7) == Some("spot"),
                    lifetime_ms: batch.int(row, 8).unwrap_or(0).max(0),
                });
            }
        }
        Ok(())
    }

    async fn stages(&mut self) -> Result<(), ReadError> {
        let mut rows = self.scan("stages", &STAGE_COLUMNS, &[]).await?;
        while let Some(batch) = rows.next().await? {
            let mut last = Last::default();
            for row in 0..batch.rows() {
                if batch.text(row, 6) == Some("SKIPPED") {
                    continue;
                }
                let Some(with) = last.of(&mut self.facts, &batch, row) else {
                    continue;
                };
                let id = batch.int(row, 4).unwrap_or(0);
                let stage = with.stages.entry(id).or_insert_with(|| StageFacts {
                    id,
                    job_ids: batch.list(row, 16),
                    parent_ids: batch.list(row, 17),
                    ..StageFacts::default()
                });
                take_attempt(stage, &batch, row);
            }
        }
        Ok(())
    }

    async fn tasks(&mut self) -> Result<(), ReadError> {
        let filters = [col("status").eq(lit("SUCCESS"))];
        let mut rows = self.scan("tasks", &TASK_COLUMNS, &filters).await?;
        let mut tasks: HashMap<(ApplicationKey, i64), Vec<Task>> = HashMap::new();
        let mut executors: HashMap<String, u32> = HashMap::new();
        while let Some(batch) = rows.next().await? {
            let mut row = 0;
            // Rows of one stage lie together, so that keys are made once a stage and not once a task.
            while row < batch.rows() {
                let end = batch.end_of_stage(row);
                let key = batch.key(row);
                if self.facts.contains_key(&key) {
                    let stage = batch.int(row, 4).unwrap_or(0);
                    let into = tasks.entry((key, stage)).or_default();
                    into.extend((row..end).map(|row| Task::of(&batch, row, &mut executors)));
                }
                row = end;
            }
        }
        for ((key, id), tasks) in tasks {
            let Some(with) = self.facts.get_mut(&key) else {
                continue;
            };
            with.has_tasks = true;
            if let Some(stage) = with.stages.get_mut(&id) {
                take_tasks(stage, tasks);
            }
        }
        Ok(())
    }

    /// Distributions stand in where the lake has no tasks.
    async fn quantiles(&mut self) -> Result<(), ReadError> {
        if self.facts.values().all(|with| with.has_tasks) {
            return Ok(());
        }
        let filters = [col("metric").eq(lit("duration"))];
        let mut rows = self
            .scan("task_quantiles", &QUANTILE_COLUMNS, &filters)
            .await?;
        while let Some(batch) = rows.next().await? {
            for row in 0..batch.rows() {
                let with = self.facts.get_mut(&batch.key(row));
                let Some(with) = with.filter(|with| !with.has_tasks) else {
                    continue;
                };
                let stage = with.stages.get_mut(&batch.int(row, 4).unwrap_or(0));
                let number = |column| batch.int(row, column).map_or(0.0, |value| value as f64);
                let known = Quantiles {
                    num_tasks: batch.int(row, 5).unwrap_or(0),
                    total: number(14),
                    values: [6, 7, 8, 9, 10, 11, 12, 13].map(number),
                };
                // Of several attempts the largest did the work.
                let more = |stage: &&mut StageFacts| {
                    i64::try_from(stage.tasks.len()).unwrap_or(0) < known.num_tasks
                };
                if let Some(stage) = stage.filter(more) {
                    stage.tasks = known.tasks();
                    stage.source = TaskSource::Quantiles;
                }
            }
        }
        Ok(())
    }

    async fn costs(&mut self) -> Result<(), ReadError> {
        let mut rows = self.scan("application_costs", &COST_COLUMNS, &[]).await?;
        while let Some(batch) = rows.next().await? {
            for row in 0..batch.rows() {
                let Some(with) = self.facts.get_mut(&batch.key(row)) else {
                    continue;
                };
                let text = |column| batch.text(row, column).map(str::to_owned);
                with.facts.costs.push(Cost {
                    basis: text(4).unwrap_or_default(),
                    deployment: text(5).unwrap_or_default(),
                    purchase: text(6).unwrap_or_default(),
                    is_preferred: batch.is(row, 7),
                    vcpu_hours: batch.double(row, 8),
                    memory_gb_hours: batch.double(row, 9),
                    cost_usd: batch.double(row, 10),
                    missing_price: text(11),
                });
            }
        }
        Ok(())
    }

    async fn sizing(&mut self) -> Result<(), ReadError> {
        let mut rows = self
            .scan("application_sizing", &SIZING_COLUMNS, &[])
            .await?;
        while let Some(batch) = rows.next().await? {
            for row in 0..batch.rows() {
                if let Some(with) = self.facts.get_mut(&batch.key(row)) {
                    with.facts.sizing = Some(Sizing {
                        needed_memory_bytes: batch.int(row, 4),
                        is_pressed: batch.is(row, 5),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Adds an attempt of a stage to what is known of it.
fn take_attempt(stage: &mut StageFacts, batch: &Batch, row: usize) {
    let earliest = |known: Option<i64>, new: Option<i64>| match (known, new) {
        (Some(known), Some(new)) => Some(known.min(new)),
        (known, new) => known.or(new),
    };
    stage.attempts += 1;
    stage.submitted_ms = earliest(stage.submitted_ms, batch.int(row, 7));
    stage.launched_ms = earliest(stage.launched_ms, batch.int(row, 8));
    stage.completed_ms = stage.completed_ms.max(batch.int(row, 9));
    stage.has_succeeded |= batch.text(row, 6) == Some("COMPLETE");
    stage.num_tasks = stage.num_tasks.max(batch.int(row, 10).unwrap_or(0));
    let number = |column| batch.int(row, column).unwrap_or(0).max(0);
    stage.input_bytes = stage.input_bytes.max(number(11));
    stage.shuffle_bytes = stage.shuffle_bytes.max(number(12));
    let sum_ms = number(13)
        .saturating_add(number(14))
        .saturating_add(number(15));
    stage.sum_ms = stage.sum_ms.max(sum_ms);
}

/// Finds the application of a row without making its key where it is that of the row before.
#[derive(Default)]
struct Last {
    key: Option<ApplicationKey>,
}

impl Last {
    fn of<'f>(
        &mut self,
        facts: &'f mut BTreeMap<ApplicationKey, WithStages>,
        batch: &Batch,
        row: usize,
    ) -> Option<&'f mut WithStages> {
        if !self.key.as_ref().is_some_and(|key| batch.has_key(row, key)) {
            self.key = Some(batch.key(row));
        }
        facts.get_mut(self.key.as_ref()?)
    }
}
