//! Contracts as fields of a Delta schema.

use deltalake::kernel::{ArrayType, DataType, StructField};

use crate::schema::{COMMENT_KEY, Column, ColumnType, Table};

/// The fields of the Delta table, partition columns included, each with its comment.
pub(super) fn delta_fields(table: &Table) -> Vec<StructField> {
    table.columns.iter().map(delta_field).collect()
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

#[cfg(test)]
mod tests {
    use deltalake::kernel::StructType;
    use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;

    use super::delta_fields;
    use crate::schema::{table, tables};

    #[test]
    fn delta_gives_back_the_arrow_schema_of_the_batches() -> Result<(), Box<dyn std::error::Error>>
    {
        for table in tables() {
            let delta = StructType::try_new(delta_fields(table))?;
            let arrow: arrow::datatypes::Schema = (&delta).try_into_arrow()?;
            assert_eq!(&arrow, table.arrow_schema().as_ref(), "{}", table.name);
        }
        Ok(())
    }

    #[test]
    fn delta_fields_carry_comments_without_json_quotes() {
        let jobs = table("jobs").expect("a table");
        let field = delta_fields(jobs)
            .into_iter()
            .find(|field| field.name() == "duration_ms");
        let comment =
            field.and_then(|field| field.metadata.get("comment").map(ToString::to_string));
        assert_eq!(
            comment.as_deref(),
            Some(
                "Wall time from submission to completion. NULL when one of the two is missing. \
                 Unit: ms. Source: completion_time - submission_time."
            )
        );
    }
}
