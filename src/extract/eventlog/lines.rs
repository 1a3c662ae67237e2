//! Cuts decoded text into chunks of whole lines.

use std::io::{self, Read};

/// Text a chunk aims for: large enough that handing it to another thread costs nothing, small
/// enough to stay in cache while it is parsed.
pub(super) const CHUNK_BYTES: usize = 2 << 20;

/// Longest line that is parsed. Plans reach 1 MB; what is far longer is no event of Spark's.
pub(super) const MAX_LINE_BYTES: usize = 64 << 20;

/// Reads chunks that end at line ends.
pub(super) struct LineChunks<R> {
    source: R,
    /// The beginning of the line that the last chunk's text ended in.
    partial: Vec<u8>,
    ended: bool,
    chunk_bytes: usize,
    /// Lines dropped because they were longer than [`MAX_LINE_BYTES`].
    pub(super) oversized_lines: u64,
}

impl<R: Read> LineChunks<R> {
    pub(super) fn new(source: R) -> Self {
        Self::with_chunk_bytes(source, CHUNK_BYTES)
    }

    /// Chunks of about `chunk_bytes`.
    pub(super) fn with_chunk_bytes(source: R, chunk_bytes: usize) -> Self {
        Self {
            source,
            partial: Vec::new(),
            ended: false,
            chunk_bytes,
            oversized_lines: 0,
        }
    }

    /// What was read from.
    pub(super) fn source(&self) -> &R {
        &self.source
    }

    /// Fills `chunk` with the next lines, each with its line end but perhaps the last of the text;
    /// false at the end.
    pub(super) fn next(&mut self, chunk: &mut Vec<u8>) -> io::Result<bool> {
        chunk.clear();
        chunk.append(&mut self.partial);
        while !self.ended {
            if self.fill(chunk)? == 0 {
                self.ended = true;
                break;
            }
            if let Some(end) = memchr::memrchr(b'\n', chunk) {
                self.partial
                    .extend_from_slice(chunk.get(end + 1..).unwrap_or_default());
                chunk.truncate(end + 1);
                return Ok(true);
            }
            if chunk.len() > MAX_LINE_BYTES {
                self.skip_line(chunk)?;
            }
        }
        Ok(!chunk.is_empty())
    }

    /// Appends about a chunk's bytes to `chunk`; how many.
    fn fill(&mut self, chunk: &mut Vec<u8>) -> io::Result<usize> {
        let wanted = self
            .chunk_bytes
            .saturating_sub(chunk.len())
            .max(self.chunk_bytes / 4);
        self.source.by_ref().take(wanted as u64).read_to_end(chunk)
    }

    /// Drops the line that `chunk` begins with, and reads on to the next.
    fn skip_line(&mut self, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.oversized_lines += 1;
        loop {
            chunk.clear();
            if self.fill(chunk)? == 0 {
                self.ended = true;
                return Ok(());
            }
            if let Some(end) = memchr::memchr(b'\n', chunk) {
                chunk.drain(..=end);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut lines = LineChunks::new(text);
        let (mut all, mut chunk) = (Vec::new(), Vec::new());
        while lines.next(&mut chunk).expect("reads from memory") {
            all.push(chunk.clone());
        }
        (all, lines.oversized_lines)
    }

    #[test]
    fn chunks_together_are_the_text_and_end_at_line_ends() {
        let line = [b"x".repeat(70_000), b"\n".to_vec()].concat();
        let text = [line.repeat(100), b"last".to_vec()].concat();
        let (chunks, _) = chunks(&text);
        assert!(chunks.len() > 2);
        assert_eq!(chunks.concat(), text);
        assert!(
            chunks
                .iter()
                .rev()
                .skip(1)
                .all(|chunk| chunk.ends_with(b"\n"))
        );
    }

    #[test]
    fn a_line_without_end_is_dropped_alone() {
        let text = [
            b"first\n".to_vec(),
            b"y".repeat(MAX_LINE_BYTES + CHUNK_BYTES),
            b"\nlast\n".to_vec(),
        ]
        .concat();
        let (chunks, oversized) = chunks(&text);
        assert_eq!(oversized, 1);
        assert_eq!(chunks.concat(), b"first\nlast\n");
    }
}
