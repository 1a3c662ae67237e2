//! The pieces that a log's text is made of: files, or entries of an archive.

use std::io::{self, BufReader, Read};

use super::codec::zip::{self, ZipEntry};
use super::codec::{DecodeLimits, Fault, READ_BUFFER_BYTES, fault_of};
use super::input::{Archive, LocalFile, Opener, failure_of};
use super::unpack::{Unpacked, unpack};
use crate::discover::{ArchivedLog, SourceFile, archived_logs, file_name};
use crate::extract::error::ExtractError;

/// Bytes of a piece that are enough to decode its first line.
const HEAD_BYTES: u64 = 64 * 1024;

/// A piece of the log that is yet to be read.
#[derive(Debug, Clone)]
pub(super) enum Part {
    File(SourceFile),
    Entry {
        archive: Archive,
        entry: ZipEntry,
        archive_uri: String,
    },
}

impl Part {
    pub(super) fn uri(&self) -> String {
        match self {
            Self::File(file) => file.uri.clone(),
            Self::Entry {
                entry, archive_uri, ..
            } => format!("{archive_uri}!/{}", entry.name),
        }
    }

    /// Its file's name, which says what kind of piece it is.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::File(file) => file_name(file.path.as_ref()),
            Self::Entry { entry, .. } => file_name(&entry.name),
        }
    }

    pub(super) fn open(&self, opener: &Opener) -> Result<Box<dyn Read + Send>, ExtractError> {
        match self {
            Self::File(file) => opener.open(file),
            Self::Entry { archive, entry, .. } => opener.open_entry(archive, entry),
        }
    }

    /// The first text of the piece; `None` where it has none that can be read.
    pub(super) fn head_text(
        &self,
        opener: &Opener,
        limits: &DecodeLimits,
    ) -> Option<impl Read + use<>> {
        let input = match self {
            Self::File(file) => opener.open_head(file, HEAD_BYTES).ok()?,
            Self::Entry { .. } => Box::new(self.open(opener).ok()?.take(HEAD_BYTES)),
        };
        Some(self.text(input, limits)?.take(HEAD_BYTES))
    }

    /// Bytes of text that can be read of the piece, up to what the limits allow.
    pub(super) fn text_bytes(&self, opener: &Opener, limits: &DecodeLimits) -> u64 {
        let input = self.open(opener).ok();
        let Some(mut text) = input.and_then(|input| self.text(input, limits)) else {
            return 0;
        };
        let (mut buffer, mut bytes) = (vec![0; READ_BUFFER_BYTES], 0);
        let most = limits.max_decoded_bytes;
        while bytes <= most {
            match text.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => bytes += count as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        bytes
    }

    fn text(
        &self,
        input: Box<dyn Read + Send>,
        limits: &DecodeLimits,
    ) -> Option<Box<dyn Read + Send>> {
        match unpack(input, self.name(), limits) {
            Ok(Unpacked::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// What an archive holds.
pub(super) struct ArchiveContents {
    pub(super) logs: Vec<ArchivedLog>,
    /// It has no directory: files may be missing.
    pub(super) is_cut_off: bool,
}

/// The logs in an archive on this machine.
///
/// # Errors
/// When the archive cannot be read, or holds no log.
pub(super) fn logs_in(
    archive: &LocalFile,
    limits: &DecodeLimits,
) -> Result<ArchiveContents, ExtractError> {
    let uri = archive.uri();
    let open = || -> Result<_, ExtractError> {
        let file = archive.open()?;
        Ok(BufReader::with_capacity(READ_BUFFER_BYTES, file))
    };
    let failed = |error: io::Error| match fault_of(&error) {
        Fault::Source => failure_of(error, uri),
        _ => ExtractError::Corrupt {
            uri: uri.to_owned(),
            reason: error.to_string(),
        },
    };
    let (entries, is_cut_off) = match zip::directory(open()?) {
        Err(error) if fault_of(&error) == Fault::Truncated => {
            (zip::recover(open()?, limits).map_err(failed)?, true)
        }
        entries => (entries.map_err(failed)?, false),
    };
    let (logs, problems) = archived_logs(&entries);
    if let (true, Some(problem)) = (logs.is_empty(), problems.first()) {
        return Err(ExtractError::Corrupt {
            uri: uri.to_owned(),
            reason: problem.to_string(),
        });
    }
    if logs.is_empty() {
        return Err(ExtractError::EmptyLog {
            uri: uri.to_owned(),
        });
    }
    Ok(ArchiveContents { logs, is_cut_off })
}

/// The pieces of a log within an archive.
pub(super) struct Entries {
    pub(super) parts: Vec<Part>,
    /// The archive has no directory: pieces may be missing.
    pub(super) is_cut_off: bool,
}

/// The pieces of the chosen log within an archive; without a choice those of its only log.
///
/// # Errors
/// As [`logs_in`], and when there are several logs and none was chosen.
pub(super) fn entries_of(
    archive: LocalFile,
    chosen: &[ZipEntry],
    limits: &DecodeLimits,
) -> Result<Entries, ExtractError> {
    let uri = archive.uri().to_owned();
    if !chosen.is_empty() {
        return Ok(Entries {
            parts: to_parts(&Archive::Local(archive), chosen, &uri),
            is_cut_off: false,
        });
    }
    let ArchiveContents {
        mut logs,
        is_cut_off,
    } = logs_in(&archive, limits)?;
    match (logs.pop(), logs.len()) {
        (Some(only), 0) => Ok(Entries {
            parts: to_parts(&Archive::Local(archive), &only.entries, &uri),
            is_cut_off,
        }),
        (_, others) => Err(ExtractError::SeveralLogs {
            uri,
            logs: others + 1,
        }),
    }
}

/// Entries of an archive as pieces.
pub(super) fn to_parts(archive: &Archive, entries: &[ZipEntry], uri: &str) -> Vec<Part> {
    let to_part = |entry: &ZipEntry| Part::Entry {
        archive: archive.clone(),
        entry: entry.clone(),
        archive_uri: uri.to_owned(),
    };
    entries.iter().map(to_part).collect()
}
