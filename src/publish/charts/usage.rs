//! How many cores were held and used over time.

use super::axis::{Frame, Scale, TIME_LEFT, TIME_RIGHT};
use super::svg::Svg;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 164.0;
/// Most slices.
const MAX_POINTS: usize = 600;

/// Cores over the time of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UsageChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Length of the time axis in milliseconds.
    pub span_ms: f64,
    /// The slices, in order.
    pub points: Vec<UsagePoint>,
}

/// Means over one slice of time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UsagePoint {
    /// Where the slice begins, in milliseconds.
    pub begin_ms: f64,
    /// How long it is, in milliseconds.
    pub length_ms: f64,
    /// Cores that executors held; `None` where that is not known.
    pub held: Option<f64>,
    /// Tasks that ran; `None` where that is not known.
    pub busy: Option<f64>,
}

/// One of the values of a slice.
type Value = fn(&UsagePoint) -> Option<f64>;

/// Two areas, of what was held and what ran, or `None` where there is nothing to draw.
pub fn usage(chart: &UsageChart) -> Option<String> {
    let points = chart.points.get(..chart.points.len().min(MAX_POINTS))?;
    let values = points.iter().flat_map(|point| [point.held, point.busy]);
    let top = values
        .flatten()
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    if top <= 0.0 || !(chart.span_ms > 0.0 && chart.span_ms.is_finite()) {
        return None;
    }
    let frame = Frame {
        left: TIME_LEFT,
        top: 22.0,
        width: WIDTH - TIME_LEFT - TIME_RIGHT,
        height: HEIGHT - 42.0,
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, &chart.title);
    frame.time_axis(&mut svg, chart.span_ms);
    frame.unit(&mut svg, "cores");
    frame.scaled_axis(&mut svg, Scale::Count, top);
    let layers: [(&str, Value); 2] = [("held", |point| point.held), ("busy", |point| point.busy)];
    for (class, value) in layers {
        let steps: Vec<(f64, f64, f64)> = points
            .iter()
            .filter_map(|point| {
                let height = frame.height * value(point)?.max(0.0) / top;
                let end = frame.x(point.begin_ms + point.length_ms, chart.span_ms);
                Some((frame.x(point.begin_ms, chart.span_ms), end, height))
            })
            .collect();
        svg.steps(class, frame.bottom(), &steps);
    }
    frame.floor(&mut svg);
    Some(svg.finish())
}
