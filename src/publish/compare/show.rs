//! A comparison as a page.

use super::{ComparedRun, Comparison, FindingChange, Setting, StagePair};
use crate::model::{printable, shortened};
use crate::publish::charts::{self, Pair};
use crate::publish::numbers::{self, duration, known, relation, with_unit};
use crate::publish::page::{Block, Chart, Link, Page, Section, Table};

/// How many rows of the longer tables are shown; JSON has all.
const MOST_STAGES: usize = 15;
const MOST_OTHER_SETTINGS: usize = 10;
const MOST_FINDINGS: usize = 20;
const MOST_OPERATORS: usize = 20;
/// Longest name and longest value, in characters.
const LONGEST_NAME: usize = 60;
const LONGEST_VALUE: usize = 160;

pub(super) fn page(comparison: &Comparison) -> Page {
    let (a, b) = (&comparison.a, &comparison.b);
    let [name_a, name_b] = [a, b].map(name);
    let title = match name_a == name_b {
        true => format!("Two runs of {name_a}"),
        false => format!("{name_a} and {name_b}"),
    };
    Page {
        title: shortened(&title, 2 * LONGEST_NAME),
        subtitle: printable(&format!("A {} · B {}", a.application_id, b.application_id)),
        sections: vec![
            verdict(comparison),
            metrics(comparison),
            settings(&comparison.settings),
            stages(comparison),
            operators(comparison),
            findings(&comparison.findings),
        ]
        .into_iter()
        .filter(|section| !section.blocks.is_empty())
        .collect(),
        ..Page::default()
    }
}

/// `2026-11-26T05:30:17.728Z` as the other pages write it.
fn started(time: Option<&str>) -> String {
    let time = time.unwrap_or_default();
    match chrono::DateTime::parse_from_rfc3339(time) {
        Ok(known) => numbers::time(known.to_utc()),
        Err(_) => printable(time),
    }
}

fn name(run: &ComparedRun) -> String {
    let name = run.application_name.as_ref();
    printable(name.unwrap_or(&run.application_id))
}

fn verdict(comparison: &Comparison) -> Section {
    let mut table = Table::new(
        "The runs",
        &["Run", "Application", "Spark", "Started", "Cluster", "State"],
    );
    for (letter, run) in [("A", &comparison.a), ("B", &comparison.b)] {
        let text = |value: &Option<String>| value.as_deref().map(printable).unwrap_or_default();
        let (mark, state) = match (&run.failure_reason, run.complete) {
            (Some(_), _) => ("high", "failed"),
            (None, Some(false)) => ("", "no end in its event log"),
            _ => ("", "ended"),
        };
        table.row(
            mark,
            [
                letter.to_owned(),
                name(run),
                text(&run.spark_version),
                started(run.start_time.as_deref()),
                printable(&run.cluster_name),
                state.to_owned(),
            ],
        );
        table.link(1, Link::application(&run.application_id, &run.attempt_id));
        let attempt = match run.attempt_id.as_str() {
            "0" => String::new(),
            attempt => format!(" attempt {attempt}"),
        };
        table.note(1, printable(&format!("{}{attempt}", run.application_id)));
    }
    let verdict = printable(&comparison.verdict);
    let (first, rest) = verdict.split_once(". ").unwrap_or((&verdict, ""));
    let stop = if rest.is_empty() { "" } else { "." };
    Section::new("verdict", "Verdict")
        .with(Block::Lead {
            first: format!("{first}{stop}"),
            rest: rest.to_owned(),
        })
        .with_some(table.block())
}

fn metrics(comparison: &Comparison) -> Section {
    let mut table = Table::new("Both runs in numbers", &["Measure", "#A", "#B", "#Change"]);
    for metric in &comparison.metrics {
        // What neither run has or did needs no line.
        let is_shown = |value: &Option<f64>| value.is_some_and(|value| value != 0.0);
        if ![metric.a, metric.b].iter().any(is_shown) {
            continue;
        }
        let value = |value: Option<f64>| known(value, |value| with_unit(value, &metric.unit));
        table.row(
            "",
            [
                printable(&metric.title),
                value(metric.a),
                value(metric.b),
                relation(metric.a, metric.b),
            ],
        );
    }
    Section::new("numbers", "In numbers").with_some(table.block())
}

fn settings(settings: &[Setting]) -> Section {
    let section = Section::new("settings", "Settings that differ");
    if settings.is_empty() {
        let none = "None but names, places, ids and times.";
        return section.with(Block::Text(none.to_owned()));
    }
    let (tuning, others): (Vec<&Setting>, Vec<&Setting>) =
        settings.iter().partition(|setting| setting.is_tuning);
    let hidden = others.len().saturating_sub(MOST_OTHER_SETTINGS);
    let mut table = Table::new(
        "Those that decide how fast it runs first",
        &["Setting", "A", "B"],
    );
    let from = |origin: &Option<String>| match origin.as_deref() {
        Some("session") => " (session)",
        _ => "",
    };
    for setting in tuning.iter().chain(others.iter().take(MOST_OTHER_SETTINGS)) {
        let value = |value: &str, origin| {
            let value = shortened(&printable(value), LONGEST_VALUE);
            format!("{value}{}", from(origin))
        };
        table.row(
            "",
            [
                printable(&setting.key),
                value(&setting.in_a(), &setting.origin_a),
                value(&setting.in_b(), &setting.origin_b),
            ],
        );
    }
    section
        .with_some(table.block())
        .with_some(more(hidden, "setting", "settings"))
}

