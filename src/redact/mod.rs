//! Secrets out of every text that reaches the lake, the log or the terminal.
//!
//! Logs of Spark hold what their users wrote: passwords in settings, options of JVMs, SQL text,
//! plans, addresses and errors. A [`Redactor`] masks them; [`rows`](Redactor::batch) do it where
//! rows are written, so that files, statistics and everything made from them are clean.
//!
//! What is masked is found by [`Pattern`]s: names that announce a secret ([`names`], [`value`]),
//! addresses ([`url`]), and secrets that show what they are ([`tokens`]). The scan ([`scan`]) is
//! one pass that only stops at words which may announce a secret. JSON stays JSON ([`json`]).
//! Masking a masked text changes nothing.

mod application;
mod batch;
mod json;
mod known;
mod names;
mod pattern;
mod scan;
#[cfg(test)]
mod tests;
mod tokens;
mod url;
mod value;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use regex::{Regex, RegexBuilder};

use names::Strength;
use pattern::Patterns;

pub use application::ApplicationRedaction;
pub use known::KnownSecrets;
pub(crate) use names::is_sensitive_parameter;
pub use pattern::{Pattern, RedactionError, RedactionSettings};
pub use url::without_credentials;
pub(crate) use value::MASK;

/// Largest compiled form of a regular expression, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// How often a text is read at most. The second time nearly always finds nothing; a limit keeps the
/// time of hostile texts linear.
const MAX_PASSES: usize = 8;

/// Masks secrets in texts.
#[derive(Debug, Clone)]
pub struct Redactor {
    patterns: Patterns,
    extra: Vec<Regex>,
}

/// All patterns: for texts of servers and processes, of which only the gist counts.
static STRICT: LazyLock<Redactor> = LazyLock::new(|| Redactor {
    patterns: Patterns::all(),
    extra: Vec::new(),
});

/// Masks secrets in the text of a server, a library or a process with all patterns: whole queries
/// of addresses and long random words too.
#[must_use]
pub fn strict(text: &str) -> String {
    STRICT.text(text).into_owned()
}

impl Default for Redactor {
    fn default() -> Self {
        Self {
            patterns: Patterns::of_rows(),
            extra: Vec::new(),
        }
    }
}

impl Redactor {
    /// A redactor as a job file asks for it.
    ///
    /// # Errors
    /// When a pattern or a regular expression does not exist.
    pub fn new(settings: &RedactionSettings) -> Result<Self, RedactionError> {
        let mut patterns = Patterns::of_rows();
        for name in &settings.disable {
            patterns.remove(name.parse()?);
        }
        let extra = settings.extra.iter().map(|regex| compile(regex));
        Ok(Self {
            patterns,
            extra: extra.collect::<Result<_, _>>()?,
        })
    }

    /// The settings that make a redactor like this one.
    #[must_use]
    pub fn settings(&self) -> RedactionSettings {
        let default = Patterns::of_rows();
        let is_off = |pattern: &Pattern| default.has(*pattern) && !self.patterns.has(*pattern);
        let off = Pattern::ALL.into_iter().filter(is_off);
        RedactionSettings {
            disable: off.map(|pattern| pattern.name().to_owned()).collect(),
            extra: self
                .extra
                .iter()
                .map(|regex| regex.as_str().to_owned())
                .collect(),
        }
    }

    /// A shared redactor with the default patterns.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Whether the patterns that an application brings along are used.
    #[must_use]
    pub fn follows_applications(&self) -> bool {
        self.patterns.has(Pattern::SparkRegex)
    }

    /// Whether a text is worth masking at all: cheap, and false for nearly all texts.
    #[must_use]
    pub fn may_change(&self, text: &str) -> bool {
        scan::may_hold_secret(text.as_bytes())
            || !self.extra.is_empty()
            || self.patterns.has(Pattern::LongWords)
    }

    /// The text without its secrets.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.may_change(text) {
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

    /// The value of a setting: masked as a whole where its key says that it is secret, and where
    /// Spark's History Server would mask it.
    #[must_use]
    pub fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str> {
        if value.is_empty() || value == MASK {
            return Cow::Borrowed(value);
        }
        if self.patterns.has(Pattern::Properties)
            && (spark_hides(key) || spark_hides(value) || is_secret_setting(key, value))
        {
            return Cow::Borrowed(MASK);
        }
        self.text(value)
    }

    /// The call site of a stage: a stack of frames, or free text of the user's, which says nothing
    /// of what its words are. There, words of letters and digits are masked.
    #[must_use]
    pub fn call_site<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let shown = self.text(text);
        if !self.patterns.has(Pattern::CallSites) {
            return shown;
        }
        let secrets = tokens::odd_words_outside_frames(&shown);
        if secrets.is_empty() {
            return shown;
        }
        Cow::Owned(replace(&shown, &secrets).into_owned())
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = replace(text, &scan::secrets(text, &self.patterns));
        // A mask ends names and values that went on before: what stands beside it is read anew.
        for _ in 1..MAX_PASSES {
            let places = match &masked {
                Cow::Borrowed(_) => break,
                Cow::Owned(masked) => scan::secrets(masked, &self.patterns),
            };
            if places.is_empty() {
                break;
            }
            masked = Cow::Owned(replace(&masked, &places).into_owned());
        }
        self.extra
            .iter()
            .fold(masked, |text, regex| match mask_matches(regex, &text) {
                Some(masked) => Cow::Owned(masked),
                None => text,
            })
    }
}

impl json::MaskStrings for Redactor {
    fn string<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text(text)
    }

    fn strength(&self, name: &str) -> Option<Strength> {
        let by_properties = self.patterns.has(Pattern::Properties);
        by_properties.then(|| json::strength_of_key(name)).flatten()
    }
}

/// Whether Spark's History Server masks a setting with such a key or value, by its default
/// `(?i)secret|password|token|access[.]?key`.
fn spark_hides(text: &str) -> bool {
    if !scan::may_hold_secret(text.as_bytes()) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    ["secret", "password", "token", "accesskey", "access.key"]
        .iter()
        .any(|word| text.contains(word))
}

fn is_secret_setting(key: &str, value: &str) -> bool {
    match names::strength(key) {
        Some(strength) => value::is_secret_value(value, strength),
        None => {
            names::is_property_key(key)
                && value::looks_random(value)
                && value::is_secret_value(value, Strength::Weak)
        }
    }
}

fn compile(regex: &str) -> Result<Regex, RedactionError> {
    RegexBuilder::new(regex)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| RedactionError::Regex {
            regex: regex.to_owned(),
            reason: error.to_string().replace('\n', " "),
        })
}

/// Masks what a regular expression matches, or its first group; `None` where nothing does.
fn mask_matches(regex: &Regex, text: &str) -> Option<String> {
    let places: Vec<Range<usize>> = regex
        .captures_iter(text)
        .filter_map(|found| found.get(1).or_else(|| found.get(0)))
        .map(|found| found.range())
        .filter(|range| !range.is_empty())
        .filter(|range| {
            text.get(range.clone())
                .is_some_and(|found| !value::is_already_masked(found))
        })
        .collect();
    (!places.is_empty()).then(|| replace(text, &places).into_owned())
}

/// The text with a mask in place of each range; they are in order and apart.
fn replace<'t>(text: &'t str, secrets: &[Range<usize>]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        masked.push_str(text.get(done..secret.start).unwrap_or_default());
        masked.push_str(MASK);
        done = secret.end;
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}
