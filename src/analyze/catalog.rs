//! The catalog of everything that is judged and derived in SQL: the files under `sql/`, built into
//! the binary, overlaid by a folder of the user's.
//!
//! The user's folder has the same shape as `sql/` (`rules/<category>/<rule>.sql`,
//! `tables/<table>.sql`, `views/<view>.sql`, `questions/<question>.sql`, `reference/<name>.csv`).
//! A file replaces the built-in one of the same kind and id, or is added.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::definition::{Query, Question, Relation, Rule, SourceText};
use super::error::{AnalyzeError, CatalogError};
use super::nearest::did_you_mean;
use super::parameters::ParameterValue;
use super::rule_results::RULE_RESULTS;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql");

/// Prefix of the table name under which `reference/<name>.csv` can be read.
pub const REFERENCE_PREFIX: &str = "ref_";

/// A reference table: constants that rules read, as CSV with a header line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// File name without `.csv`; the table is `ref_<id>`.
    pub id: String,
    /// Where it is from.
    pub file: String,
    /// The file's text.
    pub csv: String,
}

/// All rules, derived tables, views, questions and reference tables, by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Catalog {
    rules: BTreeMap<String, Rule>,
    tables: BTreeMap<String, Relation>,
    views: BTreeMap<String, Relation>,
    questions: BTreeMap<String, Question>,
    references: BTreeMap<String, Reference>,
}

/// What the job file changes about the rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Rules not to run.
    pub disabled: BTreeSet<String>,
    /// Rule or table id → parameter → value.
    pub parameters: BTreeMap<String, BTreeMap<String, ParameterValue>>,
}

/// One file of a catalog folder.
struct CatalogFile {
    /// Parts of the path below the catalog folder.
    parts: Vec<String>,
    /// The path as the user knows it.
    name: String,
    text: String,
}

impl Catalog {
    /// The built-in catalog.
    ///
    /// # Errors
    /// Only when a file of `sql/` is wrong, which the tests exclude.
    pub fn built_in() -> Result<Self, AnalyzeError> {
        let mut files = Vec::new();
        collect_built_in(&BUILT_IN, &mut files)?;
        let mut catalog = Self::default();
        catalog.overlay(&files)?;
        Ok(catalog)
    }

