//! Tables for people.
//!
//! Widths can only be known when the rows are, and an answer may be longer than the memory: it is
//! written in pages, each with its header.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::AnswerWriter;
use super::cells::{Cells, flattened};
use crate::cli::text::{printable, printable_lines};

const ROWS_A_PAGE: usize = 1_000;

pub(super) struct TableWriter<W: Write> {
    header: Vec<Cell>,
    alignments: Vec<CellAlignment>,
    page: Vec<Vec<Cell>>,
    pages_written: usize,
    output: W,
}

impl<W: Write> TableWriter<W> {
    pub(super) fn new(schema: &SchemaRef, output: W) -> Self {
        let fields = schema.fields();
        let alignments: Vec<CellAlignment> = fields
            .iter()
            .map(|field| match field.data_type().is_numeric() {
                true => CellAlignment::Right,
                false => CellAlignment::Left,
            })
            .collect();
        let header = fields
            .iter()
            .map(|field| Cell::new(printable(field.name())))
            .collect();
        Self {
            header,
            alignments,
            page: Vec::new(),
            pages_written: 0,
            output,
        }
    }

    fn write_page(&mut self) -> Result<(), ArrowError> {
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(self.header.clone())
            .add_rows(self.page.drain(..));
        self.pages_written += 1;
        Ok(writeln!(self.output, "{table}")?)
    }
}

impl<W: Write> AnswerWriter for TableWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let batch = flattened(batch)?;
        let cells = Cells::of(&batch)?;
        for row in 0..batch.num_rows() {
            let cells = cells
                .row(row)
                .map(|cell| cell.map_or_else(|| "NULL".to_owned(), |text| printable_lines(&text)));
            let cells = cells.zip(&self.alignments);
            let row = cells.map(|(text, align)| Cell::new(text).set_alignment(*align));
            self.page.push(row.collect());
            if self.page.len() == ROWS_A_PAGE {
                self.write_page()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ArrowError> {
        if self.pages_written == 0 || !self.page.is_empty() {
            self.write_page()?;
        }
        Ok(self.output.flush()?)
    }
}
