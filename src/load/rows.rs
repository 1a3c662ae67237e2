//! Brings record batches into the shape of a table's files: the contract's columns in order, the
//! batch's own columns filled in, one partition at a time.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array, new_null_array,
};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use twox_hash::XxHash64;

use super::error::LoadError;
use super::parquet_settings;
use super::staging::Batch;
use crate::schema::Table;

/// The only partition column that tables have.
const PARTITION_COLUMN: &str = "app_date";

/// Values of the columns that say when and by which batch a row came.
#[derive(Debug, Clone)]
pub(super) struct TailValues {
    batch_id: String,
    ingested_at_us: i64,
}

impl TailValues {
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            batch_id: batch.id.clone(),
            ingested_at_us: batch.started_at.timestamp_micros(),
        }
    }

    fn column(&self, name: &str, rows: usize) -> Option<ArrayRef> {
        match name {
            "batch_id" => Some(Arc::new(StringArray::from_iter_values(
                std::iter::repeat_n(self.batch_id.as_str(), rows),
            ))),
            "ingested_at" => Some(Arc::new(
                TimestampMicrosecondArray::from_value(self.ingested_at_us, rows)
                    .with_timezone("UTC"),
            )),
            _ => None,
        }
    }
}

/// Where rows come from, and so what may be expected of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// From an extractor: exactly the contract.
    Contract,
    /// From a file of the lake, written by any version of this program or rewritten by another
    /// engine: types may be encoded otherwise, newer columns are missing.
    Survivors,
}

/// Splits rows by their `app_date` (days since 1970-01-01; `None` where the table has no
/// partitions) and gives each part the columns of the table's files.
///
/// `batch_id` and `ingested_at` may be missing from the input, as may columns that allow NULL.
pub(super) fn by_partition(
    table: &Table,
    file_schema: &SchemaRef,
    batch: &RecordBatch,
    tail: &TailValues,
) -> Result<Vec<(Option<i32>, RecordBatch)>, LoadError> {
    let file_batch = with_file_columns(table, file_schema, batch, tail)?;
    match table.partition_by.as_slice() {
        [] => Ok(vec![(None, file_batch)]),
        [column] if column == PARTITION_COLUMN => {
            let dates = partition_dates(table, batch)?;
            if let Some(date) = only_value(dates) {
                return Ok(vec![(Some(date), file_batch)]);
            }
            split(table, &file_batch, dates)
        }
        other => Err(broken(table, format!("it is partitioned by {other:?}"))),
    }
}

/// Memory of a batch. Arrays that are slices of larger ones count with their own part.
pub(super) fn memory(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size()
                .unwrap_or_else(|_| data.get_array_memory_size())
        })
        .sum()
}

/// A number that spreads tables over encoders.
pub(super) fn spread(name: &str) -> usize {
    let mut hasher = XxHash64::default();
    hasher.write(name.as_bytes());
    // Only the distribution matters, not the width.
    usize::try_from(hasher.finish() >> 33).unwrap_or(0)
}

impl Shape {
    /// The columns of a table's files for rows of this shape.
    pub(super) fn file_schema(self, table: &Table) -> SchemaRef {
        let schema = parquet_settings::file_schema(table);
        match self {
            Self::Contract => schema,
            Self::Survivors => {
                let fields = schema.fields().iter();
                let nullable = fields.map(|field| field.as_ref().clone().with_nullable(true));
                Arc::new(Schema::new(nullable.collect::<Vec<Field>>()))
            }
        }
    }

    /// Rows of a file of the lake, with the types that the contract has now.
    pub(super) fn cast(self, table: &Table, batch: RecordBatch) -> Result<RecordBatch, LoadError> {
        if self == Self::Contract {
            return Ok(batch);
        }
        let declared = table.arrow_schema();
        let columns: Result<Vec<(String, ArrayRef)>, LoadError> = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .filter_map(|(field, column)| {
                let declared = declared.field_with_name(field.name()).ok()?;
                let column = cast(column, declared.data_type())
                    .map_err(LoadError::arrow(&table.name))
                    .map(|column| (field.name().clone(), column));
                Some(column)
            })
            .collect();
        RecordBatch::try_from_iter(columns?).map_err(LoadError::arrow(&table.name))
    }
}

fn with_file_columns(
    table: &Table,
    file_schema: &SchemaRef,
    batch: &RecordBatch,
    tail: &TailValues,
) -> Result<RecordBatch, LoadError> {
    let fields = file_schema.fields().iter().enumerate();
    let columns: Result<Vec<ArrayRef>, LoadError> = fields
        .map(|(index, field)| file_column(table, batch, index, field, tail))
        .collect();
    RecordBatch::try_new(Arc::clone(file_schema), columns?)
        .map_err(|error| broken(table, error.to_string()))
}

fn file_column(
    table: &Table,
    batch: &RecordBatch,
    index: usize,
    field: &Field,
    tail: &TailValues,
) -> Result<ArrayRef, LoadError> {
    if let Some(column) = find_column(batch, index, field.name()) {
        if column.data_type() != field.data_type() {
            return Err(broken(
                table,
                format!(
                    "column {} is {}, not {}",
                    field.name(),
                    column.data_type(),
                    field.data_type()
                ),
            ));
        }
        return Ok(Arc::clone(column));
    }
    if let Some(column) = tail.column(field.name(), batch.num_rows()) {
        return Ok(column);
    }
    if field.is_nullable() {
        return Ok(new_null_array(field.data_type(), batch.num_rows()));
    }
    Err(broken(table, format!("column {} is missing", field.name())))
}

/// Looks where the column is nearly always, then everywhere.
fn find_column<'a>(batch: &'a RecordBatch, index: usize, name: &str) -> Option<&'a ArrayRef> {
    let schema = batch.schema_ref();
    let expected = schema.fields().get(index);
    if expected.is_some_and(|field| field.name() == name) {
        return batch.columns().get(index);
    }
    batch.column_by_name(name)
}

fn partition_dates<'a>(
    table: &Table,
    batch: &'a RecordBatch,
) -> Result<&'a Date32Array, LoadError> {
    let column = batch
        .column_by_name(PARTITION_COLUMN)
        .ok_or_else(|| broken(table, format!("column {PARTITION_COLUMN} is missing")))?;
    if column.data_type() != &DataType::Date32 || column.null_count() > 0 {
        return Err(broken(
            table,
            format!("column {PARTITION_COLUMN} must be a date on every row"),
        ));
    }
    column
        .as_primitive_opt::<Date32Type>()
        .ok_or_else(|| broken(table, format!("column {PARTITION_COLUMN} is not a date")))
}

fn only_value(dates: &Date32Array) -> Option<i32> {
    let (first, rest) = dates.values().split_first()?;
    rest.iter().all(|date| date == first).then_some(*first)
}

fn split(
    table: &Table,
    batch: &RecordBatch,
    dates: &Date32Array,
) -> Result<Vec<(Option<i32>, RecordBatch)>, LoadError> {
    let mut rows: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (row, date) in (0_u32..).zip(dates.values()) {
        rows.entry(*date).or_default().push(row);
    }
    rows.into_iter()
        .map(|(date, rows)| {
            let part = take_record_batch(batch, &UInt32Array::from(rows))
                .map_err(LoadError::arrow(&table.name))?;
            Ok((Some(date), part))
        })
        .collect()
}

fn broken(table: &Table, problem: String) -> LoadError {
    LoadError::Contract {
        table: table.name.clone(),
        problem,
    }
}
