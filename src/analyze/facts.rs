//! The tables of the lake as a run sees them: only the rows of its scope. A small table that several
//! steps read is read once and held in memory, with the columns that some step names, so that dozens
//! of queries neither plan the same restriction nor open the same files again. A large one stays where
//! it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::DFSchema;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use super::narrow::Names;
use super::scope::Scope;
use crate::ask::for_whole_files;
use crate::model::milliseconds;

/// Most bytes of one table in memory.
const MAX_TABLE_BYTES: usize = 64 << 20;

/// Most bytes of all tables of a run in memory.
const MAX_BYTES: usize = 256 << 20;

/// Bytes that a value takes at least, to estimate a table by its number of rows.
const VALUE_BYTES: usize = 4;

/// From how many readers on a table is worth holding.
const MIN_READERS: usize = 2;

/// Gives the tables of a run.
pub(super) struct Facts {
    lake: SessionContext,
    scope: Scope,
    max_table_bytes: usize,
    free_bytes: AtomicUsize,
}

/// A table of the lake, restricted to the scope.
pub(super) struct Fact {
    /// Its rows.
    pub provider: Arc<dyn TableProvider>,
    /// Whether it is too large to be held in memory.
    pub is_large: bool,
}

impl Facts {
    pub(super) fn new(lake: &SessionContext, scope: &Scope) -> Self {
        Self {
            lake: lake.clone(),
            scope: scope.clone(),
            max_table_bytes: MAX_TABLE_BYTES,
            free_bytes: AtomicUsize::new(MAX_BYTES),
        }
    }

    /// The rows of `table` in the scope, for that many readers. A table that is held has the columns
    /// that are among `names`, all where that is `None`.
    pub(super) async fn table(
        &self,
        table: &str,
        readers: usize,
        names: Option<&Names>,
    ) -> Result<Fact, DataFusionError> {
        let begin = Instant::now();
        let view = self.scope.restrict(&self.lake, table).await?;
        let held = if readers < MIN_READERS {
            None
        } else {
            self.read(Arc::clone(&view), names).await?
        };
        let is_large = readers >= MIN_READERS && held.is_none();
        let elapsed_ms = milliseconds(begin.elapsed());
        tracing::debug!(table, readers, is_large, elapsed_ms, "table opened");
        let provider = match held {
            Some((schema, batches)) => in_memory(schema, batches)?,
            None => match self.scope.of_whole_days(&self.lake, table).await? {
                Some(rows) if is_large => rows,
                _ => view,
            },
        };
        Ok(Fact { provider, is_large })
    }

    /// All rows of `view` with the named columns; `None` where they take more memory than they may.
    async fn read(
        &self,
        view: Arc<dyn TableProvider>,
        names: Option<&Names>,
    ) -> Result<Option<(SchemaRef, Vec<RecordBatch>)>, DataFusionError> {
        let indices = names.and_then(|names| names.indices(&view.schema()));
        let mut rows = for_whole_files(&self.lake).read_table(view)?;
        if let Some(indices) = indices {
            let columns = rows.schema().columns();
            let named = indices.into_iter().filter_map(|index| columns.get(index));
            let named: Vec<Expr> = named.cloned().map(Expr::Column).collect();
            rows = rows.select(named)?;
        }
        let context = Arc::new(rows.task_ctx());
        let plan = rows.create_physical_plan().await?;
        if estimated_bytes(plan.as_ref()) > self.max_table_bytes {
            return Ok(None);
        }
        let mut stream = execute_stream(plan, context)?;
        let schema = stream.schema();
        let mut batches = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = stream.try_next().await? {
            bytes += batch.get_array_memory_size();
            if bytes > self.max_table_bytes {
                return Ok(None);
            }
            batches.push(batch);
        }
        let taken = self
            .free_bytes
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                free.checked_sub(bytes)
            });
        Ok(taken.is_ok().then_some((schema, batches)))
    }
}

