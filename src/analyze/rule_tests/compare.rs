//! What a rule found, held against what a case expects.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde_json::Value;

use super::Row;

/// The rows of a batch as JSON objects, NULLs included.
pub(in crate::analyze) fn rows(batch: &RecordBatch) -> Result<Vec<Row>, String> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, JsonArray>(Vec::new());
    let written = writer.write(batch).and_then(|()| writer.finish());
    written.map_err(|error| error.to_string())?;
    serde_json::from_slice(&writer.into_inner()).map_err(|error| error.to_string())
}

/// Findings by application, in the order of their subjects. The names in `evidence_json` become columns.
pub(super) fn by_application(findings: Vec<Row>) -> Result<BTreeMap<String, Vec<Row>>, String> {
    let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for mut row in findings {
        let evidence = row.get("evidence_json").and_then(Value::as_str);
        let numbers: Row = serde_json::from_str(evidence.unwrap_or("{}"))
            .map_err(|error| format!("evidence_json is not JSON: {error}"))?;
        for (name, value) in numbers {
            row.entry(name).or_insert(value);
        }
        let application = row.get("application_id").and_then(Value::as_str);
        let application = application.unwrap_or_default().to_owned();
        found.entry(application).or_default().push(row);
    }
    for rows in found.values_mut() {
        rows.sort_by_key(|row| row.get("subject_id").map(ToString::to_string));
    }
    Ok(found)
}

/// The first difference between what was found and what is expected; only the columns that are
/// expected are compared, fractions to a relative 1e-9.
pub(super) fn difference(found: &[Row], expected: &[Row]) -> Option<String> {
    if found.len() != expected.len() {
        let found: Vec<String> = found.iter().map(in_short).collect();
        return Some(format!(
            "{} expected, {} found{}{}",
            count(expected.len()),
            found.len(),
            if found.is_empty() { "" } else { ": " },
            found.join("; ")
        ));
    }
    let pairs = found.iter().zip(expected);
    pairs.into_iter().find_map(|(row, expected)| {
        let mut columns = expected.iter();
        columns.find_map(|(name, expected)| {
            let Some(actual) = row.get(name) else {
                return Some(format!("there is no column `{name}`"));
            };
            (!is_same(actual, expected)).then(|| format!("{name} is {actual}, not {expected}"))
        })
    })
}

fn count(findings: usize) -> String {
    match findings {
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    }
}

/// What tells findings apart.
fn in_short(finding: &Row) -> String {
    let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or("none");
    format!("{} ({})", text("title"), text("subject_id"))
}

pub(in crate::analyze) fn is_same(actual: &Value, expected: &Value) -> bool {
    match (actual.as_f64(), expected.as_f64()) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * right.abs().max(1.0),
        _ => actual == expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        value.as_object().expect("object").clone()
    }

    #[test]
    fn only_what_is_expected_is_compared_and_fractions_may_be_rounded() {
        let found = [row(
            json!({"lost": 0.1 + 0.2, "severity": "low", "title": "T", "x": null}),
        )];
        assert_eq!(
            difference(&found, &[row(json!({"lost": 0.3, "x": null}))]),
            None
        );
        assert_eq!(
            difference(&found, &[row(json!({"severity": "high"}))]).as_deref(),
            Some("severity is \"low\", not \"high\"")
        );
        assert_eq!(
            difference(&found, &[row(json!({"sevrity": "low"}))]).as_deref(),
            Some("there is no column `sevrity`")
        );
        assert_eq!(
            difference(&found, &[]).as_deref(),
            Some("0 findings expected, 1 found: T (none)")
        );
    }
}
