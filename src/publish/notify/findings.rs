//! The findings of a night: a message that people read in a chat and programs read as JSON.

use std::fmt::Write;

use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::publish::{Facts, PublishError};

/// Longest text of a finding, in characters.
const LONGEST: usize = 500;
/// Lines about findings in the text for people.
const LINES: usize = 5;

/// A finding as a message has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns of the view finding_details")]
pub struct Finding {
    pub platform: String,
    pub cluster_id: String,
    pub application_id: String,
    pub attempt_id: String,
    #[serde(default)]
    pub application_name: Option<String>,
    #[serde(default)]
    pub job_key: Option<String>,
    #[serde(default)]
    pub team: Option<String>,
    pub severity: String,
    pub confidence: String,
    pub rule_id: String,
    pub subject_type: String,
    pub subject_id: String,
    pub title: String,
    pub evidence: String,
    #[serde(default)]
    pub recommendation: Option<String>,
    #[serde(default)]
    pub config_key: Option<String>,
    #[serde(default)]
    pub config_current: Option<String>,
    #[serde(default)]
    pub config_recommended: Option<String>,
    #[serde(default)]
    pub lost_core_ms: Option<i64>,
    #[serde(default)]
    pub est_savings_usd: Option<f64>,
}

/// What the applications of a run are found to do wrong.
#[derive(Debug, Clone, Default)]
pub struct NightFindings {
    /// Severity and number.
    pub by_severity: Vec<(String, i64)>,
    /// Those that are listed.
    pub listed: Vec<Finding>,
}

#[derive(Deserialize)]
struct Severity {
    severity: String,
    findings: i64,
}

/// Reads the findings of the applications that a run loaded: the number of all, and at most `limit` of
/// those from level `min_severity` on (0 info, 4 critical).
///
/// # Errors
/// The lake cannot be asked.
pub async fn read(
    facts: &Facts<'_>,
    run_id: &str,
    min_severity: i64,
    limit: usize,
) -> Result<NightFindings, PublishError> {
    let run = ScalarValue::from(run_id);
    let severities: Vec<Severity> = facts
        .rows("runs", "night_severities", &[("run_id", run.clone())])
        .await?;
    let given = [
        ("run_id", run),
        ("min_severity", ScalarValue::from(min_severity)),
        (
            "limit",
            ScalarValue::from(i64::try_from(limit).unwrap_or(i64::MAX)),
        ),
    ];
    let listed: Vec<Finding> = facts.rows("runs", "night_findings", &given).await?;
    Ok(NightFindings {
        by_severity: severities
            .into_iter()
            .map(|row| (row.severity, row.findings))
            .collect(),
        listed: listed.into_iter().map(shortened).collect(),
    })
}

/// The message, which is a JSON object. Its `text` is for people; chats that take `{"text": …}` show it.
#[derive(Debug, Serialize)]
struct Message<'m> {
    text: String,
    version: u8,
    #[serde(flatten)]
    outcome: &'m Outcome,
    findings_by_severity: serde_json::Map<String, serde_json::Value>,
    findings: &'m [Finding],
}

/// The message about a run.
#[must_use]
pub fn message(outcome: &Outcome, found: &NightFindings) -> serde_json::Value {
    let message = Message {
        text: text(outcome, found),
        version: 1,
        outcome,
        findings_by_severity: found
            .by_severity
            .iter()
            .map(|(severity, count)| (severity.clone(), (*count).into()))
            .collect(),
        findings: &found.listed,
    };
    // Texts, numbers and names as keys always make JSON.
    serde_json::to_value(message).unwrap_or_default()
}

/// What happened, in a few lines.
fn text(outcome: &Outcome, found: &NightFindings) -> String {
    let mut text = format!("sparklake {}: {}", outcome.lake, outcome.status);
    // Writing to a String cannot fail.
    if let Some(error) = &outcome.error {
        let _ = write!(text, ". {error}");
    }
    let read: usize = outcome
        .histories
        .iter()
        .filter(|(name, _)| matches!(*name, "loaded" | "partial"))
        .map(|(_, count)| count)
        .sum();
    let all: i64 = found.by_severity.iter().map(|(_, count)| count).sum();
    let _ = write!(text, "\n{read} applications loaded, {all} findings");
    if outcome.problem_count > 0 {
        let _ = write!(text, ", {} problems", outcome.problem_count);
    }
    for finding in found.listed.iter().take(LINES) {
        let name = finding.application_name.as_deref();
        let _ = write!(
            text,
            "\n{}: {} ({}): {}",
            finding.severity,
            name.unwrap_or(&finding.application_id),
            finding.title,
            finding.evidence
        );
    }
    let left = found.listed.len().saturating_sub(LINES);
    if left > 0 {
        let _ = write!(text, "\nand {left} more");
    }
    text
}

fn shortened(mut finding: Finding) -> Finding {
    cut(&mut finding.title);
    cut(&mut finding.evidence);
    for text in [
        &mut finding.application_name,
        &mut finding.recommendation,
        &mut finding.config_current,
        &mut finding.config_recommended,
    ] {
        text.iter_mut().for_each(cut);
    }
    finding
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
}
