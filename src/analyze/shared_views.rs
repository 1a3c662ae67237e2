//! The catalog's views and reference tables, as a lake that is asked takes them.

use super::catalog::{Catalog, REFERENCE_PREFIX};
use super::error::AnalyzeError;
use super::parameters::scalar_value;
use crate::ask::{Definition, View};

impl Catalog {
    /// The views and reference tables, for [`crate::ask::AskOptions::views`].
    ///
    /// # Errors
    /// A reference file is no table.
    pub fn shared_views(&self) -> Result<Vec<View>, AnalyzeError> {
        let views = self.views().map(|view| {
            let parameters = view.query.parameters.iter();
            Ok(View {
                name: view.id.clone(),
                definition: Definition::Query {
                    sql: view.query.statement.clone(),
                    parameters: parameters
                        .map(|parameter| (parameter.name.clone(), scalar_value(&parameter.value)))
                        .collect(),
                    reads: view.query.reads.clone(),
                },
            })
        });
        let references = self.references().map(|reference| {
            Ok(View {
                name: format!("{REFERENCE_PREFIX}{}", reference.id),
                definition: Definition::Rows(reference.rows.clone()),
            })
        });
        views.chain(references).collect()
    }
}
