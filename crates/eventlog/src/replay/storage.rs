//! What RDDs keep in storage.

use std::collections::BTreeMap;

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::event::{BlockUpdatedInfo, RddInfo};
use crate::rows::RddStorageRow;

/// One persisted RDD and its cached blocks: `(memory, disk)` in bytes by executor and block.
#[derive(Debug)]
struct Rdd {
    info: RddInfo,
    blocks: HashMap<CompactString, HashMap<String, (i64, i64)>>,
}

/// All persisted RDDs of an application.
#[derive(Debug, Default)]
pub(super) struct Storage {
    rdds: BTreeMap<i64, Rdd>,
}

impl Storage {
    pub(super) fn on_stage_submitted(&mut self, rdds: &[RddInfo]) {
        for info in rdds.iter().filter(|info| info.storage_level.is_valid()) {
            self.rdds.entry(info.rdd_id).or_insert_with(|| Rdd {
                info: info.clone(),
                blocks: HashMap::new(),
            });
        }
    }

    pub(super) fn on_unpersist(&mut self, rdd_id: i64) {
        self.rdds.remove(&rdd_id);
    }

    pub(super) fn on_block_updated(&mut self, updated: &BlockUpdatedInfo) {
        let Some(rdd) = rdd_of(&updated.block_id).and_then(|rdd_id| self.rdds.get_mut(&rdd_id))
        else {
            return;
        };
        let executor_id = updated.block_manager.executor_id.as_str();
        let blocks = rdd.blocks.entry_ref(executor_id).or_default();
        if updated.storage_level.is_valid() {
            let sizes = (updated.memory_size, updated.disk_size);
            blocks.insert(updated.block_id.clone(), sizes);
        } else {
            blocks.remove(&updated.block_id);
        }
    }

    /// Blocks of an executor go with it.
    pub(super) fn on_executor_removed(&mut self, executor_id: &str) {
        for rdd in self.rdds.values_mut() {
            rdd.blocks.remove(executor_id);
        }
    }

    pub(super) fn finish(self) -> Vec<RddStorageRow> {
        self.rdds.into_values().map(Rdd::into_row).collect()
    }
}

impl Rdd {
    fn into_row(self) -> RddStorageRow {
        let blocks = || self.blocks.values().flatten();
        let mut partitions: Vec<&str> = blocks().map(|(block, _)| block.as_str()).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let used = |size: fn(&(i64, i64)) -> i64| {
            blocks()
                .map(|(_, sizes)| size(sizes))
                .fold(0, i64::saturating_add)
        };
        RddStorageRow {
            rdd_id: self.info.rdd_id,
            num_cached_partitions: i64::try_from(partitions.len()).unwrap_or(i64::MAX),
            memory_used: used(|(memory, _)| *memory),
            disk_used: used(|(_, disk)| *disk),
            name: self.info.name,
            num_partitions: self.info.num_partitions,
            storage_level: self.info.storage_level.description(),
        }
    }
}

/// The RDD of a block called `rdd_<rdd>_<partition>`.
pub(super) fn rdd_of(block_id: &str) -> Option<i64> {
    block_id
        .strip_prefix("rdd_")?
        .split('_')
        .next()?
        .parse()
        .ok()
}
