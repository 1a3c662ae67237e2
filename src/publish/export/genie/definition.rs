//! What a Genie space says beyond the contracts: `sql/export/genie.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::analyze::Catalog;
use crate::publish::PublishError;
use crate::publish::export::relations::Relation;

/// The file it comes from, as people know it.
const FILE: &str = "sql/export/genie.toml";

/// What is said about all tables together.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Name of the space.
    pub title: String,
    /// What the data is about.
    pub description: String,
    /// General instructions, a sentence each.
    pub instructions: Vec<String>,
    /// Ids of the questions that the space offers.
    pub sample_questions: Vec<String>,
    /// Columns that are of no use in a question.
    #[serde(default)]
    pub hidden_columns: BTreeSet<String>,
    /// Columns whose values people write down in questions, such as names.
    #[serde(default)]
    pub matched_columns: BTreeSet<String>,
    /// Column → other words for it.
    #[serde(default)]
    pub synonyms: BTreeMap<String, Vec<String>>,
    /// Question id → another wording: asked as benchmark, never shown as example.
    #[serde(default)]
    pub benchmarks: BTreeMap<String, String>,
    /// Conditions by their name.
    #[serde(default, rename = "filter")]
    pub filters: Vec<Snippet>,
    /// Calculations by their name.
    #[serde(default, rename = "measure")]
    pub measures: Vec<Snippet>,
}

/// A part of a query over one table or view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snippet {
    /// Name in SQL.
    pub alias: String,
    /// Name for people.
    pub name: String,
    /// Table or view that it is over.
    pub of: String,
    /// The expression.
    pub sql: String,
    /// Other words for it.
    #[serde(default)]
    pub synonyms: Vec<String>,
}

impl Definition {
    /// Reads the catalog's definition and holds every name in it against the tables, views and questions.
    ///
    /// # Errors
    /// It is no TOML of this shape, or names what does not exist.
    pub fn read(catalog: &Catalog, relations: &[Relation]) -> Result<Self, PublishError> {
        let definition: Self = toml::from_str(catalog.export("genie"))
            .map_err(|error| PublishError::Export(format!("{FILE}: {error}")))?;
        let has_column = |name: &String| {
            relations
                .iter()
                .any(|relation| relation.column(name).is_some())
        };
        let has_question = |id: &String| catalog.questions().any(|question| question.id == *id);
        let has_relation = |name: &String| relations.iter().any(|relation| relation.name == *name);
        let columns = definition
            .hidden_columns
            .iter()
            .chain(&definition.matched_columns)
            .chain(definition.synonyms.keys());
        let questions = definition
            .sample_questions
            .iter()
            .chain(definition.benchmarks.keys());
        let snippets = definition.filters.iter().chain(&definition.measures);
        let mut relations_named = snippets.map(|snippet| &snippet.of);
        let unknown = |what: &str, name: &String| {
            PublishError::Export(format!(
                "{FILE}: there is no {what} `{name}`; remove or rename it"
            ))
        };
        if let Some(name) = columns.into_iter().find(|name| !has_column(name)) {
            return Err(unknown("column", name));
        }
        if let Some(id) = questions.into_iter().find(|id| !has_question(id)) {
            return Err(unknown("question", id));
        }
        if let Some(name) = relations_named.find(|name| !has_relation(name)) {
            return Err(unknown("table or view", name));
        }
        Ok(definition)
    }
}
