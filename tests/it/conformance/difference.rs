//! Where two JSON values differ.

use serde_json::Value;

/// One line for each place at which `ours` is not what was `expected`; REST gives accumulators in
/// arbitrary order, which does not count.
pub(super) fn differences(expected: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, ours, &mut found);
    found
}

fn compare(path: &str, expected: &Value, ours: &Value, found: &mut Vec<String>) {
    match (expected, ours) {
        (Value::Object(expected), Value::Object(ours)) => {
            for (name, value) in expected {
                let path = format!("{path}.{name}");
                match ours.get(name) {
                    Some(our_value) if name == "accumulatorUpdates" => {
                        compare(&path, &by_id(value), &by_id(our_value), found);
                    }
                    Some(our_value) => compare(&path, value, our_value, found),
                    None => found.push(format!("{path}: expected {value}, not there")),
                }
            }
            for (name, value) in ours
                .iter()
                .filter(|(name, _)| !expected.contains_key(*name))
            {
                found.push(format!("{path}.{name}: not expected, is {value}"));
            }
        }
        (Value::Array(expected), Value::Array(ours)) if expected.len() == ours.len() => {
            for (index, (value, our_value)) in expected.iter().zip(ours).enumerate() {
                compare(&format!("{path}[{index}]"), value, our_value, found);
            }
        }
        (expected, ours) if expected != ours => {
            found.push(format!("{path}: expected {expected}, is {ours}"));
        }
        _ => {}
    }
}

fn by_id(accumulators: &Value) -> Value {
    let mut accumulators = accumulators.as_array().cloned().unwrap_or_default();
    accumulators.sort_by_key(|accumulator| accumulator.get("id").and_then(Value::as_i64));
    Value::Array(accumulators)
}

#[test]
fn missing_added_and_changed_values_are_told_with_their_place() {
    let expected = serde_json::json!([{"a": 1, "b": {"c": [1, 2]}, "accumulatorUpdates": [{"id": 1}, {"id": 2}]}]);
    let ours = serde_json::json!([{"b": {"c": [1, 3]}, "d": null, "accumulatorUpdates": [{"id": 2}, {"id": 1}]}]);
    assert_eq!(
        differences(&expected, &ours),
        [
            "[0].a: expected 1, not there",
            "[0].b.c[1]: expected 2, is 3",
            "[0].d: not expected, is null"
        ]
    );
    assert!(differences(&expected, &expected).is_empty());
}
