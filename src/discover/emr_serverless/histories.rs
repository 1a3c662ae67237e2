//! Where the history of a job run is.

use crate::model::Platform;
use std::sync::Arc;

use aws_sdk_emrserverless::types::{
    self, Application, Configuration, JobDriver, JobRunSummary, MonitoringConfiguration,
};

use super::super::aws::call_error;
use super::super::history_server::ServerPlace;
use super::super::job_folder::{JobFolder, RunNames};
use super::super::job_runs::{JobRunHistories, empty_answer, has_expired, is_wanted, link, served};
use super::super::log_stores::LogStores;
use super::super::spark_settings::SparkSettings;
use super::super::tally::{Refused, Tally};
use super::super::{
    Cluster, DiscoverError, Discovery, ExploreRequest, History, JobRun, JobRunLink, ProcessLogPlace,
};
use super::account::EmrServerless;
use super::dashboard::Dashboard;
use super::job_run;

pub(super) const GET_JOB_RUN: &str = "emr-serverless:GetJobRun";
pub(super) const LIST_JOB_RUN_ATTEMPTS: &str = "emr-serverless:ListJobRunAttempts";

/// Questions, as `status_details` names them.
const JOB_RUN_DETAILS: &str = "job_run_details";
const ATTEMPTS: &str = "job_run_attempts";
const EVENT_LOGS: &str = "event_logs";
const DASHBOARDS: &str = "dashboards";

/// Asks about the job runs of one application.
pub(super) struct Explorer<'a> {
    pub platform: &'a EmrServerless,
    pub application: Option<&'a Application>,
    pub cluster: Cluster,
    pub stores: LogStores,
    pub refused: Refused,
    pub request: ExploreRequest,
}

/// What one job run told.
#[derive(Debug, Default)]
pub(super) struct Explored {
    pub job_run: Option<JobRun>,
    pub histories: Vec<History>,
    pub tally: Tally,
}

/// What is known of where a job run's logs go.
struct Run {
    arn: String,
    is_ended: bool,
    row: JobRun,
    details: Option<types::JobRun>,
    /// Where S3 logs go.
    log_uri: Option<String>,
    /// Whether AWS keeps logs for its own dashboard.
    is_managed: bool,
    settings: SparkSettings,
    /// Where the logs of its processes were found.
    process_logs: Vec<ProcessLogPlace>,
}

