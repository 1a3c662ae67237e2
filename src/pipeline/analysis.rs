//! The analysis step of a run: which applications are judged again, and where the answers go.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::analyze::{
    self, ANALYSIS_FAILURES, AnalyzeError, Catalog, CatalogRecipe, Failure, Subject, UnitLimits,
};
use crate::ask::{AskLake, AskOptions};
use crate::load::{
    DerivedBatch, Lake, LakeLock, LoadError, PendingAnalysis, Replace, TableRows, WriterSettings,
};
use crate::model::ApplicationKey;
use crate::schema;
use crate::unit::shards::{Reports, ShardObjects};
use crate::unit::{
    self, ANALYSIS_VERSION, AnalysisKind, AnalysisOrder, AnalysisProblem, AnalysisResult,
    UnitShare, WorstApplication,
};

use super::error::RunError;
use super::request::RunRequest;
use super::run_row::RunRow;
use super::second_pass::SecondPass;
use super::shards;
use super::stage::{self, lake_reference};
use super::summary::{Problem, RunSummary};

/// Where the lake notes which rules its derived tables come from.
const RULES_MARK: &str = "_sparklake/rules";

/// Units that are judged side by side: while one waits for its last query, another one opens its files.
const UNITS_AT_ONCE: usize = 2;

/// The rules of a run, and what they are made of.
pub(super) struct Rules {
    recipe: CatalogRecipe,
    catalog: Catalog,
}

impl Rules {
    /// The rules of this run.
    pub(super) fn of(request: &RunRequest) -> Result<Self, AnalyzeError> {
        let recipe = CatalogRecipe::read(request.rules_dir.as_deref(), &request.rule_overrides)?;
        let catalog = recipe.catalog()?;
        Ok(Self { recipe, catalog })
    }
}

/// Where applications are judged.
#[derive(Clone, Copy)]
pub(super) enum Judges<'j> {
    /// In this process, or by the workers of the request.
    Here,
    /// On other machines, to which about so many units are handed out now.
    Elsewhere(&'j ShardObjects, &'j RunRow, usize),
    /// On other machines, which have reported.
    Reported(&'j Reports),
}

/// How far the analysis came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Analyzed {
    /// Nothing had to be judged.
    Nothing,
    /// All is judged that can be.
    Judged,
    /// Orders are handed out, and nothing is judged yet.
    Waits,
}

/// Judges the applications whose rows changed, and those that an earlier run could not judge; all of
/// them where the rules changed.
pub(super) async fn analyze(
    request: &RunRequest,
    lake: &Lake,
    lock: &LakeLock,
    rules: &Rules,
    judges: Judges<'_>,
    summary: &mut RunSummary,
) -> Result<Analyzed, RunError> {
    let Rules { recipe, catalog } = rules;
    let pending = lake.pending_analysis().await?;
    let digest = catalog.fingerprint();
    let marked = read_mark(lake).await;
    let rules_changed = marked.as_deref() != Some(digest.as_str());
    let everything = rules_changed && marked.is_some();
    let mut wanted: BTreeSet<ApplicationKey> = pending
        .iter()
        .flat_map(|pending| pending.applications.iter().cloned())
        .collect();
    wanted.extend(not_judged(lake).await?);
    // Clusters may be told of without an application.
    let has_clusters = summary.clusters.found > summary.clusters.unchanged;
    if wanted.is_empty() && !everything && !has_clusters {
        finish(lake, lock, &pending, rules_changed.then_some(&digest)).await?;
        return Ok(Analyzed::Nothing);
    }
    let mut is_done = true;
    if everything || !wanted.is_empty() {
        let wanted = (!everything).then_some(&wanted);
        let judging = Judging {
            request,
            lake,
            lock,
            recipe,
            catalog: catalog.per_application(),
            judges,
        };
        match judging.judge(wanted, summary).await? {
            Some(judged) => is_done = judged,
            None => return Ok(Analyzed::Waits),
        }
    }
    let second = SecondPass {
        request,
        lake,
        lock,
        recipe,
        catalog,
        judged: Arc::new(wanted),
        everything,
    };
    is_done &= second.run(summary).await?;
    // What only failed for want of storage is judged again by the next run; a wrong file stays wrong
    // until somebody changes it, and then everything is judged again.
    if is_done {
        finish(lake, lock, &pending, Some(&digest)).await?;
    }
    Ok(Analyzed::Judged)
}

/// Who judges, and by what.
struct Judging<'r> {
    request: &'r RunRequest,
    lake: &'r Lake,
    lock: &'r LakeLock,
    recipe: &'r CatalogRecipe,
    /// What judges one application at a time.
    catalog: Catalog,
    judges: Judges<'r>,
}

