//! What a node of a plan computes together with everything below it, as a number that is equal wherever the
//! same is computed: in another query, and in the same one.
//!
//! The number knows tables, filters, joins, grouping keys, windows and functions, and what the columns stand for
//! that these name. It does not know how they are computed, for that differs between a query that counts and one
//! that writes the same rows: the numbers of expressions, the columns that are carried, what the topmost aggregate
//! computes for its groups, sorts, exchanges, code generation, and whether a join is done by sorting, by hashing or
//! by a broadcast.

use std::hash::Hasher;

use hashbrown::HashMap;
use twox_hash::XxHash64;

use super::access::TableAccess;
use super::operator::{OperatorKind, base_name};
use super::text::{arguments, bracketed};

/// A node of a plan. Its id is its place in the list that it is given in.
#[derive(Debug, Clone, Copy)]
pub struct SubtreeNode<'n> {
    pub name: &'n str,
    /// The plan's `simpleString`; without it nothing is known but the name.
    pub description: Option<&'n str>,
    /// Places of the nodes that feed it.
    pub children: &'n [i64],
}

/// A node with everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// Equal where the same is computed. None where something below it cannot be told from other data: an RDD,
    /// rows of the driver, a source without a name.
    pub work_hash: Option<i64>,
    /// Largest id among the node and those below it. Plans are numbered depth first, so these are all ids from
    /// the node's own to this one; an exchange that is used a second time stands where it was first used.
    pub last_node_id: i64,
}

/// The subtree of each of `nodes`, in their order. Linear in the nodes and their texts, however deep the plan is.
#[must_use]
pub fn subtrees(nodes: &[SubtreeNode<'_>]) -> Vec<Subtree> {
    let columns = Columns::of(nodes);
    let mut works: Vec<Progress> = vec![Progress::New; nodes.len()];
    for root in 0..nodes.len() {
        let mut open = vec![root];
        while let Some(&at) = open.last() {
            let (Some(node), Some(progress)) = (nodes.get(at), works.get_mut(at)) else {
                open.pop();
                continue;
            };
            match progress {
                Progress::New => {
                    *progress = Progress::Open;
                    let is_new = |child: &usize| matches!(works.get(*child), Some(Progress::New));
                    open.extend(places(node).filter(is_new));
                }
                Progress::Open => {
                    let work = Work::of(node, &works, &columns);
                    if let Some(progress) = works.get_mut(at) {
                        *progress = Progress::Done(work);
                    }
                    open.pop();
                }
                Progress::Done(_) => {
                    open.pop();
                }
            }
        }
    }
    let mut last: Vec<i64> = (0..).take(nodes.len()).collect();
    for (at, node) in nodes.iter().enumerate().rev() {
        let below = places(node).filter(|child| *child > at);
        let most = below.filter_map(|child| last.get(child).copied()).max();
        if let (Some(slot), Some(most)) = (last.get_mut(at), most) {
            *slot = most.max(*slot);
        }
    }
    let hash = |progress: &Progress| match progress {
        Progress::Done(Some(work)) => Some(work.hash.cast_signed()),
        _ => None,
    };
    let works = works.iter().map(hash);
    works
        .zip(last)
        .map(|(work_hash, last_node_id)| Subtree {
            work_hash,
            last_node_id,
        })
        .collect()
}

fn places(node: &SubtreeNode<'_>) -> impl Iterator<Item = usize> {
    let children = node.children.iter();
    children.filter_map(|child| usize::try_from(*child).ok())
}

#[derive(Debug, Clone, Copy)]
enum Progress {
    New,
    /// Its children are worked on. One that is met again in this state is its own input, which no plan has: it
    /// is not known.
    Open,
    Done(Option<Work>),
}

/// What a subtree computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    /// Without the functions of the topmost aggregate.
    hash: u64,
    /// With them, for what is above and may use their values.
    exact: u64,
    /// What its topmost operator that computes something does.
    top: u64,
}

