//! What the tasks of one stage reported for SQL metrics.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::event::TaskEnd;

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

/// Indices beyond this are dropped: no real stage has so many tasks.
const MAX_INDEX: i64 = 1 << 24;

/// The values of one metric in one stage attempt.
#[derive(Debug, Default)]
pub(super) struct TaskValues {
    /// Of indices that succeeded, which take no more.
    settled: Distribution,
    /// By index that has not succeeded: another attempt may replace them.
    open: HashMap<i64, i64>,
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

    /// The holder of another attempt of the same stage, empty. It has room for all tasks of the
    /// stage: an attempt that runs some of them again keeps their indices.
    pub(super) fn restarted(&self, attempt_id: i64) -> Option<Self> {
        (attempt_id != self.attempt_id)
            .then(|| Self::new(attempt_id, self.num_tasks, Arc::clone(&self.known)))
    }

    /// Takes a task's updates. An index that succeeded takes no more; until then the last attempt wins.
    pub(super) fn on_task_end(&mut self, end: &TaskEnd) {
        let index = end.info.index;
        if end.stage_attempt_id != self.attempt_id || self.succeeded.contains(index) {
            return;
        }
        let succeeded = end.info.is_successful();
        if (0..self.num_tasks.min(MAX_INDEX)).contains(&index) {
            let updates = &end.info.sql_updates;
            for (at, update) in updates.iter().enumerate() {
                let id = update.accumulator_id;
                if !self.known.contains_key(&id) {
                    continue;
                }
                let values = self.values.entry(id).or_default();
                values.raise_max(update.value, end.info.task_id);
                let is_last = updates
                    .iter()
                    .skip(at + 1)
                    .all(|later| later.accumulator_id != id);
                if is_last {
                    values.set(index, update.value, succeeded);
                }
            }
        }
        if succeeded {
            self.succeeded.insert(index);
        }
    }

    /// Adds this stage's values of `accumulator_id`, zeros for the tasks that reported none; false
    /// where no task reported any.
    pub(super) fn add_to(&self, accumulator_id: i64, distribution: &mut Distribution) -> bool {
        let Some(reported) = self.values.get(&accumulator_id) else {
            return false;
        };
        distribution.append(&reported.settled);
        reported
            .open
            .values()
            .for_each(|value| distribution.push(*value));
        let tasks = usize::try_from(self.num_tasks).unwrap_or_default();
        let silent = tasks.saturating_sub(reported.settled.len() + reported.open.len());
        distribution.push_zeros(silent);
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

    /// Accumulators that a task reported, in any order.
    pub(super) fn reported(&self) -> impl Iterator<Item = i64> + '_ {
        self.values.keys().copied()
    }
}

impl TaskValues {
    fn set(&mut self, index: i64, value: i64, is_settled: bool) {
        if is_settled {
            self.open.remove(&index);
            self.settled.push(value);
        } else {
            self.open.insert(index, value);
        }
    }

    fn raise_max(&mut self, value: i64, task_id: i64) {
        if self.max.is_none_or(|(max, _)| value > max) {
            self.max = Some((value, task_id));
        }
    }
}
