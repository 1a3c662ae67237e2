//! Text templates of rules: `The longest task ran {run_time_max:s}[, {ratio:1} times the median].`
//!
//! | placeholder | the column holds | renders |
//! |---|---|---|
//! | `{x}` | anything | text as it is, a number in full |
//! | `{x:int}` | a number | `110,052` |
//! | `{x:1}` … `{x:6}` | a number | with so many decimals, `3.2` |
//! | `{x:s}` | milliseconds | `79.8 s`, `8 ms` below a tenth of a second, `12.5 min` from 10 minutes on, `3.4 h` from 3 hours on |
//! | `{x:h}` | milliseconds | `0.42 h` |
//! | `{x:bytes}` | bytes | `12.3 MiB` |
//! | `{x:pct}` | a ratio from 0 to 1 | `12.3 %` |
//! | `{x:part}` | a part of the core time, such as `start_up` | `cores held before the first task` |
//! | `{x:query}` | a description of a query | its beginning, to the last whole word: `SELECT region, sum(amount) FROM…`; a batch of a stream as `orders, batch 7` |
//! | `{x:gap\|gaps}` | a number | `1 gap`, `3 gaps`, `110,052 gaps`: the number with the noun that fits it |
//!
//! A part in square brackets is left out when a column inside it is NULL. Outside of brackets a
//! NULL renders as `not captured`. That is all: what depends on more is a column of the query.

use serde_json::Value;

use crate::model::part_label;

/// A row of a rule's answer: column → value.
pub(super) type Row = serde_json::Map<String, Value>;

/// What a NULL outside of brackets renders as.
const MISSING: &str = "not captured";
/// Most letters of a text value, so that one stack trace does not fill a report.
const MAX_TEXT: usize = 300;
/// Most letters of a query's description; rules select 200.
const MAX_QUERY: usize = 80;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Template {
    text: String,
    #[serde(skip)]
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { column: String, format: Format },
    Optional(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Format {
    Plain,
    Int,
    /// The number and what it counts: singular and plural.
    Count(String, String),
    Decimals(usize),
    Seconds,
    Hours,
    Bytes,
    Percent,
    CoreTimePart,
    Query,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        if let Some((one, many)) = text.split_once('|') {
            let is_noun = |noun: &str| !noun.trim().is_empty() && !noun.contains('|');
            return (is_noun(one) && is_noun(many))
                .then(|| Self::Count(one.to_owned(), many.to_owned()));
        }
        Some(match text {
            "int" => Self::Int,
            "s" => Self::Seconds,
            "h" => Self::Hours,
            "bytes" => Self::Bytes,
            "pct" => Self::Percent,
            "part" => Self::CoreTimePart,
            "query" => Self::Query,
            _ => Self::Decimals(
                text.parse()
                    .ok()
                    .filter(|digits| (1..=6).contains(digits))?,
            ),
        })
    }
}

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let parts = parse_parts(&mut rest, false)?;
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it names.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        collect_columns(&self.parts, &mut columns);
        columns
    }

    /// The text for one row.
    pub(super) fn render(&self, row: &Row) -> String {
        let mut text = String::new();
        for part in &self.parts {
            part.render(row, &mut text);
        }
        text
    }
}

fn collect_columns<'a>(parts: &'a [Part], columns: &mut Vec<&'a str>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value { column, .. } => columns.push(column),
            Part::Optional(inner) => collect_columns(inner, columns),
        }
    }
}

