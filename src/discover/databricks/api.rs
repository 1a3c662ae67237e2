//! What a workspace is asked, and what it answers.
//!
//! Every field may be missing: the interface leaves out what it does not know. An element of a list
//! that makes no sense becomes a problem and does not hide the others.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::refusal::{self, ApiRequest};
use crate::discover::{DiscoverError, DiscoverProblem};
use crate::http::Client;

/// Clusters of one page.
const CLUSTERS_A_PAGE: usize = 100;
/// Runs of one page; the interface gives no more.
const RUNS_A_PAGE: usize = 25;
/// Events of one page; the interface gives no more.
const EVENTS_A_PAGE: usize = 500;
/// Pages of one list after which something is wrong with it: 100,000 runs, 400,000 clusters.
const MAX_PAGES: usize = 4_000;
/// Pages of the events of one cluster: 20,000 of them.
const MAX_EVENT_PAGES: usize = 40;

pub(super) const LIST_CLUSTERS: ApiRequest = ApiRequest {
    call: "GET /api/2.1/clusters/list",
    permission: "give the caller CAN ATTACH TO (better CAN MANAGE) on the clusters, or make it an admin",
};
pub(super) const GET_CLUSTER: ApiRequest = ApiRequest {
    call: "GET /api/2.1/clusters/get",
    permission: "give the caller CAN ATTACH TO (better CAN MANAGE) on the cluster",
};
pub(super) const LIST_EVENTS: ApiRequest = ApiRequest {
    call: "POST /api/2.1/clusters/events",
    permission: "give the caller CAN ATTACH TO (better CAN MANAGE) on the cluster",
};
pub(super) const LIST_RUNS: ApiRequest = ApiRequest {
    call: "GET /api/2.2/jobs/runs/list",
    permission: "give the caller CAN VIEW on the jobs, or make it an admin",
};
pub(super) const WHO_AM_I: ApiRequest = ApiRequest {
    call: "GET /api/2.0/preview/scim/v2/Me",
    permission: "give the caller access to the workspace",
};

/// A workspace's REST interface.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) client: Arc<Client>,
    /// Its address without a slash at the end.
    pub(super) uri: String,
}

/// What a list gave.
#[derive(Debug)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
    pub(super) problems: Vec<DiscoverProblem>,
}

impl Workspace {
    /// All clusters in these states and from these sources.
    pub(super) async fn clusters(
        &self,
        states: &[String],
        sources: &[String],
    ) -> Result<Items<ClusterDetails>, DiscoverError> {
        let mut query = vec![("page_size", CLUSTERS_A_PAGE.to_string())];
        let named = |name, values: &[String]| -> Vec<(&'static str, String)> {
            values.iter().map(|value| (name, value.clone())).collect()
        };
        query.extend(named("filter_by.cluster_states", all_or(states)));
        query.extend(named("filter_by.cluster_sources", all_or(sources)));
        let mut listed: Items<ClusterDetails> = self
            .pages(
                "clusters",
                "api/2.1/clusters/list",
                "clusters",
                &query,
                LIST_CLUSTERS,
            )
            .await?;
        listed.items.retain(|cluster| is_plain_id(cluster.id()));
        for cluster in &mut listed.items {
            cluster.is_from_list = true;
        }
        Ok(listed)
    }

    /// One cluster.
    pub(super) async fn cluster(&self, id: &str) -> Result<ClusterDetails, DiscoverError> {
        let query = [("cluster_id", id.to_owned())];
        let path = "api/2.1/clusters/get";
        let answer = self.client.get_json("cluster", path, &query).await;
        answer.map_err(|error| refusal::explain(&self.cluster_uri(id), GET_CLUSTER, error))
    }

    /// The address of a cluster in the workspace, also for people.
    pub(super) fn cluster_uri(&self, id: &str) -> String {
        cluster_uri(&self.uri, id)
    }

