//! Runs of jobs, by the clusters that they ran on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::api::{
    ClusterDetails, ClusterInstance, Run, RunState, RunStatus, Task, TerminationDetails, Workspace,
    is_plain_id, time,
};
use crate::discover::{Cluster, DiscoverError, DiscoverProblem, JobRun, JobRunLink, Window};

/// Databricks keeps terminated clusters for so long.
pub(super) const KEPT_DAYS: i64 = 30;

/// Runs are listed by their start; what ended in the window may have begun so long before it.
const LONGEST_RUN: TimeDelta = TimeDelta::days(2);

/// From when on runs are to be listed.
pub(super) fn since(window: &Window, created_after: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let kept = Utc::now() - TimeDelta::days(KEPT_DAYS);
    let wanted = window.since.max(created_after);
    wanted.map_or(kept, |since| since - LONGEST_RUN)
}

/// Runs by cluster.
#[derive(Debug, Default)]
pub(super) struct RunIndex {
    by_cluster: HashMap<String, Vec<RunOnCluster>>,
    without_cluster: Vec<RunOnCluster>,
    /// The first thing that was wrong with the list, and how many there were.
    problems: Vec<(String, String)>,
    workspace: String,
}

/// The part of a run that ran on one cluster, or on none. Rows of `job_runs` are such parts, so that
/// `job_run_id` is Databricks' id of the whole run everywhere.
#[derive(Debug, Clone)]
pub(super) struct RunOnCluster {
    pub(super) run_id: String,
    run: Arc<Run>,
    tasks: Vec<Task>,
    no_cluster_reason: Option<&'static str>,
}

/// Lists the runs of a period.
pub(super) async fn list(
    workspace: &Workspace,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<RunIndex, DiscoverError> {
    let listed = workspace.runs(Some(since), until).await?;
    let problems = listed.problems.iter();
    let mut index = RunIndex {
        problems: problems
            .map(|problem| (problem.error.code(), problem.error.to_string()))
            .collect(),
        workspace: workspace.uri.clone(),
        ..RunIndex::default()
    };
    for run in listed.items {
        index.add(run);
    }
    Ok(index)
}

impl RunIndex {
    pub(super) fn add(&mut self, mut run: Run) {
        let Some(run_id) = run.run_id.clone() else {
            return;
        };
        let tasks = run.tasks.take().filter(|tasks| !tasks.is_empty());
        let tasks = tasks.unwrap_or_else(|| vec![single_task(&run)]);
        let run = Arc::new(run);
        let mut parts: BTreeMap<String, Vec<Task>> = BTreeMap::new();
        let mut without: BTreeMap<&'static str, Vec<Task>> = BTreeMap::new();
        for task in tasks {
            let cluster = task
                .cluster_instance
                .as_ref()
                .and_then(|instance| instance.cluster_id.clone())
                .filter(|id| is_plain_id(id));
            match cluster {
                Some(cluster) => parts.entry(cluster).or_default().push(task),
                None => {
                    if let Some(reason) = no_cluster_reason(&task) {
                        without.entry(reason).or_default().push(task);
                    }
                }
            }
        }
        let part = |tasks, no_cluster_reason| RunOnCluster {
            run_id: run_id.clone(),
            run: Arc::clone(&run),
            tasks,
            no_cluster_reason,
        };
        for (cluster, tasks) in parts {
            let runs = self.by_cluster.entry(cluster).or_default();
            runs.push(part(tasks, None));
        }
        // One row a run, whatever kinds of tasks it had.
        let first_reason = without.keys().next().copied();
        let tasks: Vec<Task> = without.into_values().flatten().collect();
        if !tasks.is_empty() {
            self.without_cluster.push(part(tasks, first_reason));
        }
    }

    /// The runs on one cluster.
    pub(super) fn on_cluster(&self, id: &str) -> &[RunOnCluster] {
        self.by_cluster.get(id).map_or(&[], Vec::as_slice)
    }

    /// The runs that had no cluster and so left no Spark history.
    pub(super) fn without_cluster(&self) -> &[RunOnCluster] {
        &self.without_cluster
    }

    /// Clusters that were made for a run, with that run.
    pub(super) fn job_clusters(&self) -> impl Iterator<Item = (&str, &RunOnCluster)> {
        self.by_cluster.iter().filter_map(|(id, runs)| {
            let run = runs.iter().find(|run| run.made_its_cluster())?;
            Some((id.as_str(), run))
        })
    }

    /// What was wrong with the list.
    pub(super) fn problem(&self) -> Option<DiscoverProblem> {
        let (code, message) = self.problems.first()?;
        let count = self.problems.len();
        Some(DiscoverProblem::from(DiscoverError::Platform {
            uri: self.workspace.clone(),
            call: super::api::LIST_RUNS.call.to_owned(),
            code: code.clone(),
            message: format!("{count} parts of the list are missing; first: {message}"),
            cure: "run again; runs of those parts are not in job_runs".to_owned(),
            retryable: true,
        }))
    }
}

/// A run of the old format is its own only task.
fn single_task(run: &Run) -> Task {
    let spec = run.cluster_spec.clone().unwrap_or_default();
    Task {
        state: run.state.clone(),
        status: run.status.clone(),
        start_time: run.start_time,
        end_time: run.end_time,
        execution_duration: run.execution_duration,
        cluster_instance: run.cluster_instance.clone(),
        existing_cluster_id: spec.existing_cluster_id,
        new_cluster: spec.new_cluster,
        ..Task::default()
    }
}

/// Why a task without a cluster has none; `None` for tasks that compute nothing themselves.
fn no_cluster_reason(task: &Task) -> Option<&'static str> {
    let runs_nothing = task.run_job_task.is_some()
        || task.condition_task.is_some()
        || task.for_each_task.is_some();
    if runs_nothing || task.start_time.unwrap_or(0) <= 0 {
        return None;
    }
    let on_warehouse = task.sql_task.is_some()
        || task
            .notebook_task
            .as_ref()
            .is_some_and(|task| task.warehouse_id.is_some());
    let wants_cluster = task.new_cluster.is_some()
        || task.job_cluster_key.is_some()
        || task.existing_cluster_id.is_some();
    Some(if on_warehouse {
        "it ran on a SQL warehouse, which keeps no Spark history; see system.query.history"
    } else if task.pipeline_task.is_some() {
        "it updated a pipeline, which has clusters of its own: add PIPELINE to cluster_sources"
    } else if wants_cluster {
        "it ended before it had a cluster"
    } else {
        "it ran on serverless compute, which keeps no Spark history; see system.query.history"
    })
}

