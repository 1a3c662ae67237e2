//! Predictions for one application: its schedule elsewhere, anchored at what was measured.

use super::arrivals::{arrivals, provisioning_ms};
use super::cluster::{Allocation, Cluster, Executors, Losses};
use super::facts::{Facts, Unknown};
use super::schedule::{Outcome, Stuck, schedule};
use super::settings::{AllocationSettings, task_cpus};
use super::workload::{Workload, whole};

/// Executors that a provider takes back an hour, over those that there are, where none was taken.
pub(super) const RECLAIMS_PER_EXECUTOR_HOUR: f64 = 0.05;
/// Half of the default band at the size that was measured, and what each doubling or halving of
/// cores or data adds.
const BAND: f64 = 0.10;
const BAND_PER_DOUBLING: f64 = 0.10;
/// More executors pay while twice as many cut at least this share of what perfect scaling would.
const WORTHWHILE: f64 = 0.25;
/// The factors of the standard grid.
const GRID: [f64; 6] = [0.5, 0.75, 1.0, 1.5, 2.0, 4.0];

/// Executors of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// Executors; with dynamic allocation the most of them.
    pub executors: u32,
    /// Cores of each.
    pub cores: u32,
    /// Heap of each; `None` where it is not known.
    pub memory_bytes: Option<u64>,
}

impl Shape {
    /// Cores of all executors.
    pub fn total_cores(&self) -> u64 {
        u64::from(self.executors) * u64::from(self.cores)
    }
}

/// What is asked: other executors, other data, another way to buy them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// The executors.
    pub shape: Shape,
    /// Times the data of the run.
    pub data_growth: f64,
    /// Dynamic allocation on or off; `None`: as the run had it.
    pub dynamic_allocation: Option<bool>,
    /// Whether the provider may take executors back.
    pub spot: bool,
}

impl Scenario {
    /// These executors, everything else as it was.
    pub fn of(shape: Shape) -> Self {
        Self {
            shape,
            data_growth: 1.0,
            dynamic_allocation: None,
            spot: false,
        }
    }
}

/// How far a prediction may be off, as shares of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Half of the interval at the measured size.
    pub half: f64,
    /// How many predictions of earlier runs it comes from; 0: it is the default band.
    pub runs: u32,
}

impl Default for Band {
    fn default() -> Self {
        Self {
            half: BAND,
            runs: 0,
        }
    }
}

/// What a scenario would take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The question.
    pub scenario: Scenario,
    /// From start to end of the application, in ms.
    pub duration_ms: u64,
    /// The bounds of it.
    pub low_ms: u64,
    /// See `low_ms`.
    pub high_ms: u64,
    /// Executors' lifetimes times their cores.
    pub core_time_ms: u64,
    /// Share of that in which no task runs.
    pub idle_ratio: f64,
    /// Executors that the provider takes back meanwhile.
    pub lost_executors: u32,
    /// Whether it is what the application ran with.
    pub is_current: bool,
    /// Whether the memory is enough by measured peaks; `None`: not known.
    pub fits_memory: Option<bool>,
}

/// An application that can be predicted.
#[derive(Debug, Clone)]
pub struct Model {
    workload: Workload,
    current: Shape,
    is_local: bool,
    dynamic_allocation: bool,
    settings: AllocationSettings,
    task_cpus: u32,
    /// When the first executors were there, ascending, in ms since the start.
    arrivals_ms: Vec<u64>,
    provisioning_ms: u64,
    reclaims_per_executor_hour: f64,
    needed_memory_bytes: Option<u64>,
    is_pressed: bool,
    measured_ms: u64,
    measured_core_ms: u64,
    driver_ms: u64,
    /// The schedule on what the application ran with.
    played: Outcome,
    ideal_ms: u64,
}

