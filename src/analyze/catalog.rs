//! The catalog of everything that is judged and derived in SQL: the files under `sql/`, built into
//! the binary, overlaid by a folder of the user's.
//!
//! The user's folder has the same shape as `sql/` (`rules/<category>/<rule>.sql`,
//! `tables/<table>.sql`, `views/<view>.sql`, `questions/<question>.sql`, `status/<part>.sql`,
//! `mcp/<part>.sql`,
//! `reference/<name>.csv` beside its contract `<name>.toml`, `reference/log_signatures.toml`).
//! `functions/<function>.sql` are SQL functions for other engines.
//! The queries that commands ask lie in a folder a command: `runs`, `compare`, `check`, `trace`, `report`,
//! `dashboard`.
//! A file replaces the built-in one of the same kind and id, or is added; prices replace those of the
//! same thing, and the others stay.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::definition::{Query, Question, Relation, ReportQuery, Rule, SourceText};
use super::error::{AnalyzeError, CatalogError};
use super::function::Function;
use super::prices::{self, PRICES};
use super::reference::{Contract, Reference};
use super::rule_results::RULE_RESULTS;
use super::step::{NativeSteps, Step};
use crate::extract::process_logs::Signatures;
use crate::model::SettingValue;
use crate::model::did_you_mean;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql");

/// The built-in catalog, once it has been read.
static READ: OnceLock<Catalog> = OnceLock::new();

/// Prefix of the table name under which `reference/<name>.csv` can be read.
pub const REFERENCE_PREFIX: &str = "ref_";

/// End of the names of files with the test data of rules.
pub(super) const TEST_DATA: &str = ".test.toml";

/// The file of what driver and executor logs are searched for.
const LOG_SIGNATURES: &str = "log_signatures.toml";

/// All rules, derived tables, views, questions and reference tables, by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Catalog {
    rules: BTreeMap<String, Rule>,
    tables: BTreeMap<String, Relation>,
    views: BTreeMap<String, Relation>,
    questions: BTreeMap<String, Question>,
    /// What the program itself asks, to say how a lake or a run is doing; decides no row.
    #[serde(skip)]
    status: BTreeMap<String, Relation>,
    /// What the program asks to show runs and applications, by folder and id; decides no row.
    #[serde(skip)]
    shown: BTreeMap<(String, String), Relation>,
    /// SQL functions for other engines; they decide no row.
    #[serde(skip)]
    functions: BTreeMap<String, Function>,
    /// What exports show beyond the contracts, as TOML; decides no row.
    #[serde(skip)]
    exports: BTreeMap<String, String>,
    /// What the MCP tools ask; decides no row.
    #[serde(skip)]
    mcp: BTreeMap<String, ReportQuery>,
    references: BTreeMap<String, Reference>,
    /// Contracts of reference tables.
    #[serde(skip)]
    contracts: BTreeMap<String, Arc<Contract>>,
    /// Tables that are made in Rust.
    #[serde(skip)]
    native: NativeSteps,
    /// The text of `reference/log_signatures.toml`, which has been read once. It decides what is
    /// extracted from logs, not what is judged.
    #[serde(skip)]
    log_signatures: Option<String>,
}

/// What the job file changes about the rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Rules not to run.
    pub disabled: BTreeSet<String>,
    /// Rule or table id → parameter → value.
    pub parameters: BTreeMap<String, BTreeMap<String, SettingValue>>,
    /// Files of prices, which replace those of the price book.
    pub prices: Vec<PathBuf>,
}

/// One file of a catalog folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogFile {
    /// Parts of the path below the catalog folder.
    pub(super) parts: Vec<String>,
    /// The path as the user knows it.
    pub(super) name: String,
    pub(super) text: String,
}

impl Catalog {
    /// The built-in catalog.
    ///
    /// # Errors
    /// Only when a file of `sql/` is wrong, which the tests exclude.
    pub fn built_in() -> Result<Self, AnalyzeError> {
        if let Some(read) = READ.get() {
            return Ok(read.clone());
        }
        let files = built_in_files(is_of_catalog)?;
        let mut catalog = Self {
            native: NativeSteps::built_in(),
            ..Self::default()
        };
        catalog.overlay(&files)?;
        Ok(READ.get_or_init(|| catalog).clone())
    }

    /// Adds a step in Rust, which makes the table of its name for one application at a time.
    pub fn add_step(&mut self, step: Arc<dyn Step>) {
        self.native.add(step);
    }

