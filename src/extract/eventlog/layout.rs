//! One log as one stream of text, however many files it is made of and whatever they are packed
//! with.
//!
//! The stream is synchronous: parsing takes a processor, not a network, and belongs on a thread of
//! its own. Objects are fetched by tasks of the runtime that run a little ahead.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use tokio::runtime::Handle;

use super::codec::zip::ZipEntry;
use super::codec::{DecodeLimits, Fault, READ_BUFFER_BYTES, fault_of};
use super::input::{LocalFile, Opener, failure_of};
use super::part::{Part, entries_of, logs_in, to_parts};
use super::rollover::{self, Arranged};
use super::unpack::{Unpacked, unpack};
use crate::discover::{ArchivedLog, EventLog, Layout, SourceFile};
use crate::extract::error::ExtractError;

/// Bytes of text that [`open`] decodes ahead, to tell an empty or unreadable log at once.
const LOOKAHEAD_BYTES: usize = 8 * 1024;
/// Archives that may lie within each other.
const MAX_ARCHIVES: usize = 4;
/// A file of so few bytes holds a header at most.
const STUB_BYTES: u64 = 32;
/// First bytes that an error shows.
const SHOWN_BYTES: usize = 16;

/// Where and why the text ended before the log did. What was read until then is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncation {
    /// URI of the file.
    pub file: String,
    /// Bytes of text that this file gave.
    pub offset: u64,
    /// Why.
    pub reason: TruncationReason,
}

impl fmt::Display for Truncation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} after {} bytes of text: {}",
            self.file, self.offset, self.reason
        )
    }
}

/// Why the text ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruncationReason {
    /// The file ends in the middle of a block: it is still being written, its writer was killed, or
    /// a copy was cut off.
    CutOff,
    /// The file is damaged from there on; says how.
    Corrupt(String),
}

impl fmt::Display for TruncationReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => formatter.write_str("the file is cut off"),
            Self::Corrupt(how) => write!(formatter, "the file is damaged: {how}"),
        }
    }
}

