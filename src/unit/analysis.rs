//! Judging as a unit of work: an order names applications and the rules, a result has the staged files
//! of their derived rows.

use std::time::Instant;

use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};

use super::collect::{StagedResult, UnitOrder};
use super::error::UnitError;
use super::order::LakeReference;
use super::result::{of_version, to_json};
use super::worst::{WorstApplication, worst};
use crate::analyze::{
    AnalyzeError, Catalog, CatalogRecipe, DerivedRows, Failure, Judge, Stamp, Subject,
};
use crate::load::{Batch, Lake, StagedUnit, TableRows};
use crate::model::milliseconds;
use crate::redact::RedactionSettings;
use crate::schema::{self, Table, TableKind};

/// Version of the form of orders and results of analysis. Raised with every change; others are
/// refused.
pub const ANALYSIS_VERSION: u32 = 1;

/// Tells an order of analysis from one of extraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisKind {
    /// Applications are judged.
    Analysis,
}

/// A bounded list of applications to be judged. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisOrder {
    /// [`ANALYSIS_VERSION`].
    pub version: u32,
    /// What kind of order it is.
    pub kind: AnalysisKind,
    /// Number of the unit within the batch; part of the names of its files.
    pub unit: u32,
    /// The batch that the rows belong to, and its run.
    pub batch: Batch,
    /// The lake that the applications are in, and that the files are staged in.
    pub lake: LakeReference,
    /// Which secrets are masked in rows.
    pub redaction: RedactionSettings,
    /// The user's rules and settings.
    pub rules: CatalogRecipe,
    /// [`Catalog::fingerprint`] of the rules: the same facts give the same rows.
    pub fingerprint: String,
    /// The applications.
    pub subjects: Vec<Subject>,
}

/// The files of a unit of analysis, and what was found. Plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisResult {
    /// [`ANALYSIS_VERSION`].
    pub version: u32,
    /// Number of the unit within the batch.
    pub unit: u32,
    /// Id of the batch.
    pub batch_id: String,
    /// Staged files with the actions that make them part of their tables.
    pub staged: StagedUnit,
    /// Findings among the rows.
    pub findings: usize,
    /// The applications of the unit that lose most core time, the worst first.
    pub worst: Vec<WorstApplication>,
    /// Who was not judged by what, for reasons in their data.
    pub failures: Vec<Failure>,
    /// What failed for reasons outside of the data: wrong files, storage.
    pub problems: Vec<AnalysisProblem>,
    /// Time that it took, in milliseconds.
    pub duration_ms: u64,
}

/// A step that failed for a reason outside of the data of applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisProblem {
    /// The file at fault, where it is one.
    pub file: Option<String>,
    /// The error in a sentence.
    pub error: String,
    /// Whether the same may succeed later.
    pub is_retryable: bool,
}

impl AnalysisProblem {
    /// The problem that an error tells.
    pub fn of(error: &AnalyzeError) -> Self {
        Self {
            file: error.file().map(str::to_owned),
            error: error.to_string(),
            is_retryable: error.is_retryable(),
        }
    }
}

impl AnalysisOrder {
    /// Reads an order.
    ///
    /// # Errors
    /// It is of another version, no order of analysis, or holds a secret.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        let order: Self = of_version("order", json, ANALYSIS_VERSION)?;
        order.lake.credentials.check()?;
        Ok(order)
    }

    /// As JSON.
    ///
    /// # Errors
    /// It holds a secret: then it must not leave the process.
    pub fn to_json(&self) -> Result<String, UnitError> {
        self.lake.credentials.check()?;
        to_json("order", self)
    }

    /// The rules of the order.
    ///
    /// # Errors
    /// They are wrong, or would give other rows here.
    pub fn catalog(&self) -> Result<Catalog, UnitError> {
        let catalog = self.rules.catalog()?.per_application();
        if catalog.fingerprint() != self.fingerprint {
            return Err(UnitError::Different { what: "rules" });
        }
        Ok(catalog)
    }
}

impl AnalysisResult {
    /// Reads a result.
    ///
    /// # Errors
    /// It is of another version, or no result.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        of_version("result", json, ANALYSIS_VERSION)
    }

    /// As JSON.
    ///
    /// # Errors
    /// A number in it has no JSON form: a bug.
    pub fn to_json(&self) -> Result<String, UnitError> {
        to_json("result", self)
    }
}

impl UnitOrder for AnalysisOrder {
    type Result = AnalysisResult;

    fn unit(&self) -> u32 {
        self.unit
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What is derived, and nothing that was extracted.
    fn may_write(&self, table: &Table) -> bool {
        table.kind == TableKind::Derived
    }

    fn check(&self, _result: &AnalysisResult) -> Result<(), String> {
        Ok(())
    }
}

impl StagedResult for AnalysisResult {
    const VERSION: u32 = ANALYSIS_VERSION;

    fn version(&self) -> u32 {
        self.version
    }

    fn unit(&self) -> u32 {
        self.unit
    }

    fn batch_id(&self) -> &str {
        &self.batch_id
    }

    fn staged(&self) -> &StagedUnit {
        &self.staged
    }

    fn into_staged(self) -> StagedUnit {
        self.staged
    }
}

/// Judges the applications of an order by `catalog`, over a session in which the tables of `lake` are
/// registered, and stages what came out.
///
/// # Errors
/// The lake cannot be read, or rows cannot be staged. What is wrong with applications or rules is no
/// error.
pub async fn judge(
    order: &AnalysisOrder,
    lake: &Lake,
    catalog: &Catalog,
    session: &SessionContext,
) -> Result<AnalysisResult, UnitError> {
    let started = Instant::now();
    let stamp = Stamp {
        batch_id: order.batch.run_id.clone(),
        ingested_at: order.batch.started_at,
    };
    let mut judge = Judge::new(catalog, session, &stamp);
    let (mut tables, mut found, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = 0;
    for judged in judge.judge(order.subjects.clone()).await? {
        findings += judged.rows_of("findings");
        found.extend(worst(catalog, session, &judged).await);
        failures.extend(judged.failures);
        tables.extend(table_rows(judged.tables));
    }
    let problems = judge.into_problems();
    Ok(AnalysisResult {
        version: ANALYSIS_VERSION,
        unit: order.unit,
        batch_id: order.batch.id.clone(),
        staged: lake.stage_rows(&order.batch, order.unit, tables).await?,
        findings,
        worst: WorstApplication::worst_of(found),
        failures,
        problems: problems.iter().map(AnalysisProblem::of).collect(),
        duration_ms: milliseconds(started.elapsed()),
    })
}

fn table_rows(tables: Vec<DerivedRows>) -> impl Iterator<Item = TableRows> {
    tables.into_iter().filter_map(|derived| {
        let table = schema::table(&derived.table)?;
        Some(TableRows {
            table: &table.name,
            batches: vec![derived.rows],
        })
    })
}
