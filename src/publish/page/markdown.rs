//! A page as Markdown, for tickets, chats and language models.

use std::fmt::Write;

use super::{Block, Fact, Item, Page, Table};

/// The page as Markdown.
pub(in crate::publish) fn write(page: &Page) -> String {
    let mut text = format!(
        "# {}\n\n{}\n",
        escaped(&page.title),
        escaped(&page.subtitle)
    );
    for section in &page.sections {
        // Writing to a text cannot fail.
        let _ = write!(text, "\n## {}\n", escaped(&section.title));
        for block in &section.blocks {
            text.push('\n');
            write_block(&mut text, block);
        }
    }
    text
}

fn write_block(text: &mut String, block: &Block) {
    match block {
        Block::Lead { first, rest } => {
            let _ = writeln!(text, "**{}** {}", escaped(first), escaped(rest));
        }
        Block::Text(sentence) => {
            let _ = writeln!(text, "{}", escaped(sentence));
        }
        Block::Note(sentence) => {
            let _ = writeln!(text, "_{}_", escaped(sentence));
        }
        Block::Facts(facts) => facts.iter().for_each(|fact| write_fact(text, fact)),
        Block::Table(table) => write_table(text, table),
        Block::Items(items) => items.iter().for_each(|item| write_item(text, item)),
        Block::Code {
            caption,
            text: code,
        } => {
            if !caption.is_empty() {
                let _ = writeln!(text, "{}:\n", escaped(caption));
            }
            let fence = fence(code);
            let _ = writeln!(text, "{fence}\n{}\n{fence}", code.trim_end());
        }
        Block::Chart(chart) => {
            let _ = writeln!(text, "{}: {}", escaped(&chart.title), escaped(&chart.says));
        }
        // Of a server only.
        Block::Form(_) | Block::Links(_) => {}
    }
}

fn write_fact(text: &mut String, fact: &Fact) {
    let _ = write!(
        text,
        "- {}: **{}**",
        escaped(&fact.name),
        escaped(&fact.value)
    );
    if !fact.note.is_empty() {
        let _ = write!(text, " ({})", escaped(&fact.note));
    }
    text.push('\n');
}

fn write_item(text: &mut String, item: &Item) {
    let mark = item
        .rank
        .map_or_else(|| "-".to_owned(), |rank| format!("{rank}."));
    let severity = if item.severity.is_empty() {
        String::new()
    } else {
        format!("[{}] ", item.severity)
    };
    let _ = writeln!(
        text,
        "{mark} **{}{}**",
        escaped(&severity),
        escaped(&item.title)
    );
    let indent = " ".repeat(mark.len() + 1);
    let mut line = |words: String| {
        let _ = writeln!(text, "{indent}\\\n{indent}{words}");
    };
    for sentence in &item.texts {
        line(escaped(sentence));
    }
    if let Some((key, current, recommended)) = &item.setting {
        line(format!(
            "{}: {} → {}",
            code(key),
            code(current),
            code(recommended)
        ));
    }
    if !item.facts.is_empty() {
        line(format!("_{}_", escaped(&item.facts.join(" · "))));
    }
}

fn write_table(text: &mut String, table: &Table) {
    let _ = writeln!(text, "{}:\n", escaped(&table.caption));
    let columns = table.columns.iter();
    let heading: Vec<&str> = columns.map(|column| column.title.as_str()).collect();
    let _ = writeln!(text, "| {} |", heading.join(" | "));
    let rule: Vec<&str> = table
        .columns
        .iter()
        .map(|column| if column.is_number { "---:" } else { "---" })
        .collect();
    let _ = writeln!(text, "| {} |", rule.join(" | "));
    for row in &table.rows {
        let cells = (0..row.cells.len()).map(|column| escaped(&row.whole(column)));
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// `text` with what Markdown or HTML would take as markup made plain.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// `text` as code in a line; as plain text where code would not be safe everywhere.
fn code(text: &str) -> String {
    if text.contains(['`', '<', '>', '&']) {
        return escaped(text);
    }
    format!("`{text}`")
}

/// The fence of a block of code that the code itself does not close.
fn fence(code: &str) -> String {
    "`".repeat(longest_ticks(code).max(2) + 1)
}

fn longest_ticks(text: &str) -> usize {
    text.split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_are_no_markup() {
        assert_eq!(
            escaped("a|b <img src=x> [x](javascript:y) `c` *d* __e__"),
            "a\\|b &lt;img src=x&gt; \\[x\\](javascript:y) \\`c\\` \\*d\\* \\_\\_e\\_\\_"
        );
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`<b"), "a\\`&lt;b");
        assert_eq!(fence("x\n```\ny"), "````");
        assert_eq!(fence("x"), "```");
    }
}
