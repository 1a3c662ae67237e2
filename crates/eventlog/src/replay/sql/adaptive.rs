//! What adaptive query execution made of a plan: the first against the last.

use std::collections::BTreeMap;

use crate::plan::OperatorKind;
use crate::rows::{PlanChange, SqlPlanChangeRow};

use super::execution::Execution;
use super::plan_graph::{GraphNode, PlanGraph};
use super::work;

/// What is remembered of the first plan.
#[derive(Debug, Default)]
pub(super) struct FirstPlan {
    /// Operators of its joins, by what they join.
    joins: BTreeMap<String, Vec<String>>,
    empty_relations: usize,
}

impl FirstPlan {
    pub(super) fn new(graph: &PlanGraph) -> Self {
        let mut first = Self::default();
        for node in &graph.nodes {
            work::count(1);
            if OperatorKind::of(&node.name) == OperatorKind::Join {
                let alike = first.joins.entry(join_condition(node)).or_default();
                alike.push(join_operator(node).to_owned());
            }
            first.empty_relations += usize::from(is_empty_relation(node));
        }
        first
    }
}

/// Whether the plan is re-optimized while it runs.
pub(super) fn is_adaptive(graph: &PlanGraph) -> bool {
    graph
        .nodes
        .iter()
        .any(|node| node.name.trim().ends_with("AdaptiveSparkPlan"))
}

/// The changes that the last plan of `execution` shows, in order of their nodes. `inputs` are the
/// nodes that feed each node.
pub(super) fn plan_changes(execution: &Execution, inputs: &[Vec<i64>]) -> Vec<SqlPlanChangeRow> {
    let mut changes = Changes {
        execution,
        rows: Vec::new(),
    };
    let mut joins = execution.first_plan.joins.clone();
    let mut empty_relations = execution.first_plan.empty_relations;
    for (node, inputs) in execution.graph.nodes.iter().zip(inputs) {
        work::count(1);
        changes.shuffle_read(node, inputs);
        if OperatorKind::of(&node.name) == OperatorKind::Join {
            changes.join(node, &mut joins);
        }
        if is_empty_relation(node) {
            match empty_relations.checked_sub(1) {
                Some(left) => empty_relations = left,
                None => changes.add(node, PlanChange::EmptyRelation, |_| {}),
            }
        }
    }
    changes.rows
}

struct Changes<'e> {
    execution: &'e Execution,
    rows: Vec<SqlPlanChangeRow>,
}

impl Changes<'_> {
    /// A read of a shuffle in other pieces than it was written in.
    fn shuffle_read(&mut self, node: &GraphNode, inputs: &[i64]) {
        let name = node.name.trim();
        if !(name.ends_with("AQEShuffleRead") || name.ends_with("CustomShuffleReader")) {
            return;
        }
        let execution = self.execution;
        let arguments = node.description.trim_start_matches(name);
        let total = |node: &GraphNode, names: &[&str]| execution.total_of(node, names);
        let written = inputs
            .first()
            .and_then(|input| execution.graph.nodes.get(usize::try_from(*input).ok()?))
            .and_then(|exchange| total(exchange, &["number of partitions", "partitions"]));
        let read = total(node, &["number of partitions", "partitions"]);
        let with_partitions = |row: &mut SqlPlanChangeRow| {
            row.partitions_before = written;
            row.partitions_after = read;
        };
        if arguments.contains("coalesced") {
            self.add(node, PlanChange::PartitionsCoalesced, with_partitions);
        }
        if arguments.contains("skewed") {
            self.add(node, PlanChange::SkewedPartitionsSplit, |row| {
                with_partitions(row);
                row.skewed_partitions = total(node, &["number of skewed partitions"]);
                row.skewed_splits = total(node, &["number of skewed partition splits"]);
            });
        }
        if arguments.contains("local") {
            self.add(node, PlanChange::LocalShuffleRead, with_partitions);
        }
    }

    /// A join that is another operator than it was, or splits skewed partitions.
    fn join(&mut self, node: &GraphNode, first: &mut BTreeMap<String, Vec<String>>) {
        let operator = join_operator(node);
        if node.name.contains("skew=true") || node.description.contains("skew=true") {
            self.add(node, PlanChange::SkewJoin, |row| {
                row.operator_after = Some(operator.to_owned());
            });
        }
        let Some(alike) = first.get_mut(&join_condition(node)) else {
            return;
        };
        // Of several alike, one that stayed is this one rather than one that changed.
        let same = alike.iter().position(|before| before == operator);
        let Some(at) = same.or_else(|| alike.len().checked_sub(1)) else {
            return;
        };
        let before = alike.swap_remove(at);
        if before != operator {
            self.add(node, PlanChange::JoinStrategy, |row| {
                row.operator_before = Some(before);
                row.operator_after = Some(operator.to_owned());
            });
        }
    }

    fn add(
        &mut self,
        node: &GraphNode,
        change: PlanChange,
        fill: impl FnOnce(&mut SqlPlanChangeRow),
    ) {
        let mut row = SqlPlanChangeRow {
            sql_id: self.execution.sql_id,
            change_id: i64::try_from(self.rows.len()).unwrap_or(i64::MAX),
            change,
            node_id: node.id,
            description: node.description.clone(),
            operator_before: None,
            operator_after: None,
            partitions_before: None,
            partitions_after: None,
            skewed_partitions: None,
            skewed_splits: None,
        };
        fill(&mut row);
        self.rows.push(row);
    }
}