/// Opens `log`.
///
/// Call it, and read the result, on a thread that may block: not on a worker of `runtime`, which
/// fetches objects meanwhile.
///
/// # Errors
/// [`ExtractError::EmptyLog`], [`ExtractError::UnknownCodec`] and [`ExtractError::Corrupt`] when there
/// is no text at all; [`ExtractError::SeveralLogs`] for an archive of several logs none of which was
/// chosen; [`ExtractError::Vanished`] and others when a file cannot be read.
pub fn open(
    log: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<LogReader, ExtractError> {
    let opener = Opener::new(Arc::clone(&log.store), runtime.clone());
    let parts = parts_of(log, &opener)?;
    let arranged = rollover::arrange(parts, &opener, limits);
    let mut reader = LogReader::new(log, arranged, opener, limits);
    reader.look_ahead()?;
    Ok(reader)
}

/// The logs in `log`: one for each SparkContext, where the chunks of several lie in one folder.
///
/// # Errors
/// As [`open`].
pub fn split(
    log: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Vec<EventLog>, ExtractError> {
    let opener = Opener::new(Arc::clone(&log.store), runtime.clone());
    let parts = parts_of(log, &opener)?;
    let contexts = rollover::by_context(&parts, &opener, limits);
    if contexts.len() < 2 {
        return Ok(vec![log.clone()]);
    }
    let of_context = |(context, members): (Option<i64>, Vec<usize>)| {
        let mut part = log.clone();
        if let Some(context) = context {
            part.uri = format!("{}#{context}", log.uri);
        }
        let pick = |index: &usize| parts.get(*index);
        match log.layout {
            Layout::Zip => {
                part.zip_entries = members
                    .iter()
                    .filter_map(pick)
                    .filter_map(entry_of)
                    .collect();
            }
            _ => {
                part.files = members
                    .iter()
                    .filter_map(pick)
                    .filter_map(file_of)
                    .collect();
            }
        }
        part
    };
    Ok(contexts.into_iter().map(of_context).collect())
}

/// The logs in the archive that `log` turned out to be.
///
/// # Errors
/// As [`open`].
pub fn inside(
    log: &EventLog,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<Vec<EventLog>, ExtractError> {
    let opener = Opener::new(Arc::clone(&log.store), runtime.clone());
    let parts = parts_of(log, &opener)?;
    let mut reader = LogReader::new(log, Arranged { parts, gap: None }, opener, limits);
    let Some(part) = reader.parts.pop_front() else {
        return Ok(Vec::new());
    };
    let input = part.open(&reader.opener)?;
    let unpacked = unpack(input, part.name(), limits);
    let Ok(Unpacked::Archive { is_file, bytes }) = unpacked else {
        return Ok(Vec::new());
    };
    let archive = reader.archive(&part, is_file, bytes)?;
    let to_log = |inside: ArchivedLog| EventLog {
        uri: format!("{}!/{}", log.uri, inside.path),
        layout: if is_file { Layout::Zip } else { log.layout },
        zip_entries: inside.entries,
        in_progress: inside.in_progress,
        ..log.clone()
    };
    let logs = logs_in(&archive, limits)?.logs;
    Ok(logs.into_iter().map(to_log).collect())
}

fn entry_of(part: &Part) -> Option<ZipEntry> {
    match part {
        Part::Entry { entry, .. } => Some(entry.clone()),
        Part::File(_) => None,
    }
}

fn file_of(part: &Part) -> Option<SourceFile> {
    match part {
        Part::File(file) => Some(file.clone()),
        Part::Entry { .. } => None,
    }
}

/// The pieces of `log` in the order of their names.
fn parts_of(log: &EventLog, opener: &Opener) -> Result<Vec<Part>, ExtractError> {
    match (log.layout, log.files.as_slice()) {
        (Layout::Zip, [archive]) if !log.zip_entries.is_empty() => {
            let place = opener.archive(archive)?;
            Ok(to_parts(&place, &log.zip_entries, &archive.uri))
        }
        _ => Ok(log.files.iter().cloned().map(Part::File).collect()),
    }
}

/// The text of one log.
///
/// `read` fails when a file cannot be read or the log is a decompression bomb;
/// [`ExtractError::from_read`] tells which. Damage and a cut-off end are no errors: the text ends, and
/// [`LogReader::truncation`] says so.
pub struct LogReader {
    opener: Opener,
    limits: DecodeLimits,
    log_uri: String,
    /// What to read of the first archive that is met.
    zip_entries: Vec<ZipEntry>,
    archives: usize,
    parts: VecDeque<Part>,
    current: Option<OpenPart>,
    current_uri: String,
    lookahead: VecDeque<u8>,
    decoded_bytes: u64,
    last_byte: Option<u8>,
    truncation: Option<Truncation>,
    gap: Option<String>,
}

struct OpenPart {
    text: Box<dyn Read + Send>,
    decoded_bytes: u64,
}

impl LogReader {
    fn new(log: &EventLog, arranged: Arranged, opener: Opener, limits: &DecodeLimits) -> Self {
        Self {
            opener,
            limits: limits.clone(),
            log_uri: log.uri.clone(),
            // With this layout they are the parts already, and mean no archive within them.
            zip_entries: match log.layout {
                Layout::Zip => Vec::new(),
                _ => log.zip_entries.clone(),
            },
            archives: 0,
            parts: arranged.parts.into(),
            current: None,
            current_uri: log.uri.clone(),
            lookahead: VecDeque::new(),
            decoded_bytes: 0,
            last_byte: None,
            truncation: None,
            gap: arranged.gap,
        }
    }

    /// URI of the file that is being read, or was read last.
    pub fn current_file(&self) -> &str {
        &self.current_uri
    }

    /// Bytes read so far from all files of the log, before unpacking. Runs a little ahead of the text.
    pub fn compressed_bytes(&self) -> u64 {
        self.opener.bytes_read()
    }

    /// Set when the text has ended early; what came before is good.
    pub fn truncation(&self) -> Option<&Truncation> {
        self.truncation.as_ref()
    }

    /// Which pieces of the log are missing, as far as their numbers tell.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }

    /// Decodes the first text, so that a log without any is an error of [`open`].
    fn look_ahead(&mut self) -> Result<(), ExtractError> {
        let mut text = vec![0; LOOKAHEAD_BYTES];
        let count = self.read_text(&mut text)?;
        if count > 0 {
            text.truncate(count);
            self.lookahead = text.into();
            return Ok(());
        }
        let uri = self.log_uri.clone();
        match self.truncation.take() {
            Some(Truncation {
                file,
                reason: TruncationReason::Corrupt(reason),
                ..
            }) => Err(ExtractError::Corrupt { uri: file, reason }),
            Some(Truncation { file, .. }) if self.compressed_bytes() > STUB_BYTES => {
                Err(ExtractError::Corrupt {
                    uri: file,
                    reason:
                        "it is cut off within its first compressed block, of which nothing can \
                             be decoded; copy it again"
                            .to_owned(),
                })
            }
            _ => Err(ExtractError::EmptyLog { uri }),
        }
    }

    /// The next text; 0 at the end of the log, or where it stops being good.
    fn read_text(&mut self, buffer: &mut [u8]) -> Result<usize, ExtractError> {
        while !buffer.is_empty() && self.truncation.is_none() {
            if self.limits.is_late() {
                return Err(ExtractError::Timeout {
                    uri: self.log_uri.clone(),
                });
            }
            let Some(part) = &mut self.current else {
                match self.parts.pop_front() {
                    Some(part) => self.start(&part)?,
                    None => break,
                }
                continue;
            };
            match part.text.read(buffer) {
                Ok(0) => {
                    self.current = None;
                    if let Some(count) = self.end_line(buffer) {
                        return Ok(count);
                    }
                }
                Ok(count) => {
                    part.decoded_bytes += count as u64;
                    self.account(count)?;
                    self.last_byte = buffer.get(..count).and_then(<[u8]>::last).copied();
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.stop(error)?,
            }
        }
        Ok(0)
    }

    /// Between two files: a line end, when the first one ends without.
    fn end_line(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let needs_end = !self.parts.is_empty() && self.last_byte.is_some_and(|byte| byte != b'\n');
        let place = buffer.first_mut().filter(|_| needs_end)?;
        *place = b'\n';
        self.last_byte = Some(b'\n');
        Some(1)
    }

    /// Begins to read `part`; an empty file gives no text.
    fn start(&mut self, part: &Part) -> Result<(), ExtractError> {
        self.current_uri = part.uri();
        let input = part.open(&self.opener)?;
        match unpack(input, part.name(), &self.limits) {
            Ok(Unpacked::Empty) => Ok(()),
            Ok(Unpacked::Text(text)) => {
                self.current = Some(OpenPart {
                    text,
                    decoded_bytes: 0,
                });
                Ok(())
            }
            Ok(Unpacked::Archive { is_file, bytes }) => self.start_archive(part, is_file, bytes),
            Ok(Unpacked::Utf16) => self.stop_at_utf16(),
            Ok(Unpacked::Unknown(head)) => self.stop_at_unknown(&head),
            Err(error) => self.stop(error),
        }
    }

    /// Puts the pieces in an archive in the place of `part`, which is the archive.
    fn start_archive(
        &mut self,
        part: &Part,
        is_file: bool,
        bytes: Box<dyn Read + Send>,
    ) -> Result<(), ExtractError> {
        self.archives += 1;
        if self.archives > MAX_ARCHIVES {
            let reason = format!("more than {MAX_ARCHIVES} archives lie within each other");
            self.truncate(TruncationReason::Corrupt(reason));
            return Ok(());
        }
        let archive = self.archive(part, is_file, bytes)?;
        let chosen = std::mem::take(&mut self.zip_entries);
        let inside = entries_of(archive, &chosen, &self.limits)?;
        let arranged = rollover::arrange(inside.parts, &self.opener, &self.limits);
        let cut_off = inside.is_cut_off.then(|| {
            "the archive was cut off: it has no directory, and files may be missing".to_owned()
        });
        self.gap = self.gap.take().or(cut_off).or(arranged.gap);
        let rest = std::mem::replace(&mut self.parts, arranged.parts.into());
        self.parts.extend(rest);
        Ok(())
    }

    /// An archive as a file on this machine: its own, or a copy of what `bytes` give.
    fn archive(
        &mut self,
        part: &Part,
        is_file: bool,
        mut bytes: Box<dyn Read + Send>,
    ) -> Result<LocalFile, ExtractError> {
        if let (Part::File(file), true) = (part, is_file) {
            return self.opener.open_seekable(file);
        }
        let mut copy = self.opener.temporary(&part.uri())?;
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        let mut copied = 0;
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    copied += count as u64;
                    let compressed_bytes = self.compressed_bytes();
                    if !self.limits.allow(copied, compressed_bytes) {
                        return Err(ExtractError::DecompressionBomb {
                            uri: part.uri(),
                            decoded_bytes: copied,
                            compressed_bytes,
                        });
                    }
                    copy.write(buffer.get(..count).unwrap_or_default())?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if fault_of(&error) == Fault::Source => {
                    return Err(failure_of(error, &part.uri()));
                }
                // Cut off or damaged: the archive has no directory then, and says so itself.
                Err(_) => break,
            }
        }
        copy.finish()
    }

    fn stop_at_utf16(&mut self) -> Result<(), ExtractError> {
        let reason = "its text is UTF-16, and Spark writes UTF-8; convert it with \
                      `iconv -f UTF-16 -t UTF-8`";
        if self.decoded_bytes == 0 {
            return Err(ExtractError::NotAnEventLog {
                uri: self.current_uri.clone(),
                reason: reason.to_owned(),
            });
        }
        self.truncate(TruncationReason::Corrupt(reason.to_owned()));
        Ok(())
    }

    fn stop_at_unknown(&mut self, head: &[u8]) -> Result<(), ExtractError> {
        let first_bytes: Vec<_> = head
            .iter()
            .take(SHOWN_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let first_bytes = first_bytes.join(" ");
        if self.decoded_bytes == 0 {
            return Err(ExtractError::UnknownCodec {
                uri: self.current_uri.clone(),
                first_bytes,
            });
        }
        let reason = format!("neither text nor packed in a known way; begins with {first_bytes}");
        self.truncate(TruncationReason::Corrupt(reason));
        Ok(())
    }

    /// Ends the text at a fault of the data; an error of the disk or network is returned.
    fn stop(&mut self, error: io::Error) -> Result<(), ExtractError> {
        match fault_of(&error) {
            Fault::Source => return Err(failure_of(error, &self.current_uri)),
            Fault::Truncated => self.truncate(TruncationReason::CutOff),
            Fault::Corrupt(how) => self.truncate(TruncationReason::Corrupt(how)),
        }
        Ok(())
    }

    fn truncate(&mut self, reason: TruncationReason) {
        let offset = self.current.take().map_or(0, |part| part.decoded_bytes);
        self.parts.clear();
        self.truncation = Some(Truncation {
            file: self.current_uri.clone(),
            offset,
            reason,
        });
    }

    fn account(&mut self, count: usize) -> Result<(), ExtractError> {
        self.decoded_bytes += count as u64;
        let compressed_bytes = self.compressed_bytes();
        if self.limits.allow(self.decoded_bytes, compressed_bytes) {
            return Ok(());
        }
        self.current = None;
        self.parts.clear();
        Err(ExtractError::DecompressionBomb {
            uri: self.current_uri.clone(),
            decoded_bytes: self.decoded_bytes,
            compressed_bytes,
        })
    }
}

impl Read for LogReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.lookahead.is_empty() {
            return self.lookahead.read(buffer);
        }
        self.read_text(buffer).map_err(io::Error::other)
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogReader")
            .field("log", &self.log_uri)
            .field("current_file", &self.current_uri)
            .field("decoded_bytes", &self.decoded_bytes)
            .field("truncation", &self.truncation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
