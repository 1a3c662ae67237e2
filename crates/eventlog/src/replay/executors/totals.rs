//! What executors add up to: the most at one time, and what they cost.

use super::lifetime::DRIVER;
use crate::rows::ExecutorRow;

/// Most executors and cores at one time, over the whole run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Concurrency {
    pub executors_added: i64,
    pub executors_max: i64,
    /// Cores of the driver, which runs the tasks of an application without executors.
    pub driver_cores: i64,
    executors_cores_max: i64,
    executors: i64,
    cores: i64,
}

impl Concurrency {
    /// Of an application whose driver has so many cores.
    pub fn beside_driver(driver_cores: i64) -> Self {
        Self {
            driver_cores,
            ..Self::default()
        }
    }

    /// An executor came.
    pub fn add(&mut self, cores: i64) {
        self.executors_added += 1;
        self.executors += 1;
        self.cores = self.cores.saturating_add(cores);
        self.executors_max = self.executors_max.max(self.executors);
        self.executors_cores_max = self.executors_cores_max.max(self.cores);
    }

    /// Most cores at one time: the driver's where no executor ever came, as in local mode.
    pub fn cores_max(&self) -> i64 {
        if self.executors_added > 0 {
            self.executors_cores_max
        } else {
            self.driver_cores
        }
    }

    /// An executor went.
    pub fn remove(&mut self, cores: i64) {
        self.executors -= 1;
        self.cores = self.cores.saturating_sub(cores);
    }
}

/// What executors cost: lifetimes times cores, heap and container memory.
#[derive(Debug, Default, Clone, Copy)]
pub struct ExecutorTime {
    pub core_ms: Option<i64>,
    pub heap_byte_ms: Option<i64>,
    pub container_byte_ms: Option<i64>,
}

/// Adds up what executors cost. The driver counts only where it is the only one.
#[derive(Debug, Default, Clone, Copy)]
pub struct CostSum {
    workers: ExecutorTime,
    driver: ExecutorTime,
    has_workers: bool,
}

impl CostSum {
    /// Adds an executor whose lifetime has ended.
    pub fn add(&mut self, row: &ExecutorRow) {
        let is_driver = row.executor_id == DRIVER;
        self.has_workers |= !is_driver;
        let time = if is_driver {
            &mut self.driver
        } else {
            &mut self.workers
        };
        let add = |sum: &mut Option<i64>, value: Option<i64>| {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0).saturating_add(value));
            }
        };
        add(&mut time.core_ms, row.core_time_ms);
        add(&mut time.heap_byte_ms, row.heap_time_byte_ms());
        add(&mut time.container_byte_ms, row.container_time_byte_ms());
    }

    /// What all of them cost.
    pub fn total(&self) -> ExecutorTime {
        if self.has_workers {
            self.workers
        } else {
            self.driver
        }
    }
}
