//! Who works on a lake, asked without taking its lock.
//!
//! On a local disk a run keeps a file locked and tells its name beside it; on an object store it
//! keeps renewing a lease that holds its name.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path as FilePath;

use super::error::{Holder, LoadError};
use super::lake::{Lake, layout};
use super::{lease, lock};

impl Lake {
    /// The run that holds the lake's lock; `None` when no run does.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub async fn holder(&self) -> Result<Option<Holder>, LoadError> {
        match self.folder() {
            Some(folder) => of_locked_file(folder),
            None => lease::holder(&self.store()).await,
        }
    }
}

fn of_locked_file(folder: &FilePath) -> Result<Option<Holder>, LoadError> {
    let path = folder.join(layout::LOCK);
    let failed = |source| LoadError::io(path.display().to_string(), source);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // A shared lock is given back when the file is closed, at the end of this function.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(lock::told_holder(folder))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
