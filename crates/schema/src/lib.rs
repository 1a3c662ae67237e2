//! The table contracts: every table of the lake is declared once, in `schemas/<table>.toml`.
//!
//! Arrow schemas, Delta fields with comments, the row builder's checks and the data dictionary are
//! all derived from that one declaration, so that none of them can drift from the others.
//! Everything else in the crate stands on this module; it depends on nothing but libraries.
//!
//! # How columns are named
//!
//! Columns that come from Spark bear the name of the History Server's REST field in snake_case
//! ([`naming::snake_case`]), in Spark's units; columns of our own carry their unit as suffix.
//! Acronyms are one word each, also side by side: `ProcessTreeJVMRSSMemory` is
//! `process_tree_jvm_rss_memory`; any other lone capital is a word of its own:
//! `ProcessTreeJVMVMemory` is `process_tree_jvm_v_memory`.
//!
//! Five names are not what the mechanical rule gives:
//! - `applications.duration_ms` and `sql.duration_ms` are REST's `duration`, under the name that
//!   the original notebooks gave them; there is no second `duration` column beside them.
//! - `stages` and `tasks` have both the task metric `peakOnHeapExecutionMemory` and the executor
//!   metric `OnHeapExecutionMemory`, which the rule gives one name. The executor metric keeps
//!   `peak_on_heap_execution_memory`, as in every other table; the task metric is
//!   `peak_execution_memory_on_heap`, beside `peak_execution_memory`, of which it is a part. The
//!   same for off-heap.
//! - `streaming_progress.streaming_batch_id` is Spark's `batchId`, because `batch_id` is the load
//!   batch in every table.

mod arrow;
pub mod builder;
mod column;
mod contract;
pub mod dictionary;
pub mod naming;
mod problem;
mod registry;
#[cfg(test)]
mod tests;

pub use arrow::COMMENT_KEY;
pub use builder::{BuilderError, RowBuilder, TableBuilder};
pub use column::{Column, ColumnType};
pub use contract::{Table, TableKind};
pub use problem::{ContractError, Problem};
pub use registry::{table, tables};
