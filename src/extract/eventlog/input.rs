//! The raw bytes of one file of a log: from disk, from an object store, or from within an archive.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use object_store::{GetOptions, ObjectStore};
use tempfile::TempPath;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use url::Url;

use super::codec::zip::ZipEntry;
use super::codec::{READ_BUFFER_BYTES, SourceFailure};
use crate::discover::SourceFile;
use crate::extract::error::ExtractError;

/// Pieces of an object that may wait for the decoder. A piece is what the network gave at once,
/// some tens of KiB.
const PIECES_AHEAD: usize = 32;

/// Opens the files of one log, and counts what is read of them.
///
/// Errors of its readers carry a [`SourceFailure`] with an [`ExtractError`] in it.
#[derive(Debug)]
pub(super) struct Opener {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    bytes_read: Arc<AtomicU64>,
}

impl Opener {
    pub(super) fn new(store: Arc<dyn ObjectStore>, runtime: Handle) -> Self {
        Self {
            store,
            runtime,
            bytes_read: Arc::default(),
        }
    }

    /// Bytes read so far by [`Opener::open`] and [`Opener::open_entry`].
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The bytes of `file` from its start.
    pub(super) fn open(&self, file: &SourceFile) -> Result<Box<dyn Read + Send>, ExtractError> {
        Ok(match local_path(&file.uri) {
            Some(path) => Box::new(self.metered(LocalReader::open(&path, &file.uri)?)),
            None => Box::new(self.metered(self.open_object(file, None))),
        })
    }

    /// The stored bytes of one entry of an archive.
    pub(super) fn open_entry(
        &self,
        archive: &LocalFile,
        entry: &ZipEntry,
    ) -> Result<Box<dyn Read + Send>, ExtractError> {
        let file = self.metered(archive.open()?);
        let file = BufReader::with_capacity(READ_BUFFER_BYTES, file);
        entry
            .open(file)
            .map_err(|error| failure_of(error, archive.uri()))
    }

    /// The first `length` bytes of `file`, or all when it is shorter. Not counted.
    pub(super) fn open_head(
        &self,
        file: &SourceFile,
        length: u64,
    ) -> Result<Box<dyn Read + Send>, ExtractError> {
        match local_path(&file.uri) {
            Some(path) => Ok(Box::new(LocalReader::open(&path, &file.uri)?.take(length))),
            None => Ok(Box::new(self.open_object(file, Some(length)))),
        }
    }

    /// `file` as a file on this machine: an object is copied to a temporary one first. Not counted.
    pub(super) fn open_seekable(&self, file: &SourceFile) -> Result<LocalFile, ExtractError> {
        if let Some(path) = local_path(&file.uri) {
            return Ok(LocalFile::InPlace {
                path,
                uri: file.uri.clone(),
            });
        }
        let failed = |error| ExtractError::from_io(error, &file.uri);
        let mut copy = tempfile::NamedTempFile::new().map_err(failed)?;
        let mut object = self.open_object(file, None);
        io::copy(&mut object, &mut copy)
            .and_then(|_| copy.flush())
            .map_err(|error| failure_of(error, &file.uri))?;
        let path = Arc::new(copy.into_temp_path());
        Ok(LocalFile::Copy {
            path,
            uri: file.uri.clone(),
        })
    }

    fn open_object(&self, file: &SourceFile, length: Option<u64>) -> ObjectReader {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let transfer = send_object(Arc::clone(&self.store), file.clone(), length, sender);
        self.runtime.spawn(transfer);
        ObjectReader {
            pieces,
            piece: Bytes::new(),
            ended: false,
            uri: file.uri.clone(),
        }
    }

    fn metered<R>(&self, input: R) -> Metered<R> {
        Metered {
            input,
            bytes: Arc::clone(&self.bytes_read),
        }
    }
}

/// The [`ExtractError`] that an input wrapped into its I/O error.
pub(super) fn failure_of(error: io::Error, uri: &str) -> ExtractError {
    match SourceFailure::unwrap(error).downcast::<ExtractError>() {
        Ok(failure) => *failure,
        Err(other) => match other.downcast::<io::Error>() {
            Ok(error) => ExtractError::from_io(*error, uri),
            Err(other) => ExtractError::from_io(io::Error::other(other), uri),
        },
    }
}

