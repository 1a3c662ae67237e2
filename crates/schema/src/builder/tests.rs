use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};

use super::row::{FIRST_MILLISECOND, LAST_MILLISECOND};
use super::*;
use crate::table;

fn environment() -> TableBuilder {
    TableBuilder::with_capacity(table("environment").expect("a table of the contract"), 4)
}

/// The columns of `environment` around `section`, `key` and `value`.
fn head<'row, 'builder>(row: &'row mut RowBuilder<'builder>) -> &'row mut RowBuilder<'builder> {
    row.string("platform", "event_log")
        .string("cluster_id", "c")
        .string("cluster_name", "c")
        .string("application_id", "a")
        .string("attempt_id", "0")
}

fn tail<'row, 'builder>(row: &'row mut RowBuilder<'builder>) -> &'row mut RowBuilder<'builder> {
    row.date_from_ms("app_date", 0)
        .string("batch_id", "b")
        .timestamp_ms("ingested_at", 0)
}

fn good_row(builder: &mut TableBuilder, value: Option<&str>) {
    let mut row = builder.row();
    head(&mut row)
        .string("section", "spark")
        .string("key", "k")
        .opt_string("value", value);
    tail(&mut row);
    row.end();
}

fn failure(builder: &mut TableBuilder) -> String {
    match builder.finish() {
        Ok(batch) => panic!("{} rows were accepted", batch.num_rows()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn rows_become_a_batch_in_the_schema_of_the_table() {
    let mut builder = environment();
    good_row(&mut builder, Some("1"));
    good_row(&mut builder, None);
    assert_eq!((builder.len(), builder.is_empty()), (2, false));

    let batch = builder.finish().expect("rows that keep the contract");
    assert_eq!(batch.schema(), builder.table().arrow_schema());
    let values = batch
        .column_by_name("value")
        .expect("a column")
        .as_string::<i32>();
    assert_eq!((values.value(0), values.is_null(1)), ("1", true));
}

#[test]
fn a_finished_builder_begins_a_new_batch() {
    let mut builder = environment();
    assert_eq!(builder.finish().expect("nothing is wrong").num_rows(), 0);
    for rows in [1, 3] {
        (0..rows).for_each(|_| good_row(&mut builder, None));
        assert_eq!(builder.finish().expect("good rows").num_rows(), rows);
        assert!(builder.is_empty() && builder.buffered_bytes() == 0);
    }
}

#[test]
fn a_wrong_name_or_order_is_returned_by_finish() {
    let mut builder = environment();
    let mut row = builder.row();
    head(&mut row).string("key", "k").string("section", "spark");
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: column `key` was given where `section` is next"
    );
}

#[test]
fn a_wrong_type_is_returned_by_finish_even_in_a_later_row() {
    let mut builder = environment();
    good_row(&mut builder, None);
    let mut row = builder.row();
    head(&mut row).bigint("section", 1);
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: column `section` is string, was given bigint"
    );
}

#[test]
fn null_is_refused_where_the_contract_does_not_allow_it() {
    let mut builder = environment();
    let mut row = builder.row();
    head(&mut row).opt_string("section", None);
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: column `section` was given NULL, but is not nullable"
    );

    let mut row = builder.row();
    head(&mut row)
        .string("section", "s")
        .string("key", "k")
        .opt_bigint("value", None);
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: column `value` is string, was given bigint"
    );
}

#[test]
fn too_few_and_too_many_columns_are_returned_by_finish() {
    let mut builder = environment();
    let mut row = builder.row();
    head(&mut row);
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: a row has no value for `section`"
    );

    let mut row = builder.row();
    head(&mut row)
        .string("section", "s")
        .string("key", "k")
        .string("value", "v");
    tail(&mut row).boolean("extra", true);
    row.end();
    assert_eq!(
        failure(&mut builder),
        "table environment: `extra` was given after the last column"
    );
}

#[test]
fn a_row_that_is_not_ended_is_not_lost_silently() {
    let mut builder = environment();
    let mut row = builder.row();
    head(&mut row)
        .string("section", "s")
        .string("key", "k")
        .string("value", "v");
    tail(&mut row);
    assert_eq!(
        failure(&mut builder),
        "table environment: a row was not ended"
    );
}

#[test]
fn after_a_failure_rows_are_ignored_and_the_first_reason_is_kept() {
    let mut builder = environment();
    let mut row = builder.row();
    row.bigint("platform", 1).bigint("cluster_id", 2);
    row.end();
    good_row(&mut builder, None);
    assert_eq!(
        failure(&mut builder),
        "table environment: column `platform` is string, was given bigint"
    );
    good_row(&mut builder, None);
    assert_eq!(builder.finish().expect("the failure is over").num_rows(), 1);
}

