//! What was checked and found clean, and what could not be checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rows::{Application, Evidence, FiredRule, Measured, RuleNeed, Unjudged};
use crate::analyze::{Catalog, Rule};
use crate::model::{SettingValue, printable, shortened};
use crate::publish::numbers::{bytes, core_time, count, duration, percent, times};

/// The rule that passes over jobs that were canceled, which Spark counts as failed.
const FAILED_JOBS: &str = "failed_jobs";

/// A rule that looked and found nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The rule.
    pub rule_id: String,
    /// What it looks for.
    pub title: String,
    /// The number that it looked at, where one number tells it.
    pub measured: Option<Measure>,
    /// What it takes for the rule to report something: all of these.
    pub thresholds: Vec<Threshold>,
}

/// A number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What it is.
    pub label: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
}

/// A threshold of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// The parameter.
    pub name: String,
    /// What it decides.
    pub description: String,
    /// Its value.
    pub value: SettingValue,
    /// Its unit.
    pub unit: String,
}

/// Something that the history does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What is not known.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What to do so that the next run shows it.
    pub how: String,
    /// The rules that could not look for that reason.
    pub rules: Vec<String>,
}

/// What decides about checks.
pub(super) struct CheckFacts<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) application: &'a Application,
    pub(super) evidence: &'a Evidence,
    pub(super) fired: &'a [FiredRule],
    pub(super) measured: &'a [Measured],
    pub(super) needs: &'a [RuleNeed],
    pub(super) unjudged: &'a [Unjudged],
}

/// Whether a rule has what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Met,
    Missing,
    /// The rule is about another kind of application.
    DoesNotApply,
}

/// The rules that found nothing, and what could not be checked.
pub(super) fn split(given: &CheckFacts<'_>) -> (Vec<Check>, Vec<NotChecked>) {
    let fired: BTreeSet<&str> = given
        .fired
        .iter()
        .map(|rule| rule.rule_id.as_str())
        .collect();
    let failed: BTreeSet<&str> = given
        .unjudged
        .iter()
        .map(|step| step.step.as_str())
        .collect();
    let is_judged = given.application.is_judged == Some(true);
    let mut clean = Vec::new();
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for rule in given.catalog.rules() {
        if rule.subject == "cluster" || fired.contains(rule.id.as_str()) {
            continue;
        }
        if !is_judged || failed.contains(rule.id.as_str()) {
            continue;
        }
        // Its failed jobs were canceled: no fault of theirs, but no clean record either.
        if rule.id == FAILED_JOBS && given.application.num_failed_jobs.unwrap_or(0) > 0 {
            continue;
        }
        let states: Vec<(&str, Need)> = given
            .needs
            .iter()
            .filter(|need| need.rule_id == rule.id)
            .map(|need| (need.need.as_str(), given.need(&need.need)))
            .collect();
        if states.iter().any(|(_, state)| *state == Need::DoesNotApply) {
            continue;
        }
        let lacking = states.iter().find(|(_, state)| *state == Need::Missing);
        match lacking {
            Some((need, _)) => missing.entry(need).or_default().push(rule.id.clone()),
            None => clean.push(given.check(rule)),
        }
    }
    (clean, given.not_checked(is_judged, missing))
}

impl CheckFacts<'_> {
    fn need(&self, need: &str) -> Need {
        let application = self.application;
        let has_stages = application.num_stages.unwrap_or(0) > 0;
        let held = |number: i64| if number > 0 { Need::Met } else { Need::Missing };
        let applies = |applies: bool, state: Need| if applies { state } else { Need::DoesNotApply };
        match need {
            "distributed" => applies(application.is_local != Some(true), Need::Met),
            "sql" => applies(application.num_sql.unwrap_or(0) > 0, Need::Met),
            "streaming" => applies(self.evidence.num_streaming > 0, Need::Met),
            "stages" => applies(has_stages, Need::Met),
            "tasks" => applies(has_stages, held(self.evidence.num_quantiles)),
            "task_rows" => applies(has_stages, held(self.evidence.num_task_rows)),
            "executors" => held(self.evidence.num_held),
            "heap_peaks" => held(self.evidence.num_heap_peaks),
            "driver_peaks" => held(self.evidence.num_driver_peaks),
            "rss_peaks" => held(self.evidence.num_rss_peaks),
            "caches" => applies(self.evidence.num_caches > 0, Need::Met),
            "blocks" => held(self.evidence.num_blocks),
            "plans" => held(self.evidence.num_plan_nodes),
            "settings" => held(self.evidence.num_settings),
            "process_logs" => held(self.evidence.num_processes),
            "cluster_samples" => held(self.evidence.num_cluster_samples),
            _ => Need::Met,
        }
    }

    fn check(&self, rule: &Rule) -> Check {
        let measured = self.measured.iter().find(|row| row.rule_id == rule.id);
        let measured = measured.and_then(|row| {
            Some(Measure {
                label: row.label.clone(),
                value: row.value.filter(|value| value.is_finite())?,
                unit: row.unit.clone(),
            })
        });
        let thresholds = rule.query.parameters.iter().map(|parameter| Threshold {
            name: parameter.name.clone(),
            description: parameter.description.clone(),
            value: parameter.value.clone(),
            unit: parameter.unit.clone(),
        });
        Check {
            rule_id: rule.id.clone(),
            title: rule.title.clone(),
            measured,
            thresholds: thresholds.collect(),
        }
    }

    fn not_checked(
        &self,
        is_judged: bool,
        mut missing: BTreeMap<&str, Vec<String>>,
    ) -> Vec<NotChecked> {
        let mut entries = Vec::new();
        if !is_judged {
            entries.push(entry(
                "The application was not judged",
                "The lake holds its history, but no rule has looked at it.",
                "Run `sparklake run` on this lake: it judges what is not judged yet.",
            ));
        }
        self.of_history(&mut entries);
        for (need, what, why, how) in NEEDS {
            let rules = missing.remove(need).unwrap_or_default();
            if !rules.is_empty() {
                entries.push(NotChecked {
                    rules,
                    ..entry(what, why, how)
                });
            }
        }
        for step in self.unjudged {
            let error = step.error.as_deref().unwrap_or("no reason was recorded");
            entries.push(NotChecked {
                rules: vec![step.step.clone()],
                ..entry(
                    "A step of the judgement failed",
                    &shortened(&printable(error), 300),
                    "The next run tries it again.",
                )
            });
        }
        entries
    }

    /// What is missing in the history itself.
    fn of_history(&self, entries: &mut Vec<NotChecked>) {
        let application = self.application;
        if application.end_time.is_none() || application.duration_ms.is_none() {
            entries.push(entry(
                "How long it ran in all",
                "The history has no end that follows its start: the application was killed, is still running, or the log is cut off.",
                "Load the log again when the application has ended; a log that ends early stays incomplete.",
            ));
        } else if application.complete == Some(false) {
            entries.push(entry(
                "Parts of the history",
                "The log is incomplete: events were compacted, lost or could not be read.",
                "See `sparklake status`; compaction is switched off by spark.eventLog.rolling.enabled=false or a larger spark.history.fs.eventLog.rolling.maxFilesToRetain.",
            ));
        }
        let lost = application.num_lost_events.unwrap_or(0);
        if lost > 0 {
            entries.push(entry(
                "Events that the driver dropped",
                &format!(
                    "{} events never reached the log; counts and times are too low.",
                    count(lost)
                ),
                "Raise spark.scheduler.listenerbus.eventqueue.capacity.",
            ));
        }
        if application.core_time_ms.unwrap_or(0) <= 0 {
            entries.push(entry(
                "Core time and waste",
                "The history does not say which executors there were.",
                "Event logs hold them (SparkListenerExecutorAdded); a log that lost its beginning does not.",
            ));
        } else if self.evidence.num_prices == 0 {
            entries.push(entry(
                "Cost",
                "A price is missing.",
                "See the section on cost; give prices with `prices` under [rules] of the job file.",
            ));
        }
    }
}