impl Model {
    /// A model of the application.
    ///
    /// # Errors
    /// The history does not tell enough.
    pub fn new(facts: &Facts) -> Result<Self, Unknown> {
        let workload = facts.workload()?;
        let known = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        let sizing = facts.sizing.unwrap_or_default();
        let hours: f64 = facts
            .executors
            .iter()
            .map(|one| one.lifetime_ms as f64 / 3.6e6)
            .sum();
        let reclaimed = facts
            .executors
            .iter()
            .filter(|one| one.is_reclaimed)
            .count();
        let mut model = Self {
            current: Shape {
                executors: facts.executors_max(),
                cores: facts.cores(),
                memory_bytes: known(facts.executor_memory_bytes),
            },
            is_local: facts.is_local,
            dynamic_allocation: facts.dynamic_allocation && !facts.is_local,
            settings: AllocationSettings::of(facts),
            task_cpus: task_cpus(&facts.settings),
            arrivals_ms: arrivals(facts),
            provisioning_ms: provisioning_ms(facts),
            reclaims_per_executor_hour: match reclaimed {
                0 => RECLAIMS_PER_EXECUTOR_HOUR,
                number => number as f64 / hours.max(1.0 / 60.0),
            },
            needed_memory_bytes: known(sizing.needed_memory_bytes),
            is_pressed: sizing.is_pressed,
            measured_ms: positive(facts.duration_ms),
            measured_core_ms: positive(facts.core_time_ms),
            driver_ms: positive(facts.driver_ms()),
            played: Outcome::default(),
            ideal_ms: 0,
            workload,
        };
        let current = Scenario::of(model.current);
        let stuck = |_: Stuck| Unknown::NoExecutors;
        model.played = schedule(&model.workload, &model.cluster(&current)).map_err(stuck)?;
        let ideal = schedule(&model.workload, &Cluster::unlimited()).map_err(stuck)?;
        model.ideal_ms = model.anchored(ideal.duration_ms).min(model.measured_ms);
        Ok(model)
    }

    /// The executors that the application ran with.
    pub fn current(&self) -> Shape {
        self.current
    }

    /// Whether the driver ran the tasks itself: then cores vary, not executors.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether executors came and went with the load.
    pub fn dynamic_allocation(&self) -> bool {
        self.dynamic_allocation
    }

    /// Measured length, in ms.
    pub fn measured_ms(&self) -> u64 {
        self.measured_ms
    }

    /// Time in which no job ran, in ms.
    pub fn driver_ms(&self) -> u64 {
        self.driver_ms
    }

    /// Length with a slot for every task, in ms.
    pub fn ideal_ms(&self) -> u64 {
        self.ideal_ms
    }

    /// The longest chain of stages, without the driver's time between jobs, in ms.
    pub fn critical_path_ms(&self) -> u64 {
        self.ideal_ms.saturating_sub(self.driver_ms)
    }

    /// Task time, in ms.
    pub fn work_ms(&self) -> u64 {
        self.workload.work_ms()
    }

    /// Tasks that are scheduled.
    pub fn num_tasks(&self) -> u64 {
        self.workload.num_tasks()
    }

    /// How far the schedule of what was measured is from it: scheduled over measured, less one.
    pub fn model_error_ratio(&self) -> f64 {
        self.played.duration_ms as f64 / (self.measured_ms.max(1)) as f64 - 1.0
    }

    /// Whether more data would change anything.
    pub fn grows(&self) -> bool {
        self.workload.grows()
    }

    /// What the scenario would take; `None` when no task would ever run.
    pub fn predict(&self, scenario: &Scenario, band: Band) -> Option<Prediction> {
        let grown = (scenario.data_growth - 1.0).abs() > 1e-9;
        let grown = grown.then(|| self.workload.grown(scenario.data_growth));
        self.predict_workload(grown.as_ref().unwrap_or(&self.workload), scenario, band)
    }

