//! JSON: one array, or one object a line. Every object has every column, NULL too.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, Writer, WriterBuilder};

use super::AnswerWriter;

fn writer<W: Write, F: JsonFormat>(output: W) -> Writer<W, F> {
    WriterBuilder::new().with_explicit_nulls(true).build(output)
}

pub(super) struct ArrayWriter<W: Write> {
    writer: Writer<W, JsonArray>,
}

impl<W: Write> ArrayWriter<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            writer: writer(output),
        }
    }
}

impl<W: Write> AnswerWriter for ArrayWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.writer.write(batch)
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        self.writer.finish()?;
        Ok(self.writer.get_mut().write_all(b"\n")?)
    }
}

pub(super) struct LinesWriter<W: Write> {
    writer: Writer<W, LineDelimited>,
}

impl<W: Write> LinesWriter<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            writer: writer(output),
        }
    }
}

impl<W: Write> AnswerWriter for LinesWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.writer.write(batch)
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        self.writer.finish()
    }
}
