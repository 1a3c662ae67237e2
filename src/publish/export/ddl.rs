//! Statements that register a lake in Unity Catalog: external Delta tables with comments and keys, and the views.

use std::fmt::Write;

use super::namespace::{Namespace, literal};
use super::relations::{Relation, RelationKind};
use crate::ask::{Definition, View};

/// A script for a SQL warehouse or a notebook. `lake` is the URI of the lake, `constants` are the
/// reference tables that views read.
///
/// Constraints are informational. Primary keys say RELY: sparklake keeps each key unique whatever a log
/// repeats. Foreign keys do not: while a run is under way a row can come before the row that it points to.
pub fn script(
    namespace: &Namespace,
    lake: &str,
    relations: &[Relation],
    constants: &[(String, String)],
) -> String {
    let lake = lake.trim_end_matches('/');
    let mut script = format!(
        "-- Registers the sparklake lake {lake} in Unity Catalog. Run it again after an upgrade: it changes\n\
         -- no data. The external location of the lake has to exist.\n\
         CREATE SCHEMA IF NOT EXISTS {0};\nUSE {0};\n",
        namespace.sql()
    );
    let tables = || relations.iter().filter(|relation| relation.is_table());
    // Writing to a String cannot fail.
    for table in tables() {
        let _ = write!(
            script,
            "\nCREATE TABLE IF NOT EXISTS {0} USING DELTA LOCATION {1};\n\
             MSCK REPAIR TABLE {0} SYNC METADATA;\nCOMMENT ON TABLE {0} IS {2};\n",
            table.name,
            literal(&format!("{lake}/{}", table.name)),
            literal(&table.comment()),
        );
        if has_primary_key(table) {
            let _ = write!(
                script,
                "ALTER TABLE {0} DROP CONSTRAINT IF EXISTS {0}_pk CASCADE;\n\
                 ALTER TABLE {0} ADD CONSTRAINT {0}_pk PRIMARY KEY ({1}) NOT ENFORCED RELY;\n",
                table.name,
                table.keys.join(", "),
            );
        }
    }
    for table in tables() {
        for key in foreign_keys(table, relations) {
            let _ = write!(
                script,
                "\nALTER TABLE {0} DROP CONSTRAINT IF EXISTS {1};\nALTER TABLE {0} ADD CONSTRAINT {1} \
                 FOREIGN KEY ({2}) REFERENCES {3} ({4}) NOT ENFORCED;\n",
                table.name,
                key.name,
                key.columns.join(", "),
                key.parent,
                key.parent_columns.join(", "),
            );
        }
    }
    for (_, statement) in constants {
        let _ = write!(script, "\n{statement}");
    }
    for view in relations.iter().filter(|relation| !relation.is_table()) {
        let _ = write!(script, "\n{}", create_view(view));
    }
    script
}

/// The statement that creates a view; the columns of a consumer view have comments.
fn create_view(view: &Relation) -> String {
    let columns: Vec<String> = view
        .columns
        .iter()
        .map(|column| format!("  {} COMMENT {}", column.name, literal(&column.comment())))
        .collect();
    let columns = match view.kind {
        RelationKind::ConsumerView => format!(" (\n{}\n)", columns.join(",\n")),
        _ => String::new(),
    };
    format!(
        "CREATE OR REPLACE VIEW {}{columns}\nCOMMENT {} AS\n{};\n",
        view.name,
        literal(&view.comment()),
        view.sql.as_deref().unwrap_or_default(),
    )
}

/// Whether no key column can be NULL, which a primary key asks for.
fn has_primary_key(table: &Relation) -> bool {
    let is_filled = |key: &String| table.column(key).is_some_and(|column| !column.nullable);
    !table.keys.is_empty() && table.keys.iter().all(is_filled)
}

/// Columns of a table that point to the primary key of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Name of the constraint.
    pub name: String,
    /// Columns of the table.
    pub columns: Vec<String>,
    /// The table that they point to.
    pub parent: String,
    /// Its primary key, in the same order.
    pub parent_columns: Vec<String>,
}

