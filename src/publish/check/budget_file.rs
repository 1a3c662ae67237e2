//! The sections of a budget's file, read value by value: each mistake has its line and its cure.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::error::PublishError;
use super::{Baseline, FindingLimit, Limit, Regression};
use crate::analyze::SEVERITIES;
use crate::config::parse_duration;
use crate::model::did_you_mean;

/// A limit that a file can set: key, measure of `sql/check/facts.sql`, form of its value.
const LIMITS: &[(&str, &str, Form)] = &[
    ("duration", "duration_ms", Form::Duration),
    ("core_hours", "core_time_ms", Form::Hours),
    ("cost_usd", "cost_usd", Form::Number),
    ("memory_spilled", "memory_bytes_spilled", Form::Bytes),
    ("disk_spilled", "disk_bytes_spilled", Form::Bytes),
    ("shuffle_read", "shuffle_read_bytes", Form::Bytes),
    ("shuffle_written", "shuffle_write_bytes", Form::Bytes),
    ("input", "input_bytes", Form::Bytes),
    ("failed_tasks", "num_failed_tasks", Form::Number),
    ("failed_task_ratio", "failed_task_ratio", Form::Ratio),
    ("failed_jobs", "num_failed_jobs", Form::Number),
    ("gc_ratio", "gc_ratio", Form::Ratio),
    ("skew_ratio", "skew_ratio", Form::Number),
    ("idle_ratio", "idle_ratio", Form::Ratio),
    ("wasted_ratio", "wasted_ratio", Form::Ratio),
];
/// By how many percent a measure may exceed its baseline: key, measure.
const REGRESSIONS: &[(&str, &str)] = &[
    ("duration_percent", "duration_ms"),
    ("duration_per_input_percent", "duration_per_gb_ms"),
    ("core_hours_percent", "core_time_ms"),
    ("cost_percent", "cost_usd"),
    ("memory_spilled_percent", "memory_bytes_spilled"),
    ("disk_spilled_percent", "disk_bytes_spilled"),
    ("shuffle_written_percent", "shuffle_write_bytes"),
    ("input_percent", "input_bytes"),
];
pub(super) const TOP: &[&str] = &["name", "limits", "findings", "regression"];
const FINDINGS: &[&str] = &["severity", "max", "ignore"];
const BASELINE: &[&str] = &["baseline", "runs", "min_runs"];

/// Earlier runs whose median is the baseline, and how many it takes.
const RUNS: i64 = 10;
const MIN_RUNS: i64 = 3;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Text such as 45m, in milliseconds.
    Duration,
    /// Text such as 10GB, in bytes.
    Bytes,
    /// A number of hours, in milliseconds.
    Hours,
    /// A number.
    Number,
    /// A number from 0 to 1.
    Ratio,
}

