//! What a contract says, and the checks it must pass before anything is derived from it.

use std::collections::HashSet;

use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use super::column::Column;
use super::naming::is_snake_case;
use super::problem::{ContractError, Problem};

/// What a table is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    /// Rows extracted from histories.
    Fact,
    /// Rows computed from facts by SQL.
    Derived,
    /// Rows about sparklake's own work.
    Bookkeeping,
    /// Constants that queries read; not part of a lake.
    Reference,
}

impl TableKind {
    /// The kind's name in contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Derived => "derived",
            Self::Bookkeeping => "bookkeeping",
            Self::Reference => "reference",
        }
    }
}

/// Which of the common columns stand around a derived table's own columns.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Common {
    /// All: each row is about one application attempt.
    #[default]
    Application,
    /// Only those that say when and by which commit a row was made: rows are about several
    /// applications, such as a recurring job or a day of a cluster.
    Stamp,
}

/// The common columns that say when and by which commit a row was made.
const STAMP: [&str; 2] = ["batch_id", "ingested_at"];

/// A table of the lake.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name of the table and of its folder in the lake.
    pub name: String,
    /// Name for headings.
    pub title: String,
    /// What it is for.
    pub kind: TableKind,
    /// What one row stands for.
    pub grain: String,
    /// What it holds and how to use it.
    pub description: String,
    /// Where reference data comes from.
    pub source: Option<String>,
    /// Columns that together identify a row.
    pub keys: Vec<String>,
    /// Partition columns of the Delta table.
    pub partition_by: Vec<String>,
    /// All columns in order: common head, own columns, common tail.
    pub columns: Vec<Column>,
    arrow_schema: SchemaRef,
}

impl Table {
    /// The column of that exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The Arrow schema of its record batches; column comments are in the fields' metadata, as in
    /// the schema that Delta gives back. Cheap: built once.
    pub fn arrow_schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.arrow_schema)
    }

    /// Reads the contract in `file`, which must be named after the table.
    pub(super) fn parse(
        file: &str,
        text: &str,
        common: &CommonColumns,
    ) -> Result<Self, ContractError> {
        let contract: TableContract = parse_toml(file, text)?;
        contract.into_table(file, common)
    }

    /// Reads the contract of the reference table `id`, which queries call `ref_<id>`.
    ///
    /// # Errors
    /// The text is no contract, or not that of this table.
    pub fn reference(id: &str, text: &str) -> Result<Self, ContractError> {
        let file = format!("{id}.toml");
        let contract: ReferenceContract = parse_toml(&file, text)?;
        contract.into_table(&file)
    }

    fn check(&self) -> Result<(), Problem> {
        if !is_snake_case(&self.name) {
            return Err(Problem::NotSnakeCase {
                name: self.name.clone(),
            });
        }
        if [&self.title, &self.grain, &self.description]
            .iter()
            .any(|text| text.trim().is_empty())
        {
            return Err(Problem::NoDescription {
                of: self.name.clone(),
            });
        }
        self.check_columns()?;
        self.check_keys()
    }

    fn check_columns(&self) -> Result<(), Problem> {
        let mut seen = HashSet::new();
        for column in &self.columns {
            column.check()?;
            // Delta does not tell columns apart by case; names in snake_case cannot differ by it.
            if !seen.insert(column.name.as_str()) {
                return Err(Problem::DuplicateColumn {
                    column: column.name.clone(),
                });
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), Problem> {
        if self.keys.is_empty() {
            return Err(Problem::NoKey);
        }
        for name in self.keys.iter().chain(&self.partition_by) {
            let Some(column) = self.column(name) else {
                return Err(Problem::KeyIsNoColumn { key: name.clone() });
            };
            if column.nullable {
                return Err(Problem::KeyIsNullable { key: name.clone() });
            }
        }
        Ok(())
    }
}

/// Columns that stand around the own columns of every fact and derived table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommonColumns {
    head: Vec<Column>,
    tail: Vec<Column>,
}

impl CommonColumns {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ContractError> {
        parse_toml(file, text)
    }
}

/// A contract as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableContract {
    name: String,
    title: String,
    kind: TableKind,
    grain: String,
    description: String,
    keys: Vec<String>,
    partition_by: Vec<String>,
    #[serde(default)]
    common: Common,
    columns: Vec<Column>,
}

