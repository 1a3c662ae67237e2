//! A lake that can be asked in SQL: every table of the contract, and every view of the rules, by
//! its name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SessionContext};
use deltalake::DeltaTableError;

use super::catalog::Rules;
use super::error::CliError;
use super::query_error::{missing_table, wrong_query};
use crate::analyze::Query;
use crate::analyze::session::{self, SessionSettings};
use crate::config::RulesSettings;
use crate::load::{Lake, LoadError};
use crate::model::SettingValue;
use crate::schema;

/// A lake that can be asked in SQL.
pub(super) struct Queries<'r> {
    session: SessionContext,
    tables: Arc<LakeTables>,
    rules: &'r RulesSettings,
}

impl<'r> Queries<'r> {
    /// Makes the tables of `lake` and the views of `rules` known. Each is opened when a query names
    /// it.
    ///
    /// # Errors
    /// The query engine cannot be set up.
    pub(super) fn of(lake: &Lake, rules: &'r RulesSettings) -> Result<Self, CliError> {
        let session = session::session(&SessionSettings::default())?;
        let tables = Arc::new(LakeTables {
            lake: lake.clone(),
            views: Mutex::default(),
        });
        let config = session.copied_config();
        let names = &config.options().catalog;
        let schema = Arc::clone(&tables) as Arc<dyn SchemaProvider>;
        session
            .catalog(&names.default_catalog)
            .ok_or_else(|| DataFusionError::Internal("the session has no catalog".to_owned()))
            .and_then(|catalog| catalog.register_schema(&names.default_schema, schema))
            .map_err(CliError::Execution)?;
        Ok(Self {
            session,
            tables,
            rules,
        })
    }

    /// Plans a query that may only read, and begins to run it.
    ///
    /// # Errors
    /// The query is wrong, or would change something.
    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, CliError> {
        let query = self.plan(sql).await?;
        query.execute_stream().await.map_err(CliError::Execution)
    }

    /// The whole answer of a query that is known to be short.
    ///
    /// # Errors
    /// As [`Queries::stream`], and what goes wrong on the way.
    pub(super) async fn answer(&self, sql: &str) -> Result<RecordBatch, CliError> {
        let stream = self.stream(sql).await?;
        let schema = stream.schema();
        let batches = datafusion::physical_plan::common::collect(stream)
            .await
            .map_err(CliError::Execution)?;
        Ok(concat_batches(&schema, &batches)?)
    }

    /// The number of rows of a table of the contract.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(super) async fn count(&self, table: &str) -> Result<u64, CliError> {
        let query = self.session.table(table).await;
        let query = query.map_err(CliError::Execution)?;
        let rows = query.count().await.map_err(CliError::Execution)?;
        Ok(rows as u64)
    }

    /// Plans a query. Views are planned when one is found missing: most queries need none, and the
    /// rules' files need not be read for them.
    async fn plan(&self, sql: &str) -> Result<DataFrame, CliError> {
        loop {
            let error = match session::plan_read_only(&self.session, sql).await {
                Ok(query) => return Ok(query),
                Err(error) => error,
            };
            match missing_table(&error) {
                Some(name) if self.add_view(&name).await? => {}
                _ => return Err(wrong_query(&error)),
            }
        }
    }

    /// Makes a view or a reference table of the rules known; false when there is none of that name.
    async fn add_view(&self, name: &str) -> Result<bool, CliError> {
        let catalog = Rules::of(self.rules)?.as_run;
        if let Some(rows) = catalog.reference_rows(name)? {
            let table = MemTable::try_new(rows.schema(), vec![vec![rows]]);
            let table = table.map_err(CliError::Execution)?;
            self.tables.add_view(name, Arc::new(table));
            return Ok(true);
        }
        let Some(view) = catalog.views().find(|view| view.id == name) else {
            return Ok(false);
        };
        // A view may read other views.
        let rows = Box::pin(self.plan(&view.query.sql)).await?;
        let rows = with_parameters(rows, &view.query).map_err(CliError::Execution)?;
        self.tables.add_view(name, rows.into_view());
        Ok(true)
    }
}

fn with_parameters(rows: DataFrame, query: &Query) -> Result<DataFrame, DataFusionError> {
    if query.parameters.is_empty() {
        return Ok(rows);
    }
    let value = |value: &SettingValue| match value {
        SettingValue::Boolean(value) => ScalarValue::from(*value),
        SettingValue::Integer(value) => ScalarValue::from(*value),
        SettingValue::Double(value) => ScalarValue::from(*value),
        SettingValue::Text(value) => ScalarValue::from(value.as_str()),
    };
    let parameters = query.parameters.iter();
    let values: Vec<(String, ScalarValue)> = parameters
        .map(|parameter| (parameter.name.clone(), value(&parameter.value)))
        .collect();
    rows.with_param_values(values)
}

/// All tables of the contract, as they are in a lake, and the views that were asked for.
struct LakeTables {
    lake: Lake,
    views: Mutex<HashMap<String, Arc<dyn TableProvider>>>,
}

impl LakeTables {
    fn add_view(&self, name: &str, view: Arc<dyn TableProvider>) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.insert(name.to_owned(), view);
    }

    fn view(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.get(name).cloned()
    }
}

impl std::fmt::Debug for LakeTables {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "tables of {}", self.lake.uri())
    }
}

#[async_trait]
impl SchemaProvider for LakeTables {
    fn table_names(&self) -> Vec<String> {
        let tables = schema::tables().iter();
        tables.map(|table| table.name.clone()).collect()
    }

    fn table_exist(&self, name: &str) -> bool {
        schema::table(name).is_some() || self.view(name).is_some()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(contract) = schema::table(name) else {
            return Ok(self.view(name));
        };
        match self.lake.table(name).await {
            Ok(table) => Ok(Some(table.table_provider().await?)),
            // The lake was made by an older version, which did not know the table.
            Err(LoadError::Delta { source, .. })
                if matches!(*source, DeltaTableError::NotATable(_)) =>
            {
                Ok(Some(Arc::new(EmptyTable::new(contract.arrow_schema()))))
            }
            Err(error) => Err(DataFusionError::External(Box::new(error))),
        }
    }
}
