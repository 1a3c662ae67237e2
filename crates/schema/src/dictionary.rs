//! Contracts as text for people and language models.

use std::fmt::Write;

use arrow::datatypes::DataType;
use comfy_table::{ColumnConstraint, ContentArrangement, Table as TextTable, presets};

use serde_json::{Value, json};

use super::column::Column;
use super::contract::Table;

/// The data dictionary of `tables` as one Markdown document.
pub fn markdown<'t>(tables: impl IntoIterator<Item = &'t Table>) -> String {
    let mut document = String::from("# Data dictionary\n");
    for table in tables {
        document.push('\n');
        document.push_str(&table_markdown(table));
    }
    document
}

/// The data dictionary of `tables` as a JSON document: `{"tables": [{"name", …, "columns": […]}]}`.
pub fn json<'t>(tables: impl IntoIterator<Item = &'t Table>) -> String {
    let column = |column: &Column| {
        json!({
            "name": column.name,
            "type": column.data_type.sql_name(),
            "nullable": column.nullable,
            "unit": column.unit,
            "description": column.description,
            "values": column.values,
            "references": column.reference().map(|(table, column)| format!("{table}.{column}")),
            "source": column.source,
        })
    };
    let tables: Vec<Value> = tables
        .into_iter()
        .map(|table| {
            json!({
                "name": table.name,
                "title": table.title,
                "kind": table.kind.name(),
                "grain": table.grain,
                "description": table.description,
                "source": table.source,
                "keys": table.keys,
                "partition_by": table.partition_by,
                "columns": table.columns.iter().map(column).collect::<Vec<Value>>(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "tables": tables }))
}

/// The Markdown section of one table.
pub fn table_markdown(table: &Table) -> String {
    let mut section = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        section,
        "## `{}`: {}\n\n{}\n\n- Kind: {}\n- Grain: {}\n- Key: {}\n- Partitioned by: {}\n{}\n\
         | column | type | NULL | unit | description |\n|---|---|---|---|---|\n",
        table.name,
        table.title,
        table.description,
        table.kind.name(),
        table.grain,
        code_list(&table.keys),
        code_list(&table.partition_by),
        table
            .source
            .as_ref()
            .map_or_else(String::new, |source| format!("- Source: {source}\n")),
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
        "{}: {}\n{}\n\nkind: {}\ngrain: {}\nkey: {}\npartitioned by: {}\n{}\n{columns}\n",
        table.name,
        table.title,
        table.description,
        table.kind.name(),
        table.grain,
        plain_list(&table.keys),
        plain_list(&table.partition_by),
        table
            .source
            .as_ref()
            .map_or_else(String::new, |source| format!("source: {source}\n")),
    )
}

/// A view as the dictionary shows it.
pub struct View<'v> {
    /// Its name.
    pub name: &'v str,
    /// One line for people.
    pub title: &'v str,
    /// What it holds and how it is counted.
    pub description: &'v str,
    /// The tables and views that it reads.
    pub reads: &'v [String],
    /// Its columns, in order.
    pub columns: Vec<ViewColumn<'v>>,
}

/// A column of a view.
pub struct ViewColumn<'v> {
    /// Its name.
    pub name: &'v str,
    /// Its type, as SQL calls it.
    pub data_type: String,
    /// What it means, where a table that the view reads says it.
    pub description: Option<String>,
}

impl View<'_> {
    /// The view as plain text, at most `width` characters a line.
    pub fn text(&self, width: u16) -> String {
        let mut columns = TextTable::new();
        columns
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .set_header(["column", "description"]);
        for column in &self.columns {
            columns.add_row([
                format!("{}\n{}", column.name, column.data_type),
                column.description.clone().unwrap_or_default(),
            ]);
        }
        if let Some(names) = columns.column_mut(0) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
        format!(
            "{}: {}\n{}\n\nkind: view\nreads: {}\n\n{columns}\n",
            self.name,
            self.title,
            self.description,
            plain_list(self.reads),
        )
    }

    /// The Markdown section of the view.
    pub fn markdown(&self) -> String {
        let mut section = format!(
            "## `{}`: {}\n\n{}\n\n- Kind: view\n- Reads: {}\n\n\
             | column | type | description |\n|---|---|---|\n",
            self.name,
            self.title,
            self.description,
            code_list(self.reads),
        );
        for column in &self.columns {
            let description = column.description.as_deref().unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                section,
                "| `{}` | {} | {} |",
                column.name,
                column.data_type,
                escape_cell(description)
            );
        }
        section
    }
}

/// A type of the query engine, as SQL calls it.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING".to_owned(),
        DataType::Dictionary(_, values) => type_name(values),
        DataType::Int64 | DataType::UInt64 => "BIGINT".to_owned(),
        DataType::Int32 | DataType::UInt32 => "INT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::List(items) => format!("ARRAY<{}>", type_name(items.data_type())),
        other => other.to_string().to_uppercase(),
    }
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
