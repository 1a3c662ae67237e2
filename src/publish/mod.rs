//! Shows people and programs what is in a lake: two runs side by side, an application against a
//! budget, a trace for a viewer. All facts come from SQL over the lake (`sql/runs`, `sql/compare`,
//! `sql/check`, `sql/trace`); what is here puts them into sentences, tables and files.

pub mod check;
pub mod compare;
mod document;
mod error;
pub mod export;
mod facts;
mod runs;

pub use error::PublishError;
pub use facts::Facts;
pub use runs::{Run, find_run, last_runs};
