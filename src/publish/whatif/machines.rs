//! Whether any machine holds the executors that are asked for.

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::{SessionContext, col, lit};

use super::{Deployment, WhatifError};
use crate::ask::AskError;
use crate::simulate::{Facts, Scenario};

/// Memory beside the heap where the run's own is not known.
const OVERHEAD: f64 = 1.1;
const GIB: f64 = 1_073_741_824.0;

/// A machine: its cores, and its memory in GB.
struct Node {
    name: String,
    cores: f64,
    memory_gb: f64,
}

/// Refuses executors that no machine holds: a worker of EMR Serverless there, an instance of the
/// cluster where its instances are known, else any instance type there is.
///
/// # Errors
/// One is too large, or the tables of machines cannot be read.
pub(super) async fn refuse_too_large(
    session: &SessionContext,
    facts: &Facts,
    scenarios: &[Scenario],
    platform: Option<Deployment>,
) -> Result<(), WhatifError> {
    let of_log = facts.key.as_ref().map_or("", |key| key.platform.as_str());
    let is_serverless = match platform {
        Some(platform) => platform == Deployment::EmrServerless,
        None => of_log == "emr_serverless",
    };
    let (nodes, kind) = match is_serverless {
        true => (workers(session).await?, "worker of EMR Serverless"),
        false => (
            instances(session, facts, platform.is_some()).await?,
            "instance",
        ),
    };
    let beside_heap = match (facts.container_memory_bytes, facts.executor_memory_bytes) {
        (Some(container), Some(heap)) if heap > 0 => container as f64 / heap as f64,
        _ => OVERHEAD,
    };
    for scenario in scenarios {
        let shape = scenario.shape;
        let cores = f64::from(shape.cores);
        let memory_gb = shape
            .memory_bytes
            .map_or(0.0, |heap| heap as f64 * beside_heap / GIB);
        let holds = |node: &Node| node.cores >= cores && node.memory_gb >= memory_gb;
        // What ran has its machine, whatever the tables of machines say.
        let ran = i64::from(shape.cores) <= facts.executor_cores.unwrap_or(0)
            && shape.memory_bytes.and_then(|heap| i64::try_from(heap).ok())
                <= facts.executor_memory_bytes;
        if facts.is_local || ran || nodes.is_empty() || nodes.iter().any(holds) {
            continue;
        }
        let largest = nodes.iter().max_by(|left, right| {
            (left.memory_gb, left.cores)
                .partial_cmp(&(right.memory_gb, right.cores))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let largest = largest.map_or_else(String::new, |node| {
            format!(
                "{}, has {} cores and {:.0} GB",
                node.name, node.cores, node.memory_gb
            )
        });
        return Err(WhatifError::Usage(format!(
            "no {kind} holds an executor of {} cores and {memory_gb:.1} GB with its overhead; the \
             largest, {largest}",
            shape.cores
        )));
    }
    Ok(())
}

async fn workers(session: &SessionContext) -> Result<Vec<Node>, WhatifError> {
    let columns = ["vcpus", "vcpus", "max_memory_gb"];
    let mut workers = nodes(session, "ref_emr_serverless_workers", columns, &[]).await?;
    for worker in &mut workers {
        worker.name = format!("of {} vCPUs", worker.name);
    }
    Ok(workers)
}

/// The instance types of the application's cluster; all types where it has none or another platform
/// is asked for.
async fn instances(
    session: &SessionContext,
    facts: &Facts,
    is_elsewhere: bool,
) -> Result<Vec<Node>, WhatifError> {
    let mut types = Vec::new();
    if let (Some(key), false) = (&facts.key, is_elsewhere) {
        let rows = session
            .table("cluster_instances")
            .await
            .and_then(|rows| {
                rows.filter(col("cluster_id").eq(lit(key.cluster_id.as_str())))?
                    .select_columns(&["instance_type"])
            })
            .map_err(AskError::Failed)?;
        for batch in rows.collect().await.map_err(AskError::Failed)? {
            types.extend(texts(batch.column(0))?.iter().flatten().map(str::to_owned));
        }
    }
    let columns = ["instance_type", "vcpus", "memory_gb"];
    nodes(session, "ref_instance_types", columns, &types).await
}

async fn nodes(
    session: &SessionContext,
    table: &str,
    columns: [&str; 3],
    only: &[String],
) -> Result<Vec<Node>, WhatifError> {
    let rows = session.table(table).await.map_err(AskError::Failed)?;
    let mut found = Vec::new();
    for batch in rows.collect().await.map_err(AskError::Failed)? {
        let column = |place: usize| {
            let name = columns.get(place).copied().unwrap_or_default();
            batch.column_by_name(name)
        };
        let (Some(name), Some(cores), Some(memory)) = (column(0), column(1), column(2)) else {
            continue;
        };
        let name = texts(name)?;
        let cores = cast(cores, &DataType::Float64)?;
        let memory = cast(memory, &DataType::Float64)?;
        let (cores, memory) = (
            cores.as_primitive::<Float64Type>(),
            memory.as_primitive::<Float64Type>(),
        );
        for row in 0..batch.num_rows() {
            if name.is_null(row) || cores.is_null(row) || memory.is_null(row) {
                continue;
            }
            found.push(Node {
                name: name.value(row).to_owned(),
                cores: cores.value(row),
                memory_gb: memory.value(row),
            });
        }
    }
    let known = |node: &Node| only.contains(&node.name);
    if found.iter().any(known) {
        found.retain(known);
    }
    Ok(found)
}

fn texts(column: &arrow::array::ArrayRef) -> Result<StringArray, WhatifError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}
