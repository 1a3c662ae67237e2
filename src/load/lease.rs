//! The lock on an object store: an object that its holder keeps renewing.
//!
//! It is created with put-if-absent and renewed with put-if-unchanged, so two runs never hold it
//! at once as the store sees it. A holder that was killed stops renewing; its lease is taken over
//! when it has expired by the store's clock, or at once when the holder was a process of this very
//! machine that is gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::error::{Holder, LoadError};
use super::lake::layout;
use super::lock::host_name;

/// How long a lease lasts after its last renewal.
const LEASE: Duration = Duration::from_secs(120);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(20);
/// What is added before another run takes an expired lease: clocks differ.
const CLOCK_MARGIN: Duration = Duration::from_secs(60);
/// How often taking the lease is tried when it changes meanwhile.
const ATTEMPTS: u32 = 3;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    holder: Holder,
    /// Distinguishes two leases of one process.
    token: String,
    /// When the holder's process began, as its operating system tells it: process ids are reused.
    process_started: Option<String>,
}

/// A lease that is held.
#[derive(Debug)]
pub(super) struct Lease {
    store: Arc<dyn ObjectStore>,
    record: Record,
    state: Mutex<State>,
    renewal: Mutex<Option<AbortHandle>>,
}

#[derive(Debug)]
struct State {
    version: UpdateVersion,
    renewed: Instant,
    lost: Option<String>,
}

impl Lease {
    /// Takes the lease. With `second_look`, waits so long and looks again whether it was another
    /// run that wrote last: for stores on which two runs may both seem to have created the object.
    pub(super) async fn acquire(
        store: Arc<dyn ObjectStore>,
        holder: Holder,
        second_look: Option<Duration>,
    ) -> Result<Arc<Self>, LoadError> {
        let record = Record {
            process_started: process_started(holder.pid),
            holder,
            token: Uuid::new_v4().to_string(),
        };
        for _ in 0..ATTEMPTS {
            let mode = match read(&store).await? {
                None => PutMode::Create,
                Some(other) if other.is_dead() => PutMode::Update(other.version),
                Some(other) => return Err(LoadError::Held(Box::new(other.record.holder))),
            };
            let version = match put(&store, &record, mode).await {
                Ok(version) => version,
                // Another run was first, unless the answer to our own put was lost: sent again, it is
                // refused because of itself.
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    match own_version(&store, &record).await? {
                        Some(version) => version,
                        None => continue,
                    }
                }
                Err(source) => return Err(LoadError::storage("writing", layout::LOCK, source)),
            };
            if let Some(pause) = second_look {
                tokio::time::sleep(pause).await;
                if let Some(other) = other_holder(&store, &record).await? {
                    return Err(LoadError::Held(Box::new(other)));
                }
            }
            return Ok(Self::keep(store, record, version));
        }
        Err(LoadError::Contended {
            table: "of locks".to_owned(),
            attempts: ATTEMPTS,
        })
    }

    /// Fails when the lease is lost, or has not been renewed for so long that it may be.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let state = self.lock_state();
        let reason = match &state.lost {
            Some(reason) => reason.clone(),
            None if state.renewed.elapsed() > LEASE => "it could not be renewed".to_owned(),
            None => return Ok(()),
        };
        Err(LoadError::LockLost { reason })
    }

    /// Stops renewing and removes the object, unless somebody else has it by now.
    pub(super) async fn release(&self) {
        self.stop_renewal();
        let ours = match read(&self.store).await {
            Ok(Some(found)) => found.record.token == self.record.token,
            _ => false,
        };
        if ours && let Err(error) = self.store.delete(&Path::from(layout::LOCK)).await {
            tracing::warn!(%error, "the lock on the lake could not be removed; it expires by itself");
        }
        self.lock_state().lost = Some("it was released".to_owned());
    }

    fn keep(store: Arc<dyn ObjectStore>, record: Record, version: UpdateVersion) -> Arc<Self> {
        let lease = Arc::new(Self {
            store,
            record,
            state: Mutex::new(State {
                version,
                renewed: Instant::now(),
                lost: None,
            }),
            renewal: Mutex::new(None),
        });
        let weak = Arc::downgrade(&lease);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                match weak.upgrade() {
                    Some(lease) if lease.renew().await => {}
                    _ => return,
                }
            }
        });
        *lease.renewal.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
        lease
    }

    /// Renews once; `false` when there is nothing to renew any more.
    async fn renew(&self) -> bool {
        let version = self.lock_state().version.clone();
        let began = Instant::now();
        let mut renewed = put(&self.store, &self.record, PutMode::Update(version)).await;
        if let Err(Error::Precondition { .. }) = &renewed
            && let Ok(Some(version)) = own_version(&self.store, &self.record).await
        {
            renewed = Ok(version);
        }
        let mut state = self.lock_state();
        match renewed {
            Ok(version) => {
                state.version = version;
                state.renewed = began;
                true
            }
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => {
                state.lost = Some("another run took it".to_owned());
                false
            }
            Err(error) => {
                tracing::warn!(%error, "the lock on the lake could not be renewed");
                true
            }
        }
    }

    fn stop_renewal(&self) {
        let mut renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = renewal.take() {
            task.abort();
        }
    }

    fn lock_state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop_renewal();
        if self.lock_state().lost.is_some() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let store = Arc::clone(&self.store);
            runtime.spawn(async move { store.delete(&Path::from(layout::LOCK)).await });
        }
    }
}

/// The lease as it lies in the store.
struct StoredLease {
    record: Record,
    version: UpdateVersion,
    age: TimeDelta,
}

