//! One line of a budget against what is known.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::super::error::PublishError;
use super::super::facts::Facts;
use super::super::numbers::with_unit;
use super::super::runs::Run;
use super::{Baseline, Check, FOLDER, FindingLimit, Limit, Outcome};

/// How many findings a message names.
const NAMED: usize = 3;

/// A measure of the application.
#[derive(Debug, Deserialize)]
pub(super) struct Measure {
    pub(super) metric: String,
    pub(super) unit: String,
    #[serde(default)]
    pub(super) value: Option<f64>,
    #[serde(default)]
    pub(super) at_least: Option<f64>,
    #[serde(default)]
    pub(super) detail: Option<String>,
    #[serde(default)]
    pub(super) not_known: Option<String>,
}

/// A measure of earlier runs.
#[derive(Debug, Deserialize)]
pub(super) struct Earlier {
    pub(super) metric: String,
    #[serde(default)]
    pub(super) value: Option<f64>,
    pub(super) num_runs: i64,
    /// Attempts of the named application that the lake holds, complete or not.
    #[serde(default)]
    pub(super) num_named: i64,
}

#[derive(Debug, Deserialize)]
struct Finding {
    pub(super) rule_id: String,
    pub(super) severity: String,
    pub(super) subject_type: String,
    #[serde(default)]
    pub(super) subject_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NotJudged {
    pub(super) reason: String,
}

pub(super) fn measure<'m>(
    measures: &'m [Measure],
    limit: &Limit,
) -> Result<&'m Measure, PublishError> {
    let found = measures
        .iter()
        .find(|measure| measure.metric == limit.metric);
    found.ok_or_else(|| PublishError::Columns {
        file: format!("sql/{FOLDER}/facts.sql"),
        problem: format!("there is no measure `{}`", limit.metric),
    })
}

pub(super) fn against_limit(limit: &Limit, measure: &Measure) -> (Outcome, Check) {
    let most = with_unit(limit.max, &measure.unit);
    let title = title(limit.metric);
    let detail = measure
        .detail
        .as_ref()
        .map_or(String::new(), |detail| format!(" ({detail})"));
    let (outcome, actual, message) = match (measure.value, measure.at_least) {
        (Some(value), _) if value <= limit.max => {
            let value_text = with_unit(value, &measure.unit);
            (
                Outcome::Within,
                Some(value),
                format!("{title} is {value_text}{detail}; at most {most} is allowed"),
            )
        }
        (Some(value), _) => {
            let value_text = with_unit(value, &measure.unit);
            (
                Outcome::Violated,
                Some(value),
                format!("{title} is {value_text}{detail}; at most {most} is allowed"),
            )
        }
        (None, Some(least)) if least > limit.max => {
            let least_text = with_unit(least, &measure.unit);
            let message =
                format!("{title} is {least_text} already{detail}; at most {most} is allowed");
            (Outcome::Violated, Some(least), message)
        }
        (None, _) => {
            let reason = measure.not_known.as_deref().unwrap_or("nothing says it");
            (
                Outcome::NotChecked,
                None,
                format!("{title} is not known: {reason}"),
            )
        }
    };
    (
        outcome,
        line(limit, measure, Some(limit.max), actual, message),
    )
}

fn line(
    limit: &Limit,
    measure: &Measure,
    max: Option<f64>,
    actual: Option<f64>,
    message: String,
) -> Check {
    Check {
        check: limit.key.clone(),
        line: limit.line,
        metric: limit.metric.to_owned(),
        unit: measure.unit.clone(),
        limit: max,
        actual,
        message,
    }
}

pub(super) async fn against_findings(
    facts: &Facts<'_>,
    run: &Run,
    limit: &FindingLimit,
) -> Result<(Outcome, Check), PublishError> {
    let keys = run.parameters();
    let severity = ("severity", ScalarValue::from(limit.severity.as_str()));
    let parameters: Vec<(&str, ScalarValue)> = keys.iter().cloned().chain([severity]).collect();
    let found: Vec<Finding> = facts.rows(FOLDER, "findings", &parameters).await?;
    let found: Vec<&Finding> = found
        .iter()
        .filter(|finding| !limit.ignore.contains(&finding.rule_id))
        .collect();
    let not_judged: Vec<NotJudged> = facts.rows(FOLDER, "not_judged", &keys).await?;
    let number = found.len() as u64;
    let mut named: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|finding| finding.name())
        .collect();
    if found.len() > NAMED {
        named.push("…".to_owned());
    }
    let named = match named.is_empty() {
        true => String::new(),
        false => format!(": {}", named.join(", ")),
    };
    let noun = if number == 1 {
        "finding is"
    } else {
        "findings are"
    };
    let told = format!("{number} {noun} at or above {}{named}", limit.severity);
    let (outcome, actual, message) = match not_judged.first() {
        _ if number > limit.max => (
            Outcome::Violated,
            Some(number),
            format!("{told}; at most {} is allowed", limit.max),
        ),
        Some(gap) => (
            Outcome::NotChecked,
            None,
            format!("{told}, but {}", gap.reason),
        ),
        None => (
            Outcome::Within,
            Some(number),
            format!("{told}; at most {} is allowed", limit.max),
        ),
    };
    let check = Check {
        check: "findings".to_owned(),
        line: limit.line,
        metric: "findings".to_owned(),
        unit: "count".to_owned(),
        limit: Some(limit.max as f64),
        actual: actual.map(|number| number as f64),
        message,
    };
    Ok((outcome, check))
}

/// What earlier runs took, or why that is not known.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) min_runs: i64,
    pub(super) measures: Result<Vec<Earlier>, String>,
}

