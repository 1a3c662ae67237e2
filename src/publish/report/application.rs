//! The report of one application: its model, filled from the lake.

use datafusion::common::ScalarValue;
use futures::future::try_join_all;
use serde::Serialize;

use super::checks::{self, Check, NotChecked};
use super::error::ReportError;
use super::questions::Questions;
use super::rows::{
    Advice, Application, CostRow, Evidence, Executor, Finding, FiredRule, Job, JobRun, Known,
    Measured, Place, RecurringJob, RuleNeed, Saving, Setting, Stage, TaskDurations, TimePart,
    Unjudged, Usage,
};
use super::verdict::{self, Verdict};
use crate::model::nearest;
use crate::publish::numbers::duration;
use crate::publish::settings::{
    Change, session_statements, shell_word, spark_defaults, spark_submit,
};

/// Ids that are named where none is like the one that was asked for.
const SUGGESTED: usize = 5;

/// Everything that is told of one application attempt. All renderings show this, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApplicationReport {
    /// Facts of the run.
    pub application: Application,
    /// Other attempts of the same application, the newest first.
    pub other_attempts: Vec<Place>,
    /// The verdict.
    pub verdict: Verdict,
    /// The configuration in force; empty where the history holds none.
    pub settings: Vec<Setting>,
    /// Where the time went.
    pub time: TimeSpent,
    /// What the rules found, the worst first.
    pub bottlenecks: Vec<Finding>,
    /// How many there are; more than are listed in a very bad run.
    pub num_bottlenecks: i64,
    /// The executors that did most and least.
    pub executors: Vec<Executor>,
    /// How many executors there were.
    pub num_executors: i64,
    /// Rules that looked and found nothing.
    pub clean: Vec<Check>,
    /// What could not be checked, and how to make it possible.
    pub not_checked: Vec<NotChecked>,
    /// What to change, in order of doing.
    pub advice: Vec<Advice>,
    /// The settings among it, to paste.
    pub paste: Paste,
    /// What it costs, and would.
    pub cost: Cost,
    /// The job that it is a run of, with its newest runs.
    pub job: Option<JobContext>,
    /// How to see whether a change helped.
    pub check: Vec<Step>,
}

/// Where the time of a run went.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TimeSpent {
    /// Parts of the core time, which add up to it; empty where core time is not known.
    pub parts: Vec<TimePart>,
    /// The longest jobs.
    pub jobs: Vec<Job>,
    /// The stage attempts that matter most.
    pub stages: Vec<Stage>,
    /// How many stage attempts ran.
    pub num_stage_attempts: i64,
    /// Durations of the tasks of the worst stages.
    pub tasks: Vec<TaskDurations>,
    /// Cores held and tasks running over time; empty where neither is known.
    pub usage: Vec<Usage>,
}

/// Settings to paste; empty where no advice names one.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Paste {
    /// The changes.
    pub changes: Vec<Change>,
    /// As options of `spark-submit`.
    pub spark_submit: String,
    /// As lines of `spark-defaults.conf`.
    pub spark_defaults: String,
    /// As statements, where sessions of the application set them.
    pub session: String,
}

/// What a run costs. NULL is a price that is not known.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Cost {
    /// What it cost.
    pub now_usd: Option<f64>,
    /// What it would cost with the advice followed, an estimate.
    pub then_usd: Option<f64>,
    /// What the advice saves, an estimate: overlapping findings count once.
    pub saving: Saving,
    /// billed, estimated or hypothetical.
    pub basis: Option<String>,
    /// Where it ran, or would run.
    pub deployment: Option<String>,
    /// How instances are bought.
    pub purchase: Option<String>,
    /// Whether a discount or surcharge in it is an assumption.
    pub is_assumed: Option<bool>,
    /// Where the prices are from.
    pub price_source: Option<String>,
    /// As of when.
    pub price_date: Option<String>,
    /// Which price is missing.
    pub missing_price: Option<String>,
    /// Runs a month at the observed frequency.
    pub runs_per_month: Option<f64>,
    /// Cost of a month at that frequency.
    pub now_usd_per_month: Option<f64>,
    /// The same with the advice followed.
    pub then_usd_per_month: Option<f64>,
    /// The same work elsewhere.
    pub alternatives: Vec<CostRow>,
}

/// The job of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobContext {
    /// Its frequency and cost.
    pub job: RecurringJob,
    /// Its newest runs, oldest first.
    pub runs: Vec<JobRun>,
    /// How many runs the lake has.
    pub num_runs: i64,
}

