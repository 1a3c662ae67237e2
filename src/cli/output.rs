//! Standard output, which may be a pipe that its reader closes early.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

/// Standard output. Remembers when its reader has gone away: `sparklake sql … | head` is no error.
pub(super) struct Output {
    inner: BufWriter<Stdout>,
    broken_pipe: bool,
}

impl Output {
    /// The process's standard output.
    pub(super) fn stdout() -> Self {
        Self {
            inner: BufWriter::new(io::stdout()),
            broken_pipe: false,
        }
    }

    /// Whether the reader has gone away.
    pub(super) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    /// Writes a text, at once.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())?;
        self.flush()
    }

    fn noting<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.broken_pipe |= error.kind() == ErrorKind::BrokenPipe;
        }
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.noting(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.noting(result)
    }
}
