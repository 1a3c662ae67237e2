//! Events about the application, its environment and its executors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::block::{BlockManagerId, StorageLevel};
use super::executor_metrics::ExecutorMetrics;
use super::lenient::{or_default, text_pairs};

#[derive(Deserialize)]
pub(super) struct LogStart {
    #[serde(rename = "Spark Version")]
    pub(super) spark_version: String,
}

/// Heads every chunk of a Databricks log.
#[derive(Debug, Deserialize)]
pub struct DatabricksMetadata {
    #[serde(rename = "Spark Version", default)]
    pub spark_version: Option<String>,
    #[serde(rename = "Rollover Number", default)]
    pub rollover_number: Option<i64>,
    #[serde(rename = "SparkContext Id", default)]
    pub spark_context_id: Option<i64>,
}

/// `SparkListenerApplicationStart`.
#[derive(Debug, Clone, Deserialize)]
pub struct ApplicationStart {
    #[serde(rename = "App Name", default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(rename = "App ID", default)]
    pub id: Option<String>,
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    #[serde(rename = "User", default, deserialize_with = "or_default")]
    pub user: String,
    #[serde(rename = "App Attempt ID", default)]
    pub attempt_id: Option<String>,
    #[serde(rename = "Driver Logs", default)]
    pub driver_logs: Option<BTreeMap<String, String>>,
    #[serde(rename = "Driver Attributes", default)]
    pub driver_attributes: Option<BTreeMap<String, String>>,
}

/// `SparkListenerApplicationEnd`.
#[derive(Debug, Deserialize)]
pub struct ApplicationEnd {
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    #[serde(rename = "ExitCode", default)]
    pub exit_code: Option<i64>,
}

/// `SparkListenerEnvironmentUpdate`, every section a list of key and value in logged order.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EnvironmentUpdate {
    #[serde(rename = "JVM Information", deserialize_with = "text_pairs")]
    pub jvm: Vec<(String, String)>,
    #[serde(rename = "Spark Properties", deserialize_with = "text_pairs")]
    pub spark: Vec<(String, String)>,
    #[serde(rename = "Hadoop Properties", deserialize_with = "text_pairs")]
    pub hadoop: Vec<(String, String)>,
    #[serde(rename = "System Properties", deserialize_with = "text_pairs")]
    pub system: Vec<(String, String)>,
    #[serde(rename = "Metrics Properties", deserialize_with = "text_pairs")]
    pub metrics: Vec<(String, String)>,
}

/// `SparkListenerResourceProfileAdded`.
#[derive(Debug, Clone, Deserialize)]
pub struct ResourceProfileAdded {
    #[serde(rename = "Resource Profile Id")]
    pub id: i64,
    #[serde(
        rename = "Executor Resource Requests",
        default,
        deserialize_with = "or_default"
    )]
    pub executor_resources: BTreeMap<String, ExecutorResourceRequest>,
    #[serde(
        rename = "Task Resource Requests",
        default,
        deserialize_with = "or_default"
    )]
    pub task_resources: BTreeMap<String, TaskResourceRequest>,
}

/// What one executor of a profile asks for.
#[derive(Debug, Clone, Deserialize)]
pub struct ExecutorResourceRequest {
    #[serde(rename = "Amount", default, deserialize_with = "or_default")]
    pub amount: i64,
    #[serde(rename = "Discovery Script", default, deserialize_with = "or_default")]
    pub discovery_script: String,
    #[serde(rename = "Vendor", default, deserialize_with = "or_default")]
    pub vendor: String,
}

/// What one task of a profile asks for; may be a fraction.
#[derive(Debug, Clone, Deserialize)]
pub struct TaskResourceRequest {
    #[serde(rename = "Amount", default, deserialize_with = "or_default")]
    pub amount: f64,
}

/// `SparkListenerBlockManagerAdded`.
#[derive(Debug, Deserialize)]
pub struct BlockManagerAdded {
    #[serde(rename = "Block Manager ID")]
    pub id: BlockManagerId,
    #[serde(rename = "Maximum Memory", default, deserialize_with = "or_default")]
    pub maximum_memory: i64,
    /// Epoch milliseconds; -1 where the log does not say.
    #[serde(rename = "Timestamp", default = "never")]
    pub timestamp: i64,
    #[serde(rename = "Maximum Onheap Memory", default)]
    pub maximum_on_heap: Option<i64>,
    #[serde(rename = "Maximum Offheap Memory", default)]
    pub maximum_off_heap: Option<i64>,
}

fn never() -> i64 {
    -1
}

/// `SparkListenerBlockUpdated`.
#[derive(Debug, Deserialize)]
pub struct BlockUpdated {
    #[serde(rename = "Block Updated Info")]
    pub info: BlockUpdatedInfo,
}

