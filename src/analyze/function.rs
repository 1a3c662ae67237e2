//! SQL functions that other engines get: Unity Catalog's and Spark's.

use std::fmt::Write;

use serde::Serialize;

use super::definition::{Query, without_header};
use super::placeholders;

/// A SQL function over the lake's tables, in Spark SQL. It is not run here.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Function {
    /// Its name, equal to the file's.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What it answers, for the model or person that chooses it.
    pub description: String,
    /// What it returns: a type, or TABLE with columns.
    pub returns: String,
    /// The query that answers it; its parameters are the function's.
    pub query: Query,
}

impl Function {
    /// The statement that creates it.
    pub fn create_statement(&self) -> String {
        let parameters = self.query.parameters.iter().map(|parameter| {
            let kind = parameter.data_type.to_string().to_uppercase();
            let about = text(&parameter.description);
            format!("{} {kind} COMMENT {about}", parameter.name)
        });
        let parameters: Vec<String> = parameters.collect();
        // A bare name could be a column's.
        let qualified = |name: &str| Some(format!("{}.{name}", self.id));
        let body = placeholders::to_literals(without_header(&self.query.statement), qualified);
        let (open, close) = match self.returns.starts_with("TABLE") {
            true => ("\n", ""),
            false => (" (\n", "\n)"),
        };
        let mut statement = String::new();
        // Writing to a text cannot fail.
        let _ = write!(
            statement,
            "CREATE OR REPLACE FUNCTION {}({})\nRETURNS {}\nCOMMENT {}\nRETURN{open}{}{close};\n",
            self.id,
            parameters.join(", "),
            self.returns,
            text(&self.description),
            body.trim_end(),
        );
        statement
    }
}

/// A text literal of Spark, in which a backslash escapes.
fn text(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{value}'")
}
