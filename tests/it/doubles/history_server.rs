//! A History Server of one application, with the faults that a test gives it.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

/// What the server lists, and how it fails.
#[derive(Debug, Clone)]
pub(crate) struct Double {
    pub application_id: &'static str,
    /// Newest first; `None` for an application without attempt ids.
    pub attempts: Vec<Attempt>,
    pub jobs: usize,
    /// Stages, and tasks of each.
    pub stages: Vec<usize>,
    pub executions: usize,
    /// Executions without a plan: every answer that would hold one is a 404.
    pub without_plan: HashSet<usize>,
    /// What `logs` answers; 404 without it.
    pub logs: Option<Vec<u8>>,
    /// Other answers, by the path below the application or by `logs`.
    pub faults: HashMap<&'static str, Fault>,
    /// Jobs, and tasks of each stage, that the server keeps no more: the oldest.
    pub dropped: usize,
    /// Spark 2: no SQL, no processes, no tasks in the list of stages.
    pub is_spark_2: bool,
}

/// One attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub id: Option<&'static str>,
    pub start: i64,
    /// `None` while it runs.
    pub end: Option<i64>,
    pub last_updated: i64,
}

/// A wrong answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Status(u16),
    /// An answer of the right shape, cut off in its middle.
    CutOff,
    Html,
}

impl Double {
    /// A completed application with a little of everything.
    pub(crate) fn small() -> Self {
        Self {
            application_id: "local-1",
            attempts: vec![Attempt {
                id: None,
                start: START,
                end: Some(START + 60_000),
                last_updated: START + 61_000,
            }],
            jobs: 2,
            stages: vec![3, 2],
            executions: 2,
            without_plan: HashSet::new(),
            logs: None,
            faults: HashMap::new(),
            dropped: 0,
            is_spark_2: false,
        }
    }

    pub(crate) fn with_fault(mut self, path: &'static str, fault: Fault) -> Self {
        self.faults.insert(path, fault);
        self
    }

    /// Serves until the runtime ends.
    pub(crate) async fn serve(self) -> Served {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let state = Arc::new((self, Arc::clone(&requests)));
        let router = Router::new().fallback(answer).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Served {
            url: format!("http://{address}/").parse().expect("a URL"),
            requests,
        }
    }
}

/// A double that runs.
pub(crate) struct Served {
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// Paths with their queries, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }

    /// How many requests' paths hold this.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.contains(part))
            .count()
    }
}

/// Start of every application: 2026-11-20T10:00:00Z.
pub(crate) const START: i64 = 1_795_168_800_000;

type Shared = Arc<(Double, Arc<Mutex<Vec<String>>>)>;

async fn answer(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
) -> Response {
    let (double, requests) = shared.as_ref();
    requests.lock().expect("no panic").push(uri.to_string());
    let Some(path) = uri.path().strip_prefix("/api/v1/") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match path {
        "version" => return ok(&json!({"spark": "4.0.1"})),
        "applications" => return ok(&double.list(&query)),
        _ => {}
    }
    let Some(rest) = path.strip_prefix("applications/") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(rest) = rest.strip_prefix(double.application_id) else {
        return not_found("unknown app");
    };
    if rest.is_empty() {
        return double.faulty("", ok(&double.application()));
    }
    let attempt = double.attempts.iter().find_map(|attempt| {
        let prefix = attempt.id.map_or("/".to_owned(), |id| format!("/{id}/"));
        rest.strip_prefix(&prefix)
    });
    let Some(path) = attempt else {
        return not_found("no such app");
    };
    let right = double.page(path, &query);
    double.faulty(path, right)
}

impl Double {
    fn faulty(&self, path: &str, right: Response) -> Response {
        match self.faults.get(path) {
            None => right,
            Some(Fault::Status(status)) => StatusCode::from_u16(*status)
                .expect("a status")
                .into_response(),
            Some(Fault::CutOff) => (
                [(header::CONTENT_TYPE, "application/json")],
                if path == "environment" {
                    r#"{"runtime": {"javaVersion": "1"#
                } else {
                    r#"[{"name": "cut o"#
                },
            )
                .into_response(),
            Some(Fault::Html) => (
                [(header::CONTENT_TYPE, "text/html")],
                "<html><body>Welcome</body></html>",
            )
                .into_response(),
        }
    }

    fn list(&self, query: &HashMap<String, String>) -> Value {
        let is_running = self
            .attempts
            .first()
            .is_some_and(|newest| newest.end.is_none());
        let status = if is_running { "running" } else { "completed" };
        let is_asked = query.get("status").is_none_or(|asked| asked == status);
        if is_asked {
            json!([self.application()])
        } else {
            json!([])
        }
    }

    fn application(&self) -> Value {
        let attempts: Vec<Value> = self.attempts.iter().map(Attempt::json).collect();
        json!({"id": self.application_id, "name": "a name", "attempts": attempts})
    }

