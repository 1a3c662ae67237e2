//! A lake in memory for the tests of rules and derived tables: rows are written as JSON with the
//! columns that matter, all others take a harmless default.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use arrow::json::writer::{JsonArray, WriterBuilder};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value, json};

use crate::analyze::{Analysis, Catalog, Scope, Stamp, run};
use crate::ask::{SessionSettings, session};
use crate::schema::{self, ColumnType, Table};

type Row = Map<String, Value>;

/// One application attempt whose rows a test writes.
pub(super) const APP: &str = "app-1";

#[derive(Default)]
pub(super) struct TestLake {
    rows: BTreeMap<&'static str, Vec<Row>>,
}

impl TestLake {
    /// A lake with one application that ran for an hour on no executors.
    pub(super) fn with_application() -> Self {
        let mut lake = Self::default();
        lake.application(APP, json!({}));
        lake
    }

    /// Adds an application attempt.
    pub(super) fn application(&mut self, id: &str, columns: Value) -> &mut Self {
        let defaults = json!({
            "start_time": "2026-01-02T03:00:00Z", "duration_ms": 3_600_000, "complete": true,
            "completed": true, "job_key": "nightly", "spark_version": "3.5.3",
            "application_name": "Nightly",
        });
        self.row("applications", id, merged(defaults, columns))
    }

    /// Adds a finished stage attempt; the distributions are named by the metric and given as
    /// `[min, median, max, total]`.
    pub(super) fn stage(&mut self, id: i64, columns: Value, quantiles: Value) -> &mut Self {
        self.stage_of(APP, id, columns, quantiles)
    }

    /// The same for an application of that id.
    pub(super) fn stage_of(
        &mut self,
        app: &str,
        id: i64,
        columns: Value,
        quantiles: Value,
    ) -> &mut Self {
        let defaults = json!({"stage_id": id, "status": "COMPLETE", "task_completion_rate": 100.0});
        let stage = merged(defaults, columns);
        let attempt = stage.get("stage_attempt_id").cloned().unwrap_or(json!(0));
        let succeeded = stage
            .get("num_complete_tasks")
            .or(stage.get("num_tasks"))
            .cloned();
        let succeeded = succeeded.and_then(|count| count.as_i64()).unwrap_or(0);
        self.row("stages", app, stage);
        for (metric, values) in quantiles.as_object().into_iter().flatten() {
            let numbers: Vec<i64> = values
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect();
            let [min, median, max, total] = numbers[..] else {
                panic!("{metric}: four numbers")
            };
            self.row("task_quantiles", app, json!({
                "stage_id": id, "stage_attempt_id": attempt, "metric": metric,
                "num_tasks": succeeded, "min": min, "median": median, "max": max, "total": total,
                "mean": total as f64 / succeeded as f64,
            }));
        }
        self
    }

    /// Adds an executor with so many task slots.
    pub(super) fn executor(&mut self, id: &str, slots: i64, columns: Value) -> &mut Self {
        let defaults = json!({"executor_id": id, "total_cores": slots, "max_tasks": slots});
        self.row("executors", APP, merged(defaults, columns))
    }

    /// Says what an executor did for a stage.
    pub(super) fn worker(&mut self, stage: i64, executor: &str, columns: Value) -> &mut Self {
        let defaults = json!({"stage_id": stage, "executor_id": executor, "succeeded_tasks": 1});
        self.row("stage_executors", APP, merged(defaults, columns))
    }

    /// Adds a row of any table of [`APP`].
    pub(super) fn add(&mut self, table: &'static str, columns: Value) -> &mut Self {
        self.row(table, APP, columns)
    }

    /// Adds a row of any table to an application.
    pub(super) fn row(&mut self, table: &'static str, app: &str, columns: Value) -> &mut Self {
        let contract = contract(table);
        let mut defaults = json!({
            "platform": "event_log", "cluster_id": "c-1", "cluster_name": "cluster",
            "application_id": app, "attempt_id": "0", "app_date": "2026-01-02",
            "batch_id": "1", "ingested_at": "2026-01-03T00:00:00Z",
        });
        // Tables of clusters have no application.
        if let Some(defaults) = defaults.as_object_mut() {
            defaults.retain(|name, _| contract.column(name).is_some());
        }
        let mut row = object(merged(defaults, columns));
        let unknown = row.keys().find(|name| contract.column(name).is_none());
        assert_eq!(unknown, None, "{table} has no such column");
        for column in contract.columns.iter().filter(|column| !column.nullable) {
            row.entry(&column.name)
                .or_insert_with(|| zero(column.data_type));
        }
        self.rows.entry(table).or_default().push(row);
        self
    }

    /// Adds a row of a table that is about clusters and runs instead of applications.
    pub(super) fn bookkeeping(&mut self, table: &'static str, columns: Value) -> &mut Self {
        let contract = contract(table);
        let mut row = object(columns);
        let unknown = row.keys().find(|name| contract.column(name).is_none());
        assert_eq!(unknown, None, "{table} has no such column");
        for column in contract.columns.iter().filter(|column| !column.nullable) {
            row.entry(&column.name)
                .or_insert_with(|| zero(column.data_type));
        }
        self.rows.entry(table).or_default().push(row);
        self
    }

