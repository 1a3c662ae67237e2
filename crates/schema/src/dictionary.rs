//! Contracts as text for people and language models.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, Table as TextTable, presets};

use super::contract::{Column, Table};

/// The data dictionary of `tables` as one Markdown document.
pub fn markdown(tables: &[Table]) -> String {
    let mut document = String::from("# Data dictionary\n");
    for table in tables {
        document.push('\n');
        document.push_str(&table_markdown(table));
    }
    document
}

/// The Markdown section of one table.
pub fn table_markdown(table: &Table) -> String {
    let mut section = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        section,
        "## `{}`: {}\n\n{}\n\n- Kind: {}\n- Grain: {}\n- Key: {}\n- Partitioned by: {}\n\n\
         | column | type | NULL | unit | description |\n|---|---|---|---|---|\n",
        table.name,
        table.title,
        table.description,
        table.kind.name(),
        table.grain,
        code_list(&table.keys),
        code_list(&table.partition_by),
    );
    for column in &table.columns {
        let _ = writeln!(
            section,
            "| `{}` | {} | {} | {} | {} |",
            column.name,
            column.data_type.sql_name(),
            null_mark(column),
            column.unit.as_deref().unwrap_or_default(),
            escape_cell(&full_description(column)),
        );
    }
    section
}

/// One table as plain text, its columns in at most `width` characters a line: the answer of
/// `sparklake describe`.
pub fn describe(table: &Table, width: u16) -> String {
    let mut columns = TextTable::new();
    columns
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(["column", "description"]);
    for column in &table.columns {
        columns.add_row([
            format!("{}\n{}", column.name, type_line(column)),
            full_description(column),
        ]);
    }
    // A name that is broken over two lines can neither be searched for nor copied.
    if let Some(names) = columns.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    format!(
        "{}: {}\n{}\n\nkind: {}\ngrain: {}\nkey: {}\npartitioned by: {}\n\n{columns}\n",
        table.name,
        table.title,
        table.description,
        table.kind.name(),
        table.grain,
        plain_list(&table.keys),
        plain_list(&table.partition_by),
    )
}

/// Description, values, reference and source; the unit has a column of its own.
fn full_description(column: &Column) -> String {
    Column {
        unit: None,
        ..column.clone()
    }
    .comment()
}

fn type_line(column: &Column) -> String {
    let mut line = column.data_type.sql_name().to_owned();
    if let Some(unit) = &column.unit {
        line = format!("{line} ({unit})");
    }
    if !column.nullable {
        line.push_str(" not null");
    }
    line
}

fn null_mark(column: &Column) -> &'static str {
    if column.nullable { "yes" } else { "no" }
}

fn code_list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    format!("`{}`", names.join("`, `"))
}

fn plain_list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

/// Keeps a text inside its table cell, and `<…>` in it from being taken for HTML.
fn escape_cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}
