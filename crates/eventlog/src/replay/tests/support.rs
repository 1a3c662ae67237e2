//! Replays lines of a log and keeps the rows.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::DateTime;

use crate::event::EventParser;
use crate::replay::{LogSummary, Replay, ReplaySummary};
use crate::rows::{HistoryContext, HistoryKind, RowSink, RowWriter, SinkError};
use sparklake_schema as schema;

/// When the applications of these tests start.
pub(super) const START: i64 = 1_720_000_000_000;

/// One row: column to value as text; NULL columns are absent.
pub(super) type Row = BTreeMap<String, String>;

/// The rows of a replay, by table.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<&'static str, Vec<RecordBatch>>);

impl RowSink for Tables {
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError> {
        self.0.entry(table).or_default().push(batch);
        Ok(())
    }
}

impl Tables {
    /// All rows of one table.
    pub(super) fn rows(&self, table: &str) -> Vec<Row> {
        let batches = self.0.get(table).map(Vec::as_slice).unwrap_or_default();
        batches.iter().flat_map(rows_of).collect()
    }

    /// The only row of one table.
    pub(super) fn only(&self, table: &str) -> Row {
        let mut rows = self.rows(table);
        assert_eq!(rows.len(), 1, "{table}");
        rows.remove(0)
    }

    /// The first key that two rows of one table share.
    pub(super) fn repeated_key(&self) -> Option<String> {
        self.0.keys().find_map(|table| {
            let keys = &schema::table(table).expect("a contract").keys;
            let mut seen = BTreeSet::new();
            self.rows(table).into_iter().find_map(|row| {
                let key: Vec<Option<&String>> = keys.iter().map(|key| row.get(key)).collect();
                let text = format!("{table}: {key:?}");
                (!seen.insert(text.clone())).then_some(text)
            })
        })
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let schema = batch.schema();
    let options = FormatOptions::default();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let values = ArrayFormatter::try_new(column, &options).expect("a formatter");
            (field.name().clone(), column, values)
        })
        .collect();
    (0..batch.num_rows())
        .map(|at| {
            columns
                .iter()
                .filter(|(_, column, _)| !column.is_null(at))
                .map(|(name, _, values)| (name.clone(), values.value(at).to_string()))
                .collect()
        })
        .collect()
}

/// Replays lines; those that are no events are left out, as in a log.
pub(super) fn replay<'l>(lines: impl IntoIterator<Item = &'l str>) -> (Tables, ReplaySummary) {
    let mut tables = Tables::default();
    let context = HistoryContext {
        platform: "event_log".to_owned(),
        cluster_id: "c".to_owned(),
        cluster_name: "c".to_owned(),
        application_id: "app-1".to_owned(),
        attempt_id: "0".to_owned(),
        start_time: START,
        job_run: None,
        team: Default::default(),
        batch_id: "b".to_owned(),
        ingested_at: DateTime::UNIX_EPOCH,
    };
    let mut rows = RowWriter::new(context, &mut tables);
    let mut replay = Replay::new(&mut rows);
    let mut parser = EventParser::default();
    for line in lines {
        if let Ok(Some(event)) = parser.parse(line.as_bytes()) {
            replay.apply(event).expect("rows");
        }
    }
    let summary = replay
        .finish(&LogSummary {
            history: HistoryKind::EventLog,
            source_uri: "file:///log".to_owned(),
            last_updated: None,
            is_intact: true,
        })
        .expect("rows");
    (tables, summary)
}