/// A table of these rows. One without rows is known to be empty when a query is planned, which then
/// leaves out all that hangs on it.
pub(super) fn in_memory(
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    if batches.iter().any(|batch| batch.num_rows() > 0) {
        return Ok(Arc::new(MemTable::try_new(schema, vec![batches])?));
    }
    let empty = LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::new(DFSchema::try_from(schema)?),
    });
    Ok(Arc::new(ViewTable::new(empty, None)))
}

/// The bytes that the files of a plan make in memory, by their number of rows; 0 where it is not
/// known.
fn estimated_bytes(plan: &dyn ExecutionPlan) -> usize {
    let children = plan.children();
    if !children.is_empty() {
        let children = children.into_iter().map(AsRef::as_ref);
        return children.map(estimated_bytes).max().unwrap_or(0);
    }
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
    let rows = statistics.map_or(0, |known| known.num_rows.get_value().copied().unwrap_or(0));
    rows.saturating_mul(plan.schema().fields().len())
        .saturating_mul(VALUE_BYTES)
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    /// A lake with a table `numbers` of 0 … `count`.
    fn lake(count: i64) -> SessionContext {
        let lake = SessionContext::new();
        let numbers = Int64Array::from_iter_values(0..count);
        let rows = RecordBatch::try_from_iter([("number", Arc::new(numbers) as _)]);
        lake.register_batch("numbers", rows.expect("a batch"))
            .expect("registered");
        lake
    }

    async fn sum(lake: &SessionContext, fact: Fact) -> Option<i64> {
        lake.register_table("fact", fact.provider)
            .expect("registered");
        let rows = lake.sql("SELECT SUM(number) FROM fact").await;
        let rows = rows.expect("a plan").collect().await.expect("an answer");
        let sums = rows.first()?.column(0).as_primitive::<Int64Type>();
        sums.iter().next().flatten()
    }

    #[tokio::test]
    async fn a_small_table_with_several_readers_is_held_and_a_large_one_is_read_where_it_is() {
        for (readers, max_table_bytes, is_held, is_large) in [
            (2, 1 << 20, true, false),
            (2, 100, false, true),
            (1, 1 << 20, false, false),
        ] {
            let lake = lake(1000);
            // A view, as every restricted table is.
            let view = lake
                .sql("SELECT number FROM numbers WHERE number < 900")
                .await;
            let view = view.expect("a plan").into_view();
            lake.deregister_table("numbers").expect("gone");
            lake.register_table("numbers", view).expect("registered");
            let facts = Facts {
                max_table_bytes,
                ..Facts::new(&lake, &Scope::All)
            };
            let fact = facts
                .table("numbers", readers, None)
                .await
                .expect("a table");
            let provider: &dyn std::any::Any = fact.provider.as_ref();
            assert_eq!(provider.is::<MemTable>(), is_held, "{readers} readers");
            assert_eq!(fact.is_large, is_large, "{readers} readers");
            assert_eq!(sum(&lake, fact).await, Some(900 * 899 / 2));
        }
    }

    #[tokio::test]
    async fn all_tables_together_are_bounded() {
        let lake = lake(1000);
        let facts = Facts::new(&lake, &Scope::All);
        facts.free_bytes.store(12_000, Ordering::Relaxed);
        let first = facts.table("numbers", 2, None).await.expect("a table");
        let second = facts.table("numbers", 2, None).await.expect("a table");
        assert_eq!((first.is_large, second.is_large), (false, true));
        assert_eq!(sum(&lake, second).await, Some(1000 * 999 / 2));
    }

    #[tokio::test]
    async fn an_empty_table_is_known_to_be_empty_when_a_query_is_planned() {
        let lake = lake(0);
        let facts = Facts::new(&lake, &Scope::All);
        let fact = facts.table("numbers", 2, None).await.expect("a table");
        lake.register_table("fact", fact.provider)
            .expect("registered");
        let rows = lake
            .sql("SELECT 2 * number FROM fact WHERE number > 1")
            .await;
        let plan = rows.expect("a plan").into_optimized_plan().expect("a plan");
        assert!(matches!(plan, LogicalPlan::EmptyRelation(_)), "{plan}");
    }
}
