//! The units of a run on an engine: what has no report goes to it, again and again until nothing is left.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use crate::unit::LakeReference;
use crate::unit::shards::{
    EngineError, EngineJob, JobEnd, Manifest, RunReference, ShardObjects, UnitEngine,
};

use super::error::RunError;

/// Time between two looks at the reports while a job runs.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Jobs in a row that may end early without a single further report.
const MAX_IDLE_JOBS: usize = 5;

/// Has the units of a manifest worked through that have no report. Those that come to nothing wherever
/// they are tried are left without one, as they are where shards do the work.
///
/// # Errors
/// The engine went away, or no unit at all has a report.
pub(super) async fn work_through(
    engine: &dyn UnitEngine,
    objects: &ShardObjects,
    manifest: &Manifest,
    lake: &LakeReference,
) -> Result<(), RunError> {
    let mut work = Work {
        units: manifest.units.len(),
        reported: objects.reported(manifest.phase).await?,
        given_up: HashSet::new(),
        problem: None,
        idle_jobs: 0,
    };
    while let Some(positions) = work.next_job() {
        engine.check().await?;
        let job = EngineJob {
            run: RunReference {
                lake: lake.clone(),
                run_id: manifest.run_id.clone(),
                phase: manifest.phase,
                is_tolerant: work.problem.is_some(),
            },
            positions,
        };
        let end = watched(engine.work(&job), objects, manifest).await?;
        work.take(&job, end, objects.reported(manifest.phase).await?)?;
    }
    work.conclude()
}

/// How far the units are.
#[derive(Debug, Default)]
struct Work {
    units: usize,
    /// Positions with a report.
    reported: HashSet<usize>,
    /// Positions that came to nothing in a job that went to its end.
    given_up: HashSet<usize>,
    /// What an engine said last about a job that it gave up.
    problem: Option<String>,
    /// Jobs in a row that ended early and brought nothing.
    idle_jobs: usize,
}

impl Work {
    /// The positions of the next job; `None` where nothing is left to try.
    fn next_job(&self) -> Option<Vec<usize>> {
        let is_left = |position: &usize| {
            !self.reported.contains(position) && !self.given_up.contains(position)
        };
        let positions: Vec<usize> = (0..self.units)
            .filter(is_left)
            .take(EngineJob::MAX_UNITS)
            .collect();
        (!positions.is_empty()).then_some(positions)
    }

    fn take(
        &mut self,
        job: &EngineJob,
        end: JobEnd,
        reported: HashSet<usize>,
    ) -> Result<(), EngineError> {
        let has_moved = reported.len() > self.reported.len();
        self.reported = reported;
        let end = match end {
            JobEnd::Done => {
                let positions = job.positions.iter().copied();
                self.given_up
                    .extend(positions.filter(|at| !self.reported.contains(at)));
                self.idle_jobs = 0;
                return Ok(());
            }
            JobEnd::Failed { problem } => problem,
            JobEnd::Lost => {
                tracing::warn!(
                    "the scheduler lost the job; units without a report are assigned again"
                );
                return self.note_idle(has_moved, "the scheduler keeps restarting");
            }
        };
        tracing::warn!(
            "the engine failed the job: {end}; units without a report are assigned again"
        );
        self.note_idle(has_moved, &end)?;
        self.problem = Some(end);
        Ok(())
    }

    fn note_idle(&mut self, has_moved: bool, problem: &str) -> Result<(), EngineError> {
        self.idle_jobs = if has_moved { 0 } else { self.idle_jobs + 1 };
        if self.idle_jobs < MAX_IDLE_JOBS {
            return Ok(());
        }
        Err(EngineError::Failed {
            problem: problem.to_owned(),
        })
    }

    fn conclude(self) -> Result<(), RunError> {
        if self.units == 0 || !self.reported.is_empty() {
            return Ok(());
        }
        let problem = self.problem;
        Err(RunError::Engine(EngineError::Failed {
            problem: problem.unwrap_or_else(|| "no executor reported a reason".to_owned()),
        }))
    }
}

/// Waits for a job, and tells how far it is.
async fn watched<T>(
    job: impl Future<Output = T>,
    objects: &ShardObjects,
    manifest: &Manifest,
) -> T {
    let units = manifest.units.len();
    let mut told = None;
    tokio::pin!(job);
    loop {
        match tokio::time::timeout(BETWEEN_LOOKS, &mut job).await {
            Ok(end) => return end,
            Err(_) => {
                // A store that fails for a moment costs a line.
                let reported = objects.reported(manifest.phase).await.ok();
                let reported = reported.map(|reported| reported.len());
                if reported.is_some() && reported != told {
                    told = reported;
                    let (phase, reported) = (manifest.phase.as_str(), reported.unwrap_or(0));
                    tracing::info!(phase, "{reported} of {units} units have a report");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Credentials;
    use crate::unit::shards::Phase;

    fn job(positions: Vec<usize>) -> EngineJob {
        EngineJob {
            run: RunReference {
                lake: LakeReference {
                    uri: String::new(),
                    credentials: Credentials::default(),
                    allow_unsafe_store: false,
                },
                run_id: String::new(),
                phase: Phase::Extraction,
                is_tolerant: false,
            },
            positions,
        }
    }

    fn failed() -> JobEnd {
        JobEnd::Failed {
            problem: "no credentials".to_owned(),
        }
    }

    #[test]
    fn what_has_no_report_is_tried_again_until_a_job_went_to_its_end() {
        let mut work = Work {
            units: 3,
            reported: HashSet::from([0]),
            ..Work::default()
        };
        assert_eq!(work.next_job(), Some(vec![1, 2]));
        work.take(&job(vec![1, 2]), failed(), HashSet::from([0, 2]))
            .unwrap();
        assert_eq!(work.next_job(), Some(vec![1]));
        work.take(&job(vec![1]), JobEnd::Lost, HashSet::from([0, 2]))
            .unwrap();
        assert_eq!(work.next_job(), Some(vec![1]));
        work.take(&job(vec![1]), JobEnd::Done, HashSet::from([0, 2]))
            .unwrap();
        assert_eq!(work.next_job(), None);
        work.conclude().unwrap();
    }

    #[test]
    fn jobs_are_bounded_and_cover_every_unit() {
        let mut work = Work {
            units: 50_001,
            ..Work::default()
        };
        let mut jobs = Vec::new();
        while let Some(positions) = work.next_job() {
            let mut reported = work.reported.clone();
            reported.extend(&positions);
            work.take(&job(positions.clone()), JobEnd::Done, reported)
                .unwrap();
            jobs.push(positions);
        }
        assert!(
            jobs.iter()
                .all(|positions| positions.len() <= EngineJob::MAX_UNITS)
        );
        assert_eq!(jobs.len(), 51);
        assert_eq!(jobs.concat(), (0..50_001).collect::<Vec<_>>());
    }

    #[test]
    fn an_engine_that_brings_nothing_is_given_up_with_what_it_said() {
        let mut work = Work {
            units: 1,
            ..Work::default()
        };
        let mut jobs = 0;
        let error = loop {
            jobs += 1;
            if let Err(error) = work.take(&job(vec![0]), failed(), HashSet::new()) {
                break error;
            }
        };
        assert_eq!(jobs, MAX_IDLE_JOBS);
        assert!(error.to_string().contains("no credentials"), "{error}");
        let work = Work {
            units: 1,
            given_up: HashSet::from([0]),
            problem: Some("no credentials".to_owned()),
            ..Work::default()
        };
        assert!(matches!(work.conclude(), Err(RunError::Engine(_))));
    }
}
