//! Zip archives, such as a History Server hands out at `/applications/<id>/logs`: the files of a
//! log, each compressed as Spark wrote it, in one archive.
//!
//! The archive's directory stands at its end and is read once, whole, and in linear time: an archive
//! may hold tens of thousands of logs, and reading a local header for each would be a request for
//! each on an object store. Entries that share bytes are refused, since only a bomb has them. An
//! archive that was cut off has no directory; [`recover`] finds what its local headers tell.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use flate2::{CrcReader, bufread};
use serde::{Deserialize, Serialize};

use super::{DecodeLimits, corrupt, truncated};

/// Entries of an archive at most.
pub const MAX_ENTRIES: u64 = 200_000;
/// Bytes of a directory at most.
const MAX_DIRECTORY_BYTES: u64 = 128 << 20;

const END_MAGIC: &[u8; 4] = b"PK\x05\x06";
const END64_LOCATOR_MAGIC: &[u8; 4] = b"PK\x06\x07";
const END64_MAGIC: &[u8; 4] = b"PK\x06\x06";
const DIRECTORY_MAGIC: &[u8; 4] = b"PK\x01\x02";
const LOCAL_MAGIC: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR_MAGIC: [u8; 4] = *b"PK\x07\x08";

const END_BYTES: usize = 22;
const END64_LOCATOR_BYTES: usize = 20;
const DIRECTORY_HEADER_BYTES: usize = 46;
const LOCAL_HEADER_BYTES: usize = 30;
/// The end record, with the longest comment, and the locator before it.
const TAIL_BYTES: u64 = (END_BYTES + 0xffff + END64_LOCATOR_BYTES) as u64;

const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 8;
/// The id of the extra field that holds 64-bit sizes.
const EXTRA_ZIP64: u16 = 1;
/// The file type bits of a Unix mode, and the type of a link.
const UNIX_TYPE_MASK: u32 = 0o170_000;
const UNIX_LINK: u32 = 0o120_000;

/// A file within an archive, and all that is needed to read it without the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZipEntry {
    /// The entry's name with its folders, `/` between them.
    pub name: String,
    /// Bytes it takes in the archive.
    pub compressed_size: u64,
    /// Where its local header begins.
    pub header_start: u64,
    /// `None` in an archive that was cut off before it was said.
    checksum: Option<u32>,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Method {
    Stored,
    Deflated,
    Encrypted,
    /// A method that we cannot read, by its number.
    Other(u16),
}

impl Method {
    fn of(flags: u16, number: u16) -> Self {
        match number {
            _ if flags & FLAG_ENCRYPTED != 0 => Self::Encrypted,
            0 => Self::Stored,
            8 => Self::Deflated,
            other => Self::Other(other),
        }
    }
}

/// The files of an archive, in the directory's order, without folders and links.
///
/// # Errors
/// `InvalidData` when the archive is damaged, or is made to waste time or memory; `UnexpectedEof`
/// when it has no directory; errors of `archive` itself pass as they are.
pub fn directory<R: Read + Seek>(mut archive: R) -> io::Result<Vec<ZipEntry>> {
    let end = End::find(&mut archive)?;
    if end.entries > MAX_ENTRIES || end.size > MAX_DIRECTORY_BYTES {
        return Err(corrupt(format!(
            "the archive claims {} entries in a directory of {} bytes; at most {MAX_ENTRIES} entries \
             are read: split it",
            end.entries, end.size
        )));
    }
    archive.seek(SeekFrom::Start(end.start))?;
    // No more than the file has: the directory ends where the end record begins.
    let mut records = vec![0; usize::try_from(end.size).map_err(corrupt)?];
    archive.read_exact(&mut records)?;
    let mut rest = records.as_slice();
    let mut entries = Vec::new();
    for _ in 0..end.entries {
        let (entry, after) = directory_entry(rest, end.base)?;
        entries.extend(entry);
        rest = after;
    }
    check_overlap(&entries, end.start)?;
    Ok(entries)
}

/// The end record: where the directory is.
struct End {
    entries: u64,
    start: u64,
    size: u64,
    /// What offsets count from: bytes that were put before the archive.
    base: u64,
}

