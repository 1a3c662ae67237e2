//! A lake in memory: rows are given with the columns that matter, all others take a harmless default.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use serde_json::{Value, json};

use super::Row;
use super::data::{Case, TestData};
use crate::analyze::catalog::{Catalog, REFERENCE_PREFIX};
use crate::analyze::definition::Relation;
use crate::analyze::error::AnalyzeError;
use crate::analyze::parameters::literal;
use crate::analyze::placeholders::to_literals;
use crate::ask::{SessionSettings, session as new_session};
use crate::model::did_you_mean;
use crate::schema::{self, ColumnType, Table};

/// Rows of tables, by table.
#[derive(Default)]
pub(in crate::analyze) struct FactLake {
    rows: BTreeMap<&'static str, Vec<Row>>,
}

impl FactLake {
    /// Adds a row of a table about applications, to the application `app`.
    ///
    /// # Errors
    /// There is no such table or column.
    pub(in crate::analyze) fn row(
        &mut self,
        table: &str,
        app: &str,
        columns: Row,
    ) -> Result<(), String> {
        let mut row = of_application(app);
        // Tables of clusters have no application.
        let contract = contract(table)?;
        row.retain(|name, _| contract.column(name).is_some());
        row.extend(columns);
        self.plain_row(table, row)
    }

    /// Adds a row of any table; what may not be NULL and is not given is zero, or empty.
    ///
    /// # Errors
    /// There is no such table or column.
    pub(in crate::analyze) fn plain_row(
        &mut self,
        table: &str,
        mut row: Row,
    ) -> Result<(), String> {
        let contract = contract(table)?;
        let columns = contract.columns.iter().map(|column| column.name.as_str());
        refuse_unknown(table, &row, columns)?;
        for column in contract.columns.iter().filter(|column| !column.nullable) {
            row.entry(&column.name)
                .or_insert_with(|| zero(column.data_type));
        }
        self.rows
            .entry(contract.name.as_str())
            .or_default()
            .push(row);
        Ok(())
    }

    /// The rows of a table so far; makes the table exist.
    ///
    /// # Errors
    /// There is no such table.
    #[cfg(test)]
    pub(in crate::analyze) fn rows_of(&mut self, table: &str) -> Result<&mut Vec<Row>, String> {
        Ok(self.rows.entry(contract(table)?.name.as_str()).or_default())
    }

    /// A session in which the tables are registered, each in so many parts, with as many threads to a
    /// query.
    ///
    /// # Errors
    /// A value is not of its column's type, or the session cannot be made.
    pub(in crate::analyze) fn session(&self, partitions: usize) -> Result<SessionContext, String> {
        let settings = SessionSettings {
            target_partitions: Some(partitions),
            ..SessionSettings::default()
        };
        let ctx = new_session(&settings).map_err(|error| error.to_string())?;
        for (table, rows) in &self.rows {
            let schema = contract(table)?.arrow_schema();
            let parts = rows.chunks(rows.len().div_ceil(partitions).max(1));
            let parts = parts.map(|part| Ok(vec![batch(&schema, part)?]));
            let parts: Result<Vec<_>, ArrowError> = parts.collect();
            let mut parts = parts.map_err(|error| format!("{table}: {error}"))?;
            if parts.is_empty() {
                parts.push(vec![RecordBatch::new_empty(Arc::clone(&schema))]);
            }
            register(&ctx, table, schema, parts).map_err(|error| error.to_string())?;
        }
        Ok(ctx)
    }
}

/// The columns of the views that rules read.
pub(super) struct ViewSchemas(BTreeMap<String, SchemaRef>);

impl ViewSchemas {
    /// Learns the columns of every view that these rules read, from planning it over a lake without
    /// rows.
    pub(super) async fn plan(
        catalog: &Catalog,
        rules: &BTreeSet<&str>,
    ) -> Result<Self, AnalyzeError> {
        let ids: Vec<&str> = rules.iter().copied().chain(["findings"]).collect();
        let catalog = catalog.select(&ids)?;
        let ctx = empty_session(&catalog)?;
        let mut schemas = BTreeMap::new();
        let mut open: Vec<&Relation> = catalog.views().collect();
        while !open.is_empty() {
            let waiting: BTreeSet<&str> = open.iter().map(|view| view.id.as_str()).collect();
            let is_ready = |view: &&Relation| {
                let mut reads = view.query.reads.iter();
                !reads.any(|name| waiting.contains(name.as_str()))
            };
            let (ready, rest): (Vec<_>, Vec<_>) = open.iter().copied().partition(is_ready);
            if let ([], Some(view)) = (ready.as_slice(), rest.first()) {
                return Err(AnalyzeError::Dependency {
                    file: view.query.file.clone(),
                    needs: view.query.reads.join(", "),
                });
            }
            for view in ready {
                let schema = register_view(&ctx, view)
                    .await
                    .map_err(|error| AnalyzeError::query(&view.query.file, error))?;
                schemas.insert(view.id.clone(), schema);
            }
            open = rest;
        }
        Ok(Self(schemas))
    }
}

/// A session with every table and no rows, and the reference tables.
fn empty_session(catalog: &Catalog) -> Result<SessionContext, AnalyzeError> {
    let failed = |error: DataFusionError| AnalyzeError::Session(Box::new(error));
    let ctx = new_session(&SessionSettings::default()).map_err(failed)?;
    for table in schema::tables() {
        let empty = RecordBatch::new_empty(table.arrow_schema());
        ctx.register_batch(&table.name, empty).map_err(failed)?;
    }
    for reference in catalog.references() {
        let name = format!("{REFERENCE_PREFIX}{}", reference.id);
        if let Some(rows) = catalog.reference_rows(&name) {
            ctx.register_batch(&name, rows).map_err(failed)?;
        }
    }
    Ok(ctx)
}

