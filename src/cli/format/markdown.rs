//! Markdown tables.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::AnswerWriter;
use super::cells::{Cells, flattened};
use crate::cli::text::printable;

pub(super) struct MarkdownWriter<W: Write> {
    output: W,
}

impl<W: Write> MarkdownWriter<W> {
    pub(super) fn new(schema: &SchemaRef, mut output: W) -> Result<Self, ArrowError> {
        let fields = schema.fields();
        let names: Vec<String> = fields.iter().map(|field| escaped(field.name())).collect();
        let rules = fields
            .iter()
            .map(|field| match field.data_type().is_numeric() {
                true => "---:",
                false => "---",
            });
        writeln!(output, "| {} |", names.join(" | "))?;
        writeln!(output, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
        Ok(Self { output })
    }
}

impl<W: Write> AnswerWriter for MarkdownWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let batch = flattened(batch)?;
        let cells = Cells::of(&batch)?;
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = cells
                .row(row)
                .map(|cell| cell.as_deref().map_or_else(|| "NULL".to_owned(), escaped))
                .collect();
            writeln!(self.output, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        Ok(self.output.flush()?)
    }
}

/// Keeps a text inside its cell, and from being taken for markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '[' | ']' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
