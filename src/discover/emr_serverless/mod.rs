//! EMR Serverless: its applications are the clusters, their job runs are what Spark ran.
//!
//! The history of a job run is taken from the S3 location that its logs go to; where it has none,
//! from the History Server behind its dashboard, which AWS keeps for 30 days.

mod check;
mod dashboard;
mod histories;
mod job_run;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrserverless::types::{
    Application, ApplicationState, ApplicationSummary, JobRunMode, JobRunState, JobRunSummary,
};
use chrono::{DateTime, Utc};
use futures::StreamExt;

use self::histories::Explorer;
use super::aws::{self, AwsSettings, call_error};
use super::job_runs::{before, empty_answer, region_of, states, unknown_address};
use super::log_stores::LogStores;
use super::tally::{Refused, Tally};
use super::{
    Check, Cluster, ClusterInstances, ClusterList, ClusterPlatform, DiscoverError, DiscoverProblem,
    Exploration, ExploreRequest, Pace, Window,
};
use crate::http::ClientSettings;
use crate::model::Platform;

const LIST_APPLICATIONS: &str = "emr-serverless:ListApplications";
const GET_APPLICATION: &str = "emr-serverless:GetApplication";
const LIST_JOB_RUNS: &str = "emr-serverless:ListJobRuns";

/// Things that one page of a list holds at most.
const PAGE: i32 = 50;

/// What to read of EMR Serverless.
#[derive(Clone)]
pub struct EmrServerlessSource {
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// Applications by their ids; by default all of Spark.
    pub application_ids: Vec<String>,
    /// States of the applications that are wanted, such as `STARTED`; any by default, and by `ALL`.
    pub application_states: Vec<String>,
    /// Part of the name of the applications that are wanted, in any case of letters.
    pub name_filter: Option<String>,
    /// States of the job runs that are wanted, such as `SUCCESS`; any by default, and by `ALL`. Those
    /// that have not ended are wanted only where running applications are.
    pub job_run_states: Vec<String>,
    /// Only job runs created at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only job runs created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// How long before the window a job run may have been created that ended in it. Streaming job
    /// runs are found however long they ran.
    pub lookback: Duration,
    /// Most applications, those with the newest change first.
    pub max_clusters: Option<usize>,
    /// Most job runs of one application, the newest first.
    pub max_applications: Option<usize>,
    /// Job runs of one application that are asked about side by side.
    pub max_app_threads: usize,
    /// Whether the History Server behind a job run's dashboard is asked where no event log is to be
    /// had.
    pub dashboards: bool,
    /// How those servers are talked to; the address is theirs.
    pub http: ClientSettings,
    /// Settings of the object store that holds logs, by the names of `object_store`.
    pub storage_options: HashMap<String, String>,
    /// Whether the places of the driver's and the executors' own logs are wanted.
    pub read_process_logs: bool,
    /// How hard the service may be asked.
    pub pace: Pace,
}

impl Default for EmrServerlessSource {
    fn default() -> Self {
        Self {
            aws: AwsSettings::default(),
            application_ids: Vec::new(),
            application_states: Vec::new(),
            name_filter: None,
            job_run_states: Vec::new(),
            created_after: None,
            created_before: None,
            lookback: Duration::from_secs(24 * 60 * 60),
            max_clusters: None,
            max_applications: None,
            max_app_threads: 4,
            dashboards: true,
            http: ClientSettings::new(unknown_address()),
            storage_options: HashMap::new(),
            read_process_logs: false,
            pace: Pace::default(),
        }
    }
}

/// Without the storage's options, which may hold keys.
impl fmt::Debug for EmrServerlessSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrServerlessSource")
            .field("aws", &self.aws)
            .field("application_ids", &self.application_ids)
            .field("job_run_states", &self.job_run_states)
            .finish_non_exhaustive()
    }
}

/// EMR Serverless in one region of one account.
pub struct EmrServerless {
    source: EmrServerlessSource,
    config: SdkConfig,
    region: String,
    client: Client,
}

