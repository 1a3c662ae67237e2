//! Groups of applications that a table looks at together, which of them changed, and who belongs to
//! them.
//!
//! A group has a *fingerprint* of everything that it is made of: its applications and the load
//! batches that wrote them. A run compares it with the one that the last run noted, so that a group
//! is judged again when an application joined it, left it or was loaded again, whoever did that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hasher;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::across::AcrossTable;
use super::conform::arrow_failure;
use super::error::AnalyzeError;
use super::scope::GroupScope;
use super::units::{SUBJECT_COLUMNS, Subject, keys_of, subjects_of};
use crate::model::{ApplicationKey, TextKey};

/// Most applications and groups of a unit; a group larger than that is a unit of its own.
const UNIT_APPLICATIONS: usize = 2_000;

/// Hash of a group's values.
pub type GroupHash = u64;

/// What the groups of a table are made of now.
#[derive(Debug, Default)]
pub struct Survey {
    /// Group → fingerprint of its members.
    pub fingerprints: HashMap<GroupHash, u64>,
    /// The groups of the applications that were asked for.
    pub wanted: HashSet<GroupHash>,
}

/// Some groups with all their applications: what is judged at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupUnit {
    /// Each group's values in the scope's columns, with its applications. There is none where the
    /// group has left the lake, and where it is one of clusters that ran nothing.
    pub groups: Vec<(TextKey, Vec<Subject>)>,
}

/// Hash of a group.
pub(super) fn group_hash(group: &[Option<impl AsRef<str>>]) -> GroupHash {
    let mut hasher = XxHash64::with_seed(0);
    write(
        &mut hasher,
        group.iter().map(|value| value.as_ref().map(AsRef::as_ref)),
    );
    hasher.finish()
}

fn write<'v>(hasher: &mut XxHash64, values: impl Iterator<Item = Option<&'v str>>) {
    for value in values {
        match value {
            None => hasher.write_u8(0),
            Some(text) => {
                hasher.write_u8(1);
                hasher.write_u64(text.len() as u64);
                hasher.write(text.as_bytes());
            }
        }
    }
}

/// Surveys the groups of `table`, among them those of the `wanted` applications.
///
/// # Errors
/// A table that says who belongs to a group cannot be read.
pub async fn survey(
    lake: &SessionContext,
    table: &AcrossTable,
    wanted: &BTreeSet<ApplicationKey>,
) -> Result<Survey, AnalyzeError> {
    let mut survey = Survey::default();
    for source in table.sources() {
        let key: &[&str] = if source.has_applications {
            &ApplicationKey::COLUMNS
        } else {
            &[]
        };
        let columns = table.columns().iter().map(String::as_str);
        let columns: Vec<&str> = columns
            .chain(key.iter().copied())
            .chain(["batch_id"])
            .collect();
        let mut rows = scan(lake, &source.table, &columns).await?;
        while let Some(batch) = rows.next().await? {
            let failed = arrow_failure(&source.table);
            let groups = texts(&batch, table.columns()).map_err(&failed)?;
            let names: Vec<String> = key
                .iter()
                .chain(&["batch_id"])
                .map(|name| (*name).to_owned())
                .collect();
            let members = texts(&batch, &names).map_err(&failed)?;
            let keys = if source.has_applications && !wanted.is_empty() {
                let key = batch
                    .project(&indices(&batch, &ApplicationKey::COLUMNS)?)
                    .map_err(&failed)?;
                keys_of(&key).map_err(&failed)?
            } else {
                Vec::new()
            };
            for row in 0..batch.num_rows() {
                let group = group_hash(&values(&groups, row));
                let mut hasher = XxHash64::with_seed(group);
                write(&mut hasher, std::iter::once(Some(source.table.as_str())));
                write(&mut hasher, values(&members, row).into_iter());
                // Rows come in any order.
                let sum = survey.fingerprints.entry(group).or_default();
                *sum = sum.wrapping_add(hasher.finish());
                if keys.get(row).is_some_and(|key| wanted.contains(key)) {
                    survey.wanted.insert(group);
                }
            }
        }
    }
    Ok(survey)
}

/// The groups in `touched` with their applications, in units.
///
/// # Errors
/// A table that says who belongs to a group cannot be read.
pub async fn group_units(
    lake: &SessionContext,
    table: &AcrossTable,
    touched: &HashSet<GroupHash>,
) -> Result<Vec<GroupUnit>, AnalyzeError> {
    let mut groups: BTreeMap<TextKey, Vec<Subject>> = BTreeMap::new();
    for source in table.sources() {
        let columns = table.columns().iter().map(String::as_str);
        let columns: Vec<&str> = if source.has_applications {
            SUBJECT_COLUMNS.into_iter().chain(columns).collect()
        } else {
            columns.collect()
        };
        let mut rows = scan(lake, &source.table, &columns).await?;
        while let Some(batch) = rows.next().await? {
            let failed = arrow_failure(&source.table);
            let names = texts(&batch, table.columns()).map_err(&failed)?;
            let mut subjects = if source.has_applications {
                let batch = batch
                    .project(&indices(&batch, &SUBJECT_COLUMNS)?)
                    .map_err(&failed)?;
                subjects_of(&batch).map_err(&failed)?
            } else {
                Vec::new()
            }
            .into_iter();
            for row in 0..batch.num_rows() {
                let group = values(&names, row);
                let subject = subjects.next();
                if touched.contains(&group_hash(&group)) {
                    let group = group
                        .into_iter()
                        .map(|value| value.map(str::to_owned))
                        .collect();
                    groups.entry(group).or_default().extend(subject);
                }
            }
        }
    }
    Ok(units(groups))
}

