//! The functions of the dialect.

use std::collections::HashSet;

use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;

/// Adds JSON functions and operators (`json_get`, `->`, `->>`), and those functions of Spark's
/// whose name DataFusion does not have. Functions that both have stay DataFusion's.
///
/// # Errors
/// A function cannot be registered.
pub(in crate::ask) fn register(state: &mut SessionState) -> Result<(), DataFusionError> {
    let scalar: HashSet<String> = state.scalar_functions().keys().cloned().collect();
    for function in datafusion_spark::all_default_scalar_functions() {
        if is_new(&scalar, function.name(), function.aliases()) {
            state.register_udf(function)?;
        }
    }
    let aggregate: HashSet<String> = state.aggregate_functions().keys().cloned().collect();
    for function in datafusion_spark::all_default_aggregate_functions() {
        if is_new(&aggregate, function.name(), function.aliases()) {
            state.register_udaf(function)?;
        }
    }
    datafusion_functions_json::register_all(state)
}

fn is_new(known: &HashSet<String>, name: &str, aliases: &[String]) -> bool {
    !known.contains(name) && !aliases.iter().any(|alias| known.contains(alias))
}