impl RunOnCluster {
    /// SparkContexts that the run used here.
    pub(super) fn contexts(&self) -> impl Iterator<Item = &str> {
        let instances = self.tasks.iter().flat_map(|task| &task.cluster_instance);
        instances.filter_map(|instance| instance.spark_context_id.as_deref())
    }

    fn made_its_cluster(&self) -> bool {
        self.tasks
            .iter()
            .any(|task| task.new_cluster.is_some() || task.job_cluster_key.is_some())
    }

    /// What the run says of the cluster `id` that was made for it.
    pub(super) fn cluster_details(&self, id: &str) -> Option<ClusterDetails> {
        let task = self.tasks.iter().find(|task| {
            task.cluster_instance
                .as_ref()
                .and_then(|instance| instance.cluster_id.as_deref())
                == Some(id)
        })?;
        let shared = || {
            let key = task.job_cluster_key.as_deref()?;
            let clusters = self.run.job_clusters.as_deref().unwrap_or_default();
            let found = clusters
                .iter()
                .find(|cluster| cluster.job_cluster_key.as_deref() == Some(key))?;
            found.new_cluster.clone()
        };
        let mut details = task.new_cluster.clone().or_else(shared).unwrap_or_default();
        details.set_id(id);
        let (begun, ended) = self.span();
        let job = self.run.job_id.as_deref().unwrap_or_default();
        let own_name = || format!("job-{job}-run-{}", self.run_id);
        details.cluster_name = details
            .cluster_name
            .filter(|name| !name.is_empty())
            .or_else(|| Some(own_name()));
        details.cluster_source = Some("JOB".to_owned());
        details.start_time = begun;
        details.terminated_time = ended;
        details.state = Some(
            if ended.is_some() {
                "TERMINATED"
            } else {
                "RUNNING"
            }
            .to_owned(),
        );
        let context = task
            .cluster_instance
            .as_ref()
            .and_then(|instance: &ClusterInstance| instance.spark_context_id.clone());
        details.spark_context_id = context;
        Some(details)
    }

