//! Tests of the load step as a whole, on lakes in temporary folders.

mod crashes;
mod damage;
mod kills;
mod lakes;
mod maintenance;
mod replacement;
mod staging;
mod stores;
mod unsafe_stores;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use super::failpoint::Step;
use super::*;
use crate::extract::rows::RowSink;
use crate::model::ApplicationKey;
use crate::schema::{self, TableKind};

/// 2024-05-01 in days since 1970-01-01.
const MAY_1: i32 = 19844;

/// A lake in a folder of its own.
struct TestLake {
    folder: TempDir,
}

impl TestLake {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn uri(&self) -> String {
        self.folder.path().join("lake").display().to_string()
    }

    /// Opens the lake as a new process would, with nothing cached.
    async fn open(&self) -> Lake {
        Lake::open_or_create(&self.uri(), HashMap::new())
            .await
            .unwrap()
    }

    async fn start(&self) -> (Lake, LakeLock) {
        let lake = self.open().await;
        let lock = lake.acquire("run").await.unwrap();
        lake.recover(&lock).await.unwrap();
        (lake, lock)
    }
}

/// An application with some jobs.
#[derive(Clone)]
struct App {
    id: String,
    jobs: usize,
    /// Days after 2024-05-01.
    day: i32,
}

fn app(id: &str, jobs: usize) -> App {
    App {
        id: id.to_owned(),
        jobs,
        day: 0,
    }
}

impl App {
    fn on_day(self, day: i32) -> Self {
        Self { day, ..self }
    }

    fn key(&self) -> ApplicationKey {
        ApplicationKey {
            platform: "event_log".to_owned(),
            cluster_id: "test".to_owned(),
            application_id: self.id.clone(),
            attempt_id: "0".to_owned(),
        }
    }

    fn source(&self) -> SourceRecord {
        let mut source = SourceRecord::new(
            format!("file:///logs/{}", self.id),
            format!("version-{}", self.jobs),
            "event_log",
            "test",
            SourceStatus::Loaded,
        );
        source.application_id = Some(self.id.clone());
        source.attempt_id = Some("0".to_owned());
        source.complete = Some(true);
        source.bytes = Some(1000);
        source
    }

    /// Rows of any table with the application's keys; what else must have a value counts up.
    fn rows(&self, table: &str, rows: usize) -> RecordBatch {
        let table = schema::table(table).unwrap();
        let columns = table.columns.iter().filter_map(|column| {
            let values: ArrayRef = match column.name.as_str() {
                "batch_id" | "ingested_at" => return None,
                "platform" => same("event_log", rows),
                "cluster_id" | "cluster_name" => same("test", rows),
                "application_id" => same(&self.id, rows),
                "attempt_id" => same("0", rows),
                "app_date" => Arc::new(Date32Array::from_value(MAY_1 + self.day, rows)),
                name if column.nullable && !name.ends_with("_id") => return None,
                _ => counting(&arrow_type(table, &column.name), rows),
            };
            Some((column.name.clone(), values))
        });
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

fn arrow_type(table: &schema::Table, column: &str) -> DataType {
    table
        .arrow_schema()
        .field_with_name(column)
        .unwrap()
        .data_type()
        .clone()
}

fn same(text: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
        text, rows,
    )))
}

fn counting(data_type: &DataType, rows: usize) -> ArrayRef {
    let numbers = 0..i64::try_from(rows).unwrap();
    match data_type {
        DataType::Int64 => Arc::new(Int64Array::from_iter_values(numbers)),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values(
            0..i32::try_from(rows).unwrap(),
        )),
        DataType::Float64 => Arc::new(Float64Array::from_iter_values(numbers.map(|n| n as f64))),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true; rows])),
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(
            numbers.map(|n| n.to_string()),
        )),
        DataType::Date32 => Arc::new(Date32Array::from_value(MAY_1, rows)),
        DataType::Timestamp(..) => {
            Arc::new(TimestampMicrosecondArray::from_iter_values(numbers).with_timezone("UTC"))
        }
        other => new_null_array(other, rows),
    }
}

