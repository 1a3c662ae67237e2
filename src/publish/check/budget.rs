//! A budget: a TOML file that says what an application may take.
//!
//! Every value keeps its line, so that whatever is wrong with it, or exceeds it, can be found.

use std::path::Path;

use toml::de::DeTable;

use super::super::error::PublishError;
use super::budget_file::{Source, TOP};
use crate::analyze::Catalog;
use crate::model::did_you_mean;

/// What an application may take.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The file.
    pub file: String,
    /// Its name, the file's where it gives none.
    pub name: String,
    /// Upper limits of measures.
    pub limits: Vec<Limit>,
    /// What the rules may find.
    pub findings: Option<FindingLimit>,
    /// What it may take more than earlier runs.
    pub regression: Option<Regression>,
}

/// An upper limit of a measure; in a [`Regression`], in percent more than the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Section and key of the file.
    pub key: String,
    /// The measure.
    pub metric: &'static str,
    /// The most that is allowed, in the measure's unit or in percent.
    pub max: f64,
    /// Line of the file, from 1.
    pub line: usize,
}

/// How many findings there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingLimit {
    /// The least severity that counts.
    pub severity: String,
    /// The most that are allowed.
    pub max: u64,
    /// Rules that do not count.
    pub ignore: Vec<String>,
    /// Line of the section.
    pub line: usize,
}

/// What is compared with earlier runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// What it is compared with.
    pub baseline: Baseline,
    /// Limits in percent more than that.
    pub limits: Vec<Limit>,
}

/// Earlier runs to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The run of the job before this one.
    Last,
    /// The median of the job's earlier runs.
    Median {
        /// Of at most so many.
        runs: i64,
        /// Of at least so many.
        min_runs: i64,
    },
    /// One application.
    Application(String),
}

