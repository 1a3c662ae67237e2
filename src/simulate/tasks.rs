//! The tasks of a stage as they were measured.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::facts::{StageFacts, TaskSource};
use super::rows::Batch;

/// Longest time between two tasks of a slot that counts as the scheduler's; beyond that the slot had
/// nothing to do.
const MAX_SLOT_GAP_MS: i64 = 100;
/// Fewest such times that make a mean.
const MIN_SLOT_GAPS: u32 = 8;

/// A task that succeeded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    launched_ms: i64,
    index: u32,
    ms: u32,
    run_ms: u32,
    executor: u32,
}

impl Task {
    pub(super) fn of(batch: &Batch, row: usize, executors: &mut HashMap<String, u32>) -> Self {
        let small =
            |value: Option<i64>| u32::try_from(value.unwrap_or(0).max(0)).unwrap_or(u32::MAX);
        let run_ms = small(batch.int(row, 8));
        let name = batch.text(row, 9).unwrap_or_default();
        let executor = match executors.get(name) {
            Some(known) => *known,
            None => {
                let number = u32::try_from(executors.len()).unwrap_or(u32::MAX);
                executors.insert(name.to_owned(), number);
                number
            }
        };
        Self {
            launched_ms: batch.int(row, 6).unwrap_or(0),
            index: small(batch.int(row, 5)),
            ms: batch.int(row, 7).map_or(run_ms, |ms| small(Some(ms))),
            run_ms,
            executor,
        }
    }

    fn end_ms(&self) -> i64 {
        self.launched_ms.saturating_add(i64::from(self.ms))
    }
}

/// The tasks of a stage in the order of their start. A task that succeeded twice, because what it had
/// written was lost, is work once.
pub(super) fn take_tasks(stage: &mut StageFacts, mut tasks: Vec<Task>) {
    tasks.sort_unstable_by_key(|task| (task.launched_ms, task.index));
    let mut seen = Seen::new(&tasks);
    tasks.retain(|task| seen.is_first(task.index));
    stage.last_task_ms = tasks.iter().map(Task::end_ms).max();
    let beside: f64 = tasks
        .iter()
        .map(|task| f64::from(task.ms.saturating_sub(task.run_ms)))
        .sum();
    stage.overhead_ms = beside / (tasks.len().max(1)) as f64;
    stage.slot_gap_ms = mean_slot_gap_ms(&tasks);
    stage.tasks = tasks.iter().map(|task| task.ms).collect();
    stage.source = TaskSource::Tasks;
}

/// The indices that were met: a place for each where they are as dense as a stage numbers its tasks.
enum Seen {
    Dense(Vec<bool>),
    Sparse(HashSet<u32>),
}

impl Seen {
    fn new(tasks: &[Task]) -> Self {
        let last = tasks.iter().map(|task| task.index).max().unwrap_or(0);
        let places = usize::try_from(last)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        if places <= tasks.len().saturating_mul(8) {
            Self::Dense(vec![false; places])
        } else {
            Self::Sparse(HashSet::with_capacity(tasks.len()))
        }
    }

    fn is_first(&mut self, index: u32) -> bool {
        match self {
            Self::Dense(met) => usize::try_from(index)
                .ok()
                .and_then(|index| met.get_mut(index))
                .is_some_and(|met| !std::mem::replace(met, true)),
            Self::Sparse(met) => met.insert(index),
        }
    }
}

/// Mean time from the end of a task until its slot has the next; 0 where few are known.
fn mean_slot_gap_ms(tasks: &[Task]) -> f64 {
    let mut free: HashMap<u32, BTreeSet<(i64, u32)>> = HashMap::new();
    let (mut gaps, mut sum) = (0_u32, 0_i64);
    for task in tasks {
        let ends = free.entry(task.executor).or_default();
        // The last slot that became free before it started.
        let before = ends
            .range(..=(task.launched_ms, u32::MAX))
            .next_back()
            .copied();
        if let Some((end, index)) = before {
            ends.remove(&(end, index));
            let gap = task.launched_ms.saturating_sub(end);
            if gap <= MAX_SLOT_GAP_MS {
                gaps += 1;
                sum += gap;
            }
        }
        ends.insert((task.end_ms(), task.index));
    }
    if gaps < MIN_SLOT_GAPS {
        return 0.0;
    }
    sum as f64 / f64::from(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(index: u32, executor: u32, launched_ms: i64, ms: u32) -> Task {
        Task {
            launched_ms,
            index,
            ms,
            run_ms: ms.saturating_sub(4),
            executor,
        }
    }

    #[test]
    fn a_task_that_succeeded_twice_is_work_once() {
        let mut stage = StageFacts::default();
        let tasks = vec![task(1, 0, 50, 30), task(0, 0, 10, 20), task(0, 1, 90, 500)];
        take_tasks(&mut stage, tasks);
        assert_eq!(stage.tasks, [20, 30]);
        assert_eq!(stage.last_task_ms, Some(80));
        assert!((stage.overhead_ms - 4.0).abs() < 1e-9);
    }

    #[test]
    fn the_time_between_tasks_is_the_slots_own_and_long_waits_are_not_it() {
        // Two slots of one executor, each 10 ms between its tasks, and one wait of a second.
        let mut tasks = Vec::new();
        for place in 0..10 {
            tasks.push(task(2 * place, 0, i64::from(place) * 110, 100));
            tasks.push(task(2 * place + 1, 0, i64::from(place) * 110 + 50, 100));
        }
        tasks.push(task(99, 0, 5_000, 100));
        assert!((mean_slot_gap_ms(&tasks) - 10.0).abs() < 1e-9);
        assert!(mean_slot_gap_ms(&tasks[..6]).abs() < 1e-9);
    }
}
