//! The analysis step of a run: which applications are judged again, and where the answers go.

use std::collections::BTreeSet;
use std::sync::Arc;

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
use crate::unit::{
    self, ANALYSIS_VERSION, AnalysisKind, AnalysisOrder, AnalysisProblem, AnalysisResult,
    WorstApplication,
};

use super::error::RunError;
use super::request::RunRequest;
use super::second_pass::SecondPass;
use super::stage::{self, lake_reference};
use super::summary::{Problem, RunSummary};

/// Where the lake notes which rules its derived tables come from.
const RULES_MARK: &str = "_sparklake/rules";

/// Memory of the analysis in bytes; operators may take half of it before they spill.
pub(super) const MEMORY_BYTES: usize = 4 << 30;

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

/// Judges the applications whose rows changed, and those that an earlier run could not judge; all of
/// them where the rules changed. Returns whether anything was judged.
pub(super) async fn analyze(
    request: &RunRequest,
    lake: &Lake,
    lock: &LakeLock,
    rules: &Rules,
    summary: &mut RunSummary,
) -> Result<bool, RunError> {
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
        return Ok(false);
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
        };
        is_done = judging.judge(wanted, summary).await?;
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
    Ok(true)
}

/// Who judges, and by what.
struct Judging<'r> {
    request: &'r RunRequest,
    lake: &'r Lake,
    lock: &'r LakeLock,
    recipe: &'r CatalogRecipe,
    /// What judges one application at a time.
    catalog: Catalog,
}

impl Judging<'_> {
    /// Judges these applications, all of the lake where `None`, unit by unit, and commits what came
    /// out. False where storage failed, so that the same has to be done again.
    async fn judge(
        &self,
        wanted: Option<&BTreeSet<ApplicationKey>>,
        summary: &mut RunSummary,
    ) -> Result<bool, RunError> {
        let Self { lake, lock, .. } = self;
        let options = AskOptions {
            memory_bytes: MEMORY_BYTES,
            ..AskOptions::default()
        };
        let ask = AskLake::new(lake, options).map_err(AnalyzeError::from)?;
        let session = ask.session().map_err(AnalyzeError::from)?;
        let subjects = analyze::subjects(&session, wanted).await?;
        let mut derived = lake.begin_derived(lock, &summary.run_id).await?;
        // Applications whose rows are gone lose their derived rows too, in every table.
        lake.stage_derived(&mut derived, no_rows(&self.catalog))
            .await?;
        let units = analyze::units(subjects, UnitLimits::default());
        let orders: Vec<AnalysisOrder> = units
            .into_iter()
            .map(|subjects| self.order(&mut derived, subjects))
            .collect();
        let mut found = Found::default();
        if let Some(workers) = &self.request.workers {
            let results = tokio::task::block_in_place(|| workers.judge(&orders))?;
            let staging = lake.staging(WriterSettings::default());
            for result in stage::take(&staging, &orders, results)? {
                found.add(result, &mut derived, summary);
            }
        } else {
            for order in &orders {
                let result = unit::judge(order, lake, &self.catalog, &session).await?;
                found.add(result, &mut derived, summary);
            }
        }
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
        Ok(!problems.iter().any(|problem| problem.is_retryable))
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
struct Found {
    failures: Vec<Failure>,
    /// Each file's once.
    problems: Vec<AnalysisProblem>,
}

impl Found {
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