impl Explorer<'_> {
    /// Asks everything about one job run.
    pub(super) async fn explore(&self, summary: JobRunSummary) -> Explored {
        let mut explored = Explored::default();
        let mut run = self.run(summary, &mut explored.tally).await;
        if !is_wanted(&run.row, run.is_ended, &self.request) {
            return explored;
        }
        let found = self.histories(&mut run, &mut explored.tally).await;
        explored.histories = found.tell(&mut run.row);
        explored.job_run = Some(run.row);
        explored
    }

    /// Describes a run; by its list alone where the description is not available.
    async fn run(&self, summary: JobRunSummary, tally: &mut Tally) -> Run {
        let details = self.details(summary.id(), tally).await;
        let row = match &details {
            Some(details) => job_run::described(details),
            None => job_run::summarised(&summary),
        };
        let state = details
            .as_ref()
            .map_or(summary.state(), |details| details.state());
        let overrides = details
            .as_ref()
            .and_then(|details| details.configuration_overrides());
        let own = overrides.and_then(|overrides| overrides.monitoring_configuration());
        let common = self
            .application
            .and_then(|application| application.monitoring_configuration());
        let common_settings = self.application.map(Application::runtime_configuration);
        let own_settings = overrides.map(types::ConfigurationOverrides::application_configuration);
        Run {
            arn: summary.arn().to_owned(),
            is_ended: job_run::is_ended(state),
            row,
            log_uri: log_uri(own, common),
            is_managed: is_managed(own, common),
            settings: spark_settings(
                common_settings.into_iter().chain(own_settings).flatten(),
                details.as_ref(),
            ),
            details,
            process_logs: Vec::new(),
        }
    }

    async fn details(&self, id: &str, tally: &mut Tally) -> Option<types::JobRun> {
        if !self.refused.may_ask(JOB_RUN_DETAILS) {
            return None;
        }
        let answer = self
            .platform
            .client
            .get_job_run()
            .application_id(&self.cluster.id)
            .job_run_id(id)
            .send()
            .await
            .map_err(|error| call_error(id, GET_JOB_RUN, &error))
            .and_then(|answer| answer.job_run.ok_or_else(|| empty_answer(id, GET_JOB_RUN)));
        self.noted(JOB_RUN_DETAILS, answer, |_| 1, tally)
    }

    /// Counts what a question gave, or notes why it gave nothing.
    fn noted<T>(
        &self,
        question: &'static str,
        answer: Result<T, DiscoverError>,
        count: impl FnOnce(&T) -> usize,
        tally: &mut Tally,
    ) -> Option<T> {
        match answer {
            Ok(answer) => {
                tally.found(question, count(&answer));
                Some(answer)
            }
            Err(error) => {
                self.refused.learn(question, &error);
                tally.failed(question, error);
                None
            }
        }
    }

    /// Looks for the histories of a run: event logs first, then the dashboard.
    async fn histories(&self, run: &mut Run, tally: &mut Tally) -> JobRunHistories {
        if let Some(reason) = run.without_history() {
            return JobRunHistories::nothing(reason);
        }
        let mut outcome = JobRunHistories::default();
        let logs = self.event_logs(run).await;
        let logs = self.noted(EVENT_LOGS, logs, |(logs, _)| logs.histories.len(), tally);
        outcome.has_failed = logs.as_ref().is_none_or(|(_, is_whole)| !is_whole);
        if let Some((logs, _)) = logs {
            outcome.histories = logs.histories;
            tally.problems(logs.problems);
        }
        if outcome.histories.is_empty() {
            match self.no_dashboard(run) {
                Some(reason) => outcome.reason = Some(reason),
                None => self.dashboards(run, tally, &mut outcome).await,
            }
        }
        outcome
    }

    /// Finds the event logs of a run, and tells whether all places could be looked at.
    async fn event_logs(&self, run: &mut Run) -> Result<(Discovery, bool), DiscoverError> {
        let id = run.row.job_run_id.clone();
        let mut folder = JobFolder::default();
        if let Some(root) = &run.log_uri {
            let folders = ["applications", self.cluster.id.as_str(), "jobs", &id];
            folder = JobFolder::read(&self.stores.place(root, &folders)?).await?;
        }
        let mut found = folder.discover().await?;
        let mut is_whole = true;
        if let Some(shared) = run.settings.event_log_folder() {
            let named = self.stores.named_after(shared, &[&id]).await?;
            is_whole = named.is_some();
            let named = named.unwrap_or_default();
            found.histories.extend(named.histories);
            found.problems.extend(named.problems);
        }
        if self.platform.source.read_process_logs {
            run.process_logs = folder.process_logs;
        }
        let link = link(&run.row);
        let names = self.names(&link, run);
        found.histories = found
            .histories
            .into_iter()
            .map(|history| names.put_on(history, &run.process_logs))
            .collect();
        Ok((found, is_whole))
    }

    fn names<'a>(&'a self, link: &'a JobRunLink, run: &Run) -> RunNames<'a> {
        RunNames {
            platform: Platform::EmrServerless,
            cluster_id: &self.cluster.id,
            cluster_name: &self.cluster.name,
            link,
            is_running: !run.is_ended,
        }
    }

    /// Why the dashboard of a run without event logs is not asked.
    fn no_dashboard(&self, run: &Run) -> Option<String> {
        let has_place = run.log_uri.is_some();
        let reason = if run.details.as_ref().is_some_and(job_run::never_started) {
            "it ended before it started"
        } else if !run.is_managed && has_place {
            "its S3 location holds no event log, and managed storage of logs is off"
        } else if !run.is_managed {
            "its logs go nowhere: managed storage is off and no S3 location is set \
             (monitoringConfiguration)"
        } else if !self.platform.source.managed_ui && has_place {
            "its S3 location holds no event log, and dashboards are not to be asked"
        } else if !self.platform.source.managed_ui {
            "its logs are in managed storage only, and dashboards are not to be asked"
        } else if has_expired(&run.row) {
            "its logs were in managed storage only, which keeps them for 30 days"
        } else {
            return None;
        };
        Some(reason.to_owned())
    }

    /// Asks the History Server behind the dashboard of each attempt.
    async fn dashboards(&self, run: &Run, tally: &mut Tally, outcome: &mut JobRunHistories) {
        for attempt in self.attempts(run, tally).await {
            if !self.refused.may_ask(DASHBOARDS) {
                outcome.has_failed = true;
                return;
            }
            let found = self.dashboard(run, attempt).await;
            match self.noted(DASHBOARDS, found, Vec::len, tally) {
                Some(found) => outcome.histories.extend(found),
                None => outcome.has_failed = true,
            }
        }
        outcome.reason =
            Some("the History Server of its dashboard knows no application".to_owned());
    }

    /// The attempts of a run. Only for runs that were retried are they asked for.
    async fn attempts(&self, run: &Run, tally: &mut Tally) -> Vec<Option<i32>> {
        let last = run.details.as_ref().and_then(types::JobRun::attempt);
        let Some(last) = last.filter(|last| *last > 1) else {
            return vec![None];
        };
        let mut attempts = Vec::new();
        if self.refused.may_ask(ATTEMPTS) {
            let listed = self.list_attempts(&run.row.job_run_id).await;
            attempts = self
                .noted(ATTEMPTS, listed, Vec::len, tally)
                .unwrap_or_default();
        }
        // They are counted from 1, so the last one tells them all.
        if attempts.is_empty() {
            attempts = (1..=last).collect();
        }
        attempts.into_iter().map(Some).collect()
    }

    async fn list_attempts(&self, id: &str) -> Result<Vec<i32>, DiscoverError> {
        let mut attempts = Vec::new();
        let mut listed = self
            .platform
            .client
            .list_job_run_attempts()
            .application_id(&self.cluster.id)
            .job_run_id(id)
            .into_paginator()
            .items()
            .send();
        while let Some(attempt) = listed.next().await {
            let attempt = attempt.map_err(|error| call_error(id, LIST_JOB_RUN_ATTEMPTS, &error))?;
            attempts.extend(attempt.attempt());
        }
        attempts.sort_unstable();
        attempts.dedup();
        Ok(attempts)
    }

    async fn dashboard(
        &self,
        run: &Run,
        attempt: Option<i32>,
    ) -> Result<Vec<History>, DiscoverError> {
        let dashboard = Dashboard {
            client: self.platform.client.clone(),
            application_id: self.cluster.id.clone(),
            job_run_id: run.row.job_run_id.clone(),
            attempt,
            uri: attempt_uri(&run.arn, attempt),
        };
        let place = ServerPlace {
            platform: Platform::EmrServerless,
            cluster_id: self.cluster.id.clone(),
            cluster_name: self.cluster.name.clone(),
            uri_prefix: dashboard.uri.clone(),
        };
        let client = Arc::new(dashboard.connect(&self.platform.source.http).await?);
        let wait = self.platform.source.http.loading_delay;
        let found = served(&client, &place, &run.row, wait).await?;
        let link = link(&run.row);
        let names = self.names(&link, run);
        Ok(found
            .into_iter()
            .map(|history| names.put_on(history, &run.process_logs))
            .collect())
    }
}

