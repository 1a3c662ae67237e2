//! Runs the catalog over a lake: shared views first, then the rules, then the derived tables, each
//! as soon as what it reads is there.
//!
//! A file that fails takes only those down that read it; the rest of the night goes on and the
//! failure is reported beside the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::{JoinError, JoinSet};

use super::catalog::{Catalog, REFERENCE_PREFIX};
use super::conform::{Stamp, arrow_failure, conform};
use super::definition::Rule;
use super::error::AnalyzeError;
use super::facts::{Facts, in_memory};
use super::narrow::Names;
use super::rule_results::{self, RULE_RESULTS};
use super::scope::Scope;
use super::settings::{self, KEY_COLUMNS, KNOWN_SETTINGS, Settings};
use super::step::Step;
use crate::ask::{for_small_tables, same_engine};
use crate::model::{did_you_mean, milliseconds};
use crate::schema;

/// Tables that are opened side by side, since a store answers late.
const TABLES_AT_ONCE: usize = 8;

/// The rows of one derived table, in the exact schema of its contract.
#[derive(Debug, Clone)]
pub struct DerivedRows {
    /// Name of the table.
    pub table: String,
    /// Its rows for the applications in scope, sorted by the table's keys.
    pub rows: RecordBatch,
}

/// How long one file took and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// `view`, `rule` or `table`.
    pub kind: &'static str,
    /// Id of the file.
    pub id: String,
    /// Rows of its answer.
    pub rows: usize,
    /// Time to plan and run it; steps run side by side.
    pub elapsed: Duration,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The derived tables, by name. A table whose query failed is not among them.
    pub tables: Vec<DerivedRows>,
    /// What failed.
    pub problems: Vec<AnalyzeError>,
    /// What ran.
    pub steps: Vec<StepReport>,
}

/// Judges the applications in `scope` by `catalog`, over a session in which the tables of the lake
/// are registered. Tables that the lake does not have yet are empty.
///
/// # Errors
/// Only what makes the whole run pointless, such as a table of the lake that cannot be opened.
/// What single files do wrong is in [`Analysis::problems`].
pub async fn run(
    catalog: &Catalog,
    lake: &SessionContext,
    scope: &Scope,
    stamp: &Stamp,
) -> Result<Analysis, AnalyzeError> {
    let mut run = Run::new(catalog, lake, stamp);
    run.register_references(catalog)?;
    run.register_facts(lake, scope).await?;
    run.read_settings(catalog).await?;
    run.run_steps().await;
    Ok(run.analysis)
}

/// A step with what its rows are for.
#[derive(Debug, Clone)]
struct Planned {
    step: Arc<dyn Step>,
    makes: Makes,
}

/// What a step's rows are for.
#[derive(Debug, Clone)]
enum Makes {
    View,
    Findings(Box<Rule>),
    Table,
}

impl Planned {
    fn new(step: Arc<dyn Step>, makes: Makes) -> Self {
        Self { step, makes }
    }

    fn kind(&self) -> &'static str {
        match self.makes {
            Makes::View => "view",
            Makes::Findings(_) => "rule",
            Makes::Table => "table",
        }
    }
}

/// Who reads a table.
struct Readers {
    /// One of their files, for messages.
    file: String,
    count: usize,
    /// Whether all of them say which columns they name.
    name_columns: bool,
}

/// The answer of one step.
struct Done {
    planned: Planned,
    answer: Result<RecordBatch, AnalyzeError>,
    elapsed: Duration,
}

/// The state of a run.
struct Run<'a> {
    /// A session of its own, so that the lake's stays as it was; memory and storage are shared.
    ctx: SessionContext,
    stamp: &'a Stamp,
    pending: Vec<Planned>,
    /// Names that can be read already.
    available: BTreeSet<String>,
    /// Rules that have not answered yet.
    open_rules: usize,
    rule_results: Vec<RecordBatch>,
    settings: Settings,
    analysis: Analysis,
}

impl<'a> Run<'a> {
    fn new(catalog: &Catalog, lake: &SessionContext, stamp: &'a Stamp) -> Self {
        let read = views_read(catalog);
        let views = catalog.views().filter(|view| read.contains(&view.id));
        let views = views.map(|view| Planned::new(Arc::new(view.clone()), Makes::View));
        let rules = catalog.rules().map(|rule| {
            let makes = Makes::Findings(Box::new(rule.clone()));
            Planned::new(Arc::new(rule.clone()), makes)
        });
        let tables = catalog.table_steps();
        let tables = tables.map(|table| Planned::new(table, Makes::Table));
        Self {
            ctx: same_engine(&lake.state()),
            stamp,
            pending: views.chain(rules).chain(tables).collect(),
            available: BTreeSet::new(),
            open_rules: catalog.rules().count(),
            rule_results: Vec::new(),
            settings: Settings::default(),
            analysis: Analysis::default(),
        }
    }

    fn register_references(&mut self, catalog: &Catalog) -> Result<(), AnalyzeError> {
        for reference in catalog.references() {
            let batch = reference.rows.clone();
            self.register(
                &format!("{REFERENCE_PREFIX}{}", reference.id),
                &reference.file,
                batch,
            )?;
        }
        Ok(())
    }

