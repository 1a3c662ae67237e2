//! What a log may do that strict JSON types do not allow: nulls for missing fields, bytes that are
//! not UTF-8, numbers written as text.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// The line as text. Spark 2 wrote the driver's default charset: bytes that are not UTF-8 become
/// U+FFFD, so that one odd character does not cost the event.
pub(super) fn utf8(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line)
}

/// A field that may be null: Spark's reader takes null as missing.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A value shown as text whatever its JSON type, as Spark's reader shows accumulator values.
pub(super) fn any_as_text<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let value: Option<serde_json::Value> = Option::deserialize(deserializer)?;
    Ok(value.and_then(|value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }))
}

/// A map of text whose values may be null or numbers in odd writers.
pub(super) fn text_pairs<'de, D>(deserializer: D) -> Result<Vec<(String, String)>, D::Error>
where
    D: Deserializer<'de>,
{
    let map: Option<serde_json::Map<String, serde_json::Value>> =
        Option::deserialize(deserializer)?;
    Ok(map
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => (key, text),
            serde_json::Value::Null => (key, String::new()),
            other => (key, other.to_string()),
        })
        .collect())
}

/// Depth of the deepest nesting in `json`, without recursion.
pub(super) fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut rest = json;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
    }
    deepest
}

/// What follows the string whose opening quote was just read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let skip = if rest.get(at) == Some(&b'"') {
            at + 1
        } else {
            at + 2
        };
        let escaped = rest.get(at) == Some(&b'\\');
        rest = rest.get(skip..).unwrap_or_default();
        if !escaped {
            return rest;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_ignores_brackets_in_strings() {
        assert_eq!(nesting(br#"{"a":"[[[\"[[","b":[{}]}"#), 3);
    }

    #[test]
    fn nesting_of_hostile_depth_does_not_recurse() {
        assert_eq!(nesting("[".repeat(1_000_000).as_bytes()), 1_000_000);
    }
}
