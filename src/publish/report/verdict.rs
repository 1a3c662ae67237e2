//! The verdict: one paragraph that a manager understands.

use serde::Serialize;

use super::application::{Cost, TimeSpent};
use super::rows::{Advice, Application, Finding};
use crate::model::{part_label, printable, shortened};
use crate::publish::numbers::{core_time, count, counted, duration, percent, usd};
use crate::publish::page::Level;

/// Longest reason of a failure in the verdict, in characters.
const LONGEST_REASON: usize = 240;
/// Next steps that are named.
const NEXT_STEPS: usize = 3;
/// Wasted share of the core time from which a run without findings is not called clean.
const MUCH_WASTE: f64 = 0.3;
/// Share of the core time in tasks that never ended from which the verdict names it.
const TOLD_UNFINISHED: f64 = 0.1;

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// How it is judged.
    pub level: Level,
    /// One sentence.
    pub headline: String,
    /// The paragraph that begins with it.
    pub summary: String,
    /// What to do first.
    pub next_steps: Vec<String>,
}

/// What decides about the verdict.
pub(super) struct VerdictFacts<'a> {
    pub(super) application: &'a Application,
    pub(super) time: &'a TimeSpent,
    pub(super) bottlenecks: &'a [Finding],
    pub(super) advice: &'a [Advice],
    pub(super) cost: &'a Cost,
    pub(super) num_clean: usize,
}