pub(super) async fn baseline(
    earlier: Option<&Facts<'_>>,
    run: &Run,
    baseline: &Baseline,
) -> Result<Known, PublishError> {
    let (name, runs, min_runs, application) = match baseline {
        Baseline::Last => ("the run before".to_owned(), 1, 1, ""),
        Baseline::Median { runs, min_runs } => (
            "the median of earlier runs".to_owned(),
            *runs,
            *min_runs,
            "",
        ),
        Baseline::Application(id) => (id.clone(), 1, 1, id.as_str()),
    };
    let unknown = |reason: &str| Known {
        name: name.clone(),
        min_runs,
        measures: Err(reason.to_owned()),
    };
    let Some(facts) = earlier else {
        return Ok(unknown("no lake with earlier runs was given (--lake)"));
    };
    let (job_key, start) = match (&run.job_key, &run.start_time) {
        _ if !application.is_empty() => ("", ""),
        (Some(job_key), Some(start)) => (job_key.as_str(), start.as_str()),
        (None, _) => return Ok(unknown("the application is no run of a recurring job")),
        (_, None) => return Ok(unknown("the application's start is not known")),
    };
    let parameters = [
        ("job_key", ScalarValue::from(job_key)),
        ("before", ScalarValue::from(start)),
        ("application", ScalarValue::from(application)),
        ("except", ScalarValue::from(run.application_id.as_str())),
        ("runs", ScalarValue::from(runs)),
    ];
    let measures: Vec<Earlier> = facts.rows(FOLDER, "baseline", &parameters).await?;
    if !application.is_empty() {
        if application == run.application_id {
            return Ok(unknown("it is the application that is checked"));
        }
        // Named by a person: what is not there is a slip of the pen, and a check that compares with nothing passes for ever.
        if measures.iter().all(|earlier| earlier.num_named == 0) {
            return Err(PublishError::NotFound(format!(
                "the budget's baseline `{application}` is no application of the lake; name one that it holds, or write \"median\" or \"last\""
            )));
        }
        if measures.iter().all(|earlier| earlier.num_runs == 0) {
            return Ok(unknown(&format!(
                "{application} failed, or its history is not complete"
            )));
        }
    }
    Ok(Known {
        name,
        min_runs,
        measures: Ok(measures),
    })
}

pub(super) fn against_baseline(
    limit: &Limit,
    measure: &Measure,
    baseline: &Known,
) -> (Outcome, Check) {
    let title = title(limit.metric);
    let not_checked = |reason: String| {
        let message = format!("{title} is not compared: {reason}");
        (
            Outcome::NotChecked,
            line(limit, measure, None, measure.value, message),
        )
    };
    let measures = match &baseline.measures {
        Ok(measures) => measures,
        Err(reason) => return not_checked(reason.clone()),
    };
    let earlier = measures
        .iter()
        .find(|earlier| earlier.metric == limit.metric);
    let num_runs = earlier.map_or(0, |earlier| earlier.num_runs);
    let before = earlier.and_then(|earlier| earlier.value);
    let Some(before) = before.filter(|_| num_runs >= baseline.min_runs) else {
        return not_checked(match num_runs {
            0 => format!("it is not known for {}", baseline.name),
            runs => format!(
                "{runs} earlier runs know it, and {} are needed",
                baseline.min_runs
            ),
        });
    };
    let max = before * (1.0 + limit.max / 100.0);
    let unit = measure.unit.as_str();
    let told = |value: f64, already: &str| {
        let change = match before {
            0.0 => String::new(),
            before => format!(", {:+.0} %", 100.0 * (value / before - 1.0)),
        };
        format!(
            "{title} is {}{already}{change} against {} ({}); at most {:+.0} % is allowed",
            with_unit(value, unit),
            baseline.name,
            with_unit(before, unit),
            limit.max
        )
    };
    let (outcome, actual, message) = match (measure.value, measure.at_least) {
        (Some(value), _) if value <= max => (Outcome::Within, value, told(value, "")),
        (Some(value), _) => (Outcome::Violated, value, told(value, "")),
        (None, Some(least)) if least > max => (Outcome::Violated, least, told(least, " already")),
        (None, _) => {
            let reason = measure.not_known.as_deref().unwrap_or("nothing says it");
            return not_checked(format!("{title} is not known: {reason}"));
        }
    };
    (
        outcome,
        line(limit, measure, Some(max), Some(actual), message),
    )
}

/// A measure for people.
pub(super) fn title(metric: &str) -> &str {
    match metric {
        "duration_ms" => "the duration",
        "duration_per_gb_ms" => "the duration per GB of input",
        "core_time_ms" => "the core time held",
        "cost_usd" => "the cost",
        "memory_bytes_spilled" => "spill from memory",
        "disk_bytes_spilled" => "spill to disk",
        "shuffle_read_bytes" => "shuffle read",
        "shuffle_write_bytes" => "shuffle written",
        "input_bytes" => "input",
        "num_failed_tasks" => "the number of failed tasks",
        "failed_task_ratio" => "the share of failed tasks",
        "num_failed_jobs" => "the number of failed jobs",
        "gc_ratio" => "the share of garbage collection",
        "skew_ratio" => "the longest over the median task",
        "idle_ratio" => "the share of idle core time",
        "wasted_ratio" => "the share of wasted core time",
        other => other,
    }
}

impl Finding {
    fn name(&self) -> String {
        let subject = match &self.subject_id {
            Some(id) if self.subject_type != "application" => {
                format!(" of {} {id}", self.subject_type)
            }
            _ => String::new(),
        };
        format!("{}{subject} ({})", self.rule_id, self.severity)
    }
}
