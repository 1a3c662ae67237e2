//! Finding the runs that somebody means.

use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

use super::error::PublishError;
use super::facts::Facts;

/// How many runs a message names.
const NAMED: usize = 5;

/// An application attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Platform that ran it.
    pub platform: String,
    /// Its cluster.
    pub cluster_id: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// Spark's id of the application.
    pub application_id: String,
    /// Spark's id of the attempt, `0` where there is none.
    pub attempt_id: String,
    /// Name of the application.
    pub application_name: Option<String>,
    /// The recurring job that it is a run of.
    pub job_key: Option<String>,
    /// UTC time of its start, ISO 8601.
    pub start_time: Option<String>,
    /// Whether it was asked for by its whole id.
    #[serde(skip_serializing, default)]
    is_exact: bool,
}

impl Run {
    /// The run of these keys, of which nothing else is known.
    pub(super) fn of_keys(
        platform: &str,
        cluster_id: &str,
        application_id: &str,
        attempt_id: &str,
    ) -> Self {
        Self {
            platform: platform.to_owned(),
            cluster_id: cluster_id.to_owned(),
            cluster_name: String::new(),
            application_id: application_id.to_owned(),
            attempt_id: attempt_id.to_owned(),
            application_name: None,
            job_key: None,
            start_time: None,
            is_exact: true,
        }
    }

    /// The keys of the run as the parameters of queries about one application.
    pub fn parameters(&self) -> [(&'static str, ScalarValue); 4] {
        [
            ("platform", ScalarValue::from(self.platform.as_str())),
            ("cluster", ScalarValue::from(self.cluster_id.as_str())),
            (
                "application",
                ScalarValue::from(self.application_id.as_str()),
            ),
            ("attempt", ScalarValue::from(self.attempt_id.as_str())),
        ]
    }

    fn is_same_application(&self, other: &Self) -> bool {
        self.platform == other.platform
            && self.cluster_id == other.cluster_id
            && self.application_id == other.application_id
    }
}

/// The run whose application id is, or as the only one contains, `text`. Of several attempts it is the
/// newest, unless `text` ends in `/ATTEMPT`.
///
/// # Errors
/// No application or several are meant, or the lake cannot be asked.
pub async fn find_run(facts: &Facts<'_>, text: &str) -> Result<Run, PublishError> {
    let (application, attempt) = text.split_once('/').unwrap_or((text, ""));
    let parameters = [
        ("application", ScalarValue::from(application)),
        ("attempt", ScalarValue::from(attempt)),
    ];
    let found: Vec<Run> = facts.rows("runs", "find", &parameters).await?;
    let Some(first) = found.first() else {
        return Err(PublishError::NotFound(format!(
            "there is no application whose id contains `{text}`; `sparklake sql \"SELECT \
             application_id, application_name FROM applications\"` lists them"
        )));
    };
    // A copy of the same history under another cluster is as good.
    if first.is_exact || found.iter().all(|run| run.is_same_application(first)) {
        return Ok(first.clone());
    }
    Err(PublishError::NotFound(format!(
        "`{text}` is part of several application ids: {}; give more of the one you mean",
        named(&found)
    )))
}

/// The last two runs of a recurring job that have ended, the earlier one first.
///
/// # Errors
/// There are fewer, or the lake cannot be asked.
pub async fn last_runs(facts: &Facts<'_>, job_key: &str) -> Result<[Run; 2], PublishError> {
    let parameters = [("job_key", ScalarValue::from(job_key))];
    let found: Vec<Run> = facts.rows("runs", "of_job", &parameters).await?;
    match found.as_slice() {
        [newest, earlier, ..] => Ok([earlier.clone(), newest.clone()]),
        few => Err(PublishError::NotFound(format!(
            "the job `{job_key}` has {} in this lake that ended, and two are compared; `sparklake sql \
             \"SELECT job_key, COUNT(*) AS runs FROM applications GROUP BY job_key\"` lists the jobs",
            match few.len() {
                0 => "no run",
                _ => "one run",
            }
        ))),
    }
}

/// Some of the runs, for a message.
pub(super) fn named(runs: &[Run]) -> String {
    let name = |run: &Run| match &run.application_name {
        Some(name) => format!("{} ({name})", run.application_id),
        None => run.application_id.clone(),
    };
    let mut names: Vec<String> = runs.iter().take(NAMED).map(name).collect();
    if runs.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}
