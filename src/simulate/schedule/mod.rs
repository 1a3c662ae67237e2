//! Plays a workload on a cluster: list scheduling in simulated time.
//!
//! Tasks wait in the order of jobs and stages and take whatever slot is free. Two heaps hold what
//! comes next: one of running tasks, of 24 bytes each, and one of everything else. No random numbers:
//! the same question has the same answer.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::cluster::{Cluster, Executors};
use super::slots::Slots;
use super::workload::{Workload, whole};

/// Most executors that are lost in one schedule: tasks longer than executors live would never end.
const MAX_LOSSES: u32 = 1_000;

/// What a schedule took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// From start to end of the application, in ms.
    pub duration_ms: u64,
    /// Executors' lifetimes times their cores, in core-ms.
    pub core_time_ms: u64,
    /// Most executors at the same time.
    pub executors_max: u32,
    /// Executors that were lost.
    pub lost: u32,
}

/// Tasks that no executor will ever run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no executor to run the tasks on")]
pub struct Stuck;

/// Plays `workload` on `cluster`.
///
/// # Errors
/// Tasks are left and no executor will ever come.
pub fn schedule(workload: &Workload, cluster: &Cluster) -> Result<Outcome, Stuck> {
    // Without this, dynamic allocation asks for executors that run nothing, gives them back, and asks again forever.
    let takes_tasks = cluster.slots_per_executor > 0 || cluster.executors == Executors::Unlimited;
    let has_tasks = workload.stages.iter().any(|stage| !stage.tasks.is_empty());
    if has_tasks && !takes_tasks {
        return Err(Stuck);
    }
    Play::new(workload, cluster).run()
}

/// A task that runs. Ordered by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Running {
    end_ms: u64,
    executor: u32,
    stage: u32,
    ms: u32,
}

/// What happens beside the ends of tasks, in the order in which it happens at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    StageEnds(u32),
    JobEnds(u32),
    JobStarts(u32),
    StageStarts(u32),
    ExecutorComes,
    ExecutorIdles {
        executor: u32,
        since_ms: u64,
    },
    ExecutorIsLost,
    /// Dynamic allocation looks at the backlog.
    Allocates {
        generation: u32,
    },
}

#[derive(Debug, Clone, Default)]
struct StageState {
    parents_left: u32,
    children: Vec<u32>,
    next: usize,
    running: u32,
    /// Tasks to run again.
    again: Vec<u32>,
    has_ended: bool,
}

#[derive(Debug, Clone, Default)]
struct JobState {
    stages: Vec<u32>,
    stages_left: u32,
    has_started: bool,
    has_ended: bool,
}

/// The state of dynamic allocation.
#[derive(Debug, Clone, Copy, Default)]
struct AllocationState {
    to_add: u32,
    generation: u32,
    is_waiting: bool,
    coming: u32,
}

struct Play<'a> {
    workload: &'a Workload,
    cluster: &'a Cluster,
    now_ms: u64,
    tasks: BinaryHeap<Reverse<Running>>,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    stages: Vec<StageState>,
    jobs: Vec<JobState>,
    /// Stages with tasks that wait.
    open: BTreeSet<u32>,
    /// Tasks that wait.
    waiting: u64,
    ended_jobs: u32,
    /// How many jobs have ended of those that ended first when measured.
    ended_in_order: u32,
    next_job: usize,
    last_end_ms: u64,
    slots: Slots,
    allocation: AllocationState,
    lost: u32,
    /// Times at which an executor was to be lost.
    draws: u32,
}

impl<'a> Play<'a> {
    fn new(workload: &'a Workload, cluster: &'a Cluster) -> Self {
        let mut stages: Vec<StageState> = vec![StageState::default(); workload.stages.len()];
        let mut jobs: Vec<JobState> = vec![JobState::default(); workload.jobs.len()];
        for (index, stage) in (0_u32..).zip(&workload.stages) {
            for parent in &stage.parents {
                let Some(state) = stages.get_mut(*parent as usize) else {
                    continue;
                };
                state.children.push(index);
                if let Some(state) = stages.get_mut(index as usize) {
                    state.parents_left += 1;
                }
            }
            if let Some(job) = jobs.get_mut(stage.job as usize) {
                job.stages.push(index);
                job.stages_left += 1;
            }
        }
        Self {
            workload,
            cluster,
            now_ms: 0,
            tasks: BinaryHeap::new(),
            events: BinaryHeap::new(),
            stages,
            jobs,
            open: BTreeSet::new(),
            waiting: 0,
            ended_jobs: 0,
            ended_in_order: 0,
            next_job: 0,
            last_end_ms: 0,
            slots: Slots::new(cluster.slots_per_executor),
            allocation: AllocationState::default(),
            lost: 0,
            draws: 0,
        }
    }

