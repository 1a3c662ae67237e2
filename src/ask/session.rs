//! Sessions of the query engine: bounded memory that spills, Spark's order of NULLs, and a
//! read-only door for users' SQL.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::TrackConsumersPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};

use super::cooperative::CooperativeJoins;
use super::dialect;
use super::memory::SharedMemory;

/// How many memory users an out-of-memory message names.
const NAMED_MEMORY_USERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Part of the memory that one expression may make of one batch.
const BATCH_SHARE: usize = 8;

/// The bounds of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Memory that the operators of all queries may take together, in bytes; beyond it they spill
    /// to disk or fail. Parquet readers and table snapshots are not counted: leave a third of the
    /// machine to them.
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

/// What a sort reserves for the merge of what it spilled, in bytes.
const SORT_RESERVATION: usize = 1 << 20;

/// A session with these bounds and no tables yet.
///
/// # Errors
/// The spill folder cannot be made, or a function cannot be registered.
pub fn session(settings: &SessionSettings) -> Result<SessionContext, DataFusionError> {
    Ok(SessionContext::new_with_state(state(settings)?))
}

/// A session with the functions, settings and bounds of `other`, and none of its tables.
pub fn same_engine(other: &SessionState) -> SessionContext {
    let names = &other.config_options().catalog;
    let catalog = MemoryCatalogProvider::new();
    // Neither of the two can hold anything yet, so that nothing is replaced.
    let schema = Arc::new(MemorySchemaProvider::new());
    let _ = catalog.register_schema(&names.default_schema, schema);
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(names.default_catalog.clone(), Arc::new(catalog));
    let state = SessionStateBuilder::new_from_existing(other.clone())
        .with_catalog_list(Arc::new(catalogs))
        .build();
    SessionContext::new_with_state(state)
}

/// Optimizer rules that pay for themselves over large tables only.
const RULES_FOR_LARGE_TABLES: [&str; 8] = [
    "common_sub_expression_eliminate",
    "eliminate_group_by_constant",
    "extract_leaf_expressions",
    "filter_null_join_keys",
    "optimize_unions",
    "push_down_leaf_projections",
    "single_distinct_aggregation_to_group_by",
    "unions_to_filter",
];

/// The rules for physical plans that make a plan run at all: ways to join, sorted inputs.
const NEEDED_PHYSICAL_RULES: [&str; 3] =
    ["OutputRequirements", "join_selection", "EnsureRequirements"];

/// The session for many queries over small tables side by side: they gain nothing from being split
/// or from being improved more than once, and planning is most of their time.
pub fn for_small_tables(session: &SessionContext) -> SessionContext {
    let state = session.state();
    let mut rules = state.optimizers().to_vec();
    rules.retain(|rule| !RULES_FOR_LARGE_TABLES.contains(&rule.name()));
    let mut physical = state.physical_optimizers().to_vec();
    physical.retain(|rule| NEEDED_PHYSICAL_RULES.contains(&rule.name()));
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_optimizer_rules(rules)
        .with_physical_optimizer_rules(physical)
        .build();
    let options = state.config_mut().options_mut();
    options.execution.target_partitions = 1;
    options.optimizer.max_passes = 1;
    SessionContext::new_with_state(state)
}

/// The session for one pass over whole files: what a join knows of the rows that it wants is not looked
/// for in each of them.
pub fn for_whole_files(session: &SessionContext) -> SessionContext {
    let mut state = session.state();
    let options = state.config_mut().options_mut();
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    SessionContext::new_with_state(state)
}

pub(super) fn state(settings: &SessionSettings) -> Result<SessionState, DataFusionError> {
    let pool =
        TrackConsumersPool::new(SharedMemory::new(settings.memory_bytes), NAMED_MEMORY_USERS);
    let mut runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_max_temp_directory_size(settings.max_spill_bytes);
    if let Some(folder) = &settings.spill_directory {
        runtime = runtime.with_temp_file_path(folder);
    }
    let mut state = SessionStateBuilder::new()
        .with_config(config(settings))
        .with_runtime_env(runtime.build_arc()?)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(CooperativeJoins))
        .build();
    dialect::register(&mut state)?;
    dialect::bound(&mut state, (settings.memory_bytes / BATCH_SHARE) as u64)?;
    Ok(state)
}

fn config(settings: &SessionSettings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        // Spark's order: NULL is smaller than every value, so it comes last in descending order.
        .set_str("datafusion.sql_parser.default_null_ordering", "nulls_min")
        // Each sort that waits for rows holds this much, whatever it sorts. With the default of 10 MiB
        // two hundred sorts at once, as those of all rules, leave nothing of the pool, and one fails.
        .with_sort_spill_reservation_bytes(SORT_RESERVATION)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        // Columns carry their comments. The two sides of a UNION differ in them, which the check
        // takes for a bug of the planner.
        .set_bool(
            "datafusion.execution.skip_physical_aggregate_schema_check",
            true,
        )
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
    let plan = dialect::logical_plan(ctx, sql).await?;
    read_only.verify_plan(&plan)?;
    ctx.execute_logical_plan(plan).await
}
