//! Secrets that are known letter by letter: those that a request carries, or an application's
//! settings hold.

use std::borrow::Cow;

use super::MASK;

/// Shorter texts are no secrets; masking them would make a text unreadable.
const MIN_SECRET: usize = 4;

/// Masks known secrets wherever they stand.
#[derive(Debug, Clone, Default)]
pub struct KnownSecrets {
    /// Longest first: one may be a part of another.
    secrets: Vec<String>,
}

impl KnownSecrets {
    /// Of these secrets, those that are long enough to be told from words.
    #[must_use]
    pub fn new(mut secrets: Vec<String>) -> Self {
        secrets.retain(|secret| secret.len() >= MIN_SECRET);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The text with a mask in place of each.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.secrets
            .iter()
            .fold(Cow::Borrowed(text), |text, secret| {
                if text.contains(secret.as_str()) {
                    Cow::Owned(text.replace(secret.as_str(), MASK))
                } else {
                    text
                }
            })
    }
}
