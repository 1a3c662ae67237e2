//! The coordinator of units that other machines work through: hands orders out, and commits what was
//! reported. [`crate::unit::shards`] describes the protocol.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::load::{Batch, SourceStatus};
use crate::unit::shards::{
    MANIFEST_VERSION, Manifest, ManifestUnit, Phase, RefusedReport, Reports, ShardObjects,
};
use crate::unit::{AnalysisOrder, Order, UnitError, UnitOrder, Workers, collect_reported};

use super::error::RunError;
use super::history_outcome::Outcome;
use super::identify::{OwnedHistory, Owner};
use super::plan::{self, Candidate, Spread, UnitPlan};
use super::portion::{Loader, Portion, Portions};
use super::run_row::RunRow;
use super::shard_counts::ShardCounts;
use super::stage::{self, Shown};
use super::summary::{Problem, RunSummary};

/// Most bytes of a unit that travels, as stored: a worker that dies loses no more.
const UNIT_BYTES: u64 = 256 << 20;

/// What a run that waits needs to go on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Carried {
    /// What was done so far.
    pub(super) summary: RunSummary,
    /// The run's row.
    pub(super) row: RunRow,
}

impl Carried {
    /// What a manifest carries.
    pub(super) fn of(objects: &ShardObjects, manifest: &Manifest) -> Result<Self, UnitError> {
        Self::deserialize(&manifest.coordinator).map_err(|error| objects.bad_manifest(&error))
    }
}

/// Orders of extraction by batch.
pub(super) type Orders = Vec<(Batch, Vec<Order>)>;

