//! The files of a workspace as an object store: volumes through the Files interface, everything else
//! through DBFS. Reading only.
//!
//! The Files interface gives files whole. A file that is asked for in parts is therefore fetched
//! once, into a temporary file that waits for the next question; the question for the whole file
//! takes it away.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use serde::Deserialize;
use tempfile::NamedTempFile;
use url::Url;

use super::api::Workspace;
use crate::http::HttpError;

/// The folder whose files the Files interface has.
const VOLUMES: &str = "Volumes";
/// Bytes of one answer of DBFS; the interface gives no more.
const DBFS_PAGE_BYTES: u64 = 1 << 20;
/// Largest file that is fetched whole.
const MAX_FILE_BYTES: u64 = 1 << 38;
/// Folders below one folder; more are no log delivery.
const MAX_FOLDERS: usize = 100_000;
/// Pages of one folder of a volume: 10 million files.
const MAX_FOLDER_PAGES: usize = 10_000;
const STORE: &str = "Databricks";

/// The files of a workspace.
#[derive(Debug, Clone)]
pub(super) struct WorkspaceFiles {
    workspace: Arc<Workspace>,
    /// What listings told, so that it is not asked again for each file.
    known: Arc<Mutex<HashMap<Path, ObjectMeta>>>,
    fetched: Arc<Mutex<HashMap<Path, Arc<NamedTempFile>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VolumeFolder {
    contents: Option<Vec<VolumeEntry>>,
    next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VolumeEntry {
    path: String,
    is_directory: Option<bool>,
    file_size: Option<u64>,
    last_modified: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DbfsFolder {
    files: Option<Vec<DbfsEntry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DbfsEntry {
    path: String,
    is_dir: Option<bool>,
    file_size: Option<u64>,
    modification_time: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DbfsPage {
    data: Option<String>,
}

/// A file or folder, whichever interface listed it.
enum Entry {
    Folder(Path),
    File(ObjectMeta),
}

impl Entry {
    /// `None` for a name that no store's path can have.
    fn new(path: &str, is_folder: bool, size: Option<u64>, modified: Option<i64>) -> Option<Self> {
        let location = Path::parse(path.trim_start_matches('/')).ok()?;
        if is_folder {
            return Some(Self::Folder(location));
        }
        let modified = modified.and_then(DateTime::from_timestamp_millis);
        Some(Self::File(ObjectMeta {
            location,
            last_modified: modified.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
            size: size.unwrap_or(0),
            e_tag: None,
            version: None,
        }))
    }
}

impl WorkspaceFiles {
    pub(super) fn new(workspace: Arc<Workspace>) -> Self {
        Self {
            workspace,
            known: Arc::default(),
            fetched: Arc::default(),
        }
    }

    /// The URI of its root: `dbfs://<workspace's host>/`.
    pub(super) fn root(&self) -> Option<Url> {
        let (_, host) = self.workspace.uri.split_once("://")?;
        Url::parse(&format!("dbfs://{host}/")).ok()
    }

    fn is_volume(path: &Path) -> bool {
        path.parts()
            .next()
            .is_some_and(|part| part.as_ref() == VOLUMES)
    }

    /// What lies in the folder. A file's own path gives the file itself (DBFS).
    async fn folder(&self, path: &Path) -> Result<Vec<Entry>> {
        let entries = match Self::is_volume(path) {
            true => self.volume_folder(path).await?,
            false => self.dbfs_folder(path).await?,
        };
        let mut known = lock(&self.known);
        for entry in &entries {
            if let Entry::File(meta) = entry {
                known.insert(meta.location.clone(), meta.clone());
            }
        }
        Ok(entries)
    }

    async fn volume_folder(&self, path: &Path) -> Result<Vec<Entry>> {
        let address = format!("api/2.0/fs/directories/{}", encoded(path));
        let mut entries = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_FOLDER_PAGES {
            let query: Vec<_> = token
                .take()
                .map(|token| ("page_token", token))
                .into_iter()
                .collect();
            let client = &self.workspace.client;
            let page: VolumeFolder = client
                .get_json("volume_folder", &address, &query)
                .await
                .map_err(|error| store_error(path, error))?;
            let found = page.contents.unwrap_or_default();
            entries.extend(found.into_iter().filter_map(|entry| {
                let is_folder = entry.is_directory.unwrap_or(false);
                Entry::new(&entry.path, is_folder, entry.file_size, entry.last_modified)
            }));
            // A page may be empty and not the last.
            match page.next_page_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => return Ok(entries),
            }
        }
        Err(broken("a folder of a volume has no end".to_owned()))
    }

    async fn dbfs_folder(&self, path: &Path) -> Result<Vec<Entry>> {
        let query = [("path", absolute(path))];
        let client = &self.workspace.client;
        let folder: DbfsFolder = client
            .get_json("dbfs_folder", "api/2.0/dbfs/list", &query)
            .await
            .map_err(|error| store_error(path, error))?;
        let found = folder.files.unwrap_or_default().into_iter();
        Ok(found
            .filter_map(|entry| {
                let is_folder = entry.is_dir.unwrap_or(false);
                Entry::new(
                    &entry.path,
                    is_folder,
                    entry.file_size,
                    entry.modification_time,
                )
            })
            .collect())
    }

    /// All files below a folder; none where there is no folder.
    async fn files_below(&self, root: Path) -> Result<Vec<ObjectMeta>> {
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            if seen > MAX_FOLDERS {
                return Err(broken(format!("{root} holds too many folders")));
            }
            let entries = match self.folder(&folder).await {
                Ok(entries) => entries,
                // It may also have been removed while its neighbors were listed.
                Err(Error::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                match entry {
                    Entry::Folder(path) if path.prefix_matches(&root) && path != folder => {
                        folders.push(path);
                    }
                    // A prefix is a folder: a file of exactly its name is not below it.
                    Entry::File(meta)
                        if meta.location.prefix_matches(&root) && meta.location != root =>
                    {
                        files.push(meta);
                    }
                    Entry::Folder(_) | Entry::File(_) => {}
                }
            }
        }
        files.sort_by(|left, right| left.location.cmp(&right.location));
        Ok(files)
    }

    async fn meta(&self, path: &Path) -> Result<ObjectMeta> {
        let known = lock(&self.known).get(path).cloned();
        if let Some(meta) = known {
            return Ok(meta);
        }
        let folder = match Self::is_volume(path) {
            true => path.parent().unwrap_or_default(),
            // DBFS answers the question for a file's folder with the file.
            false => path.clone(),
        };
        let entries = self.folder(&folder).await?;
        let found = entries.into_iter().find_map(|entry| match entry {
            Entry::File(meta) if meta.location == *path => Some(meta),
            _ => None,
        });
        found.ok_or_else(|| Error::NotFound {
            path: path.to_string(),
            source: "no file of that name".into(),
        })
    }

    /// A file of a volume, on this machine.
    async fn fetch(&self, path: &Path, is_whole: bool) -> Result<Arc<NamedTempFile>> {
        let waiting = match is_whole {
            true => lock(&self.fetched).remove(path),
            false => lock(&self.fetched).get(path).cloned(),
        };
        if let Some(file) = waiting {
            return Ok(file);
        }
        let mut file = NamedTempFile::new().map_err(|error| broken(error.to_string()))?;
        let address = format!("api/2.0/fs/files/{}", encoded(path));
        let restart = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()
        };
        let client = &self.workspace.client;
        client
            .download(
                "volume_file",
                &address,
                file.as_file_mut(),
                restart,
                MAX_FILE_BYTES,
            )
            .await
            .map_err(|error| store_error(path, error))?;
        let file = Arc::new(file);
        if !is_whole {
            lock(&self.fetched).insert(path.clone(), Arc::clone(&file));
        }
        Ok(file)
    }

    async fn get_volume_file(&self, path: &Path, wanted: Option<GetRange>) -> Result<GetResult> {
        let is_whole = wanted.is_none();
        let file = self.fetch(path, is_whole).await?;
        let failed = |error: io::Error| broken(format!("{path}: {error}"));
        let size = file.as_file().metadata().map_err(failed)?.len();
        let mut meta = lock(&self.known)
            .get(path)
            .cloned()
            .unwrap_or_else(|| ObjectMeta {
                location: path.clone(),
                last_modified: Utc::now(),
                size,
                e_tag: None,
                version: None,
            });
        meta.size = size;
        let range = range_of(wanted.as_ref(), size)?;
        // Opened again, so that readers of parts do not share a position.
        let opened = file.reopen().map_err(failed)?;
        Ok(GetResult {
            payload: GetResultPayload::File(opened, file.path().to_owned()),
            meta,
            range,
            attributes: Attributes::new(),
        })
    }

    async fn get_dbfs_file(&self, path: &Path, wanted: Option<GetRange>) -> Result<GetResult> {
        let meta = self.meta(path).await?;
        let range = range_of(wanted.as_ref(), meta.size)?;
        let pages = self.clone().dbfs_pages(path.clone(), range.clone());
        Ok(GetResult {
            payload: GetResultPayload::Stream(pages),
            meta,
            range,
            attributes: Attributes::new(),
        })
    }

    /// The bytes of a part of a file, a page a piece.
    fn dbfs_pages(self, path: Path, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        stream::try_unfold((self, path, range), |(files, path, rest)| async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let bytes = files.dbfs_page(&path, &rest).await?;
            let read = bytes.len() as u64;
            if read == 0 {
                return Err(broken(format!("{path} became shorter while it was read")));
            }
            let next = rest.start.saturating_add(read)..rest.end;
            Ok(Some((bytes, (files, path, next))))
        })
        .boxed()
    }

    async fn dbfs_page(&self, path: &Path, rest: &Range<u64>) -> Result<Bytes> {
        let length = (rest.end - rest.start).min(DBFS_PAGE_BYTES);
        let query = [
            ("path", absolute(path)),
            ("offset", rest.start.to_string()),
            ("length", length.to_string()),
        ];
        let client = &self.workspace.client;
        let page: DbfsPage = client
            .get_json("dbfs_page", "api/2.0/dbfs/read", &query)
            .await
            .map_err(|error| store_error(path, error))?;
        let mut bytes = BASE64
            .decode(page.data.unwrap_or_default())
            .map_err(|error| broken(format!("{path} came as bad base64: {error}")))?;
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(bytes.into())
    }
}

impl fmt::Display for WorkspaceFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "files of {}", self.workspace.uri)
    }
}

