//! Task events.

use compact_str::CompactString;
use serde::Deserialize;

use super::block::{BlockManagerId, StorageLevel};
use super::executor_metrics::ExecutorMetrics;
use super::lenient::{any_as_text, or_default};

/// `SparkListenerTaskStart`.
#[derive(Debug, Deserialize, PartialEq)]
pub struct TaskStart {
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    #[serde(rename = "Stage Attempt ID", default, deserialize_with = "or_default")]
    pub stage_attempt_id: i64,
    #[serde(rename = "Task Info")]
    pub info: TaskInfo,
}

/// `SparkListenerTaskEnd`.
#[derive(Debug, Deserialize, PartialEq)]
pub struct TaskEnd {
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    #[serde(rename = "Stage Attempt ID", default, deserialize_with = "or_default")]
    pub stage_attempt_id: i64,
    #[serde(rename = "Task Type", default, deserialize_with = "or_default")]
    pub task_type: CompactString,
    #[serde(rename = "Task End Reason")]
    pub reason: EndReason,
    #[serde(rename = "Task Info")]
    pub info: TaskInfo,
    #[serde(
        rename = "Task Executor Metrics",
        default,
        deserialize_with = "or_default"
    )]
    pub executor_metrics: ExecutorMetrics,
    #[serde(rename = "Task Metrics", default, deserialize_with = "or_default")]
    pub metrics: TaskMetrics,
}

/// What a task is and where it ran. Times are epoch milliseconds, 0 where not yet reached.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(from = "TaskInfoJson")]
pub struct TaskInfo {
    pub task_id: i64,
    pub index: i64,
    pub attempt: i64,
    /// -1 where the log does not say (before Spark 3.3).
    pub partition_id: i64,
    pub launch_time: i64,
    pub executor_id: CompactString,
    pub host: CompactString,
    pub locality: CompactString,
    pub speculative: bool,
    pub getting_result_time: i64,
    pub finish_time: i64,
    pub failed: bool,
    pub killed: bool,
    /// Updates of SQL metrics; only ids and values, as names stand in the plan.
    pub sql_updates: Vec<SqlUpdate>,
    /// The user's own accumulators.
    pub accumulables: Vec<Accumulable>,
}

/// One task's addition to one SQL metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlUpdate {
    pub accumulator_id: i64,
    pub value: i64,
}

/// An accumulator of the user's, as REST shows it.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Accumulable {
    #[serde(rename = "ID")]
    pub id: i64,
    #[serde(rename = "Name", default)]
    pub name: Option<String>,
    #[serde(rename = "Update", default, deserialize_with = "any_as_text")]
    pub update: Option<String>,
    #[serde(rename = "Value", default, deserialize_with = "any_as_text")]
    pub value: Option<String>,
    #[serde(rename = "Internal", default, deserialize_with = "or_default")]
    pub internal: bool,
    #[serde(rename = "Metadata", default)]
    pub metadata: Option<String>,
}

impl Accumulable {
    /// REST shows accumulators that are neither Spark's own nor SQL metrics.
    #[must_use]
    pub fn is_users(&self) -> bool {
        !self.internal && self.metadata.as_deref() != Some("sql")
    }
}

/// Task info as the log writes it, accumulators of all kinds in one list.
#[derive(Deserialize)]
struct TaskInfoJson {
    #[serde(rename = "Task ID")]
    task_id: i64,
    #[serde(rename = "Index")]
    index: i64,
    #[serde(rename = "Attempt", default = "one")]
    attempt: i64,
    #[serde(rename = "Partition ID", default = "unknown")]
    partition_id: i64,
    #[serde(rename = "Launch Time")]
    launch_time: i64,
    #[serde(rename = "Executor ID")]
    executor_id: CompactString,
    #[serde(rename = "Host", default, deserialize_with = "or_default")]
    host: CompactString,
    #[serde(rename = "Locality", default, deserialize_with = "or_default")]
    locality: CompactString,
    #[serde(rename = "Speculative", default, deserialize_with = "or_default")]
    speculative: bool,
    #[serde(
        rename = "Getting Result Time",
        default,
        deserialize_with = "or_default"
    )]
    getting_result_time: i64,
    #[serde(rename = "Finish Time", default, deserialize_with = "or_default")]
    finish_time: i64,
    #[serde(rename = "Failed", default, deserialize_with = "or_default")]
    failed: bool,
    #[serde(rename = "Killed", default, deserialize_with = "or_default")]
    killed: bool,
    #[serde(rename = "Accumulables", default, deserialize_with = "or_default")]
    accumulables: Vec<Accumulable>,
}

