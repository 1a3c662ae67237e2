//! The report of a lake as a page.

use super::lake::{LakeReport, gap_label};
use super::pictures;
use crate::model::{part_label, printable, shortened};
use crate::publish::charts::{self, BarsChart, RunBar, Scale};
use crate::publish::numbers::{
    self, change, core_time, count, counted, duration, known, percent, times, usd,
};
use crate::publish::page::{Block, Chart, Fact, Item, Link, Page, Section, Table, shown};

/// The page.
pub(super) fn page(report: &LakeReport, lake: &str) -> Page {
    let totals = &report.totals;
    let mut subtitle = vec![printable(lake)];
    if let (Some(first), Some(last)) = (totals.first_start, totals.last_start) {
        subtitle.push(format!(
            "{} to {}",
            numbers::time(first),
            numbers::time(last)
        ));
    }
    let sections = match totals.num_applications {
        // There is nothing else to say about a lake without applications.
        0 => vec![verdict(report)],
        _ => vec![
            verdict(report),
            facts(report),
            jobs(report),
            waste(report),
            rules(report),
            trend(report),
            changes(report),
            candidates(report),
            gaps(report),
        ],
    };
    Page {
        title: "Lake report".to_owned(),
        subtitle: subtitle.join(" · "),
        level: Some(report.verdict.level),
        siblings: Vec::new(),
        sections,
    }
}

fn verdict(report: &LakeReport) -> Section {
    let verdict = &report.verdict;
    let rest = verdict
        .summary
        .strip_prefix(&verdict.headline)
        .unwrap_or_default();
    let section = Section::new("verdict", "Verdict").with(Block::Lead {
        first: verdict.headline.clone(),
        rest: rest.trim().to_owned(),
    });
    let steps = verdict.next_steps.iter().zip(&report.changes).zip(1..);
    let items: Vec<Item> = steps
        .map(|((step, change), rank)| Item {
            rank: Some(rank),
            title: step.clone(),
            link: Some(Link::job(&change.job_key)),
            ..Item::default()
        })
        .collect();
    if items.is_empty() {
        return section;
    }
    section
        .with(Block::Text("Change first:".to_owned()))
        .with(Block::Items(items))
}

fn facts(report: &LakeReport) -> Section {
    let totals = &report.totals;
    let unpriced = totals.num_unpriced.unwrap_or(0);
    Section::new("lake", "What the lake holds").with(Block::Facts(vec![
        Fact::new("Applications", count(totals.num_applications)).note(counted(
            totals.num_jobs,
            "recurring job or name",
            "recurring jobs or names",
        )),
        Fact::new("Core time", known(totals.core_time_ms, core_time)).note(
            totals
                .wasted_ratio
                .map_or_else(String::new, |ratio| format!("{} wasted", percent(ratio))),
        ),
        Fact::new("Cost", known(totals.cost_usd, usd)).note(match unpriced {
            0 => shown(totals.cost_basis.as_ref()),
            unpriced => format!(
                "{}; {} without a price",
                shown(totals.cost_basis.as_ref()),
                counted(unpriced, "application", "applications")
            ),
        }),
        Fact::new("Wasted", known(totals.wasted_usd, usd)).note(
            match (totals.wasted_usd, totals.cost_usd) {
                (Some(wasted), Some(cost)) if cost > 0.0 => {
                    format!("{} of the cost", percent(wasted / cost))
                }
                _ => String::new(),
            },
        ),
        Fact::new("Failed", known(totals.num_failed, count))
            .note("applications, in whole or in part"),
    ]))
}

fn jobs(report: &LakeReport) -> Section {
    let caption = format!(
        "{} of {}",
        report.jobs.len(),
        counted(report.num_jobs, "job", "jobs")
    );
    let mut table = Table::new(
        &caption,
        &[
            "Job",
            "#Runs",
            "#Cost",
            "#Per month",
            "#Wasted",
            "#Core time",
            "#Waste",
            "Largest waste",
        ],
    );
    for job in &report.jobs {
        table.row(
            "",
            [
                shortened(&printable(&job.job), 80),
                count(job.num_runs),
                known(job.cost_usd, usd),
                known(job.cost_usd_per_month, usd),
                known(job.wasted_usd, usd),
                known(job.core_time_ms, core_time),
                known(job.wasted_ratio, percent),
                job.largest_waste
                    .as_deref()
                    .map_or_else(String::new, |part| part_label(part).1.to_owned()),
            ],
        );
        if let Some(key) = &job.job_key {
            table.link(0, Link::job(key));
        }
        table.share(6, job.wasted_ratio);
    }
    let section = Section::new("jobs", "Jobs that cost most").with_some(table.block());
    section.with(Block::Note(
        "Cost per month is that at the observed frequency of runs; it is not known for less than two days of runs.".to_owned(),
    ))
}