    /// What makes the tables, in SQL and in Rust. A file replaces what Rust makes.
    pub(super) fn table_steps(&self) -> impl Iterator<Item = Arc<dyn Step>> {
        let native = self.native.iter();
        let native = native.filter(|step| !self.tables.contains_key(step.id()));
        let files = self.tables.values().cloned();
        let files = files.map(|table| Arc::new(table) as Arc<dyn Step>);
        files.chain(native.cloned())
    }

    /// The names of the tables that are made.
    pub fn table_ids(&self) -> BTreeSet<String> {
        self.table_steps()
            .map(|step| step.id().to_owned())
            .collect()
    }

    /// The built-in catalog overlaid by the files under `folder`.
    ///
    /// # Errors
    /// Names file, line and cure of the first wrong file, or the folder that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, AnalyzeError> {
        let mut catalog = Self::built_in()?;
        catalog.overlay(&read_folder(folder, is_of_catalog)?)?;
        Ok(catalog)
    }

    /// Takes the job file's changes over.
    ///
    /// # Errors
    /// A rule, table or parameter that does not exist (naming the nearest one), a value of the wrong
    /// type, or a wrong price.
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
        for path in &overrides.prices {
            let csv = prices::read(path)?;
            self.add_prices(&path.display().to_string(), &csv)?;
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
            contracts: self.contracts.clone(),
            log_signatures: self.log_signatures.clone(),
            questions: self.questions.clone(),
            status: self.status.clone(),
            shown: self.shown.clone(),
            functions: self.functions.clone(),
            exports: self.exports.clone(),
            mcp: self.mcp.clone(),
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

    /// What judges one application at a time: all but the tables that look at several.
    pub fn per_application(&self) -> Self {
        let mut catalog = self.clone();
        catalog.tables.retain(|_, table| !table.scope.is_across());
        catalog
    }

    /// That table with the views that it reads, directly or through other views. The other tables
    /// that it reads are taken from the lake.
    pub(super) fn alone(&self, table: &Relation) -> Self {
        let mut catalog = Self {
            tables: BTreeMap::from([(table.id.clone(), table.clone())]),
            references: self.references.clone(),
            ..Self::default()
        };
        let mut open = table.query.reads.clone();
        while let Some(name) = open.pop() {
            let Some(view) = self.views.get(&name) else {
                continue;
            };
            let known = catalog.views.insert(name, view.clone());
            if known.is_none() {
                open.extend(view.query.reads.iter().cloned());
            }
        }
        catalog
    }

    /// Adds prices to the book; they replace those of the same thing.
    pub(super) fn add_prices(&mut self, file: &str, csv: &str) -> Result<(), CatalogError> {
        let contract = self.contracts.get(PRICES).cloned();
        let book = if let Some(book) = self.references.get(PRICES) {
            let merged = prices::merge(&book.file, &book.csv, file, csv)?;
            Reference::parse(&book.file, PRICES, &merged, contract)?
        } else {
            prices::check(file, csv)?;
            Reference::parse(file, PRICES, csv, contract)?
        };
        self.references.insert(PRICES.to_owned(), book);
        Ok(())
    }

    /// Without these views: something else gives their rows.
    pub(super) fn without_views(mut self, ids: &[String]) -> Self {
        self.views.retain(|id, _| !ids.contains(id));
        self
    }

    /// Without these tables, which are then read as the lake has them.
    pub(super) fn without_tables(mut self, ids: &[&str]) -> Self {
        self.tables.retain(|id, _| !ids.contains(&id.as_str()));
        self
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
            (None, None) => {
                let step = from.native.find(id)?;
                self.native.add(Arc::clone(step));
                return Some(step.reads().to_vec());
            }
        };
        kind.insert(id.to_owned(), relation.clone());
        Some(relation.query.reads.clone())
    }

    fn contains(&self, id: &str) -> bool {
        self.rules.contains_key(id)
            || self.views.contains_key(id)
            || self.tables.contains_key(id)
            || self.native.find(id).is_some()
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.rules
            .keys()
            .chain(self.tables.keys())
            .chain(self.views.keys())
    }

    /// A hash of everything that decides the answers: queries, thresholds, reference tables. Rows
    /// that were derived under another fingerprint are out of date.
    pub fn fingerprint(&self) -> String {
        let mut hasher = XxHash64::with_seed(0);
        let mut write = |part: &str| {
            hasher.write(part.as_bytes());
            hasher.write_u8(0);
        };
        for rule in self.rules() {
            write(&rule.version());
        }
        for step in self.table_steps() {
            write(step.id());
            write(&step.version());
        }
        for view in self.views() {
            write(&view.id);
            write(&view.version());
        }
        for reference in self.references() {
            write(&reference.id);
            write(&reference.csv);
        }
        format!("{:016x}", hasher.finish())
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

    /// All SQL functions for other engines, by id.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// What an export shows beyond the contracts: the text of `export/<id>.toml`, empty where there is none.
    pub fn export(&self, id: &str) -> &str {
        self.exports.get(id).map_or("", String::as_str)
    }

    /// All reference tables, by id.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.references.values()
    }

    /// A query that says how a lake or a run is doing.
    ///
    /// # Errors
    /// There is none of that name; names the nearest.
    pub fn status(&self, id: &str) -> Result<&Relation, AnalyzeError> {
        let query = self.status.get(id);
        query.ok_or_else(|| unknown_id("status query", id, self.status.keys()))
    }

    /// A query that a command asks to show something: `sql/<folder>/<id>.sql`.
    ///
    /// # Errors
    /// There is none of that name; names the nearest.
    pub fn shown(&self, folder: &str, id: &str) -> Result<&Relation, AnalyzeError> {
        let query = self.shown.get(&(folder.to_owned(), id.to_owned()));
        query.ok_or_else(|| {
            let known = self.shown.keys().filter(|(known, _)| known == folder);
            unknown_id(&format!("query of `{folder}`"), id, known.map(|(_, id)| id))
        })
    }

    /// All queries of such a folder, by id.
    pub fn shown_in<'c>(&'c self, folder: &'c str) -> impl Iterator<Item = &'c Relation> {
        let queries = self.shown.iter();
        queries
            .filter(move |((known, _), _)| known == folder)
            .map(|(_, query)| query)
    }

    /// A query of the MCP tools.
    ///
    /// # Errors
    /// There is none of that name; names the nearest.
    pub fn mcp(&self, id: &str) -> Result<&ReportQuery, AnalyzeError> {
        let query = self.mcp.get(id);
        query.ok_or_else(|| unknown_id("query of the MCP tools", id, self.mcp.keys()))
    }

    /// The rows of the reference table that queries call `name`; `None` when there is none.
    pub fn reference_rows(&self, name: &str) -> Option<RecordBatch> {
        let reference = self.references.get(name.strip_prefix(REFERENCE_PREFIX)?)?;
        Some(reference.rows.clone())
    }

    /// What driver and executor logs are searched for.
    pub fn log_signatures(&self) -> Signatures {
        let own = self.log_signatures.as_deref();
        own.filter(|text| !Signatures::is_built_in(text))
            .and_then(|text| Signatures::parse(text).ok())
            .unwrap_or_else(|| Signatures::built_in().clone())
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
    pub(super) fn overlay(&mut self, files: &[CatalogFile]) -> Result<(), CatalogError> {
        // A table is read by its contract, which comes after it in the folder.
        for file in files {
            self.add_contract(file)?;
        }
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

    /// Adds the contract of a reference table, where the file is one.
    fn add_contract(&mut self, file: &CatalogFile) -> Result<(), CatalogError> {
        let parts: Vec<&str> = file.parts.iter().map(String::as_str).collect();
        if let ["reference", name] = *parts.as_slice()
            && let Some(id) = name.strip_suffix(".toml")
            && name != LOG_SIGNATURES
        {
            let contract = Arc::new(Contract::parse(&file.name, id, &file.text)?);
            self.contracts.insert(id.to_owned(), contract);
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
            [kind @ "status", name] if let Some(stem) = name.strip_suffix(".sql") => {
                let query = source(kind, stem).relation()?;
                self.status.insert(stem.to_owned(), query);
                Ok((kind, stem.to_owned()))
            }
            [
                kind @ ("check" | "compare" | "dashboard" | "report" | "runs" | "trace"),
                name,
            ] if let Some(stem) = name.strip_suffix(".sql") => {
                let query = source(kind, stem).relation()?;
                self.shown.insert((kind.to_owned(), stem.to_owned()), query);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "functions", name] if let Some(stem) = name.strip_suffix(".sql") => {
                let function = source(kind, stem).function()?;
                self.functions.insert(stem.to_owned(), function);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "export", name] if let Some(stem) = name.strip_suffix(".toml") => {
                self.exports.insert(stem.to_owned(), file.text.clone());
                Ok((kind, stem.to_owned()))
            }
            [kind @ "mcp", name] if let Some(stem) = name.strip_suffix(".sql") => {
                let query = source(kind, stem).report_query()?;
                self.mcp.insert(stem.to_owned(), query);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "questions", name] if let Some(stem) = name.strip_suffix(".sql") => {
                let question = source(kind, stem).question()?;
                self.questions.insert(stem.to_owned(), question);
                Ok((kind, stem.to_owned()))
            }
            [kind @ "reference", name] if name.strip_suffix(".csv") == Some(PRICES) => {
                self.add_prices(&file.name, &file.text)?;
                Ok((kind, PRICES.to_owned()))
            }
            [kind @ "reference", name] if let Some(stem) = name.strip_suffix(".csv") => {
                let id = stem.to_owned();
                let contract = self.contracts.get(stem).cloned();
                let reference = Reference::parse(&file.name, stem, &file.text, contract)?;
                self.references.insert(id.clone(), reference);
                Ok((kind, id))
            }
            [kind @ "reference", LOG_SIGNATURES] => {
                // Those that the program comes with are read when a log is searched for them.
                if !Signatures::is_built_in(&file.text) {
                    Signatures::parse(&file.text).map_err(|error| {
                        let cure = "see the comments of the file that sparklake comes with";
                        CatalogError::new(&file.name, error.line, error.problem, cure)
                    })?;
                }
                self.log_signatures = Some(file.text.clone());
                Ok((kind, LOG_SIGNATURES.to_owned()))
            }
            // Read before all others.
            ["reference", name] if name.ends_with(".toml") => Ok(("contract", name.to_owned())),
            _ => Err(CatalogError::new(
                &file.name,
                1,
                "this file does not belong into a rules folder",
                "put it at rules/<category>/<rule>.sql, tables/<table>.sql, views/<view>.sql, \
                 questions/<question>.sql, status|report|runs|compare|check|trace/<part>.sql, functions/<function>.sql, mcp/<part>.sql, export/<part>.toml, reference/<name>.csv beside \
                 reference/<name>.toml, or reference/log_signatures.toml",
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

/// The files of `sql/` whose names are `wanted`.
pub(super) fn built_in_files(wanted: fn(&str) -> bool) -> Result<Vec<CatalogFile>, CatalogError> {
    let mut files = Vec::new();
    collect_built_in(&BUILT_IN, wanted, &mut files)?;
    Ok(files)
}

fn collect_built_in(
    folder: &Dir<'_>,
    wanted: fn(&str) -> bool,
    files: &mut Vec<CatalogFile>,
) -> Result<(), CatalogError> {
    for file in folder.files() {
        let parts: Vec<String> = file
            .path()
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if !parts.last().is_some_and(|name| wanted(name)) {
            continue;
        }
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
        .try_for_each(|inner| collect_built_in(inner, wanted, files))
}

/// Reads the files of a user's folder whose names are `wanted`.
pub(super) fn read_folder(
    folder: &Path,
    wanted: fn(&str) -> bool,
) -> Result<Vec<CatalogFile>, AnalyzeError> {
    let mut files = Vec::new();
    collect_folder(folder, wanted, &mut Vec::new(), &mut files)?;
    Ok(files)
}

fn collect_folder(
    folder: &Path,
    wanted: fn(&str) -> bool,
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
        let Some(name) = name.filter(|name| !is_hidden(name)) else {
            continue;
        };
        let is_wanted = wanted(&name);
        above.push(name);
        if path.is_dir() {
            collect_folder(&path, wanted, above, files)?;
        } else if is_wanted {
            let text = std::fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
            let (parts, name) = (above.clone(), path.display().to_string());
            files.push(CatalogFile { parts, name, text });
        }
        above.pop();
    }
    Ok(())
}

/// Hidden files and folders, and editors' copies.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~')
}

/// All files but hidden ones, notes in Markdown or plain text, and the test data of rules.
pub(super) fn is_of_catalog(name: &str) -> bool {
    let others = [".md", ".txt", TEST_DATA];
    !is_hidden(name) && !others.iter().any(|end| name.ends_with(end))
}
