//! How durations are spread: a histogram over a logarithmic axis of time.

use super::axis::{Frame, Scale, log_tick_text, log_ticks};
use super::svg::{Area, Svg};
use crate::publish::numbers::{count, duration};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 150.0;
/// Most columns.
const MAX_BUCKETS: i64 = 200;

/// Counts of durations by bucket: bucket n begins at 2^(n/2) milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DistributionChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Bucket and count.
    pub buckets: Vec<(i64, i64)>,
    /// Values to mark.
    pub marks: Vec<Mark>,
}

/// A value that is marked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mark {
    /// Its name.
    pub label: String,
    /// Its place, in milliseconds.
    pub ms: f64,
}

/// The lower bound of a bucket in milliseconds.
pub(super) fn bound(bucket: i64) -> f64 {
    2f64.powf(bucket as f64 / 2.0)
}

/// The histogram, or `None` where there is nothing to draw.
pub fn distribution(chart: &DistributionChart) -> Option<String> {
    let buckets: Vec<(i64, i64)> = chart
        .buckets
        .iter()
        .copied()
        .filter(|(bucket, number)| (0..MAX_BUCKETS).contains(bucket) && *number > 0)
        .collect();
    let first = buckets.iter().map(|(bucket, _)| *bucket).min()? - 1;
    let last = buckets.iter().map(|(bucket, _)| *bucket).max()? + 2;
    let most = buckets.iter().map(|(_, number)| *number).max()? as f64;
    let frame = Frame {
        left: 52.0,
        top: 22.0,
        width: WIDTH - 60.0,
        height: HEIGHT - 44.0,
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, &chart.title);
    frame.unit(&mut svg, "tasks");
    frame.scaled_axis(&mut svg, Scale::Count, most);
    let columns = (last - first) as f64;
    let place = |ms: f64| {
        let bucket = 2.0 * ms.max(1.0).log2() - first as f64;
        frame.x(bucket, columns)
    };
    for tick in log_ticks(bound(first), bound(last)) {
        let x = place(tick);
        svg.line("axis", (x, frame.bottom()), (x, frame.bottom() + 4.0));
        let anchor = if x > frame.right() - 24.0 {
            "end"
        } else {
            "middle"
        };
        svg.text("", anchor, (x, frame.bottom() + 16.0), &log_tick_text(tick));
    }
    for (bucket, number) in buckets {
        let x = frame.x((bucket - first) as f64, columns);
        let height = (frame.height * number as f64 / most).max(2.0);
        let area = Area {
            x: x + 0.5,
            y: frame.bottom() - height,
            width: frame.width / columns - 1.0,
            height,
        };
        let tip = format!(
            "{} tasks of {} to {}",
            count(number),
            duration(if bucket == 0 { 0.0 } else { bound(bucket) }),
            duration(bound(bucket + 1)),
        );
        svg.rect("bar busy", area, Some(&tip));
    }
    marks(&mut svg, frame, &chart.marks, place);
    Some(svg.finish())
}

/// Marks with their names above, moved apart where they would cover each other. Marks that read the
/// same are one.
fn marks(svg: &mut Svg, frame: Frame, marks: &[Mark], place: impl Fn(f64) -> f64) {
    let mut shown: Vec<(f64, String)> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.ms.is_finite()) {
        let value = duration(mark.ms);
        match shown.last_mut() {
            Some((_, text)) if text.ends_with(&format!(" {value}")) => {
                *text = format!("{} {value}", mark.label);
            }
            _ => shown.push((place(mark.ms), format!("{} {value}", mark.label))),
        }
    }
    let mut until = frame.right();
    for (x, text) in shown.iter().rev() {
        svg.line("marker", (*x, frame.top - 4.0), (*x, frame.bottom()));
        let width = 6.4 * text.chars().count() as f64;
        let left = (x - width / 2.0).min(until - width).max(0.0);
        svg.text("strong", "start", (left, frame.top - 9.0), text);
        until = left - 10.0;
    }
}
