//! Judges the lake: SQL rules become findings, SQL files become the derived tables.
//!
//! Every judgement is a `.sql` file under `sql/` that an analyst can read, run in another engine
//! and override; this module only finds the files ([`catalog`]), runs them in the right order
//! ([`runner`]) and brings the answers into the shape of the table contracts.

mod advice;
pub mod catalog;
mod conform;
mod definition;
mod error;
mod grouping;
mod header;
mod parameters;
mod placeholders;
mod reference;
mod rule_results;
pub mod runner;
mod scope;
mod settings;
mod shared_views;
mod template;
mod units;

pub use advice::Advice;
pub use catalog::{Catalog, Overrides, Reference};
pub use conform::Stamp;
pub(crate) use definition::without_header;
pub use definition::{Query, Question, Relation, Rule, SEVERITIES};
pub use error::{AnalyzeError, CatalogError};
pub use parameters::{Parameter, ParameterType};
pub use placeholders::to_spark;
pub use runner::{Analysis, DerivedRows, StepReport, run};
pub use scope::Scope;

pub use template::Template;
pub use units::{
    ANALYSIS_FAILURES, Failure, Judge, Judged, Subject, UnitLimits, keys, subjects, units,
};

#[cfg(test)]
mod tests;
