//! The parts of a whole, in one bar.

use super::svg::{Area, Svg};
use crate::publish::numbers::percent;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 34.0;

/// A part of a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// Names its color: the class is `part-<id>`.
    pub id: String,
    /// Its name.
    pub label: String,
    /// How much of the whole it is, in any unit.
    pub amount: f64,
}

/// One bar of all parts, or `None` where they add up to nothing.
pub fn parts(title: &str, parts: &[Part]) -> Option<String> {
    let whole: f64 = parts.iter().map(|part| part.amount.max(0.0)).sum();
    if !(whole > 0.0 && whole.is_finite()) {
        return None;
    }
    let mut svg = Svg::new(WIDTH, HEIGHT, title);
    let mut x = 0.0;
    for part in parts.iter().filter(|part| part.amount > 0.0) {
        let share = part.amount / whole;
        let width = WIDTH * share;
        let area = Area {
            x,
            y: 0.0,
            width,
            height: HEIGHT,
        };
        let tip = format!("{}: {}", part.label, percent(share));
        svg.rect(
            &format!("bar part-{}", class_name(&part.id)),
            area,
            Some(&tip),
        );
        if width > 6.5 * tip.chars().count() as f64 + 10.0 {
            svg.text("on-bar", "start", (x + 8.0, HEIGHT / 2.0 + 4.0), &tip);
        }
        x += width;
    }
    Some(svg.finish())
}

/// Letters, digits and underscores of a name.
fn class_name(id: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    id.chars().filter(plain).collect()
}
