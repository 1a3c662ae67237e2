//! The value of one setting, and where it comes from.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use toml::Value;

use super::super::engine::Engine;
use super::super::job_file::{Severity, SummaryFormat};
use super::super::origin::{Origin, Sourced};
use super::super::secrets::{self, StorageOptions};
use super::super::settings::Effective;
use super::super::{Color, LogFormat, LogLevel};
use super::Resolver;

impl Resolver {
    /// The value of a setting that has a default.
    pub(super) fn value<T: ToToml>(
        &mut self,
        section: &str,
        key: &str,
        given: &Option<Sourced<T>>,
        in_file: Option<T>,
        default: T,
    ) -> T {
        let set = given
            .clone()
            .or_else(|| self.in_file(section, key, in_file));
        let picked = set.unwrap_or(Sourced {
            value: default,
            origin: Origin::Default,
        });
        self.tell(section, key, Some(picked.value.to_toml()), picked.origin);
        picked.value
    }

    /// The value of a setting that may be left out.
    pub(super) fn optional<T: ToToml>(
        &mut self,
        section: &str,
        key: &str,
        given: &Option<Sourced<T>>,
        in_file: Option<T>,
    ) -> Option<Sourced<T>> {
        let set = given
            .clone()
            .or_else(|| self.in_file(section, key, in_file));
        let (value, origin) = match &set {
            Some(set) => (Some(set.value.to_toml()), set.origin.clone()),
            None => (None, Origin::Default),
        };
        self.tell(section, key, value, origin);
        set
    }

    fn in_file<T>(&self, section: &str, key: &str, value: Option<T>) -> Option<Sourced<T>> {
        value.map(|value| Sourced {
            value,
            origin: self.place(&format!("{section}.{key}")),
        })
    }

    pub(super) fn tell(&mut self, section: &str, key: &str, value: Option<String>, origin: Origin) {
        self.effective.push(Effective {
            section: section.to_owned(),
            key: key.to_owned(),
            value,
            origin,
        });
    }

    pub(super) fn place(&self, path: &str) -> Origin {
        self.file
            .as_ref()
            .map_or(Origin::Default, |file| file.origin(path))
    }

    pub(super) fn tell_options(&mut self, section: &str, options: &StorageOptions) {
        for (name, option) in options.iter() {
            let value = secrets::masked(&option.value).to_toml();
            self.tell(section, name, Some(value), option.origin.clone());
        }
    }
}

/// A value as TOML, for `config show`.
pub(super) trait ToToml: Clone {
    fn to_toml(&self) -> String;
}

impl ToToml for String {
    fn to_toml(&self) -> String {
        Value::from(secrets::masked(self)).to_string()
    }
}

impl ToToml for bool {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for NonZeroUsize {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for PathBuf {
    fn to_toml(&self) -> String {
        Value::from(self.display().to_string()).to_string()
    }
}

macro_rules! shows_as_text {
    ($($kind:ty),*) => {$(
        impl ToToml for $kind {
            fn to_toml(&self) -> String {
                Value::from(self.to_string()).to_string()
            }
        }
    )*};
}
shows_as_text!(LogFormat, LogLevel, Color, Severity, SummaryFormat, Engine);

impl ToToml for Vec<String> {
    fn to_toml(&self) -> String {
        Value::from(self.clone()).to_string()
    }
}
