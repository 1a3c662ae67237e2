//! The chunks of compress-lzf.
//!
//! `ZV`, a type byte (0 stored, 1 compressed), the big-endian payload length, for a compressed chunk
//! the big-endian original length, then the payload. Lengths have 16 bits, so no chunk is large.

use std::io::{self, Read};

use super::blocks::{BlockReader, Blocks, read_header, read_payload};
use super::{Fault, corrupt, fault_of, prefix, truncated};

pub(super) const MAGIC: &[u8] = b"ZV";

/// Reads the chunks of the file as one stream.
pub(super) fn decoder<R: Read>(input: R) -> impl Read {
    BlockReader::new(LzfChunks {
        input,
        payload: Vec::new(),
        is_cut_off: false,
    })
}

struct LzfChunks<R> {
    input: R,
    payload: Vec<u8>,
    /// The file ended within a chunk, whose beginning was given out.
    is_cut_off: bool,
}

impl<R: Read> Blocks for LzfChunks<R> {
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        if self.is_cut_off {
            return Err(truncated("the file ends within an lzf chunk"));
        }
        let Some([z, v, kind, length @ ..]) = read_header::<5>(&mut self.input)? else {
            return Ok(false);
        };
        if [z, v] != MAGIC {
            return Err(corrupt("an lzf chunk does not begin with ZV"));
        }
        let length = usize::from(u16::from_be_bytes(length));
        match kind {
            0 => {
                let read = read_payload(&mut self.input, length, block);
                self.keep_prefix(read)?;
            }
            1 => self.read_compressed(length, block)?,
            other => return Err(corrupt(format!("unknown lzf chunk type {other}"))),
        }
        Ok(true)
    }
}

impl<R> LzfChunks<R> {
    /// Notes where the file ends within a chunk: what there is of it is given out first.
    fn keep_prefix(&mut self, read: io::Result<()>) -> io::Result<()> {
        match read {
            Err(error) if fault_of(&error) == Fault::Truncated => {
                self.is_cut_off = true;
                Ok(())
            }
            read => read,
        }
    }
}

impl<R: Read> LzfChunks<R> {
    fn read_compressed(&mut self, length: usize, block: &mut Vec<u8>) -> io::Result<()> {
        let original = read_header::<2>(&mut self.input)?
            .ok_or_else(|| truncated("the file ends within an lzf header"))?;
        let original = usize::from(u16::from_be_bytes(original));
        let read = read_payload(&mut self.input, length, &mut self.payload);
        self.keep_prefix(read)?;
        if self.is_cut_off {
            *block = prefix::lzf(&self.payload, original);
            return Ok(());
        }
        *block = ::lzf::decompress(&self.payload, original)
            .map_err(|error| corrupt(format!("lzf chunk: {error}")))?;
        if block.len() != original {
            return Err(corrupt("an lzf chunk is shorter than its header says"));
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "test-support"))]
#[expect(clippy::expect_used, reason = "blocks of tests are small")]
pub(super) mod encode {
    use std::collections::HashMap;

    use super::MAGIC;

    /// How far back a copy reaches.
    const WINDOW: usize = 1 << 13;
    /// The longest copy, and the longest run of literals.
    const LONGEST_COPY: usize = 264;
    const LONGEST_RUN: usize = 32;

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
        let payload = compress(block);
        if payload.len() < block.len() {
            [
                MAGIC,
                &[1],
                &length(&payload),
                &length(block),
                payload.as_slice(),
            ]
            .concat()
        } else {
            [MAGIC, &[0], &length(block), block].concat()
        }
    }

    /// LZF-compresses `block`, greedily. Not by the crate `lzf`, whose compressor writes past its
    /// buffer where the text hardly compresses.
    pub(crate) fn compress(block: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        let mut seen: HashMap<&[u8], usize> = HashMap::new();
        let (mut at, mut run) = (0, 0);
        while let Some(three) = block.get(at..at + 3) {
            let earlier = seen.insert(three, at);
            let Some(earlier) = earlier.filter(|earlier| at - earlier <= WINDOW) else {
                at += 1;
                continue;
            };
            literals(&block[run..at], &mut payload);
            let same = block[at..]
                .iter()
                .zip(&block[earlier..])
                .take_while(|(here, there)| here == there);
            let length = same.take(LONGEST_COPY).count();
            copy(at - earlier - 1, length - 2, &mut payload);
            at += length;
            run = at;
        }
        literals(&block[run..], &mut payload);
        payload
    }

    fn literals(bytes: &[u8], payload: &mut Vec<u8>) {
        for run in bytes.chunks(LONGEST_RUN) {
            payload.push(byte(run.len() - 1));
            payload.extend_from_slice(run);
        }
    }

    /// A copy of `length + 2` bytes from `offset + 1` bytes back.
    fn copy(offset: usize, length: usize, payload: &mut Vec<u8>) {
        payload.push(byte(length.min(7) << 5 | offset >> 8));
        if length >= 7 {
            payload.push(byte(length - 7));
        }
        payload.push(byte(offset & 0xff));
    }

    fn byte(number: usize) -> u8 {
        u8::try_from(number).expect("a number below 256")
    }
}
