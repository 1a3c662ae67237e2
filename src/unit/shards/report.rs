//! What a worker leaves about a unit.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::collect::{StagedResult, UnitOrder, check};
use super::super::error::UnitError;
use super::super::result::{of_version, to_json};
use super::manifest::Phase;

/// Version of the form of reports. Raised with every change of it; others are refused.
pub const REPORT_VERSION: u32 = 1;

/// The result of a unit, and who did it. Plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report<R> {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The run that ordered the unit.
    pub run_id: String,
    /// What the unit did.
    pub phase: Phase,
    /// Host and process of the worker.
    pub worker: String,
    /// Time that the unit took, in milliseconds.
    pub duration_ms: u64,
    /// The result.
    pub result: R,
}

impl<R: StagedResult + Serialize + DeserializeOwned> Report<R> {
    /// Reads a report and compares it with the order that it is about.
    ///
    /// # Errors
    /// In words: it is cut off, of another version, run, phase or unit, or has what was not ordered.
    pub fn of<O: UnitOrder<Result = R>>(
        json: &[u8],
        run_id: &str,
        phase: Phase,
        order: &O,
    ) -> Result<Self, String> {
        let report: Self =
            of_version("report", json, REPORT_VERSION).map_err(|error| error.to_string())?;
        if report.run_id != run_id {
            return Err(format!("it is of run {}", report.run_id));
        }
        if report.phase != phase {
            return Err(format!("it is of the phase {}", report.phase.as_str()));
        }
        if report.result.unit() != order.unit() {
            return Err(format!("it is of unit {}", report.result.unit()));
        }
        check(&report.result, order)?;
        Ok(report)
    }

    /// As JSON.
    ///
    /// # Errors
    /// A number in it has no JSON form: a bug.
    pub fn to_json(&self) -> Result<String, UnitError> {
        to_json("report", self)
    }
}
