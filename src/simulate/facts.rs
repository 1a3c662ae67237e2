//! What the lake knows of an application, and the workload that it makes.

use std::collections::HashMap;

use crate::model::ApplicationKey;

/// Why nothing can be predicted of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The history has no end of it, so that its length is only a lower bound.
    #[error("its history has no end: it still runs, was killed, or its log was cut off")]
    NoEnd,
    /// Its end is not after its start.
    #[error("its clock runs backwards: it ends before it starts")]
    Clock,
    /// No executor was seen.
    #[error("its history names no executor and no cores")]
    NoExecutors,
    /// No task has ended.
    #[error("no task of it succeeded, so there is nothing to schedule again")]
    NoTasks,
}

/// What the times of tasks were taken from, from the best to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TaskSource {
    /// Each task as it was measured.
    #[default]
    Tasks,
    /// The distribution of each stage's tasks (`task_quantiles`).
    Quantiles,
    /// Each stage's sum, all tasks alike: no skew is seen.
    Sums,
}

impl TaskSource {
    /// The value of the column `task_source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Quantiles => "quantiles",
            Self::Sums => "sums",
        }
    }
}

/// An application as the lake has it. Times are ms since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Which one it is.
    pub key: Option<ApplicationKey>,
    /// Its cluster's name.
    pub cluster_name: String,
    /// Days since 1970 of its start, UTC.
    pub app_date: i32,
    /// Its name.
    pub name: String,
    /// The recurring job that it is a run of.
    pub job_key: Option<String>,
    /// Its start.
    pub start_ms: i64,
    /// Its length, as far as the history tells, in ms.
    pub duration_ms: i64,
    /// Whether the history has its end.
    pub is_complete: bool,
    /// Whether nothing of the history is missing.
    pub is_whole: bool,
    /// Whether somebody sat before it.
    pub is_interactive: bool,
    /// Whether it failed.
    pub has_failed: bool,
    /// Whether the driver ran the tasks itself.
    pub is_local: bool,
    /// Cores of one executor.
    pub executor_cores: Option<i64>,
    /// Heap of one executor.
    pub executor_memory_bytes: Option<i64>,
    /// Memory of one executor's container.
    pub container_memory_bytes: Option<i64>,
    /// Most executors alive at the same time.
    pub num_executors_max: Option<i64>,
    /// Core time paid for.
    pub core_time_ms: i64,
    /// Bytes read from storage.
    pub input_bytes: i64,
    /// Whether executors came and went with the load.
    pub dynamic_allocation: bool,
    /// Whether something else than executors serves shuffle files.
    pub shuffle_service: bool,
    /// `spark.…` settings that decide the schedule.
    pub settings: HashMap<String, String>,
    /// Its jobs.
    pub jobs: Vec<JobFacts>,
    /// Its stages, one each whatever the number of attempts.
    pub stages: Vec<StageFacts>,
    /// Its executors, the driver only in local mode.
    pub executors: Vec<Lifetime>,
    /// What it cost, or would have.
    pub costs: Vec<Cost>,
    /// What its executors needed.
    pub sizing: Option<Sizing>,
}

/// A job as it was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFacts {
    /// Spark's id.
    pub id: i64,
    /// Its submission.
    pub submitted_ms: Option<i64>,
    /// Its end.
    pub completed_ms: Option<i64>,
}

