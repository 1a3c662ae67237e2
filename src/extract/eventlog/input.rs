//! The raw bytes of one file of a log: from disk, from an object store, or from within an archive.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
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
use super::codec::{Fault, READ_BUFFER_BYTES, SourceFailure, fault_of};
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
            None => Box::new(self.metered(self.open_object(file, 0..u64::MAX))),
        })
    }

    /// Where the entries of an archive are read from.
    pub(super) fn archive(&self, file: &SourceFile) -> Result<Archive, ExtractError> {
        match local_path(&file.uri) {
            Some(_) => self.open_seekable(file).map(Archive::Local),
            None => Ok(Archive::Object(file.clone())),
        }
    }

    /// The stored bytes of one entry of an archive.
    pub(super) fn open_entry(
        &self,
        archive: &Archive,
        entry: &ZipEntry,
    ) -> Result<Box<dyn Read + Send>, ExtractError> {
        let (opened, uri) = match archive {
            Archive::Local(archive) => {
                let file = self.metered(archive.open()?);
                let file = BufReader::with_capacity(READ_BUFFER_BYTES, file);
                (entry.open(file), archive.uri())
            }
            Archive::Object(file) => {
                let end = entry.header_start.saturating_add(entry.span());
                let bytes = self.metered(self.open_object(file, entry.header_start..end));
                let bytes = BufReader::with_capacity(READ_BUFFER_BYTES, bytes);
                (entry.open_here(bytes), file.uri.as_str())
            }
        };
        opened.map_err(|error| match fault_of(&error) {
            Fault::Source => failure_of(error, uri),
            _ => ExtractError::Corrupt {
                uri: format!("{uri}!/{}", entry.name),
                reason: error.to_string(),
            },
        })
    }

    /// The first `length` bytes of `file`, or all when it is shorter. Not counted.
    pub(super) fn open_head(
        &self,
        file: &SourceFile,
        length: u64,
    ) -> Result<Box<dyn Read + Send>, ExtractError> {
        match local_path(&file.uri) {
            Some(path) => Ok(Box::new(LocalReader::open(&path, &file.uri)?.take(length))),
            None => Ok(Box::new(self.open_object(file, 0..length))),
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
        let mut copy = self.temporary(&file.uri)?;
        let mut object = self.open_object(file, 0..u64::MAX);
        io::copy(&mut object, &mut copy.file).map_err(|error| failure_of(error, &file.uri))?;
        copy.finish()
    }

    /// A file for a copy of what is spoken of as `uri`.
    pub(super) fn temporary(&self, uri: &str) -> Result<TemporaryFile, ExtractError> {
        let file = tempfile::NamedTempFile::new();
        Ok(TemporaryFile {
            file: file.map_err(|error| ExtractError::from_io(error, uri))?,
            uri: uri.to_owned(),
        })
    }

    fn open_object(&self, file: &SourceFile, range: Range<u64>) -> ObjectReader {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let transfer = send_object(Arc::clone(&self.store), file.clone(), range, sender);
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

/// Refuses what is no file with bytes of its own: a pipe, a socket, a device.
fn check_regular(metadata: &std::fs::Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        )),
    }
}

impl LocalReader {
    fn open(path: &Path, uri: &str) -> Result<Self, ExtractError> {
        let failed = |error| ExtractError::from_io(error, uri);
        // Opening a pipe would wait for its writer, so it is looked at first; and once more after,
        // as it may have been replaced meanwhile.
        check_regular(&std::fs::metadata(path).map_err(failed)?).map_err(failed)?;
        let file = File::open(path).map_err(failed)?;
        check_regular(&file.metadata().map_err(failed)?).map_err(failed)?;
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

/// A copy that is being made.
pub(super) struct TemporaryFile {
    file: tempfile::NamedTempFile,
    uri: String,
}

impl TemporaryFile {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ExtractError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| ExtractError::from_io(error, &self.uri))
    }

    pub(super) fn finish(mut self) -> Result<LocalFile, ExtractError> {
        let flushed = self.file.flush();
        flushed.map_err(|error| ExtractError::from_io(error, &self.uri))?;
        Ok(LocalFile::Copy {
            path: Arc::new(self.file.into_temp_path()),
            uri: self.uri,
        })
    }
}

/// An archive, wherever its entries are read from.
#[derive(Debug, Clone)]
pub(super) enum Archive {
    Local(LocalFile),
    /// An object, of which only the entry's bytes are fetched.
    Object(SourceFile),
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

    pub(super) fn uri(&self) -> &str {
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
    range: Range<u64>,
    pieces: mpsc::Sender<Piece>,
) {
    // The whole object is asked for without a range: it may have grown.
    let is_whole = range.start == 0 && range.end == u64::MAX;
    let range = (!is_whole).then(|| (range.start..range.end.min(file.size)).into());
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
