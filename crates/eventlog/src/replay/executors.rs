//! Executors, exclusions and the processes beside them.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::event::{
    ApplicationStart, BlockManagerAdded, BlockUpdatedInfo, ExecutorAdded, ExecutorMetrics,
    ExecutorRemoved, MiscellaneousProcessAdded, ResourceProfileAdded, TaskEnd,
};
use crate::rows::{ExecutorRow, ProcessRow, json_map};

use super::stages::raise_peaks;

/// Spark's id of the driver among the executors.
pub const DRIVER: &str = "driver";

/// One executor that is alive, or was.
#[derive(Debug, Default)]
pub(super) struct Executor {
    row: ExecutorRow,
    host: Option<String>,
    /// `row.executor_logs` as JSON, which every task row repeats.
    logs_json: String,
    excluded_in_stages: BTreeSet<i64>,
    block_manager_host: Option<String>,
}

impl Executor {
    fn new(executor_id: &str, add_time: i64) -> Self {
        let row = ExecutorRow {
            executor_id: executor_id.to_owned(),
            add_time,
            is_active: true,
            ..ExecutorRow::default()
        };
        Self {
            row,
            logs_json: "{}".to_owned(),
            ..Self::default()
        }
    }

    fn hostname(&self) -> Option<&str> {
        self.host.as_deref().or(self.block_manager_host.as_deref())
    }

    fn raise_peaks(&mut self, metrics: &ExecutorMetrics) {
        raise_peaks(&mut self.row.peaks, metrics);
    }

    /// A block was stored, moved or dropped.
    fn replace_block(
        &mut self,
        block_id: &str,
        old: Option<StoredBlock>,
        new: Option<StoredBlock>,
    ) {
        for (block, sign) in [(old, -1), (new, 1)] {
            let Some(block) = block else { continue };
            let change = |used: &mut i64, bytes: i64| {
                *used = used.saturating_add(bytes.saturating_mul(sign)).max(0);
            };
            change(&mut self.row.memory_used, block.memory);
            change(&mut self.row.disk_used, block.disk);
            if let Some(memory) = &mut self.row.memory_metrics {
                let used = if block.off_heap {
                    &mut memory.used_off_heap
                } else {
                    &mut memory.used_on_heap
                };
                change(used, block.memory);
            }
            if block_id.starts_with("rdd_") {
                self.row.rdd_blocks += sign;
            }
        }
    }
}

/// Most executors and cores at one time, over the whole run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Concurrency {
    pub executors_added: i64,
    pub executors_max: i64,
    pub cores_max: i64,
    executors: i64,
    cores: i64,
}

impl Concurrency {
    /// An executor came.
    pub fn add(&mut self, cores: i64) {
        self.executors_added += 1;
        self.executors += 1;
        self.cores = self.cores.saturating_add(cores);
        self.executors_max = self.executors_max.max(self.executors);
        self.cores_max = self.cores_max.max(self.cores);
    }

    /// An executor went.
    pub fn remove(&mut self, cores: i64) {
        self.executors -= 1;
        self.cores = self.cores.saturating_sub(cores);
    }
}

/// What executors cost: lifetimes, and lifetimes times cores and memory.
#[derive(Debug, Default, Clone, Copy)]
pub struct ExecutorTime {
    pub core_ms: Option<i64>,
    pub byte_ms: Option<i64>,
}

/// All executors of an application.
#[derive(Debug, Default)]
pub(super) struct Executors {
    live: HashMap<String, Executor>,
    removed: HashMap<String, Executor>,
    processes: BTreeMap<String, ProcessRow>,
    task_cpus: BTreeMap<i64, Option<i64>>,
    default_task_cpus: i64,
    concurrency: Concurrency,
    /// What is stored, by executor and block.
    blocks: HashMap<(String, String), StoredBlock>,
}

/// Where a block lies, in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct StoredBlock {
    memory: i64,
    disk: i64,
    off_heap: bool,
}

impl Executors {
    pub(super) fn new() -> Self {
        Self {
            default_task_cpus: 1,
            ..Self::default()
        }
    }

    pub(super) fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    /// `spark.task.cpus` as of the newest environment.
    pub(super) fn set_default_task_cpus(&mut self, cpus: i64) {
        self.default_task_cpus = cpus;
    }

