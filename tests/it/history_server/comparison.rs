//! Rows of one application, had two ways.

use std::collections::{BTreeMap, BTreeSet};

use sparklake::schema;

use super::collected::{Collected, Row};

/// How a column of one way may differ from that of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// NULL in the second.
    Null,
    /// NULL in the second, or the same.
    NullOrSame,
    /// NULL in the second, or the same, or its beginning and `...`.
    NullOrCut,
    /// A list in the second that lacks some.
    Subset,
    /// A number in the second that is not less.
    NotLess,
    /// Masked by the server in the second, or the same.
    MaskedOrSame,
    /// Not compared.
    Any,
    /// The second lacks rows whose `num_cached_partitions` is 0 (column `*`).
    NoUncached,
    /// The second has no rows of the table (column `*`).
    NoRows,
    /// The second may lack rows (column `*`).
    FewerRows,
    /// JSON of the first, without what servers before 4.2 don't show.
    OlderJson,
}

/// Columns that may differ: table, column or `beginning_of_it*`, how, why.
pub(super) type Allowances = [(&'static str, &'static str, Allowance, &'static str)];

/// What differs between two ways, beyond what is allowed; and how many values were the same.
pub(super) fn differences(
    name: &str,
    first: &Collected,
    second: &Collected,
    allowances: &Allowances,
) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    let mut same = 0;
    for table in schema::tables() {
        let allowed: BTreeMap<&str, Allowance> = allowances
            .iter()
            .filter(|(of, ..)| *of == table.name)
            .map(|(_, column, allowance, _)| (*column, *allowance))
            .collect();
        let rows = by_key(first.rows(&table.name), &table.keys);
        let mut others = by_key(second.rows(&table.name), &table.keys);
        if allowed.get("*") == Some(&Allowance::NoRows) {
            assert_eq!(others.len(), 0, "{}", table.name);
            continue;
        }
        for (key, row) in rows {
            let Some(other) = others.remove(&key) else {
                let is_uncached = row.get("num_cached_partitions") == Some(&0.into());
                if is_uncached && allowed.get("*") == Some(&Allowance::NoUncached) {
                    continue;
                }
                if allowed.get("*") == Some(&Allowance::FewerRows) {
                    continue;
                }
                found.push(format!("{name}: {} {key}: only in the first", table.name));
                continue;
            };
            let columns: BTreeSet<&String> = row.keys().chain(other.keys()).collect();
            for column in columns {
                let (left, right) = (row.get(column), other.get(column));
                let allowance = allowed.iter().find(|(pattern, _)| {
                    pattern
                        .strip_suffix('*')
                        .map_or(**pattern == column, |start| column.starts_with(start))
                });
                let is_allowed = match allowance.map(|(_, allowance)| allowance) {
                    None => left == right,
                    Some(Allowance::Null) => right.is_none(),
                    Some(Allowance::NullOrSame) => right.is_none() || left == right,
                    Some(Allowance::NullOrCut) => {
                        right.is_none() || left == right || is_cut(right, left)
                    }
                    Some(Allowance::MaskedOrSame) => left == right || is_masked(right),
                    Some(Allowance::Subset) => is_subset(right, left),
                    Some(Allowance::NotLess) => is_not_less(right, left),
                    Some(Allowance::NoUncached | Allowance::FewerRows) => left == right,
                    Some(Allowance::OlderJson) => left == right || is_older(right, left),
                    Some(Allowance::Any | Allowance::NoRows) => true,
                };
                if is_allowed {
                    same += 1;
                } else {
                    let shown = |value: Option<&serde_json::Value>| {
                        let text = value.map_or("NULL".to_owned(), ToString::to_string);
                        text.chars().take(300).collect::<String>()
                    };
                    found.push(format!(
                        "{name}: {}.{column} {key}: {} / {}",
                        table.name,
                        shown(left),
                        shown(right)
                    ));
                }
            }
        }
        found.extend(
            others
                .keys()
                .map(|key| format!("{name}: {} {key}: only in the second", table.name)),
        );
    }
    (found, same)
}

/// Whether `value` is the beginning of `whole`, with `...` in place of the rest.
fn is_cut(value: Option<&serde_json::Value>, whole: Option<&serde_json::Value>) -> bool {
    let beginning = value
        .and_then(serde_json::Value::as_str)
        .and_then(|value| value.strip_suffix("..."));
    let whole = whole.and_then(serde_json::Value::as_str);
    matches!((beginning, whole), (Some(beginning), Some(whole)) if whole.starts_with(beginning))
}

/// Whether it is what a History Server shows instead of a secret.
fn is_masked(value: Option<&serde_json::Value>) -> bool {
    value.and_then(serde_json::Value::as_str) == Some("*********(redacted)")
}

fn is_not_less(value: Option<&serde_json::Value>, than: Option<&serde_json::Value>) -> bool {
    let number = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_i64);
    number(value) >= number(than)
}

/// Whether `value` is `than` without some of the keys that REST has since 4.2. A server of 4.3 still leaves
/// out the error of a query whose job ends after it.
fn is_older(value: Option<&serde_json::Value>, than: Option<&serde_json::Value>) -> bool {
    let parsed = |value: Option<&serde_json::Value>| {
        let text = value.and_then(serde_json::Value::as_str)?;
        serde_json::from_str::<serde_json::Value>(text).ok()
    };
    let (Some(value), Some(mut than)) = (parsed(value), parsed(than)) else {
        return false;
    };
    if let Some(execution) = than.as_object_mut() {
        execution.retain(|key, _| value.get(key).is_some() || !NEWER_KEYS.contains(&key.as_str()));
    }
    let nodes = than
        .get_mut("nodes")
        .and_then(serde_json::Value::as_array_mut);
    for (position, node) in nodes.into_iter().flatten().enumerate() {
        let is_shown = value.pointer(&format!("/nodes/{position}/desc")).is_some();
        if let Some(node) = node.as_object_mut().filter(|_| !is_shown) {
            node.remove("desc");
        }
    }
    value == than
}

/// Keys of an execution that REST has since 4.2.
const NEWER_KEYS: [&str; 4] = [
    "queryId",
    "errorMessage",
    "rootExecutionId",
    "modifiedConfigs",
];

fn is_subset(part: Option<&serde_json::Value>, whole: Option<&serde_json::Value>) -> bool {
    let elements = |value: Option<&serde_json::Value>| {
        let list = value.and_then(serde_json::Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let whole = elements(whole);
    elements(part).iter().all(|element| whole.contains(element))
}

/// Rows by their keys; of rows with the same key each has a number.
fn by_key(rows: Vec<Row>, keys: &[String]) -> BTreeMap<String, Row> {
    let mut found = BTreeMap::new();
    for row in rows {
        let key: Vec<String> = keys
            .iter()
            .map(|key| row.get(key).map_or("NULL".to_owned(), ToString::to_string))
            .collect();
        let key = key.join(" ");
        let number = (0..)
            .find(|number| !found.contains_key(&format!("{key} #{number}")))
            .unwrap_or_default();
        found.insert(format!("{key} #{number}"), row);
    }
    found
}
