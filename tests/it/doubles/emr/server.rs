//! The one address of all services: tells them apart and answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Account, Cluster, Ui, cbor, documents, objects, shs};

/// Where CloudWatch's client sends its requests to.
const CLOUDWATCH: &str = "/service/GraniteServiceVersion20100801/operation/";
/// Where S3 is, for the `aws_endpoint` of object stores.
const S3: &str = "/s3/";
/// Where YARN is.
const YARN: &str = "/yarn/";

/// An account that answers.
pub(crate) struct Running {
    address: String,
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
}

impl Running {
    /// For `endpoint_url`.
    pub(crate) fn endpoint(&self) -> String {
        self.address.clone()
    }

    /// For `aws_endpoint` of object stores.
    pub(crate) fn s3_endpoint(&self) -> String {
        format!("{}{}", self.address, S3.trim_end_matches('/'))
    }

    /// For `yarn_resource_manager_url`.
    pub(crate) fn yarn_template(&self) -> String {
        format!("{}{YARN}{{master_dns}}/", self.address)
    }

    /// How often an operation was asked for, refused or not.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        let calls = self.world.calls.lock().expect("not poisoned");
        calls.get(operation).copied().unwrap_or(0)
    }

    /// Bodies of the requests for an operation.
    pub(crate) fn requests(&self, operation: &str) -> Vec<Value> {
        let requests = self.world.requests.lock().expect("not poisoned");
        let of_operation = requests.iter().filter(|(name, _)| name == operation);
        of_operation.map(|(_, body)| body.clone()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// The account, and what happened to it.
pub(super) struct World {
    pub account: Account,
    pub address: String,
    calls: Mutex<HashMap<String, usize>>,
    requests: Mutex<Vec<(String, Value)>>,
    /// Tokens of each operation, and when they were counted.
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
    /// How often the UI of each cluster was looked at, by operation and cluster.
    looks: Mutex<HashMap<(String, String), usize>>,
    pub sessions: shs::Sessions,
}

impl World {
    pub(super) fn cluster(&self, id: &str) -> Option<&Cluster> {
        self.account
            .clusters
            .iter()
            .find(|cluster| cluster.id == id)
    }

    fn count(&self, operation: &str) {
        let mut calls = self.calls.lock().expect("not poisoned");
        *calls.entry(operation.to_owned()).or_default() += 1;
    }

    /// Takes a token of the operation's bucket; `true` when there is none.
    fn is_throttled(&self, operation: &str) -> bool {
        let Some((burst, refill)) = self.account.throttle else {
            return false;
        };
        let mut buckets = self.buckets.lock().expect("not poisoned");
        let now = Instant::now();
        let (tokens, since) = buckets.entry(operation.to_owned()).or_insert((burst, now));
        *tokens = (*tokens + since.elapsed().as_secs_f64() * refill).min(burst);
        *since = now;
        let is_empty = *tokens < 1.0;
        if !is_empty {
            *tokens -= 1.0;
        }
        is_empty
    }

    /// Counts a look, and gives the number of those before it.
    fn look(&self, operation: &str, cluster: &str) -> usize {
        let mut looks = self.looks.lock().expect("not poisoned");
        let key = (operation.to_owned(), cluster.to_owned());
        let count = looks.entry(key).or_default();
        *count += 1;
        *count - 1
    }
}

pub(super) fn start(account: Account) -> Running {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let world = Arc::new(World {
                account,
                address: format!("http://127.0.0.1:{port}"),
                calls: Mutex::default(),
                requests: Mutex::default(),
                buckets: Mutex::default(),
                looks: Mutex::default(),
                sessions: shs::Sessions::default(),
            });
            tell.send(Arc::clone(&world)).expect("somebody waits");
            let app = Router::new().fallback(answer).with_state(world);
            axum::serve(listener, app)
                .with_graceful_shutdown(async {
                    let _ = stopped.await;
                })
                .await
                .expect("served");
        });
    });
    let world = told.recv().expect("a server");
    Running {
        address: world.address.clone(),
        world,
        stop: Some(stop),
    }
}

async fn answer(
    State(world): State<Arc<World>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let query = query_of(uri.query().unwrap_or_default());
    if let Some(target) = headers.get("x-amz-target") {
        let operation = target.to_str().unwrap_or_default();
        let operation = operation.rsplit('.').next().unwrap_or_default();
        return emr(&world, operation, &body);
    }
    if let Some(operation) = path.strip_prefix(CLOUDWATCH) {
        return cloudwatch(&world, operation, &body);
    }
    if let Some(path) = path.strip_prefix(S3) {
        let path = decoded(path);
        return objects::answer(&world.account, &method, &path, &query, &headers);
    }
    if let Some(path) = path.strip_prefix(YARN) {
        return yarn(&world, path);
    }
    match path {
        "/" => sts(&world),
        _ => shs::answer(&world, path, &query, &headers),
    }
}

