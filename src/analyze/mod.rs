//! Judges the lake: SQL rules become findings, SQL files become the derived tables.
//!
//! Every judgement is a `.sql` file under `sql/` that an analyst can read, run in another engine
//! and override; this module only finds the files ([`catalog`]), runs them in the right order
//! ([`runner`]) and brings the answers into the shape of the table contracts.

mod across;
mod advice;
pub mod catalog;
mod common_tables;
mod conform;
mod definition;
mod difference;
mod error;
mod facts;
mod failures;
mod function;
mod grouping;
mod groups;
mod header;
mod narrow;
mod parameters;
mod placeholders;
pub mod price_list;
mod prices;
mod recipe;
mod reference;
mod rule_results;
mod rule_tests;
pub mod runner;
mod scope;
mod settings;
mod shared_views;
mod simulations;
mod step;
mod table_scope;
mod template;
mod units;
mod view_contract;

pub use across::{AcrossJudge, AcrossTable, JudgedGroups};
pub use advice::Advice;
pub use catalog::{Catalog, Overrides};
pub use conform::Stamp;
pub(crate) use definition::without_header;
pub use definition::{Query, Question, Relation, ReportQuery, Rule, SEVERITIES};
pub use difference::Difference;
pub use error::{AnalyzeError, CatalogError};
pub use failures::{ANALYSIS_FAILURES, Failure};
pub use function::Function;
pub use groups::{GroupHash, GroupUnit, Survey, group_units, groups_gone, survey};
pub use parameters::{Parameter, ParameterType};
pub use placeholders::to_spark;
pub use recipe::CatalogRecipe;
pub use reference::{Contract, Reference};
pub use rule_results::SET_IN_SESSION;
pub use rule_tests::{CaseFailure, RuleTest, test_rules};
pub use runner::{Analysis, DerivedRows, StepReport, run};
pub use scope::{GroupScope, Scope};
pub use step::Step;
pub use table_scope::TableScope;
pub use template::Template;
pub use units::{Judge, Judged, Subject, UnitLimits, keys, subjects, units};
pub use view_contract::{ColumnNote, ViewContract};

#[cfg(test)]
mod tests;
