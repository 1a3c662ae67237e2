//! SQL and streaming events. Their keys are camelCase, since Jackson writes them.

use serde::Deserialize;

use super::lenient::{any_as_text, or_default};

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
    pub spark_plan_info: PlanInfo,
    /// Epoch milliseconds.
    #[serde(default, deserialize_with = "or_default")]
    pub time: i64,
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
    pub spark_plan_info: PlanInfo,
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

/// One operator of a physical plan and what it reads from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanInfo {
    #[serde(default, deserialize_with = "or_default")]
    pub node_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub simple_string: String,
    #[serde(default, deserialize_with = "or_default")]
    pub children: Vec<PlanInfo>,
    #[serde(default, deserialize_with = "or_default")]
    pub metrics: Vec<PlanMetric>,
}

/// One metric of an operator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanMetric {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    pub accumulator_id: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub metric_type: String,
}

/// `StreamingQueryListener$QueryProgressEvent`.
#[derive(Debug, Deserialize)]
pub struct StreamingProgress {
    pub progress: serde_json::Value,
}