fn stages(comparison: &Comparison) -> Section {
    let stages = &comparison.stages;
    let section = Section::new("stages", "Stages");
    if stages.is_empty() {
        return section.with(Block::Text("Neither run has a stage.".to_owned()));
    }
    let mut table = Table::new(
        "Stages, those that changed most first",
        &[
            "A",
            "B",
            "Stage",
            "Matched by",
            "#Ran in A",
            "#Ran in B",
            "#Change",
            "#Tasks",
            "#Spilled",
            "#Shuffled",
        ],
    );
    for pair in stages.iter().take(MOST_STAGES) {
        table.row("", stage_row(pair));
        for (column, run, stage) in [
            (0, &comparison.a, pair.stage_id_a),
            (1, &comparison.b, pair.stage_id_b),
        ] {
            if let Some(stage) = stage {
                let link = Link::of("/stage", &run.application_id, &run.attempt_id);
                table.link(column, link.with("stage", stage));
            }
        }
    }
    section
        .with_some(picture(stages).map(Block::Chart))
        .with_some(table.block())
        .with_some(more(
            stages.len().saturating_sub(MOST_STAGES),
            "stage",
            "stages",
        ))
}

/// How long the stages that changed most ran in both runs.
fn picture(stages: &[StagePair]) -> Option<Chart> {
    let shown = stages.iter().take(MOST_STAGES);
    let pairs: Vec<Pair> = shown
        .map(|pair| Pair {
            label: pair.name(),
            a: pair.duration_ms_a.map(|ms| ms as f64),
            b: pair.duration_ms_b.map(|ms| ms as f64),
        })
        .collect();
    let says = "The stages that changed most, A above B.".to_owned();
    Some(Chart {
        title: "Time of the stages".to_owned(),
        svg: charts::pairs(&says, &pairs, duration)?,
        says,
        legend: vec![("quiet", "A"), ("plain", "B")],
    })
}

fn stage_row(pair: &StagePair) -> [String; 10] {
    let id = |id: Option<i64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let text = |value: Option<i64>, unit: &str| {
        value.map_or_else(|| "-".to_owned(), |value| with_unit(value as f64, unit))
    };
    let both = |a: Option<i64>, b: Option<i64>, unit: &str| match (text(a, unit), text(b, unit)) {
        (a, b) if a == b => a,
        (a, b) => format!("{a} → {b}"),
    };
    let number = |value: Option<i64>| value.map(|value| value as f64);
    let sum = |read: Option<i64>, written: Option<i64>| Some(read?.saturating_add(written?));
    [
        id(pair.stage_id_a),
        id(pair.stage_id_b),
        shortened(
            &printable(pair.stage_name.as_deref().unwrap_or_default()),
            LONGEST_NAME,
        ),
        match pair.matched_by.as_deref() {
            Some("call_site") => "call site".to_owned(),
            Some(by) => printable(by),
            None => "no partner".to_owned(),
        },
        text(pair.duration_ms_a, "ms"),
        text(pair.duration_ms_b, "ms"),
        relation(number(pair.duration_ms_a), number(pair.duration_ms_b)),
        both(pair.num_tasks_a, pair.num_tasks_b, "count"),
        both(
            pair.disk_bytes_spilled_a,
            pair.disk_bytes_spilled_b,
            "bytes",
        ),
        both(
            sum(pair.shuffle_read_bytes_a, pair.shuffle_write_bytes_a),
            sum(pair.shuffle_read_bytes_b, pair.shuffle_write_bytes_b),
            "bytes",
        ),
    ]
}

fn operators(comparison: &Comparison) -> Section {
    let operators = &comparison.operators;
    let mut table = Table::new("How often each plan has them", &["Operator", "#A", "#B"]);
    for operator in operators.iter().take(MOST_OPERATORS) {
        table.row(
            "",
            [
                printable(&operator.operator),
                numbers::count(operator.num_a),
                numbers::count(operator.num_b),
            ],
        );
    }
    Section::new("operators", "Operators of the plans that differ in number")
        .with_some(table.block())
        .with_some(more(
            operators.len().saturating_sub(MOST_OPERATORS),
            "operator",
            "operators",
        ))
}

fn findings(findings: &[FindingChange]) -> Section {
    let (same, changed): (Vec<&FindingChange>, Vec<&FindingChange>) = findings
        .iter()
        .partition(|finding| finding.change == "same");
    let mut table = Table::new(
        "Findings of B against those of A",
        &["Change", "Severity", "Rule", "#Number", "~Evidence"],
    );
    for finding in changed.iter().take(MOST_FINDINGS) {
        let (severity, evidence) = match finding.num_b > 0 {
            true => (&finding.severity_b, &finding.evidence_b),
            false => (&finding.severity_a, &finding.evidence_a),
        };
        let evidence = evidence.as_deref().or(finding.title.as_deref());
        let severity = severity.as_deref().map(printable).unwrap_or_default();
        table.row(
            &severity,
            [
                printable(&finding.change),
                severity.clone(),
                printable(&finding.rule_id),
                format!("{} → {}", finding.num_a, finding.num_b),
                printable(evidence.unwrap_or_default()),
            ],
        );
    }
    let mut section = Section::new("findings", "Findings that came or went");
    section = match table.block() {
        Some(block) => section.with(block),
        None => section.with(Block::Text("None.".to_owned())),
    };
    section = section.with_some(more(
        changed.len().saturating_sub(MOST_FINDINGS),
        "finding",
        "findings",
    ));
    if same.is_empty() {
        return section;
    }
    let rules: Vec<String> = same
        .iter()
        .map(|finding| printable(&finding.rule_id))
        .collect();
    section.with(Block::Note(format!(
        "As often in both: {}.",
        rules.join(", ")
    )))
}

/// Says how many rows are left out.
fn more(number: usize, one: &str, many: &str) -> Option<Block> {
    let noun = if number == 1 { one } else { many };
    (number > 0).then(|| {
        Block::Note(format!(
            "{number} more {noun}: see sparklake compare --format json."
        ))
    })
}
