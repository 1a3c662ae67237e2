//! A page to ask the lake in SQL.

use std::time::Duration;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Deserialize;

use crate::analyze::Catalog;
use crate::ask::{Answer, AskLake, QueryLimits};
use crate::model::{printable, shortened};
use crate::publish::numbers::counted;
use crate::publish::page::{Block, Field, Form, Link, Page, Section, Table};
use crate::publish::report::Questions;
use crate::schema;

/// Bounds of a query: what a page can show.
const LIMITS: QueryLimits = QueryLimits {
    max_rows: Some(500),
    max_bytes: Some(8 << 20),
    timeout: Some(Duration::from_secs(60)),
};
/// Longest value that is shown, in characters.
const LONGEST_VALUE: usize = 300;
/// Longest query, in bytes.
const LONGEST_QUERY: usize = 100_000;
/// A query to begin with.
const EXAMPLE: &str = "SELECT application_name, severity, title, evidence, recommendation\n\
                       FROM finding_details\nORDER BY lost_core_ms DESC NULLS LAST\nLIMIT 20";

/// What is asked; all of it is in the URL.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SqlQuery {
    query: String,
}

/// The page with the answer, or with what is wrong.
pub(super) async fn page(questions: &Questions<'_>, asked: &SqlQuery) -> Page {
    let given = asked.query.trim();
    let form = Form {
        action: "/sql",
        fields: vec![Field::Code {
            name: "query",
            label: "SELECT statement; queries only read",
            value: if given.is_empty() { EXAMPLE } else { given }.to_owned(),
        }],
    };
    let mut section = Section::new("query", "SQL").with(Block::Form(form));
    if !given.is_empty() {
        section = section.with(answer(questions.ask, given).await);
    }
    Page {
        title: "SQL".to_owned(),
        sections: vec![section, views(questions.catalog), tables()],
        ..Page::default()
    }
}

async fn answer(ask: &AskLake, query: &str) -> Block {
    if query.len() > LONGEST_QUERY {
        return Block::Text(format!(
            "The query is longer than {LONGEST_QUERY} bytes; use `sparklake sql`."
        ));
    }
    match ask.query(query, &[], &LIMITS).await {
        Ok(answer) => rows(&answer).unwrap_or_else(|error| Block::Text(error.to_string())),
        Err(error) => Block::Code {
            caption: "The query gave no answer".to_owned(),
            text: error.to_string(),
        },
    }
}

fn rows(answer: &Answer) -> Result<Block, arrow::error::ArrowError> {
    let num_rows = answer.num_rows();
    let caption = counted(i64::try_from(num_rows).unwrap_or(i64::MAX), "row", "rows");
    let caption = match answer.truncated {
        true => format!("The first {caption}; there are more"),
        false => caption,
    };
    let mut table = Table {
        caption,
        ..Table::default()
    };
    for field in answer.schema.fields() {
        table.column(&printable(field.name()), field.data_type().is_numeric());
    }
    let options = FormatOptions::default().with_null("");
    for batch in &answer.batches {
        let columns = batch.columns().iter();
        let columns: Vec<ArrayFormatter<'_>> = columns
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayFormatter<'_>| {
                Ok(shortened(
                    &printable(&column.value(row).try_to_string()?),
                    LONGEST_VALUE,
                ))
            };
            let cells: Result<Vec<String>, arrow::error::ArrowError> =
                columns.iter().map(cell).collect();
            table.add_row(cells?);
        }
    }
    Ok(table
        .block()
        .unwrap_or_else(|| Block::Text("No row.".to_owned())))
}

/// What can be asked without a join.
fn views(catalog: &Catalog) -> Section {
    let consumer = catalog.views().filter_map(|view| {
        let contract = view.contract.as_ref()?;
        Some((
            view.id.as_str(),
            contract.grain.as_str(),
            view.description.as_str(),
        ))
    });
    let about = "Begin here: all about the thing in the name, without a join";
    Section::new("views", "Views").with_some(listed("View", about, consumer).block())
}

/// What the views are made of.
fn tables() -> Section {
    let tables = schema::tables().iter();
    let tables = tables.map(|table| {
        (
            table.name.as_str(),
            table.grain.as_str(),
            table.description.as_str(),
        )
    });
    let about = "What the views are made of; a click shows the first rows";
    Section::new("tables", "Tables").with_some(listed("Table", about, tables).block())
}

fn listed<'a>(
    kind: &'static str,
    caption: &str,
    relations: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> Table {
    let mut table = Table::new(caption, &[kind, "One row per", "~What it holds"]);
    for (name, grain, description) in relations {
        let grain = grain.trim_start_matches("one row per ");
        table.row("", [name, grain, description].map(str::to_owned));
        let query = format!("SELECT * FROM {name} LIMIT 20");
        table.link(0, Link::to("/sql").with("query", query));
    }
    table
}
