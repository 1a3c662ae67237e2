//! A job file between its text and its typed form: parsed, with the place of every value, checked
//! for what a schema cannot say, and with faults told as file, line and cure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::{ConfigError, Fault};
use super::field_names::field_names;
use super::interpolate::interpolate;
use super::job_file::{
    JobFile, LakeSection, LogSection, NotifySection, RedactionSection, RulesSection, RunSection,
};
use super::origin::Origin;
use super::secrets;
use super::source_section::SourceSection;
use crate::model::did_you_mean;

/// A job file that was read, and where in it each value is.
#[derive(Debug, Clone)]
pub struct LoadedFile {
    /// What it says.
    pub(super) content: JobFile,
    places: Places,
}

/// The lines of the values in a file.
#[derive(Debug, Clone)]
struct Places {
    path: String,
    /// Path of the value, such as `source[0].uris`, → line from 1.
    lines: BTreeMap<String, usize>,
}

impl LoadedFile {
    /// Reads a job file.
    ///
    /// # Errors
    /// The file cannot be read, or says something that makes no sense; with the line.
    pub fn read(path: &Path, environment: &Environment) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text, environment),
            Err(source) => Err(ConfigError::Unreadable { path: name, source }),
        }
    }

    /// Reads a job file's text; `path` is for messages only.
    ///
    /// # Errors
    /// As [`LoadedFile::read`].
    pub fn parse(path: &str, text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let at = |span: Range<usize>| Origin::File {
            path: path.to_owned(),
            line: line_of(text, span.start),
        };
        let fault_of = |error: &toml::de::Error| {
            let fault = explain(error.message());
            fault.at(at(error.span().unwrap_or(0..0)))
        };
        let mut table = DeTable::parse(text).map_err(|error| fault_of(&error))?;
        let mut lines = BTreeMap::new();
        walk(table.get_mut(), "", &mut |path, key, span, value| {
            lines.insert(path.to_owned(), line_of(text, span.start));
            check_and_fill(key, value, environment).map_err(|fault| fault.at(at(span)))
        })?;
        let content = JobFile::deserialize(toml::Deserializer::from(table))
            .map_err(|error| fault_of(&error))?;
        let places = Places {
            path: path.to_owned(),
            lines,
        };
        Ok(Self { content, places })
    }

    /// Where the value at `path`, such as `run.since`, stands. A value that is not there is placed
    /// at the nearest section around it.
    pub(super) fn origin(&self, path: &str) -> Origin {
        let mut around = path;
        let line = loop {
            if let Some(line) = self.places.lines.get(around) {
                break *line;
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = around.get(..end).unwrap_or_default(),
                None => break 1,
            }
        };
        Origin::File {
            path: self.places.path.clone(),
            line,
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    memchr::memchr_iter(b'\n', before).count() + 1
}

/// What is done at each value: its path, the last key of it, its place, itself.
type Visit<'v, 'i> =
    dyn FnMut(&str, &str, Range<usize>, &mut DeValue<'i>) -> Result<(), ConfigError> + 'v;

/// Visits all values, those around others first.
fn walk<'i>(
    table: &mut DeTable<'i>,
    above: &str,
    visit: &mut Visit<'_, 'i>,
) -> Result<(), ConfigError> {
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().as_ref();
        let path = match above {
            "" => name.to_owned(),
            above => format!("{above}.{name}"),
        };
        visit(&path, name, key.span(), value.get_mut())?;
        walk_value(value, &path, name, visit)?;
    }
    Ok(())
}

fn walk_value<'i>(
    value: &mut Spanned<DeValue<'i>>,
    path: &str,
    key: &str,
    visit: &mut Visit<'_, 'i>,
) -> Result<(), ConfigError> {
    match value.get_mut() {
        DeValue::Table(table) => walk(table, path, visit),
        DeValue::Array(list) => {
            for (index, item) in list.iter_mut().enumerate() {
                let path = format!("{path}[{index}]");
                visit(&path, key, item.span(), item.get_mut())?;
                walk_value(item, &path, key, visit)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses a text that should be a secret, then fills in what it takes from the environment.
fn check_and_fill(
    key: &str,
    value: &mut DeValue<'_>,
    environment: &Environment,
) -> Result<(), Fault> {
    let DeValue::String(text) = value else {
        return Ok(());
    };
    secrets::refuse_inline(key, text)?;
    let filled = interpolate(text, environment)?;
    if filled != text.as_ref() {
        secrets::refuse_inline(key, &filled)?;
        *text = Cow::Owned(filled);
    }
    Ok(())
}

/// Puts a message of the parser into our form: what is wrong, and what to do.
fn explain(message: &str) -> Fault {
    let message = message.trim();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    if message.starts_with("unknown field") {
        let cure =
            section_of(unknown).unwrap_or_else(|| did_you_mean(unknown, known.iter().copied()));
        return Fault::new(format!("unknown key `{unknown}`"), cure);
    }
    if message.starts_with("unknown variant") {
        let cure = did_you_mean(unknown, known.iter().copied());
        return Fault::new(format!("`{unknown}` is not possible here"), cure);
    }
    if let Some(missing) = message.strip_prefix("missing field ") {
        return Fault::new(format!("the key {missing} is missing"), "add it");
    }
    let problem = message.lines().collect::<Vec<_>>().join(", ");
    Fault::new(
        problem,
        "jobs/event-logs.toml shows every key with its values",
    )
}

/// The advice to move a key that another section knows.
fn section_of(key: &str) -> Option<String> {
    let sections = [
        ("before all sections", field_names::<JobFile>()),
        ("in the section [lake]", field_names::<LakeSection>()),
        ("in the section [run]", field_names::<RunSection>()),
        ("in a section [[source]]", field_names::<SourceSection>()),
        ("in the section [rules]", field_names::<RulesSection>()),
        ("in the section [notify]", field_names::<NotifySection>()),
        (
            "in the section [redaction]",
            field_names::<RedactionSection>(),
        ),
        ("in the section [log]", field_names::<LogSection>()),
    ];
    sections
        .iter()
        .find(|(_, known)| known.contains(&key))
        .map(|(place, _)| format!("this key stands {place}"))
}
