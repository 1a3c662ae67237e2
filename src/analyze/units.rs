//! Judges many applications in bounded units, so that memory follows the size of a unit and not the
//! lake's, and so that what is wrong with one application's data is that application's alone.
//!
//! A unit in which a step fails for a reason in its data is split until the applications at fault
//! stand alone; they are judged by all other steps and noted as not judged by that one.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use chrono::NaiveDate;
use datafusion::prelude::{DataFrame, SessionContext};
use serde::{Deserialize, Serialize};

use super::catalog::Catalog;
use super::conform::{Stamp, arrow_failure};
use super::error::AnalyzeError;
use super::failures::{ANALYSIS_FAILURES, Failure, Fault, failure_rows, step_id};
use super::runner::{Analysis, DerivedRows, run};
use super::scope::Scope;
use super::settings::KEY_COLUMNS;
use crate::model::ApplicationKey;

/// How many applications may fail alone before a step counts as failing for all: splitting on would
/// cost a run for each application of the lake.
pub(super) const MAX_LONE_FAILURES: usize = 8;

/// Days from the common era to 1970, the origin of Arrow's dates.
pub(super) const EPOCH: i32 = 719_163;

/// The columns of `applications` that a [`Subject`] is read from, in this order.
pub(super) const SUBJECT_COLUMNS: [&str; 7] = [
    "platform",
    "cluster_id",
    "application_id",
    "attempt_id",
    "cluster_name",
    "app_date",
    "num_stages",
];

/// An application to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its key.
    pub key: ApplicationKey,
    /// Name of its cluster.
    pub cluster_name: String,
    /// Its partition.
    pub app_date: NaiveDate,
    /// Its stage attempts, which the memory that it needs follows.
    pub stages: u64,
    /// The applications that the lake has of its day, itself among them; 0 where nobody counted them.
    pub of_day: u64,
}

/// What a unit may hold; an application larger than that is a unit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitLimits {
    /// Most applications.
    pub applications: usize,
    /// Most stages of all of them.
    pub stages: u64,
}

impl Default for UnitLimits {
    fn default() -> Self {
        // To plan all rules and to open the files of a day costs the same for few applications as for many.
        Self {
            applications: 1_000,
            stages: 20_000,
        }
    }
}

/// What one unit, or a part of one that was split, gave.
#[derive(Debug, Default)]
pub struct Judged {
    /// Its derived tables, `analysis_failures` among them.
    pub tables: Vec<DerivedRows>,
    /// Who was not judged by what, for reasons in their data.
    pub failures: Vec<Failure>,
}

impl Judged {
    /// Rows of that table.
    pub fn rows_of(&self, table: &str) -> usize {
        let tables = self.tables.iter().filter(|rows| rows.table == table);
        tables.map(|rows| rows.rows.num_rows()).sum()
    }
}

/// The applications that have rows in `table`.
///
/// # Errors
/// The table cannot be read.
pub async fn keys(
    ctx: &SessionContext,
    table: &str,
) -> Result<BTreeSet<ApplicationKey>, AnalyzeError> {
    let failed = |error| AnalyzeError::query(table, error);
    let rows = ctx.table(table).await.map_err(failed)?;
    let rows = rows
        .select_columns(&KEY_COLUMNS)
        .and_then(DataFrame::distinct)
        .map_err(failed)?;
    let mut keys = BTreeSet::new();
    for batch in rows.collect().await.map_err(failed)? {
        keys.extend(keys_of(&batch).map_err(arrow_failure(table))?);
    }
    Ok(keys)
}

pub(super) fn keys_of(
    batch: &RecordBatch,
) -> Result<Vec<ApplicationKey>, arrow::error::ArrowError> {
    let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
    let texts = [text(0)?, text(1)?, text(2)?, text(3)?];
    let [platform, cluster, application, attempt] = texts.each_ref().map(AsArray::as_string::<i32>);
    Ok((0..batch.num_rows())
        .map(|row| ApplicationKey {
            platform: platform.value(row).to_owned(),
            cluster_id: cluster.value(row).to_owned(),
            application_id: application.value(row).to_owned(),
            attempt_id: attempt.value(row).to_owned(),
        })
        .collect())
}

