//! What is wrong with a user's query, in our words where we know more than the query engine.

use std::collections::BTreeSet;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::parser::ParserError;

use super::error::{AskError, take_own};
use crate::model::nearest;
use crate::schema::{self, TableKind};

/// Columns that are listed when none is like the one that was asked for.
const LISTED_COLUMNS: usize = 12;

/// The error for a query that `session` could not plan.
pub fn wrong_query(session: &SessionContext, error: DataFusionError) -> AskError {
    let error = match take_own(error) {
        Ok(own) => return own,
        Err(error) => error,
    };
    AskError::Query(sentence(session, &error))
}

fn sentence(session: &SessionContext, error: &DataFusionError) -> String {
    let reason = match error.find_root() {
        DataFusionError::SchemaError(problem, _) => match problem.as_ref() {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => return no_such_column(field, valid_fields),
            SchemaError::AmbiguousReference { field } => return ambiguous(field),
            other => other.to_string(),
        },
        DataFusionError::SQL(problem, _) => return syntax(problem),
        DataFusionError::Plan(reason) | DataFusionError::NotImplemented(reason) => reason.clone(),
        other => other.strip_backtrace(),
    };
    if let Some(reference) = missing_table(&reason) {
        return missing(session, reference);
    }
    if let Some(function) = between(&reason, "Invalid function '", "'") {
        return no_such_function(session, function);
    }
    let changes = ["DDL", "DML", "Statement"].map(|kind| format!("{kind} not supported"));
    if changes.iter().any(|change| reason.starts_with(change)) {
        return "the query would change something, and `sparklake sql` only reads; write a SELECT"
            .to_owned();
    }
    if reason.contains("only supports a single SQL statement") {
        return "there is more than one statement; give one at a time".to_owned();
    }
    let reason = one_line(&reason);
    format!("the query cannot be run: {reason}; `sparklake describe TABLE` lists a table's columns")
}

fn syntax(problem: &ParserError) -> String {
    let reason = match problem {
        ParserError::ParserError(reason) | ParserError::TokenizerError(reason) => one_line(reason),
        ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
    };
    format!("the query cannot be read: {reason}; the dialect is Spark's, run by DataFusion")
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ").trim_end_matches('.').to_owned()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

fn missing_table(reason: &str) -> Option<&str> {
    Some(reason.strip_prefix("table '")?.split_once("' not found")?.0)
}

/// `reference` is `catalog.schema.table`.
fn missing(session: &SessionContext, reference: &str) -> String {
    let config = session.copied_config();
    let names = &config.options().catalog;
    let own = format!("{}.{}.", names.default_catalog, names.default_schema);
    if let Some(name) = reference.strip_prefix(&own) {
        let known = session
            .catalog(&names.default_catalog)
            .and_then(|catalog| catalog.schema(&names.default_schema))
            .map_or_else(Vec::new, |schema| schema.table_names());
        return no_such_table(name, known.iter().map(String::as_str));
    }
    let name = reference.rsplit('.').next().unwrap_or(reference);
    format!("a lake has no catalogs or schemas: write `{name}` instead of `{reference}`")
}

/// The sentence about a table that does not exist; `known` are the views and tables that do.
pub fn no_such_table<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known = known.into_iter().filter(|known| *known != name);
    let offer = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    format!("there is no table `{name}`; {offer}`sparklake tables` lists them all")
}

fn ambiguous(field: &Column) -> String {
    let name = &field.name;
    format!(
        "several tables of the query have a column `{name}`; write the table or its alias before \
         it, as in `t.{name}`"
    )
}

fn no_such_column(field: &Column, known: &[Column]) -> String {
    let name = &field.name;
    let relation = field
        .relation
        .as_ref()
        .map(datafusion::common::TableReference::table);
    let tables: BTreeSet<&str> = known.iter().filter_map(table_of).collect();
    if let Some(relation) = relation
        && !known
            .iter()
            .any(|column| table_of(column) == Some(relation))
        && !tables.is_empty()
    {
        let tables: Vec<&str> = tables.into_iter().collect();
        return format!(
            "`{relation}.{name}`: the query reads no table or alias `{relation}` here; it reads {}",
            tables.join(", ")
        );
    }
    let candidates: Vec<&Column> = known
        .iter()
        .filter(|column| relation.is_none() || table_of(column) == relation)
        .collect();
    let place = match relation {
        Some(relation) => format!(" in `{relation}`"),
        None => in_tables(&tables),
    };
    let names = candidates.iter().map(|column| column.name.as_str());
    if let Some(near) = nearest(name, names.filter(|known| known != name)) {
        let owner = candidates
            .iter()
            .find(|column| column.name == near)
            .and_then(|column| table_of(column));
        let near = match owner {
            Some(owner) if tables.len() > 1 => format!("{owner}.{near}"),
            _ => near.to_owned(),
        };
        return format!("there is no column `{name}`{place}; did you mean `{near}`?");
    }
    if let Some(owner) = elsewhere(name, &tables) {
        return format!(
            "there is no column `{name}`{place}; the table `{owner}` has one (join it on platform, \
             cluster_id, application_id, attempt_id)"
        );
    }
    let listed: Vec<&str> = candidates
        .iter()
        .take(LISTED_COLUMNS)
        .map(|column| column.name.as_str())
        .collect();
    let more = if candidates.len() > LISTED_COLUMNS {
        ", …"
    } else {
        ""
    };
    format!(
        "there is no column `{name}`{place}, which has {}{more} (`sparklake describe TABLE` lists \
         all columns)",
        listed.join(", ")
    )
}

fn table_of(column: &Column) -> Option<&str> {
    column
        .relation
        .as_ref()
        .map(datafusion::common::TableReference::table)
}

fn in_tables(tables: &BTreeSet<&str>) -> String {
    let tables: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
    match tables.as_slice() {
        [] => String::new(),
        tables => format!(" in {}", tables.join(" or ")),
    }
}

/// A table of the contract, not read by the query, that has the column: where it comes from, rather
/// than a derived table that repeats it.
fn elsewhere(column: &str, read: &BTreeSet<&str>) -> Option<&'static str> {
    schema::tables()
        .iter()
        .filter(|table| table.column(column).is_some() && !read.contains(table.name.as_str()))
        .min_by_key(|table| table.kind != TableKind::Fact)
        .map(|table| table.name.as_str())
}

fn no_such_function(session: &SessionContext, name: &str) -> String {
    let state = session.state();
    let known: BTreeSet<String> = state
        .udfs()
        .into_iter()
        .chain(state.udafs())
        .chain(state.udwfs())
        .filter(|known| known != name)
        .collect();
    let offer = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    format!(
        "there is no function `{name}`; {offer}The functions are those of Spark and DataFusion: \
         https://datafusion.apache.org/user-guide/sql/"
    )
}
