//! Which logs a zip archive holds.
//!
//! A History Server puts all attempts of an application into one archive, and attempts are logs of
//! their own. Only the archive's directory is read, from its end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sparklake_eventlog::codec::zip::{self, ZipEntry};
use tokio::runtime::Handle;

use super::group::{Grouped, LogFile, LogGroup, group};
use super::history::SourceFile;
use super::location::Location;
use super::names;
use super::problem::DiscoverError;

/// A log within an archive.
#[derive(Debug, Clone)]
pub(crate) struct ArchivedLog {
    /// Its file or folder within the archive.
    pub path: String,
    /// Its files in reading order.
    pub entries: Vec<ZipEntry>,
    pub in_progress: bool,
}

/// Groups the entries of an archive into logs, and names what is wrong with some.
pub(crate) fn archived_logs(entries: &[ZipEntry]) -> (Vec<ArchivedLog>, Vec<DiscoverError>) {
    let is_hidden = |name: &str| name.split('/').any(names::is_hidden);
    let by_name: HashMap<&str, &ZipEntry> = entries
        .iter()
        .filter(|entry| !is_hidden(&entry.name))
        .map(|entry| (entry.name.as_str(), entry))
        .collect();
    let files: Vec<LogFile> = by_name
        .values()
        .map(|entry| LogFile {
            path: entry.name.clone(),
            size: entry.compressed_size,
        })
        .collect();
    let Grouped { logs, problems } = group(&files);
    let to_log = |log: LogGroup| {
        let entry = |path: &String| by_name.get(path.as_str()).copied().cloned();
        ArchivedLog {
            entries: log.files.iter().filter_map(entry).collect(),
            path: log.path,
            in_progress: log.in_progress,
        }
    };
    (logs.into_iter().map(to_log).collect(), problems)
}

/// The logs within the archive `file`, and what is wrong with some. `None` when it is no archive that
/// can be opened: then the extraction is to say what is wrong with it.
pub(super) async fn logs_in(
    location: &Location,
    file: &SourceFile,
) -> Option<(Vec<ArchivedLog>, Vec<DiscoverError>)> {
    let local = location
        .local
        .is_some()
        .then(|| url::Url::parse(&file.uri).ok())
        .flatten();
    let local = local.and_then(|uri| uri.to_file_path().ok());
    let store = Arc::clone(&location.store);
    let (path, size) = (file.path.clone(), file.size);
    let runtime = Handle::current();
    let listed = tokio::task::spawn_blocking(move || match local {
        Some(local) => zip::directory(File::open(local)?),
        None => zip::directory(ObjectReader {
            store,
            path,
            size,
            position: 0,
            runtime,
        }),
    });
    Some(archived_logs(&listed.await.ok()?.ok()?))
}

/// Reads an object as if it were a file, for the few jumps that finding a directory takes.
struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    position: u64,
    runtime: Handle,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self
            .size
            .min(self.position.saturating_add(buffer.len() as u64));
        if end <= self.position {
            return Ok(0);
        }
        let range = self.position..end;
        let bytes = self
            .runtime
            .block_on(self.store.get_range(&self.path, range))?;
        let count = bytes.as_ref().read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