    /// Registers every table that some step reads and none makes, restricted to the scope.
    async fn register_facts(
        &mut self,
        lake: &SessionContext,
        scope: &Scope,
    ) -> Result<(), AnalyzeError> {
        let facts = Arc::new(Facts::new(lake, scope));
        let named = Arc::new(self.names());
        let mut in_lake = Vec::new();
        for (table, readers) in self.facts_read() {
            let file = readers.file.clone();
            let is_there = lake
                .table_exist(table.as_str())
                .map_err(|error| AnalyzeError::query(&file, error))?;
            if is_there {
                in_lake.push((table, readers));
            } else if let Some(contract) = schema::table(&table) {
                let empty = RecordBatch::new_empty(contract.arrow_schema());
                self.register(&table, &file, empty)?;
            } else {
                self.analysis.problems.push(unknown_table(&table, &file));
            }
        }
        let mut opened = stream::iter(in_lake)
            .map(|(table, readers)| {
                // A task of its own: to plan and to open many files keeps a core busy.
                let (facts, named) = (Arc::clone(&facts), Arc::clone(&named));
                SpawnedTask::spawn(async move {
                    let Readers { file, count, .. } = readers;
                    let names = Some(named.as_ref()).filter(|_| readers.name_columns);
                    let fact = facts.table(&table, count, names).await;
                    let fact = fact.map_err(|error| AnalyzeError::query(&file, error))?;
                    Ok::<_, AnalyzeError>((table, file, fact))
                })
            })
            .map(async |opened| opened.await.map_err(lost_task)?)
            .buffer_unordered(TABLES_AT_ONCE);
        let mut are_small = true;
        while let Some((table, file, fact)) = opened.try_next().await? {
            are_small &= !fact.is_large;
            self.ctx
                .register_table(table.as_str(), fact.provider)
                .map_err(|error| AnalyzeError::query(&file, error))?;
            self.available.insert(table);
        }
        drop(opened);
        if are_small {
            self.ctx = for_small_tables(&self.ctx);
        }
        Ok(())
    }

    /// Advice looks at what the applications were configured with.
    async fn read_settings(&mut self, catalog: &Catalog) -> Result<(), AnalyzeError> {
        if self.open_rules > 0 {
            let known = catalog.reference_rows(KNOWN_SETTINGS);
            let advised: Vec<&str> = catalog
                .rules()
                .flat_map(|rule| &rule.advice)
                .filter_map(|advice| advice.config_key.as_deref())
                .collect();
            self.settings = Settings::read(&self.ctx, known.as_ref(), &advised)
                .await
                .map_err(|error| AnalyzeError::query("environment", error))?;
        }
        Ok(())
    }

    /// Table name → who reads it.
    fn facts_read(&self) -> BTreeMap<String, Readers> {
        let made: BTreeSet<&str> = self
            .pending
            .iter()
            .filter(|planned| !matches!(planned.makes, Makes::Findings(_)))
            .map(|planned| planned.step.id())
            .collect();
        let for_advice = ["applications", "environment", "session_settings"]
            .into_iter()
            .filter(|_| self.open_rules > 0)
            .map(|table| (table.to_owned(), "sql", true));
        let by_steps = self.pending.iter().flat_map(|planned| {
            let tables = planned.step.reads().iter().cloned();
            let names_columns = planned.step.names().is_some();
            tables.map(move |table| (table, planned.step.file(), names_columns))
        });
        let facts = by_steps.chain(for_advice).filter(|(table, _, _)| {
            !made.contains(table.as_str())
                && table.as_str() != RULE_RESULTS
                && !self.available.contains(table)
        });
        let mut read: BTreeMap<String, Readers> = BTreeMap::new();
        for (table, file, name_columns) in facts {
            let readers = read.entry(table).or_insert_with(|| Readers {
                file: file.to_owned(),
                count: 0,
                name_columns: true,
            });
            readers.count += 1;
            readers.name_columns &= name_columns;
        }
        read
    }

    /// The columns that any step names: a view can pass all columns of a table on, and others name
    /// those that they want of it.
    fn names(&self) -> Names {
        let steps = self
            .pending
            .iter()
            .filter_map(|planned| planned.step.names());
        let for_advice = Names::default().with(settings::COLUMNS.into_iter().chain(KEY_COLUMNS));
        steps.fold(for_advice, Names::and)
    }

    async fn run_steps(&mut self) {
        let mut running = JoinSet::new();
        loop {
            if self.open_rules == 0 && !self.available.contains(RULE_RESULTS) {
                self.register_rule_results();
            }
            for step in self.take_ready() {
                running.spawn(execute(self.ctx.clone(), step));
            }
            match running.join_next().await {
                Some(Ok(done)) => self.take_over(done),
                Some(Err(failure)) => self.analysis.problems.push(lost_task(failure)),
                // The rules that are left can never run; findings are made of what the others found.
                None if self.open_rules > 0 => self.open_rules = 0,
                None => break,
            }
        }
        self.report_never_ready();
        self.analysis
            .tables
            .sort_by(|left, right| left.table.cmp(&right.table));
    }

