//! The block stream of lz4-java's `LZ4BlockOutputStream`, which is not the LZ4 frame format.
//!
//! ```text
//! 0   8  "LZ4Block"
//! 8   1  token: method in the high half (1 stored, 2 LZ4), block size level in the low half
//! 9   4  compressed length    little-endian
//! 13  4  decompressed length  little-endian
//! 17  4  checksum of the decompressed bytes, little-endian
//! 21  n  payload
//! ```
//! A block of length 0 ends a stream; another stream may follow.

use std::io::{self, Read};

use twox_hash::XxHash32;

use super::blocks::{BlockReader, Blocks, read_header, read_payload};
use super::{DecodeLimits, corrupt, fault_of, prefix, truncated};

pub(super) const MAGIC: &[u8] = b"LZ4Block";

const HEADER_BYTES: usize = 21;
const CHECKSUM_SEED: u32 = 0x9747_b28c;
/// lz4-java keeps 28 bits of the hash.
const CHECKSUM_MASK: u32 = 0x0fff_ffff;
/// A level is the block size's power of two less this.
const LEVEL_BASE: u32 = 10;
/// LZ4 cannot pack more than this many bytes into one.
const MAX_RATIO: usize = 255;

/// Reads all streams of the file as one.
pub(super) fn decoder<R: Read>(input: R, limits: &DecodeLimits) -> impl Read + use<R> {
    BlockReader::new(Lz4Blocks {
        input,
        max_block_bytes: limits.max_block_bytes,
        payload: Vec::new(),
        stream_is_open: false,
        is_cut_off: false,
    })
}

struct Lz4Blocks<R> {
    input: R,
    max_block_bytes: usize,
    payload: Vec<u8>,
    /// Blocks came, but no end mark yet.
    stream_is_open: bool,
    /// The file ended within a block, whose beginning was given out.
    is_cut_off: bool,
}

impl<R: Read> Blocks for Lz4Blocks<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        if self.is_cut_off {
            return Err(truncated("the file ends within an lz4 block"));
        }
        let Some(header) = read_header::<HEADER_BYTES>(&mut self.input)? else {
            return match self.stream_is_open {
                true => Err(truncated("the lz4 stream has no end mark")),
                false => Ok(false),
            };
        };
        let header = Header::parse(&header)?;
        header.check(self.max_block_bytes)?;
        self.stream_is_open = header.decompressed > 0;
        if self.stream_is_open {
            match read_payload(&mut self.input, header.compressed, &mut self.payload) {
                Ok(()) => header.decode(&self.payload, block)?,
                Err(error) if fault_of(&error) == super::Fault::Truncated => {
                    // No checksum vouches for it; a line that is damaged is counted as such.
                    *block = header.decode_prefix(&self.payload);
                    self.is_cut_off = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Lz4,
}

struct Header {
    method: Method,
    level: u32,
    compressed: usize,
    decompressed: usize,
    checksum: u32,
}

impl Header {
    fn parse(header: &[u8; HEADER_BYTES]) -> io::Result<Self> {
        let Some(([token], numbers)) = header
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_first_chunk())
        else {
            return Err(corrupt("an lz4 block does not begin with LZ4Block"));
        };
        let method = match token >> 4 {
            1 => Method::Stored,
            2 => Method::Lz4,
            other => return Err(corrupt(format!("unknown lz4 block method {other}"))),
        };
        let mut numbers = numbers
            .as_chunks::<4>()
            .0
            .iter()
            .map(|chunk| u32::from_le_bytes(*chunk));
        let mut next = || {
            numbers
                .next()
                .ok_or_else(|| truncated("the lz4 header is too short"))
        };
        Ok(Self {
            method,
            level: u32::from(token & 0x0f),
            compressed: next()? as usize,
            decompressed: next()? as usize,
            checksum: next()?,
        })
    }

    /// lz4-java's own checks, and ours against lengths that only an attacker writes.
    fn check(&self, max_block_bytes: usize) -> io::Result<()> {
        let lengths_agree = match self.method {
            Method::Stored => self.compressed == self.decompressed,
            Method::Lz4 => (self.compressed == 0) == (self.decompressed == 0),
        };
        let level_allows = self.decompressed <= 1 << (LEVEL_BASE + self.level);
        let is_possible = self.decompressed <= self.compressed.saturating_mul(MAX_RATIO);
        let is_small = self.compressed.max(self.decompressed) <= max_block_bytes;
        let end_mark_is_clean = self.decompressed > 0 || self.checksum == 0;
        if lengths_agree && level_allows && is_possible && is_small && end_mark_is_clean {
            return Ok(());
        }
        Err(corrupt(format!(
            "impossible lz4 block lengths: {} compressed, {} decompressed",
            self.compressed, self.decompressed
        )))
    }

    /// The beginning of a block that was cut off.
    fn decode_prefix(&self, payload: &[u8]) -> Vec<u8> {
        match self.method {
            Method::Stored => payload.to_vec(),
            Method::Lz4 => prefix::lz4(payload, self.decompressed),
        }
    }

    fn decode(&self, payload: &[u8], block: &mut Vec<u8>) -> io::Result<()> {
        match self.method {
            Method::Stored => block.extend_from_slice(payload),
            Method::Lz4 => {
                block.resize(self.decompressed, 0);
                let count = lz4_flex::block::decompress_into(payload, block)
                    .map_err(|error| corrupt(format!("lz4 block: {error}")))?;
                if count != self.decompressed {
                    return Err(corrupt("an lz4 block is shorter than its header says"));
                }
            }
        }
        if XxHash32::oneshot(CHECKSUM_SEED, block) & CHECKSUM_MASK != self.checksum {
            return Err(corrupt("the checksum of an lz4 block is wrong"));
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "test-support"))]
pub(super) mod encode {
    use super::{CHECKSUM_MASK, CHECKSUM_SEED, LEVEL_BASE, MAGIC, XxHash32};

    /// What lz4-java writes for `blocks`, without the end mark.
    pub(crate) fn blocks(blocks: &[&[u8]], stored: bool) -> Vec<u8> {
        blocks
            .iter()
            .filter(|block| !block.is_empty())
            .flat_map(|block| one(block, stored))
            .collect()
    }

    /// The block of length 0 that closes a stream.
    pub(crate) fn end_mark() -> Vec<u8> {
        [MAGIC, &[0x15], &[0; 12]].concat()
    }

    fn one(block: &[u8], stored: bool) -> Vec<u8> {
        let level = (block.len().next_power_of_two().ilog2()).saturating_sub(LEVEL_BASE) as u8;
        let (method, payload) = match stored {
            true => (0x10, block.to_vec()),
            false => (0x20, lz4_flex::block::compress(block)),
        };
        let checksum = XxHash32::oneshot(CHECKSUM_SEED, block) & CHECKSUM_MASK;
        let mut bytes = [MAGIC, &[method | level]].concat();
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend((block.len() as u32).to_le_bytes());
        bytes.extend(checksum.to_le_bytes());
        bytes.extend(payload);
        bytes
    }
}
