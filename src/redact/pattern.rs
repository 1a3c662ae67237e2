//! The kinds of secrets that are looked for. Each can be switched off by its name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of secret, and how it is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Settings whose key or value says that they are secret; values of such keys in JSON.
    Properties,
    /// Values after a telling name in running text: `password=…`, `"token": "…"`, `--secret …`.
    NamedValues,
    /// User and password in an address: `s3a://key:secret@bucket`, `jdbc:oracle:thin:user/pw@host`.
    UrlCredentials,
    /// The whole query of an address. On for texts of servers and processes only.
    UrlQueries,
    /// What follows `Bearer`, `Basic` and `Negotiate`.
    Authorization,
    /// Private keys in PEM armor.
    PrivateKeys,
    /// Ids of AWS keys, and the secret keys beside them.
    AwsKeys,
    /// Tokens with the recognizable form of their issuer: JSON web tokens, Databricks, GitHub, …
    KnownTokens,
    /// Words of letters and digits in call sites that are no stack frames: free text of users.
    CallSites,
    /// Long random words. On for texts of servers and processes only.
    LongWords,
    /// What the application's own `spark.redaction.regex` and `spark.redaction.string.regex` match.
    SparkRegex,
}

impl Pattern {
    /// All patterns.
    pub const ALL: [Self; 11] = [
        Self::Properties,
        Self::NamedValues,
        Self::UrlCredentials,
        Self::UrlQueries,
        Self::Authorization,
        Self::PrivateKeys,
        Self::AwsKeys,
        Self::KnownTokens,
        Self::CallSites,
        Self::LongWords,
        Self::SparkRegex,
    ];

    /// The pattern's name in the job file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Properties => "properties",
            Self::NamedValues => "named_values",
            Self::UrlCredentials => "url_credentials",
            Self::UrlQueries => "url_queries",
            Self::Authorization => "authorization",
            Self::PrivateKeys => "private_keys",
            Self::AwsKeys => "aws_keys",
            Self::KnownTokens => "known_tokens",
            Self::CallSites => "call_sites",
            Self::LongWords => "long_words",
            Self::SparkRegex => "spark_regex",
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Pattern {
    type Err = RedactionError;

    fn from_str(name: &str) -> Result<Self, RedactionError> {
        Self::ALL
            .into_iter()
            .find(|pattern| pattern.name() == name)
            .ok_or_else(|| RedactionError::UnknownPattern {
                name: name.to_owned(),
            })
    }
}

/// Settings of redaction that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum RedactionError {
    /// No pattern has this name.
    #[error(
        "there is no redaction pattern `{name}`; known are {}",
        Pattern::ALL.map(Pattern::name).join(", ")
    )]
    UnknownPattern {
        /// The name.
        name: String,
    },
    /// A regular expression cannot be compiled.
    #[error("`{regex}` is not a regular expression of the Rust crate regex: {reason}")]
    Regex {
        /// The expression.
        regex: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What to mask, as a job file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionSettings {
    /// Names of patterns that are off.
    pub disable: Vec<String>,
    /// Regular expressions of further secrets; where one has groups, only the first is masked.
    pub extra: Vec<String>,
}

/// Which patterns are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patterns(u16);

impl Patterns {
    /// Everything that is safe for texts whose meaning counts.
    pub(super) fn of_rows() -> Self {
        let mut patterns = Self::all();
        patterns.remove(Pattern::UrlQueries);
        patterns.remove(Pattern::LongWords);
        patterns
    }

    /// Everything, for texts of servers and processes that are shown only.
    pub(super) fn all() -> Self {
        Self(
            Pattern::ALL
                .iter()
                .fold(0, |bits, pattern| bits | pattern.bit()),
        )
    }

    pub(super) fn remove(&mut self, pattern: Pattern) {
        self.0 &= !pattern.bit();
    }

    pub(super) fn has(self, pattern: Pattern) -> bool {
        self.0 & pattern.bit() != 0
    }
}

impl Pattern {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}
