//! How well runs of a recurring job would have been predicted from the run before, beside what needs
//! no simulation.

use super::model::{Band, Model, Scenario, Shape};

/// Least error that a band is made of: clocks and machines differ by that much.
const LEAST_HALF: f64 = 0.05;
/// Fewest predictions that make a band.
const MIN_RUNS: usize = 3;
/// Growth of the data below which it counts as the same.
const SAME_DATA: f64 = 0.01;

/// A run of the job, in the order of their starts.
#[derive(Debug)]
pub struct PastRun {
    /// Its application.
    pub application_id: String,
    /// What it read, in bytes.
    pub input_bytes: i64,
    /// What it tells.
    pub model: Model,
}

/// Errors of predictions: predicted over measured, less one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Errors {
    /// One of each prediction.
    pub all: Vec<f64>,
}

impl Errors {
    /// Mean of the absolute errors.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.all.iter().map(|error| error.abs()).sum();
        (!self.all.is_empty()).then(|| sum / self.all.len() as f64)
    }

    /// Mean with its sign: above 0, predictions are too long.
    pub fn bias(&self) -> Option<f64> {
        let sum: f64 = self.all.iter().sum();
        (!self.all.is_empty()).then(|| sum / self.all.len() as f64)
    }

    /// Absolute error that nine of ten predictions do not exceed.
    pub fn p90(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.all.iter().map(|error| error.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let place = (sorted.len() * 9).div_ceil(10).saturating_sub(1);
        sorted.get(place).copied()
    }
}

/// What the back-test of a job shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backtest {
    /// The simulation.
    pub simulation: Errors,
    /// As long as the last run.
    pub last_run: Errors,
    /// As long as the last run, by what was read then and now.
    pub by_input: Errors,
    /// The last run, by what was read and by the cores.
    pub perfect_scaling: Errors,
    /// Predictions whose interval held what was measured.
    pub covered: u32,
}

impl Backtest {
    /// Predictions that were made.
    pub fn runs(&self) -> u32 {
        u32::try_from(self.simulation.all.len()).unwrap_or(u32::MAX)
    }

    /// Share of the intervals that held what was measured.
    pub fn coverage(&self) -> Option<f64> {
        let runs = self.runs();
        (runs > 0).then(|| f64::from(self.covered) / f64::from(runs))
    }

    /// The band that these errors make; the default one where there are too few.
    pub fn band(&self) -> Band {
        match self.simulation.p90() {
            Some(half) if self.simulation.all.len() >= MIN_RUNS => Band {
                half: half.max(LEAST_HALF),
                runs: self.runs(),
            },
            _ => Band::default(),
        }
    }
}

/// Predicts each run from the one before it.
pub fn backtest(runs: &[PastRun]) -> Backtest {
    let mut found = Backtest::default();
    for pair in runs.windows(2) {
        let [earlier, later] = pair else { continue };
        let measured = later.model.measured_ms() as f64;
        let growth = growth(earlier.input_bytes, later.input_bytes);
        let scenario = Scenario {
            data_growth: if earlier.model.grows() { growth } else { 1.0 },
            dynamic_allocation: Some(later.model.dynamic_allocation()),
            ..Scenario::of(later.model.current())
        };
        let Some(predicted) = earlier.model.predict(&scenario, Band::default()) else {
            continue;
        };
        let error = |predicted: f64| predicted / measured.max(1.0) - 1.0;
        let last = earlier.model.measured_ms() as f64;
        let cores = |shape: Shape| shape.total_cores().max(1) as f64;
        let fewer = cores(earlier.model.current()) / cores(later.model.current());
        found
            .simulation
            .all
            .push(error(predicted.duration_ms as f64));
        found.last_run.all.push(error(last));
        found.by_input.all.push(error(last * growth));
        found.perfect_scaling.all.push(error(last * growth * fewer));
        let interval = predicted.low_ms as f64..=predicted.high_ms as f64;
        found.covered += u32::from(interval.contains(&measured));
    }
    found
}

