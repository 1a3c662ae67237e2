//! Chunks of lines become chunks of events: in the caller's thread, or in many with the order kept.

use std::collections::BTreeMap;
use std::io::Read;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::extract::error::ExtractError;

use super::event::{Event, EventParser};
use super::lines::{CHUNK_BYTES, LineChunks};
use super::unpack::UTF8_MARK;

/// The events of one chunk of lines, in order.
#[derive(Debug, Default)]
pub(super) struct ParsedChunk {
    pub(super) events: Vec<Event>,
    /// Lines that are not blank.
    pub(super) lines: u64,
    pub(super) bad_lines: u64,
    /// The first bad line of the chunk, counted from 1, and what is wrong with it.
    pub(super) first_bad: Option<(u64, String)>,
    /// The last line has no line end and is broken: the log was cut off within it.
    pub(super) cut_off: bool,
}

impl ParsedChunk {
    fn parse(chunk: &[u8], parser: &mut EventParser) -> Self {
        let mut parsed = Self::default();
        let mut rest = without_blank_lines(chunk);
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (line, tail) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, &[]));
            rest = without_blank_lines(tail.get(1..).unwrap_or_default());
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                parsed.line(line, end.is_some(), parser);
            }
        }
        parsed
    }

    /// Reads the event that stands within padding. Where zeros were part of it the line counts as bad:
    /// what they replace is lost.
    fn padded_line(&mut self, padded: Padded, has_end: bool, parser: &mut EventParser) {
        let bad_lines = self.bad_lines;
        self.lines -= 1;
        self.line(padded.text, has_end, parser);
        if padded.has_zeros && self.bad_lines == bad_lines && !self.cut_off {
            self.bad_lines += 1;
            let problem = "zeros stand in the place of text".to_owned();
            self.first_bad.get_or_insert((self.lines, problem));
        }
    }

    fn line(&mut self, line: &[u8], has_end: bool, parser: &mut EventParser) {
        self.lines += 1;
        match parser.parse(line) {
            Ok(event) => self.events.extend(event),
            // A carriage return ends a line too, but costs a search: looked for only where needed.
            Err(_) if memchr::memchr(b'\r', line).is_some() => {
                self.lines -= 1;
                let parts: Vec<&[u8]> = line
                    .split(|byte| *byte == b'\r')
                    .filter(|part| !part.is_empty())
                    .collect();
                let last = parts.len().saturating_sub(1);
                for (at, part) in parts.into_iter().enumerate() {
                    self.line(part, has_end || at < last, parser);
                }
            }
            Err(_) if line.iter().all(u8::is_ascii_whitespace) => self.lines -= 1,
            Err(error) => match Padded::of(line) {
                Some(padded) => self.padded_line(padded, has_end, parser),
                None if !has_end => self.cut_off = true,
                None => {
                    self.bad_lines += 1;
                    self.first_bad
                        .get_or_insert_with(|| (self.lines, error.to_string()));
                }
            },
        }
    }
}

/// A line with something around its text that is none.
struct Padded<'l> {
    /// The line without it.
    text: &'l [u8],
    has_zeros: bool,
}

impl<'l> Padded<'l> {
    /// Takes byte order marks off the beginning, where a file with a mark was appended to another, and
    /// zeros off both ends: after a crash, a file system leaves them in the place of data that it had
    /// not written, and the writer that appends goes on behind them. All at once, however many a
    /// hostile line has. `None` where there is nothing to take off, or zeros and no text.
    fn of(line: &'l [u8]) -> Option<Self> {
        let mut text = line;
        let mut has_zeros = false;
        loop {
            if let Some(rest) = text.strip_prefix(UTF8_MARK) {
                text = rest;
            } else if let Some(rest) = text.strip_prefix(&[0]) {
                text = rest;
                has_zeros = true;
            } else {
                break;
            }
        }
        while let Some(rest) = text.strip_suffix(&[0]) {
            text = rest;
            has_zeros = true;
        }
        let is_padded = text.len() < line.len() && !(has_zeros && text.is_empty());
        is_padded.then_some(Self { text, has_zeros })
    }
}

