//! From one history to rows.

pub mod error;
pub mod eventlog;
pub mod history;
mod rest;
pub mod rows;

pub use error::ExtractError;