    /// The built-in catalog overlaid by the files under `folder`.
    ///
    /// # Errors
    /// Names file, line and cure of the first wrong file, or the folder that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, AnalyzeError> {
        let mut catalog = Self::built_in()?;
        let mut files = Vec::new();
        collect_folder(folder, &mut Vec::new(), &mut files)?;
        catalog.overlay(&files)?;
        Ok(catalog)
    }

    /// Takes the job file's changes over.
    ///
    /// # Errors
    /// A rule, table or parameter that does not exist (naming the nearest one), or a value of the
    /// wrong type.
    pub fn apply(&mut self, overrides: &Overrides) -> Result<(), AnalyzeError> {
        for (id, parameters) in &overrides.parameters {
            let query = self.query_mut(id)?;
            for (name, value) in parameters {
                query
                    .set(name, value)
                    .map_err(|(problem, cure)| AnalyzeError::Setting {
                        what: format!("`{id}`: {problem}"),
                        cure,
                    })?;
            }
        }
        for id in &overrides.disabled {
            if self.rules.remove(id).is_none() {
                return Err(unknown_id("rule", id, self.rules.keys()));
            }
        }
        Ok(())
    }

    /// Only these rules, views and tables, and all that they read. Where no rule is among them but
    /// something reads what rules find, all rules stay.
    ///
    /// # Errors
    /// An id that is neither a rule nor a view nor a table; names the nearest.
    pub fn select(&self, ids: &[&str]) -> Result<Self, AnalyzeError> {
        let mut selected = Self {
            references: self.references.clone(),
            questions: self.questions.clone(),
            ..Self::default()
        };
        let mut open: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let all_rules = !ids.iter().any(|id| self.rules.contains_key(*id));
        while let Some(id) = open.pop() {
            if id == RULE_RESULTS && all_rules {
                open.extend(
                    self.rules
                        .keys()
                        .filter(|rule| !selected.rules.contains_key(*rule))
                        .cloned(),
                );
            }
            open.extend(selected.copy(self, &id).into_iter().flatten());
        }
        match ids.iter().find(|id| !selected.contains(id)) {
            Some(id) => Err(unknown_id("rule, view or table", id, self.ids())),
            None => Ok(selected),
        }
    }

    /// Copies one rule, view or table over and gives what it reads; `None` when it is here already
    /// or is not in `from`.
    fn copy(&mut self, from: &Self, id: &str) -> Option<Vec<String>> {
        if self.contains(id) {
            return None;
        }
        if let Some(rule) = from.rules.get(id) {
            self.rules.insert(id.to_owned(), rule.clone());
            return Some(rule.query.reads.clone());
        }
        let (relation, kind) = match (from.views.get(id), from.tables.get(id)) {
            (Some(view), _) => (view, &mut self.views),
            (None, Some(table)) => (table, &mut self.tables),
            (None, None) => return None,
        };
        kind.insert(id.to_owned(), relation.clone());
        Some(relation.query.reads.clone())
    }

    fn contains(&self, id: &str) -> bool {
        self.rules.contains_key(id) || self.views.contains_key(id) || self.tables.contains_key(id)
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.rules
            .keys()
            .chain(self.tables.keys())
            .chain(self.views.keys())
    }

    /// All rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// All derived tables, by id.
    pub fn tables(&self) -> impl Iterator<Item = &Relation> {
        self.tables.values()
    }

    /// All shared views, by id.
    pub fn views(&self) -> impl Iterator<Item = &Relation> {
        self.views.values()
    }

    /// All example questions, by id.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.questions.values()
    }

    /// All reference tables, by id.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.references.values()
    }

    /// The rule of that id.
    ///
    /// # Errors
    /// No such rule; names the nearest.
    pub fn rule(&self, id: &str) -> Result<&Rule, AnalyzeError> {
        self.rules
            .get(id)
            .ok_or_else(|| unknown_id("rule", id, self.rules.keys()))
    }

    fn query_mut(&mut self, id: &str) -> Result<&mut Query, AnalyzeError> {
        let known: Vec<String> = self
            .rules
            .keys()
            .chain(self.tables.keys())
            .chain(self.views.keys())
            .cloned()
            .collect();
        let rules = self.rules.get_mut(id).map(|rule| &mut rule.query);
        let tables = self.tables.get_mut(id).map(|table| &mut table.query);
        let views = self.views.get_mut(id).map(|view| &mut view.query);
        rules
            .or(tables)
            .or(views)
            .ok_or_else(|| unknown_id("rule or table", id, known.iter()))
    }

    /// Lays one folder over what is there. Within one folder an id may come only once.
    fn overlay(&mut self, files: &[CatalogFile]) -> Result<(), CatalogError> {
        let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
        for file in files {
            let (kind, id) = self.add(file)?;
            if let Some(other) = seen.insert((kind, id.clone()), &file.name) {
                let problem = format!("`{id}` is already defined in {other}");
                return Err(CatalogError::new(
                    &file.name,
                    1,
                    problem,
                    "rename one of them",
                ));
            }
        }
        Ok(())
    }

    /// Adds or replaces one file's content and says its kind and id.
    fn add<'f>(&mut self, file: &'f CatalogFile) -> Result<(&'f str, String), CatalogError> {
        let parts: Vec<&str> = file.parts.iter().map(String::as_str).collect();
        let source = |folder, stem| SourceText {
            file: &file.name,
            stem,
            folder,
            text: &file.text,
        };
        match *parts.as_slice() {
            [kind @ "rules", folder, name] if let Some(stem) = name.strip_suffix(".sql") => {
                let rule = source(folder, stem).rule()?;
                self.rules.insert(stem.to_owned(), rule);
                Ok((kind, stem.to_owned()))
            }
            [kind @ ("tables" | "views"), name] if let Some(stem) = name.strip_suffix(".sql") => {
                let relation = source(kind, stem).relation()?;
                let relations = if kind == "tables" {
                    &mut self.tables
                } else {
                    &mut self.views
                };
                relations.insert(stem.to_owned(), relation);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "questions", name] if let Some(stem) = name.strip_suffix(".sql") => {
                let question = source(kind, stem).question()?;
                self.questions.insert(stem.to_owned(), question);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "reference", name] if let Some(stem) = name.strip_suffix(".csv") => {
                let (id, csv) = (stem.to_owned(), file.text.clone());
                let reference = Reference {
                    id: id.clone(),
                    file: file.name.clone(),
                    csv,
                };
                self.references.insert(id.clone(), reference);
                Ok((kind, id))
            }
            _ => Err(CatalogError::new(
                &file.name,
                1,
                "this file does not belong into a rules folder",
                "put it at rules/<category>/<rule>.sql, tables/<table>.sql, views/<view>.sql, \
                 questions/<question>.sql or reference/<name>.csv",
            )),
        }
    }
}

