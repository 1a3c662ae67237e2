//! SQL and streaming events. Their keys are camelCase, since Jackson writes them.

use serde::Deserialize;

use super::lenient::{any_as_text, or_default, text_pairs};
use super::plan::{PhysicalPlan, PlanMetric};

/// `SparkListenerSQLExecutionStart`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqlExecutionStart {
    pub execution_id: i64,
    #[serde(default)]
    pub root_execution_id: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub physical_plan_description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub spark_plan_info: PhysicalPlan,
    /// Epoch milliseconds.
    #[serde(default, deserialize_with = "or_default")]
    pub time: i64,
    /// Since 3.3: settings of the session that differ from the application's.
    #[serde(default, deserialize_with = "text_pairs")]
    pub modified_configs: Vec<(String, String)>,
    /// Since 3.5.
    #[serde(default, deserialize_with = "or_default")]
    pub job_tags: Vec<String>,
    /// Since 4.0.
    #[serde(default, deserialize_with = "any_as_text")]
    pub job_group_id: Option<String>,
    /// Since 4.2.
    #[serde(default, deserialize_with = "any_as_text")]
    pub query_id: Option<String>,
}

/// EMR's `SparkListenerEffectiveSQLConf`: the settings that an execution runs with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveSqlConf {
    pub execution_id: i64,
    #[serde(default, rename = "effectiveSQLConf", deserialize_with = "text_pairs")]
    pub settings: Vec<(String, String)>,
}

/// `SparkListenerSQLExecutionEnd`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqlExecutionEnd {
    pub execution_id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub time: i64,
    /// Since 3.4: empty for a success. Absent in older logs.
    #[serde(default, deserialize_with = "any_as_text")]
    pub error_message: Option<String>,
}

/// `SparkListenerSQLAdaptiveExecutionUpdate`: the plan as re-optimised.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdaptiveExecutionUpdate {
    pub execution_id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub physical_plan_description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub spark_plan_info: PhysicalPlan,
}

/// `SparkListenerSQLAdaptiveSQLMetricUpdates`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdaptiveMetricUpdates {
    pub execution_id: i64,
    #[serde(default, deserialize_with = "or_default", rename = "sqlPlanMetrics")]
    pub metrics: Vec<PlanMetric>,
}

/// `SparkListenerDriverAccumUpdates`: pairs of accumulator id and value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriverAccumulatorUpdates {
    pub execution_id: i64,
    #[serde(default, deserialize_with = "or_default", rename = "accumUpdates")]
    pub updates: Vec<(i64, i64)>,
}

/// `StreamingQueryListener$QueryProgressEvent`.
#[derive(Debug, Deserialize)]
pub struct StreamingProgress {
    pub progress: serde_json::Value,
}
