//! The second pass of the analysis: tables that look at several applications together, made from
//! what the first pass and the load have committed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use datafusion::prelude::SessionContext;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::analyze::{
    self, ANALYSIS_FAILURES, AcrossJudge, AcrossTable, AnalyzeError, Catalog, Failure, GroupHash,
    GroupUnit, Stamp, Survey,
};
use crate::ask::{AskLake, AskOptions};
use crate::load::{DerivedBatch, Lake, LakeLock, LoadError, Replace, RowSelection, TableRows};
use crate::model::ApplicationKey;
use crate::schema;
use crate::unit::AnalysisProblem;

use super::analysis::MEMORY_BYTES;
use super::error::RunError;
use super::summary::{Problem, RunSummary};

/// Where the lake notes what the groups of a table were made of.
const GROUPS: &str = "_sparklake/groups";

/// What a table's groups were made of when they were judged.
type Fingerprints = HashMap<GroupHash, u64>;

/// The second pass of one run.
pub(super) struct SecondPass<'r> {
    pub(super) lake: &'r Lake,
    pub(super) lock: &'r LakeLock,
    pub(super) catalog: &'r Catalog,
    /// The applications that the first pass judged; what they belong to is judged again.
    pub(super) judged: &'r BTreeSet<ApplicationKey>,
    /// Whether all is judged again.
    pub(super) everything: bool,
}

impl SecondPass<'_> {
    /// Makes each table. False where storage failed, so that the same has to be done again.
    pub(super) async fn run(&self, summary: &mut RunSummary) -> Result<bool, RunError> {
        let tables = match self.catalog.across_applications() {
            Ok(tables) => tables,
            // A wrong file stays wrong until somebody changes it.
            Err(error) => {
                let problem = AnalysisProblem::of(&error);
                summary.problems.push(Problem::of_analysis(&problem));
                return Ok(true);
            }
        };
        let mut is_done = true;
        for table in &tables {
            is_done &= self.make(table, summary).await?;
        }
        Ok(is_done)
    }

    async fn make(&self, table: &AcrossTable, summary: &mut RunSummary) -> Result<bool, RunError> {
        let options = AskOptions {
            memory_bytes: MEMORY_BYTES,
            ..AskOptions::default()
        };
        // Opened anew for each table, which may read the one before.
        let ask = AskLake::new(self.lake, options).map_err(AnalyzeError::from)?;
        let session = ask.session().map_err(AnalyzeError::from)?;
        let known = if self.everything {
            None
        } else {
            read_fingerprints(self.lake, table.id()).await
        };
        let survey = analyze::survey(&session, table, self.judged).await?;
        let units = self.units(&session, table, known.as_ref(), &survey).await?;
        if units.is_empty() && known.is_some() {
            return Ok(true);
        }
        let stamp = Stamp {
            batch_id: summary.run_id.clone(),
            ingested_at: chrono::Utc::now(),
        };
        let mut work = Work {
            pass: self,
            table,
            run_id: &stamp.batch_id,
            judge: AcrossJudge::new(table, &session, &stamp),
            replaces_all: known.is_none(),
            staged: None,
            gone: RowSelection {
                columns: table.contract().keys.clone(),
                rows: BTreeSet::new(),
                dates: None,
            },
            failed: HashSet::new(),
            failures: Vec::new(),
            failure_rows: Vec::new(),
        };
        for unit in units {
            work.judge(unit).await?;
        }
        let made = work.commit().await?;
        let problem = made.problem.as_ref().map(AnalysisProblem::of);
        summary
            .problems
            .extend(problem.iter().map(Problem::of_analysis));
        summary
            .problems
            .extend(Problem::of_failures(&made.failures));
        if let Some(problem) = made.problem {
            return Ok(!problem.is_retryable());
        }
        let mut fingerprints = survey.fingerprints;
        fingerprints.retain(|group, _| !made.failed.contains(group));
        if known.as_ref() != Some(&fingerprints) {
            write_fingerprints(self.lake, table.id(), &fingerprints).await?;
        }
        Ok(true)
    }

    /// The groups that have to be judged.
    async fn units(
        &self,
        session: &SessionContext,
        table: &AcrossTable,
        known: Option<&Fingerprints>,
        survey: &Survey,
    ) -> Result<Vec<GroupUnit>, AnalyzeError> {
        let Some(known) = known else {
            let all = survey.fingerprints.keys().copied().collect();
            return analyze::group_units(session, table, &all).await;
        };
        let changed = survey.fingerprints.iter();
        let changed = changed.filter(|(group, made_of)| known.get(group) != Some(made_of));
        let touched: HashSet<GroupHash> = changed
            .map(|(group, _)| *group)
            .chain(survey.wanted.iter().copied())
            .collect();
        let mut units = analyze::groups_gone(session, table, &survey.fingerprints).await?;
        if !touched.is_empty() {
            units.extend(analyze::group_units(session, table, &touched).await?);
        }
        Ok(units)
    }
}

