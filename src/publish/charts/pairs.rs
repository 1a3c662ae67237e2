//! Two values of the same things, in bars below each other.

use super::svg::{Area, Svg};
use crate::model::shortened;

const WIDTH: f64 = 900.0;
const ROW: f64 = 30.0;
const LABELS: f64 = 250.0;
const VALUES: f64 = 96.0;
/// Most things.
const MAX_PAIRS: usize = 30;
const LONGEST_LABEL: usize = 40;

/// A thing with its two values; `None` where one side has no such thing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pair {
    /// Its name.
    pub label: String,
    /// The first value.
    pub a: Option<f64>,
    /// The second value.
    pub b: Option<f64>,
}

/// The pairs, or `None` where there is nothing to draw.
pub fn pairs(title: &str, pairs: &[Pair], text: fn(f64) -> String) -> Option<String> {
    let pairs = pairs.get(..pairs.len().min(MAX_PAIRS))?;
    let is_drawn = |value: &f64| value.is_finite() && *value > 0.0;
    let values = pairs.iter().flat_map(|pair| [pair.a, pair.b]).flatten();
    let most = values.filter(is_drawn).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let mut svg = Svg::new(WIDTH, ROW * pairs.len() as f64 + 2.0, title);
    for (pair, place) in pairs.iter().zip(0..) {
        let y = ROW * f64::from(place) + 3.0;
        let label = shortened(&pair.label, LONGEST_LABEL);
        svg.text("strong", "end", (LABELS - 10.0, y + 15.0), &label);
        for (value, class, y) in [(pair.a, "bar before", y), (pair.b, "bar plain", y + 12.0)] {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                svg.text("", "start", (LABELS + 4.0, y + 9.0), "none");
                continue;
            };
            let width = (WIDTH - LABELS - VALUES) * value.max(0.0) / most;
            let area = Area {
                x: LABELS,
                y,
                width: width.max(1.0),
                height: 11.0,
            };
            svg.rect(class, area, None);
            svg.text("", "start", (LABELS + width + 6.0, y + 9.0), &text(value));
        }
    }
    Some(svg.finish())
}
