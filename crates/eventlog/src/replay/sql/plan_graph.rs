//! The graph of a plan, built as Spark's `SparkPlanGraph` builds it, so that node ids agree.
//!
//! Every step is linear in the operators of the plan, however it is shaped.

use hashbrown::HashMap;

use crate::event::{PhysicalPlan, PlanMetric, PlanNode};
use crate::plan::is_stage_boundary;

use super::work;

/// One node or cluster of the graph. Its id is its place in [`PlanGraph::nodes`].
#[derive(Debug, Clone)]
pub(super) struct GraphNode {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) metrics: Vec<PlanMetric>,
    /// Number of the whole-stage-codegen cluster that holds the node.
    pub(super) whole_stage_codegen_id: Option<i64>,
    /// Place of the node whose inclusive time holds this node's: the cluster it is in, or the
    /// operator that pulls from it. None where another stage pulls: below an exchange.
    pub(super) within: Option<usize>,
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
    pub(super) fn new(plan: PhysicalPlan) -> Self {
        let classes = if plan.nodes.iter().any(may_reuse) {
            classes(&plan)
        } else {
            Vec::new()
        };
        let mut builder = Builder {
            plan,
            classes,
            graph: Self::default(),
            exchanges: HashMap::new(),
        };
        let mut open = vec![Visit::default()];
        while let Some(visit) = open.pop() {
            work::count(1);
            builder.visit(visit, &mut open);
        }
        builder.graph
    }

    /// For each node the nodes that feed it, ascending.
    pub(super) fn inputs(&self) -> Vec<Vec<i64>> {
        let mut inputs = vec![Vec::new(); self.nodes.len()];
        for edge in &self.edges {
            work::count(1);
            if let Some(of) = usize::try_from(edge.to)
                .ok()
                .and_then(|to| inputs.get_mut(to))
            {
                of.push(edge.from);
            }
        }
        inputs.iter_mut().for_each(|of| of.sort_unstable());
        inputs
    }
}

/// An operator to visit, and what is above it.
#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    at: usize,
    parent: Option<i64>,
    within: Option<usize>,
    cluster: Option<Cluster>,
}

/// The cluster that nodes are put into: its codegen number, if its name gives one.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    codegen_id: Option<i64>,
}

/// What the graph makes of an operator.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A node that holds the operators below it, and has no edges.
    Cluster(Cluster),
    /// No node.
    Transparent,
    /// No node; its exchange may have been seen.
    Stage,
    ReusedSubquery,
    Subquery,
    ReusedExchange,
    Operator,
}

impl Shape {
    fn of(name: &str) -> Self {
        match name {
            name if name.starts_with("WholeStageCodegen") => Self::Cluster(Cluster {
                codegen_id: codegen_id(name),
            }),
            "InputAdapter" | "TableCacheQueryStage" | "ResultQueryStage" => Self::Transparent,
            "BroadcastQueryStage" | "ShuffleQueryStage" => Self::Stage,
            "ReusedSubquery" => Self::ReusedSubquery,
            "Subquery" => Self::Subquery,
            "ReusedExchange" => Self::ReusedExchange,
            _ => Self::Operator,
        }
    }
}

struct Builder {
    plan: PhysicalPlan,
    /// For each operator a number that all equal plans share; empty where nothing is reused.
    classes: Vec<u32>,
    graph: PlanGraph,
    /// Nodes of exchanges and subqueries seen, by the class of their plan.
    exchanges: HashMap<u32, i64>,
}

impl Builder {
    fn visit(&mut self, visit: Visit, open: &mut Vec<Visit>) {
        let Some(node) = self.plan.nodes.get(visit.at) else {
            return;
        };
        let shape = Shape::of(&node.name);
        let input = self.plan.inputs(visit.at).next();
        let same = match shape {
            Shape::Subquery => self.seen(visit.at),
            Shape::Stage | Shape::ReusedExchange => input.and_then(|input| self.seen(input)),
            _ => None,
        };
        if let Some(seen) = same {
            self.connect(seen, visit.parent);
            return;
        }
        let outside = Visit {
            cluster: None,
            ..visit
        };
        let follow = |visit: Visit| input.map(|at| Visit { at, ..visit });
        match shape {
            Shape::Cluster(cluster) => {
                let (place, _) = self.add_node(outside);
                open.extend(follow(Visit {
                    within: Some(place),
                    cluster: Some(cluster),
                    ..visit
                }));
            }
            Shape::Transparent | Shape::Stage => open.extend(follow(outside)),
            Shape::ReusedSubquery => open.extend(follow(visit)),
            Shape::Subquery => self.visit_operator(outside, open),
            Shape::ReusedExchange | Shape::Operator => self.visit_operator(visit, open),
        }
    }

