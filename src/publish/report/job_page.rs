//! The report of a recurring job as a page.

use super::advice_page;
use super::job::JobReport;
use super::pictures;
use super::rows::JobAdvice;
use crate::model::{printable, shortened};
use crate::publish::numbers::{
    self, bytes, change, core_time, count, counted, duration, known, percent, usd,
};
use crate::publish::page::{Block, Fact, Item, Link, Page, Section, Table, severity, shown};

/// Runs that are listed, the newest.
const LISTED_RUNS: usize = 20;

/// The page.
pub(super) fn page(report: &JobReport) -> Page {
    let job = &report.job;
    let span = [job.first_run_at, job.last_run_at].map(|time| known(time, numbers::time));
    let mut sections = vec![
        verdict(report),
        facts(report),
        runs(report),
        bottlenecks(report),
        advice(report),
    ];
    if let Some(newest) = &report.newest_run {
        sections.push(
            Section::new("newest", "The newest run").with(Block::Text(format!(
                "{} More: sparklake report --app {}",
                newest.verdict.summary,
                printable(&newest.application.application_id)
            ))),
        );
        sections.push(advice_page::cost(&newest.cost));
    }
    sections.push(check(report));
    Page {
        title: printable(&job.job_key),
        subtitle: format!(
            "recurring job · {} · {} to {}",
            counted(report.num_runs, "run", "runs"),
            span[0],
            span[1]
        ),
        level: Some(report.verdict.level),
        siblings: Vec::new(),
        sections,
    }
}

fn verdict(report: &JobReport) -> Section {
    let verdict = &report.verdict;
    let rest = verdict
        .summary
        .strip_prefix(&verdict.headline)
        .unwrap_or_default();
    let section = Section::new("verdict", "Verdict").with(Block::Lead {
        first: verdict.headline.clone(),
        rest: rest.trim().to_owned(),
    });
    let items: Vec<Item> = verdict
        .next_steps
        .iter()
        .zip(1..)
        .map(|(step, rank)| Item {
            rank: Some(rank),
            title: printable(step),
            ..Item::default()
        })
        .collect();
    if items.is_empty() {
        return section;
    }
    section
        .with(Block::Text("Do next:".to_owned()))
        .with(Block::Items(items))
}

fn facts(report: &JobReport) -> Section {
    let job = &report.job;
    let month = known(job.cost_usd_per_month, usd);
    let year = known(job.cost_usd_per_year, usd);
    Section::new("job", "The job").with(Block::Facts(vec![
        Fact::new("Runs in the lake", count(report.num_runs))
            .note(known(job.runs_per_year.map(|runs| runs / 12.0), |runs| {
                format!("{runs:.1} a month")
            })),
        Fact::new(
            "Core time",
            known(job.core_time_ms, |ms| core_time(ms as f64)),
        )
        .note(known(job.wasted_ratio, |ratio| {
            format!("{} wasted", percent(ratio))
        })),
        Fact::new("Cost per run", known(job.cost_usd_per_run, usd))
            .note(known(job.wasted_usd_per_run, |wasted| {
                format!("{} of it wasted", usd(wasted))
            })),
        Fact::new("Cost per month", month).note(format!("{year} a year")),
    ]))
}

fn runs(report: &JobReport) -> Section {
    let listed = report.runs.len().saturating_sub(LISTED_RUNS);
    let newest = report.runs.get(listed..).unwrap_or_default();
    let caption = format!(
        "The newest {} of {}, oldest first",
        newest.len(),
        counted(report.num_runs, "run", "runs")
    );
    let mut table = Table::new(
        &caption,
        &[
            "Run",
            "Application",
            "Started",
            "#Ran",
            "#Against usual",
            "#Core time",
            "#Read",
            "#Cost",
            "Verdict",
        ],
    );
    for run in newest {
        let judged = match (run.is_regression, run.regression_cause.as_deref()) {
            (Some(true), cause) => format!(
                "regression: {}",
                printable(cause.unwrap_or("no cause known"))
            ),
            (Some(false), _) => "usual".to_owned(),
            (None, _) if run.is_comparable == Some(false) => "not comparable".to_owned(),
            (None, _) => "too few runs before".to_owned(),
        };
        let mark = if run.is_regression == Some(true) {
            "high"
        } else {
            ""
        };
        table.row(
            mark,
            [
                count(run.run_number),
                printable(&run.application_id),
                known(run.start_time, numbers::time),
                known(run.duration_ms, |ms| duration(ms as f64)),
                known(run.duration_change_ratio, change),
                known(run.core_time_ms, |ms| core_time(ms as f64)),
                known(run.input_bytes, |number| bytes(number as f64)),
                known(run.cost_usd, usd),
                judged,
            ],
        );
        table.link(1, Link::application(&run.application_id, &run.attempt_id));
    }
    Section::new("trend", "Runs and trend")
        .with_some(pictures::runs(&report.runs).map(Block::Chart))
        .with_some(table.block())
}