/// The groups that have rows in the table itself and are not among `known`.
///
/// # Errors
/// The table cannot be read.
pub async fn groups_gone(
    lake: &SessionContext,
    table: &AcrossTable,
    known: &HashMap<GroupHash, u64>,
) -> Result<Vec<GroupUnit>, AnalyzeError> {
    let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
    let mut rows = scan(lake, table.id(), &columns).await?;
    let mut gone = BTreeMap::new();
    while let Some(batch) = rows.next().await? {
        let names = texts(&batch, table.columns()).map_err(arrow_failure(table.id()))?;
        for row in 0..batch.num_rows() {
            let group = values(&names, row);
            if !known.contains_key(&group_hash(&group)) {
                let group: TextKey = group
                    .into_iter()
                    .map(|value| value.map(str::to_owned))
                    .collect();
                gone.insert(group, Vec::new());
            }
        }
    }
    Ok(units(gone))
}

fn units(groups: BTreeMap<TextKey, Vec<Subject>>) -> Vec<GroupUnit> {
    let mut units: Vec<GroupUnit> = Vec::new();
    let mut size = 0_usize;
    for (group, mut members) in groups {
        members.sort_by(|left, right| left.key.cmp(&right.key));
        let weight = members.len().max(1);
        match units.last_mut() {
            Some(unit) if size.saturating_add(weight) <= UNIT_APPLICATIONS => {
                size += weight;
                unit.groups.push((group, members));
            }
            _ => {
                size = weight;
                units.push(GroupUnit {
                    groups: vec![(group, members)],
                });
            }
        }
    }
    units
}

impl GroupUnit {
    /// What a query over this unit sees.
    pub fn scope(&self, columns: &[String]) -> GroupScope {
        let members = self.groups.iter().flat_map(|(_, members)| members);
        GroupScope {
            columns: columns.to_vec(),
            groups: self.groups.iter().map(|(group, _)| group.clone()).collect(),
            applications: members
                .map(|subject| (subject.key.clone(), Some(subject.app_date)))
                .collect(),
        }
    }

    /// The first half, and the second.
    pub(super) fn halves(mut self) -> [Self; 2] {
        let second = self.groups.split_off(self.groups.len() / 2);
        [self, Self { groups: second }]
    }
}

/// These columns of each row as text.
pub(super) fn texts(
    batch: &RecordBatch,
    columns: &[String],
) -> Result<Vec<StringArray>, ArrowError> {
    let text = |name: &String| {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))?;
        Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
    };
    columns.iter().map(text).collect()
}

/// The values of one row.
pub(super) fn values(columns: &[StringArray], row: usize) -> Vec<Option<&str>> {
    let value = |column| {
        let column: &StringArray = column;
        column.is_valid(row).then(|| column.value(row))
    };
    columns.iter().map(value).collect()
}

fn indices(batch: &RecordBatch, columns: &[&str]) -> Result<Vec<usize>, AnalyzeError> {
    let index = |name: &&str| batch.schema().index_of(name);
    let indices = columns.iter().map(index).collect::<Result<_, _>>();
    indices.map_err(arrow_failure("applications"))
}

/// Rows of a table, batch by batch.
struct Scan {
    table: String,
    rows: datafusion::execution::SendableRecordBatchStream,
}

impl Scan {
    async fn next(&mut self) -> Result<Option<RecordBatch>, AnalyzeError> {
        let batch = self.rows.try_next().await;
        batch.map_err(|error| AnalyzeError::query(&self.table, error))
    }
}

/// These columns of a table, each once.
async fn scan(lake: &SessionContext, table: &str, columns: &[&str]) -> Result<Scan, AnalyzeError> {
    let failed = |error: DataFusionError| AnalyzeError::query(table, error);
    let mut once: Vec<&str> = Vec::new();
    for column in columns {
        if !once.contains(column) {
            once.push(column);
        }
    }
    // No column at all would lose the number of rows.
    if once.is_empty() {
        once.push("batch_id");
    }
    let rows = lake.table(table).await.map_err(failed)?;
    let rows = rows.select_columns(&once).map_err(failed)?;
    Ok(Scan {
        table: table.to_owned(),
        rows: rows.execute_stream().await.map_err(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> TextKey {
        vec![Some(name.to_owned()), None]
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let hash = |values: &[Option<&str>]| group_hash(values);
        let all = [
            hash(&[Some("ab"), Some("c")]),
            hash(&[Some("a"), Some("bc")]),
            hash(&[Some("abc"), None]),
            hash(&[None, Some("abc")]),
            hash(&[Some("abc"), Some("")]),
        ];
        let distinct: BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_group_is_never_split_and_units_are_bounded() {
        let subject = |id: usize| Subject {
            key: ApplicationKey {
                platform: "event_log".to_owned(),
                cluster_id: "c".to_owned(),
                application_id: format!("app-{id}"),
                attempt_id: "0".to_owned(),
            },
            cluster_name: "c".to_owned(),
            app_date: chrono::NaiveDate::default(),
            stages: 0,
            of_day: 0,
        };
        let sizes = [1_500, 0, 400, 200, 5_000, 1];
        let groups = sizes.iter().enumerate().map(|(index, size)| {
            let members = (0..*size).map(subject).collect();
            (group(&format!("job-{index}")), members)
        });
        let units = units(groups.collect());
        let sizes: Vec<Vec<usize>> = units
            .iter()
            .map(|unit| {
                unit.groups
                    .iter()
                    .map(|(_, members)| members.len())
                    .collect()
            })
            .collect();
        assert_eq!(
            sizes,
            [vec![1_500, 0, 400], vec![200], vec![5_000], vec![1]]
        );
    }
}
