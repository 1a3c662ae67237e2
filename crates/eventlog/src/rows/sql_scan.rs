//! Table `sql_scans`.

use crate::RowError;
use crate::plan::{Engine, Operation, TableAccess};

use super::{FactTable, RowWriter};

/// A node that reads or writes a table or path.
#[derive(Debug, Clone)]
pub struct SqlScanRow {
    pub sql_id: i64,
    pub node_id: i64,
    pub node_name: String,
    pub access: TableAccess,
    /// JSON.
    pub metadata: Option<String>,
    pub counts: ScanCounts,
}

/// How much was read or written. Sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanCounts {
    pub files_read: Option<i64>,
    pub bytes_read: Option<i64>,
    pub partitions_read: Option<i64>,
    pub files_pruned: Option<i64>,
    pub files_written: Option<i64>,
    pub bytes_written: Option<i64>,
    pub dynamic_partitions: Option<i64>,
    /// Read or written.
    pub rows: Option<i64>,
}

impl ScanCounts {
    /// Reads the node's metrics: `total` gives the first of several names that the node reports.
    pub fn read(operation: Operation, total: impl Fn(&[&str]) -> Option<i64>) -> Self {
        match operation {
            Operation::Read => Self {
                files_read: total(&[
                    "number of files read",
                    "number of files",
                    "files read",
                    "number of result data files",
                ]),
                bytes_read: total(&[
                    "size of files read",
                    "total file size (bytes)",
                    "total data file size (bytes)",
                    "number of raw input bytes",
                    "storage read bytes",
                ]),
                partitions_read: total(&["number of partitions read", "partitions read"]),
                files_pruned: total(&[
                    "number of files pruned",
                    "files pruned",
                    "number of skipped data files",
                ]),
                rows: total(&["number of output rows", "output rows"]),
                ..Self::default()
            },
            Operation::Write => Self {
                files_written: total(&["number of written files", "number of files written"]),
                bytes_written: total(&["written output", "bytes of written output"]),
                dynamic_partitions: total(&["number of dynamic part"]),
                rows: total(&["number of output rows", "number of written rows"]),
                ..Self::default()
            },
        }
    }
}

/// Whether filters on partitions take their values from another side of a join. The optimizer
/// leaves `dynamicpruningexpression(true)` where it found that not worth it.
fn prunes_dynamically(filters: &str) -> bool {
    let expressions = filters.matches("dynamicpruningexpression(").count();
    let given_up = filters.matches("dynamicpruningexpression(true)").count();
    expressions > given_up || (expressions == 0 && filters.contains("dynamicpruning#"))
}

impl SqlScanRow {
    /// Whether the node tells anything. `WriteFiles`, below the command that writes, mostly does not,
    /// nor does a CREATE TABLE AS SELECT whose query is an execution of its own.
    #[must_use]
    pub fn tells_anything(&self) -> bool {
        let TableAccess {
            table_name,
            location,
            ..
        } = &self.access;
        let may_be_silent =
            self.node_name.ends_with("WriteFiles") || self.node_name.contains("AsSelect");
        !may_be_silent
            || table_name.is_some()
            || location.is_some()
            || self.counts != ScanCounts::default()
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        let (access, counts) = (&self.access, &self.counts);
        let is_read = access.operation == Operation::Read;
        let has_dynamic_pruning = access
            .partition_filters
            .as_deref()
            .is_some_and(prunes_dynamically);
        writer.append(FactTable::SqlScans, |row| {
            row.bigint("sql_id", self.sql_id)
                .bigint("node_id", self.node_id)
                .string("operation", access.operation.as_str())
                .string("node_name", &self.node_name)
                .string("engine", Engine::of(&self.node_name).as_str())
                .opt_string("table_name", access.table_name.as_deref())
                .opt_string("format", access.format.as_deref())
                .opt_string("location", access.location.as_deref())
                .opt_bigint("num_locations", access.num_locations)
                .opt_bigint("num_columns", access.num_columns)
                .opt_string("partition_filters", access.partition_filters.as_deref())
                .opt_string("pushed_filters", access.pushed_filters.as_deref())
                .opt_string("data_filters", access.data_filters.as_deref())
                .boolean("has_dynamic_pruning", has_dynamic_pruning)
                .opt_bigint("files_read", counts.files_read)
                .opt_bigint("bytes_read", counts.bytes_read)
                .opt_bigint("rows_read", counts.rows.filter(|_| is_read))
                .opt_bigint("partitions_read", counts.partitions_read)
                .opt_bigint("files_pruned", counts.files_pruned)
                .opt_bigint("files_written", counts.files_written)
                .opt_bigint("bytes_written", counts.bytes_written)
                .opt_bigint("rows_written", counts.rows.filter(|_| !is_read))
                .opt_bigint("dynamic_partitions", counts.dynamic_partitions)
                .opt_string("write_mode", access.write_mode.as_deref())
                .opt_string("partition_columns", access.partition_columns.as_deref())
                .opt_string("metadata", self.metadata.as_deref());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_that_was_given_up_is_none() {
        assert!(prunes_dynamically(
            "[isnotnull(dt#3), dynamicpruningexpression(dt#3 IN dynamicpruning#9)]"
        ));
        assert!(prunes_dynamically("[dynamicpruning#9]"));
        assert!(!prunes_dynamically("[dynamicpruningexpression(true)]"));
        assert!(!prunes_dynamically("[isnotnull(dt#3)]"));
    }
}
