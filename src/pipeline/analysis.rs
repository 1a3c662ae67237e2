//! The analysis step of a run: which applications are judged again, and where the answers go.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::analyze::{
    self, ANALYSIS_FAILURES, AnalyzeError, Catalog, DerivedRows, Judge, Judged, Stamp, UnitLimits,
};
use crate::ask::{AskLake, AskOptions};
use crate::load::{Lake, LakeLock, LoadError, PendingAnalysis, Replace, TableRows};
use crate::model::ApplicationKey;
use crate::schema;

use super::error::RunError;
use super::request::RunRequest;
use super::summary::{Problem, RunSummary, WorstApplication};

/// Where the lake notes which rules its derived tables come from.
const RULES_MARK: &str = "_sparklake/rules";

/// Memory of the analysis in bytes; operators may take half of it before they spill.
const MEMORY_BYTES: usize = 4 << 30;

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
    if wanted.is_empty() && !everything {
        return finish(lake, lock, &pending, rules_changed.then_some(&digest)).await;
    }
    let is_done = if everything {
        judge(lake, lock, catalog, None, summary).await?
    } else {
        judge(lake, lock, catalog, Some(wanted), summary).await?
    };
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
    wanted: Option<BTreeSet<ApplicationKey>>,
    summary: &mut RunSummary,
) -> Result<bool, RunError> {
    let options = AskOptions {
        memory_bytes: MEMORY_BYTES,
        ..AskOptions::default()
    };
    let ask = AskLake::new(lake, options).map_err(AnalyzeError::from)?;
    let context = ask.session().map_err(AnalyzeError::from)?;
    let subjects = analyze::subjects(&context, wanted.as_ref()).await?;
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
            summary.worst.extend(worst(&context, &judged).await);
            keep_worst(&mut summary.worst);
            failures.extend(judged.failures);
            lake.stage_derived(&mut derived, table_rows(judged.tables))
                .await?;
        }
    }
    let replace = wanted.map_or(Replace::Everything, Replace::applications);
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
    let made = catalog.tables().map(|table| table.id.as_str());
    made.chain([ANALYSIS_FAILURES])
        .filter_map(schema::table)
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

/// Keeps the worst applications of the run, the worst first.
fn keep_worst(worst: &mut Vec<WorstApplication>) {
    worst.sort_by(|left, right| {
        let flagged = |app: &WorstApplication| app.ineffstageagg.unwrap_or(-1.0);
        right
            .lost_core_ms
            .cmp(&left.lost_core_ms)
            .then_with(|| flagged(right).total_cmp(&flagged(left)))
            .then_with(|| left.application_id.cmp(&right.application_id))
    });
    worst.truncate(WORST);
}

/// The applications of a unit that lose most core time.
async fn worst(context: &SessionContext, judged: &Judged) -> Vec<WorstApplication> {
    // The lake's own session takes no further tables.
    let session = SessionContext::new_with_config_rt(SessionConfig::new(), context.runtime_env());
    for table in ["ineffjobagg", "findings"] {
        let name = format!("new_{table}");
        let Some(rows) = judged.tables.iter().find(|rows| rows.table == table) else {
            return Vec::new();
        };
        session.register_batch(&name, rows.rows.clone()).ok();
    }
    if let Ok(applications) = context.table_provider("applications").await {
        session.register_table("applications", applications).ok();
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
    let answer = async { session.sql(&sql).await?.collect().await }.await;
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
