//! RDDs: lineage, and what became of caches.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use serde::Deserialize;

use crate::event::{BlockUpdatedInfo, RddInfo, StageInfo, StorageLevel, TaskEnd, TaskStart};
use crate::rows::RddRow;

use super::cache::{Cache, Found};
use super::storage::rdd_of;

/// Most RDDs that are remembered, not counting persisted ones. Iterative jobs make them without end.
const REMEMBERED: usize = 100_000;

/// All RDDs of an application.
#[derive(Debug, Default)]
pub(super) struct Rdds {
    known: BTreeMap<i64, Rdd>,
    /// Names, call sites and scopes repeat.
    texts: HashSet<Arc<str>>,
    told_by: Option<ToldBy>,
    /// Running tasks that read a cache: its RDD, and what they find of their partition.
    reading: HashMap<i64, (i64, Found)>,
}

/// What tells of blocks. Events are nearer to what happened, so tasks are not asked where there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToldBy {
    Events,
    Tasks,
}

#[derive(Debug, Default)]
struct Rdd {
    name: Arc<str>,
    call_site: Arc<str>,
    scope: Option<Arc<str>>,
    parent_ids: Box<[i64]>,
    num_partitions: i64,
    storage_level: Option<Arc<str>>,
    num_stages: i64,
    num_reads: i64,
    first_stage_id: i64,
    last_stage_id: i64,
    is_unpersisted: bool,
    /// Only of persisted RDDs.
    cache: Option<Box<Cache>>,
}

impl Rdds {
    /// A stage ended that did run.
    pub(super) fn on_stage_ran(&mut self, info: &StageInfo) {
        for rdd in &info.rdd_infos {
            self.on_ran(rdd, info.stage_id);
        }
    }

    fn on_ran(&mut self, info: &RddInfo, stage_id: i64) {
        let level = info.storage_level;
        let is_new = !self.known.contains_key(&info.rdd_id);
        if is_new && self.known.len() >= REMEMBERED && !level.is_valid() {
            return;
        }
        let name = self.shared(&info.name);
        let call_site = self.shared(&info.call_site);
        let scope = scope_name(info.scope.as_deref()).map(|name| self.shared(&name));
        let level = level.is_valid().then(|| self.shared(&level.description()));
        let rdd = self.known.entry(info.rdd_id).or_default();
        if rdd.num_stages == 0 {
            rdd.name = name;
            rdd.call_site = call_site;
            rdd.scope = scope;
            rdd.parent_ids = info.parent_ids.clone().into_boxed_slice();
            rdd.num_partitions = info.num_partitions;
            rdd.first_stage_id = stage_id;
        }
        rdd.num_stages += 1;
        rdd.num_reads += i64::from(stage_id != rdd.first_stage_id);
        rdd.last_stage_id = stage_id;
        if level.is_some() {
            rdd.storage_level = level;
            rdd.cache.get_or_insert_default();
        }
    }

    pub(super) fn on_unpersist(&mut self, rdd_id: i64) {
        if let Some(rdd) = self.known.get_mut(&rdd_id) {
            rdd.is_unpersisted = true;
            if let Some(cache) = &mut rdd.cache {
                cache.clear();
            }
        }
    }

    pub(super) fn on_block_updated(&mut self, updated: &BlockUpdatedInfo) {
        if rdd_of(&updated.block_id).is_some() {
            self.told_by = Some(ToldBy::Events);
        }
        let executor_id = &updated.block_manager.executor_id;
        self.update_block(&updated.block_id, executor_id, updated.storage_level);
    }

    fn update_block(&mut self, block_id: &str, executor_id: &str, level: StorageLevel) {
        let Some(rdd_id) = rdd_of(block_id) else {
            return;
        };
        // Blocks are stored before the stage that made them is done.
        let rdd = self.known.entry(rdd_id).or_default();
        let cache = rdd.cache.get_or_insert_default();
        cache.update(block_id, executor_id, level, rdd.is_unpersisted);
    }

