//! Pictures as SVG, made on the server: they need no script, follow the page's light, dark and print
//! colors, and say what they show to those who do not see them.
//!
//! Each chart is a pure function from numbers to markup. Texts in it are escaped here: names in logs
//! can hold anything. The number of elements is bounded, whatever the input's size. Colors come
//! from the classes that [`STYLE`] defines, so one style sheet serves report and dashboard.

mod axis;
mod bars;
mod curve;
mod distribution;
mod heat;
mod lanes;
mod pairs;
mod parts;
mod plan;
mod svg;
#[cfg(test)]
mod tests;
mod timeline;
mod tone;
mod usage;

pub use axis::Scale;
pub use bars::{BarsChart, RunBar, bars};
pub use curve::{CurveChart, CurvePoint, curve};
pub use distribution::{DistributionChart, Mark, distribution};
pub use heat::{HeatCell, HeatChart, heat};
pub use lanes::{Lane, LanesChart, MAX_LANES, lanes};
pub use pairs::{Pair, pairs};
pub use parts::{Part, parts};
pub use plan::{MAX_PLAN_NODES, PlanChart, PlanNode, plan};
pub use timeline::{TimelineBar, TimelineChart, timeline};
pub use tone::Tone;
pub use usage::{UsageChart, UsagePoint, usage};

/// The style of all charts; the page sets the variables it uses.
pub const STYLE: &str = include_str!("charts.css");
