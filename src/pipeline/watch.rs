//! A run as whoever started it sees it: its id, and a word of farewell when a signal stops it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::load::Lake;

use super::outcome::{RunStatus, Signal};
use super::run_row::RunRow;
use super::summary::RunSummary;

/// A run that is about to begin, or runs. Clones watch the same run.
#[derive(Debug, Clone)]
pub struct RunWatch {
    run_id: Arc<str>,
    noted: Arc<Mutex<Option<(Lake, RunRow)>>>,
}

impl Default for RunWatch {
    fn default() -> Self {
        Self {
            run_id: uuid::Uuid::now_v7().to_string().into(),
            noted: Arc::default(),
        }
    }
}

impl RunWatch {
    /// Of a run that is gone on with.
    #[must_use]
    pub fn of(run_id: &str) -> Self {
        Self {
            run_id: run_id.into(),
            noted: Arc::default(),
        }
    }

    /// The id of the run.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The run has noted in `lake` that it began.
    pub(super) fn began(&self, lake: &Lake, row: &RunRow) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some((lake.clone(), row.clone()));
    }

    /// The run has a row, or a note that says how it ended.
    pub(super) fn ended(&self) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = None;
    }

    /// Notes in the lake that a signal stops the run, for the next run to make a row of it. The
    /// process should end now: nothing is lost by that, and the next run goes on.
    pub async fn interrupt(&self, signal: Signal) -> RunSummary {
        let noted = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.take()
        };
        if let Some((lake, mut row)) = noted {
            row.interrupt(signal);
            if let Err(error) = lake.note_run(&row.run_id, &row).await {
                tracing::warn!(%error, "the end of the run could not be noted");
            }
        }
        RunSummary {
            run_id: self.run_id.to_string(),
            status: RunStatus::Interrupted,
            exit_code: signal.exit_code(),
            error: Some(format!(
                "stopped by {}; what was committed stays, and the next run goes on from there",
                signal.name()
            )),
            ..RunSummary::default()
        }
    }
}
