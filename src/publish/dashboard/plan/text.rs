//! The first plan of an adaptive query, read from the text of its plan.
//!
//! Spark prints a plan as a tree, a line a node, children below their parent and three columns further
//! to the right:
//!
//! ```text
//! AdaptiveSparkPlan (23)
//! +- == Final Plan ==
//!    ResultQueryStage (6), Statistics(sizeInBytes=8.0 EiB)
//! +- == Initial Plan ==
//!    HashAggregate (22)
//!    +- SortMergeJoin Inner (18)
//!       :- Sort (11)
//!       +- Sort (17)
//! ```

/// Heading of the plan that adaptive execution began with.
const INITIAL: &str = "== Initial Plan ==";
/// Most nodes that are read.
const MAX_NODES: usize = 2_000;

/// A node of a plan that was read from text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TextNode {
    /// Its place in the text, from 0.
    pub(super) id: i64,
    /// Its operator, without Spark's number and mark of generated code.
    pub(super) name: String,
    /// The rest of its line.
    pub(super) arguments: String,
    /// The nodes that feed it.
    pub(super) children: Vec<i64>,
}

/// The nodes of the initial plan; empty where the text has none.
pub(super) fn initial(text: &str) -> Vec<TextNode> {
    let Some((_, below)) = text.split_once(INITIAL) else {
        return Vec::new();
    };
    let mut nodes: Vec<TextNode> = Vec::new();
    // The nodes that the next line can belong to, with the column of each.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for line in below.lines().skip(1).take(MAX_NODES) {
        let name_at = line.find(|letter: char| !" :+-|".contains(letter));
        let Some(column) = name_at.filter(|column| *column > 0) else {
            break;
        };
        let text = line.get(column..).unwrap_or_default().trim();
        if text.starts_with("==") {
            break;
        }
        while open.last().is_some_and(|(_, last)| *last >= column) {
            open.pop();
        }
        let id = nodes.len();
        if let Some(parent) = open.last().and_then(|(parent, _)| nodes.get_mut(*parent)) {
            parent.children.push(id as i64);
        }
        let (name, arguments) = operator(text);
        nodes.push(TextNode {
            id: id as i64,
            name,
            arguments,
            children: Vec::new(),
        });
        open.push((id, column));
    }
    nodes
}

/// `* HashAggregate (22)`, `*(2) Project [id#1]`, `SortMergeJoin Inner (18)`: the operator and the rest.
fn operator(text: &str) -> (String, String) {
    let text = match text.strip_prefix('*') {
        None => text,
        Some(rest) => match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((_, rest)) => rest.trim_start(),
            None => rest.trim_start(),
        },
    };
    // Arguments begin with a bracket; the number of the formatted plan is one of digits.
    let end = text.find(['[', '(']).unwrap_or(text.len());
    let (name, arguments) = text.split_at(end);
    (name.trim().to_owned(), arguments.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_plan_is_the_tree_below_its_heading() {
        let text = "== Physical Plan ==\nAdaptiveSparkPlan (25)\n+- == Final Plan ==\n   * HashAggregate (5)\n\
                    +- == Initial Plan ==\n   HashAggregate (22)\n   +- SortMergeJoin Inner (18)\n      :- Sort (11)\n      \
                    :  +- Exchange (10)\n      +- *(2) Project [id#1L AS x#2]\n\n\n(1) Range [codegen id : 3]\nOutput: []\n";
        let nodes = initial(text);
        let told: Vec<(&str, &[i64])> = nodes
            .iter()
            .map(|node| (node.name.as_str(), node.children.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("HashAggregate", &[1][..]),
                ("SortMergeJoin Inner", &[2, 4]),
                ("Sort", &[3]),
                ("Exchange", &[]),
                ("Project", &[]),
            ]
        );
        assert_eq!(nodes[4].arguments, "[id#1L AS x#2]");
        assert_eq!(initial("== Physical Plan ==\nProject\n"), []);
        assert_eq!(initial("== Initial Plan =="), []);
    }
}