impl fmt::Debug for EmrServerless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmrServerless")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl EmrServerless {
    /// Looks up region and credentials; asks nothing yet.
    ///
    /// # Errors
    /// When no region is known.
    pub async fn connect(source: EmrServerlessSource) -> Result<Self, DiscoverError> {
        let config = aws::sdk_config(&source.aws).await;
        let region = region_of(&config, Platform::EmrServerless)?;
        let cap = source.aws.endpoint_cap();
        let client = aws::client!(
            aws_sdk_emrserverless,
            "emr-serverless",
            &config,
            &source.aws,
            cap
        );
        Ok(Self {
            source,
            config,
            region,
            client,
        })
    }

    /// Lists the applications of Spark; what was listed before a page failed is kept.
    async fn list_applications(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        let mut listed = Vec::new();
        let mut pages = self
            .client
            .list_applications()
            .set_states(states(&self.source.application_states).map(|states| {
                let states = states.iter();
                states
                    .map(|state| ApplicationState::from(state.as_str()))
                    .collect()
            }))
            .max_results(PAGE)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => listed.extend(page.applications),
                Err(error) => {
                    let error = call_error(&self.describe(), LIST_APPLICATIONS, &error);
                    if listed.is_empty() {
                        return Err(error);
                    }
                    list.problems.push(error.into());
                    break;
                }
            }
        }
        listed.retain(|application| is_spark(application.r#type()) && self.is_wanted(application));
        listed.sort_by(|left, right| {
            let key = |application: &ApplicationSummary| application.updated_at().as_nanos();
            key(right)
                .cmp(&key(left))
                .then_with(|| left.id().cmp(right.id()))
        });
        listed.truncate(self.source.max_clusters.unwrap_or(usize::MAX));
        let clusters = listed
            .iter()
            .map(|application| self.summarised(application));
        list.clusters = clusters.collect();
        Ok(list)
    }

    fn is_wanted(&self, application: &ApplicationSummary) -> bool {
        let name = application.name().unwrap_or_default().to_lowercase();
        let filter = self.source.name_filter.as_deref().unwrap_or_default();
        name.contains(&filter.to_lowercase())
    }

    /// Looks up the applications that the user named.
    async fn named_applications(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        for id in &self.source.application_ids {
            match self.application(id).await {
                Ok(application) => list.clusters.push(self.described(&application)),
                Err(error) => list.problems.push(error.into()),
            }
        }
        let nothing = list.clusters.is_empty();
        match list.problems.pop() {
            Some(DiscoverProblem { error, .. }) if nothing => Err(error),
            last => {
                list.problems.extend(last);
                list.clusters
                    .truncate(self.source.max_clusters.unwrap_or(usize::MAX));
                Ok(list)
            }
        }
    }

    async fn application(&self, id: &str) -> Result<Application, DiscoverError> {
        let answer = self
            .client
            .get_application()
            .application_id(id)
            .send()
            .await;
        let answer = answer.map_err(|error| call_error(id, GET_APPLICATION, &error))?;
        answer
            .application
            .ok_or_else(|| empty_answer(id, GET_APPLICATION))
    }

    fn summarised(&self, application: &ApplicationSummary) -> Cluster {
        let mut cluster = cluster(
            application.id(),
            application.name(),
            application.arn(),
            application.state(),
            application.updated_at(),
        );
        cluster.region = Some(self.region.clone());
        cluster.release_label = Some(application.release_label().to_owned());
        cluster.created_at = aws::time(application.created_at());
        cluster
    }

    fn described(&self, application: &Application) -> Cluster {
        let mut cluster = cluster(
            application.application_id(),
            application.name(),
            application.arn(),
            application.state(),
            application.updated_at(),
        );
        cluster.region = Some(self.region.clone());
        cluster.release_label = Some(application.release_label().to_owned());
        cluster.created_at = aws::time(application.created_at());
        cluster.tags = application
            .tags()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .collect();
        cluster
    }

    /// The job runs that may be wanted, newest change first, each once; and what went wrong while
    /// they were listed.
    async fn job_runs(
        &self,
        application_id: &str,
        request: &ExploreRequest,
    ) -> (Vec<JobRunSummary>, Option<DiscoverError>) {
        let since = request
            .window
            .since
            .map(|since| before(since, self.source.lookback));
        let until = [request.window.until, self.source.created_before];
        let until = until.into_iter().flatten().min();
        let lists = [
            self.runs_in(application_id, job_run::ENDED)
                .map(|list| {
                    list.set_created_at_after(
                        since.max(self.source.created_after).map(aws::aws_time),
                    )
                })
                .map(|list| list.set_created_at_before(until.map(aws::aws_time))),
            // Those that still run may have begun at any time before.
            self.runs_in(application_id, job_run::UNDER_WAY)
                .filter(|_| request.include_running)
                .map(|list| list.set_created_at_before(until.map(aws::aws_time))),
            // Streams run for weeks: those that began before all this are asked for by their mode.
            self.runs_in(application_id, job_run::ENDED)
                .filter(|_| since.is_some())
                .map(|list| list.mode(JobRunMode::Streaming))
                .map(|list| list.set_created_at_before(since.map(aws::aws_time))),
        ];
        let mut runs: HashMap<String, JobRunSummary> = HashMap::new();
        let mut failure = None;
        for list in lists.into_iter().flatten() {
            let mut pages = list.into_paginator().send();
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => {
                        let page = page.job_runs.into_iter();
                        runs.extend(page.map(|run| (run.id().to_owned(), run)));
                    }
                    Err(error) => {
                        failure = Some(call_error(application_id, LIST_JOB_RUNS, &error));
                        break;
                    }
                }
            }
        }
        let mut runs: Vec<_> = runs
            .into_values()
            .filter(|run| job_run::may_be_wanted(run, request))
            .filter(|run| {
                let created = aws::time(run.created_at());
                created >= self.source.created_after
            })
            .collect();
        runs.sort_by(|left, right| {
            let key = |run: &JobRunSummary| run.updated_at().as_nanos();
            key(right)
                .cmp(&key(left))
                .then_with(|| left.id().cmp(right.id()))
        });
        (runs, failure)
    }

    /// A list of the job runs in those of `candidates` that are wanted; none where none is.
    fn runs_in(
        &self,
        application_id: &str,
        candidates: &[JobRunState],
    ) -> Option<ListJobRunsFluentBuilder> {
        let wanted = states(&self.source.job_run_states);
        let is_wanted = |state: &&JobRunState| {
            let named = |wanted: &Vec<String>| wanted.iter().any(|name| name == state.as_str());
            wanted.as_ref().is_none_or(named)
        };
        let states: Vec<_> = candidates.iter().filter(is_wanted).cloned().collect();
        let list = self.client.list_job_runs().application_id(application_id);
        (!states.is_empty()).then(|| list.max_results(PAGE).set_states(Some(states)))
    }
}

