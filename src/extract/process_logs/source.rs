//! The files of processes' logs, and their text.

use std::cmp::Reverse;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::runtime::Handle;

use crate::discover::{LoggedProcess, ProcessLogPlace};
use crate::extract::error::ExtractError;
use crate::extract::eventlog::codec::{
    Codec, DETECT_BYTES, DecodeLimits, Fault, READ_BUFFER_BYTES, SourceFailure, decoder, fault_of,
};

/// Objects below one place that are looked at; clusters with more have more than anyone reads.
const MAX_LISTED: usize = 200_000;

/// Names that logs begin with, those that tell most first.
const NAMES: [&str; 5] = ["stderr", "log4j", "syslog", "controller", "stdout"];
/// Endings of other logs.
const ENDINGS: [&str; 3] = [".log", ".err", ".out"];

/// A log of a process.
#[derive(Debug, Clone)]
pub(super) struct LogFile {
    pub(super) process: LoggedProcess,
    pub(super) uri: String,
    /// Path below its place.
    pub(super) relative: String,
    rank: usize,
    path: Path,
    size: u64,
    modified: DateTime<Utc>,
    store: Arc<dyn ObjectStore>,
}

impl LogFile {
    /// What is read first: standard error before the rest, drivers' before executors', the newest.
    pub(super) fn order(&self) -> (usize, LoggedProcess, Reverse<DateTime<Utc>>, String) {
        let path = self.path.to_string();
        (self.rank, self.process, Reverse(self.modified), path)
    }

    fn new(place: &ProcessLogPlace, object: ObjectMeta) -> Option<Self> {
        let parts: Vec<String> = object
            .location
            .prefix_match(&place.prefix)?
            .map(|part| part.as_ref().to_owned())
            .collect();
        let rank = rank(parts.last()?)?;
        let relative = parts.join("/");
        Some(Self {
            process: place.process,
            uri: format!("{}/{relative}", place.uri.trim_end_matches('/')),
            relative,
            rank,
            path: object.location,
            size: object.size,
            modified: object.last_modified,
            store: Arc::clone(&place.store),
        })
    }
}

/// How much a file of this name tells; `None` where it is no log.
fn rank(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = plain.split(['.', '-', '_']).next().unwrap_or_default();
    if name.starts_with(['.', '_']) || plain.starts_with("prelaunch") {
        return None;
    }
    let by_name = NAMES.iter().position(|known| *known == stem);
    let is_log = ENDINGS.iter().any(|ending| plain.ends_with(ending));
    by_name.or_else(|| is_log.then_some(NAMES.len() - 1))
}

/// The logs at a place; none where nothing was kept.
pub(super) async fn list(place: &ProcessLogPlace) -> Result<Vec<LogFile>, ExtractError> {
    let mut files = Vec::new();
    let mut objects = place.store.list(Some(&place.prefix));
    for _ in 0..MAX_LISTED {
        match objects.try_next().await {
            Ok(Some(object)) if object.size > 0 => files.extend(LogFile::new(place, object)),
            Ok(Some(_)) => {}
            Ok(None) | Err(object_store::Error::NotFound { .. }) => break,
            Err(error) => return Err(ExtractError::from_store(error, &place.uri)),
        }
    }
    Ok(files)
}

/// The text of a log.
pub(super) struct Opened {
    pub(super) text: Box<dyn Read + Send>,
    /// Counts the bytes that are read from the store.
    pub(super) bytes_read: Arc<AtomicU64>,
    /// It begins within a line.
    pub(super) begins_mid_line: bool,
    /// The file's beginning is left out.
    pub(super) is_cut: bool,
}

/// Opens a log: all of it, or its last `budget` bytes where it is plain text and larger.
pub(super) fn open(file: &LogFile, budget: u64, runtime: &Handle) -> Result<Opened, ExtractError> {
    let bytes_read = Arc::new(AtomicU64::new(0));
    let begin = |from: u64| ObjectReader::open(file, from, runtime, &bytes_read);
    let mut reader = begin(0)?;
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|error| failure(error, &file.uri))?;
    // A process may write anything to its output: what is not packed is text.
    let codec = Codec::detect(&head, &file.uri).filter(|codec| *codec != Codec::Zip);
    let codec = codec.unwrap_or(Codec::Plain);
    let cut = (codec == Codec::Plain)
        .then(|| file.size.checked_sub(budget))
        .flatten()
        .filter(|cut| *cut > 0);
    if let Some(cut) = cut {
        return Ok(Opened {
            text: Box::new(begin(cut)?),
            bytes_read,
            begins_mid_line: true,
            is_cut: true,
        });
    }
    let whole = BufReader::with_capacity(READ_BUFFER_BYTES, Read::chain(Cursor::new(head), reader));
    let text = match codec {
        Codec::Plain => Box::new(whole),
        codec => decoder(codec, whole, &DecodeLimits::default())
            .map_err(|error| failure(error, &file.uri))?,
    };
    Ok(Opened {
        text,
        bytes_read,
        begins_mid_line: false,
        is_cut: false,
    })
}

/// Why a file could not be read to its end.
pub(super) fn failure(error: io::Error, uri: &str) -> ExtractError {
    let uri = uri.to_owned();
    match fault_of(&error) {
        Fault::Truncated => ExtractError::Corrupt {
            uri,
            reason: "it is cut off".to_owned(),
        },
        Fault::Corrupt(reason) => ExtractError::Corrupt { uri, reason },
        Fault::Source => match SourceFailure::unwrap(error).downcast::<ExtractError>() {
            Ok(error) => *error,
            Err(other) => ExtractError::Io {
                uri,
                source: io::Error::other(other),
            },
        },
    }
}

/// Reads an object from a place on. It waits for the network, so its thread must be allowed to.
struct ObjectReader {
    pieces: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
    runtime: Handle,
    uri: String,
    bytes_read: Arc<AtomicU64>,
}

impl ObjectReader {
    fn open(
        file: &LogFile,
        from: u64,
        runtime: &Handle,
        bytes_read: &Arc<AtomicU64>,
    ) -> Result<Self, ExtractError> {
        let options = GetOptions {
            range: (from > 0).then_some(GetRange::Offset(from)),
            ..GetOptions::default()
        };
        let object = runtime
            .block_on(file.store.get_opts(&file.path, options))
            .map_err(|error| ExtractError::from_store(error, &file.uri))?;
        Ok(Self {
            pieces: object.into_stream(),
            piece: Bytes::new(),
            runtime: runtime.clone(),
            uri: file.uri.clone(),
            bytes_read: Arc::clone(bytes_read),
        })
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.next()) {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    let error = ExtractError::from_store(error, &self.uri);
                    return Err(SourceFailure::wrap(error));
                }
                None => return Ok(0),
            }
        }
        let count = self.piece.as_ref().read(buffer)?;
        self.piece.advance(count);
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
