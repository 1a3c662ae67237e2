//! Metric views of Unity Catalog: `sql/export/metric_views.toml` over consumer views.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::genie::Definition;
use super::namespace::Namespace;
use super::relations::Relation;
use super::yaml;
use crate::analyze::Catalog;
use crate::publish::PublishError;

const FILE: &str = "sql/export/metric_views.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definitions {
    #[serde(rename = "view")]
    views: Vec<MetricView>,
}

/// A metric view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricView {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub comment: String,
    /// The view that it is over.
    pub source: String,
    /// Rows that count.
    pub filter: Option<String>,
    /// Columns of the source to group by.
    pub dimensions: Vec<String>,
    /// What is measured.
    #[serde(rename = "measure")]
    pub measures: Vec<Measure>,
}

/// An aggregate over the source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Name in SQL.
    pub name: String,
    /// The aggregate.
    pub expr: String,
    /// What it counts, with unit.
    pub comment: String,
}

impl MetricView {
    /// A query in the dialect of the lake that groups by all dimensions: it fails where the metric view would.
    pub fn check_sql(&self) -> String {
        let measures: Vec<String> = self
            .measures
            .iter()
            .map(|measure| format!("{} AS {}", measure.expr, measure.name))
            .collect();
        let dimensions = self.dimensions.join(", ");
        let filter = self
            .filter
            .as_ref()
            .map(|filter| format!(" WHERE {filter}"));
        format!(
            "SELECT {dimensions}, {} FROM {}{} GROUP BY {dimensions}",
            measures.join(", "),
            self.source,
            filter.unwrap_or_default(),
        )
    }
}

/// The metric views of the catalog.
///
/// # Errors
/// The definition is no TOML of this shape, or names what does not exist.
pub fn read(catalog: &Catalog, relations: &[Relation]) -> Result<Vec<MetricView>, PublishError> {
    let text = catalog.export("metric_views");
    let definitions: Definitions =
        toml::from_str(text).map_err(|error| PublishError::Export(format!("{FILE}: {error}")))?;
    for view in &definitions.views {
        let source = relations
            .iter()
            .find(|relation| relation.name == view.source);
        let source = source.ok_or_else(|| {
            PublishError::Export(format!(
                "{FILE}: {}: there is no view `{}`",
                view.name, view.source
            ))
        })?;
        if let Some(column) = view
            .dimensions
            .iter()
            .find(|name| source.column(name).is_none())
        {
            return Err(PublishError::Export(format!(
                "{FILE}: {}: `{}` has no column `{column}`",
                view.name, view.source
            )));
        }
    }
    Ok(definitions.views)
}

/// File name and YAML of each metric view, and a script that creates all of them.
pub fn files(
    views: &[MetricView],
    namespace: &Namespace,
    relations: &[Relation],
    definition: &Definition,
) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut script = String::from(
        "-- Creates the metric views; run the script of `sparklake export ddl` before.\n",
    );
    for view in views {
        let text = yaml::document(&document(view, namespace, relations, definition));
        script.push_str(&format!(
            "\nCREATE OR REPLACE VIEW {}\nWITH METRICS\nLANGUAGE YAML\nAS $$\n{text}$$;\n",
            namespace.sql_name(&view.name)
        ));
        files.push((format!("{}.yaml", view.name), text));
    }
    files.push(("metric_views.sql".to_owned(), script));
    files
}

fn document(
    view: &MetricView,
    namespace: &Namespace,
    relations: &[Relation],
    definition: &Definition,
) -> Value {
    let source = relations
        .iter()
        .find(|relation| relation.name == view.source);
    let dimensions: Vec<Value> = view
        .dimensions
        .iter()
        .map(|name| {
            let mut dimension = Map::new();
            dimension.insert("name".to_owned(), json!(name));
            dimension.insert("expr".to_owned(), json!(name));
            if let Some(column) = source.and_then(|source| source.column(name)) {
                dimension.insert("comment".to_owned(), json!(column.comment()));
            }
            if let Some(synonyms) = definition.synonyms.get(name) {
                dimension.insert("synonyms".to_owned(), json!(synonyms));
            }
            Value::Object(dimension)
        })
        .collect();
    let measures: Vec<Value> = view
        .measures
        .iter()
        .map(|measure| json!({"name": measure.name, "expr": measure.expr, "comment": measure.comment}))
        .collect();
    let mut document = Map::new();
    document.insert("version".to_owned(), json!("1.1"));
    document.insert("comment".to_owned(), json!(view.comment));
    document.insert(
        "source".to_owned(),
        json!(namespace.identifier(&view.source)),
    );
    if let Some(filter) = &view.filter {
        document.insert("filter".to_owned(), json!(filter));
    }
    document.insert("dimensions".to_owned(), json!(dimensions));
    document.insert("measures".to_owned(), json!(measures));
    Value::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{AskLake, AskOptions, QueryLimits};
    use crate::publish::export::relations::tests::built_in;

    #[tokio::test]
    async fn every_measure_can_be_grouped_by_every_dimension() {
        let relations = built_in().await;
        let catalog = Catalog::built_in().expect("valid");
        let views = read(&catalog, &relations).expect("valid");
        assert!(views.len() >= 4);
        let shared = catalog.clone();
        let empty = AskLake::empty(AskOptions {
            views: Box::new(move || Ok(shared.shared_views()?)),
            ..AskOptions::default()
        })
        .expect("engine");
        for view in views {
            let sql = view.check_sql();
            let answer = empty.query(&sql, &[], &QueryLimits::default()).await;
            assert!(answer.is_ok(), "{sql}: {:?}", answer.err());
        }
    }
}
