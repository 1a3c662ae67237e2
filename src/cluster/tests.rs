//! Plans on their way: what they carry, what executors refuse, and that messages stay small.

use std::sync::Arc;

use ballista_core::execution_plans::ShuffleWriterExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;

use super::client::{MAX_MESSAGE_BYTES, plan_bytes};
use super::codec::UnitCodec;
use super::engine::is_of_units;
use super::exec::UnitExec;
use crate::unit::shards::{EngineJob, Phase, RunReference};
use crate::unit::{Credentials, LakeReference};

fn job(units: usize) -> EngineJob {
    EngineJob {
        run: RunReference {
            lake: LakeReference {
                uri: "s3://bucket/a/lake".to_owned(),
                credentials: Credentials::default(),
                allow_unsafe_store: false,
            },
            run_id: "019ab2c0-0000-7000-8000-000000000000".to_owned(),
            phase: Phase::Analysis,
            is_tolerant: true,
        },
        positions: (0..units).collect(),
    }
}

fn decoded(bytes: &[u8]) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let context = SessionContext::new().task_ctx();
    let node = PhysicalPlanNode::try_decode(bytes)?;
    node.try_into_physical_plan(&context, &UnitCodec::default())
}

fn written(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let writer = ShuffleWriterExec::try_new("job".to_owned().into(), 1, plan, String::new());
    Arc::new(writer.unwrap())
}

#[test]
fn a_plan_comes_back_as_it_went_with_a_partition_for_each_unit() {
    let job = job(3);
    let plan = decoded(&plan_bytes(&job).unwrap()).unwrap();
    let units = plan.downcast_ref::<UnitExec>().unwrap();
    assert_eq!(units.run(), &job.run);
    assert_eq!(plan.properties().output_partitioning().partition_count(), 3);
    assert!(is_of_units(&written(plan)));
}

#[test]
fn the_largest_job_fits_into_a_message() {
    let bytes = plan_bytes(&job(EngineJob::MAX_UNITS)).unwrap().len();
    // What the scheduler sends on holds the same and some bytes around it.
    assert!(bytes < MAX_MESSAGE_BYTES / 2, "{bytes} bytes");
}

#[test]
fn plans_of_another_version_are_refused_with_both_versions() {
    let bytes = plan_bytes(&job(1)).unwrap();
    let here = format!("\"sparklake\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let other = here.replace(env!("CARGO_PKG_VERSION"), "9.9.9");
    assert_eq!(here.len(), other.len());
    let at = bytes
        .windows(here.len())
        .position(|part| part == here.as_bytes())
        .unwrap();
    let mut changed = bytes.clone();
    changed[at..at + other.len()].copy_from_slice(other.as_bytes());
    let error = decoded(&changed).unwrap_err().to_string();
    assert!(
        error.contains("9.9.9") && error.contains(env!("CARGO_PKG_VERSION")),
        "{error}"
    );
}

#[test]
fn executors_run_no_plan_but_that_of_units() {
    let units = UnitExec::of_job(&job(1)).unwrap();
    // What nothing writes, what wraps no units, and units that are not made of positions in memory.
    assert!(!is_of_units(&units));
    let leaf = Arc::clone(units.children()[0]);
    assert!(!is_of_units(&written(leaf)));
    let nested = UnitExec::new(Arc::clone(&units), job(1).run, None);
    assert!(!is_of_units(&written(Arc::new(nested))));
}
