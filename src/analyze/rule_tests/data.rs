//! The data files of rules.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::Dir;
use serde::Deserialize;
use serde_json::Value;

use super::Row;
use crate::analyze::catalog::BUILT_IN;
use crate::analyze::error::{AnalyzeError, CatalogError};

const ENDING: &str = ".test.toml";

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
    let mut files = BTreeMap::new();
    collect_built_in(&BUILT_IN, &mut files)?;
    if let Some(folder) = folder {
        collect_folder(&folder.join("rules"), &mut files)?;
    }
    Ok(files)
}

fn collect_built_in(
    folder: &Dir<'_>,
    files: &mut BTreeMap<String, DataFile>,
) -> Result<(), CatalogError> {
    for file in folder.files() {
        let Some(rule) = file.path().to_str().and_then(rule_of) else {
            continue;
        };
        let name = format!("sql/{}", file.path().display());
        let text = file.contents_utf8().ok_or_else(|| not_utf8(&name))?;
        let text = text.to_owned();
        files.insert(rule.to_owned(), DataFile { name, text });
    }
    let mut folders = folder.dirs();
    folders.try_for_each(|inner| collect_built_in(inner, files))
}

/// Folders of categories, and the files in them.
fn collect_folder(
    rules: &Path,
    files: &mut BTreeMap<String, DataFile>,
) -> Result<(), AnalyzeError> {
    let failed = |path: &Path, source| AnalyzeError::Folder {
        path: path.display().to_string(),
        source,
    };
    if !rules.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(rules).map_err(|source| failed(rules, source))? {
        let path = entry.map_err(|source| failed(rules, source))?.path();
        let Some(rule) = path.to_str().and_then(rule_of) else {
            if path.is_dir() {
                collect_folder(&path, files)?;
            }
            continue;
        };
        let text = std::fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let name = path.display().to_string();
        files.insert(rule.to_owned(), DataFile { name, text });
    }
    Ok(())
}

/// The rule that a file tests; `None` where it is no data file.
fn rule_of(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    name.strip_suffix(ENDING).filter(|_| !name.starts_with('.'))
}

fn not_utf8(name: &str) -> CatalogError {
    CatalogError::new(name, 1, "the file is not UTF-8", "save it as UTF-8")
}