fn one() -> i64 {
    1
}

fn unknown() -> i64 {
    -1
}

impl From<TaskInfoJson> for TaskInfo {
    fn from(json: TaskInfoJson) -> Self {
        let sql_updates = json
            .accumulables
            .iter()
            .filter(|accumulable| accumulable.metadata.as_deref() == Some("sql"))
            .filter_map(|accumulable| {
                let value = accumulable.update.as_deref()?.parse().ok()?;
                Some(SqlUpdate {
                    accumulator_id: accumulable.id,
                    value,
                })
            })
            .collect();
        let accumulables = json
            .accumulables
            .into_iter()
            .filter(Accumulable::is_users)
            .collect();
        Self {
            task_id: json.task_id,
            index: json.index,
            attempt: json.attempt,
            partition_id: json.partition_id,
            launch_time: json.launch_time,
            executor_id: json.executor_id,
            host: json.host,
            locality: json.locality,
            speculative: json.speculative,
            getting_result_time: json.getting_result_time,
            finish_time: json.finish_time,
            failed: json.failed,
            killed: json.killed,
            sql_updates,
            accumulables,
        }
    }
}

impl TaskInfo {
    /// Wall time in milliseconds from launch to finish; 0 for a task that did not finish.
    #[must_use]
    pub fn duration(&self) -> i64 {
        if self.finish_time == 0 {
            0
        } else {
            self.finish_time.saturating_sub(self.launch_time)
        }
    }

    /// The status that REST shows, from the flags (the end reason has no say in it).
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self {
                finish_time: 0,
                getting_result_time: 0,
                ..
            } => "RUNNING",
            Self { finish_time: 0, .. } => "GET RESULT",
            Self { failed: true, .. } => "FAILED",
            Self { killed: true, .. } => "KILLED",
            _ => "SUCCESS",
        }
    }

    /// Finished, and neither failed nor killed.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        self.finish_time != 0 && !self.failed && !self.killed
    }
}

/// Why a task ended. `detail` holds what the reason's kind needs for its message.
#[derive(Debug, Deserialize, PartialEq, Default)]
#[serde(from = "EndReasonJson")]
pub struct EndReason {
    pub reason: CompactString,
    /// Absent for successes.
    pub detail: Option<Box<EndReasonDetail>>,
}

#[derive(Deserialize)]
struct EndReasonJson {
    #[serde(rename = "Reason")]
    reason: CompactString,
    #[serde(flatten)]
    detail: Box<EndReasonDetail>,
}

impl From<EndReasonJson> for EndReason {
    fn from(json: EndReasonJson) -> Self {
        let detail = (json.reason != "Success").then_some(json.detail);
        Self {
            reason: json.reason,
            detail,
        }
    }
}