    fn run(mut self) -> Result<Outcome, Stuck> {
        self.begin();
        while let Some(time) = self.next_time() {
            self.now_ms = time;
            self.end_tasks();
            while let Some(Reverse((at, event))) = self.events.peek().copied() {
                if at > time {
                    break;
                }
                self.events.pop();
                self.take(event);
            }
            if self.ended_jobs as usize == self.jobs.len() {
                break;
            }
            self.start_tasks();
            self.watch_backlog();
        }
        if (self.ended_jobs as usize) < self.jobs.len() {
            return Err(Stuck);
        }
        let duration_ms = self.last_end_ms.saturating_add(self.workload.tail_ms);
        let lived_ms = self.slots.lived_ms(duration_ms);
        Ok(Outcome {
            duration_ms,
            core_time_ms: lived_ms.saturating_mul(u64::from(self.cluster.cores_per_executor)),
            executors_max: self.slots.most_alive(),
            lost: self.lost,
        })
    }

    fn begin(&mut self) {
        match &self.cluster.executors {
            Executors::Fixed(arrivals) => {
                for at in arrivals {
                    self.at(*at, Event::ExecutorComes);
                }
            }
            Executors::Dynamic(allocation) => {
                let initial = allocation.initial.max(allocation.min).min(allocation.max);
                self.allocation.to_add = 1;
                self.allocation.coming = initial;
                for _ in 0..initial {
                    self.at(allocation.first_ms, Event::ExecutorComes);
                }
            }
            Executors::Unlimited => {}
        }
        self.plan_loss(true);
        self.release_jobs();
    }

    fn next_time(&self) -> Option<u64> {
        let task = self.tasks.peek().map(|Reverse(task)| task.end_ms);
        let event = self.events.peek().map(|Reverse((at, _))| *at);
        match (task, event) {
            (Some(task), Some(event)) => Some(task.min(event)),
            (task, event) => task.or(event),
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.events.push(Reverse((time, event)));
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now_ms.saturating_add(ms), event);
    }

    fn end_tasks(&mut self) {
        while let Some(Reverse(task)) = self.tasks.peek().copied() {
            if task.end_ms > self.now_ms {
                break;
            }
            self.tasks.pop();
            if self.slots.end_task(task.executor, self.now_ms) {
                self.watch_idle(task.executor);
            }
            self.task_left(task.stage);
        }
    }

    fn task_left(&mut self, stage: u32) {
        if let Some(state) = self.stages.get_mut(stage as usize) {
            state.running = state.running.saturating_sub(1);
        }
        self.end_stage_if_done(stage);
    }

    fn end_stage_if_done(&mut self, stage: u32) {
        let (Some(state), Some(known)) = (
            self.stages.get(stage as usize),
            self.workload.stages.get(stage as usize),
        ) else {
            return;
        };
        let is_done = state.running == 0
            && state.again.is_empty()
            && state.next >= known.tasks.len()
            && !state.has_ended;
        if is_done {
            self.after(known.tail_ms, Event::StageEnds(stage));
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::JobStarts(job) => self.start_job(job),
            Event::StageStarts(stage) => self.start_stage(stage),
            Event::StageEnds(stage) => self.end_stage(stage),
            Event::JobEnds(job) => self.end_job(job),
            Event::ExecutorComes => {
                self.allocation.coming = self.allocation.coming.saturating_sub(1);
                let executor = self.slots.add(self.now_ms);
                self.watch_idle(executor);
            }
            Event::ExecutorIdles { executor, since_ms } => self.give_back(executor, since_ms),
            Event::ExecutorIsLost => self.lose_executor(),
            Event::Allocates { generation } => self.allocate(generation),
        }
    }

    /// Jobs are submitted when all that had ended before have ended again.
    fn release_jobs(&mut self) {
        while let Some(job) = self.workload.jobs.get(self.next_job) {
            if job.after > self.ended_in_order {
                break;
            }
            let index = u32::try_from(self.next_job).unwrap_or(u32::MAX);
            self.after(job.gap_ms, Event::JobStarts(index));
            self.next_job += 1;
        }
    }

    fn start_job(&mut self, job: u32) {
        let Some(state) = self.jobs.get_mut(job as usize) else {
            return;
        };
        state.has_started = true;
        if state.stages_left == 0 {
            let tail_ms = self.workload.jobs.get(job as usize);
            self.after(tail_ms.map_or(0, |job| job.tail_ms), Event::JobEnds(job));
            return;
        }
        for stage in state.stages.clone() {
            self.plan_stage(stage);
        }
    }

