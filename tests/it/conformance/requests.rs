//! Answers to requests of the History Server's REST interface, from tables: what the server
//! filters, sorts and pages.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::lake::{Corpus, Row};
use super::rest::{self, number, text};
use super::{distributions, spark::SOURCE};

/// Quantiles of a task summary when none are asked for.
const DEFAULT_QUANTILES: &[f64] = &[0.05, 0.25, 0.5, 0.75, 0.95];
/// The same for a stage `withSummaries`.
const SUMMARY_QUANTILES: &[f64] = &[0.0, 0.25, 0.5, 0.75, 1.0];
/// Tasks of a page when nothing is asked for.
const PAGE: usize = 20;

/// The tables that answer.
pub(super) struct Server {
    tables: HashMap<&'static str, Vec<Row>>,
}

/// A path, cut into what it asks for.
struct Request<'a> {
    application_id: &'a str,
    attempt_id: &'a str,
    resource: Vec<&'a str>,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Request<'a> {
    fn parse(path: &'a str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut segments = path.trim_end_matches('/').split('/').skip(1);
        let application_id = segments.next().expect("an application");
        let mut resource: Vec<&str> = segments.collect();
        let has_attempt = resource
            .first()
            .is_some_and(|segment| segment.parse::<u32>().is_ok());
        let attempt_id = if has_attempt { resource.remove(0) } else { "0" };
        let parameters = query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
            .collect();
        Self {
            application_id,
            attempt_id,
            resource,
            parameters,
        }
    }

    fn all(&self, name: &str) -> Vec<&'a str> {
        self.parameters
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| *value)
            .collect()
    }

    fn one(&self, name: &str) -> Option<&'a str> {
        self.all(name).first().copied()
    }

    fn is_true(&self, name: &str, default: bool) -> bool {
        self.one(name).map_or(default, |value| value == "true")
    }

    fn quantiles(&self, default: &[f64]) -> Vec<f64> {
        let parse = |list: &str| {
            list.split(',')
                .map(|quantile| quantile.parse().expect("a number"))
                .collect()
        };
        self.one("quantiles")
            .map_or_else(|| default.to_vec(), parse)
    }

    /// Whether `row` has one of the statuses that the parameter `name` asks for.
    fn wants_status(&self, name: &str, row: &Row) -> bool {
        let wanted = self.all(name);
        wanted.is_empty()
            || wanted
                .iter()
                .any(|status| status.eq_ignore_ascii_case(text(row, "status")))
    }
}

impl Server {
    /// Reads the tables.
    pub(super) fn of(corpus: &Corpus) -> Self {
        let tables = [
            "applications",
            "executors",
            "jobs",
            "processes",
            "rdd_storage",
            "stage_executors",
            "stages",
            "task_summaries",
            "tasks",
        ];
        Self {
            tables: tables
                .map(|table| (table, corpus.rows(table, SOURCE)))
                .into(),
        }
    }

    /// What the server answers to `path`.
    pub(super) fn answer(&self, path: &str) -> Value {
        let request = Request::parse(path);
        match request.resource.as_slice() {
            [] => self.application(&request),
            ["jobs"] => self.jobs(&request).iter().map(rest::job).collect(),
            ["jobs", id] => single(&self.jobs(&request), "job_id", id, rest::job),
            ["stages"] => self.stages(&request),
            ["stages", id] => self.stage(&request, id),
            ["stages", id, attempt] => self.stage_attempt(&request, id, attempt),
            ["stages", id, attempt, "taskSummary"] => distributions::of_tasks(
                &self.tasks(&request, id, attempt),
                &request.quantiles(DEFAULT_QUANTILES),
            ),
            ["stages", id, attempt, "taskList"] => self.task_list(&request, id, attempt),
            ["executors"] => self.executors(&request),
            ["allmiscellaneousprocess"] => self
                .rows("processes", &request)
                .iter()
                .map(rest::process)
                .collect(),
            ["storage", "rdd"] => self.cached_rdds(&request),
            ["storage", "rdd", id] => {
                single(&self.rows("rdd_storage", &request), "rdd_id", id, rest::rdd)
            }
            other => panic!("{path}: what are {other:?}?"),
        }
    }

    /// The application's rows of `table`.
    fn rows(&self, table: &str, request: &Request<'_>) -> Vec<Row> {
        let rows = self.tables.get(table).into_iter().flatten();
        let of_application = rows.filter(|row| {
            text(row, "application_id") == request.application_id
                && text(row, "attempt_id") == request.attempt_id
        });
        of_application.cloned().collect()
    }

    /// The rows of `table` that belong to one attempt of a stage.
    fn rows_of_stage(
        &self,
        table: &str,
        request: &Request<'_>,
        id: &str,
        attempt: &str,
    ) -> Vec<Row> {
        let mut rows = self.rows(table, request);
        rows.retain(|row| is(row, "stage_id", id) && is(row, "stage_attempt_id", attempt));
        rows
    }

    /// All attempts of the application.
    fn application(&self, request: &Request<'_>) -> Value {
        let rows = self.tables.get("applications").into_iter().flatten();
        rest::application(
            rows.filter(|row| text(row, "application_id") == request.application_id)
                .cloned()
                .collect(),
        )
    }

