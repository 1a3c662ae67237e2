//! What the tasks of one stage reported for SQL metrics.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::extract::eventlog::event::TaskEnd;

use super::super::distribution::Distribution;
use super::super::index_set::IndexSet;

/// Kinds of metrics by accumulator id, as known when the job started.
pub(super) type KnownMetrics = Arc<HashMap<i64, MetricKind>>;

/// How a metric's values are summed up and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    Sum,
    Size,
    Timing,
    NanoTiming,
    Average,
    /// Photon's `maximum`.
    Maximum,
    /// Photon's `minimum`.
    Minimum,
    /// A connector's own, which needs its Java class to be shown.
    Custom,
}

impl MetricKind {
    pub(super) fn new(metric_type: &str) -> Self {
        match metric_type {
            "size" => Self::Size,
            "timing" => Self::Timing,
            "nsTiming" => Self::NanoTiming,
            "average" => Self::Average,
            "maximum" => Self::Maximum,
            "minimum" => Self::Minimum,
            custom if custom.starts_with("v2Custom_") => Self::Custom,
            _ => Self::Sum,
        }
    }

    /// Unit of the metric's numbers.
    pub(super) const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Sum | Self::Average => Some("count"),
            Self::Size => Some("bytes"),
            Self::Timing => Some("ms"),
            Self::NanoTiming => Some("ns"),
            Self::Maximum | Self::Minimum | Self::Custom => None,
        }
    }
}

/// Indices beyond this are dropped: no real stage has so many tasks, and values are kept by index.
const MAX_INDEX: i64 = 1 << 24;

/// The values of one metric in one stage attempt.
#[derive(Debug, Default)]
pub(super) struct TaskValues {
    /// By task index; shorter than the number of tasks where later ones reported nothing.
    values: Vec<i64>,
    /// The first strictly largest value and its task.
    max: Option<(i64, i64)>,
}

/// One stage attempt's values of all known metrics.
#[derive(Debug)]
pub(super) struct StageMetrics {
    attempt_id: i64,
    num_tasks: i64,
    known: KnownMetrics,
    values: HashMap<i64, TaskValues>,
    succeeded: IndexSet,
}

/// Where a metric's largest value was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peak {
    pub(super) value: i64,
    pub(super) stage_id: i64,
    pub(super) attempt_id: i64,
    pub(super) task_id: i64,
}

impl StageMetrics {
    pub(super) fn new(attempt_id: i64, num_tasks: i64, known: KnownMetrics) -> Self {
        Self {
            attempt_id,
            num_tasks,
            known,
            values: HashMap::new(),
            succeeded: IndexSet::default(),
        }
    }

    /// The holder of another attempt of the same stage, empty.
    pub(super) fn restarted(&self, attempt_id: i64, num_tasks: i64) -> Option<Self> {
        (attempt_id != self.attempt_id)
            .then(|| Self::new(attempt_id, num_tasks, Arc::clone(&self.known)))
    }

    /// Takes a task's updates. An index that succeeded takes no more; until then the last attempt wins.
    pub(super) fn on_task_end(&mut self, end: &TaskEnd) {
        let index = end.info.index;
        if end.stage_attempt_id != self.attempt_id || self.succeeded.contains(index) {
            return;
        }
        if (0..self.num_tasks.min(MAX_INDEX)).contains(&index)
            && let Ok(at) = usize::try_from(index)
        {
            for update in &end.info.sql_updates {
                if self.known.contains_key(&update.accumulator_id) {
                    let values = self.values.entry(update.accumulator_id).or_default();
                    values.set(at, update.value, end.info.task_id);
                }
            }
        }
        if end.info.is_successful() {
            self.succeeded.insert(index);
        }
    }

    /// Adds this stage's values of `accumulator_id`, zeros for the tasks that reported none; false
    /// where no task reported any.
    pub(super) fn add_to(&self, accumulator_id: i64, distribution: &mut Distribution) -> bool {
        let Some(reported) = self.values.get(&accumulator_id) else {
            return false;
        };
        reported
            .values
            .iter()
            .for_each(|value| distribution.push(*value));
        let tasks = usize::try_from(self.num_tasks).unwrap_or_default();
        distribution.push_zeros(tasks.saturating_sub(reported.values.len()));
        true
    }

    pub(super) fn peak(&self, stage_id: i64, accumulator_id: i64) -> Option<Peak> {
        let (value, task_id) = self.values.get(&accumulator_id)?.max?;
        Some(Peak {
            value,
            stage_id,
            attempt_id: self.attempt_id,
            task_id,
        })
    }

    pub(super) fn reports(&self, accumulator_id: i64) -> bool {
        self.values.contains_key(&accumulator_id)
    }
}

impl TaskValues {
    fn set(&mut self, at: usize, value: i64, task_id: i64) {
        if self.values.len() <= at {
            self.values.resize(at + 1, 0);
        }
        if let Some(slot) = self.values.get_mut(at) {
            *slot = value;
        }
        if self.max.is_none_or(|(max, _)| value > max) {
            self.max = Some((value, task_id));
        }
    }
}
