//! Histories of a server, extracted into memory.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::json::ArrayWriter;
use serde_json::{Map, Value};
use sparklake::discover::history_server::{self, HistoryServerSource};
use sparklake::discover::{Content, History, Window};
use sparklake::extract::ExtractError;
use sparklake::extract::eventlog::codec::DecodeLimits;
use sparklake::extract::extraction::{ExtractOptions, Extraction};
use sparklake::extract::history::{extract, identify};
use sparklake::extract::rows::{RowSink, SinkError};
use sparklake::model::{Platform, ServerAccess};
use tokio::runtime::{Handle, Runtime};
use url::Url;

/// A row: column → value; no key where it is NULL.
pub(super) type Row = Map<String, Value>;

/// The rows of one history.
#[derive(Debug, Default)]
pub(super) struct Collected {
    batches: BTreeMap<&'static str, Vec<RecordBatch>>,
}

impl RowSink for Collected {
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError> {
        self.batches.entry(table).or_default().push(batch);
        Ok(())
    }
}

impl Collected {
    pub(super) fn rows(&self, table: &str) -> Vec<Row> {
        let batches: Vec<&RecordBatch> = self.batches.get(table).into_iter().flatten().collect();
        let mut writer = ArrayWriter::new(Vec::new());
        writer.write_batches(&batches).expect("JSON");
        writer.finish().expect("JSON");
        let text = writer.into_inner();
        match text.is_empty() {
            true => Vec::new(),
            false => serde_json::from_slice(&text).expect("rows"),
        }
    }

    pub(super) fn count(&self, table: &str) -> usize {
        let batches = self.batches.get(table).into_iter().flatten();
        batches.map(RecordBatch::num_rows).sum()
    }

    pub(super) fn total(&self) -> usize {
        self.batches.keys().map(|table| self.count(table)).sum()
    }

    /// The only row of a table.
    pub(super) fn only(&self, table: &str) -> Row {
        let mut rows = self.rows(table);
        assert_eq!(rows.len(), 1, "{table}");
        rows.remove(0)
    }
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A source whose client does not wait long between attempts.
pub(super) fn source(url: &Url, access: ServerAccess) -> HistoryServerSource {
    let mut source = HistoryServerSource::new(url.clone());
    source.access = access;
    source.client.http.attempts = 2;
    source.client.http.first_delay = Duration::from_millis(1);
    source.client.http.max_delay = Duration::from_millis(5);
    source
}

/// All histories of the server, running ones too.
pub(super) fn histories(runtime: &Runtime, source: &HistoryServerSource) -> Vec<History> {
    let window = Window::default();
    let found = runtime.block_on(history_server::discover(source, &window, true, None));
    found.expect("applications").histories
}

/// Extracts one history, as every other of these tests calls its cluster.
pub(super) fn extract_one(
    runtime: &Handle,
    history: &History,
) -> Result<(Collected, Extraction), ExtractError> {
    let mut history = history.clone();
    history.platform = Platform::HistoryServer;
    history.cluster_id = "c".to_owned();
    history.cluster_name = "c".to_owned();
    let limits = DecodeLimits::default();
    let (history, identity) = identify(&history, runtime, &limits)?.remove(0);
    let options = ExtractOptions {
        limits,
        threads: 1,
        team: Default::default(),
        batch_id: "b".to_owned(),
        ingested_at: chrono::DateTime::UNIX_EPOCH,
    };
    let mut collected = Collected::default();
    let extraction = extract(&history, &identity, &options, runtime, &mut collected)?;
    Ok((collected, extraction))
}

/// Requests that the client of a history has sent.
pub(super) fn requests_sent(history: &History) -> u64 {
    match &history.content {
        Content::Server(application) => application.client.requests_sent(),
        Content::Log(_) => 0,
    }
}
