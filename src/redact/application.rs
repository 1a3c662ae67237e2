//! What one application says about its secrets: Spark's redaction settings, and the secrets among
//! its settings, which may stand in its errors and plans too.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::json::{self, MaskStrings};
use super::names::{self, Strength};
use super::value;
use super::{KnownSecrets, MASK, mask_matches, replace};

/// Spark's default pattern for keys and values of settings, which is always used.
const DEFAULT_KEYS: &str = "(?i)secret|password|token|access[.]?key";
/// Largest compiled form of an expression that a log brings along, in bytes: scanning takes a time
/// that grows with it.
const MAX_COMPILED: usize = 256 << 10;
/// Secrets of one application that are looked for everywhere.
const MAX_SECRETS: usize = 64;

/// Masks by the patterns and secrets of one application.
#[derive(Debug, Clone, Default)]
pub struct ApplicationRedaction {
    /// `spark.redaction.regex`: keys and values of settings.
    keys: Option<Regex>,
    /// `spark.redaction.string.regex` and `spark.sql.redaction.string.regex`: parts of texts.
    strings: Vec<Regex>,
    secrets: KnownSecrets,
}

impl ApplicationRedaction {
    /// What the settings of an application say; `None` where they say nothing.
    #[must_use]
    pub fn of_settings<'s>(
        settings: impl Iterator<Item = (&'s str, &'s str)> + Clone,
    ) -> Option<Self> {
        let expression = |wanted: &str| {
            let mut found = settings.clone().filter(|(key, _)| *key == wanted);
            let (_, regex) = found.next()?;
            compile(wanted, regex)
        };
        let keys =
            expression("spark.redaction.regex").filter(|regex| regex.as_str() != DEFAULT_KEYS);
        let strings: Vec<Regex> = [
            "spark.redaction.string.regex",
            "spark.sql.redaction.string.regex",
        ]
        .into_iter()
        .filter_map(expression)
        .collect();
        let is_key = |key: &str| keys.as_ref().is_some_and(|regex| regex.is_match(key));
        let secrets = settings
            .clone()
            .filter(|(key, value)| {
                (names::strength(key).is_some() || is_key(key)) && is_unmistakable(value)
            })
            .map(|(_, value)| value.to_owned())
            .take(MAX_SECRETS)
            .collect();
        let secrets = KnownSecrets::new(secrets);
        let says_nothing = keys.is_none() && strings.is_empty() && secrets.is_empty();
        (!says_nothing).then_some(Self {
            keys,
            strings,
            secrets,
        })
    }

    /// The text without what the application calls secret.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.is_empty() {
            return Cow::Borrowed(text);
        }
        if json::looks_like_json(text)
            && let Some(masked) = json::mask(text, self)
        {
            return if masked == text {
                Cow::Borrowed(text)
            } else {
                Cow::Owned(masked)
            };
        }
        self.plain(text)
    }

    /// The value of a setting, masked where key or value match as in Spark.
    #[must_use]
    pub fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str> {
        let is_secret = self
            .keys
            .as_ref()
            .is_some_and(|regex| regex.is_match(key) || regex.is_match(value));
        // The setting itself holds the very words that it looks for.
        if is_secret && !value.is_empty() && !key.ends_with("redaction.regex") {
            return Cow::Borrowed(MASK);
        }
        self.text(value)
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = self.secrets.mask(text);
        for regex in &self.strings {
            if let Some(shown) = mask_matches(regex, &masked) {
                masked = Cow::Owned(shown);
            }
        }
        let Some(keys) = &self.keys else {
            return masked;
        };
        let mut places: Vec<std::ops::Range<usize>> = Vec::new();
        for found in keys.find_iter(&masked) {
            let done = places.last().map_or(0, |place| place.end);
            if found.start() >= done && !found.is_empty() {
                places.extend(value::of_secret_name(&masked, found.range()));
            }
        }
        if places.is_empty() {
            return masked;
        }
        Cow::Owned(replace(&masked, &places).into_owned())
    }
}

impl MaskStrings for ApplicationRedaction {
    fn string<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text(text)
    }

    fn strength(&self, name: &str) -> Option<Strength> {
        let keys = self.keys.as_ref()?;
        keys.is_match(name).then_some(Strength::Strong)
    }
}

/// Whether a secret is long and odd enough to be looked for in every text.
fn is_unmistakable(value: &str) -> bool {
    value.len() >= 8
        && value::looks_random(value)
        && !value.contains(['/', ' '])
        && value::is_secret_value(value, Strength::Weak)
}

fn compile(setting: &str, regex: &str) -> Option<Regex> {
    let compiled = RegexBuilder::new(regex).size_limit(MAX_COMPILED).build();
    if let Err(error) = &compiled {
        let reason = error.to_string().replace('\n', " ");
        tracing::warn!(
            setting,
            "the application's redaction pattern is not used, because it cannot be compiled: {reason}"
        );
    }
    compiled.ok()
}
