//! Whether a place can be a lake, tried without making it one.

use std::collections::HashMap;
use std::path::Path as FilePath;

use super::error::LoadError;
use super::lake::Lake;
use super::store_check::{ConditionalPuts, StoreSafety};

/// What a place turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Whether a lake is there; else the place is empty or missing, and a lake can be made there.
    pub is_lake: bool,
    /// Whether the store keeps two writers apart. Where it does not, that was waived.
    pub is_safe: bool,
}

impl Lake {
    /// Tries whether the lake at `uri` can be written to, or made. Leaves nothing behind.
    ///
    /// # Errors
    /// As [`Lake::open_or_create`]; [`LoadError::NoConditionalPut`] where the store cannot keep two
    /// writers apart and `safety` requires that.
    pub async fn probe(
        uri: &str,
        storage_options: HashMap<String, String>,
        safety: StoreSafety,
    ) -> Result<Probe, LoadError> {
        let lake = Self::connect(uri, storage_options, safety)?;
        if let Some(folder) = lake.folder().filter(|folder| !folder.exists()) {
            try_folder(folder)?;
            return Ok(Probe {
                is_lake: false,
                is_safe: true,
            });
        }
        let is_lake = lake.check_marker().await?;
        let is_safe = match lake.folder() {
            Some(folder) => {
                try_folder(folder)?;
                true
            }
            None => lake.try_conditional_puts().await? == ConditionalPuts::Kept,
        };
        if !is_safe && safety == StoreSafety::Required {
            return Err(LoadError::NoConditionalPut {
                uri: uri.to_owned(),
            });
        }
        Ok(Probe { is_lake, is_safe })
    }
}

/// Makes and removes a file in the folder, or in the first one above it that is there.
fn try_folder(folder: &FilePath) -> Result<(), LoadError> {
    let existing = folder.ancestors().find(|folder| folder.exists());
    let existing = existing.unwrap_or(folder);
    tempfile::Builder::new()
        .prefix(".sparklake-probe-")
        .tempfile_in(existing)
        .map(drop)
        .map_err(|source| LoadError::io(existing.display().to_string(), source))
}
