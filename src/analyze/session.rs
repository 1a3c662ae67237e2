//! Sessions of the query engine: bounded memory that spills, and a read-only door for users' SQL.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::StreamExt;

use super::error::AnalyzeError;

/// How many memory users an out-of-memory message names.
const NAMED_MEMORY_USERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// The bounds of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Memory that queries may take together, in bytes; beyond it they spill to disk or fail.
    /// Parquet readers and table snapshots are not counted: leave a third of the machine to them.
    pub memory_bytes: usize,
    /// Folder for spilled data; the system's temporary folder when `None`.
    pub spill_directory: Option<PathBuf>,
    /// Most bytes to spill.
    pub max_spill_bytes: u64,
    /// Partitions that a query is split into; the number of cores when `None`.
    pub target_partitions: Option<usize>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            spill_directory: None,
            max_spill_bytes: 100 << 30,
            target_partitions: None,
        }
    }
}

/// A session with these bounds and no tables yet.
///
/// # Errors
/// The spill folder cannot be made.
pub fn session(settings: &SessionSettings) -> Result<SessionContext, AnalyzeError> {
    let pool = TrackConsumersPool::new(
        FairSpillPool::new(settings.memory_bytes),
        NAMED_MEMORY_USERS,
    );
    let mut runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_max_temp_directory_size(settings.max_spill_bytes);
    if let Some(folder) = &settings.spill_directory {
        runtime = runtime.with_temp_file_path(folder);
    }
    let runtime = runtime
        .build_arc()
        .map_err(|source| AnalyzeError::Session(Box::new(source)))?;
    let ctx = SessionContext::new_with_config_rt(config(settings), runtime);
    register_functions(&ctx);
    Ok(ctx)
}

/// Functions of Spark's that the rules call and DataFusion has under no name.
pub(super) fn register_functions(ctx: &SessionContext) {
    ctx.register_udf(
        datafusion_spark::function::datetime::unix_millis()
            .as_ref()
            .clone(),
    );
}

fn config(settings: &SessionSettings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        // Delta scans give partition columns as dictionaries, which the list form of this
        // pushdown does not take.
        .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_size", 0)
        .set_usize(
            "datafusion.optimizer.hash_join_inlist_pushdown_max_distinct_values",
            0,
        );
    if let Some(partitions) = settings.target_partitions {
        config = config.with_target_partitions(partitions);
    }
    config
}

/// Plans one statement that may only read: no DDL, no DML, no `COPY`, no `SET`.
///
/// # Errors
/// The statement is wrong or would change something.
pub async fn plan_read_only(ctx: &SessionContext, sql: &str) -> Result<DataFrame, DataFusionError> {
    let read_only = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    ctx.sql_with_options(sql, read_only).await
}

/// How much of an answer a user's query may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Most rows; the rest of the answer is cut off.
    pub max_rows: usize,
    /// Most bytes of the rows in memory; the batch that passes it is the last.
    pub max_bytes: usize,
    /// Longest run time.
    pub timeout: Duration,
}

/// The answer to a user's query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// Whether there were more rows than the limits allow.
    pub truncated: bool,
}

/// Runs a user's query, reading only and within `limits`.
///
/// # Errors
/// The query is wrong, would change something, needs too much memory or takes too long.
pub async fn answer(
    ctx: &SessionContext,
    sql: &str,
    limits: AnswerLimits,
) -> Result<Answer, DataFusionError> {
    let rows = async {
        let query = plan_read_only(ctx, sql).await?;
        read_at_most(query, limits).await
    };
    tokio::time::timeout(limits.timeout, rows)
        .await
        .unwrap_or_else(|_| {
            let seconds = limits.timeout.as_secs_f64();
            Err(DataFusionError::Execution(format!(
                "the query took longer than {seconds} s"
            )))
        })
}

async fn read_at_most(query: DataFrame, limits: AnswerLimits) -> Result<Answer, DataFusionError> {
    let mut stream = query
        .limit(0, Some(limits.max_rows.saturating_add(1)))?
        .execute_stream()
        .await?;
    let schema = stream.schema();
    let mut batches = Vec::new();
    let mut left = limits.max_rows;
    let mut bytes = 0_usize;
    let mut truncated = false;
    while let Some(batch) = stream.next().await.transpose()? {
        truncated |= batch.num_rows() > left;
        let taken = batch.num_rows().min(left);
        batches.push(batch.slice(0, taken));
        left -= taken;
        bytes = bytes.saturating_add(batch.get_array_memory_size());
        if bytes > limits.max_bytes {
            truncated |= stream.next().await.transpose()?.is_some();
            break;
        }
    }
    Ok(Answer {
        schema,
        batches,
        truncated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: AnswerLimits = AnswerLimits {
        max_rows: 3,
        max_bytes: 1 << 20,
        timeout: Duration::from_secs(20),
    };

    fn context() -> SessionContext {
        session(&SessionSettings::default()).expect("session")
    }

    #[tokio::test]
    async fn a_long_answer_is_cut_and_says_so() {
        let ctx = context();
        let long = answer(&ctx, "SELECT * FROM range(10)", LIMITS)
            .await
            .expect("answer");
        assert_eq!((rows(&long), long.truncated), (3, true));
        let exact = answer(&ctx, "SELECT * FROM range(3)", LIMITS)
            .await
            .expect("answer");
        assert_eq!((rows(&exact), exact.truncated), (3, false));
        let wide = AnswerLimits {
            max_rows: 1_000_000,
            max_bytes: 100_000,
            ..LIMITS
        };
        let many = answer(&ctx, "SELECT * FROM range(1000000)", wide)
            .await
            .expect("answer");
        assert!(
            many.truncated && rows(&many) < 100_000,
            "{} rows",
            rows(&many)
        );
    }

    fn rows(answer: &Answer) -> usize {
        answer.batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[tokio::test]
    async fn nothing_that_writes_or_sets_is_planned() {
        let ctx = context();
        for sql in [
            "CREATE TABLE t AS SELECT 1",
            "COPY (SELECT 1) TO '/tmp/should_not_exist.csv'",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "SET datafusion.runtime.memory_limit = '10G'",
            "INSERT INTO t VALUES (1)",
            "DROP TABLE IF EXISTS t",
        ] {
            plan_read_only(&ctx, sql).await.expect_err(sql);
        }
        plan_read_only(&ctx, "SELECT * FROM '/etc/passwd'")
            .await
            .expect_err("a file");
    }

    #[tokio::test]
    async fn a_query_that_takes_too_long_is_stopped() {
        let limits = AnswerLimits {
            timeout: Duration::from_millis(50),
            ..LIMITS
        };
        let endless = "SELECT count(*) FROM range(100000000) a, range(100000) b \
                       WHERE a.value * b.value % 7 = 9";
        let error = answer(&context(), endless, limits)
            .await
            .expect_err("too long");
        assert!(error.to_string().contains("longer than 0.05 s"), "{error}");
    }
}
