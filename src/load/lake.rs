//! A lake: a folder (or bucket prefix) of Delta tables with our bookkeeping beside them.
//!
//! A folder is ours when it holds `_sparklake/lake.json`. Anything else with content is refused,
//! so that a typing error in `--lake` never mixes our tables into somebody's data.

use std::collections::HashMap;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deltalake::DeltaTable;
use deltalake::logstore::{ObjectStoreRef, StorageConfig, logstore_with, object_store_factories};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use url::Url;

use super::error::LoadError;
use super::failpoint::Failpoint;
use super::staging::{Staging, WriterSettings};
use super::store_check::StoreSafety;
use super::table_state::TableHandle;
use super::unsafe_store::LookBeforePut;
use crate::redact::Redactor;
use crate::schema;

/// Options that name the endpoint of an S3 store, and the variables that do.
const ENDPOINT_OPTIONS: [&str; 4] = [
    "aws_endpoint",
    "aws_endpoint_url",
    "endpoint",
    "endpoint_url",
];
const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

/// Version of the layout of `_sparklake/`; raised when an older program must not write any more.
const FORMAT_VERSION: u32 = 1;

/// Names below the lake's root.
pub(super) mod layout {
    /// Folder of everything that is not a Delta table.
    pub(crate) const BOOKKEEPING: &str = "_sparklake";
    /// The file that makes a folder a lake.
    pub(crate) const MARKER: &str = "_sparklake/lake.json";
    /// What was found when the store was tried out, and where that was.
    pub(crate) const STORE: &str = "_sparklake/store.json";
    /// Which contract the tables were last brought to.
    pub(crate) const CONTRACT: &str = "_sparklake/contract.json";
    /// How far each table's log has come.
    pub(crate) const TABLES: &str = "_sparklake/tables.json";
    /// Logs that a repair is about to write, and those that it replaced.
    pub(crate) const REPAIR: &str = "_sparklake/repair";
    /// Held by the run that writes.
    pub(crate) const LOCK: &str = "_sparklake/lock";
    /// The number of the newest batch.
    pub(crate) const SEQUENCE: &str = "_sparklake/sequence.json";
    /// One file for each batch that has begun and is not committed.
    pub(crate) const OPEN: &str = "_sparklake/open";
    /// One intent for each commit that has been decided and may not be complete.
    pub(crate) const PENDING: &str = "_sparklake/pending";
    /// One file for each run that has begun and has no row in `runs` yet.
    pub(crate) const RUNS: &str = "_sparklake/runs";
    /// The manifest of each run that waits for other machines, with its orders and reports below.
    pub(crate) const SHARDS: &str = "_sparklake/shards";
    /// One file for each committed batch whose applications are not yet analysed.
    pub(crate) const ANALYSIS: &str = "_sparklake/analysis";
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format_version: u32,
    created_at: DateTime<Utc>,
    created_by: String,
}

/// An open lake. Cheap to clone; all clones share one cache of table snapshots.
#[derive(Clone)]
pub struct Lake {
    inner: Arc<Inner>,
    redactor: Arc<Redactor>,
}

struct Inner {
    uri: String,
    url: Url,
    /// The folder, when the lake is on a local disk.
    folder: Option<PathBuf>,
    /// The store with "/" at the root of the bucket or disk.
    root_store: ObjectStoreRef,
    /// The store with "/" at the lake.
    store: ObjectStoreRef,
    config: StorageConfig,
    safety: StoreSafety,
    /// The store as it is, where `store` makes up for what it lacks.
    bare_store: ObjectStoreRef,
    /// Whether the store was found not to keep two writers apart.
    rivals: AtomicBool,
    tables: Mutex<HashMap<&'static str, Arc<TableHandle>>>,
    failpoint: Failpoint,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Lake")
            .field("uri", &self.inner.uri)
            .finish()
    }
}

impl Lake {
    /// Opens an existing lake: a local path, or a URI such as `s3://bucket/lake`,
    /// `gs://bucket/lake`, `abfss://container@account.dfs.core.windows.net/lake`.
    ///
    /// # Errors
    /// [`LoadError::NoLake`] when nothing is there, [`LoadError::NotALake`] when something else
    /// is, [`LoadError::NewerFormat`] when a newer program wrote it.
    pub async fn open(
        uri: &str,
        storage_options: HashMap<String, String>,
    ) -> Result<Self, LoadError> {
        Self::open_with(uri, storage_options, StoreSafety::Required).await
    }

