//! Contracts as fields of a Delta schema.

use deltalake::kernel::{ArrayType, DataType, StructField};

use super::arrow::COMMENT_KEY;
use super::contract::{Column, ColumnType, Table};

impl Table {
    /// The fields of the Delta table, partition columns included, each with its comment.
    pub fn delta_fields(&self) -> Vec<StructField> {
        self.columns.iter().map(delta_field).collect()
    }
}

fn delta_field(column: &Column) -> StructField {
    StructField::new(&column.name, delta_type(column.data_type), column.nullable)
        .with_metadata([(COMMENT_KEY, column.comment())])
}

fn delta_type(data_type: ColumnType) -> DataType {
    match data_type {
        ColumnType::Bigint => DataType::LONG,
        ColumnType::Int => DataType::INTEGER,
        ColumnType::Double => DataType::DOUBLE,
        ColumnType::Boolean => DataType::BOOLEAN,
        ColumnType::String => DataType::STRING,
        ColumnType::Timestamp => DataType::TIMESTAMP,
        ColumnType::Date => DataType::DATE,
        ColumnType::BigintArray => ArrayType::new(DataType::LONG, true).into(),
        ColumnType::StringArray => ArrayType::new(DataType::STRING, true).into(),
    }
}
