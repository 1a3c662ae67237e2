//! Answers as text: every command that lists something builds record batches, and they are written
//! here, batch by batch.

mod cells;
mod delimited;
mod json;
mod markdown;
mod table;
mod vertical;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::output::Target;

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// For people; as wide as the terminal, header again every thousand rows
    #[default]
    Table,
    /// RFC 4180 with a header; NULL is empty, lists are JSON
    Csv,
    /// One JSON array
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// For people; one value a line
    #[value(alias = "expanded")]
    Vertical,
}

/// Writes one answer.
pub(super) trait AnswerWriter {
    /// Writes the next rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError>;
    /// Writes what comes after all rows.
    fn finish(&mut self) -> Result<(), ArrowError>;
}

impl Format {
    /// A writer of rows of `schema` to `output`; what comes before all rows is written at once.
    pub(super) fn writer<'o, W: Target + 'o>(
        self,
        schema: &SchemaRef,
        output: W,
    ) -> Result<Box<dyn AnswerWriter + 'o>, ArrowError> {
        Ok(match self {
            Self::Table => Box::new(table::TableWriter::new(schema, output)),
            Self::Csv => Box::new(delimited::CsvWriter::new(schema, output)?),
            Self::Json => Box::new(json::ArrayWriter::new(output)),
            Self::Ndjson => Box::new(json::LinesWriter::new(output)),
            Self::Markdown => Box::new(markdown::MarkdownWriter::new(schema, output)?),
            Self::Vertical => Box::new(vertical::VerticalWriter::new(schema, output)),
        })
    }

    /// Writes an answer that is there as a whole.
    pub(super) fn write_all<W: Target>(
        self,
        answer: &RecordBatch,
        mut output: W,
    ) -> Result<(), ArrowError> {
        let mut writer = self.writer(&answer.schema(), &mut output)?;
        writer.write(answer)?;
        writer.finish()?;
        drop(writer);
        Ok(output.flush()?)
    }
}

/// A batch of named columns.
pub(super) fn listing<const N: usize>(
    columns: [(&str, ArrayRef); N],
) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
}

/// A column of texts.
pub(super) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// A column of counts; `None` where it is not known.
pub(super) fn counts(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let values = values.into_iter().map(|value| value.map(number));
    Arc::new(values.collect::<Int64Array>())
}

#[cfg(test)]
mod tests;
