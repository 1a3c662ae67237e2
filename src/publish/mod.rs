//! Shows people and programs what is in a lake: a report of an application, a job or the lake, two
//! runs side by side, an application against a budget, a trace for a viewer, tools
//! for language models. All facts come from SQL
//! over the lake (`sql/report`, `sql/runs`, `sql/compare`, `sql/check`, `sql/trace`, `sql/mcp`); what is here puts
//! them into sentences, tables, pictures and files.
//!
//! [`charts`] draws pictures as SVG, [`numbers`] writes numbers for people, [`markup`] escapes texts,
//! [`settings`] writes settings in the forms that platforms take.

pub mod assistant;
pub mod charts;
pub mod check;
pub mod compare;
pub mod dashboard;
mod error;
pub mod export;
mod facts;
pub mod markup;
pub mod mcp;
pub mod notify;
pub mod numbers;
mod page;
pub mod report;
mod runs;
pub mod settings;
pub mod whatif;

pub use error::PublishError;
pub use facts::Facts;
pub use runs::{Run, find_run, last_runs};
