//! The one operator of our own: works through the units that its input names.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;

use super::runs::OpenRuns;
use crate::unit::shards::{EngineJob, RunReference};

/// Works through the units at the positions that its input has, one after the other.
pub(super) struct UnitExec {
    input: Arc<dyn ExecutionPlan>,
    run: RunReference,
    /// Who does it; `None` where plans are only passed on.
    runs: Option<Arc<OpenRuns>>,
    properties: Arc<PlanProperties>,
}

impl UnitExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        run: RunReference,
        runs: Option<Arc<OpenRuns>>,
    ) -> Self {
        let partitions = input.properties().output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            run,
            runs,
            properties: Arc::new(properties),
        }
    }

    /// The plan of a job: a partition for each unit.
    pub(super) fn of_job(job: &EngineJob) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = positions_schema();
        let partition = |position: &usize| -> Result<Vec<RecordBatch>> {
            let position = i64::try_from(*position)
                .map_err(|_| exec_datafusion_err!("{position} is no position of a unit"))?;
            let column: ArrayRef = Arc::new(Int64Array::from(vec![position]));
            Ok(vec![RecordBatch::try_new(
                Arc::clone(&schema),
                vec![column],
            )?])
        };
        let partitions: Vec<_> = job.positions.iter().map(partition).collect::<Result<_>>()?;
        let source = MemorySourceConfig::try_new_exec(&partitions, positions_schema(), None)?;
        Ok(Arc::new(Self::new(source, job.run.clone(), None)))
    }

    /// The run whose units it works through.
    pub(super) fn run(&self) -> &RunReference {
        &self.run
    }
}

/// What the input has: positions of units.
fn positions_schema() -> SchemaRef {
    let position = Field::new("position", DataType::Int64, false);
    Arc::new(Schema::new(vec![position]))
}

/// What comes out: how each ended. Nobody reads it but who looks for a fault.
fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("position", DataType::Int64, false),
        Field::new("end", DataType::Utf8, false),
    ]))
}

/// How the units ended whose positions are in `batch`.
async fn ends(runs: Arc<OpenRuns>, run: RunReference, batch: RecordBatch) -> Result<RecordBatch> {
    let positions = batch
        .columns()
        .first()
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| internal_datafusion_err!("the plan names no positions of units"))?;
    let mut ends = Vec::with_capacity(positions.len());
    for position in positions.values() {
        let position = usize::try_from(*position)
            .map_err(|_| internal_datafusion_err!("{position} is no position of a unit"))?;
        ends.push(Arc::clone(&runs).work_on(&run, position).await?);
    }
    let positions: ArrayRef = Arc::new(positions.clone());
    let ends: ArrayRef = Arc::new(StringArray::from(ends));
    Ok(RecordBatch::try_new(schema(), vec![positions, ends])?)
}

impl Debug for UnitExec {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UnitExec")
            .field("input", &self.input)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for UnitExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut Formatter<'_>) -> fmt::Result {
        let RunReference { run_id, phase, .. } = &self.run;
        write!(
            formatter,
            "UnitExec: run={run_id}, phase={}",
            phase.as_str()
        )
    }
}

impl ExecutionPlan for UnitExec {
    fn name(&self) -> &'static str {
        "UnitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// The scheduler gives each task an input that has the task's partitions alone.
    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children).map_err(|children| {
            internal_datafusion_err!("UnitExec has {} inputs", children.len())
        })?;
        Ok(Arc::new(Self::new(
            input,
            self.run.clone(),
            self.runs.clone(),
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(runs) = self.runs.clone() else {
            return Err(internal_datafusion_err!(
                "units are worked through by executors alone"
            ));
        };
        let run = self.run.clone();
        let input = self.input.execute(partition, context)?;
        let ends = input.and_then(move |batch| ends(Arc::clone(&runs), run.clone(), batch));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), ends)))
    }
}