/// The extra keys of the failing reasons, all optional.
#[derive(Debug, Deserialize, PartialEq, Default)]
pub struct EndReasonDetail {
    #[serde(rename = "Class Name", default)]
    pub class_name: Option<String>,
    #[serde(rename = "Description", default)]
    pub description: Option<String>,
    #[serde(rename = "Stack Trace", default)]
    pub stack_trace: Option<Vec<StackFrame>>,
    #[serde(rename = "Full Stack Trace", default)]
    pub full_stack_trace: Option<String>,
    #[serde(rename = "Kill Reason", default)]
    pub kill_reason: Option<String>,
    #[serde(rename = "Block Manager Address", default)]
    pub block_manager_address: Option<BlockManagerId>,
    #[serde(rename = "Shuffle ID", default)]
    pub shuffle_id: Option<i64>,
    #[serde(rename = "Map ID", default)]
    pub map_id: Option<i64>,
    #[serde(rename = "Map Index", default)]
    pub map_index: Option<i64>,
    #[serde(rename = "Reduce ID", default)]
    pub reduce_id: Option<i64>,
    #[serde(rename = "Message", default)]
    pub message: Option<String>,
    #[serde(rename = "Job ID", default)]
    pub job_id: Option<i64>,
    #[serde(rename = "Partition ID", default)]
    pub partition_id: Option<i64>,
    #[serde(rename = "Attempt Number", default)]
    pub attempt_number: Option<i64>,
    #[serde(rename = "Executor ID", default)]
    pub executor_id: Option<String>,
    #[serde(rename = "Exit Caused By App", default)]
    pub exit_caused_by_app: Option<bool>,
    #[serde(rename = "Loss Reason", default)]
    pub loss_reason: Option<String>,
}

/// One frame of a Java stack trace.
#[derive(Debug, Deserialize, PartialEq)]
pub struct StackFrame {
    #[serde(rename = "Declaring Class", default, deserialize_with = "or_default")]
    pub declaring_class: String,
    #[serde(rename = "Method Name", default, deserialize_with = "or_default")]
    pub method_name: String,
    #[serde(rename = "File Name", default)]
    pub file_name: Option<String>,
    #[serde(rename = "Line Number", default, deserialize_with = "or_default")]
    pub line_number: i64,
}

impl EndReason {
    pub(super) fn success() -> Self {
        Self {
            reason: CompactString::const_new("Success"),
            detail: None,
        }
    }

    /// `(completed, failed, killed)` as counters count this end.
    #[must_use]
    pub fn deltas(&self) -> (i64, i64, i64) {
        match self.reason.as_str() {
            "Success" => (1, 0, 0),
            "TaskKilled" | "TaskCommitDenied" => (0, 0, 1),
            _ => (0, 1, 0),
        }
    }

    /// A second end of a task that had ended, because its output was lost with its executor.
    #[must_use]
    pub fn is_resubmitted(&self) -> bool {
        self.reason == "Resubmitted"
    }

    /// Why the task was killed, for the counts by reason; `None` for other ends.
    #[must_use]
    pub fn kill_summary_key(&self) -> Option<String> {
        match self.reason.as_str() {
            "TaskKilled" => Some(self.kill_reason().to_owned()),
            "TaskCommitDenied" => self.error_message(),
            _ => None,
        }
    }

    /// The kill reason of a killed task.
    #[must_use]
    pub fn kill_reason(&self) -> &str {
        self.detail
            .as_deref()
            .and_then(|detail| detail.kill_reason.as_deref())
            .unwrap_or("unknown reason")
    }

    /// What a fetch failure says; `None` for other ends.
    #[must_use]
    pub fn fetch_failure(&self) -> Option<&EndReasonDetail> {
        self.detail
            .as_deref()
            .filter(|_| self.reason == "FetchFailed")
    }

    /// The error message that the History Server shows for the task.
    #[must_use]
    pub fn error_message(&self) -> Option<String> {
        let none = EndReasonDetail::default();
        let detail = self.detail.as_deref().unwrap_or(&none);
        let message = match self.reason.as_str() {
            "Success" => return None,
            "Resubmitted" => "Resubmitted (resubmitted due to lost executor)".to_owned(),
            "TaskKilled" => self.kill_reason().to_owned(),
            "FetchFailed" => detail.fetch_failed(),
            "ExceptionFailure" => detail.exception(),
            "TaskCommitDenied" => format!(
                "TaskCommitDenied (Driver denied task commit) for job: {}, partition: {}, attemptNumber: {}",
                detail.job_id.unwrap_or(-1),
                detail.partition_id.unwrap_or(-1),
                detail.attempt_number.unwrap_or(-1)
            ),
            "ExecutorLostFailure" => detail.executor_lost(),
            "TaskResultLost" => "TaskResultLost (result lost from block manager)".to_owned(),
            "UnknownReason" => "UnknownReason".to_owned(),
            other => other.to_owned(),
        };
        Some(message)
    }
}