    /// Plans the start of a stage whose job has started and whose parents have ended.
    fn plan_stage(&mut self, stage: u32) {
        let (Some(state), Some(known)) = (
            self.stages.get(stage as usize),
            self.workload.stages.get(stage as usize),
        ) else {
            return;
        };
        let job = self.jobs.get(known.job as usize);
        if state.parents_left == 0 && job.is_some_and(|job| job.has_started) {
            self.after(known.gap_ms, Event::StageStarts(stage));
        }
    }

    fn start_stage(&mut self, stage: u32) {
        let Some(known) = self.workload.stages.get(stage as usize) else {
            return;
        };
        if known.tasks.is_empty() {
            self.end_stage_if_done(stage);
        } else {
            self.waiting += known.tasks.len() as u64;
            self.open.insert(stage);
        }
    }

    fn end_stage(&mut self, stage: u32) {
        let Some(state) = self.stages.get_mut(stage as usize) else {
            return;
        };
        if state.has_ended {
            return;
        }
        state.has_ended = true;
        for child in state.children.clone() {
            if let Some(child_state) = self.stages.get_mut(child as usize) {
                child_state.parents_left = child_state.parents_left.saturating_sub(1);
                if child_state.parents_left == 0 {
                    self.plan_stage(child);
                }
            }
        }
        let Some(job) = self
            .workload
            .stages
            .get(stage as usize)
            .map(|known| known.job)
        else {
            return;
        };
        if let Some(state) = self.jobs.get_mut(job as usize) {
            state.stages_left = state.stages_left.saturating_sub(1);
            if state.stages_left == 0 {
                let tail_ms = self.workload.jobs.get(job as usize);
                self.after(tail_ms.map_or(0, |job| job.tail_ms), Event::JobEnds(job));
            }
        }
    }

    fn end_job(&mut self, job: u32) {
        let Some(state) = self.jobs.get_mut(job as usize) else {
            return;
        };
        if state.has_ended {
            return;
        }
        state.has_ended = true;
        self.ended_jobs += 1;
        self.last_end_ms = self.now_ms;
        while let Some(next) = self.workload.order_of_end.get(self.ended_in_order as usize) {
            let has_ended = self
                .jobs
                .get(*next as usize)
                .is_none_or(|job| job.has_ended);
            if !has_ended {
                break;
            }
            self.ended_in_order += 1;
        }
        self.release_jobs();
    }

    fn start_tasks(&mut self) {
        while let Some(stage) = self.open.first().copied() {
            let (Some(state), Some(known)) = (
                self.stages.get_mut(stage as usize),
                self.workload.stages.get(stage as usize),
            ) else {
                self.open.remove(&stage);
                continue;
            };
            if self.cluster.executors == Executors::Unlimited {
                let longest = known.tasks.iter().copied().max().unwrap_or(0);
                state.next = known.tasks.len();
                state.running = 1;
                self.waiting = self.waiting.saturating_sub(known.tasks.len() as u64);
                self.open.remove(&stage);
                self.tasks.push(Reverse(Running {
                    end_ms: self.now_ms.saturating_add(u64::from(longest)),
                    executor: u32::MAX,
                    stage,
                    ms: longest,
                }));
                continue;
            }
            let is_parent = !state.children.is_empty();
            loop {
                let Some(ms) = state
                    .again
                    .last()
                    .or_else(|| known.tasks.get(state.next))
                    .copied()
                else {
                    self.open.remove(&stage);
                    break;
                };
                let Some(executor) = self.slots.take(is_parent) else {
                    return;
                };
                if state.again.pop().is_none() {
                    state.next += 1;
                }
                state.running += 1;
                self.waiting = self.waiting.saturating_sub(1);
                self.tasks.push(Reverse(Running {
                    end_ms: self.now_ms.saturating_add(u64::from(ms)),
                    executor,
                    stage,
                    ms,
                }));
            }
        }
    }

    // Dynamic allocation

    fn watch_backlog(&mut self) {
        let Executors::Dynamic(allocation) = &self.cluster.executors else {
            return;
        };
        if self.waiting == 0 {
            self.allocation.is_waiting = false;
            self.allocation.to_add = 1;
            self.allocation.generation = self.allocation.generation.wrapping_add(1);
        } else if !self.allocation.is_waiting {
            self.allocation.is_waiting = true;
            let generation = self.allocation.generation;
            self.after(
                allocation.backlog_ms.max(1),
                Event::Allocates { generation },
            );
        }
    }

