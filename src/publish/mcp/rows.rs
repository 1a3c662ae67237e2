//! Rows of an answer as JSON: values that are not known are left out, numbers are as long as they mean
//! something, and texts are cut.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde_json::{Map, Number, Value};

/// A row: column → value.
pub(super) type Row = Map<String, Value>;

/// Significant digits of a number that is not whole.
const DIGITS: usize = 6;
/// Below this a double holds every whole number.
const WHOLE_BELOW: f64 = 9e15;

/// The rows of `batch`; columns that are NULL are not in them.
///
/// # Errors
/// A column has a type that JSON has no form for.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    if batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let mut writer = WriterBuilder::new().build::<_, JsonArray>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let rows: Vec<Row> = serde_json::from_slice(&writer.into_inner())
        .map_err(|error| ArrowError::JsonError(error.to_string()))?;
    Ok(rows
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(|(name, value)| (name, rounded(value)))
                .collect()
        })
        .collect())
}

/// The rows of `batch` as lists of values in the order of its columns, whose names may repeat.
///
/// # Errors
/// As [`rows`].
pub(super) fn tuples(batch: &RecordBatch) -> Result<Vec<Vec<Value>>, ArrowError> {
    let names: Vec<String> = (0..batch.num_columns())
        .map(|index| index.to_string())
        .collect();
    let schema = batch.schema();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .zip(&names)
        .map(|(field, name)| field.as_ref().clone().with_name(name))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec())?;
    let rows = rows(&batch)?.into_iter().map(|mut row| {
        names
            .iter()
            .map(|name| row.remove(name).unwrap_or(Value::Null))
            .collect()
    });
    Ok(rows.collect())
}

/// A number with as many digits as mean something.
pub(super) fn rounded(value: Value) -> Value {
    let Value::Number(number) = &value else {
        return value;
    };
    if !number.is_f64() {
        return value;
    }
    let Some(number) = number.as_f64() else {
        return value;
    };
    if number.fract() == 0.0 && number.abs() < WHOLE_BELOW {
        return Value::from(number as i64);
    }
    let short = format!("{number:.*e}", DIGITS - 1).parse().ok();
    short
        .and_then(Number::from_f64)
        .map_or(value, Value::Number)
}

/// Cuts the texts of a row that have more than `most` characters, and says how many they had.
pub(super) fn cut_texts(row: &mut Row, most: usize) {
    for value in row.values_mut() {
        cut_text(value, most);
    }
}

/// As [`cut_texts`], for one value.
pub(super) fn cut_text(value: &mut Value, most: usize) {
    if let Value::String(text) = value
        && let Some((end, _)) = text.char_indices().nth(most)
    {
        let whole = length_before(text).unwrap_or_else(|| text.chars().count());
        text.truncate(end);
        text.push_str(&format!("… ({whole} characters)"));
    }
}

/// How long a text was before it was cut; `None` where it was not.
fn length_before(text: &str) -> Option<usize> {
    let (_, said) = text.rsplit_once("… (")?;
    said.strip_suffix(" characters)")?.parse().ok()
}

/// A value on one line.
pub(super) fn on_one_line(value: &Value, most: usize) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut line: String = text
        .chars()
        .take(most)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_mean_something() {
        let cases = [
            (json!(0.123_456_789), json!(0.123_457)),
            (json!(44405.0), json!(44405)),
            (
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_993_i64),
            ),
            (json!(1.5e300), json!(1.5e300)),
            (json!(-0.000_012_345_678), json!(-0.000_012_345_7)),
            (json!("0.123456789"), json!("0.123456789")),
        ];
        for (given, expected) in cases {
            assert_eq!(rounded(given), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_at_characters_and_say_so() {
        let mut row = Row::new();
        row.insert("text".to_owned(), json!("äöüß"));
        cut_texts(&mut row, 2);
        assert_eq!(row.get("text"), Some(&json!("äö… (4 characters)")));
        cut_texts(&mut row, 40);
        assert_eq!(row.get("text"), Some(&json!("äö… (4 characters)")));
    }
}
