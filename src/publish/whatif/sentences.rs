//! The answer in sentences: what ran, which size to take, what the numbers rest on.

use super::WhatIf;
use crate::model::{deployment_label, printable};
use crate::publish::numbers::{change, counted, duration, percent, usd};
use crate::simulate::{Errors, Prediction, Shape, TaskSource};

/// Longer by at most this share counts as no longer.
const AS_LONG: f64 = 0.1;
/// Cheaper by less than this share is not worth a word.
const MUCH_CHEAPER: f64 = 0.05;
/// An error of the schedule of the measured run from which a reader is told.
const NOTABLE_ERROR: f64 = 0.05;

impl WhatIf {
    /// `name (id)`, or the id alone.
    pub fn application(&self) -> String {
        let id = self.facts.key.as_ref();
        let id = id.map_or("", |key| key.application_id.as_str());
        printable(&match self.facts.name.as_str() {
            "" => id.to_owned(),
            name => format!("{name} ({id})"),
        })
    }

    /// `up to 4 executors of 2 cores`.
    pub fn current(&self) -> String {
        let current = self.model.current();
        match self.model.is_local() {
            true => format!("{} in local mode", cores(current.cores)),
            false => format!(
                "{}{} of {}",
                if self.model.dynamic_allocation() {
                    "up to "
                } else {
                    ""
                },
                executors(current.executors),
                cores(current.cores),
            ),
        }
    }

    /// The verdict first: what it took, what the size at the knee and a cheaper one would take; then
    /// what the numbers rest on.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "{} took {} on {}.",
            self.application(),
            duration(self.model.measured_ms() as f64),
            self.current(),
        )];
        sentences.extend(self.knee_prediction().map(|knee| self.predicted(knee)));
        sentences.extend(self.cheaper());
        sentences.extend(self.knee_note());
        sentences.push(self.cost_note());
        sentences.push(self.test_note());
        sentences.extend(self.doubts());
        sentences
    }

    fn knee_prediction(&self) -> Option<&Prediction> {
        self.knee.and_then(|place| self.predictions.get(place))
    }

    fn size(&self, shape: Shape) -> String {
        match self.model.is_local() {
            true => cores(shape.cores),
            false => executors(shape.executors),
        }
    }

    fn cost_of(&self, row: &Prediction) -> Option<f64> {
        let place = self.predictions.iter().position(|one| one == row)?;
        self.costs.get(place).copied().flatten()
    }

    /// `8 executors: 31.0 s (27.1 s to 36.4 s), -45 %, $0.12 instead of $0.10.`
    fn predicted(&self, row: &Prediction) -> String {
        let measured = self.model.measured_ms().max(1) as f64;
        let took = row.duration_ms as f64;
        let current = self.predictions.iter().find(|row| row.is_current);
        let cost = self.cost_of(row).map(|cost| {
            let now = current.filter(|now| *now != row);
            match now.and_then(|now| self.cost_of(now)) {
                Some(now) => format!(", {} instead of {}", usd(cost), usd(now)),
                None => format!(", {}", usd(cost)),
            }
        });
        format!(
            "{}{}: {} ({} to {}), {}{}.",
            self.size(row.scenario.shape),
            if row.is_current { " (as it ran)" } else { "" },
            duration(took),
            duration(row.low_ms as f64),
            duration(row.high_ms as f64),
            match change(took / measured - 1.0).as_str() {
                "0 %" => "as long as measured".to_owned(),
                change => change.to_owned(),
            },
            cost.unwrap_or_default(),
        )
    }

    /// The cheapest size that takes about as long as the run did, where it is cheaper.
    fn cheaper(&self) -> Option<String> {
        let current = self.predictions.iter().find(|row| row.is_current)?;
        let now = self.cost_of(current)?;
        let longest = current.duration_ms as f64 * (1.0 + AS_LONG);
        let priced = self.predictions.iter().zip(&self.costs);
        let (row, cost) = priced
            .filter(|(row, _)| row.duration_ms as f64 <= longest && row.fits_memory != Some(false))
            .filter_map(|(row, cost)| Some((row, (*cost)?)))
            .min_by(|left, right| left.1.total_cmp(&right.1))?;
        let is_named = self.knee_prediction() == Some(row);
        if is_named || cost > now * (1.0 - MUCH_CHEAPER) {
            return None;
        }
        Some(format!(
            "Cheapest at about the same time: {}",
            self.predicted(row)
        ))
    }

    /// Where more stops paying.
    pub fn knee_note(&self) -> Option<String> {
        let size = self.size(self.knee_prediction()?.scenario.shape);
        let is_last = self.predictions.len().checked_sub(1) == self.knee;
        Some(match is_last {
            true => format!("Knee: {size}, the largest size asked for; more may pay still."),
            false => format!(
                "Knee: {size}; beyond it, twice as much saves less than a quarter of what perfect scaling would."
            ),
        })
    }

    /// Where the money comes from.
    pub fn cost_note(&self) -> String {
        let asked = self.way.deployment.as_deref().unwrap_or("this application");
        match self.way.row(&self.facts) {
            None if self.way.spot => format!("Cost: no spot price for {asked}."),
            None => format!("Cost: not known, no price for {asked}."),
            Some(row) if row.cost_usd.is_none() => format!(
                "Cost: not known, {}.",
                row.missing_price.as_deref().unwrap_or("a price is missing")
            ),
            Some(row) => format!(
                "Cost: {} at prices of {}, {}; that of other sizes is hypothetical.",
                row.basis,
                deployment_label(&row.deployment),
                row.purchase.replace('_', " ")
            ),
        }
    }

    /// How far earlier runs would have been missed, a sentence a line.
    pub fn test_note(&self) -> String {
        let tested = &self.tested;
        let band = format!("±{:.0} %", self.band.half * 100.0);
        let (Some(mean), Some(p90), Some(bias)) = (
            tested.simulation.mean(),
            tested.simulation.p90(),
            tested.simulation.bias(),
        ) else {
            return format!(
                "Interval: {band} by default, 10 % more for each doubling of cores or data; the job has no earlier run to test predictions on."
            );
        };
        let others = |errors: &Errors| percent(errors.mean().unwrap_or(0.0));
        let from = match self.band.runs {
            0 => "by default, too few runs to tell",
            _ => "from that, 10 % more for each doubling of cores or data",
        };
        format!(
            "Back-test: {} of this job, each predicted from the one before: {} off on average, nine of ten within {}, bias {}, {} of {} inside the interval.\n\
             Without a simulation: as the last run {} off, by its input {}, by input and cores {}.\n\
             Interval: {band} {from}.",
            counted(i64::from(tested.runs()), "run", "runs"),
            percent(mean),
            percent(p90),
            change(bias),
            tested.covered,
            tested.runs(),
            others(&tested.last_run),
            others(&tested.by_input),
            others(&tested.perfect_scaling),
        )
    }

    /// What makes the answer less sure.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let off = self.model.model_error_ratio();
        if off.abs() >= NOTABLE_ERROR {
            doubts.push(format!(
                "The simulated schedule of the measured run is {} off; predictions are corrected by that.",
                change(off)
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
            doubts.push(
                "An interactive session: driver time includes the time a person took.".to_owned(),
            );
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
}

fn executors(number: u32) -> String {
    counted(i64::from(number), "executor", "executors")
}

fn cores(number: u32) -> String {
    counted(i64::from(number), "core", "cores")
}
