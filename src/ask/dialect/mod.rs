//! The dialect that lakes are asked in: Spark SQL as far as DataFusion can run it.
//!
//! - [`functions`] are DataFusion's, Spark's where DataFusion has none of the name, and JSON's.
//! - [`words`] translates Spark's names that are an expression of DataFusion's.
//! - [`using`] resolves `JOIN … USING` over more than two tables.
//! - NULL is the smallest value, as in Spark (see the session's settings).
//!
//! Names and operators that both have mean what they mean in DataFusion, where rules are tested to
//! give the same rows in both engines.

mod bounded;
mod functions;
mod length;
mod using;
mod words;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Statement as SqlStatement,
};

pub(super) use bounded::bound;
pub(super) use functions::register;
use using::Columns;

/// Plans one statement of the dialect.
///
/// # Errors
/// It is wrong.
pub(super) async fn logical_plan(
    session: &SessionContext,
    sql: &str,
) -> Result<LogicalPlan, DataFusionError> {
    let plan = plan(session, sql, &mut Columns::new()).await?;
    json_as_text(session, plan)
}

async fn plan(
    session: &SessionContext,
    sql: &str,
    known: &mut Columns,
) -> Result<LogicalPlan, DataFusionError> {
    length::check(sql)?;
    let state = session.state();
    let dialect = state.config_options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(sql, &dialect)?;
    if let Some(sql) = sql_statement(&mut statement) {
        words::translate(sql);
    }
    using::resolve(session, &mut statement, known).await?;
    state.statement_to_plan(statement).await
}

/// The SQL inside a statement; `None` for DataFusion's own statements, which only write.
fn sql_statement(statement: &mut Statement) -> Option<&mut SqlStatement> {
    match statement {
        Statement::Statement(sql) => Some(sql),
        Statement::Explain(explain) => sql_statement(&mut explain.statement),
        _ => None,
    }
}

/// JSON values that are answered as such become text: no format can show them.
fn json_as_text(
    session: &SessionContext,
    plan: LogicalPlan,
) -> Result<LogicalPlan, DataFusionError> {
    let fields = plan.schema().fields();
    let is_json = |data_type: &DataType| matches!(data_type, DataType::Union(..));
    if !fields.iter().any(|field| is_json(field.data_type())) {
        return Ok(plan);
    }
    let to_text = session.udf("json_union_to_text")?;
    let columns = plan.schema().columns().into_iter().zip(fields.iter());
    let columns: Vec<_> = columns
        .map(|(column, field)| {
            let name = column.name.clone();
            let relation = column.relation.clone();
            let value = datafusion::logical_expr::Expr::Column(column);
            match is_json(field.data_type()) {
                true => to_text.call(vec![value]).alias_qualified(relation, name),
                false => value,
            }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// A call of a function.
fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let argument = |value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(argument).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
