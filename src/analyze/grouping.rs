//! The same finding again and again, as in a loop, told once: rows of one application that agree in
//! the column that the rule groups by, and get the same advice, become one, the worst of them, with the
//! sums of what all lost.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;

use super::advice::first_that_holds;
use super::settings::KEY_COLUMNS;

/// Columns that are added up over a group.
const SUMMED: [&str; 2] = ["lost_core_ms", "recoverable_ms"];

/// The line of advice that the rows of a group get, and the texts in which they agree.
type GroupKey<'a> = (Option<usize>, Vec<Option<&'a str>>);

/// What is left of an answer.
pub(super) struct Grouped {
    /// The worst row of each group.
    pub rows: RecordBatch,
    /// The subjects of the rows that each stands for beside its own, the worst first.
    pub others: Vec<Vec<String>>,
}

/// The answer of a rule that groups by nothing.
pub(super) fn ungrouped(answer: &RecordBatch) -> Grouped {
    Grouped {
        others: vec![Vec::new(); answer.num_rows()],
        rows: answer.clone(),
    }
}

/// One row for each application, title, line of advice and value of `column`. A row where it is NULL stands alone.
pub(super) fn group(answer: &RecordBatch, column: &str) -> Result<Grouped, ArrowError> {
    let key_columns: Vec<Option<StringArray>> = KEY_COLUMNS
        .into_iter()
        .chain(["title", column])
        .map(|name| text_column(answer, name))
        .collect::<Result<_, _>>()?;
    let subjects = text_column(answer, "subject_id")?;
    let lost = number_column(answer, SUMMED[0])?;
    let mut groups: BTreeMap<GroupKey<'_>, Vec<usize>> = BTreeMap::new();
    for row in 0..answer.num_rows() {
        let mut key: Vec<Option<&str>> = key_columns
            .iter()
            .map(|texts| at(texts.as_ref(), row))
            .collect();
        if key.last().is_some_and(Option::is_none) {
            key.push(at(subjects.as_ref(), row));
        }
        let advice = first_that_holds(answer, row);
        groups.entry((advice, key)).or_default().push(row);
    }
    // The worst first; the smallest subject of equals, so that the choice is the same every time.
    for rows in groups.values_mut() {
        rows.sort_by(|left, right| {
            let loss = |row: usize| {
                lost.as_ref()
                    .and_then(|lost| lost.is_valid(row).then(|| lost.value(row)))
            };
            let subject = |row: usize| at(subjects.as_ref(), row).map(|id| (id.len(), id));
            loss(*right)
                .cmp(&loss(*left))
                .then_with(|| subject(*left).cmp(&subject(*right)))
        });
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    let worst: UInt32Array = groups
        .iter()
        .map(|rows| rows.first().and_then(|row| u32::try_from(*row).ok()))
        .collect();
    let rows = with_sums(take_record_batch(answer, &worst)?, answer, &groups)?;
    let others = groups
        .iter()
        .map(|rows| {
            let subject = |row: &usize| at(subjects.as_ref(), *row).unwrap_or_default().to_owned();
            rows.iter().skip(1).map(subject).collect()
        })
        .collect();
    Ok(Grouped { rows, others })
}

fn with_sums(
    rows: RecordBatch,
    answer: &RecordBatch,
    groups: &[Vec<usize>],
) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| {
            if !SUMMED.contains(&field.name().as_str()) {
                return Ok(ArrayRef::clone(column));
            }
            let Some(numbers) = number_column(answer, field.name())? else {
                return Ok(ArrayRef::clone(column));
            };
            let sums: Int64Array = groups.iter().map(|rows| sum(&numbers, rows)).collect();
            cast(&sums, field.data_type())
        })
        .collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    RecordBatch::try_new(schema, columns)
}

/// The sum of what is known, at most the largest number there is.
fn sum(numbers: &Int64Array, rows: &[usize]) -> Option<i64> {
    rows.iter()
        .filter(|row| numbers.is_valid(**row))
        .map(|row| numbers.value(*row))
        .reduce(i64::saturating_add)
}

fn text_column(answer: &RecordBatch, name: &str) -> Result<Option<StringArray>, ArrowError> {
    let Some(column) = answer.column_by_name(name) else {
        return Ok(None);
    };
    Ok(cast(column, &DataType::Utf8)?
        .as_string_opt::<i32>()
        .cloned())
}

fn number_column(answer: &RecordBatch, name: &str) -> Result<Option<Int64Array>, ArrowError> {
    let Some(column) = answer.column_by_name(name) else {
        return Ok(None);
    };
    Ok(cast(column, &DataType::Int64)?
        .as_primitive_opt::<Int64Type>()
        .cloned())
}

fn at(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    let texts = texts?;
    (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn answer() -> RecordBatch {
        let text = |values: [Option<&str>; 5]| -> ArrayRef {
            Arc::new(StringArray::from(values.to_vec()))
        };
        let numbers =
            |values: [Option<i64>; 5]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
        let same = [Some("x"); 5];
        RecordBatch::try_from_iter([
            ("platform", text(same)),
            ("cluster_id", text(same)),
            (
                "application_id",
                text([Some("a"), Some("a"), Some("a"), Some("b"), Some("a")]),
            ),
            ("attempt_id", text(same)),
            (
                "subject_id",
                text([
                    Some("1.0"),
                    Some("10.0"),
                    Some("9.0"),
                    Some("1.0"),
                    Some("7.0"),
                ]),
            ),
            (
                "stage_name",
                text([
                    Some("count"),
                    Some("count"),
                    Some("count"),
                    Some("count"),
                    None,
                ]),
            ),
            (
                "lost_core_ms",
                numbers([Some(5), Some(i64::MAX), Some(i64::MAX), None, Some(1)]),
            ),
        ])
        .expect("valid")
    }

    #[test]
    fn the_worst_of_a_group_stands_for_all_with_the_sum_of_their_losses() {
        let grouped = group(&answer(), "stage_name").expect("groups");
        let subjects = text_column(&grouped.rows, "subject_id")
            .expect("text")
            .expect("there");
        let lost = number_column(&grouped.rows, "lost_core_ms")
            .expect("number")
            .expect("there");
        let found: Vec<_> = (0..grouped.rows.num_rows())
            .map(|row| {
                (
                    subjects.value(row),
                    lost.is_valid(row).then(|| lost.value(row)),
                    grouped.others[row].join(" "),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("7.0", Some(1), String::new()),
                ("9.0", Some(i64::MAX), "10.0 1.0".to_owned()),
                ("1.0", None, String::new())
            ]
        );
    }
}
