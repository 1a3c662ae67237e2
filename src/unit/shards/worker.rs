//! The worker's side: works through a shard of a run that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::{StreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use super::super::collect::{StagedResult, UnitOrder};
use super::super::error::UnitError;
use super::super::execute::{AnyOrder, execute, execute_analysis, execute_groups};
use super::super::memory::{UnitShare, memory_for_units};
use super::super::order::LakeReference;
use super::engine::RunReference;
use super::manifest::{Manifest, Phase};
use super::objects::ShardObjects;
use super::report::{REPORT_VERSION, Report};
use super::shard::Shard;
use crate::config::Environment;
use crate::load::{Lake, StoreSafety, host_name};

/// Works through shards of one run.
#[derive(Debug, Clone)]
pub struct ShardWorker {
    /// The run's objects.
    pub objects: ShardObjects,
    /// The lake as this machine reaches it: it may be mounted elsewhere than at the coordinator's.
    pub lake: LakeReference,
    /// The variables that credentials refer to.
    pub environment: Environment,
    /// Units that are worked through at the same time, and threads of one that takes the machine.
    pub threads: usize,
    /// Memory in bytes that the units which are worked through at the same time share.
    pub memory_bytes: usize,
    /// Once true, no further unit is begun.
    pub stop: Arc<AtomicBool>,
}

/// What a worker did. Serializes to the last line of its output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShardSummary {
    /// The run.
    pub run_id: String,
    /// What its units do.
    pub phase: String,
    /// The part, as index/count.
    pub shard: String,
    /// Units of the part.
    pub units: usize,
    /// Units that this worker did.
    pub done: usize,
    /// Units that had a report already, or that another worker reported first.
    pub reported_before: usize,
    /// Units that came to nothing.
    pub failed: usize,
    /// Units that were not begun, since the worker was asked to stop.
    pub left: usize,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// Why units came to nothing, each reason once.
    pub problems: Vec<String>,
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitEnd {
    /// It was worked through and reported.
    Done,
    /// It had a report, or another worker was first.
    Reported,
    /// It was not begun, since the worker was asked to stop.
    Left,
}

impl ShardWorker {
    /// A worker for a run that it was told of, and the manifest of that run. `environment` holds the
    /// variables that credentials refer to.
    ///
    /// # Errors
    /// The lake cannot be opened, or the run does not wait for such units.
    pub async fn open(
        run: &RunReference,
        environment: Environment,
    ) -> Result<(Self, Manifest), UnitError> {
        let RunReference { lake, run_id, .. } = run;
        let options = lake.credentials.resolve(&environment).await?;
        let safety = StoreSafety::from_allow_unsafe(lake.allow_unsafe_store);
        let opened = Lake::open_with(&lake.uri, options, safety).await?;
        let objects = ShardObjects::of(&opened, run_id)?;
        let manifest = objects.manifest().await?;
        if manifest.phase != run.phase {
            let waits_for = manifest.phase.as_str();
            return Err(objects.bad_manifest(&format!("the run waits for its {waits_for}")));
        }
        let worker = Self {
            objects,
            lake: lake.clone(),
            environment,
            threads: 1,
            memory_bytes: memory_for_units(),
            stop: Arc::default(),
        };
        Ok((worker, manifest))
    }

    /// Works through the units of `shard` that have no report: those that take the machine for
    /// themselves one after the other, the rest side by side. A unit that comes to nothing costs no
    /// other one.
    ///
    /// # Errors
    /// The run does not wait, or its manifest cannot be read.
    pub async fn work(&self, shard: Shard) -> Result<ShardSummary, UnitError> {
        let started = Instant::now();
        let manifest = Arc::new(self.objects.manifest().await?);
        let positions: Vec<usize> = shard.positions(manifest.units.len()).collect();
        let mut summary = ShardSummary {
            run_id: manifest.run_id.clone(),
            phase: manifest.phase.as_str().to_owned(),
            shard: shard.to_string(),
            units: positions.len(),
            ..ShardSummary::default()
        };
        let is_alone = |position: &usize| {
            let unit = manifest.units.get(*position);
            unit.is_some_and(|unit| unit.is_alone)
        };
        let (alone, small): (Vec<usize>, Vec<usize>) = positions.into_iter().partition(is_alone);
        for (positions, at_once) in [(alone, 1), (small, self.threads.max(1))] {
            let units = positions
                .into_iter()
                .map(|position| self.on_a_thread(&manifest, position));
            let mut units = stream::iter(units).buffer_unordered(at_once);
            while let Some((position, outcome)) = units.next().await {
                summary.count(position, outcome);
            }
        }
        summary.duration_ms = milliseconds(started);
        Ok(summary)
    }

    async fn on_a_thread(
        &self,
        manifest: &Arc<Manifest>,
        position: usize,
    ) -> (usize, Result<UnitEnd, UnitError>) {
        (position, self.work_on(manifest, position).await)
    }

