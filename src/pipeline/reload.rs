//! Which histories are read again though they have not changed: `run --reload`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::NaiveDate;
use regex::Regex;

use crate::load::LedgerEntry;
use crate::schema::{self, TableKind};

/// Tables whose rows come from asking clusters, not from reading histories.
const CLUSTER_TABLES: [&str; 4] = [
    "cluster_summaries",
    "cluster_instances",
    "cluster_metrics",
    "job_runs",
];

/// Selectors of histories; a history is read again when any of them selects it.
#[derive(Debug, Clone, Default)]
pub struct Reload(Vec<Selector>);

impl Reload {
    /// Reads selectors as they are typed.
    ///
    /// # Errors
    /// [`InvalidSelector`] for a text that selects nothing that can exist.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, InvalidSelector> {
        let selectors = texts.iter().map(|text| text.as_ref().parse());
        selectors.collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a history of the ledger is read again.
    pub(super) fn selects(&self, entry: &LedgerEntry) -> bool {
        self.0.iter().any(|selector| selector.selects(entry))
    }

    /// Whether a cluster is asked again, whatever became of its histories.
    pub(super) fn selects_cluster(&self, cluster_uri: &str, is_stale: bool) -> bool {
        self.0.iter().any(|selector| match selector {
            Selector::Everything | Selector::Table => true,
            Selector::Clusters => true,
            Selector::Stale => is_stale,
            Selector::Source(pattern) => pattern.matches(cluster_uri),
            Selector::Application(_) | Selector::Dates(_) => false,
        })
    }
}

/// What selects histories.
#[derive(Debug, Clone)]
enum Selector {
    /// `all`
    Everything,
    /// `stale`: what an older version of the extraction read.
    Stale,
    /// By its URI.
    Source(Pattern),
    /// By its application's id.
    Application(Pattern),
    /// By the UTC date of its application's start.
    Dates(RangeInclusive<NaiveDate>),
    /// All that has rows in a fact table.
    Table,
    /// Only clusters: their own tables.
    Clusters,
}

impl Selector {
    fn selects(&self, entry: &LedgerEntry) -> bool {
        match self {
            Self::Everything => true,
            Self::Stale => entry.is_stale(),
            Self::Source(pattern) => pattern.matches(&entry.source_uri),
            Self::Application(pattern) => entry
                .key
                .as_ref()
                .is_some_and(|key| pattern.matches(&key.application_id)),
            Self::Dates(dates) => entry.app_date.is_some_and(|date| dates.contains(&date)),
            Self::Table => entry.status.has_rows(),
            Self::Clusters => false,
        }
    }

    fn of_table(name: &str) -> Result<Self, InvalidSelector> {
        let invalid = |problem: String| InvalidSelector {
            selector: format!("table={name}"),
            problem,
        };
        if CLUSTER_TABLES.contains(&name) {
            return Ok(Self::Clusters);
        }
        match schema::table(name).map(|table| table.kind) {
            Some(TableKind::Fact) => Ok(Self::Table),
            Some(_) => Err(invalid(format!(
                "the rows of `{name}` do not come from histories"
            ))),
            None => Err(invalid(format!("there is no table `{name}`"))),
        }
    }

    fn of_dates(text: &str) -> Result<Self, InvalidSelector> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let date = |part: &str| {
            NaiveDate::parse_from_str(part.trim(), "%Y-%m-%d").map_err(|_| InvalidSelector {
                selector: text.to_owned(),
                problem: format!(
                    "`{part}` is not a date; write 2026-11-01 or 2026-11-01..2026-11-07"
                ),
            })
        };
        Ok(Self::Dates(date(first)?..=date(last)?))
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSelector {
                selector: text.to_owned(),
                problem: "it is empty".to_owned(),
            });
        }
        match text.split_once('=') {
            Some(("source", pattern)) => return Ok(Self::Source(Pattern::new(pattern))),
            Some(("app" | "application", id)) => return Ok(Self::Application(Pattern::new(id))),
            Some(("date", dates)) => return Self::of_dates(dates),
            Some(("table", name)) => return Self::of_table(name),
            _ => {}
        }
        match text {
            "all" => Ok(Self::Everything),
            "stale" => Ok(Self::Stale),
            uri if uri.contains('/') => Ok(Self::Source(Pattern::new(uri))),
            date if date.starts_with(|first: char| first.is_ascii_digit())
                && Self::of_dates(date).is_ok() =>
            {
                Self::of_dates(date)
            }
            table if schema::table(table).is_some() => Self::of_table(table),
            id => Ok(Self::Application(Pattern::new(id))),
        }
    }
}

