//! The chunks of compress-lzf.
//!
//! `ZV`, a type byte (0 stored, 1 compressed), the big-endian payload length, for a compressed chunk
//! the big-endian original length, then the payload. Lengths have 16 bits, so no chunk is large.

use std::io::{self, Read};

use super::blocks::{BlockReader, Blocks, read_header, read_payload};
use super::{corrupt, truncated};

pub(super) const MAGIC: &[u8] = b"ZV";

/// Reads the chunks of the file as one stream.
pub(super) fn decoder<R: Read>(input: R) -> impl Read {
    BlockReader::new(LzfChunks {
        input,
        payload: Vec::new(),
    })
}

struct LzfChunks<R> {
    input: R,
    payload: Vec<u8>,
}

impl<R: Read> Blocks for LzfChunks<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        let Some([z, v, kind, length @ ..]) = read_header::<5>(&mut self.input)? else {
            return Ok(false);
        };
        if [z, v] != MAGIC {
            return Err(corrupt("an lzf chunk does not begin with ZV"));
        }
        let length = usize::from(u16::from_be_bytes(length));
        match kind {
            0 => read_payload(&mut self.input, length, block)?,
            1 => self.read_compressed(length, block)?,
            other => return Err(corrupt(format!("unknown lzf chunk type {other}"))),
        }
        Ok(true)
    }
}

impl<R: Read> LzfChunks<R> {
    fn read_compressed(&mut self, length: usize, block: &mut Vec<u8>) -> io::Result<()> {
        let original = read_header::<2>(&mut self.input)?
            .ok_or_else(|| truncated("the file ends within an lzf header"))?;
        let original = usize::from(u16::from_be_bytes(original));
        read_payload(&mut self.input, length, &mut self.payload)?;
        *block = ::lzf::decompress(&self.payload, original)
            .map_err(|error| corrupt(format!("lzf chunk: {error}")))?;
        if block.len() != original {
            return Err(corrupt("an lzf chunk is shorter than its header says"));
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "test-support"))]
pub(super) mod encode {
    use super::MAGIC;

    /// The chunks that compress-lzf writes for `blocks`, each at most 65535 bytes.
    pub(crate) fn chunks(blocks: &[&[u8]]) -> Vec<u8> {
        blocks.iter().flat_map(|block| one(block)).collect()
    }

    fn one(block: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| {
            u16::try_from(bytes.len())
                .expect("a short block")
                .to_be_bytes()
        };
        match ::lzf::compress(block) {
            Ok(payload) => [
                MAGIC,
                &[1],
                &length(&payload),
                &length(block),
                payload.as_slice(),
            ]
            .concat(),
            Err(_) => [MAGIC, &[0], &length(block), block].concat(),
        }
    }
}
