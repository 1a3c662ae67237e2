//! The answer of `whatif`: for people a table with what it rests on, for scripts one row a scenario.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow::error::ArrowError;

use crate::cli::error::CliError;
use crate::cli::format::{Format, listing, texts};
use crate::cli::output::Output;
use crate::cli::text::{counted, printable};
use crate::simulate::{Backtest, Band, Errors, Facts, Model, Prediction, TaskSource, Way};

/// All that was asked and found.
pub(super) struct Answer {
    pub facts: Facts,
    pub model: Model,
    /// By size.
    pub predictions: Vec<Prediction>,
    /// What each of them costs.
    pub costs: Vec<Option<f64>>,
    /// The place of the last size that pays.
    pub knee: Option<usize>,
    pub data_growth: f64,
    pub tested: Backtest,
    pub band: Band,
    pub way: Way,
}

impl Answer {
    /// Writes it.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn write(&self, format: Format, output: &mut Output) -> Result<(), CliError> {
        match format {
            Format::Table => {
                output.text(&self.heading())?;
                format.write_all(&self.for_people()?, &mut *output)?;
                output.text(&self.notes())?;
            }
            Format::Markdown | Format::Vertical => {
                format.write_all(&self.for_people()?, output)?;
            }
            Format::Csv | Format::Json | Format::Ndjson => {
                format.write_all(&self.for_scripts()?, output)?;
            }
        }
        Ok(())
    }

    /// The columns that scripts rely on, in their order, then others.
    fn for_scripts(&self) -> Result<RecordBatch, ArrowError> {
        let all = |value: Option<f64>| self.doubles(|_| value);
        let tested = &self.tested;
        let (fits, runs) = (self.flags(|row| row.fits_memory), i64::from(tested.runs()));
        listing([
            (
                "executors",
                self.ints(|row| Some(row.scenario.shape.executors.into())),
            ),
            (
                "cores_per_executor",
                self.ints(|row| Some(row.scenario.shape.cores.into())),
            ),
            (
                "memory_bytes",
                self.ints(|row| row.scenario.shape.memory_bytes),
            ),
            ("duration_ms", self.ints(|row| Some(row.duration_ms))),
            ("low_ms", self.ints(|row| Some(row.low_ms))),
            ("high_ms", self.ints(|row| Some(row.high_ms))),
            (
                "cost_usd",
                Arc::new(self.costs.iter().copied().collect::<Float64Array>()),
            ),
            ("is_current", self.flags(|row| Some(row.is_current))),
            ("is_knee", self.knees()),
            ("fits_memory", fits),
            ("core_time_ms", self.ints(|row| Some(row.core_time_ms))),
            ("idle_ratio", self.doubles(|row| Some(row.idle_ratio))),
            (
                "lost_executors",
                self.ints(|row| Some(row.lost_executors.into())),
            ),
            ("measured_ms", self.ints(|_| Some(self.model.measured_ms()))),
            ("driver_ms", self.ints(|_| Some(self.model.driver_ms()))),
            (
                "critical_path_ms",
                self.ints(|_| Some(self.model.critical_path_ms())),
            ),
            ("ideal_ms", self.ints(|_| Some(self.model.ideal_ms()))),
            (
                "model_error_ratio",
                all(Some(self.model.model_error_ratio())),
            ),
            (
                "task_source",
                texts(
                    self.predictions
                        .iter()
                        .map(|_| self.facts.task_source().name()),
                ),
            ),
            ("backtest_runs", self.ints(|_| u64::try_from(runs).ok())),
            ("backtest_error_ratio", all(tested.simulation.mean())),
            ("backtest_p90_ratio", all(tested.simulation.p90())),
            ("backtest_bias_ratio", all(tested.simulation.bias())),
            ("backtest_coverage_ratio", all(tested.coverage())),
            ("last_run_error_ratio", all(tested.last_run.mean())),
            ("by_input_error_ratio", all(tested.by_input.mean())),
            (
                "perfect_scaling_error_ratio",
                all(tested.perfect_scaling.mean()),
            ),
        ])
    }

    fn for_people(&self) -> Result<RecordBatch, ArrowError> {
        let rows = || self.predictions.iter();
        let costs = rows().zip(&self.costs).map(|(_, cost)| match cost {
            Some(cost) => dollars(*cost),
            None => "not known".to_owned(),
        });
        let measured = self.model.measured_ms() as f64;
        let changes = rows().map(|row| {
            let change = row.duration_ms as f64 / measured.max(1.0) - 1.0;
            format!("{:+.0} %", change * 100.0)
        });
        let memory = rows().map(|row| match row.scenario.shape.memory_bytes {
            Some(bytes) => size(bytes),
            None => "not known".to_owned(),
        });
        let notes: Vec<String> = rows()
            .enumerate()
            .map(|(place, row)| self.note(place, row))
            .collect();
        listing([
            (
                "executors",
                self.ints(|row| Some(row.scenario.shape.executors.into())),
            ),
            (
                "cores",
                self.ints(|row| Some(row.scenario.shape.cores.into())),
            ),
            ("memory", texts(memory)),
            ("run_time", texts(rows().map(|row| time(row.duration_ms)))),
            (
                "between",
                texts(rows().map(|row| format!("{} and {}", time(row.low_ms), time(row.high_ms)))),
            ),
            ("change", texts(changes)),
            (
                "idle",
                texts(rows().map(|row| format!("{:.0} %", row.idle_ratio * 100.0))),
            ),
            ("cost", texts(costs)),
            ("note", texts(notes)),
        ])
    }

    fn note(&self, place: usize, row: &Prediction) -> String {
        let mut notes = Vec::new();
        if row.is_current {
            notes.push("current".to_owned());
        }
        if self.knee == Some(place) {
            notes.push("knee".to_owned());
        }
        if row.fits_memory == Some(false) {
            notes.push("too little memory".to_owned());
        }
        if row.lost_executors > 0 {
            let lost = usize::try_from(row.lost_executors).unwrap_or(usize::MAX);
            notes.push(format!("{} lost", counted(lost, "executor", "executors")));
        }
        notes.join(", ")
    }

    fn heading(&self) -> String {
        let current = self.model.current();
        let id = self
            .facts
            .key
            .as_ref()
            .map_or("", |key| key.application_id.as_str());
        let on = match self.model.is_local() {
            true => format!(
                "{} in local mode",
                counted(current.cores as usize, "core", "cores")
            ),
            false => format!(
                "{}{} of {}",
                if self.model.dynamic_allocation() {
                    "up to "
                } else {
                    ""
                },
                counted(current.executors as usize, "executor", "executors"),
                counted(current.cores as usize, "core", "cores"),
            ),
        };
        format!(
            "{} ({}): {} on {on}\n\
             driver without a job {}, critical path of the stages {}, {} with unlimited executors\n\n",
            printable(&self.facts.name),
            printable(id),
            time(self.model.measured_ms()),
            time(self.model.driver_ms()),
            time(self.model.critical_path_ms()),
            time(self.model.ideal_ms()),
        )
    }

    /// What the numbers rest on. Writing to a String cannot fail.
    fn notes(&self) -> String {
        let mut text = String::from("\n");
        if let Some(knee) = self.knee.and_then(|place| self.predictions.get(place)) {
            let shape = knee.scenario.shape;
            let size = match self.model.is_local() {
                true => counted(shape.cores as usize, "core", "cores"),
                false => counted(shape.executors as usize, "executor", "executors"),
            };
            let is_last = self.predictions.len().checked_sub(1) == self.knee;
            let _ = match is_last {
                true => writeln!(
                    text,
                    "Knee: more pays up to {size}, the most that was asked for."
                ),
                false => writeln!(
                    text,
                    "Knee: beyond {size}, twice as much saves less than a quarter of what perfect scaling would."
                ),
            };
        }
        let _ = writeln!(text, "{}", self.cost_note());
        let _ = writeln!(text, "{}", self.test_note());
        for note in self.doubts() {
            let _ = writeln!(text, "{note}");
        }
        text
    }

    fn cost_note(&self) -> String {
        let asked = self.way.deployment.as_deref().unwrap_or("this application");
        match self.way.row(&self.facts) {
            None if self.way.spot => format!("Cost: no spot price for {asked}."),
            None => format!("Cost: not known, no price for {asked}."),
            Some(row) if row.cost_usd.is_none() => format!(
                "Cost: not known, {}.",
                row.missing_price.as_deref().unwrap_or("a price is missing")
            ),
            Some(row) => format!(
                "Cost: by the {} price of {} ({}); of other sizes hypothetical.",
                row.basis,
                row.deployment,
                row.purchase.replace('_', " ")
            ),
        }
    }

    fn test_note(&self) -> String {
        let tested = &self.tested;
        let band = format!("±{:.0} %", self.band.half * 100.0);
        let (Some(mean), Some(p90), Some(bias)) = (
            tested.simulation.mean(),
            tested.simulation.p90(),
            tested.simulation.bias(),
        ) else {
            return format!(
                "Interval: {band} by default, 10 % more for each doubling of cores or data; there is no earlier run of the job to test it on."
            );
        };
        let others = |errors: &Errors| percent(errors.mean().unwrap_or(0.0));
        let from = match self.band.runs {
            0 => "by default, too few runs to tell",
            _ => "from that, 10 % more for each doubling of cores or data",
        };
        format!(
            "Back-test: {} of this job, each predicted from the one before: {} off on average, nine of ten within {}, bias {:+.1} %, {} of {} inside the interval.\n\
             Without a simulation: as the last run {} off, by its input {}, by input and cores {}.\n\
             Interval: {band} {from}.",
            counted(tested.runs() as usize, "run", "runs"),
            percent(mean),
            percent(p90),
            bias * 100.0,
            tested.covered,
            tested.runs(),
            others(&tested.last_run),
            others(&tested.by_input),
            others(&tested.perfect_scaling),
        )
    }

    /// What makes the answer less sure.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let off = self.model.model_error_ratio();
        if off.abs() >= 0.05 {
            doubts.push(format!(
                "The schedule of the measured run is {:+.0} % off; predictions are corrected by that.",
                off * 100.0
            ));
        }
        match self.facts.task_source() {
            TaskSource::Tasks => {}
            TaskSource::Quantiles => doubts.push(
                "The lake has no tasks of this application: they are made from the distribution of each stage.".to_owned(),
            ),
            TaskSource::Sums => doubts.push(
                "The lake has neither tasks nor their distribution: all tasks of a stage count as equal, skew is not seen.".to_owned(),
            ),
        }
        if self.facts.has_failed {
            doubts.push("The application failed: this is about what it did until then.".to_owned());
        }
        if !self.facts.is_whole {
            doubts.push(
                "Parts of the history are missing: what they held counts as driver time."
                    .to_owned(),
            );
        }
        if self.facts.is_interactive {
            doubts.push("Somebody sat before it: the driver's time is also theirs.".to_owned());
        }
        if self.predictions.iter().all(|row| row.fits_memory.is_none()) {
            doubts.push("Memory was not measured: whether it is enough is not known.".to_owned());
        }
        if (self.data_growth - 1.0).abs() > 1e-9 {
            doubts.push(format!(
                "With {} times the data: more tasks where storage is read, longer ones where a shuffle is.",
                self.data_growth
            ));
        }
        doubts
    }

    fn ints(&self, value: impl Fn(&Prediction) -> Option<u64>) -> ArrayRef {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let values = self.predictions.iter().map(|row| value(row).map(number));
        Arc::new(values.collect::<Int64Array>())
    }

    fn doubles(&self, value: impl Fn(&Prediction) -> Option<f64>) -> ArrayRef {
        Arc::new(self.predictions.iter().map(value).collect::<Float64Array>())
    }

    fn flags(&self, value: impl Fn(&Prediction) -> Option<bool>) -> ArrayRef {
        Arc::new(self.predictions.iter().map(value).collect::<BooleanArray>())
    }

    fn knees(&self) -> ArrayRef {
        let places = 0..self.predictions.len();
        let values = places.map(|place| Some(self.knee == Some(place)));
        Arc::new(values.collect::<BooleanArray>())
    }
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

fn dollars(usd: f64) -> String {
    if usd < 1.0 {
        format!("${usd:.4}")
    } else {
        format!("${usd:.2}")
    }
}

fn time(ms: u64) -> String {
    let seconds = ms as f64 / 1e3;
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else if seconds < 6_000.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3_600.0)
    }
}

fn size(bytes: u64) -> String {
    let gib = bytes as f64 / 1_073_741_824.0;
    if gib < 1.0 {
        format!("{:.0} MiB", gib * 1024.0)
    } else {
        format!("{gib:.1} GiB")
    }
}
