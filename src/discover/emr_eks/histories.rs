//! Where the history of a job run is.

use std::sync::Arc;

use aws_sdk_emrcontainers::types::{self, PersistentAppUi};

use super::super::aws::call_error;
use super::super::emr::persistent_ui::{PersistentUi, poll_interval};
use super::super::history_server::ServerPlace;
use super::super::job_folder::{JobFolder, RunNames};
use super::super::job_runs::{JobRunHistories, empty_answer, has_expired, link, served};
use super::super::log_stores::LogStores;
use super::super::spark_settings::SparkSettings;
use super::super::tally::{Refused, Tally};
use super::super::{
    Cluster, DiscoverError, Discovery, History, JobRun, JobRunLink, ProcessLogPlace,
};
use super::account::EmrEks;
use super::job_run;
use crate::http::{Client, ClientSettings};
use crate::model::Platform;

pub(super) const DESCRIBE_JOB_RUN: &str = "emr-containers:DescribeJobRun";

/// Questions, as `status_details` names them.
const JOB_RUN_DETAILS: &str = "job_run_details";
const EVENT_LOGS: &str = "event_logs";
const PERSISTENT_UI: &str = "persistent_ui";

/// Asks about the job runs of one virtual cluster.
pub(super) struct Explorer<'a> {
    pub platform: &'a EmrEks,
    pub cluster: Cluster,
    pub stores: LogStores,
    pub refused: Refused,
}

/// What one job run told.
#[derive(Debug, Default)]
pub(super) struct Explored {
    pub job_run: JobRun,
    pub histories: Vec<History>,
    /// Whether old parts of its event log are removed while Spark still writes.
    pub rotates_event_logs: bool,
    pub tally: Tally,
}

/// What is known of where a job run's logs go.
struct Run {
    row: JobRun,
    is_ended: bool,
    /// Where the logs of its pods go.
    log_uri: Option<String>,
    /// Whether AWS keeps its event log.
    has_persistent_ui: bool,
    settings: SparkSettings,
    /// Where the logs of its pods were found.
    process_logs: Vec<ProcessLogPlace>,
}

