//! The analysis step of a run: which applications are judged again, and where the answers go.

use std::collections::BTreeSet;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::analyze::{
    self, ANALYSIS_FAILURES, AnalyzeError, Catalog, DerivedRows, Judge, Stamp, UnitLimits,
};
use crate::ask::{AskLake, AskOptions};
use crate::load::{Lake, LakeLock, LoadError, PendingAnalysis, Replace, TableRows};
use crate::model::ApplicationKey;
use crate::schema;

use super::error::RunError;
use super::request::RunRequest;
use super::second_pass::SecondPass;
use super::summary::{Problem, RunSummary};
use super::worst;

/// Where the lake notes which rules its derived tables come from.
const RULES_MARK: &str = "_sparklake/rules";

/// Memory of the analysis in bytes; operators may take half of it before they spill.
pub(super) const MEMORY_BYTES: usize = 4 << 30;

/// The rules of this run.
pub(super) fn catalog(request: &RunRequest) -> Result<Catalog, AnalyzeError> {
    let mut catalog = match &request.rules_dir {
        Some(folder) => Catalog::with_folder(folder)?,
        None => Catalog::built_in()?,
    };
    catalog.apply(&request.rule_overrides)?;
    Ok(catalog)
}

/// Judges the applications whose rows changed, and those that an earlier run could not judge; all of
/// them where the rules changed.
pub(super) async fn analyze(
    lake: &Lake,
    lock: &LakeLock,
    catalog: &Catalog,
    summary: &mut RunSummary,
) -> Result<(), RunError> {
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
        return finish(lake, lock, &pending, rules_changed.then_some(&digest)).await;
    }
    let mut is_done = true;
    if everything || !wanted.is_empty() {
        let wanted = (!everything).then_some(&wanted);
        is_done = judge(lake, lock, &catalog.per_application(), wanted, summary).await?;
    }
    let second = SecondPass {
        lake,
        lock,
        catalog,
        judged: &wanted,
        everything,
    };
    is_done &= second.run(summary).await?;
    // What only failed for want of storage is judged again by the next run; a wrong file stays wrong
    // until somebody changes it, and then everything is judged again.
    if !is_done {
        return Ok(());
    }
    finish(lake, lock, &pending, Some(&digest)).await
}

/// Judges these applications, all of the lake where `None`, unit by unit, and commits what came out.
/// False where storage failed, so that the same has to be done again.
async fn judge(
    lake: &Lake,
    lock: &LakeLock,
    catalog: &Catalog,
    wanted: Option<&BTreeSet<ApplicationKey>>,
    summary: &mut RunSummary,
) -> Result<bool, RunError> {
    let options = AskOptions {
        memory_bytes: MEMORY_BYTES,
        ..AskOptions::default()
    };
    let ask = AskLake::new(lake, options).map_err(AnalyzeError::from)?;
    let context = ask.session().map_err(AnalyzeError::from)?;
    let subjects = analyze::subjects(&context, wanted).await?;
    let stamp = Stamp {
        batch_id: summary.run_id.clone(),
        ingested_at: chrono::Utc::now(),
    };
    let mut derived = lake.begin_derived(lock, &summary.run_id).await?;
    // Applications whose rows are gone lose their derived rows too, in every table.
    lake.stage_derived(&mut derived, no_rows(catalog)).await?;
    let mut judge = Judge::new(catalog, &context, &stamp);
    let mut failures = Vec::new();
    for unit in analyze::units(subjects, UnitLimits::default()) {
        for judged in judge.judge(unit).await? {
            summary.findings += judged.rows_of("findings");
            worst::note(catalog, &context, &judged, &mut summary.worst).await;
            failures.extend(judged.failures);
            lake.stage_derived(&mut derived, table_rows(judged.tables))
                .await?;
        }
    }
    let replace = match wanted {
        None => Replace::Everything,
        Some(keys) => Replace::applications(keys.iter().cloned()),
    };
    lake.commit_staged(lock, derived, replace).await?;
    let problems = judge.into_problems();
    summary
        .problems
        .extend(problems.iter().map(Problem::of_analysis));
    summary.problems.extend(Problem::of_failures(&failures));
    Ok(!problems.iter().any(AnalyzeError::is_retryable))
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

fn table_rows(tables: Vec<DerivedRows>) -> Vec<TableRows> {
    tables
        .into_iter()
        .filter_map(|derived| {
            let table = schema::table(&derived.table)?;
            Some(TableRows {
                table: &table.name,
                batches: vec![derived.rows],
            })
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
