//! Judging groups of applications as a unit of work: an order names a table and the groups whose rows
//! it wants, a result has the staged files and the keys of the rows that they replace.

use std::collections::BTreeSet;
use std::time::Instant;

use arrow::array::RecordBatch;
use chrono::NaiveDate;
use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};

use super::analysis::AnalysisProblem;
use super::collect::{StagedResult, UnitOrder};
use super::error::UnitError;
use super::order::LakeReference;
use super::result::{of_version, to_json};
use crate::analyze::{
    ANALYSIS_FAILURES, AcrossJudge, AcrossTable, CatalogRecipe, Failure, GroupHash, GroupUnit,
    Stamp,
};
use crate::load::{Batch, Lake, StagedUnit, TableRows};
use crate::model::{TextKey, milliseconds};
use crate::redact::RedactionSettings;
use crate::schema::{self, Table, TableKind};

/// Version of the form of orders and results of groups. Raised with every change; others are refused.
pub const GROUPS_VERSION: u32 = 1;

/// Tells an order of groups from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsKind {
    /// Groups of applications are judged together.
    Groups,
}

/// Some groups of a table that looks at several applications. Plain data, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsOrder {
    /// [`GROUPS_VERSION`].
    pub version: u32,
    /// What kind of order it is.
    pub kind: GroupsKind,
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
    /// [`AcrossTable::fingerprint`]: the same facts give the same rows.
    pub fingerprint: String,
    /// The table to make.
    pub table: String,
    /// Whether all rows are wanted, rather than those that differ from what the table holds.
    pub replaces_all: bool,
    /// The groups.
    pub groups: GroupUnit,
}

/// The files of a unit of groups, and the rows that they replace. Plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsResult {
    /// [`GROUPS_VERSION`].
    pub version: u32,
    /// Number of the unit within the batch.
    pub unit: u32,
    /// Id of the batch.
    pub batch_id: String,
    /// Staged files of the table and of `analysis_failures`, with the actions that make them part of
    /// these.
    pub staged: StagedUnit,
    /// Keys of the table's rows that have changed or must go.
    pub gone: BTreeSet<TextKey>,
    /// The partitions that hold them, where the table has any.
    pub dates: BTreeSet<NaiveDate>,
    /// Groups that could not be judged.
    pub failed: Vec<GroupHash>,
    /// Why, for reasons in their data.
    pub failures: Vec<Failure>,
    /// What stopped the work, for reasons outside of the data: a wrong file, storage.
    pub problem: Option<AnalysisProblem>,
    /// Time that it took, in milliseconds.
    pub duration_ms: u64,
}

impl GroupsOrder {
    /// Reads an order.
    ///
    /// # Errors
    /// It is of another version, no order of groups, or holds a secret.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        let order: Self = of_version("order", json, GROUPS_VERSION)?;
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

    /// The table that the order is about.
    ///
    /// # Errors
    /// The rules are wrong, have no such table, or would give other rows here.
    pub fn across_table(&self) -> Result<AcrossTable, UnitError> {
        let rounds = self.rules.catalog()?.across_applications()?;
        let mut tables = rounds.into_iter().flatten();
        tables
            .find(|table| table.id() == self.table)
            .filter(|table| table.fingerprint() == self.fingerprint)
            .ok_or(UnitError::Different { what: "rules" })
    }
}

impl GroupsResult {
    /// Reads a result.
    ///
    /// # Errors
    /// It is of another version, or no result.
    pub fn parse(json: &[u8]) -> Result<Self, UnitError> {
        of_version("result", json, GROUPS_VERSION)
    }

    /// As JSON.
    ///
    /// # Errors
    /// A number in it has no JSON form: a bug.
    pub fn to_json(&self) -> Result<String, UnitError> {
        to_json("result", self)
    }
}

impl UnitOrder for GroupsOrder {
    type Result = GroupsResult;

    fn unit(&self) -> u32 {
        self.unit
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn may_write(&self, table: &Table) -> bool {
        table.kind == TableKind::Derived
    }

    /// Files of the table and of failures, and no others.
    fn check(&self, result: &GroupsResult) -> Result<(), String> {
        let allowed = [self.table.as_str(), ANALYSIS_FAILURES];
        let mut tables = result.staged.tables.keys();
        match tables.find(|table| !allowed.contains(&table.as_str())) {
            Some(table) => Err(format!("it has files of {table} instead of {}", self.table)),
            None => Ok(()),
        }
    }
}

impl StagedResult for GroupsResult {
    const VERSION: u32 = GROUPS_VERSION;

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

/// Judges the groups of an order for `table`, over a session in which the tables of `lake` are
/// registered, and stages the rows that have to be written.
///
/// # Errors
/// The lake cannot be read, or rows cannot be staged. What is wrong with groups or rules is no error.
pub async fn judge_groups(
    order: &GroupsOrder,
    lake: &Lake,
    table: &AcrossTable,
    session: &SessionContext,
) -> Result<GroupsResult, UnitError> {
    let started = Instant::now();
    let stamp = Stamp {
        batch_id: order.batch.run_id.clone(),
        ingested_at: order.batch.started_at,
    };
    let mut result = GroupsResult {
        version: GROUPS_VERSION,
        unit: order.unit,
        batch_id: order.batch.id.clone(),
        staged: StagedUnit::default(),
        gone: BTreeSet::new(),
        dates: BTreeSet::new(),
        failed: Vec::new(),
        failures: Vec::new(),
        problem: None,
        duration_ms: 0,
    };
    let mut judge = AcrossJudge::new(table, session, &stamp);
    let judged = judge.judge(order.groups.clone()).await?;
    if let Some(problem) = judge.take_problem() {
        // What was made before storage failed, or a file turned out to be wrong, is not all.
        result.problem = Some(AnalysisProblem::of(&problem));
        return Ok(result);
    }
    let rows = if order.replaces_all {
        judged.rows
    } else {
        let scope = order.groups.scope(table.columns());
        let difference = judge.difference(scope, &judged.rows).await?;
        result.gone = difference.gone;
        result.dates = difference.dates;
        vec![difference.added]
    };
    let rows = [
        table_rows(table.id(), rows),
        table_rows(ANALYSIS_FAILURES, judged.failure_rows),
    ];
    let rows: Vec<TableRows> = rows.into_iter().flatten().collect();
    if !rows.is_empty() {
        result.staged = lake.stage_rows(&order.batch, order.unit, rows).await?;
    }
    result.failed = judged.failed.into_iter().collect();
    result.failures = judged.failures;
    result.duration_ms = milliseconds(started.elapsed());
    Ok(result)
}

fn table_rows(table: &str, mut batches: Vec<RecordBatch>) -> Option<TableRows> {
    batches.retain(|batch| batch.num_rows() > 0);
    let table = schema::table(table).filter(|_| !batches.is_empty())?;
    Some(TableRows {
        table: &table.name,
        batches,
    })
}
