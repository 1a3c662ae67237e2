//! A page as plain text, for a terminal.

use std::fmt::Write;

use super::{Block, Chart, Fact, Item, Page, Row, Table};

/// Longest line of a paragraph, in characters.
const WIDTH: usize = 100;
/// Widest column of a table, in characters.
const COLUMN: usize = 44;

/// The page as text.
pub(in crate::publish) fn write(page: &Page) -> String {
    let mut text = format!("{}\n{}\n", page.title, page.subtitle);
    for section in &page.sections {
        let line: String = "─".repeat(section.title.chars().count());
        // Writing to a text cannot fail.
        let _ = write!(text, "\n{}\n{line}\n", section.title);
        for block in &section.blocks {
            write_block(&mut text, block);
        }
    }
    text
}

fn write_block(text: &mut String, block: &Block) {
    match block {
        Block::Lead { first, rest } => paragraph(text, "", &format!("{first} {rest}")),
        Block::Text(sentence) | Block::Note(sentence) => paragraph(text, "", sentence),
        Block::Facts(facts) => write_facts(text, facts),
        Block::Table(table) => write_table(text, table),
        Block::Items(items) => items.iter().for_each(|item| write_item(text, item)),
        Block::Code {
            caption,
            text: code,
        } => {
            if !caption.is_empty() {
                paragraph(text, "", &format!("{caption}:"));
            }
            for line in code.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
        Block::Chart(Chart { title, says, .. }) => paragraph(text, "", &format!("{title}: {says}")),
        // Of a server only.
        Block::Form(_) | Block::Links(_) => {}
    }
}

/// Words in lines of bounded length.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    let mut length = 0;
    for word in words.split_whitespace() {
        let width = word.chars().count();
        if length > 0 && indent.len() + length + 1 + width > WIDTH {
            text.push('\n');
            length = 0;
        }
        text.push_str(if length == 0 { indent } else { " " });
        text.push_str(word);
        length += width + usize::from(length > 0);
    }
    text.push('\n');
}

fn write_facts(text: &mut String, facts: &[Fact]) {
    let width = facts
        .iter()
        .map(|fact| fact.name.chars().count())
        .max()
        .unwrap_or(0);
    for fact in facts {
        let note = if fact.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", fact.note)
        };
        let _ = writeln!(text, "  {:width$}  {}{note}", fact.name, fact.value);
    }
}

fn write_item(text: &mut String, item: &Item) {
    let rank = item
        .rank
        .map_or_else(|| "- ".to_owned(), |rank| format!("{rank}. "));
    let severity = if item.severity.is_empty() {
        String::new()
    } else {
        format!("[{}] ", item.severity)
    };
    paragraph(text, "  ", &format!("{rank}{severity}{}", item.title));
    for sentence in &item.texts {
        paragraph(text, "     ", sentence);
    }
    if let Some((key, current, recommended)) = &item.setting {
        paragraph(text, "     ", &format!("{key}: {current} -> {recommended}"));
    }
    if !item.facts.is_empty() {
        paragraph(text, "     ", &item.facts.join(" · "));
    }
}

fn write_table(text: &mut String, table: &Table) {
    paragraph(text, "", &format!("{}:", table.caption));
    if table.columns.iter().any(|column| column.is_prose) {
        return write_prose(text, table);
    }
    let cell = |text: &str| crate::model::shortened(text, COLUMN - 1);
    let widths: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = table.rows.iter().map(|row| row.whole(index));
            let widest = cells
                .map(|text| cell(&text).chars().count())
                .max()
                .unwrap_or(0);
            widest.max(column.title.chars().count())
        })
        .collect();
    let heading: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.title.clone())
        .collect();
    let cells = table.rows.iter().map(whole);
    for row in std::iter::once(heading).chain(cells) {
        let mut line = String::from(" ");
        for ((value, column), width) in row.iter().zip(&table.columns).zip(&widths) {
            let width = *width;
            let value = cell(value.as_str());
            if column.is_number {
                let _ = write!(line, " {value:>width$} ");
            } else {
                let _ = write!(line, " {value:width$} ");
            }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// The values of a row with their second lines.
fn whole(row: &Row) -> Vec<String> {
    (0..row.cells.len())
        .map(|column| row.whole(column))
        .collect()
}

/// A table of sentences, a row each.
fn write_prose(text: &mut String, table: &Table) {
    for row in &table.rows {
        let row = whole(row);
        let mut cells = row.iter().zip(&table.columns);
        let first = cells.next().map_or("", |(cell, _)| cell.as_str());
        let single = table.columns.len() == 2;
        let rest = cells
            .filter(|(cell, _)| !cell.is_empty())
            .map(|(cell, column)| {
                if single {
                    cell.clone()
                } else {
                    format!("{}: {cell}", column.title)
                }
            });
        let rest: Vec<String> = rest.collect();
        paragraph(text, "  ", &format!("- {first}: {}", rest.join(" · ")));
    }
}
