//! Plans as bytes: our operator beside those of Ballista. Coordinator, scheduler and executors need it.

use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{Result, internal_datafusion_err, plan_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize};

use super::exec::UnitExec;
use super::runs::OpenRuns;
use crate::unit::shards::RunReference;

/// What bytes of our operator begin with.
const MARK: &[u8] = b"sparklake.UnitExec\0";
/// Version of the form of our operator's bytes. Raised with every change of it; others are refused.
const PLAN_VERSION: u32 = 1;

/// Turns plans into bytes and back.
#[derive(Debug, Default)]
pub(super) struct UnitCodec {
    ballista: BallistaPhysicalExtensionCodec,
    runs: Option<Arc<OpenRuns>>,
}

/// The bytes of our operator: who wrote them, and what.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    sparklake: String,
    run: serde_json::Value,
}

impl UnitCodec {
    /// That of an executor: its plans work through units.
    pub(super) fn of_executor(runs: Arc<OpenRuns>) -> Self {
        Self {
            runs: Some(runs),
            ..Self::default()
        }
    }
}

impl PhysicalExtensionCodec for UnitCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(json) = bytes.strip_prefix(MARK) else {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        };
        let [input] = inputs else {
            return Err(internal_datafusion_err!(
                "UnitExec has {} inputs",
                inputs.len()
            ));
        };
        let run = read(json)?;
        let exec = UnitExec::new(Arc::clone(input), run, self.runs.clone());
        Ok(Arc::new(exec))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(units) = node.downcast_ref::<UnitExec>() else {
            return self.ballista.try_encode(node, bytes, converter);
        };
        let written = write(units.run()).map_err(|error| internal_datafusion_err!("{error}"))?;
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&written);
        Ok(())
    }
}

fn write(run: &RunReference) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Written {
        version: PLAN_VERSION,
        sparklake: env!("CARGO_PKG_VERSION").to_owned(),
        run: serde_json::to_value(run)?,
    })
}

fn read(json: &[u8]) -> Result<RunReference> {
    let wrong = |error: serde_json::Error| plan_datafusion_err!("the plan cannot be read: {error}");
    let Written {
        version,
        sparklake,
        run,
    } = serde_json::from_slice(json).map_err(wrong)?;
    if version != PLAN_VERSION || sparklake != env!("CARGO_PKG_VERSION") {
        return Err(plan_datafusion_err!(
            "sparklake {sparklake} wrote the plan in version {version}, and this is sparklake {} with plans of \
             version {PLAN_VERSION}",
            env!("CARGO_PKG_VERSION")
        ));
    }
    RunReference::deserialize(run).map_err(wrong)
}
