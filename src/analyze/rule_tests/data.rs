//! The data files of rules.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::Row;
use crate::analyze::catalog::{CatalogFile, TEST_DATA, built_in_files, read_folder};
use crate::analyze::error::AnalyzeError;

/// A data file that has not been parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataFile {
    /// The path as the user knows it.
    pub(super) name: String,
    text: String,
}

/// The content of a data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestData {
    /// Table or view → what each of its rows has unless a case says otherwise.
    #[serde(default)]
    pub(super) defaults: BTreeMap<String, Row>,
    pub(super) case: Vec<Case>,
}

/// One application with what the rule has to say about it.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) name: String,
    /// Columns of its row of `applications`.
    #[serde(default)]
    pub(super) application: Row,
    /// Spark properties.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    /// The findings, by columns of `findings` or names in `evidence_json`.
    pub(super) expect: Vec<Row>,
    /// Rows of any other table or view that the rule reads.
    #[serde(flatten)]
    pub(super) facts: BTreeMap<String, Vec<Row>>,
}

impl DataFile {
    /// Parses the file; the error says the line and what is wrong there.
    pub(super) fn parse(&self) -> Result<TestData, String> {
        let mut data: TestData =
            toml::from_str(&self.text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for case in &mut data.case {
            let rows = case.facts.values_mut().flatten().chain(&mut case.expect);
            rows.chain([&mut case.application]).for_each(with_nulls);
        }
        let mut names: Vec<&str> = data.case.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two cases are named `{}`; rename one", pair[0])),
            None => Ok(data),
        }
    }
}

/// TOML has no NULL: the texts `null` (of a fact) and `none` (of what is expected) stand for it.
fn with_nulls(row: &mut Row) {
    for value in row.values_mut() {
        if value == "null" || value == "none" {
            *value = Value::Null;
        }
    }
}

/// All data files by the rule that they test: those that come with the program, and those of a rules
/// folder, which replace them.
pub(super) fn read_all(folder: Option<&Path>) -> Result<BTreeMap<String, DataFile>, AnalyzeError> {
    let mut files = built_in_files(is_test_data)?;
    if let Some(folder) = folder {
        files.extend(read_folder(folder, is_test_data)?);
    }
    let by_rule = files.into_iter().filter_map(|file| {
        let rule = file.parts.last()?.strip_suffix(TEST_DATA)?.to_owned();
        let CatalogFile { name, text, .. } = file;
        Some((rule, DataFile { name, text }))
    });
    Ok(by_rule.collect())
}

fn is_test_data(name: &str) -> bool {
    name.ends_with(TEST_DATA)
}