    fn visit_operator(&mut self, visit: Visit, open: &mut Vec<Visit>) {
        let (place, id) = self.add_node(visit);
        let node = self.graph.nodes.get(place);
        let may_be_reused =
            node.is_some_and(|node| node.name.contains("Exchange") || node.name == "Subquery");
        let is_boundary = node.is_some_and(|node| is_stage_boundary(&node.name));
        if may_be_reused && let Some(class) = self.classes.get(visit.at) {
            self.exchanges.insert(*class, id);
        }
        self.connect(id, visit.parent);
        let first = open.len();
        open.extend(self.plan.inputs(visit.at).map(|at| Visit {
            at,
            parent: Some(id),
            within: (!is_boundary).then_some(place),
            cluster: visit.cluster,
        }));
        // The first input is visited first.
        if let Some(inputs) = open.get_mut(first..) {
            inputs.reverse();
        }
    }

    /// Adds the operator that is visited: its place and its id. An operator is visited once.
    fn add_node(&mut self, visit: Visit) -> (usize, i64) {
        let place = self.graph.nodes.len();
        let id = i64::try_from(place).unwrap_or(i64::MAX);
        let mut node = PlanNode::default();
        if let Some(slot) = self.plan.nodes.get_mut(visit.at) {
            let end = slot.end;
            node = std::mem::take(slot);
            // The operators below are still to be found.
            slot.end = end;
        }
        self.graph.nodes.push(GraphNode {
            id,
            name: node.name,
            description: node.simple_string,
            metadata: node.metadata,
            metrics: node.metrics,
            whole_stage_codegen_id: visit.cluster.and_then(|cluster| cluster.codegen_id),
            within: visit.within,
        });
        (place, id)
    }

    fn connect(&mut self, from: i64, to: Option<i64>) {
        if let Some(to) = to {
            self.graph.edges.push(Edge { from, to });
        }
    }

    /// The node of an exchange or subquery that equals the plan at `at`.
    fn seen(&self, at: usize) -> Option<i64> {
        self.exchanges.get(self.classes.get(at)?).copied()
    }
}

/// Whether an operator may stand for one that was seen before.
fn may_reuse(node: &PlanNode) -> bool {
    matches!(
        node.name.as_str(),
        "ReusedExchange" | "Subquery" | "BroadcastQueryStage" | "ShuffleQueryStage"
    )
}

/// For each operator the class of its plan. Plans are equal when name, text and inputs are.
fn classes(plan: &PhysicalPlan) -> Vec<u32> {
    let mut known: HashMap<(&str, &str, Vec<u32>), u32> = HashMap::new();
    let mut classes = vec![0; plan.nodes.len()];
    // Inputs stand behind the operators they feed, so from the end every input has its class.
    for (at, node) in plan.nodes.iter().enumerate().rev() {
        let inputs: Vec<u32> = plan
            .inputs(at)
            .filter_map(|input| classes.get(input).copied())
            .collect();
        work::count(1 + inputs.len());
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let class = *known
            .entry((&node.name, &node.simple_string, inputs))
            .or_insert(next);
        if let Some(slot) = classes.get_mut(at) {
            *slot = class;
        }
    }
    classes
}

/// The number in `WholeStageCodegen (3)`.
fn codegen_id(name: &str) -> Option<i64> {
    name.split_once('(')?.1.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::test_plans::{plan, tree};
    use super::*;

    #[test]
    fn clusters_take_an_id_and_no_edges() {
        let graph = PlanGraph::new(plan(tree(
            "AdaptiveSparkPlan",
            [tree(
                "WholeStageCodegen (1)",
                [tree(
                    "Filter",
                    [tree("InputAdapter", [tree("Scan parquet", [])])],
                )],
            )],
        )));
        let shown: Vec<_> = graph
            .nodes
            .iter()
            .map(|n| (n.id, n.name.as_str(), n.whole_stage_codegen_id, n.within))
            .collect();
        assert_eq!(
            shown,
            [
                (0, "AdaptiveSparkPlan", None, None),
                (1, "WholeStageCodegen (1)", None, Some(0)),
                (2, "Filter", Some(1), Some(1)),
                (3, "Scan parquet", None, Some(2))
            ]
        );
        assert_eq!(
            graph.edges,
            [Edge { from: 2, to: 0 }, Edge { from: 3, to: 2 }]
        );
        assert_eq!(graph.inputs(), [vec![2], vec![], vec![3], vec![]]);
    }

    #[test]
    fn a_reused_exchange_is_one_node() {
        let exchange = || tree("Exchange", [tree("Scan", [])]);
        let graph = PlanGraph::new(plan(tree(
            "Join",
            [exchange(), tree("ReusedExchange", [exchange()])],
        )));
        assert_eq!(graph.nodes.len(), 3);
        assert_eq!(
            graph.edges,
            [
                Edge { from: 1, to: 0 },
                Edge { from: 2, to: 1 },
                Edge { from: 1, to: 0 }
            ]
        );
        assert_eq!(graph.nodes[2].within, None, "another stage reads the scan");
    }

    #[test]
    fn exchanges_that_differ_below_are_not_one() {
        let graph = PlanGraph::new(plan(tree(
            "Join",
            [
                tree("Exchange", [tree("Scan a", [])]),
                tree("ReusedExchange", [tree("Exchange", [tree("Scan b", [])])]),
            ],
        )));
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        let expected = [
            "Join",
            "Exchange",
            "Scan a",
            "ReusedExchange",
            "Exchange",
            "Scan b",
        ];
        assert_eq!(names, expected);
    }
}