#[async_trait]
impl ClusterPlatform for EmrServerless {
    fn platform(&self) -> Platform {
        Platform::EmrServerless
    }

    fn describe(&self) -> String {
        format!("emr_serverless {}", self.region)
    }

    fn pace(&self) -> Pace {
        self.source.pace
    }

    async fn list(&self, _window: &Window) -> Result<ClusterList, DiscoverError> {
        // An application lives for years, and its runs are what the window is about.
        match self.source.application_ids.is_empty() {
            true => self.list_applications().await,
            false => self.named_applications().await,
        }
    }

    async fn explore(&self, cluster: Cluster, request: &ExploreRequest) -> Exploration {
        let mut exploration = Exploration::of(cluster);
        let id = exploration.cluster.id.clone();
        let application = match self.application(&id).await {
            Ok(application) => {
                exploration.found("application", 1);
                exploration.cluster = self.described(&application);
                exploration.instances = workers(&application);
                Some(application)
            }
            Err(error) => {
                exploration.failed("application", error);
                None
            }
        };
        let (mut runs, failure) = self.job_runs(&id, request).await;
        match failure {
            Some(error) if runs.is_empty() => {
                exploration.failed("job_runs", error);
                return exploration;
            }
            Some(error) => exploration.failed("job_runs", error),
            None => exploration.found("job_runs", runs.len()),
        }
        let limits = [self.source.max_applications, request.max_applications];
        let limit = limits.into_iter().flatten().min().unwrap_or(usize::MAX);
        if let Some(left_out) = runs
            .len()
            .checked_sub(limit)
            .filter(|left_out| *left_out > 0)
        {
            let reason = format!("{left_out} older job runs are beyond max_applications = {limit}");
            exploration.skipped("older_job_runs", reason);
            runs.truncate(limit);
        }
        let options =
            aws::storage_options(&self.source.aws, &self.config, &self.source.storage_options);
        let options = match options.await {
            Ok(options) => options,
            Err(error) => {
                exploration.failed("event_logs", error);
                return exploration;
            }
        };
        let explorer = Arc::new(Explorer {
            platform: self,
            application: application.as_ref(),
            cluster: exploration.cluster.clone(),
            stores: LogStores::new(options),
            refused: Refused::default(),
            request: *request,
        });
        let found: Vec<_> = futures::stream::iter(runs)
            .map(|run| {
                let explorer = Arc::clone(&explorer);
                async move { explorer.explore(run).await }
            })
            .buffered(self.source.max_app_threads.max(1))
            .collect()
            .await;
        let mut tally = Tally::default();
        for run in found {
            exploration.job_runs.extend(run.job_run);
            exploration.histories.extend(run.histories);
            tally.add(run.tally);
        }
        tally.tell(&mut exploration);
        exploration
    }

