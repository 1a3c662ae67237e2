//! Executors, exclusions and the processes beside them.

mod executor;
mod lifetime;
mod totals;
mod unregistered;
mod written_ids;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use compact_str::{CompactString, ToCompactString};
use hashbrown::HashMap;

use crate::event::{
    ApplicationStart, BlockManagerAdded, BlockUpdatedInfo, ExecutorAdded, ExecutorMetrics,
    ExecutorRemoved, MiscellaneousProcessAdded, ResourceProfileAdded, TaskEnd,
};
use crate::limits;
use crate::rows::{ExecutorRow, ProcessRow, json_text};

use self::executor::{Executor, StoredBlock, finish_row};
use self::unregistered::Unregistered;
use self::written_ids::WrittenIds;
use super::shape::Shape;
use super::storage::rdd_of;

pub use self::lifetime::{DRIVER, LifeEnd, end_life};
pub use self::totals::{Concurrency, CostSum, ExecutorTime};

/// How many removed executors are kept, since late metrics may still raise their peaks and they may
/// come back. Applications that run for days have millions.
const REMOVED_KEPT: usize = 16_384;

/// A number without its fraction, as Spark cuts it off.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast keeps to the range of whole numbers"
)]
fn truncated(number: f64) -> i64 {
    number as i64
}

/// All executors of an application.
#[derive(Debug, Default)]
pub(super) struct Executors {
    live: HashMap<CompactString, Box<Executor>>,
    removed: HashMap<CompactString, Box<Executor>>,
    /// Ids in `removed`, the oldest first; one that came back stands here too.
    removals: VecDeque<CompactString>,
    /// Executors whose row is written.
    written: WrittenIds,
    unregistered: Unregistered,
    /// Live executors by host, without the driver.
    hosts: HashMap<CompactString, BTreeSet<CompactString>>,
    processes: BTreeMap<String, ProcessRow>,
    /// Cores of one task by resource profile. A task may take a part of one.
    task_cpus: BTreeMap<i64, Option<f64>>,
    default_task_cpus: i64,
    concurrency: Concurrency,
    cost: CostSum,
    /// Most cores of an executor that was added.
    any_cores: Option<i64>,
    /// What is stored, by executor, RDD (`None` for other blocks) and block.
    blocks: HashMap<CompactString, HashMap<Option<i64>, HashMap<String, StoredBlock>>>,
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

    /// How many executors ended before they had registered, and why the last one did.
    pub(super) fn unregistered(&mut self, end_time: Option<i64>) -> (i64, Option<String>) {
        std::mem::take(&mut self.unregistered).finish(end_time)
    }

    /// `spark.task.cpus` as of the newest environment.
    pub(super) fn set_default_task_cpus(&mut self, cpus: i64) {
        self.default_task_cpus = cpus;
    }

    pub(super) fn on_resource_profile(&mut self, profile: &ResourceProfileAdded) {
        let cpus = profile.task_resources.get("cpus");
        let cpus = cpus.map(|request| request.amount);
        self.task_cpus.insert(profile.id, cpus);
    }

    /// Whole cores of one task of a resource profile.
    pub(super) fn task_cpus(&self, profile_id: i64) -> i64 {
        let cpus = self.task_cpus.get(&profile_id).copied().flatten();
        cpus.map_or(self.default_task_cpus, truncated)
    }

    /// How many tasks of a resource profile `cores` can run side by side.
    fn max_tasks(&self, cores: i64, profile_id: i64) -> i64 {
        match self.task_cpus.get(&profile_id).copied().flatten() {
            #[expect(clippy::cast_precision_loss, reason = "cores are few")]
            Some(cpus) if cpus > 0.0 => truncated(cores as f64 / cpus),
            Some(_) => 0,
            None => cores.checked_div(self.default_task_cpus).unwrap_or(0),
        }
    }

    pub(super) fn on_application_start(&mut self, start: &ApplicationStart) {
        let Some(driver) = self.live.get_mut(DRIVER) else {
            return;
        };
        if let Some(logs) = &start.driver_logs {
            driver.row.executor_logs = json_text(logs);
        }
        if let Some(attributes) = &start.driver_attributes {
            driver.row.attributes = json_text(attributes);
        }
    }

    fn get_or_create(&mut self, executor_id: &str, add_time: i64) -> &mut Executor {
        self.live
            .entry_ref(executor_id)
            .or_insert_with(|| Box::new(Executor::new(executor_id, add_time)))
    }

