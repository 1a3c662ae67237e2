//! An application against a budget: what a pipeline stops for.
//!
//! A measure that is not known is told as not checked, never as passed; what the history of an
//! unfinished application shows already is enough to exceed a limit.

mod against;
mod budget;
mod budget_file;
mod junit;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

use super::error::PublishError;
use super::facts::Facts;
use super::runs::Run;

use against::{Measure, against_baseline, against_findings, against_limit, baseline, measure};
pub use budget::{Baseline, Budget, FindingLimit, Limit, Regression};

/// Folder of the queries.
const FOLDER: &str = "check";

/// An application after its check. Serialized it is the JSON of `sparklake check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The budget's file.
    pub budget: String,
    /// The budget's name.
    pub name: String,
    /// What was checked.
    pub application: Run,
    /// Whether nothing exceeds the budget.
    pub passed: bool,
    /// What exceeds it.
    pub violations: Vec<Check>,
    /// What could not be checked, and why.
    pub not_checked: Vec<Check>,
    /// What is within it.
    pub within: Vec<Check>,
}

/// One line of the budget after its check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Section and key of the budget, such as `limits.duration`.
    pub check: String,
    /// Its line in the budget.
    pub line: usize,
    /// The measure.
    pub metric: String,
    /// Unit of limit and value: ms, core_ms, bytes, ratio, usd, count.
    pub unit: String,
    /// The most that is allowed; `None` where a baseline is not known.
    pub limit: Option<f64>,
    /// What it is; `None` is not known.
    pub actual: Option<f64>,
    /// A sentence that says so.
    pub message: String,
}

/// What became of one line.
enum Outcome {
    Within,
    Violated,
    NotChecked,
}

/// The applications of a lake, the newest first: those that a check of one log finds.
///
/// # Errors
/// The lake cannot be asked.
pub async fn applications(facts: &Facts<'_>) -> Result<Vec<Run>, PublishError> {
    facts.rows(FOLDER, "applications", &[]).await
}

/// Checks one application. `earlier` is the lake that knows its earlier runs.
///
/// # Errors
/// The application is not in the lake, or a lake cannot be asked.
pub async fn check(
    facts: &Facts<'_>,
    run: &Run,
    budget: &Budget,
    earlier: Option<&Facts<'_>>,
) -> Result<Checked, PublishError> {
    let measures: Vec<Measure> = facts.rows(FOLDER, "facts", &run.parameters()).await?;
    if measures.is_empty() {
        return Err(PublishError::NotFound(format!(
            "{} has left the lake meanwhile",
            run.application_id
        )));
    }
    let mut checked = Checked {
        budget: budget.file.clone(),
        name: budget.name.clone(),
        application: run.clone(),
        passed: true,
        violations: Vec::new(),
        not_checked: Vec::new(),
        within: Vec::new(),
    };
    for limit in &budget.limits {
        checked.note(against_limit(limit, measure(&measures, limit)?));
    }
    if let Some(limit) = &budget.findings {
        checked.note(against_findings(facts, run, limit).await?);
    }
    if let Some(regression) = &budget.regression {
        let baseline = baseline(earlier, run, &regression.baseline).await?;
        for limit in &regression.limits {
            let measure = measure(&measures, limit)?;
            checked.note(against_baseline(limit, measure, &baseline));
        }
    }
    checked.passed = checked.violations.is_empty();
    Ok(checked)
}

impl Checked {
    fn note(&mut self, (outcome, check): (Outcome, Check)) {
        match outcome {
            Outcome::Within => &mut self.within,
            Outcome::Violated => &mut self.violations,
            Outcome::NotChecked => &mut self.not_checked,
        }
        .push(check);
    }

    /// For people: the verdict first.
    pub fn to_text(&self) -> String {
        let name = match &self.application.application_name {
            Some(name) => format!("{} ({name})", self.application.application_id),
            None => self.application.application_id.clone(),
        };
        let lines = self.violations.len() + self.not_checked.len() + self.within.len();
        let verdict = match (self.passed, self.not_checked.len()) {
            (false, _) => format!(
                "{name} exceeds the budget {} in {} of {lines} points",
                self.name,
                self.violations.len()
            ),
            (true, 0) => format!(
                "{name} is within the budget {}: {lines} points checked",
                self.name
            ),
            (true, gaps) => format!(
                "{name} exceeds nothing in the budget {}, but {gaps} of {lines} points could not be checked",
                self.name
            ),
        };
        text::write(self, &verdict)
    }

    /// JUnit XML: a test case for each line of the budget.
    pub fn to_junit(&self) -> String {
        junit::write(self)
    }

    /// SARIF 2.1.0: a result for each line of the budget that is exceeded or could not be checked.
    pub fn to_sarif(&self) -> serde_json::Value {
        sarif::document(self)
    }
}