    /// First start and last end of the tasks here; no end while one runs.
    fn span(&self) -> (Option<i64>, Option<i64>) {
        let positive = |time: Option<i64>| time.filter(|time| *time > 0);
        let begun = self
            .tasks
            .iter()
            .filter_map(|task| positive(task.start_time));
        let ends: Option<Vec<i64>> = self
            .tasks
            .iter()
            .map(|task| positive(task.end_time))
            .collect();
        (begun.min(), ends.and_then(|ends| ends.into_iter().max()))
    }

    /// What recurs: the job, or for runs that no job made (`runs/submit`, as schedulers do) the name
    /// with its numbers masked.
    pub(super) fn job_key(&self) -> Option<String> {
        let name = self
            .run
            .run_name
            .as_deref()
            .map(str::trim)
            .unwrap_or_default();
        let is_submitted = self.run.run_type.as_deref() == Some("SUBMIT_RUN");
        match (&self.run.job_id, name.is_empty()) {
            _ if is_submitted => (!name.is_empty()).then(|| masked(name)),
            (Some(job), false) => Some(format!("{name} (job {job})")),
            (Some(job), true) => Some(format!("job {job}")),
            (None, false) => Some(masked(name)),
            (None, true) => None,
        }
    }

    /// A row of `job_runs`.
    pub(super) fn to_job_run(&self) -> JobRun {
        let run = &self.run;
        let (begun, ended) = self.span();
        let mut entry_points: Vec<String> = self.tasks.iter().filter_map(entry_point).collect();
        entry_points.sort_unstable();
        entry_points.dedup();
        let seconds = self
            .tasks
            .iter()
            .filter_map(|task| task.execution_duration)
            .sum::<i64>();
        JobRun {
            job_run_id: self.run_id.clone(),
            name: run.run_name.clone(),
            job_id: run.job_id.clone(),
            status: status(run.status.as_ref(), run.state.as_ref()),
            status_reason: self.status_reason(),
            created_at: time(run.start_time),
            started_at: time(begun),
            ended_at: time(ended),
            entry_point: (!entry_points.is_empty()).then(|| entry_points.join(", ")),
            run_as: run
                .run_as_user_name
                .clone()
                .or_else(|| run.creator_user_name.clone()),
            has_spark_history: false,
            no_history_reason: self.no_cluster_reason.map(str::to_owned),
            execution_seconds: (seconds > 0).then_some(seconds / 1_000),
            queued_ms: run.queue_duration,
            tags: self.tags(),
            ..JobRun::default()
        }
    }

    /// The first failed task here and its message, or what is said of the run.
    fn status_reason(&self) -> Option<String> {
        let failed = self.tasks.iter().find_map(|task| {
            let status = status(task.status.as_ref(), task.state.as_ref());
            let is_good = matches!(
                status.as_str(),
                "SUCCESS" | "RUNNING" | "PENDING" | "QUEUED" | "UNKNOWN" | "EXCLUDED"
            );
            let key = task.task_key.as_deref()?;
            let message = reason(task.status.as_ref(), task.state.as_ref()).unwrap_or_default();
            (!is_good).then(|| format!("task {key}: {status} {message}").trim().to_owned())
        });
        failed.or_else(|| reason(self.run.status.as_ref(), self.run.state.as_ref()))
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let keys: Vec<&str> = self
            .tasks
            .iter()
            .filter_map(|task| task.task_key.as_deref())
            .collect();
        let mut tags = BTreeMap::new();
        if !keys.is_empty() {
            tags.insert("databricks:tasks".to_owned(), keys.join(","));
        }
        if let Some(kind) = &self.run.run_type {
            tags.insert("databricks:run_type".to_owned(), kind.clone());
        }
        tags
    }
}

