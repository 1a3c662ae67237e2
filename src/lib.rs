//! Sparklake turns the history of Apache Spark applications into a Delta lakehouse.
//!
//! The way of the data is five steps in one direction, a folder a step:
//! [`discover`] finds histories, [`extract`] turns a history into rows, [`load`] commits rows to
//! Delta tables, [`analyze`] judges them with SQL, and [`publish`] shows what was found.
//! [`ask`] answers SQL over a lake, for the analysis as for people.
//! [`simulate`] schedules measured tasks on other executors, for the analysis and for `whatif`.
//! [`unit`] is the piece of extraction that can travel: an order goes out, a result comes back; `cluster`
//! (a feature) has Ballista carry it.
//! [`model`] (the words that rooms share), [`schema`] (the table contracts), [`redact`] (no secret
//! reaches the lake or the log) and [`http`] (talking to servers) stand under all of them; [`pipeline`] wires them, [`config`] and [`cli`] stand above.
#![forbid(unsafe_code)]

pub mod analyze;
pub mod ask;
pub mod cli;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod config;
pub mod discover;
pub mod extract;
pub mod http;
pub mod load;
pub mod model;
pub mod pipeline;
pub mod publish;
pub mod redact;
pub mod simulate;
pub mod unit;

pub use sparklake_schema as schema;
