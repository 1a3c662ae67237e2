//! Typed events: one line of an event log becomes one [`Event`], or nothing when no table needs it.
//!
//! Spark writes `{"Event":"` first on every line, so the type is known before anything is parsed
//! and the lines that no table needs cost nothing. The two events that make up 90 % of all bytes
//! (task start and end) have a hand-written scanner in [`task_scan`]; whatever it does not
//! recognise, and every other event, goes through serde.

mod block;
mod executor_metrics;
mod job;
mod lenient;
mod odd_numbers;
mod origin;
mod plan;
mod runtime;
mod sql;
mod task;
mod task_scan;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use block::{BlockManagerId, StorageLevel};
pub use executor_metrics::{EXECUTOR_METRIC_COUNT, EXECUTOR_METRICS, ExecutorMetrics};
pub use job::{JobEnd, JobFailure, JobProperties, JobStart, RddInfo, StageInfo, StageSubmitted};
pub use origin::{OperationStarted, Origin, is_setting};
pub use plan::{PhysicalPlan, PlanMetric, PlanNode};
pub use runtime::{
    ApplicationEnd, ApplicationStart, BlockManagerAdded, BlockUpdated, BlockUpdatedInfo,
    DatabricksMetadata, EnvironmentUpdate, Exclusion, ExecutorAdded, ExecutorMetricsUpdate,
    ExecutorRemoved, ExecutorResourceRequest, MiscellaneousProcessAdded, NodeExclusion,
    ProcessInfo, ResourceAddresses, ResourceProfileAdded, StageExecutorMetrics,
    TaskResourceRequest,
};
pub use sql::{
    AdaptiveExecutionUpdate, AdaptiveMetricUpdates, DriverAccumulatorUpdates, EffectiveSqlConf,
    SqlExecutionEnd, SqlExecutionStart, StreamingProgress,
};
pub use task::{
    Accumulable, BlockStatus, EndReason, EndReasonDetail, InputMetrics, OutputMetrics,
    ShufflePushReadMetrics, ShuffleReadMetrics, ShuffleWriteMetrics, SqlUpdate, TaskEnd, TaskInfo,
    TaskMetrics, TaskStart, UpdatedBlock,
};

use odd_numbers::from_odd_json;
use task_scan::TaskScanner;

/// Deepest JSON nesting that is parsed. Real plans reach 118 levels; the limit keeps a hostile line
/// from exhausting the stack.
pub const MAX_NESTING: usize = 1_000;

/// Nesting that any thread's stack can parse; deeper lines get a thread of their own.
const SHALLOW_NESTING: usize = 100;

/// Stack that parses [`MAX_NESTING`] levels, with room to spare in unoptimised builds.
const DEEP_STACK_BYTES: usize = 64 << 20;

/// One event that changes a table. Boxed where a variant is large and rare.
#[derive(Debug)]
pub enum Event {
    LogStart { spark_version: String },
    DatabricksMetadata(DatabricksMetadata),
    ApplicationStart(Box<ApplicationStart>),
    ApplicationEnd(ApplicationEnd),
    EnvironmentUpdate(Box<EnvironmentUpdate>),
    ResourceProfileAdded(Box<ResourceProfileAdded>),
    BlockManagerAdded(BlockManagerAdded),
    BlockUpdated(BlockUpdatedInfo),
    ExecutorAdded(Box<ExecutorAdded>),
    ExecutorRemoved(ExecutorRemoved),
    ExecutorExcluded(Exclusion),
    ExecutorUnexcluded(Exclusion),
    NodeExcluded(NodeExclusion),
    NodeUnexcluded(NodeExclusion),
    ExecutorMetricsUpdate(Box<ExecutorMetricsUpdate>),
    StageExecutorMetrics(Box<StageExecutorMetrics>),
    MiscellaneousProcessAdded(Box<MiscellaneousProcessAdded>),
    UnpersistRdd { rdd_id: i64 },
    JobStart(Box<JobStart>),
    JobEnd(Box<JobEnd>),
    StageSubmitted(Box<StageSubmitted>),
    StageCompleted(Box<StageInfo>),
    TaskStart(TaskStart),
    TaskEnd(Box<TaskEnd>),
    SqlExecutionStart(Box<SqlExecutionStart>),
    SqlExecutionEnd(Box<SqlExecutionEnd>),
    AdaptiveExecutionUpdate(Box<AdaptiveExecutionUpdate>),
    AdaptiveMetricUpdates(AdaptiveMetricUpdates),
    DriverAccumulatorUpdates(DriverAccumulatorUpdates),
    EffectiveSqlConf(Box<EffectiveSqlConf>),
    OperationStarted(Box<OperationStarted>),
    StreamingProgress(Box<StreamingProgress>),
}

