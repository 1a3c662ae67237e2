//! What is wrong with a user's query, in our words where we know more than the query engine.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::error::CliError;
use crate::model::nearest;
use crate::schema;

/// Columns that are listed when none is like the one that was asked for.
const LISTED_COLUMNS: usize = 12;

/// The sentence about a query that cannot be planned.
pub(super) fn wrong_query(error: &DataFusionError) -> CliError {
    if let Some(name) = missing_table(error) {
        return CliError::Query(no_such_table(&name));
    }
    let told = match error.find_root() {
        DataFusionError::SchemaError(problem, _) => match problem.as_ref() {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let known: Vec<&str> = valid_fields.iter().map(|field| field.name()).collect();
                return CliError::Query(no_such_column(field.name(), &known));
            }
            other => other.to_string(),
        },
        DataFusionError::SQL(problem, _) => match problem.as_ref() {
            ParserError::ParserError(told) | ParserError::TokenizerError(told) => told.clone(),
            ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
        },
        DataFusionError::Plan(told) => told.clone(),
        DataFusionError::NotImplemented(told) => told.clone(),
        other => other.strip_backtrace(),
    };
    CliError::Query(in_our_words(&told))
}

fn in_our_words(told: &str) -> String {
    let changes = [
        "DDL not supported",
        "DML not supported",
        "Statement not supported",
    ];
    if changes.iter().any(|change| told.starts_with(change)) {
        return "the query would change something; `sparklake sql` only reads: write a SELECT"
            .to_owned();
    }
    if told.contains("only supports a single SQL statement") {
        return "there is more than one statement; give one at a time".to_owned();
    }
    let told = told.trim_end_matches('.');
    format!("the query cannot be run: {told}; `sparklake describe TABLE` tells a table's columns")
}

/// The name of the table for lack of which a query could not be planned.
pub(super) fn missing_table(error: &DataFusionError) -> Option<String> {
    let DataFusionError::Plan(told) = error.find_root() else {
        return None;
    };
    let name = told.strip_prefix("table '")?.split_once("' not found")?.0;
    Some(name.rsplit('.').next().unwrap_or(name).to_owned())
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

fn no_such_column(name: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("there is no column `{name}`; did you mean `{near}`?");
    }
    let listed: Vec<&str> = known.iter().take(LISTED_COLUMNS).copied().collect();
    let more = if known.len() > LISTED_COLUMNS {
        ", …"
    } else {
        ""
    };
    format!(
        "there is no column `{name}`; here are {}{more} (`sparklake describe TABLE` tells them all)",
        listed.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::analyze::session::plan_read_only;

    async fn told(sql: &str) -> String {
        let session = SessionContext::new();
        let error = plan_read_only(&session, sql).await.expect_err(sql);
        wrong_query(&error).to_string()
    }

    #[tokio::test]
    async fn each_mistake_is_told_with_what_to_do() {
        assert_eq!(
            told("SELECT * FROM stagse").await,
            "there is no table `stagse`; did you mean `stages`? `sparklake tables` lists them all"
        );
        assert_eq!(
            told("SELECT durations FROM (SELECT 1 AS duration, 2 AS other)").await,
            "there is no column `durations`; did you mean `duration`?"
        );
        assert_eq!(
            told("SELECT 1; SELECT 2").await,
            "there is more than one statement; give one at a time"
        );
        assert_eq!(
            told("CREATE TABLE t AS SELECT 1").await,
            "the query would change something; `sparklake sql` only reads: write a SELECT"
        );
        let told = told("SELEC 1").await;
        assert!(
            told.starts_with("the query cannot be run: Expected"),
            "{told}"
        );
    }
}