/// The applications that `ctx` shows in `applications`, all or those in `wanted`.
///
/// # Errors
/// The table cannot be read.
pub async fn subjects(
    ctx: &SessionContext,
    wanted: Option<&BTreeSet<ApplicationKey>>,
) -> Result<Vec<Subject>, AnalyzeError> {
    let failed = |error| AnalyzeError::query("applications", error);
    let applications = ctx.table("applications").await.map_err(failed)?;
    let applications = applications
        .select_columns(&SUBJECT_COLUMNS)
        .map_err(failed)?;
    let mut found = BTreeMap::new();
    let mut of_days: BTreeMap<NaiveDate, u64> = BTreeMap::new();
    for batch in applications.collect().await.map_err(failed)? {
        for subject in subjects_of(&batch).map_err(arrow_failure("applications"))? {
            *of_days.entry(subject.app_date).or_default() += 1;
            if wanted.is_none_or(|wanted| wanted.contains(&subject.key)) {
                found.insert(subject.key.clone(), subject);
            }
        }
    }
    let counted = |subject: Subject| Subject {
        of_day: of_days.get(&subject.app_date).copied().unwrap_or(0),
        ..subject
    };
    Ok(found.into_values().map(counted).collect())
}

pub(super) fn subjects_of(batch: &RecordBatch) -> Result<Vec<Subject>, arrow::error::ArrowError> {
    let names = cast(batch.column(4), &DataType::Utf8)?;
    let names = names.as_string::<i32>();
    let dates = cast(batch.column(5), &DataType::Date32)?;
    let dates = dates.as_primitive::<Date32Type>();
    let stages = cast(batch.column(6), &DataType::Int64)?;
    let stages = stages.as_primitive::<Int64Type>();
    let date = |row| NaiveDate::from_num_days_from_ce_opt(dates.value(row).saturating_add(EPOCH));
    let subject = |(row, key)| Subject {
        key,
        cluster_name: names.value(row).to_owned(),
        app_date: date(row).unwrap_or_default(),
        stages: u64::try_from(stages.value(row)).unwrap_or(0),
        of_day: 0,
    };
    Ok(keys_of(batch)?
        .into_iter()
        .enumerate()
        .map(subject)
        .collect())
}

/// The subjects in units within `limits`, by date, so that a unit touches few partitions.
pub fn units(mut subjects: Vec<Subject>, limits: UnitLimits) -> Vec<Vec<Subject>> {
    subjects.sort_by(|left, right| (left.app_date, &left.key).cmp(&(right.app_date, &right.key)));
    let mut units: Vec<Vec<Subject>> = Vec::new();
    let mut stages = 0_u64;
    for subject in subjects {
        let fits = |unit: &Vec<Subject>| {
            unit.len() < limits.applications
                && stages.saturating_add(subject.stages) <= limits.stages
        };
        if let Some(unit) = units.last_mut().filter(|unit| fits(unit)) {
            stages = stages.saturating_add(subject.stages);
            unit.push(subject);
        } else {
            stages = subject.stages;
            units.push(vec![subject]);
        }
    }
    units
}

/// Judges units one after the other.
pub struct Judge<'a> {
    catalog: &'a Catalog,
    lake: &'a SessionContext,
    stamp: &'a Stamp,
    /// Files that fail whatever the data; known after the first failure.
    broken: Option<BTreeSet<String>>,
    /// What is wrong with them and with the storage.
    problems: Vec<AnalyzeError>,
    /// File → applications that it failed for when they stood alone.
    lone_failures: BTreeMap<String, usize>,
}

impl<'a> Judge<'a> {
    /// A judge by `catalog` over a session in which the fact tables of the lake are registered.
    pub fn new(catalog: &'a Catalog, lake: &'a SessionContext, stamp: &'a Stamp) -> Self {
        Self {
            catalog,
            lake,
            stamp,
            broken: None,
            problems: Vec::new(),
            lone_failures: BTreeMap::new(),
        }
    }

