//! Documents to read: tables, views and rules, each as Markdown.

use std::fmt::Write;

use rmcp::model::{Resource, ResourceContents, ResourceTemplate};

use super::apps;
use super::engine::Engine;
use crate::analyze::Rule;
use crate::schema;

const TABLES: &str = "sparklake://tables";
const RULES: &str = "sparklake://rules";
const MARKDOWN: &str = "text/markdown";

/// The documents that are listed; the others are found through them.
pub(super) fn list() -> Vec<Resource> {
    vec![
        Resource::new(TABLES, "tables")
            .with_title("Tables and views")
            .with_description("All tables and views of the lake, with what one row is")
            .with_mime_type(MARKDOWN),
        Resource::new(RULES, "rules")
            .with_title("Rules")
            .with_description("All rules that findings come from")
            .with_mime_type(MARKDOWN),
        Resource::new(apps::APP, "pages")
            .with_title("Pages")
            .with_description(
                "Shows the page about an answer: timeline, tasks of a stage, plan of a query",
            )
            .with_mime_type(apps::APP_TYPE),
    ]
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{TABLES}/{{table}}"), "table")
            .with_title("A table or view")
            .with_description("Grain, keys and columns with type, unit and meaning")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(format!("{RULES}/{{rule}}"), "rule")
            .with_title("A rule")
            .with_description("What it looks for, its thresholds, its advice and its SQL")
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(format!("{}/{{page}}{{?id,attempt,stage,stage_attempt,sql}}", apps::PAGES), "page")
            .with_title("A page of the dashboard")
            .with_description("application, stages, stage, queries, query, executors, configuration or whatif, as HTML")
            .with_mime_type("text/html"),
    ]
}

impl Engine {
    /// The document of that address; `None` where there is none.
    pub(super) fn document(&self, uri: &str) -> Option<ResourceContents> {
        let text = match uri {
            TABLES => self.table_index(),
            RULES => self.rule_index(),
            apps::APP => return Some(apps::document()),
            _ => match uri
                .strip_prefix(TABLES)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(name) => self.table(name)?,
                None => {
                    let name = uri.strip_prefix(RULES)?.strip_prefix('/')?;
                    rule(self.catalog().rule(name).ok()?)
                }
            },
        };
        Some(ResourceContents::text(text, uri).with_mime_type(MARKDOWN))
    }

    fn table_index(&self) -> String {
        let mut text = "# Tables and views\n\n".to_owned();
        for table in schema::tables() {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "- `{}`: {}", table.name, table.grain);
        }
        for view in self.catalog().views() {
            let _ = writeln!(text, "- `{}` (view): {}", view.id, view.title);
        }
        text
    }

    fn rule_index(&self) -> String {
        let mut text = "# Rules\n\n".to_owned();
        for rule in self.catalog().rules() {
            let _ = writeln!(text, "- `{}` ({}): {}", rule.id, rule.category, rule.title);
        }
        text
    }

    fn table(&self, name: &str) -> Option<String> {
        if let Some(table) = schema::table(name) {
            return Some(schema::dictionary::table_markdown(table));
        }
        let view = self.catalog().views().find(|view| view.id == name)?;
        Some(format!(
            "# {}\n\n{}\n\n{}\n\n```sql\n{}\n```\n",
            view.id,
            view.title,
            view.description,
            view.query.standalone_sql().trim_end()
        ))
    }
}

fn rule(rule: &Rule) -> String {
    let mut text = format!(
        "# {}\n\n{} ({}, {})\n\n{}\n",
        rule.id, rule.title, rule.category, rule.severity, rule.description
    );
    if !rule.query.parameters.is_empty() {
        text.push_str("\n## Thresholds\n\n");
    }
    for parameter in &rule.query.parameters {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "- `{}` = {}: {}",
            parameter.name, parameter.value, parameter.description
        );
    }
    let _ = write!(
        text,
        "\n## What to do\n\n{}\n\n## SQL\n\n```sql\n{}\n```\n",
        rule.recommendation,
        rule.query.standalone_sql().trim_end()
    );
    text
}
