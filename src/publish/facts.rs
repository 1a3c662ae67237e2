//! The facts that are shown: the queries of the catalog, asked of a lake, as typed rows.

use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};
use datafusion::common::ScalarValue;
use serde::de::DeserializeOwned;

use super::error::PublishError;
use crate::analyze::{Catalog, Query};
use crate::ask::{AnswerStream, AskLake, QueryLimits};

/// A lake and the queries that it is asked.
#[derive(Clone, Copy)]
pub struct Facts<'l> {
    ask: &'l AskLake,
    catalog: &'l Catalog,
}

impl<'l> Facts<'l> {
    /// The lake to ask, and the catalog whose queries are asked.
    pub fn new(ask: &'l AskLake, catalog: &'l Catalog) -> Self {
        Self { ask, catalog }
    }

    /// All rows that the query `sql/<folder>/<id>.sql` gives, with these parameters and defaults for the
    /// others.
    ///
    /// # Errors
    /// There is no such query, it fails, or it gives other columns than `T` has.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        folder: &str,
        id: &str,
        given: &[(&str, ScalarValue)],
    ) -> Result<Vec<T>, PublishError> {
        let limits = QueryLimits::default();
        let mut stream = self.ask(folder, id, given, &limits).await?;
        let mut rows = Vec::new();
        while let Some(batch) = stream.next().await? {
            rows.extend(self.decode(folder, id, &batch)?);
        }
        Ok(rows)
    }

    /// The same, batch by batch and however long it takes, for answers that may be longer than the
    /// memory.
    ///
    /// # Errors
    /// There is no such query, or it fails.
    pub async fn stream(
        &self,
        folder: &str,
        id: &str,
        given: &[(&str, ScalarValue)],
    ) -> Result<AnswerStream, PublishError> {
        let limits = QueryLimits {
            timeout: None,
            ..QueryLimits::default()
        };
        self.ask(folder, id, given, &limits).await
    }

    async fn ask(
        &self,
        folder: &str,
        id: &str,
        given: &[(&str, ScalarValue)],
        limits: &QueryLimits,
    ) -> Result<AnswerStream, PublishError> {
        let query = self.query(folder, id)?;
        let parameters: Vec<(&str, ScalarValue)> = query
            .parameters
            .iter()
            .map(|declared| {
                let name = declared.name.as_str();
                let value = given.iter().find(|(known, _)| *known == name);
                let default = || declared.scalar_value();
                (name, value.map_or_else(default, |(_, value)| value.clone()))
            })
            .collect();
        Ok(self
            .ask
            .stream(&query.statement, &parameters, limits)
            .await?)
    }

    /// The rows of a batch that the query has given.
    ///
    /// # Errors
    /// The query gives other columns than `T` has.
    pub fn decode<T: DeserializeOwned>(
        &self,
        folder: &str,
        id: &str,
        batch: &RecordBatch,
    ) -> Result<Vec<T>, PublishError> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let mut writer = WriterBuilder::new().build::<_, JsonArray>(Vec::new());
        writer.write(batch)?;
        writer.finish()?;
        serde_json::from_slice(&writer.into_inner()).map_err(|error| PublishError::Columns {
            file: self.query(folder, id).map_or_else(
                |_| format!("sql/{folder}/{id}.sql"),
                |query| query.file.clone(),
            ),
            problem: error.to_string(),
        })
    }

    fn query(&self, folder: &str, id: &str) -> Result<&'l Query, PublishError> {
        Ok(&self.catalog.shown(folder, id)?.query)
    }
}
