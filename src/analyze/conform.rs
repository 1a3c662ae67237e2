//! Brings a query's answer into the exact shape of the table that it fills.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{
    CastOptions, SortColumn, cast_with_options, concat_batches, lexsort_to_indices, partition,
    take_record_batch,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;

use super::error::AnalyzeError;
use crate::model::did_you_mean;

/// Columns that say when and by which commit a row was made; queries do not give them.
pub(super) const STAMP_COLUMNS: [&str; 2] = ["batch_id", "ingested_at"];

/// What every derived row of a run is stamped with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Id of the load batch that will commit the rows.
    pub batch_id: String,
    /// Time of the run.
    pub ingested_at: DateTime<Utc>,
}

/// The answer of `file` in the schema of its table, sorted by the table's keys, so that the same
/// facts give the same bytes.
pub(super) fn conform(
    file: &str,
    contract: &SchemaRef,
    keys: &[String],
    answer: &[RecordBatch],
    stamp: &Stamp,
) -> Result<RecordBatch, AnalyzeError> {
    let Some(first) = answer.first() else {
        return Ok(RecordBatch::new_empty(Arc::clone(contract)));
    };
    refuse_unknown_columns(file, contract, &first.schema())?;
    let answer = concat_batches(&first.schema(), answer).map_err(arrow_failure(file))?;
    let columns = contract
        .fields()
        .iter()
        .map(|field| match answer.column_by_name(field.name()) {
            _ if STAMP_COLUMNS.contains(&field.name().as_str()) => {
                stamp_column(field.name(), answer.num_rows(), stamp)
                    .and_then(|column| cast_exactly(&column, field.data_type()))
                    .map_err(arrow_failure(file))
            }
            Some(column) => convert(
                file,
                field.name(),
                column,
                field.data_type(),
                field.is_nullable(),
            ),
            None => Err(AnalyzeError::Contract {
                file: file.to_owned(),
                problem: format!("the query does not give the column `{}`", field.name()),
                cure: "add it to the SELECT list".to_owned(),
            }),
        })
        .collect::<Result<Vec<ArrayRef>, AnalyzeError>>()?;
    let rows = RecordBatch::try_new(Arc::clone(contract), columns).map_err(arrow_failure(file))?;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    sort_by_unique(file, &rows, &keys)
}

/// `rows` in the order of these columns, which no two rows may have in common.
pub(super) fn sort_by_unique(
    file: &str,
    rows: &RecordBatch,
    keys: &[&str],
) -> Result<RecordBatch, AnalyzeError> {
    let sorted = sort(rows, keys).map_err(arrow_failure(file))?;
    let columns = key_columns(&sorted, keys);
    let distinct = partition(&columns).map_err(arrow_failure(file))?.len();
    if distinct == sorted.num_rows() {
        return Ok(sorted);
    }
    Err(AnalyzeError::Contract {
        file: file.to_owned(),
        problem: format!(
            "{} of {} rows have the same {}",
            sorted.num_rows() - distinct,
            sorted.num_rows(),
            keys.join(", ")
        ),
        cure: "look for a join that multiplies rows, or add a GROUP BY".to_owned(),
    })
}

/// `column` as `wanted`, or an error that names the column.
pub(super) fn convert(
    file: &str,
    name: &str,
    column: &ArrayRef,
    wanted: &DataType,
    nullable: bool,
) -> Result<ArrayRef, AnalyzeError> {
    if !nullable && column.null_count() > 0 {
        return Err(AnalyzeError::Contract {
            file: file.to_owned(),
            problem: format!("{} rows have no `{name}`", column.null_count()),
            cure: "the column may not be NULL: give it a value or leave these rows out".to_owned(),
        });
    }
    cast_exactly(column, wanted).map_err(|error| AnalyzeError::Contract {
        file: file.to_owned(),
        problem: format!("`{name}` is {}, not {wanted}: {error}", column.data_type()),
        cure: "cast it in the SELECT list".to_owned(),
    })
}

/// An overflow or an unreadable text is an error, not a NULL.
fn cast_exactly(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(column, wanted, &options)
}

