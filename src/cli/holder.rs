//! Who works on a lake, asked without taking its lock.
//!
//! On a local disk a run keeps a file locked and tells its name beside it; on an object store it
//! keeps renewing a lease that holds its name.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};

use chrono::{TimeDelta, Utc};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;

use super::error::CliError;
use crate::load::{Holder, Lake};

const LOCK: &str = "_sparklake/lock";
const HOLDER: &str = "_sparklake/holder.json";
/// A lease that was not renewed for so long may be taken over: two minutes, and one for clocks
/// that differ.
const LEASE: TimeDelta = TimeDelta::minutes(3);

/// The run that holds the lake's lock, in words; `None` when nobody does.
pub(super) async fn of(lake: &Lake) -> Result<Option<String>, CliError> {
    match local_folder(lake.uri()) {
        Some(folder) => Ok(of_locked_file(&folder)?),
        None => of_lease(lake).await,
    }
}

fn local_folder(uri: &str) -> Option<PathBuf> {
    if !uri.contains("://") {
        return Some(PathBuf::from(uri));
    }
    url::Url::parse(uri).ok()?.to_file_path().ok()
}

fn of_locked_file(folder: &FilePath) -> std::io::Result<Option<String>> {
    let file = match File::open(folder.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // A shared lock is given back when the file is closed, at the end of this function.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(told_by(&folder.join(HOLDER)))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A run that has just taken the lock may not have told its name yet.
fn told_by(file: &FilePath) -> String {
    let told = std::fs::read(file).ok();
    let holder = told.and_then(|json| serde_json::from_slice::<Holder>(&json).ok());
    holder.map_or_else(
        || "a run that just began".to_owned(),
        |holder| holder.to_string(),
    )
}

#[derive(Deserialize)]
struct LeaseRecord {
    holder: Holder,
}

async fn of_lease(lake: &Lake) -> Result<Option<String>, CliError> {
    let unreadable = |error: object_store::Error| CliError::Output(error.into());
    let found = match lake.store().get(&Path::from(LOCK)).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let is_expired = Utc::now() - found.meta.last_modified > LEASE;
    let json = found.bytes().await.map_err(unreadable)?;
    let holder = serde_json::from_slice::<LeaseRecord>(&json).ok();
    Ok(holder
        .filter(|_| !is_expired)
        .map(|record| record.holder.to_string()))
}
