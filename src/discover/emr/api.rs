//! EMR's calls, one function each, with all pages and errors that say what they mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_emr::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_emr::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_emr::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_emr::types;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::discover::aws::{AwsSettings, aws_time, call_error, client};
use crate::discover::{Cluster, DiscoverError};

/// The clients of EMR and of what belongs to it.
pub(super) struct Api {
    pub config: SdkConfig,
    pub region: String,
    pub emr: aws_sdk_emr::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
}

/// What several pages gave, up to the one that failed.
pub(super) struct Pages<T> {
    pub items: Vec<T>,
    pub error: Option<DiscoverError>,
}

impl<T> Pages<T> {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            error: None,
        }
    }
}

/// Reads all pages of a paginated call into `Pages`.
macro_rules! all_pages {
    ($request:expr, $uri:expr, $call:expr, $field:ident) => {{
        let mut all = Pages::new();
        let mut pages = $request.into_paginator().send();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => all.items.extend(page.$field.unwrap_or_default()),
                Err(error) => {
                    all.error = Some(call_error($uri, $call, &error));
                    break;
                }
            }
        }
        all
    }};
}

/// Which clusters are listed.
#[derive(Debug, Clone, Default)]
pub(super) struct ListFilter {
    pub states: Vec<types::ClusterState>,
    pub created_after: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

/// Whether a cluster's instances are in groups or fleets cannot be told without its description.
pub(super) enum GroupsAnswer {
    Groups(Pages<types::InstanceGroup>),
    /// It has fleets.
    HasFleets,
}

impl Api {
    pub(super) fn new(config: SdkConfig, region: String, settings: &AwsSettings) -> Self {
        let cap = settings.endpoint_cap();
        Self {
            emr: client!(aws_sdk_emr, "elasticmapreduce", &config, settings, cap),
            cloudwatch: client!(aws_sdk_cloudwatch, "cloudwatch", &config, settings, cap),
            config,
            region,
        }
    }

    /// The account and region, in errors that are about no single cluster.
    pub(super) fn place(&self) -> String {
        format!("emr {}", self.region)
    }

    pub(super) async fn list_clusters(&self, filter: &ListFilter) -> Pages<types::ClusterSummary> {
        let states = (!filter.states.is_empty()).then(|| filter.states.clone());
        let request = self
            .emr
            .list_clusters()
            .set_cluster_states(states)
            .set_created_after(filter.created_after.map(aws_time))
            .set_created_before(filter.created_before.map(aws_time));
        all_pages!(
            request,
            &self.place(),
            "elasticmapreduce:ListClusters",
            clusters
        )
    }

    pub(super) async fn describe_cluster(
        &self,
        id: &str,
        uri: &str,
    ) -> Result<types::Cluster, DiscoverError> {
        const CALL: &str = "elasticmapreduce:DescribeCluster";
        let answer = self
            .emr
            .describe_cluster()
            .cluster_id(id)
            .send()
            .await
            .map_err(|error| call_error(uri, CALL, &error))?;
        answer
            .cluster
            .ok_or_else(|| no_content(uri, CALL, "the answer holds no cluster"))
    }

    pub(super) async fn list_instance_groups(&self, cluster: &Cluster) -> GroupsAnswer {
        const CALL: &str = "elasticmapreduce:ListInstanceGroups";
        let request = self.emr.list_instance_groups().cluster_id(&cluster.id);
        let mut all = Pages::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => all.items.extend(page.instance_groups.unwrap_or_default()),
                Err(error) if is_about_fleets(&error) => return GroupsAnswer::HasFleets,
                Err(error) => {
                    all.error = Some(call_error(&cluster.uri, CALL, &error));
                    break;
                }
            }
        }
        GroupsAnswer::Groups(all)
    }

    pub(super) async fn list_instance_fleets(
        &self,
        cluster: &Cluster,
    ) -> Pages<types::InstanceFleet> {
        let request = self.emr.list_instance_fleets().cluster_id(&cluster.id);
        all_pages!(
            request,
            &cluster.uri,
            "elasticmapreduce:ListInstanceFleets",
            instance_fleets
        )
    }

    pub(super) async fn list_instances(&self, cluster: &Cluster) -> Pages<types::Instance> {
        let request = self.emr.list_instances().cluster_id(&cluster.id);
        all_pages!(
            request,
            &cluster.uri,
            "elasticmapreduce:ListInstances",
            instances
        )
    }

    /// The steps of a cluster, newest first, each with the YARN applications that it started.
    pub(super) async fn list_steps(&self, cluster: &Cluster) -> Pages<Step> {
        const CALL: &str = "elasticmapreduce:ListSteps";
        let mut all = Pages::new();
        let mut marker: Option<String> = None;
        loop {
            let applications = StepApplications::default();
            let answer = self
                .emr
                .list_steps()
                .cluster_id(&cluster.id)
                .set_marker(marker.clone())
                .customize()
                .interceptor(applications.clone())
                .send()
                .await;
            let page = match answer {
                Ok(page) => page,
                Err(error) => {
                    all.error = Some(call_error(&cluster.uri, CALL, &error));
                    return all;
                }
            };
            let mut by_step = applications.take();
            all.items
                .extend(page.steps.unwrap_or_default().into_iter().map(|summary| {
                    let id = summary.id.as_deref().unwrap_or_default();
                    let application_ids = by_step.remove(id).unwrap_or_default();
                    Step {
                        summary,
                        application_ids,
                    }
                }));
            // A marker that does not move would be asked for ever.
            match page.marker {
                Some(next) if Some(&next) != marker.as_ref() => marker = Some(next),
                _ => return all,
            }
        }
    }
}

fn is_about_fleets<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error
        .message()
        .is_some_and(|text| text.to_ascii_lowercase().contains("fleet"))
}

pub(super) fn no_content(uri: &str, call: &str, message: &str) -> DiscoverError {
    DiscoverError::Platform {
        uri: uri.to_owned(),
        call: call.to_owned(),
        code: "AWS_BAD_ANSWER".to_owned(),
        message: message.to_owned(),
        cure: "check endpoint_url: something else may answer in the place of AWS".to_owned(),
        retryable: true,
    }
}

/// A step, with the YARN applications that it started.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub summary: types::StepSummary,
    pub application_ids: Vec<String>,
}

/// Reads from the answer of `ListSteps` what this version of the SDK does not know yet:
/// `AdditionalInfo.ResourceManagerApplicationIds` of each step.
#[derive(Debug, Clone, Default)]
struct StepApplications(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl StepApplications {
    fn take(&self) -> HashMap<String, Vec<String>> {
        match self.0.lock() {
            Ok(mut found) => std::mem::take(&mut found),
            Err(_) => HashMap::new(),
        }
    }
}

impl Intercept for StepApplications {
    fn name(&self) -> &'static str {
        "StepApplications"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(body), Ok(mut found)) = (context.response().body().bytes(), self.0.lock()) {
            *found = applications_of_steps(body);
        }
        Ok(())
    }
}

/// Step id to application ids. An answer of another shape has none: the step itself is not lost by
/// that.
pub(super) fn applications_of_steps(body: &[u8]) -> HashMap<String, Vec<String>> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Answer {
        steps: Vec<Known>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Known {
        id: String,
        additional_info: Option<AdditionalInfo>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct AdditionalInfo {
        resource_manager_application_ids: Option<Vec<String>>,
    }
    let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
    let ids = |step: Known| {
        let ids = step.additional_info?.resource_manager_application_ids?;
        Some((step.id, ids))
    };
    answer.steps.into_iter().filter_map(ids).collect()
}
