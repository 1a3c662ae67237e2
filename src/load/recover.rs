//! Brings a lake into a state in which a run may work: tables there and up to date, cut-off commits
//! completed, files of runs that died before they decided on a commit removed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path as FilePath;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, PutMode};
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::lake::{Lake, layout};
use super::lock::LakeLock;
use super::replace::{blocking, live_files};
use crate::schema;

/// Tables that are made or changed at the same time.
const CONCURRENT_TABLES: usize = 8;

/// What was found and repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Batches whose commit was completed.
    pub completed: Vec<String>,
    /// Batches that were begun and never decided on; their files are gone.
    pub discarded: Vec<String>,
    /// Staged files that were removed.
    pub files_removed: u64,
}

impl Recovery {
    /// Whether there was nothing to repair.
    pub fn is_clean(&self) -> bool {
        self.completed.is_empty() && self.discarded.is_empty()
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AppliedContract {
    contract: String,
}

impl Lake {
    /// Makes the lake ready to be written to. To be called once, first, by every run. Batches of runs
    /// that wait for other machines stay open.
    ///
    /// # Errors
    /// [`LoadError::TypeChanged`] when a table of the lake cannot be brought to this version's
    /// contract.
    pub async fn recover(&self, lock: &LakeLock) -> Result<Recovery, LoadError> {
        lock.check()?;
        self.finish_replacing_logs().await?;
        self.check_tables().await?;
        self.bring_tables_to_contract().await?;
        if self.table_records().await?.is_none() {
            // A lake of a version that noted nothing.
            let all = schema::tables()
                .iter()
                .map(|table| (table.name.clone(), None));
            self.record_tables(all, 0).await?;
        }
        let _in_turn = lock.committing().await;
        let waiting: BTreeSet<String> = self.waiting_runs().await?.into_iter().collect();
        self.remove_orphaned_shards(&waiting).await?;
        let mut open = self.open_batches().await?;
        // Other machines work on them.
        open.retain(|batch| !waiting.contains(&batch.run_id));
        let completed: Vec<String> = self
            .roll_forward(lock)
            .await?
            .into_iter()
            .map(|batch| batch.id)
            .collect();
        let open: Vec<String> = open.into_iter().map(|batch| batch.id).collect();
        let files_removed = if open.is_empty() {
            0
        } else {
            lock.check()?;
            self.remove_staged_files(&open, &HashSet::new()).await?
        };
        for batch_id in &open {
            self.close_batch(batch_id).await?;
        }
        let discarded = open
            .into_iter()
            .filter(|id| !completed.contains(id))
            .collect();
        Ok(Recovery {
            completed,
            discarded,
            files_removed,
        })
    }

    /// Whether the lake's tables were made once.
    pub(super) async fn is_made(&self) -> Result<bool, LoadError> {
        let applied: Option<AppliedContract> = self.read_json(layout::CONTRACT).await?;
        Ok(applied.is_some())
    }

    /// Makes missing tables and changes those of an older version. Once that is done for this
    /// version's contract it is written down, so that later runs need not open a single table.
    async fn bring_tables_to_contract(&self) -> Result<(), LoadError> {
        let wanted = AppliedContract {
            contract: contract_fingerprint(),
        };
        let applied: Option<AppliedContract> = self.read_json(layout::CONTRACT).await?;
        if applied.as_ref() == Some(&wanted) {
            return Ok(());
        }
        let is_new = applied.is_none();
        let versions: Vec<(String, Option<u64>)> = stream::iter(schema::tables())
            .map(|table| async move {
                let handle = self.handle(&table.name)?;
                if is_new && handle.create().await? {
                    return Ok((table.name.clone(), Some(0)));
                }
                handle.bring_to_contract().await?;
                Ok::<_, LoadError>((table.name.clone(), None))
            })
            .buffer_unordered(CONCURRENT_TABLES)
            .try_collect()
            .await?;
        self.record_tables(versions, 0).await?;
        self.write_json(layout::CONTRACT, &wanted, PutMode::Overwrite)
            .await
    }

    /// Removes the files of some batches that no table refers to and that are not in `keep`. Returns
    /// their number.
    pub(super) async fn remove_staged_files(
        &self,
        batch_ids: &[String],
        keep: &HashSet<String>,
    ) -> Result<u64, LoadError> {
        let mut candidates: BTreeMap<&str, Vec<Path>> = BTreeMap::new();
        for table in schema::tables() {
            let found = self.files_of_batches(&table.name, batch_ids).await?;
            if !found.is_empty() {
                candidates.insert(table.name.as_str(), found);
            }
        }
        let mut removed = 0;
        for (table, paths) in candidates {
            let handle = self.handle(table)?;
            handle.keep(None).await;
            let state = handle.state_or_create().await?;
            let files = live_files(&state, handle.contract())?;
            let live: HashSet<String> = files
                .iter()
                .map(|file| format!("{table}/{}", file.path()))
                .collect();
            let is_wanted =
                |path: &Path| live.contains(path.as_ref()) || keep.contains(path.as_ref());
            for path in paths.iter().filter(|path| !is_wanted(path)) {
                self.delete_staged(path).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn files_of_batches(
        &self,
        table: &str,
        batch_ids: &[String],
    ) -> Result<Vec<Path>, LoadError> {
        let is_theirs = {
            let batch_ids = batch_ids.to_vec();
            move |name: &str| batch_ids.iter().any(|id| name.contains(id.as_str()))
        };
        if let Some(folder) = self.folder() {
            // The object store does not list the temporary files of writes that were cut off.
            let folder = folder.to_path_buf();
            let table = table.to_owned();
            return blocking(move || Ok(walk(&folder, &table, &is_theirs))).await;
        }
        let store = self.store();
        let listed = store.list(Some(&Path::from(table)));
        listed
            .map_ok(|object| object.location)
            .try_filter(|path| std::future::ready(path.filename().is_some_and(&is_theirs)))
            .try_collect()
            .await
            .map_err(|source| LoadError::storage("listing", table, source))
    }

    async fn delete_staged(&self, path: &Path) -> Result<(), LoadError> {
        match self.folder() {
            Some(folder) => match std::fs::remove_file(folder.join(path.as_ref())) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(LoadError::io(path.to_string(), error))
                }
                _ => Ok(()),
            },
            None => self.delete(path).await,
        }
    }
}

/// Files below a table's folder whose names are asked for, and what cut-off writes left in its log.
/// Folders that cannot be read are passed over: what is in them can stay.
fn walk(root: &FilePath, folder: &str, is_theirs: &dyn Fn(&str) -> bool) -> Vec<Path> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return found;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{folder}/{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(walk(root, &path, is_theirs));
        } else if is_theirs(&name) || (folder.ends_with("_delta_log") && is_cut_off(&name)) {
            // Names are ours: nothing in them is encoded in the store's paths.
            found.extend(Path::parse(&path).ok());
        }
    }
    found
}

/// Whether a name is that of a temporary file of the local object store, such as `0.json#1`.
fn is_cut_off(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Changes whenever anything that reaches a table's metadata does.
fn contract_fingerprint() -> String {
    use std::hash::Hasher;
    let mut hasher = twox_hash::XxHash64::default();
    for table in schema::tables() {
        let head = format!(
            "{}|{}|{:?}|",
            table.name, table.description, table.partition_by
        );
        hasher.write(head.as_bytes());
        for column in &table.columns {
            let (name, nullable, comment) = (&column.name, column.nullable, column.comment());
            let text = format!("{name}|{:?}|{nullable}|{comment}|", column.data_type);
            hasher.write(text.as_bytes());
        }
    }
    format!("{:016x}", hasher.finish())
}
