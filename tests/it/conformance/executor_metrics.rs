//! Columns `peak_…` and REST's names of the same metrics: `peak_jvm_heap_memory` is `JVMHeapMemory`.

use serde_json::{Map, Value};

use super::lake::Row;

/// Words that REST writes in capitals.
const CAPITALS: &[&str] = &["gc", "jvm", "rss", "v"];

/// REST's name of the executor metric in `column`; `None` for other columns.
pub(super) fn name(column: &str) -> Option<String> {
    // The one metric of tasks that is called a peak too.
    if column.starts_with("peak_execution_memory") {
        return None;
    }
    column
        .strip_prefix("peak_")
        .map(|words| words.split('_').map(capitalized).collect())
}

fn capitalized(word: &str) -> String {
    if CAPITALS.contains(&word) {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

/// The executor metrics of `row`, by REST's names; `None` if it has none.
pub(super) fn of(row: &Row) -> Option<Value> {
    let metrics: Map<String, Value> = row
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(column, value)| Some((name(column)?, value.clone())))
        .collect();
    (!metrics.is_empty()).then_some(Value::Object(metrics))
}
