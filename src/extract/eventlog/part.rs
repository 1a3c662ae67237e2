//! The pieces that a log's text is made of: files, or entries of an archive.

use std::io::{BufReader, Read};

use super::codec::zip::{self, ZipEntry};
use super::codec::{Codec, DETECT_BYTES, Fault, Limits, READ_BUFFER_BYTES, decoder, fault_of};
use super::input::{LocalFile, Opener, failure_of};
use crate::discover::{LogFile, SourceFile, file_name, group};
use crate::extract::error::ExtractError;

/// Bytes of a piece that are enough to decode its first line.
const HEAD_BYTES: u64 = 64 * 1024;

/// A piece of the log that is yet to be read.
#[derive(Debug, Clone)]
pub(super) enum Part {
    File(SourceFile),
    Entry {
        archive: LocalFile,
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
    pub(super) fn head_text(&self, opener: &Opener, limits: &Limits) -> Option<impl Read + use<>> {
        let mut input = match self {
            Self::File(file) => opener.open_head(file, HEAD_BYTES).ok()?,
            Self::Entry { .. } => Box::new(self.open(opener).ok()?.take(HEAD_BYTES)),
        };
        let mut head = Vec::new();
        // A piece that is cut off within its head still has the text before.
        let _ = input.read_to_end(&mut head);
        let codec = Codec::detect(head.get(..DETECT_BYTES).unwrap_or(&head), self.name())?;
        let text = decoder(codec, std::io::Cursor::new(head), limits).ok()?;
        Some(text.take(HEAD_BYTES))
    }

    /// Bytes of text that can be read of the piece, up to what the limits allow.
    pub(super) fn text_bytes(&self, opener: &Opener, limits: &Limits) -> u64 {
        let decode = || {
            let mut input = self.open(opener).ok()?;
            let mut head = Vec::new();
            let _ = input
                .by_ref()
                .take(DETECT_BYTES as u64)
                .read_to_end(&mut head);
            let codec = Codec::detect(&head, self.name())?;
            let input = BufReader::with_capacity(READ_BUFFER_BYTES, input);
            decoder(codec, std::io::Cursor::new(head).chain(input), limits).ok()
        };
        let Some(mut text) = decode() else {
            return 0;
        };
        let (mut buffer, mut bytes) = (vec![0; READ_BUFFER_BYTES], 0);
        loop {
            match text.read(&mut buffer) {
                Ok(0) => return bytes,
                Ok(count) => bytes += count as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return bytes,
            }
            if bytes > limits.max_decoded_bytes {
                return bytes;
            }
        }
    }
}

/// The entries of the chosen log within an archive; without a choice those of its only log.
///
/// # Errors
/// When the archive cannot be read, or holds several logs and none was chosen.
pub(super) fn entries_of(
    file: &SourceFile,
    chosen: &[String],
    opener: &Opener,
) -> Result<Vec<Part>, ExtractError> {
    let archive = opener.open_seekable(file)?;
    let buffered = BufReader::with_capacity(READ_BUFFER_BYTES, archive.open()?);
    let entries = zip::directory(buffered).map_err(|error| match fault_of(&error) {
        Fault::Source => failure_of(error, &file.uri),
        _ => ExtractError::Corrupt {
            uri: file.uri.clone(),
            reason: error.to_string(),
        },
    })?;
    let names = match chosen {
        [] => entries_of_only_log(&entries, &file.uri)?,
        chosen => chosen.to_vec(),
    };
    let to_part = |name: &String| {
        let entry = entries.iter().find(|entry| entry.name == *name)?.clone();
        Some(Part::Entry {
            archive: archive.clone(),
            entry,
            archive_uri: file.uri.clone(),
        })
    };
    Ok(names.iter().filter_map(to_part).collect())
}

fn entries_of_only_log(entries: &[ZipEntry], uri: &str) -> Result<Vec<String>, ExtractError> {
    let files: Vec<_> = entries
        .iter()
        .map(|entry| LogFile {
            path: entry.name.clone(),
            size: entry.compressed_size,
        })
        .collect();
    let mut grouped = group(&files);
    if let Some(problem) = grouped.problems.first() {
        return Err(ExtractError::Corrupt {
            uri: uri.to_owned(),
            reason: problem.to_string(),
        });
    }
    match (grouped.logs.pop(), grouped.logs.len()) {
        (Some(only), 0) => Ok(only.files),
        (None, _) => Err(ExtractError::EmptyLog {
            uri: uri.to_owned(),
        }),
        (Some(_), others) => Err(ExtractError::SeveralLogs {
            uri: uri.to_owned(),
            logs: others + 1,
        }),
    }
}
