//! EMR on EKS: virtual clusters and job runs; and the persistent application UI that EMR makes for a
//! job run.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State as Axum};
use axum::http::{HeaderMap, Response, Uri};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::job_runs::{
    Double, Shared, answer, applications, archive, enter, entrance, error, lock, page, refusal,
    values,
};

/// What the service holds.
#[derive(Clone, Default)]
pub(crate) struct Service {
    pub virtual_clusters: Vec<Value>,
    pub job_runs: Vec<Value>,
}

type Context = Axum<(Shared, Arc<Service>)>;

/// Serves it, two things a page.
pub(crate) async fn serve(service: Service) -> Double {
    let state = Shared::default();
    lock(&state).page = 2;
    let runs = "/virtualclusters/{cluster}/jobruns";
    let router = Router::new()
        .route("/", post(emr))
        .route("/virtualclusters", get(list_virtual_clusters))
        .route("/virtualclusters/{cluster}", get(describe_virtual_cluster))
        .route(runs, get(list_job_runs))
        .route(&format!("{runs}/{{run}}"), get(describe_job_run))
        .route("/gate", get(|uri: Uri| async move { enter(&uri) }))
        .route("/shs/", get(|| async { "History Server" }))
        .route("/shs/api/v1/applications", get(serve_applications))
        .route("/shs/api/v1/applications/{id}/logs", get(serve_logs))
        .with_state((Arc::clone(&state), Arc::new(service)));
    Double::start(state, router).await
}

/// A virtual cluster.
pub(crate) fn virtual_cluster(id: &str, state: &str) -> Value {
    json!({
        "id": id,
        "name": format!("analytics {id}"),
        "arn": format!("arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/{id}"),
        "state": state,
        "containerProvider": {
            "type": "EKS",
            "id": "eks-1",
            "info": { "eksInfo": { "namespace": "spark" } },
        },
        "createdAt": "2026-01-01T00:00:00Z",
        "tags": { "team": "night" },
    })
}

/// A job run that was created and ended at these times.
pub(crate) fn job_run(
    cluster: &str,
    id: &str,
    created: &str,
    ended: &str,
    overrides: &Value,
) -> Value {
    json!({
        "id": id,
        "name": "nightly",
        "virtualClusterId": cluster,
        "arn": format!(
            "arn:aws:emr-containers:eu-west-1:123456789012:/virtualclusters/{cluster}/jobruns/{id}"
        ),
        "state": "COMPLETED",
        "executionRoleArn": "arn:aws:iam::123456789012:role/job",
        "releaseLabel": "emr-7.5.0-latest",
        "configurationOverrides": overrides,
        "jobDriver": { "sparkSubmitJobDriver": {
            "entryPoint": "s3://code/daily.py",
            "sparkSubmitParameters": "--conf spark.executor.cores=4",
        } },
        "createdAt": created,
        "finishedAt": ended,
        "stateDetails": "JobRun completed successfully. It ran on the virtual cluster.",
        "tags": { "cost-center": "42" },
    })
}

async fn list_virtual_clusters(Axum((state, service)): Context, uri: Uri) -> Response<Body> {
    match refusal(&state, "ListVirtualClusters", &uri) {
        Some(refusal) => refusal,
        None => page(&state, &uri, "virtualClusters", &service.virtual_clusters),
    }
}

async fn describe_virtual_cluster(
    Axum((state, service)): Context,
    Path(id): Path<String>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "DescribeVirtualCluster", &uri) {
        return refusal;
    }
    let mut clusters = service.virtual_clusters.iter();
    match clusters.find(|cluster| cluster["id"] == json!(id)) {
        Some(cluster) => answer(&json!({ "virtualCluster": cluster })),
        None => error(
            404,
            "ResourceNotFoundException",
            "Virtual cluster does not exist",
        ),
    }
}

async fn list_job_runs(
    Axum((state, service)): Context,
    Path(cluster): Path<String>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "ListJobRuns", &uri) {
        return refusal;
    }
    let states = values(&uri, "states");
    let bound = |name: &str| values(&uri, name).pop();
    let (after, before) = (bound("createdAfter"), bound("createdBefore"));
    let runs: Vec<_> = service
        .job_runs
        .iter()
        .filter(|run| run["virtualClusterId"] == json!(cluster))
        .filter(|run| states.is_empty() || states.iter().any(|state| run["state"] == json!(state)))
        .filter(|run| {
            let created = run["createdAt"].as_str().expect("a time");
            after.as_deref().is_none_or(|after| created >= after)
                && before.as_deref().is_none_or(|before| created < before)
        })
        .map(|run| {
            // A list does not tell how a job run was configured.
            let mut run = run.clone();
            run["configurationOverrides"] = Value::Null;
            run["jobDriver"] = Value::Null;
            run
        })
        .collect();
    page(&state, &uri, "jobRuns", &runs)
}

async fn describe_job_run(
    Axum((state, service)): Context,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
) -> Response<Body> {
    if let Some(refusal) = refusal(&state, "DescribeJobRun", &uri) {
        return refusal;
    }
    match service.job_runs.iter().find(|run| run["id"] == json!(id)) {
        Some(run) => answer(&json!({ "jobRun": run })),
        None => error(404, "ResourceNotFoundException", "Job run does not exist"),
    }
}

/// EMR itself, which speaks another protocol. The id of a UI is that of its job run.
async fn emr(
    Axum((state, _)): Context,
    headers: HeaderMap,
    uri: Uri,
    body: String,
) -> Response<Body> {
    let target = headers
        .get("x-amz-target")
        .map(|target| target.to_str().unwrap_or_default());
    if target.is_none() {
        return identity();
    }
    let input: Value = serde_json::from_str(&body).expect("JSON");
    let operation = match target {
        Some("ElasticMapReduce.CreatePersistentAppUI") => "CreatePersistentAppUI",
        Some("ElasticMapReduce.DescribePersistentAppUI") => "DescribePersistentAppUI",
        Some("ElasticMapReduce.GetPersistentAppUIPresignedURL") => "GetPersistentAppUIPresignedURL",
        other => panic!("{other:?} is not asked of EMR"),
    };
    if let Some(refusal) = refusal(&state, operation, &uri) {
        return refusal;
    }
    let id = &input["PersistentAppUIId"];
    match operation {
        "CreatePersistentAppUI" => {
            let target = input["TargetResourceArn"].as_str().unwrap_or_default();
            assert!(target.contains(":/virtualclusters/"), "{target}");
            let run = &input["EMRContainersConfig"]["JobRunId"];
            answer(&json!({ "PersistentAppUIId": run, "RuntimeRoleEnabledCluster": false }))
        }
        "DescribePersistentAppUI" => answer(&json!({ "PersistentAppUI": {
            "PersistentAppUIId": id,
            "PersistentAppUIStatus": "ATTACHED",
        } })),
        _ => {
            let address = entrance(&state, id.as_str().unwrap_or_default());
            answer(&json!({ "PresignedURLReady": true, "PresignedURL": address }))
        }
    }
}

/// STS, which answers in XML.
fn identity() -> Response<Body> {
    let arn = "arn:aws:iam::123456789012:user/night";
    Response::new(Body::from(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>{arn}</Arn></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>"
    )))
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

async fn serve_logs(
    Axum((state, _)): Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    match refusal(&state, "logs", &uri) {
        Some(refusal) => refusal,
        None => archive(&state, &headers, &id),
    }
}