impl Run {
    /// Why there can be no history of it.
    fn without_history(&self) -> Option<&'static str> {
        let driver = self
            .details
            .as_ref()
            .and_then(|details| details.job_driver());
        if matches!(driver, Some(JobDriver::Hive(_))) {
            return Some("it ran Hive");
        }
        self.settings
            .has_no_event_log()
            .then_some("spark.eventLog.enabled is false")
    }
}

/// The name of an attempt, which stays though its server's address does not.
///
/// The first attempt has the run's name: whether there will be a second one is not known then.
fn attempt_uri(arn: &str, attempt: Option<i32>) -> String {
    match attempt.filter(|attempt| *attempt > 1) {
        Some(attempt) => format!("{arn}/attempts/{attempt}"),
        None => arn.to_owned(),
    }
}

/// Where logs go: as the job run says, or as its application does.
pub(super) fn log_uri(
    own: Option<&MonitoringConfiguration>,
    common: Option<&MonitoringConfiguration>,
) -> Option<String> {
    let s3 = |monitoring: &MonitoringConfiguration| monitoring.s3_monitoring_configuration.clone();
    // An empty configuration of the job run takes the application's away.
    let s3 = own.and_then(s3).or_else(|| common.and_then(s3))?;
    s3.log_uri
        .map(|uri| uri.trim().to_owned())
        .filter(|uri| !uri.is_empty())
}