fn unknown_id<'a>(what: &str, id: &str, known: impl Iterator<Item = &'a String>) -> AnalyzeError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    AnalyzeError::Setting {
        what: format!("there is no {what} `{id}`"),
        cure: did_you_mean(id, known.iter().copied()),
    }
}

fn collect_built_in(folder: &Dir<'_>, files: &mut Vec<CatalogFile>) -> Result<(), CatalogError> {
    for file in folder.files() {
        let parts: Vec<String> = file
            .path()
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let name = format!("sql/{}", parts.join("/"));
        let text = file.contents_utf8().ok_or_else(|| {
            CatalogError::new(&name, 1, "the file is not UTF-8", "save it as UTF-8")
        })?;
        files.push(CatalogFile {
            parts,
            name,
            text: text.to_owned(),
        });
    }
    folder
        .dirs()
        .try_for_each(|inner| collect_built_in(inner, files))
}

/// Reads a user's folder; files and folders whose name begins with a dot, and notes in Markdown or
/// plain text, are not looked at.
fn collect_folder(
    folder: &Path,
    above: &mut Vec<String>,
    files: &mut Vec<CatalogFile>,
) -> Result<(), AnalyzeError> {
    let failed = |path: &Path, source| AnalyzeError::Folder {
        path: path.display().to_string(),
        source,
    };
    let entries = std::fs::read_dir(folder).map_err(|source| failed(folder, source))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|source| failed(folder, source))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name.filter(|name| !is_ignored(name)) else {
            continue;
        };
        above.push(name);
        if path.is_dir() {
            collect_folder(&path, above, files)?;
        } else {
            let text = std::fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
            let (parts, name) = (above.clone(), path.display().to_string());
            files.push(CatalogFile { parts, name, text });
        }
        above.pop();
    }
    Ok(())
}

fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.ends_with(".md") || name.ends_with(".txt")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const RULE: &str = "\
-- id: slow
-- title: Slow stages
-- category: speed
-- severity: medium
-- version: 1
-- description: Stages that take long.
-- parameter: min_ms bigint = 1000 [ms] shortest stage that counts
-- recommendation: Make them fast.
SELECT * FROM stages WHERE duration_ms >= $min_ms
";

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(path, text).expect("file");
        }
        folder
    }

    fn refused(files: &[(&str, &str)]) -> String {
        let folder = folder_with(files);
        let error = Catalog::with_folder(folder.path())
            .expect_err("refused")
            .to_string();
        error.replace(&folder.path().display().to_string(), "mine")
    }

    #[test]
    fn every_built_in_file_is_read() {
        let catalog = Catalog::built_in().expect("valid files");
        let rules: Vec<&str> = catalog.rules().map(|rule| rule.id.as_str()).collect();
        assert_eq!(
            rules,
            [
                "disk_spill",
                "failed_tasks",
                "gc_pressure",
                "idle_executors",
                "memory_spill",
                "oversized_partitions",
                "task_skew",
                "tiny_tasks"
            ]
        );
        let tables: Vec<&str> = catalog.tables().map(|table| table.id.as_str()).collect();
        assert_eq!(
            tables,
            [
                "findings",
                "ineffjobagg",
                "ineffjobraw",
                "photon_operators",
                "photonanalysis"
            ]
        );
    }

    #[test]
    fn a_users_file_is_added_or_replaces_the_built_in_one() {
        let mine = RULE.replace("slow", "task_skew").replace("speed", "skew");
        let folder = folder_with(&[
            ("rules/speed/slow.sql", RULE),
            ("rules/skew/task_skew.sql", &mine),
            ("README.md", "notes"),
            (".git/config", "x"),
        ]);
        let catalog = Catalog::with_folder(folder.path()).expect("valid");
        assert_eq!(catalog.rules().count(), 9);
        assert_eq!(
            catalog.rule("task_skew").expect("known").title,
            "Slow stages"
        );
    }

    #[test]
    fn a_file_in_the_wrong_place_says_where_to_put_it() {
        let error = refused(&[("slow.sql", RULE)]);
        assert!(
            error.starts_with("mine/slow.sql:1: this file does not belong"),
            "{error}"
        );
    }

    #[test]
    fn an_id_comes_only_once_in_a_folder() {
        let other = RULE.replace("speed", "time");
        let error = refused(&[
            ("rules/speed/slow.sql", RULE),
            ("rules/time/slow.sql", &other),
        ]);
        assert_eq!(
            error,
            "mine/rules/time/slow.sql:1: `slow` is already defined in mine/rules/speed/slow.sql; \
             rename one of them"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Catalog::with_folder(Path::new("/no/such/folder")).expect_err("missing");
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }

    fn overrides(toml: &str) -> Overrides {
        toml::from_str(toml).expect("valid")
    }

    #[test]
    fn the_job_file_changes_parameters_and_disables_rules() {
        let mut catalog = Catalog::built_in().expect("valid files");
        let changes = "disabled = ['gc_pressure']\n[parameters.task_skew]\nmin_ratio = 5";
        catalog.apply(&overrides(changes)).expect("known names");
        assert!(catalog.rule("gc_pressure").is_err());
        let skew = catalog.rule("task_skew").expect("known");
        let ratio = skew
            .query
            .parameters
            .iter()
            .find(|known| known.name == "min_ratio");
        assert_eq!(ratio.expect("declared").value, ParameterValue::Double(5.0));
    }

    #[test]
    fn wrong_changes_name_the_nearest_known() {
        let cases = [
            (
                "disabled = ['gc_presure']",
                "there is no rule `gc_presure`; did you mean `gc_pressure`?",
            ),
            (
                "[parameters.task_skw]\nmin_ratio = 5.0",
                "there is no rule or table `task_skw`; did you mean `task_skew`?",
            ),
            (
                "[parameters.task_skew]\nmin_ration = 5.0",
                "`task_skew`: there is no parameter `min_ration`; did you mean `min_ratio`?",
            ),
            (
                "[parameters.task_skew]\nmin_ratio = 'x'",
                "`task_skew`: `x` is not a double as `min_ratio` needs it; give a value of that type",
            ),
        ];
        for (toml, message) in cases {
            let mut catalog = Catalog::built_in().expect("valid files");
            let error = catalog.apply(&overrides(toml)).expect_err(toml);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_selection_keeps_what_it_reads() {
        let catalog = Catalog::built_in().expect("valid files");
        let one = catalog.select(&["task_skew", "findings"]).expect("known");
        assert_eq!(
            (
                one.rules().count(),
                one.views().count(),
                one.tables().count()
            ),
            (1, 2, 1)
        );
        let all = catalog.select(&["ineffjobagg"]).expect("known");
        assert_eq!((all.rules().count(), all.tables().count()), (8, 3));
        assert!(catalog.select(&["findigs"]).is_err());
    }
}
