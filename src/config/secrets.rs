//! Secrets in configuration: referred to, never written down.
//!
//! `<name>_env = "VARIABLE"` and `<name>_file = "path"` take the place of `<name> = "secret"`. The
//! reference is resolved when the value is used, so that neither `config show` nor a log can hold
//! the secret.

use crate::model::SettingValue;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::environment::Environment;
use super::error::{ConfigError, Fault};
use super::origin::{Origin, Sourced};
use super::storage_names;

/// How the names of secrets end.
const SECRET_ENDINGS: [&str; 17] = [
    "access_key",
    "account_key",
    "api_key",
    "authorization",
    "bearer",
    "client_secret",
    "cookie",
    "cookies",
    "credentials",
    "master_key",
    "passphrase",
    "password",
    "private_key",
    "sas_key",
    "secret",
    "service_account_key",
    "token",
];

/// Names that end like a secret's, or like a reference to one, and are a plain setting of an
/// object store: the store itself opens the file.
const PLAIN_NAMES: [&str; 8] = [
    "application_credentials",
    "aws_container_authorization_token_file",
    "aws_web_identity_token_file",
    "azure_federated_token_file",
    "container_authorization_token_file",
    "federated_token_file",
    "google_application_credentials",
    "web_identity_token_file",
];

fn is_plain(name: &str) -> bool {
    PLAIN_NAMES.contains(&name.to_lowercase().as_str())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    !PLAIN_NAMES.contains(&name.as_str())
        && SECRET_ENDINGS.iter().any(|ending| {
            name.strip_suffix(ending)
                .is_some_and(|start| start.is_empty() || start.ends_with(['_', '-', '.']))
        })
}

/// Refuses a secret that is written down: by its key, or as the password of an address.
pub(super) fn refuse_inline(key: &str, text: &str) -> Result<(), Fault> {
    if is_secret(key) && !text.is_empty() {
        return Err(Fault::new(
            format!("`{key}` holds a secret"),
            format!(
                "write `{key}_env` with the name of an environment variable, or `{key}_file` with \
                 the path of a file that holds it"
            ),
        ));
    }
    if has_password(text) {
        return Err(Fault::new(
            format!("the address in `{key}` holds a password"),
            "leave it out, and give the credentials by `token_env`, `token_file` or storage_options",
        ));
    }
    Ok(())
}

fn has_password(text: &str) -> bool {
    text.contains("://") && url::Url::parse(text).is_ok_and(|url| url.password().is_some())
}

/// `text` as it may be shown: an address without its query, which may be signed.
pub(super) fn masked(text: &str) -> String {
    match text.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?***"),
        _ => text.to_owned(),
    }
}

/// Settings of an object store, secrets as references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, Sourced<String>>);

impl StorageOptions {
    /// The options as a section of a job file has them; `origin` places each of them.
    pub(super) fn of_section(
        section: &BTreeMap<String, SettingValue>,
        origin: impl Fn(&str) -> Origin,
    ) -> Self {
        let sourced = |(name, value): (&String, &SettingValue)| {
            let sourced = Sourced {
                value: value.to_string(),
                origin: origin(name),
            };
            (name.clone(), sourced)
        };
        Self(section.iter().map(sourced).collect())
    }

    /// Lays `NAME=VALUE` of the command line over what is there.
    pub(super) fn overlay(&mut self, given: &[Sourced<String>]) -> Result<(), ConfigError> {
        for option in given {
            let at = |fault: Fault| fault.at(option.origin.clone());
            let (name, value) = option.value.split_once('=').ok_or_else(|| {
                let problem = format!("`{}` is not NAME=VALUE", option.value);
                at(Fault::new(
                    problem,
                    "write for example aws_region=eu-west-1",
                ))
            })?;
            refuse_inline(name, value).map_err(at)?;
            let value = Sourced {
                value: value.to_owned(),
                origin: option.origin.clone(),
            };
            self.0.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Refuses settings that no object store knows.
    pub(super) fn check_names(&self) -> Result<(), ConfigError> {
        self.0.iter().try_for_each(|(name, option)| {
            storage_names::check(name).map_err(|fault| fault.at(option.origin.clone()))
        })
    }

    /// The options as another process may be told them: secrets by the name of their variable or file.
    #[must_use]
    pub fn references(&self) -> BTreeMap<String, String> {
        let reference = |(name, option): (&String, &Sourced<String>)| {
            let is_file = name.ends_with("_file") && !is_plain(name);
            let absolute = is_file.then(|| std::path::absolute(&option.value).ok());
            let value = absolute
                .flatten()
                .and_then(|path| path.to_str().map(str::to_owned));
            (name.clone(), value.unwrap_or_else(|| option.value.clone()))
        };
        self.0.iter().map(reference).collect()
    }

    /// Options that another process told by [`StorageOptions::references`]; `given_by` is what its
    /// errors name.
    ///
    /// # Errors
    /// One of them is a secret itself.
    pub fn of_references(
        references: &BTreeMap<String, String>,
        given_by: &str,
    ) -> Result<Self, ConfigError> {
        let mut options = Self::default();
        for (name, value) in references {
            let origin = Origin::Flag(given_by.to_owned());
            refuse_inline(name, value).map_err(|fault| fault.at(origin.clone()))?;
            let value = value.clone();
            options.0.insert(name.clone(), Sourced { value, origin });
        }
        Ok(options)
    }

    /// Names, values or references, and who set them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Sourced<String>)> {
        self.0.iter()
    }

    /// The options with the secrets in them.
    ///
    /// # Errors
    /// A variable or file that an option refers to is not there.
    pub fn resolve(
        &self,
        environment: &Environment,
    ) -> Result<HashMap<String, String>, ConfigError> {
        self.0
            .iter()
            .map(|(name, option)| resolve_one(name, option, environment))
            .collect()
    }
}

/// The secret that `<name>_env` or `<name>_file` of a source refers to; `None` where neither is set.
///
/// # Errors
/// The variable or file is not there.
pub fn secret(
    name: &str,
    variable: Option<&str>,
    file: Option<&Path>,
    origin: &Origin,
    environment: &Environment,
) -> Result<Option<String>, ConfigError> {
    let (ending, value) = match (variable, file) {
        (Some(variable), _) => ("env", variable.to_owned()),
        (None, Some(file)) => ("file", file.display().to_string()),
        (None, None) => return Ok(None),
    };
    let reference = Sourced {
        value,
        origin: origin.clone(),
    };
    let (_, secret) = resolve_one(&format!("{name}_{ending}"), &reference, environment)?;
    Ok(Some(secret))
}

fn resolve_one(
    name: &str,
    option: &Sourced<String>,
    environment: &Environment,
) -> Result<(String, String), ConfigError> {
    let Sourced { value, origin } = option;
    if is_plain(name) {
        return Ok((name.to_owned(), value.clone()));
    }
    if let Some(name) = name.strip_suffix("_env") {
        let secret = environment.get(value).ok_or_else(|| {
            let problem = format!("the environment variable {value} is not set");
            let cure = format!("put the {name} into it");
            Fault::new(problem, cure).at(origin.clone())
        })?;
        return Ok((name.to_owned(), secret.to_owned()));
    }
    if let Some(name) = name.strip_suffix("_file") {
        let secret = std::fs::read_to_string(value).map_err(|error| {
            let problem = format!("the file {value} cannot be read ({error})");
            let cure = format!("put the {name} into it");
            Fault::new(problem, cure).at(origin.clone())
        })?;
        return Ok((name.to_owned(), secret.trim_end().to_owned()));
    }
    Ok((name.to_owned(), value.clone()))
}
