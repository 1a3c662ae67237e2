//! The analysis step of a run: which applications are judged again, and where the answers go.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::prelude::SessionContext;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::analyze::{self, AnalyzeError, Catalog, Scope, Stamp};
use crate::ask::{AskLake, AskOptions};
use crate::load::{Lake, LakeLock, LoadError, PendingAnalysis, Replace, TableRows};
use crate::model::ApplicationKey;
use crate::schema;

use super::RunRequest;
use super::summary::{Problem, RunError, RunSummary, WorstApplication};

/// Where the lake notes which rules its derived tables come from.
const RULES_MARK: &str = "_sparklake/rules";

/// How many of the worst applications a run shows.
const WORST: usize = 5;

/// The rules of this run.
pub(super) fn catalog(request: &RunRequest) -> Result<Catalog, AnalyzeError> {
    let mut catalog = match &request.rules_dir {
        Some(folder) => Catalog::with_folder(folder)?,
        None => Catalog::built_in()?,
    };
    catalog.apply(&request.rule_overrides)?;
    Ok(catalog)
}

/// Judges the applications whose rows changed; all of them where the rules did.
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
    let is_first = marked.is_none();
    let changed: BTreeSet<ApplicationKey> = pending
        .iter()
        .flat_map(|pending| pending.applications.iter().cloned())
        .collect();
    if changed.is_empty() && (!rules_changed || is_first) {
        return finish(lake, lock, &pending, rules_changed.then_some(&digest)).await;
    }
    let everything = rules_changed && !is_first;
    let (scope, replace) = if everything {
        (Scope::All, Replace::Everything)
    } else {
        (scope(&pending), Replace::applications(changed))
    };
    let ask = AskLake::new(lake, AskOptions::default()).map_err(AnalyzeError::from)?;
    let context = ask.session().map_err(AnalyzeError::from)?;
    let stamp = Stamp {
        batch_id: summary.run_id.clone(),
        ingested_at: chrono::Utc::now(),
    };
    let analysis = analyze::run(catalog, &context, &scope, &stamp).await?;
    for problem in &analysis.problems {
        summary.problems.push(Problem::of_analysis(problem));
    }
    // What only failed for want of storage is judged again by the next run; a wrong file stays wrong
    // until somebody changes it, and then everything is judged again.
    let is_done = !analysis.problems.iter().any(AnalyzeError::is_retryable);
    summary.findings = analysis
        .tables
        .iter()
        .filter(|rows| rows.table == "findings")
        .map(|rows| rows.rows.num_rows())
        .sum();
    summary.worst = worst(&context, &analysis).await;
    let rows: Vec<TableRows> = analysis
        .tables
        .into_iter()
        .filter_map(|derived| {
            let table = schema::table(&derived.table)?;
            Some(TableRows {
                table: &table.name,
                batches: vec![derived.rows],
            })
        })
        .collect();
    lake.commit_derived(lock, &summary.run_id, rows, replace)
        .await?;
    if !is_done {
        return Ok(());
    }
    finish(lake, lock, &pending, Some(&digest)).await
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

fn scope(pending: &[PendingAnalysis]) -> Scope {
    let keys = pending.iter().flat_map(|pending| {
        // The date of an application is known only where the commit had one date.
        let date = (pending.app_dates.len() == 1)
            .then(|| pending.app_dates.first().copied())
            .flatten();
        pending
            .applications
            .iter()
            .map(move |key| (key.clone(), date))
    });
    Scope::Applications(keys.collect())
}

async fn read_mark(lake: &Lake) -> Option<String> {
    let object = lake.store().get(&Path::from(RULES_MARK)).await.ok()?;
    String::from_utf8(object.bytes().await.ok()?.to_vec()).ok()
}

/// The applications of this run with the largest share of time in flagged stages.
async fn worst(context: &SessionContext, analysis: &analyze::Analysis) -> Vec<WorstApplication> {
    for rows in analysis
        .tables
        .iter()
        .filter(|rows| ["ineffjobagg", "findings"].contains(&rows.table.as_str()))
    {
        context
            .register_batch(format!("new_{}", rows.table).as_str(), rows.rows.clone())
            .ok();
    }
    let sql = format!(
        "SELECT a.application_id, a.attempt_id, p.application_name, a.ineffstageagg, a.lost_core_ms, a.top_rule, f.evidence
         FROM new_ineffjobagg a
         LEFT JOIN applications p ON p.platform = a.platform AND p.cluster_id = a.cluster_id
              AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
         LEFT JOIN (SELECT platform, cluster_id, application_id, attempt_id, rule_id, evidence,
                           row_number() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id, rule_id
                                              ORDER BY lost_core_ms DESC NULLS LAST, finding_id) AS n
                    FROM new_findings) f
              ON f.n = 1 AND f.rule_id = a.top_rule AND f.platform = a.platform AND f.cluster_id = a.cluster_id
              AND f.application_id = a.application_id AND f.attempt_id = a.attempt_id
         WHERE a.top_rule IS NOT NULL
         ORDER BY a.lost_core_ms DESC NULLS LAST, a.ineffstageagg DESC NULLS LAST, a.application_id LIMIT {WORST}"
    );
    let answer = async { context.sql(&sql).await?.collect().await }.await;
    match answer {
        Ok(batches) => batches.iter().flat_map(worst_of).collect(),
        Err(error) => {
            tracing::warn!(%error, "the worst applications cannot be told");
            Vec::new()
        }
    }
}

fn worst_of(batch: &RecordBatch) -> Vec<WorstApplication> {
    let text = |column: usize, row: usize| {
        let array =
            arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8).ok()?;
        let array = array.as_string_opt::<i32>()?;
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let percent = batch.column(3).as_primitive_opt::<Float64Type>();
    let lost = batch.column(4).as_primitive_opt::<Int64Type>();
    (0..batch.num_rows())
        .map(|row| WorstApplication {
            application_id: text(0, row).unwrap_or_default(),
            attempt_id: text(1, row).unwrap_or_default(),
            application_name: text(2, row),
            ineffstageagg: percent
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row)),
            lost_core_ms: lost
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row)),
            top_rule: text(5, row),
            evidence: text(6, row),
        })
        .collect()
}
