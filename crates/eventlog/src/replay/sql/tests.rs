//! Plans as a whole: what they cost.

use chrono::DateTime;

use super::test_plans::{Tree, plan, tree};
use super::*;
use crate::rows::{HistoryContext, RowSink, SinkError};

/// Takes everything.
struct Discard;

impl RowSink for Discard {
    fn write(&mut self, _: &'static str, _: arrow::array::RecordBatch) -> Result<(), SinkError> {
        Ok(())
    }
}

fn context() -> HistoryContext {
    HistoryContext {
        platform: "event_log".to_owned(),
        cluster_id: "c".to_owned(),
        cluster_name: "c".to_owned(),
        application_id: "app-1".to_owned(),
        attempt_id: "0".to_owned(),
        start_time: 1,
        job_run: None,
        team: Default::default(),
        batch_id: "b".to_owned(),
        ingested_at: DateTime::UNIX_EPOCH,
    }
}

/// Steps that an execution with this plan costs, from its start to its rows.
fn steps(root: Tree) -> usize {
    let plan = plan(root);
    work::steps_of(|| {
        let mut sql = SqlExecutions::default();
        let mut sink = Discard;
        let mut writer = RowWriter::new(context(), &mut sink);
        sql.on_start(
            SqlExecutionStart {
                execution_id: 1,
                root_execution_id: None,
                description: String::new(),
                physical_plan_description: String::new(),
                spark_plan_info: plan,
                time: 1,
                modified_configs: Vec::new(),
                job_tags: Vec::new(),
                job_group_id: None,
                query_id: None,
            },
            Vec::new(),
            None,
        );
        sql.finish(&ApplicationSettings::default(), &mut writer)
            .unwrap();
    })
}

/// A join of `count` exchanges that all look alike, each used once more.
fn alike(count: i64) -> Tree {
    let exchange = || tree("Exchange", [tree("Scan", [])]);
    tree(
        "Join",
        (0..count).flat_map(|_| [exchange(), tree("ReusedExchange", [exchange()])]),
    )
}

/// Scans of one union, each with metrics of its own.
fn wide(count: i64) -> Tree {
    tree(
        "Union",
        (0..count).map(|id| tree("Scan", []).with_metrics(&[(id, "scan time", "timing")])),
    )
}

/// A query of `count` operators, each below the other.
fn deep(count: i64) -> Tree {
    (0..count).fold(tree("Scan", []), |below, _| {
        tree("ShuffleQueryStage", [tree("Exchange", [below])])
    })
}

#[test]
fn a_plan_of_ten_times_the_operators_costs_ten_times_the_work() {
    for shape in [alike, wide, deep] {
        let (small, large) = (steps(shape(100)), steps(shape(1_000)));
        assert!(small > 100, "{small} steps count something");
        assert!(large < 11 * small, "{small} steps became {large}");
    }
}