fn bottlenecks(report: &JobReport) -> Section {
    let section = Section::new("bottlenecks", "Bottlenecks over all runs");
    let items: Vec<Item> = report
        .bottlenecks
        .iter()
        .map(|found| {
            let lost = found.lost_core_ms.filter(|lost| *lost > 0);
            let facts = [
                Some(format!(
                    "in {} of {}",
                    count(found.num_runs),
                    counted(report.num_runs, "run", "runs")
                )),
                Some(format!("rule {}", printable(&found.rule_id))),
                lost.map(|lost| format!("{} of core time lost in all", core_time(lost as f64))),
                found
                    .confidence
                    .as_ref()
                    .map(|confidence| format!("{} confidence", printable(confidence))),
                Some(format!("seen last in {}", printable(&found.application_id))),
            ];
            Item {
                severity: severity(Some(found.severity_rank)).to_owned(),
                title: printable(&found.title),
                texts: found.evidence.iter().map(|text| printable(text)).collect(),
                facts: facts.into_iter().flatten().collect(),
                ..Item::default()
            }
        })
        .collect();
    if items.is_empty() {
        return section.with(Block::Text("The rules found none.".to_owned()));
    }
    section.with(Block::Items(items))
}

fn advice(report: &JobReport) -> Section {
    let section = Section::new("advice", "Settings to change, one at a time");
    if report.advice.is_empty() {
        return section.with(Block::Text("No setting is recommended.".to_owned()));
    }
    let items = report.advice.iter().map(advised).collect();
    let section = section.with(Block::Items(items));
    if report.paste.changes.is_empty() {
        return section;
    }
    let spark_submit = "Options of spark-submit, all that are proposed";
    advice_page::paste(section, spark_submit, &report.paste)
}

fn advised(step: &JobAdvice) -> Item {
    let saved = step.expected_saving_core_ms.filter(|saved| *saved > 0);
    let realized = step
        .realized_saving_ratio
        .map(|ratio| format!("later runs use {} core time", change(-ratio)));
    let facts = [
        Some(printable(&step.status)),
        (step.is_next == Some(true)).then(|| "the next to make".to_owned()),
        saved.map(|saved| format!("should save {} of core time a run", core_time(saved as f64))),
        step.expected_saving_usd
            .map(|saved| format!("{} a run", usd(saved))),
        realized,
        step.num_runs
            .filter(|runs| *runs > 0)
            .map(|runs| format!("asked for by {}", counted(runs, "run", "runs"))),
        step.confidence
            .as_ref()
            .map(|confidence| format!("{} confidence", printable(confidence))),
        step.risk
            .as_ref()
            .map(|risk| format!("{} risk", printable(risk))),
    ];
    Item {
        rank: step.step,
        title: shortened(&shown(step.reason.as_ref()), 400),
        facts: facts.into_iter().flatten().collect(),
        setting: step.recommended_value.as_ref().map(|value| {
            (
                printable(&step.config_key),
                shown(step.current_value.as_ref()),
                printable(value),
            )
        }),
        ..Item::default()
    }
}

fn check(report: &JobReport) -> Section {
    let mut section = Section::new("check", "How to check the result");
    for step in &report.check {
        section = section.with(Block::Text(step.what.clone()));
        if let Some(command) = &step.command {
            section = section.with(Block::Code {
                caption: String::new(),
                text: format!("{}\n", printable(command)),
            });
        }
    }
    section
}
