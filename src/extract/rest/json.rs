//! Answers of Spark's REST interface, of all versions.
//!
//! Tolerant on purpose: keys that are not known are passed over, keys that a version does not write
//! have a default, and numbers may come as fractions or as text (`"NaN"`).

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Unexpected, Visitor};

use crate::extract::eventlog::event::{ExecutorMetrics, ResourceAddresses};

/// A whole number, 0 where the answer has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(i64::try_from(value).unwrap_or(i64::MAX)))
            }

            #[expect(
                clippy::cast_possible_truncation,
                reason = "a saturating cast is wanted, and 0 for NaN"
            )]
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value as i64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "NaN" | "Infinity" | "-Infinity" => Ok(Number(0)),
                    text => text
                        .parse()
                        .map(Number)
                        .map_err(|_| E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(0))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A time such as `2020-07-07T03:11:21.040GMT`, as epoch milliseconds. What is before 1970 stands for
/// none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Time(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeVisitor;

        impl<'de> Visitor<'de> for TimeVisitor {
            type Value = Time;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time")
            }

            fn visit_str<E>(self, text: &str) -> Result<Time, E> {
                Ok(Time(epoch_ms(text).filter(|time| *time > 0)))
            }

            fn visit_i64<E: serde::de::Error>(self, time: i64) -> Result<Time, E> {
                Ok(Time(Some(time).filter(|time| *time > 0)))
            }

            fn visit_u64<E: serde::de::Error>(self, time: u64) -> Result<Time, E> {
                self.visit_i64(i64::try_from(time).unwrap_or(0))
            }

            fn visit_unit<E>(self) -> Result<Time, E> {
                Ok(Time(None))
            }

            fn visit_none<E>(self) -> Result<Time, E> {
                Ok(Time(None))
            }

            fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Time, D::Error> {
                Time::deserialize(value)
            }
        }

        deserializer.deserialize_any(TimeVisitor)
    }
}

fn epoch_ms(text: &str) -> Option<i64> {
    let text = text.strip_suffix("GMT")?;
    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp_millis())
}

/// `applications/<id>`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) attempts: Vec<ApplicationAttempt>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ApplicationAttempt {
    pub(super) attempt_id: Option<String>,
    pub(super) start_time: Time,
    pub(super) end_time: Time,
    pub(super) last_updated: Time,
    pub(super) spark_user: String,
    pub(super) completed: bool,
    pub(super) app_spark_version: String,
    /// Spark 4.2.
    pub(super) exit_code: Option<Number>,
}

/// `<app>/jobs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Job {
    pub(super) job_id: Number,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) submission_time: Time,
    pub(super) completion_time: Time,
    pub(super) stage_ids: Vec<i64>,
    pub(super) job_group: Option<String>,
    pub(super) job_tags: Vec<String>,
    pub(super) status: String,
    pub(super) num_tasks: Number,
    pub(super) num_active_tasks: Number,
    pub(super) num_completed_tasks: Number,
    pub(super) num_skipped_tasks: Number,
    pub(super) num_failed_tasks: Number,
    pub(super) num_killed_tasks: Number,
    pub(super) num_completed_indices: Number,
    pub(super) num_active_stages: Number,
    pub(super) num_completed_stages: Number,
    pub(super) num_skipped_stages: Number,
    pub(super) num_failed_stages: Number,
    pub(super) killed_tasks_summary: BTreeMap<String, i64>,
}

