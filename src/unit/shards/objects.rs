//! Manifests, orders and reports as objects of the lake's store.

use std::collections::HashSet;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::Serialize;
use uuid::Uuid;

use super::super::error::UnitError;
use super::super::result::to_json;
use super::manifest::{Manifest, Phase};
use crate::load::{Lake, LoadError, StagedUnit};

/// Orders that are written at the same time.
const CONCURRENT_WRITES: usize = 32;

/// The objects of one run that waits, or is about to.
#[derive(Debug, Clone)]
pub struct ShardObjects {
    lake: Lake,
    run_id: String,
}

/// How far the workers of a run that waits are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardProgress {
    /// The run.
    pub run_id: String,
    /// What its units do.
    pub phase: Phase,
    /// Its units.
    pub units: usize,
    /// Units with a report, sound or not.
    pub reported: usize,
}

impl ShardObjects {
    /// The objects of that run in `lake`. Touches nothing.
    ///
    /// # Errors
    /// The id is none that a run has.
    pub fn of(lake: &Lake, run_id: &str) -> Result<Self, UnitError> {
        // Ids are parts of paths.
        let run_id = Uuid::parse_str(run_id).map_err(|_| UnitError::InvalidRun {
            run_id: run_id.to_owned(),
        })?;
        Ok(Self {
            lake: lake.clone(),
            run_id: run_id.to_string(),
        })
    }

    /// The objects of the newest run that waits in `lake`; `None` where no run does.
    ///
    /// # Errors
    /// The store fails.
    pub async fn of_waiting_run(lake: &Lake) -> Result<Option<Self>, UnitError> {
        let waiting = lake.waiting_runs().await?;
        waiting
            .last()
            .map(|run_id| Self::of(lake, run_id))
            .transpose()
    }

    /// The run.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The lake.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The manifest of the run.
    ///
    /// # Errors
    /// The run does not wait, or its manifest is damaged or of another version.
    pub async fn manifest(&self) -> Result<Manifest, UnitError> {
        let path = Lake::manifest_path(&self.run_id);
        let Some(json) = self.read(&path).await? else {
            return Err(UnitError::NotWaiting {
                run_id: self.run_id.clone(),
                lake: self.lake.uri().to_owned(),
                waiting: self.lake.waiting_runs().await?,
            });
        };
        let manifest = Manifest::parse(&json).map_err(|error| self.bad_manifest(&error))?;
        if manifest.run_id != self.run_id {
            let problem = format!("it is the manifest of run {}", manifest.run_id);
            return Err(self.bad_manifest(&problem));
        }
        Ok(manifest)
    }

    /// The manifest cannot be used.
    pub fn bad_manifest(&self, problem: &impl ToString) -> UnitError {
        UnitError::BadManifest {
            path: Lake::manifest_path(&self.run_id).to_string(),
            problem: problem.to_string(),
        }
    }

    /// How far the workers of the run are.
    ///
    /// # Errors
    /// As [`Self::manifest`].
    pub async fn progress(&self) -> Result<ShardProgress, UnitError> {
        let manifest = self.manifest().await?;
        let reported = self.reported(manifest.phase).await?;
        Ok(ShardProgress {
            run_id: manifest.run_id,
            phase: manifest.phase,
            units: manifest.units.len(),
            reported: reported.len(),
        })
    }

    /// Positions of the units that have a report, sound or not.
    ///
    /// # Errors
    /// The store fails.
    pub async fn reported(&self, phase: Phase) -> Result<HashSet<usize>, UnitError> {
        let folder = self.folder(phase, "reports");
        let reports = self.lake.store().list(Some(&folder));
        let reports: Vec<_> = reports
            .try_collect()
            .await
            .map_err(|source| LoadError::storage("listing", folder.to_string(), source))?;
        let names = reports
            .iter()
            .filter_map(|report| report.location.filename());
        let positions = names.filter_map(|name| name.strip_suffix(".json")?.parse().ok());
        Ok(positions.collect())
    }

    /// Whether the run waits, as far as that can be told.
    pub async fn waits(&self) -> bool {
        let waiting = self.lake.waiting_runs().await;
        waiting.is_ok_and(|waiting| waiting.contains(&self.run_id))
    }

    /// Writes the orders, by position, and after them the manifest: a run that is killed in between
    /// does not wait.
    ///
    /// # Errors
    /// The store fails.
    pub async fn hand_out(
        &self,
        manifest: &Manifest,
        orders: Vec<String>,
    ) -> Result<(), UnitError> {
        let writes = orders.into_iter().enumerate().map(|(position, order)| {
            let path = self.path(manifest.phase, "orders", position);
            async move { self.write(&path, order, PutMode::Overwrite).await }
        });
        stream::iter(writes)
            .buffer_unordered(CONCURRENT_WRITES)
            .try_collect::<Vec<bool>>()
            .await?;
        let json = to_json("manifest", manifest)?;
        let path = Lake::manifest_path(&self.run_id);
        self.write(&path, json, PutMode::Overwrite).await?;
        Ok(())
    }

    /// The order at a position, as JSON.
    ///
    /// # Errors
    /// It is not there, or the store fails.
    pub(super) async fn order(&self, phase: Phase, position: usize) -> Result<Bytes, UnitError> {
        let path = self.path(phase, "orders", position);
        let order = self.read(&path).await?;
        order.ok_or_else(|| UnitError::Malformed {
            what: "order",
            problem: format!("{path} is missing"),
        })
    }

    /// The report at a position, as JSON; `None` where there is none yet.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn report(
        &self,
        phase: Phase,
        position: usize,
    ) -> Result<Option<Bytes>, UnitError> {
        self.read(&self.report_path(phase, position)).await
    }

    /// Writes a report, unless there is one. False where another worker was first.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn write_report(
        &self,
        phase: Phase,
        position: usize,
        report: String,
    ) -> Result<bool, UnitError> {
        let path = self.report_path(phase, position);
        self.write(&path, report, PutMode::Create).await
    }

    /// Removes staged files that nobody wants; what cannot be removed stays until the lake is cleaned.
    pub(super) async fn discard(&self, unwanted: &StagedUnit) {
        let store = self.lake.store();
        for (table, files) in &unwanted.tables {
            for file in files {
                let path = Path::from(format!("{table}/{}", file.add.path));
                if let Err(error) = store.delete(&path).await {
                    tracing::debug!(%path, %error, "an unwanted staged file stays");
                }
            }
        }
    }

    /// Where the report at a position is.
    pub(super) fn report_path(&self, phase: Phase, position: usize) -> Path {
        self.path(phase, "reports", position)
    }

    fn path(&self, phase: Phase, kind: &str, position: usize) -> Path {
        let folder = self.folder(phase, kind);
        Path::from(format!("{folder}/{position:06}.json"))
    }

    fn folder(&self, phase: Phase, kind: &str) -> Path {
        let (run, phase) = (Lake::shards_folder(&self.run_id), phase.as_str());
        Path::from(format!("{run}/{phase}/{kind}"))
    }

    async fn read(&self, path: &Path) -> Result<Option<Bytes>, UnitError> {
        let failed = |source| LoadError::storage("reading", path.to_string(), source);
        match self.lake.store().get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error).into()),
        }
    }

    async fn write(&self, path: &Path, json: String, mode: PutMode) -> Result<bool, UnitError> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        match self.lake.store().put_opts(path, json.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(source) => Err(LoadError::storage("writing", path.to_string(), source).into()),
        }
    }
}
