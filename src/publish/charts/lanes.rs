//! Swimlanes: what each executor did over the time of a run.

use super::axis::Frame;
use super::svg::{Area, Svg};
use crate::model::shortened;

const WIDTH: f64 = 900.0;
const LANE: f64 = 17.0;
/// Most lanes.
pub const MAX_LANES: usize = 40;
const LONGEST_LABEL: usize = 14;

/// Lanes over the time of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LanesChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Length of the time axis in milliseconds.
    pub span_ms: f64,
    /// The lanes.
    pub lanes: Vec<Lane>,
}

/// One executor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lane {
    /// Its name.
    pub label: String,
    /// What a pointer shows.
    pub tip: String,
    /// When it was added, in milliseconds.
    pub begin_ms: f64,
    /// When it ended, in milliseconds; `None` for at the end of the run.
    pub end_ms: Option<f64>,
    /// Whether it was lost.
    pub is_lost: bool,
    /// How busy its cores were, from 0 to 1, in equal slices of the run.
    pub busy: Vec<f64>,
    /// Slices in which tasks failed.
    pub failed: Vec<usize>,
}

/// The lanes, or `None` where there is nothing to draw.
pub fn lanes(chart: &LanesChart) -> Option<String> {
    let lanes = chart.lanes.get(..chart.lanes.len().min(MAX_LANES))?;
    if lanes.is_empty() || !(chart.span_ms > 0.0 && chart.span_ms.is_finite()) {
        return None;
    }
    let frame = Frame {
        left: 96.0,
        top: 4.0,
        width: WIDTH - 104.0,
        height: LANE * lanes.len() as f64 + 2.0,
    };
    let mut svg = Svg::new(WIDTH, frame.bottom() + 20.0, &chart.title);
    frame.time_axis(&mut svg, chart.span_ms);
    for (lane, top) in lanes.iter().zip(0..) {
        draw(
            &mut svg,
            frame,
            lane,
            frame.top + 1.0 + LANE * f64::from(top),
            chart.span_ms,
        );
    }
    Some(svg.finish())
}

fn draw(svg: &mut Svg, frame: Frame, lane: &Lane, y: f64, span_ms: f64) {
    let label = shortened(&lane.label, LONGEST_LABEL);
    svg.text("strong", "end", (frame.left - 8.0, y + 11.0), &label);
    let begin = frame.x(lane.begin_ms, span_ms);
    let end = frame
        .x(lane.end_ms.unwrap_or(span_ms), span_ms)
        .max(begin + 1.0);
    let alive = Area {
        x: begin,
        y,
        width: end - begin,
        height: LANE - 3.0,
    };
    svg.rect("held", alive, Some(&lane.tip));
    let slice = frame.width / lane.busy.len().max(1) as f64;
    let at = |index: usize| frame.left + slice * index as f64;
    // Neighbors of one color are one rectangle.
    let mut start = 0;
    for (index, busy) in lane.busy.iter().enumerate() {
        let class = busyness(*busy);
        let next = lane.busy.get(index + 1).map(|busy| busyness(*busy));
        if next == Some(class) {
            continue;
        }
        if let Some(class) = class {
            let area = Area {
                x: at(start),
                width: at(index + 1) - at(start),
                ..alive
            };
            svg.rect(class, area, None);
        }
        start = index + 1;
    }
    for failed in &lane.failed {
        let area = Area {
            x: at(*failed),
            y: y + LANE - 6.0,
            width: slice.max(2.0),
            height: 3.0,
        };
        svg.rect("alarm", area, None);
    }
    if lane.is_lost {
        svg.line("lost", (end, y - 1.0), (end, y + LANE - 2.0));
    }
}

/// The class of a color; `None` for one that did nothing.
fn busyness(busy: f64) -> Option<&'static str> {
    match busy {
        busy if busy >= 0.85 => Some("b4"),
        busy if busy >= 0.55 => Some("b3"),
        busy if busy >= 0.25 => Some("b2"),
        busy if busy >= 0.02 => Some("b1"),
        _ => None,
    }
}
