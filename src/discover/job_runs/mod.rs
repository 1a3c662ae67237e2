//! What EMR Serverless and EMR on EKS have in common: both are asked for job runs.

mod source;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use chrono::{DateTime, Utc};

pub use self::source::JobRunSource;
use super::history::{Content, History};
use super::history_server::{self, ServerPlace};
use super::problem::DiscoverError;
use super::window::Window;
use super::{ExploreRequest, JobRun, JobRunLink};
use crate::http::Client;
use crate::model::Platform;

/// How long AWS keeps what its own History Servers show, in days.
pub(super) const KEPT_DAYS: i64 = 30;

/// How often a History Server is asked that knows no application.
const LOOKS: u32 = 4;

/// What the search for the histories of a job run gave.
#[derive(Debug, Default)]
pub(super) struct JobRunHistories {
    pub histories: Vec<History>,
    /// Why there is none.
    pub reason: Option<String>,
    /// Whether something could not be asked.
    pub has_failed: bool,
}

impl JobRunHistories {
    /// There can be no history.
    pub(super) fn nothing(reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..Self::default()
        }
    }

    /// Writes into the row of the job run what was found, and gives the histories.
    pub(super) fn tell(self, run: &mut JobRun) -> Vec<History> {
        // What could not be asked for may be there all the same.
        let may_exist = self.has_failed || !self.histories.is_empty();
        run.no_history_reason = self.reason.filter(|_| !may_exist);
        run.has_spark_history = run.no_history_reason.is_none();
        let listed = self.histories.iter().filter_map(application_id);
        run.application_ids.extend(listed);
        run.application_ids.sort_unstable();
        run.application_ids.dedup();
        self.histories
    }
}

fn application_id(history: &History) -> Option<String> {
    match &history.content {
        Content::Server(application) => Some(application.application_id.clone()),
        Content::Log(_) => None,
    }
}

/// What recurs is known by the name of its runs, or else by their main program.
pub(super) fn link(run: &JobRun) -> JobRunLink {
    JobRunLink {
        job_run_id: run.job_run_id.clone(),
        job_key: run.name.clone().or_else(|| run.entry_point.clone()),
    }
}

/// Asks the History Server of one job run for its applications, the run's own whatever the server
/// has heard of its end. A server that knows none yet is asked again: it reads the logs after it has
/// started.
pub(super) async fn served(
    client: &Arc<Client>,
    place: &ServerPlace,
    run: &JobRun,
    wait: Duration,
) -> Result<Vec<History>, DiscoverError> {
    // A run that failed may have done so before Spark began.
    let has_succeeded = matches!(run.status.as_str(), "SUCCESS" | "COMPLETED");
    let looks = if has_succeeded { LOOKS } else { LOOKS / 2 };
    for _ in 1..looks {
        let found = list(client, place).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(wait).await;
    }
    list(client, place).await
}

async fn list(client: &Arc<Client>, place: &ServerPlace) -> Result<Vec<History>, DiscoverError> {
    history_server::applications(client, place, &Window::default(), true, None).await
}

/// Whether a job run is wanted: by its end, or by its creation while it runs.
pub(super) fn is_wanted(run: &JobRun, is_ended: bool, request: &ExploreRequest) -> bool {
    match is_ended {
        true => run.ended_at.is_none_or(|end| request.window.contains(end)),
        false => is_running_wanted(run.created_at, request),
    }
}

/// Whether a job run that has not ended is wanted.
pub(super) fn is_running_wanted(created: Option<DateTime<Utc>>, request: &ExploreRequest) -> bool {
    let is_in_time = match (created, request.window.until) {
        (Some(created), Some(until)) => created < until,
        _ => true,
    };
    request.include_running && is_in_time
}

/// Whether AWS has thrown away by now what its History Servers showed of a run.
pub(super) fn has_expired(run: &JobRun) -> bool {
    let kept = chrono::TimeDelta::days(KEPT_DAYS);
    run.ended_at.is_some_and(|end| Utc::now() - end > kept)
}