    /// What failed for reasons outside of the data of applications: wrong files, storage.
    pub fn into_problems(self) -> Vec<AnalyzeError> {
        self.problems
    }

    /// Judges one unit; applications that fail a step stand alone in a part of their own.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn judge(&mut self, unit: Vec<Subject>) -> Result<Vec<Judged>, AnalyzeError> {
        let (analysis, faults) = self.attempt(self.catalog, &unit).await?;
        if unit.len() < 2 || faults.iter().all(|fault| self.has_given_up(&fault.file)) {
            return Ok(vec![self.finish(analysis, faults, &unit)?]);
        }
        let failing = self.failing(&faults, &unit).await?;
        let (alone, rest): (Vec<Subject>, Vec<Subject>) = unit
            .into_iter()
            .partition(|subject| failing.contains(&subject.key));
        let parts = alone.into_iter().map(|subject| vec![subject]);
        let mut judged = Vec::new();
        for part in parts.chain([rest]).filter(|part| !part.is_empty()) {
            let (analysis, faults) = self.attempt(self.catalog, &part).await?;
            judged.push(self.finish(analysis, faults, &part)?);
        }
        Ok(judged)
    }

    async fn attempt(
        &mut self,
        catalog: &Catalog,
        part: &[Subject],
    ) -> Result<(Analysis, Vec<Fault>), AnalyzeError> {
        let analysis = run(catalog, self.lake, &scope(part), self.stamp).await?;
        self.take_problems(analysis).await
    }

    /// The applications of the unit at fault, found by halves with the steps that failed and no others.
    async fn failing(
        &mut self,
        faults: &[Fault],
        unit: &[Subject],
    ) -> Result<BTreeSet<ApplicationKey>, AnalyzeError> {
        let steps: Vec<&str> = faults.iter().map(|fault| step_id(&fault.file)).collect();
        // What failed outside of a file, the settings for example, takes all steps to see again.
        let catalog = self
            .catalog
            .select(&steps)
            .unwrap_or_else(|_| self.catalog.clone());
        let mut failing = BTreeSet::new();
        let mut open = vec![unit];
        while let Some(part) = open.pop() {
            let (_, faults) = self.attempt(&catalog, part).await?;
            if faults.iter().all(|fault| self.has_given_up(&fault.file)) {
                continue;
            }
            if let [subject] = part {
                for fault in &faults {
                    *self.lone_failures.entry(fault.file.clone()).or_default() += 1;
                }
                failing.insert(subject.key.clone());
            } else {
                let (left, right) = part.split_at(part.len() / 2);
                open.extend([right, left]);
            }
        }
        Ok(failing)
    }

    fn has_given_up(&self, file: &str) -> bool {
        self.lone_failures
            .get(file)
            .is_some_and(|count| *count >= MAX_LONE_FAILURES)
    }

    /// Tells faults of the data from those of files and storage, which are kept as problems.
    async fn take_problems(
        &mut self,
        mut analysis: Analysis,
    ) -> Result<(Analysis, Vec<Fault>), AnalyzeError> {
        let mut faults = Vec::new();
        for problem in std::mem::take(&mut analysis.problems) {
            let file = problem.file().unwrap_or_default().to_owned();
            if problem.is_retryable() || self.broken_files().await?.contains(&file) {
                if !self
                    .problems
                    .iter()
                    .any(|known| known.file() == Some(file.as_str()))
                {
                    self.problems.push(problem);
                }
            } else {
                let error = problem.to_string();
                tracing::debug!(
                    file,
                    error,
                    "analysis step fails; the applications at fault are looked for"
                );
                faults.push(Fault { file, error });
            }
        }
        Ok((analysis, faults))
    }

    /// The files that fail over no application at all.
    async fn broken_files(&mut self) -> Result<&BTreeSet<String>, AnalyzeError> {
        if self.broken.is_none() {
            let nobody = Scope::Applications(BTreeMap::new());
            let analysis = run(self.catalog, self.lake, &nobody, self.stamp).await?;
            let files = analysis.problems.iter().filter_map(AnalyzeError::file);
            self.broken = Some(files.map(str::to_owned).collect());
        }
        Ok(self.broken.get_or_insert_default())
    }

    fn finish(
        &self,
        analysis: Analysis,
        faults: Vec<Fault>,
        part: &[Subject],
    ) -> Result<Judged, AnalyzeError> {
        let mut tables = analysis.tables;
        if !faults.is_empty() {
            tables.push(DerivedRows {
                table: ANALYSIS_FAILURES.to_owned(),
                rows: failure_rows(&faults, part, self.stamp)?,
            });
        }
        let applications: Vec<ApplicationKey> =
            part.iter().map(|subject| subject.key.clone()).collect();
        let failures = faults.into_iter().map(|fault| Failure {
            file: fault.file,
            error: fault.error,
            applications: applications.clone(),
        });
        Ok(Judged {
            tables,
            failures: failures.collect(),
        })
    }
}