    /// Runs that began in a period, with their tasks.
    pub(super) async fn runs(
        &self,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<Items<Run>, DiscoverError> {
        let mut query = vec![
            ("limit", RUNS_A_PAGE.to_string()),
            ("expand_tasks", "true".to_owned()),
        ];
        let mut add = |name, time: Option<DateTime<Utc>>| {
            query.extend(time.map(|time| (name, time.timestamp_millis().to_string())));
        };
        add("start_time_from", from);
        add("start_time_to", to);
        self.pages(
            "job_runs",
            "api/2.2/jobs/runs/list",
            "runs",
            &query,
            LIST_RUNS,
        )
        .await
    }

    /// What happened to a cluster, oldest first.
    pub(super) async fn events(
        &self,
        id: &str,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
    ) -> Result<Vec<ClusterEvent>, DiscoverError> {
        let mut body = json!({
            "cluster_id": id,
            "order": "ASC",
            "start_time": from.timestamp_millis(),
            "page_size": EVENTS_A_PAGE,
        });
        if let (Some(to), Some(fields)) = (to, body.as_object_mut()) {
            fields.insert("end_time".to_owned(), to.timestamp_millis().into());
        }
        let mut events: Vec<ClusterEvent> = Vec::new();
        for _ in 0..MAX_EVENT_PAGES {
            let path = "api/2.1/clusters/events";
            let page: EventPage = self
                .client
                .post_json("cluster_events", path, &body)
                .await
                .map_err(|error| refusal::explain(&self.cluster_uri(id), LIST_EVENTS, error))?;
            let known = page.events.unwrap_or_default().into_iter();
            events.extend(known.filter_map(|event| serde_json::from_value(event).ok()));
            match (
                page.next_page_token.filter(|t| !t.is_empty()),
                page.next_page,
            ) {
                (Some(token), _) => {
                    if let Some(fields) = body.as_object_mut() {
                        fields.insert("page_token".to_owned(), token.into());
                    }
                }
                // Older workspaces give the whole next question instead of a token.
                (None, Some(next)) if next.is_object() && next != body => body = next,
                _ => break,
            }
        }
        events.sort_by_key(|event| event.timestamp);
        Ok(events)
    }

    /// Who asks.
    pub(super) async fn who_am_i(&self) -> Result<String, DiscoverError> {
        #[derive(Deserialize)]
        struct Me {
            #[serde(rename = "userName")]
            user_name: Option<String>,
            #[serde(rename = "displayName")]
            display_name: Option<String>,
        }
        let path = "api/2.0/preview/scim/v2/Me";
        let me: Me = self
            .client
            .get_json("me", path, &[])
            .await
            .map_err(|error| refusal::explain(&self.uri, WHO_AM_I, error))?;
        let name = me.display_name.or(me.user_name);
        Ok(name.unwrap_or_else(|| "a caller without a name".to_owned()))
    }

    /// The elements `field` of all pages. A list that breaks off is given as far as it goes.
    async fn pages<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &str,
        field: &str,
        query: &[(&'static str, String)],
        asked: ApiRequest,
    ) -> Result<Items<T>, DiscoverError> {
        let mut items = Vec::new();
        let mut problems = Vec::new();
        let mut tokens = HashSet::new();
        let mut token: Option<String> = None;
        for page in 0..=MAX_PAGES {
            let mut query = query.to_vec();
            query.extend(token.take().map(|token| ("page_token", token)));
            let answer: Result<Value, _> = self.client.get_json(endpoint, path, &query).await;
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(error) if page == 0 => return Err(refusal::explain(&self.uri, asked, error)),
                Err(error) => {
                    problems.push(refusal::explain(&self.uri, asked, error).into());
                    break;
                }
            };
            for element in array(answer.get_mut(field)) {
                match serde_json::from_value(element) {
                    Ok(item) => items.push(item),
                    Err(error) => problems.push(asked.malformed(&self.uri, &error).into()),
                }
            }
            let next = answer.get("next_page_token").and_then(Value::as_str);
            let Some(next) = next.filter(|next| !next.is_empty()) else {
                break;
            };
            if page == MAX_PAGES || !tokens.insert(next.to_owned()) {
                problems.push(asked.endless(&self.uri, page + 1).into());
                break;
            }
            token = Some(next.to_owned());
        }
        Ok(Items { items, problems })
    }
}

/// The address of a cluster in the workspace at `workspace`.
pub(super) fn cluster_uri(workspace: &str, id: &str) -> String {
    format!("{workspace}/compute/clusters/{id}")
}

/// Whether an id is one: it becomes a part of paths.
pub(super) fn is_plain_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.bytes().all(is_plain)
}