/// The states that a user named, in capitals; `None` where any will do.
pub(super) fn states(named: &[String]) -> Option<Vec<String>> {
    let named: Vec<String> = named
        .iter()
        .map(|name| name.trim().to_uppercase())
        .collect();
    let any = named.is_empty() || named.iter().any(|name| name == "ALL");
    (!any).then_some(named)
}

/// The region that is asked.
pub(super) fn region_of(config: &SdkConfig, platform: Platform) -> Result<String, DiscoverError> {
    let region = config.region().map(ToString::to_string);
    region.ok_or_else(|| DiscoverError::Platform {
        uri: platform.as_str().to_owned(),
        call: "AWS".to_owned(),
        code: "AWS_NO_REGION".to_owned(),
        message: "no region is known".to_owned(),
        cure: "name the source's region, or set AWS_REGION".to_owned(),
        retryable: false,
    })
}

/// `lookback` before `time`, or the beginning of all times that have a name.
pub(super) fn before(time: DateTime<Utc>, lookback: Duration) -> DateTime<Utc> {
    let lookback = chrono::TimeDelta::from_std(lookback).unwrap_or(chrono::TimeDelta::MAX);
    time.checked_sub_signed(lookback)
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// An answer without what was asked for.
pub(super) fn empty_answer(uri: &str, call: &str) -> DiscoverError {
    DiscoverError::Platform {
        uri: uri.to_owned(),
        call: call.to_owned(),
        code: "AWS_BAD_ANSWER".to_owned(),
        message: "the answer does not hold what was asked for".to_owned(),
        cure: "check endpoint_url and proxies: something else may answer in the place of AWS"
            .to_owned(),
        retryable: true,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn day(day: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, day, 0, 0, 0).unwrap()
    }

    fn request(include_running: bool) -> ExploreRequest {
        ExploreRequest {
            window: Window {
                since: Some(day(10)),
                until: Some(day(11)),
            },
            include_running,
            ..ExploreRequest::default()
        }
    }

    fn run(created: DateTime<Utc>, ended: Option<DateTime<Utc>>) -> JobRun {
        JobRun {
            created_at: Some(created),
            ended_at: ended,
            ..JobRun::default()
        }
    }

    #[test]
    fn an_ended_run_is_wanted_by_its_end_alone() {
        let is_wanted = |ended| is_wanted(&run(day(1), Some(ended)), true, &request(false));
        assert!(!is_wanted(day(9)));
        assert!(is_wanted(day(10)));
        assert!(!is_wanted(day(11)));
    }

    #[test]
    fn a_running_one_is_wanted_by_its_creation_and_only_when_asked_for() {
        assert!(!is_wanted(&run(day(1), None), false, &request(false)));
        assert!(is_wanted(&run(day(1), None), false, &request(true)));
        assert!(!is_wanted(&run(day(12), None), false, &request(true)));
    }

    #[test]
    fn what_recurs_is_named_by_the_run_or_its_program() {
        let mut run = run(day(1), None);
        run.entry_point = Some("s3://code/daily.py".to_owned());
        assert_eq!(link(&run).job_key.as_deref(), Some("s3://code/daily.py"));
        run.name = Some("daily".to_owned());
        assert_eq!(link(&run).job_key.as_deref(), Some("daily"));
    }

    #[test]
    fn a_run_that_could_not_be_asked_about_is_not_called_one_without_history() {
        let mut row = run(day(1), Some(day(2)));
        let mut found = JobRunHistories::nothing("its logs go nowhere");
        found.has_failed = true;
        found.tell(&mut row);
        assert!(row.has_spark_history);
        assert_eq!(row.no_history_reason, None);
        JobRunHistories::nothing("its logs go nowhere").tell(&mut row);
        assert!(!row.has_spark_history);
    }

    #[test]
    fn all_states_and_none_mean_any() {
        assert_eq!(states(&[]), None);
        assert_eq!(states(&["failed".to_owned(), "all".to_owned()]), None);
        assert_eq!(
            states(&["failed".to_owned()]),
            Some(vec!["FAILED".to_owned()])
        );
    }
}