    pub(super) fn on_resource_profile(&mut self, profile: &ResourceProfileAdded) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Spark truncates the cpus amount too"
        )]
        let cpus = profile
            .task_resources
            .get("cpus")
            .map(|request| request.amount as i64);
        self.task_cpus.insert(profile.id, cpus);
    }

    pub(super) fn on_application_start(&mut self, start: &ApplicationStart) {
        let Some(driver) = self.live.get_mut(DRIVER) else {
            return;
        };
        if let Some(logs) = &start.driver_logs {
            driver.row.executor_logs.clone_from(logs);
            driver.logs_json = json_map(logs);
        }
        if let Some(attributes) = &start.driver_attributes {
            driver.row.attributes.clone_from(attributes);
        }
    }

    fn get_or_create(&mut self, executor_id: &str, add_time: i64) -> &mut Executor {
        self.live
            .entry_ref(executor_id)
            .or_insert_with(|| Executor::new(executor_id, add_time))
    }

    pub(super) fn on_added(&mut self, added: ExecutorAdded) {
        let info = added.info;
        let cpus = self
            .task_cpus
            .get(&info.resource_profile_id)
            .copied()
            .flatten()
            .unwrap_or(self.default_task_cpus);
        let executor = self.get_or_create(&added.executor_id, added.timestamp);
        let known_cores = executor.row.total_cores;
        let is_new = executor.host.is_none();
        executor.host = Some(info.host);
        executor.row.is_active = true;
        executor.row.total_cores = info.total_cores;
        executor.row.max_tasks = info.total_cores.checked_div(cpus).unwrap_or(0);
        executor.logs_json = json_map(&info.log_urls);
        executor.row.executor_logs = info.log_urls;
        executor.row.attributes = info.attributes;
        executor.row.resources = info.resources;
        executor.row.resource_profile_id = info.resource_profile_id;
        if added.executor_id != DRIVER {
            if !is_new {
                self.concurrency.remove(known_cores);
                self.concurrency.executors_added -= 1;
            }
            self.concurrency.add(info.total_cores);
        }
    }

    pub(super) fn on_block_manager_added(&mut self, added: BlockManagerAdded) {
        let executor = self.get_or_create(&added.id.executor_id, added.timestamp);
        executor.row.host_port = Some(format!("{}:{}", added.id.host, added.id.port));
        executor.block_manager_host = Some(added.id.host);
        executor.row.is_active = true;
        executor.row.max_memory = added.maximum_memory;
        if let Some(on_heap) = added.maximum_on_heap {
            let memory = executor.row.memory_metrics.get_or_insert_default();
            memory.total_on_heap = on_heap;
            memory.total_off_heap = added.maximum_off_heap.unwrap_or(0);
        }
    }

    pub(super) fn on_removed(&mut self, removed: ExecutorRemoved) {
        let Some(mut executor) = self.live.remove(&removed.executor_id) else {
            return;
        };
        if executor.host.is_some() && removed.executor_id != DRIVER {
            self.concurrency.remove(executor.row.total_cores);
        }
        executor.row.is_active = false;
        executor.row.remove_time = Some(removed.timestamp);
        executor.row.remove_reason = Some(removed.reason);
        self.removed.insert(removed.executor_id, executor);
    }

    pub(super) fn on_process_added(&mut self, added: MiscellaneousProcessAdded) {
        let process = ProcessRow {
            process_id: added.process_id.clone(),
            host_port: added.info.host_port,
            is_active: true,
            total_cores: added.info.cores,
            add_time: added.time,
            remove_time: None,
            process_logs: added.info.log_urls,
        };
        self.processes.insert(added.process_id, process);
    }

    /// One block's new state: what the executor holds changes by the difference.
    pub(super) fn on_block_updated(&mut self, updated: &BlockUpdatedInfo) {
        let key = (
            updated.block_manager.executor_id.clone(),
            updated.block_id.clone(),
        );
        let level = &updated.storage_level;
        let new = level.is_valid().then_some(StoredBlock {
            memory: updated.memory_size,
            disk: updated.disk_size,
            off_heap: level.use_off_heap,
        });
        let old = match new {
            Some(block) => self.blocks.insert(key, block),
            None => self.blocks.remove(&key),
        };
        if let Some(executor) = self.live.get_mut(&updated.block_manager.executor_id) {
            executor.replace_block(&updated.block_id, old, new);
        }
    }

    /// The blocks of an RDD are gone; no event tells of each.
    pub(super) fn on_unpersist(&mut self, rdd_id: i64) {
        let prefix = format!("rdd_{rdd_id}_");
        for ((executor_id, block_id), block) in self
            .blocks
            .extract_if(|(_, block_id), _| block_id.starts_with(&prefix))
        {
            if let Some(executor) = self.live.get_mut(&executor_id) {
                executor.replace_block(&block_id, Some(block), None);
            }
        }
    }

    pub(super) fn on_task_start(&mut self, executor_id: &str) {
        if let Some(executor) = self.live.get_mut(executor_id) {
            executor.row.active_tasks += 1;
            executor.row.total_tasks += 1;
        }
    }

    pub(super) fn on_task_end(&mut self, end: &TaskEnd) {
        let Some(executor) = self.live.get_mut(end.info.executor_id.as_str()) else {
            return;
        };
        let resubmitted = end.reason.is_resubmitted();
        let (completed, failed, _) = end.reason.deltas();
        let row = &mut executor.row;
        row.active_tasks -= i64::from(!resubmitted);
        row.completed_tasks += completed;
        row.failed_tasks += failed;
        row.total_duration = row.total_duration.saturating_add(end.info.duration());
        if !resubmitted {
            let metrics = &end.metrics;
            row.total_gc_time = row.total_gc_time.saturating_add(metrics.jvm_gc_time);
            row.total_input_bytes = row
                .total_input_bytes
                .saturating_add(metrics.input.bytes_read);
            row.total_shuffle_read = row
                .total_shuffle_read
                .saturating_add(metrics.shuffle_read.total_bytes_read());
            row.total_shuffle_write = row
                .total_shuffle_write
                .saturating_add(metrics.shuffle_write.bytes_written);
        }
        executor.raise_peaks(&end.executor_metrics);
    }

    /// Log URLs of an executor as JSON; `{}` where it is not known.
    pub(super) fn logs_json(&self, executor_id: &str) -> &str {
        let known = self
            .live
            .get(executor_id)
            .or_else(|| self.removed.get(executor_id));
        known.map_or("{}", |executor| &executor.logs_json)
    }

    pub(super) fn raise_peaks(&mut self, executor_id: &str, metrics: &ExecutorMetrics) {
        let known = match self.live.get_mut(executor_id) {
            Some(executor) => Some(executor),
            None => self.removed.get_mut(executor_id),
        };
        if let Some(executor) = known {
            executor.raise_peaks(metrics);
        }
    }

    pub(super) fn set_excluded(&mut self, executor_id: &str, excluded: bool) {
        if let Some(executor) = self.live.get_mut(executor_id) {
            executor.row.is_excluded = excluded;
        }
    }

    pub(super) fn set_node_excluded(&mut self, host: &str, excluded: bool) {
        for executor_id in self.on_host(host) {
            self.set_excluded(&executor_id, excluded);
        }
    }

    /// Ids of the live executors on `host`, never the driver.
    pub(super) fn on_host(&self, host: &str) -> Vec<String> {
        let mut ids: Vec<String> = self
            .live
            .values()
            .filter(|executor| {
                executor.row.executor_id != DRIVER && executor.hostname() == Some(host)
            })
            .map(|executor| executor.row.executor_id.clone())
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn exclude_in_stage(&mut self, executor_id: &str, stage_id: i64) {
        if let Some(executor) = self.live.get_mut(executor_id) {
            executor.excluded_in_stages.insert(stage_id);
        }
    }

    pub(super) fn include_in_stage(&mut self, executor_id: &str, stage_id: i64) {
        if let Some(executor) = self.live.get_mut(executor_id) {
            executor.excluded_in_stages.remove(&stage_id);
        }
    }

    /// The cores of any executor that was added, for applications that do not configure them.
    pub(super) fn any_cores(&self) -> Option<i64> {
        self.live
            .values()
            .chain(self.removed.values())
            .filter(|executor| executor.row.executor_id != DRIVER && executor.host.is_some())
            .map(|executor| executor.row.total_cores)
            .max()
    }

    /// Ends all lifetimes at `end` (application end, else the last event) and gives the rows in
    /// order of id, and what they add up to.
    pub(super) fn finish(
        self,
        application: LifeEnd,
        executor_memory_bytes: Option<i64>,
    ) -> (Vec<ExecutorRow>, Vec<ProcessRow>, ExecutorTime) {
        let Self {
            live,
            mut removed,
            processes,
            ..
        } = self;
        // An executor that came back after its removal replaces its former self.
        removed.extend(live);
        let mut rows: Vec<ExecutorRow> = removed
            .into_values()
            .filter(|executor| executor.row.executor_id != "fallback")
            .map(|executor| finish_row(executor, &application))
            .collect();
        rows.sort_unstable_by(|a, b| a.executor_id.cmp(&b.executor_id));
        let time = executor_time(&rows, executor_memory_bytes);
        (rows, processes.into_values().collect(), time)
    }
}

