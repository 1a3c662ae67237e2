//! The chunk stream of snappy-java's `SnappyOutputStream`, which is not the Snappy frame format.
//!
//! A header of 16 bytes (magic, version, lowest compatible version), then chunks: a big-endian
//! length and one raw Snappy block. Streams may be concatenated: a chunk length that reads like the
//! magic bytes begins another header. A file without the header is one raw block as a whole.

use std::io::{self, Read};

use super::blocks::{BlockReader, Blocks, read_header, read_payload};
use super::{DecodeLimits, Fault, corrupt, fault_of, prefix, truncated};

pub(super) const MAGIC: &[u8] = b"\x82SNAPPY\0";

/// The first four magic bytes, where a chunk length could stand.
const MAGIC_HEAD: [u8; 4] = [0x82, b'S', b'N', b'A'];
/// The version of the stream that we know.
const VERSION: u32 = 1;
/// Snappy's densest copy packs 64 bytes into 3.
const MAX_RATIO: usize = 22;
/// Slack for blocks of a few bytes.
const RATIO_SLACK: usize = 64;

/// Reads all concatenated streams of the file as one.
pub(super) fn decoder<R: Read>(input: R, limits: &DecodeLimits) -> impl Read + use<R> {
    BlockReader::new(SnappyChunks {
        input,
        max_block_bytes: limits.max_block_bytes,
        payload: Vec::new(),
        decoder: snap::raw::Decoder::new(),
        is_cut_off: false,
    })
}

/// Reads the whole file as one raw block.
pub(super) fn block_decoder<R: Read>(input: R, limits: &DecodeLimits) -> impl Read + use<R> {
    BlockReader::new(WholeFile {
        input: Some(input),
        max_block_bytes: limits.max_block_bytes,
    })
}

struct SnappyChunks<R> {
    input: R,
    max_block_bytes: usize,
    payload: Vec<u8>,
    decoder: snap::raw::Decoder,
    /// The file ended within a chunk, whose beginning was given out.
    is_cut_off: bool,
}

impl<R: Read> Blocks for SnappyChunks<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        if self.is_cut_off {
            return Err(truncated("the file ends within a snappy chunk"));
        }
        let Some(length) = read_header::<4>(&mut self.input)? else {
            return Ok(false);
        };
        if length == MAGIC_HEAD {
            self.read_stream_header()?;
            return Ok(true);
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > self.max_block_bytes {
            return Err(corrupt(format!("a snappy chunk claims {length} bytes")));
        }
        match read_payload(&mut self.input, length, &mut self.payload) {
            Ok(()) => decode(
                &mut self.decoder,
                &self.payload,
                self.max_block_bytes,
                block,
            )?,
            Err(error) if fault_of(&error) == Fault::Truncated => {
                let possible = self.payload.len().saturating_mul(MAX_RATIO) + RATIO_SLACK;
                *block = prefix::snappy(&self.payload, possible.min(self.max_block_bytes));
                self.is_cut_off = true;
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

impl<R: Read> SnappyChunks<R> {
    /// The header's 12 bytes after [`MAGIC_HEAD`].
    fn read_stream_header(&mut self) -> io::Result<()> {
        let ended = || truncated("the file ends within a snappy header");
        let magic = read_header::<4>(&mut self.input)?.ok_or_else(ended)?;
        let _version = read_header::<4>(&mut self.input)?.ok_or_else(ended)?;
        let compatible = read_header::<4>(&mut self.input)?.ok_or_else(ended)?;
        if !MAGIC.ends_with(&magic) {
            return Err(corrupt("a snappy header is damaged"));
        }
        match u32::from_be_bytes(compatible) {
            newer if newer > VERSION => Err(corrupt(format!(
                "the snappy stream needs a reader of version {newer}"
            ))),
            _ => Ok(()),
        }
    }
}

struct WholeFile<R> {
    input: Option<R>,
    max_block_bytes: usize,
}

impl<R: Read> Blocks for WholeFile<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        let Some(input) = self.input.take() else {
            return Ok(false);
        };
        let mut payload = Vec::new();
        input
            .take(self.max_block_bytes as u64 + 1)
            .read_to_end(&mut payload)?;
        if payload.len() > self.max_block_bytes {
            return Err(corrupt("too large for one snappy block"));
        }
        decode(
            &mut snap::raw::Decoder::new(),
            &payload,
            self.max_block_bytes,
            block,
        )?;
        Ok(true)
    }
}

fn decode(
    decoder: &mut snap::raw::Decoder,
    payload: &[u8],
    max_block_bytes: usize,
    block: &mut Vec<u8>,
) -> io::Result<()> {
    let describe = |error| corrupt(format!("snappy block: {error}"));
    let length = snap::raw::decompress_len(payload).map_err(describe)?;
    let possible = payload.len().saturating_mul(MAX_RATIO) + RATIO_SLACK;
    if length > possible.min(max_block_bytes) {
        return Err(corrupt(format!(
            "a snappy block claims {length} decompressed bytes"
        )));
    }
    block.resize(length, 0);
    let count = decoder.decompress(payload, block).map_err(describe)?;
    block.truncate(count);
    Ok(())
}

#[cfg(any(test, feature = "test-support"))]
#[expect(clippy::expect_used, reason = "blocks of tests are small")]
pub(super) mod encode {
    use super::{MAGIC, VERSION};

    /// The header of a stream.
    pub(crate) fn header() -> Vec<u8> {
        [MAGIC, &VERSION.to_be_bytes(), &VERSION.to_be_bytes()].concat()
    }

    /// The chunks that snappy-java writes for `blocks`.
    pub(crate) fn chunks(blocks: &[&[u8]]) -> Vec<u8> {
        blocks.iter().flat_map(|block| one(block)).collect()
    }

    fn one(block: &[u8]) -> Vec<u8> {
        let payload = raw(block);
        [(payload.len() as u32).to_be_bytes().as_slice(), &payload].concat()
    }

    /// One raw block.
    pub(crate) fn raw(block: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new()
            .compress_vec(block)
            .expect("blocks of tests are small")
    }
}
