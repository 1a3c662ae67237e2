//! The applications and job runs of EMR Serverless in one region of one account.

use std::collections::HashMap;
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_emrserverless::Client;
use aws_sdk_emrserverless::operation::list_job_runs::builders::ListJobRunsFluentBuilder;
use aws_sdk_emrserverless::types::{
    Application, ApplicationState, ApplicationSummary, JobRunMode, JobRunState, JobRunSummary,
};

use super::super::aws::{self, call_error};
use super::super::job_runs::{JobRunSource, before, empty_answer, region_of, states};
use super::super::{
    Cluster, ClusterList, ClusterPlatform, DiscoverError, DiscoverProblem, ExploreRequest,
};
use super::job_run;
use crate::model::Platform;

pub(super) const LIST_APPLICATIONS: &str = "emr-serverless:ListApplications";
pub(super) const GET_APPLICATION: &str = "emr-serverless:GetApplication";
pub(super) const LIST_JOB_RUNS: &str = "emr-serverless:ListJobRuns";

/// Things that one page of a list holds at most.
pub(super) const PAGE: i32 = 50;

/// EMR Serverless in one region of one account.
pub struct EmrServerless {
    pub(super) source: JobRunSource,
    pub(super) config: SdkConfig,
    pub(super) region: String,
    pub(super) client: Client,
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
    pub async fn connect(source: JobRunSource) -> Result<Self, DiscoverError> {
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
    pub(super) async fn list_applications(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        let mut listed = Vec::new();
        let mut pages = self
            .client
            .list_applications()
            .set_states(states(&self.source.cluster_states).map(|states| {
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
        listed.retain(|application| {
            is_spark(application.r#type()) && self.source.wants_name(application.name())
        });
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

    /// Looks up the applications that the user named.
    pub(super) async fn named_applications(&self) -> Result<ClusterList, DiscoverError> {
        let mut list = ClusterList::default();
        for id in &self.source.cluster_ids {
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

    pub(super) async fn application(&self, id: &str) -> Result<Application, DiscoverError> {
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

    pub(super) fn described(&self, application: &Application) -> Cluster {
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
    pub(super) async fn job_runs(
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

/// `Spark` in answers, `SPARK` in requests.
pub(super) fn is_spark(engine: &str) -> bool {
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