/// The foreign keys of a table: to its application, and where a column refers to a part of another
/// table's key of which it has the rest.
pub fn foreign_keys(table: &Relation, relations: &[Relation]) -> Vec<ForeignKey> {
    let parent = |name: &str| relations.iter().find(|relation| relation.name == name);
    let to = |parent: &Relation, from: &str, to: &str| {
        if !has_primary_key(parent)
            || parent.name == table.name
            || !parent.keys.iter().any(|key| key == to)
        {
            return None;
        }
        let columns: Vec<String> = parent
            .keys
            .iter()
            .map(|key| {
                if key == to {
                    from.to_owned()
                } else {
                    key.clone()
                }
            })
            .collect();
        let has = columns.iter().all(|column| table.column(column).is_some());
        has.then(|| ForeignKey {
            name: format!("{}_{from}_fk", table.name),
            columns,
            parent: parent.name.clone(),
            parent_columns: parent.keys.clone(),
        })
    };
    let application =
        parent("applications").and_then(|parent| to(parent, "application_id", "application_id"));
    let mut keys: Vec<ForeignKey> = application.into_iter().collect();
    for column in &table.columns {
        if let Some((name, referenced)) = &column.references
            && !column.data_type.starts_with("array")
            && let Some(key) = parent(name).and_then(|parent| to(parent, &column.name, referenced))
            && !keys.iter().any(|known| known.name == key.name)
        {
            keys.push(key);
        }
    }
    keys
}

/// The reference tables as views of constants: name and statement.
///
/// # Errors
/// A value cannot be written.
pub fn constants(views: &[View]) -> Result<Vec<(String, String)>, arrow::error::ArrowError> {
    let mut statements = Vec::new();
    for view in views {
        if let Definition::Rows(rows) = &view.definition {
            let statement = super::constants::view_of_constants(&view.name, rows)?;
            statements.push((view.name.clone(), statement));
        }
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::export::relations::tests::built_in;

    #[tokio::test]
    async fn every_table_is_registered_with_its_key_and_every_view_after_what_it_reads() {
        let relations = built_in().await;
        let namespace = Namespace::new("main", "ops").expect("names");
        let script = script(&namespace, "s3://b/lake/", &relations, &[]);
        let at = |text: &str| script.find(text).unwrap_or_else(|| panic!("{text}"));
        for relation in &relations {
            if relation.is_table() {
                at(&format!(
                    "CREATE TABLE IF NOT EXISTS {0} USING DELTA LOCATION 's3://b/lake/{0}';",
                    relation.name
                ));
                at(&format!(
                    "MSCK REPAIR TABLE {} SYNC METADATA;",
                    relation.name
                ));
            } else {
                let place = at(&format!("CREATE OR REPLACE VIEW {}", relation.name));
                for read in &relation.reads {
                    if let Some(read) = script.find(&format!("CREATE OR REPLACE VIEW {read}\n")) {
                        assert!(read < place, "{}", relation.name);
                    }
                }
            }
        }
        at(
            "ADD CONSTRAINT stages_pk PRIMARY KEY (platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id) NOT ENFORCED RELY;",
        );
        at(
            "ADD CONSTRAINT tasks_application_id_fk FOREIGN KEY (platform, cluster_id, application_id, attempt_id) REFERENCES applications (platform, cluster_id, application_id, attempt_id) NOT ENFORCED;",
        );
    }

    #[tokio::test]
    async fn a_foreign_key_names_the_whole_key_of_its_parent() {
        let relations = built_in().await;
        let stages = relations
            .iter()
            .find(|relation| relation.name == "jobs")
            .expect("known");
        let keys = foreign_keys(stages, &relations);
        let to_sql = keys
            .iter()
            .find(|key| key.parent == "sql")
            .expect("jobs.sql_id points to sql");
        assert_eq!(
            to_sql.columns,
            [
                "platform",
                "cluster_id",
                "application_id",
                "attempt_id",
                "sql_id"
            ]
        );
        for table in relations.iter().filter(|relation| relation.is_table()) {
            for key in foreign_keys(table, &relations) {
                assert_eq!(key.columns.len(), key.parent_columns.len(), "{}", key.name);
            }
        }
    }
}
