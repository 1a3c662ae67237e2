//! Applications that are not in the lake: fetched when they are asked for, from places that were allowed
//! at the start and nowhere else, and kept for as long as the process lives.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::ask::{AskError, AskLake};
use crate::load::Lake;

/// Most applications that are kept; the one that was fetched first goes first.
const MAX_KEPT: usize = 16;
/// How long an application that had not ended, or whose log is not whole, is taken for what it was.
const OPEN_FRESH: Duration = Duration::from_secs(60);

/// Fetches applications and judges them by the same rules as a run. Implemented above this room, where
/// sources and pipeline are wired.
#[async_trait]
pub trait LiveSource: Send + Sync {
    /// The places that were allowed at the start, for messages; without secrets.
    fn places(&self) -> Vec<String>;
    /// Fetches what `wanted` names: an application id, or the path of a log under an allowed place.
    async fn fetch(&self, wanted: &str) -> Result<Fetched, LiveFailure>;
}

/// An application in a temporary lake.
pub struct Fetched {
    /// The lake, which holds nothing else.
    pub lake: Lake,
    /// Whether the history is whole: then it does not change any more.
    pub is_whole: bool,
    /// Removes the lake when it is dropped.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Why nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveFailure {
    /// No allowed place has it.
    #[error("no allowed place has it")]
    NotFound,
    /// It is outside of what was allowed; the sentence says what is.
    #[error("{0}")]
    NotAllowed(String),
    /// It is there and cannot be read, or a place cannot be reached.
    #[error("{0}")]
    Failed(String),
}

/// A fetched application that can be asked.
pub(super) struct LiveApplication {
    pub(super) ask: Arc<AskLake>,
    is_whole: bool,
    _keep: Box<dyn Any + Send + Sync>,
}

type Cell = Arc<OnceCell<Arc<LiveApplication>>>;

struct Kept {
    wanted: String,
    since: Instant,
    cell: Cell,
}

/// Makes a lake ready to be asked.
pub(super) type MakeAsk = Box<dyn Fn(&Lake) -> Result<AskLake, AskError> + Send + Sync>;

/// The applications that were fetched, and the way to fetch more.
pub(super) struct LiveApplications {
    source: Arc<dyn LiveSource>,
    make_ask: MakeAsk,
    kept: Mutex<VecDeque<Kept>>,
}

impl LiveApplications {
    pub(super) fn new(source: Arc<dyn LiveSource>, make_ask: MakeAsk) -> Self {
        Self {
            source,
            make_ask,
            kept: Mutex::default(),
        }
    }

    /// The places that were allowed at the start.
    pub(super) fn places(&self) -> Vec<String> {
        self.source.places()
    }

    /// The application that `wanted` names: as it was fetched, else fetched now. Who asks for the same
    /// while it is fetched waits for the same answer.
    ///
    /// # Errors
    /// As [`LiveSource::fetch`].
    pub(super) async fn get(&self, wanted: &str) -> Result<Arc<LiveApplication>, LiveFailure> {
        let cell = self.cell(wanted).await;
        let fetched = cell.get_or_try_init(|| self.fetch(wanted)).await;
        if fetched.is_err() {
            let mut kept = self.kept.lock().await;
            kept.retain(|entry| entry.cell.initialized() || !Arc::ptr_eq(&entry.cell, &cell));
        }
        fetched.cloned()
    }

    async fn cell(&self, wanted: &str) -> Cell {
        let mut kept = self.kept.lock().await;
        kept.retain(|entry| {
            let is_open = entry
                .cell
                .get()
                .is_some_and(|application| !application.is_whole);
            !is_open || entry.since.elapsed() < OPEN_FRESH
        });
        if let Some(entry) = kept.iter().find(|entry| entry.wanted == wanted) {
            return Arc::clone(&entry.cell);
        }
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        let cell = Cell::default();
        kept.push_back(Kept {
            wanted: wanted.to_owned(),
            since: Instant::now(),
            cell: Arc::clone(&cell),
        });
        cell
    }

    async fn fetch(&self, wanted: &str) -> Result<Arc<LiveApplication>, LiveFailure> {
        let started = Instant::now();
        let fetched = self.source.fetch(wanted).await?;
        let ask = (self.make_ask)(&fetched.lake)
            .map_err(|error| LiveFailure::Failed(error.to_string()))?;
        let milliseconds = started.elapsed().as_millis();
        tracing::info!(
            wanted,
            milliseconds,
            "an application was fetched and judged"
        );
        Ok(Arc::new(LiveApplication {
            ask: Arc::new(ask),
            is_whole: fetched.is_whole,
            _keep: fetched.keep,
        }))
    }
}
