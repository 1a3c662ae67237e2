//! YAML text of JSON values: block style, every text quoted as JSON quotes it, which YAML reads the same.

use serde_json::Value;

/// The document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Writes a value that starts at the beginning of a line.
fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                text.push_str(&indent);
                text.push_str(&scalar_key(key));
                text.push(':');
                nested(value, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&indent);
                text.push('-');
                match item {
                    Value::Object(entries) if !entries.is_empty() => {
                        // The first entry stands behind the dash.
                        let mut inner = String::new();
                        block(item, depth + 1, &mut inner);
                        text.push(' ');
                        text.push_str(inner.trim_start());
                    }
                    other => nested(other, depth, text),
                }
            }
        }
        other => {
            text.push_str(&indent);
            text.push_str(&other.to_string());
            text.push('\n');
        }
    }
}

/// Writes what stands behind a colon or a dash.
fn nested(value: &Value, depth: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        block(value, depth + 1, text);
    } else {
        text.push(' ');
        text.push_str(&value.to_string());
        text.push('\n');
    }
}

/// A key; quoted unless it is a plain word.
fn scalar_key(key: &str) -> String {
    let is_plain = key.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !["on", "off", "yes", "no", "y", "n", "true", "false", "null"]
            .contains(&key.to_ascii_lowercase().as_str());
    match is_plain {
        true => key.to_owned(),
        false => Value::from(key).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_lists_and_odd_texts_keep_their_shape() {
        let value = json!({
            "a": [{"b": "x: 'y'\n", "on": [1, "2"]}, [], "t"],
            "sparklake-x": {"n": null, "empty": {}},
        });
        assert_eq!(
            document(&value),
            "a:\n  - b: \"x: 'y'\\n\"\n    \"on\":\n      - 1\n      - \"2\"\n  - []\n  - \"t\"\n\
             \"sparklake-x\":\n  \"n\": null\n  empty: {}\n"
        );
    }
}
