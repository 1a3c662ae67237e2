//! What the header of a view says for people and models that query it: `grain`, `keys` and a `column` line for
//! each column that no table describes. A view with a grain is a consumer view: every export publishes it.

use serde::Serialize;

use super::error::CatalogError;
use super::header::{Field, Header};

/// The contract of a consumer view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewContract {
    /// What one row stands for.
    pub grain: String,
    /// Columns that together identify a row.
    pub keys: Vec<String>,
    /// What its own columns mean, those that are no plain column of a table.
    pub columns: Vec<ColumnNote>,
}

/// What a column of a view means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnNote {
    /// Its name.
    pub name: String,
    /// Unit of its numbers; `None` where it has none.
    pub unit: Option<String>,
    /// What it holds.
    pub description: String,
}

impl ViewContract {
    /// Takes the contract out of a header; `None` where the view has none.
    pub(super) fn parse(file: &str, header: &mut Header<'_>) -> Result<Option<Self>, CatalogError> {
        let grain = header.optional("grain")?;
        let keys = header.optional("keys")?;
        let columns = header.repeated("column");
        let (Some(grain), Some(keys)) = (&grain, &keys) else {
            let lone = grain.or(keys).or_else(|| columns.into_iter().next());
            return match lone {
                None => Ok(None),
                Some(field) => Err(CatalogError::new(
                    file,
                    field.line,
                    format!("`{}` without `grain` and `keys`", field.key),
                    "give a view for people both of them",
                )),
            };
        };
        let columns: Result<Vec<ColumnNote>, CatalogError> =
            columns.iter().map(|field| note(file, field)).collect();
        Ok(Some(Self {
            grain: grain.value.clone(),
            keys: keys
                .value
                .split(',')
                .map(|key| key.trim().to_owned())
                .collect(),
            columns: columns?,
        }))
    }

    /// The note about a column.
    pub fn column(&self, name: &str) -> Option<&ColumnNote> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Reads `name [unit] description`; the unit may be missing.
fn note(file: &str, field: &Field) -> Result<ColumnNote, CatalogError> {
    let read = || {
        let (name, rest) = field.value.split_once(' ')?;
        let rest = rest.trim();
        let (unit, description) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (unit, description) = rest.split_once(']')?;
                (Some(unit.trim().to_owned()), description.trim())
            }
            None => (None, rest),
        };
        (!description.is_empty()).then(|| ColumnNote {
            name: name.to_owned(),
            unit,
            description: description.to_owned(),
        })
    };
    read().ok_or_else(|| {
        CatalogError::new(
            file,
            field.line,
            format!("`{}` does not describe a column", field.value),
            "write `-- column: name [unit] what it holds`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<ViewContract>, CatalogError> {
        let mut header = Header::parse("views/v.sql", text)?;
        ViewContract::parse("views/v.sql", &mut header)
    }

    #[test]
    fn grain_keys_and_columns_are_read() {
        let text = "-- grain: one row per run\n-- keys: a, b\n-- column: x_ms [ms] Time\n--   that it took.\n-- column: y Name.\n";
        let contract = parse(text).expect("valid").expect("a contract");
        assert_eq!(contract.keys, ["a", "b"]);
        let x = contract.column("x_ms").expect("described");
        assert_eq!(
            (x.unit.as_deref(), x.description.as_str()),
            (Some("ms"), "Time that it took.")
        );
        assert_eq!(
            contract.column("y").and_then(|column| column.unit.clone()),
            None
        );
        assert_eq!(parse("-- id: v\n").expect("valid"), None);
    }

    #[test]
    fn half_a_contract_is_refused_with_its_line() {
        for (text, message) in [
            (
                "-- grain: one row\n",
                "views/v.sql:1: `grain` without `grain` and `keys`; give a view for people both of them",
            ),
            (
                "-- grain: one row\n-- keys: a\n-- column: x [ms\n",
                "views/v.sql:3: `x [ms` does not describe a column; write `-- column: name [unit] what it holds`",
            ),
        ] {
            assert_eq!(parse(text).expect_err("refused").to_string(), message);
        }
    }
}