/// What an application of `run` is linked to.
pub(super) fn link_to(run: &RunOnCluster) -> JobRunLink {
    JobRunLink {
        job_run_id: run.run_id.clone(),
        job_key: run.job_key(),
    }
}

/// The run that a history of `cluster` belongs to: the only one that used its SparkContext, or the
/// only one of a job cluster. An all-purpose cluster's history belongs to whoever used it.
pub(super) fn link(
    cluster: &Cluster,
    details: &ClusterDetails,
    runs: &[RunOnCluster],
    context: Option<&str>,
    several_histories: bool,
) -> Option<JobRunLink> {
    let is_job_cluster = details.cluster_source.as_deref() == Some("JOB");
    if !is_job_cluster {
        return None;
    }
    let used = |run: &&RunOnCluster| {
        context.is_some_and(|context| run.contexts().any(|other| other == context))
    };
    let mut of_context = runs.iter().filter(used);
    match (of_context.next(), of_context.next()) {
        (Some(only), None) => return Some(link_to(only)),
        (Some(_), Some(_)) => return None,
        (None, _) => {}
    }
    match runs {
        [only] if !several_histories || context.is_none() => Some(link_to(only)),
        [] => from_names(cluster, details),
        _ => None,
    }
}

/// Without a list of runs: Databricks writes job and run into the names of job clusters.
fn from_names(cluster: &Cluster, details: &ClusterDetails) -> Option<JobRunLink> {
    let (job, rest) = cluster.name.strip_prefix("job-")?.split_once("-run-")?;
    let run = rest.split('-').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let run_name = details
        .default_tags
        .as_ref()
        .and_then(|tags| tags.get("RunName"));
    (is_number(job) && is_number(run)).then(|| JobRunLink {
        job_run_id: run.to_owned(),
        job_key: Some(match run_name {
            Some(name) => format!("{name} (job {job})"),
            None => format!("job {job}"),
        }),
    })
}

/// Every row of digits becomes `#`, so that dates and counters do not make a job a new one each day.
fn masked(name: &str) -> String {
    let mut masked = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter.is_ascii_digit() {
            true if masked.ends_with('#') => {}
            true => masked.push('#'),
            false => masked.push(letter),
        }
    }
    masked
}

/// The word for how it ended, or how it is: the old interface says it in two words, the new one in
/// two others.
fn status(status: Option<&RunStatus>, state: Option<&RunState>) -> String {
    let result = state.and_then(|state| state.result_state.clone());
    let code = status
        .and_then(|status| status.termination_details.as_ref())
        .and_then(|details: &TerminationDetails| details.code.clone());
    let current = status
        .and_then(|status| status.state.clone())
        .or_else(|| state.and_then(|state| state.life_cycle_state.clone()));
    let known = result.or(code).or(current);
    known.unwrap_or_else(|| "UNKNOWN".to_owned())
}

fn reason(status: Option<&RunStatus>, state: Option<&RunState>) -> Option<String> {
    let message = status
        .and_then(|status| status.termination_details.as_ref())
        .and_then(|details| details.message.clone());
    message
        .or_else(|| state.and_then(|state| state.state_message.clone()))
        .filter(|message| !message.is_empty())
}

fn entry_point(task: &Task) -> Option<String> {
    let notebook = task.notebook_task.as_ref();
    let wheel = task.python_wheel_task.as_ref().and_then(|wheel| {
        let package = wheel.package_name.as_deref()?;
        Some(match wheel.entry_point.as_deref() {
            Some(entry) => format!("{package}:{entry}"),
            None => package.to_owned(),
        })
    });
    let found = notebook
        .and_then(|task| task.notebook_path.clone())
        .or_else(|| task.spark_python_task.as_ref()?.python_file.clone())
        .or_else(|| task.spark_jar_task.as_ref()?.main_class_name.clone())
        .or(wheel);
    let kind = [
        (task.spark_submit_task.is_some(), "spark-submit"),
        (task.dbt_task.is_some(), "dbt"),
        (task.sql_task.is_some(), "sql"),
        (task.pipeline_task.is_some(), "pipeline"),
    ];
    let named = kind.into_iter().find(|(is_it, _)| *is_it);
    found.or_else(|| named.map(|(_, name)| name.to_owned()))
}
