//! What is asked about one stage attempt.

use super::fetch::{Fetch, TASKS_AN_ANSWER};
use super::json;
use crate::http::HttpError;

/// Tasks of one stage attempt that are asked for at most: a counter beyond is a lie.
const MAX_TASKS: usize = 20_000_000;

/// A stage id and an attempt id.
pub(super) type StageKey = (i64, i64);

pub(super) fn key(stage: &json::Stage) -> StageKey {
    (stage.stage_id.0, stage.attempt_id.0)
}

/// A request about one stage attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) stage: StageKey,
    pub(super) what: Resource,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Resource {
    StageWithTasks,
    StageWithoutTasks,
    Tasks { offset: usize },
}

pub(super) enum Answer {
    Stage(Box<json::Stage>),
    Tasks(Vec<json::Task>),
}

impl Resource {
    pub(super) fn call(self) -> &'static str {
        match self {
            Self::StageWithTasks | Self::StageWithoutTasks => "stage",
            Self::Tasks { .. } => "task_list",
        }
    }
}

impl Request {
    pub(super) async fn send(self, fetch: &Fetch<'_>) -> Result<Answer, HttpError> {
        let stage = |stage| Answer::Stage(Box::new(stage));
        match self.what {
            Resource::StageWithTasks => fetch.stage(self.stage, true).await.map(stage),
            Resource::StageWithoutTasks => fetch.stage(self.stage, false).await.map(stage),
            Resource::Tasks { offset } => fetch.tasks(self.stage, offset).await.map(Answer::Tasks),
        }
    }
}

/// What has to be asked about a stage attempt: nothing where no task was started, one answer where
/// the tasks are few, pages of tasks where they are many.
pub(super) fn requests(stage: &json::Stage) -> Vec<Request> {
    let tasks = usize::try_from(stage.started_tasks()).unwrap_or(usize::MAX);
    let request = |what| Request {
        stage: key(stage),
        what,
    };
    match tasks {
        0 => Vec::new(),
        1..=TASKS_AN_ANSWER => vec![request(Resource::StageWithTasks)],
        _ => {
            let mut requests = vec![request(Resource::StageWithoutTasks)];
            let pages = (0..tasks.min(MAX_TASKS)).step_by(TASKS_AN_ANSWER);
            requests.extend(pages.map(|offset| request(Resource::Tasks { offset })));
            requests
        }
    }
}
