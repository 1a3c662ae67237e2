//! The names that one query can use: every table of the contract and every view. Each is opened
//! when the query first names it, and stays the same until the query ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionContext;
use tokio::sync::OnceCell;

use super::error::AskError;
use super::session::{plan_read_only, same_engine};
use super::views::{Definition, View, Views};
use crate::load::Lake;
use crate::schema;

type Opened = Arc<OnceCell<Arc<dyn TableProvider>>>;

/// The tables and views of a lake as one query sees them.
pub(super) struct LakeTables {
    /// Views are planned over the same tables.
    itself: Weak<Self>,
    /// Without a lake all tables are empty.
    lake: Option<Lake>,
    views: Arc<Views>,
    engine: SessionState,
    /// A view is a table without rows too: plans over views do not grow with what those read.
    shapes_only: bool,
    opened: Mutex<HashMap<String, Opened>>,
}

impl LakeTables {
    pub(super) fn new(lake: Option<&Lake>, views: &Arc<Views>, engine: &SessionState) -> Arc<Self> {
        Self::of(lake, views, engine, false)
    }

    /// Tables and views without rows, to learn their columns.
    pub(super) fn shapes(views: &Arc<Views>, engine: &SessionState) -> Arc<Self> {
        Self::of(None, views, engine, true)
    }

    fn of(
        lake: Option<&Lake>,
        views: &Arc<Views>,
        engine: &SessionState,
        shapes_only: bool,
    ) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            lake: lake.cloned(),
            views: Arc::clone(views),
            engine: engine.clone(),
            shapes_only,
            opened: Mutex::default(),
        })
    }

    /// A session over these tables.
    ///
    /// # Errors
    /// The engine has no catalog, which does not happen.
    pub(super) fn session(self: &Arc<Self>) -> Result<SessionContext, DataFusionError> {
        let session = same_engine(&self.engine);
        let config = session.copied_config();
        let names = &config.options().catalog;
        let schema = Arc::clone(self) as Arc<dyn SchemaProvider>;
        session
            .catalog(&names.default_catalog)
            .ok_or_else(|| DataFusionError::Internal("the session has no catalog".to_owned()))?
            .register_schema(&names.default_schema, schema)?;
        Ok(session)
    }

    fn cell(&self, name: &str) -> Opened {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(opened.entry(name.to_owned()).or_default())
    }

    async fn open_table(
        &self,
        contract: &'static schema::Table,
    ) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let table = match &self.lake {
            Some(lake) => lake
                .newest_table(&contract.name)
                .await
                .map_err(|error| DataFusionError::External(Box::new(error)))?,
            None => None,
        };
        match table {
            Some(table) => Ok(table.table_provider().await?),
            // An older version, which did not know the table, made the lake.
            None => Ok(Arc::new(EmptyTable::new(contract.arrow_schema()))),
        }
    }

    async fn plan_view(&self, view: &View) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let (sql, parameters) = match &view.definition {
            Definition::Rows(rows) => {
                let table = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?;
                return Ok(Arc::new(table));
            }
            Definition::Query {
                sql, parameters, ..
            } => (sql, parameters),
        };
        let itself = self
            .itself
            .upgrade()
            .ok_or_else(|| DataFusionError::Internal("the query has ended".to_owned()))?;
        let mut rows = plan_read_only(&itself.session()?, sql).await?;
        if !parameters.is_empty() {
            rows = rows.with_param_values(parameters.clone())?;
        }
        if self.shapes_only {
            let columns = Arc::clone(rows.schema().inner());
            return Ok(Arc::new(EmptyTable::new(columns)));
        }
        Ok(rows.into_view())
    }
}

impl std::fmt::Debug for LakeTables {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lake = self.lake.as_ref().map_or("no lake", |lake| lake.uri());
        write!(formatter, "tables of {lake}")
    }
}

#[async_trait]
impl SchemaProvider for LakeTables {
    fn table_names(&self) -> Vec<String> {
        let tables = schema::tables().iter().map(|table| table.name.clone());
        let views = self.views.all().into_iter().flat_map(|views| views.keys());
        tables.chain(views.cloned()).collect()
    }

    fn table_exist(&self, name: &str) -> bool {
        schema::table(name).is_some() || matches!(self.views.find(name), Ok(Some(_)))
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if let Some(contract) = schema::table(name) {
            let cell = self.cell(name);
            let opened = cell.get_or_try_init(|| self.open_table(contract)).await?;
            return Ok(Some(Arc::clone(opened)));
        }
        let external = |error: AskError| DataFusionError::External(Box::new(error));
        let Some(view) = self.views.find(name).map_err(external)? else {
            return Ok(None);
        };
        let cell = self.cell(name);
        let opened = cell.get_or_try_init(|| self.plan_view(view)).await?;
        Ok(Some(Arc::clone(opened)))
    }
}