impl Loader<'_> {
    /// The orders of histories that travel. What cannot travel is read and committed here.
    pub(super) async fn hand_out(
        &self,
        histories: Vec<OwnedHistory>,
        units: usize,
        summary: &mut RunSummary,
    ) -> Result<Orders, RunError> {
        self.progress.phase("extract");
        let mut portions = Portions::of(self.request, histories, self.selection);
        let Portion { candidates, others } = portions.all().await;
        summary.unchanged += portions.unchanged.len();
        let (travelling, mut staying): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(Candidate::travels);
        let spread = Spread {
            units,
            unit_bytes: UNIT_BYTES,
            ..Spread::over(self.request.threads)
        };
        let mut handed_out = Vec::new();
        for batch_plan in plan::batches(travelling, spread) {
            let batch = self.lake.begin_batch(self.lock, &summary.run_id).await?;
            let mut orders = Vec::with_capacity(batch_plan.units.len());
            for unit in batch_plan.units {
                match self.order(&unit, &batch) {
                    Some(order) => orders.push(order),
                    None => staying.extend(unit.candidates),
                }
            }
            // A batch without units stays open until the next recovery.
            if !orders.is_empty() {
                handed_out.push((batch, orders));
            }
        }
        let mut taken: HashSet<_> = staying.iter().map(Candidate::key).collect();
        self.read(staying, others, &mut taken, summary).await?;
        Ok(handed_out)
    }

    /// Commits what was reported, batch by batch.
    pub(super) async fn commit_reported(
        &self,
        reports: &Reports,
        summary: &mut RunSummary,
    ) -> Result<(), RunError> {
        self.progress.phase("load");
        let manifest = reports.manifest();
        let bytes = manifest.units.iter().map(|unit| unit.bytes).sum();
        let items = manifest.units.iter().map(|unit| unit.items).sum();
        self.progress.total(items, bytes);
        let (mut found, mut missing) = (Vec::new(), Missing::default());
        for (position, batch) in manifest.batches.iter().enumerate() {
            let orders = reports.orders(position, Order::parse).await?;
            let outcomes = self
                .commit_batch_of(reports, batch, &orders, &mut missing, summary)
                .await?;
            found.extend(outcomes.into_iter().flat_map(|outcome| outcome.others));
        }
        // Files of workers that were killed before their report, or were second.
        let taken = reports.taken_files();
        self.lake
            .give_up(self.lock, &manifest.batches, &taken)
            .await?;
        summary.shards = Some(ShardCounts::reported(reports));
        summary.problems.extend(missing.problem(&summary.run_id));
        let refused = reports.refused();
        summary.problems.extend(refused.into_iter().map(of_refused));
        // Other applications in files that were read: few, and read here.
        found.retain(|candidate| self.selection.needs(&candidate.history));
        let ledger_knows = |_: &str| true;
        let (found, duplicates) = plan::choose(found, &self.selection.ledger(), ledger_knows);
        let others = duplicates
            .into_iter()
            .map(super::portion::skipped)
            .collect();
        let mut taken = found.iter().map(Candidate::key).collect();
        self.read(found, others, &mut taken, summary).await?;
        Ok(())
    }

    async fn commit_batch_of(
        &self,
        reports: &Reports,
        batch: &Batch,
        orders: &[Order],
        missing: &mut Missing,
        summary: &mut RunSummary,
    ) -> Result<Vec<Outcome>, RunError> {
        let listener = Shown(self.progress);
        let results = tokio::task::block_in_place(|| reports.work(orders, &listener))?;
        let results = collect_reported(orders, results)?.results;
        let reported: HashSet<u32> = results.iter().map(|result| result.unit).collect();
        let left = orders
            .iter()
            .filter(|order| !reported.contains(&order.unit));
        missing.add(left.map(|order| order.histories.len()));
        if results.is_empty() {
            return Ok(Vec::new());
        }
        let plans = tokio::task::block_in_place(|| {
            let taken = orders.iter().filter(|order| reported.contains(&order.unit));
            taken
                .map(|order| self.plan_of(order))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let candidates = plans.iter().flat_map(|plan| &plan.candidates);
        let replaced = self.replaced(candidates);
        let staged = stage::put_together(&plans, results);
        if !self.lake.is_open(batch).await? {
            // An earlier attempt to resume the run has committed it.
            for outcome in &staged.outcomes {
                summary.note(outcome);
            }
            return Ok(staged.outcomes);
        }
        self.commit_batch(batch, replaced, staged, Vec::new(), summary)
            .await
    }

    /// The unit that an order came from.
    fn plan_of(&self, order: &Order) -> Result<UnitPlan, UnitError> {
        let unit = order.open(&self.stores)?;
        let candidates = unit.histories.into_iter().zip(&order.histories);
        let candidates = candidates.map(|(assignment, reference)| Candidate {
            history: assignment.history,
            identity: assignment.identity,
            fingerprint: assignment.fingerprint,
            owner: Owner {
                cluster: None,
                credentials: Some(Arc::from(reference.log.store.credentials.as_str())),
                team: assignment.team,
            },
        });
        Ok(UnitPlan {
            number: order.unit,
            candidates: candidates.collect(),
            threads: order.limits.threads,
            is_alone: order.limits.is_alone,
        })
    }
}

/// Units without a sound report.
#[derive(Debug, Default)]
struct Missing {
    units: usize,
    items: usize,
}

impl Missing {
    fn add(&mut self, items_of_units: impl Iterator<Item = usize>) {
        for items in items_of_units {
            self.units += 1;
            self.items += items;
        }
    }

    fn problem(&self, run_id: &str) -> Option<Problem> {
        (self.units > 0).then(|| Problem {
            uri: format!("run {run_id}"),
            status: SourceStatus::Failed,
            error_kind: "no_report".to_owned(),
            error: format!(
                "{} units with {} histories have no report that can be taken; the next run reads them",
                self.units, self.items
            ),
            count: self.units,
            retryable: true,
            missing: true,
            place: None,
            call: None,
        })
    }
}

fn of_refused(refused: RefusedReport) -> Problem {
    let RefusedReport { path, problem } = refused;
    Problem {
        uri: path,
        status: SourceStatus::Failed,
        error_kind: "report".to_owned(),
        error: format!("the report was not taken: {problem}; the next run reads its histories"),
        count: 1,
        retryable: true,
        missing: true,
        place: None,
        call: None,
    }
}

/// Makes a run wait for the extraction of its histories.
pub(super) async fn wait_for_extraction(
    objects: &ShardObjects,
    orders: Orders,
    summary: &mut RunSummary,
    row: &RunRow,
) -> Result<(), RunError> {
    let mut units = Vec::new();
    let mut batches = Vec::with_capacity(orders.len());
    for (batch, orders) in orders {
        for order in orders {
            let files = order
                .histories
                .iter()
                .flat_map(|history| &history.log.files);
            let unit = ManifestUnit {
                batch: batches.len(),
                unit: order.unit,
                items: order.histories.len(),
                bytes: files.map(|file| file.size).sum(),
                is_alone: order.limits.is_alone,
            };
            units.push((unit, order.to_json()?));
        }
        batches.push(batch);
    }
    wait(objects, Phase::Extraction, batches, units, summary, row).await
}

/// Makes a run wait for the judging of applications.
pub(super) async fn wait_for_analysis(
    objects: &ShardObjects,
    batch: Batch,
    orders: &[AnalysisOrder],
    summary: &mut RunSummary,
    row: &RunRow,
) -> Result<(), RunError> {
    let unit = |order: &AnalysisOrder| -> Result<_, UnitError> {
        let unit = ManifestUnit {
            batch: 0,
            unit: order.unit(),
            items: order.subjects.len(),
            bytes: 0,
            is_alone: true,
        };
        Ok((unit, order.to_json()?))
    };
    let units = orders.iter().map(unit).collect::<Result<_, UnitError>>()?;
    wait(objects, Phase::Analysis, vec![batch], units, summary, row).await
}

/// Hands units out, the largest first: the last ones to be done are then short.
async fn wait(
    objects: &ShardObjects,
    phase: Phase,
    batches: Vec<Batch>,
    mut units: Vec<(ManifestUnit, String)>,
    summary: &mut RunSummary,
    row: &RunRow,
) -> Result<(), RunError> {
    units.sort_by_key(|(unit, _)| (std::cmp::Reverse(unit.bytes), unit.batch, unit.unit));
    let (units, orders): (Vec<_>, Vec<_>) = units.into_iter().unzip();
    let mut manifest = Manifest {
        version: MANIFEST_VERSION,
        run_id: objects.run_id().to_owned(),
        phase,
        batches,
        units,
        coordinator: serde_json::Value::Null,
    };
    summary.shards = Some(ShardCounts::handed_out(&manifest));
    let carried = Carried {
        summary: summary.clone(),
        row: row.clone(),
    };
    manifest.coordinator = serde_json::to_value(&carried).map_err(|error| {
        RunError::from(UnitError::Malformed {
            what: "manifest",
            problem: error.to_string(),
        })
    })?;
    objects.hand_out(&manifest, orders).await?;
    Ok(())
}

/// Results of analysis by unit, and the orders without one.
pub(super) fn judged_elsewhere(
    reports: &Reports,
    orders: &[AnalysisOrder],
) -> Result<HashMap<u32, crate::unit::AnalysisResult>, RunError> {
    let results = tokio::task::block_in_place(|| reports.judge(orders))?;
    let results = collect_reported(orders, results)?.results;
    Ok(results
        .into_iter()
        .map(|result| (result.unit, result))
        .collect())
}
