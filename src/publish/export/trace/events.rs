//! The events of the Chrome trace format (JSON object form), written one by one. Times are
//! microseconds from the trace's origin.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::super::error::PublishError;
use super::super::super::runs::Run;

/// Writes a trace.
pub(super) struct TraceWriter<W: Write> {
    output: W,
    origin_ms: i64,
    has_events: bool,
}

/// Something that took time.
pub(super) struct Slice<'s> {
    pub(super) name: &'s str,
    pub(super) category: &'s str,
    pub(super) process: i64,
    pub(super) thread: i64,
    pub(super) begin_ms: i64,
    pub(super) end_ms: i64,
    pub(super) arguments: Map<String, Value>,
}

#[derive(Serialize)]
struct Complete<'s> {
    ph: &'static str,
    name: &'s str,
    cat: &'s str,
    pid: i64,
    tid: i64,
    ts: i64,
    dur: i64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: &'s Map<String, Value>,
}

impl<W: Write> TraceWriter<W> {
    pub(super) fn new(mut output: W, origin_ms: i64) -> Result<Self, PublishError> {
        output.write_all(b"{\"traceEvents\":[")?;
        Ok(Self {
            output,
            origin_ms,
            has_events: false,
        })
    }

    pub(super) fn process(&mut self, process: i64, name: &str) -> Result<(), PublishError> {
        self.metadata(process, 0, "process_name", json!({"name": name}))?;
        self.metadata(
            process,
            0,
            "process_sort_index",
            json!({"sort_index": process}),
        )
    }

    pub(super) fn thread(
        &mut self,
        process: i64,
        thread: i64,
        name: &str,
        place: usize,
    ) -> Result<(), PublishError> {
        self.metadata(process, thread, "thread_name", json!({"name": name}))?;
        self.metadata(
            process,
            thread,
            "thread_sort_index",
            json!({"sort_index": place}),
        )
    }

    fn metadata(
        &mut self,
        process: i64,
        thread: i64,
        name: &str,
        args: Value,
    ) -> Result<(), PublishError> {
        self.event(&json!({"ph": "M", "name": name, "pid": process, "tid": thread, "args": args}))
    }

    pub(super) fn slice(&mut self, slice: &Slice<'_>) -> Result<(), PublishError> {
        self.event(&Complete {
            ph: "X",
            name: slice.name,
            cat: slice.category,
            pid: slice.process,
            tid: slice.thread,
            ts: self.microseconds(slice.begin_ms),
            dur: slice
                .end_ms
                .saturating_sub(slice.begin_ms)
                .saturating_mul(1000),
            args: &slice.arguments,
        })
    }

    pub(super) fn counter(
        &mut self,
        process: i64,
        name: &str,
        series: &str,
        time_ms: i64,
        value: i64,
    ) -> Result<(), PublishError> {
        let ts = self.microseconds(time_ms);
        self.event(&json!({"ph": "C", "name": name, "pid": process, "tid": 0, "ts": ts, "args": {series: value}}))
    }

    /// Ends the trace, with what it is of.
    pub(super) fn finish(mut self, run: &Run) -> Result<(), PublishError> {
        let about = json!({
            "application_id": run.application_id,
            "attempt_id": run.attempt_id,
            "application_name": run.application_name,
            "origin_ms": self.origin_ms,
            "version": env!("CARGO_PKG_VERSION"),
        });
        writeln!(
            self.output,
            "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{about}}}"
        )?;
        Ok(self.output.flush()?)
    }

    fn microseconds(&self, time_ms: i64) -> i64 {
        time_ms.saturating_sub(self.origin_ms).saturating_mul(1000)
    }

    fn event(&mut self, event: &impl Serialize) -> Result<(), PublishError> {
        let between: &[u8] = if self.has_events { b",\n" } else { b"\n" };
        self.output.write_all(between)?;
        self.has_events = true;
        serde_json::to_writer(&mut self.output, event).map_err(std::io::Error::from)?;
        Ok(())
    }
}