/// The making of one table.
struct Work<'w> {
    pass: &'w SecondPass<'w>,
    table: &'w AcrossTable,
    run_id: &'w str,
    judge: AcrossJudge<'w>,
    /// Whether the table is written as a whole, rather than what differs.
    replaces_all: bool,
    staged: Option<DerivedBatch>,
    gone: RowSelection,
    failed: HashSet<GroupHash>,
    failures: Vec<Failure>,
    failure_rows: Vec<arrow::array::RecordBatch>,
}

impl Work<'_> {
    async fn judge(&mut self, unit: GroupUnit) -> Result<(), RunError> {
        let scope = unit.scope(self.table.columns());
        let judged = self.judge.judge(unit).await?;
        self.failed.extend(judged.failed);
        self.failures.extend(judged.failures);
        self.failure_rows.extend(judged.failure_rows);
        if self.replaces_all {
            return self.stage(judged.rows).await;
        }
        let difference = self.judge.difference(scope, &judged.rows).await?;
        self.gone.rows.extend(difference.gone);
        if !self.table.contract().partition_by.is_empty() {
            let dates = self.gone.dates.get_or_insert_default();
            dates.extend(difference.dates);
        }
        if difference.added.num_rows() > 0 {
            self.stage(vec![difference.added]).await?;
        }
        Ok(())
    }

    async fn stage(&mut self, batches: Vec<arrow::array::RecordBatch>) -> Result<(), RunError> {
        let SecondPass { lake, lock, .. } = self.pass;
        let staged = match &mut self.staged {
            Some(staged) => staged,
            None => self
                .staged
                .insert(lake.begin_derived(lock, self.run_id).await?),
        };
        let table = self.table.contract().name.as_str();
        lake.stage_derived(staged, vec![TableRows { table, batches }])
            .await?;
        Ok(())
    }

    /// Writes what was found.
    async fn commit(mut self) -> Result<Made, RunError> {
        let mut made = Made {
            failed: std::mem::take(&mut self.failed),
            failures: std::mem::take(&mut self.failures),
            problem: self.judge.take_problem(),
        };
        // What was made before storage failed, or a file turned out to be wrong, is not all.
        if made.problem.is_some() {
            made.failures.clear();
            return Ok(made);
        }
        let SecondPass { lake, lock, .. } = self.pass;
        if self.staged.is_none() && (self.replaces_all || !self.gone.rows.is_empty()) {
            self.stage(Vec::new()).await?;
        }
        if let Some(staged) = self.staged.take() {
            let replace = if self.replaces_all {
                Replace::Everything
            } else if self.gone.rows.is_empty() {
                Replace::Nothing
            } else {
                Replace::Rows(self.gone)
            };
            lake.commit_staged(lock, staged, replace).await?;
        }
        if let Some(failures) = schema::table(ANALYSIS_FAILURES)
            && !self.failure_rows.is_empty()
        {
            let rows = TableRows {
                table: &failures.name,
                batches: self.failure_rows,
            };
            lake.commit_derived(lock, self.run_id, vec![rows], Replace::Nothing)
                .await?;
        }
        Ok(made)
    }
}

/// How the making of a table ended.
struct Made {
    /// Groups that could not be judged.
    failed: HashSet<GroupHash>,
    /// Why.
    failures: Vec<Failure>,
    /// What stopped the work.
    problem: Option<AnalyzeError>,
}

fn fingerprints_path(table: &str) -> Path {
    Path::from(format!("{GROUPS}/{table}"))
}

/// What the groups were made of when the table was last made; `None` where that is not known, and
/// all of them have to be made.
async fn read_fingerprints(lake: &Lake, table: &str) -> Option<Fingerprints> {
    let object = lake.store().get(&fingerprints_path(table)).await.ok()?;
    let text = String::from_utf8(object.bytes().await.ok()?.to_vec()).ok()?;
    let hash = |text: &str| u64::from_str_radix(text, 16).ok();
    let line = |line: &str| {
        let (group, made_of) = line.split_once(' ')?;
        Some((hash(group)?, hash(made_of)?))
    };
    text.lines().map(line).collect()
}

async fn write_fingerprints(
    lake: &Lake,
    table: &str,
    fingerprints: &Fingerprints,
) -> Result<(), LoadError> {
    let mut lines: Vec<(&GroupHash, &u64)> = fingerprints.iter().collect();
    lines.sort();
    let mut text = String::new();
    for (group, made_of) in lines {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{group:016x} {made_of:016x}");
    }
    let path = fingerprints_path(table);
    let written = lake.store().put(&path, PutPayload::from(text)).await;
    written.map(|_| ()).map_err(|source| LoadError::Writer {
        reason: format!("{path}: {source}"),
    })
}
