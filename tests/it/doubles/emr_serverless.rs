//! EMR Serverless: applications, job runs, attempts, dashboards.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State as Axum};
use axum::http::{HeaderMap, Response, Uri};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::job_runs::{
    Double, Shared, answer, applications, entrance, error, lead_on, let_in, lock, page, refusal,
    values,
};

/// What the service holds: each application with its job runs, as they are described.
#[derive(Clone, Default)]
pub(crate) struct Service {
    pub applications: Vec<Value>,
    pub job_runs: Vec<Value>,
}

type Context = Axum<(Shared, Arc<Service>)>;

/// Serves it, two things a page.
pub(crate) async fn serve(service: Service) -> Double {
    let state = Shared::default();
    lock(&state).page = 2;
    let runs = "/applications/{application}/jobruns";
    let router = Router::new()
        .route("/applications", get(list_applications))
        .route("/applications/{application}", get(get_application))
        .route(runs, get(list_job_runs))
        .route(&format!("{runs}/{{run}}"), get(get_job_run))
        .route(&format!("{runs}/{{run}}/attempts"), get(list_attempts))
        .route(&format!("{runs}/{{run}}/dashboard"), get(get_dashboard))
        .route("/gate", get(gate))
        .route("/shs/", get(|uri: Uri| async move { let_in(&uri) }))
        .route("/shs/api/v1/applications", get(serve_applications))
        .with_state((Arc::clone(&state), Arc::new(service)));
    Double::start(state, router).await
}

/// An application.
pub(crate) fn application(id: &str, name: &str, monitoring: &Value) -> Value {
    json!({
        "applicationId": id,
        "name": name,
        "arn": format!("arn:aws:emr-serverless:eu-west-1:123456789012:/applications/{id}"),
        "releaseLabel": "emr-7.5.0",
        "type": "Spark",
        "state": "STOPPED",
        "architecture": "ARM64",
        "createdAt": 1_760_000_000.5,
        "updatedAt": 1_763_600_000.25,
        "tags": { "team": "night" },
        "initialCapacity": {
            "Driver": {
                "workerCount": 2,
                "workerConfiguration": { "cpu": "4 vCPU", "memory": "16 GB", "disk": "20 GB" },
            },
        },
        "maximumCapacity": { "cpu": "400 vCPU", "memory": "3000 GB", "disk": "20000 GB" },
        "monitoringConfiguration": monitoring,
    })
}

/// A job run that was created and ended at these times.
pub(crate) fn job_run(application: &str, id: &str, created: &str, ended: &str) -> Value {
    let arn = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications";
    json!({
        "applicationId": application,
        "jobRunId": id,
        "name": format!("nightly {id}"),
        "arn": format!("{arn}/{application}/jobruns/{id}"),
        "createdBy": "arn:aws:iam::123456789012:user/night",
        "createdAt": seconds(created),
        "updatedAt": seconds(ended),
        "startedAt": seconds(created) + 60.0,
        "endedAt": seconds(ended),
        "executionRole": "arn:aws:iam::123456789012:role/job",
        "state": "SUCCESS",
        "stateDetails": "",
        "releaseLabel": "emr-7.5.0",
        "jobDriver": { "sparkSubmit": {
            "entryPoint": "s3://code/daily.py",
            "entryPointArguments": ["--day", "2026-11-20"],
            "sparkSubmitParameters": "--conf spark.executor.cores=4",
        } },
        "mode": "BATCH",
        "attempt": 1,
        "tags": { "cost-center": "42" },
    })
}

fn seconds(time: &str) -> f64 {
    let time: DateTime<Utc> = time.parse().expect("a time");
    time.timestamp_millis() as f64 / 1000.0
}

async fn list_applications(Axum((state, service)): Context, uri: Uri) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "ListApplications", &uri) {
        return refusal;
    }
    let summaries: Vec<_> = service
        .applications
        .iter()
        .map(summary_of_application)
        .collect();
    page(&state, &uri, "applications", &summaries)
}

