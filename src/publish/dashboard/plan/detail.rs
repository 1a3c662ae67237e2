//! What an operator of a plan works on, short enough to stand in its node: the table or path of a scan, the condition of
//! a filter, the keys of a join, an aggregate or an exchange.

use crate::model::printable;

/// What stands in every exchange and says nothing about it.
const NOISE: [&str; 4] = ["ENSURE_REQUIREMENTS", "[plan_id=", "[id=#", "isFinalPlan="];

/// The detail of an operator of this name and description (Spark's `simpleString`); empty where there is none.
pub(super) fn detail(name: &str, description: &str) -> String {
    if let Some(location) = description.split("Location: ").nth(1) {
        let paths = location.split('[').nth(1).unwrap_or_default();
        let end = paths.find([']', ',']).unwrap_or(paths.len());
        return printable(&last_parts(paths.get(..end).unwrap_or_default()));
    }
    let rest = description
        .strip_prefix(name)
        .or_else(|| description.split_once([' ', '(']).map(|(_, rest)| rest))
        .unwrap_or_default();
    let plain = without_ids(rest);
    let parts: Vec<&str> = plain
        .split(", ")
        .filter(|part| !NOISE.iter().any(|noise| part.starts_with(noise)))
        .collect();
    printable(unwrapped(parts.join(", ").trim()))
}

/// The last two parts of a path, which name a table and its folder.
fn last_parts(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let mut parts = path.rsplit('/').take(2);
    match (parts.next(), parts.next()) {
        (Some(last), Some(before)) if !before.is_empty() => format!("{before}/{last}"),
        (Some(last), _) => last.to_owned(),
        (None, _) => String::new(),
    }
}

/// `price` instead of `price#12L`: Spark's ids of columns say nothing to a reader.
fn without_ids(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '#' || !letters.peek().is_some_and(char::is_ascii_digit) {
            plain.push(letter);
            continue;
        }
        while letters.next_if(char::is_ascii_digit).is_some() {}
        letters.next_if_eq(&'L');
    }
    plain
}

/// Without the parentheses around all of it.
fn unwrapped(text: &str) -> &str {
    let Some(inner) = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
    else {
        return text;
    };
    let mut open = 0_i64;
    for letter in inner.chars() {
        open += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open < 0 {
            return text;
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_say_what_they_work_on() {
        let cases = [
            (
                "Scan parquet",
                "FileScan parquet [v#14] Batched: true, DataFilters: [(v#14 > 0.5)], Format: Parquet, Location: \
                 InMemoryFileIndex(1 paths)[s3://lake/sales/orders/], PartitionFilters: []",
                "sales/orders",
            ),
            (
                "Filter",
                "Filter (isnotnull(v#14) AND (v#14 > 0.5))",
                "isnotnull(v) AND (v > 0.5)",
            ),
            (
                "Filter",
                "Filter (a#1L > 1) AND (b#2 < 2)",
                "(a > 1) AND (b < 2)",
            ),
            (
                "HashAggregate",
                "HashAggregate(keys=[], functions=[partial_count(1)])",
                "keys=[], functions=[partial_count(1)]",
            ),
            (
                "Exchange",
                "Exchange hashpartitioning(id#3L, 200), ENSURE_REQUIREMENTS, [plan_id=90]",
                "hashpartitioning(id, 200)",
            ),
            (
                "SortMergeJoin",
                "SortMergeJoin [id#3L], [id#7L], Inner",
                "[id], [id], Inner",
            ),
            ("Project", "Project", ""),
            ("Scan", "", ""),
            ("Exchange", "Exchange ][, #, ENSURE_REQUIREMENTS", "][, #"),
        ];
        for (name, description, expected) in cases {
            assert_eq!(detail(name, description), expected, "{description}");
        }
    }
}