fn scope(part: &[Subject]) -> Scope {
    let keys = part
        .iter()
        .map(|subject| (subject.key.clone(), Some(subject.app_date)))
        .collect();
    let days = part
        .iter()
        .map(|subject| (subject.app_date, subject.of_day));
    let days: BTreeMap<NaiveDate, u64> = days.collect();
    let of_days: u64 = days.values().sum();
    let are_counted = days.values().all(|count| *count > 0);
    let count = part.len() as u64;
    if are_counted && count * 2 >= of_days {
        Scope::OfDays {
            applications: keys,
            are_all: count >= of_days,
        }
    } else {
        Scope::Applications(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(id: u64, day: u32, stages: u64) -> Subject {
        Subject {
            key: ApplicationKey {
                platform: "event_log".to_owned(),
                cluster_id: "c".to_owned(),
                application_id: format!("app-{id:03}"),
                attempt_id: "0".to_owned(),
            },
            cluster_name: "c".to_owned(),
            app_date: NaiveDate::from_ymd_opt(2026, 1, day).unwrap_or_default(),
            stages,
            of_day: 0,
        }
    }

    #[test]
    fn units_are_bounded_and_lose_nobody() {
        let subjects: Vec<Subject> = (0..100)
            .map(|id| subject(id, 1 + (id % 3) as u32, id))
            .collect();
        let limits = UnitLimits {
            applications: 7,
            stages: 200,
        };
        let units = units(subjects.clone(), limits);
        for unit in &units {
            let stages: u64 = unit.iter().map(|subject| subject.stages).sum();
            assert!(unit.len() <= 7 && stages <= 200, "{unit:?}");
        }
        let mut all: Vec<Subject> = units.concat();
        assert!(all.is_sorted_by_key(|subject| subject.app_date));
        all.sort_by(|left, right| left.key.cmp(&right.key));
        assert_eq!(all, subjects);
    }

    #[test]
    fn days_choose_the_files_where_most_of_their_applications_are_judged() {
        let part = |count: u64, of_day: u64| -> Vec<Subject> {
            let subjects = (0..count).map(|id| subject(id, 1 + (id % 2) as u32, 1));
            subjects
                .map(|subject| Subject { of_day, ..subject })
                .collect()
        };
        for (count, of_day, expected) in [
            (4, 2, Some(true)),
            (4, 4, Some(false)),
            (4, 5, None),
            (4, 0, None),
        ] {
            let are_all = match scope(&part(count, of_day)) {
                Scope::OfDays { are_all, .. } => Some(are_all),
                _ => None,
            };
            assert_eq!(are_all, expected, "{count} of {of_day} a day");
        }
    }

    #[test]
    fn an_application_beyond_the_limits_is_a_unit_of_its_own() {
        let limits = UnitLimits {
            applications: 10,
            stages: 5,
        };
        let units = units(
            vec![subject(1, 1, 2), subject(2, 1, 50), subject(3, 1, 2)],
            limits,
        );
        assert_eq!(units.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