impl TableContract {
    fn into_table(self, file: &str, common: &CommonColumns) -> Result<Table, ContractError> {
        if file.strip_suffix(".toml") != Some(self.name.as_str()) {
            return Err(Problem::NotTheFileName { name: self.name }.in_file(file));
        }
        let tail = common.tail.iter().cloned();
        let columns = match (self.kind, self.common) {
            (TableKind::Bookkeeping | TableKind::Reference, _) => self.columns,
            (TableKind::Derived, Common::Stamp) => {
                let stamp = tail.filter(|column| STAMP.contains(&column.name.as_str()));
                self.columns.into_iter().chain(stamp).collect()
            }
            (TableKind::Fact | TableKind::Derived, _) => {
                let own = common.head.iter().cloned().chain(self.columns);
                own.chain(tail).collect()
            }
        };
        let table = Table {
            arrow_schema: super::arrow::schema_of(&columns),
            name: self.name,
            title: self.title,
            kind: self.kind,
            grain: self.grain,
            description: self.description,
            source: None,
            keys: self.keys,
            partition_by: self.partition_by,
            columns,
        };
        table.check().map_err(|problem| problem.in_file(file))?;
        Ok(table)
    }
}

/// The contract of a reference table as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceContract {
    name: String,
    title: String,
    source: String,
    grain: String,
    description: String,
    keys: Vec<String>,
    columns: Vec<Column>,
}

impl ReferenceContract {
    fn into_table(self, file: &str) -> Result<Table, ContractError> {
        if file.strip_suffix(".toml") != Some(self.name.as_str()) {
            return Err(Problem::NotTheFileName { name: self.name }.in_file(file));
        }
        if self.source.trim().is_empty() {
            return Err(Problem::NoDescription { of: self.name }.in_file(file));
        }
        let table = Table {
            arrow_schema: super::arrow::schema_of(&self.columns),
            name: format!("ref_{}", self.name),
            title: self.title,
            kind: TableKind::Reference,
            grain: self.grain,
            description: self.description,
            source: Some(self.source),
            keys: self.keys,
            partition_by: Vec::new(),
            columns: self.columns,
        };
        table.check().map_err(|problem| problem.in_file(file))?;
        Ok(table)
    }
}

fn parse_toml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ContractError> {
    toml::from_str(text).map_err(|error| Problem::Syntax(Box::new(error)).in_file(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = "head = []\ntail = []";
    const CONTRACT: &str = r#"
        name = "things"
        title = "Things"
        kind = "bookkeeping"
        grain = "one row per thing"
        description = "Things."
        keys = ["thing_id"]
        partition_by = []

        [[columns]]
        name = "thing_id"
        type = "bigint"
        nullable = false
        description = "Its id."

        [[columns]]
        name = "thing_names"
        type = "array<string>"
        description = "Its names."
    "#;

    fn parse(contract: &str) -> Result<Table, ContractError> {
        let common = CommonColumns::parse("_common.toml", COMMON)?;
        Table::parse("things.toml", contract, &common)
    }

    #[test]
    fn columns_are_nullable_unless_the_contract_says_no() -> Result<(), ContractError> {
        let table = parse(CONTRACT)?;
        let nullable: Vec<_> = table.columns.iter().map(|column| column.nullable).collect();
        assert_eq!(nullable, [false, true]);
        Ok(())
    }

    #[test]
    fn a_faulty_contract_is_refused_with_the_reason() {
        for (from, to, message) in [
            (
                "name = \"things\"",
                "name = \"other\"",
                "not the name of the file",
            ),
            (
                "\"thing_names\"",
                "\"thing_id\"",
                "`thing_id` is declared twice",
            ),
            ("\"thing_names\"", "\"thingNames\"", "not snake_case"),
            ("[\"thing_id\"]", "[]", "no key"),
            ("[\"thing_id\"]", "[\"thing\"]", "`thing` is not a column"),
            (
                "[\"thing_id\"]",
                "[\"thing_names\"]",
                "`thing_names` is nullable",
            ),
            ("Its names.", " ", "empty title, grain or description"),
            ("array<string>", "map<string,string>", "unknown variant"),
            (
                "nullable = false",
                "nulable = false",
                "unknown field `nulable`",
            ),
            (
                "nullable = false",
                "unit = \"fortnights\"",
                "unknown unit `fortnights`",
            ),
            (
                "nullable = false",
                "references = \"jobs\"",
                "not `table.column`",
            ),
        ] {
            assert!(CONTRACT.contains(from), "{from}");
            let error = parse(&CONTRACT.replacen(from, to, 1)).err();
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(text.starts_with("contract things.toml: "), "{to}: {text}");
            assert!(text.contains(message), "{to}: {text}");
        }
    }
}
