//! Folders for spilled data, removed however the process ends.
//!
//! A folder is removed when the lake is no longer in use, and by [`remove_spill_folders`] on the
//! way out of the process. A killed process leaves its folder; the next one finds that its owner
//! is gone, because the lock file in it is no longer locked, and removes it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How the names of our folders begin.
const PREFIX: &str = "sparklake-spill-";
/// Held locked as long as the folder is in use.
const LOCK: &str = "lock";

/// The folders of this process.
static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder for the spilled data of one lake.
#[derive(Debug)]
pub(super) struct SpillFolder {
    folder: PathBuf,
    _lock: File,
}

impl SpillFolder {
    /// Makes a folder in `parent`, or in the system's temporary folder, and removes those that
    /// killed processes left there. `None` where nothing can be written: then queries that would
    /// have to spill fail, and all others work.
    pub(super) fn create(parent: Option<&Path>) -> Option<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        remove_abandoned(&parent);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&parent)
            .inspect_err(|error| tracing::debug!(%error, "nothing can be spilled"))
            .ok()?;
        let lock = File::create(folder.path().join(LOCK)).ok()?;
        lock.lock().ok()?;
        let folder = folder.keep();
        open().push(folder.clone());
        Some(Self {
            folder,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        remove(&self.folder);
        open().retain(|folder| folder != &self.folder);
    }
}

/// Removes all folders for spilled data of this process. Called on the way out, when queries may
/// still be running.
pub fn remove_spill_folders() {
    for folder in open().drain(..) {
        remove(&folder);
    }
}

fn open() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::debug!(folder = %folder.display(), %error, "spilled data is left behind");
    }
}

fn remove_abandoned(parent: &Path) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Without a lock file it is just being made, or not ours.
        if let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().expect("folder");
        let abandoned = parent.path().join("sparklake-spill-dead");
        std::fs::create_dir(&abandoned).expect("folder");
        std::fs::write(abandoned.join(LOCK), "").expect("lock file");
        std::fs::write(abandoned.join("data"), "spilled").expect("data");
        let foreign = parent.path().join("somebody-else");
        std::fs::create_dir(&foreign).expect("folder");

        let first = SpillFolder::create(Some(parent.path())).expect("folder");
        assert!(!abandoned.exists() && foreign.exists());
        let second = SpillFolder::create(Some(parent.path())).expect("folder");
        assert!(first.path().exists() && second.path().exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }
}
