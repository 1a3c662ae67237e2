//! The later sections of a report of an application: what was clean, what could not be checked, what
//! to do, what it costs, and how to check the result.

use super::application::{ApplicationReport, Cost, JobContext, Paste};
use super::pictures;
use super::rows::{Advice, CostRow};
use crate::model::{deployment_label, printable};
use crate::publish::numbers::{core_time, counted, duration, known, usd};
use crate::publish::page::{Block, Chart, Fact, Item, Section, Table, shown};

pub(super) fn clean(report: &ApplicationReport) -> Section {
    let section = Section::new("clean", "Checked and found clean");
    if report.clean.is_empty() {
        return section.with(Block::Text("Nothing.".to_owned()));
    }
    let mut table = Table::new(
        "Rules that looked and found nothing",
        &["Rule", "~Looks for", "~Measured", "~Reports from"],
    );
    for check in &report.clean {
        let measured = check.measured.as_ref();
        let measured = measured.map(|measure| format!("{}: {}", measure.label, measure.text()));
        let threshold = check.thresholds.first();
        let threshold = threshold.map_or_else(
            || "any case".to_owned(),
            |threshold| {
                format!(
                    "{}: {}",
                    printable(&threshold.description),
                    printable(&threshold.text())
                )
            },
        );
        let more = match check.thresholds.len() {
            0..=1 => String::new(),
            number => format!(" (+{})", number - 1),
        };
        table.row(
            "",
            [
                printable(&check.rule_id),
                printable(&check.title),
                measured.unwrap_or_default(),
                format!("{threshold}{more}"),
            ],
        );
    }
    section.with_some(table.block()).with(Block::Note(
        "A rule reports something when all its thresholds are passed; (+n) counts those that are not shown: \
         sparklake explain RULE lists them."
            .to_owned(),
    ))
}

pub(super) fn not_checked(report: &ApplicationReport) -> Section {
    let section = Section::new("not-checked", "What could not be checked");
    let mut table = Table::new(
        "What the history does not tell",
        &[
            "Not known",
            "~Why",
            "~How to see it next time",
            "~Rules that could not look",
        ],
    );
    for entry in &report.not_checked {
        let rules: Vec<String> = entry.rules.iter().map(|rule| printable(rule)).collect();
        table.row(
            "",
            [
                entry.what.clone(),
                entry.why.clone(),
                entry.how.clone(),
                rules.join(", "),
            ],
        );
    }
    match table.block() {
        Some(block) => section.with(block),
        None => section.with(Block::Text(
            "Nothing: all rules that apply could look.".to_owned(),
        )),
    }
}

pub(super) fn advice(report: &ApplicationReport) -> Section {
    let section = Section::new("advice", "What to do, in this order");
    if report.advice.is_empty() {
        return section.with(Block::Text("No rule advises a change.".to_owned()));
    }
    let items = report.advice.iter().map(advised).collect();
    let section = section.with(Block::Items(items));
    if report.paste.changes.is_empty() {
        return section.with(Block::Note(
            "None of this is a setting; all of it is a change of code or data.".to_owned(),
        ));
    }
    paste(section, "Options of spark-submit", &report.paste)
}

/// The section with the settings to paste, in each form that has any.
pub(super) fn paste(section: Section, spark_submit: &str, paste: &Paste) -> Section {
    let blocks = [
        (spark_submit, &paste.spark_submit),
        ("Lines of spark-defaults.conf", &paste.spark_defaults),
        ("Statements of the session that sets them", &paste.session),
    ];
    let blocks = blocks.into_iter().filter(|(_, text)| !text.is_empty());
    blocks.fold(section, |section, (caption, text)| {
        section.with(Block::Code {
            caption: caption.to_owned(),
            text: text.clone(),
        })
    })
}

