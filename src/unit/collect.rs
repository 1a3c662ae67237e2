//! The coordinator's look at results: each unit once, and nothing that was not ordered.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster_rows;
use super::error::UnitError;
use super::order::Order;
use super::references::HistoryReference;
use super::result::{Outcome, RESULT_VERSION, UnitResult};
use crate::load::{Batch, StagedAdd, StagedUnit};
use crate::schema::{self, Table, TableKind};

/// What a worker is asked to do, of whatever kind.
pub trait UnitOrder {
    /// What comes back.
    type Result: StagedResult;

    /// Number of the unit within the batch.
    fn unit(&self) -> u32;

    /// The batch that its files belong to.
    fn batch(&self) -> &Batch;

    /// Whether the unit may write to a table. A result that names another one is forged.
    fn may_write(&self, table: &Table) -> bool;

    /// What does not fit in a result beside its files, in words.
    ///
    /// # Errors
    /// What it reports was not ordered.
    fn check(&self, result: &Self::Result) -> Result<(), String>;
}

/// What a worker gives back, of whatever kind.
pub trait StagedResult {
    /// The version that is known.
    const VERSION: u32;

    /// The version that it has.
    fn version(&self) -> u32;

    /// Number of the unit within the batch.
    fn unit(&self) -> u32;

    /// Id of the batch.
    fn batch_id(&self) -> &str;

    /// Its files.
    fn staged(&self) -> &StagedUnit;

    /// Its files.
    fn into_staged(self) -> StagedUnit;
}

/// The results of a batch.
#[derive(Debug)]
pub struct Collected<R> {
    /// One for each order that has any, by number of the unit.
    pub results: Vec<R>,
    /// Files of units that were done more than once, which nobody wants.
    pub doubled: StagedUnit,
}

/// Takes one result for each order. Of a unit that was done more than once the first is taken.
///
/// # Errors
/// A result that does not fit its order, or an order without one.
pub fn collect<O: UnitOrder>(
    orders: &[O],
    results: Vec<O::Result>,
) -> Result<Collected<O::Result>, UnitError> {
    let collected = collect_reported(orders, results)?;
    let has_result = |unit| collected.results.iter().any(|result| result.unit() == unit);
    match orders.iter().find(|order| !has_result(order.unit())) {
        Some(order) => Err(UnitError::NoResult { unit: order.unit() }),
        None => Ok(collected),
    }
}

/// Takes at most one result for each order: workers elsewhere may not have reported all units.
///
/// # Errors
/// A result that does not fit its order.
pub fn collect_reported<O: UnitOrder>(
    orders: &[O],
    results: Vec<O::Result>,
) -> Result<Collected<O::Result>, UnitError> {
    let orders: BTreeMap<u32, &O> = orders.iter().map(|order| (order.unit(), order)).collect();
    let mut first: BTreeMap<u32, O::Result> = BTreeMap::new();
    let mut doubled = StagedUnit::default();
    for result in results {
        let unit = result.unit();
        let order = orders.get(&unit);
        let checked = order.map_or_else(
            || Err("it was not ordered".to_owned()),
            |order| check(&result, *order),
        );
        checked.map_err(|problem| UnitError::WrongResult { unit, problem })?;
        match first.get(&unit) {
            Some(taken) => add_doubled(&mut doubled, result, taken.staged()),
            None => {
                first.insert(unit, result);
            }
        }
    }
    Ok(Collected {
        results: first.into_values().collect(),
        doubled,
    })
}

/// Adds the files of a result that is not taken. The same result may have come twice: files that are
/// taken stay.
fn add_doubled(doubled: &mut StagedUnit, result: impl StagedResult, taken: &StagedUnit) {
    let files = taken.tables.values().flatten();
    let taken: BTreeSet<&str> = files.map(|file| file.add.path.as_str()).collect();
    tracing::info!(unit = result.unit(), "a unit was done more than once");
    for (table, files) in result.into_staged().tables {
        let files = files.into_iter();
        let unwanted = files.filter(|file| !taken.contains(file.add.path.as_str()));
        doubled.tables.entry(table).or_default().extend(unwanted);
    }
}

/// Whether a result fits its order; in words where it does not.
pub(super) fn check<O: UnitOrder>(result: &O::Result, order: &O) -> Result<(), String> {
    if result.version() != O::Result::VERSION {
        return Err(format!("it has version {}", result.version()));
    }
    let batch = order.batch();
    if result.batch_id() != batch.id {
        return Err(format!(
            "it is of batch {} and not of {}",
            result.batch_id(),
            batch.id
        ));
    }
    order.check(result)?;
    let prefix = batch.file_prefix(order.unit());
    for (table, files) in &result.staged().tables {
        let contract = schema::table(table).ok_or_else(|| format!("there is no table {table}"))?;
        if !order.may_write(contract) {
            return Err(format!("its unit does not write to {table}"));
        }
        if let Some(file) = files.iter().find(|file| !is_of_unit(file, &prefix)) {
            return Err(format!("{table}/{} is no file of it", file.add.path));
        }
    }
    Ok(())
}

impl UnitOrder for Order {
    type Result = UnitResult;

    fn unit(&self) -> u32 {
        self.unit
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Facts; rows about clusters where the order has clusters.
    fn may_write(&self, table: &Table) -> bool {
        let of_histories = table.kind == TableKind::Fact && !self.histories.is_empty();
        let of_clusters = cluster_rows::TABLES.contains(&table.name.as_str());
        of_histories || (of_clusters && !self.clusters.is_empty())
    }

    /// Each history of the order once, and no other.
    fn check(&self, result: &UnitResult) -> Result<(), String> {
        let (done, ordered) = (result.outcomes.len(), self.histories.len());
        if done != ordered {
            return Err(format!("it reports {done} histories instead of {ordered}"));
        }
        let mut pairs = result.outcomes.iter().zip(&self.histories);
        match pairs.find(|(outcome, history)| !fits(outcome, history)) {
            Some((outcome, history)) => Err(format!(
                "it reports {} instead of {}",
                outcome.record.source_uri, history.log.uri
            )),
            None => Ok(()),
        }
    }
}

impl StagedResult for UnitResult {
    const VERSION: u32 = RESULT_VERSION;

    fn version(&self) -> u32 {
        self.version
    }

    fn unit(&self) -> u32 {
        self.unit
    }

    fn batch_id(&self) -> &str {
        &self.batch_id
    }

    fn staged(&self) -> &StagedUnit {
        &self.staged
    }

    fn into_staged(self) -> StagedUnit {
        self.staged
    }
}

fn fits(outcome: &Outcome, history: &HistoryReference) -> bool {
    let record = &outcome.record;
    let is_application = record
        .application_id
        .as_ref()
        .is_none_or(|id| *id == history.identity.application_id);
    record.source_uri == history.log.uri
        && record.fingerprint == history.fingerprint
        && record.platform == history.platform.as_str()
        && record.cluster_id == history.cluster_id
        && is_application
}

/// Whether a file lies where the unit's files lie: in the table's folder, or in that of a date.
fn is_of_unit(file: &StagedAdd, prefix: &str) -> bool {
    let path = file.add.path.as_str();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_partition = folder
        .strip_prefix("app_date=")
        .is_some_and(|date| !date.is_empty() && !date.contains('/'));
    // Delta decodes paths: what is encoded in one could be a separator.
    let is_plain = !path.contains(['%', '\\']);
    is_plain && name.starts_with(prefix) && (folder.is_empty() || in_partition)
}
