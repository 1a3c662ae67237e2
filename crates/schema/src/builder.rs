//! The one way rows become record batches: typed appends in contract order.
//!
//! Every producer writes a row as a chain of calls that name each column. The names are compared
//! with the contract on the first row of a batch only, because all rows of a producer pass through
//! the same calls; later rows pay for a running index and a match on the type. A deviation does
//! not panic: the first one is remembered, later calls do nothing, and [`TableBuilder::finish`]
//! returns it.

mod error;
mod row;
#[cfg(test)]
mod tests;
mod values;

use arrow::array::{Array, RecordBatch};

use super::column::ColumnType;
use super::contract::Table;
use values::Slot;

pub use error::BuilderError;
pub use row::RowBuilder;

/// Rows for which a builder reserves space when it is not told otherwise.
const DEFAULT_CAPACITY: usize = 1024;
/// Most bytes of text and array elements in one batch; Arrow's 32-bit offsets end here.
const MAX_BUFFERED_BYTES: usize = i32::MAX as usize;

/// Collects the rows of one table into record batches.
///
/// ```
/// # use sparklake_schema::{self as schema, TableBuilder};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let Some(table) = schema::table("runs") else { return Ok(()) };
/// let mut builder = TableBuilder::new(table);
/// let mut row = builder.row();
/// row.string("run_id", "r1").timestamp_ms("started_at", 1_700_000_000_000);
/// row.end();
/// assert!(builder.finish().is_err(), "the other columns of `runs` are missing");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TableBuilder {
    table: &'static Table,
    capacity: usize,
    /// One slot a column; empty before the first row of a batch and after a failure.
    slots: Vec<Slot>,
    /// Index of the column that the next append belongs to.
    position: usize,
    rows: usize,
    buffered_bytes: usize,
    failure: Option<BuilderError>,
}

impl TableBuilder {
    /// A builder for batches of about a thousand rows.
    pub fn new(table: &'static Table) -> Self {
        Self::with_capacity(table, DEFAULT_CAPACITY)
    }

    /// A builder that reserves space for `rows` rows when a batch begins.
    pub fn with_capacity(table: &'static Table, rows: usize) -> Self {
        Self {
            table,
            capacity: rows,
            slots: Vec::new(),
            position: 0,
            rows: 0,
            buffered_bytes: 0,
            failure: None,
        }
    }

    /// The table whose rows it collects.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Rows ended since the last [`finish`](Self::finish).
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is nothing to finish.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.position == 0 && self.failure.is_none()
    }

    /// Bytes of text and array elements in the batch so far. A batch holds at most 2 GiB of them:
    /// producers of large texts finish a batch long before.
    pub fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// Begins a row. All columns must be given, in contract order, before [`RowBuilder::end`].
    #[inline]
    pub fn row(&mut self) -> RowBuilder<'_> {
        if self.rows == 0 {
            self.begin_batch();
        }
        if self.position != 0 {
            self.fail_at_row_end();
        }
        RowBuilder::new(self)
    }

    /// Takes the rows collected so far as a batch in the table's schema, and begins a new batch.
    ///
    /// # Errors
    /// The first deviation from the contract since the last call; the rows are lost with it.
    pub fn finish(&mut self) -> Result<RecordBatch, BuilderError> {
        if self.position != 0 {
            self.fail_at_row_end();
        }
        let rows = std::mem::take(&mut self.rows);
        let slots = std::mem::take(&mut self.slots);
        self.buffered_bytes = 0;
        self.position = 0;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if rows == 0 {
            return Ok(RecordBatch::new_empty(self.table.arrow_schema()));
        }
        // Most histories have few rows for most tables, and their batches wait to be written together.
        let is_small = rows < self.capacity / 2;
        let finish = |slot: Slot| {
            let mut array = slot.finish();
            if is_small {
                array.shrink_to_fit();
            }
            array
        };
        let arrays = slots.into_iter().map(finish).collect();
        RecordBatch::try_new(self.table.arrow_schema(), arrays).map_err(|source| {
            BuilderError::Arrow {
                table: &self.table.name,
                source,
            }
        })
    }

    fn begin_batch(&mut self) {
        if self.slots.is_empty() && self.failure.is_none() {
            let columns = self.table.columns.iter();
            self.slots = columns
                .map(|column| Slot::new(column, self.capacity))
                .collect();
        }
    }

    /// The slot of the next column. `None` past the last column and after a failure.
    #[inline]
    fn next_slot(&mut self, name: &'static str) -> Option<&mut Slot> {
        if self.rows == 0 {
            self.check_name(name);
        }
        let position = self.position;
        self.position += 1;
        self.slots.get_mut(position)
    }

    #[cold]
    fn check_name(&mut self, name: &'static str) {
        if let Some(column) = self.table.columns.get(self.position)
            && column.name != name
        {
            self.fail(BuilderError::Name {
                table: &self.table.name,
                expected: &column.name,
                given: name,
            });
        }
    }

    /// Counts bytes whose offsets Arrow keeps in 32 bits; false, and a failure, beyond its limit.
    #[inline]
    fn reserve_bytes(&mut self, name: &'static str, bytes: usize) -> bool {
        self.buffered_bytes = self.buffered_bytes.saturating_add(bytes);
        if self.buffered_bytes > MAX_BUFFERED_BYTES {
            self.fail(BuilderError::TooLarge {
                table: &self.table.name,
                column: name,
            });
            return false;
        }
        true
    }

    /// Remembers why the append for the column just passed was refused.
    #[cold]
    fn refuse(&mut self, name: &'static str, given: RefusedValue) {
        let table = &self.table.name;
        let column = self.position.checked_sub(1);
        let failure = match column.and_then(|position| self.table.columns.get(position)) {
            None => BuilderError::TooManyColumns { table, given: name },
            Some(column) => match given {
                RefusedValue::Null(data_type) if data_type == column.data_type => {
                    BuilderError::Null {
                        table,
                        column: &column.name,
                    }
                }
                RefusedValue::Null(data_type) | RefusedValue::Value(data_type) => {
                    BuilderError::Type {
                        table,
                        column: &column.name,
                        expected: column.data_type.sql_name(),
                        given: data_type.sql_name(),
                    }
                }
            },
        };
        self.fail(failure);
    }

    /// Remembers that a row ended with columns missing, or was not ended.
    #[cold]
    fn fail_at_row_end(&mut self) {
        let missing = self.table.columns.get(self.position);
        let failure = match missing {
            Some(column) => BuilderError::MissingColumn {
                table: &self.table.name,
                column: &column.name,
            },
            None => BuilderError::RowNotEnded {
                table: &self.table.name,
            },
        };
        self.fail(failure);
    }

    /// Remembers the first failure only; without slots all later appends do nothing.
    #[cold]
    fn fail(&mut self, failure: BuilderError) {
        self.failure.get_or_insert(failure);
        self.slots.clear();
        self.position = 0;
    }
}

/// What a refused append tried to write.
enum RefusedValue {
    Value(ColumnType),
    Null(ColumnType),
}
