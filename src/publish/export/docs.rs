//! A page for each table and each rule, as Markdown, with an index. Everything in them is from the
//! contracts and the SQL files: nothing can be documented that is not so.

use std::fmt::Write;

use crate::analyze::{Advice, Catalog, Rule, without_header};
use crate::schema::{self, Table, dictionary};

/// A file of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Below the folder of the documentation.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// All pages, the index first.
#[must_use]
pub fn pages(catalog: &Catalog) -> Vec<Page> {
    let mut pages = vec![index(catalog)];
    pages.extend(
        schema::tables()
            .iter()
            .map(|table| table_page(table, catalog)),
    );
    pages.extend(catalog.rules().map(rule_page));
    pages
}

fn index(catalog: &Catalog) -> Page {
    let mut text = "# Tables and rules\n\n\
        Made by `sparklake export docs` from the contracts of the tables and the SQL of the rules.\n\n\
        ## Tables\n\n| table | what it holds | one row |\n|---|---|---|\n"
        .to_owned();
    // Writing to a String cannot fail.
    for table in schema::tables() {
        let _ = writeln!(
            text,
            "| [`{0}`](tables/{0}.md) | {1} | {2} |",
            table.name,
            cell(&table.title),
            cell(&table.grain)
        );
    }
    text.push_str("\n## Rules\n\n| rule | category | what it finds |\n|---|---|---|\n");
    for rule in catalog.rules() {
        let _ = writeln!(
            text,
            "| [`{0}`](rules/{0}.md) | {1} | {2} |",
            rule.id,
            rule.category,
            cell(&rule.title)
        );
    }
    Page {
        path: "README.md".to_owned(),
        text,
    }
}

fn table_page(table: &Table, catalog: &Catalog) -> Page {
    let section = dictionary::table_markdown(table);
    // The section of a dictionary becomes a page of its own.
    let mut text = section.strip_prefix('#').unwrap_or(&section).to_owned();
    let readers: Vec<String> = catalog
        .rules()
        .filter(|rule| rule.query.reads.contains(&table.name))
        .map(|rule| format!("[`{0}`](../rules/{0}.md)", rule.id))
        .collect();
    if !readers.is_empty() {
        let _ = writeln!(text, "\nRules that read it: {}", readers.join(", "));
    }
    if let Some(relation) = catalog.tables().find(|made| made.id == table.name) {
        let _ = write!(
            text,
            "\n{}",
            sql_block(&relation.query.file, &relation.query.sql)
        );
    }
    Page {
        path: format!("tables/{}.md", table.name),
        text,
    }
}

fn rule_page(rule: &Rule) -> Page {
    let mut text = format!(
        "# `{}`: {}\n\n{}\n\n- Category: {}\n- Severity: {}\n- Version: {}\n- About: {}\n",
        rule.id,
        rule.title,
        rule.description,
        rule.category,
        rule.severity,
        rule.version,
        rule.subject
    );
    let reads: Vec<String> = rule.query.reads.iter().map(|name| linked(name)).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "- Reads: {}", reads.join(", "));
    if let Some(evidence) = &rule.evidence {
        let _ = writeln!(text, "\n## Evidence\n\n> {}", evidence.text());
    }
    let _ = writeln!(text, "\n## What to do\n\n{}", rule.recommendation);
    if !rule.advice.is_empty() {
        text.push_str("\n| if | then | setting |\n|---|---|---|\n");
    }
    for advice in &rule.advice {
        text.push_str(&advice_row(advice));
    }
    if !rule.query.parameters.is_empty() {
        text.push_str("\n## Parameters\n\n| parameter | value | unit | what it decides |\n|---|---|---|---|\n");
    }
    for parameter in &rule.query.parameters {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            parameter.name,
            cell(&parameter.value.to_string()),
            cell(&parameter.unit),
            cell(&parameter.description)
        );
    }
    let _ = write!(text, "\n{}", sql_block(&rule.query.file, &rule.query.sql));
    Page {
        path: format!("rules/{}.md", rule.id),
        text,
    }
}

fn advice_row(advice: &Advice) -> String {
    let setting = match (&advice.config_key, &advice.recommended) {
        (Some(key), Some(value)) => format!("`{key}` = `{value}`"),
        (Some(key), None) => format!("`{key}`"),
        (None, _) => String::new(),
    };
    format!(
        "| `{}` | {} | {} |\n",
        cell(&advice.condition),
        cell(advice.text.text()),
        cell(&setting)
    )
}

/// A name with a link to its page, where it has one.
fn linked(name: &str) -> String {
    match schema::table(name) {
        Some(_) => format!("[`{name}`](../tables/{name}.md)"),
        None => format!("`{name}`"),
    }
}

fn sql_block(file: &str, sql: &str) -> String {
    format!(
        "## SQL\n\n`{file}`\n\n```sql\n{}\n```\n",
        without_header(sql).trim()
    )
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_and_rule_has_a_page_and_every_link_leads_to_one() {
        let catalog = Catalog::built_in().expect("valid");
        let pages = pages(&catalog);
        let paths: BTreeSet<&str> = pages.iter().map(|page| page.path.as_str()).collect();
        assert_eq!(paths.len(), pages.len());
        assert_eq!(
            pages.len(),
            1 + schema::tables().len() + catalog.rules().count()
        );
        for page in &pages {
            assert!(page.text.starts_with("# "), "{}", page.path);
            for link in page.text.split("](").skip(1) {
                let Some(target) = link.split(')').next().filter(|link| link.ends_with(".md"))
                else {
                    continue;
                };
                let target = target.trim_start_matches("../");
                assert!(paths.contains(target), "{} links to {target}", page.path);
            }
        }
    }

    #[test]
    fn a_rule_page_has_its_parameters_with_units_and_its_sql() {
        let catalog = Catalog::built_in().expect("valid");
        let rule = catalog.rule("task_skew").expect("a rule");
        let text = rule_page(rule).text;
        for parameter in &rule.query.parameters {
            assert!(
                text.contains(&format!("| `{}` |", parameter.name)),
                "{text}"
            );
        }
        assert!(
            text.contains("```sql\n") && text.contains("SELECT"),
            "{text}"
        );
        assert!(text.contains(&rule.recommendation), "{text}");
    }
}
