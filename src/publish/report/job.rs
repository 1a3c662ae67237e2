//! The report of a recurring job over its runs.

use datafusion::common::ScalarValue;
use serde::Serialize;

use super::application::{ApplicationReport, JobContext, Paste, Step, cure};
use super::error::ReportError;
use super::questions::Questions;
use super::rows::{JobAdvice, JobFinding, JobRun, Known, RecurringJob};
use super::verdict::Verdict;
use crate::model::{part_label, printable, shortened};
use crate::publish::numbers::{change, counted, duration, percent, usd};
use crate::publish::page::Level;
use crate::publish::settings::{Change, shell_word};

/// Everything that is told of a recurring job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobReport {
    /// Its frequency, cost and waste.
    pub job: RecurringJob,
    /// The verdict.
    pub verdict: Verdict,
    /// Its newest runs, oldest first.
    pub runs: Vec<JobRun>,
    /// How many runs the lake has.
    pub num_runs: i64,
    /// What the rules found over its runs, the worst first.
    pub bottlenecks: Vec<JobFinding>,
    /// What to change, what was changed, and what that brought.
    pub advice: Vec<JobAdvice>,
    /// The proposed settings, to paste.
    pub paste: Paste,
    /// The report of its newest run.
    pub newest_run: Option<Box<ApplicationReport>>,
    /// How to see whether a change helped.
    pub check: Vec<Step>,
}

impl JobReport {
    /// Asks the lake about a job.
    ///
    /// # Errors
    /// There is no such job, or the lake cannot be read.
    pub async fn load(questions: &Questions<'_>, job_key: &str) -> Result<Self, ReportError> {
        let Some(context) = JobContext::load(questions, Some(job_key)).await? else {
            return Err(unknown_job(questions, job_key).await?);
        };
        let key = [("job_key", ScalarValue::from(job_key))];
        let newest_run = async {
            Ok(match context.runs.last() {
                Some(run) => {
                    let report = ApplicationReport::load(questions, &run.application_id).await?;
                    Some(Box::new(report))
                }
                None => None,
            })
        };
        let (bottlenecks, advice, newest_run): (Vec<JobFinding>, Vec<JobAdvice>, _) = tokio::try_join!(
            questions.rows("job_findings", &key),
            questions.rows("job_advice", &key),
            newest_run,
        )?;
        let proposed = advice.iter().filter(|step| step.status == "proposed");
        let changes = proposed.filter_map(|step| {
            Some(Change {
                key: step.config_key.clone(),
                current: step.current_value.clone(),
                recommended: step.recommended_value.clone()?,
                reason: step.reason.clone().unwrap_or_default(),
            })
        });
        let lake = shell_word(questions.lake);
        let job = shell_word(job_key);
        let check = Step {
            what: "After the next run this report shows it beside the baseline, and each change as verified or regressed.".to_owned(),
            command: Some(format!("sparklake report --lake {lake} --job {job}")),
        };
        Ok(Self {
            verdict: verdict(&context, &bottlenecks, &advice),
            job: context.job,
            runs: context.runs,
            num_runs: context.num_runs,
            paste: Paste::from(changes.collect::<Vec<_>>()),
            bottlenecks,
            advice,
            newest_run,
            check: vec![check],
        })
    }
}

async fn unknown_job(questions: &Questions<'_>, job_key: &str) -> Result<ReportError, ReportError> {
    let known: Vec<Known> = questions.rows("known_jobs", &[]).await?;
    let keys: Vec<&str> = known
        .iter()
        .filter_map(|known| known.job_key.as_deref())
        .collect();
    let cure = if keys.contains(&job_key) {
        "its runs are loaded, but not judged yet: `sparklake run` judges them".to_owned()
    } else {
        cure(job_key, &keys, "jobs")
    };
    Ok(ReportError::Unknown {
        what: "recurring job",
        id: job_key.to_owned(),
        cure,
    })
}

fn verdict(context: &JobContext, findings: &[JobFinding], advice: &[JobAdvice]) -> Verdict {
    let newest = context.runs.last();
    let has_regressed = newest.is_some_and(|run| run.is_regression == Some(true));
    let main = findings.first().map(|found| found.title.as_str());
    let level = match findings.first().map(|found| found.severity_rank) {
        _ if has_regressed => Level::Act,
        Some(3..) => Level::Act,
        Some(2) => Level::Minor,
        _ => Level::Good,
    };
    let name = shortened(&printable(&context.job.job_key), 80);
    let headline = match (level, main) {
        (Level::Act, _) if has_regressed => format!("{name} became slower."),
        (Level::Act, Some(main)) => format!("{name} needs work: {}.", printable(main)),
        (Level::Minor, Some(main)) => format!("{name} has a small problem: {}.", printable(main)),
        _ => format!("{name} shows nothing to fix."),
    };
    let sentences = [
        Some(headline.clone()),
        runs(context),
        trend(newest),
        cost(context),
        waste(context),
    ];
    let next = advice.iter().filter(|step| step.is_next == Some(true));
    let next_steps = next.map(|step| {
        let value = step.recommended_value.as_deref().unwrap_or_default();
        let reason = step.reason.as_deref().unwrap_or_default();
        format!("{reason} ({} = {value})", step.config_key)
    });
    Verdict {
        level,
        headline,
        summary: sentences
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        next_steps: next_steps.collect(),
    }
}

fn runs(context: &JobContext) -> Option<String> {
    let number = counted(context.num_runs, "run", "runs");
    let monthly = context.job.runs_per_year.map(|runs| runs / 12.0);
    Some(match monthly {
        Some(runs) => format!("The lake has {number} of it, about {runs:.0} a month."),
        None => format!("The lake has {number} of it; how often it runs is not known."),
    })
}

fn trend(newest: Option<&JobRun>) -> Option<String> {
    let run = newest?;
    let (ms, usual) = (run.duration_ms?, run.baseline_duration_ms?);
    let grown = run.duration_change_ratio?;
    let judged = match (run.is_regression, run.baseline_runs) {
        (Some(true), _) => "a regression",
        (Some(false), _) => "within its usual range",
        (None, _) => "too few earlier runs for a verdict",
    };
    Some(format!(
        "The newest ran {}, {} against a median of {}: {judged}.",
        duration(ms as f64),
        change(grown),
        duration(usual)
    ))
}

fn cost(context: &JobContext) -> Option<String> {
    let job = &context.job;
    let run = job.cost_usd_per_run?;
    let monthly = job.cost_usd_per_month;
    let monthly = monthly.map_or_else(String::new, |cost| format!(", {} a month", usd(cost)));
    let basis = job.cost_basis.as_deref().map(printable).unwrap_or_default();
    Some(format!("A run costs {}{monthly} ({basis}).", usd(run)))
}

fn waste(context: &JobContext) -> Option<String> {
    let job = &context.job;
    let ratio = job.wasted_ratio?;
    let largest = job.largest_waste.as_deref();
    let largest = largest.map_or_else(String::new, |part| {
        format!("; the largest part is {}", part_label(part).1)
    });
    Some(format!(
        "{} of its core time was wasted{largest}.",
        percent(ratio)
    ))
}
