//! From the bytes of one file to its text, whatever the file was compressed with.
//!
//! Spark writes event logs with the block streams of its own Java libraries (lz4-java, snappy-java,
//! compress-lzf), which are not the frame formats that the usual crates read. So the framing is
//! ours, a file each, and the decompression of a block is a well-kept crate's.
//!
//! A log comes from outside and may be damaged, cut off or malicious. Every decoder here therefore
//! * gives out all that it could decode before it reports a fault,
//! * allocates by the bytes it has seen, not by the length that a header claims,
//! * answers with an [`io::Error`] that [`fault_of`] sorts into "ended early", "damaged" or "the
//!   source could not be read"; it does not panic.
//!
//! This module uses nothing else of the crate, so that the fuzz targets can include it alone.

mod blocks;
mod gzip;
mod lz4;
mod lzf;
mod plain;
mod prefix;
mod snappy;
pub mod zip;
mod zstd;

#[cfg(any(test, feature = "test-support"))]
pub mod encode;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead, Read};
use std::time::Instant;

/// Bytes read from a file at a time.
///
/// Event logs are read once from start to end, so a large buffer saves system calls and nothing else.
pub const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes that [`Codec::detect`] looks at.
pub const DETECT_BYTES: usize = 512;

/// How much one log may ask of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest compressed or decompressed block that a block framing may announce, in bytes.
    ///
    /// Spark's own blocks are 32 KiB; lz4-java cannot write more than 32 MiB. Default 64 MiB.
    pub max_block_bytes: usize,
    /// Largest decoded size of one log over all its files, in bytes. Default 1 TiB.
    pub max_decoded_bytes: u64,
    /// Largest allowed decoded size for each compressed byte. Default 2000.
    ///
    /// Real logs stay below 100; a file of one repeated byte reaches tens of thousands with zstd.
    pub max_expansion: u64,
    /// Decoded bytes that are free of the expansion check. Default 64 MiB.
    pub expansion_free_bytes: u64,
    /// Largest zstd window, as a power of two. Default 27 (128 MiB), zstd's own limit for streams.
    pub zstd_window_log_max: u32,
    /// When the reading has to be over. Default: never.
    pub deadline: Option<Instant>,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_block_bytes: 64 << 20,
            max_decoded_bytes: 1 << 40,
            max_expansion: 2_000,
            expansion_free_bytes: 64 << 20,
            zstd_window_log_max: 27,
            deadline: None,
        }
    }
}

impl DecodeLimits {
    /// Whether the time is up.
    pub fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether a log that gave `decoded` bytes out of `compressed` ones is within the limits.
    pub fn allow(&self, decoded: u64, compressed: u64) -> bool {
        let expansion_is_fine = decoded <= self.expansion_free_bytes
            || decoded <= compressed.max(1).saturating_mul(self.max_expansion);
        expansion_is_fine && decoded <= self.max_decoded_bytes
    }
}

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Text as it is.
    Plain,
    /// gzip, any number of members.
    Gzip,
    /// zstd, any number of frames.
    Zstd,
    /// The block stream of lz4-java's `LZ4BlockOutputStream`.
    Lz4,
    /// The chunk stream of snappy-java's `SnappyOutputStream`.
    Snappy,
    /// The whole file is one raw Snappy block, without any header.
    SnappyBlock,
    /// The chunks of compress-lzf.
    Lzf,
    /// A zip archive. A container: see [`zip`], [`decoder`] refuses it.
    Zip,
}

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP_MAGIC: &[u8] = b"PK\x05\x06";

impl Codec {
    /// Finds the codec from the first bytes of a file, up to [`DETECT_BYTES`] of them.
    ///
    /// The bytes decide. The extension of `name` is asked only where bytes cannot answer: for a raw
    /// Snappy block, which has no magic bytes, and for a file cut off within its magic bytes.
    /// `None` when neither tells.
    pub fn detect(head: &[u8], name: &str) -> Option<Self> {
        let hint = Self::from_file_name(name);
        Self::from_magic(head)
            .or_else(|| hint.filter(|codec| codec.may_start_with(head)))
            .or_else(|| looks_like_text(head).then_some(Self::Plain))
            .or_else(|| (hint == Some(Self::Snappy)).then_some(Self::SnappyBlock))
    }

