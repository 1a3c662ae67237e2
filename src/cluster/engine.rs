//! What an executor runs: plans of units, and no other. Whoever reaches a scheduler can hand it any plan.

use std::sync::Arc;

use ballista_core::JobId;
use ballista_core::execution_plans::ShuffleWriterExec;
use ballista_executor::execution_engine::{
    DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor,
};
use datafusion::common::{Result, plan_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;

use super::exec::UnitExec;

/// Ballista's own engine, for plans of units alone.
#[derive(Default)]
pub(super) struct UnitsOnly(DefaultExecutionEngine);

impl ExecutionEngine for UnitsOnly {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        global_output_partition_ids: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        if !is_of_units(&plan) {
            return plan_err!(
                "the plan was not made by `sparklake run`, and these executors run no other plan"
            );
        }
        self.0.create_query_stage_exec(
            job_id,
            stage_id,
            task_id,
            global_output_partition_ids,
            plan,
            work_dir,
            config,
        )
    }
}

/// Whether a plan writes what our operator makes of positions in memory. Ballista splits that leaf between
/// tasks.
pub(super) fn is_of_units(stage: &Arc<dyn ExecutionPlan>) -> bool {
    let only_child = |plan: &Arc<dyn ExecutionPlan>| match plan.children().as_slice() {
        [child] => Some(Arc::clone(child)),
        _ => None,
    };
    let units = match stage.downcast_ref::<ShuffleWriterExec>() {
        Some(_) => only_child(stage),
        None => None,
    };
    let units = units.filter(|plan| plan.downcast_ref::<UnitExec>().is_some());
    let leaf = units.and_then(|plan| only_child(&plan));
    leaf.is_some_and(|leaf| {
        let source = leaf.downcast_ref::<DataSourceExec>();
        source.is_some_and(|source| {
            source
                .data_source()
                .downcast_ref::<MemorySourceConfig>()
                .is_some()
        })
    })
}
