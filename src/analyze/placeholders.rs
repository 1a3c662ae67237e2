//! The parameters in a SQL text: `$name` here, `:name` in Spark SQL. This is the one place that
//! knows both spellings.

/// A `$name` in a SQL text, outside of comments and string literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placeholder<'a> {
    pub name: &'a str,
    /// Byte offset of the `$`.
    pub start: usize,
}

/// All placeholders of `sql`, in their order.
pub(super) fn find(sql: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(position) = rest.find(['$', '-', '\'']) {
        let start = sql.len() - rest.len() + position;
        let (_, here) = rest.split_at(position);
        let length = match here.as_bytes() {
            [b'-', b'-', ..] => here.find('\n').unwrap_or(here.len()),
            [b'\'', after @ ..] => literal_length(after),
            [b'$', ..] => {
                let (_, after) = here.split_at(1);
                let name = leading_name(after);
                if !name.is_empty() {
                    found.push(Placeholder { name, start });
                }
                1 + name.len()
            }
            _ => 1,
        };
        rest = here.get(length..).unwrap_or_default();
    }
    found
}

/// The same text for Spark SQL: `:name` instead of `$name`.
pub fn to_spark(sql: &str) -> String {
    let mut translated = String::with_capacity(sql.len());
    let mut copied = 0;
    for placeholder in find(sql) {
        translated.push_str(sql.get(copied..placeholder.start).unwrap_or_default());
        translated.push(':');
        copied = placeholder.start + 1;
    }
    translated.push_str(sql.get(copied..).unwrap_or_default());
    translated
}

/// The same text with a value in the place of each parameter; `value` gives it as SQL.
pub(super) fn to_literals(sql: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut translated = String::with_capacity(sql.len());
    let mut copied = 0;
    for placeholder in find(sql) {
        let Some(value) = value(placeholder.name) else {
            continue;
        };
        translated.push_str(sql.get(copied..placeholder.start).unwrap_or_default());
        translated.push_str(&value);
        copied = placeholder.start + 1 + placeholder.name.len();
    }
    translated.push_str(sql.get(copied..).unwrap_or_default());
    translated
}

/// Bytes of a literal with both quotes; `after` begins behind the opening one. A doubled quote
/// inside reads as two literals side by side, which is the same here.
fn literal_length(after: &[u8]) -> usize {
    after
        .iter()
        .position(|byte| *byte == b'\'')
        .map_or(after.len() + 1, |end| end + 2)
}

fn leading_name(text: &str) -> &str {
    let end = text
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(text.len());
    text.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_hold_no_parameters() {
        let sql = "-- $no\nSELECT '$no', 'it''s $no', a - $yes -- $no\n, $also FROM t -- $no";
        let names: Vec<&str> = find(sql).iter().map(|found| found.name).collect();
        assert_eq!(names, ["yes", "also"]);
    }

    #[test]
    fn spark_gets_colons_and_nothing_else_changes() {
        let sql = "SELECT '$a – ü' AS x WHERE r >= $min_ratio AND n > $min_tasks -- $c";
        assert_eq!(
            to_spark(sql),
            "SELECT '$a – ü' AS x WHERE r >= :min_ratio AND n > :min_tasks -- $c"
        );
    }

    #[test]
    fn values_stand_where_parameters_stood() {
        let value = |name: &str| (name == "a").then(|| "1.5".to_owned());
        assert_eq!(
            to_literals("SELECT '$a' WHERE x > $a AND y > $b -- $a", value),
            "SELECT '$a' WHERE x > 1.5 AND y > $b -- $a"
        );
    }

    #[test]
    fn an_unclosed_literal_ends_the_search() {
        assert_eq!(find("SELECT 'open $a"), []);
        assert_eq!(to_spark("SELECT 'open $a"), "SELECT 'open $a");
        assert_eq!(find("$"), []);
    }
}
