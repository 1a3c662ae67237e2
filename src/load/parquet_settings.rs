//! How our Parquet files are encoded.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::schema::{Column, ColumnType, Table};

/// Rows of a row group: large enough to compress well, small enough to be held in memory.
const ROW_GROUP_ROWS: usize = 128 << 10;
/// Bytes of a row group.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// The columns of a table that its files hold: all but the partition columns, whose values are in
/// the Delta log. Comments are left out, they are in the log too.
pub(super) fn file_schema(table: &Table) -> SchemaRef {
    let schema = table.arrow_schema();
    let fields = schema
        .fields()
        .iter()
        .filter(|field| !table.partition_by.contains(field.name()))
        .map(|field| field.as_ref().clone().with_metadata(HashMap::new()))
        .collect::<Vec<Field>>();
    Arc::new(Schema::new(fields))
}

/// How files of a table are written.
///
/// Statistics are kept for each row group only: the ones for each page cost time on every column and
/// pay for few. Long texts have neither dictionary nor statistics.
pub(super) fn options(table: &Table) -> ArrowWriterOptions {
    // The Arrow schema would be written into every file, and says nothing that Parquet's does not.
    ArrowWriterOptions::new()
        .with_properties(properties(table))
        .with_skip_arrow_metadata(true)
}

/// Compression, statistics and encodings of a table's files.
pub(super) fn properties(table: &Table) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("sparklake {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for column in &table.columns {
        let path = ColumnPath::from(column.name.as_str());
        if is_long_text(column) {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None);
        } else if column.data_type == ColumnType::Timestamp {
            builder = builder.set_column_dictionary_enabled(path, false);
        }
    }
    builder.build()
}

/// Texts that hardly ever repeat and that nobody compares.
fn is_long_text(column: &Column) -> bool {
    let name = column.name.as_str();
    column.data_type == ColumnType::String
        && (name.ends_with("_json")
            || name.ends_with("_message")
            || matches!(
                name,
                "plan_description" | "details" | "stack_trace" | "excerpt" | "evidence"
            ))
}