    /// Changes columns of the last row of an application in a table.
    pub(super) fn change(&mut self, table: &'static str, app: &str, columns: Value) -> &mut Self {
        let mut rows = self.rows.entry(table).or_default().iter_mut();
        let row = rows.rfind(|row| row["application_id"] == app);
        row.expect("a row").extend(object(columns));
        self
    }

    /// Makes the table exist, without rows if it has none.
    pub(super) fn ensure(&mut self, table: &'static str) -> &mut Self {
        self.rows.entry(table).or_default();
        self
    }

    /// A session in which the tables of this lake are registered.
    pub(super) fn context(&self) -> SessionContext {
        self.context_with(2)
    }

    /// The same with so many threads to a query, and as many parts of each table.
    pub(super) fn context_with(&self, partitions: usize) -> SessionContext {
        let settings = SessionSettings {
            target_partitions: Some(partitions),
            ..SessionSettings::default()
        };
        let ctx = session(&settings).expect("session");
        for (table, rows) in &self.rows {
            let schema = contract(table).arrow_schema();
            let parts = rows.chunks(rows.len().div_ceil(partitions).max(1));
            let mut parts: Vec<_> = parts
                .map(|part| vec![batch(schema.clone(), part)])
                .collect();
            if parts.is_empty() {
                parts.push(vec![RecordBatch::new_empty(schema.clone())]);
            }
            let provider = MemTable::try_new(schema, parts).expect("table");
            ctx.register_table(*table, Arc::new(provider))
                .expect("new name");
        }
        ctx
    }

    /// Runs these rules and tables with all that they read; nothing may fail. Costs are not known
    /// unless they are asked for: they take longer than all that reads them.
    pub(super) async fn analyse(&self, ids: &[&str]) -> Answers {
        let catalog = built_in().select(ids).expect("known ids");
        let asks_for_money = ids.iter().any(|id| id.starts_with("application_"));
        let catalog = match asks_for_money {
            true => catalog,
            false => catalog.without_tables(&["application_costs"]),
        };
        self.analyse_with(&catalog).await
    }

    /// Runs a catalog; nothing may fail.
    pub(super) async fn analyse_with(&self, catalog: &Catalog) -> Answers {
        let analysis = run(catalog, &self.context(), &Scope::All, &stamp())
            .await
            .expect("runs");
        assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
        Answers(analysis)
    }

    /// The findings of one rule.
    pub(super) async fn findings_of(&self, rule: &str) -> Vec<Row> {
        self.analyse(&[rule, "findings"]).await.rows("findings")
    }

    /// The only finding of one rule.
    pub(super) async fn finding_of(&self, rule: &str) -> Row {
        let mut rows = self.findings_of(rule).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }
}

/// The built-in catalog, read once for all tests.
pub(super) fn built_in() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::built_in().expect("built-in files"));
    &CATALOG
}

/// The derived tables of a run, as JSON rows.
pub(super) struct Answers(pub Analysis);

impl Answers {
    pub(super) fn rows(&self, table: &str) -> Vec<Row> {
        let derived = self.0.tables.iter().find(|derived| derived.table == table);
        json_rows(&derived.unwrap_or_else(|| panic!("no {table}")).rows)
    }

    pub(super) fn row(&self, table: &str) -> Row {
        let mut rows = self.rows(table);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }
}

/// Asserts the columns that `expected` names; fractions to a relative 1e-9.
#[track_caller]
pub(super) fn assert_columns(row: &Row, expected: Value) {
    for (name, expected) in object(expected) {
        let actual = row
            .get(&name)
            .unwrap_or_else(|| panic!("no column {name}: {row:?}"));
        let same = match (actual.as_f64(), expected.as_f64()) {
            (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * right.abs().max(1.0),
            _ => *actual == expected,
        };
        assert!(same, "{name} is {actual}, not {expected}");
    }
}

pub(super) fn stamp() -> Stamp {
    Stamp {
        batch_id: "9".to_owned(),
        ingested_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn contract(table: &str) -> &'static Table {
    schema::table(table).unwrap_or_else(|| panic!("no contract for {table}"))
}

pub(super) fn batch(schema: SchemaRef, rows: &[Row]) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .build_decoder()
        .expect("decoder");
    decoder
        .serialize(rows)
        .expect("values of the columns' types");
    decoder
        .flush()
        .expect("valid rows")
        .unwrap_or_else(|| RecordBatch::new_empty(schema))
}

pub(super) fn json_rows(batch: &RecordBatch) -> Vec<Row> {
    if batch.num_rows() == 0 {
        return Vec::new();
    }
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, JsonArray>(Vec::new());
    writer.write(batch).expect("writes");
    writer.finish().expect("finishes");
    serde_json::from_slice(&writer.into_inner()).expect("JSON objects")
}

fn merged(defaults: Value, columns: Value) -> Value {
    let mut merged = object(defaults);
    merged.extend(object(columns));
    Value::Object(merged)
}

fn object(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        other => panic!("not an object: {other}"),
    }
}

fn zero(data_type: ColumnType) -> Value {
    match data_type {
        ColumnType::Bigint | ColumnType::Int | ColumnType::Double => json!(0),
        ColumnType::Boolean => json!(false),
        ColumnType::String => json!(""),
        ColumnType::Timestamp => json!("2026-01-02T00:00:00Z"),
        ColumnType::Date => json!("2026-01-02"),
        ColumnType::BigintArray | ColumnType::StringArray => json!([]),
    }
}