    fn allocate(&mut self, generation: u32) {
        let Executors::Dynamic(allocation) = &self.cluster.executors else {
            return;
        };
        if generation != self.allocation.generation || self.waiting == 0 {
            return;
        }
        let slots = f64::from(self.cluster.slots_per_executor.max(1));
        let tasks = self.waiting as f64 + self.tasks.len() as f64;
        let needed = whole((tasks * allocation.ratio / slots).ceil());
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let there = self.slots.alive() + self.allocation.coming;
        let most = needed.max(allocation.min).min(allocation.max);
        let added = self.allocation.to_add.min(most.saturating_sub(there));
        self.allocation.to_add = match added == self.allocation.to_add {
            true => self.allocation.to_add.saturating_mul(2),
            false => 1,
        };
        self.allocation.coming += added;
        for _ in 0..added {
            self.after(allocation.provisioning_ms, Event::ExecutorComes);
        }
        let will_change = !self.tasks.is_empty() || !self.events.is_empty() || added > 0;
        if will_change {
            self.after(
                allocation.sustained_ms.max(1),
                Event::Allocates { generation },
            );
        }
    }

    fn watch_idle(&mut self, executor: u32) {
        let Executors::Dynamic(allocation) = &self.cluster.executors else {
            return;
        };
        let stays = allocation.keeps_shuffle && self.slots.has_shuffle(executor);
        if let (Some(idle_ms), false) = (allocation.idle_ms, stays) {
            let since_ms = self.now_ms;
            self.after(idle_ms, Event::ExecutorIdles { executor, since_ms });
        }
    }

    fn give_back(&mut self, executor: u32, since_ms: u64) {
        let Executors::Dynamic(allocation) = &self.cluster.executors else {
            return;
        };
        let is_needed = self.slots.alive() <= allocation.min;
        if !is_needed && self.slots.is_idle_since(executor, since_ms) {
            self.slots.remove(executor, self.now_ms);
        }
    }

    // Losses

    fn plan_loss(&mut self, is_first: bool) {
        let rate = self.cluster.losses.per_executor_hour;
        if rate <= 0.0 || rate.is_nan() || self.draws >= MAX_LOSSES {
            return;
        }
        self.draws += 1;
        let executors = match &self.cluster.executors {
            Executors::Fixed(arrivals) if is_first => arrivals.len() as f64,
            _ => f64::from(self.slots.alive().max(1)),
        };
        let wait_ms = 3_600_000.0 / (rate * executors.max(1.0));
        // In the middle of the first interval: on average that is when it happens.
        let wait_ms = if is_first { wait_ms / 2.0 } else { wait_ms };
        self.after(whole(wait_ms).max(1), Event::ExecutorIsLost);
    }

    /// Takes one executor away; its tasks run again, and what it wrote for stages that still run.
    fn lose_executor(&mut self) {
        let alive_before = self.slots.alive();
        if let Some(victim) = self.slots.victim(self.lost) {
            self.lost += 1;
            self.slots.remove(victim, self.now_ms);
            let (dead, running): (Vec<_>, Vec<_>) = std::mem::take(&mut self.tasks)
                .into_iter()
                .partition(|Reverse(task)| task.executor == victim);
            self.tasks = running.into();
            for Reverse(task) in dead {
                self.run_again(task.stage, &[task.ms]);
                if let Some(state) = self.stages.get_mut(task.stage as usize) {
                    state.running = state.running.saturating_sub(1);
                }
            }
            if self.cluster.losses.with_shuffle {
                self.lose_shuffle(alive_before);
            }
            self.after(self.cluster.losses.replacement_ms, Event::ExecutorComes);
        }
        self.plan_loss(false);
    }

    fn run_again(&mut self, stage: u32, tasks: &[u32]) {
        if let Some(state) = self.stages.get_mut(stage as usize) {
            state.again.extend(tasks);
            self.waiting += tasks.len() as u64;
            self.open.insert(stage);
        }
    }

    /// The lost executor's part of what the open stages read is made again, as work of theirs.
    fn lose_shuffle(&mut self, executors: u32) {
        for stage in self.open.clone() {
            let parents = self.workload.stages.get(stage as usize);
            let parents = parents.map_or(&[][..], |known| known.parents.as_slice());
            for parent in parents {
                let Some(known) = self.workload.stages.get(*parent as usize) else {
                    continue;
                };
                let step = (executors.max(1)) as usize;
                let lost: Vec<u32> = known.tasks.iter().step_by(step).copied().collect();
                self.run_again(stage, &lost);
            }
        }
    }
}

#[cfg(test)]
mod tests;
