//! From measured times to distances between them: the workload of an application.

use std::collections::{HashMap, HashSet};

use super::facts::{Facts, StageFacts, Unknown};
use super::workload::{Growth, Job, Stage, Workload, milliseconds};

/// Most of the time from a stage's submission to its first task that counts as the driver's: beyond
/// that the tasks waited for executors.
const MAX_LAUNCH_MS: u64 = 200;

impl Facts {
    /// The workload, in the times of a schedule.
    ///
    /// # Errors
    /// The history does not tell enough.
    pub fn workload(&self) -> Result<Workload, Unknown> {
        if !self.is_complete {
            return Err(Unknown::NoEnd);
        }
        if self.duration_ms <= 0 {
            return Err(Unknown::Clock);
        }
        if self.slots() == 0 {
            return Err(Unknown::NoExecutors);
        }
        if self.stages.iter().all(|stage| stage.tasks.is_empty()) {
            return Err(Unknown::NoTasks);
        }
        Ok(Builder::new(self).workload())
    }
}

/// From measured times to distances between them.
struct Builder<'a> {
    facts: &'a Facts,
    end_ms: i64,
    /// Jobs by submission: id, submission, end.
    jobs: Vec<(i64, i64, i64)>,
    index_of_job: HashMap<i64, u32>,
}

impl<'a> Builder<'a> {
    fn new(facts: &'a Facts) -> Self {
        let end_ms = facts.start_ms.saturating_add(facts.duration_ms);
        let known: HashSet<i64> = facts.jobs.iter().map(|job| job.id).collect();
        let span = |id: i64, from: Option<i64>, to: Option<i64>| {
            let from = from.unwrap_or(facts.start_ms).clamp(facts.start_ms, end_ms);
            (id, from, to.unwrap_or(end_ms).clamp(from, end_ms))
        };
        let jobs = facts.jobs.iter();
        let jobs = jobs.map(|job| span(job.id, job.submitted_ms, job.completed_ms));
        // A stage whose job the history lost is one itself.
        let orphans = facts.stages.iter().filter(|stage| {
            stage.has_run() && !stage.job_ids.iter().any(|job| known.contains(job))
        });
        let orphans = orphans.map(|stage| {
            let from = stage.submitted_ms.or(stage.launched_ms);
            span(orphan_job(stage), from, stage.completed_ms)
        });
        let mut jobs: Vec<(i64, i64, i64)> = jobs.chain(orphans).collect();
        jobs.sort_unstable_by_key(|(id, from, _)| (*from, *id));
        let index_of_job = (0..)
            .zip(&jobs)
            .map(|(index, job)| (job.0, index))
            .collect();
        Self {
            facts,
            end_ms,
            jobs,
            index_of_job,
        }
    }

    fn workload(self) -> Workload {
        let stages = self.facts.stages.iter().filter(|stage| stage.has_run());
        let mut stages: Vec<(u32, &StageFacts)> =
            stages.map(|stage| (self.job_of(stage), stage)).collect();
        stages.sort_by_key(|(job, stage)| (*job, stage.id));
        let index_of_stage: HashMap<i64, u32> = (0..)
            .zip(&stages)
            .map(|(index, (_, stage))| (stage.id, index))
            .collect();
        let built = stages
            .iter()
            .map(|(job, stage)| self.stage(*job, stage, &index_of_stage, &stages))
            .collect();
        let mut ends: Vec<Option<i64>> = vec![None; self.jobs.len()];
        for (job, stage) in &stages {
            if let Some(end) = ends.get_mut(*job as usize) {
                *end = (*end).max(stage.completed_ms.map(|end| end.min(self.end_ms)));
            }
        }
        let mut by_end: Vec<(i64, u32)> = (0_u32..)
            .zip(&self.jobs)
            .map(|(index, (_, _, to))| (*to, index))
            .collect();
        by_end.sort_unstable();
        let jobs = (0_u32..).zip(&self.jobs).zip(ends);
        let jobs = jobs.map(|((index, (_, from, to)), end)| {
            // Among jobs that take no time, the one that began first ended first.
            let ended = by_end.partition_point(|before| *before < (*from, index));
            let before = ended.checked_sub(1).and_then(|last| by_end.get(last));
            let before = before.map_or(self.facts.start_ms, |(to, _)| *to);
            Job {
                after: u32::try_from(ended).unwrap_or(u32::MAX),
                gap_ms: distance(before, *from),
                tail_ms: distance(end.unwrap_or(*from).max(*from), *to),
            }
        });
        let jobs = jobs.collect();
        let last_end = by_end.last().map_or(self.facts.start_ms, |(to, _)| *to);
        Workload {
            jobs,
            stages: built,
            order_of_end: by_end.into_iter().map(|(_, index)| index).collect(),
            tail_ms: distance(last_end, self.end_ms),
        }
    }

