//! The second pass of the analysis: tables that look at several applications together, made from
//! what the first pass and the load have committed.
//!
//! Tables that do not read each other are one round: their groups are judged side by side and become
//! visible in one commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::task::{JoinError, JoinSet};

use crate::analyze::{
    self, ANALYSIS_FAILURES, AcrossTable, AnalyzeError, Catalog, CatalogRecipe, GroupHash,
    GroupUnit, Survey,
};
use crate::ask::{AskLake, AskOptions};
use crate::load::{DerivedBatch, Lake, LakeLock, LoadError, Replace, RowSelection, WriterSettings};
use crate::model::ApplicationKey;
use crate::schema;
use crate::unit::{
    AnalysisProblem, GROUPS_VERSION, GroupsKind, GroupsOrder, GroupsResult, UnitError, UnitShare,
    judge_groups,
};

use super::error::RunError;
use super::request::RunRequest;
use super::stage::{self, lake_reference};
use super::summary::{Problem, RunSummary};

/// Where the lake notes what the groups of a table were made of.
const GROUPS: &str = "_sparklake/groups";

/// What a table's groups were made of when they were judged.
type Fingerprints = HashMap<GroupHash, u64>;

/// The second pass of one run.
pub(super) struct SecondPass<'r> {
    pub(super) request: &'r RunRequest,
    pub(super) lake: &'r Lake,
    pub(super) lock: &'r LakeLock,
    pub(super) recipe: &'r CatalogRecipe,
    pub(super) catalog: &'r Catalog,
    /// The applications that the first pass judged; what they belong to is judged again.
    pub(super) judged: Arc<BTreeSet<ApplicationKey>>,
    /// Whether all is judged again.
    pub(super) everything: bool,
}

impl SecondPass<'_> {
    /// Makes each table. False where storage failed, so that the same has to be done again.
    pub(super) async fn run(&self, summary: &mut RunSummary) -> Result<bool, RunError> {
        let rounds = match self.catalog.across_applications() {
            Ok(rounds) => rounds,
            // A wrong file stays wrong until somebody changes it.
            Err(error) => {
                let problem = AnalysisProblem::of(&error);
                summary.problems.push(Problem::of_analysis(&problem));
                return Ok(true);
            }
        };
        let mut is_done = true;
        for round in rounds {
            is_done &= self.make(round, summary).await?;
        }
        Ok(is_done)
    }

    /// Makes the tables of one round.
    async fn make(
        &self,
        round: Vec<AcrossTable>,
        summary: &mut RunSummary,
    ) -> Result<bool, RunError> {
        let options = AskOptions {
            memory_bytes: UnitShare::whole().memory_bytes,
            ..AskOptions::default()
        };
        // Opened anew for each round, which may read the one before.
        let ask = AskLake::new(self.lake, options).map_err(AnalyzeError::from)?;
        let session = ask.session().map_err(AnalyzeError::from)?;
        let works = self.plan(round, &session).await?;
        if works.is_empty() {
            return Ok(true);
        }
        let mut derived = self.lake.begin_derived(self.lock, &summary.run_id).await?;
        let orders = self.orders(&works, &mut derived);
        let results = self.results(&orders, &works, &session).await?;
        self.commit(works, &orders, results, derived, summary).await
    }

    /// What has to be done for each table of a round that has anything to do.
    async fn plan(
        &self,
        round: Vec<AcrossTable>,
        session: &SessionContext,
    ) -> Result<Vec<Work>, RunError> {
        let mut planning = JoinSet::new();
        for table in round {
            let lake = (!self.everything).then(|| self.lake.clone());
            let (session, judged) = (session.clone(), Arc::clone(&self.judged));
            planning.spawn(Work::plan(table, lake, session, judged));
        }
        let mut works = Vec::new();
        while let Some(planned) = planning.join_next().await {
            works.extend(planned.map_err(ended_early)??);
        }
        works.sort_by(|left, right| left.table.id().cmp(right.table.id()));
        Ok(works)
    }

    fn orders(&self, works: &[Work], derived: &mut DerivedBatch) -> Vec<GroupsOrder> {
        let mut orders = Vec::new();
        for work in works {
            let fingerprint = work.table.fingerprint();
            for groups in &work.units {
                orders.push(GroupsOrder {
                    version: GROUPS_VERSION,
                    kind: GroupsKind::Groups,
                    unit: derived.next_unit(),
                    batch: derived.batch().clone(),
                    lake: lake_reference(self.lake, self.request),
                    redaction: self.request.redactor.settings(),
                    rules: self.recipe.clone(),
                    fingerprint: fingerprint.clone(),
                    table: work.table.id().to_owned(),
                    replaces_all: work.replaces_all(),
                    groups: groups.clone(),
                });
            }
        }
        orders
    }

    /// One result for each order: of workers where the run has some, else of this process.
    async fn results(
        &self,
        orders: &[GroupsOrder],
        works: &[Work],
        session: &SessionContext,
    ) -> Result<Vec<GroupsResult>, RunError> {
        if let Some(workers) = &self.request.workers {
            let results = tokio::task::block_in_place(|| workers.judge_groups(orders))?;
            let staging = self.lake.staging(WriterSettings::default());
            return Ok(stage::take(&staging, orders, results)?);
        }
        let most = std::thread::available_parallelism().map_or(2, usize::from);
        let (mut judging, mut results) = (JoinSet::new(), Vec::new());
        for order in orders {
            let Some(work) = works.iter().find(|work| work.table.id() == order.table) else {
                continue;
            };
            if judging.len() >= most {
                results.extend(next(&mut judging).await?);
            }
            let (order, table) = (order.clone(), Arc::clone(&work.table));
            let (lake, session) = (self.lake.clone(), session.clone());
            judging.spawn(async move { judge_groups(&order, &lake, &table, &session).await });
        }
        while let Some(result) = next(&mut judging).await? {
            results.push(result);
        }
        Ok(results)
    }

    /// Makes the rows of all tables visible that could be made, and notes what they were made of.
    async fn commit(
        &self,
        works: Vec<Work>,
        orders: &[GroupsOrder],
        results: Vec<GroupsResult>,
        mut derived: DerivedBatch,
        summary: &mut RunSummary,
    ) -> Result<bool, RunError> {
        let staging = self.lake.staging(WriterSettings::default());
        let table_of: BTreeMap<u32, &str> = orders
            .iter()
            .map(|order| (order.unit, order.table.as_str()))
            .collect();
        let mut by_table: BTreeMap<&str, Vec<GroupsResult>> = BTreeMap::new();
        for result in results {
            if let Some(table) = table_of.get(&result.unit) {
                by_table.entry(table).or_default().push(result);
            }
        }
        let mut is_done = true;
        let mut replace: BTreeMap<&'static str, Replace> = BTreeMap::new();
        let mut made = Vec::new();
        for work in works {
            let results = by_table.remove(work.table.id()).unwrap_or_default();
            let problem = results.iter().find_map(|result| result.problem.clone());
            if let Some(problem) = problem {
                is_done &= !problem.is_retryable;
                summary.problems.push(Problem::of_analysis(&problem));
                // What the other units made is not all of the table.
                for result in results {
                    staging.discard(&result.staged);
                }
                continue;
            }
            let contract = work.table.contract();
            let done = Done::of(&work, results, &mut derived);
            summary
                .problems
                .extend(Problem::of_failures(&done.failures));
            replace.insert(&contract.name, done.replace);
            made.push((work, done.failed));
        }
        if let Some(failures) = schema::table(ANALYSIS_FAILURES) {
            replace.insert(&failures.name, Replace::Nothing);
        }
        self.lake
            .commit_by_table(self.lock, derived, replace)
            .await?;
        for (work, failed) in made {
            let mut fingerprints = work.survey.fingerprints;
            fingerprints.retain(|group, _| !failed.contains(group));
            if work.known.as_ref() != Some(&fingerprints) {
                write_fingerprints(self.lake, work.table.id(), &fingerprints).await?;
            }
        }
        Ok(is_done)
    }
}