fn refuse_unknown_columns(
    file: &str,
    contract: &SchemaRef,
    answer: &SchemaRef,
) -> Result<(), AnalyzeError> {
    let unknown = answer
        .fields()
        .iter()
        .find(|field| contract.index_of(field.name()).is_err());
    match unknown {
        None => Ok(()),
        Some(field) => Err(AnalyzeError::Contract {
            file: file.to_owned(),
            problem: format!("the table has no column `{}`", field.name()),
            cure: did_you_mean(
                field.name(),
                contract.fields().iter().map(|known| known.name().as_str()),
            ),
        }),
    }
}

fn stamp_column(name: &str, rows: usize, stamp: &Stamp) -> Result<ArrayRef, ArrowError> {
    Ok(match name {
        "batch_id" => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
            &stamp.batch_id,
            rows,
        ))),
        _ => Arc::new(
            TimestampMicrosecondArray::from_value(stamp.ingested_at.timestamp_micros(), rows)
                .with_timezone("UTC"),
        ),
    })
}

fn sort(rows: &RecordBatch, keys: &[&str]) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<SortColumn> = key_columns(rows, keys)
        .into_iter()
        .map(|values| SortColumn {
            values,
            options: None,
        })
        .collect();
    take_record_batch(rows, &lexsort_to_indices(&columns, None)?)
}

fn key_columns(rows: &RecordBatch, keys: &[&str]) -> Vec<ArrayRef> {
    keys.iter()
        .filter_map(|key| rows.column_by_name(key))
        .map(Arc::clone)
        .collect()
}

pub(super) fn arrow_failure(file: &str) -> impl Fn(ArrowError) -> AnalyzeError {
    move |error| AnalyzeError::query(file, DataFusionError::from(error))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array};
    use arrow::datatypes::{Field, Schema, TimeUnit};

    use super::*;

    fn contract() -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("note", DataType::Utf8, true),
            Field::new("batch_id", DataType::Utf8, false),
            Field::new("ingested_at", time, false),
        ]))
    }

    fn stamp() -> Stamp {
        Stamp {
            batch_id: "7".to_owned(),
            ingested_at: DateTime::UNIX_EPOCH,
        }
    }

    fn run(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, AnalyzeError> {
        let answer = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
        .expect("valid batch");
        conform(
            "t.sql",
            &contract(),
            &["id".to_owned()],
            &[answer],
            &stamp(),
        )
    }

    #[test]
    fn rows_are_cast_ordered_sorted_and_stamped() {
        let batch = run(vec![
            ("note", Arc::new(StringArray::from(vec![None, Some("b")]))),
            ("id", Arc::new(Int32Array::from(vec![2, 1]))),
        ])
        .expect("fits");
        assert_eq!(batch.schema(), contract());
        let ids = batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .expect("bigint");
        assert_eq!(ids.values().to_vec(), [1, 2]);
        assert!(batch.column(1).is_null(1));
    }

    #[test]
    fn misfits_name_the_column() {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let notes: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let null = run(vec![("id", Arc::clone(&ids)), ("note", Arc::clone(&notes))]);
        assert!(
            null.expect_err("null")
                .to_string()
                .contains("1 rows have no `id`")
        );
        let text = run(vec![
            ("id", Arc::clone(&notes)),
            ("note", Arc::clone(&notes)),
        ]);
        assert!(
            text.expect_err("text")
                .to_string()
                .contains("`id` is Utf8, not Int64")
        );
        let missing = run(vec![("id", Arc::new(Int64Array::from(vec![1, 2])))]);
        assert!(
            missing
                .expect_err("missing")
                .to_string()
                .contains("does not give the column `note`")
        );
        let unknown = run(vec![("note", Arc::clone(&notes)), ("nota", notes)]);
        let message = unknown.expect_err("unknown").to_string();
        assert_eq!(
            message,
            "t.sql: the table has no column `nota`; did you mean `note`?"
        );
    }

    #[test]
    fn rows_with_the_same_key_are_refused() {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
        let notes: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let twice = run(vec![("id", ids), ("note", notes)])
            .expect_err("twice")
            .to_string();
        assert!(
            twice.starts_with("t.sql: 1 of 3 rows have the same id; "),
            "{twice}"
        );
    }

    #[test]
    fn no_answer_is_an_empty_table() {
        let empty = conform("t.sql", &contract(), &["id".to_owned()], &[], &stamp()).expect("fits");
        assert_eq!((empty.num_rows(), empty.schema()), (0, contract()));
    }
}