/// When lifetimes end that no removal ended. Epoch milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct LifeEnd {
    pub start_time: i64,
    pub end_time: Option<i64>,
    pub last_event: i64,
}

fn finish_row(executor: Executor, application: &LifeEnd) -> ExecutorRow {
    let Executor {
        mut row,
        host,
        excluded_in_stages,
        ..
    } = executor;
    row.excluded_in_stages = excluded_in_stages.into_iter().collect();
    if row.host_port.is_none() {
        row.host_port = host;
    }
    end_life(&mut row, application);
    row
}

/// Ends an executor's lifetime, with its application where nothing ended it before.
pub fn end_life(row: &mut ExecutorRow, application: &LifeEnd) {
    let end = application.end_time.unwrap_or(application.last_event);
    row.lifetime_ms = Some(
        row.remove_time
            .unwrap_or(end)
            .saturating_sub(row.add_time)
            .max(0),
    );
    row.loss_kind = match &row.remove_reason {
        Some(reason) => Some(loss_kind(reason)),
        None => application.end_time.map(|_| "app_end"),
    };
    if row.executor_id == DRIVER {
        row.total_duration = end.saturating_sub(application.start_time);
        if let Some(peaks) = &row.peaks {
            row.total_gc_time = peaks.total_gc_time();
        }
    }
}

