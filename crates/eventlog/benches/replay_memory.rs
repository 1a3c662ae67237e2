//! Memory of the replay, counted by the allocator: it follows what runs, not the length of the log.
//!
//! ```sh
//! cargo bench -p sparklake-eventlog
//! ```
//!
//! Lines are made one at a time and rows are dropped, so that what is counted is the replay's own:
//! live state, keys that were taken, and row builders that fill. It fails where a log of four times
//! the length takes noticeably more, or a task of a running stage more than its share.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::error::Error;
use std::time::Instant;

use arrow::array::RecordBatch;
use chrono::DateTime;
use peak_alloc::PeakAlloc;
use sparklake_eventlog::event::EventParser;
use sparklake_eventlog::replay::{LogSummary, Replay};
use sparklake_eventlog::rows::{
    FactTable, HistoryContext, HistoryKind, RowSink, RowWriter, SinkError, TeamSource,
};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// When the application starts, in epoch milliseconds.
const START: u64 = 1_720_000_000_000;
/// Bytes that a task which has ended in a stage which has ended may cost at most: its part of the
/// set of keys that were taken.
const ENDED_TASK_BYTES: f64 = 1.0;
/// Bytes that an ended job with its stage may cost at most, beside those of its tasks.
const ENDED_JOB_BYTES: f64 = 8.0;
/// Bytes that an ended task of a stage which still runs may cost at most: its measures for
/// quantiles.
const LIVE_TASK_BYTES: f64 = 100.0;

/// How long an application is.
#[derive(Clone, Copy)]
struct Length {
    jobs: u64,
    tasks_per_job: u64,
}

impl Length {
    fn tasks(self) -> u64 {
        self.jobs * self.tasks_per_job
    }
}

/// What a replay took.
struct Measured {
    peak_bytes: usize,
    tasks: u64,
    seconds: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("jobs  tasks a job     tasks  peak KB  seconds");
    // Enough of them that the row builders of all tables have been full.
    let many_jobs = Length {
        jobs: 4_200,
        tasks_per_job: 12,
    };
    let more_jobs = Length {
        jobs: 4 * many_jobs.jobs,
        ..many_jobs
    };
    let wide = Length {
        jobs: 1,
        tasks_per_job: 25_000,
    };
    let wider = Length {
        tasks_per_job: 4 * wide.tasks_per_job,
        ..wide
    };
    // Whatever is made once, such as the contracts of tables, is none of the replay's.
    replay(many_jobs)?;
    let [short, long, narrow, broad] = [
        measure(many_jobs)?,
        measure(more_jobs)?,
        measure(wide)?,
        measure(wider)?,
    ];
    let grown = long.peak_bytes.saturating_sub(short.peak_bytes) as f64;
    let (jobs, tasks) = (
        (more_jobs.jobs - many_jobs.jobs) as f64,
        (long.tasks - short.tasks) as f64,
    );
    let allowed = jobs * ENDED_JOB_BYTES + tasks * ENDED_TASK_BYTES;
    println!("four times as many jobs: {grown:.0} bytes more; at most {allowed:.0}");
    assert!(grown <= allowed, "memory follows the length of the log");

    let grown = broad.peak_bytes.saturating_sub(narrow.peak_bytes) as f64;
    let of_task = grown / (broad.tasks - narrow.tasks) as f64;
    println!("a task of a running stage: {of_task:.0} bytes; at most {LIVE_TASK_BYTES:.0}");
    assert!(of_task <= LIVE_TASK_BYTES, "a running task costs too much");
    Ok(())
}

fn measure(length: Length) -> Result<Measured, Box<dyn Error>> {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let started = Instant::now();
    let tasks = replay(length)?;
    let measured = Measured {
        peak_bytes: ALLOCATOR.peak_usage().saturating_sub(before),
        tasks,
        seconds: started.elapsed().as_secs_f64(),
    };
    println!(
        "{:>4}  {:>11}  {:>8}  {:>7}  {:>7.2}",
        length.jobs,
        length.tasks_per_job,
        tasks,
        measured.peak_bytes / 1000,
        measured.seconds
    );
    Ok(measured)
}

/// Takes rows and forgets them.
struct Forgetful;

