//! The port to those who work through units, and threads of this process as the first of them.

use std::fmt::Debug;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::analysis::{AnalysisOrder, AnalysisResult};
use super::error::UnitError;
use super::execute::{execute_analysis, execute_groups};
use super::extraction::{Extractor, Unit};
use super::groups::{GroupsOrder, GroupsResult};
use super::memory::UnitShare;
use super::order::Order;
use super::result::{Outcome, UnitResult};
use super::stores::Stores;
use crate::load::Staging;

/// Hears what became of histories while units are worked through.
pub trait Listener: Sync {
    /// A history is done. Told once for each; workers of another process tell it when the result of
    /// the unit is there.
    fn history_done(&self, outcome: &Outcome);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Listener for Silent {
    fn history_done(&self, _outcome: &Outcome) {}
}

/// Works through the units of one batch, wherever that is.
pub trait Workers: Debug + Send + Sync {
    /// Works through all orders, and returns their results in any order. A unit may be done more
    /// than once: the caller takes one result of each. Workers elsewhere return what they have
    /// reported; a unit without a result is missing. Called on a thread that may block.
    ///
    /// # Errors
    /// A unit that came to nothing. What is wrong with a history is no error.
    fn work(&self, orders: &[Order], listener: &dyn Listener)
    -> Result<Vec<UnitResult>, UnitError>;

    /// Has the applications of all orders judged, and returns the results in any order, as
    /// [`Workers::work`] does.
    ///
    /// # Errors
    /// A unit that came to nothing. What is wrong with an application or a rule is no error.
    fn judge(&self, orders: &[AnalysisOrder]) -> Result<Vec<AnalysisResult>, UnitError>;

    /// Has the groups of all orders judged, and returns the results in any order, as
    /// [`Workers::work`] does.
    ///
    /// # Errors
    /// As [`Workers::judge`].
    fn judge_groups(&self, orders: &[GroupsOrder]) -> Result<Vec<GroupsResult>, UnitError>;
}

/// Threads of this process.
#[derive(Debug)]
pub struct Threads {
    staging: Staging,
    stores: Arc<Stores>,
    runtime: Handle,
}

impl Threads {
    /// Workers that stage files at `staging` and open stores of `stores`. Must be called inside a
    /// tokio runtime.
    #[must_use]
    pub fn new(staging: Staging, stores: Arc<Stores>) -> Self {
        Self {
            staging,
            stores,
            runtime: Handle::current(),
        }
    }

    /// Works through units that are open already: those that take the machine for themselves one
    /// after the other, the rest side by side. Called on a thread that may block.
    ///
    /// # Errors
    /// The first unit that came to nothing.
    pub fn run(
        &self,
        units: Vec<Unit>,
        listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        let (large, small): (Vec<Unit>, Vec<Unit>) =
            units.into_iter().partition(|unit| unit.limits.is_alone);
        let mut results = Vec::with_capacity(large.len() + small.len());
        for unit in large {
            results.extend(self.side_by_side(vec![unit], listener)?);
        }
        results.extend(self.side_by_side(small, listener)?);
        Ok(results)
    }

    fn side_by_side(
        &self,
        units: Vec<Unit>,
        listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        let extractor = Extractor {
            staging: &self.staging,
            runtime: &self.runtime,
            listener,
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = units
                .into_iter()
                .map(|unit| scope.spawn(|| extractor.run(unit)))
                .collect();
            workers
                .into_iter()
                .map(|worker| match worker.join() {
                    Ok(result) => result.map_err(UnitError::from),
                    Err(_) => Err(UnitError::Worker {
                        reason: "it panicked".to_owned(),
                    }),
                })
                .collect()
        })
    }
}

impl Workers for Threads {
    fn work(
        &self,
        orders: &[Order],
        listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        let units = orders.iter().map(|order| order.open(&self.stores));
        self.run(units.collect::<Result<_, _>>()?, listener)
    }

    /// One after the other: each takes all cores.
    fn judge(&self, orders: &[AnalysisOrder]) -> Result<Vec<AnalysisResult>, UnitError> {
        let environment = self.stores.environment();
        let judge = |order| execute_analysis(order, environment, UnitShare::whole());
        let orders = orders.iter();
        orders
            .map(|order| self.runtime.block_on(judge(order)))
            .collect()
    }

    fn judge_groups(&self, orders: &[GroupsOrder]) -> Result<Vec<GroupsResult>, UnitError> {
        let environment = self.stores.environment();
        let judge = |order| execute_groups(order, environment, UnitShare::whole());
        let orders = orders.iter();
        orders
            .map(|order| self.runtime.block_on(judge(order)))
            .collect()
    }
}
