//! A step of the analysis: something that makes rows for a bounded set of applications.
//!
//! A `.sql` file is one. What SQL cannot compute, such as the simulation of a scheduler, is one in
//! Rust: it reads the same session, in which every table shows the applications of the run and no
//! others, and fills a table with a contract of its own.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;

use super::common_tables;
use super::conform::arrow_failure;
use super::definition::{Query, Relation, Rule};
use super::error::AnalyzeError;
use super::narrow::{Names, narrowed};
use super::rule_results;
use super::simulations::Simulations;
use crate::ask::plan_read_only;
use crate::schema;

/// Something that makes the rows of a table, of a view, or of one rule's findings.
#[async_trait]
pub trait Step: Debug + Send + Sync {
    /// The name of the table, view or rule; a table's contract is the one of that name.
    fn id(&self) -> &str;

    /// The file of a step in SQL; the name of one in Rust.
    fn file(&self) -> &str;

    /// The tables and views that it reads.
    fn reads(&self) -> &[String];

    /// Everything that decides its answers: rows made under another text are out of date.
    fn version(&self) -> String;

    /// The columns of tables that it may name, and those of its answer; `None` where any can be among
    /// them.
    fn names(&self) -> Option<Names> {
        None
    }

    /// Its rows, over a session in which each table that it reads shows the applications of the run.
    ///
    /// # Errors
    /// The tables cannot be read, or hold what the step cannot take.
    async fn rows(&self, session: &SessionContext) -> Result<RecordBatch, AnalyzeError>;
}

impl Query {
    /// Plans and runs the query with its parameters.
    /// It reads those columns of tables that are among `names`, all where that is `None`.
    pub(super) async fn rows(
        &self,
        session: &SessionContext,
        names: Option<&Names>,
    ) -> Result<RecordBatch, AnalyzeError> {
        let failed = |error| AnalyzeError::query(&self.file, error);
        let own = narrowed(session, &self.reads, names).await;
        let own = own.map_err(failed)?;
        let values: Vec<(String, ScalarValue)> = self
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.scalar_value()))
            .collect();
        let computed = common_tables::compute(&self.statement, &self.reads, &values, &own).await;
        let statement = computed
            .as_ref()
            .map_or(&self.statement, |rest| &rest.statement);
        let mut rows = plan_read_only(&own, statement).await.map_err(failed)?;
        if !values.is_empty() {
            rows = rows.with_param_values(values).map_err(failed)?;
        }
        let schema = Arc::clone(rows.schema().inner());
        let batches = rows.collect().await.map_err(failed)?;
        let schema = batches.first().map_or(schema, RecordBatch::schema);
        concat_batches(&schema, &batches).map_err(arrow_failure(&self.file))
    }

    fn version(&self) -> String {
        format!("{:?} {}", self.parameters, self.sql)
    }
}

#[async_trait]
impl Step for Relation {
    fn id(&self) -> &str {
        &self.id
    }

    fn file(&self) -> &str {
        &self.query.file
    }

    fn reads(&self) -> &[String] {
        &self.query.reads
    }

    fn version(&self) -> String {
        self.query.version()
    }

    fn names(&self) -> Option<Names> {
        let names = Names::of(&self.query.sql);
        let contract = schema::table(&self.id);
        let columns = contract.iter().flat_map(|contract| &contract.columns);
        Some(names.with(columns.map(|column| &column.name)))
    }

    async fn rows(&self, session: &SessionContext) -> Result<RecordBatch, AnalyzeError> {
        // Whoever reads a view may name any column that it passes on.
        let passes_all = schema::table(&self.id).is_none() && self.query.has_wildcard();
        let names = self.names().filter(|_| !passes_all);
        self.query.rows(session, names.as_ref()).await
    }
}

#[async_trait]
impl Step for Rule {
    fn id(&self) -> &str {
        &self.id
    }

    fn file(&self) -> &str {
        &self.query.file
    }

    fn reads(&self) -> &[String] {
        &self.query.reads
    }

    /// All of a rule reaches the findings, for example its advice.
    fn version(&self) -> String {
        format!("{self:?}")
    }

    fn names(&self) -> Option<Names> {
        Some(Names::of(&self.query.sql).with(rule_results::columns()))
    }

    async fn rows(&self, session: &SessionContext) -> Result<RecordBatch, AnalyzeError> {
        self.query.rows(session, self.names().as_ref()).await
    }
}

/// Steps in Rust, each for a table.
#[derive(Debug, Clone, Default)]
pub(super) struct NativeSteps(Vec<Arc<dyn Step>>);

impl NativeSteps {
    /// The steps that come with the program.
    pub(super) fn built_in() -> Self {
        Self(vec![Arc::new(Simulations::default())])
    }

    /// Adds a step, in place of another for the same table.
    pub(super) fn add(&mut self, step: Arc<dyn Step>) {
        self.0.retain(|known| known.id() != step.id());
        self.0.push(step);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Step>> {
        self.0.iter()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Arc<dyn Step>> {
        self.0.iter().find(|step| step.id() == id)
    }
}

/// Steps that give the same answers are the same.
impl PartialEq for NativeSteps {
    fn eq(&self, other: &Self) -> bool {
        let same = |(left, right): (&Arc<dyn Step>, &Arc<dyn Step>)| {
            left.id() == right.id() && left.version() == right.version()
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}
