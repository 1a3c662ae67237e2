//! Single values as text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The columns of `batch` with lists and structs as JSON texts.
pub(super) fn flattened(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    if !schema
        .fields()
        .iter()
        .any(|field| field.data_type().is_nested())
    {
        return Ok(batch.clone());
    }
    let mut fields: Vec<FieldRef> = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if field.data_type().is_nested() {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(Arc::new(as_json(field, column)?));
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn as_json(field: &FieldRef, column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let options = EncoderOptions::default();
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut texts = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.push(None);
            continue;
        }
        let mut json = Vec::new();
        encoder.encode(row, &mut json);
        texts.push(Some(String::from_utf8_lossy(&json).into_owned()));
    }
    Ok(StringArray::from(texts))
}

/// The cells of a batch, row by row.
pub(super) struct Cells<'b> {
    columns: Vec<(&'b ArrayRef, ArrayFormatter<'b>)>,
}

impl<'b> Cells<'b> {
    /// The cells of a batch that [`flattened`] has seen.
    pub(super) fn of(batch: &'b RecordBatch) -> Result<Self, ArrowError> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(true);
        let columns = batch
            .columns()
            .iter()
            .map(|column| Ok((column, ArrayFormatter::try_new(column.as_ref(), &OPTIONS)?)))
            .collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns })
    }

    /// The cells of a row; `None` for NULL.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = Option<String>> {
        self.columns.iter().map(move |(column, formatter)| {
            (!column.is_null(row)).then(|| formatter.value(row).to_string())
        })
    }
}
