//! The element that REST's `sql` answers for an execution, as a server of Spark 4.3 does, written as it is built: a tree of JSON
//! values would take many times the plan's own memory.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::rows::{JobStatus, rest_time};

use super::super::environment::redact;
use super::aggregate::MetricValue;
use super::execution::Execution;
use super::plan_graph::{Edge, GraphNode};

/// JSON of the execution with its nodes, metrics and edges.
pub(super) fn rest_element(execution: &Execution) -> String {
    let element = Element {
        id: execution.sql_id,
        status: execution.status().as_str(),
        description: &execution.description,
        plan_description: &execution.plan_description,
        submission_time: rest_time(execution.submission_time),
        duration: execution.duration_ms(),
        running_job_ids: execution.jobs_with(JobStatus::Running),
        success_job_ids: execution.jobs_with(JobStatus::Succeeded),
        failed_job_ids: execution.jobs_with(JobStatus::Failed),
        nodes: Nodes(execution),
        edges: Edges(&execution.graph.edges),
        query_id: execution.query_id.as_deref(),
        error_message: execution.error_message.as_deref(),
        root_execution_id: execution.root_execution_id.unwrap_or(execution.sql_id),
        modified_configs: Pairs(&execution.modified_configs),
    };
    // Nothing in it can fail to serialize; an empty object is the honest fallback.
    serde_json::to_string(&element).unwrap_or_else(|_| "{}".to_owned())
}

/// REST drops one leading newline.
pub(super) fn shown(value: &MetricValue) -> &str {
    value.text.strip_prefix('\n').unwrap_or(&value.text)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'e> {
    id: i64,
    status: &'e str,
    description: &'e str,
    plan_description: &'e str,
    submission_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
    running_job_ids: Vec<i64>,
    success_job_ids: Vec<i64>,
    failed_job_ids: Vec<i64>,
    nodes: Nodes<'e>,
    edges: Edges<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'e str>,
    root_execution_id: i64,
    modified_configs: Pairs<'e>,
}

/// A map in the order in which the event has it.
struct Pairs<'e>(&'e [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, redact(key, value))))
    }
}

/// REST lists the last node first.
struct Nodes<'e>(&'e Execution);

impl Serialize for Nodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(execution) = self;
        let mut list = serializer.serialize_seq(Some(execution.graph.nodes.len()))?;
        for node in execution.graph.nodes.iter().rev() {
            list.serialize_element(&Node {
                node_id: node.id,
                node_name: node.name.trim(),
                whole_stage_codegen_id: node.whole_stage_codegen_id,
                metrics: Metrics { execution, node },
                desc: &node.description,
            })?;
        }
        list.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'e> {
    node_id: i64,
    node_name: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole_stage_codegen_id: Option<i64>,
    metrics: Metrics<'e>,
    desc: &'e str,
}

struct Metrics<'e> {
    execution: &'e Execution,
    node: &'e GraphNode,
}

#[derive(Serialize)]
struct Metric<'e> {
    name: &'e str,
    value: &'e str,
}

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.node.metrics.iter().filter_map(|metric| {
            Some(Metric {
                name: metric.name.trim(),
                value: shown(self.execution.value(metric)?),
            })
        }))
    }
}

struct Edges<'e>(&'e [Edge]);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownEdge {
    from_id: i64,
    to_id: i64,
}

impl Serialize for Edges<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|edge| ShownEdge {
            from_id: edge.from,
            to_id: edge.to,
        }))
    }
}
