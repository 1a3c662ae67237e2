//! An application as a Chrome trace, which Perfetto and chrome://tracing open: jobs, stages, SQL
//! executions, driver gaps, and every task on a track of its executor's cores.
//!
//! Rows are written as they come, ordered by their begin; what is held is the running tasks and the
//! lanes of the tracks. Any column of `sql/trace/*.sql` that is not a name, a time or a track becomes an
//! argument, so that a file of the user's can add more.

mod events;
mod lanes;
mod running;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::error::PublishError;
use super::super::facts::Facts;
use super::super::runs::Run;
use events::{Slice, TraceWriter};
use lanes::Lanes;
use running::Running;

/// Folder of the queries.
const FOLDER: &str = "trace";
/// The process that bears the counters.
const COUNTERS: i64 = 1;
/// Tracks of the whole application: query, name of the process, name of a lane.
const TRACKS: [(&str, &str, &str); 4] = [
    ("queries", "SQL executions", "SQL"),
    ("jobs", "Jobs", "jobs"),
    ("stages", "Stages", "stages"),
    ("gaps", "Driver gaps", "gaps"),
];

/// What a trace holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceCounts {
    /// Task attempts.
    pub tasks: u64,
    /// Jobs, stages, SQL executions and gaps.
    pub spans: u64,
    /// Tracks, lanes of all kinds.
    pub tracks: u64,
}

#[derive(Debug, Deserialize)]
struct Origin {
    #[serde(default)]
    origin_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Executor {
    executor_id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Counter {
    #[serde(default)]
    time_ms: Option<i64>,
    #[serde(default)]
    executors: Option<i64>,
    #[serde(default)]
    cores: Option<i64>,
}

/// What takes time: a row of any track.
#[derive(Debug, Deserialize)]
struct Span {
    name: String,
    begin_ms: i64,
    #[serde(default)]
    end_ms: Option<i64>,
    #[serde(default)]
    executor_id: Option<String>,
    #[serde(flatten)]
    arguments: Map<String, Value>,
}

/// The lanes of one process of the trace.
struct Track {
    process: i64,
    lane_name: &'static str,
    lanes: Lanes,
    threads: Vec<i64>,
}

/// Writes the trace of one application attempt.
///
/// # Errors
/// The lake cannot be asked, or `output` not be written.
pub async fn write<W: Write>(
    facts: &Facts<'_>,
    run: &Run,
    output: W,
) -> Result<TraceCounts, PublishError> {
    let origin: Vec<Origin> = facts.rows(FOLDER, "origin", &run.parameters()).await?;
    let origin_ms = origin
        .first()
        .and_then(|origin| origin.origin_ms)
        .unwrap_or(0);
    let mut trace = Trace {
        facts,
        run,
        writer: TraceWriter::new(output, origin_ms)?,
        next_process: COUNTERS,
        next_thread: 1,
        counts: TraceCounts::default(),
    };
    let name = run
        .application_name
        .as_deref()
        .unwrap_or(&run.application_id);
    let counters = trace.process(name)?;
    for (query, process, lane) in TRACKS {
        trace.spans(query, process, lane).await?;
    }
    trace.tasks(counters).await?;
    trace.counters(counters).await?;
    let Trace { writer, counts, .. } = trace;
    writer.finish(run)?;
    Ok(counts)
}

/// A trace that is being written.
struct Trace<'t, W: Write> {
    facts: &'t Facts<'t>,
    run: &'t Run,
    writer: TraceWriter<W>,
    next_process: i64,
    next_thread: i64,
    counts: TraceCounts,
}

impl<W: Write> Trace<'_, W> {
    /// Begins a process: a group of tracks.
    fn process(&mut self, name: &str) -> Result<i64, PublishError> {
        let process = self.next_process;
        self.next_process += 1;
        self.writer.process(process, name)?;
        Ok(process)
    }

    fn track(&mut self, process: &str, lane_name: &'static str) -> Result<Track, PublishError> {
        Ok(Track {
            process: self.process(process)?,
            lane_name,
            lanes: Lanes::default(),
            threads: Vec::new(),
        })
    }

