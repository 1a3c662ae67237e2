//! Takes back a commit that was cut off and can no longer be completed.
//!
//! Another engine's VACUUM deletes every file in a table's folder that no log names and that is
//! older than its retention: after a week, also the staged files of a commit that was never completed.
//! To complete it would make tables point at nothing. So what it has added so far is removed again;
//! its histories are not in the ledger and will be loaded by the next run as if they were new.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::commit::{commit_table, is_applied};
use super::error::LoadError;
use super::intent::{Intent, TableChange};
use super::lake::Lake;
use super::ledger::LEDGER_TABLE;
use super::lock::LakeLock;
use super::replace::live_files;

/// No VACUUM that is worth the name deletes files younger than this.
const SURELY_THERE: TimeDelta = TimeDelta::days(1);
/// Files that are looked for at the same time.
const CONCURRENT_LOOKUPS: usize = 16;

impl Lake {
    /// Whether all files that an intent adds are still there.
    pub(super) async fn can_be_completed(&self, intent: &Intent) -> Result<bool, LoadError> {
        if Utc::now() - intent.batch.started_at < SURELY_THERE {
            return Ok(true);
        }
        let ledger = (LEDGER_TABLE, &intent.ledger);
        let tables = intent
            .tables
            .iter()
            .map(|(name, change)| (name.as_str(), change));
        let paths: Vec<Path> = tables
            .chain([ledger])
            .flat_map(|(table, change)| {
                change
                    .all_adds()
                    .map(move |add| Path::from(format!("{table}/{}", add.path)))
            })
            .collect();
        let store = self.store();
        let missing = stream::iter(paths)
            .map(|path| {
                let store = &store;
                async move {
                    match store.head(&path).await {
                        Ok(_) => Ok(false),
                        Err(object_store::Error::NotFound { .. }) => Ok(true),
                        Err(error) => Err(LoadError::storage("reading", path.as_ref(), error)),
                    }
                }
            })
            .buffer_unordered(CONCURRENT_LOOKUPS)
            .try_any(std::future::ready)
            .await?;
        Ok(!missing)
    }

    /// Removes from the tables what an intent has added to them so far.
    pub(super) async fn withdraw(&self, lock: &LakeLock, intent: &Intent) -> Result<(), LoadError> {
        tracing::warn!(
            batch = %intent.batch.id,
            "files of a commit that was cut off are gone; its histories will be loaded again"
        );
        let withdrawal = Intent {
            seq: self.next_number(lock).await?,
            tables: BTreeMap::new(),
            ledger: TableChange::default(),
            analysis: None,
            ..intent.clone()
        };
        for (name, change) in &intent.tables {
            lock.check()?;
            let handle = self.handle(name)?;
            handle.keep(None).await;
            let state = handle.state_or_create().await?;
            if !is_applied(&handle, &state, intent.seq).await? {
                continue;
            }
            let added: BTreeSet<&str> = change
                .adds
                .iter()
                .map(|staged| staged.add.path.as_str())
                .collect();
            let removal = TableChange {
                removes: live_files(&state, handle.contract())?
                    .iter()
                    .filter(|file| added.contains(file.path().as_ref()))
                    .map(|file| file.remove_action(true))
                    .collect(),
                ..TableChange::default()
            };
            if removal.is_empty() {
                continue;
            }
            let removed = commit_table(&handle, &state, &withdrawal, &removal).await;
            let failed = |source| LoadError::delta("committing to", name, source);
            handle.keep(removed.map_err(failed)?.1).await;
        }
        Ok(())
    }
}
