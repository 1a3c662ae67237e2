//! What RDDs keep in storage.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::event::{BlockUpdatedInfo, RddInfo};
use crate::rows::RddStorageRow;

/// One persisted RDD and its cached blocks: `(memory, disk)` in bytes by partition and executor.
#[derive(Debug)]
struct Rdd {
    info: RddInfo,
    blocks: HashMap<(String, String), (i64, i64)>,
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
        let key = (
            updated.block_id.clone(),
            updated.block_manager.executor_id.clone(),
        );
        if updated.storage_level.is_valid() {
            rdd.blocks
                .insert(key, (updated.memory_size, updated.disk_size));
        } else {
            rdd.blocks.remove(&key);
        }
    }

    /// Blocks of an executor go with it.
    pub(super) fn on_executor_removed(&mut self, executor_id: &str) {
        for rdd in self.rdds.values_mut() {
            rdd.blocks.retain(|(_, holder), _| holder != executor_id);
        }
    }

    pub(super) fn finish(self) -> Vec<RddStorageRow> {
        self.rdds.into_values().map(Rdd::into_row).collect()
    }
}

impl Rdd {
    fn into_row(self) -> RddStorageRow {
        let mut partitions: Vec<&str> = self
            .blocks
            .keys()
            .map(|(block, _)| block.as_str())
            .collect();
        partitions.sort_unstable();
        partitions.dedup();
        let used = |size: fn(&(i64, i64)) -> i64| {
            self.blocks.values().map(size).fold(0, i64::saturating_add)
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
