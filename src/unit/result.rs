//! What a worker gives back.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::UnitError;
use crate::discover::{EventLog, Section};
use crate::extract::extraction::Identity;
use crate::extract::rows::RowCounts;
use crate::load::{SourceRecord, StagedUnit};

/// Version of the form of results. Raised with every change of it; others are refused.
pub const RESULT_VERSION: u32 = 1;

/// The files of a unit, and what became of each of its histories. Plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitResult {
    /// [`RESULT_VERSION`].
    pub version: u32,
    /// Number of the unit within the batch.
    pub unit: u32,
    /// Id of the batch.
    pub batch_id: String,
    /// Staged files with the actions that make them part of their tables.
    pub staged: StagedUnit,
    /// What became of the histories, in the order of the unit.
    pub outcomes: Vec<Outcome>,
    /// Rows that were staged, of all tables.
    pub rows: u64,
    /// Size of the staged files, in bytes.
    pub bytes: u64,
    /// Time that it took, in milliseconds.
    pub duration_ms: u64,
}

/// What became of one history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Its row of the ledger: status, error and counts.
    pub record: SourceRecord,
    /// Its rows in fact tables.
    pub rows: RowCounts,
    /// Other applications that were found in the same files, and are still to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherApplication>,
    /// Whether something of it is missing in the lake that exists.
    pub is_missing: bool,
}

/// Another application in the files of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherApplication {
    /// URI of its part of the log.
    pub uri: String,
    /// Which of the log's events are its own.
    pub section: Section,
    /// Whose it is.
    pub identity: Identity,
}

impl UnitResult {
    /// Reads a result.
    ///
    /// # Errors
    /// It is of another version, or no result.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        of_version("result", json, RESULT_VERSION)
    }

    /// As JSON.
    ///
    /// # Errors
    /// A number in it has no JSON form: a bug.
    pub fn to_json(&self) -> Result<String, UnitError> {
        to_json("result", self)
    }
}

impl OtherApplication {
    /// Its log, by that of the application in whose files it was found.
    #[must_use]
    pub fn log(&self, found_in: &EventLog) -> EventLog {
        EventLog {
            uri: self.uri.clone(),
            section: Some(self.section.clone()),
            ..found_in.clone()
        }
    }
}

/// An order or a result as JSON.
pub(super) fn to_json(what: &'static str, message: &impl Serialize) -> Result<String, UnitError> {
    serde_json::to_string(message).map_err(|error| UnitError::Malformed {
        what,
        problem: error.to_string(),
    })
}

/// Reads JSON of one version: what another version means is not guessed.
pub(super) fn of_version<T: DeserializeOwned>(
    what: &'static str,
    json: &[u8],
    known: u32,
) -> Result<T, UnitError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let malformed = |error: serde_json::Error| UnitError::Malformed {
        what,
        problem: error.to_string(),
    };
    let Versioned { version } = serde_json::from_slice(json).map_err(malformed)?;
    if version != u64::from(known) {
        return Err(UnitError::Version {
            what,
            found: version,
            known,
        });
    }
    serde_json::from_slice(json).map_err(malformed)
}