/// No filter where `ALL` is wanted.
pub(super) fn all_or(values: &[String]) -> &[String] {
    match values.iter().any(|value| value.eq_ignore_ascii_case("ALL")) {
        true => &[],
        false => values,
    }
}

fn array(value: Option<&mut Value>) -> Vec<Value> {
    match value.map(Value::take) {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    }
}

/// A cluster, or what a job run says of the one it made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterDetails {
    cluster_id: Option<String>,
    pub(super) cluster_name: Option<String>,
    pub(super) state: Option<String>,
    pub(super) cluster_source: Option<String>,
    pub(super) spark_version: Option<String>,
    pub(super) node_type_id: Option<String>,
    pub(super) driver_node_type_id: Option<String>,
    pub(super) num_workers: Option<i64>,
    pub(super) autoscale: Option<Autoscale>,
    pub(super) start_time: Option<i64>,
    pub(super) terminated_time: Option<i64>,
    pub(super) termination_reason: Option<TerminationReason>,
    #[serde(deserialize_with = "text_or_number")]
    pub(super) spark_context_id: Option<String>,
    pub(super) aws_attributes: Option<CloudAttributes>,
    pub(super) azure_attributes: Option<CloudAttributes>,
    pub(super) gcp_attributes: Option<CloudAttributes>,
    pub(super) cluster_log_conf: Option<LogConf>,
    pub(super) cluster_log_status: Option<LogStatus>,
    pub(super) runtime_engine: Option<String>,
    pub(super) creator_user_name: Option<String>,
    pub(super) custom_tags: Option<BTreeMap<String, String>>,
    pub(super) default_tags: Option<BTreeMap<String, String>>,
    pub(super) driver: Option<IgnoredAny>,
    pub(super) executors: Option<Vec<IgnoredAny>>,
    /// Whether this is an element of the list of clusters, and not a job run's word.
    #[serde(skip)]
    pub(super) is_from_list: bool,
}

impl ClusterDetails {
    pub(super) fn id(&self) -> &str {
        self.cluster_id.as_deref().unwrap_or_default()
    }

    pub(super) fn set_id(&mut self, id: &str) {
        self.cluster_id = Some(id.to_owned());
    }

