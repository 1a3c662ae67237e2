//! One value a line: for rows with many columns or long texts.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::AnswerWriter;
use super::cells::{Cells, flattened};
use crate::cli::output::Target;
use crate::cli::text::{printable, printable_lines};

pub(super) struct VerticalWriter<W: Target> {
    names: Vec<String>,
    name_width: usize,
    rows_written: usize,
    output: W,
}

impl<W: Target> VerticalWriter<W> {
    pub(super) fn new(schema: &SchemaRef, output: W) -> Self {
        let fields = schema.fields();
        let names: Vec<String> = fields.iter().map(|field| printable(field.name())).collect();
        let widths = names.iter().map(|name| name.chars().count());
        Self {
            name_width: widths.max().unwrap_or(0),
            names,
            rows_written: 0,
            output,
        }
    }
}

impl<W: Target> AnswerWriter for VerticalWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let batch = flattened(batch)?;
        let cells = Cells::of(&batch)?;
        let width = self.name_width;
        for row in 0..batch.num_rows() {
            self.rows_written += 1;
            writeln!(self.output, "-[ row {} ]-", self.rows_written)?;
            for (name, cell) in self.names.iter().zip(cells.row(row)) {
                let value = cell.map_or_else(|| "NULL".to_owned(), |text| printable_lines(&text));
                let value = value.replace('\n', &format!("\n{:width$} | ", ""));
                writeln!(self.output, "{name:width$} | {value}")?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        if self.rows_written == 0 {
            writeln!(self.output, "no rows")?;
        }
        Ok(self.output.flush()?)
    }
}
