//! When things ran: bars over time, packed into lanes.

use super::axis::{Frame, TIME_LEFT, TIME_RIGHT};
use super::svg::{Area, Svg};
use super::tone::Tone;

const WIDTH: f64 = 900.0;
const LANE: f64 = 16.0;
/// Most lanes; what overlaps more shares the last one.
const MAX_LANES: usize = 24;
/// Most bars that are drawn, the first ones: callers bring the most important first.
const MAX_BARS: usize = 400;

/// Bars over the time of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimelineChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Length of the time axis in milliseconds.
    pub span_ms: f64,
    /// The bars, the most important first.
    pub bars: Vec<TimelineBar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimelineBar {
    /// A short name, shown where it fits.
    pub label: String,
    /// What a pointer shows.
    pub tip: String,
    /// Where it begins, in milliseconds from the start of the axis.
    pub begin_ms: f64,
    /// How long it is, in milliseconds.
    pub length_ms: f64,
    /// Its color.
    pub tone: Tone,
}

/// The bars over time, or `None` where there is nothing to draw.
pub fn timeline(chart: &TimelineChart) -> Option<String> {
    let mut bars: Vec<&TimelineBar> = chart
        .bars
        .iter()
        .take(MAX_BARS)
        .filter(|bar| bar.begin_ms.is_finite() && bar.length_ms.is_finite())
        .collect();
    if bars.is_empty() || !(chart.span_ms > 0.0 && chart.span_ms.is_finite()) {
        return None;
    }
    bars.sort_by(|one, other| one.begin_ms.total_cmp(&other.begin_ms));
    let mut ends: Vec<f64> = Vec::new();
    let placed: Vec<(usize, &TimelineBar)> = bars
        .into_iter()
        .map(|bar| (lane(&mut ends, bar), bar))
        .collect();
    let frame = Frame {
        left: TIME_LEFT,
        top: 4.0,
        width: WIDTH - TIME_LEFT - TIME_RIGHT,
        height: LANE * ends.len() as f64 + 4.0,
    };
    let mut svg = Svg::new(WIDTH, frame.bottom() + 20.0, &chart.title);
    frame.time_axis(&mut svg, chart.span_ms);
    for (lane, bar) in placed {
        let x = frame.x(bar.begin_ms, chart.span_ms);
        let end = frame.x(bar.begin_ms + bar.length_ms.max(0.0), chart.span_ms);
        let area = Area {
            x,
            y: frame.top + 2.0 + LANE * lane as f64,
            width: (end - x).max(1.5),
            height: LANE - 3.0,
        };
        let class = match bar.tone {
            Tone::Plain => "bar quiet".to_owned(),
            tone => format!("bar {}", tone.class()),
        };
        svg.rect(&class, area, Some(&bar.tip));
        if area.width > 7.0 * bar.label.chars().count() as f64 + 6.0 {
            let place = (area.x + 4.0, area.y + 10.0);
            let class = match bar.tone {
                Tone::Plain => "on-quiet",
                _ => "on-bar",
            };
            svg.text(class, "start", place, &bar.label);
        }
    }
    Some(svg.finish())
}

/// The first lane that is free when the bar begins.
fn lane(ends: &mut Vec<f64>, bar: &TimelineBar) -> usize {
    let end = bar.begin_ms + bar.length_ms.max(0.0);
    if let Some(lane) = ends.iter().position(|taken| *taken <= bar.begin_ms) {
        if let Some(taken) = ends.get_mut(lane) {
            *taken = end;
        }
        return lane;
    }
    if ends.len() < MAX_LANES {
        ends.push(end);
    }
    ends.len().saturating_sub(1)
}
