//! Blocks of one persisted RDD: who holds them, and what tasks of later stages found.

use hashbrown::HashMap;

use crate::event::StorageLevel;
use crate::rows::RddBlocks;

/// Blocks of one RDD.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// By block the executors that hold it, and whether in memory. None hold one that was evicted, or that did
    /// not fit when a task computed it.
    holders: HashMap<String, HashMap<String, bool>>,
    num_held: i64,
    blocks: RddBlocks,
}

/// Where a task finds its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    InMemory,
    OnDisk,
    Nowhere,
}

impl Cache {
    /// A block has a new state on one executor.
    pub(super) fn update(
        &mut self,
        block_id: &str,
        executor_id: &str,
        level: StorageLevel,
        is_unpersisted: bool,
    ) {
        if level.is_valid() {
            let holders = self.holders.entry_ref(block_id).or_default();
            self.num_held += i64::from(holders.is_empty());
            let known = holders.insert(executor_id.to_owned(), level.use_memory);
            self.blocks.stored += i64::from(known.is_none());
            self.blocks.max_cached_partitions =
                self.blocks.max_cached_partitions.max(self.num_held);
        } else if let Some(holders) = self.holders.get_mut(block_id)
            && holders.remove(executor_id).is_some()
        {
            self.blocks.evicted += i64::from(!is_unpersisted);
            self.num_held -= i64::from(holders.is_empty());
        }
    }

    /// Blocks of an executor go with it.
    pub(super) fn lose_executor(&mut self, executor_id: &str) {
        for holders in self.holders.values_mut() {
            if holders.remove(executor_id).is_some() {
                self.blocks.evicted += 1;
                self.num_held -= i64::from(holders.is_empty());
            }
        }
    }

    /// The application gave the cache back.
    pub(super) fn clear(&mut self) {
        self.holders = HashMap::new();
        self.num_held = 0;
    }

    /// A task wants a block: where it is, unless no task has computed it yet.
    pub(super) fn find(&mut self, block_id: &str) -> Option<Found> {
        let Some(holders) = self.holders.get(block_id) else {
            self.holders.insert(block_id.to_owned(), HashMap::new());
            return None;
        };
        if holders.is_empty() {
            return Some(Found::Nowhere);
        }
        let in_memory = holders.values().any(|in_memory| *in_memory);
        Some(if in_memory {
            Found::InMemory
        } else {
            Found::OnDisk
        })
    }

    /// A task that found its block there ran `run_time` milliseconds.
    pub(super) fn count_read(&mut self, found: Found, run_time: i64) {
        let tasks = match found {
            Found::InMemory => &mut self.blocks.from_memory,
            Found::OnDisk => &mut self.blocks.from_disk,
            Found::Nowhere => &mut self.blocks.recomputed,
        };
        tasks.add(run_time);
    }

    pub(super) fn into_blocks(self) -> RddBlocks {
        self.blocks
    }
}