/// A text in which `*` stands for any characters and `?` for one. A local path also matches as the
/// end of a `file://` URI, and a folder selects what is below it.
#[derive(Debug, Clone)]
struct Pattern(Option<Regex>);

impl Pattern {
    fn new(text: &str) -> Self {
        let local = if text.starts_with('/') {
            "(?:file://)?"
        } else {
            ""
        };
        let mut expression = format!("^{local}");
        for letter in text.trim_end_matches('/').chars() {
            match letter {
                '*' => expression.push_str(".*"),
                '?' => expression.push('.'),
                other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
            }
        }
        expression.push_str("(?:/.*)?$");
        // Only a text of megabytes makes an expression that is too large.
        Self(Regex::new(&expression).ok())
    }

    fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// A selector that cannot select anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSelector {
    /// As it was typed.
    pub selector: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for InvalidSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "--reload {}: {}; use all, stale, a URI or application id (with * as a wildcard), a \
             date 2026-11-01 or 2026-11-01..2026-11-07, or table=NAME",
            self.selector, self.problem
        )
    }
}

impl std::error::Error for InvalidSelector {}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::load::SourceStatus;
    use crate::model::ApplicationKey;

    fn entry(uri: &str, id: &str, date: &str, version: Option<u32>) -> LedgerEntry {
        LedgerEntry {
            source_uri: uri.to_owned(),
            status: SourceStatus::Loaded,
            key: Some(ApplicationKey {
                platform: "event_log".to_owned(),
                cluster_id: "logs".to_owned(),
                application_id: id.to_owned(),
                attempt_id: "0".to_owned(),
            }),
            retryable: None,
            complete: Some(true),
            bytes: None,
            size_bytes: None,
            modified: None,
            app_date: date.parse().ok(),
            start_time: None,
            ingested_at: DateTime::UNIX_EPOCH,
            seq: Some(1),
            extractor_version: version,
            has_tasks: None,
        }
    }

    #[test]
    fn each_form_of_a_selector_selects_its_histories_and_no_others() {
        let now = Some(crate::extract::EXTRACTOR_VERSION);
        let entries = [
            entry("file:///logs/a/app-1", "app-1", "2026-11-01", now),
            entry("file:///logs/b.zip!/app-10", "app-10", "2026-11-02", None),
            entry(
                "s3://bucket/x/application_1_2",
                "application_1_2",
                "2026-11-09",
                now,
            ),
        ];
        let cases: [(&str, &[usize]); 16] = [
            ("all", &[0, 1, 2]),
            ("stale", &[1]),
            ("/logs/a", &[0]),
            ("/logs/a/", &[0]),
            ("/logs/a/app", &[]),
            ("file:///logs/*", &[0, 1]),
            ("/logs/b.zip*", &[1]),
            ("source=s3://bucket/*/application_1_?", &[2]),
            ("app-1", &[0]),
            ("app-1*", &[0, 1]),
            ("application=application_1_2", &[2]),
            ("2026-11-01", &[0]),
            ("date=2026-11-01..2026-11-02", &[0, 1]),
            ("tasks", &[0, 1, 2]),
            ("table=sql", &[0, 1, 2]),
            ("table=job_runs", &[]),
        ];
        for (text, expected) in cases {
            let reload = Reload::parse(&[text]).unwrap();
            let selected: Vec<usize> = (0..entries.len())
                .filter(|at| entries.get(*at).is_some_and(|entry| reload.selects(entry)))
                .collect();
            assert_eq!(selected, expected, "{text}");
        }
    }

    #[test]
    fn a_selector_that_cannot_select_anything_is_an_error_with_a_cure() {
        for text in [
            "",
            "date=yesterday",
            "table=nothing",
            "table=findings",
            "runs",
        ] {
            let error = Reload::parse(&[text]).unwrap_err().to_string();
            assert!(error.contains("--reload"), "{error}");
            assert!(error.contains("use all, stale"), "{error}");
        }
    }
}