/// `<app>/stages` and `<app>/stages/<id>/<attempt>`; the last three only with details.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) status: String,
    pub(super) stage_id: Number,
    pub(super) attempt_id: Number,
    pub(super) num_tasks: Number,
    pub(super) num_active_tasks: Number,
    pub(super) num_complete_tasks: Number,
    pub(super) num_failed_tasks: Number,
    pub(super) num_killed_tasks: Number,
    pub(super) num_completed_indices: Number,
    pub(super) submission_time: Time,
    pub(super) first_task_launched_time: Time,
    pub(super) completion_time: Time,
    pub(super) failure_reason: Option<String>,
    pub(super) executor_deserialize_time: Number,
    pub(super) executor_deserialize_cpu_time: Number,
    pub(super) executor_run_time: Number,
    pub(super) executor_cpu_time: Number,
    pub(super) result_size: Number,
    pub(super) jvm_gc_time: Number,
    pub(super) result_serialization_time: Number,
    pub(super) memory_bytes_spilled: Number,
    pub(super) disk_bytes_spilled: Number,
    pub(super) peak_execution_memory: Number,
    pub(super) input_bytes: Number,
    pub(super) input_records: Number,
    pub(super) output_bytes: Number,
    pub(super) output_records: Number,
    pub(super) shuffle_remote_blocks_fetched: Number,
    pub(super) shuffle_local_blocks_fetched: Number,
    pub(super) shuffle_fetch_wait_time: Number,
    pub(super) shuffle_remote_bytes_read: Number,
    pub(super) shuffle_remote_bytes_read_to_disk: Number,
    pub(super) shuffle_local_bytes_read: Number,
    pub(super) shuffle_read_bytes: Number,
    pub(super) shuffle_read_records: Number,
    pub(super) shuffle_corrupt_merged_block_chunks: Number,
    pub(super) shuffle_merged_fetch_fallback_count: Number,
    pub(super) shuffle_merged_remote_blocks_fetched: Number,
    pub(super) shuffle_merged_local_blocks_fetched: Number,
    pub(super) shuffle_merged_remote_chunks_fetched: Number,
    pub(super) shuffle_merged_local_chunks_fetched: Number,
    pub(super) shuffle_merged_remote_bytes_read: Number,
    pub(super) shuffle_merged_local_bytes_read: Number,
    pub(super) shuffle_remote_reqs_duration: Number,
    pub(super) shuffle_merged_remote_reqs_duration: Number,
    pub(super) shuffle_write_bytes: Number,
    pub(super) shuffle_write_time: Number,
    pub(super) shuffle_write_records: Number,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) details: String,
    pub(super) scheduling_pool: String,
    pub(super) rdd_ids: Vec<i64>,
    pub(super) accumulator_updates: Vec<Accumulator>,
    pub(super) killed_tasks_summary: BTreeMap<String, i64>,
    pub(super) resource_profile_id: Number,
    pub(super) peak_executor_metrics: Option<ExecutorMetrics>,
    pub(super) is_shuffle_push_enabled: bool,
    pub(super) shuffle_mergers_count: Number,
    #[serde(deserialize_with = "task_map")]
    pub(super) tasks: Option<Vec<Task>>,
    pub(super) executor_summary: Option<BTreeMap<String, StageExecutor>>,
    pub(super) speculation_summary: Option<Speculation>,
}

impl Stage {
    /// Tasks that were ever started, as its counters have it: one that ended twice counts twice.
    pub(super) fn started_tasks(&self) -> i64 {
        [
            self.num_active_tasks,
            self.num_complete_tasks,
            self.num_failed_tasks,
            self.num_killed_tasks,
        ]
        .into_iter()
        .fold(0, |sum, Number(count)| sum.saturating_add(count.max(0)))
    }
}

/// The values of a map of task id to task.
fn task_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Task>>, D::Error> {
    struct TasksVisitor;

    impl<'de> Visitor<'de> for TasksVisitor {
        type Value = Option<Vec<Task>>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a map of tasks")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut tasks = Vec::new();
            while let Some((IgnoredAny, task)) = map.next_entry()? {
                tasks.push(task);
            }
            Ok(Some(tasks))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(TasksVisitor)
}

/// An accumulator of the user's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Accumulator {
    pub(super) id: Number,
    pub(super) name: Option<String>,
    pub(super) update: Option<String>,
    pub(super) value: Option<String>,
}

/// What one executor did in a stage attempt.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StageExecutor {
    pub(super) task_time: Number,
    pub(super) failed_tasks: Number,
    pub(super) succeeded_tasks: Number,
    pub(super) killed_tasks: Number,
    pub(super) input_bytes: Number,
    pub(super) input_records: Number,
    pub(super) output_bytes: Number,
    pub(super) output_records: Number,
    pub(super) shuffle_read: Number,
    pub(super) shuffle_read_records: Number,
    pub(super) shuffle_write: Number,
    pub(super) shuffle_write_records: Number,
    pub(super) memory_bytes_spilled: Number,
    pub(super) disk_bytes_spilled: Number,
    pub(super) is_blacklisted_for_stage: bool,
    pub(super) is_excluded_for_stage: bool,
    pub(super) peak_memory_metrics: Option<ExecutorMetrics>,
}