impl Work {
    fn of(node: &SubtreeNode<'_>, works: &[Progress], columns: &Columns<'_>) -> Option<Self> {
        let inputs: Vec<Self> = places(node)
            .map(|child| match works.get(child) {
                Some(Progress::Done(work)) => *work,
                _ => None,
            })
            .collect::<Option<_>>()?;
        match (Step::of(node, columns)?, inputs.as_slice()) {
            (Step::Carry | Step::Compute { .. }, []) => None,
            (Step::Carry, [input]) => Some(*input),
            (Step::Carry, inputs) => Some(Self::combined(0, 0, inputs)),
            // An aggregate is computed in two steps: one in front of the exchange, one behind it.
            (Step::Compute { top, .. }, [input]) if input.top == top => Some(*input),
            (Step::Compute { top, exact }, inputs) => Some(Self::combined(top, exact, inputs)),
            (Step::Source(data), inputs) => Some(Self::combined(data, data, inputs)),
        }
    }

    fn combined(top: u64, exact: u64, inputs: &[Self]) -> Self {
        let over_inputs = |step: u64| {
            let mut hasher = XxHash64::default();
            hasher.write(&step.to_le_bytes());
            for input in inputs {
                hasher.write(&input.exact.to_le_bytes());
            }
            hasher.finish()
        };
        Self {
            hash: over_inputs(top),
            exact: over_inputs(exact),
            top,
        }
    }
}

/// What a node adds to what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing: it moves, sorts or narrows rows.
    Carry,
    /// Something that these numbers stand for, out of its inputs. An aggregate has its keys as `top`, and its
    /// functions too as `exact`.
    Compute { top: u64, exact: u64 },
    /// Rows from outside that this number stands for.
    Source(u64),
}

impl Step {
    /// None where it cannot be told from another.
    fn of(node: &SubtreeNode<'_>, columns: &Columns<'_>) -> Option<Self> {
        let base = base_name(node.name);
        let text = node.description.unwrap_or_default();
        let compute = |number: u64| Self::Compute {
            top: number,
            exact: number,
        };
        match OperatorKind::of(node.name) {
            // A list that was cut off may define any column.
            OperatorKind::Project if text.contains(CUT_OFF) => {
                columns.number(base, &[text]).map(compute)
            }
            OperatorKind::Project
            | OperatorKind::Exchange
            | OperatorKind::Broadcast
            | OperatorKind::Subquery => Some(Self::Carry),
            OperatorKind::Sort if base != "TakeOrderedAndProject" && base != "TopK" => {
                Some(Self::Carry)
            }
            OperatorKind::Other if is_wrapper(base) => Some(Self::Carry),
            OperatorKind::Scan => source(node.name, text, columns).map(Self::Source),
            // What it holds is below it in the plan, or nobody knows it.
            OperatorKind::Cache => columns.number("cache", &[]).map(compute),
            OperatorKind::Other if base == "Range" => {
                columns.number(base, &[text]).map(Self::Source)
            }
            OperatorKind::Write => None,
            _ if text.is_empty() => None,
            OperatorKind::Join => join(text, columns).map(compute),
            OperatorKind::Aggregate => {
                // `HashAggregate(keys=[a#1], …` and `SortAggregate(key=[a#1], …`.
                let mut marks = ["keys=", "key="].into_iter();
                let keys = marks.find_map(|mark| bracketed(text.split_once(mark)?.1, '['));
                let (keys, functions) = keys.unwrap_or((text, ""));
                Some(Self::Compute {
                    top: columns.number("aggregate", &[keys])?,
                    exact: columns.number("aggregate", &[keys, functions])?,
                })
            }
            _ => columns.number(base, &[text]).map(compute),
        }
    }
}

/// What Spark writes at the end of a list that is too long.
const CUT_OFF: &str = " more fields";

/// Functions without a name of their own: two of them look alike.
const NAMELESS: [&str; 2] = ["<lambda>", "UDF("];

/// What projections make of columns: number of a column → number of its expression, None where a function in it
/// has no name.
#[derive(Debug, Default)]
struct Columns<'n> {
    expressions: HashMap<&'n str, Option<u64>>,
}

