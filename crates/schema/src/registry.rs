//! The contracts compiled into the binary, read once, at first use.

use std::collections::HashMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::contract::{CommonColumns, Table};
use super::problem::{ContractError, Problem};

static CONTRACTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas");
const COMMON_FILE: &str = "_common.toml";

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| match Registry::load(&CONTRACTS) {
    Ok(registry) => registry,
    // The contracts are part of the binary, no input reaches this; a test loads them all.
    Err(error) => panic!("this build of sparklake is broken: {error}"),
});

/// Every table of the lake, in alphabetical order.
pub fn tables() -> &'static [Table] {
    &REGISTRY.tables
}

/// The table of that exact name.
pub fn table(name: &str) -> Option<&'static Table> {
    REGISTRY
        .by_name
        .get(name)
        .and_then(|&index| REGISTRY.tables.get(index))
}

pub(super) struct Registry {
    tables: Vec<Table>,
    by_name: HashMap<String, usize>,
}

impl Registry {
    pub(super) fn load(folder: &Dir<'_>) -> Result<Self, ContractError> {
        let mut common = None;
        let mut contracts = Vec::new();
        for file in folder.files() {
            let name = file.path().display().to_string();
            let text = file
                .contents_utf8()
                .ok_or_else(|| Problem::NotUtf8.in_file(&name))?;
            if name == COMMON_FILE {
                common = Some(CommonColumns::parse(&name, text)?);
            } else {
                contracts.push((name, text));
            }
        }
        let common = common.ok_or_else(|| Problem::Missing.in_file(COMMON_FILE))?;

        let mut tables = contracts
            .iter()
            .map(|(name, text)| Table::parse(name, text, &common))
            .collect::<Result<Vec<_>, _>>()?;
        tables.sort_by(|left, right| left.name.cmp(&right.name));
        let by_name = tables
            .iter()
            .enumerate()
            .map(|(index, table)| (table.name.clone(), index))
            .collect();

        let registry = Self { tables, by_name };
        registry.check_references()?;
        Ok(registry)
    }

    fn check_references(&self) -> Result<(), ContractError> {
        for table in &self.tables {
            for column in &table.columns {
                if let Some((target, target_column)) = column.reference()
                    && !self.has_column(target, target_column)
                {
                    return Err(Problem::DanglingReference {
                        column: column.name.clone(),
                        target: format!("{target}.{target_column}"),
                    }
                    .in_file(&table.name));
                }
            }
        }
        Ok(())
    }

    fn has_column(&self, table: &str, column: &str) -> bool {
        self.by_name
            .get(table)
            .and_then(|&index| self.tables.get(index))
            .is_some_and(|table| table.column(column).is_some())
    }
}
