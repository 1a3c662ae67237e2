//! An AI/BI dashboard of Databricks (`.lvdash.json`): `sql/export/dashboard.toml` arranges the answers of questions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::namespace::Namespace;
use crate::analyze::{Catalog, Question};
use crate::ask::AskLake;
use crate::model::did_you_mean;
use crate::publish::PublishError;
use crate::schema::dictionary;

const FILE: &str = "sql/export/dashboard.toml";

/// Columns of the grid.
const GRID: u64 = 6;
/// Rows of the grid that a widget takes.
const HEIGHT: u64 = 6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dashboard {
    #[serde(rename = "page")]
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    name: String,
    title: String,
    #[serde(rename = "widget")]
    widgets: Vec<Widget>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Widget {
    /// The question whose answer it shows.
    question: String,
    kind: WidgetKind,
    /// Column of the horizontal axis, or of the slices.
    x: Option<String>,
    /// Column of the vertical axis, or the number of a counter.
    y: Option<String>,
    /// Columns of the grid, of 6.
    width: u64,
}

#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum WidgetKind {
    Table,
    Bar,
    Line,
    Pie,
    Counter,
}

/// The dashboard. `empty` is a lake without rows, to learn the columns of answers.
///
/// # Errors
/// The definition is no TOML of this shape, or names what does not exist.
pub async fn dashboard(
    namespace: &Namespace,
    catalog: &Catalog,
    empty: &AskLake,
) -> Result<Value, PublishError> {
    let text = catalog.export("dashboard");
    let definition: Dashboard =
        toml::from_str(text).map_err(|error| PublishError::Export(format!("{FILE}: {error}")))?;
    let mut datasets: Vec<Value> = Vec::new();
    let mut pages = Vec::new();
    for page in &definition.pages {
        let mut layout = Vec::new();
        let (mut x, mut y) = (0, 0);
        for (place, widget) in page.widgets.iter().enumerate() {
            let question = find(catalog, &widget.question)?;
            let columns = columns(question, empty).await?;
            for column in [&widget.x, &widget.y].into_iter().flatten() {
                if !columns.iter().any(|(name, _)| name == column) {
                    return Err(PublishError::Export(format!(
                        "{FILE}: the answer of `{}` has no column `{column}`",
                        question.id
                    )));
                }
            }
            if !datasets
                .iter()
                .any(|known| known.get("name") == Some(&json!(question.id)))
            {
                datasets.push(dataset(namespace, question));
            }
            let width = widget.width.clamp(1, GRID);
            if x + width > GRID {
                (x, y) = (0, y + HEIGHT);
            }
            layout.push(json!({
                "widget": shown(widget, &format!("{}_{place}", page.name), question, &columns),
                "position": {"x": x, "y": y, "width": width, "height": HEIGHT},
            }));
            x += width;
        }
        pages.push(json!({
            "name": page.name,
            "displayName": page.title,
            "pageType": "PAGE_TYPE_CANVAS",
            "layout": layout,
        }));
    }
    Ok(json!({"datasets": datasets, "pages": pages}))
}

fn find<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c Question, PublishError> {
    let found = catalog.questions().find(|question| question.id == id);
    found.ok_or_else(|| {
        let known: Vec<&str> = catalog.questions().map(|known| known.id.as_str()).collect();
        let cure = did_you_mean(id, known);
        PublishError::Export(format!("{FILE}: there is no question `{id}`; {cure}"))
    })
}

/// Name and type of each column of the answer.
async fn columns(
    question: &Question,
    empty: &AskLake,
) -> Result<Vec<(String, String)>, PublishError> {
    let sql = question.query.standalone_sql();
    let answer = empty
        .query(&sql, &[], &crate::ask::QueryLimits::default())
        .await?;
    let schema = answer.into_batch()?.schema();
    let columns = schema.fields().iter();
    Ok(columns
        .map(|field| {
            (
                field.name().clone(),
                dictionary::type_name(field.data_type()),
            )
        })
        .collect())
}

fn dataset(namespace: &Namespace, question: &Question) -> Value {
    let sql = namespace.qualify(
        question.query.standalone_sql().trim_end(),
        &question.query.reads,
    );
    let lines: Vec<&str> = sql.split_inclusive('\n').collect();
    json!({"name": question.id, "displayName": question.title, "queryLines": lines})
}

fn shown(widget: &Widget, name: &str, question: &Question, columns: &[(String, String)]) -> Value {
    let fields: Vec<Value> = columns
        .iter()
        .filter(|(column, _)| {
            let is_axis = [&widget.x, &widget.y]
                .into_iter()
                .flatten()
                .any(|axis| axis == column);
            widget.kind == WidgetKind::Table || is_axis
        })
        .map(|(column, _)| json!({"name": column, "expression": format!("`{column}`")}))
        .collect();
    let (kind, version, encodings) = match widget.kind {
        WidgetKind::Table => ("table", 1, table_encodings(columns)),
        WidgetKind::Bar => ("bar", 3, axes(widget, columns)),
        WidgetKind::Line => ("line", 3, axes(widget, columns)),
        WidgetKind::Pie => (
            "pie",
            3,
            json!({
                "angle": {"fieldName": widget.y, "displayName": widget.y, "scale": {"type": "quantitative"}},
                "color": {"fieldName": widget.x, "displayName": widget.x, "scale": {"type": "categorical"}},
            }),
        ),
        WidgetKind::Counter => (
            "counter",
            2,
            json!({"value": {"fieldName": widget.y, "displayName": widget.y}}),
        ),
    };
    json!({
        "name": name,
        "queries": [{
            "name": "main_query",
            "query": {"datasetName": question.id, "fields": fields, "disaggregated": true},
        }],
        "spec": {
            "version": version,
            "widgetType": kind,
            "encodings": encodings,
            "frame": {"showTitle": true, "title": question.title, "showDescription": true, "description": question.question},
        },
    })
}

fn axes(widget: &Widget, columns: &[(String, String)]) -> Value {
    let axis = |name: &Option<String>| {
        let kind = columns
            .iter()
            .find(|(column, _)| Some(column) == name.as_ref());
        let scale = match kind.map(|(_, kind)| kind.as_str()) {
            Some("DATE" | "TIMESTAMP") => "temporal",
            Some("BIGINT" | "INT" | "DOUBLE") => "quantitative",
            _ => "categorical",
        };
        json!({"fieldName": name, "displayName": name, "scale": {"type": scale}})
    };
    json!({"x": axis(&widget.x), "y": axis(&widget.y)})
}

fn table_encodings(columns: &[(String, String)]) -> Value {
    let columns = columns.iter().map(|(name, kind)| {
        let (shown, format) = match kind.as_str() {
            "DOUBLE" => ("number", Some("0,0.00")),
            "BIGINT" | "INT" => ("number", Some("0,0")),
            "BOOLEAN" => ("boolean", None),
            "DATE" | "TIMESTAMP" => ("datetime", None),
            _ => ("string", None),
        };
        let mut column = json!({"fieldName": name, "title": name, "displayAs": shown});
        if let (Some(format), Some(entries)) = (format, column.as_object_mut()) {
            entries.insert("numberFormat".to_owned(), json!(format));
        }
        column
    });
    json!({"columns": columns.collect::<Vec<Value>>()})
}
