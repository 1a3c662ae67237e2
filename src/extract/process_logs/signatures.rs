//! The catalog of known problems.

use std::sync::{Arc, LazyLock};

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::discover::StableHash;

const BUILT_IN: &str = include_str!("../../../sql/reference/log_signatures.toml");
/// Bytes that all patterns together may take when compiled; what is larger is no list of signatures.
const MAX_COMPILED_BYTES: usize = 64 << 20;

/// How much a problem matters. The same words as in `findings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl Severity {
    /// The word in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// A known problem, and the lines that show it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Stable name.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What it is about: `memory`, `disk`, `permissions`, …
    pub category: String,
    /// How much it matters.
    pub severity: Severity,
    /// Regular expressions, one of which matches a line that shows it.
    pub patterns: Vec<String>,
    /// What to do about it.
    pub recommendation: String,
    /// The setting that fixes it.
    pub config_key: Option<String>,
}

/// What is wrong with a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SignatureError {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    signature: Vec<Signature>,
}

/// All known problems, in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Signatures {
    signatures: Vec<Arc<Signature>>,
    /// Which signature each pattern belongs to; ascending.
    owners: Vec<usize>,
    patterns: RegexSet,
}

static SHIPPED: LazyLock<Signatures> = LazyLock::new(|| match Signatures::parse(BUILT_IN) {
    Ok(signatures) => signatures,
    // The catalogue is part of the binary, no input reaches this; a test reads it.
    Err(error) => panic!("this build of sparklake is broken: log_signatures.toml: {error}"),
});

impl Signatures {
    /// The catalogue that sparklake comes with.
    pub fn built_in() -> &'static Self {
        &SHIPPED
    }

    /// Whether a text is that of the signatures that the program comes with.
    pub fn is_built_in(text: &str) -> bool {
        text == BUILT_IN
    }

    /// Reads a catalogue, TOML.
    ///
    /// # Errors
    /// Names the line: no TOML, an unknown key, an id twice, a pattern that is none.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let file: File = toml::from_str(text).map_err(|error| SignatureError {
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            problem: error.message().to_owned(),
        })?;
        let mut owners = Vec::new();
        let mut patterns: Vec<String> = Vec::new();
        for (index, signature) in file.signature.iter().enumerate() {
            let wrong = |problem: String| SignatureError {
                line: line_of_id(text, &signature.id),
                problem,
            };
            let is_first = !file
                .signature
                .iter()
                .take(index)
                .any(|other| other.id == signature.id);
            if !is_first {
                return Err(wrong(format!(
                    "signature `{}` is there twice",
                    signature.id
                )));
            }
            if signature.id.is_empty() || signature.patterns.is_empty() {
                return Err(wrong(format!(
                    "signature `{}` needs an id and patterns",
                    signature.id
                )));
            }
            for pattern in &signature.patterns {
                let fits_nothing = regex::bytes::Regex::new(pattern)
                    .map_err(|error| wrong(format!("`{}`: {error}", signature.id)))?;
                if fits_nothing.is_match(b"") {
                    let id = &signature.id;
                    return Err(wrong(format!("`{id}`: `{pattern}` fits every line")));
                }
                owners.push(index);
                patterns.push(pattern.clone());
            }
        }
        let compiled = RegexSetBuilder::new(&patterns)
            .size_limit(MAX_COMPILED_BYTES)
            .build();
        Ok(Self {
            patterns: compiled.map_err(|error| SignatureError {
                line: 1,
                problem: error.to_string(),
            })?,
            owners,
            signatures: file.signature.into_iter().map(Arc::new).collect(),
        })
    }

    /// What tells the catalogue that sparklake comes with from that of another version.
    pub fn built_in_fingerprint() -> String {
        let mut hash = StableHash::default();
        hash.add(BUILT_IN);
        hash.finish()
    }

    /// All signatures, in the order in which they are tried.
    pub fn all(&self) -> impl Iterator<Item = &Signature> {
        self.signatures.iter().map(AsRef::as_ref)
    }

    /// The first signature that `line` fits.
    pub fn first_match(&self, line: &[u8]) -> Option<&Arc<Signature>> {
        if !self.patterns.is_match(line) {
            return None;
        }
        let first = self.patterns.matches(line).iter().next()?;
        self.signatures.get(*self.owners.get(first)?)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}

/// The last line that gives this id, which is where a repeated one stands.
fn line_of_id(text: &str, id: &str) -> usize {
    text.rfind(&format!("\"{id}\""))
        .map_or(1, |offset| line_of(text, offset))
}
