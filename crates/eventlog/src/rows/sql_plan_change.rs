//! Table `sql_plan_changes`.

use crate::RowError;

use super::{FactTable, RowWriter};

/// What adaptive query execution changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanChange {
    PartitionsCoalesced,
    SkewedPartitionsSplit,
    LocalShuffleRead,
    SkewJoin,
    JoinStrategy,
    EmptyRelation,
}

impl PlanChange {
    /// The change's name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PartitionsCoalesced => "partitions_coalesced",
            Self::SkewedPartitionsSplit => "skewed_partitions_split",
            Self::LocalShuffleRead => "local_shuffle_read",
            Self::SkewJoin => "skew_join",
            Self::JoinStrategy => "join_strategy",
            Self::EmptyRelation => "empty_relation",
        }
    }
}

/// One change between the first and the last plan.
#[derive(Debug, Clone)]
pub struct SqlPlanChangeRow {
    pub sql_id: i64,
    pub change_id: i64,
    pub change: PlanChange,
    pub node_id: i64,
    pub description: String,
    pub operator_before: Option<String>,
    pub operator_after: Option<String>,
    pub partitions_before: Option<i64>,
    pub partitions_after: Option<i64>,
    pub skewed_partitions: Option<i64>,
    pub skewed_splits: Option<i64>,
}

impl SqlPlanChangeRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::SqlPlanChanges, |row| {
            row.bigint("sql_id", self.sql_id)
                .bigint("change_id", self.change_id)
                .string("change", self.change.as_str())
                .bigint("node_id", self.node_id)
                .opt_string("description", Some(&self.description))
                .opt_string("operator_before", self.operator_before.as_deref())
                .opt_string("operator_after", self.operator_after.as_deref())
                .opt_bigint("partitions_before", self.partitions_before)
                .opt_bigint("partitions_after", self.partitions_after)
                .opt_bigint("skewed_partitions", self.skewed_partitions)
                .opt_bigint("skewed_splits", self.skewed_splits);
        })
    }
}
