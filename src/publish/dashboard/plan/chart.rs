//! The plan of a query as a graph: before adaptive execution, and after it with what was measured of each operator.

use super::{Execution, LONGEST_DESCRIPTION, Node, Show, detail, text};
use crate::model::{printable, shortened};
use crate::publish::charts::{self, MAX_PLAN_NODES, PlanChart, PlanNode};
use crate::publish::numbers::{bytes, count, counted, duration};
use crate::publish::page::Chart;

/// The plan as it was made before any stage ran; `None` where there are no nodes to draw.
pub(super) fn first_plan(nodes: &[text::TextNode]) -> Option<Chart> {
    let nodes: Vec<PlanNode> = nodes
        .iter()
        .map(|node| PlanNode {
            id: node.id,
            name: printable(&node.name),
            detail: detail::detail("", &node.arguments),
            tip: printable(&format!("{} {}", node.name, node.arguments)),
            children: node.children.clone(),
            ..PlanNode::default()
        })
        .collect();
    let says = format!(
        "{} as planned before any stage ran; nothing was measured of it.",
        counted(nodes.len() as i64, "operator", "operators")
    );
    Some(Chart {
        title: "Plan before adaptive execution".to_owned(),
        svg: charts::plan(&PlanChart {
            title: says.clone(),
            nodes,
        })?,
        says,
        legend: Vec::new(),
    })
}

/// The last plan; `None` where there are no nodes to draw.
pub(super) fn last_plan(execution: &Execution, nodes: &[Node], show: Show) -> Option<Chart> {
    let measure = |node: &Node| match show {
        Show::Time => node.time_ms.map(|ms| ms as f64),
        Show::Rows => node.rows_output.map(|rows| rows as f64),
        Show::Memory => node.peak_memory_bytes,
    };
    // Time of a cluster is that of the nodes in it which have no timer.
    let cluster = |id: i64| {
        let name = format!("WholeStageCodegen ({id})");
        nodes.iter().find(|node| node.node_name == name)
    };
    let most = nodes.iter().filter_map(measure).fold(0.0, f64::max);
    let drawn: Vec<PlanNode> = nodes
        .iter()
        .filter(|node| !node.is_cluster())
        .map(|node| {
            let within = node.whole_stage_codegen_id.and_then(cluster);
            let own = measure(node).filter(|value| *value > 0.0);
            let shared = match show {
                Show::Time if own.is_none() => within.and_then(measure).filter(|ms| *ms > 0.0),
                _ => None,
            };
            let heat = own.or(shared).unwrap_or(0.0) / most.max(1.0);
            PlanNode {
                id: node.node_id,
                name: printable(&node.node_name),
                detail: node
                    .description
                    .as_deref()
                    .map_or_else(String::new, |text| detail::detail(&node.node_name, text)),
                value: value(node, own, shared, show),
                badge: node
                    .whole_stage_codegen_id
                    .map_or_else(String::new, |id| format!("codegen {id}")),
                tip: tip(node),
                href: format!("#node-{}", node.node_id),
                children: node.child_node_ids.clone(),
                heat,
                rows: node.rows_output.map(|rows| rows as f64),
            }
        })
        .collect();
    let what = match show {
        Show::Time => {
            "task time of each operator; “in codegen” is that of all operators of generated code together"
        }
        Show::Rows => "rows that each operator puts out",
        Show::Memory => "peak memory of each operator, summed over its tasks",
    };
    let all = nodes.first().map_or(0, |first| first.num_nodes);
    let cut = match drawn.len() > MAX_PLAN_NODES {
        true => format!(
            " The first {MAX_PLAN_NODES} of {} nodes are drawn.",
            count(all)
        ),
        false => String::new(),
    };
    let says = format!(
        "Data flow down; a stronger color is more {what}; wider lines carry more rows.{cut}"
    );
    let name = match execution.is_adaptive {
        Some(true) => "Plan after adaptive execution",
        _ => "Plan",
    };
    Some(Chart {
        title: name.to_owned(),
        svg: charts::plan(&PlanChart {
            title: says.clone(),
            nodes: drawn,
        })?,
        says,
        legend: vec![
            ("h1", "2 % of the most"),
            ("h2", "15 %"),
            ("h3", "40 %"),
            ("h4", "70 %"),
        ],
    })
}

/// What stands in a node: what is shown of it, as a short text.
fn value(node: &Node, own: Option<f64>, shared: Option<f64>, show: Show) -> String {
    match (show, own, shared) {
        (Show::Time, Some(ms), _) => duration(ms),
        (Show::Time, None, Some(ms)) => format!("in codegen, {}", duration(ms)),
        (Show::Time, None, None) => match node.driver_time_ms.filter(|ms| *ms > 0) {
            Some(ms) => format!("driver {}", duration(ms as f64)),
            None => String::new(),
        },
        (Show::Rows, _, _) => node
            .rows_output
            .map_or_else(String::new, |rows| counted(rows, "row", "rows")),
        (Show::Memory, own, _) => {
            let spilled = node.spill_bytes.filter(|spilled| *spilled > 0.0);
            let spilled = spilled.map(|spilled| format!("spilled {}", bytes(spilled)));
            let own = own.map(bytes);
            own.into_iter()
                .chain(spilled)
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

/// All that is known of a node, for the pointer that rests on it.
fn tip(node: &Node) -> String {
    let time = |ms: Option<i64>| ms.map(|ms| duration(ms as f64));
    let parts = [
        Some(format!(
            "Node {} {}",
            node.node_id,
            printable(&node.node_name)
        )),
        time(node.time_ms).map(|time| format!("{time} of task time")),
        time(node.inclusive_time_ms).map(|time| format!("{time} with what it pulls from")),
        time(node.driver_time_ms).map(|time| format!("{time} on the driver")),
        node.rows_output.map(|rows| counted(rows, "row", "rows")),
        node.bytes_output.map(|number| bytes(number as f64)),
        node.description
            .as_deref()
            .map(|text| shortened(&printable(text), LONGEST_DESCRIPTION)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
