//! A value over a size: points with an interval, and those that matter marked.

use super::axis::{Frame, Scale};
use super::svg::Svg;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 210.0;
/// Most points, the first ones.
const MAX_POINTS: usize = 200;
/// Room that a label below the axis takes.
const LABEL: f64 = 34.0;

/// A curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurveChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// What the horizontal axis counts.
    pub unit: String,
    /// How values are written.
    pub scale: Scale,
    /// Its points, the smallest size first.
    pub points: Vec<CurvePoint>,
}

/// A point of a curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurvePoint {
    /// The size; drawn on a logarithmic axis.
    pub size: f64,
    /// The value.
    pub value: f64,
    /// The interval that it lies in; `None` where there is none.
    pub interval: Option<(f64, f64)>,
    /// What a pointer shows.
    pub tip: String,
    /// A name that stands at the point; empty for none.
    pub mark: String,
}

/// The curve, or `None` where there is nothing to draw.
pub fn curve(chart: &CurveChart) -> Option<String> {
    let is_drawn = |point: &&CurvePoint| {
        point.size >= 1.0 && point.size.is_finite() && point.value.is_finite()
    };
    let points: Vec<&CurvePoint> = chart
        .points
        .iter()
        .take(MAX_POINTS)
        .filter(is_drawn)
        .collect();
    let (smallest, largest) = (points.first()?.size.log2(), points.last()?.size.log2());
    let highest = points.iter().map(|point| match point.interval {
        Some((_, high)) if high.is_finite() => high.max(point.value),
        _ => point.value,
    });
    let top = highest.fold(0.0, f64::max);
    if points.len() < 2 || largest <= smallest || top <= 0.0 {
        return None;
    }
    let frame = Frame {
        left: 76.0,
        top: 20.0,
        width: WIDTH - 100.0,
        height: HEIGHT - 60.0,
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, &chart.title);
    frame.scaled_axis(&mut svg, chart.scale, top);
    let x = |point: &CurvePoint| frame.x(point.size.log2() - smallest, largest - smallest);
    let y = |value: f64| frame.bottom() - frame.height * value.clamp(0.0, top) / top;
    let highs = points
        .iter()
        .filter_map(|point| Some((x(point), y(point.interval?.1))));
    let lows = points
        .iter()
        .rev()
        .filter_map(|point| Some((x(point), y(point.interval?.0))));
    svg.shape("band", &highs.chain(lows).collect::<Vec<_>>());
    let line: Vec<(f64, f64)> = points
        .iter()
        .map(|point| (x(point), y(point.value)))
        .collect();
    svg.polyline("curve", &line);
    let mut free = f64::NEG_INFINITY;
    for point in points {
        let place = (x(point), y(point.value));
        let class = if point.mark.is_empty() {
            "point"
        } else {
            "point marked"
        };
        svg.circle(class, place, &point.tip);
        if !point.mark.is_empty() {
            svg.text(
                "strong",
                "middle",
                (place.0, (place.1 - 9.0).max(11.0)),
                &point.mark,
            );
        }
        if place.0 - free >= LABEL || !point.mark.is_empty() {
            free = place.0;
            let size = format!("{:.0}", point.size);
            svg.text("", "middle", (place.0, frame.bottom() + 15.0), &size);
        }
    }
    svg.text(
        "",
        "middle",
        (frame.left + frame.width / 2.0, HEIGHT - 6.0),
        &chart.unit,
    );
    frame.floor(&mut svg);
    Some(svg.finish())
}
