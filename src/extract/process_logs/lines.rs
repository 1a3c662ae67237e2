//! Lines of a text of any size, of bounded length.

use std::io::{self, BufRead, BufReader, Read};

/// Longest part of a line that is looked at. What identifies a problem stands at a line's beginning.
const MAX_LINE_BYTES: usize = 16 << 10;
const BUFFER_BYTES: usize = 64 << 10;

/// Reads line by line. Progress bars end lines by a carriage return alone; that counts as an end.
pub(super) struct BoundedLines<R> {
    text: BufReader<R>,
    line: Vec<u8>,
    left: u64,
    read: u64,
    hit_limit: bool,
    /// The text begins within a line, which is to be left out.
    skips_first: bool,
}

impl<R: Read> BoundedLines<R> {
    /// Lines of the first `limit` bytes of `text`.
    pub(super) fn new(text: R, limit: u64, begins_mid_line: bool) -> Self {
        Self {
            text: BufReader::with_capacity(BUFFER_BYTES, text),
            line: Vec::new(),
            left: limit,
            read: 0,
            hit_limit: false,
            skips_first: begins_mid_line,
        }
    }

    /// Bytes of text so far.
    pub(super) fn bytes(&self) -> u64 {
        self.read
    }

    /// Whether there was more than the limit allows.
    pub(super) fn hit_limit(&self) -> bool {
        self.hit_limit
    }

    /// The next line that is not empty, without its end; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let ended = self.read_line()?;
            let is_wanted = !self.line.is_empty() && !std::mem::take(&mut self.skips_first);
            if is_wanted {
                return Ok(Some(&self.line));
            }
            if ended {
                return Ok(None);
            }
        }
    }

    /// Reads up to the next line end; true at the end of the text.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        loop {
            let buffer = match self.text.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(true);
            }
            if self.left == 0 {
                self.hit_limit = true;
                return Ok(true);
            }
            let allowed = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let visible = buffer.get(..allowed).unwrap_or(buffer);
            let end = memchr::memchr2(b'\n', b'\r', visible);
            let part = visible.get(..end.unwrap_or(allowed)).unwrap_or(visible);
            let room = MAX_LINE_BYTES
                .saturating_sub(self.line.len())
                .min(part.len());
            self.line
                .extend_from_slice(part.get(..room).unwrap_or(part));
            let used = end.map_or(allowed, |end| end + 1);
            self.text.consume(used);
            self.read += used as u64;
            self.left -= used as u64;
            if end.is_some() {
                return Ok(false);
            }
        }
    }
}