/// The units of a batch of analysis.
struct Planned {
    derived: DerivedBatch,
    orders: Vec<AnalysisOrder>,
    /// Results that are there already, by unit.
    results: HashMap<u32, AnalysisResult>,
}

impl Judging<'_> {
    /// Judges these applications, all of the lake where `None`, unit by unit, and commits what came
    /// out. False where storage failed, so that the same has to be done again; `None` where the units
    /// were handed out.
    async fn judge(
        &self,
        wanted: Option<&BTreeSet<ApplicationKey>>,
        summary: &mut RunSummary,
    ) -> Result<Option<bool>, RunError> {
        let Self { lake, lock, .. } = self;
        let options = AskOptions {
            memory_bytes: UnitShare::whole().memory_bytes,
            ..AskOptions::default()
        };
        let ask = AskLake::new(lake, options).map_err(AnalyzeError::from)?;
        let session = ask.session().map_err(AnalyzeError::from)?;
        let planned = match self.reported().await? {
            Some(planned) => planned,
            None => self.plan(&session, wanted, summary).await?,
        };
        let Planned {
            mut derived,
            orders,
            mut results,
        } = planned;
        if let Judges::Elsewhere(objects, row, _) = self.judges
            && orders.len() > 1
        {
            let batch = derived.batch().clone();
            shards::wait_for_analysis(objects, batch, &orders, summary, row).await?;
            return Ok(None);
        }
        let mut found = UnitResults::default();
        if let Some(workers) = &self.request.workers {
            let given = tokio::task::block_in_place(|| workers.judge(&orders))?;
            let staging = lake.staging(WriterSettings::default());
            let taken = stage::take(&staging, &orders, given)?;
            results.extend(taken.into_iter().map(|result| (result.unit, result)));
        }
        let mut judged = stream::iter(&orders)
            .map(|order| (order, results.remove(&order.unit)))
            .map(async |(order, result)| match result {
                Some(result) => Ok(result),
                None => unit::judge(order, lake, &self.catalog, &session).await,
            })
            .buffered(UNITS_AT_ONCE);
        while let Some(result) = judged.try_next().await? {
            found.add(result, &mut derived, summary);
        }
        drop(judged);
        let replace = match wanted {
            None => Replace::Everything,
            Some(keys) => Replace::applications(keys.iter().cloned()),
        };
        lake.commit_staged(lock, derived, replace).await?;
        let problems = &found.problems;
        summary
            .problems
            .extend(problems.iter().map(Problem::of_analysis));
        summary
            .problems
            .extend(Problem::of_failures(&found.failures));
        Ok(Some(!problems.iter().any(|problem| problem.is_retryable)))
    }

    /// Begins a batch, and orders units of it.
    async fn plan(
        &self,
        session: &SessionContext,
        wanted: Option<&BTreeSet<ApplicationKey>>,
        summary: &RunSummary,
    ) -> Result<Planned, RunError> {
        let subjects = analyze::subjects(session, wanted).await?;
        let begun = self.lake.begin_derived(self.lock, &summary.run_id).await?;
        let mut derived = self.with_all_tables(begun).await?;
        let limits = self.limits(subjects.len());
        let units = analyze::units(subjects, limits);
        let orders = units
            .into_iter()
            .map(|subjects| self.order(&mut derived, subjects))
            .collect();
        Ok(Planned {
            derived,
            orders,
            results: HashMap::new(),
        })
    }

    /// What a unit holds: where units are handed out, so little that there are enough.
    fn limits(&self, subjects: usize) -> UnitLimits {
        match self.judges {
            Judges::Elsewhere(_, _, units) => handed_out(subjects, units),
            Judges::Here | Judges::Reported(_) => UnitLimits::default(),
        }
    }

    /// The units that other machines have judged; `None` where none were handed out, where the rules
    /// have changed since, or where their batch was committed by an earlier attempt.
    async fn reported(&self) -> Result<Option<Planned>, RunError> {
        let Judges::Reported(reports) = self.judges else {
            return Ok(None);
        };
        let Some(batch) = reports.manifest().batches.first() else {
            return Ok(None);
        };
        let orders = reports.orders(0, AnalysisOrder::parse).await?;
        let fingerprint = self.catalog.fingerprint();
        if orders.iter().any(|order| order.fingerprint != fingerprint) {
            tracing::warn!("what workers judged is not taken: the rules have changed since");
            return Ok(None);
        }
        if !self.lake.is_open(batch).await? {
            return Ok(None);
        }
        let derived = self.with_all_tables(Lake::reopen_derived(batch.clone()));
        Ok(Some(Planned {
            derived: derived.await?,
            results: shards::judged_elsewhere(reports, &orders)?,
            orders,
        }))
    }

    /// Applications whose rows are gone lose their derived rows too, in every table.
    async fn with_all_tables(&self, mut derived: DerivedBatch) -> Result<DerivedBatch, RunError> {
        let rows = no_rows(&self.catalog);
        self.lake.stage_derived(&mut derived, rows).await?;
        Ok(derived)
    }

    fn order(&self, derived: &mut DerivedBatch, subjects: Vec<Subject>) -> AnalysisOrder {
        AnalysisOrder {
            version: ANALYSIS_VERSION,
            kind: AnalysisKind::Analysis,
            unit: derived.next_unit(),
            batch: derived.batch().clone(),
            lake: lake_reference(self.lake, self.request),
            redaction: self.request.redactor.settings(),
            rules: self.recipe.clone(),
            fingerprint: self.catalog.fingerprint(),
            subjects,
        }
    }
}