impl<'n> Columns<'n> {
    fn of(nodes: &[SubtreeNode<'n>]) -> Self {
        let mut columns = Self::default();
        // What is below has larger ids, and is used above.
        for node in nodes.iter().rev() {
            if OperatorKind::of(node.name) == OperatorKind::Project {
                columns.take_projection(node.description.unwrap_or_default());
            }
        }
        columns
    }

    /// Takes what `Project [a#1, (b#2 % 10) AS c#3L]` computes: `c`.
    fn take_projection(&mut self, text: &'n str) {
        let Some((list, _)) = bracketed(text, '[') else {
            return;
        };
        for part in arguments(list) {
            let Some((expression, name)) = part.rsplit_once(" AS ") else {
                continue;
            };
            let Some((_, number)) = name.rsplit_once('#') else {
                continue;
            };
            let number = number.trim_end_matches('L');
            let expression = self.number("", &[expression]);
            self.expressions.insert(number, expression);
        }
    }

    /// A number for what operators and expressions say, without the numbers of columns but with what these stand
    /// for. None where that cannot be told.
    fn number(&self, kind: &str, texts: &[&str]) -> Option<u64> {
        const END: &[u8] = &[0xff];
        let mut hasher = XxHash64::default();
        hasher.write(kind.as_bytes());
        for text in texts {
            if NAMELESS.iter().any(|function| text.contains(function)) {
                return None;
            }
            hasher.write(END);
            let mut parts = text.split('#');
            hasher.write(parts.next().unwrap_or_default().as_bytes());
            for part in parts {
                let rest = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
                let column = part.get(..part.len() - rest.len()).unwrap_or_default();
                if let Some(expression) = self.expressions.get(column) {
                    hasher.write(&(*expression)?.to_le_bytes());
                }
                let rest = match rest.strip_prefix('L') {
                    Some(behind) if !column.is_empty() => behind,
                    _ => rest,
                };
                hasher.write(rest.as_bytes());
            }
        }
        Some(hasher.finish())
    }
}

/// Whether an operator only holds or converts what others compute.
fn is_wrapper(base: &str) -> bool {
    const WRAPPERS: [&str; 8] = [
        "AQEShuffleRead",
        "AdaptiveSparkPlan",
        "CustomShuffleReader",
        "InputAdapter",
        "InputIteratorTransformer",
        "ResultStage",
        "ReusedExchange",
        "ShuffleMapStage",
    ];
    base.starts_with("WholeStageCodegen")
        || base.contains("ToRow")
        || base.contains("ToColumnar")
        || WRAPPERS.contains(&base)
}

/// The data that a scan reads, whatever columns it reads of them.
fn source(name: &str, text: &str, columns: &Columns<'_>) -> Option<u64> {
    let access = TableAccess::of(name, text, &[])?;
    if matches!(access.format.as_deref(), Some("rdd" | "local")) {
        return None;
    }
    let table = access.table_name.or(access.location)?;
    let paths = access.num_locations.unwrap_or_default().to_string();
    let filters = [access.partition_filters, access.pushed_filters].map(Option::unwrap_or_default);
    let [partitions, pushed] = &filters;
    columns.number("scan", &[&table, &paths, partitions, pushed])
}

/// Type, keys and condition of a join, in whatever way it is done.
fn join(text: &str, columns: &Columns<'_>) -> Option<u64> {
    // `SortMergeJoin(skew=true) [a#1], [b#2], Inner`.
    let told = text.split_once(' ').map_or("", |(_, told)| told);
    let is_way = |part: &str| matches!(part, "BuildLeft" | "BuildRight" | "true" | "false");
    let told: Vec<&str> = arguments(told)
        .into_iter()
        .filter(|part| !is_way(part))
        .collect();
    columns.number("join", &told)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(nodes: &[(&str, &str, &[i64])]) -> Vec<Subtree> {
        let nodes: Vec<SubtreeNode<'_>> = nodes
            .iter()
            .map(|(name, text, children)| SubtreeNode {
                name,
                description: Some(text),
                children,
            })
            .collect();
        subtrees(&nodes)
    }

    const SALES: (&str, &str, &[i64]) = (
        "Scan parquet ",
        "FileScan parquet [id#1L,item#2] Batched: true, DataFilters: [isnotnull(id#1L)], Format: Parquet, Location: InMemoryFileIndex(1 paths)[file:/sales], PartitionFilters: [], PushedFilters: [IsNotNull(id)], ReadSchema: struct<id:bigint,item:string>",
        &[],
    );
    /// The same for a count: fewer columns, other numbers.
    const SALES_COUNTED: (&str, &str, &[i64]) = (
        "Scan parquet ",
        "FileScan parquet [id#71L] Batched: true, DataFilters: [isnotnull(id#71L)], Format: Parquet, Location: InMemoryFileIndex(1 paths)[file:/sales], PartitionFilters: [], PushedFilters: [IsNotNull(id)], ReadSchema: struct<id:bigint>",
        &[],
    );
    const ITEMS: (&str, &str, &[i64]) = (
        "Scan csv ",
        "FileScan csv [id#5L] Batched: false, Format: CSV, Location: InMemoryFileIndex(1 paths)[file:/items], PartitionFilters: [], PushedFilters: [], ReadSchema: struct<id:bigint>",
        &[],
    );

    #[test]
    fn a_join_is_the_same_however_it_is_done_and_whatever_columns_it_carries() {
        let sorted = of(&[
            ("Project", "Project [item#2]", &[1]),
            (
                "SortMergeJoin",
                "SortMergeJoin [id#1L], [id#5L], Inner",
                &[2, 5],
            ),
            ("Sort", "Sort [id#1L ASC NULLS FIRST], false, 0", &[3]),
            (
                "Exchange",
                "Exchange hashpartitioning(id#1L, 200), ENSURE_REQUIREMENTS, [plan_id=7]",
                &[4],
            ),
            SALES,
            (
                "Exchange",
                "Exchange hashpartitioning(id#5L, 200), ENSURE_REQUIREMENTS, [plan_id=8]",
                &[6],
            ),
            ITEMS,
        ]);
        let broadcast = of(&[
            (
                "HashAggregate",
                "HashAggregate(keys=[], functions=[count(1)])",
                &[1],
            ),
            (
                "BroadcastHashJoin",
                "BroadcastHashJoin [id#71L], [id#5L], Inner, BuildRight, false",
                &[2, 3],
            ),
            SALES_COUNTED,
            (
                "BroadcastExchange",
                "BroadcastExchange HashedRelationBroadcastMode(List(input[0]))",
                &[4],
            ),
            ITEMS,
        ]);
        assert!(sorted[1].work_hash.is_some());
        assert_eq!(sorted[1].work_hash, broadcast[1].work_hash);
        assert_eq!(sorted[0].work_hash, sorted[1].work_hash);
        assert_ne!(broadcast[0].work_hash, broadcast[1].work_hash);
        let last: Vec<i64> = sorted.iter().map(|subtree| subtree.last_node_id).collect();
        assert_eq!(last, [6, 6, 4, 4, 4, 6, 6]);
    }

    #[test]
    fn other_types_filters_keys_and_tables_are_other_work() {
        let filtered = |text: &'static str| {
            let subtrees = of(&[("Filter", text, &[1]), SALES]);
            subtrees[0].work_hash
        };
        assert_eq!(
            filtered("Filter (id#1L > 5)"),
            filtered("Filter (id#99L > 5)")
        );
        assert_ne!(
            filtered("Filter (id#1L > 5)"),
            filtered("Filter (id#1L > 6)")
        );
        let joined = |text: &'static str| {
            let subtrees = of(&[("SortMergeJoin", text, &[1, 2]), SALES, ITEMS]);
            subtrees[0].work_hash
        };
        assert_ne!(
            joined("SortMergeJoin [id#1L], [id#5L], Inner"),
            joined("SortMergeJoin [id#1L], [id#5L], LeftOuter")
        );
        let grouped = |text: &'static str| {
            let subtrees = of(&[("HashAggregate", text, &[1]), SALES]);
            subtrees[0].work_hash
        };
        assert_eq!(
            grouped("HashAggregate(keys=[item#2], functions=[count(1)])"),
            grouped("HashAggregate(keys=[item#7], functions=[sum(id#1L)])")
        );
        assert_eq!(
            grouped("HashAggregate(keys=[item#2], functions=[count(1)])"),
            grouped("SortAggregate(key=[item#9], functions=[max(ref#3)])")
        );
        assert_ne!(
            grouped("HashAggregate(keys=[item#2], functions=[count(1)])"),
            grouped("HashAggregate(keys=[item#2, id#1L], functions=[count(1)])")
        );
        assert_ne!(of(&[SALES])[0].work_hash, of(&[ITEMS])[0].work_hash);
    }

    #[test]
    fn a_column_is_what_its_expression_computes() {
        let grouped = |project: &'static str, keys: &'static str| {
            let subtrees = of(&[
                ("HashAggregate", keys, &[1]),
                ("Project", project, &[2]),
                SALES,
            ]);
            subtrees[0].work_hash
        };
        let by_ten = grouped(
            "Project [(id#1L % 10) AS bucket#8L, item#2]",
            "HashAggregate(keys=[bucket#8L], functions=[count(1)])",
        );
        let by_ten_again = grouped(
            "Project [(id#71L % 10) AS bucket#99L]",
            "HashAggregate(keys=[bucket#99L], functions=[count(1)])",
        );
        let by_hundred = grouped(
            "Project [(id#1L % 100) AS bucket#8L, item#2]",
            "HashAggregate(keys=[bucket#8L], functions=[count(1)])",
        );
        assert!(by_ten.is_some());
        assert_eq!(by_ten, by_ten_again);
        assert_ne!(by_ten, by_hundred);
        // Two functions that are both called so look alike.
        let nameless = grouped(
            "Project [UDF(id#1L) AS bucket#8L]",
            "HashAggregate(keys=[bucket#8L], functions=[count(1)])",
        );
        assert_eq!(nameless, None);
        // Behind the cut another column may be computed.
        let cut = grouped(
            "Project [item#2, ... 30 more fields]",
            "HashAggregate(keys=[bucket#8L], functions=[count(1)])",
        );
        let cut_elsewhere = grouped(
            "Project [id#1L, ... 30 more fields]",
            "HashAggregate(keys=[bucket#8L], functions=[count(1)])",
        );
        assert_ne!(cut, cut_elsewhere);
    }

    #[test]
    fn what_an_aggregate_computes_counts_for_what_is_above_it() {
        let filtered = |functions: &'static str| {
            let subtrees = of(&[
                ("Filter", "Filter (total#4 > 10)", &[1]),
                ("HashAggregate", functions, &[2]),
                SALES,
            ]);
            [subtrees[0].work_hash, subtrees[1].work_hash]
        };
        let [over_sum, sum] = filtered("HashAggregate(keys=[item#2], functions=[sum(price#7)])");
        let [over_max, max] = filtered("HashAggregate(keys=[item#2], functions=[max(price#7)])");
        assert_eq!(sum, max);
        assert_ne!(over_sum, over_max);
    }

    #[test]
    fn both_steps_of_an_aggregate_are_one() {
        let subtrees = of(&[
            (
                "HashAggregate",
                "HashAggregate(keys=[item#2], functions=[count(1)])",
                &[1],
            ),
            ("Exchange", "Exchange hashpartitioning(item#2, 200)", &[2]),
            (
                "HashAggregate",
                "HashAggregate(keys=[item#2], functions=[partial_count(1)])",
                &[3],
            ),
            SALES,
        ]);
        assert_eq!(subtrees[0].work_hash, subtrees[2].work_hash);
    }

    #[test]
    fn what_nobody_can_tell_from_other_data_has_no_number() {
        for leaf in [
            ("Scan ExistingRDD", "Scan ExistingRDD[id#1L]", &[] as &[i64]),
            ("LocalTableScan", "LocalTableScan [id#1L]", &[]),
            ("Filter", "Filter (id#1L > 5)", &[]),
        ] {
            let subtrees = of(&[("Project", "Project [id#1L]", &[1]), leaf]);
            assert_eq!(subtrees[0].work_hash, None, "{leaf:?}");
        }
    }

    #[test]
    fn a_reused_exchange_is_followed_and_a_circle_is_not() {
        let subtrees = of(&[
            (
                "SortMergeJoin",
                "SortMergeJoin [id#1L], [id#5L], Inner",
                &[1, 3],
            ),
            ("Exchange", "Exchange hashpartitioning(id#1L, 200)", &[2]),
            SALES,
            ("Filter", "Filter (id#1L > 5)", &[1]),
        ]);
        assert!(subtrees[0].work_hash.is_some());
        assert_eq!(subtrees[3].last_node_id, 3);
        let circle = of(&[
            ("Filter", "Filter a", &[1]),
            ("Filter", "Filter b", &[0, 7, -1]),
        ]);
        assert!(circle.iter().all(|subtree| subtree.work_hash.is_none()));
    }

    proptest! {
        #[test]
        fn any_graph_has_its_subtrees(
            nodes in prop::collection::vec((".{0,20}", ".{0,40}", prop::collection::vec(-2_i64..12, 0..4)), 0..10)
        ) {
            let nodes: Vec<SubtreeNode<'_>> = nodes
                .iter()
                .map(|(name, text, children)| SubtreeNode { name, description: Some(text), children })
                .collect();
            let subtrees = subtrees(&nodes);
            prop_assert_eq!(subtrees.len(), nodes.len());
            for (at, subtree) in (0..).zip(&subtrees) {
                prop_assert!(subtree.last_node_id >= at && subtree.last_node_id < 10);
            }
        }
    }
}
