//! From one history to rows.

pub mod error;
pub mod eventlog;
pub mod extraction;
pub mod history;
mod loss;
pub mod process_logs;
mod rest;

pub use error::ExtractError;
pub use loss::LossKind;
pub use sparklake_eventlog::{plan, rows};

/// Version of the extraction, kept in the ledger with every history: to be raised when the same
/// history gives other rows, so that `run --reload stale` reads again what an older version read.
/// Rows of the ledger without a version count as 0.
pub const EXTRACTOR_VERSION: u32 = 2;