impl End {
    fn find<R: Read + Seek>(archive: &mut R) -> io::Result<Self> {
        let size = archive.seek(SeekFrom::End(0))?;
        let tail_start = size.saturating_sub(TAIL_BYTES);
        archive.seek(SeekFrom::Start(tail_start))?;
        let mut tail = vec![0; usize::try_from(size - tail_start).map_err(corrupt)?];
        archive.read_exact(&mut tail)?;
        let at = end_record(&tail).ok_or_else(|| truncated("the archive has no directory"))?;
        let record = Fields(tail.get(at..).unwrap_or_default());
        let (entries, length, offset) = (record.u16(10)?, record.u32(12)?, record.u32(16)?);
        let (entries, length, offset, end) =
            if entries == u16::MAX || length == u32::MAX || offset == u32::MAX {
                Self::read_64(archive, &tail, at)?
            } else {
                let end = tail_start + at as u64;
                (entries.into(), length.into(), offset.into(), end)
            };
        let bad = || corrupt("the archive's end record is damaged");
        let start = end.checked_sub(length).ok_or_else(bad)?;
        Ok(Self {
            entries,
            start,
            size: length,
            base: start.checked_sub(offset).ok_or_else(bad)?,
        })
    }

    /// The 64-bit end record, which a locator before the plain one tells.
    fn read_64<R: Read + Seek>(
        archive: &mut R,
        tail: &[u8],
        end_at: usize,
    ) -> io::Result<(u64, u64, u64, u64)> {
        let bad = || corrupt("the archive's 64-bit end record is damaged");
        let locator = end_at
            .checked_sub(END64_LOCATOR_BYTES)
            .and_then(|at| tail.get(at..))
            .filter(|locator| locator.starts_with(END64_LOCATOR_MAGIC))
            .ok_or_else(bad)?;
        let at = Fields(locator).u64(8)?;
        archive.seek(SeekFrom::Start(at))?;
        let mut record = Vec::new();
        archive.take(56).read_to_end(&mut record)?;
        if !record.starts_with(END64_MAGIC) {
            return Err(bad());
        }
        let record = Fields(&record);
        Ok((record.u64(32)?, record.u64(40)?, record.u64(48)?, at))
    }
}

/// Where the end record begins: the last whose comment ends with the file, or else the last.
fn end_record(tail: &[u8]) -> Option<usize> {
    let fits = |at: usize| {
        let comment = Fields(tail.get(at..).unwrap_or_default()).u16(20);
        comment.is_ok_and(|length| at + END_BYTES + usize::from(length) <= tail.len())
    };
    let mut records = memchr::memmem::rfind_iter(tail, END_MAGIC);
    records.find(|at| fits(*at))
}

/// The first record of a directory, `None` for what is no file, and the records after it.
fn directory_entry(records: &[u8], base: u64) -> io::Result<(Option<ZipEntry>, &[u8])> {
    let ended = || corrupt("the archive's directory ends early");
    let header = records.get(..DIRECTORY_HEADER_BYTES).ok_or_else(ended)?;
    if !header.starts_with(DIRECTORY_MAGIC) {
        return Err(corrupt("the archive's directory is damaged"));
    }
    let fields = Fields(header);
    let name_end = DIRECTORY_HEADER_BYTES + usize::from(fields.u16(28)?);
    let extra_end = name_end + usize::from(fields.u16(30)?);
    let end = extra_end + usize::from(fields.u16(32)?);
    let name = records
        .get(DIRECTORY_HEADER_BYTES..name_end)
        .ok_or_else(ended)?;
    let extra = records.get(name_end..extra_end).ok_or_else(ended)?;
    let after = records.get(end..).ok_or_else(ended)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let mut sizes = Sizes64::find(extra);
    let mut wide = |value: u32| match value {
        u32::MAX => sizes.next().unwrap_or(value.into()),
        value => value.into(),
    };
    // The order in which a 64-bit extra field has them.
    let (_, compressed_size) = (wide(fields.u32(24)?), wide(fields.u32(20)?));
    let offset = wide(fields.u32(42)?);
    let is_link = (fields.u32(38)? >> 16) & UNIX_TYPE_MASK == UNIX_LINK;
    if name.ends_with('/') || is_link {
        return Ok((None, after));
    }
    let entry = ZipEntry {
        name,
        compressed_size,
        header_start: base
            .checked_add(offset)
            .ok_or_else(|| corrupt("an entry lies beyond the archive"))?,
        checksum: Some(fields.u32(16)?),
        method: Method::of(fields.u16(8)?, fields.u16(10)?),
    };
    Ok((Some(entry), after))
}

/// The 64-bit numbers of an entry whose own fields are too small.
struct Sizes64<'a>(&'a [u8]);

