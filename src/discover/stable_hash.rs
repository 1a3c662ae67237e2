//! A hash that a ledger can keep.

use std::hash::Hasher;

use twox_hash::XxHash64;

/// A hash of texts that is the same on every machine and in every version.
#[derive(Default)]
pub(crate) struct StableHash(XxHash64);

impl StableHash {
    /// Adds a text; its length is part of it, so that `ab`, `c` differs from `a`, `bc`.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
    }

    /// The hash in hexadecimal.
    pub(crate) fn finish(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// Whether a history still grows, as a word in fingerprints.
pub(super) fn completeness(in_progress: bool) -> &'static str {
    if in_progress {
        "in progress"
    } else {
        "complete"
    }
}