/// A thing to do, perhaps with a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What to do.
    pub what: String,
    /// The command that does it.
    pub command: Option<String>,
}

impl ApplicationReport {
    /// Asks the lake about the newest attempt of an application.
    ///
    /// # Errors
    /// There is no such application, or the lake cannot be read.
    pub async fn load(questions: &Questions<'_>, id: &str) -> Result<Self, ReportError> {
        Self::load_at(questions, id, None).await
    }

    /// The same of one of its attempts.
    pub(in crate::publish) async fn load_at(
        questions: &Questions<'_>,
        id: &str,
        attempt: Option<&str>,
    ) -> Result<Self, ReportError> {
        let (place, others) = find_place(questions, id, attempt).await?;
        Self::load_attempt(questions, &place, others).await
    }

    /// Where it lies.
    pub(in crate::publish) fn place(&self) -> Place {
        let application = &self.application;
        Place {
            platform: application.platform.clone(),
            cluster_id: application.cluster_id.clone(),
            cluster_name: application.cluster_name.clone(),
            application_id: application.application_id.clone(),
            attempt_id: application.attempt_id.clone(),
            ..Place::default()
        }
    }

    async fn load_attempt(
        questions: &Questions<'_>,
        place: &Place,
        other_attempts: Vec<Place>,
    ) -> Result<Self, ReportError> {
        let key = key(place);
        // Planning is most of their time: side by side they use all cores.
        let (about, judged, time) = tokio::try_join!(
            About::load(questions, &key),
            Judged::load(questions, &key),
            TimeSpent::load(questions, &key),
        )?;
        let Some(application) = about.application else {
            return Err(unknown_application(questions, &place.application_id).await?);
        };
        let (bottlenecks, advice, executors) = (judged.findings, judged.advice, about.executors);
        let (clean, not_checked) = checks::split(&checks::CheckFacts {
            catalog: questions.catalog,
            application: &application,
            evidence: &about.evidence,
            fired: &judged.fired,
            measured: &judged.measured,
            needs: &judged.needs,
            unjudged: &judged.unjudged,
        });
        let job = about.job;
        let cost = Cost::of(about.costs, judged.saving, job.as_ref());
        let verdict = verdict::of(&verdict::VerdictFacts {
            application: &application,
            time: &time,
            bottlenecks: &bottlenecks,
            advice: &advice,
            cost: &cost,
            num_clean: clean.len(),
        });
        let check = how_to_check(questions.lake, &application, &cost, !advice.is_empty());
        Ok(Self {
            settings: about.settings,
            num_bottlenecks: bottlenecks.first().map_or(0, |first| first.num_findings),
            num_executors: executors.first().map_or(0, |first| first.num_executors),
            paste: Paste::of(&advice),
            other_attempts,
            application,
            verdict,
            time,
            bottlenecks,
            executors,
            clean,
            not_checked,
            advice,
            cost,
            job,
            check,
        })
    }
}

/// Where an application lies, its newest attempt or the one that is named, and its other attempts.
///
/// # Errors
/// There is no such application or attempt, or the lake cannot be read.
pub(in crate::publish) async fn find_place(
    questions: &Questions<'_>,
    id: &str,
    attempt: Option<&str>,
) -> Result<(Place, Vec<Place>), ReportError> {
    let wanted = [("application_id", ScalarValue::from(id))];
    let mut places: Vec<Place> = questions.rows("find_application", &wanted).await?;
    if places.is_empty() {
        return Err(unknown_application(questions, id).await?);
    }
    let is_wanted = |place: &Place| attempt.is_none_or(|wanted| place.attempt_id == wanted);
    let Some(index) = places.iter().position(is_wanted) else {
        let known: Vec<&str> = places.iter().map(|place| &*place.attempt_id).collect();
        return Err(ReportError::Unknown {
            what: "attempt",
            id: format!("{}/{}", id, attempt.unwrap_or_default()),
            cure: format!("the application has the attempts {}", known.join(", ")),
        });
    };
    let place = places.remove(index);
    Ok((place, places))
}

