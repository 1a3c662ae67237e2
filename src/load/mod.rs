//! Loading: rows become Delta tables, exactly once.
//!
//! A lake has many tables and Delta commits one table at a time, so a run that is killed between
//! two tables must be completed by the next run, not begun again. It works like this:
//!
//! 1. A run takes the lake's lock ([`lock`]). What an earlier run left behind is completed or
//!    removed first ([`recover`]).
//! 2. A [`Batch`] begins and is noted as open. Workers stage Parquet files ([`writer`]) whose names
//!    carry the batch's id. No reader sees these files yet: no table refers to them.
//! 3. The coordinator decides on the commit and writes the decision down, the *intent*: every file
//!    to be added and removed, table by table, under a number larger than any before ([`commit`]).
//!    Writing the intent is one atomic step. Killed before it, nothing has happened and the staged
//!    files are removed; killed after it, the commit will be completed.
//! 4. Each table gets one Delta commit that carries the number as a Delta transaction (`txn`). A
//!    table whose log has the number already is passed over, so carrying an intent out twice is the
//!    same as once. The ledger ([`ledger`]) comes last: a history that it calls loaded is loaded.
//! 5. The batch is closed, then the intent is removed. In the other order a kill between the two
//!    would have the next run take committed files for leftovers.
//!
//! An application that is loaded again, because its log grew, takes the place of its earlier rows
//! in the very commit that adds the new ones ([`Replace`]).
//!
//! Workers only ever see a [`Staging`] area and return a [`StagedUnit`], which is plain data. They
//! know nothing of Delta logs, and the coordinator touches no rows.

mod batch;
mod cluster_ledger;
pub mod commit;
mod compact_ledger;
mod delta_fields;
mod derived;
mod encoder;
pub mod error;
mod failpoint;
mod holder;
mod intent;
pub mod lake;
mod lease;
pub mod ledger;
pub mod lock;
pub mod maintain;
mod parquet_settings;
mod probe;
pub mod recover;
mod repair;
mod replace;
mod rows;
mod run_notes;
mod source_record;
pub mod staging;
mod stats;
mod store_check;
mod table_records;
mod table_state;
#[cfg(test)]
mod tests;
mod unsafe_store;
mod upload;
mod waiting;
mod withdraw;
pub mod writer;

pub use cluster_ledger::{ClusterEntry, ClusterLedger, ClusterRecord, ClusterStatus};
pub use commit::{CommitReport, TableCommit};
pub use derived::{DerivedBatch, TableRows};
pub use error::{Holder, LoadError, TableDamage};
pub use intent::{PendingAnalysis, Replace, RowSelection};
pub use lake::Lake;
pub use ledger::{Ledger, LedgerEntry};
pub use lock::LakeLock;
pub(crate) use lock::host_name;
pub use maintain::{MaintainOptions, TableMaintenance};
pub use probe::Probe;
pub use recover::Recovery;
pub use repair::{Repair, TableRepair};
pub use source_record::{SourceRecord, SourceStatus};
pub use staging::{Batch, StagedAdd, StagedUnit, Staging, WriterSettings};
pub use store_check::StoreSafety;
pub use writer::{HistoryRows, UnitWriter};
