//! A check as SARIF 2.1.0, which code hosts show beside the line of the budget.

use serde_json::{Value, json};

use super::against::title;
use super::{Check, Checked};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn document(checked: &Checked) -> Value {
    let lines = || checked.violations.iter().chain(&checked.not_checked);
    let rules: Vec<Value> = lines().map(rule).collect();
    let results = lines().enumerate().map(|(index, check)| {
        let is_violated = index < checked.violations.len();
        result(checked, check, index, is_violated)
    });
    let results: Vec<Value> = results.collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "sparklake check",
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{"executionSuccessful": true}],
            "results": results,
            "properties": {
                "budget": checked.name,
                "application_id": checked.application.application_id,
                "attempt_id": checked.application.attempt_id,
                "passed": checked.passed,
            },
        }],
    })
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.check,
        "shortDescription": {"text": format!("Limit of {}", title(&check.metric))},
    })
}

fn result(checked: &Checked, check: &Check, index: usize, is_violated: bool) -> Value {
    // What could not be checked is open; SARIF gives a level only to what failed.
    let (kind, level) = if is_violated {
        ("fail", "error")
    } else {
        ("open", "none")
    };
    json!({
        "ruleId": check.check,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{}: {}", checked.application.application_id, check.message)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&checked.budget)},
            "region": {"startLine": check.line},
        }}],
        "partialFingerprints": {
            "check/v1": format!("{}:{}", checked.application.job_key.as_deref().unwrap_or_default(), check.check),
        },
        "properties": {"metric": check.metric, "unit": check.unit, "limit": check.limit, "actual": check.actual},
    })
}

/// A path as a reference: what a URI does not take is escaped, byte by byte.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