fn entry(what: &str, why: &str, how: &str) -> NotChecked {
    NotChecked {
        what: what.to_owned(),
        why: why.to_owned(),
        how: how.to_owned(),
        rules: Vec::new(),
    }
}

/// Need, what is not known without it, why, and what to do.
const NEEDS: [(&str, &str, &str, &str); 12] = [
    (
        "executors",
        "Executors, idle cores and lost executors",
        "The history does not say which executors there were.",
        "Event logs hold them; a log that lost its beginning does not.",
    ),
    (
        "stages",
        "Stages",
        "The history holds no stage.",
        "Load the event log rather than a summary of it.",
    ),
    (
        "tasks",
        "How evenly tasks ran",
        "The history holds no task distributions.",
        "Load the event log with include_tasks on; the History Server drops tasks beyond spark.ui.retainedTasks.",
    ),
    (
        "task_rows",
        "Single task attempts",
        "The lake holds no task rows of this application.",
        "Load it again with include_tasks = true in the job file.",
    ),
    (
        "heap_peaks",
        "How much memory executors used",
        "The log holds no peaks of executor memory.",
        "Set spark.eventLog.logStageExecutorMetrics=true.",
    ),
    (
        "driver_peaks",
        "How much memory the driver used",
        "The log holds no peaks of the driver's memory.",
        "Set spark.eventLog.logStageExecutorMetrics=true.",
    ),
    (
        "rss_peaks",
        "How much memory containers used, with Python and native memory",
        "The log holds no peaks of the process tree.",
        "Set spark.eventLog.logStageExecutorMetrics=true and spark.executor.processTreeMetrics.enabled=true.",
    ),
    (
        "blocks",
        "Whether caches fit into memory",
        "The log does not tell where cached blocks were kept.",
        "Set spark.eventLog.logBlockUpdates.enabled=true.",
    ),
    (
        "plans",
        "Query plans: joins, scans, files",
        "The history holds no SQL plan.",
        "Load the event log; the REST history leaves plans out when spark.ui.retainedExecutions is passed.",
    ),
    (
        "settings",
        "Settings",
        "The history holds no environment: its beginning is missing.",
        "Load the whole event log.",
    ),
    (
        "process_logs",
        "What driver and executor logs say",
        "No process logs were loaded.",
        "Give the platform's log folder (EMR, EMR Serverless and Databricks sources load it), see sparklake doctor.",
    ),
    (
        "cluster_samples",
        "Whether the cluster's memory or cores ran out first",
        "There are no samples of the cluster's memory and cores.",
        "Load the cluster from its platform (EMR or Databricks source), so that its metrics are read too.",
    ),
];

impl Measure {
    /// The value with its unit.
    pub fn text(&self) -> String {
        with_unit(self.value, &self.unit)
    }
}

impl Threshold {
    /// The value with its unit.
    pub fn text(&self) -> String {
        match &self.value {
            SettingValue::Integer(number) => with_unit(*number as f64, &self.unit),
            SettingValue::Double(number) => with_unit(*number, &self.unit),
            other => other.to_string(),
        }
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "ms" => duration(value),
        "core_ms" => core_time(value),
        "bytes" => bytes(value),
        // A ratio can be a share or a multiple.
        "ratio" if value <= 1.0 => percent(value),
        "ratio" | "times" => times(value),
        _ if value.fract() == 0.0 => count(value as i64),
        _ => format!("{value}"),
    }
}
