//! Answers within limits.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::error::AskError;
use super::session::plan_read_only;
use super::watch::{QueryWatch, Reached};
use super::wrong_query::wrong_query;

/// Batches that wait for the reader.
const WAITING_BATCHES: usize = 2;

/// How much of an answer a query may bring, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// Most rows; the rest of the answer is cut off.
    pub max_rows: Option<usize>,
    /// Most bytes of the rows in memory; the batch that passes it is the last.
    pub max_bytes: Option<usize>,
    /// Longest time from planning to the last row.
    pub timeout: Option<Duration>,
}

impl QueryLimits {
    /// Five minutes: longer than a question takes, shorter than people wait.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
}

impl Default for QueryLimits {
    /// All rows, within [`QueryLimits::DEFAULT_TIMEOUT`].
    fn default() -> Self {
        Self {
            max_rows: None,
            max_bytes: None,
            timeout: Some(Self::DEFAULT_TIMEOUT),
        }
    }
}

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// Whether there were more rows than the limits allow.
    pub truncated: bool,
}

impl Answer {
    /// The number of rows.
    pub fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// All rows as one batch.
    ///
    /// # Errors
    /// A text column holds more than 2 GiB.
    pub fn into_batch(self) -> Result<RecordBatch, AskError> {
        concat_batches(&self.schema, &self.batches).map_err(|error| AskError::Failed(error.into()))
    }
}

/// The answer to a query, batch by batch. The query runs in a task of its own, so that time and
/// memory can be watched even while an operator is busy; it ends when this is dropped.
#[derive(Debug)]
pub struct AnswerStream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, DataFusionError>>,
    task: JoinHandle<()>,
    bounds: Bounds,
    rows_left: Option<usize>,
    bytes_left: Option<usize>,
    truncated: bool,
}

/// What ends a query early.
#[derive(Debug)]
struct Bounds {
    watch: QueryWatch,
    timeout: Duration,
    memory_bytes: usize,
}

impl AnswerStream {
    pub(super) async fn start(
        session: SessionContext,
        sql: &str,
        parameters: &[(&str, ScalarValue)],
        limits: &QueryLimits,
        memory_bytes: usize,
    ) -> Result<Self, AskError> {
        let watch = QueryWatch::start(limits.timeout, memory_bytes);
        let mut bounds = Bounds {
            watch: watch.map_err(|error| AskError::Failed(DataFusionError::IoError(error)))?,
            timeout: limits.timeout.unwrap_or_default(),
            memory_bytes,
        };
        let parameters: Vec<(String, ScalarValue)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let (sql, max_rows) = (sql.to_owned(), limits.max_rows);
        let mut planning = tokio::spawn(async move {
            let query = plan(&session, &sql, parameters).await?;
            at_most(query, max_rows)
                .map_err(|error| wrong_query(&session, error))?
                .execute_stream()
                .await
                .map_err(|error| AskError::while_running(error, memory_bytes))
        });
        let stream = tokio::select! {
            planned = &mut planning => planned
                .map_err(|error| AskError::Failed(DataFusionError::ExecutionJoin(Box::new(error))))??,
            stopped = bounds.reached() => {
                planning.abort();
                return Err(stopped);
            }
        };
        let schema = stream.schema();
        let (sender, batches) = mpsc::channel(WAITING_BATCHES);
        Ok(Self {
            schema,
            batches,
            task: tokio::spawn(send_all(stream, sender)),
            bounds,
            rows_left: limits.max_rows,
            bytes_left: limits.max_bytes,
            truncated: false,
        })
    }

    /// The columns of the answer.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// The query fails, needs too much memory or takes too long.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, AskError> {
        if self.truncated {
            return Ok(None);
        }
        let Some(batch) = self.receive().await? else {
            return Ok(None);
        };
        if self.bytes_left == Some(0) {
            self.truncated = true;
            return Ok(None);
        }
        let rows = self.rows_left.unwrap_or(usize::MAX);
        self.truncated = batch.num_rows() > rows;
        let batch = batch.slice(0, batch.num_rows().min(rows));
        self.rows_left = self.rows_left.map(|left| left - batch.num_rows());
        self.bytes_left = self
            .bytes_left
            .map(|left| left.saturating_sub(batch.get_array_memory_size()));
        Ok(Some(batch))
    }

    /// Whether rows were cut off; known when [`AnswerStream::next`] has given `None`.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// All the rows.
    ///
    /// # Errors
    /// As [`AnswerStream::next`].
    pub async fn collect(mut self) -> Result<Answer, AskError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(Answer {
            schema: self.schema(),
            batches,
            truncated: self.truncated,
        })
    }

    async fn receive(&mut self) -> Result<Option<RecordBatch>, AskError> {
        let received = tokio::select! {
            received = self.batches.recv() => received,
            stopped = self.bounds.reached() => return Err(stopped),
        };
        match received {
            Some(batch) => batch
                .map(Some)
                .map_err(|error| AskError::while_running(error, self.bounds.memory_bytes)),
            // The task has ended: with the last batch, or by a panic.
            None => (&mut self.task)
                .await
                .map(|()| None)
                .map_err(|error| AskError::Failed(DataFusionError::ExecutionJoin(Box::new(error)))),
        }
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bounds {
    /// Returns when the query must end.
    async fn reached(&mut self) -> AskError {
        match self.watch.reached().await {
            Reached::Time => AskError::TooLong {
                limit: self.timeout,
            },
            Reached::Memory(grown_bytes) => AskError::TooMuchMemory {
                limit_bytes: self.memory_bytes,
                reason: format!("the process has grown by {} MiB", grown_bytes >> 20),
            },
        }
    }
}

async fn plan(
    session: &SessionContext,
    sql: &str,
    parameters: Vec<(String, ScalarValue)>,
) -> Result<DataFrame, AskError> {
    let wrong = |error| wrong_query(session, error);
    let query = plan_read_only(session, sql).await.map_err(wrong)?;
    if parameters.is_empty() {
        return Ok(query);
    }
    query.with_param_values(parameters).map_err(wrong)
}

/// One row more than may be told, so that a cut can be seen.
fn at_most(query: DataFrame, rows: Option<usize>) -> Result<DataFrame, DataFusionError> {
    match (query.logical_plan(), rows) {
        // A plan's description is never long, and must be the root.
        (LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_), _)
        | (_, None) => Ok(query),
        (_, Some(rows)) => query.limit(0, Some(rows.saturating_add(1))),
    }
}

async fn send_all(
    mut stream: SendableRecordBatchStream,
    sender: mpsc::Sender<Result<RecordBatch, DataFusionError>>,
) {
    while let Some(batch) = stream.next().await {
        let is_last = batch.is_err();
        if sender.send(batch).await.is_err() || is_last {
            return;
        }
    }
}
