//! Executors with their free slots.

use std::collections::VecDeque;

/// An executor.
#[derive(Debug, Clone, Copy)]
struct Executor {
    born_ms: u64,
    died_ms: Option<u64>,
    busy: u32,
    idle_since_ms: u64,
    has_shuffle: bool,
}

/// All executors of a schedule. A free slot is taken in turn, so that tasks spread over executors.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    per_executor: u32,
    executors: Vec<Executor>,
    free: VecDeque<u32>,
    alive: u32,
    most_alive: u32,
}

impl Slots {
    pub(super) fn new(per_executor: u32) -> Self {
        Self {
            per_executor,
            executors: Vec::new(),
            free: VecDeque::new(),
            alive: 0,
            most_alive: 0,
        }
    }

    /// Adds an executor and gives its number.
    pub(super) fn add(&mut self, now_ms: u64) -> u32 {
        let number = u32::try_from(self.executors.len()).unwrap_or(u32::MAX);
        self.executors.push(Executor {
            born_ms: now_ms,
            died_ms: None,
            busy: 0,
            idle_since_ms: now_ms,
            has_shuffle: false,
        });
        for _ in 0..self.per_executor {
            self.free.push_back(number);
        }
        self.alive += 1;
        self.most_alive = self.most_alive.max(self.alive);
        number
    }

    /// Takes a free slot; `None` when all are busy. `keeps_output`: the task writes shuffle files.
    pub(super) fn take(&mut self, keeps_output: bool) -> Option<u32> {
        while let Some(number) = self.free.pop_front() {
            let executor = self.executors.get_mut(number as usize);
            if let Some(executor) = executor.filter(|executor| executor.died_ms.is_none()) {
                executor.busy += 1;
                executor.has_shuffle |= keeps_output;
                return Some(number);
            }
        }
        None
    }

    /// Frees a slot. Whether the executor has nothing to do any more.
    pub(super) fn end_task(&mut self, number: u32, now_ms: u64) -> bool {
        let Some(executor) = self.executors.get_mut(number as usize) else {
            return false;
        };
        executor.busy = executor.busy.saturating_sub(1);
        self.free.push_back(number);
        if executor.busy == 0 {
            executor.idle_since_ms = now_ms;
        }
        executor.busy == 0
    }

    /// Takes an executor away.
    pub(super) fn remove(&mut self, number: u32, now_ms: u64) {
        let executor = self.executors.get_mut(number as usize);
        if let Some(executor) = executor.filter(|executor| executor.died_ms.is_none()) {
            executor.died_ms = Some(now_ms);
            self.alive = self.alive.saturating_sub(1);
        }
    }

    /// Whether an executor has been without a task since then.
    pub(super) fn is_idle_since(&self, number: u32, since_ms: u64) -> bool {
        self.executors.get(number as usize).is_some_and(|executor| {
            executor.died_ms.is_none() && executor.busy == 0 && executor.idle_since_ms == since_ms
        })
    }

    pub(super) fn has_shuffle(&self, number: u32) -> bool {
        let executor = self.executors.get(number as usize);
        executor.is_some_and(|executor| executor.has_shuffle)
    }

    /// One of the executors that live, another each time.
    pub(super) fn victim(&self, turn: u32) -> Option<u32> {
        let alive = self.executors.iter().enumerate();
        let mut alive = alive.filter(|(_, executor)| executor.died_ms.is_none());
        let place = turn.checked_rem(self.alive)?;
        let (number, _) = alive.nth(place as usize)?;
        u32::try_from(number).ok()
    }

    pub(super) fn alive(&self) -> u32 {
        self.alive
    }

    pub(super) fn most_alive(&self) -> u32 {
        self.most_alive
    }

    /// The lifetimes of all executors together, when the application ends then.
    pub(super) fn lived_ms(&self, end_ms: u64) -> u64 {
        let lives = self.executors.iter().map(|executor| {
            let died_ms = executor.died_ms.unwrap_or(end_ms);
            died_ms.saturating_sub(executor.born_ms)
        });
        lives.fold(0, u64::saturating_add)
    }
}