fn waste(report: &LakeReport) -> Section {
    let whole: f64 = report
        .time_parts
        .iter()
        .filter_map(|part| part.core_ms)
        .sum();
    let mut parts = Table::new(
        "Parts of the core time; they add up to it",
        &["Part", "#Core time", "#Share", "#Cost"],
    );
    for part in &report.time_parts {
        let Some(time) = part.core_ms.filter(|time| *time > 0.0) else {
            continue;
        };
        parts.row(
            &format!("part-{}", part.part),
            [
                part_label(&part.part).0.to_owned(),
                core_time(time),
                percent(time / whole),
                known(part.usd, usd),
            ],
        );
        parts.share(2, Some(time / whole));
    }
    Section::new("waste", "Where the core time went")
        .with_some(pictures::core_time_parts(&report.time_parts).map(Block::Chart))
        .with_some(parts.block())
}

fn rules(report: &LakeReport) -> Section {
    let mut rules = Table::new(
        "By rule, the most core time first; findings overlap and do not add up",
        &[
            "Rule",
            "#Findings",
            "#Applications",
            "#Core time lost",
            "#Saving",
        ],
    );
    for rule in &report.findings {
        rules.row(
            "",
            [
                match rule.title.as_deref() {
                    Some(title) => shortened(&printable(title), 80),
                    None => printable(&rule.rule_id),
                },
                count(rule.num_findings),
                count(rule.num_applications),
                known(rule.lost_core_ms, core_time),
                known(rule.est_savings_usd, usd),
            ],
        );
        let findings = Link::to("/findings").with("rule", &rule.rule_id);
        rules.link(0, findings);
        rules.note(0, printable(&rule.rule_id));
    }
    let section = Section::new("rules", "What the rules found");
    match rules.block() {
        Some(table) => section.with(table),
        None => section.with(Block::Text("The rules found nothing.".to_owned())),
    }
}

/// The newest days by core time, or by cost where most of it has a price.
fn days_chart(report: &LakeReport, by_cost: bool) -> Option<Chart> {
    let bars: Vec<RunBar> = report
        .days
        .iter()
        .map(|day| RunBar {
            label: printable(&day.app_date),
            tip: format!(
                "{}: {}, {}, {}, {} wasted",
                printable(&day.app_date),
                counted(day.num_applications, "application", "applications"),
                known(day.core_time_ms, core_time),
                known(day.cost_usd, usd),
                known(day.wasted_ratio, percent)
            ),
            value: if by_cost {
                day.cost_usd
            } else {
                day.core_time_ms
            },
            wasted: if by_cost {
                day.wasted_usd
            } else {
                day.wasted_core_ms
            },
            ..RunBar::default()
        })
        .collect();
    let (what, scale) = match by_cost {
        true => ("Cost", Scale::Usd),
        false => ("Core time", Scale::CoreTime),
    };
    let says = format!(
        "{what} of the newest {}, and how much of it was wasted.",
        counted(bars.len() as i64, "day", "days")
    );
    let svg = charts::bars(&BarsChart {
        title: &says,
        bars: &bars,
        baseline: None,
        scale,
    })?;
    Some(Chart {
        title: format!("{what} by day"),
        says,
        svg,
        legend: vec![("plain", "useful"), ("warning", "wasted")],
    })
}

fn trend(report: &LakeReport) -> Section {
    let cost = days_chart(report, true);
    let chart = days_chart(report, false);
    let mut days = Table::new(
        "The newest days",
        &[
            "Day",
            "#Applications",
            "#Core time",
            "#Waste",
            "#Cost",
            "#Wasted",
        ],
    );
    for day in report.days.iter().rev().take(10) {
        days.row(
            "",
            [
                printable(&day.app_date),
                count(day.num_applications),
                known(day.core_time_ms, core_time),
                known(day.wasted_ratio, percent),
                known(day.cost_usd, usd),
                known(day.wasted_usd, usd),
            ],
        );
        days.share(3, day.wasted_ratio);
    }
    let mut slower = Table::new(
        "Jobs that became slower",
        &[
            "Job",
            "Run",
            "#Ran",
            "#Usual",
            "#Change",
            "#Input",
            "Most likely cause",
        ],
    );
    for run in &report.regressions {
        slower.row(
            "high",
            [
                printable(&run.job_key),
                printable(&run.application_id),
                known(run.duration_ms, |ms| duration(ms as f64)),
                known(run.baseline_duration_ms, duration),
                known(run.duration_change_ratio, change),
                known(run.input_change_ratio, change),
                shown(run.regression_cause.as_ref()),
            ],
        );
        slower.link(0, Link::job(&run.job_key));
        slower.link(1, Link::application(&run.application_id, ""));
    }
    let section = Section::new("trend", "Trend")
        .with_some(cost.map(Block::Chart))
        .with_some(chart.map(Block::Chart))
        .with_some(days.block());
    match slower.block() {
        Some(block) => section.with(block),
        None => section.with(Block::Text(
            "No job became slower than its earlier runs, as far as three or more of them tell."
                .to_owned(),
        )),
    }
}