fn parse_parts(rest: &mut &str, inside: bool) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    loop {
        let Some(at) = rest.find(['{', '}', '[', ']']) else {
            if inside {
                return Err("a `[` is never closed by `]`".to_owned());
            }
            push_text(&mut parts, rest);
            return Ok(parts);
        };
        let (before, here) = rest.split_at(at);
        push_text(&mut parts, before);
        let (bracket, after) = here.split_at(1);
        *rest = after;
        match bracket {
            "{" => {
                let (inner, after) = after
                    .split_once('}')
                    .ok_or_else(|| "a `{` is never closed by `}`".to_owned())?;
                *rest = after;
                parts.push(parse_value(inner)?);
            }
            "[" if inside => return Err("a `[` stands inside another".to_owned()),
            "[" => parts.push(Part::Optional(parse_parts(rest, true)?)),
            "]" if inside => return Ok(parts),
            _ => return Err(format!("a `{bracket}` closes nothing")),
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn parse_value(inner: &str) -> Result<Part, String> {
    let (column, format) = match inner.split_once(':') {
        Some((column, format)) => (
            column,
            Format::parse(format).ok_or_else(|| {
                format!(
                    "`{format}` is no format; known are s, h, bytes, pct, part, query, int, 1 to 6 and one|many"
                )
            })?,
        ),
        None => (inner, Format::Plain),
    };
    let is_name = !column.is_empty()
        && column
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !is_name {
        return Err(format!("`{{{inner}}}` names no column"));
    }
    Ok(Part::Value {
        column: column.to_owned(),
        format,
    })
}

impl Part {
    fn render(&self, row: &Row, text: &mut String) {
        match self {
            Self::Text(literal) => text.push_str(literal),
            Self::Value { column, format } => match row.get(column) {
                None | Some(Value::Null) => text.push_str(MISSING),
                Some(value) => text.push_str(&format.render(value)),
            },
            Self::Optional(inner) => {
                let mut columns = Vec::new();
                collect_columns(inner, &mut columns);
                let is_known =
                    |column: &&str| row.get(*column).is_some_and(|value| !value.is_null());
                if columns.iter().all(is_known) {
                    for part in inner {
                        part.render(row, text);
                    }
                }
            }
        }
    }
}

impl Format {
    fn render(&self, value: &Value) -> String {
        if let (Self::CoreTimePart, Value::String(part)) = (self, value) {
            return part_label(part).1.to_owned();
        }
        if let (Self::Query, Value::String(description)) = (self, value) {
            return query_name(description);
        }
        let Some(number) = value.as_f64() else {
            return plain(value);
        };
        match self {
            Self::Plain | Self::CoreTimePart | Self::Query => plain(value),
            Self::Int => grouped(number),
            Self::Count(one, many) => {
                let count = grouped(number);
                let noun = if count == "1" { one } else { many };
                format!("{count} {noun}")
            }
            Self::Decimals(digits) => {
                let digits = *digits;
                format!("{number:.digits$}")
            }
            Self::Seconds => duration(number),
            Self::Hours => format!("{:.2} h", number / 3.6e6),
            Self::Bytes => bytes(number),
            Self::Percent => format!("{:.1} %", 100.0 * number),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

/// What tells a query from others in a sentence: the beginning of its description; of a batch of a
/// stream, which Spark describes by lines of `id = …`, `runId = …` and `batch = …` below the name of
/// the stream if it has one, the name and the number.
fn query_name(description: &str) -> String {
    if let Some((name, rest)) = description.split_once("id = ")
        && let Some(batch) = batch_of(rest)
    {
        return match one_line(name).trim() {
            "" => format!("batch {batch} of a stream"),
            name => format!("{name}, batch {batch}"),
        };
    }
    let line = one_line(description);
    let line = line.trim();
    let Some((end, _)) = line.char_indices().nth(MAX_QUERY) else {
        return line.to_owned();
    };
    let (start, _) = line.split_at(end);
    // A word of half the text is no word to keep whole.
    let words = match start.rfind(' ') {
        Some(at) if at >= end / 2 => start.split_at(at).0,
        _ => start,
    };
    format!("{}…", words.trim_end())
}

/// The batch in `<id> runId = <id> batch = <number>`, and in nothing else: a statement may compare
/// columns of these names.
fn batch_of(rest: &str) -> Option<String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    match words.as_slice() {
        [_, "runId", "=", _, "batch", "=", batch] => Some(one_line(batch)),
        _ => None,
    }
}

/// The text without control characters, cut where it is long: one blank for the end of a line and
/// what its next one is indented by.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut is_indent = false;
    for letter in text.chars() {
        let is_blank = letter.is_control() || (is_indent && letter == ' ');
        if is_blank && (is_indent || line.ends_with(' ')) {
            is_indent = true;
            continue;
        }
        if length == MAX_TEXT {
            line.push('…');
            break;
        }
        line.push(if is_blank { ' ' } else { letter });
        length += 1;
        is_indent = is_blank;
    }
    line
}

pub(crate) fn duration(ms: f64) -> String {
    let seconds = ms / 1e3;
    // A tenth of a second is the last digit that is shown.
    if ms.abs() >= 0.5 && ms.abs() < 100.0 {
        format!("{ms:.0} ms")
    } else if seconds.abs() < 600.0 {
        format!("{seconds:.1} s")
    } else if seconds.abs() < 10_800.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

pub(crate) fn bytes(number: f64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number.abs() < 1024.0 {
        return format!("{number:.0} B");
    }
    let mut scaled = number;
    let mut unit = "B";
    for larger in UNITS {
        if scaled.abs() < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = larger;
    }
    format!("{scaled:.1} {unit}")
}

pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 && digits != "0" {
        text.insert(0, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(template: &str, row: Value) -> String {
        let Value::Object(row) = row else {
            panic!("an object")
        };
        Template::parse(template).expect("valid").render(&row)
    }

    #[test]
    fn numbers_take_their_units() {
        let row = json!({"n": 110_052, "ms": 79_750, "long": 1_500_000, "b": 157_286_400_i64,
                         "r": 0.1234, "t": "why", "big": 1_i64 << 50});
        assert_eq!(
            render(
                "{n:int} in {ms:s}, {long:s}, {long:h}, {b:bytes}, {big:bytes}, {r:pct}, {r:2}, {t}, {n}",
                row
            ),
            "110,052 in 79.8 s, 25.0 min, 0.42 h, 150.0 MiB, 1.0 PiB, 12.3 %, 0.12, why, 110052"
        );
    }

    #[test]
    fn short_times_are_milliseconds_and_parts_of_core_time_are_words() {
        let row = json!({"short": 8, "tenth": 100, "none": 0, "part": "start_up", "new": "elsewhere", "no": null});
        assert_eq!(
            render(
                "{short:s}, {tenth:s}, {none:s}, {part:part}, {new:part}[, {no:part}]",
                row
            ),
            "8 ms, 0.1 s, 0.0 s, cores held before the first task, other"
        );
    }

    #[test]
    fn a_query_is_called_by_whole_words_and_a_batch_by_its_number() {
        let words = "SELECT region, sum(amount) AS amount, count(DISTINCT customer_id) FROM orders_of_the_year o";
        for (description, name) in [
            ("count at etl.py:7", "count at etl.py:7"),
            (
                words,
                "SELECT region, sum(amount) AS amount, count(DISTINCT customer_id) FROM…",
            ),
            (
                "orders\nid = 02-a\nrunId = 34-7\nbatch = 12",
                "orders, batch 12",
            ),
            (
                "id = 02-a\nrunId = 34-7\nbatch = init",
                "batch init of a stream",
            ),
            ("SELECT id = 7", "SELECT id = 7"),
            (
                "SELECT a WHERE id = 5 AND runId = 6 AND batch = 7",
                "SELECT a WHERE id = 5 AND runId = 6 AND batch = 7",
            ),
            ("s id = 1 runId = 2 batch = 3\u{1b}[31m", "s, batch 3 [31m"),
        ] {
            assert_eq!(render("{q:query}", json!({"q": description})), name);
        }
        let long = render("{q:query}", json!({"q": "ü".repeat(200)}));
        assert_eq!(long, format!("{}…", "ü".repeat(MAX_QUERY)));
        assert_eq!(
            render("[{q:query}]{q:query}", json!({"q": null})),
            "not captured"
        );
    }

    #[test]
    fn counts_take_the_noun_that_fits() {
        let template = "{n:gap|gaps}[, {m:entry|entries}]";
        for (row, text) in [
            (json!({"n": 1, "m": 0}), "1 gap, 0 entries"),
            (json!({"n": 2, "m": 1.0}), "2 gaps, 1 entry"),
            (json!({"n": 110_052, "m": null}), "110,052 gaps"),
            (json!({"n": null}), "not captured"),
        ] {
            assert_eq!(render(template, row), text);
        }
    }

    #[test]
    fn brackets_leave_out_what_is_not_known_and_nothing_else() {
        let template = "It ran {ms:s}[, {ratio:1} times the median] of {n:int}.";
        assert_eq!(
            render(template, json!({"ms": 1000, "ratio": 2.0, "n": 3})),
            "It ran 1.0 s, 2.0 times the median of 3."
        );
        assert_eq!(
            render(template, json!({"ms": 1000, "ratio": null, "n": null})),
            "It ran 1.0 s of not captured."
        );
    }

    #[test]
    fn hostile_text_stays_on_one_line() {
        let text = render(
            "{t}",
            json!({"t": format!("a\u{1b}[31m\nb{}", "x".repeat(1000))}),
        );
        assert!(
            !text.contains(['\n', '\u{1b}']) && text.ends_with('…'),
            "{text}"
        );
        assert_eq!(text.chars().count(), MAX_TEXT + 1);

        // Blanks of an expression mean something, those that a statement is indented by do not.
        let text = render("{t}", json!({"t": "SELECT \n   a\r\n\tFROM  b "}));
        assert_eq!(text, "SELECT a FROM  b ");
    }

    #[test]
    fn faults_are_named() {
        for (template, problem) in [
            ("{a", "a `{` is never closed by `}`"),
            ("[a", "a `[` is never closed by `]`"),
            ("a]", "a `]` closes nothing"),
            ("[a [b]]", "a `[` stands inside another"),
            (
                "{a:parsec}",
                "`parsec` is no format; known are s, h, bytes, pct, part, query, int, 1 to 6 and one|many",
            ),
            (
                "{a:gap|}",
                "`gap|` is no format; known are s, h, bytes, pct, part, query, int, 1 to 6 and one|many",
            ),
            ("{A b}", "`{A b}` names no column"),
        ] {
            assert_eq!(
                Template::parse(template),
                Err(problem.to_owned()),
                "{template}"
            );
        }
    }
}
