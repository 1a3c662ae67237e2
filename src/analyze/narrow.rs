//! The tables that a query reads, with those of their columns that its text names.
//!
//! A table has up to a hundred columns and a query reads ten of them, but the engine carries all of
//! them through a plan before it drops the others: most of the time of planning.

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::facts::in_memory;
use crate::ask::same_engine;

/// The columns that a query may name.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// All words of a text, in lower case.
    pub(super) fn of(text: &str) -> Self {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let words = text.split(|letter| !is_part(letter));
        let words = words.filter(|word| !word.is_empty());
        Self(words.map(str::to_lowercase).collect())
    }

    /// These names too.
    pub(super) fn with<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter();
        self.0
            .extend(names.map(|name| name.as_ref().to_lowercase()));
        self
    }

    /// All of these and of those.
    pub(super) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Indices of the named columns; `None` where that is all of them.
    pub(super) fn indices(&self, schema: &SchemaRef) -> Option<Vec<usize>> {
        let fields = schema.fields().iter().enumerate();
        let named = fields.filter(|(_, field)| self.0.contains(&field.name().to_lowercase()));
        let named: Vec<usize> = named.map(|(index, _)| index).collect();
        (named.len() < schema.fields().len()).then_some(named)
    }
}

/// A session that has these tables and no others, with the named columns and no others; all columns
/// where `names` is `None`. Only tables that are held in memory are narrowed: a scan of files reads no
/// more columns than it has to.
///
/// # Errors
/// A table is not there.
pub(super) async fn narrowed(
    session: &SessionContext,
    tables: &[String],
    names: Option<&Names>,
) -> Result<SessionContext, DataFusionError> {
    let own = same_engine(&session.state());
    for table in tables {
        let provider = session.table_provider(table.as_str()).await?;
        let narrow = match names {
            Some(names) => narrow(provider.as_ref(), names).await?,
            None => None,
        };
        own.register_table(table.as_str(), narrow.unwrap_or(provider))?;
    }
    Ok(own)
}

async fn narrow(
    provider: &dyn TableProvider,
    names: &Names,
) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
    let Some(indices) = names.indices(&provider.schema()) else {
        return Ok(None);
    };
    let Some(batches) = held(provider).await else {
        return Ok(None);
    };
    let schema = Arc::new(provider.schema().project(&indices)?);
    let batches = batches.iter().map(|batch| batch.project(&indices));
    let batches = batches.collect::<Result<Vec<RecordBatch>, _>>()?;
    Ok(Some(in_memory(schema, batches)?))
}

/// The rows of a table that is held in memory.
async fn held(provider: &dyn TableProvider) -> Option<Vec<RecordBatch>> {
    let any: &dyn Any = provider;
    if let Some(table) = any.downcast_ref::<MemTable>() {
        let mut batches = Vec::new();
        for partition in &table.batches {
            batches.extend(partition.read().await.iter().cloned());
        }
        return Some(batches);
    }
    let view = any.downcast_ref::<ViewTable>()?;
    matches!(view.logical_plan(), LogicalPlan::EmptyRelation(_)).then(Vec::new)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};
    use datafusion::prelude::Column;

    use super::*;

    fn numbers(count: i64) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        let columns = ["number", "other", "third"].map(|name| (name, Arc::clone(&numbers)));
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    #[tokio::test]
    async fn a_query_sees_the_columns_that_its_text_names() {
        let session = SessionContext::new();
        for (name, rows) in [("many", numbers(3)), ("none", numbers(0))] {
            let table = in_memory(rows.schema(), vec![rows]).expect("a table");
            session.register_table(name, table).expect("registered");
        }
        let tables = ["many".to_owned(), "none".to_owned()];
        let names = Names::of("SELECT m.Number FROM many AS m").with(["third"]);
        let own = narrowed(&session, &tables, Some(&names)).await;
        let own = own.expect("tables");
        for (table, rows) in [("many", 3), ("none", 0)] {
            let answer = own.sql(&format!("SELECT * FROM {table}")).await;
            let answer = answer.expect("a plan");
            let columns = answer.schema().columns();
            let columns: Vec<&str> = columns.iter().map(Column::name).collect();
            assert_eq!(columns, ["number", "third"], "{table}");
            assert_eq!(answer.count().await.expect("an answer"), rows, "{table}");
        }
    }

    #[tokio::test]
    async fn rows_without_a_named_column_are_counted_all_the_same() {
        let session = SessionContext::new();
        let rows = numbers(3);
        let table = in_memory(rows.schema(), vec![rows]).expect("a table");
        session.register_table("many", table).expect("registered");
        let text = "SELECT COUNT(*) AS rows FROM many";
        let names = Names::of(text);
        let own = narrowed(&session, &["many".to_owned()], Some(&names)).await;
        let answer = own.expect("tables").sql("SELECT 1 FROM many").await;
        let count = answer.expect("a plan").count().await.expect("an answer");
        assert_eq!(count, 3);
    }
}