    /// The job that ran a stage: the first that names it.
    fn job_of(&self, stage: &StageFacts) -> u32 {
        let known = stage
            .job_ids
            .iter()
            .filter_map(|id| self.index_of_job.get(id));
        let own = || self.index_of_job.get(&orphan_job(stage));
        known.min().or_else(own).copied().unwrap_or(0)
    }

    fn stage(
        &self,
        job: u32,
        stage: &StageFacts,
        index_of_stage: &HashMap<i64, u32>,
        all: &[(u32, &StageFacts)],
    ) -> Stage {
        let own = index_of_stage.get(&stage.id).copied();
        let parents: Vec<u32> = stage
            .parent_ids
            .iter()
            .filter_map(|id| index_of_stage.get(id).copied())
            // A circle, or a parent of a later job, would never end.
            .filter(|parent| Some(*parent) < own)
            .collect();
        let job_start = self
            .jobs
            .get(job as usize)
            .map_or(self.facts.start_ms, |job| job.1);
        let within = |time: Option<i64>| Some(time?.clamp(self.facts.start_ms, self.end_ms));
        let launched = within(stage.launched_ms);
        let submitted = within(stage.submitted_ms).or(launched).unwrap_or(job_start);
        let ready = parents
            .iter()
            .filter_map(|parent| within(all.get(*parent as usize)?.1.completed_ms))
            // A parent that ended later was run again.
            .map(|completed| completed.min(submitted))
            .fold(job_start, i64::max);
        let launch_ms = launched.map_or(0, |launched| distance(submitted, launched));
        let ends = (within(stage.last_task_ms), within(stage.completed_ms));
        let tail_ms = match (ends, stage.attempts) {
            ((Some(last), Some(completed)), 0 | 1) => distance(last, completed),
            _ => 0,
        };
        let slot_gap_ms = stage.slot_gap_ms.max(0.0);
        let tasks = stage
            .tasks
            .iter()
            .map(|ms| milliseconds(f64::from(*ms) + slot_gap_ms));
        Stage {
            id: stage.id,
            job,
            parents,
            gap_ms: distance(ready, submitted) + launch_ms.min(MAX_LAUNCH_MS),
            tail_ms,
            tasks: with_missing(
                tasks.collect(),
                if stage.has_succeeded {
                    stage.num_tasks
                } else {
                    0
                },
            ),
            overhead_ms: milliseconds(stage.overhead_ms + slot_gap_ms),
            growth: match (stage.input_bytes, stage.shuffle_bytes) {
                (input, shuffle) if input > 0 && input >= shuffle => Growth::Tasks,
                (_, shuffle) if shuffle > 0 => Growth::Sizes,
                _ => Growth::Fixed,
            },
        }
    }
}

/// A job id that Spark never gives.
fn orphan_job(stage: &StageFacts) -> i64 {
    -1_i64.saturating_sub(stage.id)
}

/// From one time to a later one; 0 where clocks run backwards.
fn distance(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or(0)
}