/// The new state of one block on one executor.
#[derive(Debug, Deserialize)]
pub struct BlockUpdatedInfo {
    #[serde(rename = "Block Manager ID")]
    pub block_manager: BlockManagerId,
    #[serde(rename = "Block ID")]
    pub block_id: String,
    #[serde(rename = "Storage Level", default, deserialize_with = "or_default")]
    pub storage_level: StorageLevel,
    #[serde(rename = "Memory Size", default, deserialize_with = "or_default")]
    pub memory_size: i64,
    #[serde(rename = "Disk Size", default, deserialize_with = "or_default")]
    pub disk_size: i64,
}

/// `SparkListenerExecutorAdded`.
#[derive(Debug, Deserialize)]
pub struct ExecutorAdded {
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    #[serde(rename = "Executor Info")]
    pub info: ExecutorInfo,
}

/// What an executor brings.
#[derive(Debug, Deserialize)]
pub struct ExecutorInfo {
    #[serde(rename = "Host", default, deserialize_with = "or_default")]
    pub host: String,
    #[serde(rename = "Total Cores", default, deserialize_with = "or_default")]
    pub total_cores: i64,
    #[serde(rename = "Log Urls", default, deserialize_with = "or_default")]
    pub log_urls: BTreeMap<String, String>,
    #[serde(rename = "Attributes", default, deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, String>,
    #[serde(rename = "Resources", default, deserialize_with = "or_default")]
    pub resources: BTreeMap<String, ResourceAddresses>,
    #[serde(
        rename = "Resource Profile Id",
        default,
        deserialize_with = "or_default"
    )]
    pub resource_profile_id: i64,
}

/// Addresses of one kind of resource, such as GPUs.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub struct ResourceAddresses {
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub addresses: Vec<String>,
}

/// `SparkListenerExecutorRemoved`.
#[derive(Debug, Deserialize)]
pub struct ExecutorRemoved {
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    #[serde(rename = "Removed Reason", default, deserialize_with = "or_default")]
    pub reason: String,
}

/// An executor was (un)excluded, for the application or for one stage attempt.
#[derive(Debug, Deserialize)]
pub struct Exclusion {
    #[serde(rename = "executorId")]
    pub executor_id: String,
    #[serde(rename = "stageId", default)]
    pub stage_id: Option<i64>,
    #[serde(rename = "stageAttemptId", default)]
    pub stage_attempt_id: Option<i64>,
}

/// A node was (un)excluded, for the application or for one stage attempt.
#[derive(Debug, Deserialize)]
pub struct NodeExclusion {
    #[serde(rename = "hostId")]
    pub host: String,
    #[serde(rename = "stageId", default)]
    pub stage_id: Option<i64>,
    #[serde(rename = "stageAttemptId", default)]
    pub stage_attempt_id: Option<i64>,
}

/// `SparkListenerExecutorMetricsUpdate`, logged for the driver only.
#[derive(Debug, Deserialize)]
pub struct ExecutorMetricsUpdate {
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    #[serde(
        rename = "Executor Metrics Updated",
        default,
        deserialize_with = "or_default"
    )]
    pub updates: Vec<StagePeaks>,
}

/// Peaks within one stage attempt; stage -1 stands for the executor as a whole.
#[derive(Debug, Deserialize)]
pub struct StagePeaks {
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    #[serde(rename = "Stage Attempt ID", default, deserialize_with = "or_default")]
    pub stage_attempt_id: i64,
    #[serde(rename = "Executor Metrics", default, deserialize_with = "or_default")]
    pub metrics: ExecutorMetrics,
}

/// `SparkListenerStageExecutorMetrics`.
#[derive(Debug, Deserialize)]
pub struct StageExecutorMetrics {
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    #[serde(rename = "Stage Attempt ID", default, deserialize_with = "or_default")]
    pub stage_attempt_id: i64,
    #[serde(rename = "Executor Metrics", default, deserialize_with = "or_default")]
    pub metrics: ExecutorMetrics,
}

#[derive(Deserialize)]
pub(super) struct UnpersistRdd {
    #[serde(rename = "RDD ID")]
    pub(super) rdd_id: i64,
}

/// `SparkListenerMiscellaneousProcessAdded`, such as YARN's application master.
#[derive(Debug, Deserialize)]
pub struct MiscellaneousProcessAdded {
    pub time: i64,
    #[serde(rename = "processId")]
    pub process_id: String,
    pub info: ProcessInfo,
}

/// Where a process runs.
#[derive(Debug, Deserialize)]
pub struct ProcessInfo {
    #[serde(rename = "hostPort", default, deserialize_with = "or_default")]
    pub host_port: String,
    #[serde(default, deserialize_with = "or_default")]
    pub cores: i64,
    #[serde(rename = "logUrlInfo", default, deserialize_with = "or_default")]
    pub log_urls: BTreeMap<String, String>,
}