/// How many times the data; 1 where it is not known or the same.
fn growth(earlier: i64, later: i64) -> f64 {
    if earlier <= 0 || later <= 0 {
        return 1.0;
    }
    let growth = later as f64 / earlier as f64;
    if (growth - 1.0).abs() < SAME_DATA {
        1.0
    } else {
        growth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::facts::{Facts, JobFacts, Lifetime, StageFacts};

    /// `tasks` tasks of 10 s on `executors` executors of one core, and a driver's time.
    fn run(executors: u32, tasks: u32, driver_ms: i64) -> PastRun {
        let waves = i64::from(tasks.div_ceil(executors)) * 10_000;
        let start = 1_700_000_000_000;
        let end = Some(start + driver_ms + waves);
        let begin = Some(start + driver_ms);
        let facts = Facts {
            start_ms: start,
            duration_ms: driver_ms + waves,
            is_complete: true,
            executor_cores: Some(1),
            num_executors_max: Some(i64::from(executors)),
            jobs: vec![JobFacts {
                id: 0,
                submitted_ms: begin,
                completed_ms: end,
            }],
            stages: vec![StageFacts {
                id: 0,
                job_ids: vec![0],
                submitted_ms: begin,
                launched_ms: begin,
                completed_ms: end,
                last_task_ms: end,
                num_tasks: i64::from(tasks),
                attempts: 1,
                has_succeeded: true,
                input_bytes: i64::from(tasks) * 1_000,
                tasks: vec![10_000; tasks as usize],
                ..StageFacts::default()
            }],
            executors: vec![
                Lifetime {
                    added_ms: Some(start),
                    cores: 1,
                    ..Lifetime::default()
                };
                executors as usize
            ],
            ..Facts::default()
        };
        PastRun {
            application_id: String::new(),
            input_bytes: i64::from(tasks) * 1_000,
            model: Model::new(&facts).expect("known"),
        }
    }

    fn assert_errors(found: &Errors, expected: &[f64]) {
        assert_eq!(found.all.len(), expected.len(), "{found:?}");
        for (found, expected) in found.all.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-9,
                "{found} instead of {expected}"
            );
        }
    }

    #[test]
    fn runs_on_other_executors_and_data_are_predicted_from_the_one_before() {
        // 90 s, then twice the executors: 50 s, then twice the data: 90 s.
        let found = backtest(&[run(2, 16, 10_000), run(4, 16, 10_000), run(4, 32, 10_000)]);
        assert_errors(&found.simulation, &[0.0, 0.0]);
        assert_errors(&found.last_run, &[90.0 / 50.0 - 1.0, 50.0 / 90.0 - 1.0]);
        assert_errors(&found.by_input, &[90.0 / 50.0 - 1.0, 100.0 / 90.0 - 1.0]);
        assert_errors(
            &found.perfect_scaling,
            &[45.0 / 50.0 - 1.0, 100.0 / 90.0 - 1.0],
        );
        assert_eq!((found.covered, found.coverage()), (2, Some(1.0)));
        assert_eq!(found.band(), Band::default());
    }

    #[test]
    fn errors_make_the_band_once_there_are_enough() {
        // The driver took longer each time: 50, 60, 60, 90 s.
        let runs = [10_000, 20_000, 20_000, 50_000].map(|driver| run(4, 16, driver));
        let found = backtest(&runs);
        assert_errors(
            &found.simulation,
            &[50.0 / 60.0 - 1.0, 0.0, 60.0 / 90.0 - 1.0],
        );
        assert_eq!(found.covered, 1);
        let band = found.band();
        assert_eq!(band.runs, 3);
        assert!((band.half - 1.0 / 3.0).abs() < 1e-9, "{band:?}");
        assert!(found.simulation.bias().is_some_and(|bias| bias < -0.1));
        assert!(backtest(&runs[..1]).simulation.mean().is_none());
    }
}
