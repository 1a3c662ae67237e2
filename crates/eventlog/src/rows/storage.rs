//! Table `rdd_storage`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// What is cached of one RDD. Sizes in bytes.
#[derive(Debug, Clone)]
pub struct RddStorageRow {
    pub rdd_id: i64,
    pub name: String,
    pub num_partitions: i64,
    pub num_cached_partitions: i64,
    /// Spark's words, such as `Memory Deserialized 1x Replicated`.
    pub storage_level: String,
    pub memory_used: i64,
    pub disk_used: i64,
}

impl RddStorageRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::RddStorage, |row| {
            row.bigint("rdd_id", self.rdd_id)
                .opt_string("rdd_name", Some(&self.name))
                .bigint("num_partitions", self.num_partitions)
                .bigint("num_cached_partitions", self.num_cached_partitions)
                .opt_string("storage_level", Some(&self.storage_level))
                .bigint("memory_used", self.memory_used)
                .bigint("disk_used", self.disk_used);
        })
    }
}
