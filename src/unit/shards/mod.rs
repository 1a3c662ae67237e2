//! Units that travel through the lake's own store: the way beyond one machine that needs no server.
//!
//! The protocol is: manifest in, reports out, one coordinator commits.
//!
//! 1. The coordinator (`sparklake run --engine shards`) begins batches, writes one order object for
//!    each unit, and last the [`Manifest`] that names them. From then on the run *waits*: it holds the
//!    lake against other runs, and no process of it lives.
//! 2. Workers (`sparklake worker --run R --shard i/n`, [`ShardWorker`]) read the manifest and the orders
//!    of their [`Shard`], stage files, and write one [`Report`] for each unit with put-if-absent. Of a
//!    unit that is done twice exactly one report wins; the files of the other are removed. A worker that
//!    is killed leaves units without a report, and whoever works through the shard again does those.
//! 3. The coordinator (`sparklake run --resume R`) takes what [`Reports`] gives, commits it, and
//!    says what is missing.
//!
//! An engine, such as Ballista, does step 2 where a [`UnitEngine`] is there: it hands positions of units to
//! its executors, and each of those calls [`ShardWorker::work_on`]. What is true stands in the reports,
//! whatever the engine says; it may lose a unit, or have it done twice.
//!
//! What is below `_sparklake/shards/` in the lake:
//!
//! ```text
//! <run>.json                                  the manifest; its presence makes the run a waiting one
//! <run>/<phase>/orders/<position>.json        one order for each unit
//! <run>/<phase>/reports/<position>.json       at most one report for each unit
//! ```
//!
//! Reports are read as hostile: each is checked against its order before its files are taken.

mod engine;
mod manifest;
mod objects;
mod report;
mod reports;
mod shard;
#[cfg(test)]
mod tests;
mod worker;

pub use engine::{EngineError, EngineJob, JobEnd, RunReference, UnitEngine};
pub use manifest::{MANIFEST_VERSION, Manifest, ManifestUnit, Phase};
pub use objects::{ShardObjects, ShardProgress};
pub use report::{REPORT_VERSION, Report};
pub use reports::{RefusedReport, Reports, UnitTime};
pub use shard::{InvalidShard, Shard};
pub use worker::{ShardSummary, ShardWorker, UnitEnd};