/// The join without what only this operator says: its keys and its type, and no build side.
fn join_condition(node: &GraphNode) -> String {
    let arguments = node
        .description
        .split_once(' ')
        .map_or("", |(_, arguments)| arguments);
    let end = arguments
        .find(", BuildLeft")
        .or_else(|| arguments.find(", BuildRight"));
    arguments
        .get(..end.unwrap_or(arguments.len()))
        .unwrap_or(arguments)
        .to_owned()
}

/// `SortMergeJoin(skew=true)` is a `SortMergeJoin`.
fn join_operator(node: &GraphNode) -> &str {
    let name = node.name.trim();
    name.split(['(', ' ']).next().unwrap_or(name)
}

/// What is left of operators that turned out to have no rows.
fn is_empty_relation(node: &GraphNode) -> bool {
    let name = node.name.trim();
    name == "EmptyRelation"
        || (name == "LocalTableScan" && node.description.starts_with("LocalTableScan <empty>"))
}

#[cfg(test)]
mod tests {
    use super::super::test_plans::{Tree, plan, tree};
    use super::*;

    fn described(text: &str, inputs: impl IntoIterator<Item = Tree>) -> Tree {
        let name = text.split(' ').next().unwrap_or(text);
        tree(name, inputs).with_text(text)
    }

    /// What became of `first`: change, node, and operators.
    fn changes(first: Tree, last: Tree) -> Vec<(PlanChange, i64, Option<String>, Option<String>)> {
        let mut execution = Execution::default();
        execution.set_plan(plan(first));
        execution.set_plan(plan(last));
        let inputs = execution.graph.inputs();
        plan_changes(&execution, &inputs)
            .into_iter()
            .map(|row| {
                (
                    row.change,
                    row.node_id,
                    row.operator_before,
                    row.operator_after,
                )
            })
            .collect()
    }

    #[test]
    fn a_join_that_is_promoted_is_told_from_one_that_stays() {
        let sort_merge =
            |key: &str| described(&format!("SortMergeJoin [{key}], [{key}], Inner"), []);
        let first = tree(
            "AdaptiveSparkPlan",
            [tree(
                "Union",
                [sort_merge("a"), sort_merge("b"), sort_merge("a")],
            )],
        );
        let last = tree(
            "AdaptiveSparkPlan",
            [tree(
                "Union",
                [
                    sort_merge("a"),
                    sort_merge("b"),
                    described("BroadcastHashJoin [a], [a], Inner, BuildRight, false", []),
                ],
            )],
        );
        let promoted = (
            PlanChange::JoinStrategy,
            4,
            Some("SortMergeJoin".to_owned()),
            Some("BroadcastHashJoin".to_owned()),
        );
        assert_eq!(changes(first, last), [promoted]);
    }

    #[test]
    fn reads_of_shuffles_say_how_they_changed() {
        let exchange = || tree("Exchange", []);
        let first = tree("AdaptiveSparkPlan", [exchange()]);
        let last = tree(
            "AdaptiveSparkPlan",
            [
                described("AQEShuffleRead coalesced and skewed", [exchange()]),
                described("AQEShuffleRead local", [exchange()]),
                described("SortMergeJoin(skew=true) [a], [a], Inner", []),
                tree("EmptyRelation", []),
            ],
        );
        let kinds: Vec<PlanChange> = changes(first, last)
            .into_iter()
            .map(|(change, ..)| change)
            .collect();
        let expected = [
            PlanChange::PartitionsCoalesced,
            PlanChange::SkewedPartitionsSplit,
            PlanChange::LocalShuffleRead,
            PlanChange::SkewJoin,
            PlanChange::EmptyRelation,
        ];
        assert_eq!(kinds, expected);
    }
}
