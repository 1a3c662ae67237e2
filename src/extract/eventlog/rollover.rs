//! The order of Databricks' chunks, by what they say of themselves.
//!
//! Names give the order by the minute, and the clock of a driver may step. Each chunk begins with a
//! `DBCEventLoggingListenerMetadata` event that numbers it within its SparkContext; where every chunk
//! has one, that decides.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

use super::codec::{Codec, DETECT_BYTES, Limits, decoder};
use super::input::Opener;
use crate::discover::SourceFile;

/// Bytes of a chunk that are enough to decode its first line.
const HEAD_BYTES: u64 = 64 * 1024;

/// What we need of `DBCEventLoggingListenerMetadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Rollover {
    #[serde(rename = "Rollover Number")]
    number: i64,
    /// Beyond 2^53 in real logs.
    #[serde(rename = "SparkContext Id")]
    context: i64,
}

/// Puts `files`, given in the order of their names, into reading order.
///
/// Chunks of one SparkContext stay together, contexts in the order of their first chunk's name. When
/// any chunk does not tell its number, or cannot be read, the order of names stays.
pub(super) fn in_reading_order(
    files: &[SourceFile],
    opener: &Opener,
    limits: &Limits,
) -> Vec<SourceFile> {
    let mut files = files.to_vec();
    if files.len() < 2 {
        return files;
    }
    let rollovers: Option<Vec<_>> = files
        .iter()
        .map(|file| read_rollover(file, opener, limits))
        .collect();
    if let Some(rollovers) = rollovers {
        let order = reading_order(&rollovers);
        let mut keyed: Vec<_> = order.into_iter().zip(files).collect();
        keyed.sort_by_key(|(key, _)| *key);
        files = keyed.into_iter().map(|(_, file)| file).collect();
    }
    files
}

/// For each chunk: the place of its context, and its number there.
fn reading_order(rollovers: &[Rollover]) -> Vec<(usize, i64)> {
    let place_of = |context| rollovers.iter().position(|other| other.context == context);
    rollovers
        .iter()
        .map(|rollover| {
            (
                place_of(rollover.context).unwrap_or_default(),
                rollover.number,
            )
        })
        .collect()
}

fn read_rollover(file: &SourceFile, opener: &Opener, limits: &Limits) -> Option<Rollover> {
    let mut head = Vec::new();
    opener
        .open_head(file, HEAD_BYTES)
        .ok()?
        .read_to_end(&mut head)
        .ok()?;
    let codec = Codec::detect(head.get(..DETECT_BYTES).unwrap_or(&head), &file.uri)?;
    let text = decoder(codec, std::io::Cursor::new(head), limits).ok()?;
    let mut line = Vec::new();
    BufReader::new(text.take(HEAD_BYTES))
        .read_until(b'\n', &mut line)
        .ok()?;
    serde_json::from_slice(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_stay_together_and_chunks_go_by_number() {
        let rollover = |context, number| Rollover { number, context };
        let order = reading_order(&[rollover(7, 1), rollover(9, 0), rollover(7, 0)]);
        assert_eq!(order, [(0, 1), (1, 0), (0, 0)]);
    }

    #[test]
    fn numbers_beyond_doubles_are_kept() {
        let line = r#"{"Event":"DBCEventLoggingListenerMetadata","Rollover Number":3,"SparkContext Id":8880912756278443690}"#;
        let rollover: Rollover = serde_json::from_str(line).unwrap();
        assert_eq!(
            rollover,
            Rollover {
                number: 3,
                context: 8_880_912_756_278_443_690
            }
        );
    }
}