/// What the units found, beside their files.
#[derive(Default)]
struct UnitResults {
    failures: Vec<Failure>,
    /// Each file's once.
    problems: Vec<AnalysisProblem>,
}

impl UnitResults {
    fn add(
        &mut self,
        result: AnalysisResult,
        derived: &mut DerivedBatch,
        summary: &mut RunSummary,
    ) {
        derived.absorb(result.staged);
        summary.findings += result.findings;
        summary.worst.extend(result.worst);
        summary.worst = WorstApplication::worst_of(std::mem::take(&mut summary.worst));
        self.failures.extend(result.failures);
        for problem in result.problems {
            if !self.problems.iter().any(|known| known.file == problem.file) {
                self.problems.push(problem);
            }
        }
    }
}

/// Every derived table without rows: what a unit does not give is removed all the same.
fn no_rows(catalog: &Catalog) -> Vec<TableRows> {
    let made = catalog.table_ids().into_iter();
    made.chain([ANALYSIS_FAILURES.to_owned()])
        .filter_map(|table| schema::table(&table))
        .map(|table| TableRows {
            table: &table.name,
            batches: Vec::new(),
        })
        .collect()
}

/// The applications that an earlier run could not judge.
async fn not_judged(lake: &Lake) -> Result<BTreeSet<ApplicationKey>, RunError> {
    let ask = AskLake::new(lake, AskOptions::default()).map_err(AnalyzeError::from)?;
    let context = ask.session().map_err(AnalyzeError::from)?;
    Ok(analyze::keys(&context, ANALYSIS_FAILURES).await?)
}

async fn finish(
    lake: &Lake,
    lock: &LakeLock,
    pending: &[PendingAnalysis],
    digest: Option<&String>,
) -> Result<(), RunError> {
    lake.analysis_done(lock, pending).await?;
    if let Some(digest) = digest {
        let payload = PutPayload::from(digest.clone().into_bytes());
        lake.store()
            .put(&Path::from(RULES_MARK), payload)
            .await
            .map_err(|source| LoadError::Writer {
                reason: format!("{RULES_MARK}: {source}"),
            })?;
    }
    Ok(())
}

async fn read_mark(lake: &Lake) -> Option<String> {
    let object = lake.store().get(&Path::from(RULES_MARK)).await.ok()?;
    String::from_utf8(object.bytes().await.ok()?.to_vec()).ok()
}

/// Fewest applications of a unit that is handed out: each unit plans all rules anew.
const LEAST_HANDED_OUT: usize = 16;
/// Units that few applications are handed out in all the same, so that more than one machine works.
const FEW_UNITS: usize = 4;

/// What a unit holds where `subjects` are handed out in about `units`.
fn handed_out(subjects: usize, units: usize) -> UnitLimits {
    let limits = UnitLimits::default();
    let least = LEAST_HANDED_OUT.min(subjects.div_ceil(FEW_UNITS.min(units.max(1))));
    let share = (subjects / units.max(1)).max(least).max(1);
    UnitLimits {
        applications: limits.applications.min(share),
        ..limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_handed_out_are_worth_their_planning() {
        let applications = |subjects, units| handed_out(subjects, units).applications;
        assert_eq!(applications(30_000, 32), 937);
        assert_eq!(applications(3_200, 32), 100);
        assert_eq!(applications(100, 32), 16);
        assert_eq!(applications(6, 32), 2);
        assert_eq!(applications(6, 2), 3);
        assert_eq!(applications(0, 0), 1);
    }
}
