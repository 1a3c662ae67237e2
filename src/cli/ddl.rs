//! Statements that make a lake known to Spark SQL and Databricks.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::error::CliError;
use crate::analyze::{Catalog, Relation};
use crate::ask::Definition;
use crate::publish::export::constants::view_of_constants;
use crate::publish::export::namespace::literal;
use crate::schema;

/// The place of the tables where no lake is named.
const NO_LAKE: &str = "<lake>";

/// A script: each table at its place in the lake, then each view after those that it reads.
///
/// # Errors
/// A reference table cannot be read.
pub(super) fn spark(lake: Option<&str>, catalog: &Catalog) -> Result<String, CliError> {
    let lake = lake.unwrap_or(NO_LAKE).trim_end_matches('/');
    let mut script = String::new();
    // Writing to a String cannot fail.
    for table in schema::tables() {
        let place = format!("{lake}/{}", table.name);
        let _ = writeln!(
            script,
            "CREATE TABLE IF NOT EXISTS {} USING DELTA LOCATION {};",
            table.name,
            literal(&place)
        );
    }
    for view in catalog.shared_views()? {
        if let Definition::Rows(rows) = &view.definition {
            let _ = write!(script, "\n{}", view_of_constants(&view.name, rows)?);
        }
    }
    for view in in_order(catalog) {
        let _ = write!(
            script,
            "\nCREATE OR REPLACE VIEW {} COMMENT {} AS\n{};\n",
            view.id,
            literal(&view.description),
            view.query.standalone_sql().trim_end()
        );
    }
    Ok(script)
}

/// The views, each after those that it reads.
fn in_order(catalog: &Catalog) -> Vec<&Relation> {
    let mut open: Vec<&Relation> = catalog.views().collect();
    let mut ordered = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waiting: BTreeSet<&str> = open.iter().map(|view| view.id.as_str()).collect();
        let is_ready = |view: &Relation| {
            !view
                .query
                .reads
                .iter()
                .any(|read| waiting.contains(read.as_str()))
        };
        let (ready, rest): (Vec<&Relation>, Vec<&Relation>) =
            open.iter().partition(|view| is_ready(view));
        // Views that read each other cannot be created.
        if ready.is_empty() {
            break;
        }
        ordered.extend(ready);
        open = rest;
    }
    ordered
}