    /// A task begins in a stage: what it needs may be cached.
    pub(super) fn on_task_start(&mut self, start: &TaskStart, stage: &StageInfo) {
        if self.told_by.is_none() {
            return;
        }
        let Some(rdd_id) = self.read_by(stage, start.info.partition_id >= 0) else {
            return;
        };
        let partition = match start.info.partition_id {
            -1 => start.info.index,
            known => known,
        };
        let Some(rdd) = self.known.get_mut(&rdd_id) else {
            return;
        };
        // A task that runs again in the stage that fills the cache misses nothing.
        let fills = rdd.num_stages == 0 || rdd.first_stage_id == stage.stage_id;
        if let Some(cache) = rdd.cache.as_mut()
            && let Some(found) = cache.find(&format!("rdd_{rdd_id}_{partition}"))
            && !fills
        {
            self.reading.insert(start.info.task_id, (rdd_id, found));
        }
    }

    /// The cached RDD that tasks of a stage read: the nearest, where partitions of the stage are its
    /// partitions.
    fn read_by(&self, stage: &StageInfo, knows_partition: bool) -> Option<i64> {
        let infos = || stage.rdd_infos.iter();
        let cached = infos().filter(|rdd| rdd.storage_level.is_valid());
        let nearest = cached.max_by_key(|rdd| rdd.rdd_id)?;
        let is_one_to_one = infos().all(|rdd| rdd.num_partitions == nearest.num_partitions)
            && (knows_partition || stage.num_tasks == nearest.num_partitions);
        let is_unpersisted = || {
            let rdd = self.known.get(&nearest.rdd_id);
            rdd.is_some_and(|rdd| rdd.is_unpersisted)
        };
        (is_one_to_one && !is_unpersisted()).then_some(nearest.rdd_id)
    }

    /// A task ended: what it found counts if it did its work, and it may tell of blocks.
    pub(super) fn on_task_end(&mut self, end: &TaskEnd) {
        if let Some((rdd_id, found)) = self.reading.remove(&end.info.task_id)
            && end.info.is_successful()
            && let Some(cache) = self
                .known
                .get_mut(&rdd_id)
                .and_then(|rdd| rdd.cache.as_mut())
        {
            cache.count_read(found, end.metrics.executor_run_time);
        }
        if self.told_by == Some(ToldBy::Events) {
            return;
        }
        for block in &end.metrics.updated_blocks {
            if rdd_of(&block.block_id).is_some() {
                self.told_by = Some(ToldBy::Tasks);
            }
            let level = block.status.storage_level;
            self.update_block(&block.block_id, &end.info.executor_id, level);
        }
    }

    /// Blocks of an executor go with it.
    pub(super) fn on_executor_removed(&mut self, executor_id: &str) {
        if self.told_by.is_none() {
            return;
        }
        for cache in self.known.values_mut().filter_map(|rdd| rdd.cache.as_mut()) {
            cache.lose_executor(executor_id);
        }
    }

    pub(super) fn finish(self) -> impl Iterator<Item = RddRow> {
        let knows_blocks = self.told_by.is_some();
        self.known
            .into_iter()
            .map(move |(rdd_id, rdd)| rdd.into_row(rdd_id, knows_blocks))
    }

    fn shared(&mut self, text: &str) -> Arc<str> {
        self.texts
            .get_or_insert_with(text, |text| text.into())
            .clone()
    }
}

impl Rdd {
    fn into_row(self, rdd_id: i64, knows_blocks: bool) -> RddRow {
        let ran = |stage_id: i64| (self.num_stages > 0).then_some(stage_id);
        RddRow {
            rdd_id,
            name: self.name.as_ref().to_owned(),
            call_site: self.call_site.as_ref().to_owned(),
            scope: self.scope.map(|scope| scope.as_ref().to_owned()),
            parent_ids: self.parent_ids.to_vec(),
            num_partitions: self.num_partitions,
            storage_level: self.storage_level.map(|level| level.as_ref().to_owned()),
            num_stages: self.num_stages,
            first_stage_id: ran(self.first_stage_id),
            last_stage_id: ran(self.last_stage_id),
            num_reads: self.num_reads,
            is_unpersisted: self.is_unpersisted,
            blocks: self
                .cache
                .filter(|_| knows_blocks)
                .map(|cache| cache.into_blocks()),
        }
    }
}

