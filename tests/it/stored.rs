//! What a lake holds, read without the program: from the Delta logs and the Parquet files alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// Columns that tell of the run rather than of the application.
const OF_THE_RUN: [&str; 3] = ["batch_id", "ingested_at", "run_id"];

/// A row as text: column → value, NULL left out.
pub(crate) type Row = BTreeMap<String, String>;

/// Names of all tables of a lake.
pub(crate) fn tables(lake: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(lake)
        .expect("a lake")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().join("_delta_log").is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

/// The newest version of each table.
pub(crate) fn versions(lake: &Path) -> BTreeMap<String, usize> {
    tables(lake)
        .into_iter()
        .map(|table| (table.clone(), commits(lake, &table).len()))
        .collect()
}

/// All rows of a table, in no order.
pub(crate) fn rows(lake: &Path, table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (file, partition) in live_files(lake, table) {
        let file = File::open(lake.join(table).join(&file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .expect("Parquet")
            .build()
            .expect("Parquet");
        for batch in reader {
            rows.extend(rows_of(&batch.expect("a batch"), &partition));
        }
    }
    rows
}

/// All rows of all tables but `runs`, as sorted lines, without what is about the run itself.
///
/// `root` is the folder of the logs: it is left out of URIs, so that lakes of two places compare.
pub(crate) fn content(lake: &Path, root: &Path) -> BTreeMap<String, Vec<String>> {
    tables(lake)
        .into_iter()
        .filter(|table| table != "runs")
        .map(|table| {
            let mut lines: Vec<String> = rows(lake, &table)
                .into_iter()
                .map(|row| line(&table, row, root))
                .collect();
            lines.sort();
            (table, lines)
        })
        .collect()
}

/// Fails with the first differing row of two [`content`]s.
#[track_caller]
pub(crate) fn assert_same(
    found: &BTreeMap<String, Vec<String>>,
    expected: &BTreeMap<String, Vec<String>>,
    context: &str,
) {
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{context}"
    );
    for (table, expected) in expected {
        let found = found.get(table).expect("the same tables");
        let (have, want): (BTreeSet<_>, BTreeSet<_>) =
            (found.iter().collect(), expected.iter().collect());
        let surplus = have.difference(&want).next();
        let missing = want.difference(&have).next();
        assert!(
            found == expected,
            "{context}: {table} has {} rows, not {}\nsurplus: {surplus:?}\nmissing: {missing:?}",
            found.len(),
            expected.len()
        );
    }
}

fn line(table: &str, mut row: Row, root: &Path) -> String {
    row.retain(|column, _| !OF_THE_RUN.contains(&column.as_str()));
    if table == "ingest_sources" {
        row.remove("duration_ms");
        row.remove("seq");
    }
    format!("{row:?}").replace(&root.display().to_string(), "")
}

/// The commits of a table, oldest first.
fn commits(lake: &Path, table: &str) -> Vec<String> {
    let mut commits: Vec<_> = fs::read_dir(lake.join(table).join("_delta_log"))
        .expect("a Delta log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    commits.sort();
    commits
        .into_iter()
        .map(|path| fs::read_to_string(path).expect("a commit"))
        .collect()
}

/// The files that make up a table.
pub(crate) fn files(lake: &Path, table: &str) -> BTreeSet<String> {
    live_files(lake, table).into_keys().collect()
}

/// Files that are part of a table, or were part of an earlier version of it.
pub(crate) fn files_ever(lake: &Path, table: &str) -> BTreeSet<String> {
    let added = |action: &str| {
        let action: Value = serde_json::from_str(action).expect("an action");
        text(&action, "/add/path").map(str::to_owned)
    };
    let commits = commits(lake, table);
    let actions = commits.iter().flat_map(|commit| commit.lines());
    actions.filter_map(added).collect()
}

/// File → values of its partition.
pub(crate) fn live_files(lake: &Path, table: &str) -> BTreeMap<String, Row> {
    let mut live = BTreeMap::new();
    for commit in commits(lake, table) {
        let actions = commit
            .lines()
            .map(|action| serde_json::from_str::<Value>(action).expect("an action"));
        for action in actions {
            if let Some(path) = text(&action, "/remove/path") {
                assert!(
                    live.remove(path).is_some(),
                    "{table}: {path} is removed but not there"
                );
            }
            if let Some(path) = text(&action, "/add/path") {
                let partition = action
                    .pointer("/add/partitionValues")
                    .and_then(Value::as_object);
                let values = partition.into_iter().flatten();
                let values = values
                    .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
                let known = live.insert(path.to_owned(), values.collect());
                assert!(known.is_none(), "{table}: {path} is added twice");
            }
        }
    }
    live
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn rows_of(batch: &RecordBatch, partition: &Row) -> Vec<Row> {
    let options = FormatOptions::default();
    let schema = batch.schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| {
            let formatter =
                ArrayFormatter::try_new(array, &options).expect("every type has a text");
            (field.name(), array, formatter)
        })
        .collect();
    (0..batch.num_rows())
        .map(|at| {
            let values = columns.iter().filter(|(_, array, _)| array.is_valid(at));
            let told = |array, text: &ArrayFormatter<'_>| {
                double(array, at).unwrap_or_else(|| text.value(at).to_string())
            };
            let mut row: Row = values
                .map(|(name, array, text)| ((*name).clone(), told(array, text)))
                .collect();
            row.extend(partition.clone());
            row
        })
        .collect()
}

/// A double with the digits that do not depend on the order in which it was summed up.
fn double(array: &ArrayRef, at: usize) -> Option<String> {
    array
        .as_primitive_opt::<Float64Type>()
        .map(|doubles| format!("{:.11e}", doubles.value(at)))
}
