//! What a worker is asked to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cluster_rows::ClusterFacts;
use super::credentials::Credentials;
use super::error::UnitError;
use super::extraction::Unit;
use super::references::HistoryReference;
use super::result::{of_version, to_json};
use super::stores::Stores;
use crate::extract::EXTRACTOR_VERSION;
use crate::extract::process_logs::Signatures;
use crate::extract::rows::TeamSource;
use crate::load::Batch;
use crate::redact::RedactionSettings;

/// Version of the form of orders. Raised with every change of it; others are refused.
pub const ORDER_VERSION: u32 = 1;

/// A bounded list of histories, or of clusters, to be turned into staged files. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// [`ORDER_VERSION`].
    pub version: u32,
    /// Version of the extraction: the same history gives the same rows.
    pub extractor_version: u32,
    /// Fingerprint of the known problems that logs of processes are searched for.
    pub log_signatures: String,
    /// Number of the unit within the batch; part of the names of its files.
    pub unit: u32,
    /// The batch that the rows belong to, and its run.
    pub batch: Batch,
    /// The lake that the files are staged in.
    pub lake: LakeReference,
    /// What it may take.
    pub limits: ExtractionLimits,
    /// Whether rows of `tasks` are staged.
    pub include_tasks: bool,
    /// How the teams of applications are found.
    #[serde(default)]
    pub teams: TeamSource,
    /// Which secrets are masked in rows.
    pub redaction: RedactionSettings,
    /// How the stores of histories are opened, by name.
    pub credentials: BTreeMap<String, Credentials>,
    /// What is read, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histories: Vec<HistoryReference>,
    /// What the run was told about clusters; it becomes rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterFacts>,
}

/// A lake, and how its store is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LakeReference {
    /// Absolute URI of its folder.
    pub uri: String,
    /// Settings of its object store.
    #[serde(default)]
    pub credentials: Credentials,
    /// Whether it is written to on a store that does not keep two writers apart.
    #[serde(default)]
    pub allow_unsafe_store: bool,
}

/// What a unit may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractionLimits {
    /// Threads that parse one log.
    pub threads: usize,
    /// Whether the unit takes a machine for itself: a large log, with all its threads.
    pub is_alone: bool,
    /// Longest time for one history, in milliseconds.
    pub extract_timeout_ms: u64,
}

impl Order {
    /// What `log_signatures` is for this program.
    #[must_use]
    pub fn signatures() -> String {
        Signatures::built_in_fingerprint()
    }

    /// Reads an order.
    ///
    /// # Errors
    /// It is of another version, no order, holds a secret, or would give other rows here.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        let order: Self = of_version("order", json, ORDER_VERSION)?;
        order.check()?;
        Ok(order)
    }

    /// Refuses an order that this program cannot carry out faithfully.
    ///
    /// # Errors
    /// It holds a secret, or would give other rows here.
    pub fn check(&self) -> Result<(), UnitError> {
        let different = |what| Err(UnitError::Different { what });
        if self.extractor_version != EXTRACTOR_VERSION {
            return different("rules of extraction");
        }
        if self.log_signatures != Self::signatures() {
            return different("known problems of logs (log_signatures)");
        }
        self.lake.credentials.check()?;
        self.credentials.values().try_for_each(Credentials::check)?;
        Ok(())
    }

    /// As JSON.
    ///
    /// # Errors
    /// It holds a secret: then it must not leave the process.
    pub fn to_json(&self) -> Result<String, UnitError> {
        self.check()?;
        to_json("order", self)
    }

    /// The unit, with the stores of its histories opened.
    ///
    /// # Errors
    /// A store cannot be opened, or its credentials are not there.
    pub fn open(&self, stores: &Stores) -> Result<Unit, UnitError> {
        let open = |store: &_| stores.open(store, &self.credentials);
        let histories = self.histories.iter().map(|history| history.open(&open));
        Ok(Unit {
            number: self.unit,
            batch: self.batch.clone(),
            limits: self.limits,
            include_tasks: self.include_tasks,
            teams: self.teams.clone(),
            histories: histories.collect::<Result<_, _>>()?,
            clusters: self.clusters.clone(),
        })
    }
}
