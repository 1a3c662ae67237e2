//! Histories that are in no lake: fetched, replayed and judged by the same rules, in a temporary lake
//! of their own.

use std::collections::HashMap;

use tempfile::TempDir;

use crate::load::{Lake, LoadError, SourceStatus, StoreSafety};
use crate::unit::Credentials;

use super::error::RunError;
use super::night::{RunEnd, run};
use super::progress::NoProgress;
use super::request::RunRequest;
use super::summary::RunSummary;
use super::watch::RunWatch;

/// What the temporary folders of live lakes begin with.
const FOLDER_PREFIX: &str = "sparklake-live-";

/// A temporary lake of histories that were read a moment ago. Its folder is removed with the value.
#[derive(Debug)]
pub struct LiveLake {
    lake: Lake,
    summary: RunSummary,
    _folder: TempDir,
}

/// Why nothing came of live histories.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// There is no place for the temporary lake.
    #[error("no temporary folder can be made: {0}; free some space, or set TMPDIR")]
    Folder(std::io::Error),
    /// The run that reads them failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The temporary lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] LoadError),
    /// No history was found, or none can be read.
    #[error("{reason}")]
    Nothing {
        /// What was met instead, in a sentence.
        reason: String,
        /// Whether a history was found that could not be read, rather than none.
        was_found: bool,
        /// Whether `reason` is a problem that was met, rather than that there is nothing.
        has_problem: bool,
        /// Whether the same may go well a moment later.
        is_retryable: bool,
    },
    /// The task that read them ended early.
    #[error("reading the histories ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl LiveLake {
    /// Reads what the sources of `request` hold into a temporary lake, and judges it. What the request
    /// says about a lake of its own does not count.
    ///
    /// The work is done on a thread of its own, so that the caller's tasks go on meanwhile.
    ///
    /// # Errors
    /// No source can be reached, nothing is found, or nothing of it can be read.
    pub async fn load(request: RunRequest) -> Result<Self, LiveError> {
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(Self::read(request))).await?
    }

    async fn read(mut request: RunRequest) -> Result<Self, LiveError> {
        let folder = tempfile::Builder::new()
            .prefix(FOLDER_PREFIX)
            .tempdir()
            .map_err(LiveError::Folder)?;
        let uri = folder.path().join("lake").display().to_string();
        request.lake.clone_from(&uri);
        request.storage_options = HashMap::new();
        request.lake_credentials = Credentials::default();
        request.store_safety = StoreSafety::Required;
        request.dry_run = false;
        let RunEnd { summary, error } = run(&request, &NoProgress, &RunWatch::default()).await;
        if let Some(error) = error {
            return Err(error.into());
        }
        if summary.loaded + summary.partial == 0 {
            return Err(nothing(&summary));
        }
        let lake = Lake::open(&uri, HashMap::new()).await?;
        Ok(Self {
            lake: lake.with_redactor(request.redactor.clone()),
            summary,
            _folder: folder,
        })
    }

    /// The lake, with all tables and findings.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// What was read, and what was left out.
    pub fn summary(&self) -> &RunSummary {
        &self.summary
    }
}

/// Why a run read nothing, from its own words.
fn nothing(summary: &RunSummary) -> LiveError {
    let was_found = summary.discovered > 0;
    let problem = summary
        .problems
        .iter()
        .find(|problem| problem.status != SourceStatus::Skipped)
        .or(summary.problems.first());
    let reason = match problem {
        Some(problem) if problem.error.contains(&problem.uri) => problem.error.clone(),
        Some(problem) => format!("{}: {}", problem.uri, problem.error),
        None => "no history was found".to_owned(),
    };
    LiveError::Nothing {
        reason,
        was_found,
        has_problem: problem.is_some(),
        is_retryable: problem.is_some_and(|problem| problem.retryable),
    }
}
