//! What each application was configured with, and which settings exist in its Spark: a finding never
//! advises a setting that is in force already, or one that the application's Spark does not know.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionContext, col, lit};

use crate::model::ApplicationKey;

pub(super) const KEY_COLUMNS: [&str; 4] =
    ["platform", "cluster_id", "application_id", "attempt_id"];

/// The columns that [`Settings::read`] reads beside these.
pub(super) const COLUMNS: [&str; 5] = ["section", "key", "value", "spark_version", "sql_id"];

/// The reference table of the settings that Spark knows, where the catalog has one.
pub(super) const KNOWN_SETTINGS: &str = "ref_spark_settings";

/// The settings of the applications in scope.
#[derive(Debug, Default)]
pub(super) struct Settings {
    applications: HashMap<ApplicationKey, HashMap<String, String>>,
    /// What a SQL execution ran with where that differs from its application.
    queries: HashMap<(ApplicationKey, i64), HashMap<String, String>>,
    versions: HashMap<ApplicationKey, String>,
    known: Option<HashMap<String, Known>>,
}

/// What Spark says of a setting.
#[derive(Debug, Default)]
struct Known {
    since: Option<Version>,
    /// The first version without it.
    removed_in: Option<Version>,
    /// Default values with the versions that have them, both ends included.
    defaults: Vec<(Version, Version, String)>,
}

/// Major and minor version.
type Version = (u32, u32);

impl Settings {
    /// Reads the settings of the applications that `ctx` shows, and those of `advised` that their
    /// queries changed.
    pub(super) async fn read(
        ctx: &SessionContext,
        known: Option<&RecordBatch>,
        advised: &[&str],
    ) -> Result<Self, DataFusionError> {
        let mut settings = Self {
            known: known.map(read_known),
            ..Self::default()
        };
        let spark = ctx
            .table("environment")
            .await?
            .filter(col("section").eq(lit("spark")))?;
        let columns: Vec<&str> = KEY_COLUMNS
            .iter()
            .copied()
            .chain(["key", "value"])
            .collect();
        for batch in spark.select_columns(&columns)?.collect().await? {
            let columns = texts(&batch, &columns);
            for row in 0..batch.num_rows() {
                let (key, name, value) = (
                    key_of(&columns, row),
                    text(&columns, 4, row),
                    text(&columns, 5, row),
                );
                let known = settings.applications.entry(key).or_default();
                if let (Some(name), Some(value)) = (name, value) {
                    known.insert(name, value);
                }
            }
        }
        let columns: Vec<&str> = KEY_COLUMNS
            .iter()
            .copied()
            .chain(["spark_version"])
            .collect();
        let applications = ctx.table("applications").await?;
        for batch in applications.select_columns(&columns)?.collect().await? {
            let columns = texts(&batch, &columns);
            for row in 0..batch.num_rows() {
                if let Some(version) = text(&columns, 4, row) {
                    settings.versions.insert(key_of(&columns, row), version);
                }
            }
        }
        settings.read_queries(ctx, advised).await?;
        Ok(settings)
    }

    async fn read_queries(
        &mut self,
        ctx: &SessionContext,
        advised: &[&str],
    ) -> Result<(), DataFusionError> {
        let names: Vec<_> = advised.iter().map(|key| lit(*key)).collect();
        let changed = ctx.table("session_settings").await?.filter(
            col("key")
                .in_list(names, false)
                .and(col("sql_id").is_not_null()),
        )?;
        let columns: Vec<&str> = KEY_COLUMNS
            .iter()
            .copied()
            .chain(["sql_id", "key", "value"])
            .collect();
        for batch in changed.select_columns(&columns)?.collect().await? {
            let columns = texts(&batch, &columns);
            for row in 0..batch.num_rows() {
                let query = text(&columns, 4, row).and_then(|id| id.parse().ok());
                let (name, value) = (text(&columns, 5, row), text(&columns, 6, row));
                if let (Some(query), Some(name), Some(value)) = (query, name, value) {
                    let key = (key_of(&columns, row), query);
                    self.queries.entry(key).or_default().insert(name, value);
                }
            }
        }
        Ok(())
    }