/// The verdict on a run.
pub(super) fn of(given: &VerdictFacts<'_>) -> Verdict {
    let level = given.level();
    let headline = given.headline(level);
    let sentences = [
        Some(headline.clone()),
        given.run(),
        given.waste(),
        given.money(),
        given.saving(),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    let steps = given.advice.iter().filter_map(|step| {
        let text = step.recommendation.as_ref()?;
        Some(match (&step.config_key, &step.config_recommended) {
            (Some(key), Some(value)) => format!("{text} ({key} = {value})"),
            _ => text.clone(),
        })
    });
    Verdict {
        level,
        headline,
        summary: sentences.join(" "),
        next_steps: steps.take(NEXT_STEPS).collect(),
    }
}

impl VerdictFacts<'_> {
    fn level(&self) -> Level {
        let application = self.application;
        if self.has_failed() {
            return Level::Failed;
        }
        let is_severe = |severity: &str| matches!(severity, "critical" | "high" | "medium");
        let severe = self
            .bottlenecks
            .iter()
            .any(|found| is_severe(&found.severity));
        if severe {
            return Level::Act;
        }
        if application.is_judged != Some(true) {
            return Level::Unknown;
        }
        if self.bottlenecks.iter().any(|found| found.severity == "low") {
            return Level::Minor;
        }
        if application.end_time.is_none() || application.complete == Some(false) {
            return Level::Unknown;
        }
        Level::Good
    }

    /// The share of the core time that was wasted, where it is too large to call the run clean.
    fn idle_share(&self) -> Option<f64> {
        let ratio = self.application.wasted_ratio?;
        (ratio >= MUCH_WASTE).then_some(ratio)
    }

    fn has_failed(&self) -> bool {
        let application = self.application;
        application.failure_reason.is_some()
            || application.exit_code.is_some_and(|code| code != 0)
            || application.num_failed_jobs.unwrap_or(0) > 0
    }

    fn name(&self) -> String {
        let application = self.application;
        let name = application.application_name.as_deref().map(printable);
        let name = name.filter(|name| !name.trim().is_empty());
        shortened(
            &name.unwrap_or_else(|| printable(&application.application_id)),
            80,
        )
    }

    fn headline(&self, level: Level) -> String {
        let name = self.name();
        let main = self
            .bottlenecks
            .first()
            .map(|found| printable(&found.title));
        match level {
            Level::Failed => {
                let reason = self.reason();
                format!("{name} {}{reason}.", self.failure())
            }
            Level::Act => format!(
                "{name} needs work: {}.",
                main.map_or_else(String::new, |title| lower_first(&title))
            ),
            Level::Minor => format!(
                "{name} has a small problem: {}.",
                main.map_or_else(String::new, |title| lower_first(&title))
            ),
            // What is told for information is no fault, but not nothing either.
            Level::Good => match main {
                Some(title) => format!(
                    "{name} has no fault to fix; one thing to know: {}.",
                    lower_first(&title)
                ),
                None => match self.idle_share() {
                    Some(share) => format!(
                        "{name} has no fault that a check knows, yet {} of its core time did no useful work.",
                        percent(share)
                    ),
                    None => format!(
                        "{name} shows nothing to fix: {} found it clean.",
                        counted(self.num_clean as i64, "check", "checks")
                    ),
                },
            },
            Level::Unknown if self.application.is_judged != Some(true) => {
                format!("{name} was not judged yet.")
            }
            Level::Unknown => format!(
                "{name} cannot be judged as a whole: its history {}.",
                if self.application.end_time.is_none() {
                    "has no end"
                } else {
                    "is incomplete"
                }
            ),
        }
    }

    fn failure(&self) -> String {
        let application = self.application;
        let failed = application.num_failed_jobs.unwrap_or(0);
        match (application.exit_code, failed, application.num_jobs) {
            (Some(code), _, _) if code != 0 => format!("failed with exit code {code}"),
            (_, 1.., Some(jobs)) => format!(
                "had {} of {} fail",
                count(failed),
                counted(jobs, "job", "jobs")
            ),
            _ => "failed".to_owned(),
        }
    }

    fn reason(&self) -> String {
        let first_line = self
            .application
            .failure_reason
            .as_deref()
            .and_then(|text| text.lines().next());
        let reason = first_line.map(|line| shortened(&printable(line), LONGEST_REASON));
        reason
            .map(|reason| reason.trim().trim_end_matches('.').to_owned())
            .filter(|reason| !reason.is_empty())
            .map_or_else(String::new, |reason| format!(": {reason}"))
    }

    /// How long it ran and how it ended.
    fn run(&self) -> Option<String> {
        let application = self.application;
        let version = application.spark_version.as_deref().map(printable);
        let spark = version.map_or_else(String::new, |version| format!(" on Spark {version}"));
        let end = match (
            application.exit_code,
            application.end_time_source.as_deref(),
        ) {
            (Some(0), _) if application.num_failed_jobs.unwrap_or(0) > 0 => {
                " and ended with exit code 0 although jobs failed".to_owned()
            }
            (Some(code), _) => format!(" and ended with exit code {code}"),
            (None, Some("application_end")) => " and ended".to_owned(),
            _ => " until the last event of its history".to_owned(),
        };
        let ran = application.observed_duration_ms?;
        Some(format!("It ran {}{spark}{end}.", duration(ran as f64)))
    }

    /// Where the core time went.
    fn waste(&self) -> Option<String> {
        let application = self.application;
        let whole = application.core_time_ms.filter(|whole| *whole > 0)?;
        let ratio = application.wasted_ratio?;
        let largest = self
            .time
            .parts
            .iter()
            .filter(|part| part.wasted_ms.unwrap_or(0.0) > 0.0)
            .max_by(|one, other| {
                one.wasted_ms
                    .unwrap_or(0.0)
                    .total_cmp(&other.wasted_ms.unwrap_or(0.0))
            });
        let largest = largest.map_or_else(String::new, |part| {
            let share = part.wasted_ms.unwrap_or(0.0) / whole as f64;
            format!(
                "; the largest part was {} ({} of all)",
                part_label(&part.part).1,
                percent(share)
            )
        });
        // Nobody can tell whether it would have been of use.
        let unfinished = self
            .time
            .parts
            .iter()
            .find(|part| part.part == "unfinished");
        let unfinished = unfinished.and_then(|part| part.core_ms).unwrap_or(0.0) / whole as f64;
        let unfinished = if unfinished >= TOLD_UNFINISHED {
            format!(
                "; {} more went into tasks that never ended",
                percent(unfinished)
            )
        } else {
            String::new()
        };
        Some(format!(
            "Of {} of core time, {} was wasted{largest}{unfinished}.",
            core_time(whole as f64),
            percent(ratio)
        ))
    }

    fn money(&self) -> Option<String> {
        let cost = self.cost.now_usd?;
        let what = match self.cost.basis.as_deref() {
            Some("billed") => "It was billed at",
            Some("estimated") => "It cost an estimated",
            _ => "The same work on rented instances would cost about",
        };
        let monthly = self
            .cost
            .now_usd_per_month
            .map_or_else(String::new, |monthly| {
                format!(", {} a month at the observed frequency", usd(monthly))
            });
        Some(format!("{what} {}{monthly}.", usd(cost)))
    }

    fn saving(&self) -> Option<String> {
        let number = self.advice.len();
        if number == 0 {
            return None;
        }
        let saving = &self.cost.saving;
        let time = saving.saving_ms.filter(|saved| *saved > 0);
        let time = time.map(|saved| format!("{} of run time", duration(saved as f64)));
        let cores = saving
            .saving_core_ms
            .filter(|saved| *saved > 0)
            .map(|saved| {
                let whole = self.application.core_time_ms.filter(|whole| *whole > 0);
                let share = whole.map_or_else(String::new, |whole| {
                    format!(" ({})", percent(saved as f64 / whole as f64))
                });
                format!("{} of core time{share}", core_time(saved as f64))
            });
        let parts: Vec<String> = [time, cores].into_iter().flatten().collect();
        let changes = counted(number as i64, "change", "changes");
        Some(if parts.is_empty() {
            let which = if number == 1 { "it saves" } else { "they save" };
            format!("This report advises {changes}; what {which} cannot be told from the history.")
        } else {
            let which = if number == 1 {
                "which saves"
            } else {
                "which together save"
            };
            format!(
                "This report advises {changes}, {which} about {}.",
                parts.join(" and ")
            )
        })
    }
}

/// A title inside a sentence: names such as RDD and SQL stay.
fn lower_first(title: &str) -> String {
    let mut letters = title.chars();
    let (Some(first), second) = (letters.next(), letters.next()) else {
        return String::new();
    };
    if second.is_some_and(char::is_uppercase) {
        return title.to_owned();
    }
    let rest: String = title.chars().skip(1).collect();
    format!("{}{rest}", first.to_lowercase())
}