/// The work on one table.
struct Work {
    table: Arc<AcrossTable>,
    survey: Survey,
    /// What its groups were made of when the last run made it; without that it is made as a whole.
    known: Option<Fingerprints>,
    units: Vec<GroupUnit>,
}

impl Work {
    /// Finds the groups that have to be judged; `None` where nothing is to be done. Without `lake` all
    /// of them have to be.
    async fn plan(
        table: AcrossTable,
        lake: Option<Lake>,
        session: SessionContext,
        judged: Arc<BTreeSet<ApplicationKey>>,
    ) -> Result<Option<Self>, AnalyzeError> {
        let known = match &lake {
            Some(lake) => read_fingerprints(lake, table.id()).await,
            None => None,
        };
        let survey = analyze::survey(&session, &table, &judged).await?;
        let units = units(&session, &table, known.as_ref(), &survey).await?;
        let has_nothing = units.is_empty() && known.is_some();
        Ok((!has_nothing).then(|| Self {
            table: Arc::new(table),
            survey,
            known,
            units,
        }))
    }

    /// Whether the table is written as a whole, rather than what differs.
    fn replaces_all(&self) -> bool {
        self.known.is_none()
    }
}

/// The groups that have to be judged.
async fn units(
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

/// What the units of a table came to.
struct Done {
    replace: Replace,
    failed: HashSet<GroupHash>,
    failures: Vec<analyze::Failure>,
}

impl Done {
    fn of(work: &Work, results: Vec<GroupsResult>, derived: &mut DerivedBatch) -> Self {
        let contract = work.table.contract();
        let mut gone = RowSelection {
            columns: contract.keys.clone(),
            rows: BTreeSet::new(),
            dates: (!contract.partition_by.is_empty()).then(BTreeSet::new),
        };
        let (mut failed, mut failures) = (HashSet::new(), Vec::new());
        for result in results {
            derived.absorb(result.staged);
            gone.rows.extend(result.gone);
            if let Some(dates) = &mut gone.dates {
                dates.extend(result.dates);
            }
            failed.extend(result.failed);
            failures.extend(result.failures);
        }
        let replace = if work.replaces_all() {
            Replace::Everything
        } else if gone.rows.is_empty() {
            Replace::Nothing
        } else {
            Replace::Rows(gone)
        };
        Self {
            replace,
            failed,
            failures,
        }
    }
}

async fn next(
    judging: &mut JoinSet<Result<GroupsResult, UnitError>>,
) -> Result<Option<GroupsResult>, RunError> {
    match judging.join_next().await {
        None => Ok(None),
        Some(ended) => Ok(Some(ended.map_err(ended_early)??)),
    }
}

fn ended_early(error: JoinError) -> UnitError {
    UnitError::Worker {
        reason: error.to_string(),
    }
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
