//! From one log to rows.

pub mod error;
pub mod eventlog;
