//! The tool `query`: SQL over the lake, and the columns to write it with.

use std::fmt::Write;

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use super::arguments::{Arguments, ToolError};
use super::engine::Engine;
use super::reply::{FULL_BYTES, SUMMARY_BYTES};
use super::rows::{cut_text, on_one_line, tuples};
use super::tools::QUERY;
use crate::ask::{AskLake, QueryLimits, no_such_table};
use crate::publish::numbers::counted;
use crate::schema;
use crate::schema::dictionary::type_name;

/// Rows of an answer unless asked otherwise.
const DEFAULT_ROWS: i64 = 100;
/// Most bytes of rows in memory.
const MAX_BYTES: usize = 4 << 20;
/// Longest text of a cell, in characters, in a summary and else.
const CELL_SUMMARY: usize = 400;
const CELL_FULL: usize = 8_000;

/// What errors advise in the words of the command line, and the same in those of the tools: a model that
/// reads them has no command line.
const IN_TOOL_WORDS: [(&str, &str); 5] = [
    ("`sparklake sql` only reads", "this tool only reads"),
    (
        "`sparklake describe TABLE` lists",
        "`describe` with its name lists",
    ),
    (
        "`sparklake tables` lists them all",
        "`describe` with `all` lists them",
    ),
    (", or raise the limit with --timeout", ""),
    (", or raise the limit with --memory", ""),
];

fn in_tool_words(error: &str) -> String {
    let words = IN_TOOL_WORDS.iter();
    words.fold(error.to_owned(), |text, (command, tool)| {
        text.replace(command, tool)
    })
}

impl Engine {
    /// # Errors
    /// The query is wrong, would change something, takes too long or needs too much memory.
    pub(super) async fn query(
        &self,
        given: Option<&Map<String, Value>>,
    ) -> Result<CallToolResult, ToolError> {
        let arguments = Arguments::parse(&QUERY, given)?;
        let Some(lake) = self.lake() else {
            return Err(ToolError::new(
                "this server was started without a lake (--lake), so there is nothing to ask in SQL",
            ));
        };
        match (arguments.text("sql"), arguments.text("describe")) {
            (Some(sql), _) => self.run_sql(lake, &sql, &arguments).await,
            (None, Some(name)) => self.describe(lake, &name, arguments.full).await,
            (None, None) => Err(ToolError::new(
                "give `sql`, or `describe` with the name of a table (or `all`) for what can be asked",
            )),
        }
    }

    async fn run_sql(
        &self,
        lake: &AskLake,
        sql: &str,
        arguments: &Arguments,
    ) -> Result<CallToolResult, ToolError> {
        let rows = arguments.whole("limit").unwrap_or(DEFAULT_ROWS);
        let limits = QueryLimits {
            max_rows: usize::try_from(rows).ok(),
            max_bytes: Some(MAX_BYTES),
            timeout: Some(self.timeout()),
        };
        let _alone = self.heavy_turn().await;
        let answer = lake.query(sql, &[], &limits).await;
        let answer = answer.map_err(|error| ToolError::new(in_tool_words(&error.to_string())))?;
        let truncated = answer.truncated;
        let batch = answer
            .into_batch()
            .map_err(|error| ToolError::new(error.to_string()))?;
        let columns: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let rows = tuples(&batch).map_err(|error| ToolError::new(error.to_string()))?;
        let table = SqlAnswer {
            columns,
            rows,
            truncated,
            full: arguments.full,
        };
        Ok(table.fitted())
    }

    /// The tables and views, or the columns of one.
    async fn describe(
        &self,
        lake: &AskLake,
        name: &str,
        full: bool,
    ) -> Result<CallToolResult, ToolError> {
        if name == "all" {
            return Ok(self.describe_all(full));
        }
        let mut entries = Vec::new();
        let verdict = if let Some(table) = schema::table(name) {
            for column in &table.columns {
                let unit = column.unit.as_ref().map(|unit| format!(" [{unit}]"));
                entries.push(Entry {
                    head: format!(
                        "{} {}{}",
                        column.name,
                        column.data_type.sql_name().to_lowercase(),
                        unit.unwrap_or_default()
                    ),
                    comment: column.comment(),
                });
            }
            format!("{}: {}. {}", table.name, table.grain, table.description)
        } else if let Some(view) = self.catalog().views().find(|view| view.id == name) {
            let columns = lake.schema(name).await;
            let columns = columns.map_err(|error| ToolError::new(error.to_string()))?;
            for field in columns.fields() {
                let mut tables = view
                    .query
                    .reads
                    .iter()
                    .filter_map(|read| schema::table(read));
                let comment = tables.find_map(|table| Some(table.column(field.name())?.comment()));
                entries.push(Entry {
                    head: format!(
                        "{} {}",
                        field.name(),
                        type_name(field.data_type()).to_lowercase()
                    ),
                    comment: comment.unwrap_or_default(),
                });
            }
            format!("{} (a view): {}", view.id, view.description)
        } else {
            let tables = schema::tables().iter().map(|table| table.name.as_str());
            let views = self.catalog().views().map(|view| view.id.as_str());
            return Err(ToolError::new(in_tool_words(&no_such_table(
                name,
                tables.chain(views),
            ))));
        };
        Ok(documented(&verdict, "columns", entries, full))
    }

