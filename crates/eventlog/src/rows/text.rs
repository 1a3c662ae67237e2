//! JSON text columns.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::Accumulable;

/// A map as a JSON object, keys in order; `{}` where it is empty.
#[must_use]
pub fn json_map<K: Serialize, V: Serialize>(map: &BTreeMap<K, V>) -> String {
    // A map with text keys cannot fail to serialise; an empty object is the honest fallback.
    serde_json::to_string(map).unwrap_or_else(|_| "{}".to_owned())
}

/// A map as a JSON object in as little memory as there is; no text at all where it is empty.
#[must_use]
pub fn json_text<V: Serialize>(map: &BTreeMap<String, V>) -> Box<str> {
    if map.is_empty() {
        Box::default()
    } else {
        json_map(map).into_boxed_str()
    }
}

/// A text of [`json_text`] as a JSON object.
pub(super) fn object(text: &str) -> &str {
    if text.is_empty() { "{}" } else { text }
}

/// Accumulators as REST lists them.
pub(super) fn json_accumulables<'a>(accumulables: impl Iterator<Item = &'a Accumulable>) -> String {
    #[derive(Serialize)]
    struct RestAccumulable<'a> {
        id: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        update: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<&'a str>,
    }
    let shown: Vec<RestAccumulable<'_>> = accumulables
        .map(|accumulable| RestAccumulable {
            id: accumulable.id,
            name: accumulable.name.as_deref(),
            update: accumulable.update.as_deref(),
            value: accumulable.value.as_deref(),
        })
        .collect();
    serde_json::to_string(&shown).unwrap_or_else(|_| "[]".to_owned())
}

/// Epoch milliseconds as REST writes dates: `2020-07-07T03:11:21.040GMT`.
#[must_use]
pub fn rest_time(epoch_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(epoch_ms)
        .map(|time| time.format("%Y-%m-%dT%H:%M:%S%.3fGMT").to_string())
        .unwrap_or_default()
}
