//! Where histories come from: the sections `source`, or the sources of the command line.

use chrono::{DateTime, Utc};
use toml::{Table, Value};

use super::super::aws_endpoints;
use super::super::error::{ConfigError, Fault};
use super::super::origin::{Origin, Sourced};
use super::super::secrets::{self, StorageOptions};
use super::super::settings::{SettingOverrides, SourceSettings};
use super::super::source_keys;
use super::super::source_section::SourceSection;
use super::Resolver;
use super::window::window;
use crate::model::Platform;

impl Resolver {
    /// Sources of the command line take the place of those of the file.
    pub(super) fn sources(
        &mut self,
        given: &SettingOverrides,
        sections: Vec<SourceSection>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SourceSettings>, ConfigError> {
        let of_flag = |kind, uris: &Option<Sourced<Vec<String>>>| {
            uris.as_ref().map(|uris| SourceSettings {
                section: SourceSection::of_uris(kind, uris.value.clone()),
                storage_options: StorageOptions::default(),
                headers: StorageOptions::default(),
                created_after: None,
                created_before: None,
                origin: uris.origin.clone(),
            })
        };
        let mut sources: Vec<SourceSettings> = of_flag(Platform::EventLog, &given.event_logs)
            .into_iter()
            .chain(of_flag(Platform::HistoryServer, &given.history_servers))
            .collect();
        if sources.is_empty() {
            sources = self.of_sections(sections);
        }
        for (index, source) in sources.iter_mut().enumerate() {
            self.refuse_other_kinds(index, source)?;
            check_source(source)?;
            aws_endpoints::check(&source.section)
                .map_err(|(key, fault)| fault.at(self.place(&format!("source[{index}].{key}"))))?;
            self.date_clusters(index, source, now)?;
            source.storage_options.overlay(&given.storage_options)?;
            source.storage_options.check_names()?;
            self.tell_source(index, source);
        }
        Ok(sources)
    }

    /// Refuses the keys that a source of this kind does not know.
    fn refuse_other_kinds(&self, index: usize, source: &SourceSettings) -> Result<(), ConfigError> {
        for key in declared(source).keys() {
            source_keys::refuse_other_kind(source.section.kind, key)
                .map_err(|fault| fault.at(self.place(&format!("source[{index}].{key}"))))?;
        }
        Ok(())
    }

    /// Reads the window in which a source's clusters were made.
    fn date_clusters(
        &self,
        index: usize,
        source: &mut SourceSettings,
        now: DateTime<Utc>,
    ) -> Result<(), ConfigError> {
        let sourced = |key: &str, value: &Option<String>| {
            value.clone().map(|value| Sourced {
                value,
                origin: self.place(&format!("source[{index}].{key}")),
            })
        };
        let section = &source.section;
        let after = sourced("created_after_date", &section.created_after_date);
        let before = sourced("created_before_date", &section.created_before_date);
        (source.created_after, source.created_before) = window(after, before, now)?;
        Ok(())
    }

    fn of_sections(&self, sections: Vec<SourceSection>) -> Vec<SourceSettings> {
        let of_section = |(index, section): (usize, SourceSection)| SourceSettings {
            storage_options: StorageOptions::of_section(&section.storage_options, |name| {
                self.place(&format!("source[{index}].storage_options.{name}"))
            }),
            headers: StorageOptions::of_section(&section.headers, |name| {
                self.place(&format!("source[{index}].headers.{name}"))
            }),
            created_after: None,
            created_before: None,
            origin: self.place(&format!("source[{index}]")),
            section,
        };
        sections.into_iter().enumerate().map(of_section).collect()
    }

    fn tell_source(&mut self, index: usize, source: &SourceSettings) {
        let section = format!("source[{index}]");
        let declared = declared(source);
        for key in source_keys::SOURCE_KEYS {
            if !key.kinds.contains(&source.section.kind)
                || matches!(key.name, "storage_options" | "headers")
            {
                continue;
            }
            let Some(value) = declared.get(key.name) else {
                let default = key.default.map(str::to_owned);
                self.tell(&section, key.name, default, Origin::Default);
                continue;
            };
            let origin = match &source.origin {
                Origin::File { .. } => self.place(&format!("{section}.{}", key.name)),
                given => given.clone(),
            };
            self.tell(&section, key.name, Some(masked(value).to_string()), origin);
        }
        self.tell_options(
            &format!("{section}.storage_options"),
            &source.storage_options,
        );
        self.tell_options(&format!("{section}.headers"), &source.headers);
    }
}

/// What a source says, by key.
fn declared(source: &SourceSettings) -> Table {
    match Value::try_from(&source.section) {
        Ok(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

/// An address without its query, in lists too.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(secrets::masked(text)),
        Value::Array(list) => Value::Array(list.iter().map(masked).collect()),
        other => other.clone(),
    }
}

fn check_source(source: &SourceSettings) -> Result<(), ConfigError> {
    let invalid =
        |problem: &str, cure: &str| Err(Fault::new(problem, cure).at(source.origin.clone()));
    let SourceSection { kind, uris, .. } = &source.section;
    if uris.iter().any(|uri| uri.trim().is_empty()) {
        return invalid("a place of event logs is empty", "give a path or URI");
    }
    for uri in uris {
        secrets::refuse_inline("uris", uri).map_err(|fault| fault.at(source.origin.clone()))?;
    }
    match kind {
        Platform::EventLog if uris.is_empty() => invalid(
            "this source does not say where its event logs are",
            "add uris = [\"/var/log/spark-events\"]",
        ),
        Platform::HistoryServer if uris.is_empty() => invalid(
            "this source does not say where the history server is",
            "add uris = [\"http://history-server:18080\"]",
        ),
        _ => Ok(()),
    }
}
