//! A lake that can be asked in SQL. Everything that reads the lake in SQL goes through here: the
//! `sql` and `status` commands, the analysis, reports, the dashboard and the MCP tools.
//!
//! - [`AskLake`] makes every table of the contract and every view known by its name. A table is
//!   opened when a query names it, in its newest version; within one query each table stays at one
//!   version.
//! - Queries only read: no DDL, no DML, no `COPY`, no `SET`, no files.
//! - Queries are bounded in memory ([`AskOptions`]), time, rows and bytes ([`QueryLimits`]).
//! - Values go into a query as parameters (`$name`), never as text.
//! - What is wrong with a query is a typed [`AskError`] that says how to fix it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sparklake::ask::{AskLake, AskOptions, QueryLimits};
//! use sparklake::load::Lake;
//!
//! let lake = Lake::open("./lake", Default::default()).await?;
//! let ask = AskLake::new(&lake, AskOptions::default())?;
//! let answer = ask
//!     .query(
//!         "SELECT title FROM findings WHERE application_id = $application_id",
//!         &[("application_id", "app-1".into())],
//!         &QueryLimits { max_rows: Some(100), ..QueryLimits::default() },
//!     )
//!     .await?;
//! println!("{} rows, cut: {}", answer.num_rows(), answer.truncated);
//! # Ok(())
//! # }
//! ```

mod among;
mod answer;
mod cooperative;
mod dialect;
mod error;
mod lake;
mod memory;
mod session;
mod spill;
mod tables;
#[cfg(test)]
mod tests;
mod views;
mod watch;
mod wrong_query;

pub use among::{among_applications, among_days};
pub use answer::{Answer, AnswerStream, QueryLimits};
pub use error::AskError;
pub use lake::{AskLake, AskOptions};
pub use session::{
    SessionSettings, for_small_tables, for_whole_files, plan_read_only, same_engine, session,
};
pub use spill::remove_spill_folders;
pub use views::{Definition, LoadViews, View};
pub use wrong_query::{no_such_table, wrong_query};

/// Address space for the stack of a thread that plans queries, of which the machine gives what is touched. The
/// planner, the optimizer and Delta's file skipping go a call deeper for each operator of a chain and each value of a
/// list; the length of a query is bounded so that this suffices.
pub const THREAD_STACK_BYTES: usize = 64 << 20;