    /// Spark's short name of the codec.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::SnappyBlock => "snappy block",
            Self::Lzf => "lzf",
            Self::Zip => "zip",
        }
    }

    /// The codec whose magic bytes `head` begins with.
    pub fn from_magic(head: &[u8]) -> Option<Self> {
        let codec = match head {
            [b'Z', b'V', 0 | 1, ..] => Self::Lzf,
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ if head.starts_with(zstd::MAGIC) => Self::Zstd,
            _ if head.starts_with(lz4::MAGIC) => Self::Lz4,
            _ if head.starts_with(snappy::MAGIC) => Self::Snappy,
            _ if head.starts_with(GZIP_MAGIC) => Self::Gzip,
            _ if head.starts_with(ZIP_MAGIC) || head.starts_with(EMPTY_ZIP_MAGIC) => Self::Zip,
            _ => return None,
        };
        Some(codec)
    }

    fn from_file_name(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".compact").unwrap_or(name);
        let name = name.strip_suffix(".inprogress").unwrap_or(name);
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "zstd" | "zst" => Some(Self::Zstd),
            "lz4" => Some(Self::Lz4),
            "snappy" => Some(Self::Snappy),
            "lzf" => Some(Self::Lzf),
            "gz" | "gzip" => Some(Self::Gzip),
            "zip" => Some(Self::Zip),
            _ => None,
        }
    }

    /// Whether `head`, shorter than the magic bytes, is their beginning.
    fn may_start_with(self, head: &[u8]) -> bool {
        let magic = match self {
            Self::Zstd => zstd::MAGIC,
            Self::Lz4 => lz4::MAGIC,
            Self::Snappy => snappy::MAGIC,
            Self::Lzf => lzf::MAGIC,
            Self::Gzip => GZIP_MAGIC,
            Self::Zip => ZIP_MAGIC,
            Self::Plain | Self::SnappyBlock => return false,
        };
        !head.is_empty() && magic.starts_with(head)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text has no control characters but tabs and line ends. Where an event stands, some damaged bytes
/// do not make the whole log binary.
///
/// Bytes above ASCII pass: before Spark 3.0 the driver's own character set was used.
fn looks_like_text(head: &[u8]) -> bool {
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let controls = head.iter().filter(is_control).count();
    let has_event = memchr::memmem::find(head, b"{\"Event\":\"").is_some();
    !head.is_empty() && (controls == 0 || (has_event && controls <= head.len() / 8))
}

/// A reader of the decoded text of `input`.
///
/// `input` gives the file from its first byte.
///
/// # Errors
/// When the decoder cannot be set up, or `codec` is [`Codec::Zip`], which is not a stream.
pub fn decoder<R>(codec: Codec, input: R, limits: &DecodeLimits) -> io::Result<Box<dyn Read + Send>>
where
    R: BufRead + Send + 'static,
{
    Ok(match codec {
        Codec::Plain => Box::new(plain::decoder(input)),
        Codec::Gzip => Box::new(gzip::decoder(input)),
        Codec::Zstd => Box::new(zstd::decoder(input, limits)?),
        Codec::Lz4 => Box::new(lz4::decoder(input, limits)),
        Codec::Snappy => Box::new(snappy::decoder(input, limits)),
        Codec::SnappyBlock => Box::new(snappy::block_decoder(input, limits)),
        Codec::Lzf => Box::new(lzf::decoder(input)),
        Codec::Zip => return Err(corrupt("a zip archive inside another file")),
    })
}

/// Why decoding stopped before the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The data ends in the middle of something: still being written, or cut off by a copy.
    Truncated,
    /// The data is damaged; says how.
    Corrupt(String),
    /// The bytes below the decoder could not be read: see [`SourceFailure`].
    Source,
}

/// Sorts an error that a decoder returned.
pub fn fault_of(error: &io::Error) -> Fault {
    if error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync + 'static>::is::<SourceFailure>)
    {
        return Fault::Source;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Truncated,
        _ => Fault::Corrupt(error.to_string()),
    }
}

/// Marks an error as coming from below the decoders: a disk or a network, not the data.
///
/// Decoders pass errors of their input through. Whoever opens the input wraps its errors in this
/// ([`SourceFailure::wrap`]), so that a lost connection is not taken for a damaged file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SourceFailure(Box<dyn std::error::Error + Send + Sync>);

impl SourceFailure {
    /// An I/O error that [`fault_of`] calls [`Fault::Source`].
    pub fn wrap(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
        io::Error::other(Self(error.into()))
    }

    /// What was wrapped, or the error as it is when it was not wrapped.
    pub fn unwrap(error: io::Error) -> Box<dyn std::error::Error + Send + Sync> {
        match error.downcast::<Self>() {
            Ok(failure) => failure.0,
            Err(error) => Box::new(error),
        }
    }
}

fn corrupt(what: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

fn truncated(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
