//! From one history to rows.

pub mod error;
pub mod eventlog;
pub mod history;
pub mod process_logs;
mod rest;

pub use error::ExtractError;
pub use sparklake_eventlog::{plan, rows};
