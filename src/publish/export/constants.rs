//! A view of constants in Spark SQL.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::namespace::literal;

/// The statement that creates it.
///
/// # Errors
/// A value cannot be written.
pub fn view_of_constants(name: &str, rows: &RecordBatch) -> Result<String, ArrowError> {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new();
    let formatters = rows
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &OPTIONS))
        .collect::<Result<Vec<_>, _>>()?;
    let value = |column: usize, row: usize| {
        let array = rows.column(column);
        match formatters.get(column) {
            Some(formatter) if array.is_valid(row) => {
                let value = formatter.value(row).to_string();
                let is_text =
                    !array.data_type().is_numeric() && *array.data_type() != DataType::Boolean;
                if is_text { literal(&value) } else { value }
            }
            _ => "NULL".to_owned(),
        }
    };
    let lines: Vec<String> = (0..rows.num_rows())
        .map(|row| {
            let values: Vec<String> = (0..rows.num_columns())
                .map(|column| value(column, row))
                .collect();
            format!("  ({})", values.join(", "))
        })
        .collect();
    let schema = rows.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    Ok(format!(
        "CREATE OR REPLACE VIEW {name} AS SELECT * FROM VALUES\n{}\nAS t ({});\n",
        lines.join(",\n"),
        names.join(", ")
    ))
}
