//! What of an application a schedule needs, in times of milliseconds since its start.

/// How the tasks of a stage change when there is more data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Growth {
    /// There are more tasks: the stage reads storage in splits.
    Tasks,
    /// Tasks take longer: the stage reads a fixed number of shuffle partitions.
    Sizes,
    /// Nothing: the stage reads nothing that was measured.
    #[default]
    Fixed,
}

/// A stage with its work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// Spark's id.
    pub id: i64,
    /// The job that runs it, as index into [`Workload::jobs`].
    pub job: u32,
    /// The stages that have to end before, as indices into [`Workload::stages`].
    pub parents: Vec<u32>,
    /// From the end of the last parent, or the start of the job, to the first task, in ms.
    pub gap_ms: u64,
    /// From the end of the last task to the end of the stage, in ms.
    pub tail_ms: u64,
    /// How long each task holds a slot, in ms, in the order of their start.
    pub tasks: Vec<u32>,
    /// The part of a task's time that does not depend on its data, in ms.
    pub overhead_ms: u32,
    /// What more data does.
    pub growth: Growth,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Job {
    /// How many jobs of [`Workload::order_of_end`] have to end before the driver submits it.
    pub after: u32,
    /// The driver's time from there to the submission, in ms.
    pub gap_ms: u64,
    /// From the end of its last stage to its own, in ms.
    pub tail_ms: u64,
}

/// An application as the scheduler meets it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workload {
    /// Jobs in the order of their submission.
    pub jobs: Vec<Job>,
    /// Stages in the order in which their tasks are started: by job, then by id.
    pub stages: Vec<Stage>,
    /// Indices of the jobs in the order in which they ended.
    pub order_of_end: Vec<u32>,
    /// From the end of the last job to the end of the application, in ms.
    pub tail_ms: u64,
}

impl Workload {
    /// The number of tasks.
    pub fn num_tasks(&self) -> u64 {
        let tasks = self.stages.iter().map(|stage| stage.tasks.len() as u64);
        tasks.sum()
    }

    /// The time of all tasks together, in ms.
    pub fn work_ms(&self) -> u64 {
        let tasks = self.stages.iter().flat_map(|stage| &stage.tasks);
        tasks.map(|ms| u64::from(*ms)).sum()
    }

    /// Whether more data would change anything.
    pub fn grows(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|stage| stage.growth != Growth::Fixed && !stage.tasks.is_empty())
    }

    /// The same with `factor` times the data: stages that read storage have more tasks, the others
    /// longer ones; what a task takes whatever its data stays.
    #[must_use]
    pub fn grown(&self, factor: f64) -> Self {
        let mut grown = self.clone();
        for stage in &mut grown.stages {
            match stage.growth {
                Growth::Fixed => {}
                Growth::Tasks => stage.tasks = more_tasks(&stage.tasks, factor),
                Growth::Sizes => {
                    for ms in &mut stage.tasks {
                        *ms = longer(*ms, stage.overhead_ms, factor);
                    }
                }
            }
        }
        grown
    }
}

/// `factor` times as many tasks: all of them once for each whole number, then evenly spread ones.
/// What a fraction of a task would be missing makes the tasks longer or shorter.
fn more_tasks(tasks: &[u32], factor: f64) -> Vec<u32> {
    let wanted_work: f64 = tasks.iter().map(|ms| f64::from(*ms)).sum::<f64>() * factor;
    let count = whole(tasks.len() as f64 * factor).max(1);
    if tasks.is_empty() || wanted_work <= 0.0 {
        return tasks.to_vec();
    }
    let picked = (0..count).filter_map(|place| {
        let from = place * tasks.len() as u64 / count.max(1);
        // Beyond the first round the same tasks come again.
        let from = match count >= tasks.len() as u64 {
            true => place % tasks.len() as u64,
            false => from,
        };
        tasks.get(usize::try_from(from).ok()?).copied()
    });
    let mut picked: Vec<u32> = picked.collect();
    let work: f64 = picked.iter().map(|ms| f64::from(*ms)).sum();
    let scale = if work > 0.0 { wanted_work / work } else { 1.0 };
    for ms in &mut picked {
        *ms = milliseconds(f64::from(*ms) * scale);
    }
    picked
}

fn longer(ms: u32, overhead_ms: u32, factor: f64) -> u32 {
    let fixed = f64::from(overhead_ms.min(ms));
    milliseconds(fixed + (f64::from(ms) - fixed) * factor)
}

/// A number of ms that fits a task.
pub(super) fn milliseconds(ms: f64) -> u32 {
    ms.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// A whole number of ms or of anything else that is counted.
pub(super) fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 9e15) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(growth: Growth, tasks: &[u32]) -> Workload {
        Workload {
            jobs: vec![Job::default()],
            stages: vec![Stage {
                tasks: tasks.to_vec(),
                overhead_ms: 10,
                growth,
                ..Stage::default()
            }],
            order_of_end: vec![0],
            tail_ms: 0,
        }
    }

    fn grown(growth: Growth, tasks: &[u32], factor: f64) -> Vec<u32> {
        stage(growth, tasks).grown(factor).stages.remove(0).tasks
    }

    #[test]
    fn a_stage_that_reads_storage_gets_more_tasks_of_the_same_length() {
        assert_eq!(grown(Growth::Tasks, &[30, 50], 2.0), [30, 50, 30, 50]);
        assert_eq!(grown(Growth::Tasks, &[30, 50, 30, 50], 0.5), [40, 40]);
        assert_eq!(grown(Growth::Tasks, &[100], 3.0), [100, 100, 100]);
    }

    #[test]
    fn a_stage_that_reads_a_shuffle_gets_longer_tasks_but_for_what_each_takes_anyway() {
        assert_eq!(grown(Growth::Sizes, &[30, 50, 5], 2.0), [50, 90, 5]);
        assert_eq!(grown(Growth::Fixed, &[30, 50], 2.0), [30, 50]);
    }

    #[test]
    fn work_grows_with_the_data_whatever_the_number_of_tasks() {
        for factor in [0.3, 0.5, 1.0, 1.7, 2.0, 3.3] {
            let tasks: Vec<u32> = (0..97).map(|index| 1_000 + index * 13).collect();
            let all = stage(Growth::Tasks, &tasks);
            let work = all.grown(factor).work_ms() as f64;
            let wanted = all.work_ms() as f64 * factor;
            assert!(
                (work / wanted - 1.0).abs() < 0.002,
                "{factor}: {work} {wanted}"
            );
        }
    }
}