    pub(super) fn cloud(&self) -> Option<&CloudAttributes> {
        let clouds = [
            &self.aws_attributes,
            &self.azure_attributes,
            &self.gcp_attributes,
        ];
        clouds.into_iter().flatten().next()
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Autoscale {
    pub(super) min_workers: Option<i64>,
    pub(super) max_workers: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TerminationReason {
    pub(super) code: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// What the clouds call their parts of a cluster's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CloudAttributes {
    /// `SPOT`, `ON_DEMAND_AZURE`, `PREEMPTIBLE_WITH_FALLBACK_GCP`, …
    pub(super) availability: Option<String>,
    /// The first so many nodes, the driver among them, are on demand.
    pub(super) first_on_demand: Option<i64>,
    pub(super) zone_id: Option<String>,
    pub(super) spot_bid_price_percent: Option<f64>,
    /// In USD an hour; -1 for "up to the on-demand price".
    pub(super) spot_bid_max_price: Option<f64>,
    pub(super) ebs_volume_count: Option<i64>,
    pub(super) ebs_volume_size: Option<i64>,
}

/// Where a cluster delivers its logs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogConf {
    pub(super) s3: Option<Destination>,
    pub(super) dbfs: Option<Destination>,
    pub(super) volumes: Option<Destination>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Destination {
    pub(super) destination: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// How the last delivery went.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogStatus {
    pub(super) last_exception: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EventPage {
    events: Option<Vec<Value>>,
    next_page_token: Option<String>,
    next_page: Option<Value>,
}

/// Something that happened to a cluster.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterEvent {
    pub(super) timestamp: i64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) details: Option<EventDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventDetails {
    pub(super) current_num_workers: Option<i64>,
}

/// A run of a job, with its tasks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    #[serde(deserialize_with = "text_or_number")]
    pub(super) job_id: Option<String>,
    #[serde(deserialize_with = "text_or_number")]
    pub(super) run_id: Option<String>,
    pub(super) run_name: Option<String>,
    /// `JOB_RUN`, `SUBMIT_RUN` or `WORKFLOW_RUN`.
    pub(super) run_type: Option<String>,
    pub(super) creator_user_name: Option<String>,
    pub(super) run_as_user_name: Option<String>,
    pub(super) state: Option<RunState>,
    pub(super) status: Option<RunStatus>,
    pub(super) start_time: Option<i64>,
    pub(super) end_time: Option<i64>,
    pub(super) execution_duration: Option<i64>,
    pub(super) queue_duration: Option<i64>,
    pub(super) tasks: Option<Vec<Task>>,
    pub(super) job_clusters: Option<Vec<JobCluster>>,
    pub(super) cluster_spec: Option<ClusterSpec>,
    pub(super) cluster_instance: Option<ClusterInstance>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunState {
    pub(super) life_cycle_state: Option<String>,
    pub(super) result_state: Option<String>,
    pub(super) state_message: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunStatus {
    pub(super) state: Option<String>,
    pub(super) termination_details: Option<TerminationDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TerminationDetails {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobCluster {
    pub(super) job_cluster_key: Option<String>,
    pub(super) new_cluster: Option<ClusterDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterSpec {
    pub(super) existing_cluster_id: Option<String>,
    pub(super) new_cluster: Option<ClusterDetails>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterInstance {
    pub(super) cluster_id: Option<String>,
    #[serde(deserialize_with = "text_or_number")]
    pub(super) spark_context_id: Option<String>,
}

/// A task of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Task {
    pub(super) task_key: Option<String>,
    pub(super) state: Option<RunState>,
    pub(super) status: Option<RunStatus>,
    pub(super) start_time: Option<i64>,
    pub(super) end_time: Option<i64>,
    pub(super) execution_duration: Option<i64>,
    pub(super) cluster_instance: Option<ClusterInstance>,
    pub(super) existing_cluster_id: Option<String>,
    pub(super) new_cluster: Option<ClusterDetails>,
    pub(super) job_cluster_key: Option<String>,
    pub(super) notebook_task: Option<NotebookTask>,
    pub(super) spark_python_task: Option<PythonTask>,
    pub(super) spark_jar_task: Option<JarTask>,
    pub(super) python_wheel_task: Option<WheelTask>,
    pub(super) spark_submit_task: Option<IgnoredAny>,
    pub(super) dbt_task: Option<IgnoredAny>,
    pub(super) sql_task: Option<IgnoredAny>,
    pub(super) pipeline_task: Option<IgnoredAny>,
    pub(super) run_job_task: Option<IgnoredAny>,
    pub(super) condition_task: Option<IgnoredAny>,
    pub(super) for_each_task: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct NotebookTask {
    pub(super) notebook_path: Option<String>,
    pub(super) warehouse_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PythonTask {
    pub(super) python_file: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct JarTask {
    pub(super) main_class_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct WheelTask {
    pub(super) package_name: Option<String>,
    pub(super) entry_point: Option<String>,
}

/// Ids are numbers in some answers and texts in others; as numbers they may exceed 2^53, so they are
/// never read as floating point.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

/// Milliseconds since 1970 as the interface has them; 0 stands for "not yet".
pub(super) fn time(epoch_ms: Option<i64>) -> Option<DateTime<Utc>> {
    epoch_ms
        .filter(|time| *time > 0)
        .and_then(DateTime::from_timestamp_millis)
}
