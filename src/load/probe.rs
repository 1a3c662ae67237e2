//! Whether a place can be a lake, tried without making it one.

use std::collections::HashMap;
use std::path::Path as FilePath;

use object_store::path::Path;
use object_store::{PutMode, PutOptions};

use super::error::LoadError;
use super::lake::{Lake, layout};

/// What a place turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A lake of ours that can be written to.
    Lake,
    /// Empty or missing, and a lake can be made there.
    Free,
}

impl Lake {
    /// Tries whether the lake at `uri` can be written to, or made. Leaves nothing behind.
    ///
    /// # Errors
    /// As [`Lake::open_or_create`]; [`LoadError::NoConditionalPut`] where the store cannot keep two
    /// writers apart.
    pub async fn probe(
        uri: &str,
        storage_options: HashMap<String, String>,
    ) -> Result<Probe, LoadError> {
        let lake = Self::connect(uri, storage_options)?;
        if let Some(folder) = lake.folder().filter(|folder| !folder.exists()) {
            try_folder(folder)?;
            return Ok(Probe::Free);
        }
        let found = if lake.check_marker().await? {
            Probe::Lake
        } else {
            Probe::Free
        };
        match lake.folder() {
            Some(folder) => try_folder(folder)?,
            None => lake.try_store().await?,
        }
        Ok(found)
    }

    /// Writes a file, tries to write it again as if it were new, and removes it.
    async fn try_store(&self) -> Result<(), LoadError> {
        let name = format!("{}/probe-{}", layout::BOOKKEEPING, uuid::Uuid::now_v7());
        let path = Path::from(name.as_str());
        let create = || PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let failed = |source| LoadError::storage("writing", name.as_str(), source);
        let store = self.store();
        store
            .put_opts(&path, "probe".into(), create())
            .await
            .map_err(failed)?;
        let again = store.put_opts(&path, "probe".into(), create()).await;
        self.delete(&path).await?;
        match again {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(source) => Err(failed(source)),
            Ok(_) => Err(LoadError::NoConditionalPut {
                uri: self.uri().to_owned(),
            }),
        }
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
