//! The graph of a plan, built as Spark's `SparkPlanGraph` builds it, so that node ids agree.

use hashbrown::HashMap;

use crate::event::{PlanInfo, PlanMetric};

/// One node or cluster of the graph.
#[derive(Debug, Clone)]
pub(super) struct GraphNode {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) metrics: Vec<PlanMetric>,
    /// Number of the whole-stage-codegen cluster that holds the node.
    pub(super) whole_stage_codegen_id: Option<i64>,
}

/// Data flows from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Nodes in order of their ids, and edges in order of discovery.
#[derive(Debug, Default, Clone)]
pub(super) struct PlanGraph {
    pub(super) nodes: Vec<GraphNode>,
    pub(super) edges: Vec<Edge>,
}

impl PlanGraph {
    pub(super) fn new(plan: &PlanInfo) -> Self {
        let mut builder = Builder::default();
        builder.visit(plan, None, None);
        builder.graph
    }
}

/// The cluster that nodes are put into: its codegen number, if its name gives one.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    codegen_id: Option<i64>,
}

#[derive(Default)]
struct Builder<'p> {
    graph: PlanGraph,
    /// Exchanges and subqueries seen, by their text: plans are equal when name, text and children are.
    exchanges: HashMap<&'p str, Vec<(&'p PlanInfo, i64)>>,
}

impl<'p> Builder<'p> {
    /// Visits depth-first. Recursion is bounded by the parser's limit on nesting.
    fn visit(&mut self, plan: &'p PlanInfo, parent: Option<i64>, cluster: Option<Cluster>) {
        let child = plan.children.first();
        match plan.node_name.as_str() {
            name if name.starts_with("WholeStageCodegen") => {
                self.add_node(plan, None);
                let inner = Cluster {
                    codegen_id: codegen_id(name),
                };
                self.visit_opt(child, parent, Some(inner));
            }
            "InputAdapter" | "TableCacheQueryStage" | "ResultQueryStage" => {
                self.visit_opt(child, parent, None)
            }
            "BroadcastQueryStage" | "ShuffleQueryStage" => {
                match child.and_then(|child| self.seen(child)) {
                    Some(exchange) => self.connect(exchange, parent),
                    None => self.visit_opt(child, parent, None),
                }
            }
            "Subquery" if cluster.is_some() => self.visit(plan, parent, None),
            "ReusedSubquery" => self.visit_opt(child, parent, cluster),
            "Subquery" | "ReusedExchange" => {
                let original = if plan.node_name == "Subquery" {
                    Some(plan)
                } else {
                    child
                };
                match original.and_then(|original| self.seen(original)) {
                    Some(exchange) => self.connect(exchange, parent),
                    None => self.visit_operator(plan, parent, cluster),
                }
            }
            _ => self.visit_operator(plan, parent, cluster),
        }
    }

    fn visit_opt(
        &mut self,
        plan: Option<&'p PlanInfo>,
        parent: Option<i64>,
        cluster: Option<Cluster>,
    ) {
        if let Some(plan) = plan {
            self.visit(plan, parent, cluster);
        }
    }

    fn visit_operator(
        &mut self,
        plan: &'p PlanInfo,
        parent: Option<i64>,
        cluster: Option<Cluster>,
    ) {
        let id = self.add_node(plan, cluster);
        if plan.node_name.contains("Exchange") || plan.node_name == "Subquery" {
            self.exchanges
                .entry(&plan.simple_string)
                .or_default()
                .push((plan, id));
        }
        self.connect(id, parent);
        for child in &plan.children {
            self.visit(child, Some(id), cluster);
        }
    }

    fn add_node(&mut self, plan: &PlanInfo, cluster: Option<Cluster>) -> i64 {
        let id = i64::try_from(self.graph.nodes.len()).unwrap_or(i64::MAX);
        self.graph.nodes.push(GraphNode {
            id,
            name: plan.node_name.clone(),
            description: plan.simple_string.clone(),
            metrics: plan.metrics.clone(),
            whole_stage_codegen_id: cluster.and_then(|cluster| cluster.codegen_id),
        });
        id
    }

    fn connect(&mut self, from: i64, to: Option<i64>) {
        if let Some(to) = to {
            self.graph.edges.push(Edge { from, to });
        }
    }

    fn seen(&self, plan: &PlanInfo) -> Option<i64> {
        let alike = self.exchanges.get(plan.simple_string.as_str())?;
        alike
            .iter()
            .rev()
            .find(|(known, _)| same_plan(known, plan))
            .map(|(_, id)| *id)
    }
}

fn same_plan(a: &PlanInfo, b: &PlanInfo) -> bool {
    a.node_name == b.node_name
        && a.simple_string == b.simple_string
        && a.children.len() == b.children.len()
        && a.children
            .iter()
            .zip(&b.children)
            .all(|(a, b)| same_plan(a, b))
}

/// The number in `WholeStageCodegen (3)`.
fn codegen_id(name: &str) -> Option<i64> {
    name.split_once('(')?.1.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, children: Vec<PlanInfo>) -> PlanInfo {
        PlanInfo {
            node_name: name.to_owned(),
            simple_string: name.to_owned(),
            children,
            metrics: Vec::new(),
        }
    }

    #[test]
    fn clusters_take_an_id_and_no_edges() {
        let scan = plan("Scan parquet", vec![]);
        let graph = PlanGraph::new(&plan(
            "AdaptiveSparkPlan",
            vec![plan(
                "WholeStageCodegen (1)",
                vec![plan("Filter", vec![plan("InputAdapter", vec![scan])])],
            )],
        ));
        let shown: Vec<_> = graph
            .nodes
            .iter()
            .map(|n| (n.id, n.name.as_str(), n.whole_stage_codegen_id))
            .collect();
        assert_eq!(
            shown,
            [
                (0, "AdaptiveSparkPlan", None),
                (1, "WholeStageCodegen (1)", None),
                (2, "Filter", Some(1)),
                (3, "Scan parquet", None)
            ]
        );
        assert_eq!(
            graph.edges,
            [Edge { from: 2, to: 0 }, Edge { from: 3, to: 2 }]
        );
    }

    #[test]
    fn a_reused_exchange_is_one_node() {
        let exchange = || plan("Exchange", vec![plan("Scan", vec![])]);
        let graph = PlanGraph::new(&plan(
            "Join",
            vec![exchange(), plan("ReusedExchange", vec![exchange()])],
        ));
        assert_eq!(graph.nodes.len(), 3);
        assert_eq!(
            graph.edges,
            [
                Edge { from: 1, to: 0 },
                Edge { from: 2, to: 1 },
                Edge { from: 1, to: 0 }
            ]
        );
    }
}
