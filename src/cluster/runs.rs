//! The runs that an executor works for: opened once, and never more units at a time than it has cores.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::common::DataFusionError;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, Semaphore};

use crate::config::Environment;
use crate::unit::UnitError;
use crate::unit::shards::{Manifest, RunReference, ShardWorker, UnitEnd};

/// Runs, or phases of a run, that are kept open.
const KEPT_OPEN: usize = 4;
/// Time before an executor says that it cannot open a run at all: one without access to the lake would
/// take unit after unit otherwise, and leave none to those who have it.
const BEFORE_REFUSAL: Duration = Duration::from_secs(3);

/// What the reason for a failed unit begins with.
pub(super) const UNIT_PROBLEM: &str = "a unit failed: ";

/// Works through units of any run.
pub(super) struct OpenRuns {
    settings: RunsSettings,
    /// Where units are worked through: the threads of the program, not those of Ballista's tasks.
    runtime: Handle,
    /// One for each core: a unit that takes the machine for itself takes all.
    cores: Semaphore,
    opened: Mutex<Vec<(RunReference, Arc<OnceCell<OpenRun>>)>>,
}

/// What an executor works with.
#[derive(Clone)]
pub(super) struct RunsSettings {
    /// The variables that credentials refer to.
    pub(super) environment: Environment,
    /// Units at the same time, and threads of one that takes the machine.
    pub(super) cores: u32,
    /// Lakes that are worked for; all where it is empty.
    pub(super) lakes: Vec<String>,
}

/// A run whose manifest is read.
#[derive(Clone)]
struct OpenRun {
    worker: ShardWorker,
    manifest: Arc<Manifest>,
}

impl OpenRuns {
    /// Must be called inside a tokio runtime: units are worked through on it.
    pub(super) fn new(settings: RunsSettings) -> Self {
        Self {
            cores: Semaphore::new(settings.cores as usize),
            settings,
            runtime: Handle::current(),
            opened: Mutex::default(),
        }
    }

    /// Works through a unit, unless it has a report, and gives how it ended. It goes on when nobody waits
    /// for it any more: its report is worth something in any case.
    ///
    /// # Errors
    /// The unit came to nothing, and the job is to end where trying again does not help. Every such error
    /// is one of input and output, for Ballista tries no other again.
    pub(super) async fn work_on(
        self: Arc<Self>,
        run: &RunReference,
        position: usize,
    ) -> Result<String, DataFusionError> {
        let (runs, reference) = (Arc::clone(&self), run.clone());
        let unit = self
            .runtime
            .spawn(async move { runs.unit(&reference, position).await });
        let end = unit.await.unwrap_or_else(|error| {
            Err(UnitError::Worker {
                reason: error.to_string(),
            })
        });
        match end {
            Ok(UnitEnd::Done) => Ok("done".to_owned()),
            Ok(UnitEnd::Reported) => Ok("reported before".to_owned()),
            Ok(UnitEnd::Left) => Ok("left".to_owned()),
            Err(error) => {
                let run_id = &run.run_id;
                tracing::error!(run_id, position, "the unit failed: {error}");
                match run.is_tolerant {
                    true => Ok(format!("failed: {error}")),
                    false => Err(DataFusionError::IoError(io::Error::other(problem(
                        position, &error,
                    )))),
                }
            }
        }
    }

    async fn unit(&self, run: &RunReference, position: usize) -> Result<UnitEnd, UnitError> {
        let OpenRun { worker, manifest } = match self.open(run).await {
            Ok(open) => open,
            Err(error) => {
                tokio::time::sleep(BEFORE_REFUSAL).await;
                return Err(error);
            }
        };
        let Some(unit) = manifest.units.get(position) else {
            return Err(UnitError::Malformed {
                what: "plan",
                problem: format!("the run has no unit at position {position}"),
            });
        };
        let cores = if unit.is_alone {
            self.settings.cores
        } else {
            1
        };
        // Nobody closes it.
        let _cores = self.cores.acquire_many(cores).await.ok();
        let (run_id, phase) = (&run.run_id, run.phase.as_str());
        tracing::debug!(run_id, phase, position, "unit begins");
        let end = worker.work_on(&manifest, position).await?;
        tracing::info!(run_id, phase, position, "unit ends: {end:?}");
        Ok(end)
    }

    async fn open(&self, run: &RunReference) -> Result<OpenRun, UnitError> {
        let lake = run.lake.uri.trim_end_matches('/');
        let lakes = &self.settings.lakes;
        if !lakes.is_empty()
            && !lakes
                .iter()
                .any(|allowed| allowed.trim_end_matches('/') == lake)
        {
            return Err(UnitError::LakeNotAllowed {
                uri: run.lake.uri.clone(),
            });
        }
        let open = async || {
            let environment = self.settings.environment.clone();
            let (worker, manifest) = ShardWorker::open(run, environment).await?;
            Ok(OpenRun {
                worker: ShardWorker {
                    threads: self.settings.cores as usize,
                    stop: Arc::new(AtomicBool::new(false)),
                    ..worker
                },
                manifest: Arc::new(manifest),
            })
        };
        self.cell(run).get_or_try_init(open).await.cloned()
    }

    /// Where the run is kept. Whether units may come to nothing makes no other run of it.
    fn cell(&self, run: &RunReference) -> Arc<OnceCell<OpenRun>> {
        let key = RunReference {
            is_tolerant: false,
            ..run.clone()
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = opened.iter().find(|(known, _)| *known == key) {
            return Arc::clone(cell);
        }
        if opened.len() >= KEPT_OPEN {
            opened.remove(0);
        }
        let cell = Arc::new(OnceCell::new());
        opened.push((key, Arc::clone(&cell)));
        cell
    }
}

/// Without quotes and backslashes: Ballista quotes it several times on its way.
fn problem(position: usize, error: &UnitError) -> String {
    let error = error.to_string().replace(['"', '\\'], "'");
    format!("{UNIT_PROBLEM}{error} (unit {position})")
}

impl Debug for OpenRuns {
    /// Without the environment: it holds secrets.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenRuns")
            .field("cores", &self.settings.cores)
            .finish_non_exhaustive()
    }
}
