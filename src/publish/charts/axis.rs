//! Axes with round numbers.

use super::svg::Svg;
use crate::publish::numbers::{count, duration, usd};

/// Steps of time that people count in, in milliseconds.
const TIME_STEPS: [f64; 26] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4,
    1.2e5, 3e5, 6e5, 9e5, 1.8e6, 3.6e6, 7.2e6, 2.16e7, 4.32e7, 8.64e7,
];

/// Times from 0 to `span_ms` at which to draw a tick: at most `most` and the zero.
pub(super) fn time_ticks(span_ms: f64, most: usize) -> Vec<f64> {
    let days = (1..=14).map(|power| 8.64e7 * 2f64.powi(power));
    let step = TIME_STEPS
        .into_iter()
        .chain(days)
        .find(|step| span_ms / step <= most as f64);
    ticks(span_ms, step.unwrap_or(span_ms))
}

/// Whole numbers from 0 to `top` at which to draw a tick: at most `most` and the zero.
pub(super) fn number_ticks(top: f64, most: usize) -> Vec<f64> {
    let mut steps =
        (0..18).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
    let step = steps.find(|step| top / step <= most as f64);
    ticks(top, step.unwrap_or(top))
}

fn ticks(top: f64, step: f64) -> Vec<f64> {
    if !(top.is_finite() && step > 0.0) {
        return vec![0.0];
    }
    let number = (top / step + 1e-9).floor().min(64.0) as i32;
    (0..=number).map(|index| f64::from(index) * step).collect()
}

/// What an axis of values measures: which numbers are round, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Things.
    #[default]
    Count,
    /// Milliseconds of wall time.
    Time,
    /// Milliseconds of cores.
    CoreTime,
    /// US dollars.
    Usd,
}

impl Scale {
    /// Round values from 0 to `top` at which to draw a tick.
    fn ticks(self, top: f64, most: usize) -> Vec<f64> {
        const HOUR: f64 = 3.6e6;
        match self {
            Self::Count => number_ticks(top, most),
            Self::Time => time_ticks(top, most),
            // Core time is written in hours from three on.
            Self::CoreTime if top >= 3.0 * HOUR => {
                let hours = fine_ticks(top / HOUR, most).into_iter();
                hours.map(|hours| hours * HOUR).collect()
            }
            Self::CoreTime => time_ticks(top, most),
            Self::Usd => fine_ticks(top, most),
        }
    }

    /// A value as it is written.
    pub fn text(self, value: f64) -> String {
        match self {
            _ if value == 0.0 => "0".to_owned(),
            Self::Count => count(value as i64),
            Self::Time => tick_text(value),
            Self::CoreTime if value < 1.08e7 => tick_text(value),
            Self::CoreTime => format!("{} h", count((value / 3.6e6).round() as i64)),
            Self::Usd => usd(value),
        }
    }
}

/// Round numbers from 0 to `top`, parts of one among them.
fn fine_ticks(top: f64, most: usize) -> Vec<f64> {
    let mut steps =
        (-6..18).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
    let step = steps.find(|step| top / step <= most as f64);
    ticks(top, step.unwrap_or(top))
}

/// Round times between two bounds: decades in units that people use, or more of them where the
/// bounds are near each other.
pub(super) fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    const DECADES: [f64; 14] = [
        1.0, 10.0, 100.0, 1e3, 1e4, 6e4, 6e5, 3.6e6, 2.16e7, 8.64e7, 6.048e8, 2.592e9, 3.1536e10,
        3e11,
    ];
    let inside = |tick: &f64| (from..=to).contains(tick);
    let decades: Vec<f64> = DECADES.into_iter().filter(inside).collect();
    if decades.len() >= 3 {
        return decades;
    }
    let finer = DECADES
        .into_iter()
        .flat_map(|tick| [tick, 2.0 * tick, 3.0 * tick, 5.0 * tick]);
    let mut finer: Vec<f64> = finer.filter(inside).collect();
    finer.sort_by(f64::total_cmp);
    finer.dedup();
    finer
}

/// Room beside the axis of time of charts that stand below each other, so that a moment has one place.
pub(super) const TIME_LEFT: f64 = 52.0;
pub(super) const TIME_RIGHT: f64 = 8.0;

/// Where a chart draws.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    pub(super) fn bottom(self) -> f64 {
        self.top + self.height
    }

    pub(super) fn right(self) -> f64 {
        self.left + self.width
    }

    /// The place of a value on the horizontal axis, which ends at `top`; inside of the frame.
    pub(super) fn x(self, value: f64, top: f64) -> f64 {
        let share = if top > 0.0 { value / top } else { 0.0 };
        self.left + self.width * share.clamp(0.0, 1.0)
    }

    /// The time axis below the frame, with a grid.
    pub(super) fn time_axis(self, svg: &mut Svg, span_ms: f64) {
        for tick in time_ticks(span_ms, 8) {
            let x = self.x(tick, span_ms);
            svg.line("grid", (x, self.top), (x, self.bottom()));
            let anchor = if x > self.right() - 24.0 {
                "end"
            } else {
                "middle"
            };
            let anchor = if tick == 0.0 { "start" } else { anchor };
            svg.text("", anchor, (x, self.bottom() + 14.0), &tick_text(tick));
        }
        self.floor(svg);
    }

    /// The axis of values to the left of the frame, with a grid.
    pub(super) fn scaled_axis(self, svg: &mut Svg, scale: Scale, top: f64) {
        for tick in scale.ticks(top, 5) {
            let y = self.bottom() - self.height * tick / top.max(1e-9);
            svg.line("grid", (self.left, y), (self.right(), y));
            svg.text("", "end", (self.left - 6.0, y + 4.0), &scale.text(tick));
        }
        self.floor(svg);
    }

    /// What the values of the axis to the left are, above it.
    pub(super) fn unit(self, svg: &mut Svg, unit: &str) {
        svg.text("unit", "end", (self.left - 6.0, self.top - 8.0), unit);
    }

    pub(super) fn floor(self, svg: &mut Svg) {
        svg.line(
            "axis",
            (self.left, self.bottom()),
            (self.right(), self.bottom()),
        );
    }
}

/// `0`, `30 s`, `5 min`: a tick has one unit.
fn tick_text(ms: f64) -> String {
    if ms == 0.0 {
        return "0".to_owned();
    }
    if (1e3..1.2e5).contains(&ms) && ms % 1e3 == 0.0 {
        return format!("{} s", count((ms / 1e3) as i64));
    }
    duration(ms)
}

/// The text of a tick of a logarithmic time axis.
pub(super) fn log_tick_text(ms: f64) -> String {
    tick_text(ms)
}
