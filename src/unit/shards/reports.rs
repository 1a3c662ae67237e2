//! The coordinator's side: workers that have reported already.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::super::analysis::{AnalysisOrder, AnalysisResult};
use super::super::collect::{StagedResult, UnitOrder};
use super::super::error::UnitError;
use super::super::groups::{GroupsOrder, GroupsResult};
use super::super::order::Order;
use super::super::result::UnitResult;
use super::super::workers::{Listener, Workers};
use super::manifest::Manifest;
use super::objects::ShardObjects;
use super::report::Report;
use crate::load::{LoadError, StagedAdd, StagedUnit};

/// Reports that are read, and files that are looked for, at the same time.
const CONCURRENT_READS: usize = 16;

/// The reports of a run as workers: a unit without a sound report has no result.
#[derive(Debug)]
pub struct Reports {
    objects: ShardObjects,
    manifest: Manifest,
    positions: BTreeMap<(String, u32), usize>,
    runtime: Handle,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    refused: Vec<RefusedReport>,
    times: Vec<UnitTime>,
    files: HashSet<String>,
}

/// A report that is there and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedReport {
    /// Its place in the lake.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// How long a unit took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitTime {
    /// Its position in the manifest.
    pub position: usize,
    /// Histories or applications in it.
    pub items: usize,
    /// Host and process of its worker.
    pub worker: String,
    /// In milliseconds.
    pub duration_ms: u64,
}

impl Reports {
    /// The reports on the units of a manifest. Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(objects: ShardObjects, manifest: Manifest) -> Self {
        let units = manifest.units.iter().enumerate();
        let positions = units.filter_map(|(position, unit)| {
            let batch = manifest.batch_of(unit)?;
            Some(((batch.id.clone(), unit.unit), position))
        });
        Self {
            positions: positions.collect(),
            objects,
            manifest,
            runtime: Handle::current(),
            seen: Mutex::default(),
        }
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The orders of a batch.
    ///
    /// # Errors
    /// One is missing, damaged, or of another version.
    pub async fn orders<O: UnitOrder>(
        &self,
        batch: usize,
        parse: impl Fn(&[u8]) -> Result<O, UnitError>,
    ) -> Result<Vec<O>, UnitError> {
        let phase = self.manifest.phase;
        let positions: Vec<usize> = self.manifest.positions_of(batch).collect();
        let reads = positions.into_iter().map(|position| async move {
            let json = self.objects.order(phase, position).await;
            json.map(|json| (position, json))
        });
        let mut reads = stream::iter(reads).buffered(CONCURRENT_READS);
        let mut orders = Vec::new();
        while let Some(read) = reads.next().await {
            let (position, json) = read?;
            let order = parse(&json)?;
            if !self.manifest.names(position, &order) {
                return Err(UnitError::Malformed {
                    what: "order",
                    problem: format!("that at position {position} is of another unit"),
                });
            }
            orders.push(order);
        }
        Ok(orders)
    }

    /// Reports that were read and not taken, so far.
    pub fn refused(&self) -> Vec<RefusedReport> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.refused.clone()
    }

    /// How long the units took whose reports were taken, so far.
    pub fn times(&self) -> Vec<UnitTime> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.times.clone()
    }

    /// Files of the reports that were taken so far, as paths from the lake on.
    pub fn taken_files(&self) -> HashSet<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.files.clone()
    }

    /// The results of orders that have a sound report.
    async fn results<O>(&self, orders: &[O]) -> Result<Vec<O::Result>, UnitError>
    where
        O: UnitOrder,
        O::Result: Serialize + DeserializeOwned,
    {
        let reads = orders.iter().map(|order| self.result(order));
        let mut reads = stream::iter(reads).buffered(CONCURRENT_READS);
        let mut results = Vec::new();
        while let Some(result) = reads.next().await {
            results.extend(result?);
        }
        Ok(results)
    }

    async fn result<O>(&self, order: &O) -> Result<Option<O::Result>, UnitError>
    where
        O: UnitOrder,
        O::Result: Serialize + DeserializeOwned,
    {
        let key = (order.batch().id.clone(), order.unit());
        let Some(position) = self.positions.get(&key).copied() else {
            return Ok(None);
        };
        let phase = self.manifest.phase;
        let Some(json) = self.objects.report(phase, position).await? else {
            return Ok(None);
        };
        let read = Report::of(&json, self.objects.run_id(), phase, order);
        let checked = match read {
            Ok(report) => self.missing_file(&report).await?.map_or(Ok(report), Err),
            Err(problem) => Err(problem),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match checked {
            Ok(report) => {
                seen.files.extend(paths(report.result.staged()));
                seen.times.push(UnitTime {
                    position,
                    items: self
                        .manifest
                        .units
                        .get(position)
                        .map_or(0, |unit| unit.items),
                    worker: report.worker,
                    duration_ms: report.duration_ms,
                });
                Ok(Some(report.result))
            }
            Err(problem) => {
                seen.refused.push(RefusedReport {
                    path: self.objects.report_path(phase, position).to_string(),
                    problem,
                });
                Ok(None)
            }
        }
    }

    /// A file that a report names and that is not there with its size: a table must not point at it.
    async fn missing_file<R: StagedResult>(
        &self,
        report: &Report<R>,
    ) -> Result<Option<String>, UnitError> {
        let store = self.objects.lake().store();
        let files = report.result.staged().tables.iter();
        let files = files.flat_map(|(table, files)| {
            let named = move |size: i64, path: &str| (Path::from(format!("{table}/{path}")), size);
            files
                .iter()
                .map(move |file| named(file.add.size, &file.add.path))
        });
        let looks = files.map(|(path, size)| {
            let store = &store;
            async move {
                match store.head(&path).await {
                    Ok(found) if i64::try_from(found.size).ok() == Some(size) => Ok(None),
                    Ok(found) => Ok(Some(format!(
                        "{path} has {} bytes instead of {size}",
                        found.size
                    ))),
                    Err(object_store::Error::NotFound { .. }) => {
                        Ok(Some(format!("its file {path} is missing")))
                    }
                    Err(error) => Err(LoadError::storage("reading", path.to_string(), error)),
                }
            }
        });
        let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffer_unordered(CONCURRENT_READS);
        while let Some(look) = looks.next().await {
            if let Some(problem) = look? {
                return Ok(Some(problem));
            }
        }
        Ok(None)
    }
}

/// The paths of staged files from the lake on.
fn paths(staged: &StagedUnit) -> impl Iterator<Item = String> {
    staged.tables.iter().flat_map(|(table, files)| {
        let path = move |file: &StagedAdd| format!("{table}/{}", file.add.path);
        files.iter().map(path)
    })
}

impl Workers for Reports {
    fn work(
        &self,
        orders: &[Order],
        listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        let results = self.runtime.block_on(self.results(orders))?;
        for outcome in results.iter().flat_map(|result| &result.outcomes) {
            listener.history_done(outcome);
        }
        Ok(results)
    }

    fn judge(&self, orders: &[AnalysisOrder]) -> Result<Vec<AnalysisResult>, UnitError> {
        self.runtime.block_on(self.results(orders))
    }

    fn judge_groups(&self, orders: &[GroupsOrder]) -> Result<Vec<GroupsResult>, UnitError> {
        self.runtime.block_on(self.results(orders))
    }
}
