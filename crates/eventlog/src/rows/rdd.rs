//! Table `rdds`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// One RDD: where it comes from, and what became of its cache.
#[derive(Debug, Clone)]
pub struct RddRow {
    pub rdd_id: i64,
    pub name: String,
    pub call_site: String,
    /// The operation that made it, such as the operator of a query.
    pub scope: Option<String>,
    pub parent_ids: Vec<i64>,
    pub num_partitions: i64,
    /// None where it is not persisted.
    pub storage_level: Option<String>,
    /// Stage attempts that completed with it in their pipeline.
    pub num_stages: i64,
    pub first_stage_id: Option<i64>,
    pub last_stage_id: Option<i64>,
    /// Its partitions were asked for again after they had been computed.
    pub num_reads: i64,
    pub is_unpersisted: bool,
    /// None where neither block updates nor tasks tell of blocks.
    pub blocks: Option<RddBlocks>,
}

/// What block updates say about an RDD's cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RddBlocks {
    /// Most partitions cached at the same time.
    pub max_cached_partitions: i64,
    /// Blocks stored, each time.
    pub stored: i64,
    /// Blocks that left while the RDD was persisted.
    pub evicted: i64,
    /// Tasks of later stages by where they found their block.
    pub from_memory: TaskTime,
    pub from_disk: TaskTime,
    pub recomputed: TaskTime,
}

/// Tasks, and the time that they ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskTime {
    pub tasks: i64,
    /// Milliseconds.
    pub run_time: i64,
}

impl TaskTime {
    /// One more task, which ran `run_time` milliseconds.
    pub fn add(&mut self, run_time: i64) {
        self.tasks += 1;
        self.run_time = self.run_time.saturating_add(run_time);
    }
}

impl RddRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let of_blocks = |value: fn(&RddBlocks) -> i64| self.blocks.as_ref().map(value);
        writer.append(FactTable::Rdds, |row| {
            row.bigint("rdd_id", self.rdd_id)
                .opt_string("rdd_name", Some(&self.name))
                .opt_string("call_site", Some(&self.call_site))
                .opt_string("scope", self.scope.as_deref())
                .bigint_array("parent_ids", &self.parent_ids)
                .bigint("num_partitions", self.num_partitions)
                .boolean("is_persisted", self.storage_level.is_some())
                .opt_string("storage_level", self.storage_level.as_deref())
                .bigint("num_stages", self.num_stages)
                .opt_bigint("first_stage_id", self.first_stage_id)
                .opt_bigint("last_stage_id", self.last_stage_id)
                .bigint("num_reads", self.num_reads)
                .boolean("is_unpersisted", self.is_unpersisted)
                .opt_bigint(
                    "max_cached_partitions",
                    of_blocks(|b| b.max_cached_partitions),
                )
                .opt_bigint("blocks_stored", of_blocks(|b| b.stored))
                .opt_bigint("blocks_evicted", of_blocks(|b| b.evicted))
                .opt_bigint("tasks_from_memory", of_blocks(|b| b.from_memory.tasks))
                .opt_bigint("time_from_memory", of_blocks(|b| b.from_memory.run_time))
                .opt_bigint("tasks_from_disk", of_blocks(|b| b.from_disk.tasks))
                .opt_bigint("time_from_disk", of_blocks(|b| b.from_disk.run_time))
                .opt_bigint("tasks_recomputed", of_blocks(|b| b.recomputed.tasks))
                .opt_bigint("time_recomputed", of_blocks(|b| b.recomputed.run_time));
        })
    }
}