    fn page(&self, path: &str, query: &HashMap<String, String>) -> Response {
        let parts: Vec<&str> = path.split('/').collect();
        let number = |name: &str, default: usize| {
            query
                .get(name)
                .map_or(default, |value| value.parse().expect("a number"))
        };
        let details = query.get("details").map(String::as_str);
        match parts.as_slice() {
            ["jobs"] => ok(&(self.dropped..self.jobs).map(|id| self.job(id)).collect()),
            ["stages"] => {
                let with_tasks = details == Some("true") && !self.is_spark_2;
                ok(&(0..self.stages.len())
                    .map(|id| self.stage(id, with_tasks))
                    .collect())
            }
            ["stages", id, "0"] => {
                let id = id.parse().expect("a stage");
                let with_tasks = query.get("taskStatus").is_none() || self.is_spark_2;
                let mut stage = self.stage(id, true);
                if !with_tasks {
                    stage["tasks"] = json!({});
                }
                ok(&stage)
            }
            ["stages", id, "0", "taskList"] => {
                let id = id.parse().expect("a stage");
                let (offset, length) = (number("offset", 0), number("length", 20));
                ok(&self
                    .task_ids(id)
                    .skip(offset)
                    .take(length)
                    .map(task)
                    .collect())
            }
            ["sql"] if !self.is_spark_2 => {
                let (offset, length) = (number("offset", 0), number("length", 20));
                let asked = offset..self.executions.min(offset.saturating_add(length));
                if asked.clone().any(|id| self.without_plan.contains(&id)) {
                    return not_found("no query with id");
                }
                ok(&asked.map(execution).collect())
            }
            ["allexecutors"] => ok(&json!([executor("driver"), executor("1")])),
            ["allmiscellaneousprocess"] if !self.is_spark_2 => ok(&json!([])),
            ["environment"] => ok(&json!({
                "runtime": {"javaVersion": "17", "javaHome": "/java", "scalaVersion": "2.13"},
                "sparkProperties": [["spark.executor.cores", "4"], ["spark.x.password", "p"]],
            })),
            ["storage", "rdd"] => ok(&json!([])),
            ["logs"] => match &self.logs {
                Some(archive) => (
                    [(header::CONTENT_TYPE, "application/octet-stream")],
                    Body::from(archive.clone()),
                )
                    .into_response(),
                None => not_found("no logs"),
            },
            _ => not_found("unknown path"),
        }
    }

    fn job(&self, id: usize) -> Value {
        let stage_ids: Vec<usize> = (0..self.stages.len())
            .filter(|stage| stage % self.jobs.max(1) == id)
            .collect();
        json!({
            "jobId": id, "name": "count at x.py:1", "submissionTime": time(START + 1_000),
            "completionTime": time(START + 9_000), "stageIds": stage_ids, "status": "SUCCEEDED",
            "jobTags": [], "numTasks": 1, "numCompletedTasks": 1, "numCompletedIndices": 1,
            "numCompletedStages": stage_ids.len(), "killedTasksSummary": {}, "notKnownYet": [1, {}],
        })
    }

    fn stage(&self, id: usize, with_details: bool) -> Value {
        let tasks = self.stages[id];
        let mut stage = json!({
            "status": if tasks > 0 { "COMPLETE" } else { "SKIPPED" }, "stageId": id, "attemptId": 0,
            "numTasks": tasks.max(1), "numCompleteTasks": tasks, "numCompletedIndices": tasks,
            "name": "count at x.py:1", "details": "x.py:1", "schedulingPool": "default",
            "rddIds": [1, 0], "inputBytes": 100 * tasks, "executorRunTime": 7 * tasks,
            "killedTasksSummary": {}, "accumulatorUpdates": [], "resourceProfileId": 0,
        });
        if with_details {
            stage["tasks"] = self
                .task_ids(id)
                .map(|id| (id.to_string(), task(id)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            stage["executorSummary"] =
                json!({"1": {"taskTime": 10 * tasks, "succeededTasks": tasks}});
        }
        stage
    }

    /// Tasks are numbered through the stages.
    fn task_ids(&self, stage: usize) -> std::ops::Range<usize> {
        let first: usize = self.stages[..stage].iter().sum();
        first + self.dropped.min(self.stages[stage])..first + self.stages[stage]
    }
}

impl Attempt {
    fn json(&self) -> Value {
        let mut attempt = json!({
            "startTime": time(self.start), "endTime": time(self.end.unwrap_or(-1)),
            "lastUpdated": time(self.last_updated), "completed": self.end.is_some(),
            "sparkUser": "ann", "appSparkVersion": "4.0.1", "startTimeEpoch": self.start,
            "endTimeEpoch": self.end.unwrap_or(-1), "lastUpdatedEpoch": self.last_updated,
        });
        if let Some(id) = self.id {
            attempt["attemptId"] = id.into();
        }
        attempt
    }
}

fn task(id: usize) -> Value {
    json!({
        "taskId": id, "index": id, "attempt": 0, "partitionId": id, "launchTime": time(START + 2_000),
        "duration": 10, "executorId": "1", "host": "h", "status": "SUCCESS",
        "taskLocality": "PROCESS_LOCAL", "speculative": false, "accumulatorUpdates": [],
        "taskMetrics": {"executorRunTime": 7, "inputMetrics": {"bytesRead": 100, "recordsRead": 1}},
        "executorLogs": {}, "schedulerDelay": 3, "gettingResultTime": 0,
    })
}

fn execution(id: usize) -> Value {
    json!({
        "id": id, "status": "COMPLETED", "description": "count at x.py:1",
        "planDescription": "== Physical Plan ==", "submissionTime": time(START + 500),
        "duration": 9_000, "runningJobIds": [], "successJobIds": [id], "failedJobIds": [],
        "nodes": [{"nodeId": 0, "nodeName": "Scan parquet", "metrics": [
            {"name": "number of output rows", "value": "1,234"}]}],
        "edges": [],
    })
}

fn executor(id: &str) -> Value {
    json!({
        "id": id, "hostPort": "h:1", "isActive": true, "totalCores": 4, "maxTasks": 4,
        "addTime": time(START + 100), "totalTasks": 5, "completedTasks": 5, "executorLogs": {},
        "attributes": {}, "resources": {}, "resourceProfileId": 0,
    })
}

fn time(epoch_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(epoch_ms)
        .expect("a time")
        .format("%Y-%m-%dT%H:%M:%S%.3fGMT")
        .to_string()
}

fn ok(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

fn not_found(text: &'static str) -> Response {
    (StatusCode::NOT_FOUND, text).into_response()
}

/// An archive as the server hands logs out: names and texts.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}
