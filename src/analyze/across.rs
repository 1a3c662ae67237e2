//! The second pass: tables that look at several applications together, such as the runs of a
//! recurring job, made from tables that are in the lake already.
//!
//! Such a table is made group by group (`-- scope:` in its file). Only groups that changed are made
//! again, and of their rows only those are written that differ from what the table holds. A group
//! whose data fails the query fails alone.

use std::collections::{BTreeSet, HashSet};

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;

use super::catalog::Catalog;
use super::conform::{Stamp, arrow_failure};
use super::definition::Relation;
use super::difference::{Difference, difference};
use super::error::AnalyzeError;
use super::failures::{Failure, Fault, failure_rows};
use super::groups::{GroupHash, GroupUnit, group_hash, texts, values};
use super::runner::run;
use super::scope::{GroupScope, Scope};
use super::table_scope::TableScope;
use super::units::{MAX_LONE_FAILURES, Subject};
use crate::model::{ApplicationKey, TextKey};
use crate::schema::{self, Table, TableKind};

/// The table of which each application is one row.
const APPLICATIONS: &str = "applications";

/// A table that looks at several applications together.
#[derive(Debug, Clone)]
pub struct AcrossTable {
    contract: &'static Table,
    file: String,
    columns: Vec<String>,
    sources: Vec<GroupSource>,
    /// The table and the views that it reads.
    catalog: Catalog,
}

/// A table that says which groups there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupSource {
    pub table: String,
    /// Whether its rows belong to applications.
    pub has_applications: bool,
}

impl Catalog {
    /// The tables that look at several applications, in rounds: a table reads those of earlier rounds,
    /// and none of its own.
    ///
    /// # Errors
    /// A table has no contract, no table says which groups there are, or what is made for one
    /// application at a time reads it.
    pub fn across_applications(&self) -> Result<Vec<Vec<AcrossTable>>, AnalyzeError> {
        let mut open: Vec<&Relation> = self
            .tables()
            .filter(|table| table.scope.is_across())
            .collect();
        self.refuse_early_readers(&open)?;
        let mut rounds = Vec::new();
        while !open.is_empty() {
            let names: BTreeSet<&str> = open.iter().map(|table| table.id.as_str()).collect();
            let (later, ready): (Vec<&Relation>, Vec<&Relation>) = open.iter().partition(|table| {
                let reads = self.tables_read(table);
                reads.iter().any(|name| names.contains(name.as_str()))
            });
            if let ([], Some(table)) = (ready.as_slice(), later.first()) {
                return Err(AnalyzeError::Contract {
                    file: table.query.file.clone(),
                    problem: format!("`{}` reads itself, by way of others", table.id),
                    cure: "take one of them out of the circle".to_owned(),
                });
            }
            let round = ready.into_iter().map(|table| AcrossTable::of(self, table));
            rounds.push(round.collect::<Result<_, _>>()?);
            open = later;
        }
        Ok(rounds)
    }

    /// All tables that `table` reads, also by way of views.
    fn tables_read(&self, table: &Relation) -> BTreeSet<String> {
        let alone = self.alone(table);
        let views: BTreeSet<&str> = alone.views().map(|view| view.id.as_str()).collect();
        alone
            .views()
            .map(|view| &view.query)
            .chain([&table.query])
            .flat_map(|query| &query.reads)
            .filter(|name| !views.contains(name.as_str()))
            .cloned()
            .collect()
    }