impl<'a> Sizes64<'a> {
    fn find(mut extra: &'a [u8]) -> Self {
        while let Some((header, rest)) = extra.split_first_chunk::<4>() {
            let [id, id_high, length, length_high] = *header;
            let length = usize::from(u16::from_le_bytes([length, length_high]));
            let field = rest.get(..length).unwrap_or_default();
            if u16::from_le_bytes([id, id_high]) == EXTRA_ZIP64 {
                return Self(field);
            }
            extra = rest.get(length..).unwrap_or_default();
        }
        Self(&[])
    }

    fn next(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }
}

/// Refuses entries that share bytes with each other or with the directory.
fn check_overlap(entries: &[ZipEntry], directory_start: u64) -> io::Result<()> {
    let mut spans: Vec<(u64, u64)> = entries
        .iter()
        .map(|entry| {
            let length = entry
                .compressed_size
                .saturating_add(LOCAL_HEADER_BYTES as u64);
            (
                entry.header_start,
                entry.header_start.saturating_add(length),
            )
        })
        .collect();
    spans.sort_unstable();
    let ends = spans.iter().map(|(_, end)| *end);
    let nexts = spans.iter().skip(1).map(|(start, _)| *start);
    let nexts = nexts.chain([directory_start]);
    if ends.zip(nexts).any(|(end, next)| end > next) {
        return Err(corrupt(
            "its entries overlap, as in an archive that is made to exhaust its reader",
        ));
    }
    Ok(())
}

/// The files that the local headers of an archive without directory tell; the last one is cut off,
/// and its text ends where the archive does.
///
/// # Errors
/// `InvalidData` when not even the first header is good; errors of `archive` pass as they are.
pub fn recover<R: Read + Seek>(mut archive: R, limits: &DecodeLimits) -> io::Result<Vec<ZipEntry>> {
    let size = archive.seek(SeekFrom::End(0))?;
    let mut entries = Vec::new();
    let (mut at, mut decoded) = (0, 0);
    while (entries.len() as u64) < MAX_ENTRIES && at < size {
        archive.seek(SeekFrom::Start(at))?;
        let Ok(local) = LocalHeader::read(&mut archive) else {
            break;
        };
        let data_start = at + local.header_bytes;
        let room = size.saturating_sub(data_start);
        let (compressed_size, next) = if local.flags & FLAG_DESCRIPTOR == 0 {
            (local.compressed_size, local.compressed_size)
        } else if local.method == Method::Deflated {
            match deflated_length(&mut archive, &mut decoded, size, limits)? {
                Some((data, with_descriptor)) => (data, with_descriptor),
                None => (room, room),
            }
        } else {
            // Only the directory would tell where it ends.
            break;
        };
        let is_whole = compressed_size <= room && next <= room;
        if !local.name.ends_with('/') {
            let knows_checksum = is_whole && local.flags & FLAG_DESCRIPTOR == 0;
            entries.push(ZipEntry {
                name: local.name,
                compressed_size: compressed_size.min(room),
                header_start: at,
                checksum: knows_checksum.then_some(local.checksum),
                method: local.method,
            });
        }
        if !is_whole {
            break;
        }
        at = data_start + next;
    }
    match entries.is_empty() {
        true => Err(corrupt("the archive has no directory and no readable file")),
        false => Ok(entries),
    }
}

/// The length of the deflated data that `archive` stands at, and the same with the descriptor behind
/// it; `None` when it does not end. Its text has to be decoded for that, which `limits` bound.
fn deflated_length<R: Read>(
    archive: &mut R,
    decoded: &mut u64,
    size: u64,
    limits: &DecodeLimits,
) -> io::Result<Option<(u64, u64)>> {
    let mut decoder = bufread::DeflateDecoder::new(io::BufReader::new(archive));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => *decoded += count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(None),
        }
        if !limits.allow(*decoded, size) {
            return Err(corrupt("it unpacks to more than a log can hold"));
        }
    }
    let length = decoder.total_in();
    let mut behind = [0; 4];
    let has_magic = decoder.get_mut().read_exact(&mut behind).is_ok() && behind == DESCRIPTOR_MAGIC;
    Ok(Some((length, length + if has_magic { 16 } else { 12 })))
}

/// What stands before an entry's data.
struct LocalHeader {
    name: String,
    flags: u16,
    method: Method,
    checksum: u32,
    compressed_size: u64,
    header_bytes: u64,
}

