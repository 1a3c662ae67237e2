//! The page of an application's configuration, with what is known of each setting.

use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::asked::{Portion, choice};
use super::place::{ApplicationQuery, Of};
use crate::model::{printable, shortened};
use crate::publish::page::{Block, Field, Form, Link, Page, Section, Table};
use crate::publish::report::{Questions, ReportError};

const ROWS: i64 = 100;
const LONGEST_VALUE: usize = 300;
const LONGEST_TEXT: usize = 200;
const SECTIONS: [(&str, &str); 7] = [
    ("spark", "Spark, as set"),
    ("defaults", "Spark, not set"),
    ("hadoop", "Hadoop"),
    ("system", "system properties"),
    ("runtime", "runtime"),
    ("metrics", "metrics"),
    ("all", "all"),
];

/// What of the configuration is shown.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ConfigurationQuery {
    id: String,
    #[serde(default)]
    attempt: Option<String>,
    /// Text to search for.
    #[serde(default)]
    q: String,
    /// Section of the environment; Spark's where there is none.
    #[serde(default)]
    section: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    rows: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Setting {
    section: String,
    key: String,
    value: Option<String>,
    default_value: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    unit: Option<String>,
    scope: Option<String>,
    since_version: Option<String>,
    deprecated_since: Option<String>,
    removed_in: Option<String>,
    replaced_by: Option<String>,
    fallback_key: Option<String>,
    has_effect: Option<bool>,
    recommended: Option<String>,
    finding_title: Option<String>,
    num_findings: i64,
    num_rows: i64,
}

/// The page.
pub(super) async fn page(
    questions: &Questions<'_>,
    asked: &ConfigurationQuery,
) -> Result<Page, ReportError> {
    let wanted = ApplicationQuery {
        id: asked.id.clone(),
        attempt: asked.attempt.clone(),
    };
    let of = Of::find(questions, &wanted).await?;
    let portion = Portion::new(asked.page, asked.rows.or(Some(ROWS)));
    let text: String = asked.q.trim().chars().take(LONGEST_TEXT).collect();
    let section = match asked.section.as_str() {
        "" => "spark",
        section => section,
    };
    let mut parameters = vec![
        ("text", ScalarValue::from(text.to_lowercase())),
        ("section", ScalarValue::from(section)),
    ];
    parameters.extend(portion.parameters());
    let rows: Vec<Setting> = of.rows("settings", &parameters).await?;
    let num_rows = rows.first().map_or(0, |row| row.num_rows);
    let caption = portion.caption(rows.len(), num_rows, "property", "properties");
    let hidden = |name, value: &str| Field::Hidden {
        name,
        value: value.to_owned(),
    };
    let form = Form {
        action: "/configuration",
        fields: vec![
            hidden("id", &of.place.application_id),
            hidden("attempt", &of.place.attempt_id),
            Field::Text {
                name: "q",
                label: "Search names and values",
                value: asked.q.clone(),
            },
            choice("section", "Section", section, &SECTIONS),
        ],
    };
    let shown = Section::new("list", "Configuration")
        .with(Block::Form(form))
        .with(table(&rows, &caption, section).block().unwrap_or_else(|| {
            Block::Text(match text.is_empty() {
                true => "The event log holds no such properties.".to_owned(),
                false => "No property is like that.".to_owned(),
            })
        }))
        .with(portion.turns(&list(&of, asked, section), num_rows))
        .with(Block::Note(
            "Defaults are those of the application's Spark version. Secrets were redacted when the log was loaded."
                .to_owned(),
        ));
    Ok(of.page("Configuration", "/configuration", vec![shown]))
}

/// The list without its page.
fn list(of: &Of<'_>, asked: &ConfigurationQuery, section: &str) -> Link {
    let link = of.link("/configuration").with("section", section);
    match asked.q.as_str() {
        "" => link,
        text => link.with("q", text),
    }
}

fn table(rows: &[Setting], caption: &str, section: &str) -> Table {
    let mut table = Table::new(caption, &["Setting", "Value", "Default", "~What is known"]);
    for row in rows {
        let value = match (&row.value, section) {
            (Some(value), _) => shortened(&printable(value), LONGEST_VALUE),
            (None, _) => "not set".to_owned(),
        };
        let default = row.default_value.as_deref().map(printable);
        let mark = match (row.num_findings, &row.deprecated_since, row.has_effect) {
            (1.., ..) => "medium",
            (_, Some(_), _) | (_, _, Some(false)) => "low",
            _ => "",
        };
        table.row(
            mark,
            [
                printable(&row.key),
                value,
                shortened(&default.unwrap_or_default(), LONGEST_VALUE),
                help(row),
            ],
        );
        if section == "all" {
            table.note(0, printable(&row.section));
        }
    }
    table
}

/// What is known of a setting, in sentences.
fn help(row: &Setting) -> String {
    let text = |text: &Option<String>| {
        text.as_deref()
            .map(printable)
            .filter(|text| !text.is_empty())
    };
    let found = row.finding_title.as_deref().map(printable);
    let found = found.map(|title| match text(&row.recommended) {
        Some(value) => format!("Recommended: {value} ({title})."),
        None => format!("{title}."),
    });
    let kind = match row.kind.as_deref() {
        Some("int" | "bigint") => Some("Whole number".to_owned()),
        Some("double") => Some("Number".to_owned()),
        Some("boolean") => Some("True or false".to_owned()),
        Some("string") => Some("Text".to_owned()),
        Some("list") => Some("List".to_owned()),
        Some("size") => Some("Size".to_owned()),
        Some("duration") => Some("Duration".to_owned()),
        _ => None,
    };
    let kind = kind.map(|kind| match text(&row.unit) {
        Some(unit) => format!("{kind} in {unit}"),
        None => kind,
    });
    let since = text(&row.since_version).map(|version| format!("since Spark {version}"));
    let kind: Vec<String> = kind.into_iter().chain(since).collect();
    let kind = (!kind.is_empty()).then(|| format!("{}.", kind.join(" ")));
    let scope = match row.scope.as_deref() {
        Some("application") => Some("Fixed when the application starts."),
        Some("static_sql") => Some("Fixed when the first session starts."),
        Some("runtime") => Some("Each session can change it."),
        _ => None,
    };
    let is_useless = row.has_effect == Some(false);
    let useless = is_useless.then(|| "Spark accepts it and does nothing with it.".to_owned());
    let old = text(&row.deprecated_since).map(|version| match text(&row.replaced_by) {
        Some(new) => format!("Deprecated since {version}: use {new}."),
        None => format!("Deprecated since {version}."),
    });
    let removed = text(&row.removed_in).map(|version| format!("Gone from Spark {version} on."));
    let fallback =
        text(&row.fallback_key).map(|key| format!("Without a value it is that of {key}."));
    let all = [
        found,
        useless,
        old,
        kind,
        scope.map(str::to_owned),
        fallback,
        removed,
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