    /// The same, to be written to on a store that need not keep two writers apart.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn open_with(
        uri: &str,
        storage_options: HashMap<String, String>,
        safety: StoreSafety,
    ) -> Result<Self, LoadError> {
        let lake = Self::connect(uri, storage_options, safety)?;
        if lake.folder().is_some_and(|folder| !folder.exists()) || !lake.check_marker().await? {
            return Err(LoadError::NoLake {
                uri: uri.to_owned(),
            });
        }
        Ok(lake)
    }

    /// Opens a lake, or makes an empty or missing folder one. The tables themselves are made by
    /// [`Lake::recover`], under the lock.
    ///
    /// # Errors
    /// As [`Lake::open`]; [`LoadError::Unwritable`] when the folder cannot be made,
    /// [`LoadError::NoConditionalPut`] when the store does not keep two writers apart.
    pub async fn open_or_create(
        uri: &str,
        storage_options: HashMap<String, String>,
    ) -> Result<Self, LoadError> {
        Self::open_or_create_with(uri, storage_options, StoreSafety::Required).await
    }

    /// The same on a store that need not keep two writers apart.
    ///
    /// # Errors
    /// As [`Lake::open_or_create`].
    pub async fn open_or_create_with(
        uri: &str,
        storage_options: HashMap<String, String>,
        safety: StoreSafety,
    ) -> Result<Self, LoadError> {
        let lake = Self::connect(uri, storage_options, safety)?;
        if let Some(folder) = lake.folder() {
            std::fs::create_dir_all(folder)
                .map_err(|source| LoadError::io(folder.display().to_string(), source))?;
        }
        if !lake.check_marker().await? {
            let marker = Marker {
                format_version: FORMAT_VERSION,
                created_at: Utc::now(),
                created_by: format!("sparklake {}", env!("CARGO_PKG_VERSION")),
            };
            lake.require_safe_store().await?;
            lake.begin_numbering().await?;
            lake.write_json(layout::MARKER, &marker, PutMode::Overwrite)
                .await?;
        }
        Ok(lake)
    }

    /// The lake's location as it was given.
    pub fn uri(&self) -> &str {
        &self.inner.uri
    }

    /// The lake's location as another process of this machine finds it, whatever folder that works
    /// in.
    #[must_use]
    pub fn absolute_uri(&self) -> &str {
        self.inner.url.as_str()
    }

    /// The object store whose root is the lake's folder.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.store)
    }

    /// What a worker needs to stage files. Must be called inside a tokio runtime, which will do
    /// the worker's uploads.
    pub fn staging(&self, settings: WriterSettings) -> Staging {
        Staging {
            store: self.store(),
            runtime: Handle::current(),
            settings,
            redactor: Arc::clone(&self.redactor),
        }
    }

    /// The lake with another redactor for what is written through it; the default one has all
    /// patterns for rows.
    #[must_use]
    pub fn with_redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = Arc::new(redactor);
        self
    }

    /// A table as this lake last saw or wrote it. Opening is done once; see [`Lake::refresh`].
    pub async fn table(&self, name: &str) -> Result<DeltaTable, LoadError> {
        let handle = self.handle(name)?;
        let state = handle.state().await?;
        let mut table = DeltaTable::new(handle.log_store());
        table.state = Some(state);
        Ok(table)
    }

    /// A table as it is now, with what other processes have committed; `None` when the lake has no
    /// such table yet.
    ///
    /// # Errors
    /// The contract has no table of that name, or its log cannot be read.
    pub async fn newest_table(&self, name: &str) -> Result<Option<DeltaTable>, LoadError> {
        let handle = self.handle(name)?;
        let Some(state) = handle.newest_state().await? else {
            return Ok(None);
        };
        let mut table = DeltaTable::new(handle.log_store());
        table.state = Some(state);
        Ok(Some(table))
    }

    /// Forgets all cached snapshots, so that the next use sees what others have committed.
    pub fn refresh(&self) {
        self.lock_tables().clear();
    }

    pub(super) fn safety(&self) -> StoreSafety {
        self.inner.safety
    }

    /// The store without what makes up for its lack of conditional puts.
    pub(super) fn undecorated_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.bare_store)
    }

    /// Notes that the store does not keep two writers apart.
    pub(super) fn expect_rivals(&self) {
        self.inner.rivals.store(true, Ordering::Relaxed);
    }

    /// Whether two writers may both believe that they were first.
    pub(super) fn has_rivals(&self) -> bool {
        self.inner.rivals.load(Ordering::Relaxed)
    }

    /// The place of the lake, as its store knows it: the same address behind another endpoint is
    /// another place.
    pub(super) fn store_identity(&self) -> String {
        let endpoint = ENDPOINT_OPTIONS
            .iter()
            .find_map(|name| self.inner.config.raw.get(*name).cloned())
            .or_else(|| {
                let variables = ENDPOINT_VARIABLES.iter();
                variables.copied().find_map(|name| std::env::var(name).ok())
            });
        match endpoint {
            Some(endpoint) if self.inner.folder.is_none() => {
                format!("{} at {}", self.inner.url, address_only(&endpoint))
            }
            _ => self.inner.url.to_string(),
        }
    }

    pub(super) fn failpoint(&self) -> &Failpoint {
        &self.inner.failpoint
    }

    pub(super) fn folder(&self) -> Option<&FilePath> {
        self.inner.folder.as_deref()
    }

    /// The handle of a declared table. Opens nothing.
    pub(super) fn handle(&self, name: &str) -> Result<Arc<TableHandle>, LoadError> {
        let table = schema::table(name).ok_or_else(|| LoadError::UnknownTable {
            table: name.to_owned(),
        })?;
        let mut tables = self.lock_tables();
        if let Some(handle) = tables.get(table.name.as_str()) {
            return Ok(Arc::clone(handle));
        }
        let url = self
            .inner
            .url
            .join(&format!("{}/", table.name))
            .map_err(|error| LoadError::InvalidLocation {
                uri: self.inner.uri.clone(),
                problem: error.to_string(),
            })?;
        let log_store = logstore_with(
            Arc::clone(&self.inner.root_store),
            &url,
            self.inner.config.clone(),
        )
        .map_err(|source| LoadError::delta("opening", &table.name, source))?;
        let handle = Arc::new(TableHandle::new(table, log_store));
        tables.insert(table.name.as_str(), Arc::clone(&handle));
        Ok(handle)
    }

    /// Reads a bookkeeping file; `None` when it is not there.
    pub(super) async fn read_json<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, LoadError> {
        let bytes = match self.inner.store.get(&Path::from(path)).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => Err(error),
        }
        .map_err(|source| LoadError::storage("reading", path, source))?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| LoadError::Damaged {
                path: path.to_owned(),
                problem: error.to_string(),
            })
    }

    /// Writes a bookkeeping file in one step: after a kill it is there whole, or not at all.
    pub(super) async fn write_json<T: Serialize>(
        &self,
        path: &str,
        value: &T,
        mode: PutMode,
    ) -> Result<(), LoadError> {
        let json = serde_json::to_vec(value).map_err(|error| LoadError::Damaged {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        let bytes = Bytes::from(json);
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let location = Path::from(path);
        let store = &self.inner.store;
        let failed = |source| LoadError::storage("writing", path, source);
        match store
            .put_opts(&location, bytes.clone().into(), options)
            .await
        {
            // A put whose answer was lost is sent again, and refused because of itself.
            Err(refused @ object_store::Error::AlreadyExists { .. }) => {
                let found = store.get(&location).await.map_err(failed)?;
                match found.bytes().await.map_err(failed)? == bytes {
                    true => Ok(()),
                    false => Err(failed(refused)),
                }
            }
            Err(error) => Err(failed(error)),
            Ok(_) => Ok(()),
        }
    }

    /// Removes a bookkeeping file; one that is gone already is fine.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), LoadError> {
        match self.inner.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(LoadError::storage("deleting", path.to_string(), source)),
        }
    }

    /// The bookkeeping files in a folder, in the order of their names.
    pub(super) async fn list_names(&self, folder: &str) -> Result<Vec<Path>, LoadError> {
        let listed = self
            .inner
            .store
            .list_with_delimiter(Some(&Path::from(folder)))
            .await
            .map_err(|source| LoadError::storage("listing", folder, source))?;
        let mut names: Vec<Path> = listed
            .objects
            .into_iter()
            .map(|object| object.location)
            .collect();
        names.sort();
        Ok(names)
    }

    fn lock_tables(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Arc<TableHandle>>> {
        self.inner
            .tables
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connect(
        uri: &str,
        storage_options: HashMap<String, String>,
        safety: StoreSafety,
    ) -> Result<Self, LoadError> {
        register_stores();
        let invalid = |problem: String| LoadError::InvalidLocation {
            uri: uri.to_owned(),
            problem,
        };
        let url = parse_location(uri)?;
        let config = StorageConfig::parse_options(without_trailing_slashes(storage_options))
            .map_err(|error| invalid(error.to_string()))?;
        let scheme = Url::parse(&format!("{}://", url.scheme()))
            .map_err(|error| invalid(error.to_string()))?;
        let factory = object_store_factories()
            .get(&scheme)
            .map(|entry| Arc::clone(entry.value()))
            .ok_or_else(|| invalid(format!("no store is known for '{}://'", url.scheme())))?;
        let (root_store, _) = factory
            .parse_url_opts(&url, &config)
            .map_err(|error| invalid(error.to_string()))?;
        let below = |store: &ObjectStoreRef| {
            config
                .decorate_store(Arc::clone(store), &url)
                .map(ObjectStoreRef::from)
                .map_err(|error| invalid(error.to_string()))
        };
        let bare_store = below(&root_store)?;
        let (root_store, store) = match safety {
            StoreSafety::Required => (root_store, Arc::clone(&bare_store)),
            StoreSafety::Waived => {
                let looking: ObjectStoreRef = Arc::new(LookBeforePut::new(root_store));
                let store = below(&looking)?;
                (looking, store)
            }
        };
        Ok(Self {
            redactor: Arc::default(),
            inner: Arc::new(Inner {
                uri: uri.to_owned(),
                folder: url.to_file_path().ok().filter(|_| url.scheme() == "file"),
                url,
                root_store,
                store,
                config,
                safety,
                bare_store,
                rivals: AtomicBool::new(false),
                tables: Mutex::default(),
                failpoint: Failpoint::default(),
            }),
        })
    }

    /// Whether the marker is there. Content without a marker is an error.
    pub(super) async fn check_marker(&self) -> Result<bool, LoadError> {
        let marker: Option<Marker> = self.read_json(layout::MARKER).await?;
        let uri = || self.inner.uri.clone();
        match marker {
            Some(marker) if marker.format_version > FORMAT_VERSION => Err(LoadError::NewerFormat {
                uri: uri(),
                found: marker.format_version,
                supported: FORMAT_VERSION,
            }),
            Some(_) => Ok(true),
            None => match self.foreign_content().await? {
                Some(found) => Err(LoadError::NotALake { uri: uri(), found }),
                None => Ok(false),
            },
        }
    }

    /// Something in the folder that we did not put there. Hidden files do not count, nor does our
    /// own folder: a run that was killed before it wrote the marker leaves that.
    async fn foreign_content(&self) -> Result<Option<String>, LoadError> {
        let listed = match self.inner.store.list_with_delimiter(None).await {
            Ok(listed) => listed,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(LoadError::storage("listing", self.uri(), source)),
        };
        let names = listed
            .objects
            .iter()
            .map(|object| &object.location)
            .chain(&listed.common_prefixes);
        Ok(names
            .filter_map(|path| path.filename())
            .find(|name| *name != layout::BOOKKEEPING && !name.starts_with('.'))
            .map(str::to_owned))
    }
}

/// Makes the object stores of all clouds known to the Delta library. The library's own
/// registration depends on how the program was linked; doing it twice does no harm.
fn register_stores() {
    #[cfg(feature = "aws")]
    deltalake::aws::register_handlers(None);
    #[cfg(feature = "azure")]
    deltalake::azure::register_handlers(None);
    #[cfg(feature = "gcp")]
    deltalake::gcp::register_handlers(None);
}

/// A URL with a slash at its end, whatever the user gave.
fn parse_location(uri: &str) -> Result<Url, LoadError> {
    let invalid = |problem: String| LoadError::InvalidLocation {
        uri: uri.to_owned(),
        problem,
    };
    if uri.trim().is_empty() {
        return Err(invalid("it is empty".to_owned()));
    }
    if uri.contains("://") {
        let mut url = Url::parse(uri).map_err(|error| invalid(error.to_string()))?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        return Ok(url);
    }
    let path = std::path::absolute(uri).map_err(|error| invalid(error.to_string()))?;
    let path = without_parents(&path);
    if path.is_file() {
        return Err(invalid("it is a file, not a folder".to_owned()));
    }
    Url::from_directory_path(&path).map_err(|()| invalid("it is not a path".to_owned()))
}

/// The path without `..`, which no store has in an address.
fn without_parents(path: &FilePath) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            // The parent of a link is that of the folder which it leads to.
            plain = plain.canonicalize().unwrap_or(plain);
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// An address without credentials and query.
fn address_only(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        return "another endpoint".to_owned();
    };
    let port = url.port().map(|port| format!(":{port}"));
    let (host, port) = (url.host_str().unwrap_or_default(), port.unwrap_or_default());
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Endpoint URLs with a slash at their end make some stores sign the wrong path.
fn without_trailing_slashes(options: HashMap<String, String>) -> HashMap<String, String> {
    options
        .into_iter()
        .map(|(key, value)| {
            if value.starts_with("http://") || value.starts_with("https://") {
                (key, value.trim_end_matches('/').to_owned())
            } else {
                (key, value)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_go_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("made");
        let up = inner.join("..").join("lake");
        let location = parse_location(up.to_str().expect("text")).expect("a location");
        let expected = folder.path().canonicalize().expect("there").join("lake");
        assert_eq!(location.to_file_path(), Ok(expected));
    }
}
