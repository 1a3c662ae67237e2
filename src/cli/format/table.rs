//! Tables for people.
//!
//! Widths can only be known when the rows are, and an answer may be longer than the memory: it is
//! written in pages, each with its header. On a terminal a page is as wide as the terminal: long
//! texts are broken into lines, and columns that find no place are left out, which is said below.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::AnswerWriter;
use super::cells::{Cells, flattened};
use crate::cli::output::Target;
use crate::cli::text::{printable, printable_lines, shortened};

const ROWS_A_PAGE: usize = 1_000;
/// A column that is wider may be broken into lines of this width, and not less.
const NARROWEST_BROKEN: usize = 20;
/// A column's frame and margins.
const FRAME: usize = 3;
/// The most of one value that a terminal shows.
const LONGEST_ON_TERMINAL: usize = 2_000;

pub(super) struct TableWriter<W: Target> {
    names: Vec<String>,
    alignments: Vec<CellAlignment>,
    page: Vec<Vec<String>>,
    pages_written: usize,
    output: W,
}

impl<W: Target> TableWriter<W> {
    pub(super) fn new(schema: &SchemaRef, output: W) -> Self {
        let fields = schema.fields();
        let alignments: Vec<CellAlignment> = fields
            .iter()
            .map(|field| match field.data_type().is_numeric() {
                true => CellAlignment::Right,
                false => CellAlignment::Left,
            })
            .collect();
        Self {
            names: fields.iter().map(|field| printable(field.name())).collect(),
            alignments,
            page: Vec::new(),
            pages_written: 0,
            output,
        }
    }

    fn write_page(&mut self) -> Result<(), ArrowError> {
        let width = self.output.width();
        let shown = match width {
            Some(width) => self.columns_that_fit(usize::from(width)),
            None => self.names.len(),
        };
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        match width {
            Some(width) => table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        table.set_header(self.names.iter().take(shown).map(Cell::new));
        for row in self.page.drain(..) {
            let cells = row.into_iter().zip(&self.alignments).take(shown);
            table.add_row(cells.map(|(text, align)| Cell::new(text).set_alignment(*align)));
        }
        self.pages_written += 1;
        writeln!(self.output, "{table}")?;
        let all = self.names.len();
        if shown < all {
            writeln!(
                self.output,
                "{shown} of {all} columns fit the terminal; name the columns you want, or add \
                 --format vertical"
            )?;
        }
        Ok(())
    }

    /// How many columns of the page find a place in `width`; at least one.
    fn columns_that_fit(&self, width: usize) -> usize {
        let mut used = 1;
        for (column, name) in self.names.iter().enumerate() {
            let cells = self.page.iter().filter_map(|row| row.get(column));
            let widest = cells
                .flat_map(|cell| cell.lines())
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0);
            used += widest.max(name.chars().count()).min(NARROWEST_BROKEN) + FRAME;
            if used > width {
                return column.max(1);
            }
        }
        self.names.len()
    }
}

impl<W: Target> AnswerWriter for TableWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let batch = flattened(batch)?;
        let cells = Cells::of(&batch)?;
        let longest = match self.output.width() {
            Some(_) => LONGEST_ON_TERMINAL,
            None => usize::MAX,
        };
        for row in 0..batch.num_rows() {
            let cells = cells.row(row).map(|cell| match cell {
                Some(text) => shortened(&printable_lines(&text), longest),
                None => "NULL".to_owned(),
            });
            self.page.push(cells.collect());
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
