//! The one way rows become record batches: typed appends in contract order.
//!
//! Every producer writes a row as a chain of calls that name each column. The names are compared
//! with the contract on the first row of a batch only, because all rows of a producer pass through
//! the same calls; later rows pay for a running index and a match on the type. A deviation does
//! not panic: the first one is remembered, later calls do nothing, and [`TableBuilder::finish`]
//! returns it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use thiserror::Error;

use super::arrow::{TIME_ZONE, element_field};
use super::contract::{ColumnType, Table};

/// Rows for which a builder reserves space when it is not told otherwise.
const DEFAULT_CAPACITY: usize = 1024;
/// Bytes reserved for each text.
const TEXT_LENGTH_GUESS: usize = 16;
/// Most bytes of text and array elements in one batch; Arrow's 32-bit offsets end here.
const MAX_BUFFERED_BYTES: usize = i32::MAX as usize;

const MILLISECONDS_PER_DAY: i64 = 86_400_000;
/// 0001-01-01T00:00:00.000 and 9999-12-31T23:59:59.999 in UTC: the instants SQL engines agree on.
const FIRST_MILLISECOND: i64 = -62_135_596_800_000;
const LAST_MILLISECOND: i64 = 253_402_300_799_999;

/// Collects the rows of one table into record batches.
///
/// ```
/// # use sparklake::schema::{self, TableBuilder};
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
        self.rows == 0
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
        RowBuilder { builder: self }
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
        let arrays = slots.into_iter().map(Slot::finish).collect();
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
                .map(|column| Slot {
                    nullable: column.nullable,
                    values: Values::new(column.data_type, self.capacity),
                })
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
    fn refuse(&mut self, name: &'static str, given: Given) {
        let table = &self.table.name;
        let column = self.position.checked_sub(1);
        let failure = match column.and_then(|position| self.table.columns.get(position)) {
            None => BuilderError::TooManyColumns { table, given: name },
            Some(column) => match given {
                Given::Null(data_type) if data_type == column.data_type => BuilderError::Null {
                    table,
                    column: &column.name,
                },
                Given::Null(data_type) | Given::Value(data_type) => BuilderError::Type {
                    table,
                    column: &column.name,
                    expected: column.data_type.sql_name(),
                    given: data_type.sql_name(),
                },
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

/// One row under construction.
///
/// Every method gives the next column its value; `name` is the column it is meant for. The `opt_`
/// methods write NULL for `None`.
#[derive(Debug)]
#[must_use = "a row counts only once it is ended"]
pub struct RowBuilder<'builder> {
    builder: &'builder mut TableBuilder,
}

impl RowBuilder<'_> {
    /// Gives a `bigint` column its value.
    #[inline]
    pub fn bigint(&mut self, name: &'static str, value: i64) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Bigint(values)) => values.append_value(value),
            _ => self.builder.refuse(name, Given::Value(ColumnType::Bigint)),
        }
        self
    }

    /// Gives a `bigint` column its value or NULL.
    #[inline]
    pub fn opt_bigint(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.bigint(name, value),
            None => self.null(name, ColumnType::Bigint),
        }
    }

    /// Gives an `int` column its value.
    #[inline]
    pub fn int(&mut self, name: &'static str, value: i32) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Int(values)) => values.append_value(value),
            _ => self.builder.refuse(name, Given::Value(ColumnType::Int)),
        }
        self
    }

    /// Gives an `int` column its value or NULL.
    #[inline]
    pub fn opt_int(&mut self, name: &'static str, value: Option<i32>) -> &mut Self {
        match value {
            Some(value) => self.int(name, value),
            None => self.null(name, ColumnType::Int),
        }
    }

    /// Gives a `double` column its value.
    #[inline]
    pub fn double(&mut self, name: &'static str, value: f64) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Double(values)) => values.append_value(value),
            _ => self.builder.refuse(name, Given::Value(ColumnType::Double)),
        }
        self
    }

    /// Gives a `double` column its value or NULL.
    #[inline]
    pub fn opt_double(&mut self, name: &'static str, value: Option<f64>) -> &mut Self {
        match value {
            Some(value) => self.double(name, value),
            None => self.null(name, ColumnType::Double),
        }
    }

    /// Gives a `boolean` column its value.
    #[inline]
    pub fn boolean(&mut self, name: &'static str, value: bool) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Boolean(values)) => values.append_value(value),
            _ => self.builder.refuse(name, Given::Value(ColumnType::Boolean)),
        }
        self
    }

    /// Gives a `boolean` column its value or NULL.
    #[inline]
    pub fn opt_boolean(&mut self, name: &'static str, value: Option<bool>) -> &mut Self {
        match value {
            Some(value) => self.boolean(name, value),
            None => self.null(name, ColumnType::Boolean),
        }
    }

    /// Gives a `string` column its value.
    #[inline]
    pub fn string(&mut self, name: &'static str, value: &str) -> &mut Self {
        if !self.builder.reserve_bytes(name, value.len()) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::String(values)) => values.append_value(value),
            _ => self.builder.refuse(name, Given::Value(ColumnType::String)),
        }
        self
    }

    /// Gives a `string` column its value or NULL.
    #[inline]
    pub fn opt_string(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.string(name, value),
            None => self.null(name, ColumnType::String),
        }
    }

    /// Gives a `timestamp` column an instant in milliseconds since 1970, UTC. Instants outside
    /// the years 1 to 9999 become the nearest one inside.
    #[inline]
    pub fn timestamp_ms(&mut self, name: &'static str, value: i64) -> &mut Self {
        let microseconds = value.clamp(FIRST_MILLISECOND, LAST_MILLISECOND) * 1000;
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Timestamp(values)) => values.append_value(microseconds),
            _ => self
                .builder
                .refuse(name, Given::Value(ColumnType::Timestamp)),
        }
        self
    }

    /// Gives a `timestamp` column an instant in milliseconds since 1970, UTC, or NULL. Instants
    /// outside the years 1 to 9999 are no instants: NULL.
    #[inline]
    pub fn opt_timestamp_ms(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value @ FIRST_MILLISECOND..=LAST_MILLISECOND) => self.timestamp_ms(name, value),
            _ => self.null(name, ColumnType::Timestamp),
        }
    }

    /// Gives a `date` column the UTC day of an instant in milliseconds since 1970. Days outside
    /// the years 1 to 9999 become the nearest one inside.
    #[inline]
    pub fn date_from_ms(&mut self, name: &'static str, value: i64) -> &mut Self {
        let milliseconds = value.clamp(FIRST_MILLISECOND, LAST_MILLISECOND);
        let days = milliseconds.div_euclid(MILLISECONDS_PER_DAY) as i32;
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Date(values)) => values.append_value(days),
            _ => self.builder.refuse(name, Given::Value(ColumnType::Date)),
        }
        self
    }

    /// Gives a `date` column the UTC day of an instant in milliseconds since 1970, or NULL. Days
    /// outside the years 1 to 9999 are no days: NULL.
    #[inline]
    pub fn opt_date_from_ms(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value @ FIRST_MILLISECOND..=LAST_MILLISECOND) => self.date_from_ms(name, value),
            _ => self.null(name, ColumnType::Date),
        }
    }

    /// Gives an `array<bigint>` column its elements.
    #[inline]
    pub fn bigint_array(&mut self, name: &'static str, elements: &[i64]) -> &mut Self {
        if !self.builder.reserve_bytes(name, size_of_val(elements)) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::BigintArray(lists)) => {
                lists.values().append_slice(elements);
                lists.append(true);
            }
            _ => self
                .builder
                .refuse(name, Given::Value(ColumnType::BigintArray)),
        }
        self
    }

    /// Gives an `array<bigint>` column its elements or NULL.
    #[inline]
    pub fn opt_bigint_array(&mut self, name: &'static str, elements: Option<&[i64]>) -> &mut Self {
        match elements {
            Some(elements) => self.bigint_array(name, elements),
            None => self.null(name, ColumnType::BigintArray),
        }
    }

    /// Gives an `array<string>` column its elements.
    #[inline]
    pub fn string_array<Text: AsRef<str>>(
        &mut self,
        name: &'static str,
        elements: &[Text],
    ) -> &mut Self {
        // One more byte each, so that empty texts count towards the limit too.
        let bytes = elements.iter().map(|text| text.as_ref().len() + 1).sum();
        if !self.builder.reserve_bytes(name, bytes) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::StringArray(lists)) => {
                for text in elements {
                    lists.values().append_value(text);
                }
                lists.append(true);
            }
            _ => self
                .builder
                .refuse(name, Given::Value(ColumnType::StringArray)),
        }
        self
    }

    /// Gives an `array<string>` column its elements or NULL.
    #[inline]
    pub fn opt_string_array<Text: AsRef<str>>(
        &mut self,
        name: &'static str,
        elements: Option<&[Text]>,
    ) -> &mut Self {
        match elements {
            Some(elements) => self.string_array(name, elements),
            None => self.null(name, ColumnType::StringArray),
        }
    }

    /// Ends the row; without this it is not part of the batch.
    #[inline]
    pub fn end(self) {
        let builder = self.builder;
        if builder.position == builder.slots.len() && !builder.slots.is_empty() {
            builder.position = 0;
            builder.rows += 1;
        } else {
            builder.fail_at_row_end();
        }
    }

    #[inline]
    fn null(&mut self, name: &'static str, data_type: ColumnType) -> &mut Self {
        let written = match self.builder.next_slot(name) {
            Some(slot) => slot.nullable && slot.values.append_null(data_type),
            None => false,
        };
        if !written {
            self.builder.refuse(name, Given::Null(data_type));
        }
        self
    }
}