impl LocalHeader {
    fn read(archive: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; LOCAL_HEADER_BYTES];
        archive.read_exact(&mut header)?;
        if !header.starts_with(LOCAL_MAGIC) {
            return Err(corrupt("a zip entry does not begin as one"));
        }
        let fields = Fields(&header);
        let (name_length, extra_length) = (fields.u16(26)?, fields.u16(28)?);
        let mut name = vec![0; name_length.into()];
        archive.read_exact(&mut name)?;
        let mut extra = vec![0; extra_length.into()];
        archive.read_exact(&mut extra)?;
        let flags = fields.u16(6)?;
        let mut sizes = Sizes64::find(&extra);
        let compressed_size = match (fields.u32(18)?, fields.u32(22)?) {
            (u32::MAX, u32::MAX) => sizes.next().and_then(|_| sizes.next()).unwrap_or_default(),
            (compressed, _) => compressed.into(),
        };
        Ok(Self {
            name: String::from_utf8_lossy(&name).into_owned(),
            flags,
            method: Method::of(flags, fields.u16(8)?),
            checksum: fields.u32(14)?,
            compressed_size,
            header_bytes: (LOCAL_HEADER_BYTES + name.len() + extra.len()) as u64,
        })
    }
}

impl ZipEntry {
    /// Bytes of the archive, from [`ZipEntry::header_start`] on, that hold the entry.
    pub fn span(&self) -> u64 {
        // The local header has a name of at most 64 KiB and as much of extra fields.
        let header = LOCAL_HEADER_BYTES as u64 + 2 * u64::from(u16::MAX);
        self.compressed_size.saturating_add(header)
    }

    /// Reads the entry out of `archive`, which should be buffered and is moved to its place first.
    ///
    /// What comes out is the file as it was put in: mostly compressed once more, by Spark.
    ///
    /// # Errors
    /// As [`ZipEntry::open_here`], and when `archive` cannot be moved.
    pub fn open<R>(&self, mut archive: R) -> io::Result<Box<dyn Read + Send>>
    where
        R: Read + Seek + Send + 'static,
    {
        archive.seek(SeekFrom::Start(self.header_start))?;
        self.open_here(archive)
    }

    /// Reads the entry from `archive`, which stands at its local header.
    ///
    /// # Errors
    /// `InvalidData` when no such entry is there, or it is encrypted or packed in a way that is not
    /// known; errors of `archive` pass.
    pub fn open_here<R>(&self, mut archive: R) -> io::Result<Box<dyn Read + Send>>
    where
        R: Read + Send + 'static,
    {
        LocalHeader::read(&mut archive)?;
        let stored = archive.take(self.compressed_size);
        Ok(match self.method {
            Method::Stored => Box::new(Checked::new(stored, self.checksum)),
            Method::Deflated => Box::new(Checked::new(DeflateDecoder::new(stored), self.checksum)),
            Method::Encrypted => {
                return Err(corrupt(format!(
                    "{} is encrypted; pack it again without a password",
                    self.name
                )));
            }
            Method::Other(method) => {
                return Err(corrupt(format!(
                    "{} is packed by method {method}; pack it again by deflate",
                    self.name
                )));
            }
        })
    }
}

/// Compares the checksum at the end, when all bytes have been given out.
struct Checked<R> {
    input: CrcReader<R>,
    checksum: Option<u32>,
}

impl<R: Read> Checked<R> {
    fn new(input: R, checksum: Option<u32>) -> Self {
        Self {
            input: CrcReader::new(input),
            checksum,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let ended = count == 0 && !buffer.is_empty();
        let is_wrong = |checksum| self.input.crc().sum() != checksum;
        if ended && self.checksum.is_some_and(is_wrong) {
            return Err(corrupt("the checksum of a zip entry is wrong"));
        }
        Ok(count)
    }
}

/// Little-endian numbers at places of a record.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn at<const N: usize>(&self, place: usize) -> io::Result<[u8; N]> {
        self.0
            .get(place..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .ok_or_else(|| truncated("the archive ends within a record"))
    }

    fn u16(&self, place: usize) -> io::Result<u16> {
        self.at(place).map(u16::from_le_bytes)
    }

    fn u32(&self, place: usize) -> io::Result<u32> {
        self.at(place).map(u32::from_le_bytes)
    }

    fn u64(&self, place: usize) -> io::Result<u64> {
        self.at(place).map(u64::from_le_bytes)
    }
}