impl Budget {
    /// Reads a budget.
    ///
    /// # Errors
    /// The file cannot be read, or something in it makes no sense: with file, line and cure.
    pub fn read(path: &Path) -> Result<Self, PublishError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            PublishError::Budget(format!(
                "the budget {name} cannot be read: {error}; give a TOML file with sections [limits], \
                 [findings] or [regression]"
            ))
        })?;
        Self::parse(&name, &text)
    }

    /// Reads a budget's text; `file` is for messages and reports.
    ///
    /// # Errors
    /// As [`Budget::read`].
    pub fn parse(file: &str, text: &str) -> Result<Self, PublishError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source { file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let problem = error.message().lines().collect::<Vec<_>>().join(", ");
            source.wrong(error.span().unwrap_or(0..0), &problem, "write it as TOML")
        })?;
        let mut budget = Self {
            file: file.to_owned(),
            name: file.to_owned(),
            limits: Vec::new(),
            findings: None,
            regression: None,
        };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "name" => budget.name = source.text(value, "name")?.to_owned(),
                "limits" => budget.limits = source.limits(source.table(value, "limits")?)?,
                "findings" => {
                    let line = source.line(&key.span());
                    let section = source.table(value, "findings")?;
                    budget.findings = Some(source.findings(section, line)?);
                }
                "regression" => {
                    let section = source.table(value, "regression")?;
                    budget.regression = Some(source.regression(section, key.span())?);
                }
                other => return Err(source.unknown(key.span(), other, TOP, "")),
            }
        }
        if budget.limits.is_empty() && budget.findings.is_none() && budget.regression.is_none() {
            return Err(source.wrong(
                0..0,
                "the budget limits nothing",
                "add a limit, for example [limits] with duration = \"45m\"",
            ));
        }
        Ok(budget)
    }

    /// Checks the names of rules.
    ///
    /// # Errors
    /// There is no such rule.
    pub fn check_rules(&self, catalog: &Catalog) -> Result<(), PublishError> {
        let Some(findings) = &self.findings else {
            return Ok(());
        };
        let known: Vec<&str> = catalog.rules().map(|rule| rule.id.as_str()).collect();
        match findings
            .ignore
            .iter()
            .find(|rule| !known.contains(&rule.as_str()))
        {
            None => Ok(()),
            Some(rule) => Err(PublishError::Budget(format!(
                "{}:{}: findings.ignore: there is no rule `{rule}`; {}",
                self.file,
                findings.line,
                did_you_mean(rule, known)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Budget::parse("budget.toml", text)
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn limits_are_read_in_the_units_of_their_measures_with_their_lines() {
        let budget = Budget::parse(
            "budget.toml",
            "name = \"nightly\"\n[limits]\nduration = \"45m\"\ncore_hours = 1.5\ndisk_spilled = \"10GB\"\n\
             gc_ratio = 0.1\nfailed_tasks = 1_000\n\n[findings]\nseverity = \"medium\"\nignore = [\"task_skew\"]\n\
             [regression]\nbaseline = \"last\"\nduration_percent = 20\n",
        )
        .expect("valid");
        let limits: Vec<(&str, f64, usize)> = budget
            .limits
            .iter()
            .map(|limit| (limit.metric, limit.max, limit.line))
            .collect();
        assert_eq!(
            limits,
            [
                ("duration_ms", 2_700_000.0, 3),
                ("core_time_ms", 5_400_000.0, 4),
                ("disk_bytes_spilled", 10_737_418_240.0, 5),
                ("gc_ratio", 0.1, 6),
                ("num_failed_tasks", 1000.0, 7),
            ]
        );
        let findings = budget.findings.expect("there");
        assert_eq!(
            (findings.severity.as_str(), findings.max, findings.line),
            ("medium", 0, 9)
        );
        let regression = budget.regression.expect("there");
        assert_eq!(regression.baseline, Baseline::Last);
        assert_eq!(
            (regression.limits[0].max, regression.limits[0].line),
            (20.0, 14)
        );
    }

    #[test]
    fn mistakes_name_file_line_and_cure() {
        for (text, expected) in [
            (
                "[limits]\ndurations = \"1h\"\n",
                "budget.toml:2: unknown key `durations`; did you mean `duration`?",
            ),
            (
                "[limts]\n",
                "budget.toml:1: unknown key `limts`; did you mean `limits`?",
            ),
            (
                "duration = \"1h\"\n",
                "budget.toml:1: unknown key `duration`; this key stands in the section [limits]",
            ),
            (
                "[limits]\nduration_percent = 5\n",
                "budget.toml:2: unknown key `duration_percent`; this key stands in the section [regression]",
            ),
            (
                "[limits]\n\nduration = 45\n",
                "budget.toml:3: `duration` is no time; write a number and a unit, such as \"90s\", \"45m\" or \"2h\"",
            ),
            (
                "[limits]\ndisk_spilled = \"10 parsecs\"\n",
                "budget.toml:2: `disk_spilled` is no size; write a number and a unit, such as \"512MB\" or \"10GB\"",
            ),
            (
                "[limits]\ngc_ratio = 10\n",
                "budget.toml:2: `gc_ratio` is no ratio; give a number from 0 to 1, such as 0.1",
            ),
            (
                "[limits]\ncost_usd = -1\n",
                "budget.toml:2: `cost_usd` is no number; give a number from 0 on",
            ),
            (
                "[limits]\ncost_usd = nan\n",
                "budget.toml:2: `cost_usd` is no number; give a number from 0 on",
            ),
            (
                "[findings]\nseverity = \"hihg\"\n",
                "budget.toml:2: `hihg` is no severity; did you mean `high`?",
            ),
            (
                "[regression]\nbaseline = \"medain\"\nduration_percent = 20\n",
                "budget.toml:2: `medain` is no baseline; did you mean `median`?",
            ),
            (
                "[regression]\nbaseline = \"last\"\n",
                "budget.toml:1: [regression] limits nothing; add one, for example duration_percent = 20",
            ),
            (
                "# nothing\n",
                "budget.toml:1: the budget limits nothing; add a limit, for example [limits] with duration = \"45m\"",
            ),
        ] {
            assert_eq!(refused(text), expected);
        }
        assert!(refused("[limits\n").starts_with("budget.toml:1: "));
    }
}
