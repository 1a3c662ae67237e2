//! A heat map of many tasks: when they began, and how long they ran.

use super::axis::{Frame, log_tick_text, log_ticks};
use super::distribution::bound;
use super::svg::{Area, Svg};
use crate::publish::numbers::{counted, duration};

const WIDTH: f64 = 900.0;
const ROW: f64 = 13.0;
/// Most rows of cells: durations up to 2^32 ms.
const MAX_BUCKETS: i64 = 64;
/// Most columns.
const MAX_SLICES: i64 = 200;

/// Tasks by slice of time and bucket of duration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatChart {
    /// What it shows, in a sentence.
    pub title: String,
    /// Length of the time axis in milliseconds.
    pub span_ms: f64,
    /// How many slices it has.
    pub num_slices: i64,
    /// The cells that hold tasks.
    pub cells: Vec<HeatCell>,
}

/// Tasks that began in a slice and ran for a duration of a bucket, which begins at 2^(n/2) milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeatCell {
    /// Slice of time.
    pub slice: i64,
    /// Bucket of duration.
    pub bucket: i64,
    /// Tasks in it.
    pub num_tasks: i64,
    /// Those of them that failed.
    pub num_failed: i64,
}

/// Height of a label of the axis.
const LABEL_HEIGHT: f64 = 12.0;

/// The map, or `None` where there is nothing to draw.
pub fn heat(chart: &HeatChart) -> Option<String> {
    let slices = chart.num_slices.clamp(1, MAX_SLICES);
    let is_inside = |cell: &&HeatCell| {
        (0..slices).contains(&cell.slice)
            && (0..MAX_BUCKETS).contains(&cell.bucket)
            && cell.num_tasks > 0
    };
    let cells: Vec<&HeatCell> = chart.cells.iter().filter(is_inside).collect();
    let first = cells.iter().map(|cell| cell.bucket).min()?;
    let last = cells.iter().map(|cell| cell.bucket).max()? + 1;
    let most = cells.iter().map(|cell| cell.num_tasks).max()? as f64;
    if !(chart.span_ms > 0.0 && chart.span_ms.is_finite()) {
        return None;
    }
    let frame = Frame {
        left: 64.0,
        top: 20.0,
        width: WIDTH - 72.0,
        height: ROW * (last - first) as f64,
    };
    let mut svg = Svg::new(WIDTH, frame.bottom() + 20.0, &chart.title);
    frame.unit(&mut svg, "ran for");
    frame.time_axis(&mut svg, chart.span_ms);
    // A map of one row is less high than two labels.
    let mut lowest_free = f64::INFINITY;
    for tick in log_ticks(bound(first), bound(last)) {
        let y = frame.bottom() - ROW * (2.0 * tick.log2() - first as f64);
        if y > lowest_free {
            continue;
        }
        lowest_free = y - LABEL_HEIGHT;
        svg.line("grid", (frame.left, y), (frame.right(), y));
        svg.text("", "end", (frame.left - 6.0, y + 4.0), &log_tick_text(tick));
    }
    let width = frame.width / slices as f64;
    for cell in cells {
        let area = Area {
            x: frame.left + width * cell.slice as f64,
            y: frame.bottom() - ROW * (cell.bucket + 1 - first) as f64 + 0.5,
            width: width - 0.5,
            height: ROW - 1.0,
        };
        svg.rect(
            class(cell, most),
            area,
            Some(&tip(cell, chart.span_ms, slices)),
        );
    }
    Some(svg.finish())
}

fn tip(cell: &HeatCell, span_ms: f64, slices: i64) -> String {
    let failed = match cell.num_failed {
        0 => String::new(),
        failed => format!(", {} failed", counted(failed, "task", "tasks")),
    };
    format!(
        "{} of {} to {}, begun from {} on{failed}",
        counted(cell.num_tasks, "task", "tasks"),
        duration(if cell.bucket == 0 {
            0.0
        } else {
            bound(cell.bucket)
        }),
        duration(bound(cell.bucket + 1)),
        duration(span_ms * cell.slice as f64 / slices as f64),
    )
}

/// The class of a cell's color, by the logarithm of its tasks.
fn class(cell: &HeatCell, most: f64) -> &'static str {
    if cell.num_failed * 2 >= cell.num_tasks {
        return "alarm";
    }
    let share = (1.0 + cell.num_tasks as f64).ln() / (1.0 + most).ln();
    match share {
        share if share >= 0.8 => "b4",
        share if share >= 0.55 => "b3",
        share if share >= 0.3 => "b2",
        _ => "b1",
    }
}