/// The parameters of queries about an application.
pub(in crate::publish) type Key = [(&'static str, ScalarValue); 5];

/// The parameters of queries about the application that lies there.
pub(in crate::publish) fn key(place: &Place) -> Key {
    [
        ("platform", ScalarValue::from(place.platform.as_str())),
        ("cluster_id", ScalarValue::from(place.cluster_id.as_str())),
        (
            "application_id",
            ScalarValue::from(place.application_id.as_str()),
        ),
        ("attempt_id", ScalarValue::from(place.attempt_id.as_str())),
        ("app_date", ScalarValue::from(place.app_date.as_str())),
    ]
}

/// Names ids that are like the one that was asked for, an application of that name, or the newest.
async fn unknown_application(
    questions: &Questions<'_>,
    id: &str,
) -> Result<ReportError, ReportError> {
    let known: Vec<Known> = questions.rows("known_applications", &[]).await?;
    let ids: Vec<&str> = known
        .iter()
        .filter_map(|known| known.application_id.as_deref())
        .collect();
    let named = known
        .iter()
        .find(|known| known.application_name.as_deref() == Some(id));
    let cure = match named.and_then(|known| known.application_id.as_deref()) {
        Some(named) => format!(
            "an application has that name: --app {}; a recurring job is named by --job",
            shell_word(named)
        ),
        None => cure(id, &ids, "applications"),
    };
    Ok(ReportError::Unknown {
        what: "application",
        id: id.to_owned(),
        cure,
    })
}

/// What to do about an id that is not known.
pub(super) fn cure(id: &str, known: &[&str], what: &str) -> String {
    if let Some(near) = nearest(id, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    if known.is_empty() {
        return format!("it holds no {what}: load some with `sparklake run`");
    }
    let newest: Vec<String> = known
        .iter()
        .take(SUGGESTED)
        .map(|known| format!("`{known}`"))
        .collect();
    format!("the newest {what} are {}", newest.join(", "))
}

/// What is asked about a run itself.
struct About {
    application: Option<Application>,
    job: Option<JobContext>,
    evidence: Evidence,
    executors: Vec<Executor>,
    settings: Vec<Setting>,
    costs: Vec<CostRow>,
}

impl About {
    async fn load(questions: &Questions<'_>, key: &Key) -> Result<Self, ReportError> {
        let application = async {
            let application: Option<Application> = questions.row("application", key).await?;
            let job_key = application.as_ref().and_then(|row| row.job_key.as_deref());
            let job = JobContext::load(questions, job_key).await?;
            Ok((application, job))
        };
        let ((application, job), evidence, executors, settings, costs) = tokio::try_join!(
            application,
            questions.row("evidence", key),
            questions.rows("executors", key),
            questions.rows("settings", key),
            questions.rows("costs", key),
        )?;
        Ok(Self {
            application,
            job,
            evidence: evidence.unwrap_or_default(),
            executors,
            settings,
            costs,
        })
    }
}

/// What is asked about the judgement of a run.
struct Judged {
    findings: Vec<Finding>,
    advice: Vec<Advice>,
    saving: Saving,
    fired: Vec<FiredRule>,
    measured: Vec<Measured>,
    needs: Vec<RuleNeed>,
    unjudged: Vec<Unjudged>,
}

impl Judged {
    async fn load(questions: &Questions<'_>, key: &Key) -> Result<Self, ReportError> {
        let (findings, advice, saving, fired, measured, needs, unjudged) = tokio::try_join!(
            questions.rows("findings", key),
            questions.rows("advice", key),
            questions.row("saving", key),
            questions.rows("fired_rules", key),
            questions.rows("measured", key),
            questions.rows("rule_needs", &[]),
            questions.rows("unjudged", key),
        )?;
        Ok(Self {
            findings,
            advice,
            saving: saving.unwrap_or_default(),
            fired,
            measured,
            needs,
            unjudged,
        })
    }
}

impl TimeSpent {
    async fn load(questions: &Questions<'_>, key: &Key) -> Result<Self, ReportError> {
        let (parts, jobs, stages, tasks, mut usage) = tokio::try_join!(
            questions.rows("time_parts", key),
            questions.rows("jobs", key),
            questions.rows::<Stage>("stages", key),
            task_durations(questions, key),
            questions.rows::<Usage>("core_usage", key),
        )?;
        if usage
            .iter()
            .all(|slice| slice.cores_held.is_none() && slice.tasks_running.is_none())
        {
            usage.clear();
        }
        Ok(Self {
            parts,
            jobs,
            num_stage_attempts: stages.first().map_or(0, |first| first.num_stage_attempts),
            stages,
            tasks,
            usage,
        })
    }
}

/// Durations of the tasks of the worst stages, with their histograms.
async fn task_durations(
    questions: &Questions<'_>,
    key: &Key,
) -> Result<Vec<TaskDurations>, ReportError> {
    let tasks: Vec<TaskDurations> = questions.rows("task_durations", key).await?;
    try_join_all(tasks.into_iter().map(async |mut stage| {
        let mut of_stage = key.to_vec();
        of_stage.push(("stage_id", ScalarValue::from(stage.stage_id)));
        of_stage.push((
            "stage_attempt_id",
            ScalarValue::from(stage.stage_attempt_id),
        ));
        stage.histogram = questions.rows("task_histogram", &of_stage).await?;
        Ok(stage)
    }))
    .await
}

impl JobContext {
    /// Asks the lake about a job; `None` where it is not known as one.
    pub(super) async fn load(
        questions: &Questions<'_>,
        job_key: Option<&str>,
    ) -> Result<Option<Self>, ReportError> {
        let Some(job_key) = job_key else {
            return Ok(None);
        };
        let key = [("job_key", ScalarValue::from(job_key))];
        let (job, runs): (Option<RecurringJob>, Vec<JobRun>) =
            tokio::try_join!(questions.row("job", &key), questions.rows("job_runs", &key))?;
        let Some(job) = job else {
            return Ok(None);
        };
        Ok(Some(Self {
            num_runs: runs.first().map_or(job.num_runs, |first| first.num_runs),
            job,
            runs,
        }))
    }
}

impl Paste {
    fn of(advice: &[Advice]) -> Self {
        let changes = advice.iter().filter_map(|step| {
            let key = step.config_key.as_ref()?;
            let recommended = step.config_recommended.as_ref()?;
            key.starts_with("spark.").then(|| Change {
                key: key.clone(),
                current: step.config_current.clone(),
                recommended: recommended.clone(),
                reason: step.recommendation.clone().unwrap_or_default(),
            })
        });
        Self::from(changes.collect::<Vec<_>>())
    }
}

impl From<Vec<Change>> for Paste {
    fn from(changes: Vec<Change>) -> Self {
        if changes.is_empty() {
            return Self::default();
        }
        Self {
            spark_submit: spark_submit(&changes),
            spark_defaults: spark_defaults(&changes),
            session: session_statements(&changes),
            changes,
        }
    }
}

impl Cost {
    fn of(rows: Vec<CostRow>, saving: Saving, job: Option<&JobContext>) -> Self {
        let (preferred, alternatives): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.is_preferred);
        let preferred = preferred.into_iter().next().unwrap_or_default();
        let now = preferred.cost_usd;
        let saved = saving.saving_usd.unwrap_or(0.0);
        let then = now.map(|now| (now - saved).max(0.0));
        let runs = job
            .and_then(|context| context.job.runs_per_year)
            .map(|runs| runs / 12.0);
        let monthly = |cost: Option<f64>| Some(cost? * runs?);
        let known = |text: String| (!text.is_empty()).then_some(text);
        Self {
            now_usd: now,
            then_usd: then,
            now_usd_per_month: monthly(now),
            then_usd_per_month: monthly(then),
            runs_per_month: runs,
            basis: known(preferred.basis),
            deployment: known(preferred.deployment),
            purchase: preferred.purchase,
            is_assumed: preferred.is_assumed,
            price_source: preferred.price_source,
            price_date: preferred.price_date,
            missing_price: preferred.missing_price,
            saving,
            alternatives,
        }
    }
}

/// How to see whether a change helped.
fn how_to_check(lake: &str, application: &Application, cost: &Cost, has_advice: bool) -> Vec<Step> {
    let step = |what: String, command: Option<String>| Step { what, command };
    let lake = shell_word(lake);
    if !has_advice {
        return Vec::new();
    }
    let mut steps = vec![step(
        "Change one thing, run the job again on input of about the same size, and load its history."
            .to_owned(),
        None,
    )];
    if let (Some(now), Some(saved)) = (application.observed_duration_ms, cost.saving.saving_ms)
        && saved > 0
    {
        steps.push(step(
            format!(
                "Expect a run time of about {} instead of {}.",
                duration((now - saved).max(0) as f64),
                duration(now as f64)
            ),
            None,
        ));
    }
    let id = shell_word(&application.application_id);
    steps.push(step(
        "Compare the new run with this one, stage by stage; NEW_ID is its application id."
            .to_owned(),
        Some(format!("sparklake compare --lake {lake} {id} NEW_ID")),
    ));
    if let Some(job) = &application.job_key {
        let job = shell_word(job);
        steps.push(step(
            "See it beside all earlier runs of the job and their median.".to_owned(),
            Some(format!("sparklake report --lake {lake} --job {job}")),
        ));
        steps.push(step(
            "A recommendation becomes verified or regressed once later runs have its value."
                .to_owned(),
            Some(format!(
                "sparklake sql --lake {lake} \"SELECT job_key, config_key, status, realized_saving_ratio FROM recommendations\""
            )),
        ));
    }
    steps
}