/// What executors whose lifetimes have ended cost together.
pub fn executor_time(rows: &[ExecutorRow], executor_memory_bytes: Option<i64>) -> ExecutorTime {
    let only_driver = rows.iter().all(|row| row.executor_id == DRIVER);
    let mut core_ms: Option<i64> = None;
    let mut lifetime_ms: i64 = 0;
    for row in rows
        .iter()
        .filter(|row| only_driver || row.executor_id != DRIVER)
    {
        let lifetime = row.lifetime_ms.unwrap_or(0);
        lifetime_ms = lifetime_ms.saturating_add(lifetime);
        if row.total_cores > 0 {
            let core_time = lifetime.saturating_mul(row.total_cores);
            core_ms = Some(core_ms.unwrap_or(0).saturating_add(core_time));
        }
    }
    let byte_ms = executor_memory_bytes
        .filter(|_| !only_driver)
        .map(|bytes| lifetime_ms.saturating_mul(bytes));
    ExecutorTime { core_ms, byte_ms }
}

/// Why an executor went, by what Spark and the cluster managers write.
fn loss_kind(reason: &str) -> &'static str {
    let reason = reason.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&[
        "spot",
        "preempt",
        "node termination",
        "instance termination",
    ]) {
        "spot"
    } else if says(&["idle", "killed by driver"]) {
        "idle"
    } else if says(&["decommission"]) {
        "decommissioned"
    } else if says(&[
        "oom",
        "out of memory",
        "outofmemory",
        "memory limits",
        "exit code 137",
        "exit status: 137",
        "exit code: 52",
        "exit status: 52",
        "code 52",
    ]) {
        "oom"
    } else if says(&["killed", "exit code 143", "exit status: 143"]) {
        "killed"
    } else {
        "lost"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_kinds_follow_the_cluster_managers_words() {
        assert_eq!(loss_kind("Executor killed by driver."), "idle");
        assert_eq!(
            loss_kind("Container killed by YARN for exceeding memory limits. 5.6 GB of 5.5 GB"),
            "oom"
        );
        assert_eq!(
            loss_kind("Container marked as failed on a spot node"),
            "spot"
        );
        assert_eq!(
            loss_kind("Container from a bad node. Exit status: 143"),
            "killed"
        );
        assert_eq!(loss_kind("worker lost"), "lost");
        assert_eq!(
            loss_kind("Executor decommission finished"),
            "decommissioned"
        );
    }

    #[test]
    fn an_unpersisted_rdd_gives_its_blocks_back() {
        let block = |block_id: &str| {
            serde_json::from_value::<BlockUpdatedInfo>(serde_json::json!({
                "Block Manager ID": {"Executor ID": "1", "Host": "h", "Port": 1},
                "Block ID": block_id,
                "Storage Level": {"Use Disk": true, "Use Memory": true, "Replication": 1},
                "Memory Size": 100,
                "Disk Size": 10
            }))
            .expect("an update")
        };
        let mut executors = Executors::new();
        executors.live.insert("1".to_owned(), Executor::new("1", 0));
        for block_id in ["rdd_4_0", "rdd_4_1", "rdd_41_0", "broadcast_4_piece0"] {
            executors.on_block_updated(&block(block_id));
        }
        executors.on_unpersist(4);
        let row = &executors.live["1"].row;
        assert_eq!(
            (row.rdd_blocks, row.memory_used, row.disk_used),
            (1, 200, 20)
        );
    }

    #[test]
    fn concurrency_is_the_most_at_one_time() {
        let mut concurrency = Concurrency::default();
        concurrency.add(4);
        concurrency.add(4);
        concurrency.remove(4);
        concurrency.add(4);
        assert_eq!(
            (
                concurrency.executors_added,
                concurrency.executors_max,
                concurrency.cores_max
            ),
            (3, 2, 8)
        );
    }
}