    async fn spans(
        &mut self,
        query: &str,
        process: &str,
        lane: &'static str,
    ) -> Result<(), PublishError> {
        let mut track = None;
        let mut stream = self
            .facts
            .stream(FOLDER, query, &self.run.parameters())
            .await?;
        while let Some(batch) = stream.next().await? {
            for span in self.facts.decode::<Span>(FOLDER, query, &batch)? {
                if track.is_none() {
                    track = Some(self.track(process, lane)?);
                }
                if let Some(track) = &mut track {
                    self.slice(track, span, query)?;
                    self.counts.spans += 1;
                }
            }
        }
        Ok(())
    }

    async fn tasks(&mut self, counters: i64) -> Result<(), PublishError> {
        let parameters = self.run.parameters();
        let executors: Vec<Executor> = self.facts.rows(FOLDER, "executors", &parameters).await?;
        let names: BTreeMap<&str, &str> = executors
            .iter()
            .map(|executor| (executor.executor_id.as_str(), executor.name.as_str()))
            .collect();
        let mut tracks: BTreeMap<String, Track> = BTreeMap::new();
        let mut running = Running::default();
        let mut stream = self.facts.stream(FOLDER, "tasks", &parameters).await?;
        while let Some(batch) = stream.next().await? {
            for task in self.facts.decode::<Span>(FOLDER, "tasks", &batch)? {
                let executor = task.executor_id.clone().unwrap_or_default();
                if !tracks.contains_key(&executor) {
                    let unnamed = format!("Executor {executor}");
                    let name = names
                        .get(executor.as_str())
                        .copied()
                        .unwrap_or(unnamed.as_str());
                    let track = self.track(name, "core")?;
                    tracks.insert(executor.clone(), track);
                }
                for (time_ms, tasks) in running.start(task.begin_ms, task.end()) {
                    self.writer
                        .counter(counters, "running tasks", "tasks", time_ms, tasks)?;
                }
                if let Some(track) = tracks.get_mut(&executor) {
                    self.slice(track, task, "task")?;
                    self.counts.tasks += 1;
                }
            }
        }
        for (time_ms, tasks) in running.end() {
            self.writer
                .counter(counters, "running tasks", "tasks", time_ms, tasks)?;
        }
        Ok(())
    }

    async fn counters(&mut self, process: i64) -> Result<(), PublishError> {
        let rows: Vec<Counter> = self
            .facts
            .rows(FOLDER, "counters", &self.run.parameters())
            .await?;
        for row in rows {
            let Some(time_ms) = row.time_ms else { continue };
            if let Some(executors) = row.executors {
                self.writer
                    .counter(process, "executors", "executors", time_ms, executors)?;
            }
            if let Some(cores) = row.cores {
                self.writer
                    .counter(process, "cores", "cores", time_ms, cores)?;
            }
        }
        Ok(())
    }

    /// Writes one slice into a free lane of the track.
    fn slice(&mut self, track: &mut Track, span: Span, category: &str) -> Result<(), PublishError> {
        let end_ms = span.end();
        let lane = track.lanes.take(span.begin_ms, end_ms);
        while track.threads.len() <= lane {
            let number = track.threads.len() + 1;
            let name = format!("{} {number}", track.lane_name);
            self.writer
                .thread(track.process, self.next_thread, &name, number)?;
            track.threads.push(self.next_thread);
            self.next_thread += 1;
            self.counts.tracks += 1;
        }
        let arguments = span.arguments.into_iter();
        let arguments = arguments
            .filter(|(_, value)| says_something(value))
            .collect();
        self.writer.slice(&Slice {
            name: &span.name,
            category,
            process: track.process,
            thread: track.threads.get(lane).copied().unwrap_or_default(),
            begin_ms: span.begin_ms,
            end_ms,
            arguments,
        })
    }
}

impl Span {
    /// When it ended; never before it began.
    fn end(&self) -> i64 {
        self.end_ms.unwrap_or(self.begin_ms).max(self.begin_ms)
    }
}

/// Zero bytes and times are left out: most tasks do not spill, and there may be millions.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}
