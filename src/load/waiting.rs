//! Runs that wait: other machines work on their units, and no process of the run is alive.
//!
//! The batches of such a run stay open until it is resumed: recovery leaves them alone.

use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;

use super::error::LoadError;
use super::lake::{Lake, layout};
use super::lock::LakeLock;
use super::staging::Batch;

/// Orders and reports that are removed at the same time.
const CONCURRENT_REMOVALS: usize = 32;

impl Lake {
    /// Where the manifest of a run that waits is. Its presence makes the run a waiting one.
    #[must_use]
    pub fn manifest_path(run_id: &str) -> Path {
        Path::from(format!("{}/{run_id}.json", layout::SHARDS))
    }

    /// The folder with orders and reports of a run that waits.
    #[must_use]
    pub fn shards_folder(run_id: &str) -> String {
        format!("{}/{run_id}", layout::SHARDS)
    }

    /// The runs that wait, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn waiting_runs(&self) -> Result<Vec<String>, LoadError> {
        let manifests = self.list_names(layout::SHARDS).await?;
        let runs = manifests.iter().filter_map(|path| {
            let run = path.filename()?.strip_suffix(".json")?;
            Some(run.to_owned())
        });
        Ok(runs.collect())
    }

    /// Ends the waiting of a run: its manifest goes first, so that a kill in between leaves nothing
    /// that waits for ever. What is left is removed by the next [`Lake::recover`].
    ///
    /// # Errors
    /// The lock is lost, or the store fails.
    pub async fn end_waiting(&self, lock: &LakeLock, run_id: &str) -> Result<(), LoadError> {
        lock.check()?;
        self.delete(&Self::manifest_path(run_id)).await?;
        self.remove_all(&Path::from(Self::shards_folder(run_id)))
            .await
    }

    /// Those of some batches that are open.
    ///
    /// # Errors
    /// The store fails.
    pub async fn open_among(&self, batches: &[Batch]) -> Result<Vec<Batch>, LoadError> {
        let mut open = Vec::new();
        for batch in batches {
            if self.is_open(batch).await? {
                open.push(batch.clone());
            }
        }
        Ok(open)
    }

    /// Closes batches, and removes files that were staged for them, are part of no table, and are not
    /// in `keep` (paths from the lake on).
    ///
    /// # Errors
    /// The lock is lost, or the store fails.
    pub async fn give_up(
        &self,
        lock: &LakeLock,
        batches: &[Batch],
        keep: &HashSet<String>,
    ) -> Result<(), LoadError> {
        lock.check()?;
        let ids: Vec<String> = batches.iter().map(|batch| batch.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        for id in &ids {
            self.close_batch(id).await?;
        }
        self.remove_staged_files(&ids, keep).await?;
        Ok(())
    }

    /// Removes the orders and reports of runs that do not wait (any more).
    pub(super) async fn remove_orphaned_shards(
        &self,
        waiting: &BTreeSet<String>,
    ) -> Result<(), LoadError> {
        let folder = Path::from(layout::SHARDS);
        let listed = match self.store().list_with_delimiter(Some(&folder)).await {
            Ok(listed) => listed,
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(source) => return Err(LoadError::storage("listing", layout::SHARDS, source)),
        };
        for run in listed.common_prefixes {
            let waits = run.filename().is_some_and(|run| waiting.contains(run));
            if !waits {
                self.remove_all(&run).await?;
            }
        }
        Ok(())
    }

    async fn remove_all(&self, folder: &Path) -> Result<(), LoadError> {
        let failed = |source| LoadError::storage("listing", folder.to_string(), source);
        let store = self.store();
        let objects: Vec<Path> = store
            .list(Some(folder))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(failed)?;
        // A night may have ten thousand of them.
        stream::iter(&objects)
            .map(|path| self.delete(path))
            .buffer_unordered(CONCURRENT_REMOVALS)
            .try_collect()
            .await
    }
}
