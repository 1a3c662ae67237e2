//! Runs or days beside each other: one bar each, with a line to compare with.

use super::axis::{Frame, Scale};
use super::svg::{Area, Svg};
use super::tone::Tone;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 150.0;
/// Most bars, the last ones.
const MAX_BARS: usize = 120;
/// Most bars that all have their label.
const MAX_LABELS: usize = 8;

/// One bar a run.
pub struct BarsChart<'a> {
    /// What it shows, in a sentence.
    pub title: &'a str,
    /// The bars, in order.
    pub bars: &'a [RunBar],
    /// A line to compare with.
    pub baseline: Option<f64>,
    /// What the values are.
    pub scale: Scale,
}

/// One bar; a value that is not known leaves a gap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunBar {
    /// Shown below each of a few bars, else below the first and the last.
    pub label: String,
    /// What a pointer shows.
    pub tip: String,
    /// Its height.
    pub value: Option<f64>,
    /// How much of it was wasted, from its foot on.
    pub wasted: Option<f64>,
    /// Its color.
    pub tone: Tone,
}

/// The bars, or `None` where there is nothing to draw.
pub fn bars(chart: &BarsChart<'_>) -> Option<String> {
    let skipped = chart.bars.len().saturating_sub(MAX_BARS);
    let bars = chart.bars.get(skipped..)?;
    let values = bars
        .iter()
        .filter_map(|bar| bar.value)
        .chain(chart.baseline);
    let top = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    if top <= 0.0 {
        return None;
    }
    let frame = Frame {
        left: 76.0,
        top: 8.0,
        width: WIDTH - 84.0,
        height: HEIGHT - 30.0,
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, chart.title);
    frame.scaled_axis(&mut svg, chart.scale, top);
    let step = frame.width / bars.len().max(1) as f64;
    let width = (step * 0.72).clamp(1.0, 46.0);
    for (index, bar) in bars.iter().enumerate() {
        let middle = frame.left + step * (index as f64 + 0.5);
        let ends = [0, bars.len() - 1];
        // A few bars all have room for their label.
        let is_named = bars.len() <= MAX_LABELS;
        if is_named || ends.contains(&index) {
            let anchor = match (index, bars.len()) {
                _ if is_named => "middle",
                (0, _) => "start",
                _ => "end",
            };
            let x = match anchor {
                "start" => frame.left,
                "end" => frame.right(),
                _ => middle,
            };
            svg.text("", anchor, (x, frame.bottom() + 15.0), &bar.label);
        }
        let Some(value) = bar.value.filter(|value| value.is_finite()) else {
            continue;
        };
        let height = frame.height * value.max(0.0) / top;
        let area = Area {
            x: middle - width / 2.0,
            y: frame.bottom() - height,
            width,
            height,
        };
        svg.rect(&format!("bar {}", bar.tone.class()), area, Some(&bar.tip));
        let wasted = bar
            .wasted
            .filter(|wasted| *wasted > 0.0 && wasted.is_finite());
        if let Some(wasted) = wasted {
            let height = frame.height * wasted.min(value) / top;
            let foot = Area {
                y: frame.bottom() - height,
                height,
                ..area
            };
            svg.rect("bar wasted", foot, Some(&bar.tip));
        }
    }
    if let Some(baseline) = chart
        .baseline
        .filter(|value| value.is_finite() && *value > 0.0)
    {
        let y = frame.bottom() - frame.height * baseline / top;
        svg.line("baseline", (frame.left, y), (frame.right(), y));
    }
    frame.floor(&mut svg);
    Some(svg.finish())
}
