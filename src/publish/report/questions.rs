//! Asking the queries of `sql/report`, and their answers as Rust types.

use arrow::json::ArrayWriter;
use datafusion::common::ScalarValue;
use serde::de::DeserializeOwned;

use super::error::ReportError;
use crate::analyze::{AnalyzeError, Catalog};
use crate::ask::{AskLake, QueryLimits};

/// A lake, and the queries that reports ask it.
#[derive(Clone, Copy)]
pub struct Questions<'a> {
    /// The lake.
    pub ask: &'a AskLake,
    /// The catalog that the queries and the rules are in.
    pub catalog: &'a Catalog,
    /// How commands name the lake.
    pub lake: &'a str,
}

/// The value of a parameter by its name.
pub(in crate::publish) type Parameters<'p> = [(&'p str, ScalarValue)];

impl Questions<'_> {
    /// The rows that the query `id` gives; parameters that it does not have are left out.
    ///
    /// # Errors
    /// The lake cannot be read, or a user's query of that name gives other columns.
    pub(in crate::publish) async fn rows<T: DeserializeOwned>(
        &self,
        id: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<T>, ReportError> {
        self.rows_of("report", id, parameters).await
    }

    /// The same of `sql/<folder>/<id>.sql`.
    pub(in crate::publish) async fn rows_of<T: DeserializeOwned>(
        &self,
        folder: &str,
        id: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<T>, ReportError> {
        let query = &self.catalog.shown(folder, id)?.query;
        let known = |name: &str| query.parameters.iter().any(|known| known.name == name);
        let mut given: Vec<(&str, ScalarValue)> = parameters
            .iter()
            .filter(|(name, _)| known(name))
            .cloned()
            .collect();
        for parameter in &query.parameters {
            if !given.iter().any(|(name, _)| *name == parameter.name) {
                given.push((&parameter.name, parameter.scalar_value()));
            }
        }
        let limits = QueryLimits::default();
        let answer = self.ask.query(&query.statement, &given, &limits).await?;
        let unreadable =
            |error: arrow::error::ArrowError| AnalyzeError::query(&query.file, error.into());
        let mut writer = ArrayWriter::new(Vec::new());
        for batch in &answer.batches {
            writer.write(batch).map_err(unreadable)?;
        }
        writer.finish().map_err(unreadable)?;
        let json = writer.into_inner();
        if json.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_slice(&json).map_err(|error| ReportError::Columns {
            file: query.file.clone(),
            problem: error.to_string(),
        })
    }

    /// The only row of such a query.
    pub(super) async fn row<T: DeserializeOwned>(
        &self,
        id: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Option<T>, ReportError> {
        Ok(self.rows(id, parameters).await?.into_iter().next())
    }
}