impl RowSink for Forgetful {
    fn write(&mut self, _table: &'static str, _batch: RecordBatch) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Replays an application of this length; the number of rows of its tasks.
fn replay(length: Length) -> Result<u64, Box<dyn Error>> {
    let context = HistoryContext {
        platform: "event_log".to_owned(),
        cluster_id: "c".to_owned(),
        cluster_name: "c".to_owned(),
        application_id: "app-1".to_owned(),
        attempt_id: "0".to_owned(),
        start_time: i64::try_from(START)?,
        team: TeamSource::default(),
        job_run: None,
        batch_id: "b".to_owned(),
        ingested_at: DateTime::UNIX_EPOCH,
    };
    let mut sink = Forgetful;
    let mut rows = RowWriter::new(context, &mut sink);
    let mut replay = Replay::new(&mut rows);
    let mut parser = EventParser::default();
    let mut lines = Lines { length, next: 0 };
    while let Some(line) = lines.next_line() {
        if let Some(event) = parser.parse(line.as_bytes())? {
            replay.apply(event)?;
        }
    }
    let summary = replay.finish(&LogSummary {
        history: HistoryKind::EventLog,
        source_uri: "file:///log".to_owned(),
        last_updated: None,
        is_intact: true,
    })?;
    let tasks = summary.rows.of(FactTable::Tasks);
    if tasks != length.tasks() || !summary.complete {
        return Err(format!("{tasks} tasks became rows, not {}", length.tasks()).into());
    }
    Ok(tasks)
}

/// The lines of a log, made when they are asked for.
struct Lines {
    length: Length,
    next: u64,
}

impl Lines {
    /// The next line; `None` after the last.
    fn next_line(&mut self) -> Option<String> {
        // A job: its start, its stage's, start and end of each task, its stage's end, its own.
        let a_job = 4 + 2 * self.length.tasks_per_job;
        let at = self.next;
        self.next += 1;
        let Some(at) = at.checked_sub(2) else {
            return Some(if at == 0 {
                r#"{"Event":"SparkListenerLogStart","Spark Version":"3.5.8"}"#.to_owned()
            } else {
                format!(
                    r#"{{"Event":"SparkListenerApplicationStart","App Name":"memory","App ID":"app-1","Timestamp":{START},"User":"u"}}"#
                )
            });
        };
        let (job, step) = (at / a_job, at % a_job);
        if job == self.length.jobs {
            let end = START + job * 1_000;
            return (step == 0).then(|| {
                format!(r#"{{"Event":"SparkListenerApplicationEnd","Timestamp":{end}}}"#)
            });
        }
        Some(self.of_job(job, step, a_job))
    }

    fn of_job(&self, job: u64, step: u64, a_job: u64) -> String {
        let time = START + job * 1_000;
        let tasks = self.length.tasks_per_job;
        let stage = |completed: &str| {
            format!(
                r#"{{"Stage ID":{job},"Stage Attempt ID":0,"Stage Name":"count at A.scala:1","Number of Tasks":{tasks},"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":{time}{completed},"Accumulables":[],"Resource Profile Id":0}}"#
            )
        };
        if step == 0 {
            let stage = stage("");
            return format!(
                r#"{{"Event":"SparkListenerJobStart","Job ID":{job},"Submission Time":{time},"Stage Infos":[{stage}],"Stage IDs":[{job}],"Properties":{{}}}}"#
            );
        }
        if step == 1 {
            let stage = stage("");
            return format!(
                r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{stage},"Properties":{{}}}}"#
            );
        }
        if step == a_job - 2 {
            let completed = format!(r#","Completion Time":{}"#, time + 900);
            let stage = stage(&completed);
            return format!(r#"{{"Event":"SparkListenerStageCompleted","Stage Info":{stage}}}"#);
        }
        if step == a_job - 1 {
            let end = time + 950;
            return format!(
                r#"{{"Event":"SparkListenerJobEnd","Job ID":{job},"Completion Time":{end},"Job Result":{{"Result":"JobSucceeded"}}}}"#
            );
        }
        let (index, is_end) = ((step - 2) / 2, (step - 2) % 2 == 1);
        self.task(job, index, is_end)
    }

    fn task(&self, job: u64, index: u64, is_end: bool) -> String {
        let id = job * self.length.tasks_per_job + index;
        let launch = START + job * 1_000 + index % 100;
        let (finish, run) = match is_end {
            true => (launch + 100 + id % 700, 100 + id % 700),
            false => (0, 0),
        };
        let info = format!(
            r#""Task Info":{{"Task ID":{id},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{launch},"Executor ID":"{}","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[]}}"#,
            id % 8
        );
        if !is_end {
            return format!(
                r#"{{"Event":"SparkListenerTaskStart","Stage ID":{job},"Stage Attempt ID":0,{info}}}"#
            );
        }
        let bytes = id * 7_919 % 1_000_003;
        format!(
            r#"{{"Event":"SparkListenerTaskEnd","Stage ID":{job},"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{{"Reason":"Success"}},{info},"Task Executor Metrics":{{"JVMHeapMemory":{bytes}}},"Task Metrics":{{"Executor Deserialize Time":{index},"Executor Deserialize CPU Time":{bytes},"Executor Run Time":{run},"Executor CPU Time":{bytes},"Peak Execution Memory":{bytes},"Result Size":{bytes},"JVM GC Time":{index},"Result Serialization Time":1,"Memory Bytes Spilled":{bytes},"Disk Bytes Spilled":{bytes},"Shuffle Read Metrics":{{"Remote Blocks Fetched":{index},"Local Blocks Fetched":1,"Fetch Wait Time":1,"Remote Bytes Read":{bytes},"Remote Bytes Read To Disk":0,"Local Bytes Read":{bytes},"Total Records Read":{bytes}}},"Shuffle Write Metrics":{{"Shuffle Bytes Written":{bytes},"Shuffle Write Time":{bytes},"Shuffle Records Written":{bytes}}},"Input Metrics":{{"Bytes Read":{bytes},"Records Read":{bytes}}},"Output Metrics":{{"Bytes Written":{bytes},"Records Written":{bytes}}},"Updated Blocks":[]}}}}"#
        )
    }
}