    /// What each of the scenarios would take, where tasks would run. Workloads of the same data are
    /// made once; large ones are played side by side.
    pub fn predict_all(&self, scenarios: &[Scenario], band: Band) -> Vec<Prediction> {
        let threads = match self.num_tasks() {
            ..50_000 => 1,
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let share = scenarios.len().div_ceil(threads).max(1);
        let play = |part: &[Scenario]| -> Vec<Option<Prediction>> {
            let mut grown: Option<(f64, Workload)> = None;
            part.iter()
                .map(|scenario| {
                    let factor = scenario.data_growth;
                    if (factor - 1.0).abs() <= 1e-9 {
                        return self.predict_workload(&self.workload, scenario, band);
                    }
                    let known = grown
                        .take()
                        .filter(|(known, _)| (*known - factor).abs() < 1e-9);
                    let (_, workload) = grown
                        .insert(known.unwrap_or_else(|| (factor, self.workload.grown(factor))));
                    self.predict_workload(workload, scenario, band)
                })
                .collect()
        };
        let play = &play;
        let parts: Vec<Vec<Option<Prediction>>> = std::thread::scope(|scope| {
            let running: Vec<_> = scenarios
                .chunks(share)
                .map(|part| scope.spawn(move || play(part)))
                .collect();
            let ended = running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default());
            ended.collect()
        });
        parts.into_iter().flatten().flatten().collect()
    }

    fn predict_workload(
        &self,
        workload: &Workload,
        scenario: &Scenario,
        band: Band,
    ) -> Option<Prediction> {
        let outcome = schedule(workload, &self.cluster(scenario)).ok()?;
        let duration_ms = self.anchored(outcome.duration_ms);
        let core_time_ms = self.anchored_core_ms(&outcome, duration_ms, scenario);
        let half = self.half_band(scenario, band);
        let part = |share: f64| whole(duration_ms as f64 * share);
        let is_current = scenario.shape == self.current
            && (scenario.data_growth - 1.0).abs() <= 1e-9
            && !scenario.spot
            && scenario
                .dynamic_allocation
                .is_none_or(|on| on == self.dynamic_allocation);
        let busy_ms = workload.work_ms() as f64 * f64::from(self.task_cpus);
        Some(Prediction {
            scenario: *scenario,
            duration_ms,
            low_ms: part(1.0 - half),
            high_ms: part(1.0 + half),
            core_time_ms,
            idle_ratio: (1.0 - busy_ms / (core_time_ms.max(1)) as f64).clamp(0.0, 1.0),
            lost_executors: outcome.lost,
            is_current,
            fits_memory: self.fits_memory(scenario.shape),
        })
    }

    /// The schedule's time as it would be measured. What the schedule of the measured executors did
    /// not explain stays as it was; where it took too long, everything is as much too long.
    fn anchored(&self, scheduled_ms: u64) -> u64 {
        let (played, measured) = (self.played.duration_ms, self.measured_ms);
        match measured.checked_sub(played) {
            Some(unexplained) => scheduled_ms.saturating_add(unexplained),
            None => whole(scheduled_ms as f64 * measured as f64 / played.max(1) as f64),
        }
    }

    /// As paid: executors stay for what the schedule did not explain, and where the measured ones
    /// lived less than scheduled, others do too.
    fn anchored_core_ms(&self, outcome: &Outcome, duration_ms: u64, scenario: &Scenario) -> u64 {
        let stretched = |outcome: &Outcome, duration_ms: u64| {
            outcome.core_time_ms as f64 * duration_ms as f64 / outcome.duration_ms.max(1) as f64
        };
        let scheduled = stretched(outcome, duration_ms);
        let as_run = scenario
            .dynamic_allocation
            .is_none_or(|on| on == self.dynamic_allocation);
        let played = stretched(&self.played, self.measured_ms);
        if !as_run || played <= 0.0 || self.measured_core_ms == 0 {
            return whole(scheduled);
        }
        whole(scheduled * self.measured_core_ms as f64 / played)
    }

    fn half_band(&self, scenario: &Scenario, band: Band) -> f64 {
        let cores = scenario.shape.total_cores().max(1) as f64;
        let cores = (cores / self.current.total_cores().max(1) as f64)
            .log2()
            .abs();
        let data = scenario.data_growth.max(1e-6).log2().abs();
        let half = band.half + BAND_PER_DOUBLING * (cores + data);
        let spot = if scenario.spot {
            BAND_PER_DOUBLING
        } else {
            0.0
        };
        (half + spot).min(0.9)
    }

