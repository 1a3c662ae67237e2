//! The lake as the commands see it: opened from the settings, and asked in SQL.
//!
//! This is the one place of the command line that knows how the load and analysis steps are called.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTableError;
use uuid::Uuid;

use super::Context;
use super::error::CliError;
use crate::analyze::session::{self, SessionSettings};
use crate::analyze::{AnalyzeError, Catalog, Overrides, ParameterValue};
use crate::config::{RulesSettings, Scalar, nearest};
use crate::load::{Lake, LoadError, MaintainOptions, TableMaintenance};
use crate::schema;

/// Opens the lake that the settings name.
///
/// # Errors
/// None is named, or there is none; `example` is a line that would work.
pub(super) async fn open(context: &Context, example: &str) -> Result<Lake, CliError> {
    let lake = &context.settings.lake;
    let Some(uri) = &lake.uri else {
        return Err(CliError::Usage(format!(
            "no lake is given; add --lake, for example: {example}"
        )));
    };
    let options = lake.storage_options.resolve(&context.environment)?;
    Ok(Lake::open(uri, options).await?)
}

/// A lake that can be asked in SQL.
pub(super) struct Queries {
    session: SessionContext,
}

impl Queries {
    /// Makes every table of `lake` known by its name. A table is opened when a query names it.
    pub(super) fn of(lake: &Lake) -> Result<Self, CliError> {
        let session = session::session(&SessionSettings::default())?;
        let config = session.copied_config();
        let names = &config.options().catalog;
        let tables = Arc::new(LakeTables { lake: lake.clone() });
        let registered = session
            .catalog(&names.default_catalog)
            .map(|catalog| catalog.register_schema(&names.default_schema, tables));
        match registered {
            Some(Ok(_)) => Ok(Self { session }),
            Some(Err(error)) => Err(CliError::Execution(error)),
            None => Err(CliError::Execution(DataFusionError::Internal(
                "the session has no catalog".to_owned(),
            ))),
        }
    }

    /// Plans a query that may only read, and begins to run it.
    ///
    /// # Errors
    /// The query is wrong, or would change something.
    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, CliError> {
        let query = session::plan_read_only(&self.session, sql)
            .await
            .map_err(|error| wrong_query(&error))?;
        query.execute_stream().await.map_err(CliError::Execution)
    }

    /// The whole answer of a query that is known to be short.
    pub(super) async fn answer(&self, sql: &str) -> Result<RecordBatch, CliError> {
        let stream = self.stream(sql).await?;
        let schema = stream.schema();
        let batches = datafusion::physical_plan::common::collect(stream)
            .await
            .map_err(CliError::Execution)?;
        Ok(concat_batches(&schema, &batches)?)
    }

    /// The number of rows of a table of the contract.
    pub(super) async fn count(&self, table: &str) -> Result<u64, CliError> {
        let query = self
            .session
            .table(table)
            .await
            .map_err(CliError::Execution)?;
        let rows = query.count().await.map_err(CliError::Execution)?;
        Ok(rows as u64)
    }
}

/// All tables of the contract, as they are in a lake. One that the lake does not have yet, because
/// it was made by an older version, is empty.
struct LakeTables {
    lake: Lake,
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
        schema::table(name).is_some()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some(contract) = schema::table(name) else {
            return Ok(None);
        };
        match self.lake.table(name).await {
            Ok(table) => Ok(Some(table.table_provider().await?)),
            Err(LoadError::Delta { source, .. })
                if matches!(*source, DeltaTableError::NotATable(_)) =>
            {
                Ok(Some(Arc::new(EmptyTable::new(contract.arrow_schema()))))
            }
            Err(error) => Err(DataFusionError::External(Box::new(error))),
        }
    }
}

/// Says what is wrong with a query in our words, where we know more than the query engine.
fn wrong_query(error: &DataFusionError) -> CliError {
    let root = error.find_root();
    if matches!(
        root,
        DataFusionError::External(_) | DataFusionError::ObjectStore(_)
    ) {
        return CliError::Query(root.strip_backtrace());
    }
    let told = root.strip_backtrace();
    if let Some(name) = table_not_found(&told) {
        return CliError::Query(no_such_table(name));
    }
    let told = told
        .trim_start_matches("Error during planning: ")
        .trim_start_matches("Schema error: ")
        .trim_start_matches("SQL error: ")
        .trim_end_matches('.');
    CliError::Query(format!("the query cannot be run: {told}"))
}

fn table_not_found(told: &str) -> Option<&str> {
    let name = told.split_once("table '")?.1.split_once("' not found")?.0;
    Some(name.rsplit('.').next().unwrap_or(name))
}

/// Completes what an earlier run left, and maintains the tables.
pub(super) async fn maintain(
    lake: &Lake,
    options: &MaintainOptions,
) -> Result<Vec<TableMaintenance>, LoadError> {
    let lock = lake
        .acquire(&format!("maintain-{}", Uuid::now_v7()))
        .await?;
    let done = async {
        if !options.dry_run {
            lake.recover(&lock).await?;
        }
        lake.maintain(&lock, options).await
    }
    .await;
    lock.release().await;
    done
}

/// The sentence about a table that there is not.
pub(super) fn no_such_table(name: &str) -> String {
    let known = schema::tables().iter().map(|table| table.name.as_str());
    let offer = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    format!("there is no table `{name}`; {offer}`sparklake tables` lists them all")
}

/// The built-in rules, joined by the user's folder; with and without the job file's parameters.
pub(super) struct Rules {
    /// As the files have them.
    pub(super) as_written: Catalog,
    /// As they are run.
    pub(super) as_run: Catalog,
}

impl Rules {
    /// # Errors
    /// A file or setting is wrong.
    pub(super) fn of(settings: &RulesSettings) -> Result<Self, AnalyzeError> {
        let as_written = match &settings.dir {
            Some(folder) => Catalog::with_folder(folder)?,
            None => Catalog::built_in()?,
        };
        let mut as_run = as_written.clone();
        as_run.apply(&overrides(settings))?;
        Ok(Self { as_written, as_run })
    }
}

/// What the settings change about the rules.
pub(super) fn overrides(settings: &RulesSettings) -> Overrides {
    let value = |scalar: &Scalar| match scalar {
        Scalar::Boolean(value) => ParameterValue::Boolean(*value),
        Scalar::Integer(value) => ParameterValue::Bigint(*value),
        Scalar::Float(value) => ParameterValue::Double(*value),
        Scalar::Text(value) => ParameterValue::String(value.clone()),
    };
    let parameters = settings.parameters.iter().map(|(rule, values)| {
        let values = values
            .iter()
            .map(|(name, scalar)| (name.clone(), value(scalar)));
        (rule.clone(), values.collect())
    });
    Overrides {
        disabled: settings.disabled.clone(),
        parameters: parameters.collect(),
    }
}