/// A stage as it was measured: its attempts as one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageFacts {
    /// Spark's id.
    pub id: i64,
    /// The jobs that name it.
    pub job_ids: Vec<i64>,
    /// The stages whose shuffle output it reads.
    pub parent_ids: Vec<i64>,
    /// First submission; `None` for a stage that was skipped.
    pub submitted_ms: Option<i64>,
    /// Launch of its first task.
    pub launched_ms: Option<i64>,
    /// End of its last attempt.
    pub completed_ms: Option<i64>,
    /// End of its last successful task.
    pub last_task_ms: Option<i64>,
    /// Tasks planned.
    pub num_tasks: i64,
    /// Attempts.
    pub attempts: u32,
    /// Whether the last attempt succeeded.
    pub has_succeeded: bool,
    /// Bytes read from storage or cache.
    pub input_bytes: i64,
    /// Bytes read from shuffles.
    pub shuffle_bytes: i64,
    /// Time of its task attempts on executors, in ms, for stages without tasks.
    pub sum_ms: i64,
    /// How long each successful task held its slot, in the order of their start.
    pub tasks: Vec<u32>,
    /// What the times of its tasks were taken from.
    pub source: TaskSource,
    /// Mean part of a task's time that is no run time, in ms.
    pub overhead_ms: f64,
    /// Mean time that a slot was free between two tasks, in ms.
    pub slot_gap_ms: f64,
}

impl StageFacts {
    /// Whether it was not skipped.
    pub(super) fn has_run(&self) -> bool {
        self.submitted_ms.is_some() || !self.tasks.is_empty()
    }
}

/// The life of an executor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was there.
    pub added_ms: Option<i64>,
    /// Its cores.
    pub cores: i64,
    /// Whether the provider took it.
    pub is_reclaimed: bool,
    /// How long it lived, in ms.
    pub lifetime_ms: i64,
}

/// One row of `application_costs`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cost {
    /// How it is known.
    pub basis: String,
    /// Where the work runs.
    pub deployment: String,
    /// How instances are bought.
    pub purchase: String,
    /// Whether other tables take money from it.
    pub is_preferred: bool,
    /// Virtual cores by hours, the driver's included.
    pub vcpu_hours: Option<f64>,
    /// Memory by hours.
    pub memory_gb_hours: Option<f64>,
    /// All of it.
    pub cost_usd: Option<f64>,
    /// The price that is not known.
    pub missing_price: Option<String>,
}

/// What of `application_sizing` decides whether a shape is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizing {
    /// Heap that the fullest executor needed.
    pub needed_memory_bytes: Option<i64>,
    /// Whether tasks spilled, collected much garbage, or were killed for memory.
    pub is_pressed: bool,
}

impl Facts {
    /// Cores of one executor; of the driver in local mode. 0 when they are not known.
    pub fn cores(&self) -> u32 {
        let seen = self.executors.iter().map(|executor| executor.cores).max();
        let cores = match self.is_local {
            true => seen,
            false => self.executor_cores.or(seen),
        };
        cores.map_or(0, count)
    }

    /// Most executors at the same time; 1 in local mode.
    pub fn executors_max(&self) -> u32 {
        match (self.is_local, self.num_executors_max) {
            (true, _) => 1,
            (false, Some(number)) if number > 0 => count(number),
            (false, _) => count(i64::try_from(self.executors.len()).unwrap_or(i64::MAX)),
        }
    }

    /// Slots of all executors together.
    pub(super) fn slots(&self) -> u64 {
        u64::from(self.cores()) * u64::from(self.executors_max())
    }

    /// What the times of tasks were taken from, the least of all stages.
    pub fn task_source(&self) -> TaskSource {
        let stages = self.stages.iter().filter(|stage| !stage.tasks.is_empty());
        stages.map(|stage| stage.source).max().unwrap_or_default()
    }

    /// Time in which no job ran, in ms.
    pub fn driver_ms(&self) -> i64 {
        let end = self.start_ms.saturating_add(self.duration_ms);
        let mut spans: Vec<(i64, i64)> = self
            .jobs
            .iter()
            .filter_map(|job| {
                let from = job.submitted_ms?.clamp(self.start_ms, end);
                Some((from, job.completed_ms.unwrap_or(end).clamp(from, end)))
            })
            .collect();
        spans.sort_unstable();
        let mut covered = 0;
        let mut until = self.start_ms;
        for (from, to) in spans {
            covered += (to - from.max(until)).max(0);
            until = until.max(to);
        }
        (self.duration_ms - covered).max(0)
    }
}

fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