    fn take_ready(&mut self) -> Vec<Planned> {
        let available = &self.available;
        self.pending
            .extract_if(.., |planned| {
                let mut reads = planned.step.reads().iter();
                reads.all(|name| available.contains(name))
            })
            .collect()
    }

    fn take_over(&mut self, done: Done) {
        let Planned { step, makes } = &done.planned;
        tracing::debug!(
            kind = done.planned.kind(),
            id = step.id(),
            elapsed_ms = milliseconds(done.elapsed),
            "analysis step ends"
        );
        self.analysis.steps.push(StepReport {
            kind: done.planned.kind(),
            id: step.id().to_owned(),
            rows: done.answer.as_ref().map_or(0, RecordBatch::num_rows),
            elapsed: done.elapsed,
        });
        let outcome = match makes {
            Makes::View => done
                .answer
                .and_then(|rows| self.register(step.id(), step.file(), rows)),
            Makes::Findings(rule) => {
                self.open_rules = self.open_rules.saturating_sub(1);
                done.answer
                    .and_then(|rows| rule_results::from_rule(rule, &rows, &self.settings))
                    .map(|rows| self.rule_results.push(rows))
            }
            Makes::Table => done
                .answer
                .and_then(|rows| self.finish_table(step.as_ref(), rows)),
        };
        if let Err(problem) = outcome {
            self.analysis.problems.push(problem);
        }
    }

    fn finish_table(&mut self, table: &dyn Step, answer: RecordBatch) -> Result<(), AnalyzeError> {
        let (id, file) = (table.id(), table.file());
        let contract = schema::table(id).ok_or_else(|| {
            let known = schema::tables().iter().map(|known| known.name.as_str());
            AnalyzeError::Contract {
                file: file.to_owned(),
                problem: format!("there is no contract for a table `{id}`"),
                cure: did_you_mean(id, known.collect::<Vec<_>>()),
            }
        })?;
        let rows = conform(
            file,
            &contract.arrow_schema(),
            &contract.keys,
            &[answer],
            self.stamp,
        )?;
        self.register(id, file, rows.clone())?;
        self.analysis.tables.push(DerivedRows {
            table: id.to_owned(),
            rows,
        });
        Ok(())
    }

    /// Findings are made from what all rules found, so they wait for the last rule, failed or not.
    fn register_rule_results(&mut self) {
        // Available even if this fails, else the run would come back here for ever.
        self.available.insert(RULE_RESULTS.to_owned());
        let found = std::mem::take(&mut self.rule_results);
        let outcome = concat_batches(&rule_results::arrow_schema(), &found)
            .map_err(arrow_failure(RULE_RESULTS))
            .and_then(|rows| self.register(RULE_RESULTS, RULE_RESULTS, rows));
        if let Err(problem) = outcome {
            self.analysis.problems.push(problem);
        }
    }

    fn report_never_ready(&mut self) {
        for Planned { step, .. } in self.pending.drain(..) {
            let mut reads = step.reads().iter();
            let missing = reads.find(|name| !self.available.contains(*name));
            self.analysis.problems.push(AnalyzeError::Dependency {
                file: step.file().to_owned(),
                needs: missing.cloned().unwrap_or_default(),
            });
        }
    }

    fn register(&mut self, name: &str, file: &str, rows: RecordBatch) -> Result<(), AnalyzeError> {
        in_memory(rows.schema(), vec![rows])
            .and_then(|table| self.ctx.register_table(name, table))
            .map_err(|error| AnalyzeError::query(file, error))?;
        self.available.insert(name.to_owned());
        Ok(())
    }
}

/// The views that rules and tables read, also by way of other views. The others are for people, and
/// made when somebody asks for them.
fn views_read(catalog: &Catalog) -> BTreeSet<String> {
    let rules = catalog.rules().flat_map(|rule| rule.query.reads.clone());
    let tables = catalog.table_steps();
    let tables = tables.flat_map(|table| table.reads().to_vec());
    let mut open: Vec<String> = rules.chain(tables).collect();
    let mut read = BTreeSet::new();
    while let Some(name) = open.pop() {
        let view = catalog.views().find(|view| view.id == name);
        if let Some(view) = view.filter(|view| read.insert(view.id.clone())) {
            open.extend(view.query.reads.iter().cloned());
        }
    }
    read
}

async fn execute(ctx: SessionContext, planned: Planned) -> Done {
    let begin = Instant::now();
    let answer = planned.step.rows(&ctx).await;
    Done {
        planned,
        answer,
        elapsed: begin.elapsed(),
    }
}

fn lost_task(failure: JoinError) -> AnalyzeError {
    AnalyzeError::Session(Box::new(DataFusionError::ExecutionJoin(Box::new(failure))))
}

fn unknown_table(table: &str, file: &str) -> AnalyzeError {
    let known: Vec<&str> = schema::tables()
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    AnalyzeError::Contract {
        file: file.to_owned(),
        problem: format!("the query reads `{table}`, which is no table of the lake"),
        cure: did_you_mean(table, known),
    }
}