/// What a refused append tried to write.
enum Given {
    Value(ColumnType),
    Null(ColumnType),
}

/// The values of one column.
#[derive(Debug)]
struct Slot {
    nullable: bool,
    values: Values,
}

impl Slot {
    fn finish(mut self) -> ArrayRef {
        self.values.finish()
    }
}

#[derive(Debug)]
enum Values {
    Bigint(Int64Builder),
    Int(Int32Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    String(StringBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    BigintArray(ListBuilder<Int64Builder>),
    StringArray(ListBuilder<StringBuilder>),
}

impl Values {
    fn new(data_type: ColumnType, rows: usize) -> Self {
        match data_type {
            ColumnType::Bigint => Self::Bigint(Int64Builder::with_capacity(rows)),
            ColumnType::Int => Self::Int(Int32Builder::with_capacity(rows)),
            ColumnType::Double => Self::Double(Float64Builder::with_capacity(rows)),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::String => Self::String(text_builder(rows)),
            ColumnType::Timestamp => Self::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(TIME_ZONE),
            ),
            ColumnType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            ColumnType::BigintArray => Self::BigintArray(
                ListBuilder::with_capacity(Int64Builder::with_capacity(rows), rows)
                    .with_field(element_field(DataType::Int64)),
            ),
            ColumnType::StringArray => Self::StringArray(
                ListBuilder::with_capacity(text_builder(rows), rows)
                    .with_field(element_field(DataType::Utf8)),
            ),
        }
    }

    /// Appends NULL if the column is of that type.
    #[inline]
    fn append_null(&mut self, data_type: ColumnType) -> bool {
        match (self, data_type) {
            (Self::Bigint(values), ColumnType::Bigint) => values.append_null(),
            (Self::Int(values), ColumnType::Int) => values.append_null(),
            (Self::Double(values), ColumnType::Double) => values.append_null(),
            (Self::Boolean(values), ColumnType::Boolean) => values.append_null(),
            (Self::String(values), ColumnType::String) => values.append_null(),
            (Self::Timestamp(values), ColumnType::Timestamp) => values.append_null(),
            (Self::Date(values), ColumnType::Date) => values.append_null(),
            (Self::BigintArray(lists), ColumnType::BigintArray) => lists.append(false),
            (Self::StringArray(lists), ColumnType::StringArray) => lists.append(false),
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bigint(values) => Arc::new(values.finish()),
            Self::Int(values) => Arc::new(values.finish()),
            Self::Double(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::String(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::BigintArray(lists) => Arc::new(lists.finish()),
            Self::StringArray(lists) => Arc::new(lists.finish()),
        }
    }
}

fn text_builder(rows: usize) -> StringBuilder {
    StringBuilder::with_capacity(rows, rows.saturating_mul(TEXT_LENGTH_GUESS))
}

/// Rows that deviate from the table's contract: a fault of the producer, not of its input, except
/// for [`BuilderError::TooLarge`].
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum BuilderError {
    #[error("table {table}: column `{given}` was given where `{expected}` is next")]
    Name {
        table: &'static str,
        expected: &'static str,
        given: &'static str,
    },
    #[error("table {table}: column `{column}` is {expected}, was given {given}")]
    Type {
        table: &'static str,
        column: &'static str,
        expected: &'static str,
        given: &'static str,
    },
    #[error("table {table}: column `{column}` was given NULL, but is not nullable")]
    Null {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: a row has no value for `{column}`")]
    MissingColumn {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: `{given}` was given after the last column")]
    TooManyColumns {
        table: &'static str,
        given: &'static str,
    },
    #[error("table {table}: a row was not ended")]
    RowNotEnded { table: &'static str },
    #[error("table {table}: texts and arrays of one batch exceed 2 GiB at column `{column}`")]
    TooLarge {
        table: &'static str,
        column: &'static str,
    },
    #[error("table {table}: the batch cannot be built")]
    Arrow {
        table: &'static str,
        #[source]
        source: ArrowError,
    },
}

impl BuilderError {
    /// Never: the same rows fail again.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