/// One row of `jobs` around the given times and ids.
fn job(
    submission: Option<i64>,
    start_of_app: i64,
    stage_ids: &[i64],
    tags: &[&str],
) -> RecordBatch {
    let mut builder = TableBuilder::new(table("jobs").expect("a table of the contract"));
    let mut row = builder.row();
    head(&mut row)
        .bigint("job_id", 1)
        .opt_string("job_name", None)
        .opt_string("description", None)
        .opt_timestamp_ms("submission_time", submission)
        .timestamp_ms("completion_time", start_of_app)
        .bigint_array("stage_ids", stage_ids)
        .opt_string("job_group", None)
        .string_array("job_tags", tags)
        .string("status", "RUNNING");
    for name in [
        "num_tasks",
        "num_active_tasks",
        "num_completed_tasks",
        "num_skipped_tasks",
        "num_failed_tasks",
        "num_killed_tasks",
        "num_completed_indices",
        "num_active_stages",
        "num_completed_stages",
        "num_skipped_stages",
        "num_failed_stages",
    ] {
        row.bigint(name, 0);
    }
    row.opt_string("killed_tasks_summary", None)
        .opt_bigint("sql_id", None)
        .opt_bigint("duration_ms", None)
        .opt_string("failure_reason", None)
        .opt_double("task_success_rate", None);
    for name in [
        "user_name",
        "session_id",
        "statement_id",
        "notebook_id",
        "notebook_path",
        "platform_job_id",
        "platform_run_id",
        "streaming_query_id",
    ] {
        row.opt_string(name, None);
    }
    row.date_from_ms("app_date", start_of_app)
        .string("batch_id", "b")
        .timestamp_ms("ingested_at", start_of_app);
    row.end();
    builder.finish().expect("a row that keeps the contract")
}

fn microseconds(batch: &RecordBatch, column: &str) -> Option<i64> {
    let array = batch
        .column_by_name(column)?
        .as_primitive::<TimestampMicrosecondType>();
    array.is_valid(0).then(|| array.value(0))
}

fn day(batch: &RecordBatch) -> Option<i32> {
    Some(
        batch
            .column_by_name("app_date")?
            .as_primitive::<Date32Type>()
            .value(0),
    )
}

#[test]
fn instants_become_microseconds_and_utc_days() {
    let batch = job(Some(-1), 1_700_000_000_123, &[], &[]);
    assert_eq!(microseconds(&batch, "submission_time"), Some(-1000));
    assert_eq!(
        microseconds(&batch, "completion_time"),
        Some(1_700_000_000_123_000)
    );
    assert_eq!(day(&batch), Some(19_675));
    assert_eq!(
        day(&job(None, -1, &[], &[])),
        Some(-1),
        "the day before 1970"
    );
}

#[test]
fn instants_out_of_range_saturate_or_become_null() {
    for far in [i64::MIN, i64::MAX] {
        let batch = job(Some(far), far, &[], &[]);
        assert_eq!(microseconds(&batch, "submission_time"), None);
        let year_bound = if far < 0 {
            FIRST_MILLISECOND
        } else {
            LAST_MILLISECOND
        };
        assert_eq!(
            microseconds(&batch, "completion_time"),
            Some(year_bound * 1000)
        );
        assert_eq!(
            day(&batch),
            Some(if far < 0 { -719_162 } else { 2_932_896 })
        );
    }
}

#[test]
fn arrays_keep_their_elements_and_empty_is_not_null() {
    let batch = job(None, 0, &[3, 1, 2], &[]);
    let ids = batch
        .column_by_name("stage_ids")
        .expect("a column")
        .as_list::<i32>()
        .value(0);
    assert_eq!(ids.as_primitive::<Int64Type>().values(), &[3, 1, 2]);
    let tags = batch
        .column_by_name("job_tags")
        .expect("a column")
        .as_list::<i32>();
    assert!(tags.is_valid(0) && tags.value(0).is_empty());
}

#[test]
fn a_batch_beyond_32_bit_offsets_is_an_error_instead_of_a_panic() {
    let mut builder = environment();
    good_row(&mut builder, None);
    // As if the batch were all but full; filling it would take 2 GiB.
    builder.buffered_bytes = MAX_BUFFERED_BYTES;
    good_row(&mut builder, Some("v"));
    assert_eq!(
        failure(&mut builder),
        "table environment: texts and arrays of one batch exceed 2 GiB at column `platform`"
    );
}

#[test]
fn a_builder_whose_only_row_was_refused_is_not_empty() {
    let mut builder = environment();
    builder.row().opt_string("platform", None);
    assert_eq!(builder.len(), 0);
    assert!(!builder.is_empty(), "nobody would ask it for its rows");
    assert!(failure(&mut builder).contains("`platform`"));
    assert!(builder.is_empty());
}

#[test]
fn a_small_batch_does_not_keep_the_room_of_a_large_one() {
    let capacity = 1024;
    let contract = table("environment").expect("a table of the contract");
    let mut builder = TableBuilder::with_capacity(contract, capacity);
    good_row(&mut builder, Some("v"));
    let small = builder.finish().expect("a row");
    for _ in 0..capacity {
        good_row(&mut builder, Some("v"));
    }
    let large = builder.finish().expect("rows");
    assert_eq!((small.num_rows(), large.num_rows()), (1, capacity));
    assert!(small.get_array_memory_size() < large.get_array_memory_size() / 10);
}
