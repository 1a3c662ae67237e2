//! Contracts as Arrow schemas.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use super::column::{Column, ColumnType};

/// Key of a column's comment in the metadata of Arrow and Delta fields.
/// Key of a field's metadata that holds its comment, in Arrow and in Delta.
pub const COMMENT_KEY: &str = "comment";
/// The only time zone of the lake. Without a zone Delta would write `timestamp_ntz` and raise the
/// table's protocol beyond what every reader opens.
pub(super) const TIME_ZONE: &str = "UTC";

pub(super) fn schema_of(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(
        columns.iter().map(field_of).collect::<Vec<_>>(),
    ))
}

fn field_of(column: &Column) -> Field {
    Field::new(&column.name, arrow_type(column.data_type), column.nullable)
        .with_metadata(HashMap::from([(COMMENT_KEY.to_owned(), column.comment())]))
}

pub(super) fn arrow_type(data_type: ColumnType) -> DataType {
    match data_type {
        ColumnType::Bigint => DataType::Int64,
        ColumnType::Int => DataType::Int32,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::String => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(TIME_ZONE.into())),
        ColumnType::Date => DataType::Date32,
        ColumnType::BigintArray => DataType::List(element_field(DataType::Int64)),
        ColumnType::StringArray => DataType::List(element_field(DataType::Utf8)),
    }
}

/// The field of an array's elements, named and nullable as Delta makes it from its own schema.
pub(super) fn element_field(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("element", data_type, true))
}
