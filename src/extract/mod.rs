//! From one history to rows.

pub mod error;
pub mod eventlog;
pub mod history;
pub mod process_logs;
mod rest;
pub mod rows;

pub use error::ExtractError;