    /// An executor was added; false where the log had said so.
    pub(super) fn on_added(&mut self, added: ExecutorAdded) -> bool {
        let time = limits::instant(added.timestamp).unwrap_or(0);
        let id = added.executor_id.as_str();
        if self.written.contains(id) && !self.live.contains_key(id) {
            return false;
        }
        let came_back = self
            .removed
            .get(id)
            .is_some_and(|gone| gone.row.remove_time.is_none_or(|went| time > went));
        if self.removed.contains_key(id) {
            if !came_back {
                return false;
            }
            self.revive(id, time);
        }
        let info = added.info;
        let cores = limits::count(info.total_cores);
        let max_tasks = self.max_tasks(cores, info.resource_profile_id);
        let executor = self.get_or_create(id, time);
        let is_new = executor.host.is_none();
        let repeats = !is_new && executor.added == Some(time);
        let known_cores = executor.row.total_cores;
        let old_host = executor.hostname().cloned();
        let host = CompactString::from(info.host);
        executor.added = Some(time);
        let row = &mut executor.row;
        row.is_active = true;
        row.num_registrations += i64::from(is_new || came_back);
        row.total_cores = cores;
        row.max_tasks = max_tasks;
        row.executor_logs = json_text(&info.log_urls);
        row.attributes = json_text(&info.attributes);
        row.resources = json_text(&info.resources);
        row.resource_profile_id = info.resource_profile_id;
        executor.host = Some(host.clone());
        if id == DRIVER {
            self.concurrency.driver_cores = cores;
        } else {
            self.any_cores = self.any_cores.max(Some(cores));
            self.move_host(id, old_host.as_ref(), &host);
            if !is_new && !came_back {
                self.concurrency.remove(known_cores);
                self.concurrency.executors_added -= 1;
            }
            self.concurrency.add(cores);
        }
        !repeats
    }

    /// A removed executor is back: its row goes on, with another life. Totals go on too; what ran and
    /// was stored in the old process, and what it was excluded from, is gone with it.
    fn revive(&mut self, executor_id: &str, time: i64) {
        if let Some(mut executor) = self.removed.remove(executor_id) {
            executor.came = time;
            executor.excluded_in_stages.clear();
            let row = &mut executor.row;
            row.remove_time = None;
            row.remove_reason = None;
            row.active_tasks = 0;
            row.is_excluded = false;
            (row.rdd_blocks, row.memory_used, row.disk_used) = (0, 0, 0);
            if let Some(memory) = &mut row.memory_metrics {
                (memory.used_on_heap, memory.used_off_heap) = (0, 0);
            }
            self.live.insert(executor.row.executor_id.clone(), executor);
        }
    }

    fn move_host(&mut self, executor_id: &str, old: Option<&CompactString>, new: &CompactString) {
        if let Some(old) = old.filter(|old| *old != new) {
            self.leave_host(executor_id, old);
        }
        let ids = self.hosts.entry_ref(new.as_str()).or_default();
        ids.insert(executor_id.to_compact_string());
    }

    fn leave_host(&mut self, executor_id: &str, host: &CompactString) {
        if let Some(ids) = self.hosts.get_mut(host) {
            ids.remove(executor_id);
            if ids.is_empty() {
                self.hosts.remove(host);
            }
        }
    }

    /// A block manager registered. One of an executor that was removed is a ghost: a dying executor
    /// answered a heartbeat. It brings no cores, and what is known of the executor stays.
    pub(super) fn on_block_manager_added(&mut self, added: BlockManagerAdded) {
        let id = added.id.executor_id.as_str();
        let is_known = self.live.contains_key(id);
        if !is_known && (self.removed.contains_key(id) || self.written.contains(id)) {
            return;
        }
        let executor = self.get_or_create(id, added.timestamp);
        let old_host = executor.hostname().cloned();
        executor.row.host_port = Some(format!("{}:{}", added.id.host, added.id.port).into());
        executor.block_manager_host = Some(CompactString::from(added.id.host));
        executor.row.is_active = true;
        executor.row.max_memory = limits::bytes(added.maximum_memory);
        if let Some(on_heap) = added.maximum_on_heap {
            let memory = executor.row.memory_metrics.get_or_insert_default();
            memory.total_on_heap = limits::bytes(on_heap);
            memory.total_off_heap = limits::bytes(added.maximum_off_heap.unwrap_or(0));
        }
        let host = executor.hostname().cloned();
        if id != DRIVER
            && let Some(host) = host
        {
            self.move_host(id, old_host.as_ref(), &host);
        }
    }

    /// An executor was removed; false where it had been.
    pub(super) fn on_removed(&mut self, removed: ExecutorRemoved) -> bool {
        let id = removed.executor_id.as_str();
        let Some(mut executor) = self.live.remove(id) else {
            let was_there = self.removed.contains_key(id) || self.written.contains(id);
            return !was_there && self.unregistered.add(removed);
        };
        self.blocks.remove(id);
        if let Some(host) = executor.hostname().cloned() {
            self.leave_host(id, &host);
        }
        if executor.host.is_some() && id != DRIVER {
            self.concurrency.remove(executor.row.total_cores);
        }
        let time = limits::instant(removed.timestamp);
        executor.end_life(time.unwrap_or(executor.came));
        executor.row.is_active = false;
        executor.row.remove_time = time;
        executor.row.remove_reason = Some(removed.reason.into());
        let id = executor.row.executor_id.clone();
        self.removals.push_back(id.clone());
        self.removed.insert(id, executor);
        true
    }