/// Counts over speculative tasks.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Speculation {
    pub(super) num_tasks: Number,
    pub(super) num_active_tasks: Number,
    pub(super) num_completed_tasks: Number,
    pub(super) num_failed_tasks: Number,
    pub(super) num_killed_tasks: Number,
}

/// An element of `taskList`, or a value of a stage's `tasks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) task_id: Number,
    pub(super) index: Number,
    pub(super) attempt: Number,
    pub(super) partition_id: Number,
    pub(super) launch_time: Time,
    pub(super) result_fetch_start: Time,
    pub(super) duration: Option<Number>,
    pub(super) executor_id: CompactString,
    pub(super) host: CompactString,
    pub(super) status: CompactString,
    pub(super) task_locality: CompactString,
    pub(super) speculative: bool,
    pub(super) accumulator_updates: Vec<Accumulator>,
    pub(super) error_message: Option<String>,
    pub(super) task_metrics: Option<TaskMetrics>,
    pub(super) executor_logs: BTreeMap<String, String>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            task_id: Number(0),
            index: Number(0),
            attempt: Number(0),
            // As in logs of versions that do not write it.
            partition_id: Number(-1),
            launch_time: Time(None),
            result_fetch_start: Time(None),
            duration: None,
            executor_id: CompactString::default(),
            host: CompactString::default(),
            status: CompactString::default(),
            task_locality: CompactString::default(),
            speculative: false,
            accumulator_updates: Vec::new(),
            error_message: None,
            task_metrics: None,
            executor_logs: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TaskMetrics {
    pub(super) executor_deserialize_time: Number,
    pub(super) executor_deserialize_cpu_time: Number,
    pub(super) executor_run_time: Number,
    pub(super) executor_cpu_time: Number,
    pub(super) result_size: Number,
    pub(super) jvm_gc_time: Number,
    pub(super) result_serialization_time: Number,
    pub(super) memory_bytes_spilled: Number,
    pub(super) disk_bytes_spilled: Number,
    pub(super) peak_execution_memory: Number,
    pub(super) input_metrics: InputMetrics,
    pub(super) output_metrics: OutputMetrics,
    pub(super) shuffle_read_metrics: ShuffleReadMetrics,
    pub(super) shuffle_write_metrics: ShuffleWriteMetrics,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct InputMetrics {
    pub(super) bytes_read: Number,
    pub(super) records_read: Number,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OutputMetrics {
    pub(super) bytes_written: Number,
    pub(super) records_written: Number,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ShuffleReadMetrics {
    pub(super) remote_blocks_fetched: Number,
    pub(super) local_blocks_fetched: Number,
    pub(super) fetch_wait_time: Number,
    pub(super) remote_bytes_read: Number,
    pub(super) remote_bytes_read_to_disk: Number,
    pub(super) local_bytes_read: Number,
    pub(super) records_read: Number,
    pub(super) remote_reqs_duration: Number,
    pub(super) shuffle_push_read_metrics: ShufflePushReadMetrics,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ShufflePushReadMetrics {
    pub(super) corrupt_merged_block_chunks: Number,
    pub(super) merged_fetch_fallback_count: Number,
    pub(super) remote_merged_blocks_fetched: Number,
    pub(super) local_merged_blocks_fetched: Number,
    pub(super) remote_merged_chunks_fetched: Number,
    pub(super) local_merged_chunks_fetched: Number,
    pub(super) remote_merged_bytes_read: Number,
    pub(super) local_merged_bytes_read: Number,
    pub(super) remote_merged_reqs_duration: Number,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ShuffleWriteMetrics {
    pub(super) bytes_written: Number,
    pub(super) write_time: Number,
    pub(super) records_written: Number,
}

/// `<app>/allexecutors`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Executor {
    pub(super) id: String,
    pub(super) host_port: Option<String>,
    pub(super) is_active: bool,
    pub(super) rdd_blocks: Number,
    pub(super) memory_used: Number,
    pub(super) disk_used: Number,
    pub(super) total_cores: Number,
    pub(super) max_tasks: Number,
    pub(super) active_tasks: Number,
    pub(super) failed_tasks: Number,
    pub(super) completed_tasks: Number,
    pub(super) total_tasks: Number,
    pub(super) total_duration: Number,
    #[serde(rename = "totalGCTime")]
    pub(super) total_gc_time: Number,
    pub(super) total_input_bytes: Number,
    pub(super) total_shuffle_read: Number,
    pub(super) total_shuffle_write: Number,
    pub(super) is_blacklisted: bool,
    pub(super) is_excluded: bool,
    pub(super) max_memory: Number,
    pub(super) add_time: Time,
    pub(super) remove_time: Time,
    pub(super) remove_reason: Option<String>,
    pub(super) executor_logs: BTreeMap<String, String>,
    pub(super) memory_metrics: Option<MemoryMetrics>,
    pub(super) blacklisted_in_stages: Vec<i64>,
    pub(super) excluded_in_stages: Vec<i64>,
    pub(super) peak_memory_metrics: Option<ExecutorMetrics>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) resources: BTreeMap<String, ResourceAddresses>,
    pub(super) resource_profile_id: Number,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MemoryMetrics {
    pub(super) used_on_heap_storage_memory: Number,
    pub(super) used_off_heap_storage_memory: Number,
    pub(super) total_on_heap_storage_memory: Number,
    pub(super) total_off_heap_storage_memory: Number,
}

/// `<app>/allmiscellaneousprocess`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Process {
    pub(super) id: String,
    pub(super) host_port: String,
    pub(super) is_active: bool,
    pub(super) total_cores: Number,
    pub(super) add_time: Time,
    pub(super) remove_time: Time,
    pub(super) process_logs: BTreeMap<String, String>,
}

/// `<app>/storage/rdd`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rdd {
    pub(super) id: Number,
    pub(super) name: String,
    pub(super) num_partitions: Number,
    pub(super) num_cached_partitions: Number,
    pub(super) storage_level: String,
    pub(super) memory_used: Number,
    pub(super) disk_used: Number,
}

/// `<app>/environment`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Environment {
    pub(super) runtime: BTreeMap<String, String>,
    pub(super) spark_properties: Vec<(String, String)>,
    pub(super) hadoop_properties: Vec<(String, String)>,
    pub(super) system_properties: Vec<(String, String)>,
    pub(super) metrics_properties: Vec<(String, String)>,
    pub(super) resource_profiles: Vec<ResourceProfile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceProfile {
    pub(super) id: Number,
    pub(super) executor_resources: BTreeMap<String, ExecutorResource>,
    pub(super) task_resources: BTreeMap<String, TaskResource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ExecutorResource {
    pub(super) amount: Number,
    pub(super) discovery_script: String,
    pub(super) vendor: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaskResource {
    pub(super) amount: f64,
}

/// An element of `<app>/sql`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SqlExecution {
    pub(super) id: Number,
    pub(super) status: String,
    pub(super) description: String,
    pub(super) plan_description: String,
    pub(super) submission_time: Time,
    pub(super) duration: Option<Number>,
    pub(super) running_job_ids: Vec<i64>,
    pub(super) success_job_ids: Vec<i64>,
    pub(super) failed_job_ids: Vec<i64>,
    pub(super) nodes: Vec<SqlNode>,
    pub(super) edges: Vec<SqlEdge>,
    /// Spark 4.2.
    pub(super) query_id: Option<String>,
    /// Spark 4.2.
    pub(super) error_message: Option<String>,
    /// Spark 4.2.
    pub(super) root_execution_id: Option<Number>,
    /// Spark 4.2.
    pub(super) modified_configs: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SqlNode {
    pub(super) node_id: Number,
    pub(super) node_name: String,
    pub(super) whole_stage_codegen_id: Option<Number>,
    pub(super) metrics: Vec<SqlMetric>,
    /// Spark 4.2.
    pub(super) desc: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SqlMetric {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SqlEdge {
    pub(super) from_id: Number,
    pub(super) to_id: Number,
}