/// Tasks whose end the log does not have took what the others took in the middle.
fn with_missing(mut tasks: Vec<u32>, planned: i64) -> Vec<u32> {
    let planned = usize::try_from(planned).unwrap_or(0);
    if tasks.is_empty() || tasks.len() >= planned {
        return tasks;
    }
    let mut sorted = tasks.clone();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    tasks.resize(planned, median);
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::facts::JobFacts;
    use crate::simulate::{Cluster, schedule};

    const START: i64 = 1_700_000_000_000;

    fn job(id: i64, from: i64, to: i64) -> JobFacts {
        JobFacts {
            id,
            submitted_ms: Some(START + from),
            completed_ms: Some(START + to),
        }
    }

    fn stage(id: i64, job: i64, parents: &[i64], from: i64, to: i64, tasks: &[u32]) -> StageFacts {
        StageFacts {
            id,
            job_ids: vec![job],
            parent_ids: parents.to_vec(),
            submitted_ms: Some(START + from),
            launched_ms: Some(START + from),
            completed_ms: Some(START + to),
            last_task_ms: Some(START + to),
            num_tasks: i64::try_from(tasks.len()).expect("few"),
            attempts: 1,
            has_succeeded: true,
            tasks: tasks.to_vec(),
            ..StageFacts::default()
        }
    }

    /// On two cores: 1 s, a job of two stages for 300 ms, 200 ms, a job of 100 ms, 500 ms.
    fn facts() -> Facts {
        Facts {
            start_ms: START,
            duration_ms: 2_100,
            is_complete: true,
            executor_cores: Some(2),
            num_executors_max: Some(1),
            jobs: vec![job(0, 1_000, 1_300), job(1, 1_500, 1_600)],
            stages: vec![
                stage(0, 0, &[], 1_000, 1_200, &[100; 4]),
                stage(1, 0, &[0], 1_200, 1_300, &[100; 2]),
                stage(2, 1, &[], 1_500, 1_600, &[100; 2]),
            ],
            ..Facts::default()
        }
    }

    fn takes(facts: &Facts, cores: u32) -> u64 {
        let workload = facts.workload().expect("known");
        schedule(&workload, &Cluster::fixed(1, cores))
            .expect("ends")
            .duration_ms
    }

    #[test]
    fn the_measured_cluster_takes_what_was_measured_and_others_keep_the_driver() {
        assert_eq!(takes(&facts(), 2), 2_100);
        assert_eq!(takes(&facts(), 1), 1_000 + 600 + 200 + 200 + 500);
        assert_eq!(takes(&facts(), 4), 1_000 + 200 + 200 + 100 + 500);
        assert_eq!(facts().driver_ms(), 1_700);
    }

    #[test]
    fn a_second_attempt_of_a_stage_and_lost_jobs_do_not_stop_the_schedule() {
        let mut odd = facts();
        // The first stage ended after the second began: it was run again.
        odd.stages[0].completed_ms = Some(START + 1_290);
        odd.stages[0].attempts = 2;
        assert_eq!(takes(&odd, 2), 2_100);
        // The log lost a job; its stage stands for it.
        let mut lost = facts();
        lost.jobs.remove(1);
        assert_eq!(takes(&lost, 2), 2_100);
        // A circle of parents.
        let mut circle = facts();
        circle.stages[0].parent_ids = vec![1, 0, 99];
        assert_eq!(takes(&circle, 2), 2_100);
    }

    #[test]
    fn jobs_of_no_time_wait_for_nobody_that_waits_for_them() {
        let mut facts = facts();
        facts.jobs = vec![
            job(0, 1_000, 1_300),
            job(1, 1_000, 1_000),
            job(2, 1_300, 1_300),
        ];
        facts
            .jobs
            .extend([job(3, 1_300, 1_300), job(4, 1_300, 1_600)]);
        facts.stages[2].job_ids = vec![4];
        facts.stages[2].submitted_ms = Some(START + 1_300);
        facts.stages[2].launched_ms = Some(START + 1_300);
        assert_eq!(takes(&facts, 2), 1_300 + 100 + 500);
    }

    #[test]
    fn tasks_whose_end_the_log_lost_are_work_all_the_same() {
        let mut lossy = facts();
        lossy.stages[0].tasks.pop();
        assert_eq!(takes(&lossy, 2), 2_100);
        // But a stage that was stopped half way did not do the rest.
        lossy.stages[0].has_succeeded = false;
        let work = lossy.workload().expect("known").work_ms();
        assert_eq!(work, 700);
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        let with = |change: fn(&mut Facts)| {
            let mut facts = facts();
            change(&mut facts);
            facts.workload().expect_err("not known")
        };
        assert_eq!(with(|facts| facts.is_complete = false), Unknown::NoEnd);
        assert_eq!(with(|facts| facts.duration_ms = -5), Unknown::Clock);
        assert_eq!(
            with(|facts| facts.executor_cores = None),
            Unknown::NoExecutors
        );
        assert_eq!(
            with(|facts| facts.num_executors_max = Some(0)),
            Unknown::NoExecutors
        );
        let no_tasks = with(|facts| {
            for stage in &mut facts.stages {
                stage.tasks.clear();
            }
        });
        assert_eq!(no_tasks, Unknown::NoTasks);
    }

    #[test]
    fn times_outside_of_the_application_are_brought_into_it() {
        let mut odd = facts();
        odd.jobs[0].submitted_ms = Some(START - 9_000_000_000_000);
        odd.jobs[1].completed_ms = Some(i64::MAX);
        odd.stages[1].submitted_ms = Some(i64::MIN);
        odd.stages[1].completed_ms = Some(i64::MAX);
        let took = takes(&odd, 2);
        assert!(took < 10_000, "{took}");
        assert_eq!(odd.driver_ms(), 200);
    }
}