impl EndReasonDetail {
    fn fetch_failed(&self) -> String {
        let address = match &self.block_manager_address {
            Some(id) => format!(
                "BlockManagerId({}, {}, {}, None)",
                id.executor_id, id.host, id.port
            ),
            None => "null".to_owned(),
        };
        let map_index = self
            .map_index
            .map_or_else(|| "Unknown".to_owned(), |index| index.to_string());
        format!(
            "FetchFailed({address}, shuffleId={}, mapIndex={map_index}, mapId={}, reduceId={}, message=\n{}\n)",
            self.shuffle_id.unwrap_or(-1),
            self.map_id.unwrap_or(-1),
            self.reduce_id.unwrap_or(-1),
            self.message.as_deref().unwrap_or("Unknown reason")
        )
    }

    fn exception(&self) -> String {
        if let Some(full) = &self.full_stack_trace {
            return full.clone();
        }
        let frames: Vec<String> = self
            .stack_trace
            .iter()
            .flatten()
            .map(|frame| format!("        {frame}"))
            .collect();
        format!(
            "{}: {}\n{}",
            self.class_name.as_deref().unwrap_or("null"),
            self.description.as_deref().unwrap_or("null"),
            frames.join("\n")
        )
    }

    fn executor_lost(&self) -> String {
        let exit = if self.exit_caused_by_app.unwrap_or(true) {
            "exited caused by one of the running tasks"
        } else {
            "exited unrelated to the running tasks"
        };
        let reason = self
            .loss_reason
            .as_deref()
            .map(|reason| format!(" Reason: {reason}"))
            .unwrap_or_default();
        format!(
            "ExecutorLostFailure (executor {} {exit}){reason}",
            self.executor_id.as_deref().unwrap_or("")
        )
    }
}

impl std::fmt::Display for StackFrame {
    /// As Java's `StackTraceElement.toString`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.declaring_class, self.method_name)?;
        match (&self.file_name, self.line_number) {
            (_, -2) => formatter.write_str("(Native Method)"),
            (Some(file), line) if line >= 0 => write!(formatter, "({file}:{line})"),
            (Some(file), _) => write!(formatter, "({file})"),
            (None, _) => formatter.write_str("(Unknown Source)"),
        }
    }
}

/// Task metrics. Times in milliseconds, CPU times and shuffle write time in nanoseconds, sizes in
/// bytes. What the log lacks is 0, as Spark's own reader has it.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct TaskMetrics {
    #[serde(rename = "Executor Deserialize Time", deserialize_with = "or_default")]
    pub executor_deserialize_time: i64,
    #[serde(
        rename = "Executor Deserialize CPU Time",
        deserialize_with = "or_default"
    )]
    pub executor_deserialize_cpu_time: i64,
    #[serde(rename = "Executor Run Time", deserialize_with = "or_default")]
    pub executor_run_time: i64,
    #[serde(rename = "Executor CPU Time", deserialize_with = "or_default")]
    pub executor_cpu_time: i64,
    #[serde(rename = "Peak Execution Memory", deserialize_with = "or_default")]
    pub peak_execution_memory: i64,
    #[serde(
        rename = "Peak On Heap Execution Memory",
        deserialize_with = "or_default"
    )]
    pub peak_on_heap_execution_memory: i64,
    #[serde(
        rename = "Peak Off Heap Execution Memory",
        deserialize_with = "or_default"
    )]
    pub peak_off_heap_execution_memory: i64,
    #[serde(rename = "Result Size", deserialize_with = "or_default")]
    pub result_size: i64,
    #[serde(rename = "JVM GC Time", deserialize_with = "or_default")]
    pub jvm_gc_time: i64,
    #[serde(rename = "Result Serialization Time", deserialize_with = "or_default")]
    pub result_serialization_time: i64,
    #[serde(rename = "Memory Bytes Spilled", deserialize_with = "or_default")]
    pub memory_bytes_spilled: i64,
    #[serde(rename = "Disk Bytes Spilled", deserialize_with = "or_default")]
    pub disk_bytes_spilled: i64,
    #[serde(rename = "Shuffle Read Metrics", deserialize_with = "or_default")]
    pub shuffle_read: ShuffleReadMetrics,
    #[serde(rename = "Shuffle Write Metrics", deserialize_with = "or_default")]
    pub shuffle_write: ShuffleWriteMetrics,
    #[serde(rename = "Input Metrics", deserialize_with = "or_default")]
    pub input: InputMetrics,
    #[serde(rename = "Output Metrics", deserialize_with = "or_default")]
    pub output: OutputMetrics,
    /// What the task stored in the caches of its executor, or drove out of them. Spark before 2.1 always
    /// tells, later ones with `spark.taskMetrics.trackUpdatedBlockStatuses`.
    #[serde(rename = "Updated Blocks", deserialize_with = "or_default")]
    pub updated_blocks: Vec<UpdatedBlock>,
}

