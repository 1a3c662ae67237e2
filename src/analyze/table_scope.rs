//! Which applications a derived table looks at together.

use serde::Serialize;

use super::error::CatalogError;
use super::header::Field;
use crate::model::did_you_mean;
use crate::schema;

/// The header's word for a table that is made for one application at a time.
const APPLICATION: &str = "application";
/// The header's word for a table that looks at all applications of the lake at once.
const LAKE: &str = "lake";

/// Which applications a derived table looks at together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub enum TableScope {
    /// One at a time: its rows depend on nothing but that application's.
    #[default]
    Application,
    /// All that agree in these columns, a *group*; where there is no column, all of the lake.
    Across(Vec<String>),
}

impl TableScope {
    /// Reads `-- scope: …` of the table's file.
    pub(super) fn parse(
        file: &str,
        table: &str,
        field: Option<Field>,
    ) -> Result<Self, CatalogError> {
        let Some(field) = field else {
            return Ok(Self::Application);
        };
        let words: Vec<&str> = field.value.split(',').map(str::trim).collect();
        if words == [APPLICATION] {
            return Ok(Self::Application);
        }
        if words == [LAKE] {
            return Ok(Self::Across(Vec::new()));
        }
        // A table without a contract is an error of its own, when its rows are there.
        let known = schema::table(table).map(|contract| &contract.columns);
        for word in &words {
            let is_known =
                known.is_none_or(|columns| columns.iter().any(|column| column.name == *word));
            if !is_known || word.is_empty() {
                let columns = known.into_iter().flatten();
                return Err(CatalogError::new(
                    file,
                    field.line,
                    format!("the scope names `{word}`, which is no column of `{table}`"),
                    did_you_mean(
                        word,
                        columns
                            .map(|column| column.name.as_str())
                            .chain([APPLICATION, LAKE]),
                    ),
                ));
            }
        }
        Ok(Self::Across(words.into_iter().map(str::to_owned).collect()))
    }

    /// Whether rows depend on several applications.
    pub fn is_across(&self) -> bool {
        matches!(self, Self::Across(_))
    }
}