fn query_of(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn decoded(path: &str) -> String {
    let path = path.replace('+', "%2B");
    let pairs = url::form_urlencoded::parse(path.as_bytes());
    pairs.map(|(key, _)| key.into_owned()).collect()
}

pub(super) fn json_answer(body: &Value) -> Response {
    with_type(StatusCode::OK, "application/json", body.to_string())
}

pub(super) fn with_type(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .body(body.into())
        .expect("an answer")
}

fn refusal(kind: &str, message: &str) -> Response {
    let body = json!({"__type": kind, "message": message, "Message": message});
    with_type(
        StatusCode::BAD_REQUEST,
        "application/x-amz-json-1.1",
        body.to_string(),
    )
}

fn emr(world: &World, operation: &str, body: &[u8]) -> Response {
    world.count(operation);
    let account = &world.account;
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let requests = &world.requests;
    requests
        .lock()
        .expect("not poisoned")
        .push((operation.to_owned(), input.clone()));
    if account.html.contains(operation) {
        let page = "<html><title>Sign in</title></html>";
        return with_type(StatusCode::OK, "text/html", page);
    }
    if account.has_expired_keys {
        return refusal(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        );
    }
    if world.is_throttled(operation) {
        world.count("throttled");
        return refusal("ThrottlingException", "Rate exceeded");
    }
    if account.denied.contains(operation) {
        return refusal(
            "AccessDeniedException",
            &format!(
                "User: arn:aws:iam::123456789012:user/night is not authorized to perform: \
                 elasticmapreduce:{operation}"
            ),
        );
    }
    match operation {
        "ListClusters" => list_clusters(account, &input),
        "CreatePersistentAppUI" => create_ui(world, &input),
        "DescribePersistentAppUI" => describe_ui(world, &input),
        "GetPersistentAppUIPresignedURL" => presign(world, &input),
        _ => of_cluster(world, operation, &input),
    }
}

fn list_clusters(account: &Account, input: &Value) -> Response {
    let states: Vec<_> = input["ClusterStates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let is_wanted = |cluster: &&Cluster| {
        let created = cluster.created.timestamp_millis() as f64 / 1_000.0;
        let after = input["CreatedAfter"].as_f64();
        let before = input["CreatedBefore"].as_f64();
        (states.is_empty() || states.contains(&cluster.state.as_str()))
            && after.is_none_or(|after| created >= after)
            && before.is_none_or(|before| created < before)
    };
    let mut clusters: Vec<_> = account.clusters.iter().filter(is_wanted).collect();
    // In no order that means anything.
    clusters.sort_by_key(|cluster| cluster.id.chars().rev().collect::<String>());
    let summaries = clusters
        .into_iter()
        .map(|cluster| documents::summary(account, cluster))
        .collect();
    page(account, "Clusters", summaries, input)
}

fn of_cluster(world: &World, operation: &str, input: &Value) -> Response {
    let account = &world.account;
    let id = input["ClusterId"].as_str().unwrap_or_default();
    let Some(cluster) = world.cluster(id) else {
        let message = format!("Cluster id '{id}' is not valid.");
        return refusal("InvalidRequestException", &message);
    };
    let exclusive = "Instance fleets and instance groups are mutually exclusive. The EMR cluster \
                     specified in the request uses the other.";
    match operation {
        "DescribeCluster" => {
            json_answer(&json!({"Cluster": documents::description(account, cluster)}))
        }
        "ListInstanceGroups" if cluster.has_fleets => refusal("InvalidRequestException", exclusive),
        "ListInstanceGroups" => page(account, "InstanceGroups", cluster.parts.clone(), input),
        "ListInstanceFleets" if !cluster.has_fleets => {
            refusal("InvalidRequestException", exclusive)
        }
        "ListInstanceFleets" => page(account, "InstanceFleets", cluster.parts.clone(), input),
        "ListInstances" => page(account, "Instances", cluster.instances.clone(), input),
        "ListSteps" => page(account, "Steps", cluster.steps.clone(), input),
        _ => refusal("InvalidRequestException", "no such operation"),
    }
}

/// One page of a list; the marker is the number of the next thing.
fn page(account: &Account, field: &str, things: Vec<Value>, input: &Value) -> Response {
    let start: usize = input["Marker"]
        .as_str()
        .and_then(|marker| marker.parse().ok())
        .unwrap_or(0);
    let end = (start + account.page_size).min(things.len());
    let mut body = json!({field: things[start.min(end)..end]});
    if end < things.len() {
        body["Marker"] = json!(end.to_string());
    }
    json_answer(&body)
}

/// Ids of UIs are `ui-` and the cluster's id.
fn ui_id(cluster: &Cluster) -> String {
    format!("ui-{}", cluster.id)
}

fn create_ui(world: &World, input: &Value) -> Response {
    let arn = input["TargetResourceArn"].as_str().unwrap_or_default();
    let Some(cluster) = world.cluster(arn.rsplit('/').next().unwrap_or_default()) else {
        return refusal("InvalidRequestException", "no such cluster");
    };
    match cluster.ui {
        Ui::WithoutId => json_answer(&json!({"RuntimeRoleEnabledCluster": false})),
        _ => json_answer(&json!({
            "PersistentAppUIId": ui_id(cluster), "RuntimeRoleEnabledCluster": false})),
    }
}

fn cluster_of_ui<'a>(world: &'a World, input: &Value) -> Option<&'a Cluster> {
    let id = input["PersistentAppUIId"].as_str()?;
    world.cluster(id.strip_prefix("ui-")?)
}

