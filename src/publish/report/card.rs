//! An application on a card: at most [`MAX_BYTES`] of JSON, for the prompt of a language model.

use serde::Serialize;

use super::application::ApplicationReport;
use super::error::ReportError;
use crate::model::{printable, shortened};

/// Most bytes of a card.
pub const MAX_BYTES: usize = 2_048;
/// Longest texts, tried one after the other until the card fits.
const LONGEST_TEXTS: [usize; 5] = [260, 180, 120, 80, 40];
/// Findings on a card, if they fit.
const MOST_FINDINGS: usize = 5;

/// What is on the card. Numbers that are not known are left out.
#[derive(Serialize)]
struct Card {
    application_id: String,
    name: Option<String>,
    job_key: Option<String>,
    level: crate::publish::page::Level,
    verdict: String,
    numbers: Numbers,
    findings: Vec<CardFinding>,
    #[serde(skip_serializing_if = "is_zero")]
    more_findings: i64,
    do_first: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    not_checked: i64,
}

#[derive(Serialize)]
struct Numbers {
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    core_time_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wasted_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saving_core_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_tasks: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_failed_tasks: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shuffle_read_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_bytes_spilled: Option<i64>,
}

#[derive(Serialize)]
struct CardFinding {
    rule: String,
    severity: String,
    subject: String,
    evidence: String,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// The card, on one line.
///
/// # Errors
/// It cannot be written as JSON.
pub(super) fn write(report: &ApplicationReport) -> Result<String, ReportError> {
    let mut card = String::new();
    for longest in LONGEST_TEXTS {
        for findings in (0..=MOST_FINDINGS).rev() {
            card = serde_json::to_string(&of(report, longest, findings))?;
            // The line end counts too.
            if card.len() < MAX_BYTES {
                card.push('\n');
                return Ok(card);
            }
            // Shorter texts come before fewer than three findings.
            if findings == 3 && longest > 40 {
                break;
            }
        }
    }
    Ok(card)
}

fn of(report: &ApplicationReport, longest: usize, findings: usize) -> Card {
    let text = |text: &str| shortened(&printable(text), longest);
    let name = |text: &str| shortened(&printable(text), longest.min(80));
    let run = &report.application;
    let shown: Vec<CardFinding> = report
        .bottlenecks
        .iter()
        .take(findings)
        .map(|found| CardFinding {
            rule: name(&found.rule_id),
            severity: found.severity.clone(),
            subject: name(&format!("{} {}", found.subject_type, found.subject_id)),
            evidence: text(found.evidence.as_deref().unwrap_or(&found.title)),
        })
        .collect();
    Card {
        application_id: name(&run.application_id),
        name: run.application_name.as_deref().map(name),
        job_key: run.job_key.as_deref().map(name),
        level: report.verdict.level,
        verdict: text(&report.verdict.headline),
        numbers: Numbers {
            duration_ms: run.duration_ms,
            core_time_ms: run.core_time_ms,
            wasted_ratio: run.wasted_ratio.map(|ratio| (ratio * 1e4).round() / 1e4),
            cost_usd: report.cost.now_usd.map(|cost| (cost * 1e6).round() / 1e6),
            saving_core_ms: report.cost.saving.saving_core_ms,
            num_tasks: run.num_tasks,
            num_failed_tasks: run.num_failed_tasks,
            input_bytes: run.input_bytes,
            shuffle_read_bytes: run.shuffle_read_bytes,
            disk_bytes_spilled: run.disk_bytes_spilled,
        },
        more_findings: report.num_bottlenecks - shown.len() as i64,
        findings: shown,
        do_first: report
            .verdict
            .next_steps
            .iter()
            .take(2)
            .map(|step| text(step))
            .collect(),
        not_checked: report.not_checked.len() as i64,
    }
}
