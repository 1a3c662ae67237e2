//! A metric of one execution, summed up: as numbers, and as the History Server's text.

use super::super::distribution::{Distribution, SortedValues};
use super::format::{bytes, grouped, milliseconds, tenths};
use super::stage_metrics::{MetricKind, Peak};

/// One metric over all tasks of an execution.
#[derive(Debug, Clone)]
pub(super) struct MetricValue {
    /// REST's text.
    pub(super) text: String,
    pub(super) total: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) median: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) peak: Option<Peak>,
}

impl MetricValue {
    /// Sums up `values`; `peak` is where the largest was seen, absent where the driver holds it.
    pub(super) fn new(kind: MetricKind, values: Distribution, peak: Option<Peak>) -> Self {
        let values = match kind {
            MetricKind::Size | MetricKind::Timing | MetricKind::NanoTiming => {
                values.sorted(|value| value >= 0)
            }
            MetricKind::Average => values.sorted(|value| value > 0),
            _ => values.sorted(|_| true),
        };
        let count = values.len();
        let at = |index: usize| values.at(index);
        let scale = if kind == MetricKind::Average {
            10.0
        } else {
            1.0
        };
        let number = |value: Option<i64>| value.map(|value| as_number(value) / scale);
        let (min, median, max) = (at(0), at(count / 2), at(count.saturating_sub(1)));
        Self {
            text: text(
                kind,
                &values,
                [min, median, max].map(Option::unwrap_or_default),
                peak,
            ),
            total: total(kind, &values),
            min: number(min),
            median: number(median),
            max: number(max),
            peak,
        }
    }
}

fn total(kind: MetricKind, values: &SortedValues) -> Option<f64> {
    match kind {
        MetricKind::Average | MetricKind::Maximum | MetricKind::Minimum => None,
        _ => Some(as_number(values.total())),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the contract's columns are doubles"
)]
fn as_number(value: i64) -> f64 {
    value as f64
}

fn text(
    kind: MetricKind,
    values: &SortedValues,
    [min, median, max]: [i64; 3],
    peak: Option<Peak>,
) -> String {
    let place = || match peak {
        Some(Peak {
            stage_id,
            attempt_id,
            task_id,
            ..
        }) => format!("(stage {stage_id}.{attempt_id}: task {task_id})"),
        None => "(driver)".to_owned(),
    };
    let total_and_spread = |show: fn(i64) -> String| {
        if values.len() <= 1 {
            return show(max);
        }
        format!(
            "total (min, med, max (stageId: taskId))\n{} ({}, {}, {} {})",
            show(values.total()),
            show(min),
            show(median),
            show(max),
            place()
        )
    };
    match kind {
        MetricKind::Sum => grouped(values.total()),
        MetricKind::Maximum => grouped(max),
        MetricKind::Minimum => grouped(min),
        MetricKind::Custom => "N/A".to_owned(),
        MetricKind::Size => total_and_spread(bytes),
        MetricKind::Timing => total_and_spread(milliseconds),
        MetricKind::NanoTiming => {
            total_and_spread(|nanoseconds| milliseconds(nanoseconds / 1_000_000))
        }
        MetricKind::Average if values.len() <= 1 => tenths(max),
        MetricKind::Average => format!(
            "(min, med, max (stageId: taskId)):\n({}, {}, {} {})",
            tenths(min),
            tenths(median),
            tenths(max),
            place()
        ),
    }
}
