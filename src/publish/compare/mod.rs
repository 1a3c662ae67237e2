//! Two runs side by side: what one took more than the other, in which stages, and what differs between
//! them.
//!
//! Stages are matched in `sql/compare/stages.sql`; what is here weighs them into a verdict.

mod show;
#[cfg(test)]
mod tests;
mod verdict;

use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

use super::error::PublishError;
use super::facts::Facts;
use super::page::{self, Page};
use super::runs::Run;

/// Folder of the queries.
const FOLDER: &str = "compare";

/// Two runs, A and B, and what differs between them. Serialized it is the JSON of `sparklake compare`.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The answer in a few sentences.
    pub verdict: String,
    /// Whether they are runs of one job or have a stage in common; else only totals can be compared.
    pub in_common: bool,
    /// The first run.
    pub a: ComparedRun,
    /// The second run.
    pub b: ComparedRun,
    /// Both in numbers.
    pub metrics: Vec<Metric>,
    /// Settings that differ.
    pub settings: Vec<Setting>,
    /// All stages, matched where they can be; what changed the duration most comes first.
    pub stages: Vec<StagePair>,
    /// Operators of the plans that differ in number.
    pub operators: Vec<OperatorCount>,
    /// What the rules found in either, by rule.
    pub findings: Vec<FindingChange>,
}

/// What a compared run is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of applications")]
pub struct ComparedRun {
    pub platform: String,
    pub cluster_id: String,
    pub cluster_name: String,
    pub application_id: String,
    pub attempt_id: String,
    pub application_name: Option<String>,
    pub job_key: Option<String>,
    pub spark_version: Option<String>,
    pub start_time: Option<String>,
    /// NULL where the history has no end.
    pub duration_ms: Option<i64>,
    pub complete: Option<bool>,
    pub failure_reason: Option<String>,
    pub is_local: Option<bool>,
    pub cores_max: Option<i64>,
    pub num_executors_max: Option<i64>,
}

/// One measure of both runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub metric: String,
    /// Its name for people.
    pub title: String,
    /// ms, core_ms, bytes, ratio, usd or count.
    pub unit: String,
    /// Value of A; `None` is not known.
    #[serde(default)]
    pub a: Option<f64>,
    /// Value of B; `None` is not known.
    #[serde(default)]
    pub b: Option<f64>,
}

/// A setting that differs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// spark, hadoop or runtime.
    pub section: String,
    /// Its name.
    pub key: String,
    /// Value of A; `None` where A does not set it.
    pub value_a: Option<String>,
    /// Value of B; `None` where B does not set it.
    pub value_b: Option<String>,
    /// Who set it in A: application or session.
    pub origin_a: Option<String>,
    /// Who set it in B.
    pub origin_b: Option<String>,
    /// Spark's default in A, where A does not set it.
    pub default_a: Option<String>,
    /// Spark's default in B, where B does not set it.
    pub default_b: Option<String>,
    /// Whether it decides how fast an application runs.
    pub is_tuning: bool,
}

/// A stage of either run with its partner in the other. The columns of A and B are NULL where the run has
/// none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of stages, of A and of B")]
pub struct StagePair {
    pub stage_id_a: Option<i64>,
    pub stage_id_b: Option<i64>,
    /// plan, call_site or operators; `None` for a stage without a partner.
    pub matched_by: Option<String>,
    pub stage_name: Option<String>,
    pub description: Option<String>,
    pub operators_a: Option<String>,
    pub operators_b: Option<String>,
    pub num_tasks_a: Option<i64>,
    pub num_tasks_b: Option<i64>,
    pub num_failed_tasks_a: Option<i64>,
    pub num_failed_tasks_b: Option<i64>,
    pub duration_ms_a: Option<i64>,
    pub duration_ms_b: Option<i64>,
    pub run_time_ms_a: Option<i64>,
    pub run_time_ms_b: Option<i64>,
    pub gc_time_ms_a: Option<i64>,
    pub gc_time_ms_b: Option<i64>,
    pub memory_bytes_spilled_a: Option<i64>,
    pub memory_bytes_spilled_b: Option<i64>,
    pub disk_bytes_spilled_a: Option<i64>,
    pub disk_bytes_spilled_b: Option<i64>,
    pub input_bytes_a: Option<i64>,
    pub input_bytes_b: Option<i64>,
    pub output_bytes_a: Option<i64>,
    pub output_bytes_b: Option<i64>,
    pub shuffle_read_bytes_a: Option<i64>,
    pub shuffle_read_bytes_b: Option<i64>,
    pub shuffle_write_bytes_a: Option<i64>,
    pub shuffle_write_bytes_b: Option<i64>,
}

