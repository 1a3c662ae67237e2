//! Masks secrets in what is kept of a line.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

const MASK: &str = "***";
/// A word of letters of both cases and digits this long is taken for a key.
const MIN_KEY: usize = 40;

/// What is looked for, and what stands in its place.
///
/// Names of secrets are those of Spark's `spark.redaction.regex`, and more.
static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        // Parts of addresses: user and password, query.
        (r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@'\x22]+@", "${1}***@"),
        (r"([A-Za-z][A-Za-z0-9+.-]*://[^\s?'\x22<>]*)\?[^\s'\x22<>]+", "${1}?***"),
        (r"(?i)\b(bearer|basic|negotiate)\s+[A-Za-z0-9+/=._~-]{8,}", "${1} ***"),
        // A value after a telling name: key=value, key: value, "key":"value", --key value.
        (
            r#"(?i)((?:secret|password|passwd|pwd|token|access[._-]?key|api[._-]?key|account[._-]?key|credential|signature|authorization|cookie|sas)[A-Za-z0-9_.-]*["']?\s*(?:=>|[=:])\s*)("[^"]*"?|'[^']*'?|[^\s,;&)}\]]+)"#,
            "${1}***",
        ),
        (r"(?i)(--?[a-z-]*(?:secret|password|token|key)[a-z-]*\s+)[^\s-]\S*", "${1}***"),
        // Keys that show what they are.
        (r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b", MASK),
        (r"\bdapi[0-9a-f]{16,}(?:-\d+)?\b", MASK),
        (r"\bdose[0-9a-f]{16,}\b", MASK),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+", MASK),
        (r"\bgh[pousr]_[A-Za-z0-9]{16,}\b", MASK),
    ]
    .into_iter()
    // The rules are part of the binary; a test sees that none is lost here.
    .filter_map(|(pattern, replacement)| Some((Regex::new(pattern).ok()?, replacement)))
    .collect()
});

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=_-]{40,}").ok());

/// The text without what looks like a secret.
pub fn redact(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for (rule, replacement) in RULES.iter() {
        if let Cow::Owned(masked) = rule.replace_all(&text, *replacement) {
            text = Cow::Owned(masked);
        }
    }
    let Some(word) = WORD.as_ref() else {
        return text.into_owned();
    };
    let mask = |found: &Captures<'_>| {
        let word = found.get(0).map_or("", |found| found.as_str());
        if is_key(word) { MASK } else { word }.to_owned()
    };
    word.replace_all(&text, mask).into_owned()
}

/// Names of classes and paths are long too, but seldom mix digits with letters of both cases
/// without a `/` to part them.
fn is_key(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    let is_mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= MIN_KEY && is_mixed && digits >= 3
}

#[cfg(test)]
pub(super) fn rule_count() -> usize {
    RULES.len() + usize::from(WORD.is_some())
}