/// Why a line gave no event although a table needs it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line is not JSON, or lacks a field that Spark always writes, or has one of another type.
    #[error("{event}: {source}")]
    Malformed {
        /// The event's name, or a blank where even that could not be read.
        event: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The line is nested deeper than [`MAX_NESTING`].
    #[error("{event}: nested deeper than {MAX_NESTING} levels")]
    TooDeep {
        /// The event's name.
        event: String,
    },
}

/// Parses lines of one log. Holds what neighboring lines share; cheap to make, one a thread.
#[derive(Debug, Default)]
pub struct EventParser {
    tasks: TaskScanner,
}

impl EventParser {
    /// The event in `line` (one JSON object, without its line end), or `None` where no table needs it.
    ///
    /// # Errors
    /// [`LineError`] where the line is malformed; the caller counts it and goes on.
    pub fn parse(&mut self, line: &[u8]) -> Result<Option<Event>, LineError> {
        let Some(name) = event_name(line) else {
            return self.parse_unusual(line);
        };
        match name {
            b"SparkListenerTaskEnd" => {
                if let Some(end) = self.tasks.task_end(line) {
                    return Ok(Some(Event::TaskEnd(end)));
                }
            }
            b"SparkListenerTaskStart" => {
                if let Some(start) = self.tasks.task_start(line) {
                    return Ok(Some(Event::TaskStart(start)));
                }
            }
            _ => {}
        }
        let text = lenient::utf8(line);
        parse_named(name, &text)
    }

    /// As [`Self::parse`], but with serde alone: what the scanner of task events is tested against.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_without_scanner(&mut self, line: &[u8]) -> Result<Option<Event>, LineError> {
        match event_name(line) {
            Some(name) => parse_named(name, &lenient::utf8(line)),
            None => self.parse_unusual(line),
        }
    }

    /// A line that does not begin as Spark writes it: the `Event` key may stand elsewhere.
    fn parse_unusual(&mut self, line: &[u8]) -> Result<Option<Event>, LineError> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(rename = "Event")]
            event: String,
        }
        let text = lenient::utf8(line);
        let named: Named = from_json("", &text)?;
        parse_named(named.event.as_bytes(), &text)
    }
}

/// The event's name, where the line begins as every Spark since 1.0 writes it.
fn event_name(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"Event\":\"")?;
    let end = memchr::memchr(b'"', rest)?;
    let name = rest.get(..end)?;
    (!name.contains(&b'\\')).then_some(name)
}

fn from_json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, LineError> {
    let strict = serde_json::from_str(text);
    strict.or_else(|source: serde_json::Error| {
        let lenient = source.is_data().then(|| from_odd_json(text)).flatten();
        lenient.ok_or_else(|| LineError::Malformed {
            event: name.to_owned(),
            source,
        })
    })
}

/// As [`from_json`], for events that hold plans, which nest as deep as the query does.
fn from_deep_json<T: DeserializeOwned + Send>(name: &str, text: &str) -> Result<T, LineError> {
    let nesting = lenient::nesting(text.as_bytes());
    if nesting <= SHALLOW_NESTING {
        return from_json(name, text);
    }
    if nesting > MAX_NESTING {
        return Err(LineError::TooDeep {
            event: name.to_owned(),
        });
    }
    let parse = || {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.disable_recursion_limit();
        T::deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map_err(|source| LineError::Malformed {
                event: name.to_owned(),
                source,
            })
    };
    let too_deep = || LineError::TooDeep {
        event: name.to_owned(),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, parse);
        thread
            .map_err(|_| too_deep())?
            .join()
            .map_err(|_| too_deep())?
    })
}

