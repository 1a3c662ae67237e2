//! Which logs a zip archive holds.
//!
//! A History Server puts all attempts of an application into one archive, and attempts are logs of
//! their own. Only the archive's directory is read, from its end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path as LocalPath;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use zip::ZipArchive;

use super::group::{Grouped, LogFile, group};
use super::location::Location;
use super::{SourceFile, names};

/// Bytes fetched at a time; most directories fit.
const FETCH_BYTES: usize = 64 * 1024;

/// The logs within the archive `file`. `None` when it is no archive that can be opened: then the
/// extraction is to say what is wrong with it.
pub(super) async fn logs_in(location: &Location, file: &SourceFile) -> Option<Grouped> {
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
        Some(local) => list_local(&local),
        None => list(ObjectReader {
            store,
            path,
            size,
            position: 0,
            runtime,
        }),
    });
    let files = listed.await.ok()?.ok()?;
    Some(group(&files))
}

fn list_local(path: &LocalPath) -> io::Result<Vec<LogFile>> {
    list(File::open(path)?)
}

fn list(archive: impl Read + Seek) -> io::Result<Vec<LogFile>> {
    let archive = BufReader::with_capacity(FETCH_BYTES, archive);
    let mut archive = ZipArchive::new(archive)?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        let is_hidden = entry.name().split('/').any(names::is_hidden);
        if !entry.is_dir() && !is_hidden {
            files.push(LogFile {
                path: entry.name().to_owned(),
                size: entry.size(),
            });
        }
    }
    Ok(files)
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
