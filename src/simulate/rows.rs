//! Rows of the lake's tables, in the types that facts are made of.

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, Expr, SessionContext, col};
use futures::TryStreamExt;

use super::wanted::Wanted;
use crate::ask::{among_applications, among_days};
use crate::model::ApplicationKey;

/// A table could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{table} cannot be read: {source}")]
pub struct ReadError {
    /// The table.
    pub table: &'static str,
    /// Why.
    pub source: Box<DataFusionError>,
}

/// Rows of a table, batch by batch.
pub(super) struct Scan {
    table: &'static str,
    rows: SendableRecordBatchStream,
}

impl Scan {
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, ReadError> {
        let failed = failed(self.table);
        let batch = self.rows.try_next().await.map_err(&failed)?;
        let batch = batch.map(|batch| Batch::of(&batch)).transpose();
        batch.map_err(|error| failed(error.into()))
    }
}

fn failed(table: &'static str) -> impl Fn(DataFusionError) -> ReadError {
    move |source| ReadError {
        table,
        source: Box::new(source),
    }
}

/// The key and these columns of the wanted applications' rows.
pub(super) async fn scan(
    session: &SessionContext,
    table: &'static str,
    columns: &[&str],
    wanted: Option<&[Wanted]>,
    filters: &[Expr],
) -> Result<Scan, ReadError> {
    let failed = failed(table);
    let mut rows = session.table(table).await.map_err(&failed)?;
    if let Some(wanted) = wanted {
        rows = only(rows, wanted).map_err(&failed)?;
    }
    for filter in filters {
        rows = rows.filter(filter.clone()).map_err(&failed)?;
    }
    let names = ApplicationKey::COLUMNS.iter().chain(columns);
    let names: Vec<Expr> = names.map(|name| col(format!("\"{name}\""))).collect();
    let rows = rows.select(names).map_err(&failed)?;
    let rows = rows.execute_stream().await.map_err(&failed)?;
    Ok(Scan { table, rows })
}

/// Rows of these applications and of few others, whose rows the readers pass over.
fn only(rows: DataFrame, wanted: &[Wanted]) -> Result<DataFrame, DataFusionError> {
    let ids = wanted.iter().map(|one| one.key.application_id.as_str());
    let days = wanted.iter().map(|one| one.app_date);
    rows.filter(among_days(&days.collect()))?
        .filter(among_applications(&ids.collect()))
}

/// A batch with its columns in the types that are read.
pub(super) struct Batch {
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Int(Int64Array),
    Double(Float64Array),
    Flag(BooleanArray),
    Text(StringViewArray),
    List(ListArray),
}

impl Batch {
    fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch.columns().iter().map(|column| {
            Ok(match column.data_type() {
                DataType::Timestamp(_, zone) => {
                    let unit = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
                    let column = cast(&cast(column, &unit)?, &DataType::Int64)?;
                    Column::Int(column.as_primitive::<Int64Type>().clone())
                }
                DataType::Date32 => {
                    let days = column.as_primitive::<Date32Type>();
                    Column::Int(days.iter().map(|day| day.map(i64::from)).collect())
                }
                DataType::Float64 => Column::Double(column.as_primitive().clone()),
                DataType::Boolean => Column::Flag(column.as_boolean().clone()),
                DataType::List(_) => Column::List(column.as_list().clone()),
                kind if kind.is_integer() => {
                    let column = cast(column, &DataType::Int64)?;
                    Column::Int(column.as_primitive::<Int64Type>().clone())
                }
                DataType::Dictionary(_, kind) if **kind == DataType::Date32 => {
                    let column = cast(column, &DataType::Date32)?;
                    let days = column.as_primitive::<Date32Type>();
                    Column::Int(days.iter().map(|day| day.map(i64::from)).collect())
                }
                _ => Column::Text(cast(column, &DataType::Utf8View)?.as_string_view().clone()),
            })
        });
        Ok(Self {
            columns: columns.collect::<Result<_, ArrowError>>()?,
            rows: batch.num_rows(),
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn int(&self, row: usize, column: usize) -> Option<i64> {
        match self.columns.get(column)? {
            Column::Int(values) => values.is_valid(row).then(|| values.value(row)),
            _ => None,
        }
    }

    pub(super) fn double(&self, row: usize, column: usize) -> Option<f64> {
        match self.columns.get(column)? {
            Column::Double(values) => values.is_valid(row).then(|| values.value(row)),
            _ => None,
        }
    }

    pub(super) fn is(&self, row: usize, column: usize) -> bool {
        match self.columns.get(column) {
            Some(Column::Flag(values)) => values.is_valid(row) && values.value(row),
            _ => false,
        }
    }

    pub(super) fn text(&self, row: usize, column: usize) -> Option<&str> {
        match self.columns.get(column)? {
            Column::Text(values) => values.is_valid(row).then(|| values.value(row)),
            _ => None,
        }
    }

    /// Whether two rows have the same text. Those that share a value of a dictionary are not looked at.
    fn is_same_text(&self, left: usize, right: usize, column: usize) -> bool {
        if let Some(Column::Text(values)) = self.columns.get(column)
            && values.null_count() == 0
            && let Some(view) = values.views().get(left)
            && values.views().get(right) == Some(view)
        {
            return true;
        }
        self.text(left, column) == self.text(right, column)
    }

    pub(super) fn date(&self, row: usize, column: usize) -> i32 {
        let days = self.int(row, column);
        days.and_then(|days| i32::try_from(days).ok()).unwrap_or(0)
    }

    pub(super) fn list(&self, row: usize, column: usize) -> Vec<i64> {
        match self.columns.get(column) {
            Some(Column::List(values)) if values.is_valid(row) => {
                let items = values.value(row);
                let items = items.as_primitive_opt::<Int64Type>();
                items.map_or_else(Vec::new, |items| items.iter().flatten().collect())
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn key(&self, row: usize) -> ApplicationKey {
        let text = |column| self.text(row, column).unwrap_or_default().to_owned();
        ApplicationKey {
            platform: text(0),
            cluster_id: text(1),
            application_id: text(2),
            attempt_id: text(3),
        }
    }

    pub(super) fn has_key(&self, row: usize, key: &ApplicationKey) -> bool {
        let is = |column, value: &str| self.text(row, column).unwrap_or_default() == value;
        is(2, &key.application_id)
            && is(3, &key.attempt_id)
            && is(1, &key.cluster_id)
            && is(0, &key.platform)
    }

    /// The first row after `row` that is of another stage or application.
    pub(super) fn end_of_stage(&self, row: usize) -> usize {
        let same = |other: usize| {
            self.int(other, 4) == self.int(row, 4)
                && (0..4).all(|column| self.is_same_text(other, row, column))
        };
        (row + 1..self.rows)
            .find(|other| !same(*other))
            .unwrap_or(self.rows)
    }
}