/// `text` without the line ends that it begins with. A few kilobytes can unpack to gigabytes of them,
/// so they are passed over in blocks that the compiler turns into wide comparisons.
fn without_blank_lines(mut text: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !text.first().is_some_and(is_end) {
        return text;
    }
    while let Some((block, rest)) = text.split_first_chunk::<128>() {
        let others = block.iter().fold(0_u8, |others, byte| {
            others | u8::from(*byte != b'\n' && *byte != b'\r')
        });
        if others != 0 {
            break;
        }
        text = rest;
    }
    let start = text.iter().position(|byte| !is_end(byte));
    text.get(start.unwrap_or(text.len())..).unwrap_or_default()
}

/// How the reading ended.
#[derive(Debug, Default)]
pub(super) struct ReadSummary {
    pub(super) oversized_lines: u64,
}

/// Reads all of `source` and gives each chunk's events to `apply`, in order.
///
/// With one thread everything happens in the caller's; with more, one thread reads and decodes,
/// `threads` parse, and the caller's applies. Chunks in flight are bounded, so memory is too.
pub(super) fn for_each_chunk<R: Read + Send>(
    source: &mut LineChunks<R>,
    threads: usize,
    apply: impl FnMut(ParsedChunk) -> Result<(), ExtractError>,
    io_error: impl Fn(std::io::Error) -> ExtractError + Sync,
) -> Result<ReadSummary, ExtractError> {
    if threads <= 1 {
        in_one_thread(source, apply, io_error)?;
    } else {
        in_threads(source, threads, apply, io_error)?;
    }
    Ok(ReadSummary {
        oversized_lines: source.oversized_lines,
    })
}

fn in_one_thread<R: Read>(
    source: &mut LineChunks<R>,
    mut apply: impl FnMut(ParsedChunk) -> Result<(), ExtractError>,
    io_error: impl Fn(std::io::Error) -> ExtractError,
) -> Result<(), ExtractError> {
    let mut parser = EventParser::default();
    let mut chunk = Vec::new();
    while source.next(&mut chunk).map_err(&io_error)? {
        apply(ParsedChunk::parse(&chunk, &mut parser))?;
    }
    Ok(())
}

fn in_threads<R: Read + Send>(
    source: &mut LineChunks<R>,
    threads: usize,
    apply: impl FnMut(ParsedChunk) -> Result<(), ExtractError>,
    io_error: impl Fn(std::io::Error) -> ExtractError + Sync,
) -> Result<(), ExtractError> {
    let in_flight = threads * 2 + 2;
    let (free_sender, free) = bounded::<Vec<u8>>(in_flight);
    for _ in 0..in_flight {
        // The channel holds exactly this many: sending cannot fail.
        free_sender
            .send(Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 2))
            .ok();
    }
    let (text_sender, text) = bounded::<(u64, Vec<u8>)>(in_flight);
    let (parsed_sender, parsed) = bounded::<(u64, ParsedChunk, Vec<u8>)>(in_flight);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read_chunks(source, &free, &text_sender));
        for _ in 0..threads {
            let (text, parsed_sender) = (text.clone(), parsed_sender.clone());
            scope.spawn(move || parse_chunks(&text, &parsed_sender));
        }
        drop(parsed_sender);
        drop(text);
        let applied = apply_in_order(parsed, free_sender, apply);
        let read = reader
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the reader stopped")));
        applied?;
        read.map_err(io_error)
    })
}

/// Reads until the end, or until the receiver wants no more.
fn read_chunks<R: Read>(
    source: &mut LineChunks<R>,
    free: &Receiver<Vec<u8>>,
    text: &Sender<(u64, Vec<u8>)>,
) -> std::io::Result<()> {
    for (number, mut chunk) in (0..).zip(free) {
        if !source.next(&mut chunk)? || text.send((number, chunk)).is_err() {
            break;
        }
    }
    Ok(())
}

