//! Where the tables of a lake are registered: a catalog and a schema of Unity Catalog.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::publish::PublishError;

/// A catalog and a schema in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    catalog: String,
    schema: String,
}

impl Namespace {
    /// The schema of that name in that catalog.
    ///
    /// # Errors
    /// A name has other characters than letters, digits, `_` and `-`.
    pub fn new(catalog: &str, schema: &str) -> Result<Self, PublishError> {
        for (what, name) in [("catalog", catalog), ("schema", schema)] {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(PublishError::Export(format!(
                    "`{name}` is no name of a {what}; use letters, digits, `_` and `-`"
                )));
            }
        }
        Ok(Self {
            catalog: catalog.to_owned(),
            schema: schema.to_owned(),
        })
    }

    /// The catalog.
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// The schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// `catalog.schema`, quoted where SQL needs it.
    pub fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.catalog), quoted(&self.schema))
    }

    /// `catalog.schema.name`, quoted where SQL needs it.
    pub fn sql_name(&self, name: &str) -> String {
        format!("{}.{}", self.sql(), quoted(name))
    }

    /// `catalog.schema.name` as interfaces take it.
    pub fn identifier(&self, name: &str) -> String {
        format!("{}.{}.{name}", self.catalog, self.schema)
    }

    /// A query in which each of `names` after FROM or JOIN has its catalog and schema before it, so that
    /// it runs whatever the current schema is.
    pub fn qualify(&self, sql: &str, names: &[String]) -> String {
        Self::replace_relations(sql, names, |name| self.sql_name(name))
    }

    /// A query in which each of `names` after FROM or JOIN is written as `write` says.
    pub(super) fn replace_relations(
        sql: &str,
        names: &[String],
        write: impl Fn(&str) -> String,
    ) -> String {
        let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
            return sql.to_owned();
        };
        let mut text = String::with_capacity(sql.len());
        let mut is_relation = false;
        for token in &tokens {
            match token {
                Token::Whitespace(_) => text.push_str(&token.to_string()),
                Token::Word(word) if is_relation && names.contains(&word.value) => {
                    text.push_str(&write(&word.value));
                    is_relation = false;
                }
                Token::Word(word) => {
                    let word = word.value.to_ascii_uppercase();
                    is_relation = word == "FROM" || word == "JOIN";
                    text.push_str(&token.to_string());
                }
                _ => {
                    is_relation = false;
                    text.push_str(&token.to_string());
                }
            }
        }
        text
    }
}

/// A name, between backticks where it is more than letters, digits and `_`.
fn quoted(name: &str) -> String {
    match name.contains('-') {
        true => format!("`{name}`"),
        false => name.to_owned(),
    }
}

/// A text literal of Spark, in which a backslash escapes.
pub fn literal(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{value}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relations_are_qualified() {
        let namespace = Namespace::new("my-cat", "ops").expect("names");
        let sql = "SELECT stages, 'FROM stages' AS x FROM stages AS s -- FROM stages\nLEFT JOIN jobs ON s.jobs = 1";
        assert_eq!(
            namespace.qualify(sql, &["stages".to_owned(), "jobs".to_owned()]),
            "SELECT stages, 'FROM stages' AS x FROM `my-cat`.ops.stages AS s -- FROM stages\n\
             LEFT JOIN `my-cat`.ops.jobs ON s.jobs = 1"
        );
    }

    #[test]
    fn names_that_would_break_out_are_refused() {
        for name in ["", "a.b", "a`b", "a b", "a;b"] {
            assert!(Namespace::new(name, "s").is_err(), "{name}");
        }
    }
}
