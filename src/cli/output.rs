//! Standard output, which may be a pipe that its reader closes early, or a terminal that must not
//! be told to do things.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use super::text::Printable;

/// What answers are written to.
pub(super) trait Target: Write {
    /// The width of the terminal, in characters; `None` where there is none.
    fn width(&self) -> Option<u16> {
        None
    }
}

impl Target for Vec<u8> {}

impl<T: Target + ?Sized> Target for &mut T {
    fn width(&self) -> Option<u16> {
        (**self).width()
    }
}

/// Standard output. Remembers when its reader has gone away: `sparklake sql … | head` is no error.
/// What goes to a terminal loses its control and direction characters, in every format: names in
/// logs can hold anything.
pub(super) struct Output {
    inner: BufWriter<Stdout>,
    terminal: Option<Printable>,
    broken_pipe: bool,
}

impl Output {
    /// The process's standard output.
    pub(super) fn stdout() -> Self {
        let stdout = io::stdout();
        Self {
            terminal: stdout.is_terminal().then(Printable::default),
            inner: BufWriter::new(stdout),
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

impl Target for Output {
    fn width(&self) -> Option<u16> {
        self.terminal.as_ref()?;
        comfy_table::Table::new().width()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match &mut self.terminal {
            None => self.inner.write(bytes),
            Some(printable) => self
                .inner
                .write_all(printable.next(bytes).as_bytes())
                .map(|()| bytes.len()),
        };
        self.noting(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.noting(result)
    }
}
