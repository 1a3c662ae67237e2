//! Plans for tests.

use crate::event::{PhysicalPlan, PlanMetric, PlanNode};

/// An operator and its inputs.
pub(super) struct Tree {
    node: PlanNode,
    inputs: Vec<Tree>,
}

pub(super) fn tree(name: &str, inputs: impl IntoIterator<Item = Tree>) -> Tree {
    Tree {
        node: PlanNode {
            name: name.to_owned(),
            simple_string: name.to_owned(),
            ..PlanNode::default()
        },
        inputs: inputs.into_iter().collect(),
    }
}

impl Tree {
    /// Metrics as `(accumulator, name, type)`.
    pub(super) fn with_metrics(mut self, metrics: &[(i64, &str, &str)]) -> Self {
        let metrics = metrics.iter().map(|(id, name, kind)| PlanMetric {
            name: (*name).into(),
            accumulator_id: *id,
            metric_type: (*kind).into(),
        });
        self.node.metrics.extend(metrics);
        self
    }

    pub(super) fn with_text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.node.simple_string);
        self
    }

    fn list(self, nodes: &mut Vec<PlanNode>) {
        let at = nodes.len();
        nodes.push(self.node);
        self.inputs.into_iter().for_each(|input| input.list(nodes));
        nodes[at].end = nodes.len();
    }
}

pub(super) fn plan(tree: Tree) -> PhysicalPlan {
    let mut plan = PhysicalPlan::default();
    tree.list(&mut plan.nodes);
    plan
}