/// Whether AWS keeps logs, which it does unless told not to.
fn is_managed(
    own: Option<&MonitoringConfiguration>,
    common: Option<&MonitoringConfiguration>,
) -> bool {
    let is_enabled = |monitoring: &MonitoringConfiguration| {
        monitoring
            .managed_persistence_monitoring_configuration()
            .and_then(types::ManagedPersistenceMonitoringConfiguration::enabled)
    };
    own.and_then(is_enabled)
        .or_else(|| common.and_then(is_enabled))
        .unwrap_or(true)
}

fn spark_settings<'a>(
    configurations: impl Iterator<Item = &'a Configuration>,
    details: Option<&types::JobRun>,
) -> SparkSettings {
    let mut settings = SparkSettings::default();
    for configuration in configurations {
        settings.add_configuration(configuration.classification(), configuration.properties());
    }
    if let Some(JobDriver::SparkSubmit(submit)) = details.and_then(|details| details.job_driver()) {
        settings.add_arguments(submit.spark_submit_parameters().unwrap_or_default());
    }
    settings
}

#[cfg(test)]
mod tests {
    use aws_sdk_emrserverless::types::{
        ManagedPersistenceMonitoringConfiguration, S3MonitoringConfiguration,
    };

    use super::*;

    fn s3(uri: Option<&str>) -> MonitoringConfiguration {
        let s3 = S3MonitoringConfiguration::builder().set_log_uri(uri.map(str::to_owned));
        MonitoringConfiguration::builder()
            .s3_monitoring_configuration(s3.build())
            .build()
    }

    fn managed(enabled: Option<bool>) -> MonitoringConfiguration {
        let managed = ManagedPersistenceMonitoringConfiguration::builder().set_enabled(enabled);
        MonitoringConfiguration::builder()
            .managed_persistence_monitoring_configuration(managed.build())
            .build()
    }

    #[test]
    fn what_the_job_run_says_of_its_logs_goes_before_what_its_application_says() {
        let common = s3(Some("s3://common/logs"));
        let uri = |own: Option<&MonitoringConfiguration>| log_uri(own, Some(&common));
        assert_eq!(uri(None).as_deref(), Some("s3://common/logs"));
        assert_eq!(
            uri(Some(&s3(Some(" s3://own ")))).as_deref(),
            Some("s3://own")
        );
        assert_eq!(uri(Some(&s3(None))), None);
        assert_eq!(
            uri(Some(&managed(Some(false)))).as_deref(),
            Some("s3://common/logs")
        );
    }

    #[test]
    fn aws_keeps_logs_unless_told_not_to() {
        assert!(is_managed(None, None));
        assert!(is_managed(Some(&s3(None)), None));
        assert!(!is_managed(None, Some(&managed(Some(false)))));
        assert!(is_managed(
            Some(&managed(Some(true))),
            Some(&managed(Some(false)))
        ));
        assert!(!is_managed(
            Some(&managed(None)),
            Some(&managed(Some(false)))
        ));
    }

    #[test]
    fn the_first_attempt_has_the_name_of_its_run() {
        assert_eq!(attempt_uri("arn:run", None), "arn:run");
        assert_eq!(attempt_uri("arn:run", Some(1)), "arn:run");
        assert_eq!(attempt_uri("arn:run", Some(2)), "arn:run/attempts/2");
    }
}