#[async_trait]
impl ObjectStore for WorkspaceFiles {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            let meta = self.meta(location).await?;
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream::empty().boxed()),
                range: 0..meta.size,
                meta,
                attributes: Attributes::new(),
            });
        }
        match Self::is_volume(location) {
            true => self.get_volume_file(location, options.range).await,
            false => self.get_dbfs_file(location, options.range).await,
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations
            .and_then(|_| async { Err(read_only("delete")) })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let files = self.clone();
        let root = prefix.cloned().unwrap_or_default();
        stream::once(async move { files.files_below(root).await })
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = prefix.cloned().unwrap_or_default();
        let mut result = ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
        };
        for entry in self.folder(&root).await? {
            match entry {
                Entry::Folder(path) => result.common_prefixes.push(path),
                Entry::File(meta) => result.objects.push(meta),
            }
        }
        Ok(result)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn absolute(path: &Path) -> String {
    format!("/{path}")
}

/// The path as part of an address.
fn encoded(path: &Path) -> String {
    let mut url = Url::parse("http://host/").ok();
    let parts = path.as_ref().split('/').filter(|part| !part.is_empty());
    if let Some(mut segments) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        segments.clear().extend(parts);
    }
    url.map(|url| url.path().trim_start_matches('/').to_owned())
        .unwrap_or_default()
}

fn range_of(wanted: Option<&GetRange>, size: u64) -> Result<Range<u64>> {
    match wanted {
        None => Ok(0..size),
        Some(wanted) => wanted
            .as_range(size)
            .map_err(|error| broken(error.to_string())),
    }
}

fn read_only(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}

fn broken(message: String) -> Error {
    Error::Generic {
        store: STORE,
        source: message.into(),
    }
}

fn store_error(path: &Path, error: HttpError) -> Error {
    let path = path.to_string();
    let is_missing = error.to_string().contains("RESOURCE_DOES_NOT_EXIST");
    match error.status() {
        Some(404) => Error::NotFound {
            path,
            source: error.into(),
        },
        _ if is_missing => Error::NotFound {
            path,
            source: error.into(),
        },
        Some(401) => Error::Unauthenticated {
            path,
            source: error.into(),
        },
        Some(403) => Error::PermissionDenied {
            path,
            source: error.into(),
        },
        _ => Error::Generic {
            store: STORE,
            source: error.into(),
        },
    }
}