fn describe_ui(world: &World, input: &Value) -> Response {
    let Some(cluster) = cluster_of_ui(world, input) else {
        return refusal("InvalidRequestException", "no such UI");
    };
    let looks = world.look("describe", &cluster.id);
    let (status, reason) = match cluster.ui {
        Ui::AttachesAfter(count) if looks >= count => ("ATTACHED", ""),
        Ui::Fails(state, reason) => (state, reason),
        _ => ("STARTING", ""),
    };
    json_answer(&json!({"PersistentAppUI": {
        "PersistentAppUIId": ui_id(cluster), "PersistentAppUIStatus": status,
        "PersistentAppUITypeList": ["SHS"], "LastStateChangeReason": reason}}))
}

fn presign(world: &World, input: &Value) -> Response {
    let Some(cluster) = cluster_of_ui(world, input) else {
        return refusal("InvalidRequestException", "no such UI");
    };
    let looks = world.look("presign", &cluster.id);
    match cluster.ui {
        Ui::AttachesAfter(count) if looks >= count => {
            let address = world.sessions.presigned(&world.address, &cluster.id);
            json_answer(&json!({"PresignedURLReady": true, "PresignedURL": address}))
        }
        _ => json_answer(&json!({"PresignedURLReady": false})),
    }
}

fn sts(world: &World) -> Response {
    world.count("GetCallerIdentity");
    if world.account.has_expired_keys {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                    <Message>The security token included in the request is expired</Message>\
                    </Error></ErrorResponse>";
        return with_type(StatusCode::FORBIDDEN, "text/xml", body);
    }
    let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/night</Arn>\
                <UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
                </GetCallerIdentityResponse>";
    with_type(StatusCode::OK, "text/xml", body)
}

fn cloudwatch(world: &World, operation: &str, body: &[u8]) -> Response {
    world.count(operation);
    let answer = |status, body: &Value| {
        let mut response = with_type(status, "application/cbor", cbor::encode(body));
        let headers = response.headers_mut();
        headers.insert("smithy-protocol", "rpc-v2-cbor".parse().expect("a value"));
        response
    };
    if world.account.denied.contains(operation) {
        let body = json!({"__type": "AccessDeniedException",
                          "message": "not authorized to perform: cloudwatch:GetMetricData"});
        return answer(StatusCode::BAD_REQUEST, &body);
    }
    let input = cbor::decode(body);
    let (start, end) = (input["StartTime"].as_f64(), input["EndTime"].as_f64());
    let queries = input["MetricDataQueries"].as_array();
    let results: Vec<_> = queries
        .into_iter()
        .flatten()
        .map(|query| metric(world, query, start, end))
        .collect();
    // Half of the metrics on each of two pages.
    let half = results.len().div_ceil(2);
    let body = match input["NextToken"].as_str() {
        None => json!({"MetricDataResults": results[..half], "NextToken": "second"}),
        Some(_) => json!({"MetricDataResults": results[half..]}),
    };
    answer(StatusCode::OK, &body)
}

fn metric(world: &World, query: &Value, start: Option<f64>, end: Option<f64>) -> Value {
    let metric = &query["MetricStat"]["Metric"];
    let cluster = metric["Dimensions"][0]["Value"]
        .as_str()
        .unwrap_or_default();
    // Of vanished nodes nothing was ever reported.
    let is_reported = metric["MetricName"] != "MRLostNodes";
    let samples: Vec<_> = world
        .cluster(cluster)
        .into_iter()
        .flat_map(|cluster| &cluster.samples)
        .map(|(time, value)| (time.timestamp() as f64, *value))
        .filter(|(time, _)| is_reported && start <= Some(*time) && Some(*time) < end)
        .collect();
    // The newest first, as CloudWatch has it.
    let times: Vec<_> = samples.iter().rev().map(|(time, _)| *time).collect();
    let values: Vec<_> = samples.iter().rev().map(|(_, value)| *value).collect();
    json!({"Id": query["Id"], "Label": metric["MetricName"], "StatusCode": "Complete",
           "Timestamps": times, "Values": values})
}

fn yarn(world: &World, path: &str) -> Response {
    let (master, path) = path.split_once('/').unwrap_or((path, ""));
    let clusters = &world.account.clusters;
    let Some(cluster) = clusters.iter().find(|c| c.master_dns() == master) else {
        return with_type(StatusCode::NOT_FOUND, "text/plain", "no such master");
    };
    match path {
        "ws/v1/cluster/metrics" => json_answer(&documents::yarn_metrics()),
        "ws/v1/cluster/scheduler" => json_answer(&documents::yarn_scheduler()),
        "ws/v1/cluster/info" => json_answer(&json!({"clusterInfo":
            {"id": cluster.cluster_timestamp, "startedOn": cluster.cluster_timestamp}})),
        _ => with_type(StatusCode::NOT_FOUND, "text/plain", "no such page"),
    }
}