    /// Works through one unit, unless it has a report, on a thread of its own. A panic, which is a bug
    /// of ours, costs the unit and no other.
    ///
    /// # Errors
    /// The unit came to nothing.
    pub async fn work_on(
        &self,
        manifest: &Arc<Manifest>,
        position: usize,
    ) -> Result<UnitEnd, UnitError> {
        let (worker, manifest) = (self.clone(), Arc::clone(manifest));
        let runtime = Handle::current();
        let unit =
            tokio::task::spawn_blocking(move || runtime.block_on(worker.unit(&manifest, position)));
        unit.await.unwrap_or_else(|error| {
            Err(UnitError::Worker {
                reason: error.to_string(),
            })
        })
    }

    async fn unit(&self, manifest: &Manifest, position: usize) -> Result<UnitEnd, UnitError> {
        let phase = manifest.phase;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(UnitEnd::Left);
        }
        let order = self.objects.order(phase, position).await?;
        match AnyOrder::parse(&order)? {
            AnyOrder::Extraction(mut order) => {
                check_order(manifest, position, order.as_ref())?;
                order.lake = self.lake.clone();
                if order.limits.is_alone {
                    order.limits.threads = self.threads;
                }
                let work = || execute(&order, &self.environment);
                self.report(phase, position, order.as_ref(), work).await
            }
            AnyOrder::Analysis(mut order) => {
                check_order(manifest, position, order.as_ref())?;
                order.lake = self.lake.clone();
                let share = self.share(manifest, position);
                let work = || execute_analysis(&order, &self.environment, share);
                self.report(phase, position, order.as_ref(), work).await
            }
            AnyOrder::Groups(mut order) => {
                check_order(manifest, position, order.as_ref())?;
                order.lake = self.lake.clone();
                let share = self.share(manifest, position);
                let work = || execute_groups(&order, &self.environment, share);
                self.report(phase, position, order.as_ref(), work).await
            }
        }
    }

    /// What a unit may take of this machine.
    fn share(&self, manifest: &Manifest, position: usize) -> UnitShare {
        let unit = manifest.units.get(position);
        let is_alone = unit.is_some_and(|unit| unit.is_alone);
        UnitShare::of(self.memory_bytes, self.threads, is_alone)
    }

    /// Does a unit and reports it, unless it has a report.
    async fn report<O, W>(
        &self,
        phase: Phase,
        position: usize,
        order: &O,
        work: impl FnOnce() -> W,
    ) -> Result<UnitEnd, UnitError>
    where
        O: UnitOrder,
        O::Result: Serialize + DeserializeOwned,
        W: Future<Output = Result<O::Result, UnitError>>,
    {
        if self.is_reported(phase, position, order).await? {
            return Ok(UnitEnd::Reported);
        }
        let started = Instant::now();
        let result = work().await?;
        let report = Report {
            version: REPORT_VERSION,
            run_id: self.objects.run_id().to_owned(),
            phase,
            worker: format!("{}:{}", host_name(), std::process::id()),
            duration_ms: milliseconds(started),
            result,
        };
        let json = report.to_json()?;
        let lake = self.objects.lake();
        // The coordinator may have gone on without it.
        let is_open = lake.is_open(order.batch()).await?;
        if is_open && self.objects.write_report(phase, position, json).await? {
            return Ok(UnitEnd::Done);
        }
        self.objects.discard(report.result.staged()).await;
        if !is_open {
            return Err(UnitError::BatchClosed {
                batch: order.batch().id.clone(),
                run_id: order.batch().run_id.clone(),
            });
        }
        Ok(UnitEnd::Reported)
    }

    /// Whether the unit has a sound report. One that is not sound must be looked at by somebody: a
    /// worker never writes over a report.
    async fn is_reported<O>(
        &self,
        phase: Phase,
        position: usize,
        order: &O,
    ) -> Result<bool, UnitError>
    where
        O: UnitOrder,
        O::Result: Serialize + DeserializeOwned,
    {
        let Some(json) = self.objects.report(phase, position).await? else {
            return Ok(false);
        };
        let report: Result<Report<O::Result>, String> =
            Report::of(&json, self.objects.run_id(), phase, order);
        report
            .map(|_| true)
            .map_err(|problem| UnitError::BadReport {
                path: self.objects.report_path(phase, position).to_string(),
                problem,
            })
    }
}

fn check_order(
    manifest: &Manifest,
    position: usize,
    order: &impl UnitOrder,
) -> Result<(), UnitError> {
    if manifest.names(position, order) {
        return Ok(());
    }
    Err(UnitError::Malformed {
        what: "order",
        problem: format!("that at position {position} is of another unit"),
    })
}

impl ShardSummary {
    fn count(&mut self, position: usize, outcome: Result<UnitEnd, UnitError>) {
        match outcome {
            Ok(UnitEnd::Done) => self.done += 1,
            Ok(UnitEnd::Reported) => self.reported_before += 1,
            Ok(UnitEnd::Left) => self.left += 1,
            Err(error) => {
                self.failed += 1;
                let problem = error.to_string();
                tracing::error!(position, "{problem}");
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
                return;
            }
        }
        let Self {
            units,
            done,
            reported_before,
            ..
        } = self;
        let reported = *done + *reported_before;
        tracing::info!(position, "{reported} of {units} units have a report");
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