fn advised(step: &Advice) -> Item {
    let facts = [
        step.saving_ms
            .filter(|saved| *saved > 0)
            .map(|saved| format!("saves {} of run time", duration(saved as f64))),
        step.saving_core_ms
            .filter(|saved| *saved > 0)
            .map(|saved| format!("{} of core time", core_time(saved as f64))),
        step.saving_usd.map(|saved| format!("{} a run", usd(saved))),
        Some(format!("{} confidence", step.confidence)),
        (step.num_findings > 1).then(|| counted(step.num_findings, "finding", "findings")),
    ];
    let setting = step
        .config_key
        .as_ref()
        .zip(step.config_recommended.as_ref());
    Item {
        rank: Some(step.rank),
        severity: step.severity.clone(),
        title: shown(step.recommendation.as_ref()),
        facts: facts.into_iter().flatten().collect(),
        texts: vec![format!("Because: {}", printable(&step.title))],
        setting: setting.map(|(key, value)| {
            (
                printable(key),
                shown(step.config_current.as_ref()),
                printable(value),
            )
        }),
        link: None,
    }
}

pub(super) fn cost(cost: &Cost) -> Section {
    let section = Section::new("cost", "Cost");
    let Some(now) = cost.now_usd else {
        let missing = cost.missing_price.as_deref().map(printable);
        let missing = missing.unwrap_or_else(|| "the core time of the run".to_owned());
        return section.with(Block::Text(format!(
            "The cost is not known. Missing: {missing}."
        )));
    };
    let basis = cost.basis.clone().unwrap_or_default();
    let where_run = format!(
        "{basis}: {}, {}",
        cost.deployment
            .as_deref()
            .map_or_else(|| shown(None), deployment_label),
        shown(cost.purchase.as_ref()).replace('_', " ")
    );
    let saved = cost.saving.saving_usd;
    let section = section.with(Block::Facts(vec![
        Fact::new("Now, per run", usd(now)).note(where_run),
        // What the advice saves may not be known: then neither is what a run costs after it.
        Fact::new(
            "With the advice followed",
            known(saved.and(cost.then_usd), usd),
        )
        .note(saved.map_or_else(String::new, |saved| format!("about {} less", usd(saved)))),
        Fact::new("Now, per month", known(cost.now_usd_per_month, usd)).note(
            match cost.runs_per_month {
                Some(runs) => format!("{runs:.1} runs per month"),
                None => "the lake has no two days of runs of this job".to_owned(),
            },
        ),
        Fact::new(
            "Then, per month",
            known(saved.and(cost.then_usd_per_month), usd),
        ),
    ]));
    let mut table = Table::new(
        "The same work elsewhere: executors and driver for the same time",
        &[
            "Where",
            "Bought",
            "Instance",
            "#vCPU hours",
            "#GB hours",
            "#Cost",
        ],
    );
    for other in cost
        .alternatives
        .iter()
        .filter(|row| row.cost_usd.is_some())
    {
        table.row("", alternative(other));
    }
    let prices = format!(
        "Prices: {}, {}.{}",
        shown(cost.price_source.as_ref()),
        shown(cost.price_date.as_ref()),
        if cost.is_assumed == Some(true) {
            " A discount or surcharge in it is assumed."
        } else {
            ""
        }
    );
    section.with_some(table.block()).with(Block::Note(prices))
}

fn alternative(row: &CostRow) -> [String; 6] {
    let hours = |hours: Option<f64>| known(hours, |hours| format!("{hours:.2}"));
    let assumed = if row.is_assumed == Some(true) {
        " (assumed)"
    } else {
        ""
    };
    [
        deployment_label(&row.deployment),
        format!(
            "{}{assumed}",
            shown(row.purchase.as_ref()).replace('_', " ")
        ),
        row.instance_type
            .as_deref()
            .map(printable)
            .unwrap_or_default(),
        hours(row.vcpu_hours),
        hours(row.memory_gb_hours),
        known(row.cost_usd, usd),
    ]
}

pub(super) fn trend(context: &JobContext) -> Option<Section> {
    if context.runs.len() < 2 {
        return None;
    }
    let title = format!("Runs of {}", printable(&context.job.job_key));
    let chart: Option<Chart> = pictures::runs(&context.runs);
    Some(Section::new("trend", &title).with_some(chart.map(Block::Chart)))
}

pub(super) fn check(report: &ApplicationReport) -> Option<Section> {
    if report.check.is_empty() {
        return None;
    }
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
    Some(section)
}
