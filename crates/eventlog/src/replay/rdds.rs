//! RDDs: lineage, and what became of caches.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use serde::Deserialize;

use crate::event::{BlockUpdatedInfo, RddInfo, StageInfo};
use crate::rows::{RddBlocks, RddRow};

use super::storage::rdd_of;

/// Most RDDs that are remembered, not counting persisted ones. Iterative jobs make them without end.
const REMEMBERED: usize = 100_000;

/// All RDDs of an application.
#[derive(Debug, Default)]
pub(super) struct Rdds {
    known: BTreeMap<i64, Rdd>,
    /// Names, call sites and scopes repeat.
    texts: HashSet<Arc<str>>,
    logs_blocks: bool,
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

/// Blocks of one RDD.
#[derive(Debug, Default)]
struct Cache {
    /// Executors that hold each block.
    holders: HashMap<String, HashSet<String>>,
    blocks: RddBlocks,
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
                cache.holders = HashMap::new();
            }
        }
    }

    pub(super) fn on_block_updated(&mut self, updated: &BlockUpdatedInfo) {
        let Some(rdd_id) = rdd_of(&updated.block_id) else {
            return;
        };
        self.logs_blocks = true;
        // Blocks are stored before the stage that made them is done.
        let rdd = self.known.entry(rdd_id).or_default();
        let is_unpersisted = rdd.is_unpersisted;
        let cache = rdd.cache.get_or_insert_default();
        let holder = &updated.block_manager.executor_id;
        if updated.storage_level.is_valid() {
            let holders = cache.holders.entry_ref(&updated.block_id).or_default();
            if holders.insert(holder.clone()) {
                cache.blocks.stored += 1;
            }
            let cached = i64::try_from(cache.holders.len()).unwrap_or(i64::MAX);
            cache.blocks.max_cached_partitions = cache.blocks.max_cached_partitions.max(cached);
        } else if let Some(holders) = cache.holders.get_mut(&updated.block_id)
            && holders.remove(holder)
        {
            cache.blocks.evicted += i64::from(!is_unpersisted);
            if holders.is_empty() {
                cache.holders.remove(&updated.block_id);
            }
        }
    }

    /// Blocks of an executor go with it.
    pub(super) fn on_executor_removed(&mut self, executor_id: &str) {
        if !self.logs_blocks {
            return;
        }
        for cache in self.known.values_mut().filter_map(|rdd| rdd.cache.as_mut()) {
            let mut lost = 0;
            cache.holders.retain(|_, holders| {
                lost += i64::from(holders.remove(executor_id));
                !holders.is_empty()
            });
            cache.blocks.evicted += lost;
        }
    }

    pub(super) fn finish(self) -> impl Iterator<Item = RddRow> {
        let logs_blocks = self.logs_blocks;
        self.known
            .into_iter()
            .map(move |(rdd_id, rdd)| rdd.into_row(rdd_id, logs_blocks))
    }

    fn shared(&mut self, text: &str) -> Arc<str> {
        self.texts
            .get_or_insert_with(text, |text| text.into())
            .clone()
    }
}

impl Rdd {
    fn into_row(self, rdd_id: i64, logs_blocks: bool) -> RddRow {
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
            blocks: self.cache.filter(|_| logs_blocks).map(|cache| cache.blocks),
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
        };
        assert_eq!(rows[0].blocks, Some(blocks));
        assert_eq!(rows[0].name, "PythonRDD");
    }
}
