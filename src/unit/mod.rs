//! A unit of work that can travel: an order goes to a worker, a result comes back.
//!
//! An [`Order`] is plain data: references to logs with the root of their store and the *name* of the
//! credentials that open it (never a secret), the batch that the rows belong to, limits, and the
//! lake. A [`UnitResult`] is plain data too: the staged files with the Delta `Add` actions that make
//! them part of their tables, what became of each history, and counts. Both are JSON with a version.
//!
//! Whoever works through orders stands behind the port [`Workers`]: [`Threads`] of this process,
//! another process that calls [`execute`], or other machines that report through the lake's own store
//! ([`shards`]). A worker touches no Delta log, and the coordinator touches no row: it checks results
//! against their orders ([`collect`]) and commits them.
//!
//! Judging travels in the same way: an [`AnalysisOrder`] names applications and carries the user's
//! rules, an [`AnalysisResult`] has the staged files of what was derived. A [`GroupsOrder`] names groups
//! of applications that a table looks at together, such as the runs of a recurring job.
//!
//! Histories that a server tells have sessions and rate caps: they do not travel. They are units of
//! the coordinator's own process ([`Threads::run`]).

mod analysis;
mod cluster_rows;
mod collect;
mod credentials;
mod error;
mod execute;
mod extraction;
mod groups;
mod memory;
mod order;
mod record;
mod references;
mod result;
pub mod shards;
mod stores;
#[cfg(test)]
mod tests;
mod workers;
mod worst;

pub use analysis::{
    ANALYSIS_VERSION, AnalysisKind, AnalysisOrder, AnalysisProblem, AnalysisResult, judge,
};
pub use cluster_rows::ClusterFacts;
pub use collect::{Collected, StagedResult, UnitOrder, collect, collect_reported};
pub use credentials::{AwsAccess, Credentials};
pub use error::UnitError;
pub use execute::{AnyOrder, execute, execute_analysis, execute_groups};
pub use extraction::{Assignment, Unit};
pub use groups::{GROUPS_VERSION, GroupsKind, GroupsOrder, GroupsResult, judge_groups};
pub use memory::{LEAST_UNIT_MEMORY_BYTES, UnitShare, memory_for_units};
pub use order::{ExtractionLimits, LakeReference, ORDER_VERSION, Order};
pub(crate) use record::{identify_record, record, unreadable};
pub use references::{
    FileReference, HistoryReference, LogReference, OpenedStores, ProcessLogReference,
    StoreReference, can_travel,
};
pub use result::{OtherApplication, Outcome, RESULT_VERSION, UnitResult};
pub use stores::Stores;
pub use workers::{Listener, Silent, Threads, Workers};
pub use worst::WorstApplication;