fn changes(report: &LakeReport) -> Section {
    let items: Vec<Item> = report
        .changes
        .iter()
        .zip(1..)
        .map(|(next, rank)| {
            let saved = next.expected_saving_core_ms.filter(|saved| *saved > 0);
            let facts = [
                saved.map(|saved| {
                    format!("should save {} of core time a run", core_time(saved as f64))
                }),
                next.expected_saving_ratio
                    .map(|ratio| format!("{} of the run", percent(ratio))),
                next.expected_saving_usd
                    .map(|saved| format!("{} a run", usd(saved))),
                next.confidence
                    .as_ref()
                    .map(|confidence| format!("{} confidence", printable(confidence))),
            ];
            Item {
                rank: Some(rank),
                title: printable(&next.job_key),
                link: Some(Link::job(&next.job_key)),
                texts: vec![shown(next.reason.as_ref())],
                facts: facts.into_iter().flatten().collect(),
                setting: next.recommended_value.as_ref().map(|value| {
                    (
                        printable(&next.config_key),
                        shown(next.current_value.as_ref()),
                        printable(value),
                    )
                }),
                ..Item::default()
            }
        })
        .collect();
    let section = Section::new("changes", "The next change of each job");
    if items.is_empty() {
        return section.with(Block::Text("No setting is recommended.".to_owned()));
    }
    section.with(Block::Items(items))
}

fn candidates(report: &LakeReport) -> Section {
    let candidates = &report.candidates;
    let mut photon = Table::new(
        "Photon",
        &[
            "Job",
            "#Runs",
            "#Supported",
            "#Speedup",
            "#Task time",
            "Candidate",
            "Spark would keep",
        ],
    );
    for job in &candidates.photon {
        let speed = match (job.speedup_low, job.speedup_high) {
            (Some(low), Some(high)) => format!("{low:.1} to {}", times(high)),
            _ => numbers::NOT_KNOWN.to_owned(),
        };
        photon.row(
            "",
            [
                shown(job.job.as_ref()),
                count(job.num_runs),
                known(job.supported_ratio, percent),
                speed,
                known(job.task_time_ms, core_time),
                shown(job.candidate.as_ref()),
                job.blockers.as_deref().map(printable).unwrap_or_default(),
            ],
        );
    }
    let mut spot = Table::new(
        "Spot instances: short tasks, no executor lost",
        &[
            "Job",
            "#Runs",
            "#On demand",
            "#Saving",
            "#In tasks over 2 min",
        ],
    );
    for job in &candidates.spot {
        spot.row(
            "",
            [
                printable(&job.job),
                count(job.num_runs),
                known(job.on_demand_usd, usd),
                known(job.saving_usd, usd),
                known(job.long_task_ratio, percent),
            ],
        );
        spot.link(0, Link::job(&job.job));
    }
    let mut serverless = Table::new(
        "EMR Serverless rather than instances",
        &["Job", "#Runs", "#Instances", "#Serverless", "#Saving"],
    );
    for job in &candidates.serverless {
        serverless.row(
            "",
            [
                printable(&job.job),
                count(job.num_runs),
                known(job.instances_usd, usd),
                known(job.serverless_usd, usd),
                known(job.saving_usd, usd),
            ],
        );
        serverless.link(0, Link::job(&job.job));
    }
    let mut section = Section::new("candidates", "Candidates for another way to run");
    for (table, none) in [
        (photon, "No job would gain from Photon."),
        (spot, "No job is known to suit spot instances."),
        (serverless, "No job would cost less on EMR Serverless."),
    ] {
        section = section.with(
            table
                .block()
                .unwrap_or_else(|| Block::Text(none.to_owned())),
        );
    }
    section
}

fn gaps(report: &LakeReport) -> Section {
    let section = Section::new("gaps", "Gaps in the data");
    let mut table = Table::new(
        "What the lake does not know",
        &["Gap", "~Detail", "~Example"],
    );
    for gap in &report.gaps {
        table.row(
            "",
            [
                gap_label(gap),
                shortened(&shown(gap.detail.as_ref()), 200),
                shown(gap.example.as_ref()),
            ],
        );
    }
    match table.block() {
        Some(block) => section.with(block),
        None => section.with(Block::Text("None is known.".to_owned())),
    }
}
