//! The values of a column while a batch grows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder,
    ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;

use crate::arrow::{TIME_ZONE, element_field};
use crate::column::{Column, ColumnType};

/// Bytes reserved for each text.
const TEXT_LENGTH_GUESS: usize = 16;

/// The values of one column.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) nullable: bool,
    pub(super) values: Values,
}

impl Slot {
    /// An empty column with space for `rows` rows.
    pub(super) fn new(column: &Column, rows: usize) -> Self {
        Self {
            nullable: column.nullable,
            values: Values::new(column.data_type, rows),
        }
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        self.values.finish()
    }
}

#[derive(Debug)]
pub(super) enum Values {
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
    pub(super) fn append_null(&mut self, data_type: ColumnType) -> bool {
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