fn local_path(uri: &str) -> Option<PathBuf> {
    let uri = Url::parse(uri).ok().filter(|uri| uri.scheme() == "file")?;
    uri.to_file_path().ok()
}

/// Reads a local file and says which one when it fails.
#[derive(Debug)]
pub(super) struct LocalReader {
    file: File,
    uri: String,
}

impl LocalReader {
    fn open(path: &Path, uri: &str) -> Result<Self, ExtractError> {
        let file = File::open(path).map_err(|error| ExtractError::from_io(error, uri))?;
        Ok(Self {
            file,
            uri: uri.to_owned(),
        })
    }

    fn describe(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => SourceFailure::wrap(ExtractError::from_io(error, &self.uri)),
        }
    }
}

impl Read for LocalReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(|error| self.describe(error))
    }
}

impl Seek for LocalReader {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.file.seek(target).map_err(|error| self.describe(error))
    }
}

/// A file on this machine that can be opened more than once.
#[derive(Debug, Clone)]
pub(super) enum LocalFile {
    InPlace {
        path: PathBuf,
        uri: String,
    },
    /// Removed with its last clone.
    Copy {
        path: Arc<TempPath>,
        uri: String,
    },
}

impl LocalFile {
    /// Opens the file from its start.
    pub(super) fn open(&self) -> Result<LocalReader, ExtractError> {
        match self {
            Self::InPlace { path, uri } => LocalReader::open(path, uri),
            Self::Copy { path, uri } => LocalReader::open(path, uri),
        }
    }

    fn uri(&self) -> &str {
        match self {
            Self::InPlace { uri, .. } | Self::Copy { uri, .. } => uri,
        }
    }
}

/// A piece of an object; an empty one marks its end. Without that mark the sending task was ended by
/// its runtime, and the object goes on.
type Piece = Result<Bytes, ExtractError>;

/// Reads an object piece by piece into a channel, until its end or until the receiver is gone.
async fn send_object(
    store: Arc<dyn ObjectStore>,
    file: SourceFile,
    length: Option<u64>,
    pieces: mpsc::Sender<Piece>,
) {
    let range = length.map(|length| (0..length.min(file.size)).into());
    let options = GetOptions {
        range,
        ..GetOptions::default()
    };
    let describe = |error| ExtractError::from_store(error, &file.uri);
    let mut stream = match store.get_opts(&file.path, options).await {
        Ok(object) => object.into_stream(),
        Err(error) => {
            // This fails only when the receiver is gone, and then the error has no reader.
            let _ = pieces.send(Err(describe(error))).await;
            return;
        }
    };
    while let Some(piece) = stream.next().await {
        let is_end_mark = piece.as_ref().is_ok_and(Bytes::is_empty);
        if !is_end_mark && pieces.send(piece.map_err(describe)).await.is_err() {
            return;
        }
    }
    let _ = pieces.send(Ok(Bytes::new())).await;
}

/// The reading end of [`send_object`]'s channel.
struct ObjectReader {
    pieces: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
    uri: String,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !self.ended {
            // Not `blocking_recv`, which panics on a thread of a runtime.
            match futures::executor::block_on(self.pieces.recv()) {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Err(SourceFailure::wrap(error)),
                None => return Err(SourceFailure::wrap(cancelled(&self.uri))),
            }
            self.ended = self.piece.is_empty();
        }
        let count = self.piece.as_ref().read(buffer)?;
        self.piece.advance(count);
        Ok(count)
    }
}

fn cancelled(uri: &str) -> ExtractError {
    let source = io::Error::new(io::ErrorKind::ConnectionAborted, "reading was cancelled");
    ExtractError::Io {
        uri: uri.to_owned(),
        source,
    }
}

/// Counts the bytes that pass.
struct Metered<R> {
    input: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.input.seek(target)
    }
}