    fn jobs(&self, request: &Request<'_>) -> Vec<Row> {
        let mut jobs = self.rows("jobs", request);
        jobs.retain(|job| request.wants_status("status", job));
        jobs.sort_by_key(|job| Reverse(number(job, "job_id")));
        jobs
    }

    fn stages(&self, request: &Request<'_>) -> Value {
        let mut stages = self.rows("stages", request);
        stages.retain(|stage| request.wants_status("status", stage));
        stages.sort_by_key(|stage| {
            Reverse((number(stage, "stage_id"), number(stage, "stage_attempt_id")))
        });
        stages.iter().map(rest::stage).collect()
    }

    fn stage(&self, request: &Request<'_>, id: &str) -> Value {
        let mut attempts = self.rows("stages", request);
        attempts.retain(|stage| is(stage, "stage_id", id));
        attempts.sort_by_key(|stage| number(stage, "stage_attempt_id"));
        let attempt = |stage: &Row| {
            let attempt = number(stage, "stage_attempt_id").expect("an attempt");
            self.stage_attempt(request, id, &attempt.to_string())
        };
        attempts.iter().map(attempt).collect()
    }

    fn stage_attempt(&self, request: &Request<'_>, id: &str, attempt: &str) -> Value {
        let rows = self.rows_of_stage("stages", request, id, attempt);
        let mut stage = rest::stage(rows.first().expect("the stage"));
        let executors = self.rows_of_stage("stage_executors", request, id, attempt);
        if request.is_true("details", true) {
            let mut tasks = self.tasks(request, id, attempt);
            tasks.retain(|task| request.wants_status("taskStatus", task));
            let task_id = |task: &Row| number(task, "task_id").expect("an id").to_string();
            stage.insert("tasks".to_owned(), by_key(&tasks, task_id, rest::task));
            let executor_id = |executor: &Row| text(executor, "executor_id").to_owned();
            stage.insert(
                "executorSummary".to_owned(),
                by_key(&executors, executor_id, rest::stage_executor),
            );
        }
        if request.is_true("withSummaries", false) {
            let summary = self.rows_of_stage("task_summaries", request, id, attempt);
            let summary = text(summary.first().expect("a summary"), "raw_json");
            let summary = serde_json::from_str(summary).expect("JSON");
            stage.insert("taskMetricsDistributions".to_owned(), summary);
            let quantiles = request.quantiles(SUMMARY_QUANTILES);
            stage.insert(
                "executorMetricsDistributions".to_owned(),
                distributions::of_executors(&executors, &quantiles),
            );
        }
        Value::Object(stage)
    }

    fn tasks(&self, request: &Request<'_>, stage_id: &str, stage_attempt: &str) -> Vec<Row> {
        self.rows_of_stage("tasks", request, stage_id, stage_attempt)
    }

    fn task_list(&self, request: &Request<'_>, id: &str, attempt: &str) -> Value {
        let mut tasks = self.tasks(request, id, attempt);
        tasks.retain(|task| request.wants_status("status", task));
        tasks.sort_by_key(|task| number(task, "task_id"));
        match request.one("sortBy") {
            Some("runtime" | "INCREASING_RUNTIME") => tasks.sort_by_key(run_time_rank),
            Some("-runtime" | "DECREASING_RUNTIME") => {
                tasks.sort_by_key(run_time_rank);
                tasks.reverse();
            }
            _ => {}
        }
        let parameter = |name, default| {
            request
                .one(name)
                .map_or(default, |text| text.parse().expect("a number"))
        };
        let page = tasks
            .iter()
            .skip(parameter("offset", 0))
            .take(parameter("length", PAGE));
        page.map(rest::task).collect()
    }

    fn executors(&self, request: &Request<'_>) -> Value {
        let mut executors = self.rows("executors", request);
        executors.retain(|executor| executor.get("is_active") == Some(&json!(true)));
        executors.sort_by_key(|executor| Reverse(text(executor, "executor_id").to_owned()));
        executors.iter().map(rest::executor).collect()
    }

    fn cached_rdds(&self, request: &Request<'_>) -> Value {
        let mut rdds = self.rows("rdd_storage", request);
        rdds.retain(|rdd| number(rdd, "num_cached_partitions").is_some_and(|cached| cached > 0));
        rdds.iter().map(rest::rdd).collect()
    }
}

/// The server's index of run times: tasks that did not succeed are kept out of the summaries by
/// storing them negated, which puts them first here.
fn run_time_rank(task: &Row) -> i64 {
    match number(task, "executor_run_time") {
        None => -1,
        Some(run_time) if text(task, "status") == "SUCCESS" => run_time,
        Some(run_time) => -run_time - 1,
    }
}

fn is(row: &Row, column: &str, id: &str) -> bool {
    number(row, column).is_some_and(|number| number.to_string() == id)
}

fn single(rows: &[Row], column: &str, id: &str, show: fn(&Row) -> Value) -> Value {
    let row = rows.iter().find(|row| is(row, column, id));
    show(row.expect("the row that is asked for"))
}

fn by_key(rows: &[Row], key: impl Fn(&Row) -> String, show: fn(&Row) -> Value) -> Value {
    Value::Object(
        rows.iter()
            .map(|row| (key(row), show(row)))
            .collect::<Map<_, _>>(),
    )
}
