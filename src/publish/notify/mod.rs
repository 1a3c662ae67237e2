//! Tells others what came of a run: metrics for Prometheus, the findings as a file or to an address,
//! OpenLineage events.
//!
//! Each is a text that [`prometheus`], [`findings`] or [`lineage`] makes of an [`Outcome`], and
//! [`deliver`] brings it to where it goes. Nothing here fails a run.

pub mod deliver;
pub mod findings;
pub mod lineage;
mod outcome;
pub mod prometheus;
#[cfg(test)]
mod tests;

pub use outcome::{Outcome, OutcomeProblem};
