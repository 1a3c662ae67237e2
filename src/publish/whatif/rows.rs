//! The answer as rows: the columns that scripts rely on, in their order, then others.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;

use super::WhatIf;
use crate::simulate::Prediction;

impl WhatIf {
    /// One row for each size. The columns from `measured_ms` on are about the application and the same in
    /// each row.
    ///
    /// # Errors
    /// Never, for columns of one length.
    pub fn rows(&self) -> Result<RecordBatch, ArrowError> {
        let all = |value: Option<f64>| self.doubles(|_| value);
        let tested = &self.tested;
        let source = self.facts.task_source().name();
        let sources = StringArray::from_iter_values(self.predictions.iter().map(|_| source));
        let columns: Vec<(&str, ArrayRef)> = vec![
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
            ("fits_memory", self.flags(|row| row.fits_memory)),
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
            ("task_source", Arc::new(sources)),
            (
                "backtest_runs",
                self.ints(|_| Some(u64::from(tested.runs()))),
            ),
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
        ];
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns)
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
