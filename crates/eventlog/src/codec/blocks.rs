//! What the framings of lz4-java, snappy-java and compress-lzf have in common: the file is a chain
//! of blocks, each small enough to be decoded whole.

use std::io::{self, Read};

use super::truncated;

/// A framing that hands out one decoded block after the other.
pub(super) trait Blocks {
    /// Replaces `block` by the next decoded block; `false` at the end of the file.
    ///
    /// An empty block is allowed and does not mean the end.
    fn next_block(&mut self, block: &mut Vec<u8>) -> io::Result<bool>;
}

/// Reads a [`Blocks`] framing as one stream.
///
/// After the end or an error it stays at the end: a damaged chain has no next block to find.
pub(super) struct BlockReader<B> {
    blocks: B,
    block: Vec<u8>,
    position: usize,
    ended: bool,
}

impl<B: Blocks> BlockReader<B> {
    pub(super) fn new(blocks: B) -> Self {
        Self {
            blocks,
            block: Vec::new(),
            position: 0,
            ended: false,
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        self.position = 0;
        self.block.clear();
        let next = self.blocks.next_block(&mut self.block);
        if !matches!(next, Ok(true)) {
            self.ended = true;
            self.block.clear();
        }
        next.map(drop)
    }
}

impl<B: Blocks> Read for BlockReader<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.block.get(self.position..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let count = rest.read(buffer)?;
                self.position += count;
                return Ok(count);
            }
            if self.ended {
                return Ok(0);
            }
            self.advance()?;
        }
    }
}

/// Fills `buffer` as far as the input goes; less than its length only at the end of the file.
pub(super) fn read_up_to(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a fixed number of bytes, or `None` when the file ends right before them.
pub(super) fn read_header<const N: usize>(input: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut header = [0; N];
    match read_up_to(input, &mut header)? {
        0 => Ok(None),
        count if count == N => Ok(Some(header)),
        _ => Err(truncated("the file ends within a block header")),
    }
}

/// Reads a block's stored bytes into `payload`.
///
/// Grows with the bytes that really come, so a header that claims much costs nothing.
pub(super) fn read_payload(
    input: &mut impl Read,
    length: usize,
    payload: &mut Vec<u8>,
) -> io::Result<()> {
    payload.clear();
    input.take(length as u64).read_to_end(payload)?;
    if payload.len() < length {
        return Err(truncated("the file ends within a block"));
    }
    Ok(())
}