impl StoredLease {
    fn is_dead(&self) -> bool {
        let expired = TimeDelta::from_std(LEASE + CLOCK_MARGIN).unwrap_or(TimeDelta::MAX);
        if self.age > expired {
            return true;
        }
        let here = self.record.holder.host == host_name();
        // Only where process start times can be read is a missing one a sign of death.
        let can_tell = process_started(std::process::id()).is_some();
        here && can_tell && process_started(self.record.holder.pid) != self.record.process_started
    }
}

/// The version of the lease in the store, where it is the one that `record` describes.
async fn own_version(
    store: &Arc<dyn ObjectStore>,
    record: &Record,
) -> Result<Option<UpdateVersion>, LoadError> {
    let found = read(store).await?;
    let own = found.filter(|found| found.record.token == record.token);
    Ok(own.map(|own| own.version))
}

/// The run that holds the lease; `None` when no run does, or when its lease has expired.
pub(super) async fn holder(store: &Arc<dyn ObjectStore>) -> Result<Option<Holder>, LoadError> {
    let found = read(store).await?;
    Ok(found
        .filter(|found| !found.is_dead())
        .map(|found| found.record.holder))
}

/// Who has the lease, if that is not the writer of `record`.
async fn other_holder(
    store: &Arc<dyn ObjectStore>,
    record: &Record,
) -> Result<Option<Holder>, LoadError> {
    let found = read(store).await?;
    Ok(found
        .filter(|found| found.record.token != record.token)
        .map(|found| found.record.holder))
}

async fn read(store: &Arc<dyn ObjectStore>) -> Result<Option<StoredLease>, LoadError> {
    let failed = |source| LoadError::storage("reading", layout::LOCK, source);
    let found = match store.get(&Path::from(layout::LOCK)).await {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let meta = found.meta.clone();
    let bytes = found.bytes().await.map_err(failed)?;
    let record = serde_json::from_slice(&bytes).map_err(|error| LoadError::Damaged {
        path: layout::LOCK.to_owned(),
        problem: error.to_string(),
    })?;
    Ok(Some(StoredLease {
        record,
        version: UpdateVersion {
            e_tag: meta.e_tag,
            version: meta.version,
        },
        age: Utc::now() - meta.last_modified,
    }))
}

async fn put(
    store: &Arc<dyn ObjectStore>,
    record: &Record,
    mode: PutMode,
) -> Result<UpdateVersion, Error> {
    let json = serde_json::to_vec(record).map_err(|error| Error::Generic {
        store: "lock",
        source: Box::new(error),
    })?;
    let options = PutOptions {
        mode,
        ..PutOptions::default()
    };
    let result = store
        .put_opts(&Path::from(layout::LOCK), json.into(), options)
        .await?;
    Ok(result.into())
}

/// When a process of this machine began, in the system's own count; `None` when there is no such
/// process, or no way to tell.
fn process_started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let started = after_name.split_whitespace().nth(19)?;
    Some(started.to_owned())
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn holder(host: &str, pid: u32) -> Holder {
        Holder {
            host: host.to_owned(),
            pid,
            since: Utc::now(),
            run_id: format!("run-{pid}"),
        }
    }

    fn memory() -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    #[tokio::test]
    async fn a_second_run_is_told_who_holds_the_lease() {
        let store = memory();
        let pid = std::process::id();
        let held = Lease::acquire(Arc::clone(&store), holder(&host_name(), pid), None)
            .await
            .unwrap();
        let refused = Lease::acquire(Arc::clone(&store), holder("elsewhere", 1), None).await;
        assert!(matches!(refused, Err(LoadError::Held(who)) if who.pid == pid));
        held.release().await;
        assert!(
            Lease::acquire(store, holder("elsewhere", 1), None)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_dead_process_of_this_machine_is_replaced_at_once() {
        let store = memory();
        let record = Record {
            // Larger than any process id that Linux gives.
            holder: holder(&host_name(), u32::MAX),
            token: "dead".to_owned(),
            process_started: Some("1".to_owned()),
        };
        put(&store, &record, PutMode::Create).await.unwrap();
        let lease = Lease::acquire(store, holder(&host_name(), std::process::id()), None).await;
        assert!(lease.is_ok() || !cfg!(target_os = "linux"));
    }

    #[tokio::test]
    async fn a_renewal_whose_answer_was_lost_is_a_renewal() {
        let store = memory();
        let lease = Lease::acquire(Arc::clone(&store), holder("a", 1), None)
            .await
            .unwrap();
        let version = lease.lock_state().version.clone();
        // It arrives, and the holder does not hear of it.
        put(&store, &lease.record, PutMode::Update(version))
            .await
            .unwrap();
        assert!(lease.renew().await);
        assert!(lease.renew().await);
        lease.check().unwrap();
    }

    #[tokio::test]
    async fn the_former_holder_notices_that_it_was_replaced() {
        let store = memory();
        let lease = Lease::acquire(Arc::clone(&store), holder("a", 1), None)
            .await
            .unwrap();
        lease.check().unwrap();
        let other = Record {
            holder: holder("b", 2),
            token: "other".to_owned(),
            process_started: None,
        };
        put(&store, &other, PutMode::Overwrite).await.unwrap();
        assert!(!lease.renew().await);
        assert!(matches!(lease.check(), Err(LoadError::LockLost { .. })));
        lease.release().await;
        let found = read(&store).await.unwrap().unwrap();
        assert_eq!(
            found.record.token, "other",
            "the new holder's lease must stay"
        );
    }
}
