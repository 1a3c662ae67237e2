//! What has to be written so that a table holds new rows in place of old ones.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::NaiveDate;

use super::conform::STAMP_COLUMNS;
use super::groups::{texts, values};
use crate::model::TextKey;
use crate::schema::Table;

/// The column that tables are partitioned by.
const PARTITION: &str = "app_date";

/// What has to be written so that a table holds new rows in place of old ones.
#[derive(Debug)]
pub struct Difference {
    /// Rows that are new or have changed.
    pub added: RecordBatch,
    /// The keys of the rows that have changed or must go.
    pub gone: BTreeSet<TextKey>,
    /// The partitions that hold them, where the table has any.
    pub dates: BTreeSet<NaiveDate>,
}

/// The difference between the `present` rows of a table and those that it should hold.
/// When a row was made makes no difference.
pub(super) fn difference(
    table: &Table,
    present: &[RecordBatch],
    wanted: &[RecordBatch],
) -> Result<Difference, ArrowError> {
    let wanted = concat_batches(&table.arrow_schema(), wanted)?;
    let present = present
        .iter()
        .map(|batch| in_schema(table, batch))
        .collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
    let present = concat_batches(&table.arrow_schema(), &present)?;
    let content = Content::new(table)?;
    let present_keys = keys(table, &present)?;
    let present_rows: Vec<OwnedRow> = content.rows(&present)?;
    let before: HashMap<&TextKey, &OwnedRow> = present_keys.iter().zip(&present_rows).collect();
    let after: HashMap<TextKey, OwnedRow> = keys(table, &wanted)?
        .into_iter()
        .zip(content.rows(&wanted)?)
        .collect();
    let is_new: BooleanArray = keys(table, &wanted)?
        .iter()
        .map(|key| Some(before.get(key).copied() != after.get(key)))
        .collect();
    let dates = dates(&present)?;
    let mut gone = BTreeSet::new();
    let mut gone_dates = BTreeSet::new();
    for (row, (key, content)) in present_keys.iter().zip(&present_rows).enumerate() {
        if after.get(key) != Some(content) {
            gone.insert(key.clone());
            gone_dates.extend(dates.get(row).copied().flatten());
        }
    }
    Ok(Difference {
        added: filter_record_batch(&wanted, &is_new)?,
        gone,
        dates: gone_dates,
    })
}

/// All that rows say, but for when they were made, in a form that can be compared.
struct Content {
    columns: Vec<String>,
    converter: RowConverter,
}

impl Content {
    fn new(table: &Table) -> Result<Self, ArrowError> {
        let schema = table.arrow_schema();
        let fields = schema.fields().iter();
        let fields: Vec<_> = fields
            .filter(|field| !STAMP_COLUMNS.contains(&field.name().as_str()))
            .collect();
        let types = fields
            .iter()
            .map(|field| SortField::new(field.data_type().clone()));
        Ok(Self {
            columns: fields.iter().map(|field| field.name().clone()).collect(),
            converter: RowConverter::new(types.collect())?,
        })
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Vec<OwnedRow>, ArrowError> {
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .filter_map(|name| batch.column_by_name(name).cloned())
            .collect();
        let rows = self.converter.convert_columns(&columns)?;
        Ok(rows.iter().map(|row| row.owned()).collect())
    }
}

fn keys(table: &Table, batch: &RecordBatch) -> Result<Vec<TextKey>, ArrowError> {
    let columns = texts(batch, &table.keys)?;
    let key = |row| {
        let values = values(&columns, row).into_iter();
        values.map(|value| value.map(str::to_owned)).collect()
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

/// The partition of each row; none where the table has no partitions.
fn dates(batch: &RecordBatch) -> Result<Vec<Option<NaiveDate>>, ArrowError> {
    if batch.schema().index_of(PARTITION).is_err() {
        return Ok(Vec::new());
    }
    let columns = texts(batch, &[PARTITION.to_owned()])?;
    let date = |row| {
        values(&columns, row)
            .first()
            .copied()
            .flatten()?
            .parse()
            .ok()
    };
    Ok((0..batch.num_rows()).map(date).collect())
}

/// Rows as the lake gives them in the contract's types; columns that an older version did not know
/// are NULL.
fn in_schema(table: &Table, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = table.arrow_schema();
    let column = |field: &arrow::datatypes::FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => cast(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = schema.fields().iter().map(column);
    let columns = columns.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    RecordBatch::try_new(schema, columns)
}
