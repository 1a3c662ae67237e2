//! Tests rules by the data file beside each: `rules/<category>/<rule>.test.toml` holds cases of facts with
//! the findings they have to give. No lake is needed, and nothing is compiled: the rules of this
//! project and those of a user's folder are tested in the same way.

mod compare;
mod data;
mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use futures::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value};

use super::catalog::Catalog;
use super::conform::Stamp;
use super::error::{AnalyzeError, CatalogError};
use super::runner::run;
use super::scope::Scope;
pub(super) use compare::rows;
use data::{DataFile, TestData};
use facts::ViewSchemas;
#[cfg(test)]
pub(super) use {compare::is_same, facts::FactLake};

pub(super) type Row = Map<String, Value>;

/// What came of testing one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTest {
    /// Id of the rule.
    pub rule: String,
    /// Its data file; `None` where it has none.
    pub file: Option<String>,
    /// How many cases the file has.
    pub cases: usize,
    /// What is wrong; empty where every case gave what it expects.
    pub failures: Vec<CaseFailure>,
}

impl RuleTest {
    /// Of a rule that was not tested yet.
    fn of(rule: &str, file: Option<&DataFile>) -> Self {
        Self {
            rule: rule.to_owned(),
            file: file.map(|file| file.name.clone()),
            cases: 0,
            failures: Vec::new(),
        }
    }
}

/// A case that gave something else than it expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseFailure {
    /// The case; `None` where the whole file is at fault.
    pub case: Option<String>,
    /// What differs.
    pub problem: String,
}

impl CaseFailure {
    fn of_file(problem: impl Into<String>) -> Self {
        Self {
            case: None,
            problem: problem.into(),
        }
    }
}

/// Tests these rules of a catalog, or all where `ids` is empty, by the data files that come with the
/// program and those of `folder`, which replace them.
///
/// # Errors
/// An id that is no rule; a data file that cannot be read or belongs to no rule; a view that cannot
/// be planned. What a rule itself does wrong is one of its failures.
pub async fn test_rules(
    catalog: &Catalog,
    folder: Option<&Path>,
    ids: &[String],
) -> Result<Vec<RuleTest>, AnalyzeError> {
    let files = data::read_all(folder)?;
    refuse_strangers(catalog, &files)?;
    let rules: BTreeSet<&str> = match ids {
        [] => catalog.rules().map(|rule| rule.id.as_str()).collect(),
        ids => {
            let ids = ids.iter().map(|id| Ok(catalog.rule(id)?.id.as_str()));
            ids.collect::<Result<_, AnalyzeError>>()?
        }
    };
    let views = Arc::new(ViewSchemas::plan(catalog, &rules).await?);
    let catalog = Arc::new(catalog.clone());
    let running: Vec<_> = rules
        .into_iter()
        .map(|rule| {
            let mut test = RuleTest::of(rule, files.get(rule));
            let (file, rule) = (files.get(rule).cloned(), rule.to_owned());
            let (catalog, views) = (Arc::clone(&catalog), Arc::clone(&views));
            async move {
                let Some(file) = file else { return test };
                // On a task of its own: all cores, and a panic of the engine is this rule's alone.
                let cases =
                    tokio::spawn(async move { cases_of(&catalog, &rule, &file, &views).await });
                match cases.await.unwrap_or_else(|error| Err(error.to_string())) {
                    Ok((cases, failures)) => {
                        test.cases = cases;
                        test.failures = failures;
                    }
                    Err(problem) => test.failures.push(CaseFailure::of_file(problem)),
                }
                test
            }
        })
        .collect();
    Ok(join_all(running).await)
}

/// A data file of a rule that is gone or misspelt would test nothing.
fn refuse_strangers(
    catalog: &Catalog,
    files: &BTreeMap<String, DataFile>,
) -> Result<(), AnalyzeError> {
    for (rule, file) in files {
        catalog.rule(rule).map_err(|error| {
            CatalogError::new(
                &file.name,
                1,
                "this file belongs to no rule",
                error.to_string(),
            )
        })?;
    }
    Ok(())
}

/// How many cases a data file has, and those that fail.
async fn cases_of(
    catalog: &Catalog,
    rule: &str,
    file: &DataFile,
    views: &ViewSchemas,
) -> Result<(usize, Vec<CaseFailure>), String> {
    let data = file.parse()?;
    let cases = data.case.len();
    let fires = data.case.iter().filter(|case| !case.expect.is_empty());
    let mut failures = Vec::new();
    match fires.count() {
        0 => failures.push(CaseFailure::of_file("add a case in which the rule fires")),
        all if all == cases => {
            failures.push(CaseFailure::of_file(
                "add a case in which the rule is silent",
            ));
        }
        _ => {}
    }
    let found = findings(catalog, rule, &data, views).await?;
    for case in &data.case {
        let rows = found.get(&case.name).map_or(&[][..], Vec::as_slice);
        if let Some(problem) = compare::difference(rows, &case.expect) {
            failures.push(CaseFailure {
                case: Some(case.name.clone()),
                problem,
            });
        }
    }
    Ok((cases, failures))
}

/// What the rule finds in the facts of all cases, by case; each case is an application of its own.
async fn findings(
    catalog: &Catalog,
    rule: &str,
    data: &TestData,
    views: &ViewSchemas,
) -> Result<BTreeMap<String, Vec<Row>>, String> {
    let (ctx, given) = facts::session(data, views).await?;
    let catalog = catalog
        .select(&[rule, "findings"])
        .map_err(|error| error.to_string())?
        .without_views(&given)
        // What an application costs changes no finding but its money.
        .without_tables(&["application_costs"]);
    let stamp = Stamp {
        batch_id: "9".to_owned(),
        ingested_at: DateTime::UNIX_EPOCH,
    };
    let analysis = run(&catalog, &ctx, &Scope::All, &stamp)
        .await
        .map_err(|error| error.to_string())?;
    if let Some(problem) = analysis.problems.first() {
        return Err(problem.to_string());
    }
    let table = analysis
        .tables
        .iter()
        .find(|table| table.table == "findings");
    let rows = table.map(|table| rows(&table.rows));
    compare::by_application(rows.unwrap_or_else(|| Ok(Vec::new()))?)
}