    /// The value that the setting had: what the SQL execution itself ran with, else what the
    /// application set, else Spark's default. `None` where the history holds no environment, or the
    /// setting has no default.
    pub(super) fn current(
        &self,
        application: &ApplicationKey,
        sql_id: Option<i64>,
        setting: &str,
    ) -> Option<String> {
        let own = sql_id
            .and_then(|id| self.queries.get(&(application.clone(), id)))
            .and_then(|changed| changed.get(setting));
        if let Some(own) = own {
            return Some(own.clone());
        }
        let set = self.applications.get(application)?;
        set.get(setting)
            .cloned()
            .or_else(|| self.default_value(application, setting))
    }

    /// Whether the SQL execution ran with a value of its own, which a session gave it.
    pub(super) fn is_of_session(
        &self,
        application: &ApplicationKey,
        sql_id: Option<i64>,
        setting: &str,
    ) -> bool {
        sql_id
            .and_then(|id| self.queries.get(&(application.clone(), id)))
            .is_some_and(|changed| changed.contains_key(setting))
    }

    fn default_value(&self, application: &ApplicationKey, setting: &str) -> Option<String> {
        let known = self.known.as_ref()?.get(setting)?;
        let version = version(self.versions.get(application)?)?;
        let holds =
            |(from, until, _): &&(Version, Version, String)| *from <= version && version <= *until;
        let (_, _, value) = known.defaults.iter().find(holds)?;
        Some(value.clone())
    }

    /// Whether the application's Spark knows the setting. A setting that the reference does not list
    /// counts as known (platforms add their own), and so does any where there is no reference.
    pub(super) fn exists(&self, application: &ApplicationKey, setting: &str) -> bool {
        let Some(known) = self.known.as_ref().and_then(|known| known.get(setting)) else {
            return true;
        };
        let Some(version) = self
            .versions
            .get(application)
            .and_then(|text| version(text))
        else {
            return true;
        };
        known.since.is_none_or(|since| since <= version)
            && known.removed_in.is_none_or(|removed| version < removed)
    }
}

/// A row of the reference is a setting over a range of versions in which its default is the same.
fn read_known(rows: &RecordBatch) -> HashMap<String, Known> {
    let names = [
        "key",
        "default_value",
        "since_version",
        "removed_in",
        "valid_from",
        "valid_until",
    ];
    let columns = texts(rows, &names);
    let version_at = |column, row| text(&columns, column, row).and_then(|text| version(&text));
    let mut settings: HashMap<String, Known> = HashMap::new();
    for row in 0..rows.num_rows() {
        let Some(key) = text(&columns, 0, row) else {
            continue;
        };
        let known = settings.entry(key).or_default();
        known.since = known.since.or(version_at(2, row));
        known.removed_in = known.removed_in.or(version_at(3, row));
        if let Some(value) = text(&columns, 1, row).filter(|value| !value.is_empty()) {
            let from = version_at(4, row).unwrap_or_default();
            let until = version_at(5, row).unwrap_or((u32::MAX, 0));
            known.defaults.push((from, until, value));
        }
    }
    settings
}

/// `3.5` of `3.5.1-amzn-0`.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    Some((
        major,
        numbers
            .next()
            .and_then(|minor| minor.parse().ok())
            .unwrap_or(0),
    ))
}

/// The columns of that name as text; `None` for one that is not there.
fn texts(batch: &RecordBatch, names: &[&str]) -> Vec<Option<StringArray>> {
    names
        .iter()
        .map(|name| {
            let column = batch.column_by_name(name)?;
            let column = arrow::compute::cast(column, &DataType::Utf8).ok()?;
            Some(column.as_string_opt::<i32>()?.clone())
        })
        .collect()
}

fn text(columns: &[Option<StringArray>], column: usize, row: usize) -> Option<String> {
    let array = columns.get(column)?.as_ref()?;
    (row < array.len() && array.is_valid(row)).then(|| array.value(row).to_owned())
}

