//! One run at a time: the lock on a lake.
//!
//! On a local disk the operating system's file lock is used, which a killed process gives back by
//! dying. Object stores have no such thing; there the lock is a lease, see `lease`.

use std::fs::{File, TryLockError};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::{Mutex, MutexGuard};

use super::error::{Holder, LoadError};
use super::lake::{Lake, layout};
use super::lease::Lease;

/// Name of the file beside the lock that tells who holds it. The lock file itself cannot: on some
/// systems a locked file cannot be read by others.
const HOLDER_FILE: &str = "holder.json";

/// How long a run waits, on a store that does not keep two writers apart, before it looks whether
/// the lock is still its own.
const SECOND_LOOK: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 3000 });

/// The right to write to a lake. Given back on drop; on an object store better by
/// [`LakeLock::release`], as a drop at the very end of a process may come too late to be sent.
#[derive(Debug)]
pub struct LakeLock {
    holder: Holder,
    kind: Kind,
    /// Held while a commit is made: commits are numbered and applied one after the other.
    committing: Mutex<()>,
    /// Held while a number is taken.
    numbering: Mutex<()>,
}

#[derive(Debug)]
enum Kind {
    Local(#[expect(dead_code, reason = "the lock lasts as long as the open file")] File),
    Lease(Arc<Lease>),
}

impl Lake {
    /// Takes the lock for a run.
    ///
    /// # Errors
    /// [`LoadError::Held`] with the holder's name when another run has it;
    /// [`LoadError::NoConditionalPut`] where the store does not keep two runs apart.
    pub async fn acquire(&self, run_id: &str) -> Result<LakeLock, LoadError> {
        self.require_safe_store().await?;
        let holder = Holder {
            host: host_name(),
            pid: std::process::id(),
            since: Utc::now(),
            run_id: run_id.to_owned(),
        };
        let kind = if let Some(folder) = self.folder() {
            Kind::Local(lock_file(folder, &holder)?)
        } else {
            let second_look = self.has_rivals().then_some(SECOND_LOOK);
            Kind::Lease(Lease::acquire(self.store(), holder.clone(), second_look).await?)
        };
        Ok(LakeLock {
            holder,
            kind,
            committing: Mutex::new(()),
            numbering: Mutex::new(()),
        })
    }
}

impl LakeLock {
    /// Who this lock says holds the lake.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Gives the lock back.
    pub async fn release(self) {
        if let Kind::Lease(lease) = &self.kind {
            lease.release().await;
        }
    }

    /// Fails when another run may have taken this one for dead. Asked before every step that
    /// others can see.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        match &self.kind {
            Kind::Local(_) => Ok(()),
            Kind::Lease(lease) => lease.check(),
        }
    }

    pub(super) async fn committing(&self) -> MutexGuard<'_, ()> {
        self.committing.lock().await
    }

    pub(super) async fn numbering(&self) -> MutexGuard<'_, ()> {
        self.numbering.lock().await
    }
}

fn lock_file(folder: &FilePath, holder: &Holder) -> Result<File, LoadError> {
    let path = folder.join(layout::LOCK);
    let failed = |source| LoadError::io(path.display().to_string(), source);
    let told_by = folder.join(layout::BOOKKEEPING).join(HOLDER_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LoadError::Held(Box::new(read_holder(&told_by))));
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Only for the message that others show; the lock does not depend on it.
    let told = serde_json::to_vec(holder)
        .map_err(std::io::Error::from)
        .and_then(|json| std::fs::write(&told_by, json));
    if let Err(error) = told {
        tracing::debug!(%error, "the holder of the lock could not be noted");
    }
    Ok(file)
}

/// Who says that it holds the lock file of a lake's folder.
pub(super) fn told_holder(folder: &FilePath) -> Holder {
    read_holder(&folder.join(layout::BOOKKEEPING).join(HOLDER_FILE))
}

/// The holder as it introduced itself; a run that has just taken the lock may not have done so.
fn read_holder(path: &FilePath) -> Holder {
    std::fs::read(path)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_else(|| Holder {
            host: "this machine".to_owned(),
            pid: 0,
            since: Utc::now(),
            run_id: "unknown".to_owned(),
        })
}

/// The machine's name, as far as it can be found without asking the network.
pub(crate) fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