/// The new state of one block on the executor of a task.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct UpdatedBlock {
    #[serde(rename = "Block ID")]
    pub block_id: String,
    #[serde(rename = "Status", default, deserialize_with = "or_default")]
    pub status: BlockStatus,
}

/// How a block is kept; not at all where its level is not valid.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct BlockStatus {
    #[serde(rename = "Storage Level", deserialize_with = "or_default")]
    pub storage_level: StorageLevel,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct InputMetrics {
    #[serde(rename = "Bytes Read", deserialize_with = "or_default")]
    pub bytes_read: i64,
    #[serde(rename = "Records Read", deserialize_with = "or_default")]
    pub records_read: i64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct OutputMetrics {
    #[serde(rename = "Bytes Written", deserialize_with = "or_default")]
    pub bytes_written: i64,
    #[serde(rename = "Records Written", deserialize_with = "or_default")]
    pub records_written: i64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ShuffleReadMetrics {
    #[serde(rename = "Remote Blocks Fetched", deserialize_with = "or_default")]
    pub remote_blocks_fetched: i64,
    #[serde(rename = "Local Blocks Fetched", deserialize_with = "or_default")]
    pub local_blocks_fetched: i64,
    #[serde(rename = "Fetch Wait Time", deserialize_with = "or_default")]
    pub fetch_wait_time: i64,
    #[serde(rename = "Remote Bytes Read", deserialize_with = "or_default")]
    pub remote_bytes_read: i64,
    #[serde(rename = "Remote Bytes Read To Disk", deserialize_with = "or_default")]
    pub remote_bytes_read_to_disk: i64,
    #[serde(rename = "Local Bytes Read", deserialize_with = "or_default")]
    pub local_bytes_read: i64,
    #[serde(rename = "Total Records Read", deserialize_with = "or_default")]
    pub records_read: i64,
    #[serde(rename = "Remote Requests Duration", deserialize_with = "or_default")]
    pub remote_reqs_duration: i64,
    /// Spark's writer says `Push Based Shuffle`, its reader until 4.0 `Shuffle Push Read Metrics`
    /// (SPARK-43100): both are accepted.
    #[serde(
        rename = "Push Based Shuffle",
        alias = "Shuffle Push Read Metrics",
        deserialize_with = "or_default"
    )]
    pub push: ShufflePushReadMetrics,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ShufflePushReadMetrics {
    #[serde(
        rename = "Corrupt Merged Block Chunks",
        deserialize_with = "or_default"
    )]
    pub corrupt_merged_block_chunks: i64,
    #[serde(
        rename = "Merged Fetch Fallback Count",
        alias = "Merged Fallback Count",
        deserialize_with = "or_default"
    )]
    pub merged_fetch_fallback_count: i64,
    #[serde(
        rename = "Merged Remote Blocks Fetched",
        deserialize_with = "or_default"
    )]
    pub remote_merged_blocks_fetched: i64,
    #[serde(
        rename = "Merged Local Blocks Fetched",
        deserialize_with = "or_default"
    )]
    pub local_merged_blocks_fetched: i64,
    #[serde(
        rename = "Merged Remote Chunks Fetched",
        deserialize_with = "or_default"
    )]
    pub remote_merged_chunks_fetched: i64,
    #[serde(
        rename = "Merged Local Chunks Fetched",
        deserialize_with = "or_default"
    )]
    pub local_merged_chunks_fetched: i64,
    #[serde(rename = "Merged Remote Bytes Read", deserialize_with = "or_default")]
    pub remote_merged_bytes_read: i64,
    #[serde(rename = "Merged Local Bytes Read", deserialize_with = "or_default")]
    pub local_merged_bytes_read: i64,
    #[serde(
        rename = "Merged Remote Requests Duration",
        deserialize_with = "or_default"
    )]
    pub remote_merged_reqs_duration: i64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ShuffleWriteMetrics {
    #[serde(rename = "Shuffle Bytes Written", deserialize_with = "or_default")]
    pub bytes_written: i64,
    #[serde(rename = "Shuffle Write Time", deserialize_with = "or_default")]
    pub write_time: i64,
    #[serde(rename = "Shuffle Records Written", deserialize_with = "or_default")]
    pub records_written: i64,
}

