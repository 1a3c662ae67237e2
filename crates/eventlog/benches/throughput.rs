//! Where the time of one log goes, single-threaded: decoding, parsing, replay; beside a bare JSON pass.
//!
//! ```sh
//! cargo bench -p sparklake-eventlog --bench throughput -- LOG [ROUNDS]
//! ```
//!
//! `LOG` is an event log in any codec that is one file. Machines are shared and noisy, so the figures to
//! quote are the ratios within a round. Rows are built and dropped; `benches/big_log.rs` of the program
//! measures the whole run.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use chrono::DateTime;
use sparklake_eventlog::codec::{Codec, DETECT_BYTES, DecodeLimits, decoder};
use sparklake_eventlog::event::EventParser;
use sparklake_eventlog::replay::{LogSummary, Replay};
use sparklake_eventlog::rows::{
    HistoryContext, HistoryKind, RowSink, RowWriter, SinkError, TeamSource,
};

struct Nothing;

impl RowSink for Nothing {
    fn write(&mut self, _table: &'static str, _batch: RecordBatch) -> Result<(), SinkError> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let Some(log) = arguments.next() else {
        println!(
            "skipped: name a log, as in `cargo bench -p sparklake-eventlog --bench throughput -- LOG`"
        );
        return Ok(());
    };
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    println!("round  decode s  simd-json s  parse s  parse+replay s  parse/json  replay/json");
    for round in 1..=rounds {
        let started = Instant::now();
        let text = decode(&log)?;
        let decoded = started.elapsed();
        let parsed = time(|| parse(&text))?;
        let replayed = time(|| replay(&text))?;
        let bare = json_pass(text)?;
        println!(
            "{round:>5}  {:>8.2}  {:>11.2}  {:>7.2}  {:>14.2}  {:>10.2}  {:>11.2}",
            decoded.as_secs_f64(),
            bare.as_secs_f64(),
            parsed.as_secs_f64(),
            replayed.as_secs_f64(),
            parsed.as_secs_f64() / bare.as_secs_f64(),
            replayed.as_secs_f64() / bare.as_secs_f64()
        );
    }
    Ok(())
}

fn time(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

/// The text of the log, into memory that was never touched: as a pipeline that reuses buffers it would be faster.
fn decode(log: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut head = Vec::new();
    File::open(log)?
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)?;
    let codec = Codec::detect(&head, log).ok_or("no codec that is known")?;
    let input = BufReader::with_capacity(1 << 20, File::open(log)?);
    let mut text = Vec::with_capacity(1 << 30);
    match codec {
        Codec::Plain => BufReader::into_inner(input).read_to_end(&mut text)?,
        codec => decoder(codec, input, &DecodeLimits::default())?.read_to_end(&mut text)?,
    };
    Ok(text)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn parse(text: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut parser = EventParser::default();
    let mut events = 0_usize;
    let mut batch = Vec::new();
    for line in lines(text) {
        batch.extend(parser.parse(line).ok().flatten());
        // As the reader does: the events of a chunk are alive together.
        if batch.len() == 512 {
            events += batch.len();
            batch.clear();
        }
    }
    match events + batch.len() {
        0 => Err("the log has no events".into()),
        _ => Ok(()),
    }
}

fn replay(text: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut sink = Nothing;
    let mut rows = RowWriter::new(context(), &mut sink);
    let mut replay = Replay::new(&mut rows);
    let mut parser = EventParser::default();
    for line in lines(text) {
        if let Ok(Some(event)) = parser.parse(line) {
            replay.apply(event)?;
        }
    }
    replay.finish(&LogSummary {
        history: HistoryKind::EventLog,
        source_uri: "file:///log".to_owned(),
        last_updated: None,
        is_intact: true,
    })?;
    Ok(())
}

/// Parses every line into a tape that nobody looks at.
fn json_pass(mut text: Vec<u8>) -> Result<Duration, Box<dyn Error>> {
    let mut buffers = simd_json::Buffers::new(1 << 20);
    let started = Instant::now();
    for line in text
        .split_mut(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        simd_json::to_tape_with_buffers(line, &mut buffers)?;
    }
    Ok(started.elapsed())
}

fn context() -> HistoryContext {
    HistoryContext {
        platform: "event_log".to_owned(),
        cluster_id: "c".to_owned(),
        cluster_name: "c".to_owned(),
        application_id: "app-1".to_owned(),
        attempt_id: "0".to_owned(),
        start_time: 1_720_000_000_000,
        job_run: None,
        team: TeamSource::default(),
        batch_id: "b".to_owned(),
        ingested_at: DateTime::UNIX_EPOCH,
    }
}
