//! A lake that can be asked.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;

use super::answer::{Answer, AnswerStream, QueryLimits};
use super::error::AskError;
use super::session::{self, SessionSettings};
use super::spill::SpillFolder;
use super::tables::LakeTables;
use super::views::{LoadViews, View, Views};
use super::wrong_query::wrong_query;
use crate::load::Lake;

/// Operators may take the memory divided by this before they spill. The rest is for what the engine
/// does not count: readers, snapshots, what expressions make, what a sort takes while it merges.
const OPERATORS_DIVISOR: usize = 2;

/// How a lake is asked.
pub struct AskOptions {
    /// Memory in bytes by which queries may make the process grow. Operators spill to disk before
    /// they reach it; a query that reaches it all the same is stopped.
    pub memory_bytes: usize,
    /// Folder for spilled data; the system's temporary folder when `None`.
    pub spill_directory: Option<PathBuf>,
    /// Most bytes to spill.
    pub max_spill_bytes: u64,
    /// Partitions that a query is split into; the number of cores when `None`.
    pub target_partitions: Option<usize>,
    /// The views beside the tables.
    pub views: LoadViews,
}

impl Default for AskOptions {
    /// 2 GiB of memory, 100 GiB of spilled data, no views.
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            spill_directory: None,
            max_spill_bytes: 100 << 30,
            target_partitions: None,
            views: Box::new(|| Ok(Vec::new())),
        }
    }
}

/// A lake that can be asked in SQL. See the [module](super).
pub struct AskLake {
    lake: Option<Lake>,
    views: Arc<Views>,
    engine: SessionState,
    /// What all tables and views look like; a view is planned once for all that read it.
    shapes: Arc<LakeTables>,
    memory_bytes: usize,
    /// Removed with all that was spilled when the lake is no longer asked.
    _spill: Option<SpillFolder>,
}

impl AskLake {
    /// Makes the tables and views of `lake` known. Opens none of them.
    ///
    /// # Errors
    /// The query engine cannot be set up.
    pub fn new(lake: &Lake, options: AskOptions) -> Result<Self, AskError> {
        Self::over(Some(lake.clone()), options)
    }

    /// A lake in which every table is empty, to learn what queries and views are about.
    ///
    /// # Errors
    /// The query engine cannot be set up.
    pub fn empty(options: AskOptions) -> Result<Self, AskError> {
        Self::over(None, options)
    }

    fn over(lake: Option<Lake>, options: AskOptions) -> Result<Self, AskError> {
        let spill = SpillFolder::create(options.spill_directory.as_deref());
        let settings = SessionSettings {
            memory_bytes: options.memory_bytes / OPERATORS_DIVISOR,
            spill_directory: spill.as_ref().map(|folder| folder.path().to_owned()),
            max_spill_bytes: options.max_spill_bytes,
            target_partitions: options.target_partitions,
        };
        let views = Arc::new(Views::new(options.views));
        let engine = session::state(&settings).map_err(AskError::Engine)?;
        Ok(Self {
            lake,
            shapes: LakeTables::shapes(&views, &engine),
            views,
            engine,
            memory_bytes: options.memory_bytes,
            _spill: spill,
        })
    }

    /// The whole answer to a query, within `limits`. A query names its parameters `$name`.
    ///
    /// # Errors
    /// The query is wrong, would change something, needs too much memory or takes too long.
    pub async fn query(
        &self,
        sql: &str,
        parameters: &[(&str, ScalarValue)],
        limits: &QueryLimits,
    ) -> Result<Answer, AskError> {
        self.stream(sql, parameters, limits).await?.collect().await
    }

    /// The answer to a query batch by batch, within `limits`.
    ///
    /// # Errors
    /// As [`AskLake::query`]; what goes wrong later comes with the batches.
    pub async fn stream(
        &self,
        sql: &str,
        parameters: &[(&str, ScalarValue)],
        limits: &QueryLimits,
    ) -> Result<AnswerStream, AskError> {
        let session = self.session()?;
        AnswerStream::start(session, sql, parameters, limits, self.memory_bytes).await
    }

    /// The number of rows of a table; no file is opened for it.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn count(&self, table: &str) -> Result<u64, AskError> {
        let failed = |error| AskError::while_running(error, self.memory_bytes);
        let rows = self.session()?.table(table).await.map_err(failed)?;
        Ok(rows.count().await.map_err(failed)? as u64)
    }

    /// A session in which every table and view has its name, for callers that plan themselves. Each
    /// is opened at its first use, in its newest version, and stays at that version. The session
    /// bounds the memory of operators and nothing else.
    ///
    /// # Errors
    /// The query engine cannot be set up.
    pub fn session(&self) -> Result<SessionContext, AskError> {
        LakeTables::new(self.lake.as_ref(), &self.views, &self.engine)
            .session()
            .map_err(AskError::Engine)
    }

    /// The columns of a table or view, as its contract or its SQL says; the lake is not asked.
    ///
    /// # Errors
    /// There is none of that name, or its SQL is wrong.
    pub async fn schema(&self, name: &str) -> Result<SchemaRef, AskError> {
        let session = self.shapes.session().map_err(AskError::Engine)?;
        let rows = session.table(TableReference::bare(name)).await;
        let rows = rows.map_err(|error| wrong_query(&session, error))?;
        Ok(Arc::clone(rows.schema().inner()))
    }

    /// The views beside the tables, by name.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn views(&self) -> Result<impl Iterator<Item = &View>, AskError> {
        Ok(self.views.all()?.values())
    }
}