    async fn check(&self) -> Vec<Check> {
        check::check(self).await
    }
}

/// `Spark` in answers, `SPARK` in requests.
fn is_spark(engine: &str) -> bool {
    engine.eq_ignore_ascii_case("spark")
}

fn cluster(
    id: &str,
    name: Option<&str>,
    arn: &str,
    state: &ApplicationState,
    updated_at: &aws_smithy_types::DateTime,
) -> Cluster {
    let name = name.unwrap_or(id);
    let mut cluster = Cluster::new(Platform::EmrServerless, id, name, arn, state.as_str());
    // A stopped application starts again with its next job run.
    cluster.is_finished = *state == ApplicationState::Terminated;
    cluster.ended_at = aws::time(updated_at).filter(|_| cluster.is_finished);
    cluster
}

/// What an application consists of: the workers that are kept ready for it, and those that it takes
/// on demand. Their architecture is one of what a price depends on.
fn workers(application: &Application) -> Vec<ClusterInstances> {
    let architecture = application
        .architecture()
        .map_or("X86_64", |known| known.as_str());
    let limit = application.maximum_capacity().map(|limit| {
        let disk = limit.disk().map(|disk| format!(", disk {disk}"));
        format!(
            "at most {} and {}{}",
            limit.cpu(),
            limit.memory(),
            disk.unwrap_or_default()
        )
    });
    let on_demand = ClusterInstances {
        group_id: "on_demand".to_owned(),
        group_name: limit,
        role: "WORKER".to_owned(),
        instance_type: architecture.to_owned(),
        ..ClusterInstances::default()
    };
    let ready = application.initial_capacity().into_iter().flatten();
    let mut ready: Vec<_> = ready
        .map(|(kind, capacity)| {
            let size = capacity.worker_configuration().map(|worker| {
                let disk = worker.disk().map(|disk| format!(", disk {disk}"));
                format!(
                    " {}, {}{}",
                    worker.cpu(),
                    worker.memory(),
                    disk.unwrap_or_default()
                )
            });
            ClusterInstances {
                group_id: format!("initial_capacity/{kind}"),
                group_name: Some("kept ready".to_owned()),
                role: kind.to_uppercase(),
                instance_type: format!("{architecture}{}", size.unwrap_or_default()),
                requested_count: Some(capacity.worker_count()),
                ..ClusterInstances::default()
            }
        })
        .collect();
    ready.sort_by(|left, right| left.group_id.cmp(&right.group_id));
    std::iter::once(on_demand).chain(ready).collect()
}