/// An operator that the plans of the two runs have in different numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperatorCount {
    /// Its name, without digits.
    pub operator: String,
    /// How often A has it.
    pub num_a: i64,
    /// How often B has it.
    pub num_b: i64,
}

/// What a rule found in the two runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns of findings, of the worst in A and in B"
)]
pub struct FindingChange {
    /// new, gone, more, fewer or same.
    pub change: String,
    pub rule_id: String,
    pub title: Option<String>,
    pub num_a: i64,
    pub num_b: i64,
    pub severity_a: Option<String>,
    pub severity_b: Option<String>,
    pub lost_core_ms_a: Option<i64>,
    pub lost_core_ms_b: Option<i64>,
    pub evidence_a: Option<String>,
    pub evidence_b: Option<String>,
}

/// Compares two runs of one lake.
///
/// # Errors
/// Both are the same run, a run is gone from the lake, or the lake cannot be asked.
pub async fn compare(facts: &Facts<'_>, a: &Run, b: &Run) -> Result<Comparison, PublishError> {
    let [of_a, of_b] = [a.parameters(), b.parameters()].map(|keys| keys.map(|(_, value)| value));
    if of_a == of_b {
        return Err(PublishError::NotFound(format!(
            "both runs are {} (attempt {}); name two",
            a.application_id, a.attempt_id
        )));
    }
    let names_a = ["platform_a", "cluster_a", "application_a", "attempt_a"];
    let names_b = ["platform_b", "cluster_b", "application_b", "attempt_b"];
    let of_a = names_a.into_iter().zip(of_a);
    let both: Vec<(&str, ScalarValue)> = of_a.chain(names_b.into_iter().zip(of_b)).collect();
    let runs: Vec<ComparedRun> = facts.rows(FOLDER, "runs", &both).await?;
    let Ok([run_a, run_b]) = <[ComparedRun; 2]>::try_from(runs) else {
        return Err(PublishError::NotFound(
            "a run has left the lake meanwhile; compare again".to_owned(),
        ));
    };
    let (metrics, settings, stages, operators, findings) = tokio::try_join!(
        facts.rows(FOLDER, "metrics", &both),
        facts.rows(FOLDER, "settings", &both),
        facts.rows(FOLDER, "stages", &both),
        facts.rows(FOLDER, "operators", &both),
        facts.rows(FOLDER, "findings", &both),
    )?;
    let mut comparison = Comparison {
        verdict: String::new(),
        in_common: false,
        a: run_a,
        b: run_b,
        metrics,
        settings,
        stages,
        operators,
        findings,
    };
    comparison.conclude();
    Ok(comparison)
}

impl Comparison {
    /// As a page.
    pub(in crate::publish) fn page(&self) -> Page {
        show::page(self)
    }

    /// As plain text for people.
    pub fn to_text(&self) -> String {
        page::text::write(&self.page())
    }

    /// As Markdown.
    pub fn to_markdown(&self) -> String {
        page::markdown::write(&self.page())
    }

    /// Says what the facts come to.
    fn conclude(&mut self) {
        // Operators alone are alike in many jobs.
        let matched = self.stages.iter().any(|pair| {
            let by = pair.matched_by.as_deref();
            matches!(by, Some("plan" | "call_site"))
        });
        let same_job = self.a.job_key.is_some() && self.a.job_key == self.b.job_key;
        self.in_common = matched || same_job;
        self.verdict = verdict::of(self);
    }

    /// A measure of both runs; `None` is not known.
    fn metric(&self, name: &str) -> (Option<f64>, Option<f64>) {
        self.metrics
            .iter()
            .find(|metric| metric.metric == name)
            .map_or((None, None), |metric| (metric.a, metric.b))
    }
}

impl StagePair {
    /// What the stage took more in B than in A, in ms; a missing one took nothing.
    pub(in crate::publish) fn longer_ms(&self) -> i64 {
        self.duration_ms_b
            .unwrap_or(0)
            .saturating_sub(self.duration_ms_a.unwrap_or(0))
    }

    /// Its name for people: of B where B has it.
    fn name(&self) -> String {
        match (self.stage_id_a, self.stage_id_b) {
            (Some(a), Some(b)) if a == b => format!("stage {b}"),
            (Some(a), Some(b)) => format!("stage {b} (in A stage {a})"),
            (None, Some(b)) => format!("stage {b} (A has no such stage)"),
            (Some(a), None) => format!("stage {a} of A (B has no such stage)"),
            (None, None) => "a stage".to_owned(),
        }
    }
}
