//! A comparison as a document for people.

use super::super::document::{Document, change, known_or_not, with_unit};
use super::{ComparedRun, Comparison, FindingChange, Setting, StagePair};

/// How many rows of the longer tables are shown; JSON has all.
const MOST_STAGES: usize = 15;
const MOST_OTHER_SETTINGS: usize = 10;
const MOST_FINDINGS: usize = 20;
const MOST_OPERATORS: usize = 20;

pub(super) fn document(comparison: &Comparison) -> Document {
    let mut document = Document::default();
    document
        .title(&format!(
            "{} and {}",
            comparison.a.application_id, comparison.b.application_id
        ))
        .paragraph(&comparison.verdict);
    runs(&mut document, comparison);
    metrics(&mut document, comparison);
    settings(&mut document, &comparison.settings);
    stages(&mut document, &comparison.stages);
    operators(&mut document, comparison);
    findings(&mut document, &comparison.findings);
    document
}

fn runs(document: &mut Document, comparison: &Comparison) {
    let row = |name: &str, run: &ComparedRun| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            name.to_owned(),
            run.application_id.clone(),
            run.attempt_id.clone(),
            text(&run.application_name),
            text(&run.spark_version),
            text(&run.start_time),
            run.cluster_name.clone(),
            match (&run.failure_reason, run.complete) {
                (Some(_), _) => "failed",
                (None, Some(false)) => "no end in its history",
                _ => "ended",
            }
            .to_owned(),
        ]
    };
    document.table(
        &[
            "run",
            "application",
            "attempt",
            "name",
            "Spark",
            "start",
            "cluster",
            "state",
        ],
        vec![row("A", &comparison.a), row("B", &comparison.b)],
    );
}

fn metrics(document: &mut Document, comparison: &Comparison) {
    let rows = comparison.metrics.iter().filter(|metric| {
        // What neither run has or did needs no line.
        [metric.a, metric.b]
            .iter()
            .any(|value| value.is_some_and(|value| value != 0.0))
    });
    let rows = rows.map(|metric| {
        vec![
            metric.title.clone(),
            known_or_not(metric.a, &metric.unit),
            known_or_not(metric.b, &metric.unit),
            change(metric.a, metric.b),
        ]
    });
    document
        .heading("In numbers")
        .table(&["", "A", "B", "change"], rows.collect());
}

fn settings(document: &mut Document, settings: &[Setting]) {
    document.heading("Settings that differ");
    if settings.is_empty() {
        document.paragraph("None but names, places, ids and times.");
        return;
    }
    let (tuning, others): (Vec<&Setting>, Vec<&Setting>) =
        settings.iter().partition(|setting| setting.is_tuning);
    let hidden = others.len().saturating_sub(MOST_OTHER_SETTINGS);
    let shown = tuning.iter().chain(others.iter().take(MOST_OTHER_SETTINGS));
    let from = |origin: &Option<String>| match origin.as_deref() {
        Some("session") => " (session)",
        _ => "",
    };
    let rows = shown.map(|setting| {
        vec![
            setting.key.clone(),
            format!("{}{}", setting.in_a(), from(&setting.origin_a)),
            format!("{}{}", setting.in_b(), from(&setting.origin_b)),
        ]
    });
    document.table(&["setting", "A", "B"], rows.collect());
    more(document, hidden, "setting", "settings");
}

fn stages(document: &mut Document, stages: &[StagePair]) {
    document.heading("Stages, those that changed most first");
    if stages.is_empty() {
        document.paragraph("Neither run has a stage.");
        return;
    }
    let rows = stages.iter().take(MOST_STAGES).map(stage_row);
    document.table(
        &[
            "A",
            "B",
            "matched by",
            "stage",
            "duration A",
            "duration B",
            "change",
            "tasks",
            "spill to disk",
            "shuffle",
        ],
        rows.collect(),
    );
    more(
        document,
        stages.len().saturating_sub(MOST_STAGES),
        "stage",
        "stages",
    );
}

fn stage_row(pair: &StagePair) -> Vec<String> {
    let id = |id: Option<i64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let both = |a: Option<i64>, b: Option<i64>, unit: &str| {
        let text = |value: Option<i64>| {
            value.map_or_else(|| "-".to_owned(), |value| with_unit(value as f64, unit))
        };
        match (text(a), text(b)) {
            (a, b) if a == b => a,
            (a, b) => format!("{a} → {b}"),
        }
    };
    let number = |value: Option<i64>| value.map(|value| value as f64);
    let shown = |value: Option<i64>| {
        value.map_or_else(|| "-".to_owned(), |value| with_unit(value as f64, "ms"))
    };
    let sum = |read: Option<i64>, written: Option<i64>| Some(read?.saturating_add(written?));
    vec![
        id(pair.stage_id_a),
        id(pair.stage_id_b),
        match pair.matched_by.as_deref() {
            Some("call_site") => "call site".to_owned(),
            Some(by) => by.to_owned(),
            None => "no partner".to_owned(),
        },
        pair.stage_name.clone().unwrap_or_default(),
        shown(pair.duration_ms_a),
        shown(pair.duration_ms_b),
        change(number(pair.duration_ms_a), number(pair.duration_ms_b)),
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

fn operators(document: &mut Document, comparison: &Comparison) {
    let operators = &comparison.operators;
    if operators.is_empty() {
        return;
    }
    let rows = operators.iter().take(MOST_OPERATORS).map(|operator| {
        vec![
            operator.operator.clone(),
            operator.num_a.to_string(),
            operator.num_b.to_string(),
        ]
    });
    document
        .heading("Operators of the plans that differ in number")
        .table(&["operator", "A", "B"], rows.collect());
    more(
        document,
        operators.len().saturating_sub(MOST_OPERATORS),
        "operator",
        "operators",
    );
}

fn findings(document: &mut Document, findings: &[FindingChange]) {
    document.heading("Findings that came or went");
    let (same, changed): (Vec<&FindingChange>, Vec<&FindingChange>) = findings
        .iter()
        .partition(|finding| finding.change == "same");
    if changed.is_empty() {
        document.paragraph("None.");
    }
    let rows = changed.iter().take(MOST_FINDINGS).map(|finding| {
        let of_b = finding.num_b > 0;
        let severity = if of_b {
            &finding.severity_b
        } else {
            &finding.severity_a
        };
        let evidence = if of_b {
            &finding.evidence_b
        } else {
            &finding.evidence_a
        };
        vec![
            finding.change.clone(),
            severity.clone().unwrap_or_default(),
            finding.rule_id.clone(),
            format!("{} → {}", finding.num_a, finding.num_b),
            evidence
                .clone()
                .or_else(|| finding.title.clone())
                .unwrap_or_default(),
        ]
    });
    document.table(
        &["", "severity", "rule", "number", "evidence"],
        rows.collect(),
    );
    more(
        document,
        changed.len().saturating_sub(MOST_FINDINGS),
        "finding",
        "findings",
    );
    if !same.is_empty() {
        let rules: Vec<&str> = same
            .iter()
            .map(|finding| finding.rule_id.as_str())
            .collect();
        document.paragraph(&format!("As often in both: {}.", rules.join(", ")));
    }
}

/// Says how many rows are left out.
fn more(document: &mut Document, number: usize, one: &str, many: &str) {
    if number > 0 {
        let noun = if number == 1 { one } else { many };
        document.paragraph(&format!("{number} more {noun}: see --format json."));
    }
}