    /// The first pass is done before the second begins.
    fn refuse_early_readers(&self, across: &[&Relation]) -> Result<(), AnalyzeError> {
        let is_across = |id: &str| across.iter().any(|table| table.id == id);
        let tables = self.table_steps().filter(|table| !is_across(table.id()));
        let tables = tables.map(|table| (table.file().to_owned(), table.reads().to_vec()));
        let rules = self.rules().map(|rule| &rule.query);
        let rules = rules.map(|rule| (rule.file.clone(), rule.reads.clone()));
        for (file, reads) in tables.chain(rules) {
            let views = self.views().filter(|view| reads.contains(&view.id));
            let by_views = views.flat_map(|view| self.tables_read(view));
            let mut read = reads.iter().cloned().chain(by_views);
            if let Some(table) = read.find(|name| is_across(name)) {
                return Err(AnalyzeError::Contract {
                    file,
                    problem: format!(
                        "it is made for one application at a time, and reads `{table}`, which \
                         looks at several and is made later"
                    ),
                    cure: "read something else, or give the table a `-- scope:`".to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl AcrossTable {
    fn of(catalog: &Catalog, table: &Relation) -> Result<Self, AnalyzeError> {
        let refused = |problem: String, cure: &str| AnalyzeError::Contract {
            file: table.query.file.clone(),
            problem,
            cure: cure.to_owned(),
        };
        let columns = match &table.scope {
            TableScope::Across(columns) => columns.clone(),
            TableScope::Application => Vec::new(),
        };
        let contract = schema::table(&table.id).ok_or_else(|| {
            refused(
                format!("there is no contract for a table `{}`", table.id),
                "write schemas/<table>.toml",
            )
        })?;
        let read = catalog.tables_read(table);
        let tables = read.iter().filter_map(|name| schema::table(name));
        let facts = tables.filter(|table| table.kind != TableKind::Derived && !has_key(table));
        let sources: Vec<GroupSource> = facts
            .chain(schema::table(APPLICATIONS))
            .filter(|source| {
                let mut needed = columns.iter().map(String::as_str).chain(["batch_id"]);
                needed.all(|name| source.column(name).is_some())
            })
            // Every cluster and every application is part of the lake as a whole.
            .filter(|source| !columns.is_empty() || source.name == APPLICATIONS)
            .map(|source| GroupSource {
                table: source.name.clone(),
                has_applications: has_key(source),
            })
            .collect();
        if sources.is_empty() {
            return Err(refused(
                format!(
                    "no table that it reads has all columns of its scope: {}",
                    columns.join(", ")
                ),
                "name columns of `applications`, or of a table of clusters that it reads",
            ));
        }
        Ok(Self {
            contract,
            file: table.query.file.clone(),
            columns,
            sources,
            catalog: catalog.alone(table),
        })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.contract.name
    }

    /// Its contract.
    pub fn contract(&self) -> &'static Table {
        self.contract
    }

    /// A hash of everything that decides its rows, as hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.catalog.fingerprint()
    }

    /// The columns that the applications of a group have in common.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn sources(&self) -> &[GroupSource] {
        &self.sources
    }
}

fn has_key(table: &Table) -> bool {
    ApplicationKey::COLUMNS
        .iter()
        .all(|name| table.column(name).is_some())
}

/// What a unit of groups gave.
#[derive(Debug, Default)]
pub struct JudgedGroups {
    /// The rows of the groups that could be judged.
    pub rows: Vec<RecordBatch>,
    /// The groups that could not.
    pub failed: HashSet<GroupHash>,
    /// Why, with an application of each of them.
    pub failures: Vec<Failure>,
    /// Rows of `analysis_failures`.
    pub failure_rows: Vec<RecordBatch>,
}

/// Makes one table, unit by unit.
pub struct AcrossJudge<'a> {
    table: &'a AcrossTable,
    lake: &'a SessionContext,
    stamp: &'a Stamp,
    lone_failures: usize,
    /// Whether the file is wrong whatever the data; known after the first failure.
    is_broken: Option<bool>,
    problem: Option<AnalyzeError>,
}

impl<'a> AcrossJudge<'a> {
    /// Makes `table` from a session in which the tables of the lake are registered.
    pub fn new(table: &'a AcrossTable, lake: &'a SessionContext, stamp: &'a Stamp) -> Self {
        Self {
            table,
            lake,
            stamp,
            lone_failures: 0,
            is_broken: None,
            problem: None,
        }
    }

    /// What failed for reasons outside of the data: a wrong file, storage. Nothing more is judged
    /// then.
    pub fn take_problem(&mut self) -> Option<AnalyzeError> {
        self.problem.take()
    }

    /// Judges the groups of one unit, in parts where some of them fail.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn judge(&mut self, unit: GroupUnit) -> Result<JudgedGroups, AnalyzeError> {
        let mut judged = JudgedGroups::default();
        let mut open = vec![unit];
        while let Some(part) = open.pop() {
            if self.problem.is_some() {
                break;
            }
            let scope = part.scope(&self.table.columns);
            match self.attempt(scope).await? {
                Ok(rows) => judged.rows.push(rows),
                Err(problem) if self.is_outside(&problem).await? => self.problem = Some(problem),
                Err(problem) if part.groups.len() < 2 || self.has_given_up() => {
                    self.lone_failures += 1;
                    self.note(&mut judged, &part, &problem)?;
                }
                Err(_) => open.extend(part.halves().into_iter().rev()),
            }
        }
        Ok(judged)
    }

    fn has_given_up(&self) -> bool {
        self.lone_failures >= MAX_LONE_FAILURES
    }

    /// The rows of these groups, or why there are none.
    async fn attempt(
        &self,
        scope: GroupScope,
    ) -> Result<Result<RecordBatch, AnalyzeError>, AnalyzeError> {
        let groups: HashSet<GroupHash> =
            scope.groups.iter().map(|group| group_hash(group)).collect();
        let scope = Scope::Groups(scope);
        let analysis = run(&self.table.catalog, self.lake, &scope, self.stamp).await?;
        let table = analysis.tables.into_iter().next();
        match (table, analysis.problems.into_iter().next()) {
            (Some(table), None) => Ok(self.check_groups(&groups, table.rows)),
            (_, Some(problem)) => Ok(Err(problem)),
            (None, None) => Ok(Ok(RecordBatch::new_empty(
                self.table.contract.arrow_schema(),
            ))),
        }
    }

    /// A row of another group would be written twice, or never removed.
    fn check_groups(
        &self,
        groups: &HashSet<GroupHash>,
        rows: RecordBatch,
    ) -> Result<RecordBatch, AnalyzeError> {
        let columns = &self.table.columns;
        let names = texts(&rows, columns).map_err(arrow_failure(&self.table.file))?;
        let strange = (0..rows.num_rows())
            .map(|row| values(&names, row))
            .find(|group| !groups.contains(&group_hash(group)));
        match strange {
            None => Ok(rows),
            Some(group) => Err(AnalyzeError::Contract {
                file: self.table.file.clone(),
                problem: format!(
                    "a row has {} {}, which nothing that was read has",
                    columns.join(", "),
                    sentence(&group)
                ),
                cure: "select the columns of the scope as they are".to_owned(),
            }),
        }
    }

    /// Whether the same would fail over no group at all, or another time succeed.
    async fn is_outside(&mut self, problem: &AnalyzeError) -> Result<bool, AnalyzeError> {
        if problem.is_retryable() {
            return Ok(true);
        }
        // A scope without columns cannot be narrowed.
        if self.table.columns.is_empty() {
            return Ok(false);
        }
        if let Some(is_broken) = self.is_broken {
            return Ok(is_broken);
        }
        let nobody = GroupScope {
            columns: self.table.columns.clone(),
            ..GroupScope::default()
        };
        let is_broken = self.attempt(nobody).await?.is_err();
        self.is_broken = Some(is_broken);
        Ok(is_broken)
    }

    fn note(
        &self,
        judged: &mut JudgedGroups,
        part: &GroupUnit,
        problem: &AnalyzeError,
    ) -> Result<(), AnalyzeError> {
        let hashes = part.groups.iter().map(|(group, _)| group_hash(group));
        judged.failed.extend(hashes);
        // One application of each is enough for the next run to judge all of it again.
        let first = |(group, members): &(TextKey, Vec<Subject>)| {
            Some((group.clone(), members.first()?.clone()))
        };
        let mut applications = Vec::new();
        let file = problem.file().unwrap_or(&self.table.file).to_owned();
        for (group, subject) in part.groups.iter().filter_map(first) {
            let group: Vec<Option<&str>> = group.iter().map(Option::as_deref).collect();
            let fault = Fault {
                file: file.clone(),
                error: format!("{}: {problem}", sentence(&group)),
            };
            applications.push(subject.key.clone());
            let rows = failure_rows(&[fault], &[subject], self.stamp)?;
            judged.failure_rows.push(rows);
        }
        judged.failures.push(Failure {
            file,
            error: problem.to_string(),
            applications,
        });
        Ok(())
    }

    /// What has to be written so that the table holds the judged rows of this unit and no others.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn difference(
        &self,
        unit: GroupScope,
        judged: &[RecordBatch],
    ) -> Result<Difference, AnalyzeError> {
        let id = self.table.id();
        let failed = |error| AnalyzeError::query(id, error);
        let present = unit.restrict(self.lake, id).await.map_err(failed)?;
        let present = present.collect().await.map_err(failed)?;
        difference(self.table.contract, &present, judged).map_err(arrow_failure(id))
    }
}

fn sentence(group: &[Option<&str>]) -> String {
    let values: Vec<&str> = group.iter().map(|value| value.unwrap_or("NULL")).collect();
    values.join(", ")
}