fn summary_of_application(application: &Value) -> Value {
    let mut summary = json!({ "id": application["applicationId"] });
    for field in [
        "name",
        "arn",
        "releaseLabel",
        "type",
        "state",
        "architecture",
        "createdAt",
        "updatedAt",
    ] {
        summary[field] = application[field].clone();
    }
    summary
}

async fn get_application(
    Axum((state, service)): Context,
    Path(id): Path<String>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "GetApplication", &uri) {
        return refusal;
    }
    let found = service
        .applications
        .iter()
        .find(|application| application["applicationId"] == json!(id));
    match found {
        Some(application) => answer(&json!({ "application": application })),
        None => error(
            404,
            "ResourceNotFoundException",
            "Application does not exist",
        ),
    }
}

async fn list_job_runs(
    Axum((state, service)): Context,
    Path(application): Path<String>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "ListJobRuns", &uri) {
        return refusal;
    }
    let states = values(&uri, "states");
    let modes = values(&uri, "mode");
    let bound = |name: &str| values(&uri, name).first().map(|time| seconds(time));
    let (after, before) = (bound("createdAtAfter"), bound("createdAtBefore"));
    let text = |run: &Value, field: &str| run[field].as_str().unwrap_or_default().to_owned();
    let summaries: Vec<_> = service
        .job_runs
        .iter()
        .filter(|run| run["applicationId"] == json!(application))
        .filter(|run| states.is_empty() || states.contains(&text(run, "state")))
        .filter(|run| modes.is_empty() || modes.contains(&text(run, "mode")))
        .filter(|run| {
            let created = run["createdAt"].as_f64().expect("a time");
            after.is_none_or(|after| created > after)
                && before.is_none_or(|before| created < before)
        })
        .map(summary_of_run)
        .collect();
    page(&state, &uri, "jobRuns", &summaries)
}

fn summary_of_run(run: &Value) -> Value {
    let mut summary = json!({ "id": run["jobRunId"], "type": "SPARK" });
    let fields = [
        "applicationId",
        "name",
        "mode",
        "arn",
        "createdBy",
        "createdAt",
        "updatedAt",
        "executionRole",
        "state",
        "stateDetails",
        "releaseLabel",
        "attempt",
    ];
    for field in fields {
        summary[field] = run[field].clone();
    }
    summary
}

async fn get_job_run(
    Axum((state, service)): Context,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "GetJobRun", &uri) {
        return refusal;
    }
    match service
        .job_runs
        .iter()
        .find(|run| run["jobRunId"] == json!(id))
    {
        Some(run) => answer(&json!({ "jobRun": run })),
        None => error(404, "ResourceNotFoundException", "JobRun does not exist"),
    }
}

async fn list_attempts(
    Axum((state, service)): Context,
    Path((application, id)): Path<(String, String)>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "ListJobRunAttempts", &uri) {
        return refusal;
    }
    let run = service
        .job_runs
        .iter()
        .find(|run| run["jobRunId"] == json!(id));
    let last = run.and_then(|run| run["attempt"].as_i64()).unwrap_or(1);
    let attempts: Vec<_> = (1..=last)
        .rev()
        .map(|attempt| {
            let mut summary = summary_of_run(run.unwrap_or(&Value::Null));
            summary["applicationId"] = json!(application);
            summary["jobCreatedAt"] = summary["createdAt"].clone();
            summary["attempt"] = json!(attempt);
            summary
        })
        .collect();
    page(&state, &uri, "jobRunAttempts", &attempts)
}

async fn get_dashboard(
    Axum((state, _)): Context,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "GetDashboardForJobRun", &uri) {
        return refusal;
    }
    let attempt = values(&uri, "attempt").pop();
    let server = match attempt {
        Some(attempt) => format!("{id}:{attempt}"),
        None => id,
    };
    answer(&json!({ "url": entrance(&state, &server) }))
}

/// The address of a job run's dashboard is that of its own host, which leads on to another.
async fn gate(Axum((state, _)): Context, uri: Uri) -> Response<Body> {
    lead_on(&state, &uri)
}

async fn serve_applications(
    Axum((state, _)): Context,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    match refusal(&state, "applications", &uri) {
        Some(refusal) => refusal,
        None => applications(&state, &headers),
    }
}
