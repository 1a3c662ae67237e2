//! Axes with round numbers.

use super::svg::Svg;
use crate::publish::numbers::{count, duration};

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

    /// The axis of numbers to the left of the frame, with a grid.
    pub(super) fn number_axis(self, svg: &mut Svg, top: f64, text: impl Fn(f64) -> String) {
        for tick in number_ticks(top, 4) {
            let y = self.bottom() - self.height * tick / top.max(1e-9);
            svg.line("grid", (self.left, y), (self.right(), y));
            svg.text("", "end", (self.left - 6.0, y + 4.0), &text(tick));
        }
        self.floor(svg);
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