/// Parses `text`, whose event is called `name`. Names of Spark's own packages and their
/// predecessors are accepted; every other event is none of ours.
fn parse_named(name: &[u8], text: &str) -> Result<Option<Event>, LineError> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Ok(None);
    };
    let short = name.rsplit('.').next().unwrap_or(name);
    let event = match short {
        "SparkListenerTaskEnd" => Event::TaskEnd(from_json(name, text)?),
        "SparkListenerTaskStart" => Event::TaskStart(from_json(name, text)?),
        "SparkListenerJobStart" => {
            let mut start: Box<JobStart> = from_json(name, text)?;
            start.stand_in_for_stages();
            Event::JobStart(start)
        }
        "SparkListenerJobEnd" => Event::JobEnd(from_json(name, text)?),
        "SparkListenerStageSubmitted" => Event::StageSubmitted(from_json(name, text)?),
        "SparkListenerStageCompleted" => {
            let completed: job::StageCompleted = from_json(name, text)?;
            Event::StageCompleted(completed.stage_info)
        }
        "SparkListenerSQLExecutionStart" => Event::SqlExecutionStart(from_deep_json(name, text)?),
        "SparkListenerSQLExecutionEnd" => Event::SqlExecutionEnd(from_json(name, text)?),
        "SparkListenerSQLAdaptiveExecutionUpdate" => {
            Event::AdaptiveExecutionUpdate(from_deep_json(name, text)?)
        }
        "SparkListenerSQLAdaptiveSQLMetricUpdates" => {
            Event::AdaptiveMetricUpdates(from_json(name, text)?)
        }
        "SparkListenerDriverAccumUpdates" => {
            Event::DriverAccumulatorUpdates(from_json(name, text)?)
        }
        "SparkListenerEffectiveSQLConf" => Event::EffectiveSqlConf(from_json(name, text)?),
        "SparkListenerConnectOperationStarted" => {
            let started: origin::ConnectOperationStarted = from_json(name, text)?;
            Event::OperationStarted(Box::new(started.into()))
        }
        "SparkListenerThriftServerOperationStart" => {
            let started: origin::ThriftOperationStart = from_json(name, text)?;
            Event::OperationStarted(Box::new(started.into()))
        }
        "SparkListenerLogStart" => {
            let start: runtime::LogStart = from_json(name, text)?;
            Event::LogStart {
                spark_version: start.spark_version,
            }
        }
        "DBCEventLoggingListenerMetadata" => Event::DatabricksMetadata(from_json(name, text)?),
        "SparkListenerApplicationStart" => Event::ApplicationStart(from_json(name, text)?),
        "SparkListenerApplicationEnd" => Event::ApplicationEnd(from_json(name, text)?),
        "SparkListenerEnvironmentUpdate" => Event::EnvironmentUpdate(from_json(name, text)?),
        "SparkListenerResourceProfileAdded" => Event::ResourceProfileAdded(from_json(name, text)?),
        "SparkListenerBlockManagerAdded" => Event::BlockManagerAdded(from_json(name, text)?),
        "SparkListenerBlockUpdated" => {
            let updated: BlockUpdated = from_json(name, text)?;
            Event::BlockUpdated(updated.info)
        }
        "SparkListenerExecutorAdded" => Event::ExecutorAdded(from_json(name, text)?),
        "SparkListenerExecutorRemoved" => Event::ExecutorRemoved(from_json(name, text)?),
        "SparkListenerExecutorMetricsUpdate" => {
            Event::ExecutorMetricsUpdate(from_json(name, text)?)
        }
        "SparkListenerStageExecutorMetrics" => Event::StageExecutorMetrics(from_json(name, text)?),
        "SparkListenerUnpersistRDD" => {
            let unpersist: runtime::UnpersistRdd = from_json(name, text)?;
            Event::UnpersistRdd {
                rdd_id: unpersist.rdd_id,
            }
        }
        "SparkListenerMiscellaneousProcessAdded" => {
            Event::MiscellaneousProcessAdded(from_json(name, text)?)
        }
        "SparkListenerExecutorBlacklisted"
        | "SparkListenerExecutorExcluded"
        | "SparkListenerExecutorBlacklistedForStage"
        | "SparkListenerExecutorExcludedForStage" => {
            Event::ExecutorExcluded(from_json(name, text)?)
        }
        "SparkListenerExecutorUnblacklisted" | "SparkListenerExecutorUnexcluded" => {
            Event::ExecutorUnexcluded(from_json(name, text)?)
        }
        "SparkListenerNodeBlacklisted"
        | "SparkListenerNodeExcluded"
        | "SparkListenerNodeBlacklistedForStage"
        | "SparkListenerNodeExcludedForStage" => Event::NodeExcluded(from_json(name, text)?),
        "SparkListenerNodeUnblacklisted" | "SparkListenerNodeUnexcluded" => {
            Event::NodeUnexcluded(from_json(name, text)?)
        }
        "StreamingQueryListener$QueryProgressEvent" => {
            Event::StreamingProgress(from_json(name, text)?)
        }
        _ => return Ok(None),
    };
    Ok(Some(event))
}