/// The tables that [`stage`] writes.
const STAGED_TABLES: [&str; 3] = ["applications", "jobs", "stages"];

/// Stages applications as one unit, each as a history of its own.
async fn stage(lake: &Lake, batch: &Batch, unit: u32, apps: &[App]) -> StagedUnit {
    stage_with(lake, batch, unit, apps, WriterSettings::default()).await
}

async fn stage_with(
    lake: &Lake,
    batch: &Batch,
    unit: u32,
    apps: &[App],
    settings: WriterSettings,
) -> StagedUnit {
    let mut writer = UnitWriter::new(lake.staging(settings), batch, unit);
    let apps = apps.to_vec();
    tokio::task::spawn_blocking(move || {
        for app in apps {
            writer.begin_history().unwrap();
            writer
                .write("applications", app.rows("applications", 1))
                .unwrap();
            writer.write("jobs", app.rows("jobs", app.jobs)).unwrap();
            writer
                .write("stages", app.rows("stages", 2 * app.jobs))
                .unwrap();
            writer.commit_history().unwrap();
        }
        writer.finish().unwrap()
    })
    .await
    .unwrap()
}

/// Loads applications in one batch.
async fn load(
    lake: &Lake,
    lock: &LakeLock,
    apps: &[App],
    replaced: &[ApplicationKey],
) -> Result<CommitReport, LoadError> {
    let batch = lake.begin_batch(lock, "run").await?;
    let unit = stage(lake, &batch, 0, apps).await;
    let sources = apps.iter().map(App::source).collect();
    lake.commit(lock, &batch, vec![unit], replaced, sources)
        .await
}

/// Rows of each application in each table that has any.
type Content = BTreeMap<(String, String), i64>;

async fn content(lake: &Lake) -> Content {
    let mut content = Content::new();
    for table in schema::tables()
        .iter()
        .filter(|table| table.kind != TableKind::Bookkeeping)
    {
        // Most tables are empty, and planning a query takes longer than looking.
        let state = lake.handle(&table.name).unwrap().state().await.unwrap();
        if replace::live_files(&state, table).unwrap().is_empty() {
            continue;
        }
        let sql = "SELECT application_id, count(*) AS n FROM t GROUP BY application_id";
        for batch in query(lake, &table.name, sql).await {
            let ids = arrow::compute::cast(batch.column(0), &DataType::Utf8).unwrap();
            let counts = batch.column(1).as_primitive::<Int64Type>();
            for (id, rows) in ids.as_string::<i32>().iter().zip(counts) {
                let name = (table.name.clone(), id.unwrap_or("NULL").to_owned());
                content.insert(name, rows.unwrap());
            }
        }
    }
    content
}

/// The rows that loading these applications once must give.
fn expected(apps: &[App]) -> Content {
    let mut content = Content::new();
    for app in apps {
        let jobs = i64::try_from(app.jobs).unwrap();
        let rows = [1, jobs, 2 * jobs];
        for (table, rows) in STAGED_TABLES.iter().zip(rows) {
            content.insert(((*table).to_owned(), app.id.clone()), rows);
        }
    }
    content
}

async fn query(lake: &Lake, table: &str, sql: &str) -> Vec<RecordBatch> {
    let session = SessionContext::new();
    let delta = lake.table(table).await.unwrap();
    delta.update_datafusion_session(&session.state()).unwrap();
    session
        .register_table("t", delta.table_provider().await.unwrap())
        .unwrap();
    session.sql(sql).await.unwrap().collect().await.unwrap()
}

/// All Parquet files in the lake's folder.
fn data_files(lake: &Lake) -> Vec<String> {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().unwrap() != "_delta_log" {
                walk(&path, found);
            } else if path.to_string_lossy().contains(".parquet") {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(lake.folder().unwrap(), &mut found);
    found
}