    fn describe_all(&self, full: bool) -> CallToolResult {
        let tables = schema::tables().iter().map(|table| Entry {
            head: table.name.clone(),
            comment: table.grain.clone(),
        });
        let views = self.catalog().views().map(|view| Entry {
            head: view.id.clone(),
            comment: format!("view: {}", view.title),
        });
        let entries: Vec<Entry> = tables.chain(views).collect();
        let verdict = format!(
            "{} tables and views; describe one for its columns. Join on platform, cluster_id, application_id, \
             attempt_id; filter on app_date (UTC date of the start) to read less.",
            entries.len()
        );
        documented(&verdict, "tables", entries, full)
    }
}

/// A table or column: its name and type, and what it means.
struct Entry {
    head: String,
    comment: String,
}

/// A line for each entry, with as much of its meaning as fits; the structured form lists the heads.
fn documented(verdict: &str, key: &str, mut entries: Vec<Entry>, full: bool) -> CallToolResult {
    let (budget, lengths) = match full {
        true => (FULL_BYTES, [2_000, 300, 90, 40, 0]),
        false => (SUMMARY_BYTES, [90, 60, 40, 20, 0]),
    };
    let mut lengths = lengths.into_iter();
    let mut length = lengths.next().unwrap_or(0);
    loop {
        let lines = entries.iter().map(|entry| match length {
            0 => entry.head.clone(),
            _ => format!(
                "{}: {}",
                entry.head,
                on_one_line(&Value::from(entry.comment.as_str()), length)
            ),
        });
        let text = format!("{verdict}\n\n{}", lines.collect::<Vec<_>>().join("\n"));
        let heads: Vec<&str> = entries.iter().map(|entry| entry.head.as_str()).collect();
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(json!({"verdict": verdict, key: heads}));
        let bytes = serde_json::to_vec(&result).map_or(0, |text| text.len());
        if bytes <= budget || entries.len() <= 1 {
            return result;
        }
        match lengths.next() {
            Some(shorter) => length = shorter,
            None => entries.truncate(entries.len() * 3 / 4),
        }
    }
}

/// The rows that a query gave.
struct SqlAnswer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    truncated: bool,
    full: bool,
}

impl SqlAnswer {
    fn fitted(mut self) -> CallToolResult {
        let (budget, cell) = match self.full {
            true => (FULL_BYTES, CELL_FULL),
            false => (SUMMARY_BYTES, CELL_SUMMARY),
        };
        self.cut_cells(cell);
        let mut cells = [1_000, 200, 40].into_iter();
        loop {
            let result = self.result();
            let bytes = serde_json::to_vec(&result).map_or(0, |text| text.len());
            if bytes <= budget {
                return result;
            }
            if self.rows.len() > 1 {
                let kept = (self.rows.len() * budget / bytes).clamp(1, self.rows.len() - 1);
                self.rows.truncate(kept);
                self.truncated = true;
                continue;
            }
            match cells.next() {
                Some(cell) => self.cut_cells(cell),
                // One row of thousands of columns.
                None if !self.rows.is_empty() => self.rows.clear(),
                None => return result,
            }
        }
    }

    fn cut_cells(&mut self, most: usize) {
        let cells = self.rows.iter_mut().flatten();
        cells.for_each(|cell| cut_text(cell, most));
    }

    fn result(&self) -> CallToolResult {
        let rows = self.rows.len();
        let columns = counted(
            i64::try_from(self.columns.len()).unwrap_or(i64::MAX),
            "column",
            "columns",
        );
        let mut verdict = match rows {
            0 => format!("No row, {columns}."),
            1 => format!("1 row, {columns}."),
            rows => format!("{rows} rows, {columns}."),
        };
        if self.truncated {
            verdict.push_str(
                " There are more: aggregate, filter, take fewer columns, page with LIMIT and OFFSET, or give detail=full.",
            );
        }
        let mut text = format!("{verdict}\n\n{}", self.columns.join("|"));
        for row in &self.rows {
            let cells = row
                .iter()
                .map(|cell| on_one_line(cell, usize::MAX).replace('|', "/"));
            // Writing to a text cannot fail.
            let _ = write!(text, "\n{}", cells.collect::<Vec<_>>().join("|"));
        }
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(json!({
            "verdict": verdict,
            "columns": self.columns,
            "rows": self.rows,
            "truncated": self.truncated,
        }));
        result
    }
}

/// The JSON Schema of its structured answer.
pub(super) fn output_schema() -> Map<String, Value> {
    let schema = json!({
        "type": "object",
        "properties": {
            "verdict": {"type": "string"},
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "array"}},
            "truncated": {"type": "boolean"},
            "tables": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["verdict"],
    });
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