async fn register_view(
    ctx: &SessionContext,
    view: &Relation,
) -> Result<SchemaRef, DataFusionError> {
    let value = |name: &str| {
        let mut parameters = view.query.parameters.iter();
        let parameter = parameters.find(|parameter| parameter.name == name);
        parameter.map(|parameter| literal(&parameter.value))
    };
    let plan = ctx.sql(&to_literals(&view.query.statement, value)).await?;
    let fields = plan.schema().inner().fields().iter();
    // A case may leave any column out.
    let fields = fields.map(|field| Field::new(field.name(), field.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ctx.register_table(view.id.as_str(), plan.into_view())?;
    Ok(schema)
}

/// A session with the facts of all cases, each case an application of its own, and the views whose
/// rows the file gives.
pub(super) async fn session(
    data: &TestData,
    views: &ViewSchemas,
) -> Result<(SessionContext, Vec<String>), String> {
    let mut lake = FactLake::default();
    // A view that the file gives rows of, or defaults, is not made from tables.
    let defaults = data
        .defaults
        .keys()
        .filter(|name| views.0.contains_key(*name));
    let mut given: BTreeMap<&str, Vec<Row>> =
        defaults.map(|name| (name.as_str(), Vec::new())).collect();
    for case in &data.case {
        let in_case = |problem: String| format!("case `{}`: {problem}", case.name);
        application_of(case, data, &mut lake).map_err(in_case)?;
        for (table, rows) in &case.facts {
            for row in rows {
                let mut merged = data.defaults.get(table).cloned().unwrap_or_default();
                merged.extend(row.clone());
                if let Some(schema) = views.0.get(table) {
                    let row = view_row(table, schema, &case.name, merged).map_err(in_case)?;
                    given.entry(table).or_default().push(row);
                } else {
                    lake.row(table, &case.name, merged).map_err(in_case)?;
                }
            }
        }
    }
    let ctx = lake.session(2)?;
    let replaced = given.keys().map(|view| (*view).to_owned()).collect();
    for (view, rows) in given {
        let Some(schema) = views.0.get(view) else {
            continue;
        };
        let rows = batch(schema, &rows).map_err(|error| format!("{view}: {error}"))?;
        register(&ctx, view, Arc::clone(schema), vec![vec![rows]])
            .map_err(|error| error.to_string())?;
    }
    Ok((ctx, replaced))
}

/// The application of a case and its settings: one that ran for an hour and ended well, unless the
/// case says otherwise.
fn application_of(case: &Case, data: &TestData, lake: &mut FactLake) -> Result<(), String> {
    let mut row = object(json!({
        "start_time": "2026-01-02T03:00:00Z", "duration_ms": 3_600_000, "complete": true,
        "completed": true, "job_key": "nightly", "spark_version": "3.5.3", "application_name": "Nightly",
        "core_time_ms": 36_000_000, "total_task_time_ms": 30_000_000,
    }));
    row.extend(
        data.defaults
            .get("applications")
            .cloned()
            .unwrap_or_default(),
    );
    row.extend(case.application.clone());
    lake.row("applications", &case.name, row)?;
    for (key, value) in &case.settings {
        let setting = json!({"section": "spark", "key": key, "value": value});
        lake.row("environment", &case.name, object(setting))?;
    }
    Ok(())
}

fn view_row(view: &str, schema: &SchemaRef, app: &str, columns: Row) -> Result<Row, String> {
    let mut row = of_application(app);
    row.retain(|name, _| schema.index_of(name).is_ok());
    row.extend(columns);
    let known = schema.fields().iter().map(|field| field.name().as_str());
    refuse_unknown(view, &row, known)?;
    Ok(row)
}

/// The columns that every table about applications has.
fn of_application(app: &str) -> Row {
    object(json!({
        "platform": "event_log", "cluster_id": "c-1", "cluster_name": "cluster",
        "application_id": app, "attempt_id": "0", "app_date": "2026-01-02",
        "batch_id": "1", "ingested_at": "2026-01-03T00:00:00Z",
    }))
}

fn refuse_unknown<'a>(
    table: &str,
    row: &Row,
    columns: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), String> {
    let unknown = row
        .keys()
        .find(|name| !columns.clone().any(|column| column == *name));
    match unknown {
        Some(name) => Err(format!(
            "`{table}` has no column `{name}`; {}",
            did_you_mean(name, columns)
        )),
        None => Ok(()),
    }
}

fn contract(table: &str) -> Result<&'static Table, String> {
    schema::table(table).ok_or_else(|| {
        let known = schema::tables().iter().map(|table| table.name.as_str());
        format!(
            "there is no table or view `{table}` that the rule reads; {}",
            did_you_mean(table, known)
        )
    })
}

/// Rows as a batch.
fn batch(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(Arc::clone(schema)).build_decoder()?;
    decoder.serialize(rows)?;
    let batch = decoder.flush()?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema))))
}

fn register(
    ctx: &SessionContext,
    table: &str,
    schema: SchemaRef,
    parts: Vec<Vec<RecordBatch>>,
) -> Result<(), DataFusionError> {
    let provider = MemTable::try_new(schema, parts)?;
    ctx.register_table(table, Arc::new(provider))?;
    Ok(())
}

/// The columns of an object that is written here.
fn object(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
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