/// The file while it is read.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl<'t> Source<'t> {
    pub(super) fn limits(self, section: &DeTable<'t>) -> Result<Vec<Limit>, PublishError> {
        let known: Vec<&str> = LIMITS.iter().map(|(key, _, _)| *key).collect();
        let mut limits = Vec::new();
        for (key, value) in section {
            let name = key.get_ref().as_ref();
            let Some((_, metric, form)) = LIMITS.iter().find(|(known, _, _)| *known == name) else {
                return Err(self.unknown(key.span(), name, &known, "limits"));
            };
            limits.push(Limit {
                key: format!("limits.{name}"),
                metric,
                max: self.amount(value, name, *form)?,
                line: self.line(&key.span()),
            });
        }
        limits.sort_by_key(|limit| limit.line);
        Ok(limits)
    }

    pub(super) fn findings(
        self,
        section: &DeTable<'t>,
        line: usize,
    ) -> Result<FindingLimit, PublishError> {
        let mut limit = FindingLimit {
            severity: "high".to_owned(),
            max: 0,
            ignore: Vec::new(),
            line,
        };
        for (key, value) in section {
            match key.get_ref().as_ref() {
                "severity" => {
                    let severity = self.text(value, "severity")?;
                    if !SEVERITIES.contains(&severity) {
                        let problem = format!("`{severity}` is no severity");
                        let cure = did_you_mean(severity, SEVERITIES);
                        return Err(self.wrong(value.span(), &problem, &cure));
                    }
                    limit.severity = severity.to_owned();
                }
                "max" => limit.max = self.amount(value, "max", Form::Number)? as u64,
                "ignore" => {
                    let list = value.get_ref().as_array();
                    let list = list.ok_or_else(|| {
                        let cure = "write it as ignore = [\"task_skew\"]";
                        self.wrong(value.span(), "`ignore` is no list of rules", cure)
                    })?;
                    for rule in list {
                        limit.ignore.push(self.text(rule, "ignore")?.to_owned());
                    }
                }
                other => return Err(self.unknown(key.span(), other, FINDINGS, "findings")),
            }
        }
        Ok(limit)
    }

    pub(super) fn regression(
        self,
        section: &DeTable<'t>,
        span: Range<usize>,
    ) -> Result<Regression, PublishError> {
        let known: Vec<&str> = REGRESSIONS.iter().map(|(key, _)| *key).collect();
        let known: Vec<&str> = known.into_iter().chain(BASELINE.iter().copied()).collect();
        let (mut baseline, mut runs, mut min_runs) = ("median", RUNS, MIN_RUNS);
        let mut limits = Vec::new();
        for (key, value) in section {
            let name = key.get_ref().as_ref();
            match name {
                "baseline" => baseline = self.baseline(value, name)?,
                "runs" => runs = self.count(value, name)?,
                "min_runs" => min_runs = self.count(value, name)?,
                _ => {
                    let Some((_, metric)) = REGRESSIONS.iter().find(|(known, _)| *known == name)
                    else {
                        return Err(self.unknown(key.span(), name, &known, "regression"));
                    };
                    limits.push(Limit {
                        key: format!("regression.{name}"),
                        metric,
                        max: self.amount(value, name, Form::Number)?,
                        line: self.line(&key.span()),
                    });
                }
            }
        }
        limits.sort_by_key(|limit: &Limit| limit.line);
        if limits.is_empty() {
            let cure = "add one, for example duration_percent = 20";
            return Err(self.wrong(span, "[regression] limits nothing", cure));
        }
        let baseline = match baseline {
            "last" => Baseline::Last,
            "median" => Baseline::Median { runs, min_runs },
            application => Baseline::Application(application.to_owned()),
        };
        Ok(Regression { baseline, limits })
    }

    /// `median`, `last` or an application: every cluster manager's ids have digits, a misspelt word has none and
    /// would compare with nothing.
    fn baseline<'v>(self, value: &'v Value<'t>, key: &str) -> Result<&'v str, PublishError> {
        let text = self.text(value, key)?;
        if ["median", "last"].contains(&text)
            || text.contains(|letter: char| letter.is_ascii_digit())
        {
            return Ok(text);
        }
        let problem = format!("`{text}` is no baseline");
        Err(self.wrong(
            value.span(),
            &problem,
            &did_you_mean(text, ["median", "last"]),
        ))
    }

    pub(super) fn table<'v>(
        self,
        value: &'v Value<'t>,
        key: &str,
    ) -> Result<&'v DeTable<'t>, PublishError> {
        value.get_ref().as_table().ok_or_else(|| {
            let problem = format!("`{key}` is no section");
            self.wrong(value.span(), &problem, &format!("write it as [{key}]"))
        })
    }

    pub(super) fn text<'v>(self, value: &'v Value<'t>, key: &str) -> Result<&'v str, PublishError> {
        value.get_ref().as_str().ok_or_else(|| {
            let problem = format!("`{key}` is no text");
            self.wrong(value.span(), &problem, "put it into quotation marks")
        })
    }

    fn count(self, value: &Value<'t>, key: &str) -> Result<i64, PublishError> {
        let number = self.amount(value, key, Form::Number)?;
        // Far beyond the runs that any job has.
        if (1.0..=1000.0).contains(&number) && number.fract() == 0.0 {
            return Ok(number as i64);
        }
        let problem = format!("`{key}` is no number of runs");
        Err(self.wrong(value.span(), &problem, "give a whole number from 1 to 1000"))
    }

    /// A value in the unit of its measure.
    fn amount(self, value: &Value<'t>, key: &str, form: Form) -> Result<f64, PublishError> {
        let amount = match form {
            Form::Duration => value
                .get_ref()
                .as_str()
                .and_then(|text| parse_duration(text).ok())
                .map(|duration| duration.num_milliseconds() as f64),
            Form::Bytes => value.get_ref().as_str().and_then(bytes),
            Form::Hours => number(value.get_ref()).map(|hours| hours * 3.6e6),
            Form::Number | Form::Ratio => number(value.get_ref()),
        };
        let most = if form == Form::Ratio { 1.0 } else { f64::MAX };
        amount
            .filter(|amount| (0.0..=most).contains(amount))
            .ok_or_else(|| {
                let (what, cure) = match form {
                    Form::Duration => (
                        "no time",
                        "write a number and a unit, such as \"90s\", \"45m\" or \"2h\"",
                    ),
                    Form::Bytes => (
                        "no size",
                        "write a number and a unit, such as \"512MB\" or \"10GB\"",
                    ),
                    Form::Hours => (
                        "no number of hours",
                        "give a number from 0 on, such as 20 or 0.5",
                    ),
                    Form::Number => ("no number", "give a number from 0 on"),
                    Form::Ratio => ("no ratio", "give a number from 0 to 1, such as 0.1"),
                };
                self.wrong(value.span(), &format!("`{key}` is {what}"), cure)
            })
    }

    /// A key that is not known here; maybe it stands in the wrong section.
    pub(super) fn unknown(
        self,
        span: Range<usize>,
        key: &str,
        known: &[&str],
        section: &str,
    ) -> PublishError {
        let sections: [(&str, Vec<&str>); 3] = [
            ("limits", LIMITS.iter().map(|(key, _, _)| *key).collect()),
            ("findings", FINDINGS.to_vec()),
            (
                "regression",
                REGRESSIONS
                    .iter()
                    .map(|(key, _)| *key)
                    .chain(BASELINE.iter().copied())
                    .collect(),
            ),
        ];
        let elsewhere = sections
            .iter()
            .find(|(name, keys)| *name != section && keys.contains(&key));
        let cure = match elsewhere {
            Some((name, _)) => format!("this key stands in the section [{name}]"),
            None => did_you_mean(key, known.iter().copied()),
        };
        self.wrong(span, &format!("unknown key `{key}`"), &cure)
    }

    pub(super) fn wrong(self, span: Range<usize>, problem: &str, cure: &str) -> PublishError {
        PublishError::Budget(format!(
            "{}:{}: {problem}; {cure}",
            self.file,
            self.line(&span)
        ))
    }

    pub(super) fn line(self, span: &Range<usize>) -> usize {
        let before = self
            .text
            .as_bytes()
            .get(..span.start)
            .unwrap_or(self.text.as_bytes());
        memchr::memchr_iter(b'\n', before).count() + 1
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str().parse().ok(),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// A number of bytes with a unit; units are powers of 1024, as Spark's are.
fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some(number * 1024f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_the_units_that_spark_takes() {
        for (text, expected) in [
            ("10b", Some(10.0)),
            ("1.5k", Some(1536.0)),
            ("2MB", Some(2_097_152.0)),
            ("1GiB", Some(1_073_741_824.0)),
            ("10", None),
            ("x", None),
            ("1.2.3g", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
