//! What a run that waits has handed out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::collect::UnitOrder;
use super::super::error::UnitError;
use super::super::result::of_version;
use crate::load::Batch;

/// Version of the form of manifests. Raised with every change of it; others are refused.
pub const MANIFEST_VERSION: u32 = 1;

/// The units of a run that waits for its workers. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The run.
    pub run_id: String,
    /// What its units do.
    pub phase: Phase,
    /// The batches that units belong to.
    pub batches: Vec<Batch>,
    /// The units by position, the largest first.
    pub units: Vec<ManifestUnit>,
    /// What the coordinator needs to go on; workers pass it over.
    pub coordinator: Value,
}

/// What the units of a manifest do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Histories become rows.
    Extraction,
    /// Applications are judged.
    Analysis,
}

/// One unit of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestUnit {
    /// Position of its batch in [`Manifest::batches`].
    pub batch: usize,
    /// Its number within the batch.
    pub unit: u32,
    /// Histories or applications in it.
    pub items: usize,
    /// Size of its histories as stored, in bytes; 0 where that says nothing.
    pub bytes: u64,
    /// Whether it takes a worker's machine for itself.
    pub is_alone: bool,
}

impl Phase {
    /// The word in paths and summaries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extraction => "extraction",
            Self::Analysis => "analysis",
        }
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// It is of another version, or no manifest.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        let manifest: Self = of_version("manifest", json, MANIFEST_VERSION)?;
        let known = manifest.batches.len();
        match manifest.units.iter().find(|unit| unit.batch >= known) {
            Some(unit) => Err(UnitError::Malformed {
                what: "manifest",
                problem: format!("unit {} is of batch {} of {known}", unit.unit, unit.batch),
            }),
            None => Ok(manifest),
        }
    }

    /// The batch of a unit.
    #[must_use]
    pub fn batch_of(&self, unit: &ManifestUnit) -> Option<&Batch> {
        self.batches.get(unit.batch)
    }

    /// Positions of the units of a batch.
    pub fn positions_of(&self, batch: usize) -> impl Iterator<Item = usize> {
        let units = self.units.iter().enumerate();
        units
            .filter(move |(_, unit)| unit.batch == batch)
            .map(|(position, _)| position)
    }

    /// Whether an order is the one that the manifest has at `position`.
    pub(super) fn names(&self, position: usize, order: &impl UnitOrder) -> bool {
        let unit = self.units.get(position);
        unit.is_some_and(|unit| {
            unit.unit == order.unit() && self.batch_of(unit) == Some(order.batch())
        })
    }
}
