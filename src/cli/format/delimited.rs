//! Comma-separated values.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::csv::{Writer, WriterBuilder};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::AnswerWriter;
use super::cells::flattened;

pub(super) struct CsvWriter<W: Write> {
    writer: Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    pub(super) fn new(schema: &SchemaRef, output: W) -> Result<Self, ArrowError> {
        let mut this = Self {
            writer: WriterBuilder::new().with_header(true).build(output),
        };
        // The header comes with the first batch, and an answer without rows has a header too.
        this.write(&RecordBatch::new_empty(SchemaRef::clone(schema)))?;
        Ok(this)
    }
}

impl<W: Write> AnswerWriter for CsvWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.writer.write(&flattened(batch)?)
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        Ok(())
    }
}
