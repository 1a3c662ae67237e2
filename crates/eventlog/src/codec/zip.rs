//! The zip that a History Server hands out at `/applications/<id>/logs`: the files of a log, each
//! compressed as Spark wrote it, in one archive.
//!
//! The archive's directory stands at its end, so an archive is opened from a file, not a stream. An
//! archive that lost its end has no directory: it counts as damaged, and is to be downloaded again.

use std::io::{self, Read, Seek, SeekFrom};

use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};
use flate2::CrcReader;
use flate2::read::DeflateDecoder;

use super::corrupt;

/// A file within an archive, and all that is needed to read it without the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipEntry {
    /// The entry's name with its folders, `/` between them.
    pub name: String,
    /// Bytes it takes in the archive.
    pub compressed_size: u64,
    data_start: u64,
    checksum: u32,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
}

/// The files of an archive, in the directory's order, without its folders.
///
/// # Errors
/// `InvalidData` when the archive is damaged, encrypted, or compressed otherwise than by deflate;
/// errors of `archive` itself pass as they are.
pub fn directory<R: Read + Seek>(archive: R) -> io::Result<Vec<ZipEntry>> {
    let mut archive = ZipArchive::new(archive).map_err(describe)?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(describe)?;
        if entry.is_dir() {
            continue;
        }
        if entry.encrypted() {
            return Err(corrupt(format!("{} is encrypted", entry.name())));
        }
        let method = match entry.compression() {
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflated,
            other => return Err(corrupt(format!("{} is packed with {other}", entry.name()))),
        };
        entries.push(ZipEntry {
            name: entry.name().to_owned(),
            compressed_size: entry.compressed_size(),
            data_start: entry.data_start(),
            checksum: entry.crc32(),
            method,
        });
    }
    Ok(entries)
}

/// Keeps an error of the archive's reader as it is, so that its cause can still be told.
fn describe(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => corrupt(other),
    }
}

impl ZipEntry {
    /// Reads the entry out of `archive`, which should be buffered and is moved to its place first.
    ///
    /// What comes out is the file as it was put in: mostly compressed once more, by Spark.
    ///
    /// # Errors
    /// When `archive` cannot be moved.
    pub fn open<R>(&self, mut archive: R) -> io::Result<Box<dyn Read + Send>>
    where
        R: Read + Seek + Send + 'static,
    {
        archive.seek(SeekFrom::Start(self.data_start))?;
        let stored = archive.take(self.compressed_size);
        Ok(match self.method {
            Method::Stored => Box::new(Checked::new(stored, self.checksum)),
            Method::Deflated => Box::new(Checked::new(DeflateDecoder::new(stored), self.checksum)),
        })
    }
}

/// Compares the checksum at the end, when all bytes have been given out.
struct Checked<R> {
    input: CrcReader<R>,
    checksum: u32,
}

impl<R: Read> Checked<R> {
    fn new(input: R, checksum: u32) -> Self {
        Self {
            input: CrcReader::new(input),
            checksum,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.input.crc().sum() != self.checksum {
            return Err(corrupt("the checksum of a zip entry is wrong"));
        }
        Ok(count)
    }
}