fn key_of(columns: &[Option<StringArray>], row: usize) -> ApplicationKey {
    let part = |column| text(columns, column, row).unwrap_or_default();
    ApplicationKey {
        platform: part(0),
        cluster_id: part(1),
        application_id: part(2),
        attempt_id: part(3),
    }
}

/// Whether two values of a setting mean the same: `64MB` and `67108864`, `60s` and `1min`.
pub(super) fn is_same_value(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim().to_lowercase(), right.trim().to_lowercase());
    if left == right {
        return true;
    }
    let same = |parse: fn(&str) -> Option<f64>| match (parse(&left), parse(&right)) {
        (Some(left), Some(right)) => (left - right).abs() < 1e-9 * left.abs().max(1.0),
        _ => false,
    };
    same(size) || same(milliseconds)
}

fn scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != '-')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim())?.1;
    number.parse::<f64>().ok().map(|number| number * factor)
}

fn size(text: &str) -> Option<f64> {
    const KIB: f64 = 1024.0;
    let units = [
        ("", 1.0),
        ("b", 1.0),
        ("k", KIB),
        ("kb", KIB),
        ("m", KIB * KIB),
        ("mb", KIB * KIB),
        ("g", KIB * KIB * KIB),
        ("gb", KIB * KIB * KIB),
        ("t", KIB.powi(4)),
        ("tb", KIB.powi(4)),
    ];
    scaled(text, &units)
}

fn milliseconds(text: &str) -> Option<f64> {
    let units = [
        ("ms", 1.0),
        ("s", 1e3),
        ("min", 6e4),
        ("m", 6e4),
        ("h", 3.6e6),
        ("d", 8.64e7),
    ];
    scaled(text, &units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_the_same_by_meaning() {
        for (left, right) in [
            ("64MB", "67108864"),
            ("60s", "1min"),
            ("TRUE", "true"),
            ("4g", "4096m"),
            ("200", "200.0"),
        ] {
            assert!(is_same_value(left, right), "{left} {right}");
        }
        for (left, right) in [
            ("64MB", "64"),
            ("60s", "60m"),
            ("auto", "200"),
            ("true", "false"),
            ("", "0"),
        ] {
            assert!(!is_same_value(left, right), "{left} {right}");
        }
    }

    #[test]
    fn a_setting_exists_from_its_first_version_up_to_its_last() {
        let key = ApplicationKey {
            platform: "p".to_owned(),
            cluster_id: "c".to_owned(),
            application_id: "a".to_owned(),
            attempt_id: "0".to_owned(),
        };
        let known = |since, removed_in| Known {
            since,
            removed_in,
            defaults: vec![
                ((0, 0), (3, 1), "a".to_owned()),
                ((3, 2), (u32::MAX, 0), "b".to_owned()),
            ],
        };
        let mut settings = Settings {
            known: Some(HashMap::from([
                ("spark.new".to_owned(), known(Some((3, 2)), None)),
                ("spark.old".to_owned(), known(None, Some((3, 0)))),
            ])),
            ..Settings::default()
        };
        assert!(
            settings.exists(&key, "spark.new"),
            "the version is not known"
        );
        settings
            .versions
            .insert(key.clone(), "3.1.3-amzn-1".to_owned());
        assert!(!settings.exists(&key, "spark.new") && !settings.exists(&key, "spark.old"));
        assert!(settings.exists(&key, "spark.databricks.own"));
        settings.versions.insert(key.clone(), "2.4.8".to_owned());
        assert!(settings.exists(&key, "spark.old"));
        assert_eq!(
            settings.current(&key, None, "spark.old"),
            None,
            "no environment"
        );
        settings.applications.insert(key.clone(), HashMap::new());
        let default = settings.current(&key, None, "spark.old");
        assert_eq!(default.as_deref(), Some("a"));
        let own = HashMap::from([("spark.old".to_owned(), "session".to_owned())]);
        settings.queries.insert((key.clone(), 7), own);
        let of_query = |sql_id| settings.current(&key, Some(sql_id), "spark.old");
        assert_eq!(of_query(7).as_deref(), Some("session"));
        assert_eq!(of_query(8).as_deref(), Some("a"), "another query");
    }
}
