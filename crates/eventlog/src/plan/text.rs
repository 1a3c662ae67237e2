//! Reading the texts that Spark writes for people into its plans: arguments of operators, lists in
//! brackets, `Key: value` pairs. They may be cut off anywhere, and hold anything.

/// Splits at commas outside of brackets and quotes: `a, [b, c], d(e, f)` is three parts.
pub(super) fn arguments(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut in_name = false;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'`' => in_name = !in_name,
            _ if in_name => {}
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            // `->` and `=>` close nothing.
            b'>' if matches!(before(text, at), Some(b'-' | b'=')) => {}
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.into_iter().map(str::trim).collect()
}

/// What a command was called with, where its node says no more than its name: the line behind
/// `(2) SaveIntoDataSourceCommand` and `Arguments: ` in the text of the whole plan (Spark 4).
pub(super) fn command_arguments<'plan>(
    name: &str,
    description: &str,
    plan: &'plan str,
) -> Option<&'plan str> {
    let command = name.trim().strip_prefix("Execute ")?;
    if description.trim() != name.trim() {
        return None;
    }
    let heading = format!(") {command}\nArguments: ");
    let (_, rest) = plan.split_once(&heading)?;
    rest.lines().next()
}

fn before(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at.checked_sub(1)?).copied()
}

/// What stands between the first `open` and the bracket that closes it, or the end of a text that
/// was cut off; and what follows.
pub(super) fn bracketed(text: &str, open: char) -> Option<(&str, &str)> {
    let close = match open {
        '(' => ')',
        '[' => ']',
        '<' => '>',
        _ => '}',
    };
    let (_, inner) = text.split_once(open)?;
    let mut depth = 0_usize;
    for (at, character) in inner.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            if depth == 0 {
                let rest = inner.get(at + close.len_utf8()..).unwrap_or_default();
                return Some((inner.get(..at)?, rest));
            }
            depth -= 1;
        }
    }
    Some((inner, ""))
}

/// Keys of what a scan says about itself, as `Key: value` in its text.
const KEYS: [&str; 15] = [
    "Batched",
    "Bucketed",
    "DataFilters",
    "DictionaryFilters",
    "Format",
    "Location",
    "OptionalDataFilters",
    "PartitionFilters",
    "PushedAggregation",
    "PushedFilers",
    "PushedFilters",
    "PushedGroupBy",
    "ReadSchema",
    "RequiredDataFilters",
    "RuntimeFilters",
];

/// The value of `key` in a text such as `Format: CSV, Location: …, ReadSchema: …`.
pub(super) fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let start = key_places(text).find(|(_, found)| *found == key)?.0;
    let value = text.get(start + key.len() + 2..)?;
    let end = key_places(value)
        .filter_map(|(at, _)| at.checked_sub(2))
        .find(|at| value.get(*at..*at + 2) == Some(", "));
    Some(value.get(..end.unwrap_or(value.len()))?.trim())
}

/// Places of `Key: ` with a known key, in order.
fn key_places(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    text.match_indices(": ").filter_map(|(colon, _)| {
        let head = text.get(..colon)?;
        let key = KEYS.into_iter().find(|key| {
            head.strip_suffix(key)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with([' ', ',']))
        })?;
        Some((colon - key.len(), key))
    })
}

/// A list in brackets that is not empty.
pub(super) fn filled(list: &str) -> Option<&str> {
    let list = list.trim();
    (!matches!(list, "" | "[]" | "()" | "{}")).then_some(list)
}

/// Columns at the top of `struct<a:int,b:struct<c:int>,... 3 more fields>`; None where the text was
/// cut off.
pub(super) fn columns_of_schema(schema: &str) -> Option<i64> {
    let schema = schema.trim();
    let inner = schema.strip_prefix("struct<")?.strip_suffix('>')?;
    if inner.trim().is_empty() {
        return Some(0);
    }
    arguments(inner).into_iter().map(columns_of_part).sum()
}

/// Columns of a list such as `[id#1, name#2, ... 8 more fields]`.
pub(super) fn columns_of_list(list: &str) -> Option<i64> {
    if list.trim().is_empty() {
        return Some(0);
    }
    arguments(list).into_iter().map(columns_of_part).sum()
}

fn columns_of_part(part: &str) -> Option<i64> {
    match part.strip_prefix("... ") {
        Some(more) => more.strip_suffix(" more fields")?.trim().parse().ok(),
        None if part.contains("...") => None,
        None => Some(1),
    }
}

/// ``spark_catalog`.`db`.`t`` without its quotes.
pub(super) fn unquoted(name: &str) -> String {
    name.trim().replace('`', "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commas_in_brackets_and_names_split_nothing() {
        let parts = arguments("file:/tmp/a, false, [dt#1, h#2], Map(k -> v, l -> w), `a,b`.`c`");
        let expected = [
            "file:/tmp/a",
            "false",
            "[dt#1, h#2]",
            "Map(k -> v, l -> w)",
            "`a,b`.`c`",
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn values_end_where_the_next_key_begins() {
        let text = "FileScan csv [a#1] Batched: false, DataFilters: [(x: , Format: y)], Format: CSV, Location: InMemoryFileIndex[file:/a, file:/b], PushedFilters: []";
        assert_eq!(value(text, "Batched"), Some("false"));
        assert_eq!(
            value(text, "Location"),
            Some("InMemoryFileIndex[file:/a, file:/b]")
        );
        assert_eq!(value(text, "PushedFilters"), Some("[]"));
        assert_eq!(value(text, "ReadSchema"), None);
    }

    #[test]
    fn columns_are_counted_also_where_a_list_is_shortened() {
        assert_eq!(
            columns_of_schema("struct<a:int,b:struct<c:int,d:int>>"),
            Some(2)
        );
        assert_eq!(
            columns_of_schema("struct<a:int,... 8 more fields>"),
            Some(9)
        );
        assert_eq!(columns_of_schema("struct<a:int,b:in..."), None);
        assert_eq!(columns_of_schema("struct<>"), Some(0));
        assert_eq!(columns_of_schema("array<int>"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*", key in "[A-Za-z]{1,12}") {
            let _ = (arguments(&text), value(&text, &key), columns_of_schema(&text), unquoted(&text));
            for open in ['(', '[', '<', '{'] {
                let _ = bracketed(&text, open);
            }
        }

        #[test]
        fn texts_made_of_marks_are_read(text in "[\\[\\](){}<>,:`\\-=> FormatLcin.é]*") {
            let _ = (arguments(&text), value(&text, "Format"), columns_of_schema(&text));
            prop_assert!(arguments(&text).len() <= text.len() + 1);
        }
    }
}
