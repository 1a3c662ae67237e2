//! The requests of a walk: which calls, with which parameters, and what a refusal means.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::json;
use crate::discover::ServerApplication;
use crate::http::{Client, HttpError, path_segment};

/// Tasks asked for in one answer: some 10 MB of JSON.
pub(super) const TASKS_AN_ANSWER: usize = 5_000;
/// SQL executions asked for in one answer; with their plans some are a megabyte each.
pub(super) const EXECUTIONS_AN_ANSWER: usize = 64;

/// Asks about one application attempt.
pub(super) struct Fetch<'a> {
    client: &'a Client,
    application: &'a ServerApplication,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(application: &'a ServerApplication) -> Self {
        Self {
            client: &application.client,
            application,
        }
    }

    /// What the list omits about the attempt: its user, its Spark version.
    pub(super) async fn attempt(&self) -> Result<json::ApplicationAttempt, HttpError> {
        let path = format!(
            "api/v1/applications/{}",
            path_segment(&self.application.application_id)
        );
        let application: json::Application =
            self.client.get_json("application", &path, &[]).await?;
        let wanted = self.application.attempt_id.as_ref();
        let found = application
            .attempts
            .into_iter()
            .find(|attempt| attempt.attempt_id.as_ref() == wanted);
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn jobs(&self) -> Result<Vec<json::Job>, HttpError> {
        self.get("jobs", "jobs", &[]).await
    }

    /// All stage attempts, without their tasks.
    pub(super) async fn stages(&self) -> Result<Vec<json::Stage>, HttpError> {
        let details = [("details", "false".to_owned())];
        self.get("stages", "stages", &details).await
    }

    /// All stage attempts with all their tasks, for applications that have few. Servers before 3.2
    /// leave the tasks out here.
    pub(super) async fn stages_with_details(&self) -> Result<Vec<json::Stage>, HttpError> {
        let details = [("details", "true".to_owned())];
        self.get("stages_with_details", "stages", &details).await
    }

    /// One stage attempt, with all its tasks, or with none that has ended: those are paged through.
    /// Servers before 3.2 give all of them either way.
    pub(super) async fn stage(
        &self,
        (stage_id, attempt_id): (i64, i64),
        with_tasks: bool,
    ) -> Result<json::Stage, HttpError> {
        let path = format!("stages/{stage_id}/{attempt_id}");
        let mut query = vec![("details", "true".to_owned())];
        if !with_tasks {
            query.push(("taskStatus", "running".to_owned()));
        }
        self.get("stage", &path, &query).await
    }

    /// Tasks of a stage attempt from `offset` on, in order of their ids.
    pub(super) async fn tasks(
        &self,
        (stage_id, attempt_id): (i64, i64),
        offset: usize,
    ) -> Result<Vec<json::Task>, HttpError> {
        let path = format!("stages/{stage_id}/{attempt_id}/taskList");
        let query = [
            ("offset", offset.to_string()),
            ("length", TASKS_AN_ANSWER.to_string()),
            ("sortBy", "ID".to_owned()),
        ];
        self.get("task_list", &path, &query).await
    }

    /// All executors; servers before 2.2 know only the active ones.
    pub(super) async fn executors(&self) -> Result<Vec<json::Executor>, HttpError> {
        match self.get("executors", "allexecutors", &[]).await {
            Err(error) if is_unknown(&error) => self.get("executors", "executors", &[]).await,
            answer => answer,
        }
    }

    /// Processes that are no executors, since 3.2.
    pub(super) async fn processes(&self) -> Result<Vec<json::Process>, HttpError> {
        none_if_unknown(self.get("processes", "allmiscellaneousprocess", &[]).await)
    }

    pub(super) async fn environment(&self) -> Result<json::Environment, HttpError> {
        self.get("environment", "environment", &[]).await
    }

    pub(super) async fn rdds(&self) -> Result<Vec<json::Rdd>, HttpError> {
        none_if_unknown(self.get("rdd_storage", "storage/rdd", &[]).await)
    }

    /// SQL executions from `offset` on, in order of their ids, as they are.
    pub(super) async fn executions(
        &self,
        offset: usize,
        length: usize,
    ) -> Result<Vec<Box<RawValue>>, HttpError> {
        let query = [
            ("details", "true".to_owned()),
            ("planDescription", "true".to_owned()),
            ("offset", offset.to_string()),
            ("length", length.to_string()),
        ];
        self.get("sql", "sql", &query).await
    }

    /// Whether the server knows SQL executions at all; those before 3.0 do not. Beyond the end of
    /// the list it has nothing to trip over.
    pub(super) async fn knows_sql(&self) -> bool {
        let far = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        !matches!(self.executions(far, 1).await, Err(error) if is_unknown(&error))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, HttpError> {
        let path = format!("api/v1/{}/{path}", self.application.path());
        self.client.get_json(endpoint, &path, query).await
    }
}

/// Whether the server says that there is no such thing.
pub(super) fn is_unknown(error: &HttpError) -> bool {
    error.status() == Some(404)
}

fn none_if_unknown<T>(answer: Result<Vec<T>, HttpError>) -> Result<Vec<T>, HttpError> {
    match answer {
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        answer => answer,
    }
}