/// The name in `{"id":"3","name":"map","parent":{…}}`.
fn scope_name(scope: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    struct Scope {
        name: String,
    }
    let scope: Scope = serde_json::from_str(scope?).ok()?;
    Some(scope.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{RddBlocks, TaskTime};

    fn stage(stage_id: i64, rdds: &str) -> StageInfo {
        let json = format!(r#"{{"Stage ID":{stage_id},"RDD Info":[{rdds}]}}"#);
        serde_json::from_str(&json).unwrap()
    }

    const SOURCE: &str = r#"{"RDD ID":0,"Name":"ParallelCollectionRDD","Number of Partitions":2,
        "Scope":"{\"id\":\"0\",\"name\":\"parallelize\"}","Callsite":"parallelize at a.py:1"}"#;
    const CACHED: &str = r#"{"RDD ID":1,"Name":"PythonRDD","Parent IDs":[0],"Number of Partitions":2,
        "Storage Level":{"Use Memory":true,"Deserialized":true,"Replication":1}}"#;

    fn block(id: &str, executor: &str, is_stored: bool) -> BlockUpdatedInfo {
        let json = format!(
            r#"{{"Block Manager ID":{{"Executor ID":"{executor}"}},"Block ID":"{id}",
                "Storage Level":{{"Use Memory":{is_stored},"Replication":1}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn reads_are_stages_after_the_first() {
        let mut rdds = Rdds::default();
        let both = format!("{SOURCE},{CACHED}");
        rdds.on_stage_ran(&stage(3, &both));
        rdds.on_stage_ran(&stage(3, &both));
        rdds.on_stage_ran(&stage(5, &both));
        rdds.on_unpersist(1);
        let rows: Vec<RddRow> = rdds.finish().collect();
        let [source, cached] = rows.as_slice() else {
            panic!("two RDDs")
        };
        assert_eq!((source.num_stages, source.num_reads), (3, 1));
        assert_eq!(source.scope.as_deref(), Some("parallelize"));
        assert_eq!(source.call_site, "parallelize at a.py:1");
        assert_eq!(source.storage_level, None);
        assert_eq!(cached.parent_ids, [0]);
        assert_eq!(
            cached.storage_level.as_deref(),
            Some("Memory Deserialized 1x Replicated")
        );
        assert!(cached.is_unpersisted && !source.is_unpersisted);
        assert_eq!(cached.blocks, None, "block updates are not logged");
    }

    #[test]
    fn blocks_that_leave_a_live_cache_are_evicted() {
        let mut rdds = Rdds::default();
        // Stored before the stage is done; one block twice on one executor, one evicted, one lost.
        for (id, executor, is_stored) in [
            ("rdd_1_0", "1", true),
            ("rdd_1_0", "1", true),
            ("rdd_1_1", "2", true),
            ("rdd_1_0", "1", false),
            ("broadcast_1", "1", true),
        ] {
            rdds.on_block_updated(&block(id, executor, is_stored));
        }
        rdds.on_stage_ran(&stage(0, CACHED));
        rdds.on_executor_removed("2");
        rdds.on_unpersist(1);
        rdds.on_block_updated(&block("rdd_1_0", "1", false));
        let rows: Vec<RddRow> = rdds.finish().collect();
        let blocks = RddBlocks {
            max_cached_partitions: 2,
            stored: 2,
            evicted: 2,
            ..RddBlocks::default()
        };
        assert_eq!(rows[0].blocks, Some(blocks));
        assert_eq!(rows[0].name, "PythonRDD");
    }

    fn task_start(task_id: i64, partition: i64) -> TaskStart {
        let json = format!(
            r#"{{"Stage ID":2,"Task Info":{{"Task ID":{task_id},"Index":{partition},"Launch Time":1,"Executor ID":"1"}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    /// A task that ran `run_time` and left `block` at a level; a level of "none" drove it out.
    fn task_end(
        task_id: i64,
        run_time: i64,
        block: &str,
        use_memory: bool,
        use_disk: bool,
    ) -> TaskEnd {
        let json = format!(
            r#"{{"Stage ID":2,"Task End Reason":{{"Reason":"Success"}},"Task Info":{{"Task ID":{task_id},
                "Index":0,"Launch Time":1,"Finish Time":2,"Executor ID":"1"}},
                "Task Metrics":{{"Executor Run Time":{run_time},"Updated Blocks":[{{"Block ID":"{block}",
                "Status":{{"Storage Level":{{"Use Memory":{use_memory},"Use Disk":{use_disk},"Replication":1}}}}}}]}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn tasks_tell_what_they_stored_and_later_ones_where_they_find_it() {
        let mut rdds = Rdds::default();
        // The first stage stores one block in memory and one on disk.
        rdds.on_task_end(&task_end(0, 900, "rdd_1_0", true, false));
        rdds.on_task_end(&task_end(1, 900, "rdd_1_1", false, true));
        rdds.on_stage_ran(&stage(0, CACHED));
        let later: StageInfo = serde_json::from_str(&format!(
            r#"{{"Stage ID":2,"Number of Tasks":2,"RDD Info":[{CACHED}]}}"#
        ))
        .unwrap();
        for (task, partition) in [(2, 0), (3, 1)] {
            rdds.on_task_start(&task_start(task, partition), &later);
        }
        // What nobody has computed before is not missed, nor in the stage that fills the cache.
        let filling: StageInfo = serde_json::from_str(&format!(
            r#"{{"Stage ID":0,"Number of Tasks":2,"RDD Info":[{CACHED}]}}"#
        ))
        .unwrap();
        rdds.on_task_start(&task_start(8, 3), &filling);
        rdds.on_task_start(&task_start(8, 3), &filling);
        rdds.on_task_end(&task_end(8, 777, "broadcast_3", true, false));
        rdds.on_task_start(&task_start(9, 2), &later);
        rdds.on_task_end(&task_end(9, 333, "broadcast_3", true, false));
        // The first of them drives its own block out: the next that wants it computes it.
        rdds.on_task_end(&task_end(2, 10, "rdd_1_0", false, false));
        rdds.on_task_end(&task_end(3, 70, "broadcast_3", true, false));
        for partition in [0, 2] {
            rdds.on_task_start(&task_start(4, partition), &later);
            rdds.on_task_end(&task_end(4, 250, "broadcast_3", true, false));
        }
        let rows: Vec<RddRow> = rdds.finish().collect();
        let one = |run_time| TaskTime { tasks: 1, run_time };
        let blocks = RddBlocks {
            max_cached_partitions: 2,
            stored: 2,
            evicted: 1,
            from_memory: one(10),
            from_disk: one(70),
            recomputed: TaskTime {
                tasks: 2,
                run_time: 500,
            },
        };
        assert_eq!(rows[0].blocks, Some(blocks));
    }

    #[test]
    fn where_block_updates_are_logged_tasks_are_not_asked() {
        let mut rdds = Rdds::default();
        rdds.on_block_updated(&block("rdd_1_0", "1", true));
        rdds.on_block_updated(&block("rdd_1_0", "1", false));
        rdds.on_task_end(&task_end(0, 900, "rdd_1_0", true, false));
        rdds.on_stage_ran(&stage(0, CACHED));
        let rows: Vec<RddRow> = rdds.finish().collect();
        let blocks = rows[0].blocks.expect("blocks are known");
        assert_eq!((blocks.stored, blocks.evicted), (1, 1));
    }
}