    /// The row of an executor that was removed so long ago that nothing will change it.
    pub(super) fn take_final(&mut self, settings: &Shape<'_>) -> Option<ExecutorRow> {
        while self.removals.len() > REMOVED_KEPT {
            let id = self.removals.pop_front()?;
            let Some(executor) = self.removed.remove(&id) else {
                continue;
            };
            self.written.insert(&id);
            let row = finish_row(*executor, None, settings);
            self.cost.add(&row);
            return Some(row);
        }
        None
    }

    pub(super) fn on_process_added(&mut self, added: MiscellaneousProcessAdded) {
        let process = ProcessRow {
            process_id: added.process_id.clone(),
            host_port: added.info.host_port,
            is_active: true,
            total_cores: limits::count(added.info.cores),
            add_time: limits::instant(added.time).unwrap_or(0),
            remove_time: None,
            process_logs: added.info.log_urls,
        };
        self.processes.insert(added.process_id, process);
    }

    /// One block's new state: what the executor holds changes by the difference.
    pub(super) fn on_block_updated(&mut self, updated: &BlockUpdatedInfo) {
        let executor_id = updated.block_manager.executor_id.as_str();
        let Some(executor) = self.live.get_mut(executor_id) else {
            return;
        };
        let rdd = rdd_of(&updated.block_id);
        let level = &updated.storage_level;
        let new = level.is_valid().then_some(StoredBlock {
            memory: updated.memory_size,
            disk: updated.disk_size,
            off_heap: level.use_off_heap,
        });
        let rdds = self.blocks.entry_ref(executor_id).or_default();
        let blocks = rdds.entry(rdd).or_default();
        let old = match new {
            Some(block) => blocks.insert(updated.block_id.clone(), block),
            None => blocks.remove(&updated.block_id),
        };
        if blocks.is_empty() {
            rdds.remove(&rdd);
        }
        executor.replace_block(updated.block_id.starts_with("rdd_"), old, new);
    }

    /// The blocks of an RDD are gone; no event reports each.
    pub(super) fn on_unpersist(&mut self, rdd_id: i64) {
        for (executor_id, rdds) in &mut self.blocks {
            let Some(blocks) = rdds.remove(&Some(rdd_id)) else {
                continue;
            };
            if let Some(executor) = self.live.get_mut(executor_id) {
                for block in blocks.into_values() {
                    executor.replace_block(true, Some(block), None);
                }
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
        // The second end of a task repeats the time of its first: servers before 4.3 count it twice.
        if !resubmitted {
            row.total_duration = row.total_duration.saturating_add(end.info.duration());
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
        known.map_or("{}", |executor| executor.row.logs_json())
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
    pub(super) fn on_host(&self, host: &str) -> Vec<CompactString> {
        let ids = self.hosts.get(host);
        ids.map(|ids| ids.iter().cloned().collect())
            .unwrap_or_default()
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
        self.any_cores
    }

    /// The cores that the driver registered with, as it does in local mode.
    pub(super) fn driver_cores(&self) -> Option<i64> {
        self.driver().map(|driver| driver.total_cores)
    }

    /// The driver, as far as it is known.
    pub(super) fn driver(&self) -> Option<&ExecutorRow> {
        let driver = self.live.get(DRIVER).or_else(|| self.removed.get(DRIVER));
        driver.map(|driver| &driver.row)
    }

    /// The processes that are no executors, in order of id.
    pub(super) fn take_processes(&mut self) -> Vec<ProcessRow> {
        std::mem::take(&mut self.processes).into_values().collect()
    }

    /// Ends all lifetimes at `end` (application end, else the last event), gives each row in order
    /// of id to `write`, and returns what all executors add up to.
    ///
    /// # Errors
    /// As `write`.
    pub(super) fn finish<E>(
        self,
        application: LifeEnd,
        settings: &Shape<'_>,
        mut write: impl FnMut(&ExecutorRow) -> Result<(), E>,
    ) -> Result<ExecutorTime, E> {
        let Self {
            live,
            removed,
            mut cost,
            ..
        } = self;
        let mut executors: Vec<Box<Executor>> = removed
            .into_values()
            .chain(live.into_values())
            .filter(|executor| executor.row.executor_id != "fallback")
            .collect();
        executors.sort_unstable_by(|a, b| a.row.executor_id.cmp(&b.row.executor_id));
        for executor in executors {
            let row = finish_row(*executor, Some(&application), settings);
            cost.add(&row);
            write(&row)?;
        }
        Ok(cost.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        executors
            .live
            .insert("1".into(), Box::new(Executor::new("1", 0)));
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
                concurrency.cores_max()
            ),
            (3, 2, 8)
        );
    }

    #[test]
    fn cores_are_the_drivers_only_without_executors() {
        let mut concurrency = Concurrency::beside_driver(6);
        assert_eq!(concurrency.cores_max(), 6);
        concurrency.add(4);
        concurrency.remove(4);
        assert_eq!(concurrency.cores_max(), 4);
    }
}