    /// Measured peaks with headroom, for as many tasks side by side as the shape has cores.
    fn fits_memory(&self, shape: Shape) -> Option<bool> {
        let memory = shape.memory_bytes?;
        let more_cores = f64::from(shape.cores) / f64::from(self.current.cores.max(1));
        let had = self
            .current
            .memory_bytes
            .map(|had| had as f64 * more_cores.max(1.0));
        if self.is_pressed && had.is_some_and(|had| (memory as f64) < had) {
            return Some(false);
        }
        let needed = self
            .needed_memory_bytes
            .map(|bytes| bytes as f64 * more_cores.max(1.0));
        match (needed, had) {
            (Some(needed), _) if needed <= memory as f64 => Some(true),
            // It ran with that, whatever the headroom.
            (_, Some(had)) if memory as f64 >= had => Some(true),
            (Some(_), _) => Some(false),
            (None, _) => None,
        }
    }

    fn cluster(&self, scenario: &Scenario) -> Cluster {
        let shape = scenario.shape;
        let is_dynamic = scenario
            .dynamic_allocation
            .unwrap_or(self.dynamic_allocation);
        let executors = if is_dynamic && !self.is_local {
            let known = &self.settings;
            let first_ms = self
                .arrivals_ms
                .first()
                .copied()
                .unwrap_or(self.provisioning_ms);
            Executors::Dynamic(Allocation {
                initial: known.initial.min(shape.executors),
                min: known.min.min(shape.executors),
                max: shape.executors,
                backlog_ms: known.backlog_ms,
                sustained_ms: known.sustained_ms,
                idle_ms: Some(known.idle_ms),
                ratio: known.ratio,
                provisioning_ms: self.provisioning_ms,
                first_ms,
                keeps_shuffle: known.keeps_shuffle,
            })
        } else {
            Executors::Fixed(self.fixed_arrivals(shape.executors))
        };
        Cluster {
            slots_per_executor: shape.cores / self.task_cpus.max(1),
            cores_per_executor: shape.cores,
            executors,
            losses: match scenario.spot {
                true => Losses {
                    per_executor_hour: self.reclaims_per_executor_hour,
                    replacement_ms: self.provisioning_ms,
                    with_shuffle: self.settings.keeps_shuffle,
                },
                false => Losses::default(),
            },
        }
    }

    /// Executors arrive as the measured ones did, spread over as many as there are now.
    fn fixed_arrivals(&self, executors: u32) -> Vec<u64> {
        let known = self.arrivals_ms.len() as u64;
        let number = u64::from(executors);
        let arrival = |place: u64| {
            let from = place * known / number.max(1);
            let from = usize::try_from(from).ok()?;
            self.arrivals_ms.get(from).copied()
        };
        (0..number)
            .map(|place| arrival(place).unwrap_or(0))
            .collect()
    }
}

/// The shapes of the standard grid: half to four times the executors of the run, or its cores in
/// local mode.
pub fn standard_grid(model: &Model) -> Vec<Shape> {
    let current = model.current();
    let of = |number: u32, factor: f64| {
        let scaled = whole(f64::from(number) * factor).max(1);
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    let mut shapes: Vec<Shape> = GRID
        .iter()
        .map(|factor| match model.is_local() {
            true => Shape {
                cores: of(current.cores, *factor),
                ..current
            },
            false => Shape {
                executors: of(current.executors, *factor),
                ..current
            },
        })
        .collect();
    shapes.sort_unstable();
    shapes.dedup();
    shapes
}

/// Up to which of these predictions more cores pay: the last before the first step whose saving is
/// below a quarter of perfect scaling. `None` for less than two, or where sizes are not ascending.
pub fn knee(predictions: &[Prediction]) -> Option<usize> {
    if predictions.len() < 2 {
        return None;
    }
    let cores = |prediction: &Prediction| prediction.scenario.shape.total_cores() as f64;
    for (place, pair) in predictions.windows(2).enumerate() {
        let [less, more] = pair else { continue };
        let grown = (cores(more) / cores(less).max(1.0)).ln();
        if grown <= 0.0 {
            return None;
        }
        let saved = (less.duration_ms.max(1) as f64 / more.duration_ms.max(1) as f64).ln();
        if saved < WORTHWHILE * grown {
            return Some(place);
        }
    }
    predictions.len().checked_sub(1)
}

#[cfg(test)]
mod tests;
