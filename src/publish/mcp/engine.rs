//! What answers calls stand on: the lake, live applications, and the turns of calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ScalarValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::arguments::ToolError;
use super::live::{LiveApplications, LiveSource, MakeAsk};
use super::rows::{self, Row};
use crate::analyze::{AnalyzeError, Catalog};
use crate::ask::{AskError, AskLake, AskOptions, LoadViews, QueryLimits};
use crate::load::Lake;

/// Most bytes of rows in memory that one list may bring.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Most calls that are answered at the same time; others wait for their turn.
const MAX_CALLS: usize = 4;
/// Most bytes that queries may spill to disk.
const MAX_SPILL_BYTES: u64 = 4 << 30;

/// What the tools work with.
pub struct McpOptions {
    /// The lake; without one only live applications can be asked.
    pub lake: Option<Lake>,
    /// The rules as they are run, with the queries of the tools.
    pub catalog: Catalog,
    /// Where applications are fetched from that are not in the lake.
    pub live: Option<Arc<dyn LiveSource>>,
    /// Memory in bytes by which a query may make the process grow.
    pub memory_bytes: usize,
    /// Longest time that one query may take.
    pub timeout: Duration,
}

impl McpOptions {
    /// Memory of a query unless set: 1 GiB.
    pub const DEFAULT_MEMORY_BYTES: usize = 1 << 30;
    /// Time of a query unless set: a minute, about as long as clients wait for a tool.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
}

/// Everything that answers calls.
pub(super) struct Engine {
    catalog: Arc<Catalog>,
    lake: Option<Arc<AskLake>>,
    live: Option<LiveApplications>,
    timeout: Duration,
    /// Turns of calls.
    pub(super) turns: Semaphore,
    /// The one turn of what may take as much memory as it is allowed: SQL of a client, predictions. What a
    /// query may take is measured by how the process grows, so two of them would be taken for one another.
    heavy: Semaphore,
}

pub(super) type Parameters = BTreeMap<String, ScalarValue>;

impl Engine {
    /// # Errors
    /// The query engine cannot be set up.
    pub(super) fn new(options: McpOptions) -> Result<Self, AskError> {
        let catalog = Arc::new(options.catalog);
        let make_ask = make_ask(Arc::clone(&catalog), options.memory_bytes);
        let lake = options.lake.as_ref().map(&make_ask).transpose()?;
        let live = options
            .live
            .map(|source| LiveApplications::new(source, make_ask));
        Ok(Self {
            catalog,
            lake: lake.map(Arc::new),
            live,
            timeout: options.timeout,
            turns: Semaphore::new(MAX_CALLS),
            heavy: Semaphore::new(1),
        })
    }

    pub(super) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(super) fn lake(&self) -> Option<&Arc<AskLake>> {
        self.lake.as_ref()
    }

    pub(super) fn live(&self) -> Option<&LiveApplications> {
        self.live.as_ref()
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The turn of what may take much memory.
    pub(super) async fn heavy_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.heavy.acquire().await.ok()
    }

    /// The rows of a file of `sql/mcp`; it takes those of `parameters` that it declares.
    ///
    /// # Errors
    /// The query fails.
    pub(super) async fn rows(
        &self,
        ask: &AskLake,
        query: &str,
        parameters: &Parameters,
    ) -> Result<Vec<Row>, ToolError> {
        let query = &self
            .catalog
            .mcp(query)
            .map_err(|error| broken(&error))?
            .query;
        let given = query.parameters.iter().map(|known| {
            let value = parameters.get(&known.name).cloned();
            (
                known.name.as_str(),
                value.unwrap_or_else(|| known.scalar_value()),
            )
        });
        let given: Vec<(&str, ScalarValue)> = given.collect();
        let limits = QueryLimits {
            max_rows: None,
            max_bytes: Some(MAX_LIST_BYTES),
            timeout: Some(self.timeout),
        };
        let mut answer = ask.query(&query.statement, &given, &limits).await;
        if matches!(answer, Err(AskError::TooMuchMemory { .. })) {
            // Another query may have made the process grow: once more, without one.
            let _alone = self.heavy_turn().await;
            answer = ask.query(&query.statement, &given, &limits).await;
        }
        let batch = answer.and_then(crate::ask::Answer::into_batch);
        let batch = batch.map_err(|error| ToolError::new(error.to_string()))?;
        rows::rows(&batch).map_err(|error| ToolError::new(error.to_string()))
    }
}

/// A catalog without one of the files that come with the program.
pub(super) fn broken(error: &AnalyzeError) -> ToolError {
    ToolError::new(error.to_string())
}

fn make_ask(catalog: Arc<Catalog>, memory_bytes: usize) -> MakeAsk {
    Box::new(move |lake: &Lake| {
        let catalog = Arc::clone(&catalog);
        let views: LoadViews = Box::new(move || Ok(catalog.shared_views()?));
        let options = AskOptions {
            memory_bytes,
            max_spill_bytes: MAX_SPILL_BYTES,
            views,
            ..AskOptions::default()
        };
        AskLake::new(lake, options)
    })
}