fn parse_chunks(text: &Receiver<(u64, Vec<u8>)>, parsed: &Sender<(u64, ParsedChunk, Vec<u8>)>) {
    let mut parser = EventParser::default();
    for (number, chunk) in text {
        let events = ParsedChunk::parse(&chunk, &mut parser);
        if parsed.send((number, events, chunk)).is_err() {
            return;
        }
    }
}

/// Applies chunks in order of their numbers, and gives their buffers back.
fn apply_in_order(
    parsed: Receiver<(u64, ParsedChunk, Vec<u8>)>,
    free: Sender<Vec<u8>>,
    mut apply: impl FnMut(ParsedChunk) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, events, buffer) in parsed {
        waiting.insert(number, (events, buffer));
        while let Some((events, buffer)) = waiting.remove(&next) {
            apply(events)?;
            next += 1;
            // The reader may have ended already.
            free.send(buffer).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_behind_zeros_is_read_and_what_they_replace_is_told() {
        let event = br#"{"Event":"SparkListenerUnpersistRDD","RDD ID":7}"#.as_slice();
        let zeros = vec![0; 8192];
        let counts = |parts: &[&[u8]]| {
            let parsed = ParsedChunk::parse(&parts.concat(), &mut EventParser::default());
            let bad = parsed.first_bad.map(|(line, _)| line);
            let (events, lines) = (parsed.events.len(), parsed.lines);
            (events, lines, parsed.bad_lines, bad, parsed.cut_off)
        };
        let n = b"\n".as_slice();
        let found = counts(&[event, n, &zeros, event, n, event, n]);
        assert_eq!(found, (3, 3, 1, Some(2), false));
        let found = counts(&[event, n, event, &zeros, n, event]);
        assert_eq!(found, (3, 3, 1, Some(2), false));
        let found = counts(&[event, n, &zeros, n, event, n]);
        assert_eq!(found, (2, 3, 1, Some(2), false));
        // The text breaks off, and zeros follow to the end of the file.
        let found = counts(&[event, n, b"{\"Event\":\"Spark", &zeros]);
        assert_eq!(found, (1, 2, 0, None, true));
        let found = counts(&[event, n, &zeros]);
        assert_eq!(found, (1, 2, 0, None, true));
    }

    /// Taken off one by one, each with another look at the line, they would overflow the stack and take hours.
    #[test]
    fn a_line_of_a_million_marks_and_zeros_is_one_bad_line() {
        let padding = [UTF8_MARK, &[0]].concat().repeat(1 << 20);
        for text in [b"x".as_slice(), b"".as_slice()] {
            let line = [&padding, text, b"\n"].concat();
            let parsed = ParsedChunk::parse(&line, &mut EventParser::default());
            assert_eq!((parsed.lines, parsed.bad_lines), (1, 1));
        }
        let marks = [UTF8_MARK.repeat(1 << 20), b"\n".to_vec()].concat();
        let parsed = ParsedChunk::parse(&marks, &mut EventParser::default());
        assert_eq!((parsed.lines, parsed.bad_lines), (0, 0));
    }

    #[test]
    fn blank_lines_count_for_nothing_wherever_they_are() {
        let event = br#"{"Event":"SparkListenerUnpersistRDD","RDD ID":7}"#.as_slice();
        for blank in [1, 127, 128, 129, 1_000] {
            let ends = b"\n".repeat(blank);
            let returns = b"\r\n".repeat(blank);
            let spaces = b" \t\n".repeat(blank);
            let text = [&ends, event, &returns, event, b"\n", &spaces, event, &ends].concat();
            let parsed = ParsedChunk::parse(&text, &mut EventParser::default());
            let counts = (parsed.events.len(), parsed.lines, parsed.bad_lines);
            assert_eq!(counts, (3, 3, 0), "{blank}");
        }
    }
}
