//! Reads the reference tables: constants that rules use, kept as CSV so that people can edit them.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::error::ArrowError;

use super::catalog::Reference;
use super::error::CatalogError;

/// The rows of a reference file; column types follow from the values.
pub(super) fn read(reference: &Reference) -> Result<RecordBatch, CatalogError> {
    parse(&reference.csv).map_err(|error| {
        CatalogError::new(
            &reference.file,
            1,
            format!("the table cannot be read: {error}"),
            "make it CSV with a header line and as many values in each line",
        )
    })
}

fn parse(csv: &str) -> Result<RecordBatch, ArrowError> {
    let format = Format::default().with_header(true);
    let (schema, _) = format.infer_schema(Cursor::new(csv), None)?;
    let schema = Arc::new(schema);
    let reader = ReaderBuilder::new(Arc::clone(&schema))
        .with_format(format)
        .build(Cursor::new(csv))?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
    concat_batches(&schema, &batches)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    fn reference(csv: &str) -> Reference {
        Reference {
            id: "r".to_owned(),
            file: "reference/r.csv".to_owned(),
            csv: csv.to_owned(),
        }
    }

    #[test]
    fn types_follow_from_the_values() {
        let rows = read(&reference(
            "name,works,factor\na,true,1.5\n\"b, c\",false,2.0\n",
        ))
        .expect("valid");
        let types: Vec<DataType> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        assert_eq!(
            types,
            [DataType::Utf8, DataType::Boolean, DataType::Float64]
        );
        assert_eq!(rows.num_rows(), 2);
    }

    #[test]
    fn a_short_line_is_an_error_that_names_the_file() {
        let error = read(&reference("name,works\na\n")).expect_err("short line");
        assert!(
            error.to_string().starts_with("reference/r.csv:1: "),
            "{error}"
        );
    }
}
