//! The runs that an executor works for: opened once, and never more units at a time than it has cores.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use datafusion::common::DataFusionError;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinHandle;

use crate::ask::THREAD_STACK_BYTES;
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
    threads: UnitThreads,
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
    /// Memory in bytes that units at the same time share.
    pub(super) memory_bytes: usize,
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
    /// # Errors
    /// The system gives no threads.
    pub(super) fn new(settings: RunsSettings) -> io::Result<Self> {
        Ok(Self {
            cores: Semaphore::new(settings.cores as usize),
            threads: UnitThreads::new(settings.cores)?,
            settings,
            opened: Mutex::default(),
        })
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
        let unit = async move { runs.unit(&reference, position).await };
        let end = match self.threads.spawn(unit) {
            Some(unit) => unit.await.map_err(|error| error.to_string()),
            None => Err("the executor ends".to_owned()),
        };
        let end = end.unwrap_or_else(|reason| Err(UnitError::Worker { reason }));
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
        let begun = Instant::now();
        let end = worker.work_on(&manifest, position).await?;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(run_id, phase, position, ms, "unit ends: {end:?}");
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
                    memory_bytes: self.settings.memory_bytes,
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

/// Threads that units have for themselves. The program's own threads answer the scheduler and the health
/// checks, and a unit that keeps its threads busy must not make the executor look dead.
struct UnitThreads(Option<Runtime>);

impl UnitThreads {
    fn new(cores: u32) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(cores as usize)
            .thread_name("unit")
            .thread_stack_size(THREAD_STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// `None` once it is dropped.
    fn spawn<F>(&self, unit: F) -> Option<JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.as_ref().map(|runtime| runtime.spawn(unit))
    }
}

impl Drop for UnitThreads {
    /// A runtime that waited for its threads could not be dropped inside another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
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
