//! A short document of paragraphs and tables, as plain text and as Markdown, and numbers as people
//! read them.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::analyze::{bytes_text, duration_text, grouped_text, one_line};

/// Stands for a value that is not known.
pub(super) const NOT_KNOWN: &str = "not known";

/// Paragraphs and tables, in their order.
#[derive(Debug, Default)]
pub(super) struct Document {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Title(String),
    Heading(String),
    Paragraph(String),
    Table {
        header: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
}

impl Document {
    /// The title.
    pub(super) fn title(&mut self, text: &str) -> &mut Self {
        self.add(Part::Title(one_line(text)))
    }

    /// What the next part is about.
    pub(super) fn heading(&mut self, text: &str) -> &mut Self {
        self.add(Part::Heading(one_line(text)))
    }

    /// Sentences.
    pub(super) fn paragraph(&mut self, text: &str) -> &mut Self {
        let text = text.chars().map(visible).collect();
        self.add(Part::Paragraph(text))
    }

    /// A table; left out where it has no row.
    pub(super) fn table(&mut self, header: &[&'static str], rows: Vec<Vec<String>>) -> &mut Self {
        if rows.is_empty() {
            return self;
        }
        let rows = rows
            .into_iter()
            .map(|row| row.iter().map(|cell| one_line(cell)).collect())
            .collect();
        let header = header.to_vec();
        self.add(Part::Table { header, rows })
    }

    fn add(&mut self, part: Part) -> &mut Self {
        self.parts.push(part);
        self
    }

    /// As plain text.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            if !text.is_empty() {
                text.push('\n');
            }
            // Writing to a text cannot fail.
            let _ = match part {
                Part::Title(line) | Part::Paragraph(line) => writeln!(text, "{line}"),
                Part::Heading(line) => {
                    writeln!(text, "{line}\n{}", "-".repeat(line.chars().count()))
                }
                Part::Table { header, rows } => writeln!(text, "{}", plain_table(header, rows)),
            };
        }
        text
    }

    /// As Markdown.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            if !text.is_empty() {
                text.push('\n');
            }
            // Writing to a text cannot fail.
            let _ = match part {
                Part::Title(line) => writeln!(text, "# {}", escaped(line)),
                Part::Heading(line) => writeln!(text, "## {}", escaped(line)),
                Part::Paragraph(line) => writeln!(text, "{}", escaped(line)),
                Part::Table { header, rows } => write!(text, "{}", markdown_table(header, rows)),
            };
        }
        text
    }
}

fn plain_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header.iter().map(Cell::new));
    for row in rows {
        table.add_row(row.iter().map(|cell| {
            Cell::new(cell).set_alignment(match is_number(cell) {
                true => CellAlignment::Right,
                false => CellAlignment::Left,
            })
        }));
    }
    table.trim_fmt()
}

fn is_number(cell: &str) -> bool {
    let letters = cell.trim_start_matches(['-', '+', '$']);
    letters.starts_with(|letter: char| letter.is_ascii_digit()) && cell.chars().count() < 16
}

fn markdown_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(header.iter().map(|name| escaped(name)).collect());
    text.push_str(&format!("|{}\n", "---|".repeat(header.len())));
    for row in rows {
        text.push_str(&line(row.iter().map(|cell| escaped(cell)).collect()));
    }
    text
}

fn visible(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

/// Keeps a text from being taken for markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '[' | ']' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A value with its unit, as the queries name units: ms, core_ms, bytes, ratio, times,
/// usd, count.
pub(super) fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "ms" => duration_text(value),
        "core_ms" => core_time(value),
        "bytes" => bytes_text(value),
        "ratio" => format!("{:.1} %", 100.0 * value),
        "usd" => dollars(value),
        "times" => format!("{value:.1}"),
        _ => grouped_text(value),
    }
}

/// The same where the value may not be known.
pub(super) fn known_or_not(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| NOT_KNOWN.to_owned(), |value| with_unit(value, unit))
}

fn core_time(core_ms: f64) -> String {
    if core_ms.abs() < 3.6e6 {
        format!("{:.1} core-min", core_ms / 6e4)
    } else {
        format!("{:.1} core-h", core_ms / 3.6e6)
    }
}

fn dollars(usd: f64) -> String {
    match usd.abs() {
        small if small < 0.01 && small > 0.0 => format!("${usd:.4}"),
        _ => format!("${usd:.2}"),
    }
}

/// How one value relates to another: `+29 %`, `2.1 times`, `none before`; empty where that says
/// nothing.
pub(super) fn change(a: Option<f64>, b: Option<f64>) -> String {
    match (a, b) {
        (Some(a), Some(b)) if a == b => "same".to_owned(),
        (Some(a), Some(b)) if a > 0.0 && b / a >= 2.0 => format!("{:.1} times", b / a),
        (Some(a), Some(b)) if a > 0.0 => format!("{:+.0} %", 100.0 * (b / a - 1.0)),
        (Some(0.0), Some(_)) => "none before".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_markdown_say_the_same_and_keep_hostile_names_in_their_cells() {
        let mut document = Document::default();
        document
            .title("A and B")
            .paragraph("B took\u{1b}[31m longer")
            .heading("Stages")
            .table(
                &["stage", "a"],
                vec![vec!["x|<b>\n`y`".to_owned(), "12".to_owned()]],
            )
            .table(&["nothing"], Vec::new());
        assert_eq!(
            document.to_markdown(),
            "# A and B\n\nB took \\[31m longer\n\n## Stages\n\n| stage | a |\n|---|---|\n\
             | x\\|&lt;b> \\`y\\` | 12 |\n"
        );
        assert_eq!(
            document.to_text(),
            "A and B\n\nB took [31m longer\n\nStages\n------\n\n stage      a\n x|<b> `y`  12\n"
        );
    }

    #[test]
    fn values_have_their_units_and_changes_say_which_way() {
        let told = [
            with_unit(41_934.0, "ms"),
            with_unit(7.2e6, "core_ms"),
            with_unit(203_313_456.0, "bytes"),
            with_unit(0.004, "usd"),
            with_unit(110_052.0, "count"),
            known_or_not(None, "ms"),
        ];
        assert_eq!(
            told,
            [
                "41.9 s",
                "2.0 core-h",
                "193.9 MiB",
                "$0.0040",
                "110,052",
                "not known"
            ]
        );
        let changes = [
            change(Some(32_492.0), Some(41_934.0)),
            change(Some(10.0), Some(21.0)),
            change(Some(10.0), Some(5.0)),
            change(Some(0.0), Some(5.0)),
            change(Some(3.0), Some(3.0)),
            change(None, Some(3.0)),
        ];
        assert_eq!(
            changes,
            ["+29 %", "2.1 times", "-50 %", "none before", "same", ""]
        );
    }
}