impl Explorer<'_> {
    /// Asks everything about one job run.
    pub(super) async fn explore(&self, listed: JobRun) -> Explored {
        let mut explored = Explored::default();
        let mut run = self.run(listed, &mut explored.tally).await;
        explored.rotates_event_logs = run.settings.rotates_event_logs();
        let found = self.histories(&mut run, &mut explored.tally).await;
        explored.histories = found.tell(&mut run.row);
        explored.job_run = run.row;
        explored
    }

    /// Describes a run; by its list alone where the description is not available.
    async fn run(&self, listed: JobRun, tally: &mut Tally) -> Run {
        let details = self.details(&listed.job_run_id, tally).await;
        let described = details.as_ref().and_then(job_run::described);
        let row = described.unwrap_or(listed);
        let overrides = details
            .as_ref()
            .and_then(|details| details.configuration_overrides());
        let monitoring = overrides.and_then(|overrides| overrides.monitoring_configuration());
        let s3 = monitoring.and_then(|monitoring| monitoring.s3_monitoring_configuration());
        let log_uri = s3.map(|s3| s3.log_uri().trim());
        let persistent_ui = monitoring.and_then(|monitoring| monitoring.persistent_app_ui());
        Run {
            is_ended: job_run::is_ended(&row.status),
            row,
            log_uri: log_uri.filter(|uri| !uri.is_empty()).map(str::to_owned),
            has_persistent_ui: persistent_ui != Some(&PersistentAppUi::Disabled),
            settings: spark_settings(details.as_ref()),
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
            .describe_job_run()
            .virtual_cluster_id(&self.cluster.id)
            .id(id)
            .send()
            .await
            .map_err(|error| call_error(id, DESCRIBE_JOB_RUN, &error))
            .and_then(|answer| {
                answer
                    .job_run
                    .ok_or_else(|| empty_answer(id, DESCRIBE_JOB_RUN))
            });
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

    /// Looks for the histories of a run: event logs first, then AWS's own History Server.
    async fn histories(&self, run: &mut Run, tally: &mut Tally) -> JobRunHistories {
        if run.settings.has_no_event_log() {
            return JobRunHistories::nothing("spark.eventLog.enabled is false");
        }
        let mut found = JobRunHistories::default();
        let logs = self.event_logs(run).await;
        let logs = self.noted(EVENT_LOGS, logs, |(logs, _)| logs.histories.len(), tally);
        found.has_failed = logs.as_ref().is_none_or(|(_, is_whole)| !is_whole);
        if let Some((logs, _)) = logs {
            found.histories = logs.histories;
            tally.problems(logs.problems);
        }
        if !found.histories.is_empty() {
            return found;
        }
        found.reason = self.no_persistent_ui(run);
        if found.reason.is_some() {
            return found;
        }
        if !self.refused.may_ask(PERSISTENT_UI) {
            found.has_failed = true;
            return found;
        }
        let served = self.persistent_ui(run).await;
        match self.noted(PERSISTENT_UI, served, Vec::len, tally) {
            Some(served) => found.histories = served,
            None => found.has_failed = true,
        }
        found.reason = Some("its persistent application UI knows no application".to_owned());
        found
    }

    /// Finds the event logs of a run, and tells whether all places could be looked at.
    async fn event_logs(&self, run: &mut Run) -> Result<(Discovery, bool), DiscoverError> {
        let id = run.row.job_run_id.clone();
        let mut folder = JobFolder::default();
        if let Some(root) = &run.log_uri {
            let folders = [self.cluster.id.as_str(), "jobs", &id];
            folder = JobFolder::read(&self.stores.place(root, &folders)?).await?;
        }
        run.row.application_ids.clone_from(&folder.application_ids);
        if self.platform.source.read_process_logs {
            run.process_logs.clone_from(&folder.process_logs);
        }
        let mut found = folder.discover().await?;
        let mut is_whole = true;
        if let Some(shared) = run.settings.event_log_folder() {
            // Applications are named `spark-<job run>`; those of old releases by a random number,
            // which the folders of their pods tell.
            let applications = folder.application_ids.iter().map(String::as_str);
            let ids: Vec<&str> = applications.chain([id.as_str()]).collect();
            let named = self.stores.named_after(shared, &ids).await?;
            is_whole = named.is_some();
            let named = named.unwrap_or_default();
            found.histories.extend(named.histories);
            found.problems.extend(named.problems);
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
            platform: Platform::EmrEks,
            cluster_id: &self.cluster.id,
            cluster_name: &self.cluster.name,
            link,
            is_running: !run.is_ended,
        }
    }

    /// Why AWS's History Server is not asked for a run without event logs.
    fn no_persistent_ui(&self, run: &Run) -> Option<String> {
        let reason = if run.settings.event_log_folder().is_some() {
            "its spark.eventLog.dir holds no event log of it"
        } else if !run.has_persistent_ui {
            "its persistent application UI is disabled and spark.eventLog.dir is no folder of an \
             object store"
        } else if !self.platform.source.managed_ui {
            "its event log is with AWS only, and persistent application UIs are not to be asked"
        } else if has_expired(&run.row) {
            "its event log was with AWS only, which keeps it for 30 days"
        } else {
            return None;
        };
        Some(reason.to_owned())
    }

    /// Asks AWS's History Server of one job run.
    async fn persistent_ui(&self, run: &Run) -> Result<Vec<History>, DiscoverError> {
        let source = &self.platform.source;
        let id = run.row.job_run_id.as_str();
        let (ui, base) = PersistentUi::open_for_job_run(
            &self.platform.emr,
            &self.cluster,
            id,
            source.managed_ui_timeout,
        )
        .await?;
        let mut settings = ClientSettings::with(base, source.http.clone());
        settings.login = Some(Arc::new(ui));
        let uri = format!("{}/jobruns/{id}", self.cluster.uri);
        let client = Client::new(settings).map_err(|source| DiscoverError::Http {
            uri: uri.clone(),
            source,
        })?;
        let place = ServerPlace {
            platform: Platform::EmrEks,
            cluster_id: self.cluster.id.clone(),
            cluster_name: self.cluster.name.clone(),
            // The server's host is another one each time.
            uri_prefix: uri,
        };
        let wait = poll_interval(source.managed_ui_timeout);
        let found = served(&Arc::new(client), &place, &run.row, wait).await?;
        let link = link(&run.row);
        let names = self.names(&link, run);
        Ok(found
            .into_iter()
            .map(|history| names.put_on(history, &run.process_logs))
            .collect())
    }
}

fn spark_settings(details: Option<&types::JobRun>) -> SparkSettings {
    let mut settings = SparkSettings::default();
    let overrides = details.and_then(|details| details.configuration_overrides());
    for configuration in overrides
        .map(types::ConfigurationOverrides::application_configuration)
        .unwrap_or_default()
    {
        settings.add_configuration(configuration.classification(), configuration.properties());
    }
    let driver = details.and_then(|details| details.job_driver());
    let submit = driver.and_then(|driver| driver.spark_submit_job_driver());
    let sql = driver.and_then(|driver| driver.spark_sql_job_driver());
    let arguments = [
        submit.and_then(|submit| submit.spark_submit_parameters()),
        sql.and_then(|sql| sql.spark_sql_parameters()),
    ];
    for arguments in arguments.into_iter().flatten() {
        settings.add_arguments(arguments);
    }
    settings
}