impl ShuffleReadMetrics {
    /// Bytes read, local and remote.
    #[must_use]
    pub fn total_bytes_read(&self) -> i64 {
        self.local_bytes_read.saturating_add(self.remote_bytes_read)
    }

    /// Blocks fetched, local and remote.
    #[must_use]
    pub fn total_blocks_fetched(&self) -> i64 {
        self.local_blocks_fetched
            .saturating_add(self.remote_blocks_fetched)
    }
}

impl TaskMetrics {
    /// Adds another task's metrics, field by field; saturates instead of overflowing, since logs
    /// are not to be trusted.
    pub fn add(&mut self, other: &Self) {
        macro_rules! add {
            ($($field:ident).+) => { self.$($field).+ = self.$($field).+.saturating_add(other.$($field).+) };
        }
        add!(executor_deserialize_time);
        add!(executor_deserialize_cpu_time);
        add!(executor_run_time);
        add!(executor_cpu_time);
        add!(peak_execution_memory);
        add!(peak_on_heap_execution_memory);
        add!(peak_off_heap_execution_memory);
        add!(result_size);
        add!(jvm_gc_time);
        add!(result_serialization_time);
        add!(memory_bytes_spilled);
        add!(disk_bytes_spilled);
        add!(shuffle_read.remote_blocks_fetched);
        add!(shuffle_read.local_blocks_fetched);
        add!(shuffle_read.fetch_wait_time);
        add!(shuffle_read.remote_bytes_read);
        add!(shuffle_read.remote_bytes_read_to_disk);
        add!(shuffle_read.local_bytes_read);
        add!(shuffle_read.records_read);
        add!(shuffle_read.remote_reqs_duration);
        add!(shuffle_read.push.corrupt_merged_block_chunks);
        add!(shuffle_read.push.merged_fetch_fallback_count);
        add!(shuffle_read.push.remote_merged_blocks_fetched);
        add!(shuffle_read.push.local_merged_blocks_fetched);
        add!(shuffle_read.push.remote_merged_chunks_fetched);
        add!(shuffle_read.push.local_merged_chunks_fetched);
        add!(shuffle_read.push.remote_merged_bytes_read);
        add!(shuffle_read.push.local_merged_bytes_read);
        add!(shuffle_read.push.remote_merged_reqs_duration);
        add!(shuffle_write.bytes_written);
        add!(shuffle_write.write_time);
        add!(shuffle_write.records_written);
        add!(input.bytes_read);
        add!(input.records_read);
        add!(output.bytes_written);
        add!(output.records_written);
    }
}
