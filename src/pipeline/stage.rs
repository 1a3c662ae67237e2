//! The units of a batch: orders for workers, and what has to stay in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::extract::EXTRACTOR_VERSION;
use crate::load::{Batch, Lake, StagedUnit, Staging, StoreSafety, WriterSettings};
use crate::model::milliseconds;
use crate::unit::{
    self, ClusterFacts, ExtractionLimits, HistoryReference, LakeReference, Listener, ORDER_VERSION,
    Order, Threads, Unit, UnitError, UnitOrder, UnitResult, Workers,
};

use super::error::RunError;
use super::history_outcome::Outcome;
use super::plan::{BatchPlan, Candidate, UnitPlan};
use super::portion::Loader;
use super::progress::Progress;
use super::request::RunRequest;

/// Number of the unit that holds rows of clusters.
const CLUSTER_UNIT: u32 = 0;

/// What the units of a batch came to.
#[derive(Debug, Default)]
pub(super) struct StagedBatch {
    pub(super) units: Vec<StagedUnit>,
    pub(super) outcomes: Vec<Outcome>,
}

/// Shows the progress that outcomes tell.
pub(super) struct Shown<'p>(pub(super) &'p dyn Progress);

impl Listener for Shown<'_> {
    fn history_done(&self, outcome: &unit::Outcome) {
        let record = &outcome.record;
        self.0.advance(
            &record.source_uri,
            record.size_bytes.unwrap_or(0),
            record.rows.unwrap_or(0),
        );
    }
}

impl Loader<'_> {
    /// Has the units of a batch worked through: by workers where their histories can travel, by
    /// threads of this process at the same time where they cannot.
    pub(super) fn stage(
        &self,
        batch_plan: BatchPlan,
        batch: &Batch,
    ) -> Result<StagedBatch, RunError> {
        let (mut orders, mut units) = (Vec::new(), Vec::new());
        for plan in &batch_plan.units {
            match self.order(plan, batch) {
                Some(order) => orders.push(order),
                None => units.push(self.unit(plan, batch)),
            }
        }
        let results = self.work(orders, units)?;
        Ok(put_together(&batch_plan.units, results))
    }

    /// Has rows of clusters staged.
    pub(super) fn stage_clusters(
        &self,
        clusters: Vec<ClusterFacts>,
        batch: &Batch,
    ) -> Result<Vec<StagedUnit>, RunError> {
        let plan = UnitPlan {
            number: CLUSTER_UNIT,
            threads: 1,
            ..UnitPlan::default()
        };
        let order = Order {
            clusters,
            ..self.empty_order(&plan, batch)
        };
        let results = self.work(vec![order], Vec::new())?;
        Ok(results.into_iter().map(|result| result.staged).collect())
    }

    /// One result for each order and each unit.
    fn work(&self, orders: Vec<Order>, units: Vec<Unit>) -> Result<Vec<UnitResult>, RunError> {
        let staging = self.lake.staging(WriterSettings::default());
        let threads = Threads::new(staging.clone(), Arc::clone(&self.stores));
        let workers: &dyn Workers = self.request.workers.as_deref().unwrap_or(&threads);
        let listener = Shown(self.progress);
        let (ordered, own) = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let own =
                    (!units.is_empty()).then(|| scope.spawn(|| threads.run(units, &listener)));
                let ordered = match orders.is_empty() {
                    true => Ok(Vec::new()),
                    false => workers.work(&orders, &listener),
                };
                let own = own.map_or_else(
                    || Ok(Vec::new()),
                    |own| own.join().unwrap_or_else(|_| Err(panicked())),
                );
                (ordered, own)
            })
        });
        let mut results = take(&staging, &orders, ordered?)?;
        results.extend(own?);
        Ok(results)
    }

    /// The order of a unit whose histories all travel, with the stores of discovery lent to the
    /// threads of this process.
    pub(super) fn order(&self, plan: &UnitPlan, batch: &Batch) -> Option<Order> {
        let mut credentials = BTreeMap::new();
        let mut histories = Vec::with_capacity(plan.candidates.len());
        for candidate in &plan.candidates {
            let name = candidate.owner.credentials.as_deref()?;
            if !credentials.contains_key(name) {
                let mut sources = self.request.sources.iter();
                let source = sources.find(|source| source.name == name)?;
                credentials.insert(name.to_owned(), source.credentials.clone()?);
            }
            let (reference, stores) = HistoryReference::of(&candidate.assignment(), name)?;
            for (reference, store) in stores {
                self.stores.lend(reference, store);
            }
            histories.push(reference);
        }
        Some(Order {
            credentials,
            histories,
            ..self.empty_order(plan, batch)
        })
    }

    /// What all orders of a batch have in common.
    fn empty_order(&self, plan: &UnitPlan, batch: &Batch) -> Order {
        Order {
            version: ORDER_VERSION,
            extractor_version: EXTRACTOR_VERSION,
            log_signatures: Order::signatures(),
            unit: plan.number,
            batch: batch.clone(),
            lake: lake_reference(self.lake, self.request),
            limits: self.limits(plan),
            include_tasks: self.request.include_tasks,
            teams: self.request.teams.source(),
            redaction: self.request.redactor.settings(),
            credentials: BTreeMap::new(),
            histories: Vec::new(),
            clusters: Vec::new(),
        }
    }

    /// A unit that stays in this process.
    fn unit(&self, plan: &UnitPlan, batch: &Batch) -> Unit {
        let candidates = plan.candidates.iter();
        Unit {
            number: plan.number,
            batch: batch.clone(),
            limits: self.limits(plan),
            include_tasks: self.request.include_tasks,
            teams: self.request.teams.source(),
            histories: candidates.map(Candidate::assignment).collect(),
            clusters: Vec::new(),
        }
    }

    fn limits(&self, plan: &UnitPlan) -> ExtractionLimits {
        ExtractionLimits {
            threads: plan.threads,
            is_alone: plan.is_alone,
            extract_timeout_ms: milliseconds(self.request.extract_timeout),
        }
    }
}

/// How workers open the lake of a run.
pub(super) fn lake_reference(lake: &Lake, request: &RunRequest) -> LakeReference {
    LakeReference {
        uri: lake.absolute_uri().to_owned(),
        credentials: request.lake_credentials.clone(),
        allow_unsafe_store: request.store_safety == StoreSafety::Waived,
    }
}

/// Takes one result for each order, and removes the files of those that came twice.
pub(super) fn take<O: UnitOrder>(
    staging: &Staging,
    orders: &[O],
    results: Vec<O::Result>,
) -> Result<Vec<O::Result>, UnitError> {
    let unit::Collected { results, doubled } = unit::collect(orders, results)?;
    staging.discard(&doubled);
    Ok(results)
}

/// The files of all units, and the outcomes with the candidates that they are about.
pub(super) fn put_together(plans: &[UnitPlan], results: Vec<UnitResult>) -> StagedBatch {
    let mut by_number: BTreeMap<u32, UnitResult> = results
        .into_iter()
        .map(|result| (result.unit, result))
        .collect();
    let mut batch = StagedBatch::default();
    for plan in plans {
        if let Some(result) = by_number.remove(&plan.number) {
            batch.units.push(result.staged);
            let outcomes = result.outcomes.into_iter().zip(&plan.candidates);
            batch
                .outcomes
                .extend(outcomes.map(|(outcome, candidate)| Outcome::of(outcome, candidate)));
        }
    }
    batch
}

fn panicked() -> UnitError {
    UnitError::Worker {
        reason: "it panicked".to_owned(),
    }
}
