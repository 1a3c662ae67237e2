//! A lake in memory for the tests of rules and derived tables: rows are written as JSON with the
//! columns that matter, all others take a harmless default.

use std::sync::LazyLock;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use serde_json::{Value, json};

use crate::analyze::rule_tests::{self, FactLake, Row, is_same};
use crate::analyze::{Analysis, Catalog, Scope, Stamp, run};

/// One application attempt whose rows a test writes.
pub(super) const APP: &str = "app-1";

#[derive(Default)]
pub(super) struct TestLake {
    facts: FactLake,
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
    pub(super) fn add(&mut self, table: &str, columns: Value) -> &mut Self {
        self.row(table, APP, columns)
    }

    /// Adds a row of any table to an application.
    pub(super) fn row(&mut self, table: &str, app: &str, columns: Value) -> &mut Self {
        let added = self.facts.row(table, app, object(columns));
        added.expect("a row of the table");
        self
    }

    /// Adds a row of a table that is about clusters and runs instead of applications.
    pub(super) fn bookkeeping(&mut self, table: &str, columns: Value) -> &mut Self {
        let added = self.facts.plain_row(table, object(columns));
        added.expect("a row of the table");
        self
    }

    /// Changes columns of the last row of an application in a table.
    pub(super) fn change(&mut self, table: &str, app: &str, columns: Value) -> &mut Self {
        let mut rows = self.facts.rows_of(table).expect("a table").iter_mut();
        let row = rows.rfind(|row| row["application_id"] == app);
        row.expect("a row").extend(object(columns));
        self
    }

    /// Makes the table exist, without rows if it has none.
    pub(super) fn ensure(&mut self, table: &str) -> &mut Self {
        self.facts.rows_of(table).expect("a table");
        self
    }

    /// A session in which the tables of this lake are registered.
    pub(super) fn context(&self) -> SessionContext {
        self.context_with(2)
    }

    /// The same with so many threads to a query, and as many parts of each table.
    pub(super) fn context_with(&self, partitions: usize) -> SessionContext {
        self.facts.session(partitions).expect("a session")
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
        assert!(
            is_same(actual, &expected),
            "{name} is {actual}, not {expected}"
        );
    }
}

pub(super) fn stamp() -> Stamp {
    Stamp {
        batch_id: "9".to_owned(),
        ingested_at: chrono::DateTime::UNIX_EPOCH,
    }
}

pub(super) fn json_rows(batch: &RecordBatch) -> Vec<Row> {
    rule_tests::rows(batch).expect("JSON objects")
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
